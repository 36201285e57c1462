//! An asynchronous middleware as an actix-web service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use pin_project_lite::pin_project;

use crate::event;
use crate::middleware::{Admission, AsyncMiddleware, Later};
use crate::refusal::{MaybeRefusal as _, Refusal};

/// A service behind a middleware that may have to wait.
pub struct Guarded<S, M> {
    inner: Rc<S>,
    middleware: M,
}

impl<S, M> Guarded<S, M> {
    pub(crate) fn new(inner: S, middleware: M) -> Self {
        Self { inner: Rc::new(inner), middleware }
    }
}

impl<S, M, B> Service<ServiceRequest> for Guarded<S, M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    M: AsyncMiddleware,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S, M, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let middleware = self.middleware.clone();
        let mut memo = M::Memo::default();
        let state = match middleware.admit(&mut request, &mut memo) {
            Admission::Now(Ok(())) => State::Running { inner: self.inner.call(request) },
            Admission::Now(Err(refusal)) => refuse(request, refusal),
            Admission::Later(decision) => {
                State::Waiting { decision, held: Some((Rc::clone(&self.inner), request)) }
            }
        };
        ResponseFuture { state, middleware, memo: Some(memo) }
    }
}

pin_project! {
    /// The response of a service behind a middleware that may have to wait.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, M, B>
    where
        S: Service<ServiceRequest>,
        M: AsyncMiddleware,
    {
        #[pin]
        state: State<S, S::Future, B>,
        middleware: M,
        memo: Option<M::Memo>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B> {
        Waiting { decision: Later<Result<(), Refusal>>, held: Option<(Rc<S>, ServiceRequest)> },
        Running { #[pin] inner: F },
        Settling { settling: Later<()>, result: Option<Answered<B>> },
        Refused { response: Option<ServiceResponse<EitherBody<B>>> },
        Over,
    }
}

type Answered<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

impl<S, M, B> Future for ResponseFuture<S, M, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    M: AsyncMiddleware,
{
    type Output = Answered<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = loop {
            match this.state.as_mut().project() {
                StateProj::Waiting { decision, held } => {
                    let decision = ready!(decision.as_mut().poll(cx));
                    let Some((service, request)) = held.take() else { return Poll::Pending };
                    let next = match decision {
                        Ok(()) => State::Running { inner: service.call(request) },
                        Err(refusal) => refuse(request, refusal),
                    };
                    this.state.set(next);
                }
                StateProj::Running { inner } => {
                    let result = ready!(inner.poll(cx)).map(ServiceResponse::map_into_left_body);
                    let status = match &result {
                        Ok(response) => response.status(),
                        // Not all errors that make a response say its status otherwise.
                        Err(error) => error.error_response().status(),
                    };
                    let memo = this.memo.as_ref();
                    let settling =
                        memo.and_then(|memo| this.middleware.settle(memo, status.as_u16()));
                    let Some(settling) = settling else { break result };
                    this.state.set(State::Settling { settling, result: Some(result) });
                }
                StateProj::Settling { settling, result } => {
                    ready!(settling.as_mut().poll(cx));
                    let Some(result) = result.take() else { return Poll::Pending };
                    break result;
                }
                StateProj::Refused { response } => {
                    let Some(response) = response.take() else { return Poll::Pending };
                    break Ok(response);
                }
                // Polled again after it was ready, which `Future` leaves open.
                StateProj::Over => return Poll::Pending,
            }
        };
        this.state.set(State::Over);
        let Some(memo) = this.memo.take() else { return Poll::Pending };
        Poll::Ready(match result {
            Ok(mut response) => {
                this.middleware.finish(&memo, &mut response);
                Ok(response)
            }
            Err(mut error) => {
                let middleware = this.middleware.clone();
                error.add_response_mapper(move |mut response| {
                    middleware.finish(&memo, &mut response);
                    response
                });
                Err(error)
            }
        })
    }
}

fn refuse<S, F, B>(request: ServiceRequest, refusal: Refusal) -> State<S, F, B> {
    event::refused(&request, &refusal);
    State::Refused { response: Some(refusal.actix_refused(request)) }
}

impl<S, M: fmt::Debug> fmt::Debug for Guarded<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("middleware", &self.middleware).finish_non_exhaustive()
    }
}

impl<S, M, B> fmt::Debug for ResponseFuture<S, M, B>
where
    S: Service<ServiceRequest>,
    M: AsyncMiddleware,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
