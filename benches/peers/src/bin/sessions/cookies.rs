//! Peers that look for the same cookie, in a handler, and compare its value.
//!
//! What they sign is the value alone, so a value of one cookie is good in another; ours are bound to
//! the name, and end.

use std::sync::LazyLock;

use axum::body::Body;
use axum_extra::extract::cookie::{CookieJar, PrivateCookieJar, SignedCookieJar};
use http::Request;
use tower::service_fn;
use tower_cookies::{Cookie, CookieManagerLayer, Cookies, Key, cookie};
use tower_layer::Layer as _;

use crate::cases::cookies::{NAME, VALUE, answer, plain, request};
use crate::cases::tower::expected;
use crate::measure::{Group, TowerCase};

/// All three libraries have this key type from the `cookie` crate.
static KEY: LazyLock<Key> = LazyLock::new(Key::generate);

static SIGNED: LazyLock<String> = LazyLock::new(|| {
    let mut jar = cookie::CookieJar::new();
    jar.signed_mut(&KEY).add(Cookie::new(NAME, VALUE));
    sent(&jar)
});

static ENCRYPTED: LazyLock<String> = LazyLock::new(|| {
    let mut jar = cookie::CookieJar::new();
    jar.private_mut(&KEY).add(Cookie::new(NAME, VALUE));
    sent(&jar)
});

/// As these libraries write it: percent-encoded.
fn sent(jar: &cookie::CookieJar) -> String {
    jar.get(NAME).map(|cookie| cookie.encoded().to_string()).unwrap_or_default()
}

fn signed() -> Request<Body> {
    request(&SIGNED)
}

fn encrypted() -> Request<Body> {
    request(&ENCRYPTED)
}

fn is_right(found: Option<&Cookie<'_>>) -> bool {
    found.is_some_and(|cookie| cookie.value() == VALUE)
}

/// What its layer has put into the request.
fn cookies(request: &Request<Body>) -> Cookies {
    request.extensions().get::<Cookies>().cloned().unwrap_or_default()
}

pub(crate) fn add_to(group: &mut Group) {
    let handler = service_fn(|request: Request<Body>| {
        answer(is_right(CookieJar::from_headers(request.headers()).get(NAME)))
    });
    group.peer("axum-extra 0.12 CookieJar", TowerCase::new(handler, plain), expected());
    let handler =
        service_fn(|request: Request<Body>| answer(is_right(cookies(&request).get(NAME).as_ref())));
    let case = TowerCase::new(CookieManagerLayer::new().layer(handler), plain);
    group.peer("tower-cookies 0.11", case, expected());
}

pub(crate) fn add_to_signed(group: &mut Group) {
    // The extractor takes a clone of the key out of the state too.
    let handler = service_fn(|request: Request<Body>| {
        let jar = SignedCookieJar::from_headers(request.headers(), KEY.clone());
        answer(is_right(jar.get(NAME).as_ref()))
    });
    group.peer("axum-extra 0.12 SignedCookieJar", TowerCase::new(handler, signed), expected());
    let handler = service_fn(|request: Request<Body>| {
        answer(is_right(cookies(&request).signed(&KEY).get(NAME).as_ref()))
    });
    let case = TowerCase::new(CookieManagerLayer::new().layer(handler), signed);
    group.peer("tower-cookies 0.11, signed", case, expected());
}

pub(crate) fn add_to_encrypted(group: &mut Group) {
    let handler = service_fn(|request: Request<Body>| {
        let jar = PrivateCookieJar::from_headers(request.headers(), KEY.clone());
        answer(is_right(jar.get(NAME).as_ref()))
    });
    group.peer("axum-extra 0.12 PrivateCookieJar", TowerCase::new(handler, encrypted), expected());
    let handler = service_fn(|request: Request<Body>| {
        answer(is_right(cookies(&request).private(&KEY).get(NAME).as_ref()))
    });
    let case = TowerCase::new(CookieManagerLayer::new().layer(handler), encrypted);
    group.peer("tower-cookies 0.11, private", case, expected());
}
