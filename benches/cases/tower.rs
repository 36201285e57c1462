//! Twelve headers around a service of tower, and around the route of an axum `Router`.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use donjon::headers::{HeaderKind, SecurityHeaders};
use donjon::middleware::Stack;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::floor::ByHand;
use super::twelve;
use crate::measure::{Expected, Group, Limit, TowerCase};

/// As close to no service as it gets: 13 bytes and one header.
#[derive(Clone, Copy)]
pub(crate) struct Bare;

impl Service<Request<Body>> for Bare {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(hello()))
    }
}

pub(crate) fn hello() -> Response<Body> {
    let mut response = Response::new(Body::from("Hello, World!"));
    response.headers_mut().insert(
        const { HeaderName::from_static(APP.0) },
        const { HeaderValue::from_static(APP.1) },
    );
    response
}

pub(crate) fn request() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    request
}

/// The layer around the bare service.
pub(crate) fn around<L: Layer<Bare>>(layer: L) -> TowerCase<L::Service, Body> {
    TowerCase::new(layer.layer(Bare), request)
}

/// A router with one route. Layers are added to it.
pub(crate) fn router() -> Router {
    Router::new().route("/", get(|| ready(hello())))
}

pub(crate) fn in_router(router: Router) -> TowerCase<Router, Body> {
    TowerCase::new(router, request)
}

/// What the bare service answers.
pub(crate) fn expected() -> Expected {
    Expected::status(200).headers(&[APP])
}

/// What the bare router answers.
pub(crate) fn expected_of_router() -> Expected {
    expected().headers(&[("content-length", "13")])
}

/// What the app says for itself.
pub(crate) const APP: (&str, &str) = ("x-app", "1");

pub(super) fn group() -> Result<Group, Box<dyn Error>> {
    let twelve = || expected().headers(&twelve::TWELVE);
    let headers = twelve::ours()?;
    let strict = strict()?;

    let mut group = Group::new("12 headers, tower", TowerCase::new(Bare, request), expected());
    group.floor("12 constants inserted", around(ByHand::new(twelve::insert)), twelve());
    group.floor("a map cloned, the app's merged", around(ByHand::new(merge())), twelve());
    group.ours("donjon", around(headers.clone()), twelve(), LIMIT);
    group.ours("donjon in a Stack", around(Stack::new((headers,))), twelve(), LIMIT);
    group.ours("donjon, strict()", around(strict), expected().names(strict_names()), Limit::NONE);
    Ok(group)
}

pub(super) fn router_group() -> Result<Group, Box<dyn Error>> {
    let twelve = || expected_of_router().headers(&twelve::TWELVE);
    let case = in_router;
    let headers = twelve::ours()?;
    let strict = strict()?;
    let of_strict = expected_of_router().names(strict_names());

    let mut group = Group::new("12 headers, Router::layer", case(router()), expected_of_router());
    let inserted = ByHand::new(twelve::insert);
    group.floor("12 constants inserted", case(router().layer(inserted)), twelve());
    let merged = ByHand::new(merge());
    group.floor("a map cloned, the app's merged", case(router().layer(merged)), twelve());
    group.ours("donjon", case(router().layer(headers.clone())), twelve(), LIMIT);
    let stack = Stack::new((headers,));
    group.ours("donjon in a Stack", case(router().layer(stack)), twelve(), LIMIT);
    group.ours("donjon, strict()", case(router().layer(strict)), of_strict, Limit::NONE);
    Ok(group)
}

/// The second floor: nothing is hashed but the app's few.
pub(super) fn merge() -> impl Fn(&mut HeaderMap) + Clone + Send + Sync + 'static {
    let mut prepared = HeaderMap::with_capacity(ROOM);
    twelve::insert(&mut prepared);
    merge_over(prepared)
}

/// As the app sends no header twice, it need not ask whether one goes on.
pub(super) fn merge_over(
    prepared: HeaderMap,
) -> impl Fn(&mut HeaderMap) + Clone + Send + Sync + 'static {
    let prepared = Arc::new(prepared);
    move |headers| {
        let theirs = mem::replace(headers, HeaderMap::clone(&prepared));
        for (name, value) in theirs {
            if let Some(name) = name {
                headers.insert(name, value);
            }
        }
    }
}

/// Headers for which the prepared map has room, so that its clone need not grow its table.
pub(super) const ROOM: usize = 16;

pub(super) fn strict() -> Result<SecurityHeaders, donjon::headers::ConfigError> {
    SecurityHeaders::strict().assume_https().build()
}

/// The names of what `strict()` sends.
pub(super) fn strict_names() -> impl Iterator<Item = &'static str> {
    let strict = [
        HeaderKind::ContentSecurityPolicy,
        HeaderKind::StrictTransportSecurity,
        HeaderKind::ContentTypeOptions,
        HeaderKind::FrameOptions,
        HeaderKind::ReferrerPolicy,
        HeaderKind::PermissionsPolicy,
        HeaderKind::CrossOriginOpenerPolicy,
        HeaderKind::CrossOriginEmbedderPolicy,
        HeaderKind::CrossOriginResourcePolicy,
        HeaderKind::OriginAgentCluster,
        HeaderKind::PermittedCrossDomainPolicies,
        HeaderKind::DnsPrefetchControl,
    ];
    strict.into_iter().map(HeaderKind::name)
}

/// 1.15 times the better floor's instructions, and not one allocation more.
pub(super) const LIMIT: Limit = Limit { instructions: Some(1.15), allocations: Some(0.0) };
