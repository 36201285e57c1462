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
use http::{HeaderValue, Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use super::tower::{Bare, expected, hello};
use crate::measure::{Group, Limit, TowerCase};

const NAME: &str = "__Host-Http-sid";

/// Sealers of one ring, and a value that each has sealed.
type Failed = Box<dyn Error + Send + Sync>;
static SEALED: LazyLock<Result<[(Sealer, String); 2], Failed>> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::random())?;
    let now = SystemTime::now();
    let seal = |sealer: Sealer| {
        let until = now + Duration::from_secs(50_000);
        let text = sealer.seal(&SealContext::new(NAME), &[7; 16], until, now)?;
        Ok::<_, Failed>((sealer, text))
    };
    let signed = Sealer::signed(&ring, "bench", "session")?;
    let encrypted = Sealer::encrypted(&ring, "bench", "session")?;
    Ok([seal(signed)?, seal(encrypted)?])
});

/// Five cookies, as pages with an analytics script have them; the session's is the last.
fn request(value: &str) -> Request<Body> {
    let others =
        "_ga=GA1.1.1234567890.1700000000; theme=dark; lang=en; consent=a1b2c3d4e5f6a7b8c9d0";
    let mut request = super::tower::request();
    if let Ok(line) = HeaderValue::try_from(format!("{others}; {NAME}={value}")) {
        request.headers_mut().insert("cookie", line);
    }
    request
}

fn plain() -> Request<Body> {
    request("7f3a9c1e5b2d4860")
}

fn sealed(at: usize) -> Request<Body> {
    request(SEALED.as_ref().map_or("", |sealed| &sealed[at].1))
}

#[derive(Clone)]
struct LookUp;

impl Middleware for LookUp {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let found = CookieView::of(request).get(NAME);
        assert!(matches!(std::hint::black_box(found), Found::One(_)));
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
            let opened = found.map(|value| {
                self.0.open_into(&SealContext::new(NAME), value, SystemTime::now(), buffer).is_ok()
            });
            assert_eq!(opened, Some(true));
        });
        Ok(())
    }
}

pub(super) fn inbound() -> Result<Group, Box<dyn Error>> {
    let [(signed, _), (encrypted, _)] = SEALED.as_ref().map_err(ToString::to_string)?;
    let title = "one of five cookies (goals: 150 ns to find, 400 ns to find and open)";
    let mut group = Group::new(title, TowerCase::new(Bare, plain), expected());
    let no_more = Limit { instructions: None, allocations: Some(0.0) };
    let case = TowerCase::new(Stack::new((LookUp,)).layer(Bare), plain);
    group.ours("CookieView", case, expected(), no_more);
    let guard = Stack::new((GuardCookies::new([NAME])?,));
    group.ours("GuardCookies", TowerCase::new(guard.layer(Bare), plain), expected(), no_more);
    let open = Stack::new((LookUpAndOpen(signed.clone()),));
    let case = TowerCase::new(open.layer(Bare), || sealed(0));
    group.ours("CookieView and a signed value", case, expected(), no_more);
    let open = Stack::new((LookUpAndOpen(encrypted.clone()),));
    let case = TowerCase::new(open.layer(Bare), || sealed(1));
    group.ours("CookieView and an encrypted value", case, expected(), no_more);
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
    let no_more = Limit { instructions: None, allocations: Some(0.0) };
    let case = TowerCase::new(Stack::new((HardenCookies::new(),)).layer(Sets(count)), request);
    group.ours("HardenCookies", case, untouched(), no_more);
    group
}
