//! The services around the floors, as one would write them by hand.

use std::future::{Future, Ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::dev::{ServiceRequest, ServiceResponse, Transform};
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// What is done by hand.
pub(crate) trait Edit: Clone {
    /// What it keeps from the request for the response.
    type Memo: Copy;

    fn request<B>(&self, request: &mut Request<B>) -> Self::Memo;

    fn response(&self, memo: Self::Memo, headers: &mut HeaderMap);
}

/// Edits responses alone.
impl<F: Fn(&mut HeaderMap) + Clone> Edit for F {
    type Memo = ();

    fn request<B>(&self, _: &mut Request<B>) {}

    fn response(&self, (): (), headers: &mut HeaderMap) {
        self(headers);
    }
}

/// A layer and, around a service, what it makes.
#[derive(Clone)]
pub(crate) struct ByHand<E, S = ()> {
    edit: E,
    inner: S,
}

impl<E> ByHand<E> {
    pub(crate) const fn new(edit: E) -> Self {
        Self { edit, inner: () }
    }
}

impl<E: Clone, S> Layer<S> for ByHand<E> {
    type Service = ByHand<E, S>;

    fn layer(&self, inner: S) -> Self::Service {
        ByHand { edit: self.edit.clone(), inner }
    }
}

impl<E, S, B, C> Service<Request<B>> for ByHand<E, S>
where
    E: Edit,
    S: Service<Request<B>, Response = Response<C>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Edited<S::Future, E, E::Memo>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let memo = self.edit.request(&mut request);
        Edited { inner: self.inner.call(request), edit: self.edit.clone(), memo }
    }
}

pin_project! {
    pub(crate) struct Edited<F, E, M> {
        #[pin]
        inner: F,
        edit: E,
        memo: M,
    }
}

impl<F, E, B, Err> Future for Edited<F, E, E::Memo>
where
    F: Future<Output = Result<Response<B>, Err>>,
    E: Edit,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        this.edit.response(*this.memo, response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

/// The same for actix-web, which clones nothing but the `Rc` in `E`.
#[derive(Clone)]
pub(crate) struct ByHandInActix<E, S = ()> {
    edit: E,
    inner: S,
}

impl<E> ByHandInActix<E> {
    pub(crate) const fn new(edit: E) -> Self {
        Self { edit, inner: () }
    }
}

impl<E, S, B> Transform<S, ServiceRequest> for ByHandInActix<E>
where
    E: Fn(&mut actix_web::http::header::HeaderMap) + Clone,
    S: actix_web::dev::Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = ByHandInActix<E, S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        std::future::ready(Ok(ByHandInActix { edit: self.edit.clone(), inner }))
    }
}

impl<E, S, B> actix_web::dev::Service<ServiceRequest> for ByHandInActix<E, S>
where
    E: Fn(&mut actix_web::http::header::HeaderMap) + Clone,
    S: actix_web::dev::Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = EditedInActix<S::Future, E>;

    actix_web::dev::forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        EditedInActix { inner: self.inner.call(request), edit: self.edit.clone() }
    }
}

pin_project! {
    pub(crate) struct EditedInActix<F, E> {
        #[pin]
        inner: F,
        edit: E,
    }
}

impl<F, E, B> Future for EditedInActix<F, E>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    E: Fn(&mut actix_web::http::header::HeaderMap),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        (this.edit)(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}
