//! What is logged, with the feature `tracing`.

#![cfg(all(feature = "headers", feature = "tracing"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use donjon::headers::csp::{CspPatch, Directive, Source};
use donjon::headers::{Nonce, SecurityHeaders};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while a handler answers behind the strict preset.
async fn logged(handler: impl Fn(&Request<()>) -> Response<()>) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let handler = service_fn(|request| std::future::ready(Ok::<_, Infallible>(handler(&request))));
    let service = SecurityHeaders::strict().build().unwrap().layer(handler);
    service.oneshot(Request::new(())).await.unwrap();
    drop(guard);
    let log = log.0.lock().unwrap();
    String::from_utf8(log.clone()).unwrap()
}

fn with_cache_control(value: &'static str) -> Response<()> {
    let mut response = Response::new(());
    let value = http::HeaderValue::from_static(value);
    response.headers_mut().insert(http::header::CACHE_CONTROL, value);
    response
}

#[tokio::test]
async fn a_handler_that_lets_caches_share_a_nonce_is_logged() {
    let log = logged(|request| {
        assert!(Nonce::from_extensions(request.extensions()).is_some());
        with_cache_control("public, max-age=60")
    });
    let log = log.await;
    assert!(log.contains("WARN") && log.contains("shared caches"), "{log}");
}

#[tokio::test]
async fn a_patch_that_is_ignored_is_logged_with_its_mistake() {
    let patch = CspPatch::new()
        .replace(Directive::ScriptSrc, ["'self'"])
        .extend(Directive::ScriptSrc, [Source::StrictDynamic])
        .build()
        .unwrap();
    let log = logged(move |_| {
        let mut response = Response::new(());
        patch.apply(&mut response);
        response
    });
    let log = log.await;
    assert!(log.contains("was ignored") && log.contains("needs a nonce or a hash"), "{log}");
}

#[tokio::test]
async fn nothing_else_is_logged() {
    assert_eq!(logged(|_| with_cache_control("public")).await, "");
    let private = logged(|request| {
        assert!(Nonce::from_extensions(request.extensions()).is_some());
        with_cache_control("private")
    });
    assert_eq!(private.await, "");
}

/// The operator learns that an account cannot log in; neither password nor hash stands in the log.
#[cfg(feature = "password")]
#[tokio::test]
async fn a_stored_hash_that_cannot_be_used_is_logged_without_it() {
    use donjon::password::{Params, Passwords, Verified};

    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let weak = Params::dangerously_weak_for_tests(8, 1, 1).unwrap();
    let passwords = Passwords::custom(weak).blocking(|work| work()).build().unwrap();
    let (salt, hash) = ("c2FsdCBvZiAxNiBieXRlcw", "Tn1GO6iR32o0pkdsfgHqu9D5IdCvzgdjhNBoRtPxmKo");

    for (params, reason) in [
        ("m=8,t=1,p=1x", "malformed"),
        ("m=4294967295,t=1,p=1", "asks for more than is accepted"),
        ("m=8,t=1,p=1,keyid=/9zysQ", "its pepper is unknown"),
    ] {
        log.0.lock().unwrap().clear();
        let stored = format!("$argon2id$v=19${params}${salt}${hash}");
        let verified = passwords.verify("heron at dusk", Some(&stored)).await;
        assert_eq!(verified, Ok(Verified::NoMatch));
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("WARN") && log.contains(reason), "{log}");
        for secret in ["heron", salt, hash] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
