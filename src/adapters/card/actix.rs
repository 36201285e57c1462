//! The card guard as an actix-web service.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready as poll_ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::event::Reporter;
use crate::payment::card::{CardGuard, Filter, Stop, Stopped};
use crate::refusal::Refusal;

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
                let watched = WatchedPayload { payload, filter, is_over: false };
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

/// The body of a response that a card guard looks into. It ends with an error before what must not go on.
pub struct Watched {
    body: BoxBody,
    size: BodySize,
    filter: Option<Filter>,
    /// So many bytes are still to come, if it is known.
    left: Option<u64>,
    /// What was looked at before anybody asked for it.
    ahead: Option<Result<Bytes, BoxError>>,
    is_over: bool,
}

type BoxError = Box<dyn std::error::Error>;

enum Broken {
    Stopped(Stopped),
    Body(BoxError),
}

impl Watched {
    fn new(body: BoxBody, filter: Option<Filter>) -> Self {
        let size = body.size();
        let left = match size {
            BodySize::Sized(size) => Some(size),
            BodySize::None => Some(0),
            BodySize::Stream => None,
        };
        Self { body, size, filter, left, ahead: None, is_over: false }
    }

    /// Looks at the first chunk, if it is there.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), Stopped> {
        if self.left == Some(0) {
            return Ok(());
        }
        match self.poll(cx) {
            Poll::Ready(Some(Err(Broken::Stopped(stopped)))) => return Err(stopped),
            Poll::Ready(Some(Err(Broken::Body(error)))) => self.ahead = Some(Err(error)),
            Poll::Ready(Some(Ok(chunk))) => self.ahead = Some(Ok(chunk)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        Ok(())
    }

    /// The next chunk that may go on.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let Some(filter) = &mut self.filter else {
            let chunk = poll_ready!(Pin::new(&mut self.body).poll_next(cx));
            return Poll::Ready(chunk.map(|chunk| chunk.map_err(Broken::Body)));
        };
        loop {
            if let Some(chunk) = filter.pop() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            let looked_at = match poll_ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(Broken::Body(error)))),
                Some(Ok(chunk)) => {
                    self.left = self.left.map(|left| left.saturating_sub(chunk.len() as u64));
                    // Nobody asks for another one after the last.
                    self.is_over = self.left == Some(0);
                    let taken = filter.take(chunk);
                    if self.is_over { taken.and_then(|()| filter.finish()) } else { taken }
                }
                None => {
                    self.is_over = true;
                    filter.finish()
                }
            };
            if let Err(stopped) = looked_at {
                self.is_over = true;
                return Poll::Ready(Some(Err(Broken::Stopped(stopped))));
            }
        }
    }
}

impl MessageBody for Watched {
    type Error = BoxError;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(ahead));
        }
        let chunk = poll_ready!(self.poll(cx));
        Poll::Ready(chunk.map(|chunk| {
            chunk.map_err(|broken| match broken {
                Broken::Stopped(stopped) => stopped.into(),
                Broken::Body(error) => error,
            })
        }))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.filter.is_some() || self.ahead.is_some() {
            return Err(self);
        }
        let Self { body, size, left, is_over, .. } = self;
        let again = |body| Self { body, size, filter: None, left, ahead: None, is_over };
        body.try_into_bytes().map_err(again)
    }
}

/// The body of a request that a card guard looks into.
struct WatchedPayload {
    payload: Payload,
    filter: Filter,
    is_over: bool,
}

impl Stream for WatchedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(chunk) = this.filter.pop() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let looked_at = match poll_ready!(Pin::new(&mut this.payload).poll_next(cx)) {
                Some(Ok(chunk)) => this.filter.take(chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.is_over = true;
                    this.filter.finish()
                }
            };
            if let Err(stopped) = looked_at {
                this.is_over = true;
                let error = io::Error::new(io::ErrorKind::InvalidData, stopped);
                return Poll::Ready(Some(Err(PayloadError::Io(error))));
            }
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("size", &self.size).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
