//! The layer around a login route, in axum and in actix-web.

use actix_web::{App, HttpResponse, web};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use donjon::client::TrustedProxies;
use donjon::headers::SecurityHeaders;
use donjon::lockout::{
    AccountStatus, DeviceCookies, LegacyStatus, LoginAttempt, LoginLockout, MemoryStore,
};
use donjon::middleware::Stack;
use donjon::refusal::Refusal;

use super::both::{Ask, Seen, actix_app, axum_app};
use super::*;

/// What a handler does, as the body of the request says.
async fn act(attempt: LoginAttempt, body: &str) -> Result<u16, Refusal> {
    let (name, deed) = body.split_once(' ').unwrap_or(("ann", body));
    if deed == "nothing" {
        drop(attempt);
        return Ok(200);
    }
    let attempt = attempt.account(&Account::name(name)?).await?;
    match deed {
        "right" => {
            attempt.succeed().await;
            Ok(204)
        }
        "wrong" => {
            attempt.fail().await;
            Ok(401)
        }
        "panic" => panic!("the handler has panicked"),
        "hang" => {
            std::future::pending::<()>().await;
            Ok(200)
        }
        // Forgets to say what came of it.
        status => {
            drop(attempt);
            Ok(status.parse().unwrap())
        }
    }
}

async fn in_axum(attempt: LoginAttempt, body: String) -> Response {
    match act(attempt, &body).await {
        Ok(status) => http::StatusCode::from_u16(status).unwrap().into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn in_actix(attempt: LoginAttempt, body: String) -> Result<HttpResponse, Refusal> {
    let status = act(attempt, &body).await?;
    Ok(HttpResponse::new(actix_web::http::StatusCode::from_u16(status).unwrap()))
}

/// Sends requests to one framework, behind the layer.
async fn send(framework: &str, layer: &LoginLockout, stack: &Outer, ask: &Ask) -> Seen {
    let inner = layer.clone();
    if framework == "axum" {
        let router = Router::new()
            .route("/login", any(in_axum).layer(inner.clone()))
            .route("/blind", any(async || "<form>").layer(inner.clone()))
            .route("/posts-only", post(async || "<form>").layer(inner.clone()))
            .route("/teapot", any(async || http::StatusCode::IM_A_TEAPOT).layer(inner));
        axum_app::send(router.layer(stack.clone()), ask).await
    } else {
        let teapot =
            async || HttpResponse::build(actix_web::http::StatusCode::IM_A_TEAPOT).finish();
        let app = App::new()
            .service(web::resource("/login").wrap(inner.clone()).to(in_actix))
            .service(web::resource("/blind").wrap(inner.clone()).to(async || "<form>"))
            .service(
                web::resource("/posts-only")
                    .wrap(inner.clone())
                    .route(web::post().to(async || "<form>")),
            )
            .service(web::resource("/teapot").wrap(inner).to(teapot))
            .wrap(stack.clone());
        let app = actix_web::test::init_service(app).await;
        let request = actix_app::request(ask).to_request();
        actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
    }
}

type Outer = Stack<(EventLog, TrustedProxies, SecurityHeaders)>;

/// A lockout, the layer, and what stands around it.
fn site(policy: LockoutPolicy) -> (House, LoginLockout, Outer) {
    let house = House::new(policy);
    let log =
        EventLog::builder().memory(&house.sink).collapse_within(Duration::ZERO).build().unwrap();
    let headers = SecurityHeaders::strict().build().unwrap();
    let layer = LoginLockout::new(&house.lockout);
    (house, layer, Stack::new((log, TrustedProxies::none(), headers)))
}

fn login(body: &str) -> Ask {
    Ask::get("/login").method("POST").header("content-type", "text/plain").body(body)
}

const BOTH: [&str; 2] = ["axum", "actix-web"];

fn of_address() -> LockoutPolicy {
    policy().address(ScopePolicy::new(LIMIT, minutes(10), minutes(10)).unwrap())
}

#[actix_web::test]
async fn the_handler_has_the_attempt_and_says_what_came_of_it() {
    for framework in BOTH {
        let (house, layer, outer) = site(policy());
        for n in 0..N {
            let seen = send(framework, &layer, &outer, &login("ann wrong")).await;
            assert_eq!(seen.status, 401, "{framework} {n}");
        }
        let seen = send(framework, &layer, &outer, &login("ann right")).await;
        assert_eq!(seen.status, 429, "{framework}");
        // G7: with the headers of the site, and when to come again.
        assert_eq!(seen.header("retry-after"), Some("600"), "{framework}");
        assert!(seen.header("content-security-policy").is_some(), "{framework}");
        assert_eq!(send(framework, &layer, &outer, &login("bob right")).await.status, 204);
        assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().account.in_flight, 0);
        // The events know the route's client.
        assert_eq!(house.count(EventName::AuthnLoginFail), N_USIZE, "{framework}");
        assert_eq!(house.count(EventName::AuthnLoginSuccess), 1, "{framework}");
    }
}

/// D1, D2: word for word the same for a name that is nobody's.
#[actix_web::test]
async fn an_unknown_name_is_locked_and_answered_in_the_same_way() {
    for framework in BOTH {
        let (_, layer, outer) = site(policy());
        let mut answers = Vec::new();
        for name in ["ann", "nobody"] {
            let mut seen = Vec::new();
            for _ in 0..N + 2 {
                seen.push(send(framework, &layer, &outer, &login(&format!("{name} wrong"))).await);
            }
            answers.push(seen);
        }
        assert_eq!(answers[0], answers[1], "{framework}");
    }
}

#[actix_web::test]
async fn an_address_is_turned_away_before_its_body_is_read() {
    for framework in BOTH {
        let (house, layer, outer) = site(of_address());
        for n in 0..N {
            send(framework, &layer, &outer, &login(&format!("user{n} wrong"))).await;
        }
        let seen = send(framework, &layer, &outer, &login("ann right")).await;
        assert_eq!(seen.status, 429, "{framework}");
        assert_eq!(seen.header("retry-after"), Some("600"), "{framework}");
        assert!(seen.header("x-frame-options").is_some(), "{framework}");
        assert_eq!(house.lockout.peek(&account("ann")).await.unwrap(), AccountStatus::default());
        let elsewhere = login("ann right").from("203.0.113.10");
        assert_eq!(send(framework, &layer, &outer, &elsewhere).await.status, 204, "{framework}");

        // Whoever waits as long as he was told is let in, and preflights never were the matter.
        let preflight = send(framework, &layer, &outer, &login("x").method("OPTIONS")).await;
        assert_eq!(preflight.status, 500, "{framework}: no attempt for it, and no 429");
        house.clock.advance(Duration::from_secs(600));
        assert_eq!(send(framework, &layer, &outer, &login("ann right")).await.status, 204);
    }
}

#[actix_web::test]
async fn what_the_handler_does_not_say_the_status_does() {
    for framework in BOTH {
        for (deed, failures) in
            [("200", 1), ("303", 1), ("401", 1), ("422", 1), ("500", 0), ("503", 0)]
        {
            let (house, layer, outer) = site(policy());
            send(framework, &layer, &outer, &login(&format!("ann {deed}"))).await;
            let state = house.lockout.peek(&account("ann")).await.unwrap().account;
            assert_eq!((state.failures, state.in_flight), (failures, 0), "{framework} {deed}");
        }
    }
}

#[actix_web::test]
async fn of_an_attempt_that_names_no_account_the_address_has_the_failure() {
    for framework in BOTH {
        let (house, layer, outer) = site(of_address());
        let failures = async || house.lockout.peek_address(address("203.0.113.9")).await.unwrap();
        // Whoever looks has tried nothing, whatever comes of it: else any page on the web could use up
        // its visitors' address by pictures. A form that is wrong, and a name that can be none, are failures.
        for _ in 0..50 {
            send(framework, &layer, &outer, &Ask::get("/blind")).await;
            send(framework, &layer, &outer, &Ask::get("/teapot")).await;
            send(framework, &layer, &outer, &Ask::get("/teapot").method("HEAD")).await;
            send(framework, &layer, &outer, &Ask::get("/posts-only")).await;
            let wrong = Ask::get("/posts-only").method("PUT");
            assert_eq!(send(framework, &layer, &outer, &wrong).await.status, 405, "{framework}");
        }
        assert_eq!((failures().await.failures, failures().await.in_flight), (0, 0), "{framework}");
        send(framework, &layer, &outer, &Ask::get("/teapot").method("POST")).await;
        assert_eq!(failures().await.failures, 1, "{framework}");
        assert_eq!(send(framework, &layer, &outer, &login("\0 wrong")).await.status, 400);
        assert_eq!((failures().await.failures, failures().await.in_flight), (2, 0), "{framework}");
    }
}

#[actix_web::test]
async fn a_request_that_is_given_up_has_failed() {
    for framework in BOTH {
        let (house, layer, outer) = site(of_address());
        for _ in 0..3 {
            let hanging = login("ann hang");
            let request = send(framework, &layer, &outer, &hanging);
            let given_up = tokio::time::timeout(Duration::from_millis(30), request).await;
            assert!(given_up.is_err(), "{framework}");
        }
        let state = house.lockout.peek(&account("ann")).await.unwrap().account;
        assert_eq!((state.failures, state.in_flight), (3, 0), "{framework}");
        let state = house.lockout.peek_address(address("203.0.113.9")).await.unwrap();
        assert_eq!((state.failures, state.in_flight), (3, 0), "{framework}");
    }
}

#[actix_web::test]
async fn a_handler_that_panics_has_failed() {
    let (house, layer, outer) = site(policy());
    let ask = login("ann panic");
    let caught = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(send(
        "axum", &layer, &outer, &ask,
    )));
    assert!(caught.await.is_err());
    let state = house.lockout.peek(&account("ann")).await.unwrap().account;
    assert_eq!((state.failures, state.in_flight), (1, 0));
}

/// A login route that nobody has instrumented looks as if it were.
#[actix_web::test]
async fn a_route_that_does_not_use_its_attempt_is_told_of_once() {
    for framework in BOTH {
        let (house, layer, outer) = site(policy());
        for _ in 0..5 {
            send(framework, &layer, &outer, &Ask::get("/blind").method("POST")).await;
        }
        assert_eq!(house.count(EventName::SysMonitorDisabled), 1, "{framework}");

        let (house, layer, outer) = site(policy());
        send(framework, &layer, &outer, &login("ann wrong")).await;
        send(framework, &layer, &outer, &Ask::get("/blind").method("OPTIONS")).await;
        assert_eq!(house.count(EventName::SysMonitorDisabled), 0, "{framework}");
    }
}

#[actix_web::test]
async fn a_status_is_taken_for_the_outcome_only_where_that_is_asked_for() {
    for framework in BOTH {
        let (house, layer, outer) = site(of_address());
        let legacy = LegacyStatus { success: vec![418], failure: vec![200] };
        let layer = layer.by_legacy_status(legacy);
        let failures = async || house.lockout.peek_address(address("203.0.113.9")).await.unwrap();
        send(framework, &layer, &outer, &Ask::get("/teapot").method("POST")).await;
        assert_eq!(failures().await.failures, 0, "{framework}");
        for _ in 0..N {
            send(framework, &layer, &outer, &Ask::get("/blind").method("POST")).await;
        }
        assert_eq!(
            send(framework, &layer, &outer, &Ask::get("/blind").method("POST")).await.status,
            429
        );
        // Whoever only looks at the form is not counted.
        let (looked_at, layer, outer) = site(of_address());
        let layer = layer.by_legacy_status(LegacyStatus { success: vec![], failure: vec![200] });
        for _ in 0..50 {
            send(framework, &layer, &outer, &Ask::get("/blind")).await;
        }
        let looked = looked_at.lockout.peek_address(address("203.0.113.9")).await.unwrap();
        assert_eq!(looked.failures, 0, "{framework}");
        assert_eq!(house.count(EventName::SysMonitorDisabled), 0, "{framework}: it is on purpose");
    }
}

/// The cookie of a known browser is read and set without the handler.
#[actix_web::test]
async fn the_layer_reads_and_sets_the_cookie_of_a_device() {
    for framework in BOTH {
        let ring = donjon::keys::KeyRing::new(donjon::keys::Key::random()).unwrap();
        let devices = DeviceCookies::new(&ring, "club").unwrap();
        let house = House::with(policy(), |builder| builder.devices(devices));
        let (_, _, outer) = site(policy());
        let layer = LoginLockout::new(&house.lockout);
        let seen = send(framework, &layer, &outer, &login("ann right")).await;
        let cookie = seen.header("set-cookie").unwrap().to_owned();
        assert!(cookie.starts_with("__Host-Http-device="), "{framework} {cookie}");
        assert!(
            send(framework, &layer, &outer, &login("ann wrong"))
                .await
                .header("set-cookie")
                .is_none()
        );
        for n in 0..50 {
            let stranger = login("ann wrong").from(&format!("198.51.100.{n}"));
            send(framework, &layer, &outer, &stranger).await;
        }
        assert_eq!(send(framework, &layer, &outer, &login("ann right")).await.status, 429);
        let known = login("ann right").header("cookie", cookie.split(';').next().unwrap());
        let seen = send(framework, &layer, &outer, &known).await;
        assert_eq!(seen.status, 204, "{framework}");
        assert_ne!(seen.header("set-cookie").unwrap(), cookie, "{framework}");
    }
}

/// Two layers around one route count once, and a handler gets one attempt.
#[actix_web::test]
async fn two_layers_count_once() {
    let (house, layer, outer) = site(of_address());
    let inner = layer.clone();
    for n in 0..3 {
        let router = Router::new().route("/login", any(in_axum).layer(inner.clone()));
        let router = router.layer(layer.clone()).layer(outer.clone());
        axum_app::send(router, &login(&format!("user{n} wrong"))).await;
    }
    let state = house.lockout.peek_address(address("203.0.113.9")).await.unwrap();
    assert_eq!((state.failures, state.in_flight), (3, 0));
}

/// A store that answers later: the same handlers, the same answers.
#[actix_web::test]
async fn a_store_that_has_to_be_waited_for_is() {
    for framework in BOTH {
        let store = Later(MemoryStore::default());
        let secret = donjon::keys::Key::random();
        let house = House::with(of_address(), |builder| builder.store(store).secret(&secret));
        let (_, _, outer) = site(policy());
        let layer = LoginLockout::new(&house.lockout);
        for status in ["wrong", "401", "500"] {
            send(framework, &layer, &outer, &login(&format!("ann {status}"))).await;
        }
        let state = house.lockout.peek(&account("ann")).await.unwrap().account;
        assert_eq!((state.failures, state.in_flight), (2, 0), "{framework}");
        for n in 0..3 {
            send(framework, &layer, &outer, &login(&format!("user{n} wrong"))).await;
        }
        let seen = send(framework, &layer, &outer, &login("bob right")).await;
        assert_eq!(seen.status, 429, "{framework}");
    }
}

/// The memory store, behind a wait.
struct Later(MemoryStore);

impl donjon::lockout::AttemptStore for Later {
    type Error = std::convert::Infallible;

    async fn reserve(
        &self,
        key: donjon::lockout::Key,
        policy: &ScopePolicy,
    ) -> Result<donjon::lockout::Decision, Self::Error> {
        tokio::task::yield_now().await;
        donjon::lockout::AttemptStore::reserve(&self.0, key, policy).await
    }

    async fn settle(
        &self,
        lease: donjon::lockout::Lease,
        settle: donjon::lockout::Settle,
        policy: &ScopePolicy,
    ) -> Result<donjon::lockout::Settlement, Self::Error> {
        tokio::task::yield_now().await;
        donjon::lockout::AttemptStore::settle(&self.0, lease, settle, policy).await
    }

    async fn peek(
        &self,
        key: donjon::lockout::Key,
        policy: &ScopePolicy,
    ) -> Result<donjon::lockout::KeyState, Self::Error> {
        tokio::task::yield_now().await;
        donjon::lockout::AttemptStore::peek(&self.0, key, policy).await
    }

    async fn clear(&self, key: donjon::lockout::Key) -> Result<(), Self::Error> {
        tokio::task::yield_now().await;
        donjon::lockout::AttemptStore::clear(&self.0, key).await
    }
}

#[test]
fn a_store_of_several_servers_needs_a_secret() {
    let error =
        Lockout::builder(policy()).store(Later(MemoryStore::default())).build().unwrap_err();
    assert!(error.to_string().contains("secret"), "{error}");
    assert!(Lockout::builder(policy()).purpose(" ").build().is_err());
}
