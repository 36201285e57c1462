//! HTTPS and hosts, through axum and actix-web.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers", feature = "https"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::{Arc, Mutex};

use donjon::client::{Scheme, TrustedProxies};
use donjon::headers::{SecurityHeaders, StrictTransportSecurity};
use donjon::https::{AllowedHosts, ConfigError, RequireHttps};
use donjon::middleware::Stack;

use self::both::{Ask, Seen, both};

mod both;

const PROXY: &str = "10.0.0.5";

fn proxies() -> TrustedProxies {
    TrustedProxies::in_networks(["10.0.0.0/8"]).unwrap()
}

fn hosts() -> AllowedHosts {
    AllowedHosts::new(["club.example"]).unwrap()
}

fn https() -> RequireHttps {
    RequireHttps::redirect_to("club.example").unwrap()
}

/// What a browser that came by http must get, and nothing else.
#[track_caller]
fn assert_redirect(seen: &Seen, location: &str) {
    assert_eq!(seen.status, 308);
    assert_eq!(seen.header("location"), Some(location));
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert_eq!(seen.header("strict-transport-security"), None);
    assert_eq!(seen.header("set-cookie"), None);
    assert_eq!(seen.body, "");
    assert!(!seen.is_of_app());
}

#[track_caller]
fn assert_refused(seen: &Seen, status: u16) {
    assert_eq!(seen.status, status, "{seen:?}");
    assert!(!seen.is_of_app(), "{seen:?}");
    assert_eq!(seen.header("location"), None);
    assert_eq!(seen.header("set-cookie"), None);
}

#[actix_web::test]
async fn whoever_comes_by_http_is_sent_to_the_same_target_by_https() {
    let stack = Stack::new((proxies(), hosts(), https()));
    for (ask, location) in [
        (Ask::get("/"), "https://club.example/"),
        (Ask::get("/").over(Scheme::Http), "https://club.example/"),
        (Ask::get("/a%2Fb?x=%2F&y=a+b"), "https://club.example/a%2Fb?x=%2F&y=a+b"),
        (Ask::get("/?"), "https://club.example/?"),
        (Ask::get("//evil.example/.."), "https://club.example//evil.example/.."),
        (Ask::get("/%0d%0aset-cookie:x"), "https://club.example/%0d%0aset-cookie:x"),
        (Ask::get("/").method("HEAD"), "https://club.example/"),
        (Ask::get("/form").method("POST").body("a=1"), "https://club.example/form"),
        (Ask::get("/form").method("PUT"), "https://club.example/form"),
        (Ask::get("/form").method("DELETE"), "https://club.example/form"),
        (Ask::nowhere("/").header("host", "club.example:80"), "https://club.example/"),
        (Ask::nowhere("http://club.example/x"), "https://club.example/x"),
        (Ask::nowhere("http://club.example?x=1"), "https://club.example/?x=1"),
        // A stranger's word is worth nothing.
        (Ask::get("/").header("x-forwarded-proto", "https"), "https://club.example/"),
        (Ask::get("/").header("forwarded", "for=1.2.3.4;proto=https"), "https://club.example/"),
        (Ask::get("/").header("x-forwarded-host", "evil.example"), "https://club.example/"),
        // A proxy that says http, though its own hop is TLS, or that says something else.
        (
            Ask::get("/").from(PROXY).over(Scheme::Https).header("x-forwarded-proto", "http"),
            "https://club.example/",
        ),
        (
            Ask::get("/").from(PROXY).header("x-forwarded-proto", "https, http"),
            "https://club.example/",
        ),
        (Ask::get("/").from(PROXY).header("x-forwarded-proto", "httpsx"), "https://club.example/"),
        (Ask::get("/").from(PROXY).header("x-forwarded-proto", ""), "https://club.example/"),
        (
            Ask::get("/").from(PROXY).header("forwarded", "for=1.2.3.4;proto=https"),
            "https://club.example/",
        ),
    ] {
        for (framework, seen) in both!(stack.clone(), &ask) {
            println!("{framework}: {ask:?}");
            assert_redirect(&seen, location);
        }
    }
}

#[actix_web::test]
async fn who_comes_by_https_reaches_the_app() {
    let stack = Stack::new((proxies(), hosts(), https()));
    for ask in [
        Ask::get("/").over(Scheme::Https),
        Ask::get("/").from(PROXY).header("x-forwarded-proto", "https"),
        Ask::get("/").from(PROXY).header("x-forwarded-proto", " HTTPS "),
        Ask::get("/").from("::ffff:10.0.0.5").header("x-forwarded-proto", "https"),
        Ask::get("/").method("OPTIONS").over(Scheme::Https),
        Ask::get("/").over(Scheme::Https).header("upgrade", "websocket"),
    ] {
        for (framework, seen) in both!(stack.clone(), &ask) {
            assert!(seen.is_of_app(), "{framework} {ask:?}: {seen:?}");
            assert_eq!(seen.header("strict-transport-security"), Some("max-age=7"), "{framework}");
            assert_eq!(seen.header("set-cookie"), Some("id=1"), "{framework}");
        }
    }
}

#[actix_web::test]
async fn programs_are_refused_alike_whatever_their_credential() {
    let exposed = Arc::new(Mutex::new(Vec::new()));
    let revoke = exposed.clone();
    let hook = move |credential: donjon::https::ExposedCredential<'_>| {
        assert!(!format!("{credential:?}").contains("secret"));
        let value = String::from_utf8_lossy(credential.value()).into_owned();
        revoke.lock().unwrap().push(format!("{} {value}", credential.header()));
    };
    let with_hook = |https: RequireHttps| https.on_exposed_credential(hook.clone());
    let mixed = https().reject_under("/api").unwrap().credential_header("x-api-key").unwrap();
    let (mixed, reject) = (with_hook(mixed), with_hook(RequireHttps::reject()));
    let api = |path: &str| Ask::get(path).header("accept", "application/json");
    let mut answers = Vec::new();
    for ask in [
        api("/api/keys"),
        api("/api"),
        api("/api/keys").method("POST"),
        api("/%61p%69/keys"),
        api("/api%2Fkeys"),
        api("/api/keys").header("authorization", "Bearer secret"),
        api("/api/keys").header("authorization", "Bearer wrong"),
        api("/api/keys").header("cookie", "id=secret"),
        api("/api/keys").header("x-api-key", "secret"),
    ] {
        for https in [mixed.clone(), reject.clone()] {
            for answer in both!(Stack::new((hosts(), https)), &ask) {
                assert_refused(&answer.1, 403);
                if !answers.contains(&answer) {
                    answers.push(answer);
                }
            }
        }
    }
    assert_eq!(answers.len(), 2, "one for each framework: {answers:?}");
    let mut exposed = exposed.lock().unwrap().clone();
    exposed.sort();
    exposed.dedup();
    assert_eq!(
        exposed,
        [
            "authorization Bearer secret",
            "authorization Bearer wrong",
            "cookie id=secret",
            "x-api-key secret",
        ]
    );
    for path in ["/apis", "/ap", "/a%zzpi", "/api%20", "/%", "/x/api"] {
        for (_, seen) in both!(Stack::new((hosts(), mixed.clone())), &Ask::get(path)) {
            assert_redirect(&seen, &format!("https://club.example{path}"));
        }
    }
    let slash = https().reject_under("/api/").unwrap();
    for (_, seen) in both!(Stack::new((slash,)), &api("/api")) {
        assert_refused(&seen, 403);
    }
}

#[actix_web::test]
async fn what_browsers_do_not_follow_is_refused() {
    let preflight = Ask::get("/form")
        .method("OPTIONS")
        .header("origin", "https://other.example")
        .header("access-control-request-method", "POST");
    for ask in [
        preflight,
        Ask::get("/form").method("OPTIONS"),
        Ask::nowhere("*").header("host", "club.example").method("OPTIONS"),
        Ask::nowhere("*").header("host", "club.example"),
        Ask::get("/live").method("CONNECT"),
        Ask::get("/live").header("connection", "upgrade").header("upgrade", "websocket"),
        Ask::get("/live").header("upgrade", "h2c, WebSocket"),
    ] {
        for (_, seen) in both!(Stack::new((hosts(), https())), &ask) {
            assert_refused(&seen, 403);
        }
    }
}

#[actix_web::test]
async fn a_credential_is_exposed_at_an_exempt_path_too_and_not_without_end() {
    let exposed = Arc::new(Mutex::new(0));
    let count = exposed.clone();
    let https = https().exempt("/healthz").unwrap().exempt_acme();
    let https = https.on_exposed_credential(move |_| *count.lock().unwrap() += 1);
    let challenge = format!("/.well-known/acme-challenge/{}", "A".repeat(43));
    for path in ["/healthz", &challenge] {
        let _ = both!(Stack::new((https.clone(),)), &Ask::get(path).header("cookie", "id=1"));
    }
    assert_eq!(std::mem::take(&mut *exposed.lock().unwrap()), 4);
    let crumbs = (0..300).fold(Ask::get("/"), |ask, _| ask.header("cookie", "a=1"));
    let _ = both!(Stack::new((https,)), &crumbs);
    assert_eq!(*exposed.lock().unwrap(), 2 * 16);
}

#[actix_web::test]
async fn few_paths_are_exempt_and_they_exactly() {
    let hosts = hosts().exempt("/healthz").unwrap();
    let https = https().exempt("/healthz").unwrap().exempt_acme();
    let headers = SecurityHeaders::strict().build().unwrap();
    let stack = Stack::new((proxies(), hosts, https, headers));
    let token = "A".repeat(42) + "-";
    let challenge = format!("/.well-known/acme-challenge/{token}");
    for ask in [
        Ask::get("/healthz"),
        Ask::get("/healthz?verbose"),
        Ask::get("/healthz").method("HEAD"),
        Ask::nowhere("/healthz").header("host", "10.0.0.77:3000"),
        Ask::nowhere("/healthz"),
        Ask::get(&challenge),
    ] {
        for (framework, seen) in both!(stack.clone(), &ask) {
            assert!(seen.is_of_app(), "{framework} {ask:?}: {seen:?}");
            assert_eq!(seen.header("strict-transport-security"), None, "{framework} {ask:?}");
            assert_eq!(seen.header("set-cookie"), None, "{framework} {ask:?}");
        }
    }
    for path in [
        "/healthz/",
        "/healthz/x",
        "/healthcheck",
        "/Healthz",
        "//healthz",
        "/%68ealthz",
        "/x/../healthz",
        "/healthz;x",
        "/.well-known/acme-challenge/../../admin",
        "/.well-known/acme-challenge/..%2f..%2fadmin-admin-admin-admin",
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge/short",
        &format!("/.well-known/acme-challenge/{}", "A".repeat(21)),
        &format!("/.well-known/acme-challenge/{}", "A".repeat(129)),
        "/.well-known/acme-challenge/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AA",
        &format!("{challenge}/x"),
        &format!("/x{challenge}"),
    ] {
        for (_, seen) in both!(stack.clone(), &Ask::get(path)) {
            assert_redirect(&seen, &format!("https://club.example{path}"));
        }
    }
    for ask in [Ask::get("/healthz").method("POST"), Ask::get(&challenge).method("PUT")] {
        for (_, seen) in both!(stack.clone(), &ask) {
            assert_redirect(&seen, &format!("https://club.example{}", ask.target));
        }
    }
}

#[actix_web::test]
async fn development_is_for_this_machine_alone() {
    let hosts = || AllowedHosts::new(["club.example"]).unwrap();
    let dev = Stack::new((proxies(), hosts().dev_localhost(), https().dev_localhost()));
    let release = Stack::new((proxies(), hosts(), https()));
    let on_machine = |host: &str| Ask::nowhere("/").header("host", host).from("127.0.0.1");
    let locals = [
        on_machine("localhost:3000"),
        on_machine("127.0.0.1:3000"),
        on_machine("[::1]:3000").from("::1"),
    ];
    for ask in &locals {
        for (framework, seen) in both!(dev.clone(), ask) {
            assert!(seen.is_of_app(), "{framework} {ask:?}: {seen:?}");
            assert_eq!(seen.header("strict-transport-security"), None);
            assert_eq!(seen.header("set-cookie"), Some("id=1"), "cookies work on localhost");
        }
        for (_, seen) in both!(release.clone(), ask) {
            assert_refused(&seen, 400);
        }
    }
    for ask in [
        on_machine("localhost").from("203.0.113.9"),
        on_machine("localhost").from(PROXY).header("x-forwarded-for", "127.0.0.1"),
        // A proxy on this machine that is not believed, or not known to be one.
        on_machine("localhost").header("x-forwarded-for", "203.0.113.9"),
        on_machine("localhost").header("x-real-ip", "203.0.113.9"),
        on_machine("localhost").header("via", "1.1 proxy"),
        on_machine("localhost").header("forwarded", "for=203.0.113.9"),
        on_machine("localhost").header("x-forwarded-host", "club.example"),
        on_machine("localhost").header("x-forwarded-proto", "http"),
        on_machine("localhost").header("x-forwarded-port", "80"),
        on_machine("localhost").header("cf-connecting-ip", "203.0.113.9"),
        on_machine("localhost").header("true-client-ip", "203.0.113.9"),
        Ask::nowhere("/").from("127.0.0.1"),
        on_machine("localhost.evil.example"),
        on_machine("127.0.0.1.evil.example"),
    ] {
        for (_, seen) in both!(dev.clone(), &ask) {
            assert_refused(&seen, 400);
        }
    }
    // A proxy that is known, and adds nothing: the peer is not the client.
    let local_proxy = TrustedProxies::in_networks(["127.0.0.1"]).unwrap();
    let known = Stack::new((local_proxy, hosts().dev_localhost(), https().dev_localhost()));
    for (_, seen) in both!(known, &on_machine("localhost")) {
        assert_refused(&seen, 400);
    }
    let alone = Stack::new((https().dev_localhost(),));
    for (_, seen) in both!(alone, &Ask::nowhere("/").from("127.0.0.1")) {
        assert_redirect(&seen, "https://club.example/");
    }
    // The option changes nothing of the rule for the public name.
    for (_, seen) in both!(dev.clone(), &on_machine("club.example")) {
        assert_redirect(&seen, "https://club.example/");
    }
}

#[actix_web::test]
async fn a_host_that_is_not_on_the_list_goes_nowhere() {
    let long = "a".repeat(300);
    let bad: [&[u8]; 31] = [
        b"evil.example",
        b"xclub.example",
        b"club.example.evil",
        b"club.example.evil.example",
        b"www.club.example",
        b"club.example.",
        b".club.example",
        b"club.example@evil.example",
        b"club.example:80@evil.example",
        b"evil.example#club.example",
        b"evil.example?club.example",
        b"club.example/evil",
        b"club.example\\evil.example",
        b"club.example evil.example",
        b"club.example,evil.example",
        b"club.example;evil.example",
        b"club.example\tevil",
        b"club.example:",
        b"club.example:x",
        b"club.example:99999",
        b"club.example:-1",
        b"[::1",
        b"[::1]",
        b"::1",
        b"192.0.2.1",
        b"localhost",
        b"",
        b" ",
        b"xn--clb-hoa.example",
        "clüb.example".as_bytes(),
        long.as_bytes(),
    ];
    let stack = Stack::new((proxies(), hosts(), https()));
    for host in bad {
        for scheme in [Scheme::Http, Scheme::Https] {
            let ask = Ask::nowhere("/").header("host", host).over(scheme);
            for (_, seen) in both!(stack.clone(), &ask) {
                assert_refused(&seen, 400);
            }
        }
    }
    let ask = |target: &str| Ask::nowhere(target).over(Scheme::Https);
    for ask in [
        ask("/"),
        ask("/").header("host", "club.example").header("host", "club.example"),
        ask("/").header("host", "club.example").header("host", "evil.example"),
        ask("http://evil.example/").header("host", "club.example"),
        ask("http://club.example/").header("host", "evil.example"),
        ask("http://evil.example/"),
        ask("http://user@club.example/"),
    ] {
        for (_, seen) in both!(stack.clone(), &ask) {
            assert_refused(&seen, 400);
        }
    }
    let misdirected = Stack::new((hosts().misdirected(),));
    for (host, status) in [("evil.example", 421), ("a b", 400)] {
        for (_, seen) in both!(misdirected.clone(), &ask("/").header("host", host)) {
            assert_refused(&seen, status);
        }
    }
}

#[actix_web::test]
async fn hosts_are_named_one_by_one_or_with_all_below() {
    let hosts = [
        "club.example",
        "*.courts.example",
        "admin.example:8443",
        "192.0.2.7",
        "[2001:db8::7]",
        "xn--bcher-kva.example",
        "*.staging.example:8443",
        "shop.example:443",
    ];
    let stack = Stack::new((AllowedHosts::new(hosts).unwrap(),));
    for (host, expected) in [
        ("club.example", true),
        ("CLUB.Example", true),
        ("club.example:80", true),
        ("club.example:8443", true),
        ("a.courts.example", true),
        ("a.b.courts.example:443", true),
        ("courts.example", false),
        ("acourts.example", false),
        (".courts.example", false),
        ("admin.example:8443", true),
        ("admin.example", false),
        ("admin.example:443", false),
        ("shop.example", true),
        ("shop.example:443", true),
        ("shop.example:8443", false),
        ("192.0.2.7:3000", true),
        ("192.0.2.8", false),
        ("[2001:db8::7]", true),
        ("[2001:0DB8:0:0::7]:443", true),
        ("[2001:db8::8]", false),
        ("XN--BCHER-KVA.example", true),
        ("a.staging.example:8443", true),
        ("a.staging.example", false),
    ] {
        for (framework, seen) in both!(stack.clone(), &Ask::nowhere("/").header("host", host)) {
            assert_eq!(seen.is_of_app(), expected, "{framework} {host}");
        }
    }
    // HTTP/2 has no `Host`: its `:authority` is the target's.
    for (framework, seen) in both!(stack.clone(), &Ask::nowhere("https://club.example/")) {
        assert!(seen.is_of_app(), "{framework}: {seen:?}");
    }
}

#[actix_web::test]
async fn a_forwarded_host_counts_if_told_so_and_must_be_on_the_list() {
    let ask = |forwarded: &str| {
        let ask = Ask::nowhere("/").header("host", "upstream.internal").from(PROXY);
        ask.header("x-forwarded-proto", "https").header("x-forwarded-host", forwarded)
    };
    let told = Stack::new((proxies().forwarded_host(), hosts(), https()));
    for (forwarded, expected) in
        [("club.example", true), ("evil.example", false), ("club.example, evil.example", false)]
    {
        for (framework, seen) in both!(told.clone(), &ask(forwarded)) {
            assert_eq!(seen.is_of_app(), expected, "{framework} {forwarded}");
        }
        for (_, seen) in both!(Stack::new((proxies(), hosts(), https())), &ask(forwarded)) {
            assert_refused(&seen, 400);
        }
    }
}

#[actix_web::test]
async fn the_host_that_was_checked_is_the_one_that_handlers_get() {
    let ask = Ask::get("/").from(PROXY).header("x-forwarded-for", "198.51.100.7");
    let ask = ask.header("x-forwarded-host", "evil.example");
    for (framework, seen) in both!(Stack::new((hosts(), proxies().forwarded_host())), &ask) {
        assert_eq!(seen.body, "app 198.51.100.7 Http club.example", "{framework}");
    }
}

#[actix_web::test]
async fn no_hsts_by_http_whoever_refuses_and_whoever_says_https_is_assumed() {
    let headers = SecurityHeaders::strict().assume_https().build().unwrap();
    let stack = Stack::new((proxies(), hosts(), https(), headers));
    for ask in [Ask::get("/"), Ask::nowhere("/").header("host", "evil.example")] {
        for (framework, seen) in both!(stack.clone(), &ask) {
            assert_eq!(seen.header("strict-transport-security"), None, "{framework} {ask:?}");
        }
    }
}

#[actix_web::test]
async fn hsts_is_sent_once_by_https_and_to_names() {
    let headers = SecurityHeaders::strict().build().unwrap();
    let hosts = AllowedHosts::new(["club.example", "192.0.2.7", "[2001:db8::7]"]).unwrap();
    let stacks = Stack::new((proxies(), hosts, https(), headers));
    for (host, expected) in
        [("club.example", Some("max-age=7")), ("192.0.2.7", None), ("[2001:db8::7]:443", None)]
    {
        let ask = Ask::nowhere("/").header("host", host).over(Scheme::Https);
        for (framework, seen) in both!(stacks.clone(), &ask) {
            assert!(seen.is_of_app(), "{framework} {host}");
            assert_eq!(seen.header("strict-transport-security"), expected, "{framework} {host}");
        }
    }
    // Switching it off says so, where leaving it out would change nothing for a year.
    let off = SecurityHeaders::strict().with(StrictTransportSecurity::off()).build().unwrap();
    let stack = Stack::new((proxies(), self::hosts(), https(), off));
    let refused = Ask::nowhere("http://user@club.example/").over(Scheme::Https);
    for (framework, seen) in both!(stack, &refused) {
        assert_eq!(seen.status, 400);
        assert_eq!(seen.header("strict-transport-security"), None, "{framework}: by then unknown");
    }
}

#[test]
fn what_makes_no_sense_is_an_error_that_says_how_to_mend_it() {
    for host in [
        "",
        "https://club.example",
        "club.example/",
        "a b",
        "*",
        "club.example:",
        "club.example:0x50",
        "club.example:0",
        "club.example:80",
    ] {
        let error = RequireHttps::redirect_to(host).unwrap_err();
        assert_eq!(error, ConfigError::Host { value: host.to_owned() });
    }
    for host in [
        "*",
        "*.",
        "*.example",
        "*club.example",
        "a.*.example",
        "*.*.example",
        "*.192.0.2.7",
        "*.example.",
        "*.0.0.1",
        "*.x.1",
    ] {
        let error = AllowedHosts::new([host]).unwrap_err();
        assert_eq!(error, ConfigError::Wildcard { value: host.to_owned() }, "{host}");
    }
    let none: [&str; 0] = [];
    assert_eq!(AllowedHosts::new(none).unwrap_err(), ConfigError::NoHosts);
    for path in [
        "",
        "healthz",
        "/healthz?x",
        "/health z",
        "/*",
        "/a/../b",
        "/a/.",
        "/a/%2e%2E/b",
        "/{id}",
        "/hälth",
    ] {
        let error = ConfigError::Path { value: path.to_owned() };
        assert_eq!(https().exempt(path).unwrap_err(), error);
        assert_eq!(hosts().exempt(path).unwrap_err(), error);
        assert_eq!(https().reject_under(path).unwrap_err(), error);
    }
    assert!(https().credential_header("x api key").is_err());
    assert!(RequireHttps::redirect_to("club.example:443").is_ok());
    let error = RequireHttps::redirect_to("https://club.example").unwrap_err();
    assert!(error.to_string().contains("such as club.example"), "{error}");
}
