//! A middleware as an actix-web service.
//!
//! Every response passes through [`finish`](Middleware::finish), also those that actix-web makes
//! later of an `Err` that an inner middleware returned.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, FromRequest, HttpRequest};
use http::StatusCode;
use pin_project_lite::pin_project;

use crate::client::Client;
use crate::event::{self, Reporter};
use crate::middleware::Middleware;
use crate::refusal::{MaybeRefusal, Refusal};

/// The body of a response that passed the middleware `M`: `B` itself if `M` never refuses.
pub type Body<M, B> = <<M as Middleware>::Refusal as MaybeRefusal>::ActixBody<B>;

/// A service behind a middleware.
pub struct Guarded<S, M> {
    inner: S,
    middleware: Rc<M>,
}

impl<S, M> Guarded<S, M> {
    pub(crate) fn new(inner: S, middleware: M) -> Self {
        Self { inner, middleware: Rc::new(middleware) }
    }
}

impl<S, M, B> Service<ServiceRequest> for Guarded<S, M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    M: Middleware + 'static,
{
    type Response = ServiceResponse<Body<M, B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, M, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let mut memo = M::Memo::default();
        let kind = match self.middleware.admit(&mut request, &mut memo) {
            Ok(()) => Kind::Admitted { inner: self.inner.call(request) },
            Err(refusal) => {
                event::refused(&request, refusal.as_refusal());
                Kind::Refused { response: Some(refusal.actix_refused(request)) }
            }
        };
        ResponseFuture { kind, middleware: Rc::clone(&self.middleware), memo: Some(memo) }
    }
}

pin_project! {
    /// The response of a service behind a middleware.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, M: Middleware, B> {
        #[pin]
        kind: Kind<F, ServiceResponse<Body<M, B>>>,
        middleware: Rc<M>,
        memo: Option<M::Memo>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, R> {
        Admitted { #[pin] inner: F },
        Refused { response: Option<R> },
    }
}

impl<F, M, B> Future for ResponseFuture<F, M, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    M: Middleware + 'static,
{
    type Output = Result<ServiceResponse<Body<M, B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.kind.project() {
            KindProj::Admitted { inner } => ready!(inner.poll(cx)).map(M::Refusal::actix_admitted),
            KindProj::Refused { response } => match response.take() {
                Some(response) => Ok(response),
                // Polled again after it was ready, which `Future` leaves open.
                None => return Poll::Pending,
            },
        };
        let Some(memo) = this.memo.take() else {
            return Poll::Pending;
        };
        Poll::Ready(match result {
            Ok(mut response) => {
                this.middleware.finish(&memo, &mut response);
                Ok(response)
            }
            Err(mut error) => {
                let middleware = Rc::clone(this.middleware);
                error.add_response_mapper(move |mut response| {
                    middleware.finish(&memo, &mut response);
                    response
                });
                Err(error)
            }
        })
    }
}

impl<S, M: fmt::Debug> fmt::Debug for Guarded<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("middleware", &self.middleware).finish_non_exhaustive()
    }
}

impl<F, M: Middleware, B> fmt::Debug for ResponseFuture<F, M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl FromRequest for Reporter {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, event::NO_LOG);
        ready(Self::of(request).ok_or_else(refusal))
    }
}

#[cfg(feature = "cookies")]
mod cookies {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::{FromRequest, HttpRequest};
    use http::StatusCode;

    use crate::cookies::session::{NO_SESSIONS, Session};
    use crate::cookies::{Cookies, NO_OUTBOX};
    use crate::refusal::Refusal;

    impl FromRequest for Cookies {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_OUTBOX);
            ready(Self::of(request).ok_or_else(refusal))
        }
    }

    impl FromRequest for Session {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_SESSIONS);
            ready(Self::of(request).ok_or_else(refusal))
        }
    }
}

#[cfg(feature = "headers")]
mod headers {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::{FromRequest, HttpMessage, HttpRequest};
    use http::StatusCode;

    use crate::context::Context;
    use crate::headers::Nonce;
    use crate::headers::csp::NO_NONCE;
    use crate::refusal::Refusal;

    impl FromRequest for Nonce {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let nonce = request.extensions().get().and_then(Context::nonce);
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_NONCE);
            ready(nonce.ok_or_else(refusal))
        }
    }
}

#[cfg(feature = "csrf")]
mod csrf {
    use std::convert::Infallible;
    use std::future::{Future, Ready, ready};
    use std::ops::Deref;
    use std::pin::Pin;

    use actix_web::dev::Payload;
    use actix_web::{Error, FromRequest, HttpRequest};
    use http::StatusCode;

    use crate::csrf::{Check, CsrfDecision, CsrfField, CsrfToken, NO_TOKENS, Verified};
    use crate::refusal::Refusal;

    impl FromRequest for CsrfToken {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Self::of(request).ok_or(NONE))
        }
    }

    impl FromRequest for CsrfDecision {
        type Error = Infallible;
        type Future = Ready<Result<Self, Infallible>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Ok(Self::of(request)))
        }
    }

    impl<E> FromRequest for Verified<E>
    where
        E: FromRequest<Future: 'static> + Deref<Target: CsrfField> + 'static,
    {
        type Error = Error;
        // In a box, as there is no name for it; a body is read here, which costs more.
        type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

        fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
            let Some(check) = Check::of(request) else {
                return Box::pin(ready(Err(NONE.into())));
            };
            let body = E::from_request(request, payload);
            Box::pin(async move {
                let body = body.await.map_err(Into::into)?;
                check.verify(body.csrf_token())?;
                Ok(Self(body))
            })
        }
    }

    const NONE: Refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_TOKENS);
}
