//! Whatever bytes a handler sets: hardened twice they are as hardened once, and what goes out is read
//! by a browser as the policy has it.

#![no_main]

use donjon::cookies::{HardenCookies, HardenMemo, Mode, SameSite, SetCookie};
use donjon::middleware::Middleware as _;
use http::{HeaderValue, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: Vec<&[u8]>| {
    let mut response = Response::new(());
    for line in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        response.headers_mut().append("set-cookie", line);
    }
    let before = response.headers().clone();
    let memo = HardenMemo::default();
    HardenCookies::new().mode(Mode::ReportOnly).finish(&memo, &mut response);
    assert_eq!(*response.headers(), before, "who only reports changes nothing");

    let harden = HardenCookies::new();
    harden.finish(&memo, &mut response);
    let once = response.headers().clone();
    harden.finish(&memo, &mut response);
    assert_eq!(*response.headers(), once, "twice is once");

    let all: Vec<_> = before.get_all("set-cookie").iter().collect();
    for line in once.get_all("set-cookie") {
        let cookie = SetCookie::parse(line.as_bytes());
        assert!(cookie.secure() && cookie.http_only(), "{line:?}");
        assert!(cookie.same_site() >= Some(SameSite::Lax), "{line:?}");
        let name = cookie.name().to_ascii_lowercase();
        if name.starts_with(b"__host-") {
            assert_eq!((cookie.path(), cookie.domain()), (Some(&b"/"[..]), None), "{line:?}");
        }
        assert!(cookie.name().len() + cookie.value().len() <= 4096);
        assert!(cookie.max_age().is_none_or(|age| age <= 400 * 86_400));
        let same = |line: &&HeaderValue| {
            let set = SetCookie::parse(line.as_bytes());
            (set.name(), set.value()) == (cookie.name(), cookie.value())
        };
        assert!(all.iter().any(same), "a handler has set it: {line:?}");
    }
});
