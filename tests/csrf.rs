//! Requests that another site may have made a browser send: attack list D of the facts.

#![cfg(all(feature = "actix", feature = "axum", feature = "csrf"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use axum::Router;
use axum::routing::{get, post};
use donjon::clock::ManualClock;
use donjon::cookies::session::{Session, Sessions};
use donjon::csrf::{
    ConfigError, CsrfDecision, CsrfField, CsrfProtection, CsrfToken, Decision, Origin, Reason,
    Verified,
};
use donjon::event::{EventLog, EventName, MemorySink, Severity};
use donjon::keys::{Key, KeyRing};
use donjon::middleware::{Middleware, Stack};
use http::Request;
use proptest::prelude::*;
use serde::Deserialize;

use self::both::{Ask, Seen, both};

mod both;
#[path = "csrf/layers.rs"]
mod layers;
#[path = "csrf/policy.rs"]
mod policy;

const SESSION: &str = "__Host-Http-session";

fn protection() -> CsrfProtection {
    CsrfProtection::new(["https://club.example"])
        .unwrap()
        .trust("https://partner.example:8443")
        .unwrap()
        .protect_cookies([SESSION])
        .unwrap()
        .exempt("/pay/notify", "signed")
        .unwrap()
        .check_reads("/logout")
        .unwrap()
}

fn post_to(target: &str) -> Ask {
    Ask::get(target).method("POST")
}

fn request(ask: &Ask) -> Request<()> {
    let mut request = Request::builder().method(ask.method).uri(&ask.target);
    for (name, value) in &ask.headers {
        request = request.header(name, &value[..]);
    }
    request.body(()).unwrap()
}

/// Both frameworks and the bare function agree.
async fn assert_decided(protection: &CsrfProtection, ask: &Ask, expected: Decision) {
    assert_eq!(protection.decide(&request(ask)), expected, "{ask:?}");
    let status = if expected.is_allowed() { 200 } else { 403 };
    for (framework, seen) in both!(protection.clone(), ask) {
        assert_eq!(seen.status, status, "{framework}: {ask:?}");
        assert_eq!(seen.is_of_app(), expected.is_allowed(), "{framework}: {ask:?}");
        if status == 403 {
            assert!(!format!("{seen:?}").contains(expected.denied().unwrap().as_str()), "{seen:?}");
        }
    }
}

#[actix_web::test]
async fn every_row_of_the_attack_list() {
    use Decision::{Allow, Deny};
    use Reason as R;

    let site = |value: &str| post_to("/x").header("sec-fetch-site", value);
    let origin = |value: &str| post_to("/x").header("origin", value);
    let cookie = |ask: Ask| ask.header("cookie", format!("{SESSION}=7f"));
    let get = |target: &str| Ask::get(target).header("sec-fetch-site", "cross-site");
    let socket = |ask: Ask| ask.header("connection", "Upgrade").header("upgrade", "h2c, WebSocket");
    for (ask, expected) in [
        (site("same-origin"), Allow(R::SameOrigin)), // D1
        (site("none"), Allow(R::UserInitiated)),     // D2
        // D3, and D4: with nothing but the one header
        (site("same-site").header("origin", "https://blog.club.example"), Deny(R::SameSite)),
        (
            site("cross-site").header("origin", "https://partner.example:8443"),
            Allow(R::TrustedOrigin),
        ),
        (site("cross-site").header("origin", "https://partner.example"), Deny(R::CrossSite)),
        (site("cross-site"), Deny(R::CrossSite)),
        (site("Same-Origin"), Deny(R::CrossSite)),
        (site(""), Deny(R::CrossSite)),
        (site("same-origin "), Deny(R::CrossSite)),
        // D6
        (origin("https://club.example"), Allow(R::OwnOrigin)),
        (origin("https://club.example:443"), Allow(R::OwnOrigin)),
        (cookie(origin("https://club.example")), Allow(R::OwnOrigin)),
        (origin("http://club.example"), Deny(R::CrossOrigin)),
        (origin("https://club.example:8443"), Deny(R::CrossOrigin)),
        (origin("https://club.example.evil.example"), Deny(R::CrossOrigin)),
        (origin("https://evil.example/https://club.example"), Deny(R::CrossOrigin)),
        (origin("https://club.example@evil.example"), Deny(R::CrossOrigin)),
        (origin("https://club.example https://evil.example"), Deny(R::CrossOrigin)),
        (origin("https://evil.example, https://club.example"), Deny(R::CrossOrigin)),
        (origin(""), Deny(R::CrossOrigin)),
        // D8
        (origin("null"), Deny(R::NullOrigin)),
        (site("cross-site").header("origin", "null"), Deny(R::CrossSite)),
        (site("same-origin").header("origin", "null"), Allow(R::SameOrigin)),
        // D9
        (site("same-origin").header("sec-fetch-site", "cross-site"), Deny(R::AmbiguousHeaders)),
        (site("same-origin, cross-site"), Deny(R::AmbiguousHeaders)),
        (
            origin("https://club.example").header("origin", "https://club.example"),
            Deny(R::AmbiguousHeaders),
        ),
        (site("same-origin").header("host", "club.example"), Deny(R::AmbiguousHeaders)),
        (
            post_to("https://evil.example/x").header("sec-fetch-site", "same-origin"),
            Deny(R::AmbiguousHeaders),
        ),
        // D10, D11
        (post_to("/x"), Allow(R::NoAmbientCredentials)),
        (post_to("/x").header("cookie", "theme=dark"), Allow(R::NoAmbientCredentials)),
        (cookie(post_to("/x")), Deny(R::NoSignal)),
        (cookie(cookie(post_to("/x"))), Deny(R::AmbiguousCookie)),
        // D12
        (
            Ask::nowhere("https://club.example/x")
                .method("POST")
                .header("origin", "https://club.example"),
            Allow(R::OwnOrigin),
        ),
        // D13: no browser sends that
        (site("same-origin").header("origin", "https://evil.example"), Allow(R::SameOrigin)),
        // D14
        (get("/x"), Allow(R::SafeMethod)),
        (get("/x").method("HEAD"), Allow(R::SafeMethod)),
        (get("/x").method("TRACE"), Deny(R::CrossSite)),
        (get("/x").method("QUERY"), Deny(R::CrossSite)),
        (get("/x").method("PROPFIND"), Deny(R::CrossSite)),
        (get("/x").method("get"), Deny(R::CrossSite)),
        (get("/x").method("DELETE"), Deny(R::CrossSite)),
        // D15
        (get("/logout"), Deny(R::CrossSite)),
        (get("/logout?next=/"), Deny(R::CrossSite)),
        (get("/%6cogout/"), Deny(R::CrossSite)),
        (get("/logout").method("HEAD"), Deny(R::CrossSite)),
        (Ask::get("/logout").header("sec-fetch-site", "same-origin"), Allow(R::SameOrigin)),
        (cookie(Ask::get("/logout")), Deny(R::NoSignal)),
        // D16
        (site("cross-site").header("x-http-method-override", "GET"), Deny(R::CrossSite)),
        (post_to("/x?_method=GET").header("sec-fetch-site", "cross-site"), Deny(R::CrossSite)),
        (get("/x").header("x-http-method-override", "DELETE"), Deny(R::CrossSite)),
        (get("/x").header("x-method-override", "put"), Deny(R::CrossSite)),
        (get("/x").header("x-http-method-override", "get"), Allow(R::SafeMethod)),
        (get("/x?a=1&_method=DELETE"), Deny(R::CrossSite)),
        (get("/x?%5fmethod=delete"), Deny(R::CrossSite)),
        (get("/x?_method=get"), Allow(R::SafeMethod)),
        // D17
        (socket(Ask::get("/ws")).header("origin", "https://evil.example"), Deny(R::CrossOrigin)),
        (socket(get("/ws")), Deny(R::CrossSite)),
        (socket(Ask::get("/ws")).header("origin", "https://club.example"), Allow(R::OwnOrigin)),
        (socket(Ask::get("/ws")), Allow(R::NoAmbientCredentials)),
        (cookie(socket(Ask::get("/ws"))), Deny(R::NoSignal)),
        // D18
        (
            get("/x").method("OPTIONS").header("access-control-request-method", "PUT"),
            Allow(R::SafeMethod),
        ),
        (get("/logout").method("OPTIONS"), Allow(R::SafeMethod)),
        // D23
        (
            site("cross-site").header("hx-request", "true").header("content-type", "text/plain"),
            Deny(R::CrossSite),
        ),
        // exact exemption
        (post_to("/pay/notify").header("origin", "https://gateway.example"), Allow(R::Exempt)),
        (post_to("/pay/notify/").header("origin", "https://gateway.example"), Deny(R::CrossOrigin)),
        (
            post_to("/pay/notify/x").header("origin", "https://gateway.example"),
            Deny(R::CrossOrigin),
        ),
        (
            post_to("/pay/notify").header("origin", "a").header("origin", "b"),
            Deny(R::AmbiguousHeaders),
        ),
    ] {
        assert_decided(&protection(), &ask, expected).await;
    }
    let extended_connect = Request::builder().method("CONNECT").uri("https://club.example/ws");
    let from = |origin: &str| extended_connect_from(origin);
    assert!(extended_connect.body(()).is_ok());
    assert_eq!(protection().decide(&from("https://evil.example")), Deny(R::CrossOrigin));
    assert_eq!(protection().decide(&from("https://club.example")), Allow(R::OwnOrigin));
}

fn extended_connect_from(origin: &str) -> Request<()> {
    let request = Request::builder().method("CONNECT").uri("https://club.example/ws");
    request.header("origin", origin).body(()).unwrap()
}

#[actix_web::test]
async fn other_policies() {
    use Decision::{Allow, Deny};
    use Reason as R;

    let strict = protection().strict();
    let site = |value: &str| post_to("/x").header("sec-fetch-site", value);
    assert_decided(&strict, &site("none"), Deny(R::UserInitiated)).await;
    let spoofed = site("same-origin").header("origin", "https://evil.example");
    assert_decided(&strict, &spoofed, Deny(R::CrossOrigin)).await;
    let own = site("same-origin").header("origin", "https://club.example");
    assert_decided(&strict, &own, Allow(R::SameOrigin)).await;
    assert_decided(&strict, &Ask::get("/").header("sec-fetch-site", "none"), Allow(R::SafeMethod))
        .await;

    let as_go = protection().allow_no_signal();
    let cookie = post_to("/x").header("cookie", format!("{SESSION}=7f"));
    assert_decided(&as_go, &cookie, Allow(R::NoSignal)).await;

    // Where nobody says which cookies count, all do, and so does a password that a browser adds.
    let bare = CsrfProtection::new(["https://club.example", "http://localhost:3000"]).unwrap();
    assert_decided(&bare, &post_to("/x").header("cookie", "a=1"), Deny(R::NoSignal)).await;
    assert_decided(&bare, &post_to("/x").header("authorization", "Basic x"), Deny(R::NoSignal))
        .await;
    let local = post_to("/x").header("origin", "http://localhost:3000");
    assert_decided(&bare, &local, Allow(R::OwnOrigin)).await;
}

#[test]
fn origins_are_scheme_host_and_port_and_no_more() {
    for origin in [
        "",
        "null",
        "club.example",
        "https://",
        "https://club.example/",
        "https://club.example/x",
        "https://a@club.example",
        "https://club.example?x",
        "https://club.example#x",
        "ftp://club.example",
        " https://club.example",
        "https://club.example ",
        "https://club.example\\x",
        "https://club_example:x",
        "https://club.example:99999",
        "https://*.club.example",
        "https://a,https://b",
        "https:club.example",
        "https:///club.example",
        "https://clüb.example",
        "http://club.example",
        "http://192.0.2.1",
    ] {
        assert!(CsrfProtection::new([origin]).is_err(), "{origin}");
        assert!(protection().trust(origin).is_err(), "{origin}");
    }
    for (text, canonical) in [
        ("HTTPS://Club.Example:443", "https://club.example"),
        ("https://[2001:DB8::0:1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost", "http://localhost"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
    ] {
        assert_eq!(Origin::parse(text.as_bytes()).unwrap().to_string(), canonical);
        assert!(CsrfProtection::new([text]).is_ok());
    }
    let none: [&str; 0] = [];
    assert_eq!(CsrfProtection::new(none).unwrap_err(), ConfigError::NoOrigins);
    assert!(protection().exempt("/x", " ").is_err());
    assert!(protection().exempt("x", "y").is_err());
    assert!(protection().token_in_form("/x").is_err(), "without tokens");
    let ring = KeyRing::new(Key::random()).unwrap();
    let unbound = CsrfProtection::new(["https://club.example"]).unwrap().tokens(&ring, "club");
    assert_eq!(unbound.unwrap_err(), ConfigError::NothingToBindTo);
}

proptest! {
    #[test]
    fn what_another_site_sends_passes_only_if_it_is_trusted(
        origin in "https://[a-z.]{1,12}|null|https://partner.example:8443|\\PC{0,20}",
        site in "same-site|cross-site|[a-z-]{1,12}",
        method in "POST|PUT|DELETE|PATCH|[A-Z]{3,8}",
        with_cookie: bool,
    ) {
        prop_assume!(!["same-origin", "none"].contains(&&*site));
        prop_assume!(!["GET", "HEAD", "OPTIONS"].contains(&&*method));
        let mut request = Request::builder().method(&*method).uri("/x").header("sec-fetch-site", &site);
        request = request.header("origin", &origin);
        if with_cookie {
            request = request.header("cookie", format!("{SESSION}=1"));
        }
        let Ok(request) = request.body(()) else { return Ok(()) };
        let trusted = origin == "https://partner.example:8443";
        prop_assert_eq!(protection().decide(&request).is_allowed(), trusted);
    }

    #[test]
    fn an_origin_is_what_it_is_written_as(text in "[hH]ttps?://[a-zA-Z0-9.:\\[\\]-]{1,30}") {
        if let Some(origin) = Origin::parse(text.as_bytes()) {
            let written = origin.to_string();
            prop_assert_eq!(Origin::parse(written.as_bytes()).unwrap(), origin);
        }
    }
}

#[actix_web::test]
async fn a_refusal_is_one_event_and_no_handler_is_called() {
    let calls = Arc::new(AtomicUsize::new(0));
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).build().unwrap();
    let counted = Arc::clone(&calls);
    let handler = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { "app" }
    };
    let stack = Stack::new((log.clone(), protection()));
    let router = Router::new().route("/x", post(handler)).layer(stack);
    let ask = post_to("/x").header("sec-fetch-site", "cross-site").body("amount=1000");
    let seen = both::axum_app::send(router, &ask).await;
    assert_eq!((seen.status, calls.load(Ordering::SeqCst)), (403, 0));
    log.shutdown(Duration::from_secs(5)).unwrap();
    let events = sink.events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].name(), events[0].severity()), (EventName::CsrfDenied, Severity::Warn));
    assert!(format!("{:?}", events[0]).contains("cross_site"));
}

#[actix_web::test]
async fn only_reporting_lets_pass_and_tells() {
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).build().unwrap();
    let stack = Stack::new((log.clone(), protection().report_only()));
    let say = async |decision: CsrfDecision| format!("app {:?}", decision.would_deny());
    let router = Router::new().route("/x", post(say)).layer(stack);
    let ask = post_to("/x").header("sec-fetch-site", "cross-site");
    assert_eq!(both::axum_app::send(router.clone(), &ask).await.body, "app Some(CrossSite)");
    let ask = post_to("/x").header("sec-fetch-site", "same-origin");
    assert_eq!(both::axum_app::send(router, &ask).await.body, "app None");
    log.shutdown(Duration::from_secs(5)).unwrap();
    assert_eq!(sink.events().len(), 1);
}

#[actix_web::test]
async fn caches_are_told_where_the_answer_depends_on_the_origin() {
    let varied = Some("Sec-Fetch-Site, Origin");
    for (ask, expected) in [
        (Ask::get("/logout").header("sec-fetch-site", "same-origin"), varied),
        (Ask::get("/x").header("sec-fetch-site", "cross-site"), None),
        (post_to("/x").header("sec-fetch-site", "same-origin"), None),
    ] {
        for (framework, seen) in both!(protection(), &ask) {
            assert_eq!(seen.header("vary"), expected, "{framework}: {ask:?}");
        }
    }
}

#[derive(Deserialize)]
struct Transfer {
    amount: u32,
    csrf_token: Option<String>,
}

impl CsrfField for Transfer {
    fn csrf_token(&self) -> Option<&str> {
        self.csrf_token.as_deref()
    }
}

type Bank = Stack<(EventLog, Sessions, CsrfProtection)>;

struct Club {
    stack: Bank,
    clock: Arc<ManualClock>,
    log: EventLog,
    sink: MemorySink,
}

fn club() -> Club {
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(1_577_836_800));
    let ring = KeyRing::new(Key::random()).unwrap();
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).build().unwrap();
    let day = Duration::from_secs(86_400);
    let sessions = Sessions::new(&ring, "club").unwrap().idle(day).unwrap().absolute(day).unwrap();
    let csrf = protection().tokens(&ring, "club").unwrap().token_in_form("/form").unwrap();
    let csrf = csrf.token_in_form("/forgetful").unwrap().clock(clock.clone());
    let stack = Stack::new((log.clone(), sessions.clock(clock.clone()), csrf));
    Club { stack, clock, log, sink }
}

async fn axum_says(stack: &Bank, ask: &Ask) -> Seen {
    let login = async |session: Session| session.sign_in("ann").unwrap();
    let token = async |token: CsrfToken| token.issue();
    let scoped = async |token: CsrfToken| token.for_purpose("transfer");
    let form =
        async |Verified(form): Verified<axum::Form<Transfer>>| format!("app {}", form.amount);
    let router = Router::new()
        .route("/login", get(login))
        .route("/token", get(token))
        .route("/scoped", get(scoped))
        .route("/form", post(form))
        .route("/forgetful", post(async || "app"))
        .route("/x", post(async || "app"));
    both::axum_app::send(router.layer(stack.clone()), ask).await
}

async fn actix_says(stack: &Bank, ask: &Ask) -> Seen {
    async fn login(session: Session) -> HttpResponse {
        session.sign_in("ann").unwrap();
        HttpResponse::Ok().finish()
    }
    async fn token(token: CsrfToken) -> String {
        token.issue()
    }
    async fn scoped(token: CsrfToken) -> String {
        token.for_purpose("transfer")
    }
    async fn form(Verified(form): Verified<web::Form<Transfer>>) -> String {
        format!("app {}", form.amount)
    }
    async fn app() -> &'static str {
        "app"
    }
    let app = actix_web::App::new()
        .route("/login", web::get().to(login))
        .route("/token", web::get().to(token))
        .route("/scoped", web::get().to(scoped))
        .route("/form", web::post().to(form))
        .route("/forgetful", web::post().to(app))
        .route("/x", web::post().to(app));
    let app = actix_web::test::init_service(app.wrap(stack.clone())).await;
    let request = both::actix_app::request(ask).to_request();
    both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
}

macro_rules! says {
    ($framework:expr, $stack:expr, $ask:expr) => {
        if $framework == "axum" {
            axum_says($stack, $ask).await
        } else {
            actix_says($stack, $ask).await
        }
    };
}

#[actix_web::test]
async fn a_token_is_of_one_session_one_purpose_and_one_time() {
    for framework in ["axum", "actix-web"] {
        let Club { stack, clock, log, sink } = club();
        let login = async || {
            let seen = says!(framework, &stack, &Ask::get("/login"));
            seen.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
        };
        let page = async |target: &str, cookie: &str| {
            says!(framework, &stack, &Ask::get(target).header("cookie", cookie)).body
        };
        let send = async |cookie: &str, token: &str| {
            let ask = post_to("/x").header("cookie", cookie).header("x-csrf-token", token);
            says!(framework, &stack, &ask).status
        };
        let (ann, eve) = (login().await, login().await);
        let (one, two) = (page("/token", &ann).await, page("/token", &ann).await);
        assert_ne!(one[20..], two[20..], "BREACH");
        assert_eq!((send(&ann, &one).await, send(&ann, &two).await), (200, 200));
        // D21: another session's, an anonymous one, one for a purpose, one that was changed
        let anonymous = says!(framework, &stack, &Ask::get("/token")).body;
        let scoped = page("/scoped", &ann).await;
        let others = page("/token", &eve).await;
        let tossed = format!("{eve}; {ann}");
        assert_eq!(send(&tossed, &others).await, 403);
        for wrong in [&*others, &anonymous, &scoped, "", "x", &one[1..], &one.to_uppercase()] {
            assert_eq!(send(&ann, wrong).await, 403, "{framework}: {wrong}");
        }
        let twice = post_to("/x").header("cookie", &ann).header("x-csrf-token", &one);
        let twice = twice.header("x-csrf-token", &one);
        assert_eq!(says!(framework, &stack, &twice).status, 403);
        // D22: in a form, of which the layer reads nothing
        let form = async |target: &str, cookie: &str, body: &str| {
            let ask = post_to(target).header("cookie", cookie).body(body);
            let ask = ask.header("content-type", "application/x-www-form-urlencoded");
            says!(framework, &stack, &ask)
        };
        let with = |token: &str| format!("amount=7&csrf_token={token}");
        let seen = form("/form", &ann, &with(&one)).await;
        assert_eq!((seen.status, &*seen.body), (200, "app 7"), "{framework}");
        for body in ["amount=7", &with(&others), &with(&anonymous), &with(&scoped), &with("")] {
            assert_eq!(form("/form", &ann, body).await.status, 403, "{framework}: {body}");
        }
        assert_eq!(form("/x", &ann, &with(&one)).await.status, 403, "not left to its handler");
        let own = post_to("/form").header("cookie", &ann).header("sec-fetch-site", "same-origin");
        let own = own.header("content-type", "application/x-www-form-urlencoded").body("amount=7");
        assert_eq!(says!(framework, &stack, &own).status, 200, "the browser's word is enough");
        // A token does not help what a browser says is another site's.
        let cross = post_to("/x").header("cookie", &ann).header("x-csrf-token", &one);
        let cross = cross.header("sec-fetch-site", "cross-site");
        assert_eq!(says!(framework, &stack, &cross).status, 403);
        // A handler that looks at nothing is told of.
        assert_eq!(form("/forgetful", &ann, "").await.status, 200);
        clock.advance(Duration::from_secs(12 * 3600));
        assert_eq!(send(&ann, &one).await, 403, "it has expired");
        log.shutdown(Duration::from_secs(5)).unwrap();
        let critical = |event: &&donjon::event::SecurityEvent| {
            event.severity() == Severity::Critical && event.name() == EventName::CsrfDenied
        };
        assert_eq!(sink.events().iter().filter(critical).count(), 1, "{framework}");
    }
}

#[actix_web::test]
async fn without_tokens_the_extractors_answer_500() {
    let form =
        async |Verified(form): Verified<axum::Form<Transfer>>| format!("app {}", form.amount);
    let router = Router::new().route("/form", post(form)).layer(protection());
    let ask = post_to("/form").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(both::axum_app::send(router, &ask.body("amount=7")).await.status, 500);
}

#[test]
fn a_request_that_passes_allocates_nothing() {
    let protection = protection();
    for ask in [
        post_to("/x").header("sec-fetch-site", "same-origin"),
        post_to("/x").header("origin", "https://club.example"),
        Ask::get("/x").header("sec-fetch-site", "cross-site"),
        Ask::get("/x"),
    ] {
        let mut request = request(&ask);
        let mut memo = <CsrfProtection as Middleware>::Memo::default();
        let counted = allocation_counter::measure(|| {
            assert!(protection.admit(&mut request, &mut memo).is_ok());
        });
        assert_eq!(counted.count_total, 0, "{ask:?}");
    }
}
