//! The event log, as the layers of a stack and handlers write it, in axum and actix-web.

#![cfg(all(
    feature = "actix",
    feature = "axum",
    feature = "headers",
    feature = "https",
    feature = "json",
    feature = "reports"
))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use donjon::client::{AllowedNetworks, Networks, Peer, Scheme, TrustedProxies};
use donjon::event::{
    ClientPolicy, Detail, EventLog, EventLogBuilder, EventName, JsonLines, MemorySink, Reporter,
    SecurityEvent, Severity, SubjectPolicy,
};
use donjon::head::{RequestHead, RouteTemplate};
use donjon::headers::SecurityHeaders;
use donjon::headers::collector::ReportCollector;
use donjon::https::{AllowedHosts, RequireHttps};
use donjon::middleware::{Middleware, Stack};
use donjon::refusal::Refusal;
use http::StatusCode;

use self::both::{Ask, both};

mod both;

fn proxies() -> TrustedProxies {
    TrustedProxies::in_networks(["10.0.0.0/8"]).unwrap()
}

type Whole = Stack<(EventLog, TrustedProxies, AllowedHosts, RequireHttps, SecurityHeaders)>;

fn stack(log: &EventLog) -> Whole {
    let hosts = AllowedHosts::new(["club.example"]).unwrap();
    let https = RequireHttps::redirect_to("club.example").unwrap().reject_under("/api").unwrap();
    let headers = SecurityHeaders::strict().build().unwrap();
    Stack::new((log.clone(), proxies(), hosts, https, headers))
}

/// What a request leaves in the log.
fn said(event: &SecurityEvent) -> (EventName, Severity, Option<String>, Option<String>) {
    let client = event.client().map(ToString::to_string);
    (event.name(), event.severity(), client, event.route().map(str::to_owned))
}

#[actix_web::test]
async fn every_refusal_of_a_middleware_is_an_event() {
    use EventName::{ClientAddressUnclear, HostMismatch, InsecureCredential, InsecureRequest};
    use Severity::{Critical, Info, Warn};

    let secret = |ask: Ask| ask.header("authorization", "Bearer secret");
    for (ask, status, expected) in [
        (Ask::get("/").over(Scheme::Https), 200, None),
        (Ask::get("/"), 308, None),
        (secret(Ask::get("/")), 308, Some((InsecureCredential, Critical, "203.0.113.9"))),
        (Ask::get("/api"), 403, Some((InsecureRequest, Info, "203.0.113.9"))),
        (secret(Ask::get("/api")), 403, Some((InsecureCredential, Critical, "203.0.113.9"))),
        (Ask::nowhere("/").header("host", "a.b"), 400, Some((HostMismatch, Warn, "203.0.113.9"))),
        (Ask::nowhere("/"), 400, Some((HostMismatch, Warn, "203.0.113.9"))),
        (
            Ask::nowhere("/").from("10.0.0.5").header("x-forwarded-for", "192.0.2.7"),
            400,
            Some((HostMismatch, Warn, "192.0.2.7")),
        ),
        (
            Ask::get("/")
                .from("10.0.0.5")
                .header("x-forwarded-proto", "https")
                .header("x-forwarded-for", "junk"),
            200,
            Some((ClientAddressUnclear, Warn, "10.0.0.5")),
        ),
    ] {
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).build().unwrap();
        let mut seen_events = Vec::new();
        for (framework, seen) in both!(stack(&log), &ask) {
            assert_eq!(seen.status, status, "{framework} {ask:?}");
        }
        log.shutdown(Duration::from_secs(5)).unwrap();
        for event in memory.events() {
            for _ in 0..event.count() {
                let (name, severity, client, _) = said(&event);
                seen_events.push((name, severity, client.unwrap()));
            }
        }
        let expected: Vec<_> =
            expected.into_iter().map(|(name, how, who)| (name, how, who.to_owned())).collect();
        assert_eq!(seen_events, [expected.clone(), expected].concat(), "once each: {ask:?}");
    }
}

/// Refuses everybody, as a middleware of an app's own.
#[derive(Clone)]
struct Refuse(u16, Option<EventName>);

impl Middleware for Refuse {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Refusal> {
        let refusal = Refusal::new(StatusCode::from_u16(self.0).unwrap(), "as it was told");
        Err(match self.1 {
            Some(event) => refusal.with_event(event),
            None => refusal,
        })
    }
}

#[actix_web::test]
async fn refusals_of_an_apps_own_middleware_are_events_too() {
    for (refuse, expected) in [
        (Refuse(400, None), Some(EventName::InputValidationFail)),
        (Refuse(401, None), Some(EventName::AuthzFail)),
        (Refuse(403, None), Some(EventName::AuthzFail)),
        (Refuse(404, None), Some(EventName::AuthzFail)),
        (Refuse(413, None), Some(EventName::InputValidationFail)),
        (Refuse(429, None), Some(EventName::ExcessRateLimitExceeded)),
        (Refuse(303, None), None),
        (Refuse(503, None), None),
        (Refuse(503, Some(EventName::SysCrash)), Some(EventName::SysCrash)),
        (Refuse(403, Some(EventName::SequenceFail)), Some(EventName::SequenceFail)),
    ] {
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
        let log = log.build().unwrap();
        let _ = both!(Stack::new((log, refuse)), &Ask::get("/members/17?q=1"));
        let events = memory.events();
        assert_eq!(
            memory.names(),
            expected.into_iter().cycle().take(events.len()).collect::<Vec<_>>()
        );
        assert_eq!(events.len(), if expected.is_some() { 2 } else { 0 });
        for event in events {
            assert_eq!(event.detail(), &Detail::Reason("as it was told"));
            assert_eq!(event.route(), Some("/members/{id}"), "and not the path");
        }
    }
}

#[actix_web::test]
async fn known_addresses_alone_reach_a_route_and_others_are_an_event() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    let office = AllowedNetworks::new(Networks::parse(["192.0.2.0/24"]).unwrap());
    let stack = Stack::new((log, proxies(), office));
    for (_, seen) in both!(stack.clone(), &Ask::get("/").from("192.0.2.7")) {
        assert!(seen.is_of_app());
    }
    assert_eq!(memory.names(), []);
    for (_, seen) in both!(stack, &Ask::get("/")) {
        assert_eq!(seen.status, 403);
    }
    assert_eq!(said(&memory.events()[0]).0, EventName::AuthzFail);
}

#[actix_web::test]
async fn a_thousand_forged_hosts_are_two_lines() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    let stack = stack(&log);
    for number in 0..1000 {
        let ask = Ask::nowhere("/").header("host", format!("host{number}.example"));
        let _ = both!(stack.clone(), &ask);
    }
    log.shutdown(Duration::from_secs(5)).unwrap();
    let lines = memory.events().len();
    // Both apps have one route for it, which has no template in one of them.
    assert!(lines <= 4, "{lines}");
    assert_eq!(memory.events().iter().map(SecurityEvent::count).sum::<u64>(), 2000);
}

mod report {
    use super::*;

    pub(super) async fn axum(reporter: Reporter) -> &'static str {
        emit(&reporter);
        "app"
    }

    pub(super) fn emit(reporter: &Reporter) {
        let event = SecurityEvent::draft(EventName::AuthnLoginFail);
        reporter.emit(event.subject("ann@example.com").reason("password"));
    }
}

#[actix_web::test]
async fn handlers_report_with_client_and_route() {
    use actix_web::{App, test, web};
    use axum::routing::get;
    use tower::ServiceExt;

    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO).build().unwrap();
    let ask = Ask::get("/sign-in/17");

    let router = axum::Router::new().route("/sign-in/{id}", get(report::axum));
    let bare = router.clone();
    let seen = both::axum_app::send(router.layer(Stack::new((log.clone(), proxies()))), &ask).await;
    assert_eq!(seen.body, "app");

    let app = App::new()
        .wrap(Stack::new((log, proxies())))
        .route("/sign-in/{id}", web::get().to(report::axum));
    let app = test::init_service(app).await;
    let answer = test::call_service(&app, both::actix_app::request(&ask).to_request()).await;
    assert_eq!(answer.status(), 200);

    let events = memory.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        let (name, _, client, route) = said(event);
        assert_eq!(name, EventName::AuthnLoginFail);
        assert_eq!(client.as_deref(), Some("203.0.113.9"));
        assert_eq!(route.as_deref(), Some("/sign-in/{id}"));
    }
    assert_eq!(events[0].subject(), events[1].subject());

    // Without a log an app learns that nobody hears its events.
    assert_eq!(both::axum_app::send(bare, &ask).await.status, 500);
    let app = App::new().route("/sign-in/{id}", web::get().to(report::axum));
    let app = test::init_service(app).await;
    let answer = test::call_service(&app, both::actix_app::request(&ask).to_request()).await;
    assert_eq!(answer.status(), 500);
    let request = http::Request::get("/").body(()).unwrap();
    assert!(Reporter::of(&request).is_none());
    let optional = axum::Router::new().route("/", get(async |_: Option<Reporter>| "app"));
    let request = http::Request::get("/").body(axum::body::Body::empty()).unwrap();
    assert_eq!(optional.oneshot(request).await.unwrap().status(), 200);
}

#[test]
fn what_a_draft_says_itself_stays() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    let mut request = http::Request::new(());
    request.extensions_mut().insert(Peer(([203, 0, 113, 9], 4711).into()));
    let Ok(()) = log.admit(&mut request, &mut ());
    let draft = SecurityEvent::draft(EventName::AuthnLoginFail);
    let draft = draft.client([192, 0, 2, 1].into()).route(RouteTemplate::from_static("/job"));

    Reporter::of(&request).unwrap().emit(draft);

    let (_, _, client, route) = said(&memory.events()[0]);
    assert_eq!((client.as_deref(), route.as_deref()), (Some("192.0.2.1"), Some("/job")));
}

#[actix_web::test]
async fn violations_that_browsers_report_are_events_and_hold_nothing_they_wrote() {
    use actix_web::{App, test};

    let report = r#"{"csp-report": {"document-uri": "https://club.example/secret?token=secret",
        "effective-directive": "script-src-elem", "blocked-uri": "https://secret.example/secret",
        "script-sample": "secret", "disposition": "DISPOSITION"}}"#;
    for (disposition, directive, severity, reason) in [
        ("enforce", "script-src-elem", Severity::Warn, "script-src-elem"),
        ("report", "script-src-elem", Severity::Info, "script-src-elem"),
        ("enforce", "secret-src", Severity::Warn, "a directive that is not known"),
    ] {
        let memory = MemorySink::default();
        let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
        let log = log.build().unwrap();
        let body = report.replace("DISPOSITION", disposition).replace("script-src-elem", directive);
        let ask = Ask::get("/csp").method("POST").body(&body);
        let ask = ask.header("content-type", "application/csp-report");
        let bad = ask.clone().body("{");
        let stack = Stack::new((log, proxies()));
        let collector = ReportCollector::new(|_| {});

        let router = axum::Router::new().route_service("/csp", collector.clone());
        let router = router.layer(stack.clone());
        assert_eq!(both::axum_app::send(router.clone(), &ask).await.status, 204);
        assert_eq!(both::axum_app::send(router.clone(), &bad).await.status, 400);
        let unread = ask.clone().header("content-encoding", "gzip");
        assert_eq!(both::axum_app::send(router, &unread).await.status, 415);
        let app = App::new().wrap(stack).service(collector.at("/csp"));
        let app = test::init_service(app).await;
        let send = async |ask: &Ask| {
            test::call_service(&app, both::actix_app::request(ask).to_request()).await.status()
        };
        assert_eq!(send(&ask).await, 204);
        assert_eq!(send(&bad).await, 400);
        assert_eq!(send(&unread).await, 415);

        let refused = EventName::InputValidationFail;
        let names = [EventName::CspViolation, refused, refused];
        assert_eq!(memory.names(), [names, names].concat());
        for event in memory.events() {
            assert!(!format!("{event:?}").contains("secret"), "{event:?}");
            if event.name() == EventName::CspViolation {
                assert_eq!(event.severity(), severity);
                assert_eq!(event.detail(), &Detail::Reason(reason));
            }
        }
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_secret_in_any_part_of_a_request_reaches_no_sink() {
    const SECRET: &str = "s3cr3tz";
    let policies: [fn(EventLogBuilder) -> EventLogBuilder; 3] = [
        |log| log,
        |log| log.clients(ClientPolicy::Truncated).subjects(SubjectPolicy::Raw),
        |log| log.clients(ClientPolicy::Hashed),
    ];
    for policy in policies {
        let (memory, written) = (MemorySink::default(), Written::default());
        let log = EventLog::builder().memory(&memory).sink("json", JsonLines::to(written.clone()));
        #[cfg(feature = "tracing")]
        let (log, traced) = {
            let traced = Written::default();
            (log.tracing(), traced)
        };
        let log = policy(log).build().unwrap();
        #[cfg(feature = "tracing")]
        let guard = {
            let traced = traced.clone();
            let subscriber =
                tracing_subscriber::fmt().with_ansi(false).with_writer(move || traced.clone());
            tracing::subscriber::set_default(subscriber.finish())
        };
        let target = format!("/api/{SECRET}?token={SECRET}");
        let full = |ask: Ask| {
            [
                "authorization",
                "cookie",
                "x-api-key",
                "referer",
                "user-agent",
                "origin",
                "x-forwarded-for",
                "forwarded",
                "via",
                SECRET,
            ]
            .into_iter()
            .fold(ask.body(SECRET), |ask, name| ask.header(name, format!("a={SECRET}")))
        };
        for ask in [
            Ask::get(&target),
            Ask::get(&target).method("OPTIONS"),
            Ask::get(&target).method("S3CR3TZ"),
            Ask::nowhere(&target).header("host", format!("{SECRET}.example")),
            Ask::nowhere(&format!("http://{SECRET}.example{target}")),
            Ask::get(&target).from("10.0.0.5"),
            Ask::get(&format!("/members/{SECRET}")),
        ] {
            let _ = both!(stack(&log), &full(ask));
        }
        log.shutdown(Duration::from_secs(10)).unwrap();
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(written.lines().count() > 5, "{written}");
        let recorded = format!("{:?}", memory.events());
        #[cfg(feature = "tracing")]
        let traced = {
            drop(guard);
            String::from_utf8(traced.0.lock().unwrap().clone()).unwrap()
        };
        #[cfg(not(feature = "tracing"))]
        let traced = "x_insecure_credential";
        assert!(traced.contains("x_insecure_credential"), "{traced}");
        for text in [&written[..], &recorded, &traced] {
            assert!(!text.to_lowercase().contains(SECRET), "{text}");
        }
    }
}

#[actix_web::test]
async fn a_log_that_is_shut_down_or_full_stops_no_request() {
    let (block, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let stuck = move |_: &[SecurityEvent]| -> Result<(), donjon::event::SinkError> {
        let _ = blocked.lock().map(|wait| wait.recv());
        Ok(())
    };
    let log = EventLog::builder().sink("stuck", stuck).queue(8).collapse_within(Duration::ZERO);
    let log = log.build().unwrap();
    for _ in 0..100 {
        for (_, seen) in both!(stack(&log), &Ask::get("/api")) {
            assert_eq!(seen.status, 403);
        }
    }
    assert!(log.dropped().total() >= 150, "{:?}", log.dropped());
    drop(block);
    log.shutdown(Duration::from_secs(10)).unwrap();
    for (_, seen) in both!(stack(&log), &Ask::get("/api")) {
        assert_eq!(seen.status, 403);
    }
}

/// The table in the module's docs names every event of this crate, and no other.
#[test]
fn the_docs_list_every_event_that_this_crate_emits() {
    let documented: BTreeMap<String, String> = include_str!("../src/event/mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once("` | "))
        .map(|(name, rest)| (name.to_owned(), rest.split(" |").next().unwrap().to_owned()))
        .collect();
    let mut sources = Vec::new();
    files(std::path::Path::new("src"), &mut sources);
    let used: BTreeMap<String, String> = EventName::ALL
        .iter()
        .filter(|name| {
            let variant = format!("EventName::{name:?}");
            sources.iter().any(|source| {
                source.match_indices(&variant).any(|(at, _)| {
                    !source[at + variant.len()..].starts_with(|next: char| next.is_alphanumeric())
                })
            })
        })
        .map(|name| (name.to_string(), name.severity().to_string()))
        .collect();
    assert_eq!(documented, used);
}

/// The code of the library without its docs and tests.
fn files(folder: &std::path::Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, sources);
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && !path.ends_with("tests.rs")
            && !path.ends_with("event/name.rs")
        {
            let source = std::fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            sources.push(code.collect::<Vec<_>>().join("\n"));
        }
    }
}
