//! A card guard around requests without a body, and in bodies.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use donjon::adapters::card::tower::Watched;
use donjon::payment::card::{CardGuard, Scanner};
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use stats_alloc::Region;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::cases::tower::{self as bare, expected, hello};
use crate::measure::{ALLOCATOR, Group, Limit, TowerCase, wait};

/// The bare service, whatever the body is.
#[derive(Clone, Copy)]
struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(hello()))
    }
}

/// As a browser sends it.
fn request() -> Request<Body> {
    let mut request = bare::request();
    *request.uri_mut() = "/members/4711/courts?day=2026-11-26&page=2".parse().unwrap_or_default();
    for (name, value) in [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("cookie", "__Host-sid=7f3a9c1e5b2d4860; theme=dark"),
        ("sec-fetch-site", "same-origin"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

pub(crate) fn group() -> Group {
    let title = "a card guard, no body (goal: 300 ns)";
    let mut group = Group::new(title, TowerCase::new(Bare, request), expected());
    let guarded = CardGuard::new().layer(Bare);
    group.ours("CardGuard, 7 headers", TowerCase::new(guarded, request), expected(), NO_MORE);
    let plain = bare::request;
    let guarded = CardGuard::new().layer(Bare);
    group.ours("CardGuard, 1 header", TowerCase::new(guarded, plain), expected(), NO_MORE);
    group
}

/// Prints how fast bodies are looked into; `false` if that is too slow, or allocates.
pub(crate) fn print_speed() -> bool {
    println!("\nlooking into bodies of 1 MiB, in chunks of 16 KiB, one core:");
    let mut is_fine = true;
    for (name, body, goal) in
        [("JSON, text", text(), 1024.0), ("JSON, ids and timestamps", ids(), 400.0)]
    {
        let scanned = speed(&body, scan);
        let guarded = speed(&body, guard);
        println!(
            "  {name}: {guarded:.0} MiB/s; the scanner alone: {scanned:.0} MiB/s (goal: {goal:.0})"
        );
        // Far below the goal, which another machine may miss.
        is_fine &= guarded > goal / 4.0;
        let region = Region::new(ALLOCATOR);
        let found = scan(&body);
        let allocations = region.change().allocations;
        is_fine &= found == 0 && allocations == 0;
    }
    is_fine
}

/// Not one allocation.
const NO_MORE: Limit = Limit { instructions: None, allocations: Some(0.0) };

const MIB: usize = 1 << 20;

fn text() -> Bytes {
    let line = "{\"author\":\"Ann\",\"title\":\"On the third of May\",\"text\":\"The court was wet, and \
                nobody had thought of bringing a broom; so we sat under the roof of the old club house, \
                and talked of the games that we would have won if the weather had been with us. Toward \
                evening it cleared up, and two of us played a set that nobody counted.\"},\n";
    line.repeat(MIB / line.len()).into()
}

fn ids() -> Bytes {
    let (mut body, mut n) = (String::new(), 1_u64);
    while body.len() < MIB {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (id, at, amount) = (
            1_000_000_000_000_000_000 + n % (1 << 59),
            1_700_000_000_000 + n % 1_000_000,
            n % 99_999,
        );
        let _ = write!(
            body,
            "{{\"id\":{id},\"created\":{at},\"order\":\"{:08}\",\"amount\":{amount}}},",
            n >> 40
        );
    }
    body.into()
}

const CHUNK: usize = 16 << 10;

fn scan(body: &Bytes) -> usize {
    let (mut scanner, mut found) = (Scanner::new(), 0);
    for chunk in body.chunks(CHUNK) {
        scanner.push(chunk, |_| found += 1);
    }
    scanner.finish(|_| found += 1);
    found
}

/// Through the layer, with names looked at as well.
fn guard(body: &Bytes) -> usize {
    let service = tower::service_fn(|request: Request<Watched<Chunks>>| async {
        let mut body = std::pin::pin!(request.into_body());
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            std::hint::black_box(frame.is_ok());
        }
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let mut service = CardGuard::new().layer(service);
    let mut request = Request::new(Chunks(body.clone()));
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    let status = wait(service.call(request)).map(|response| response.status());
    usize::from(status != Ok(http::StatusCode::OK))
}

struct Chunks(Bytes);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let length = self.0.len().min(CHUNK);
        let chunk = self.0.split_to(length);
        Poll::Ready((length > 0).then(|| Ok(http_body::Frame::data(chunk))))
    }
}

/// The best of many, in MiB in a second: they are so short that some are not interrupted.
#[expect(clippy::cast_precision_loss, reason = "it is some megabytes")]
fn speed(body: &Bytes, look: fn(&Bytes) -> usize) -> f64 {
    let once = |_| {
        let start = Instant::now();
        assert_eq!(look(body), 0, "there is no number in it");
        body.len() as f64 / MIB as f64 / start.elapsed().as_secs_f64()
    };
    (0..150).map(once).fold(0.0, f64::max)
}
