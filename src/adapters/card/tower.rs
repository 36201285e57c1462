//! The card guard as a tower service.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::event::Reporter;
use crate::payment::card::{CardGuard, Filter, Stop, Stopped};
use crate::refusal::Refusal;

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

pin_project! {
    /// A body that a card guard looks into. It ends with an error before what must not go on.
    pub struct Watched<B> {
        #[pin]
        inner: Inner<B>,
        filter: Option<Filter>,
        progress: Progress,
        // What was looked at before anybody asked for it.
        ahead: Option<Result<Frame<Bytes>, BoxError>>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B> {
        Body { #[pin] body: B },
        Boxed { body: Pin<Box<B>> },
        Bytes { bytes: Bytes },
    }
}

#[derive(Debug, Default)]
struct Progress {
    trailers: Option<Frame<Bytes>>,
    is_over: bool,
}

enum Broken {
    Stopped(Stopped),
    Body(BoxError),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B> Watched<B> {
    fn new(body: B, filter: Option<Filter>) -> Self {
        Self::of(Inner::Body { body }, filter)
    }

    /// In a box, to be looked at where it is before it goes elsewhere.
    fn boxed(body: B, filter: Option<Filter>) -> Self {
        Self::of(Inner::Boxed { body: Box::pin(body) }, filter)
    }

    fn bytes(bytes: Bytes) -> Self {
        Self::of(Inner::Bytes { bytes }, None)
    }

    fn of(inner: Inner<B>, filter: Option<Filter>) -> Self {
        Self { inner, filter, progress: Progress::default(), ahead: None }
    }
}

impl<B> Watched<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Looks at the first frame, if it is there.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), Stopped> {
        let (Inner::Boxed { body }, Some(filter)) = (&mut self.inner, &mut self.filter) else {
            return Ok(());
        };
        match self.progress.poll(body.as_mut(), filter, cx) {
            Poll::Ready(Some(Err(Broken::Stopped(stopped)))) => return Err(stopped),
            Poll::Ready(Some(Err(Broken::Body(error)))) => self.ahead = Some(Err(error)),
            Poll::Ready(Some(Ok(frame))) => self.ahead = Some(Ok(frame)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        Ok(())
    }
}

impl Progress {
    /// The next frame that may go on.
    fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        filter: &mut Filter,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            if let Some(data) = filter.pop() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if let Some(trailers) = self.trailers.take() {
                return Poll::Ready(Some(Ok(trailers)));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            let looked_at = match ready!(body.as_mut().poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(Broken::Body(error.into())))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => filter.take(data).and_then(|()| {
                        // Who knows that it is the last frame may not ask for another.
                        self.is_over = body.is_end_stream();
                        if self.is_over { filter.finish() } else { Ok(()) }
                    }),
                    Err(frame) => {
                        self.is_over = true;
                        let mut values =
                            frame.trailers_ref().into_iter().flat_map(|map| map.values());
                        let looked_at = filter.finish().and_then(|()| {
                            values.try_for_each(|value| filter.look_at(value.as_bytes()))
                        });
                        self.trailers = Some(frame);
                        looked_at
                    }
                },
                None => {
                    self.is_over = true;
                    filter.finish()
                }
            };
            if let Err(stopped) = looked_at {
                *self = Self { trailers: None, is_over: true };
                return Poll::Ready(Some(Err(Broken::Stopped(stopped))));
            }
        }
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Some(ahead) = this.ahead.take() {
            return Poll::Ready(Some(ahead));
        }
        let body = match this.inner.project() {
            InnerProj::Body { body } => match this.filter {
                None => {
                    let frame = ready!(body.poll_frame(cx));
                    return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                }
                Some(filter) => this.progress.poll(body, filter, cx),
            },
            InnerProj::Boxed { body } => match this.filter {
                None => {
                    let frame = ready!(body.as_mut().poll_frame(cx));
                    return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                }
                Some(filter) => this.progress.poll(body.as_mut(), filter, cx),
            },
            InnerProj::Bytes { bytes } => {
                let all = (!bytes.is_empty()).then(|| Ok(Frame::data(std::mem::take(bytes))));
                return Poll::Ready(all);
            }
        };
        body.map(|frame| {
            frame.map(|frame| {
                frame.map_err(|broken| match broken {
                    Broken::Stopped(stopped) => stopped.into(),
                    Broken::Body(error) => error,
                })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        let body = match &self.inner {
            Inner::Body { body } => body.is_end_stream(),
            Inner::Boxed { body } => body.is_end_stream(),
            Inner::Bytes { bytes } => return bytes.is_empty(),
        };
        let Progress { trailers, is_over } = &self.progress;
        let is_passed_on =
            |filter: &Filter| *is_over && trailers.is_none() && filter.waiting() == 0;
        self.ahead.is_none() && self.filter.as_ref().map_or(body, is_passed_on)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = match &self.inner {
            Inner::Body { body } => body.size_hint(),
            Inner::Boxed { body } => body.size_hint(),
            Inner::Bytes { bytes } => return SizeHint::with_exact(bytes.len() as u64),
        };
        let ahead = self.ahead.as_ref().and_then(|ahead| ahead.as_ref().ok()?.data_ref());
        let ahead = ahead.map_or(0, |data| data.len() as u64);
        let more = ahead + self.filter.as_ref().map_or(0, Filter::waiting);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(more));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(more));
        }
        hint
    }
}

impl<B> std::fmt::Debug for Watched<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
