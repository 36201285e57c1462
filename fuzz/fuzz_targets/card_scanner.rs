//! Whatever bytes come, and however they are cut: the same is found, a body that is let in is the one that
//! was sent, and what was scrubbed is clean.

#![no_main]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use donjon::adapters::card::tower::Watched;
use donjon::payment::card::{CardGuard, Finding, Scanner, scrub};
use donjon_fuzz::ready;
use http::{Request, Response};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use tower_layer::Layer as _;
use tower_service::Service;

const TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
];

fuzz_target!(|input: (u8, Vec<&[u8]>)| {
    let (kind, chunks) = input;
    let whole = chunks.concat();

    let found = found_in([&whole[..]]);
    assert_eq!(found_in(chunks.iter().copied()), found);
    assert_eq!(found_in(whole.chunks(1)), found);
    assert!(found.iter().all(|finding| finding.place().end <= whole.len() as u64));

    let content_type = TYPES[usize::from(kind) % TYPES.len()];
    let at_once = sent(content_type, [&whole[..]]);
    let cut = sent(content_type, chunks.iter().copied());
    assert_eq!(cut.0, at_once.0, "no verdict depends on how a body is cut");
    match at_once.0 {
        200 => assert!(at_once.1 == whole && cut.1 == whole, "byte for byte"),
        422 => {}
        status => panic!("{status}"),
    }
    if !found.is_empty() && kind % 4 == 3 {
        assert_eq!(at_once.0, 422);
    }

    let text = String::from_utf8_lossy(&whole);
    assert!(found_in([scrub(&text).as_bytes()]).is_empty());
});

fn found_in<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Finding> {
    let (mut scanner, mut found) = (Scanner::new(), Vec::new());
    for chunk in chunks {
        scanner.push(chunk, |finding| found.push(finding));
    }
    scanner.finish(|finding| found.push(finding));
    found
}

/// The status that a body in these frames is answered with, and what the handler has read.
fn sent<'a>(kind: &'static str, chunks: impl IntoIterator<Item = &'a [u8]>) -> (u16, Vec<u8>) {
    let frames = chunks.into_iter().map(Bytes::copy_from_slice).collect();
    let request = Request::post("/").header("content-type", kind).body(Frames(frames)).unwrap();
    let mut read = Vec::new();
    let mut service = CardGuard::new().exempt_field("siret").unwrap().layer(Handler(&mut read));
    let status = ready(service.call(request)).unwrap().status().as_u16();
    drop(service);
    (status, read)
}

struct Frames(VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }
}

/// Reads all that it is given.
struct Handler<'a>(&'a mut Vec<u8>);

impl Service<Request<Watched<Frames>>> for Handler<'_> {
    type Response = Response<Frames>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Watched<Frames>>) -> Self::Future {
        let mut body = pin!(request.into_body());
        while let Some(Ok(frame)) = ready(std::future::poll_fn(|cx| body.as_mut().poll_frame(cx))) {
            self.0.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        std::future::ready(Ok(Response::new(Frames(VecDeque::new()))))
    }
}
