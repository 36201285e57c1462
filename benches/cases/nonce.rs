//! Twelve headers and a nonce, which the handler takes from the request.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use donjon::headers::Nonce;
use donjon::middleware::Stack;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, HeaderValue, Request, Response};
use rand::RngExt as _;
use tower_layer::Layer;
use tower_service::Service;

use super::floor::{ByHand, Edit};
use super::tower::{Bare, ROOM, expected, hello, merge_over, request, strict, strict_names};
use super::twelve;
use crate::measure::{Expected, Group, Limit, TowerCase};

pub(super) fn group() -> Result<Group, Box<dyn Error>> {
    let headers = twelve::ours_with_nonce()?;
    let strict = strict()?;
    let untaken = expected().names(twelve::names());
    let inserted = |handed_on| ByHand::new(ByHandNonce { headers: insert, handed_on });
    let merged = |handed_on| ByHand::new(ByHandNonce { headers: merge(), handed_on });

    let bare = TowerCase::new(Bare, request);
    let mut group = Group::new("12 headers and a nonce, tower", bare, expected());
    group.floor("12 constants inserted", page(inserted(true), text), with_nonce());
    group.floor("a map cloned, the app's merged", page(merged(true), text), with_nonce());
    group.peer("by hand, not handed to the handler", page(merged(false), none), with_nonce());
    group.ours("donjon, not taken", page(headers.clone(), none), untaken, Limit::NONE);
    group.ours("donjon", page(headers.clone(), taken), with_nonce(), LIMIT);
    group.ours("donjon in a Stack", page(Stack::new((headers,)), taken), with_nonce(), LIMIT);
    let names = expected().names(strict_names()).headers(&[CACHE]);
    group.ours("donjon, strict()", page(strict, taken), names, Limit::NONE);
    Ok(group)
}

fn with_nonce() -> Expected {
    expected().names(twelve::names()).headers(&[CACHE])
}

/// A handler that takes the nonce, or does not.
#[derive(Clone, Copy)]
struct Page(fn(&Request<Body>));

impl Service<Request<Body>> for Page {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        (self.0)(&request);
        ready(Ok(hello()))
    }
}

fn page<L: Layer<Page>>(layer: L, handler: fn(&Request<Body>)) -> TowerCase<L::Service, Body> {
    TowerCase::new(layer.layer(Page(handler)), request)
}

fn none(_: &Request<Body>) {}

fn text(request: &Request<Body>) {
    black_box(request.extensions().get::<Text>());
}

fn taken(request: &Request<Body>) {
    black_box(Nonce::from_extensions(request.extensions()));
}

/// The nonce, by hand.
#[derive(Clone, Copy)]
struct Text([u8; 22]);

impl Text {
    fn random() -> Self {
        let mut text = [b'A'; 22];
        let _ = URL_SAFE_NO_PAD.encode_slice(rand::rng().random::<[u8; 16]>(), &mut text);
        Self(text)
    }

    /// One allocation.
    fn policy(self) -> Bytes {
        let mut policy = Vec::with_capacity(BEFORE.len() + self.0.len() + AFTER.len());
        policy.extend_from_slice(BEFORE);
        policy.extend_from_slice(&self.0);
        policy.extend_from_slice(AFTER);
        policy.into()
    }
}

/// Edits the rest by `headers`.
#[derive(Clone)]
struct ByHandNonce<F> {
    headers: F,
    handed_on: bool,
}

impl<F: Fn(&mut HeaderMap) + Clone> Edit for ByHandNonce<F> {
    type Memo = Text;

    fn request<B>(&self, request: &mut Request<B>) -> Text {
        let text = Text::random();
        if self.handed_on {
            request.extensions_mut().insert(text);
        }
        text
    }

    fn response(&self, text: Text, headers: &mut HeaderMap) {
        (self.headers)(headers);
        if let Ok(policy) = HeaderValue::from_maybe_shared(text.policy()) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
}

fn insert(headers: &mut HeaderMap) {
    twelve::insert(headers);
    headers.insert(CACHE_CONTROL, const { HeaderValue::from_static(CACHE.1) });
}

fn merge() -> impl Fn(&mut HeaderMap) + Clone {
    let mut prepared = HeaderMap::with_capacity(ROOM);
    insert(&mut prepared);
    merge_over(prepared)
}

const BEFORE: &[u8] = b"default-src 'self'; script-src 'self' 'nonce-";
const AFTER: &[u8] =
    b"'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";
const CACHE: (&str, &str) = ("cache-control", "private, no-cache");

/// The context that the middleware share is one allocation that the floors do without. The policy's
/// text is theirs too.
const LIMIT: Limit = Limit { instructions: None, allocations: Some(1.0) };
