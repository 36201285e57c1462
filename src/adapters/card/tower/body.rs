//! Bodies that a card guard looks into.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::payment::card::{Filter, Stopped};

pin_project! {
    /// A body that a card guard looks into. It ends with an error before what must not go on.
    pub struct Watched<B> {
        #[pin]
        inner: Inner<B>,
        // In a box: it is as large as a number and a name, and bodies are moved about.
        watch: Option<Box<Watch>>,
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

struct Watch {
    filter: Filter,
    trailers: Option<Frame<Bytes>>,
    is_over: bool,
    /// What was looked at before anybody asked for it.
    ahead: Option<Result<Frame<Bytes>, BoxError>>,
}

enum Broken {
    Stopped(Stopped),
    Body(BoxError),
}

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

impl<B> Watched<B> {
    pub(super) fn new(body: B, filter: Option<Filter>) -> Self {
        Self { inner: Inner::Body { body }, watch: filter.map(Watch::new) }
    }

    /// In a box, to be looked at where it is before it goes elsewhere.
    pub(super) fn boxed(body: B, filter: Option<Filter>) -> Self {
        Self { inner: Inner::Boxed { body: Box::pin(body) }, watch: filter.map(Watch::new) }
    }

    pub(super) const fn bytes(bytes: Bytes) -> Self {
        Self { inner: Inner::Bytes { bytes }, watch: None }
    }
}

impl<B> Watched<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Looks at the first frame, if it is there.
    pub(super) fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), Stopped> {
        let (Inner::Boxed { body }, Some(watch)) = (&mut self.inner, &mut self.watch) else {
            return Ok(());
        };
        match watch.poll(body.as_mut(), cx) {
            Poll::Ready(Some(Err(Broken::Stopped(stopped)))) => return Err(stopped),
            Poll::Ready(Some(Err(Broken::Body(error)))) => watch.ahead = Some(Err(error)),
            Poll::Ready(Some(Ok(frame))) => watch.ahead = Some(Ok(frame)),
            Poll::Ready(None) | Poll::Pending => {}
        }
        Ok(())
    }
}

impl Watch {
    fn new(filter: Filter) -> Box<Self> {
        Box::new(Self { filter, trailers: None, is_over: false, ahead: None })
    }

    /// The next frame that may go on.
    fn poll<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            if let Some(data) = self.filter.pop() {
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
                    Ok(data) => self.filter.take(data).and_then(|()| {
                        // Who knows that it is the last frame may not ask for another.
                        self.is_over = body.is_end_stream();
                        if self.is_over { self.filter.finish() } else { Ok(()) }
                    }),
                    Err(frame) => {
                        self.is_over = true;
                        let mut values =
                            frame.trailers_ref().into_iter().flat_map(|map| map.values());
                        let looked_at = self.filter.finish().and_then(|()| {
                            values.try_for_each(|value| self.filter.look_at(value.as_bytes()))
                        });
                        self.trailers = Some(frame);
                        looked_at
                    }
                },
                None => {
                    self.is_over = true;
                    self.filter.finish()
                }
            };
            if let Err(stopped) = looked_at {
                self.trailers = None;
                self.is_over = true;
                return Poll::Ready(Some(Err(Broken::Stopped(stopped))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_passed_on = self.trailers.is_none() && self.filter.waiting() == 0;
        self.ahead.is_none() && self.is_over && is_passed_on
    }

    /// How many bytes of data there are that were taken from the body and not given on.
    fn waiting(&self) -> u64 {
        let ahead = self.ahead.as_ref().and_then(|ahead| ahead.as_ref().ok()?.data_ref());
        ahead.map_or(0, |data| data.len() as u64) + self.filter.waiting()
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
        match this.inner.project() {
            InnerProj::Body { body } => poll_watched(body, this.watch, cx),
            InnerProj::Boxed { body } => poll_watched(body.as_mut(), this.watch, cx),
            InnerProj::Bytes { bytes } => {
                let all = (!bytes.is_empty()).then(|| Ok(Frame::data(std::mem::take(bytes))));
                Poll::Ready(all)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let body = match &self.inner {
            Inner::Body { body } => body.is_end_stream(),
            Inner::Boxed { body } => body.is_end_stream(),
            Inner::Bytes { bytes } => return bytes.is_empty(),
        };
        self.watch.as_ref().map_or(body, |watch| watch.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let inner = match &self.inner {
            Inner::Body { body } => body.size_hint(),
            Inner::Boxed { body } => body.size_hint(),
            Inner::Bytes { bytes } => return SizeHint::with_exact(bytes.len() as u64),
        };
        let more = self.watch.as_ref().map_or(0, |watch| watch.waiting());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(more));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(more));
        }
        hint
    }
}

fn poll_watched<B>(
    body: Pin<&mut B>,
    watch: &mut Option<Box<Watch>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let Some(watch) = watch else {
        let frame = ready!(body.poll_frame(cx));
        return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
    };
    if let Some(ahead) = watch.ahead.take() {
        return Poll::Ready(Some(ahead));
    }
    let frame = ready!(watch.poll(body, cx));
    Poll::Ready(frame.map(|frame| {
        frame.map_err(|broken| match broken {
            Broken::Stopped(stopped) => stopped.into(),
            Broken::Body(error) => error,
        })
    }))
}

impl<B> std::fmt::Debug for Watched<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}
