//! Bodies that a card guard looks into.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready as poll_ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

use crate::payment::card::{Filter, Stopped};

/// The body of a response that a card guard looks into. It ends with an error before what must not go on.
pub struct Watched {
    body: BoxBody,
    size: BodySize,
    /// In a box: it is as large as a number and a name, and bodies are moved about.
    filter: Option<Box<Filter>>,
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
    pub(super) fn new(body: BoxBody, filter: Option<Filter>) -> Self {
        let size = body.size();
        let left = match size {
            BodySize::Sized(size) => Some(size),
            BodySize::None => Some(0),
            BodySize::Stream => None,
        };
        Self { body, size, filter: filter.map(Box::new), left, ahead: None, is_over: false }
    }

    /// Looks at the first chunk, if it is there.
    pub(super) fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), Stopped> {
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
pub(super) struct WatchedPayload {
    payload: Payload,
    filter: Filter,
    is_over: bool,
}

impl WatchedPayload {
    pub(super) const fn new(payload: Payload, filter: Filter) -> Self {
        Self { payload, filter, is_over: false }
    }
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
