//! Whatever bytes a client sends: what is found is a pair of exactly that name, and behind a guard there
//! is one at most, for parsers that decode and trim as well.

#![no_main]

use donjon::cookies::{CookieView, Found, GuardCookies};
use donjon::middleware::Middleware as _;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "__Host-sid";

fuzz_target!(|lines: Vec<&[u8]>| {
    let mut request = Request::new(());
    for line in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        request.headers_mut().append("cookie", line);
    }
    let all: Vec<Vec<u8>> = pairs(&request);
    let exact =
        |pair: &&Vec<u8>| pair.starts_with(b"__Host-sid=") || named(pair) == NAME.as_bytes();
    if let Found::One(value) = CookieView::of(&request).get(NAME) {
        let of_name: Vec<_> = all.iter().filter(exact).collect();
        assert!(of_name.iter().any(|pair| trim(pair).ends_with(value)), "{all:?}");
    }

    let guard = GuardCookies::new([NAME]).unwrap().strip_ambiguous().strip_lookalikes();
    if guard.admit(&mut request, &mut ()).is_err() {
        return;
    }
    let view = CookieView::of(&request);
    assert_ne!(view.get(NAME), Found::Ambiguous);
    assert_eq!(view.lookalike(NAME), None);
    // As a careless parser reads names.
    let careless = |pair: &&Vec<u8>| {
        let text = String::from_utf8_lossy(named(pair)).replace("%5F", "_").replace("%5f", "_");
        text.trim().eq_ignore_ascii_case(NAME)
    };
    assert!(pairs(&request).iter().filter(careless).count() <= 1, "{:?}", request.headers());
});

fn pairs(request: &Request<()>) -> Vec<Vec<u8>> {
    let lines = request.headers().get_all("cookie").iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::to_vec).collect()
}

fn named(pair: &[u8]) -> &[u8] {
    let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(0);
    trim(&pair[..end])
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
