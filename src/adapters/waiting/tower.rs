//! An asynchronous middleware as a tower service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::event;
use crate::middleware::{Admission, AsyncMiddleware, Later};
use crate::refusal::Refusal;

/// A service behind a middleware that may have to wait.
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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    M: AsyncMiddleware,
    ResBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, M, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let middleware = self.middleware.clone();
        let mut memo = M::Memo::default();
        let state = match middleware.admit(&mut request, &mut memo) {
            Admission::Now(Ok(())) => State::Running { inner: self.inner.call(request) },
            Admission::Now(Err(refusal)) => {
                event::refused(&request, &refusal);
                State::Refused { refusal: Some(refusal) }
            }
            Admission::Later(decision) => {
                // The one that is ready is the one to be called; its clone may not be.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                State::Waiting { decision, held: Some((ready, request)) }
            }
        };
        ResponseFuture { state, middleware, memo }
    }
}

pin_project! {
    /// The response of a service behind a middleware that may have to wait.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, M, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
        M: AsyncMiddleware,
    {
        #[pin]
        state: State<S, S::Future, ReqBody, ResBody>,
        middleware: M,
        memo: M::Memo,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, ReqBody, ResBody> {
        Waiting { decision: Later<Result<(), Refusal>>, held: Option<(S, Request<ReqBody>)> },
        Running { #[pin] inner: F },
        Settling { settling: Later<()>, response: Option<Response<ResBody>> },
        Refused { refusal: Option<Refusal> },
        Over,
    }
}

impl<S, M, ReqBody, ResBody> Future for ResponseFuture<S, M, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    M: AsyncMiddleware,
    ResBody: From<Bytes>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let mut response = match this.state.as_mut().project() {
                StateProj::Waiting { decision, held } => {
                    let decision = ready!(decision.as_mut().poll(cx));
                    let Some((mut service, request)) = held.take() else { return Poll::Pending };
                    match decision {
                        Ok(()) => {
                            let inner = service.call(request);
                            this.state.set(State::Running { inner });
                        }
                        Err(refusal) => {
                            event::refused(&request, &refusal);
                            this.state.set(State::Refused { refusal: Some(refusal) });
                        }
                    }
                    continue;
                }
                StateProj::Running { inner } => match ready!(inner.poll(cx)) {
                    Ok(response) => {
                        let status = response.status().as_u16();
                        if let Some(settling) = this.middleware.settle(this.memo, status) {
                            let response = Some(response);
                            this.state.set(State::Settling { settling, response });
                            continue;
                        }
                        response
                    }
                    Err(error) => {
                        this.state.set(State::Over);
                        return Poll::Ready(Err(error));
                    }
                },
                StateProj::Settling { settling, response } => {
                    ready!(settling.as_mut().poll(cx));
                    let Some(response) = response.take() else { return Poll::Pending };
                    response
                }
                StateProj::Refused { refusal } => match refusal.take() {
                    Some(refusal) => refusal.into_response(),
                    None => return Poll::Pending,
                },
                // Polled again after it was ready, which `Future` leaves open.
                StateProj::Over => return Poll::Pending,
            };
            this.middleware.finish(this.memo, &mut response);
            this.state.set(State::Over);
            return Poll::Ready(Ok(response));
        }
    }
}

impl<S, M, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, M, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
    M: AsyncMiddleware,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
