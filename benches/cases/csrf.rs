//! Where a request comes from, on the way of one that may pass.

use std::error::Error;

use axum::body::Body;
use donjon::csrf::CsrfProtection;
use donjon::middleware::Stack;
use http::{HeaderName, HeaderValue, Method, Request};

use super::cookies::NO_MORE;
use super::tower::{Bare, expected};
use crate::measure::{Group, TowerCase};
use tower_layer::Layer as _;

fn post<const N: usize>(headers: [(&'static str, &'static str); N]) -> Request<Body> {
    let mut request = super::tower::request();
    *request.method_mut() = Method::POST;
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

pub(crate) fn with_metadata() -> Request<Body> {
    post([("sec-fetch-site", "same-origin")])
}

pub(crate) fn with_both() -> Request<Body> {
    post([("sec-fetch-site", "same-origin"), ("origin", ORIGIN)])
}

pub(crate) fn with_origin() -> Request<Body> {
    post([("origin", ORIGIN)])
}

fn protection() -> Result<CsrfProtection, donjon::csrf::ConfigError> {
    CsrfProtection::new([ORIGIN])?.protect_cookies(["__Host-Http-session"])
}

pub(super) fn by_metadata() -> Result<Group, Box<dyn Error>> {
    group("csrf, by Sec-Fetch-Site (goal: 40 ns over bare)", with_metadata)
}

pub(super) fn by_metadata_with_origin() -> Result<Group, Box<dyn Error>> {
    group("csrf, by Sec-Fetch-Site beside Origin, as browsers post", with_both)
}

pub(super) fn by_origin() -> Result<Group, Box<dyn Error>> {
    group("csrf, by Origin", with_origin)
}

fn group(title: &'static str, request: fn() -> Request<Body>) -> Result<Group, Box<dyn Error>> {
    let mut group = Group::new(title, TowerCase::new(Bare, request), expected());
    let layer = Stack::new((protection()?,));
    group.ours("CsrfProtection", TowerCase::new(layer.layer(Bare), request), expected(), NO_MORE);
    Ok(group)
}

/// Where the site is.
pub(crate) const ORIGIN: &str = "https://club.example";
