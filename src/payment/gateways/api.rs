//! What gateways that are asked over the network have in common: how an answer is taken, and what is sent.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::super::checkout::Checkout;
use super::super::error::{ConfigError, StartError};
use super::super::http::HttpSend;
use super::super::start::Start;
use super::super::state::Mode;
use super::super::url::Origin;
use super::super::word::Unbelieved;

/// Why a gateway was asked in vain.
#[derive(Debug)]
pub(super) enum Failed {
    /// It does not answer, or has too much to do.
    Away,
    /// It does not know the key, or the key may not do this.
    Access,
    /// It does not do it.
    Refused,
    /// Its answer is none.
    Garbled,
    /// What was to be sent is no request.
    Unsendable,
}

impl From<Failed> for StartError {
    fn from(failed: Failed) -> Self {
        Self::Gateway(match failed {
            Failed::Away => "it does not answer",
            Failed::Access => "it gives no access: look at the account's keys",
            Failed::Refused => "it refuses the request",
            Failed::Garbled => "its answer cannot be read",
            Failed::Unsendable => "the request cannot be written",
        })
    }
}

/// What is not found out is to be asked again. An answer that is none is worth an event.
impl From<Failed> for Unbelieved {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Away => Self::Unavailable("the gateway does not answer"),
            Failed::Access => Self::Unavailable("the gateway gives no access"),
            Failed::Refused => Self::Unavailable("the gateway refuses to say"),
            Failed::Garbled => Self::Unclear("the gateway's answer cannot be read"),
            Failed::Unsendable => Self::Malformed("the request cannot be written"),
        }
    }
}

/// Sends it, and takes the answer if that is what was asked for.
pub(super) async fn send(
    http: &dyn HttpSend,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Failed> {
    let answer = exchange(http, request).await?;
    if answer.status().is_success() { Ok(answer) } else { Err(failed(answer.status())) }
}

/// Sends it, and takes an answer of any status.
pub(super) async fn exchange(
    http: &dyn HttpSend,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Failed> {
    let answer = http.send(request).await.map_err(|_| Failed::Away)?;
    // The one who sends is to have a limit of its own; this is for those that have none.
    if answer.body().len() > LONGEST {
        return Err(Failed::Garbled);
    }
    Ok(answer)
}

/// What a status says that is no success. One that leads elsewhere is a refusal: nothing is followed.
pub(super) fn failed(status: StatusCode) -> Failed {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failed::Access,
        StatusCode::TOO_MANY_REQUESTS => Failed::Away,
        status if status.is_server_error() => Failed::Away,
        _ => Failed::Refused,
    }
}

/// What stands in a body. Fields that nobody asks for are ignored; one that stands there twice is an error.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failed> {
    serde_json::from_slice(body).map_err(|_| Failed::Garbled)
}

/// A header that no log is to show.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, Failed> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Failed::Unsendable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The name of one attempt to pay, by which a gateway knows a request that is sent again.
///
/// It is made of the address to which the browser comes back, whose token is of this attempt alone. One that is
/// of the order would be refused the second time, since the address is another one then; a random one would
/// do as well, but for tests.
pub(super) fn attempt(start: &Start<'_>) -> String {
    hex(&Sha256::digest(start.back.as_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // a string takes all that is written to it
    }
    text
}

/// What the payer reads, of at most so many characters.
pub(super) fn shown(checkout: &Checkout, most: usize) -> Result<String, StartError> {
    let text = checkout.shown().trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(StartError::Malformed("the description"));
    }
    Ok(text.chars().take(most).collect())
}

/// A gateway's name for something, which is put into a path: nothing in it leads elsewhere.
pub(super) fn is_name(text: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=255).contains(&text.len()) && text.bytes().all(is_one)
}

/// Something that an account was given: visible ASCII, so that it is itself in a header.
pub(super) fn is_key(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A simulator's origin: on this machine, and never in production.
pub(super) fn simulator(
    gateway: &'static str,
    mode: Mode,
    origin: &str,
) -> Result<Origin, ConfigError> {
    let origin: Origin = origin.parse()?;
    if mode == Mode::Production {
        return Err(ConfigError::Mode { gateway, what: "a simulator", mode });
    }
    if !origin.is_this_machine() {
        let mend = "it is on this machine: https://localhost:3443";
        return Err(ConfigError::Account { gateway, what: "the simulator", mend });
    }
    Ok(origin)
}

/// An answer is a few kilobytes.
pub(super) const LONGEST: usize = 1 << 20;

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::super::super::gateway::Work;
    use super::super::super::http::HttpError;
    use super::*;

    /// A network that answers what it was told to, and remembers what it was asked.
    #[derive(Clone, Default)]
    pub(in super::super) struct Canned(Arc<Mutex<Script>>);

    #[derive(Default)]
    struct Script {
        answers: VecDeque<(u16, String)>,
        asked: Vec<Request<Bytes>>,
    }

    impl Canned {
        pub(in super::super) fn new<S: Into<String>>(
            answers: impl IntoIterator<Item = (u16, S)>,
        ) -> Self {
            let answers = answers.into_iter().map(|(status, body)| (status, body.into()));
            Self(Arc::new(Mutex::new(Script { answers: answers.collect(), asked: Vec::new() })))
        }

        /// What was asked since the last time: `GET /path`, and the request.
        pub(in super::super) fn asked(&self) -> Vec<(String, Request<Bytes>)> {
            let asked = std::mem::take(&mut self.0.lock().unwrap().asked);
            let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
            asked.into_iter().map(|request| (line(&request), request)).collect()
        }

        pub(in super::super) fn lines(&self) -> Vec<String> {
            self.asked().into_iter().map(|(line, _)| line).collect()
        }
    }

    impl HttpSend for Canned {
        fn send(&self, request: Request<Bytes>) -> Work<'_, Result<Response<Bytes>, HttpError>> {
            let mut script = self.0.lock().unwrap();
            script.asked.push(request);
            let answer = script.answers.pop_front().ok_or(HttpError::new());
            Box::pin(async move {
                let (status, body) = answer?;
                Ok(Response::builder().status(status).body(Bytes::from(body)).unwrap())
            })
        }
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let ask = |status: u16, body: String| {
            let http = Canned::new([(status, body)]);
            tokio_test::block_on(send(&http, Request::new(Bytes::new())))
        };
        let small = || "{}".to_owned();
        assert!(ask(200, small()).is_ok() && ask(201, small()).is_ok());
        for status in [401, 403] {
            let failed = ask(status, small()).unwrap_err();
            assert!(matches!(failed, Failed::Access));
            assert!(StartError::from(failed).to_string().contains("access"));
        }
        for status in [429, 500, 502, 503] {
            let failed = ask(status, small()).unwrap_err();
            assert!(matches!(Unbelieved::from(failed), Unbelieved::Unavailable(_)), "{status}");
        }
        for status in [301, 302, 307, 400, 404, 422] {
            assert!(matches!(ask(status, small()), Err(Failed::Refused)), "{status}");
        }
        assert!(matches!(ask(200, " ".repeat(LONGEST + 1)), Err(Failed::Garbled)));
        let gone = tokio_test::block_on(send(&Canned::default(), Request::new(Bytes::new())));
        assert!(matches!(gone, Err(Failed::Away)));
        assert!(read::<serde_json::Value>(b"<html>").is_err());
    }

    #[test]
    fn no_name_leads_elsewhere() {
        for name in ["", "../v1/payouts", "a/b", "a?b", "a b", "a%2fb", "\u{430}"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("cs_test_a1B2-c3"));
    }
}
