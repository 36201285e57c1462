//! A middleware as a tower service: for axum, hyper, tonic and whatever else is built on tower.
//!
//! Every response of the inner service passes through [`finish`](Middleware::finish): 404 and 405,
//! extractor rejections, streams, upgrades. What an axum `Router` gets by `fallback` *after*
//! `layer` is outside the layer; put the layer on last, or around the whole router.
//! Errors of the inner service pass through unchanged.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::event;
use crate::middleware::Middleware;
use crate::refusal::{Answer, MaybeRefusal as _};

/// A service behind a middleware.
#[derive(Clone, Debug)]
pub struct Guarded<S, M> {
    inner: S,
    middleware: M,
}

impl<S, M> Guarded<S, M> {
    pub(crate) const fn new(inner: S, middleware: M) -> Self {
        Self { inner, middleware }
    }
}

impl<S, M, ReqBody, ResBody> Service<Request<ReqBody>> for Guarded<S, M>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    M: Middleware + Clone,
    M::Refusal: Answer<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, M>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut memo = M::Memo::default();
        let middleware = self.middleware.clone();
        match middleware.admit(&mut request, &mut memo) {
            // The inner future is made where it stays.
            Ok(()) => ResponseFuture {
                kind: Kind::Admitted { inner: self.inner.call(request) },
                middleware,
                memo,
            },
            Err(refusal) => {
                event::refused(&request, refusal.as_refusal());
                ResponseFuture { kind: Kind::Refused { refusal: Some(refusal) }, middleware, memo }
            }
        }
    }
}

pin_project! {
    /// The response of a service behind a middleware.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, M: Middleware> {
        #[pin]
        kind: Kind<F, M::Refusal>,
        middleware: M,
        memo: M::Memo,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, R> {
        Admitted { #[pin] inner: F },
        Refused { refusal: Option<R> },
    }
}

impl<F, M, B, E> Future for ResponseFuture<F, M>
where
    F: Future<Output = Result<Response<B>, E>>,
    M: Middleware,
    M::Refusal: Answer<B>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = match this.kind.project() {
            KindProj::Admitted { inner } => ready!(inner.poll(cx)),
            KindProj::Refused { refusal } => match refusal.take() {
                Some(refusal) => Ok(refusal.answer()),
                // Polled again after it was ready, which `Future` leaves open.
                None => return Poll::Pending,
            },
        };
        if let Ok(response) = &mut result {
            this.middleware.finish(this.memo, response);
        }
        Poll::Ready(result)
    }
}

impl<F, M: Middleware> std::fmt::Debug for ResponseFuture<F, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
