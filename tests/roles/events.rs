//! What the log learns of who was let in and who was not.

use std::num::NonZeroU32;
use std::sync::mpsc;
use std::time::SystemTime;

use actix_web::{App, web};
use axum::Router;
use axum::routing::get;

use super::*;

fn log(sink: &MemorySink) -> donjon::event::EventLogBuilder {
    EventLog::builder().memory(sink).collapse_within(Duration::ZERO)
}

fn decide(who: &Principal) -> donjon::refusal::Refusal {
    let now = SystemTime::now();
    let refund = permission(Permission::Refund);
    // To ask is no event, and neither is what is one's own.
    assert!(!refund.allows(Some(who), None, now) && !who.owns("bob@example.com"));
    who.must_own("ann@example.com").unwrap();
    let not_his = who.must_own("bob@example.com").unwrap_err();
    let not_granted = refund.check(Some(who), None, now).unwrap_err();
    assert_eq!(donjon::refusal::Refusal::from(not_granted).status(), 403);
    donjon::refusal::Refusal::from(not_his)
}

/// What a handler finds out is an event as well, with the same things said.
#[actix_web::test]
async fn a_handlers_refusal_is_an_event() {
    let sink = MemorySink::default();
    let stack = Stack::new((
        log(&sink).build().unwrap(),
        TrustedProxies::none(),
        Authenticate::new(ByHeader),
    ));
    let in_axum = async |who: Principal| Err::<(), _>(decide(&who));
    let in_actix = async |who: Option<Principal>| Err::<String, _>(decide(&who.unwrap()));

    let ask = Ask::get("/orders/17").header("x-roles", "member");
    let router = Router::new().route("/orders/{id}", get(in_axum)).layer(stack.clone());
    assert_eq!(both::axum_app::send(router, &ask).await.status, 403);
    let app = App::new().route("/orders/{id}", web::get().to(in_actix)).wrap(stack);
    let app = actix_web::test::init_service(app).await;
    let request = both::actix_app::request(&ask).to_request();
    let answer = actix_web::test::try_call_service(&app, request).await;
    assert_eq!(both::actix_app::seen(answer).await.status, 403);

    let events = sink.events();
    assert_eq!(events.len(), 4, "{events:?}");
    for (event, reason) in events.iter().zip(["not the owner", "lacks a permission"].iter().cycle())
    {
        assert_eq!(event.name(), EventName::AuthzFail);
        assert!(event.subject().is_some() && event.route() == Some("/orders/{id}"), "{event:?}");
        let Detail::Denied { reason: told, lacks, grants } = event.detail() else {
            panic!("{event:?}")
        };
        assert_eq!(told, reason);
        assert_eq!(*lacks, (*reason == "lacks a permission").then_some("orders:refund"));
        assert!(grants.is_some());
    }
}

/// One in so many of those who are let in, and of none that is public.
#[actix_web::test]
async fn a_sample_of_those_who_are_let_in_is_recorded() {
    for (one_in, rule, expected) in [
        (1, permission(Permission::Book), 14),
        (3, permission(Permission::Book), 5),
        (1, Rule::PUBLIC, 0),
        (1, Rule::NOBODY, 0),
    ] {
        let sink = MemorySink::default();
        let log = log(&sink).sample_grants(NonZeroU32::new(one_in).unwrap()).build().unwrap();
        let guard = Require::new(rule.clone());
        let stack = Stack::new((log, TrustedProxies::none(), Authenticate::new(ByHeader), guard));
        for _ in 0..7 {
            let ask = Ask::get("/members/17").header("x-roles", "member");
            let _ = both!(stack.clone(), &ask);
        }
        let events = sink.events();
        let granted = events.iter().filter(|event| event.name() == EventName::AuthzGranted);
        let granted: Vec<_> = granted.collect();
        assert_eq!(granted.len(), expected, "{rule} {events:?}");
        for event in granted {
            assert_eq!(event.severity(), Severity::Info);
            assert_eq!(event.route(), Some("/members/{id}"));
            assert!(event.subject().is_some());
            assert!(matches!(event.detail(), Detail::Granted { grants: Some(_) }), "{event:?}");
        }
    }
}

/// A37: that the outer guard let somebody in whom the inner one did not.
#[actix_web::test]
async fn of_two_guards_both_are_recorded() {
    let sink = MemorySink::default();
    let log = log(&sink).sample_grants(NonZeroU32::MIN).build().unwrap();
    let stack = Stack::new((
        (log, TrustedProxies::none(), Authenticate::new(ByHeader)),
        Require::new(permission(Permission::Read)),
        Require::new(permission(Permission::Refund)),
    ));
    for (framework, seen) in both!(stack, &Ask::get("/").header("x-roles", "member")) {
        assert_eq!((seen.status, seen.is_of_app()), (403, false), "{framework}");
    }
    let one = [EventName::AuthzGranted, EventName::AuthzFail];
    assert_eq!(sink.names(), [one, one].concat());
}

/// A13: an unknown name is told of once for each user and window, however often it comes.
#[actix_web::test]
async fn an_unknown_name_is_told_of_once() {
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).build().unwrap();
    let stack = Stack::new((log, Authenticate::new(ByHeader), Require::new(Rule::SIGNED_IN)));
    for _ in 0..20 {
        let _ = both!(stack.clone(), &Ask::get("/").header("x-roles", "member,Owner"));
    }
    let unknown = sink.names().into_iter().filter(|name| *name == EventName::InputValidationFail);
    // Of the first; the others are counted, and told of when the window is over.
    assert_eq!(unknown.count(), 1);
}

/// A30: a sink that is stuck, or panics, changes no decision, and nothing that could tell who it was or
/// forge a line goes out.
#[actix_web::test]
async fn no_sink_changes_a_decision() {
    let (stuck, release) = mpsc::channel::<()>();
    let memory = MemorySink::default();
    let log = EventLog::builder()
        .sink("stuck", move |_: &[donjon::event::SecurityEvent]| {
            let _ = release.recv();
            Ok(())
        })
        .sink("panics", |_: &[donjon::event::SecurityEvent]| panic!("a sink"))
        .memory(&memory)
        .queue(8)
        .collapse_within(Duration::ZERO)
        .build()
        .unwrap();
    let guard = Require::new(permission(Permission::Book));
    let stack = Stack::new((log, TrustedProxies::none(), Authenticate::new(ByHeader), guard));
    let begin = std::time::Instant::now();
    for _ in 0..50 {
        for (roles, status) in [("member", 200), ("visitor", 403)] {
            let ask = Ask::get("/members/17?token=s3cret%0d%0aforged").header("x-roles", roles);
            let ask = ask.header("cookie", "session=s3cret").header("authorization", "s3cret");
            for (framework, seen) in both!(stack.clone(), &ask) {
                assert_eq!((seen.status, seen.is_of_app()), (status, status == 200), "{framework}");
            }
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(30), "nobody waits for a sink");
    let told = format!("{:?}", memory.events());
    assert_eq!(memory.names().iter().filter(|name| **name == EventName::AuthzFail).count(), 100);
    for secret in ["s3cret", "token", "forged", "ann@", "members/17"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    drop(stuck);
}
