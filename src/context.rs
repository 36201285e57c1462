//! What the middleware of this crate hand on to handlers, and to one another, during one request.
//!
//! It all lives in one request extension, because inserting an extension may take three
//! allocations. Whichever middleware needs it first creates it.

use std::sync::Arc;
#[cfg(feature = "headers")]
use std::sync::OnceLock;
#[cfg(feature = "headers")]
use std::sync::atomic::{AtomicU8, Ordering};

use crate::head::RequestHead;
#[cfg(feature = "headers")]
use crate::headers::csp::Nonce;

#[derive(Clone, Debug, Default)]
pub(crate) struct Context(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    #[cfg(feature = "headers")]
    nonce: OnceLock<Option<Nonce>>,
    /// Whether the header that is sent will carry the nonce: see [`Context::promise_nonce`].
    #[cfg(feature = "headers")]
    promise: AtomicU8,
}

impl Context {
    /// The request's context, which is created if need be.
    pub(crate) fn of<R: RequestHead>(request: &mut R) -> Self {
        request.extension().unwrap_or_else(|| {
            let context = Self::default();
            request.insert_extension(context.clone());
            context
        })
    }

    /// Says whether the policy that is sent will carry the nonce. The layer nearest to the handler
    /// speaks last, and its policy is the one that is sent, unless one further out overrides it.
    #[cfg(feature = "headers")]
    pub(crate) fn promise_nonce(&self, carries: bool, overrides: bool) {
        if self.0.promise.load(Ordering::Relaxed) & SETTLED == 0 {
            let promise = if carries { CARRIES } else { 0 } | if overrides { SETTLED } else { 0 };
            self.0.promise.store(promise, Ordering::Relaxed);
        }
    }

    /// The request's nonce, which is made when first asked for; `None` if no header will carry it,
    /// or none did: the response's head is finished.
    #[cfg(feature = "headers")]
    pub(crate) fn nonce(&self) -> Option<Nonce> {
        let carries = self.0.promise.load(Ordering::Relaxed) & CARRIES != 0;
        carries.then(|| *self.0.nonce.get_or_init(|| Some(Nonce::random()))).flatten()
    }

    /// The request's nonce, if anybody has asked for it. From now on nobody gets one.
    #[cfg(feature = "headers")]
    pub(crate) fn seal_nonce(&self) -> Option<Nonce> {
        *self.0.nonce.get_or_init(|| None)
    }
}

#[cfg(feature = "headers")]
const CARRIES: u8 = 1;
#[cfg(feature = "headers")]
const SETTLED: u8 = 2;
