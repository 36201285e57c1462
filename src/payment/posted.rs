//! That a payment was asked for by a form.

use http::StatusCode;

use crate::head::{Name, RequestHead, Value};
use crate::refusal::Refusal;

/// That a request was a `POST` which a person has sent: the first argument of a handler that begins a payment (an
/// extractor, features `axum` and `actix`).
///
/// **The attack.** A link, an image or a browser that fetches ahead begins a payment that nobody has asked for.
///
/// `GET` and `HEAD` are answered 405, and so is what a browser or a proxy sends ahead of its user.
#[derive(Debug)]
#[must_use = "it shows that a payment may begin"]
pub struct Posted(());

impl Posted {
    /// Whether this request is one.
    pub fn of<R: RequestHead>(request: &R) -> Result<Self, Refusal> {
        if request.method() == "POST" && !is_ahead(request) {
            return Ok(Self(()));
        }
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a payment begins by POST");
        Err(refusal.with_header(ALLOW, POST))
    }
}

/// Whether a browser or a proxy has sent it ahead of its user.
pub(super) fn is_ahead<R: RequestHead>(request: &R) -> bool {
    let says_so = |value: &[u8]| {
        let value = value.to_ascii_lowercase();
        [&b"prefetch"[..], b"prerender", b"preview"]
            .iter()
            .any(|word| value.windows(word.len()).any(|window| window == *word))
    };
    let names = [&SEC_PURPOSE, &PURPOSE, &X_PURPOSE, &X_MOZ];
    names.into_iter().any(|name| request.header(name).any(says_so))
}

static SEC_PURPOSE: Name = Name::from_static("sec-purpose");
static PURPOSE: Name = Name::from_static("purpose");
static X_PURPOSE: Name = Name::from_static("x-purpose");
static X_MOZ: Name = Name::from_static("x-moz");
const ALLOW: Name = Name::from_static("allow");
const POST: Value = Value::from_static("POST");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_begins_by_a_form_alone() {
        let request = |method: &str, name: &str, value: &str| {
            let request = http::Request::builder().method(method).uri("/pay").header(name, value);
            Posted::of(&request.body(()).unwrap())
        };
        assert!(request("POST", "accept", "*/*").is_ok());
        for (method, name, value) in [
            ("GET", "accept", "*/*"),
            ("HEAD", "accept", "*/*"),
            ("PUT", "accept", "*/*"),
            ("GET", "x-http-method-override", "POST"),
            ("POST", "sec-purpose", "prefetch;prerender"),
            ("POST", "purpose", "Prefetch"),
            ("POST", "x-moz", "prefetch"),
        ] {
            let refusal = request(method, name, value).unwrap_err();
            assert_eq!(refusal.status(), 405, "{method} {name}: {value}");
        }
    }
}
