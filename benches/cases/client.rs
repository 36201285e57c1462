//! Who is asking, over https, for a known host: on the way of a request that may pass.

use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use donjon::client::{Peer, TrustedProxies};
use donjon::https::{AllowedHosts, RequireHttps};
use donjon::middleware::Stack;
use http::{HeaderValue, Request};
use tower_layer::Layer;
use tower_service::Service;

use super::tower::{Bare, expected};
use crate::measure::{Group, Limit, TowerCase};

/// A request as a proxy hands it on.
fn request() -> Request<Body> {
    let mut request = super::tower::request();
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("www.club.example"));
    headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 198.51.100.7"));
    headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    request.extensions_mut().insert(Peer(([10, 0, 0, 5], 40_000).into()));
    request
}

pub(super) fn around<L: Layer<Bare>>(layer: L) -> TowerCase<L::Service, Body> {
    TowerCase::new(layer.layer(Bare), request)
}

/// The floor: one extension, as large as ours.
#[derive(Clone)]
struct OneExtension<S>(S);

struct OneExtensionLayer;

impl<S> Layer<S> for OneExtensionLayer {
    type Service = OneExtension<S>;

    fn layer(&self, inner: S) -> OneExtension<S> {
        OneExtension(inner)
    }
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for OneExtension<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        request.extensions_mut().insert(Arc::new([0_u8; 320]));
        self.0.call(request)
    }
}

pub(super) fn proxies() -> Result<TrustedProxies, donjon::client::ConfigError> {
    TrustedProxies::in_networks(["10.0.0.0/8", "2001:db8:7::/48"])
}

pub(super) fn resolver_group() -> Result<Group, Box<dyn Error>> {
    let bare = TowerCase::new(Bare, request);
    let mut group =
        Group::new("client behind one proxy (goal: 150 ns over the floor)", bare, expected());
    group.floor("one extension", around(OneExtensionLayer), expected());
    let no_more = Limit { instructions: None, allocations: Some(0.0) };
    group.ours("TrustedProxies", around(Stack::new((proxies()?,))), expected(), no_more);
    let counted = TrustedProxies::hops(1)?;
    group.ours("TrustedProxies::hops(1)", around(Stack::new((counted,))), expected(), no_more);
    Ok(group)
}

pub(super) fn https_group() -> Result<Group, Box<dyn Error>> {
    let bare = TowerCase::new(Bare, request);
    let title = "https and hosts, on the pass path (goal: 60 ns over the floor)";
    let mut group = Group::new(title, bare, expected());
    group.floor("TrustedProxies", around(Stack::new((proxies()?,))), expected());
    let hosts = AllowedHosts::new(["club.example", "*.club.example"])?;
    let https = RequireHttps::redirect_to("club.example")?;
    let no_more = Limit { instructions: None, allocations: Some(0.0) };
    let stack = Stack::new((proxies()?, hosts, https));
    group.ours("and AllowedHosts, RequireHttps", around(stack), expected(), no_more);
    Ok(group)
}
