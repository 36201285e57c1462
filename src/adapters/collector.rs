//! The report collector as a tower service and as an actix-web service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::event::Reporter;
use crate::headers::collector::{Format, ReportCollector, ReportHead};
use crate::refusal::Refusal;

impl<B: Body> Service<Request<B>> for ReportCollector {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let reporter = Reporter::of(&parts);
        let header = |name| HeaderMap::get(&parts.headers, name).map(HeaderValue::as_bytes);
        let admitted = self.admit(&ReportHead {
            method: parts.method.as_str(),
            content_type: header(&CONTENT_TYPE),
            content_encoding: header(&CONTENT_ENCODING),
            content_length: header(&CONTENT_LENGTH),
        });
        match admitted {
            Ok(format) => ResponseFuture {
                state: State::Reading {
                    body,
                    reading: Some(Reading {
                        collector: self.clone(),
                        format,
                        user_agent: parts.headers.get(USER_AGENT).cloned(),
                        read: Vec::new(),
                        reporter,
                    }),
                },
            },
            Err(refusal) => {
                tell(reporter.as_ref(), &refusal);
                ResponseFuture { state: State::Refused { refusal: Some(refusal) } }
            }
        }
    }
}

pin_project! {
    /// The answer of a [`ReportCollector`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B> {
        Reading { #[pin] body: B, reading: Option<Reading> },
        Refused { refusal: Option<Refusal> },
    }
}

struct Reading {
    collector: ReportCollector,
    format: Format,
    user_agent: Option<HeaderValue>,
    read: Vec<u8>,
    reporter: Option<Reporter>,
}

impl Reading {
    /// Takes the next chunk, unless there would be too much.
    fn take(&mut self, mut chunk: impl Buf) -> Result<(), Refusal> {
        if self.read.len().saturating_add(chunk.remaining()) > self.collector.body_limit() {
            return Err(self.collector.too_large());
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            self.read.extend_from_slice(part);
            let length = part.len();
            chunk.advance(length);
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Refusal> {
        let user_agent = self.user_agent.as_ref().map(HeaderValue::as_bytes);
        self.collector.collect(self.format, user_agent, &self.read, self.reporter.as_ref())
    }
}

impl<B: Body> Future for ResponseFuture<B> {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = match self.project().state.project() {
            StateProj::Refused { refusal } => match refusal.take() {
                Some(refusal) => Err(refusal),
                // Polled again after it was ready, which `Future` leaves open.
                None => return Poll::Pending,
            },
            StateProj::Reading { mut body, reading } => {
                let Some(state) = reading else {
                    return Poll::Pending;
                };
                let done = loop {
                    match ready!(body.as_mut().poll_frame(cx)) {
                        None => break state.finish(),
                        Some(Err(_)) => break Err(state.collector.broken_off()),
                        Some(Ok(frame)) => {
                            if let Ok(chunk) = frame.into_data()
                                && let Err(refusal) = state.take(chunk)
                            {
                                break Err(refusal);
                            }
                        }
                    }
                };
                if let (Some(state), Err(refusal)) = (reading.take(), &done) {
                    tell(state.reporter.as_ref(), refusal);
                }
                done
            }
        };
        Poll::Ready(Ok(match done {
            Ok(()) => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(refusal) => refusal.into_response(),
        }))
    }
}

/// Lets the event log know of a refusal, if there is one.
fn tell(reporter: Option<&Reporter>, refusal: &Refusal) {
    if let Some(reporter) = reporter {
        reporter.refused(refusal);
    }
}

impl<B> std::fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

#[cfg(feature = "actix")]
mod actix {
    use actix_web::http::header;
    use actix_web::{HttpRequest, HttpResponse, Resource, web};

    use super::{ReportCollector, ReportHead, Reporter, tell};
    use crate::refusal::Refusal;

    impl ReportCollector {
        /// The collector as a service of actix-web, at a path.
        #[must_use]
        pub fn at(&self, path: &str) -> Resource {
            let collector = self.clone();
            web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
                let collector = collector.clone();
                async move {
                    let reporter = Reporter::of(&request);
                    match read(&collector, &request, payload, reporter.as_ref()).await {
                        Ok(()) => HttpResponse::NoContent().finish(),
                        Err(refusal) => {
                            tell(reporter.as_ref(), &refusal);
                            refusal.into_actix_response()
                        }
                    }
                }
            })
        }
    }

    async fn read(
        collector: &ReportCollector,
        request: &HttpRequest,
        payload: web::Payload,
        reporter: Option<&Reporter>,
    ) -> Result<(), Refusal> {
        let header = |name| request.headers().get(name).map(header::HeaderValue::as_bytes);
        let format = collector.admit(&ReportHead {
            method: request.method().as_str(),
            content_type: header(header::CONTENT_TYPE),
            content_encoding: header(header::CONTENT_ENCODING),
            content_length: header(header::CONTENT_LENGTH),
        })?;
        let body = match payload.to_bytes_limited(collector.body_limit()).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(collector.broken_off()),
            Err(_) => return Err(collector.too_large()),
        };
        collector.collect(format, header(header::USER_AGENT), &body, reporter)
    }
}
