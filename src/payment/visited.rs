//! That somebody has come back.

use http::StatusCode;

use super::answer::{NO_REFERRER, REFERRER_POLICY};
use super::posted::is_ahead;
use crate::head::{Name, RequestHead, Value};
use crate::refusal::Refusal;

/// That a request was a `GET` by which a person has come: the first argument of a handler to which browsers come back
/// (an extractor, features `axum` and `actix`).
///
/// **The attack.** A browser, a mail scanner or a preview looks ahead at the URL, uses up the token that is good
/// once, and the payer is told that somebody was there before.
///
/// What is sent ahead of its user is answered 503, upon which browsers come again with him; anything but `GET` is
/// answered 405. Who does not say that he looks ahead is not found out: the token is no login, and the order's page
/// shows the same without it.
#[derive(Debug)]
#[must_use = "it shows that somebody has come back"]
pub struct Visited(());

impl Visited {
    /// Whether this request is one.
    pub fn of<R: RequestHead>(request: &R) -> Result<Self, Refusal> {
        if request.method() != "GET" {
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "browsers come back by GET");
            return Err(refusal.with_header(ALLOW, GET).with_header(REFERRER_POLICY, NO_REFERRER));
        }
        if is_ahead(request) {
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ahead of its user");
            return Err(refusal.with_header(REFERRER_POLICY, NO_REFERRER));
        }
        Ok(Self(()))
    }
}

const ALLOW: Name = Name::from_static("allow");
const GET: Value = Value::from_static("GET");
