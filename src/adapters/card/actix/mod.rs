//! The card guard as an actix-web service.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready as poll_ready};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use pin_project_lite::pin_project;

pub use self::body::Watched;
use self::body::WatchedPayload;
use crate::event::Reporter;
use crate::payment::card::{CardGuard, Stop};
use crate::refusal::Refusal;

mod body;

/// A service behind a card guard.
#[derive(Debug)]
pub struct Guarded<S> {
    inner: S,
    guard: CardGuard,
}

impl<S, B> Transform<S, ServiceRequest> for CardGuard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Watched>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Guarded { inner, guard: self.clone() }))
    }
}

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<Watched>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let guard = self.guard.clone();
        if let Err(refusal) = guard.admit(&request) {
            let response = request.into_response(answer(refusal));
            let kind = Kind::Refused { response: Some(response) };
            return ResponseFuture { kind, guard, reporter: None, stop: None };
        }
        let reporter = guard.reporter(&request);
        let mut stop = None;
        match request.take_payload() {
            // There is no body.
            Payload::None => {}
            payload => {
                let (filter, stops) = guard.filter_request(&request);
                stop = Some(stops);
                let watched = WatchedPayload::new(payload, filter);
                request.set_payload(Payload::Stream { payload: Box::pin(watched) });
            }
        }
        let kind = Kind::Admitted { inner: self.inner.call(request) };
        ResponseFuture { kind, guard, reporter, stop }
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
        Refused { response: Option<ServiceResponse<Watched>> },
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<Watched>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.kind.project() {
            KindProj::Admitted { inner } => poll_ready!(inner.poll(cx)),
            KindProj::Refused { response } => match response.take() {
                Some(response) => return Poll::Ready(Ok(response)),
                // Polled again after it was ready, which `Future` leaves open.
                None => return Poll::Pending,
            },
        };
        let (stop, reporter) = (this.stop.take(), this.reporter.take());
        // Whatever the handler has made of it.
        let refusal = stop.as_ref().and_then(Stop::refusal);
        Poll::Ready(match (result, refusal) {
            (Ok(response), Some(refusal)) => Ok(response.into_response(answer(refusal))),
            (Err(_), Some(refusal)) => Err(refusal.into()),
            (Ok(response), None) => {
                let (request, response) = response.into_parts();
                let response = response.map_into_boxed_body();
                let response = watch(this.guard, response, reporter, stop, Some(cx));
                Ok(ServiceResponse::new(request, response))
            }
            (Err(mut error), None) => {
                let guard = this.guard.clone();
                error.add_response_mapper(move |response| {
                    // It may be asked for several times.
                    let watched = watch(&guard, response, reporter.clone(), stop.clone(), None);
                    watched.map_into_boxed_body()
                });
                Err(error)
            }
        })
    }
}

/// Looks at the head of a response, and has its body looked at.
fn watch(
    guard: &CardGuard,
    response: HttpResponse<BoxBody>,
    reporter: Option<Reporter>,
    stop: Option<Stop>,
    cx: Option<&mut Context<'_>>,
) -> HttpResponse<Watched> {
    if let Err(refusal) = guard.look_at_response(&response, reporter.as_ref()) {
        return answer(refusal);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // actix-web hands a web socket on as the bodies of the request and of the response.
        stop.as_ref().inspect(|stop| stop.turn_away());
        return response.map_body(|_, body| Watched::new(body, None));
    }
    let filter = guard.filter_response(&response, reporter, stop);
    let (response, body) = response.into_parts();
    let mut watched = Watched::new(body, filter);
    if guard.blocks_responses() {
        // The head is not sent yet.
        let mut nobody = Context::from_waker(Waker::noop());
        if watched.look_ahead(cx.unwrap_or(&mut nobody)).is_err() {
            return answer(CardGuard::blocked());
        }
    }
    response.set_body(watched)
}

fn answer(refusal: Refusal) -> HttpResponse<Watched> {
    refusal.into_actix_response().map_body(|_, body| Watched::new(body, None))
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
