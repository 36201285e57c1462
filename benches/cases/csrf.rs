//! Where a request comes from, on the way of one that may pass.

use std::error::Error;

use axum::body::Body;
use donjon::csrf::CsrfProtection;
use donjon::middleware::Stack;
use http::{HeaderName, HeaderValue, Method, Request};

use super::tower::{Bare, expected};
use crate::measure::{Group, Limit, TowerCase};
use tower_layer::Layer as _;

fn post(name: &'static str, value: &'static str) -> Request<Body> {
    let mut request = super::tower::request();
    *request.method_mut() = Method::POST;
    let name = HeaderName::from_static(name);
    request.headers_mut().insert(name, HeaderValue::from_static(value));
    request
}

fn of_a_browser() -> Request<Body> {
    post("sec-fetch-site", "same-origin")
}

fn of_an_older_browser() -> Request<Body> {
    post("origin", "https://club.example")
}

fn protection() -> Result<CsrfProtection, donjon::csrf::ConfigError> {
    CsrfProtection::new(["https://club.example"])?.protect_cookies(["__Host-Http-session"])
}

pub(super) fn by_metadata() -> Result<Group, Box<dyn Error>> {
    group("csrf, by Sec-Fetch-Site (goal: 40 ns over bare)", of_a_browser)
}

pub(super) fn by_origin() -> Result<Group, Box<dyn Error>> {
    group("csrf, by Origin", of_an_older_browser)
}

fn group(title: &'static str, request: fn() -> Request<Body>) -> Result<Group, Box<dyn Error>> {
    let mut group = Group::new(title, TowerCase::new(Bare, request), expected());
    let no_more = Limit { instructions: None, allocations: Some(0.0) };
    let layer = Stack::new((protection()?,));
    group.ours("CsrfProtection", TowerCase::new(layer.layer(Bare), request), expected(), no_more);
    Ok(group)
}
