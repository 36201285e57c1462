//! What the middleware of this crate hand on to handlers, and to one another, during one request.
//!
//! It all lives in one request extension, because inserting an extension may take three
//! allocations. Whichever middleware needs it first creates it.

use std::sync::Arc;
#[cfg(feature = "headers")]
use std::sync::OnceLock;
#[cfg(feature = "headers")]
use std::sync::atomic::{AtomicBool, Ordering};

use crate::head::RequestHead;
#[cfg(feature = "headers")]
use crate::headers::csp::Nonce;

#[derive(Clone, Debug, Default)]
pub(crate) struct Context(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    #[cfg(feature = "headers")]
    nonce: OnceLock<Nonce>,
    /// Some policy around the route has a place for the nonce.
    #[cfg(feature = "headers")]
    has_nonce: AtomicBool,
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

    /// Promises that a header will carry the nonce.
    #[cfg(feature = "headers")]
    pub(crate) fn promise_nonce(&self) {
        self.0.has_nonce.store(true, Ordering::Relaxed);
    }

    /// The request's nonce, which is made when first asked for; `None` if no header will carry it.
    #[cfg(feature = "headers")]
    pub(crate) fn nonce(&self) -> Option<Nonce> {
        let promised = self.0.has_nonce.load(Ordering::Relaxed);
        promised.then(|| *self.0.nonce.get_or_init(Nonce::random))
    }

    /// The request's nonce, if anybody has asked for it.
    #[cfg(feature = "headers")]
    pub(crate) fn nonce_taken(&self) -> Option<Nonce> {
        self.0.nonce.get().copied()
    }
}
