//! The way into the network.

use bytes::Bytes;

use super::gateway::Work;

/// Sends a request, and gives the answer: the way into the network, which is the app's own choice.
///
/// - https only, certificates verified, and **no redirects followed**.
/// - With a deadline, and a limit for the answer: a megabyte is more than enough.
///
/// With the feature `reqwest`, [`Reqwest`](crate::adapters::reqwest::Reqwest) is one.
pub trait HttpSend: Send + Sync + 'static {
    /// Sends it. An answer of any status is one; no answer is an error.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Work<'_, Result<http::Response<Bytes>, HttpError>>;
}

/// There was no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the gateway does not answer")]
#[non_exhaustive]
pub struct HttpError;

impl HttpError {
    /// There was none.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Default for HttpError {
    fn default() -> Self {
        Self::new()
    }
}
