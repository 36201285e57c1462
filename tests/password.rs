//! Passwords in axum and in actix-web: under load, and with clients that hang up.

#![cfg(all(feature = "actix", feature = "axum", feature = "password"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use donjon::password::{
    Params, Password, Passwords, PasswordsBuilder, Pending, Unavailable, Verified,
};
use donjon::refusal::Refusal;
use futures_util::future::join_all;

fn weak() -> PasswordsBuilder {
    Passwords::custom(Params::dangerously_weak_for_tests(64, 2, 1).unwrap()).max_concurrent(2)
}

/// One of each kind of pool there is.
fn under_tokio() -> [(&'static str, Passwords); 2] {
    let tokio = weak().blocking(|work| drop(tokio::task::spawn_blocking(work)));
    [("its own threads", weak().build().unwrap()), ("tokio's", tokio.build().unwrap())]
}

fn under_actix() -> [(&'static str, Passwords); 2] {
    let actix = weak().blocking(|work| drop(actix_web::rt::task::spawn_blocking(work)));
    [("its own threads", weak().build().unwrap()), ("actix-web's", actix.build().unwrap())]
}

/// Everything that is to hold whatever runs it.
async fn hold(pool: &str, passwords: Passwords) {
    let stored = passwords.hash("heron at dusk").await.unwrap();
    let stored = Some(stored.as_str());
    let right = Verified::Match { needs_rehash: false };
    assert_eq!(passwords.verify("heron at dusk", stored).await, Ok(right), "{pool}");

    // As much work for each of them.
    let mut works = Vec::new();
    for (password, stored) in [
        ("heron at dusk", stored),
        ("heron at dawn", stored),
        ("heron at dusk", None),
        ("", stored),
        ("heron at dusk", Some("damaged")),
        (&*"x".repeat(10_240), stored),
    ] {
        let before = passwords.status().work;
        let verified = passwords.verify(password, stored).await.unwrap();
        assert_eq!(verified.is_match(), works.is_empty(), "{pool}");
        works.push(passwords.status().work - before);
    }
    assert_eq!(works, [128; 6], "{pool}");

    // A burst that fits: all are served, and no more at once than there are permits.
    let burst = (0..100).map(|_| passwords.verify("heron at dusk", stored));
    assert!(join_all(burst).await.into_iter().all(|verified| verified == Ok(right)), "{pool}");

    // A hundred clients hang up, some before and some after the work began.
    let settled = Arc::new(AtomicUsize::new(0));
    let settling = |passwords: &Passwords| -> Pending<()> {
        let settled = Arc::clone(&settled);
        passwords.verify_then("guess", stored, move |outcome| {
            assert_eq!(outcome, Ok(Verified::NoMatch));
            settled.fetch_add(1, Ordering::Relaxed);
        })
    };
    for at in 0..100 {
        let mut pending = settling(&passwords);
        if at % 2 == 0 {
            let _ = futures_util::poll!(&mut pending);
        }
        drop(pending);
    }
    until(|| settled.load(Ordering::Relaxed) == 100, &passwords).await;
    assert_eq!(passwords.verify("heron at dusk", stored).await, Ok(right), "{pool}");

    // A panic on the pool's thread is one caller's.
    let panicked = passwords.verify_then("guess", stored, |_| -> () { panic!("on purpose") });
    assert_eq!(panicked.await, Err(Unavailable::Failed), "{pool}");
    assert_eq!(passwords.verify("heron at dusk", stored).await, Ok(right), "{pool}");
    let is_idle = || (passwords.status().running, passwords.status().waiting) == (0, 0);
    until(is_idle, &passwords).await;
}

/// Waits for what other threads are about to do.
async fn until(is_so: impl Fn() -> bool, passwords: &Passwords) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never comes to it: {passwords:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_holds_under_tokio() {
    for (pool, passwords) in under_tokio() {
        hold(pool, passwords).await;
    }
}

#[tokio::test]
async fn it_holds_on_one_thread() {
    for (pool, passwords) in under_tokio() {
        hold(pool, passwords).await;
    }
}

#[actix_web::test]
async fn it_holds_under_actix() {
    for (pool, passwords) in under_actix() {
        hold(pool, passwords).await;
    }
}

/// G6: what is too much is refused at once, with a 503 that says when to come back.
#[tokio::test]
async fn a_flood_of_logins_is_refused_in_axum() {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::State;
    use axum::http::{Request, StatusCode};
    use axum::routing::post;
    use tower::ServiceExt as _;

    async fn login(
        State(passwords): State<Passwords>,
        body: String,
    ) -> Result<StatusCode, Refusal> {
        let verified = passwords.verify(Password::from(body), None).await?;
        Ok(if verified.is_match() { StatusCode::OK } else { StatusCode::UNAUTHORIZED })
    }

    let passwords = weak().queue(10).build().unwrap();
    let app: Router = Router::new().route("/login", post(login)).with_state(passwords.clone());
    let flood = join_all((0..500).map(|_| {
        let request = Request::post("/login").body(Body::from("guess")).unwrap();
        app.clone().oneshot(request)
    }));
    let mut refused = 0;
    for response in flood.await {
        let response = response.unwrap();
        match response.status() {
            StatusCode::UNAUTHORIZED => {}
            status => {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                assert_eq!(response.headers()["retry-after"], "1");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(passwords.status().refused, refused);
    assert_eq!(passwords.status().evaluated, 500 - refused);
}

#[actix_web::test]
async fn a_flood_of_logins_is_refused_in_actix() {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    async fn login(passwords: web::Data<Passwords>, body: String) -> Result<HttpResponse, Refusal> {
        let verified = passwords.verify(Password::from(body), None).await?;
        assert_eq!(verified, Verified::NoMatch);
        Ok(HttpResponse::Unauthorized().finish())
    }

    let passwords = weak().queue(10).build().unwrap();
    let data = web::Data::new(passwords.clone());
    let app = App::new().app_data(data).route("/login", web::post().to(login));
    let app = init_service(app).await;
    let flood = (0..500).map(|_| {
        let request = TestRequest::post().uri("/login").set_payload("guess").to_request();
        call_service(&app, request)
    });
    let mut refused = 0;
    for response in join_all(flood).await {
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(response.headers().get("retry-after").unwrap(), "1");
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(passwords.status().refused, refused);
    assert_eq!(passwords.status().evaluated, 500 - refused);
}

/// A runtime that is shut down while passwords wait leaves nobody waiting.
#[test]
fn a_runtime_that_ends_tells_those_who_wait() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let passwords = weak().blocking(move |work| drop(handle.spawn_blocking(work))).build().unwrap();
    runtime.shutdown_timeout(Duration::from_secs(5));

    let outcome = tokio_test::block_on(passwords.verify("guess", None));
    assert_eq!(outcome, Err(Unavailable::Stopped));
    assert_eq!(passwords.status().running, 0);
}

/// A form's type, with the feature `serde`.
#[cfg(feature = "serde")]
#[test]
fn a_password_is_read_from_a_form_and_not_printed() {
    let read: std::collections::HashMap<String, Password> =
        serde_json::from_str(r#"{"password": "heron\u0000at dusk"}"#).unwrap();
    assert!(!format!("{read:?}").contains("heron"));

    let passwords = weak().build().unwrap();
    let verified = tokio_test::block_on(async {
        let stored = passwords.hash("heron\0at dusk").await.unwrap();
        passwords.verify(read["password"].clone(), Some(stored.as_str())).await
    });
    assert!(verified.unwrap().is_match());
}
