//! What each part of the policy decides by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use donjon::clock::ManualClock;
use donjon::csrf::{CsrfDecision, CsrfProtection, CsrfToken, Decision, Reason, Verified};
use donjon::event::{EventLog, MemorySink, SecurityEvent, Severity};
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use http::Request;
use http::header::HeaderMap;

type Form = std::collections::HashMap<String, String>;

fn base() -> CsrfProtection {
    CsrfProtection::new(["https://club.example"]).unwrap()
}

fn ask(method: &str, target: &str, headers: &[(&str, &str)]) -> Request<axum::body::Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(axum::body::Body::empty()).unwrap()
}

async fn send(router: &Router, request: Request<axum::body::Body>) -> (u16, HeaderMap, String) {
    use tower::ServiceExt as _;
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status.as_u16(), head.headers, String::from_utf8(body.into()).unwrap())
}

fn logged() -> (EventLog, MemorySink) {
    let sink = MemorySink::default();
    (EventLog::builder().memory(&sink).build().unwrap(), sink)
}

#[test]
fn policy() {
    use Decision::{Allow, Deny};
    use Reason as R;
    let same = ("sec-fetch-site", "same-origin");
    let cross = ("sec-fetch-site", "cross-site");
    let d = |method: &str, target: &str, headers: &[(&str, &str)]| {
        base().decide(&ask(method, target, headers))
    };
    assert_eq!(
        d("POST", "https://CLUB.example/x", &[("host", "club.example"), same]),
        Allow(R::SameOrigin)
    );
    let strict = || base().strict();
    assert_eq!(
        strict().decide(&ask("POST", "/x", &[same, ("origin", "null")])),
        Allow(R::SameOrigin)
    );
    let none = ("sec-fetch-site", "none");
    assert_eq!(
        strict().decide(&ask("GET", "/ws", &[none, ("upgrade", "websocket")])),
        Deny(R::UserInitiated)
    );
    let evil = ("origin", "https://evil.example");
    assert_eq!(
        strict().decide(&ask("GET", "/ws", &[same, evil, ("upgrade", "websocket")])),
        Deny(R::CrossOrigin)
    );
    assert_eq!(d("GET", "/x?a=1;_method=DELETE", &[cross]), Deny(R::CrossSite));
    let lines = [cross, ("x-http-method-override", "GET"), ("x-http-method-override", "DELETE")];
    assert_eq!(d("GET", "/x", &lines), Deny(R::CrossSite));
    assert_eq!(d("GET", "/x", &[cross, ("x-method-override", "\tget ")]), Allow(R::SafeMethod));
    assert_eq!(d("GET", "/x", &[cross, ("x-http-method", "DELETE")]), Deny(R::CrossSite));
    let two = base().protect_cookies(["a", "b"]).unwrap();
    assert_eq!(
        two.decide(&ask("POST", "/x", &[("cookie", "a=1; a=2; b=1")])),
        Deny(R::AmbiguousCookie)
    );
    assert_eq!(
        two.decide(&ask("POST", "/x", &[("cookie", "b=1; a=1; a=2")])),
        Deny(R::AmbiguousCookie)
    );
    let go = two.clone().allow_no_signal();
    assert_eq!(go.decide(&ask("POST", "/x", &[("cookie", "a=1; a=2")])), Deny(R::AmbiguousCookie));
    let ring = KeyRing::new(Key::random()).unwrap();
    let forms = two.clone().tokens(&ring, "club").unwrap().token_in_form("/form").unwrap();
    let cookie = ("cookie", "a=1");
    assert_eq!(forms.decide(&ask("POST", "/form", &[cookie])), Decision::Pending);
    assert_eq!(
        forms.decide(&ask("POST", "/form", &[cookie, ("x-csrf-token", "x")])),
        Deny(R::InvalidToken)
    );
    for path in ["/form/", "/%66orm", "//form", "/form/x"] {
        assert_eq!(forms.decide(&ask("POST", path, &[cookie])), Deny(R::TokenMissing), "{path}");
    }
    let tokens = || two.clone().tokens(&ring, "club").unwrap();
    for wrong in [0, 999, 400 * 86_400_000 + 1] {
        assert!(tokens().token_lifetime(Duration::from_millis(wrong)).is_err(), "{wrong}");
    }
    assert!(tokens().token_lifetime(Duration::from_secs(1)).is_ok());
    assert!(tokens().token_lifetime(Duration::from_secs(400 * 86_400)).is_ok());
    assert!(base().token_lifetime(Duration::from_secs(9)).is_err());
    assert!(base().protect_cookies(["a", "a"]).is_err());
}

#[actix_web::test]
async fn a_token_is_bound_to_every_cookie_and_lives_as_long_as_is_said() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(1_577_836_800));
    let csrf = base().protect_cookies(["a", "b", "ab"]).unwrap().tokens(&ring, "club").unwrap();
    let csrf = csrf.token_lifetime(Duration::from_secs(60)).unwrap().clock(clock.clone());
    let router = Router::new().route("/token", get(async |token: CsrfToken| token.issue()));
    let router = router.route("/x", post(async || "app")).layer(csrf);
    let issued =
        async |cookie: &str| send(&router, ask("GET", "/token", &[("cookie", cookie)])).await.2;
    let good = async |cookie: &str, token: &str| {
        send(&router, ask("POST", "/x", &[("cookie", cookie), ("x-csrf-token", token)])).await.0
            == 200
    };
    for (of, to) in
        [("a=1; b=2", "a=1; b=3"), ("a=1", "a=1; b=2"), ("a=1", "b=1"), ("a=b1", "ab=1")]
    {
        let token = issued(of).await;
        assert!(good(of, &token).await);
        assert!(!good(to, &token).await, "{of} {to}");
        assert!(!good(of, &issued(to).await).await, "{of} {to}");
    }
    let token = issued("a=1").await;
    clock.advance(Duration::from_secs(59));
    assert!(good("a=1", &token).await);
    clock.advance(Duration::from_secs(1));
    assert!(!good("a=1", &token).await);
}

#[actix_web::test]
async fn events_of_forms() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let csrf = base().protect_cookies(["a"]).unwrap().tokens(&ring, "club").unwrap();
    let mut csrf = csrf.token_in_form("/verified").unwrap();
    for path in ["/wrong", "/redirect", "/refused", "/failed"] {
        csrf = csrf.token_in_form(path).unwrap();
    }
    for (path, expected) in [
        ("/verified", &[][..]),
        ("/wrong", &[Severity::Warn]),
        ("/redirect", &[Severity::Critical]),
        ("/refused", &[]),
        ("/failed", &[]),
    ] {
        let (log, sink) = logged();
        let router = Router::new()
            .route(
                "/verified",
                post(async |token: CsrfToken| token.verify("", &token.issue()).is_ok().to_string()),
            )
            .route(
                "/wrong",
                post(async |token: CsrfToken| token.verify("", "x").is_ok().to_string()),
            )
            .route("/redirect", post(async || axum::response::Redirect::to("/")))
            .route("/refused", post(async || http::StatusCode::NOT_FOUND))
            .route("/failed", post(async || http::StatusCode::BAD_REQUEST))
            .layer(Stack::new((log.clone(), csrf.clone())));
        send(&router, ask("POST", path, &[("cookie", "a=1")])).await;
        log.shutdown(Duration::from_secs(5)).unwrap();
        let seen: Vec<_> = sink.events().iter().map(SecurityEvent::severity).collect();
        assert_eq!(seen, expected, "{path}");
    }
}

#[actix_web::test]
async fn several_layers() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let layer = |app: &str| base().protect_cookies(["a"]).unwrap().tokens(&ring, app).unwrap();
    // 34: the nearest one's tokens
    let page = async |token: CsrfToken| token.issue();
    let token = Router::new().route("/", get(page)).layer(layer("inner")).layer(layer("outer"));
    let token = send(&token, ask("GET", "/", &[("cookie", "a=1")])).await.2;
    let inner = Router::new().route("/", post(async || "app")).layer(layer("inner"));
    let headers = [("cookie", "a=1"), ("x-csrf-token", &*token)];
    assert_eq!(send(&inner, ask("POST", "/", &headers)).await.0, 200);
    // 33: the outer waits, the inner does not
    let outer = layer("outer").token_in_form("/").unwrap();
    let submit = async |Verified(form): Verified<axum::Form<Form>>| form.len().to_string();
    let form = || {
        let mut request = ask(
            "POST",
            "/",
            &[("cookie", "a=1"), ("content-type", "application/x-www-form-urlencoded")],
        );
        *request.body_mut() = "csrf_token=x".into();
        request
    };
    let router = Router::new().route("/", post(submit));
    let router = router.layer(layer("inner").exempt("/", "test").unwrap()).layer(outer.clone());
    assert_eq!(send(&router, form()).await.0, 403);
    // 35: the inner waits, the outer does not
    let router = Router::new().route("/", post(submit));
    let router = router.layer(outer.clone()).layer(layer("inner").exempt("/", "test").unwrap());
    assert_eq!(send(&router, form()).await.0, 403);
    // 36: both wait, one event each if nobody looks, none if somebody does
    let (log, sink) = logged();
    let router = Router::new().route(
        "/",
        post(async |token: CsrfToken| token.verify("", &token.issue()).is_ok().to_string()),
    );
    let router = router.layer(outer.clone()).layer(Stack::new((log.clone(), outer.clone())));
    assert_eq!(send(&router, form()).await.0, 200);
    log.shutdown(Duration::from_secs(5)).unwrap();
    assert_eq!(sink.events().len(), 0);
    // 37, 35: the worst counts
    let say = async |decision: CsrfDecision| {
        format!("{:?} {}", decision.would_deny(), decision.is_pending())
    };
    let router = || Router::new().route("/", any(say));
    let denying = base().protect_cookies(["a"]).unwrap().report_only();
    let expected = "Some(NoSignal) false";
    let one = router().layer(denying.clone()).layer(outer.clone());
    assert_eq!(send(&one, form()).await.2, expected);
    let other = router().layer(outer).layer(denying);
    assert_eq!(send(&other, form()).await.2, expected);
}

/// D22: whatever its size, the body is the handler's.
#[actix_web::test]
async fn no_byte_of_a_body_is_read() {
    use futures_util::stream;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let polled = Arc::new(AtomicUsize::new(0));
    for (site, status) in [("same-origin", 200), ("cross-site", 403)] {
        let counted = Arc::clone(&polled);
        let endless = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(vec![b'a'; 1 << 20])
        });
        let ring = KeyRing::new(Key::random()).unwrap();
        let csrf = base().protect_cookies(["a"]).unwrap().tokens(&ring, "club").unwrap();
        let router = Router::new().route("/x", post(async || "app"));
        let router = router.layer(csrf.token_in_form("/x").unwrap());
        let mut request = ask("POST", "/x", &[("sec-fetch-site", site), ("cookie", "a=1")]);
        *request.body_mut() = axum::body::Body::from_stream(endless);
        assert_eq!(send(&router, request).await.0, status);
    }
    assert_eq!(polled.load(Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn vary() {
    let csrf = || base().check_reads("/a").unwrap().check_reads("/b").unwrap();
    let router = |csrf: CsrfProtection| -> Router {
        Router::new()
            .route("/a", get(async || "app"))
            .route("/b", get(async || ([("cache-control", "private, No-Store")], "app")))
            .route("/origin", get(async || ([("vary", "Accept, ORIGIN")], "app")))
            .route("/both", get(async || ([("vary", "origin,sec-fetch-site")], "app")))
            .route("/star", get(async || ([("vary", "*")], "app")))
            .layer(csrf)
    };
    let all = csrf()
        .check_reads("/origin")
        .unwrap()
        .check_reads("/both")
        .unwrap()
        .check_reads("/star")
        .unwrap();
    let varied = async |csrf: CsrfProtection, path: &str| {
        let (_, headers, _) =
            send(&router(csrf), ask("GET", path, &[("sec-fetch-site", "same-origin")])).await;
        let lines: Vec<_> =
            headers.get_all("vary").iter().map(|line| line.to_str().unwrap()).collect();
        lines.join("|")
    };
    assert_eq!(varied(all.clone(), "/a").await, "Sec-Fetch-Site, Origin");
    assert_eq!(varied(all.clone(), "/b").await, "");
    assert_eq!(varied(all.clone(), "/origin").await, "Accept, ORIGIN|Sec-Fetch-Site");
    assert_eq!(varied(all.clone(), "/both").await, "origin,sec-fetch-site");
    assert_eq!(varied(all.clone(), "/star").await, "*");
    assert_eq!(varied(csrf().report_only(), "/a").await, "");
}
