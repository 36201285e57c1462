//! The answer to a request that a middleware does not let through.
//!
//! A refusal is a response, never an error of the service. The client gets the status and a short
//! problem document ([RFC 9457]) that says nothing of the reason; the reason goes into the
//! response's extensions, where logs, metrics and an app's own error page find it:
//!
//! ```
//! use donjon::refusal::Refusal;
//! use http::{Response, StatusCode};
//!
//! let refusal = Refusal::new(StatusCode::FORBIDDEN, "address not on the list");
//! let response: Response<axum::body::Body> = refusal.into_response();
//!
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! assert_eq!(response.headers()["content-type"], "application/problem+json");
//! assert_eq!(response.extensions().get::<Refusal>().unwrap().reason(), "address not on the list");
//! ```
//!
//! An app that wants its own page maps the response, in an outer layer, when it finds a
//! [`Refusal`] in the extensions.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

use bytes::Bytes;
use http::StatusCode;

pub use self::maybe::{Answer, MaybeRefusal};
use crate::event::EventName;
use crate::head::{Name, ResponseHead, Value};

mod maybe;

/// Why and how a request was refused.
#[derive(Clone, Debug)]
#[must_use = "a refusal is to be returned"]
pub struct Refusal {
    status: StatusCode,
    reason: &'static str,
    headers: Vec<(Name, Value)>,
    event: Option<EventName>,
    bare: bool,
}

impl Refusal {
    /// A refusal with this status. The reason is for logs and [events](crate::event): the client
    /// never sees it. A status from 300 to 399 is a redirect and has no document.
    pub const fn new(status: StatusCode, reason: &'static str) -> Self {
        let event = match status.as_u16() {
            401 | 403 | 404 => Some(EventName::AuthzFail),
            429 => Some(EventName::ExcessRateLimitExceeded),
            400..=499 => Some(EventName::InputValidationFail),
            _ => None,
        };
        Self {
            status,
            reason,
            headers: Vec::new(),
            event,
            bare: matches!(status.as_u16(), 300..=399),
        }
    }

    /// Tells the [event log](crate::event) of it by this name. Without this it is `authz_fail` for
    /// 401, 403 and 404, `excess_rate_limit_exceeded` for 429, `input_validation_fail` for the other
    /// statuses from 400 to 499, and nothing for redirects and failures of the server.
    pub const fn with_event(mut self, event: EventName) -> Self {
        self.event = Some(event);
        self
    }

    /// Adds a header to the response, such as `Retry-After` or `WWW-Authenticate`. One of the same
    /// name replaces it.
    pub fn with_header(mut self, name: Name, value: Value) -> Self {
        self.headers.reserve_exact(1); // most have one
        self.headers.push((name, value));
        self
    }

    /// Adds `Retry-After`, in whole seconds and rounded up, at least one: whoever waits so long has
    /// waited long enough.
    pub fn retry_after(self, wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        match Value::new(seconds.max(1).to_string()) {
            Some(seconds) => self.with_header(RETRY_AFTER, seconds),
            // Digits are a value.
            None => self,
        }
    }

    /// The status the client gets.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Without a document, and without a header but those that were added; a redirect still says that
    /// it is not to be stored.
    pub const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// By which name the event log is told of it.
    #[must_use]
    pub const fn event(&self) -> Option<EventName> {
        self.event
    }

    /// The event log knows already.
    #[cfg(any(feature = "payment", feature = "roles"))]
    pub(crate) const fn told(mut self) -> Self {
        self.event = None;
        self
    }

    /// The reason, which the client does not get.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// The response the client gets.
    #[must_use]
    pub fn into_response<B: From<Bytes>>(self) -> http::Response<B> {
        let mut response = http::Response::new(B::from(self.problem()));
        *response.status_mut() = self.status;
        self.finish(&mut response);
        response
    }

    fn finish<H: ResponseHead>(self, response: &mut H) {
        if !self.bare {
            response.insert(&CONTENT_TYPE, &PROBLEM_JSON);
        }
        if !self.bare || self.status.is_redirection() {
            response.insert(&CACHE_CONTROL, &NO_STORE);
        }
        for (name, value) in &self.headers {
            response.insert(name, value);
        }
        response.insert_extension(self);
    }

    /// The document, by status. With the type `about:blank` the title is the status phrase.
    fn problem(&self) -> Bytes {
        if self.bare {
            return Bytes::new();
        }
        macro_rules! problems {
            ($($status:literal $title:literal,)+) => {
                match self.status.as_u16() {
                    $($status => Bytes::from_static(
                        concat!("{\"status\":", $status, ",\"title\":\"", $title, "\"}").as_bytes(),
                    ),)+
                    status => Bytes::from(format!("{{\"status\":{status}}}")),
                }
            };
        }
        problems! {
            400 "Bad Request",
            401 "Unauthorized",
            403 "Forbidden",
            404 "Not Found",
            405 "Method Not Allowed",
            413 "Content Too Large",
            415 "Unsupported Media Type",
            421 "Misdirected Request",
            422 "Unprocessable Content",
            429 "Too Many Requests",
            500 "Internal Server Error",
            503 "Service Unavailable",
        }
    }
}

#[cfg(feature = "actix")]
impl Refusal {
    /// The response the client gets, for actix-web.
    #[must_use]
    pub fn into_actix_response(self) -> actix_web::HttpResponse {
        // Any status of `http` 1 is one of `http` 0.2.
        let status = actix_web::http::StatusCode::from_u16(self.status.as_u16())
            .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
        let body = actix_web::body::BoxBody::new(self.problem());
        let mut response = actix_web::HttpResponse::with_body(status, body);
        self.finish(&mut response);
        response
    }
}

/// For extractors of actix-web, which refuse with an error.
#[cfg(feature = "actix")]
impl actix_web::ResponseError for Refusal {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.clone().into_actix_response().status()
    }

    fn error_response(&self) -> actix_web::HttpResponse {
        self.clone().into_actix_response()
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.reason)
    }
}

impl std::error::Error for Refusal {}

static PROBLEM_JSON: Value = Value::from_static("application/problem+json");
static NO_STORE: Value = Value::from_static("no-store");
static CONTENT_TYPE: Name = Name::from_static("content-type");
const RETRY_AFTER: Name = Name::from_static("retry-after");
static CACHE_CONTROL: Name = Name::from_static("cache-control");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_learns_the_status_and_nothing_else() {
        for status in (400..600).filter_map(|code| StatusCode::from_u16(code).ok()) {
            let response: http::Response<Bytes> =
                Refusal::new(status, "the secret reason").into_response();

            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["cache-control"], "no-store", "{status}");
            let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(problem["status"], status.as_u16(), "{status}");
            let sent = format!("{:?} {:?}", response.headers(), response.body());
            assert!(!sent.contains("secret"), "{sent}");
        }
    }

    #[test]
    fn the_headers_of_the_refusal_are_sent() {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many")
            .with_header(Name::from_static("retry-after"), Value::new("3").unwrap())
            .with_header(Name::from_static("x-more"), Value::new("4").unwrap());

        let response: http::Response<Bytes> = refusal.into_response();

        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["x-more"], "4");
    }
}
