//! Cookies, on their way out and in, through axum and actix-web.

#![cfg(all(feature = "actix", feature = "axum", feature = "cookies"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::time::Duration;

use donjon::clock::ManualClock;
use donjon::cookies::{
    ConfigError, CookieRule, CookieView, Found, GuardCookies, HardenCookies, HardenMemo, Lookalike,
    Mode, SameSite, SetCookie, Violation,
};
use donjon::event::{Detail, EventLog, EventName, MemorySink, Severity};
use donjon::head::{Name, RequestHead, ResponseHead, Rewrite};
use donjon::middleware::{Middleware, Stack};
use http::{HeaderValue, Request, Response};
use proptest::prelude::*;

use self::both::{Ask, both};

#[path = "cookies/attacks.rs"]
mod attacks;
mod both;
#[path = "cookies/browser.rs"]
mod browser;
#[path = "cookies/dates.rs"]
mod dates;
#[path = "cookies/frameworks.rs"]
mod frameworks;
#[path = "cookies/vectors.rs"]
mod vectors;

const NAME: &str = "__Host-sid";

/// 2020-01-01, on which every test runs.
fn clock() -> Arc<ManualClock> {
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(1_577_836_800));
    clock
}

fn fix() -> HardenCookies {
    HardenCookies::new().clock(clock())
}

/// The cookies of a response of each framework after hardening; both have to agree.
#[track_caller]
fn hardened(harden: &HardenCookies, lines: &[&[u8]]) -> Vec<Vec<u8>> {
    let memo = HardenMemo::default();
    let mut tower = Response::new(());
    let mut actix = actix_web::HttpResponse::Ok().finish();
    tower.headers_mut().insert("x-first", HeaderValue::from_static("1"));
    for line in lines {
        tower.headers_mut().append("set-cookie", HeaderValue::from_bytes(line).unwrap());
        let value = actix_web::http::header::HeaderValue::from_bytes(line).unwrap();
        actix.headers_mut().append(actix_web::http::header::SET_COOKIE, value);
    }
    tower.headers_mut().insert("x-last", HeaderValue::from_static("1"));
    harden.finish(&memo, &mut tower);
    harden.finish(&memo, &mut actix);

    let name = Name::from_static("set-cookie");
    let of_tower: Vec<_> = ResponseHead::header(&tower, &name).map(<[u8]>::to_vec).collect();
    let of_actix: Vec<_> = ResponseHead::header(&actix, &name).map(<[u8]>::to_vec).collect();
    assert_eq!(of_tower, of_actix);
    let names: Vec<_> = tower.headers().keys().map(http::HeaderName::as_str).collect();
    let expected: &[&str] = if of_tower.is_empty() {
        &["x-first", "x-last"]
    } else {
        &["x-first", "set-cookie", "x-last"]
    };
    assert_eq!(names, expected, "the order of other headers");
    of_tower
}

fn one(harden: &HardenCookies, line: &str) -> Option<String> {
    let out = hardened(harden, &[line.as_bytes()]);
    out.into_iter().next().map(|line| String::from_utf8(line).unwrap())
}

#[test]
fn what_is_wrong_is_mended() {
    let rest = "; Secure; HttpOnly; SameSite=Lax";
    for (line, expected) in [
        // C1, and what secure_ words in names and values do not do
        ("sid=1", Some("sid=1; Secure; HttpOnly; SameSite=Lax")),
        ("pref=a,secure", Some("pref=a,secure; Secure; HttpOnly; SameSite=Lax")),
        ("secure=httponly", Some("secure=httponly; Secure; HttpOnly; SameSite=Lax")),
        (
            "a=1; Path=/secure; x-HttpOnly",
            Some("a=1; Path=/secure; x-HttpOnly; Secure; HttpOnly; SameSite=Lax"),
        ),
        ("a=1; SECURE=no ;httponly", Some("a=1; SECURE=no; httponly; SameSite=Lax")),
        // C4
        ("x=1; SameSite=bogus", Some("x=1; SameSite=Lax; Secure; HttpOnly")),
        ("x=1; SameSite=", Some("x=1; SameSite=Lax; Secure; HttpOnly")),
        (
            "x=1; Secure; HttpOnly; SameSite=Strict; SameSite=bogus",
            Some("x=1; Secure; HttpOnly; SameSite=Lax"),
        ),
        // C5
        ("x=1; SameSite=None", Some("x=1; SameSite=Lax; Secure; HttpOnly")),
        // C6
        (
            "x=1; Secure; SameSite=Strict; samesite=none",
            Some("x=1; Secure; SameSite=Lax; HttpOnly"),
        ),
        (
            "x=1; Path=/a; Path=/b; Domain=a.b; Domain=c.d; Secure; secure",
            Some("x=1; Path=/b; Domain=c.d; secure; HttpOnly; SameSite=Lax"),
        ),
        // C7
        (
            "__Host-a=1; Domain=example.com; Secure; Path=/",
            Some("__Host-a=1; Secure; Path=/; HttpOnly; SameSite=Lax"),
        ),
        ("__Host-a=1; Secure; Path=/x", Some("__Host-a=1; Secure; Path=/; HttpOnly; SameSite=Lax")),
        ("__Host-a=1; Secure", Some("__Host-a=1; Secure; Path=/; HttpOnly; SameSite=Lax")),
        ("__Host-a=1; Secure; Path", Some("__Host-a=1; Secure; Path=/; HttpOnly; SameSite=Lax")),
        ("__Host-a=1; Secure; Path=", Some("__Host-a=1; Secure; Path=/; HttpOnly; SameSite=Lax")),
        ("__hOsT-a=1; Path=/; Domain=", Some("__hOsT-a=1; Path=/; Secure; HttpOnly; SameSite=Lax")),
        ("__Secure-a=1", Some("__Secure-a=1; Secure; HttpOnly; SameSite=Lax")),
        // C8
        ("__Http-a=1; Secure", Some("__Http-a=1; Secure; HttpOnly; SameSite=Lax")),
        (
            "__Host-Http-a=1; Secure; Path=/",
            Some("__Host-Http-a=1; Secure; Path=/; HttpOnly; SameSite=Lax"),
        ),
        // C9
        ("=__Host-a=1", None),
        ("=__hOST-a", None),
        ("__Secure-x", None),
        ("=sid=1", None),
        ("", None),
        ("; Secure; HttpOnly", None),
        ("flag", Some("flag; Secure; HttpOnly; SameSite=Lax")),
        // C15
        ("a=1; Partitioned", Some("a=1; Partitioned; Secure; HttpOnly; SameSite=Lax")),
        // lifetimes
        ("a=1; Max-Age=99999999", Some("a=1; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax")),
        (
            "a=1; Max-Age=999999999999999999999",
            Some("a=1; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax"),
        ),
        (
            "a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
            Some("a=1; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax"),
        ),
        (
            "a=1; Max-Age=60; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
            Some(
                "a=1; Max-Age=60; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Secure; HttpOnly; SameSite=Lax",
            ),
        ),
        (
            "a=1; Max-Age=60; Max-Age=1e9; Expires=soon",
            Some("a=1; Max-Age=60; Secure; HttpOnly; SameSite=Lax"),
        ),
        // deletions stay deletions
        (
            "__Host-a=; Max-Age=0",
            Some("__Host-a=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ),
        (
            "__Host-a=; Max-Age=-1; Partitioned; Path=/",
            Some("__Host-a=; Max-Age=-1; Partitioned; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ),
        (
            "a=; Path=/x; Domain=a.b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            Some(
                "a=; Path=/x; Domain=a.b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
            ),
        ),
        // spaces, and attributes of others
        (
            " \ta = b c ;; Priority=High ;",
            Some("a = b c; Priority=High; Secure; HttpOnly; SameSite=Lax"),
        ),
    ] {
        let out = one(&fix(), line);
        assert_eq!(out.as_deref(), expected, "{line}");
        if let Some(out) = out {
            assert_eq!(one(&fix(), &out).as_ref(), Some(&out), "twice is once: {line}");
            let strict = fix().mode(Mode::Strict);
            let deletes = line.contains("=; ");
            assert_eq!(one(&strict, line).is_some(), deletes, "{line}");
        }
        assert_eq!(one(&fix().mode(Mode::ReportOnly), line).as_deref(), Some(line), "{line}");
    }
    assert!(one(&fix(), "sid=1").unwrap().ends_with(rest));
}

#[test]
fn sizes_are_those_of_browsers() {
    let of = |name: usize, value: usize| format!("{}={}", "n".repeat(name), "v".repeat(value));
    assert!(one(&fix(), &of(1, 4095)).is_some());
    assert!(one(&fix(), &of(1, 4096)).is_none());
    assert!(one(&fix(), &of(4096, 0)).is_some());
    assert!(one(&fix(), &format!("=  {}", "v".repeat(4097))).is_none());
    let path = |length: usize| one(&fix(), &format!("a=1; Path=/{}", "p".repeat(length))).unwrap();
    assert!(path(1023).contains("Path"));
    assert!(!path(1024).contains("Path"));
    assert_eq!(
        one(&fix(), &format!("a=1; Path=/x; Path=/{}", "p".repeat(1024))).unwrap(),
        "a=1; Path=/x; Secure; HttpOnly; SameSite=Lax"
    );

    let big = |name: &str| format!("{name}={}; Secure; HttpOnly; SameSite=Lax", "v".repeat(400));
    let lines = [big("a"), big("b"), big("c")];
    let deletion = "d=; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
    let lines =
        [lines[0].as_bytes(), lines[1].as_bytes(), lines[2].as_bytes(), deletion.as_bytes()];
    assert_eq!(hardened(&fix().budget(900), &lines), lines);
    let strict = hardened(&fix().budget(900).mode(Mode::Strict), &lines);
    assert_eq!(strict, [lines[0], lines[1], lines[3]]);
}

#[test]
fn of_the_same_cookie_the_last_one_stays() {
    let ok = "; Secure; HttpOnly; SameSite=Lax";
    let with = |pair: &str| format!("{pair}{ok}").into_bytes();
    let sets = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        hardened(&fix(), &lines)
    };
    assert_eq!(sets(&["a=1", "b=1", "a=2"]), [with("b=1"), with("a=2")]);
    assert_eq!(
        sets(&["a=1; Domain=.X.example", "a=2; domain=x.EXAMPLE"]),
        [with("a=2; domain=x.EXAMPLE")]
    );
    assert_eq!(sets(&["a=1", "A=2", "a=3; Path=/"]).len(), 3, "three cookies");
    assert_eq!(sets(&["a=1; Partitioned", "a=2"]).len(), 2, "two cookies");
    assert_eq!(sets(&["__Host-a=1; Path=/x", "__Host-a=2; Domain=x.example"]).len(), 1);
    let huge = format!("a={}", "v".repeat(5000));
    assert_eq!(sets(&["a=1", &huge]), [with("a=1")], "browsers ignore the last");
    let strict = |lines: [&[u8]; 2]| hardened(&fix().mode(Mode::Strict), &lines);
    assert!(strict([&with("a=1"), b"a=2"]).is_empty(), "the earlier value is nobody's wish");
    assert!(strict([&with("__Host-a=1; Path=/"), b"__Host-a=2; Path=/x"]).is_empty());
    assert_eq!(strict([&with("a=1"), huge.as_bytes()]), [with("a=1")]);
    let many: Vec<_> = (0..1000).map(|index| with(&format!("c{index}=1"))).collect();
    let lines: Vec<_> = many.iter().map(|line| &line[..]).collect();
    assert_eq!(hardened(&fix().budget(1 << 20), &lines), many);
}

#[test]
fn bytes_above_ascii_and_tabs_are_let_be() {
    let out = hardened(&fix(), &[b"a=\xff\tb; Secure; HttpOnly; SameSite=Lax", b"\xe9=1"]);
    assert_eq!(out[0], b"a=\xff\tb; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(out[1], b"\xe9=1; Secure; HttpOnly; SameSite=Lax");
}

#[test]
fn rules_are_for_the_names_they_are_written_for() {
    let harden = fix()
        .rule("csrftoken", CookieRule::new().readable_by_scripts())
        .unwrap()
        .rule("widget", CookieRule::new().cross_site("partners"))
        .unwrap()
        .rule("gate", CookieRule::new().strict().path("/gate").host_only())
        .unwrap()
        .rule_for_prefix("x_", CookieRule::new().max_lifetime(Duration::from_secs(60)))
        .unwrap()
        .rule_for_prefix("x_long_", CookieRule::new().keep_lifetime())
        .unwrap()
        .rule_for_prefix("__", CookieRule::new().readable_by_scripts())
        .unwrap();
    for (line, expected) in [
        ("csrftoken=1", "csrftoken=1; Secure; SameSite=Lax"),
        ("csrfToken=1", "csrfToken=1; Secure; HttpOnly; SameSite=Lax"),
        ("csrftoken2=1", "csrftoken2=1; Secure; HttpOnly; SameSite=Lax"),
        ("widget=1; SameSite=None", "widget=1; SameSite=None; Secure; HttpOnly"),
        ("widget=1", "widget=1; Secure; HttpOnly; SameSite=Lax"),
        ("widget=; Max-Age=0", "widget=; Max-Age=0; Secure; HttpOnly; SameSite=None"),
        (
            "gate=1; SameSite=Lax; Path=/; Domain=a.b",
            "gate=1; SameSite=Strict; Path=/gate; Secure; HttpOnly",
        ),
        ("x_a=1; Max-Age=61", "x_a=1; Max-Age=60; Secure; HttpOnly; SameSite=Lax"),
        ("x_a=1; Max-Age=60", "x_a=1; Max-Age=60; Secure; HttpOnly; SameSite=Lax"),
        (
            "x_long_a=1; Max-Age=99999999",
            "x_long_a=1; Max-Age=99999999; Secure; HttpOnly; SameSite=Lax",
        ),
        ("__Http-a=1", "__Http-a=1; Secure; HttpOnly; SameSite=Lax"),
        ("__Host-a=1", "__Host-a=1; Path=/; Secure; SameSite=Lax"),
    ] {
        assert_eq!(one(&harden, line).as_deref(), Some(expected), "{line}");
        assert_eq!(one(&harden, expected).as_deref(), Some(expected), "twice: {line}");
    }
}

#[test]
fn rules_that_make_no_sense_cannot_be_built() {
    use ConfigError as E;
    let readable = CookieRule::new().readable_by_scripts();
    let seconds = |seconds| CookieRule::new().max_lifetime(Duration::from_secs(seconds));
    for (name, rule, error) in [
        ("__Http-a", readable, E::ReadableByScripts { name: "__Http-a" }),
        ("__host-HTTP-a", readable, E::ReadableByScripts { name: "__host-HTTP-a" }),
        ("__Host-a", CookieRule::new().path("/x"), E::PrefixPath { name: "__Host-a" }),
        ("a", CookieRule::new().strict().cross_site("x"), E::CrossSiteAndStrict { name: "a" }),
        ("a", CookieRule::new().cross_site(" "), E::NoReason { name: "a" }),
        ("a", CookieRule::new().path("x"), E::Path { path: "x" }),
        ("a", CookieRule::new().path("/x; Domain=evil"), E::Path { path: "/x; Domain=evil" }),
        ("a", CookieRule::new().path("/x\r\n"), E::Path { path: "/x\r\n" }),
        ("a", seconds(0), E::Lifetime { seconds: 0 }),
        ("a", seconds(34_560_001), E::Lifetime { seconds: 34_560_001 }),
        ("a", seconds(1).keep_lifetime(), E::LifetimeTwice { name: "a" }),
        ("", CookieRule::new(), E::Name { name: "" }),
        ("a b", CookieRule::new(), E::Name { name: "a b" }),
        ("a;", CookieRule::new(), E::Name { name: "a;" }),
    ] {
        assert_eq!(fix().rule(name, rule).unwrap_err(), error);
        assert_eq!(fix().rule_for_prefix(name, rule).unwrap_err(), error);
    }
    let twice = fix().rule("a", readable).unwrap().rule("a", readable).unwrap_err();
    assert_eq!(twice, E::Twice { name: "a" });
    assert_eq!(GuardCookies::new([]).unwrap_err(), E::NoNames);
    assert_eq!(GuardCookies::new(["a", "a"]).unwrap_err(), E::Twice { name: "a" });
    assert_eq!(GuardCookies::new(["a="]).unwrap_err(), E::Name { name: "a=" });
}

#[actix_web::test]
async fn no_header_of_a_client_changes_it_and_errors_are_hardened_too() {
    #[derive(Clone)]
    struct Fails;
    impl Middleware for Fails {
        type Memo = ();
        type Refusal = donjon::refusal::Refusal;
        fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Self::Refusal> {
            let refusal = donjon::refusal::Refusal::new(http::StatusCode::UNAUTHORIZED, "x");
            let value = donjon::head::Value::new("id=1").unwrap();
            Err(refusal.with_header(Name::from_static("set-cookie"), value))
        }
    }
    let ask = Ask::get("/").header("x-forwarded-proto", "http");
    let expected = Some("id=1; Secure; HttpOnly; SameSite=Lax");
    for (framework, seen) in both!(fix(), &ask) {
        assert_eq!(seen.header("set-cookie"), expected, "{framework}");
    }
    for (framework, seen) in both!(Stack::new((fix(), Fails)), &ask) {
        assert_eq!((seen.status, seen.header("set-cookie")), (401, expected), "{framework}");
    }
}

#[actix_web::test]
async fn what_was_wrong_is_an_event_without_the_cookie() {
    for (mode, severity) in [
        (Mode::Fix, Severity::Info),
        (Mode::Strict, Severity::Warn),
        (Mode::ReportOnly, Severity::Warn),
    ] {
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
        let known = fix().mode(mode).rule("id", CookieRule::new().readable_by_scripts()).unwrap();
        let (log, unknown) = (log.build().unwrap(), fix().mode(mode));
        let stack = Stack::new((log, unknown));
        let answers = both!(stack, &Ask::get("/members/1"));
        for (framework, seen) in answers {
            let sent = seen.header("set-cookie");
            let expected = match mode {
                Mode::Strict => None,
                Mode::ReportOnly => Some("id=1"),
                _ => Some("id=1; Secure; HttpOnly; SameSite=Lax"),
            };
            assert_eq!(sent, expected, "{framework}");
        }
        let events = memory.events();
        assert_eq!(events.len(), 6, "three in each framework");
        for (event, violation) in events.iter().zip(
            [Violation::MissingSecure, Violation::MissingHttpOnly, Violation::MissingSameSite]
                .into_iter()
                .cycle(),
        ) {
            assert_eq!(event.name(), EventName::CookieHardened);
            assert_eq!(event.severity(), severity);
            assert_eq!(event.client().unwrap().to_string(), "203.0.113.9");
            assert_eq!(event.detail(), &Detail::Reason(violation.as_str()));
        }
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
        let _ = both!(Stack::new((log.build().unwrap(), known)), &Ask::get("/"));
        let reason = Violation::MissingSecure.as_str();
        assert_eq!(memory.events()[0].detail(), &Detail::Cookie { name: "id", reason });
        assert_eq!(memory.events().len(), 4);
    }
}

/// Who would see what of these lines of `Cookie`.
fn request(lines: &[&[u8]]) -> Request<()> {
    let mut request = Request::new(());
    for line in lines {
        request.headers_mut().append("cookie", HeaderValue::from_bytes(line).unwrap());
    }
    request
}

#[test]
fn cookies_are_read_by_their_exact_bytes() {
    use Found::{Absent, Ambiguous, One};
    use Lookalike as L;
    for (lines, found, like) in [
        (&["__Host-sid=good"][..], One(b"good"), None),
        // A1
        (&["__Host-sid=good; %5F%5FHost-sid=EVIL"], One(b"good"), Some(L::Encoded)),
        (&["%5f%5fHost-sid=EVIL; __Host-sid=good"], One(b"good"), Some(L::Encoded)),
        (&["%255F%255FHost-sid=EVIL"], Absent, Some(L::Encoded)),
        (&["\u{2000}__Host-sid=EVIL"], Absent, Some(L::Spaced)),
        (&["__Host-sid\u{3000}\u{a0}=EVIL"], Absent, Some(L::Spaced)),
        (&["%20__Host-sid=EVIL"], Absent, Some(L::Encoded)),
        (&["\"__Host-sid\"=EVIL"], Absent, Some(L::Quoted)),
        // A3
        (&["__Host-sid=A; __Host-sid=B"], Ambiguous, None),
        (&["__Host-sid=A", "b=1; __Host-sid=B"], Ambiguous, None),
        (&["__Host-sid=A; __Host-sid=A"], Ambiguous, None),
        // A4
        (&["__HOST-sid=EVIL; __Host-sid=good"], One(b"good"), Some(L::Case)),
        (&["__host-sid=EVIL"], Absent, Some(L::Case)),
        (&["__HO\u{17f}T-sid=EVIL"], Absent, Some(L::Case)),
        // A5
        (&["=__Host-sid=EVIL"], Absent, Some(L::Nameless)),
        (&["__Host-sid"], Absent, Some(L::Nameless)),
        (&["="], Absent, None),
        (&[";;;"], Absent, None),
        (&["", ";;; ; __Host-sid=good;;"], One(b"good"), None),
        // A7, A8, A10, A13
        (&["a=b;\t__Host-sid=good"], One(b"good"), None),
        (&["a=b;__Host-sid=good"], One(b"good"), None),
        (&["  __Host-sid = good  "], One(b"good"), None),
        (&["__Host-sid=\"good\""], One(b"\"good\""), None),
        (&["$Version=1; __Host-sid=good; $Path=/"], One(b"good"), None),
        (&["a=1, __Host-sid=EVIL; __Host-sid=good"], One(b"good"), None),
        (&["__Host-sid=a=b="], One(b"a=b="), None),
        (&["__Host-sid="], One(b""), None),
        (&["__Host-sid=a%62c"], One(b"a%62c"), None),
        (&["track=%ff; __Host-sid=good"], One(b"good"), None),
    ] {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let request = request(&lines);
        let view = CookieView::of(&request);
        assert_eq!(view.get(NAME), found, "{lines:?}");
        assert_eq!(view.lookalike(NAME), like, "{lines:?}");
    }
    // A6: bytes that are no UTF-8.
    let raw = request(&[b"track=\xff; __Host-sid=good", b"\xa0__Host-sid=EVIL"]);
    assert_eq!(CookieView::of(&raw).get(NAME), One(b"good"));
    assert_eq!(CookieView::of(&raw).lookalike(NAME), Some(L::Spaced));
    let identical = request(&[b"__Host-sid=A; __Host-sid=A"]);
    assert_eq!(CookieView::of(&identical).accept_identical().get(NAME), One(b"A"));
    let three = request(&[b"__Host-sid=A; __Host-sid=B; __Host-sid=A"]);
    assert_eq!(CookieView::of(&three).accept_identical().get(NAME), Ambiguous);
}

#[test]
fn a_flood_of_cookies_is_ambiguous_and_read_no_further() {
    let flood = |count: usize| {
        let line = vec!["a=1"; count].join("; ");
        request(&[b"__Host-sid=good", line.as_bytes()])
    };
    assert_eq!(CookieView::of(&flood(255)).get(NAME), Found::One(b"good"));
    assert_eq!(CookieView::of(&flood(256)).get(NAME), Found::Ambiguous);
    assert_eq!(CookieView::of(&flood(5000)).get("absent"), Found::Ambiguous);
    let long = |length: usize| request(&[format!("a={}", "v".repeat(length - 2)).as_bytes()]);
    assert_eq!(CookieView::of(&long(32 * 1024)).get(NAME), Found::Absent);
    assert_eq!(CookieView::of(&long(32 * 1024 + 1)).get(NAME), Found::Ambiguous);
    assert_eq!(CookieView::of(&long(64 * 1024)).get(NAME), Found::Ambiguous);
    let started = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(CookieView::of(&flood(16_000)).get(NAME), Found::Ambiguous);
        let spaces = format!("{}=1", "%2520\u{2000}".repeat(3600));
        assert_eq!(CookieView::of(&request(&[spaces.as_bytes()])).lookalike(NAME), None);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// Answers with the cookies that a handler sees.
#[derive(Clone)]
struct Echo;

impl Middleware for Echo {
    type Memo = Vec<u8>;
    type Refusal = std::convert::Infallible;

    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut Vec<u8>,
    ) -> Result<(), Self::Refusal> {
        let lines: Vec<_> = request.header(&COOKIE).collect();
        *memo = lines.join(&b"|"[..]);
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &Vec<u8>, response: &mut H) {
        response.insert_bytes(&SAW, memo.clone().into());
    }
}

static COOKIE: Name = Name::from_static("cookie");
static SAW: Name = Name::from_static("x-saw");

#[actix_web::test]
async fn what_may_be_taken_for_the_session_reaches_no_handler() {
    let refuse = || GuardCookies::new([NAME]).unwrap();
    let flood = vec!["a=1"; 300].join("; ");
    for (guard, lines, saw, events) in [
        (refuse(), &["a=1; __Host-sid=g"][..], Some("a=1; __Host-sid=g"), 0),
        (refuse(), &[], Some(""), 0),
        (refuse(), &["__Host-sid=A; __Host-sid=B"], None, 1),
        (refuse(), &["__Host-sid=A", "__Host-sid=A"], None, 1),
        (
            refuse().accept_identical(),
            &["__Host-sid=A", "__Host-sid=A"],
            Some("__Host-sid=A|__Host-sid=A"),
            1,
        ),
        (refuse().accept_identical(), &["__Host-sid=A", "__Host-sid=B"], None, 1),
        (refuse(), &[&flood], None, 1),
        (refuse().strip_ambiguous(), &[&flood], Some(""), 1),
        (
            refuse().strip_ambiguous(),
            &["__Host-sid=A; b=1", "__host-sid=C ; c = 2;__Host-sid=B"],
            Some("b=1|c = 2"),
            2,
        ),
        (refuse().strip_ambiguous(), &["__Host-sid=A;__Host-sid=B", "b=\"x\""], Some("b=\"x\""), 1),
        (refuse(), &["%5F%5FHost-sid=E; __Host-sid=g"], Some("%5F%5FHost-sid=E; __Host-sid=g"), 1),
        (
            refuse().strip_lookalikes(),
            &["%5F%5FHost-sid=E; __Host-sid=g; =__Host-sid=E; b=1"],
            Some("__Host-sid=g; b=1"),
            1,
        ),
    ] {
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
        let mut ask = Ask::get("/");
        for line in lines {
            ask = ask.header("cookie", line);
        }
        let stack = Stack::new((log.build().unwrap(), guard, Echo));
        for (framework, seen) in both!(stack, &ask) {
            if let Some(saw) = saw {
                assert_eq!(seen.header("x-saw"), Some(saw), "{framework} {lines:?}");
                assert!(seen.is_of_app());
            } else {
                assert_eq!(seen.status, 400, "{framework} {lines:?}");
                assert!(!seen.is_of_app());
            }
        }
        assert_eq!(memory.events().len(), 2 * events, "{lines:?} {:?}", memory.events());
    }
}

#[test]
fn what_is_right_costs_nothing() {
    let mut response = Response::new(());
    let mut actix = actix_web::HttpResponse::Ok().finish();
    for line in [
        "__Host-sid=7f3a; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600",
        "a=1; Expires=Thu, 02 Jan 2020 00:00:00 GMT; secure;httponly;samesite=strict",
        "a2=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
    ] {
        response.headers_mut().append("set-cookie", HeaderValue::from_static(line));
        let value = actix_web::http::header::HeaderValue::from_static(line);
        actix.headers_mut().append(actix_web::http::header::SET_COOKIE, value);
    }
    let (before, harden, memo) = (response.headers().clone(), fix(), HardenMemo::default());
    let count = allocation_counter::measure(|| {
        harden.finish(&memo, &mut response);
        harden.finish(&memo, &mut actix);
    });
    assert_eq!((count.count_total, response.headers()), (0, &before));

    let keep = |_: &[u8]| Rewrite::Keep;
    let name = Name::from_static("set-cookie");
    let count = allocation_counter::measure(|| {
        ResponseHead::rewrite(&mut response, &name, keep);
        ResponseHead::rewrite(&mut actix, &name, keep);
    });
    assert_eq!((count.count_total, response.headers()), (0, &before));

    let mut request = request(&[b"a=1; b=2; __Host-sid=7f3a; c=3", b"d=4"]);
    let guard = GuardCookies::new([NAME]).unwrap();
    let count = allocation_counter::measure(|| {
        assert_eq!(CookieView::of(&request).get(NAME), Found::One(b"7f3a"));
        guard.admit(&mut request, &mut ()).unwrap();
    });
    assert_eq!(count.count_total, 0);
}

#[test]
fn values_are_rewritten_in_their_place() {
    let name = Name::from_static("x-b");
    let rewrite = |value: &[u8]| match value {
        b"1" => Rewrite::Replace(bytes::Bytes::from_static(b"one")),
        b"2" => Rewrite::Drop,
        b"3" => Rewrite::Replace(bytes::Bytes::from_static(b"no\r\nheader")),
        _ => Rewrite::Keep,
    };
    let mut response = Response::new(());
    let mut parts = Request::new(()).into_parts().0;
    for (name, value) in [
        ("x-a", "1"),
        ("x-b", "1"),
        ("x-b", "2"),
        ("x-c", "1"),
        ("x-b", "3"),
        ("x-b", "4"),
        ("x-d", "2"),
    ] {
        response.headers_mut().append(name, HeaderValue::from_static(value));
        parts.headers.append(name, HeaderValue::from_static(value));
    }
    ResponseHead::rewrite(&mut response, &name, rewrite);
    assert!(RequestHead::rewrite(&mut parts, &name, rewrite));
    let seen: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(seen, [("x-a", "1"), ("x-b", "one"), ("x-b", "4"), ("x-c", "1"), ("x-d", "2")]);
    assert_eq!(response.headers(), &parts.headers);

    let mut shared = actix_web::test::TestRequest::default().to_http_request();
    assert!(!RequestHead::rewrite(&mut shared, &name, |_| Rewrite::Drop));
}

/// Session cookies of other libraries, however they are set up.
#[actix_web::test]
async fn session_cookies_of_libraries_are_hardened() {
    use actix_session::storage::CookieSessionStore;
    use actix_session::{Session as ActixSession, SessionMiddleware};
    use actix_web::cookie::Key;
    use axum::body::Body;
    use tower::ServiceExt;
    use tower_sessions::{MemoryStore, Session, SessionManagerLayer, cookie};

    async fn login(session: Session) {
        session.insert("user", 7).await.unwrap();
    }
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_name("__Host-id")
        .with_secure(false)
        .with_http_only(false)
        .with_same_site(cookie::SameSite::None)
        .with_path("/app");
    let app = axum::Router::new().route("/", axum::routing::get(login)).layer(sessions);
    let app = app.layer(Stack::new((fix(),)));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    let line = response.headers()["set-cookie"].as_bytes();
    assert_safe(line);

    let sessions = SessionMiddleware::builder(CookieSessionStore::default(), Key::generate())
        .cookie_name("__Host-id".into())
        .cookie_secure(false)
        .cookie_http_only(false)
        .build();
    let app = actix_web::App::new()
        .route(
            "/",
            actix_web::web::get().to(async |session: ActixSession| {
                session.insert("user", 7).unwrap();
                actix_web::HttpResponse::Ok().finish()
            }),
        )
        .wrap(sessions)
        .wrap(fix());
    let app = actix_web::test::init_service(app).await;
    let request = actix_web::test::TestRequest::default().to_request();
    let response = actix_web::test::call_service(&app, request).await;
    assert_safe(response.headers().get("set-cookie").unwrap().as_bytes());
}

#[track_caller]
fn assert_safe(line: &[u8]) {
    let cookie = SetCookie::parse(line);
    let text = String::from_utf8_lossy(line);
    assert_eq!(cookie.name(), b"__Host-id", "{text}");
    assert!(cookie.secure() && cookie.http_only(), "{text}");
    assert!(cookie.same_site() >= Some(SameSite::Lax), "{text}");
    assert_eq!((cookie.path(), cookie.domain()), (Some(&b"/"[..]), None), "{text}");
    assert!(!cookie.value().is_empty());
}

/// Lines of attributes, right and wrong.
fn a_line() -> impl Strategy<Value = String> {
    let name =
        prop::sample::select(vec!["a", "b", "__Host-a", "__http-b", "", "__Secure-", " c\t"]);
    let attribute = prop_oneof![
        prop::sample::select(vec![
            "Secure",
            "secure=0",
            "HttpOnly",
            "SameSite=None",
            "samesite=lax",
            "SameSite=Strict",
            "SameSite=x",
            "Path=/",
            "Path=/x",
            "Path",
            "Domain=a.example",
            "Domain=.A.example",
            "Domain=",
            "Max-Age=0",
            "Max-Age=99999999",
            "Max-Age=60",
            "Max-Age=x",
            "Partitioned",
            "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "Expires=1 Jan 2099 00:00:00",
            "Expires=0",
            "",
            "Priority=High",
            " Secure ",
        ])
        .prop_map(str::to_owned),
        "[ -~\t]{0,12}",
    ];
    (name, "[ -:<-~\t]{0,6}", prop::collection::vec(attribute, 0..7)).prop_map(
        |(name, value, attributes)| {
            let pair = if name.is_empty() { value } else { format!("{name}={value}") };
            std::iter::once(pair).chain(attributes).collect::<Vec<_>>().join(";")
        },
    )
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Fix, Mode::Strict, Mode::ReportOnly])
}

proptest! {
    #[test]
    fn hardening_twice_is_hardening_once(lines in prop::collection::vec(a_line(), 0..5), mode in modes()) {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes().trim_ascii()).collect();
        let harden = fix().mode(mode);
        let once = hardened(&harden, &lines);
        let again: Vec<_> = once.iter().map(|line| &line[..]).collect();
        prop_assert_eq!(&hardened(&harden, &again), &once);
        if mode == Mode::ReportOnly {
            prop_assert_eq!(once, lines);
        }
    }

    #[test]
    fn hardening_never_weakens(line in a_line()) {
        let now = std::time::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
        let out = hardened(&fix(), &[line.as_bytes()]);
        for out in &out {
            let (before, after) = (SetCookie::parse(line.as_bytes()), SetCookie::parse(out));
            let lifetime = |cookie: &SetCookie<'_>| {
                cookie.max_age().or(cookie.expires().map(|at| at - 1_577_836_800)).unwrap_or(0)
            };
            prop_assert_eq!((before.name(), before.value()), (after.name(), after.value()));
            prop_assert!(after.secure() && after.http_only());
            prop_assert!(after.same_site() >= before.same_site().max(Some(SameSite::Lax)));
            prop_assert_eq!(before.partitioned(), after.partitioned());
            prop_assert_eq!(before.is_deletion(now), after.is_deletion(now));
            prop_assert!(lifetime(&after) <= lifetime(&before).max(0));
            prop_assert!(after.domain().is_none() || after.domain() == before.domain());
            if before.name().to_ascii_lowercase().starts_with(b"__host-") {
                prop_assert_eq!((after.path(), after.domain()), (Some(&b"/"[..]), None));
            } else {
                prop_assert_eq!((after.path(), after.domain()), (before.path(), before.domain()));
            }
        }
    }

    #[test]
    fn what_is_found_is_a_slice_of_a_pair_of_that_name(
        lines in prop::collection::vec("(a|A|%61|\"a\"|[ =;a\t\u{80}-\u{ff}\u{2000}]){0,12}", 0..4),
    ) {
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let request = request(&lines);
        let trim = |bytes: &[u8]| {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            text.trim_matches([' ', '\t']).to_owned()
        };
        let values: Vec<_> = lines
            .iter()
            .flat_map(|line| line.split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=')?;
                (trim(&pair[..at]) == "a").then(|| trim(&pair[at + 1..]))
            })
            .collect();
        match CookieView::of(&request).get("a") {
            Found::Absent => prop_assert!(values.is_empty()),
            Found::One(value) => {
                let raw: String = value.iter().map(|byte| char::from(*byte)).collect();
                prop_assert_eq!(values, [raw]);
                let within = |line: &[u8]| line.as_ptr_range().contains(&value.as_ptr());
                let headers = request.headers().get_all("cookie");
                prop_assert!(value.is_empty() || headers.iter().any(|line| within(line.as_bytes())));
            }
            Found::Ambiguous => prop_assert!(values.len() > 1),
        }
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64), name in "[ -~]{0,8}") {
        let cookie = SetCookie::parse(&bytes);
        let _ = (cookie.same_site(), cookie.domain(), cookie.path(), cookie.expires());
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let request = request(&[value.as_bytes()]);
            let _ = (CookieView::of(&request).get(&name), CookieView::of(&request).lookalike(&name));
            let _ = hardened(&fix(), &[value.as_bytes()]);
        }
    }
}
