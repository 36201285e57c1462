//! What goes out beside a session: answers for caches, layers around layers, handlers that fail.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use donjon::clock::ManualClock;
use donjon::cookies::session::{Session, Sessions};
use donjon::cookies::{CookieOutbox, CookieSpec, Cookies, HardenCookies, OutgoingCookie};
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use http::{HeaderMap, Request};
use tower::ServiceExt;

fn sessions(app: &str) -> (Sessions, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(1_577_836_800));
    let ring = KeyRing::new(Key::random()).unwrap();
    (Sessions::new(&ring, app).unwrap().clock(clock.clone()), clock)
}

async fn ask(app: &Router, path: &str, cookie: &str) -> (HeaderMap, String) {
    let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let headers = response.headers().clone();
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    (headers, String::from_utf8(body.to_vec()).unwrap())
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("set-cookie").iter();
    lines.map(|line| line.to_str().unwrap().to_owned()).collect()
}

async fn sign_in(app: &Router) -> String {
    let (headers, _) = ask(app, "/in", "").await;
    lines(&headers)[0].split(';').next().unwrap().to_owned()
}

/// A logo's handler knows nothing of sessions, and wants all caches to keep it.
#[tokio::test]
async fn nobodys_session_gets_into_a_cache() {
    let (layer, clock) = sessions("club");
    let logo = async || ([("cache-control", "public, max-age=31536000")], "<svg/>");
    let own = async |session: Session| {
        session.set(&"seen".to_owned()).unwrap();
        ([("cache-control", "public, max-age=60"), ("cdn-cache-control", "max-age=60")], "hello")
    };
    let app = Router::new()
        .route("/in", get(async |session: Session| session.sign_in("ann").unwrap()))
        .route("/logo.svg", get(logo))
        .route("/own", get(own))
        .route("/page", get(async || "page"))
        .layer(Stack::new((HardenCookies::new(), layer)));
    let cookie = sign_in(&app).await;
    clock.advance(Duration::from_secs(300));

    let (headers, _) = ask(&app, "/logo.svg", &cookie).await;
    assert_eq!(lines(&headers), [""; 0], "a renewal can wait");
    assert_eq!(headers["cache-control"], "public, max-age=31536000");
    let (headers, _) = ask(&app, "/page", &cookie).await;
    assert_eq!(lines(&headers).len(), 1, "for the next answer");
    assert_eq!(headers["cache-control"], "private, no-cache");

    let (headers, _) = ask(&app, "/own", &cookie).await;
    assert_eq!(lines(&headers).len(), 1, "what a handler sets is sent");
    assert_eq!(headers["cache-control"], "private, no-cache", "and is kept by no cache");
    assert!(!headers.contains_key("cdn-cache-control"));

    clock.advance(Duration::from_secs(31 * 60));
    for path in ["/logo.svg", "/page"] {
        let (headers, _) = ask(&app, path, &cookie).await;
        assert_eq!(lines(&headers), [""; 0], "and no cache signs everybody out: {path}");
    }
}

#[tokio::test]
async fn a_handler_gets_the_session_of_the_layer_nearest_to_it() {
    let (club, clock) = sessions("club");
    let cookie: CookieSpec<Vec<u8>> = CookieSpec::new("__Host-Http-admin").unwrap();
    let ring = KeyRing::new(Key::random()).unwrap();
    let admin = Sessions::new(&ring, "admin").unwrap().cookie(&cookie).clock(clock.clone());
    let who = async |session: Session| session.subject().unwrap_or("nobody".into());
    let routes = || {
        Router::new()
            .route("/in", get(async |session: Session| session.sign_in("ann").unwrap()))
            .route("/", get(who))
    };
    let twice = routes().layer(club.clone());
    let app = routes().nest("/admin", routes().layer(admin)).nest("/twice", twice).layer(club);
    let member = sign_in(&app).await;
    assert!(member.starts_with("__Host-Http-session="), "{member}");

    assert_eq!(ask(&app, "/", &member).await.1, "ann");
    assert_eq!(ask(&app, "/admin", &member).await.1, "nobody", "no member is an administrator");
    assert_eq!(ask(&app, "/twice", &member).await.1, "ann");

    let (headers, _) = ask(&app, "/admin/in", &member).await;
    let set = lines(&headers);
    assert!(set.len() == 1 && set[0].starts_with("__Host-Http-admin="), "{set:?}");
    let both = format!("{member}; {}", set[0].split(';').next().unwrap());
    assert_eq!(ask(&app, "/admin", &both).await.1, "ann");

    clock.advance(Duration::from_secs(300));
    assert_eq!(lines(&ask(&app, "/twice", &both).await.0).len(), 1, "one layer of two sends it");
    assert_eq!(lines(&ask(&app, "/admin", &both).await.0).len(), 2, "each its own");
}

/// E2: the session that there was goes on.
#[tokio::test]
async fn a_handler_that_panics_has_signed_nobody_in() {
    let (layer, _) = sessions("club");
    let boom = async |session: Session| {
        session.sign_in("bob").unwrap();
        assert!(session.subject().is_none(), "boom");
    };
    let app = Router::new()
        .route("/in", get(async |session: Session| session.sign_in("ann").unwrap()))
        .route("/boom", get(boom))
        .route("/", get(async |session: Session| session.subject().unwrap_or_default()))
        .layer(layer);
    let cookie = sign_in(&app).await;
    let request = Request::get("/boom").header("cookie", &cookie).body(Body::empty()).unwrap();
    assert!(tokio::spawn(app.clone().oneshot(request)).await.is_err());
    assert_eq!(ask(&app, "/", &cookie).await.1, "ann");
}

#[tokio::test]
async fn a_line_that_a_handler_writes_for_the_session_is_not_the_session() {
    let (layer, _) = sessions("club");
    let evil = async |session: Session| {
        session.sign_in("ann").unwrap();
        [("set-cookie", "__Host-Http-session=evil; Path=/; Secure; HttpOnly; SameSite=Lax")]
    };
    let app = Router::new().route("/", get(evil)).layer(Stack::new((HardenCookies::new(), layer)));
    let set = lines(&ask(&app, "/", "").await.0);
    assert!(set.len() == 1 && !set[0].contains("evil"), "{set:?}");
}

/// actix-web makes the answer of an error late, and may make it twice.
#[actix_web::test]
async fn in_actix_what_is_set_goes_with_errors_through_separate_layers() {
    async fn fails(cookies: Cookies, session: Session) -> Result<String, actix_web::Error> {
        cookies.send(OutgoingCookie::parse("raw=1").unwrap()).unwrap();
        session.sign_in("ann").unwrap();
        Err(actix_web::error::ErrorConflict("no"))
    }
    let (layer, _) = sessions("club");
    let app = actix_web::App::new()
        .service(web::resource("/late").wrap_fn(|request, _| {
            Cookies::of(&request).unwrap().send(OutgoingCookie::parse("raw=1").unwrap()).unwrap();
            Session::of(&request).unwrap().sign_in("ann").unwrap();
            let error = actix_web::error::ErrorConflict("no");
            std::future::ready(Err::<actix_web::dev::ServiceResponse, _>(error))
        }))
        .route("/", web::get().to(fails))
        .wrap(CookieOutbox::new())
        .wrap(layer)
        .wrap(HardenCookies::new());
    let app = actix_web::test::init_service(app).await;
    for path in ["/", "/late"] {
        let request = actix_web::test::TestRequest::get().uri(path).to_request();
        let answers = match actix_web::test::try_call_service(&app, request).await {
            Ok(response) => vec![response.into_parts().1.map_into_boxed_body()],
            Err(error) => vec![error.error_response(), error.error_response()],
        };
        for response in answers {
            let set: Vec<_> = response.headers().get_all("set-cookie").collect();
            assert_eq!((response.status().as_u16(), set.len()), (409, 2), "{path}: {set:?}");
            for line in set {
                let line = line.to_str().unwrap();
                assert!(line.contains("; Secure; HttpOnly; SameSite=Lax"), "{path}: {line}");
            }
        }
    }
}
