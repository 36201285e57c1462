//! Cookies on their way in and out.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use donjon::cookies::{CookieView, Found, GuardCookies, HardenCookies, SealContext, Sealer};
use donjon::head::RequestHead;
use donjon::keys::{Key, KeyRing};
use donjon::middleware::{Middleware, Stack};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_layer::Layer as _;
use tower_service::Service;

use super::tower::{Bare, expected, hello};
use crate::measure::{Group, Limit, TowerCase};

/// What every case looks for.
pub(crate) const NAME: &str = "__Host-Http-sid";
/// And what it has to find, under a seal or without.
pub(crate) const VALUE: &str = "7f3a9c1e5b2d4860";

pub(super) type Failed = Box<dyn Error + Send + Sync>;

/// Sealers of one ring, and a value that each has sealed.
static SEALED: LazyLock<Result<[(Sealer, String); 2], Failed>> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::random())?;
    let now = SystemTime::now();
    let seal = |sealer: Sealer| {
        let until = now + Duration::from_secs(50_000);
        let text = sealer.seal(&SealContext::new(NAME), VALUE.as_bytes(), until, now)?;
        Ok::<_, Failed>((sealer, text))
    };
    let signed = Sealer::signed(&ring, "bench", "session")?;
    let encrypted = Sealer::encrypted(&ring, "bench", "session")?;
    Ok([seal(signed)?, seal(encrypted)?])
});

/// Five cookies, as pages with an analytics script have them; this one is the last.
pub(crate) fn request(cookie: &str) -> Request<Body> {
    let others =
        "_ga=GA1.1.1234567890.1700000000; theme=dark; lang=en; consent=a1b2c3d4e5f6a7b8c9d0";
    let mut request = super::tower::request();
    if let Ok(line) = HeaderValue::try_from(format!("{others}; {cookie}")) {
        request.headers_mut().insert("cookie", line);
    }
    request
}

pub(crate) fn plain() -> Request<Body> {
    request(&format!("{NAME}={VALUE}"))
}

fn sealed(at: usize) -> Request<Body> {
    let value = SEALED.as_ref().map_or("", |sealed| &sealed[at].1);
    request(&format!("{NAME}={value}"))
}

/// The cookie that an answer sets, as browsers send it back.
pub(crate) fn sent_back(headers: &HeaderMap) -> String {
    let line = headers.get("set-cookie").and_then(|line| line.to_str().ok()).unwrap_or_default();
    line.split(';').next().unwrap_or_default().to_owned()
}

/// What handlers answer that have looked for something: if they have not found it, not what is
/// expected.
pub(crate) fn answer(found: bool) -> Ready<Result<Response<Body>, Infallible>> {
    let mut response = hello();
    if !found {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    ready(Ok(response))
}

#[derive(Clone)]
struct LookUp;

impl Middleware for LookUp {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let found = CookieView::of(request).get(NAME);
        assert_eq!(found, Found::One(VALUE.as_bytes()));
        Ok(())
    }
}

/// The buffer is on the stack of one thread, as a handler that opens many would have it.
#[derive(Clone)]
struct LookUpAndOpen(Sealer);

thread_local! {
    static BUFFER: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(Vec::with_capacity(4096));
}

impl Middleware for LookUpAndOpen {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let found = CookieView::of(request).get(NAME).one();
        BUFFER.with_borrow_mut(|buffer| {
            let opened = found.and_then(|value| {
                self.0.open_into(&SealContext::new(NAME), value, SystemTime::now(), buffer).ok()
            });
            assert_eq!(opened.map(|opened| opened.payload), Some(VALUE.as_bytes()));
        });
        Ok(())
    }
}

pub(super) fn found() -> Result<Group, Box<dyn Error>> {
    let title = "one of five cookies (goal: 150 ns)";
    let mut group = Group::new(title, TowerCase::new(Bare, plain), expected());
    let case = TowerCase::new(Stack::new((LookUp,)).layer(Bare), plain);
    group.ours("CookieView", case, expected(), NO_MORE);
    let guard = Stack::new((GuardCookies::new([NAME])?,));
    group.ours("GuardCookies", TowerCase::new(guard.layer(Bare), plain), expected(), NO_MORE);
    Ok(group)
}

pub(super) fn signed() -> Result<Group, Box<dyn Error>> {
    opened("one of five cookies, and its signature verified (goal: 400 ns)", 0, || sealed(0))
}

pub(super) fn encrypted() -> Result<Group, Box<dyn Error>> {
    opened("one of five cookies, and decrypted (goal: 400 ns)", 1, || sealed(1))
}

fn opened(
    title: &'static str,
    at: usize,
    request: fn() -> Request<Body>,
) -> Result<Group, Box<dyn Error>> {
    let sealed = SEALED.as_ref().map_err(ToString::to_string)?;
    let mut group = Group::new(title, TowerCase::new(Bare, request), expected());
    let open = Stack::new((LookUpAndOpen(sealed[at].0.clone()),));
    let case = TowerCase::new(open.layer(Bare), request);
    group.ours("CookieView and Sealer", case, expected(), NO_MORE);
    Ok(group)
}

/// Cookies that are right.
const LINES: [(&str, &str); 3] = [
    (
        "set-cookie",
        "__Host-Http-sid=7f3a9c1e5b2d4860; Path=/; Max-Age=1800; Secure; HttpOnly; SameSite=Lax",
    ),
    ("set-cookie", "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ("set-cookie", "lang=en; Path=/; Secure; HttpOnly; SameSite=Strict"),
];

/// Sets so many cookies that are right.
#[derive(Clone, Copy)]
struct Sets(usize);

impl Service<Request<Body>> for Sets {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut response = hello();
        for (_, line) in &LINES[..self.0] {
            response.headers_mut().append("set-cookie", HeaderValue::from_static(line));
        }
        ready(Ok(response))
    }
}

pub(super) fn outbound(count: usize) -> Group {
    let title = match count {
        0 => "HardenCookies, no cookie set",
        1 => "HardenCookies, one cookie that is right (goal: 100 ns)",
        _ => "HardenCookies, three cookies that are right (goal: 300 ns)",
    };
    let request = super::tower::request;
    let untouched = || expected().headers(&LINES[..count]);
    let mut group = Group::new(title, TowerCase::new(Sets(count), request), untouched());
    let case = TowerCase::new(Stack::new((HardenCookies::new(),)).layer(Sets(count)), request);
    group.ours("HardenCookies", case, untouched(), NO_MORE);
    group
}

/// Not one allocation.
pub(crate) const NO_MORE: Limit = Limit { instructions: None, allocations: Some(0.0) };
