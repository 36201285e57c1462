//! What the payer's browser, or the gateway, is answered.

use bytes::Bytes;
use http::StatusCode;

use super::page::HandoffPage;
use super::start::{Handoff, Way};
use crate::head::{Name, ResponseHead, Value};

/// A response, for whatever framework: with the features `axum` and `actix` a handler returns it.
#[derive(Clone)]
#[must_use = "it is to be returned"]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(Name, Value)>,
    body: Bytes,
}

/// Tokens, payers and what is signed stand in it.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// Without a body. Nobody stores it, and nobody further on learns where the browser was: the address may
    /// have a token in it.
    pub(super) fn new(status: StatusCode) -> Self {
        let headers = vec![(CACHE_CONTROL, NO_STORE), (REFERRER_POLICY, NO_REFERRER)];
        Self { status, headers, body: Bytes::new() }
    }

    /// To go there, by `GET`, whatever this was.
    pub(super) fn see_other(location: String) -> Self {
        let mut answer = Self::new(StatusCode::SEE_OTHER);
        match Value::new(location) {
            Some(location) => answer.headers.push((LOCATION, location)),
            // No path and no URL that was accepted holds what a header may not.
            None => answer.status = StatusCode::INTERNAL_SERVER_ERROR,
        }
        answer
    }

    pub(super) fn handoff(handoff: &Handoff, page: &HandoffPage) -> Self {
        match &handoff.way {
            Way::SeeOther(url) => Self::see_other(url.as_str().to_owned()),
            Way::Post { action, fields } => {
                let mut answer = Self::new(StatusCode::OK);
                answer.body = page.html(action, fields).into();
                let policy = Value::new(HandoffPage::policy(action));
                answer.headers.extend(policy.map(|policy| (POLICY, policy)));
                answer.headers.extend([(CONTENT_TYPE, HTML), (NOSNIFF, IS_NOSNIFF)]);
                answer
            }
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The response.
    #[must_use]
    pub fn into_response<B: From<Bytes>>(self) -> http::Response<B> {
        let mut response = http::Response::new(B::from(self.body.clone()));
        *response.status_mut() = self.status;
        self.finish(&mut response);
        response
    }

    /// The body's bytes.
    #[cfg(feature = "actix")]
    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub(crate) fn finish<H: ResponseHead>(&self, response: &mut H) {
        for (name, value) in &self.headers {
            response.insert(name, value);
        }
    }
}

const CACHE_CONTROL: Name = Name::from_static("cache-control");
const NO_STORE: Value = Value::from_static("no-store");
pub(super) const REFERRER_POLICY: Name = Name::from_static("referrer-policy");
pub(super) const NO_REFERRER: Value = Value::from_static("no-referrer");
const LOCATION: Name = Name::from_static("location");
const CONTENT_TYPE: Name = Name::from_static("content-type");
const HTML: Value = Value::from_static("text/html; charset=utf-8");
const NOSNIFF: Name = Name::from_static("x-content-type-options");
const IS_NOSNIFF: Value = Value::from_static("nosniff");
const POLICY: Name = Name::from_static("content-security-policy");
