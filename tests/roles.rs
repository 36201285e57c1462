//! Guards in axum and in actix-web: who gets in, and what those hear who do not.

#![cfg(all(feature = "actix", feature = "axum", feature = "roles"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

#[path = "roles/attacks.rs"]
mod attacks;
mod both;
#[path = "roles/events.rs"]
mod events;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use both::{Ask, both};
use donjon::client::{Networks, TrustedProxies};
use donjon::clock::{Clock as _, ManualClock};
use donjon::event::{Detail, EventLog, EventName, MemorySink, Severity};
use donjon::head::{Name, RequestHead};
use donjon::middleware::Stack;
use donjon::roles::{
    Authenticate, AuthenticateLater, Identify, IdentifyLater, Identity, Need, Needs, Principal,
    Require, Rule, permission, role,
};

donjon::permissions! {
    enum Permission { Read = "courts:read", Book = "courts:book", Refund = "orders:refund" }
}

donjon::roles! {
    enum Role grants Permission {
        Visitor = "visitor" => [Read],
        Member = "member": Visitor => [Book],
        Auditor = "auditor": Visitor => [],
        Manager = "manager": Member => [Refund],
    }
}

static ROLES: Name = Name::from_static("x-roles");
static SIGNED_IN: Name = Name::from_static("x-signed-in");
static SECOND: Name = Name::from_static("x-second-factor");
static EPOCHS: Name = Name::from_static("x-epochs");

/// Of the test's headers: roles, when one has signed in, whether there was a second factor, which epoch
/// was shown and which one it is.
fn identity<R: RequestHead>(request: &R) -> Result<Option<Identity<Role>>, &'static str> {
    let text = |name| request.header(name).next().map(|value| std::str::from_utf8(value).unwrap());
    let Some(roles) = text(&ROLES) else { return Ok(None) };
    if roles == "down" {
        return Err("the table of users does not answer");
    }
    let mut identity = Identity::new("ann@example.com").role_names(roles.split(','));
    if let Some(at) = text(&SIGNED_IN) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at.parse().unwrap());
        identity = identity.signed_in_at(at);
    }
    if text(&SECOND).is_some() {
        identity = identity.with_second_factor();
    }
    if let Some((shown, current)) = text(&EPOCHS).and_then(|epochs| epochs.split_once(',')) {
        identity = identity.epoch(shown.parse().unwrap(), current.parse().unwrap());
    }
    Ok(Some(identity))
}

#[derive(Clone, Debug)]
struct ByHeader;

impl Identify for ByHeader {
    type Role = Role;
    type Error = &'static str;

    fn identify<R: RequestHead>(
        &self,
        request: &R,
    ) -> Result<Option<Identity<Role>>, &'static str> {
        identity(request)
    }
}

impl IdentifyLater for ByHeader {
    type Role = Role;
    type Error = &'static str;

    fn identify<R: RequestHead>(
        &self,
        request: &R,
    ) -> impl Future<Output = Result<Option<Identity<Role>>, &'static str>> + Send + use<R> + 'static
    {
        let identity = identity(request);
        async {
            tokio::task::yield_now().await;
            identity
        }
    }
}

type House = Stack<(EventLog, TrustedProxies, Authenticate<ByHeader>, Require)>;

fn house(rule: Rule) -> (House, MemorySink, Arc<ManualClock>) {
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(10_000));
    let guard = Require::new(rule).clock(clock.clone());
    let proxies = TrustedProxies::none();
    (Stack::new((log, proxies, Authenticate::new(ByHeader), guard)), sink, clock)
}

/// A2, A3, A9, A11, A13, A16, A17.
#[actix_web::test]
async fn who_gets_in_and_what_others_hear() {
    let ask = || Ask::get("/members/17");
    for (rule, ask, status) in [
        (permission(Permission::Book), ask(), 401),
        (permission(Permission::Book), ask().header("x-roles", ""), 403),
        (permission(Permission::Book), ask().header("x-roles", "visitor"), 403),
        (permission(Permission::Book), ask().header("x-roles", "auditor"), 403),
        (permission(Permission::Book), ask().header("x-roles", "member"), 200),
        (permission(Permission::Book), ask().header("x-roles", "manager"), 200),
        (permission(Permission::Book), ask().header("x-roles", "Member"), 403),
        (permission(Permission::Book), ask().header("x-roles", "m\u{435}mber"), 403),
        (permission(Permission::Book), ask().header("x-roles", "down"), 503),
        (permission(Permission::Book), ask().method("HEAD"), 401),
        (permission(Permission::Book), ask().header("x-http-method-override", "GET"), 401),
        (permission(Permission::Book), ask().header("x-method-override", "OPTIONS"), 401),
        (permission(Permission::Book), Ask::get("/members/17?_method=OPTIONS"), 401),
        (permission(Permission::Refund), ask().header("x-roles", "auditor,member"), 403),
        (role(Role::Member), ask().header("x-roles", "manager"), 200),
        (role(Role::Auditor), ask().header("x-roles", "manager"), 403),
        (Rule::SIGNED_IN, ask().header("x-roles", ""), 200),
        (Rule::PUBLIC, ask(), 200),
        (Rule::PUBLIC, ask().header("x-roles", "down"), 200),
        (Rule::NOBODY, ask().header("x-roles", "manager"), 403),
        // Whether a stranger is a member cannot be known, so an exception lets him not in.
        (!role(Role::Member), ask(), 401),
        (!role(Role::Member), ask().header("x-roles", "visitor"), 200),
        (!role(Role::Member), ask().header("x-roles", "manager"), 403),
    ] {
        let (stack, sink, _) = house(rule.clone());
        both::ran();
        let answers = both!(stack, &ask);
        assert_eq!(both::ran(), if status == 200 { 2 } else { 0 }, "{rule} {ask:?}");
        for (framework, seen) in answers {
            let case = format!("{framework}: {rule} {ask:?} {seen:?}");
            assert_eq!(seen.status, status, "{case}");
            assert_eq!(seen.is_of_app(), status == 200, "{case}");
            let challenge = seen.header("www-authenticate");
            assert_eq!(challenge, (status == 401).then_some("Bearer"), "{case}");
            if status != 200 {
                assert_eq!(seen.header("cache-control"), Some("no-store"), "{case}");
            }
        }
        // Names that no role has are told of by themselves.
        let (events, unknown): (Vec<_>, Vec<_>) =
            sink.events().into_iter().partition(|event| event.name() == EventName::AuthzFail);
        assert_eq!(events.len(), if status == 200 { 0 } else { 2 }, "{rule} {ask:?}");
        let is_odd = ask.headers.iter().any(|(name, roles)| {
            let odd = ["", "Member", "m\u{435}mber"].map(str::as_bytes);
            name == "x-roles" && odd.contains(&&roles[..])
        });
        assert_eq!(unknown.len(), if is_odd { 2 } else { 0 }, "{ask:?} {unknown:?}");
        assert!(unknown.iter().all(|event| event.name() == EventName::InputValidationFail));
        assert!(!format!("{events:?}").contains("ann@"), "{events:?}");
        if status == 403 {
            assert!(events.iter().all(|event| event.subject().is_some()), "{events:?}");
            for event in &events {
                let Detail::Denied { lacks, grants, .. } = event.detail() else {
                    panic!("{event:?}")
                };
                assert!(grants.is_some(), "{event:?}");
                if let Some(lacks) = lacks {
                    assert!(rule.to_string().ends_with(lacks), "{rule} {event:?}");
                }
            }
        }
    }
}

/// A1, A5: nobody has looked who is asking. That is no stranger, and a mistake.
#[actix_web::test]
async fn a_guard_without_authentication_is_a_mistake_and_lets_nobody_in() {
    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
    let guard = Require::new(permission(Permission::Book));
    let ask = Ask::get("/").header("x-roles", "manager");
    let outside = Stack::new((log.clone(), guard.clone(), Authenticate::new(ByHeader)));
    for (framework, seen) in both!(outside, &ask) {
        assert_eq!((seen.status, seen.is_of_app()), (500, false), "{framework}: before it");
    }
    for (framework, seen) in both!(Stack::new((log.clone(), guard.hidden())), &ask) {
        assert_eq!((seen.status, seen.is_of_app()), (500, false), "{framework}: without it");
    }
    assert!(sink.events().iter().all(|event| event.severity() == Severity::Critical));
    assert_eq!(sink.events().len(), 4);
    for (framework, seen) in both!(Stack::new((log, Require::new(Rule::PUBLIC))), &ask) {
        assert_eq!(seen.status, 200, "{framework}");
    }
}

/// A4: whoever may not see it cannot tell it from what is not there.
#[actix_web::test]
async fn what_is_hidden_looks_as_if_it_were_not_there() {
    use actix_web::{App, web};
    use axum::{Router, routing::get};

    let guard = Require::new(permission(Permission::Refund)).hidden();
    let around = Stack::new((TrustedProxies::none(), Authenticate::new(ByHeader)));
    let send = async |framework: &str, target: &str, roles: Option<&str>| {
        let ask = roles.iter().fold(Ask::get(target), |ask, roles| ask.header("x-roles", roles));
        if framework == "axum" {
            let router = Router::new().route("/secret", get(async || "app").layer(guard.clone()));
            let mut seen = both::axum_app::send(router.layer(around.clone()), &ask).await;
            // The router says it of what its routes answer, and the server of all.
            seen.headers.retain(|header| *header != ("content-length".into(), "0".into()));
            return seen;
        }
        let secret = web::resource("/secret").wrap(guard.clone()).to(async || "app");
        let app = App::new().service(secret).wrap(around.clone());
        let app = actix_web::test::init_service(app).await;
        let request = both::actix_app::request(&ask).to_request();
        both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
    };
    for framework in ["axum", "actix-web"] {
        for roles in [None, Some(""), Some("member")] {
            let hidden = send(framework, "/secret", roles).await;
            assert_eq!(hidden, send(framework, "/nowhere", roles).await, "{framework} {roles:?}");
            assert_eq!(hidden.status, 404, "{framework} {roles:?}");
        }
        assert_eq!(send(framework, "/secret", Some("manager")).await.status, 200, "{framework}");
        assert_eq!(send(framework, "/secret", Some("down")).await.status, 503, "{framework}");
    }
}

/// A guard in the signature decides as one around the route does, before what stands after it is read.
#[actix_web::test]
async fn a_guard_may_stand_in_a_handlers_signature() {
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Book;
    impl Needs for Book {
        fn rule() -> Rule {
            permission(Permission::Book)
        }
    }
    static RAN: AtomicU32 = AtomicU32::new(0);

    let sink = MemorySink::default();
    let log = EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
    let around = Stack::new((log, TrustedProxies::none(), Authenticate::new(ByHeader)));
    for (roles, status) in [
        (None, 401),
        (Some("visitor"), 403),
        (Some("down"), 503),
        // Only then is the body looked at, and is no form.
        (Some("member"), 415),
    ] {
        let ask = Ask::get("/book").method("POST").header("content-type", "application/json");
        let ask = roles.iter().fold(ask.body("{"), |ask, roles| ask.header("x-roles", roles));
        let in_axum = async |_: Need<Book>, _: axum::Form<Vec<(String, String)>>| {
            RAN.fetch_add(1, Ordering::Relaxed);
        };
        let router = axum::Router::new().route("/book", axum::routing::post(in_axum));
        let seen = both::axum_app::send(router.layer(around.clone()), &ask).await;
        assert_eq!(seen.status, status, "axum {seen:?}");

        let in_actix = async |_: Need<Book>, _: actix_web::web::Form<Vec<(String, String)>>| {
            RAN.fetch_add(1, Ordering::Relaxed);
            actix_web::HttpResponse::Ok().finish()
        };
        let app = actix_web::App::new().route("/book", actix_web::web::post().to(in_actix));
        let app = actix_web::test::init_service(app.wrap(around.clone())).await;
        let request = both::actix_app::request(&ask).to_request();
        let seen = actix_web::test::try_call_service(&app, request).await;
        let seen = both::actix_app::seen(seen).await;
        assert_eq!(seen.status, status, "actix-web {seen:?}");
    }
    assert_eq!(RAN.load(Ordering::Relaxed), 0);
    let denied = sink.events().into_iter().filter(|event| event.name() == EventName::AuthzFail);
    assert_eq!(denied.count(), 6, "three in each");
}

/// A8: what is looked up is what is going to run, also where another pattern matches what was typed.
#[actix_web::test]
async fn an_encoded_path_has_the_rule_of_the_route_that_runs() {
    use actix_web::{App, web};
    use donjon::roles::Seal;

    for target in [
        "/admin",
        "/%61dmin",
        "/files/admin",
        "/files/%61dmin",
        "/%66iles/admin",
        "/%66iles/%61dmin",
    ] {
        for (roles, status) in [(None, 401), (Some("member"), 403), (Some("manager"), 200)] {
            let (manager, public) = (|| role(Role::Manager), || Rule::PUBLIC);
            let seal =
                Seal::new().on("GET", "/admin", manager()).on("GET", "/files/admin", manager());
            let seal = seal.on("GET", "/{page}", public()).on("GET", "/{a}/{b}", public());
            let files = web::scope("/files").route("/admin", web::get().to(async || "app"));
            let app = App::new()
                .route("/admin", web::get().to(async || "app"))
                .service(files)
                .route("/{page}", web::get().to(async || "a page"))
                .route("/{a}/{b}", web::get().to(async || "a page"))
                .wrap(Stack::new((
                    TrustedProxies::none(),
                    Authenticate::new(ByHeader),
                    seal.fallback(public()),
                )));
            let app = actix_web::test::init_service(app).await;
            let ask =
                roles.iter().fold(Ask::get(target), |ask, roles| ask.header("x-roles", roles));
            let request = both::actix_app::request(&ask).to_request();
            let seen = actix_web::test::try_call_service(&app, request).await;
            let seen = both::actix_app::seen(seen).await;
            assert_eq!(seen.status, status, "{target} {roles:?} {seen:?}");
        }
    }
}

/// A route that is there twice would have two rules of which one is never asked.
#[test]
#[should_panic(expected = "GET /a is there already")]
fn a_route_of_actix_is_there_once() {
    let routes = donjon::adapters::guarded::actix::GuardedRoutes::new();
    let method = || actix_web::http::Method::GET;
    let routes = routes.on(method(), "/a", Rule::PUBLIC, async || "app");
    let _ = routes.on(method(), "/a", Rule::NOBODY, async || "app");
}

/// People are shown where to sign in, and come back to where they were; no link sends them elsewhere.
#[actix_web::test]
async fn people_are_sent_to_a_page_on_which_they_sign_in() {
    let page = Authenticate::new(ByHeader).sign_in_page("/sign-in").unwrap();
    let page = page.confirm_page("/confirm").unwrap();
    let guard = |rule| Require::new(rule);
    let person = |target| Ask::get(target).header("sec-fetch-mode", "navigate");
    let book = || permission(Permission::Book);
    for (rule, ask, expected) in [
        (book(), person("/a"), Ok("/sign-in?next=/a")),
        (
            book(),
            person("/a?b=c&next=//d%0d%0a"),
            Ok("/sign-in?next=/a%3Fb%3Dc%26next%3D//d%250d%250a"),
        ),
        (
            book(),
            Ask::get("/a").header("accept", "text/plain, text/html;q=0.9"),
            Ok("/sign-in?next=/a"),
        ),
        (book(), person("//evil.example/a"), Ok("/sign-in")),
        (!role(Role::Member), person("/a"), Ok("/sign-in?next=/a")),
        // Not people, or not by a link.
        (book(), Ask::get("/a"), Err(401)),
        (book(), Ask::get("/a").header("accept", "application/json"), Err(401)),
        (book(), person("/a").method("POST"), Err(401)),
        (
            book(),
            Ask::get("/a").header("sec-fetch-mode", "cors").header("accept", "text/html"),
            Err(401),
        ),
        // No circles.
        (book(), person("/sign-in"), Err(401)),
        (book(), person("/a").header("x-roles", "visitor"), Err(403)),
        (book(), person("/a").header("x-roles", "down"), Err(503)),
        (
            Rule::fresh(Duration::ZERO),
            person("/a").header("x-roles", "member"),
            Ok("/confirm?next=/a"),
        ),
        (Rule::fresh(Duration::ZERO), person("/confirm").header("x-roles", "member"), Err(401)),
        (Rule::fresh(Duration::ZERO), Ask::get("/a").header("x-roles", "member"), Err(401)),
        (
            Rule::SIGNED_IN,
            person("/a").header("x-roles", "member").header("x-epochs", "3,4"),
            Ok("/sign-in?next=/a"),
        ),
    ] {
        let stack = Stack::new((TrustedProxies::none(), page.clone(), guard(rule.clone())));
        for (framework, seen) in both!(stack, &ask) {
            let case = format!("{framework}: {rule} {ask:?} {seen:?}");
            let location = seen.header("location");
            assert_eq!(location.ok_or(seen.status), expected, "{case}");
            assert!(location.is_none() || seen.status == 303, "{case}");
            assert_eq!(seen.header("cache-control"), Some("no-store"), "{case}");
            assert!(!seen.is_of_app(), "{case}");
        }
    }
    for page in
        ["", "sign-in", "//evil.example", "https://evil.example", "/a?next=b", "/a#b", "/\\b"]
    {
        assert!(Authenticate::new(ByHeader).sign_in_page(page).is_err(), "{page}");
        assert!(AuthenticateLater::new(ByHeader).confirm_page(page).is_err(), "{page}");
    }
}

/// RFC 9470: at exactly the limit one gets in.
#[actix_web::test]
async fn whoever_has_signed_in_too_long_ago_is_asked_again() {
    let rule = permission(Permission::Refund) & Rule::fresh(Duration::from_secs(300));
    for (at, status) in
        [(Some("9700"), 200), (Some("9699"), 401), (None, 401), (Some("10001"), 401)]
    {
        let (stack, _, _) = house(rule.clone());
        let ask = Ask::get("/").header("x-roles", "manager");
        let ask = at.iter().fold(ask, |ask, at| ask.header("x-signed-in", at));
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!(seen.status, status, "{framework} {at:?}");
            if status == 401 {
                let challenge = seen.header("www-authenticate").unwrap();
                assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
                assert!(challenge.contains("max_age=300"), "{challenge}");
            }
        }
    }
    // Whoever lacks the permission is not asked to sign in again for nothing.
    let (stack, _, _) = house(rule);
    for (framework, seen) in both!(stack, &Ask::get("/").header("x-roles", "member")) {
        assert_eq!(seen.status, 403, "{framework}");
    }
}

/// A19, A23: an address counts with proof alone.
#[actix_web::test]
async fn a_network_is_where_the_connection_comes_from() {
    let office = || Rule::network(Networks::parse(["203.0.113.0/24", "2001:db8::/32"]).unwrap());
    for (rule, peer, status) in [
        (office(), "203.0.113.9", 200),
        (office(), "::ffff:203.0.113.9", 200),
        (office(), "198.51.100.9", 403),
        (office(), "2001:db8::1", 200),
        (!office(), "198.51.100.9", 200),
        (!office(), "203.0.113.9", 403),
    ] {
        let (stack, _, _) = house(rule);
        let ask = Ask::get("/").from(peer).header("x-forwarded-for", "203.0.113.1");
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!(seen.status, status, "{framework} {peer}");
        }
    }
    for rule in [office(), !office()] {
        // Nobody has vouched for any address.
        let stack = Stack::new((Authenticate::new(ByHeader), Require::new(rule)));
        for (framework, seen) in both!(stack, &Ask::get("/").from("203.0.113.9")) {
            assert_eq!((seen.status, seen.is_of_app()), (403, false), "{framework}");
        }
    }
}

#[actix_web::test]
async fn a_second_factor_is_asked_for_where_the_rule_does() {
    let rule = role(Role::Manager) & Rule::second_factor();
    let manager = || Ask::get("/").header("x-roles", "manager");
    for (ask, status) in [(manager(), 403), (manager().header("x-second-factor", "1"), 200)] {
        let (stack, _, _) = house(rule.clone());
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!(seen.status, status, "{framework}");
        }
    }
}

/// A12: an unentitled request is refused before its body is looked at.
#[actix_web::test]
async fn the_guard_decides_before_any_extractor() {
    use actix_web::{App, web};
    use axum::{Form, Router, routing::post};

    let (stack, _, _) = house(permission(Permission::Book));
    let ask = Ask::get("/book").method("POST").header("content-type", "text/plain").body("{");
    let ask = ask.header("x-roles", "visitor");
    let router = Router::new().route("/book", post(async |_: Form<Vec<(String, String)>>| "app"));
    assert_eq!(both::axum_app::send(router.layer(stack.clone()), &ask).await.status, 403);

    let handler = async |_: web::Form<Vec<(String, String)>>| "app";
    let app = App::new().route("/book", web::post().to(handler)).wrap(stack);
    let app = actix_web::test::init_service(app).await;
    let request = both::actix_app::request(&ask).to_request();
    let answer = actix_web::test::try_call_service(&app, request).await;
    assert_eq!(both::actix_app::seen(answer).await.status, 403);
}

/// A37, A28: of two guards both have to let in.
#[actix_web::test]
async fn two_guards_are_both_asked() {
    let (outer, _, _) = house(role(Role::Visitor));
    let stack = Stack::new((outer, Require::new(permission(Permission::Refund))));
    for (roles, status) in [("member", 403), ("manager", 200)] {
        for (framework, seen) in both!(stack.clone(), &Ask::get("/").header("x-roles", roles)) {
            assert_eq!(seen.status, status, "{framework} {roles}");
        }
    }
}

/// A8: a guard stands around a route, so however a path is spelled, whoever reaches the handler has passed
/// it.
#[actix_web::test]
async fn no_spelling_of_a_path_goes_around_the_guard() {
    use actix_web::{App, web};
    use axum::{Router, routing::get};

    let (stack, _, _) = house(role(Role::Manager));
    let spellings = [
        "/admin",
        "//admin",
        "/admin/",
        "/./admin",
        "/x/../admin",
        "/ADMIN",
        "/admin;x=1",
        "/admin%00",
        "/%61dmin",
        "/%2561dmin",
        "/admin?x",
        "/admin//",
        "http://h/admin",
        "/api/%61dmin/1",
    ];
    for target in spellings {
        for method in ["GET", "HEAD", "POST"] {
            let ask = Ask::get(target).method(method).header("x-roles", "member");
            let router = Router::new()
                .route("/admin", get(async || "app").layer(stack.clone()))
                .route("/api/{what}/{id}", get(async || "app").layer(stack.clone()));
            let seen = both::axum_app::send(router, &ask).await;
            assert!(!seen.is_of_app() && seen.status != 200, "axum {method} {target} {seen:?}");

            // Also where a layer around the routes makes one path of several.
            for normalized in [false, true] {
                let admin = web::resource("/admin").wrap(stack.clone()).to(async || "app");
                let api = web::resource("/api/{what}/{id}").wrap(stack.clone());
                let app = App::new().service(admin).service(api.to(async || "app"));
                let normalize = actix_web::middleware::NormalizePath::trim();
                let app = app.wrap(actix_web::middleware::Condition::new(normalized, normalize));
                let app = actix_web::test::init_service(app).await;
                let request = both::actix_app::request(&ask).to_request();
                let answer = actix_web::test::try_call_service(&app, request).await;
                let seen = both::actix_app::seen(answer).await;
                assert!(
                    !seen.is_of_app() && seen.status != 200,
                    "actix {method} {target} {seen:?}"
                );
            }
        }
    }
}

/// The asynchronous form, and the extractor.
#[actix_web::test]
async fn who_is_asking_may_be_found_out_later_and_handlers_know() {
    use actix_web::{App, web};
    use axum::{Router, routing::get};

    let guard = Require::new(permission(Permission::Book));
    for (roles, status) in [("member", 200), ("visitor", 403), ("down", 503)] {
        let ask = Ask::get("/").header("x-roles", roles);
        let who = async |principal: Principal| format!("app {}", principal.subject());
        let router = Router::new().route("/", get(who)).layer(guard.clone());
        let router = router.layer(AuthenticateLater::new(ByHeader));
        let seen = both::axum_app::send(router, &ask).await;
        assert_eq!(seen.status, status, "axum {roles}");
        assert_eq!(seen.body == "app ann@example.com", status == 200);

        let app = App::new()
            .route("/", web::get().to(who))
            .wrap(guard.clone())
            .wrap(AuthenticateLater::new(ByHeader));
        let app = actix_web::test::init_service(app).await;
        let request = both::actix_app::request(&ask).to_request();
        let answer = actix_web::test::try_call_service(&app, request).await;
        assert_eq!(both::actix_app::seen(answer).await.status, status, "actix {roles}");
    }
    // A handler that has no guard, and needs to know.
    let router = Router::new().route("/", get(async |_: Principal| "app"));
    assert_eq!(both::axum_app::send(router.clone(), &Ask::get("/")).await.status, 500);
    let router = router.layer(Stack::new((Authenticate::new(ByHeader),)));
    assert_eq!(both::axum_app::send(router, &Ask::get("/")).await.status, 401);
}

/// A36: nothing that a client sends is taken for one who has signed in.
#[actix_web::test]
async fn nothing_that_a_client_sends_is_an_identity() {
    let (stack, _, clock) = house(Rule::SIGNED_IN);
    assert!(clock.now() > SystemTime::UNIX_EPOCH);
    for header in ["x-user", "x-principal", "remote-user", "authorization", "cookie"] {
        for (framework, seen) in both!(stack.clone(), &Ask::get("/").header(header, "manager")) {
            assert_eq!(seen.status, 401, "{framework} {header}");
        }
    }
}

mod tables {
    use actix_web::{App, web};
    use axum::Router;
    use axum::routing::get;
    use donjon::adapters::guarded::actix::GuardedRoutes;
    use donjon::adapters::guarded::axum::GuardedRouter;
    use donjon::roles::Seal;

    use super::*;

    fn stack() -> Stack<(TrustedProxies, Authenticate<ByHeader>)> {
        Stack::new((TrustedProxies::none(), Authenticate::new(ByHeader)))
    }

    /// The same table in both frameworks, guarded route by route.
    fn in_axum() -> GuardedRouter {
        let desk = GuardedRouter::new()
            .on(http::Method::GET, "/", Rule::PUBLIC, async || "app")
            .on(http::Method::POST, "/refund", permission(Permission::Refund), async || "app");
        GuardedRouter::new()
            .on(http::Method::GET, "/", Rule::PUBLIC, async || "app")
            .on(http::Method::GET, "/courts/{id}", permission(Permission::Read), async || "app")
            .on(http::Method::POST, "/courts/{id}", permission(Permission::Book), async || "app")
            .nest("/desk", role(Role::Manager), desk)
    }

    fn in_actix() -> GuardedRoutes {
        let manager = || role(Role::Manager);
        let refund = manager() & permission(Permission::Refund);
        GuardedRoutes::new()
            .on(actix_web::http::Method::GET, "/", Rule::PUBLIC, async || "app")
            .on(
                actix_web::http::Method::GET,
                "/courts/{id}",
                permission(Permission::Read),
                async || "app",
            )
            .on(
                actix_web::http::Method::POST,
                "/courts/{id}",
                permission(Permission::Book),
                async || "app",
            )
            .on(actix_web::http::Method::GET, "/desk", manager(), async || "app")
            .on(actix_web::http::Method::POST, "/desk/refund", refund, async || "app")
    }

    /// And for an app that is there already.
    fn sealed() -> Seal {
        Seal::new()
            .on("GET", "/", Rule::PUBLIC)
            .on("GET", "/courts/{id}", permission(Permission::Read))
            .on("POST", "/courts/{id}", permission(Permission::Book))
            .on("GET", "/desk", role(Role::Manager))
            .on("POST", "/desk/refund", role(Role::Manager) & permission(Permission::Refund))
    }

    async fn send(which: &str, ask: &Ask) -> both::Seen {
        match which {
            "axum" => both::axum_app::send(in_axum().into_router().layer(stack()), ask).await,
            "axum, sealed" => {
                let page = async || "app";
                let router = Router::new()
                    .route("/", get(page))
                    .route("/courts/{id}", get(page).post(page))
                    .route("/desk", get(page))
                    .route("/desk/refund", axum::routing::post(page))
                    .route("/forgotten", axum::routing::any(page))
                    .layer(Stack::new((stack(), sealed())));
                both::axum_app::send(router, ask).await
            }
            "actix-web" => {
                let guarded = in_actix();
                let app = App::new().configure(|config| guarded.configure(config)).wrap(stack());
                let app = actix_web::test::init_service(app).await;
                let request = both::actix_app::request(ask).to_request();
                both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
            }
            _ => {
                let page = async || "app";
                let courts = web::resource("/courts/{id}")
                    .route(web::get().to(page))
                    .route(web::head().to(page))
                    .route(web::post().to(page));
                let app = App::new()
                    .service(
                        web::resource("/").route(web::get().to(page)).route(web::head().to(page)),
                    )
                    .service(courts)
                    .route("/desk", web::get().to(page))
                    .route("/desk", web::head().to(page))
                    .route("/desk/refund", web::post().to(page))
                    .route("/forgotten", web::to(page))
                    .wrap(Stack::new((stack(), sealed())));
                let app = actix_web::test::init_service(app).await;
                let request = both::actix_app::request(ask).to_request();
                both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
            }
        }
    }

    const ALL: [&str; 4] = ["axum", "axum, sealed", "actix-web", "actix-web, sealed"];

    /// A6, A7, A9, A28, A31: each role at each route by each method, as the matrix says.
    #[actix_web::test]
    async fn each_role_at_each_route_by_each_method() {
        let table = [
            ("GET", "/", [200, 200, 200, 200, 200]),
            ("HEAD", "/", [200, 200, 200, 200, 200]),
            ("GET", "/courts/17", [401, 200, 200, 200, 200]),
            ("HEAD", "/courts/17", [401, 200, 200, 200, 200]),
            ("POST", "/courts/17", [401, 403, 200, 403, 200]),
            ("GET", "/desk", [401, 403, 403, 403, 200]),
            ("HEAD", "/desk", [401, 403, 403, 403, 200]),
            ("POST", "/desk/refund", [401, 403, 403, 403, 200]),
        ];
        let roles = [None, Some("visitor"), Some("member"), Some("auditor"), Some("manager")];
        for which in ALL {
            for (method, target, statuses) in table {
                for (roles, status) in roles.iter().zip(statuses) {
                    let ask = Ask::get(target).method(method);
                    let ask = roles.iter().fold(ask, |ask, roles| ask.header("x-roles", roles));
                    let seen = send(which, &ask).await;
                    assert_eq!(seen.status, status, "{which}: {method} {target} {roles:?}");
                    assert!(
                        status == 200 || !seen.is_of_app(),
                        "{which}: {method} {target} {roles:?}"
                    );
                }
            }
        }
        let matrix = in_axum().manifest().matrix::<Role>();
        assert_eq!(matrix, in_actix().manifest().matrix::<Role>(), "and it says so itself");
        assert_eq!(matrix, sealed().manifest().matrix::<Role>());
        assert_eq!(
            matrix.to_string(),
            "\
route              anonymous  visitor  member  auditor  manager
GET /              yes        yes      yes     yes      yes
GET /courts/{id}   401        yes      yes     yes      yes
POST /courts/{id}  401        -        yes     -        yes
GET /desk          401        -        -       -        yes
POST /desk/refund  401        -        -       -        yes
"
        );
        let markdown = matrix.to_markdown();
        assert!(markdown.starts_with("| route | anonymous | visitor |"), "{markdown}");
        let json: serde_json::Value = serde_json::from_str(&matrix.to_json()).unwrap();
        assert_eq!(json[2]["member"], "yes");
        assert_eq!(json[2]["anonymous"], "401");
    }

    /// What nobody has thought of: another method, a route without a rule, no route, another spelling.
    #[actix_web::test]
    async fn what_nobody_has_thought_of_lets_nobody_in() {
        for which in ALL {
            for roles in [None, Some("manager")] {
                for (method, target) in [
                    ("DELETE", "/courts/17"),
                    ("PATCH", "/desk"),
                    ("GET", "/desk/refund"),
                    ("GET", "/forgotten"),
                    ("POST", "/forgotten"),
                    ("GET", "/nowhere"),
                    ("GET", "//desk"),
                    ("GET", "/DESK"),
                    ("GET", "/x/../desk"),
                    ("GET", "/desk;x=1"),
                    ("GET", "/desk%00"),
                ] {
                    let ask = Ask::get(target).method(method);
                    let ask = roles.iter().fold(ask, |ask, roles| ask.header("x-roles", roles));
                    let seen = send(which, &ask).await;
                    let case = format!("{which}: {method} {target} {roles:?} {seen:?}");
                    assert!(!seen.is_of_app() && seen.status >= 400, "{case}");
                    if method == "DELETE" && roles.is_none() {
                        assert!(matches!(seen.status, 401 | 403), "who may not go there: {case}");
                    }
                }
                // What a router decodes or trims is still behind the rule.
                for target in ["/%64esk", "/desk/", "/%2564esk"] {
                    let ask = Ask::get(target).header("x-roles", "member");
                    assert!(!send(which, &ask).await.is_of_app(), "{which}: {target}");
                }
            }
        }
    }

    /// A fallback of the app's own has a rule as well.
    #[actix_web::test]
    async fn a_fallback_has_a_rule() {
        let guarded = GuardedRouter::new().fallback(Rule::SIGNED_IN, async || "app");
        let router = guarded.into_router().layer(stack());
        assert_eq!(both::axum_app::send(router.clone(), &Ask::get("/x")).await.status, 401);
        let ask = Ask::get("/x").header("x-roles", "");
        assert_eq!(both::axum_app::send(router, &ask).await.status, 200);

        let seal = Seal::new().fallback(Rule::SIGNED_IN);
        let router = Router::new().fallback(async || "app");
        let router = router.layer(Stack::new((stack(), seal)));
        assert_eq!(both::axum_app::send(router.clone(), &Ask::get("/x")).await.status, 401);
        assert_eq!(both::axum_app::send(router, &ask).await.status, 200);
    }
}
