//! Services of both frameworks, driven by hand.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use actix_web::dev::ServiceResponse;
use http::{Request, Response};
use tower_service::Service;

use super::{Answer, Case};

/// A service of tower.
pub(crate) struct TowerCase<S, B> {
    service: S,
    request: fn() -> Request<B>,
    requests: Vec<Request<B>>,
}

impl<S, B> TowerCase<S, B> {
    /// A service and what makes a request for it.
    pub(crate) const fn new(service: S, request: fn() -> Request<B>) -> Self {
        Self { service, request, requests: Vec::new() }
    }
}

impl<S, B, C> Case for TowerCase<S, B>
where
    S: Service<Request<B>, Response = Response<C>, Error = Infallible>,
{
    fn prepare(&mut self, requests: usize) {
        self.requests.resize_with(requests, self.request);
    }

    fn serve(&mut self) {
        let Some(request) = self.requests.pop() else { unreachable!("requests are prepared") };
        drop(serve_tower(&mut self.service, request));
    }

    fn answer(&mut self) -> Answer {
        let response = serve_tower(&mut self.service, (self.request)());
        let headers = response.headers().iter();
        Answer {
            status: response.status().as_u16(),
            headers: headers.map(|(name, value)| text(name.as_str(), value.as_bytes())).collect(),
        }
    }
}

#[inline]
fn serve_tower<S, B, C>(service: &mut S, request: Request<B>) -> Response<C>
where
    S: Service<Request<B>, Response = Response<C>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready(), "the service is ready");
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// A service of actix-web: a whole `App`, as `actix_web::test::init_service` gives it.
pub(crate) struct ActixCase<S, R> {
    service: S,
    request: fn() -> R,
    requests: Vec<R>,
}

impl<S, R> ActixCase<S, R> {
    /// A service and what makes a request for it.
    pub(crate) const fn new(service: S, request: fn() -> R) -> Self {
        Self { service, request, requests: Vec::new() }
    }
}

impl<S, R, B> Case for ActixCase<S, R>
where
    S: actix_web::dev::Service<R, Response = ServiceResponse<B>, Error: Debug>,
{
    fn prepare(&mut self, requests: usize) {
        self.requests.resize_with(requests, self.request);
    }

    fn serve(&mut self) {
        let Some(request) = self.requests.pop() else { unreachable!("requests are prepared") };
        drop(serve_actix(&self.service, request));
    }

    fn answer(&mut self) -> Answer {
        let response = serve_actix(&self.service, (self.request)());
        let headers = response.headers().iter();
        Answer {
            status: response.status().as_u16(),
            headers: headers.map(|(name, value)| text(name.as_str(), value.as_bytes())).collect(),
        }
    }
}

#[inline]
fn serve_actix<S, R, B>(service: &S, request: R) -> ServiceResponse<B>
where
    S: actix_web::dev::Service<R, Response = ServiceResponse<B>, Error: Debug>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready(), "the service is ready");
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(error)) => unreachable!("the service answers: {error:?}"),
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// The output of a future that is ready sooner or later: for what comes before the measuring.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn text(name: &str, value: &[u8]) -> (String, String) {
    (name.to_owned(), String::from_utf8_lossy(value).into_owned())
}
