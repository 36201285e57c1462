//! Declared cookies: what is set, read and deleted, and how it gets into responses.

#![cfg(all(feature = "actix", feature = "axum", feature = "cookie", feature = "serde"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use donjon::clock::{Clock, ManualClock};
use donjon::cookies::prefix::{Host, HostHttp, Http, NamePrefix, Secure, Unprefixed};
use donjon::cookies::{
    ConfigError, CookieOutbox, CookieSpec, CookieValue, Cookies, GuardCookies, HardenCookies,
    HardenMemo, OpenReason, OutboxMemo, OutgoingCookie, Packed, ReadError, SealError, Sealer,
    SetError,
};
use donjon::event::{Detail, EventLog, EventName, MemorySink, Severity};
use donjon::keys::{Key, KeyRing, KeySet};
use donjon::middleware::{Middleware, Stack};
use http::{HeaderValue, Request, Response};
use proptest::prelude::*;

use self::both::{Ask, Seen};

mod both;
#[path = "cookie_spec/renewed.rs"]
mod renewed;

fn spec<P: NamePrefix>(name: &'static str) -> CookieSpec<String, P> {
    CookieSpec::new(name).unwrap()
}

/// What the browser sends back.
fn pair(cookie: &OutgoingCookie) -> String {
    cookie.as_str().split(';').next().unwrap().to_owned()
}

fn request(cookie: &str) -> Request<()> {
    Request::builder().header("cookie", cookie).body(()).unwrap()
}

/// What browsers ask of a name, before they believe a line (draft-ietf-httpbis-layered-cookies).
#[track_caller]
fn assert_believed(cookie: &OutgoingCookie) {
    let read = cookie.read();
    let name = String::from_utf8(read.name().to_vec()).unwrap().to_ascii_lowercase();
    assert!(read.secure(), "{}", cookie.as_str());
    if name.starts_with("__host-") {
        assert_eq!((read.path(), read.domain()), (Some(&b"/"[..]), None), "{}", cookie.as_str());
    }
    if name.starts_with("__http-") || name.starts_with("__host-http-") {
        assert!(read.http_only(), "{}", cookie.as_str());
    }
}

/// C14: same name, domain and path; the attributes that browsers ask for; over.
#[track_caller]
fn assert_deletes(deletion: &OutgoingCookie, set: &OutgoingCookie) {
    let (deleted, set) = (deletion.read(), set.read());
    assert_eq!(deleted.name(), set.name());
    assert_eq!((deleted.path(), deleted.domain()), (set.path(), set.domain()));
    assert_eq!(deleted.partitioned(), set.partitioned());
    assert_eq!((deleted.secure(), deleted.http_only()), (set.secure(), set.http_only()));
    assert_eq!(
        (deleted.value(), deleted.max_age(), deleted.expires()),
        (&b""[..], Some(0), Some(0))
    );
    assert_believed(deletion);
    assert_untouched(deletion);
}

/// The hardener has nothing to mend in what is declared.
#[track_caller]
fn assert_untouched(cookie: &OutgoingCookie) {
    let mut response = Response::new(());
    let line = HeaderValue::from_str(cookie.as_str()).unwrap();
    response.headers_mut().insert("set-cookie", line.clone());
    HardenCookies::new().finish(&HardenMemo::default(), &mut response);
    assert_eq!(response.headers()["set-cookie"], line);
}

#[test]
fn a_deletion_matches_what_was_set_whatever_is_declared() {
    fn check<P: NamePrefix>(spec: &CookieSpec<String, P>) {
        for spec in [spec.clone(), spec.clone().strict(), spec.clone().partitioned()] {
            let spec = spec.lifetime(Duration::from_secs(60)).unwrap();
            let set = spec.set(&"v".to_owned()).unwrap();
            assert_believed(&set);
            assert_untouched(&set);
            assert_deletes(&spec.delete(), &set);
        }
    }
    check(&spec::<HostHttp>("__Host-Http-a"));
    check(&spec::<Host>("__Host-a"));
    for (path, domain) in [("/", None), ("/x", None), ("/", Some("a.example")), ("/x", Some("a.b"))]
    {
        fn at<P: donjon::cookies::prefix::AnyPath>(
            spec: CookieSpec<String, P>,
            path: &'static str,
            domain: Option<&'static str>,
        ) -> CookieSpec<String, P> {
            let spec = spec.path(path).unwrap();
            domain.map_or(spec.clone(), |domain| spec.domain(domain).unwrap())
        }
        check(&at(spec::<Http>("__Http-a"), path, domain));
        check(&at(spec::<Secure>("__Secure-a"), path, domain));
        check(&at(spec::<Unprefixed>("a"), path, domain));
        // After a change of declaration, what was there before goes too.
        let old = at(spec::<Unprefixed>("a"), path, domain);
        let deletion = spec::<Unprefixed>("a").delete_at(domain, path).unwrap();
        assert_deletes(&deletion, &old.set(&"v".to_owned()).unwrap());
    }
}

#[test]
fn what_browsers_would_change_is_an_error() {
    let plain = spec::<Unprefixed>("a");
    // C16
    for value in
        ["a;b", "a,b", "a b", "\"a\"", "a\\b", "a\rb", "a\nb", "a\0b", "ä", " a", "a\t", "\x7f"]
    {
        assert_eq!(
            plain.set(&value.to_owned()),
            Err(SetError::Value { name: "a".into() }),
            "{value:?}"
        );
    }
    for value in ["", "a=b=", "!#$%&'()*+-./:<=>?@[]^_`{|}~"] {
        let set = plain.set(&value.to_owned()).unwrap();
        assert_eq!(plain.read(&request(&pair(&set))).unwrap().unwrap().value, value);
    }
    assert!(plain.set(&"v".repeat(4095)).is_ok());
    let large = SetError::TooLarge { name: "a".into(), len: 4097, limit: 4096 };
    assert_eq!(plain.set(&"v".repeat(4096)), Err(large));
    let small = plain.clone().max_size(10).unwrap();
    assert!(small.set(&"v".repeat(9)).is_ok());
    assert!(small.set(&"v".repeat(10)).is_err());

    for name in ["a b", "a;", "a=", "", "ä", "a\n"] {
        assert_eq!(
            CookieSpec::<String, Unprefixed>::new(name).unwrap_err(),
            ConfigError::Name { name }
        );
    }
    for name in ["sid", "__Host-sid", "__host-http-sid", "__Host-Http-", "x__Host-Http-sid"] {
        let prefix = "__Host-Http-";
        assert_eq!(
            CookieSpec::<String, HostHttp>::new(name).unwrap_err(),
            ConfigError::Prefix { name, prefix }
        );
    }
    for name in ["__Host-Http-sid", "__HOST-sid", "__Hostsid"] {
        assert!(CookieSpec::<String, Host>::new(name).is_err(), "{name}");
    }
    // Browsers do not mind the case: these would be held to rules that nobody has declared.
    for name in ["__Host-a", "__sEcure-a", "__http-a", "__HOST-HTTP-a"] {
        assert!(CookieSpec::<String, Unprefixed>::new(name).is_err(), "{name}");
    }
    for path in ["", "x", "/x; Domain=evil.example", "/x\r\n", "/ä", " /", "/x "] {
        assert_eq!(plain.clone().path(path).unwrap_err(), ConfigError::Path { path });
        assert!(plain.delete_at(None, path).is_err());
    }
    for domain in [
        "",
        ".a.example",
        "a.example; Path=/",
        "A.example",
        "a.example:80",
        "127.0.0.1",
        "[::1]",
        "a.example.",
    ] {
        assert_eq!(plain.clone().domain(domain).unwrap_err(), ConfigError::Domain { domain });
    }
    assert!(plain.clone().lifetime(Duration::from_secs(400 * 86_400)).is_ok());
    for seconds in [0, 400 * 86_400 + 1] {
        let wrong = plain.clone().lifetime(Duration::from_secs(seconds)).unwrap_err();
        assert_eq!(wrong, ConfigError::Lifetime { seconds });
    }
    assert_eq!(plain.clone().cross_site(" ").unwrap_err(), ConfigError::NoReason { name: "a" });
    assert!(plain.max_size(4097).is_err());
}

struct Sealed {
    clock: Arc<ManualClock>,
    ring: KeyRing,
    spec: CookieSpec<String>,
}

fn sealed() -> Sealed {
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(1_577_836_800));
    let ring = KeyRing::new(Key::random()).unwrap();
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let spec = CookieSpec::new("__Host-Http-note").unwrap().clock(clock.clone());
    let spec = spec.sealed(sealer, Duration::from_secs(3600)).unwrap();
    Sealed { clock, ring, spec }
}

#[test]
fn what_is_sealed_may_be_anything_and_is_good_for_its_time() {
    let Sealed { clock, ring, spec } = sealed();
    let value = "court 3; 18:00 \"ä\"\r\n".to_owned();
    let set = spec.set(&value).unwrap();
    let read = || spec.read(&request(&pair(&set)));
    assert_eq!(read().unwrap().unwrap().value, value);
    assert!(!set.as_str().contains("court"));

    // C: another cookie of the same purpose is another.
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let other: CookieSpec<String> = CookieSpec::new("__Host-Http-role")
        .unwrap()
        .sealed(sealer, Duration::from_secs(60))
        .unwrap();
    let moved = pair(&set).replace("note", "role");
    assert!(matches!(other.read(&request(&moved)), Err(ReadError::Sealed(_))));

    let old = ring.clone();
    assert_eq!(old.active_id(), ring.active_id());
    clock.advance(Duration::from_secs(3599));
    assert!(read().is_ok());
    clock.advance(Duration::from_secs(1));
    let Err(ReadError::Sealed(error)) = read() else { panic!("it is over") };
    assert_eq!(
        (error.reason(), error.to_string()),
        (OpenReason::Expired, "the value is not valid".into())
    );
    let large = spec.set(&"x".repeat(4000)).unwrap_err();
    assert!(matches!(large, SetError::Seal(SealError::TooLarge { .. })), "B14: {large}");
}

#[test]
fn only_the_exact_name_is_read_and_only_once() {
    let Sealed { spec, .. } = sealed();
    let set = pair(&spec.set(&"good".to_owned()).unwrap());
    for (cookies, found) in [
        (format!("%5F%5FHost-Http-note=evil; {set}"), true),
        (format!("x=\u{ff}; {set}"), true),
        (set.replace("__Host", "__HOST"), false),
        ("theme=dark".to_owned(), false),
    ] {
        let read = spec.read(&request(&cookies)).unwrap();
        assert_eq!(read.is_some(), found, "{cookies}");
    }
    let twice = spec.read(&request(&format!("{set}; {set}")));
    assert_eq!(twice, Err(ReadError::Ambiguous));
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
enum Choice {
    None,
    Court { number: u8, hours: Vec<u16>, note: String },
}

proptest! {
    #[test]
    fn types_of_ones_own_come_back(number: u8, hours in prop::collection::vec(0_u16.., 0..8), note in ".{0,30}") {
        let ring = KeyRing::new(Key::random()).unwrap();
        let sealer = Sealer::signed(&ring, "club", "choice").unwrap();
        let spec: CookieSpec<Packed<Choice>> = CookieSpec::new("__Host-Http-choice").unwrap();
        let spec = spec.sealed(sealer, Duration::from_secs(60)).unwrap();
        for choice in [Choice::None, Choice::Court { number, hours, note }] {
            let set = spec.set(&Packed(choice.clone())).unwrap();
            prop_assert_eq!(spec.read(&request(&pair(&set))).unwrap().unwrap().value, Packed(choice));
        }
    }

    #[test]
    fn what_is_set_is_read_or_is_an_error(value in "\\PC{0,20}|[ -~]{0,20}") {
        let plain = spec::<Unprefixed>("a");
        if let Ok(set) = plain.set(&value) {
            prop_assert_eq!(plain.read(&request(&pair(&set))).unwrap().unwrap().value, value);
            assert_untouched(&set);
        }
    }

    #[test]
    fn bytes_of_no_type_are_an_error(bytes: Vec<u8>) {
        if let Some(read) = Packed::<Choice>::from_bytes(&bytes) {
            let again = read.to_bytes().unwrap();
            prop_assert_eq!(Packed::<Choice>::from_bytes(&again), Some(read));
        }
    }
}

#[test]
fn cookies_of_the_cookie_crate_go_both_ways() {
    let spec = spec::<Secure>("__Secure-a").path("/x").unwrap().domain("a.example").unwrap();
    let spec = spec.lifetime(Duration::from_secs(60)).unwrap();
    for ours in [spec.set(&"v=1".to_owned()).unwrap(), spec.delete()] {
        let theirs = cookie::Cookie::try_from(&ours).unwrap();
        assert_eq!((theirs.name(), theirs.path()), ("__Secure-a", Some("/x")));
        let back = OutgoingCookie::try_from(&theirs).unwrap();
        assert_eq!(cookie::Cookie::try_from(&back).unwrap(), theirs);
        let actix = actix_web::cookie::Cookie::try_from(&ours).unwrap();
        assert_eq!(actix.domain(), Some("a.example"));
        assert_eq!(actix.http_only(), Some(true));
        assert_eq!(
            OutgoingCookie::try_from(&actix).unwrap().read().max_age(),
            ours.read().max_age()
        );
    }
    let partitioned = spec.partitioned().set(&"v".to_owned()).unwrap();
    let theirs = cookie::Cookie::try_from(&partitioned).unwrap();
    assert_eq!(theirs.partitioned(), Some(true));
    assert!(actix_web::cookie::Cookie::try_from(&partitioned).is_err(), "that version loses it");

    // What would inject attributes, or a line.
    let wrong = [
        cookie::Cookie::new("a", "x; Domain=evil.example"),
        cookie::Cookie::new("a", "x\r\nSet-Cookie: b=1"),
        cookie::Cookie::new("a; Domain=evil.example", "x"),
        cookie::Cookie::new("", "x"),
        cookie::Cookie::new("a", " x"),
        cookie::Cookie::build(("a", "x")).path("/x; Domain=evil.example").build(),
        cookie::Cookie::build(("a", "x")).domain("a.example; Path=/").build(),
        cookie::Cookie::build(("a", "x")).path("x").build(),
        cookie::Cookie::new("a", "x".repeat(4096)),
        cookie::Cookie::new("a", "ä"),
    ];
    for cookie in wrong {
        assert!(OutgoingCookie::try_from(&cookie.clone().into_owned()).is_err(), "{cookie:?}");
    }
    let injected = actix_web::cookie::Cookie::new("a", "x; Domain=evil.example");
    assert!(OutgoingCookie::try_from(&injected).is_err());
}

/// The same app in both frameworks: `/set` sets and fails, `/get` reads.
async fn axum_says(stack: impl Layered, ask: &Ask) -> Seen {
    let set = async |cookies: Cookies| {
        acts(&cookies);
        http::StatusCode::CONFLICT.into_response()
    };
    let read = async |cookies: Cookies| cookies.get(&theme()).unwrap_or_default();
    let router = Router::new().route("/set", get(set)).route("/get", get(read));
    both::axum_app::send(stack.around(router), ask).await
}

trait Layered {
    fn around(self, router: Router) -> Router;
}
impl Layered for () {
    fn around(self, router: Router) -> Router {
        router
    }
}
impl Layered for Full {
    fn around(self, router: Router) -> Router {
        router.layer(self)
    }
}

type Full = Stack<(EventLog, HardenCookies, CookieOutbox)>;

async fn actix_says(stack: Full, ask: &Ask) -> Seen {
    async fn set(cookies: Cookies) -> Result<HttpResponse, actix_web::Error> {
        acts(&cookies);
        Err(actix_web::error::ErrorConflict("no"))
    }
    async fn read(cookies: Cookies) -> String {
        cookies.get(&theme()).unwrap_or_default()
    }
    let app =
        actix_web::App::new().route("/set", web::get().to(set)).route("/get", web::get().to(read));
    let app = actix_web::test::init_service(app.wrap(stack)).await;
    let request = both::actix_app::request(ask).to_request();
    both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
}

fn theme() -> CookieSpec<String, Unprefixed> {
    spec("theme").readable_by_scripts()
}

fn acts(cookies: &Cookies) {
    cookies.set(&theme(), &"light".to_owned()).unwrap();
    cookies.set(&spec::<Host>("__Host-b"), &"1".to_owned()).unwrap();
    cookies.set(&theme(), &"dark".to_owned()).unwrap();
    cookies.delete(&spec::<Host>("__Host-c")).unwrap();
    cookies.send(OutgoingCookie::parse("raw=1").unwrap()).unwrap();
}

#[actix_web::test]
async fn what_a_handler_sets_is_sent_with_an_error_too() {
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).build().unwrap();
    let harden = HardenCookies::new().spec(&theme()).unwrap();
    let stack = Stack::new((log.clone(), harden, CookieOutbox::new()));
    let expected = [
        "__Host-b=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        "theme=dark; Path=/; Secure; SameSite=Lax",
        "__Host-c=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
        "raw=1; Secure; HttpOnly; SameSite=Lax",
    ];
    let ask = Ask::get("/set");
    for seen in [axum_says(stack.clone(), &ask).await, actix_says(stack.clone(), &ask).await] {
        assert_eq!(seen.status, 409);
        let lines = seen.headers.iter().filter(|(name, _)| name == "set-cookie");
        let lines: Vec<_> = lines.map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, expected);
        assert_eq!(seen.header("cache-control"), Some("private, no-cache"));
    }
    for (cookie, body) in [("theme=dark", "dark"), ("theme=a; theme=b", ""), ("THEME=x", "")] {
        let ask = Ask::get("/get").header("cookie", "x=1").header("cookie", cookie);
        for seen in [axum_says(stack.clone(), &ask).await, actix_says(stack.clone(), &ask).await] {
            assert_eq!((seen.status, &*seen.body), (200, body), "{cookie}");
            assert_eq!(seen.header("cache-control"), None, "nothing is set");
        }
    }
    assert_eq!(axum_says((), &ask).await.status, 500, "no outbox, no answer");
    log.shutdown(Duration::from_secs(5)).unwrap();
    let refused: Vec<_> = sink
        .events()
        .into_iter()
        .filter(|event| event.name() == EventName::CookieRefused)
        .collect();
    assert_eq!(refused.len(), 2, "one in each framework");
    assert_eq!(refused[0].detail(), &Detail::Cookie { name: "theme", reason: "ambiguous" });
    assert_eq!(refused[0].severity(), Severity::Warn);
}

#[test]
fn an_older_seal_is_replaced_and_keeps_its_time() {
    let Sealed { clock, ring, spec } = sealed();
    let old = Key::random();
    ring.replace(KeySet::new(old.clone())).unwrap();
    let set = spec.set(&"v".to_owned()).unwrap();
    let until = clock.now() + Duration::from_secs(86_400);
    ring.replace(KeySet::new(Key::random()).accept(old, until)).unwrap();
    clock.advance(Duration::from_secs(1000));

    let visit = |cookie: &str| {
        let outbox = CookieOutbox::new();
        let mut request = request(cookie);
        let mut memo = OutboxMemo::default();
        outbox.admit(&mut request, &mut memo).unwrap();
        let cookies = Cookies::of(&request).unwrap();
        assert_eq!(cookies.get(&spec).as_deref(), Some("v"));
        let mut response = Response::new(());
        outbox.finish(&memo, &mut response);
        let late = cookies.set(&spec, &"late".to_owned()).unwrap_err();
        assert_eq!(late, SetError::TooLate { name: "__Host-Http-note".into() });
        let first = response.headers().get("set-cookie").cloned();
        outbox.finish(&memo, &mut response);
        assert_eq!(
            response.headers().get_all("set-cookie").iter().count(),
            usize::from(first.is_some())
        );
        first.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
    };
    let new = visit(&pair(&set)).unwrap();
    assert_eq!(visit(&new), None, "once is enough");
    let expires = |cookie: &str| spec.read(&request(cookie)).unwrap().unwrap().expires_at;
    assert_eq!(expires(&new), expires(&pair(&set)));
}

#[test]
fn declarations_are_guarded_by_their_names() {
    let (note, theme) = (sealed().spec, theme());
    let guard = GuardCookies::new([note.name(), theme.name()]).unwrap();
    let twice = request("theme=a; theme=b");
    assert!(guard.admit(&mut request("theme=a"), &mut ()).is_ok());
    assert!(guard.admit(&mut { twice }, &mut ()).is_err());
    assert!(!format!("{note:?} {:?}", note.set(&"secret".to_owned()).unwrap()).contains("secret"));
}
