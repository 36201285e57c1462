//! Layers around layers, handlers that look at tokens themselves, and spellings of paths.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use donjon::cookies::session::{Session, Sessions};
use donjon::csrf::{CsrfDecision, CsrfField, CsrfProtection, CsrfToken, Verified};
use donjon::event::{EventLog, EventName, MemorySink, Severity};
use donjon::keys::{Key, KeyRing};
use donjon::middleware::{Middleware, Stack};
use http::Request;
use proptest::prelude::*;
use serde::Deserialize;

use super::both::{self, Ask, both};

const SESSION: &str = "__Host-Http-session";

fn base() -> CsrfProtection {
    CsrfProtection::new(["https://club.example"]).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(Key::random()).unwrap()
}

fn post_to(target: &str) -> Ask {
    Ask::get(target).method("POST")
}

fn form(ask: Ask, body: &str) -> Ask {
    ask.header("content-type", "application/x-www-form-urlencoded").body(body)
}

fn request(ask: &Ask) -> Request<()> {
    let mut request = Request::builder().method(ask.method).uri(&ask.target);
    for (name, value) in &ask.headers {
        request = request.header(name, &value[..]);
    }
    request.body(()).unwrap()
}

fn logged() -> (EventLog, MemorySink) {
    let sink = MemorySink::default();
    (EventLog::builder().memory(&sink).build().unwrap(), sink)
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

/// An outer layer leaves the token to the handler; an inner one has tokens of its own, bound to another
/// cookie. The handler's `verify` asks the inner one, for whom the victim is nobody, and settles both.
#[actix_web::test]
async fn a_token_that_a_handler_verifies_is_good_for_every_layer_that_waits() {
    let ring = ring();
    let outer = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring, "club").unwrap();
    let outer = outer.token_in_form("/admin/form").unwrap();
    let inner = base().protect_cookies(["__Host-admin"]).unwrap().tokens(&ring, "admin").unwrap();
    let inner = inner.token_in_form("/admin/form").unwrap();
    for framework in ["axum", "actix-web"] {
        let (log, sink) = logged();
        let outer = Stack::new((log.clone(), outer.clone()));
        let send = async |ask: Ask| {
            if framework == "axum" {
                let page = async |token: CsrfToken| token.issue();
                let submit = async |token: CsrfToken, body: String| -> Response {
                    match token.verify("", &body) {
                        Ok(()) => "app: money sent".into_response(),
                        Err(refusal) => refusal.into_response(),
                    }
                };
                let router = Router::new().route("/admin/form", get(page).post(submit));
                both::axum_app::send(router.layer(inner.clone()).layer(outer.clone()), &ask).await
            } else {
                async fn page(token: CsrfToken) -> String {
                    token.issue()
                }
                async fn submit(token: CsrfToken, body: String) -> HttpResponse {
                    match token.verify("", &body) {
                        Ok(()) => HttpResponse::Ok().body("app: money sent"),
                        Err(refusal) => refusal.into_actix_response(),
                    }
                }
                let app = actix_web::App::new()
                    .route("/admin/form", web::get().to(page))
                    .route("/admin/form", web::post().to(submit));
                let app = app.wrap(inner.clone()).wrap(outer.clone());
                let app = actix_web::test::init_service(app).await;
                let request = both::actix_app::request(&ask).to_request();
                both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
            }
        };
        // The attacker has no cookie at all, and asks for a token.
        let attackers = send(Ask::get("/admin/form")).await.body;
        // The victim's browser says nothing but the cookie; the page of the attacker wrote the body.
        let ask = post_to("/admin/form").header("cookie", "__Host-sid=victim").body(&attackers);
        let seen = send(ask).await;
        log.shutdown(Duration::from_secs(5)).unwrap();
        let heard = sink.events().iter().any(|event| event.name() == EventName::CsrfDenied);
        assert!(
            seen.status == 403 || heard,
            "{framework}: {} with an anonymous attacker's token, and no event",
            seen.body
        );
    }
}

/// Where the protected cookie is there twice, a handler that verifies takes a token of nobody's.
#[actix_web::test]
async fn where_a_protected_cookie_is_there_twice_no_token_is_good() {
    let csrf = base().protect_cookies(["sid"]).unwrap().tokens(&ring(), "club").unwrap();
    let csrf = csrf.exempt("/return", "its token is verified by the handler").unwrap();
    let page = async |token: CsrfToken| token.for_purpose("return");
    let submit = async |token: CsrfToken, body: String| -> Response {
        match token.verify("return", &body) {
            Ok(()) => "app".into_response(),
            Err(refusal) => refusal.into_response(),
        }
    };
    let router = Router::new().route("/return", get(page).post(submit)).layer(csrf);
    let anonymous = both::axum_app::send(router.clone(), &Ask::get("/return")).await.body;
    let one = post_to("/return").header("cookie", "sid=victim").body(&anonymous);
    assert_eq!(both::axum_app::send(router.clone(), &one).await.status, 403);
    // A sibling has planted a second one: now the attacker's own token is good.
    let two = post_to("/return").header("cookie", "sid=victim; sid=planted").body(&anonymous);
    assert_eq!(both::axum_app::send(router, &two).await.status, 403);
}

/// A body that the inner extractor does not take: nobody has looked at a token, and nobody is told.
#[actix_web::test]
async fn a_body_that_is_not_read_was_not_looked_at() {
    let csrf = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring(), "club").unwrap();
    let csrf = csrf.token_in_form("/form").unwrap();
    let ask =
        post_to("/form").header("cookie", "__Host-sid=7").header("content-type", "text/plain");
    let ask = ask.body("amount=7");
    for framework in ["axum", "actix-web"] {
        let (log, sink) = logged();
        let stack = Stack::new((log.clone(), csrf.clone()));
        let seen = if framework == "axum" {
            // the body is optional to this handler
            let submit = async |form: Result<Verified<axum::Form<Transfer>>, Response>| {
                format!("app {}", form.map_or(1, |Verified(form)| form.amount))
            };
            let router = Router::new().route("/form", post(submit)).layer(stack);
            both::axum_app::send(router, &ask).await
        } else {
            async fn submit(form: Option<Verified<web::Form<Transfer>>>) -> String {
                format!("app {}", form.map_or(1, |Verified(form)| form.amount))
            }
            let app = actix_web::App::new().route("/form", web::post().to(submit)).wrap(stack);
            let app = actix_web::test::init_service(app).await;
            let request = both::actix_app::request(&ask).to_request();
            both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
        };
        log.shutdown(Duration::from_secs(5)).unwrap();
        assert!(
            seen.status >= 400 || !sink.events().is_empty(),
            "{framework}: {} {:?} and no event at all",
            seen.status,
            seen.body
        );
    }
}

/// "Refuses nothing."
#[actix_web::test]
async fn what_only_reports_lets_pass_what_a_handler_verifies() {
    let csrf = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring(), "club").unwrap();
    let csrf = csrf.token_in_form("/upload").unwrap().report_only();
    let upload = async |token: CsrfToken, body: String| -> Response {
        match token.verify("", &body) {
            Ok(()) => "app".into_response(),
            Err(refusal) => refusal.into_response(),
        }
    };
    let router = Router::new().route("/upload", post(upload)).layer(csrf);
    let ask = post_to("/upload").header("cookie", "__Host-sid=7").body("no token yet");
    assert_eq!(both::axum_app::send(router, &ask).await.status, 200);
}

/// "Where an answer to GET depends on where the request comes from, it says so."
#[actix_web::test]
async fn an_override_in_the_query_varies() {
    let target = "/x?_method=DELETE";
    for (framework, seen) in both!(base(), &Ask::get(target).header("sec-fetch-site", "cross-site"))
    {
        assert_eq!(seen.status, 403, "{framework}");
    }
    for site in ["same-origin", "none"] {
        for (framework, seen) in both!(base(), &Ask::get(target).header("sec-fetch-site", site)) {
            assert_eq!(seen.status, 200, "{framework}");
            assert_eq!(seen.header("vary"), Some("Sec-Fetch-Site, Origin"), "{framework} {site}");
        }
    }
}

/// Exempt and checked at once: the exemption wins without a word.
#[test]
fn no_path_is_exempt_and_checked() {
    let both = base().check_reads("/logout").unwrap().exempt("/logout", "oops");
    assert!(both.is_err(), "a link to /logout is not checked, though check_reads was asked for");
}

/// Two layers with tokens: the page has the inner one's, and nothing it sends satisfies the outer.
#[actix_web::test]
async fn two_layers_with_keys_of_their_own_refuse() {
    let ring = ring();
    let layer =
        |app: &str| base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring, app).unwrap();
    let layer = |app: &str| layer(app).token_in_form("/form").unwrap();
    let page = async |token: CsrfToken| token.issue();
    let submit =
        async |Verified(form): Verified<axum::Form<Transfer>>| format!("app {}", form.amount);
    let router =
        Router::new().route("/form", get(page).post(submit)).route("/x", post(async || "app"));
    let router = router.layer(layer("admin")).layer(layer("club"));
    let cookie = |ask: Ask| ask.header("cookie", "__Host-sid=7");
    let token = both::axum_app::send(router.clone(), &cookie(Ask::get("/form"))).await.body;
    let body = format!("amount=7&csrf_token={token}");
    let by_form =
        both::axum_app::send(router.clone(), &form(cookie(post_to("/form")), &body)).await;
    let by_header = cookie(post_to("/x")).header("x-csrf-token", &token);
    let by_header = both::axum_app::send(router, &by_header).await;
    assert_eq!((by_form.status, by_header.status), (403, 403));
}

/// A router in a router, and between them something that rewrites the path: the inner one routes by the
/// path as rewritten, and the layer behind it looks at what the outer one saw.
#[actix_web::test]
async fn a_path_that_is_rewritten_is_checked_as_it_is_routed() {
    use tower::ServiceExt as _;
    let csrf = base().check_reads("/account/logout").unwrap().exempt("/hook", "signed").unwrap();
    let inner = Router::new()
        .route("/account/logout", get(async || "LOGGED OUT"))
        .route("/transfer", post(async || "SENT"))
        .layer(csrf);
    let rewriting = inner.map_request(|mut request: Request<axum::body::Body>| {
        let path = request.uri().path().strip_prefix("/en").map(str::to_owned);
        let path = path.or_else(|| (request.uri().path() == "/hook").then(|| "/transfer".into()));
        if let Some(path) = path {
            *request.uri_mut() = path.parse().unwrap();
        }
        request
    });
    let outer = Router::new().route("/health", get(async || "ok")).fallback_service(rewriting);
    let ask = Ask::get("/en/account/logout").header("sec-fetch-site", "cross-site");
    let logout = both::axum_app::send(outer.clone(), &ask).await;
    let ask = post_to("/hook").header("sec-fetch-site", "cross-site");
    let hook = both::axum_app::send(outer, &ask).await;
    assert_eq!(logout.status, 403, "{}", logout.body);
    assert_eq!(hook.status, 200, "what is exempt is what was sent: {}", hook.body);
}

async fn out() -> &'static str {
    "LOGGED OUT"
}

/// Whatever spelling reaches the handler of a checked path is refused from another site.
#[actix_web::test]
async fn no_spelling_gets_around_check_reads() {
    use actix_web::middleware::{NormalizePath, TrailingSlash};
    let pieces = ["/", "//", "/./", "%2f", "/%2e/", "/a/..", ";x", "%00"];
    let mut targets = Vec::new();
    for account in ["account", "%61ccount", "ACCOUNT", "%2561ccount"] {
        for logout in ["logout", "%6Cogout", "logout%2f", "Logout", "%256cogout"] {
            for between in pieces {
                for end in ["", "/", "//", "/?x", ";", "%2f", "/%2e"] {
                    for start in ["/", "//", "http://club.example/"] {
                        targets.push(format!("{start}{account}{between}{logout}{end}"));
                    }
                }
            }
        }
    }
    let csrf = || base().check_reads("/account/logout").unwrap();
    let (mut reached, mut refused) = (0, 0);
    let param = async |axum::extract::Path(path): axum::extract::Path<String>| {
        // decodes, as handlers of wild cards do, and cleans up
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("account"), Some("logout"), None) => "LOGGED OUT",
            _ => "no",
        }
    };
    let routers = [
        Router::new().route("/account/logout", get(out)).layer(csrf()),
        Router::new().route("/{*path}", get(param)).layer(csrf()),
        Router::new().nest("/account", Router::new().route("/logout", any(out)).layer(csrf())),
        Router::new()
            .nest_service("/account", Router::new().route("/logout", any(out)).layer(csrf())),
    ];
    for target in &targets {
        if target.parse::<http::Uri>().is_err() {
            continue;
        }
        let ask = Ask::get(target).header("sec-fetch-site", "cross-site");
        for (index, router) in routers.iter().enumerate() {
            let seen = both::axum_app::send(router.clone(), &ask).await;
            assert_ne!(seen.body, "LOGGED OUT", "axum {index}: {target}");
            let same = Ask::get(target).header("sec-fetch-site", "same-origin");
            let same = both::axum_app::send(router.clone(), &same).await;
            reached += usize::from(same.body == "LOGGED OUT");
            refused += usize::from(seen.status == 403);
        }
    }
    macro_rules! actix {
        ($name:literal, $app:expr) => {
            let app = actix_web::test::init_service($app).await;
            for target in &targets {
                if target.parse::<actix_web::http::Uri>().is_err() {
                    continue;
                }
                for site in ["cross-site", "same-origin"] {
                    let ask = Ask::get(target).header("sec-fetch-site", site);
                    let request = both::actix_app::request(&ask).to_request();
                    let seen = actix_web::test::try_call_service(&app, request).await;
                    let seen = both::actix_app::seen(seen).await;
                    if site == "cross-site" {
                        assert_ne!(seen.body, "LOGGED OUT", "{}: {target}", $name);
                        refused += usize::from(seen.status == 403);
                    } else {
                        reached += usize::from(seen.body == "LOGGED OUT");
                    }
                }
            }
        };
    }
    let plain = || actix_web::App::new().route("/account/logout", web::get().to(out));
    actix!("plain", plain().wrap(csrf()));
    actix!("trim", plain().wrap(NormalizePath::new(TrailingSlash::Trim)).wrap(csrf()));
    actix!("merge", plain().wrap(NormalizePath::new(TrailingSlash::MergeOnly)).wrap(csrf()));
    actix!("trim outside", plain().wrap(csrf()).wrap(NormalizePath::new(TrailingSlash::Trim)));
    actix!(
        "scope",
        actix_web::App::new()
            .service(web::scope("/account").wrap(csrf()).route("/logout", web::get().to(out)))
    );
    actix!(
        "resource",
        actix_web::App::new().service(
            web::scope("/account")
                .service(web::resource("/logout").wrap(csrf()).route(web::get().to(out)))
        )
    );
    assert!(reached > 500, "{reached}");
    assert!(refused > 500, "{refused}");
}

async fn app() -> &'static str {
    "app"
}

#[actix_web::test]
async fn exemptions_are_exact_in_nested_routers_and_scopes() {
    let csrf = || base().exempt("/pay/notify", "signed").unwrap();
    let inner = || -> Router {
        Router::new().route("/notify", any(app)).route("/pay/notify", any(app)).layer(csrf())
    };
    let router =
        Router::new().nest("/pay", inner()).nest("/x/pay", inner()).nest_service("/y", inner());
    let scope = |path: &str| {
        web::scope(path)
            .wrap(csrf())
            .route("/notify", web::to(app))
            .route("/pay/notify", web::to(app))
    };
    let app =
        actix_web::App::new().service(scope("/pay")).service(scope("/x/pay")).service(scope("/y"));
    let app = actix_web::test::init_service(app).await;
    for (target, exempt) in [
        ("/pay/notify", true),
        ("/pay/notify?x=/y", true),
        ("http://club.example/pay/notify", true),
        ("/pay/pay/notify", false),
        ("/x/pay/notify", false),
        ("/y/pay/notify", false),
        ("/pay/notify/", false),
        ("/pay//notify", false),
        ("//pay/notify", false),
        ("/pay/%6eotify", false),
        ("/pay/./notify", false),
        ("/x/../pay/notify", false),
        ("/y/notify?/pay/notify", false),
    ] {
        let ask = post_to(target).header("sec-fetch-site", "cross-site");
        let axum = both::axum_app::send(router.clone(), &ask).await.is_of_app();
        let request = both::actix_app::request(&ask).to_request();
        let seen = actix_web::test::try_call_service(&app, request).await;
        let actix = both::actix_app::seen(seen).await.is_of_app();
        assert_eq!((axum, actix), (exempt, exempt), "{target}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_bytes_panic(
        headers in prop::collection::vec((
            prop::sample::select(vec![
                "sec-fetch-site", "origin", "host", "cookie", "x-csrf-token", "upgrade", "authorization",
                "x-http-method-override", "x-method-override",
            ]),
            prop::collection::vec(prop_oneof![Just(b'\t'), 0x20_u8..0x7f, 0x80_u8..=0xff], 0..60),
        ), 0..8),
        method in prop::sample::select(vec!["GET", "POST", "OPTIONS", "CONNECT", "M-SEARCH"]),
        target in "/[ -~]{0,40}",
    ) {
        let csrf = base().protect_cookies(["sid"]).unwrap().tokens(&ring(), "club").unwrap();
        let csrf = csrf.token_in_form("/f").unwrap().check_reads("/l%6fgout").unwrap().strict();
        let mut request = Request::builder().method(method).uri(&target);
        for (name, value) in &headers {
            request = request.header(*name, &value[..]);
        }
        let Ok(mut request) = request.body(()) else { return Ok(()) };
        let mut memo = <CsrfProtection as Middleware>::Memo::default();
        let _ = csrf.admit(&mut request, &mut memo);
        csrf.finish(&memo, &mut http::Response::new(()));
        let _ = CsrfToken::of(&request).map(|token| (token.issue(), token.verify("", &target)));
        let _ = CsrfDecision::of(&request);
    }
}

/// Sign-in, sign-out, other rings, other apps, other values of the same ring, long purposes.
#[actix_web::test]
async fn tokens_belong() {
    let ring = ring();
    let (log, _sink) = logged();
    let day = Duration::from_secs(86_400);
    let sessions = Sessions::new(&ring, "club").unwrap().idle(day).unwrap().absolute(day).unwrap();
    let csrf = |ring: &KeyRing, app: &str| {
        base().protect_cookies([SESSION]).unwrap().tokens(ring, app).unwrap()
    };
    let router = |csrf: CsrfProtection| {
        let set = async |session: Session| session.set(&"x".to_owned()).unwrap();
        let login = async |session: Session, token: CsrfToken| {
            let before = token.issue();
            session.sign_in("ann").unwrap();
            format!("{before} {}", token.issue())
        };
        let logout = async |session: Session, token: CsrfToken| {
            session.sign_out().unwrap();
            token.issue()
        };
        Router::new()
            .route("/set", get(set))
            .route("/login", get(login))
            .route("/logout", get(logout))
            .route("/token", get(async |token: CsrfToken| token.issue()))
            .route("/long", get(async |token: CsrfToken| token.for_purpose(&"p".repeat(100_000))))
            .route(
                "/long",
                post(async |token: CsrfToken, body: String| {
                    token.verify(&"p".repeat(100_000), &body).map_or(403, |()| 200).to_string()
                }),
            )
            .route("/x", post(async || "app"))
            .layer(Stack::new((log.clone(), sessions.clone(), csrf)))
    };
    let app = router(csrf(&ring, "club"));
    let cookie_of = |seen: &both::Seen| {
        seen.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let get_as = async |app: &Router, target: &str, cookie: &str| {
        both::axum_app::send(app.clone(), &Ask::get(target).header("cookie", cookie)).await
    };
    let send = async |app: &Router, cookie: &str, token: &str| {
        let ask = post_to("/x").header("cookie", cookie).header("x-csrf-token", token);
        both::axum_app::send(app.clone(), &ask).await.status
    };
    // an anonymous session, its token, and then a sign-in
    let anonymous = cookie_of(&get_as(&app, "/set", "").await);
    let fixed = get_as(&app, "/token", &anonymous).await.body;
    assert_eq!(send(&app, &anonymous, &fixed).await, 200);
    let login = get_as(&app, "/login", &anonymous).await;
    let ann = cookie_of(&login);
    let (before, after) = login.body.split_once(' ').unwrap();
    assert_eq!(send(&app, &ann, &fixed).await, 403, "from before the sign-in");
    assert_eq!(send(&app, &ann, before).await, 403, "from before, in the same request");
    assert_eq!(send(&app, &ann, after).await, 200);
    // of nobody
    let nobodys = get_as(&app, "/token", "").await.body;
    let bad = format!("{SESSION}=bogus");
    assert_eq!(send(&app, &bad, &nobodys).await, 403);
    assert_eq!(send(&app, &bad, after).await, 403);
    // of a session that has ended
    let ended = get_as(&app, "/logout", &ann).await.body;
    assert_eq!(send(&app, &ann, after).await, 403);
    let _ = ended;
    let ann = cookie_of(&get_as(&app, "/login", "").await);
    let own = get_as(&app, "/token", &ann).await.body;
    // another app's, another ring's, the cookie itself
    let other_app = get_as(&router(csrf(&ring, "blog")), "/token", &ann).await.body;
    let other_ring = get_as(&router(csrf(&self::ring(), "club")), "/token", &ann).await.body;
    let value = ann.split_once('=').unwrap().1;
    for wrong in [&*other_app, &other_ring, value, &format!("{own}A"), &format!(" {own}")] {
        assert_eq!(send(&app, &ann, wrong).await, 403, "{wrong}");
    }
    assert_eq!(send(&app, &ann, &own).await, 200);
    // bit flips
    for index in 0..own.len() {
        let mut wrong = own.clone().into_bytes();
        wrong[index] = if wrong[index] == b'A' { b'B' } else { b'A' };
        if wrong != own.as_bytes() {
            assert_eq!(
                send(&app, &ann, std::str::from_utf8(&wrong).unwrap()).await,
                403,
                "{index}"
            );
        }
    }
    let long = get_as(&app, "/long", &ann).await.body;
    let ask = post_to("/long").header("cookie", &ann).header("sec-fetch-site", "same-origin");
    assert_eq!(both::axum_app::send(app.clone(), &ask.clone().body(&long)).await.body, "200");
    assert_eq!(both::axum_app::send(app.clone(), &ask.body(&own)).await.body, "403");
}

/// Nothing secret in what is printed, nor in events.
#[actix_web::test]
async fn secrets_are_not_printed() {
    let key = Key::random();
    let ring = KeyRing::new(key).unwrap();
    let (log, sink) = logged();
    let csrf = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring, "club").unwrap();
    let csrf = csrf.token_in_form("/form").unwrap();
    let sessions = Sessions::new(&ring, "club").unwrap();
    let stack = Stack::new((log.clone(), sessions, csrf.clone()));
    let mut ask = request(&post_to("/form").header("cookie", "__Host-sid=topsecret"));
    let mut memo = Default::default();
    assert!(stack.admit(&mut ask, &mut memo).is_ok());
    let token = CsrfToken::of(&ask).unwrap();
    let session = Session::of(&ask).unwrap();
    session.set(&"topsecret".to_owned()).unwrap();
    session.sign_in("ann").unwrap();
    let issued = token.issue();
    let _ = token.verify("", "topsecret");
    let mut response = http::Response::new(());
    stack.finish(&memo, &mut response);
    let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    let sealed = set.split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    let printed = format!("{memo:?} {token:?} {csrf:?} {stack:?} {session:?}");
    log.shutdown(Duration::from_secs(5)).unwrap();
    let events = format!("{:?}", sink.events());
    for (name, text) in [("debug", &printed), ("events", &events)] {
        for secret in ["topsecret", &issued, &sealed, &sealed[8..24]] {
            assert!(!text.contains(secret), "{name}: {text}");
        }
    }
}

/// One event for what Verified refuses, and no second one, critical.
#[actix_web::test]
async fn verified_tells_once() {
    let csrf = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring(), "club").unwrap();
    let csrf = csrf.token_in_form("/form").unwrap();
    for report_only in [false, true] {
        for twice in [false, true] {
            let csrf = if report_only { csrf.clone().report_only() } else { csrf.clone() };
            let (log, sink) = logged();
            let submit = async |Verified(form): Verified<axum::Form<Transfer>>| {
                format!("app {}", form.amount)
            };
            let router = Router::new().route("/form", post(submit));
            let router = if twice { router.layer(csrf.clone()) } else { router };
            let router = router.layer(Stack::new((log.clone(), csrf)));
            let ask =
                form(post_to("/form").header("cookie", "__Host-sid=1"), "amount=7&csrf_token=x");
            let seen = both::axum_app::send(router, &ask).await;
            log.shutdown(Duration::from_secs(5)).unwrap();
            let events = sink.events();
            assert_eq!(seen.status, if report_only { 200 } else { 403 });
            assert_eq!(events.len(), 1, "{report_only} {twice}: {events:?}");
            assert!(events.iter().all(|event| event.severity() == Severity::Warn));
        }
    }
}

/// Form fields twice, JSON, the query.
#[actix_web::test]
async fn verified_takes_a_token_from_the_body_alone() {
    use std::collections::HashMap;
    let csrf = base().protect_cookies(["__Host-sid"]).unwrap().tokens(&ring(), "club").unwrap();
    let csrf = csrf.token_in_form("/form").unwrap().token_in_form("/map").unwrap();
    let csrf = csrf.token_in_form("/json").unwrap();
    let submit =
        async |Verified(form): Verified<axum::Form<Transfer>>| format!("app {}", form.amount);
    let map = async |Verified(form): Verified<axum::Form<HashMap<String, String>>>| {
        format!("app {}", form.len())
    };
    let json = async |Verified(form): Verified<Json>| format!("app {}", form.0.len());
    let router = Router::new()
        .route("/form", get(async |token: CsrfToken| token.issue()).post(submit))
        .route("/map", post(map))
        .route("/json", post(json))
        .layer(csrf);
    let cookie = |ask: Ask| ask.header("cookie", "__Host-sid=1");
    let good = both::axum_app::send(router.clone(), &cookie(Ask::get("/form"))).await.body;
    let send = async |ask: Ask| both::axum_app::send(router.clone(), &cookie(ask)).await.status;
    let both_fields = format!("amount=7&csrf_token=x&csrf_token={good}");
    assert_eq!(send(form(post_to("/form"), &both_fields)).await, 422);
    assert_eq!(
        send(form(post_to("/map"), &both_fields)).await,
        200,
        "the last one counts, and is good"
    );
    assert_eq!(send(form(post_to("/form"), &format!("amount=7&csrf_token={good}"))).await, 200);
    for target in [format!("/form?csrf_token={good}"), format!("/map?csrf_token={good}")] {
        assert_eq!(send(form(post_to(&target), "amount=7")).await, 403);
    }
    let text = post_to("/form").header("content-type", "text/plain");
    assert_eq!(send(text.body(&format!("amount=7&csrf_token={good}"))).await, 415);
    let body = format!("{{\"csrf_token\":\"{good}\"}}");
    assert_eq!(send(post_to("/json").body(&body)).await, 200);
    let nested = format!("{{\"x\":{{\"csrf_token\":\"{good}\"}}}}");
    assert_eq!(send(post_to("/json").body(&nested)).await, 400);
    assert_eq!(send(post_to("/json").body("{}")).await, 403);
}

struct Json(HashMapBody);
type HashMapBody = std::collections::HashMap<String, String>;
impl std::ops::Deref for Json {
    type Target = HashMapBody;
    fn deref(&self) -> &HashMapBody {
        &self.0
    }
}
impl<S: Send + Sync> axum::extract::FromRequest<S> for Json {
    type Rejection = http::StatusCode;
    async fn from_request(
        request: axum::extract::Request,
        _: &S,
    ) -> Result<Self, http::StatusCode> {
        let bytes = axum::body::to_bytes(request.into_body(), 100_000).await;
        let bytes = bytes.map_err(|_| http::StatusCode::BAD_REQUEST)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| http::StatusCode::BAD_REQUEST)
    }
}
