//! The card guard as a tower service.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use self::body::BoxError;
pub use self::body::Watched;
use crate::event::Reporter;
use crate::payment::card::{CardGuard, Stop};
use crate::refusal::Refusal;

mod body;

/// A service behind a card guard.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    guard: CardGuard,
}

impl<S> Layer<S> for CardGuard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { inner, guard: self.clone() }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Guarded<S>
where
    S: Service<Request<Watched<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes>,
    ResBody: Body<Data = Bytes>,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Watched<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let guard = self.guard.clone();
        if let Err(refusal) = guard.admit(&request) {
            let kind = Kind::Refused { refusal: Some(refusal) };
            return ResponseFuture { kind, guard, reporter: None, stop: None };
        }
        let reporter = guard.reporter(&request);
        // What is known to have no body costs nothing.
        let has_body = !request.body().is_end_stream();
        let (filter, stop) = has_body.then(|| guard.filter_request(&request)).unzip();
        let request = request.map(|body| Watched::new(body, filter));
        ResponseFuture {
            kind: Kind::Admitted { inner: self.inner.call(request) },
            guard,
            reporter,
            stop,
        }
    }
}

pin_project! {
    /// The response of a service behind a card guard.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
        guard: CardGuard,
        reporter: Option<Reporter>,
        stop: Option<Stop>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        Admitted { #[pin] inner: F },
        Refused { refusal: Option<Refusal> },
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Watched<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.kind.project() {
            KindProj::Admitted { inner } => ready!(inner.poll(cx)),
            KindProj::Refused { refusal } => match refusal.take() {
                Some(refusal) => return Poll::Ready(Ok(answer(refusal))),
                // Polled again after it was ready, which `Future` leaves open.
                None => return Poll::Pending,
            },
        };
        // Whatever the handler has made of it.
        if let Some(refusal) = this.stop.as_ref().and_then(Stop::refusal) {
            return Poll::Ready(Ok(answer(refusal)));
        }
        let response = match result {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if let Err(refusal) = this.guard.look_at_response(&response, this.reporter.as_ref()) {
            return Poll::Ready(Ok(answer(refusal)));
        }
        let filter = this.guard.filter_response(&response, this.reporter.take(), this.stop.take());
        let blocks = this.guard.blocks_responses();
        if !blocks {
            return Poll::Ready(Ok(response.map(|body| Watched::new(body, filter))));
        }
        let mut response = response.map(|body| Watched::boxed(body, filter));
        // The head is not sent yet.
        if response.body_mut().look_ahead(cx).is_err() {
            return Poll::Ready(Ok(answer(CardGuard::blocked())));
        }
        Poll::Ready(Ok(response))
    }
}

fn answer<B>(refusal: Refusal) -> Response<Watched<B>> {
    refusal.into_response::<Bytes>().map(Watched::bytes)
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
