//! Real proxies before real servers, with the settings that the page "Behind a proxy" shows: what is
//! right, what a client can forge then (nothing), and what each mistake on the page looks like.

#![cfg(all(unix, feature = "actix", feature = "axum", feature = "https"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use apps::{actix_on_unix, axum_on_unix, both, stack};
use donjon::client::{ForwardingHeader, TrustedProxies};
use fronts::{Front, Kind, ask_past, checks, edit, installed, snippet};
use support::Scratch;

#[path = "behind_a_proxy/apps.rs"]
mod apps;
#[path = "behind_a_proxy/chains.rs"]
mod chains;
#[path = "behind_a_proxy/fronts.rs"]
mod fronts;
#[path = "behind_a_proxy/mistakes.rs"]
mod mistakes;
mod support;

/// What the app says of an honest client.
const HONEST: &str = "127.0.0.9 Forwarded Https club.example";

/// What a client may write who wants to be another, on another host, by another scheme.
const FORGED: [&[&str]; 9] = [
    &["x-forwarded-for: 203.0.113.66"],
    &["x-forwarded-for: 203.0.113.66, 127.0.0.1"],
    &["x-forwarded-for: 203.0.113.66", "x-forwarded-for: 127.0.0.1"],
    &["x-forwarded-for: unknown", "x-real-ip: 203.0.113.66", "x-client-ip: 203.0.113.66"],
    &["x-forwarded-for: \"203.0.113.66, ", "x-forwarded-for;"],
    &["x-forwarded-host: other.club.example", "x-forwarded-proto: https", "x-forwarded-port: 443"],
    &["forwarded: for=203.0.113.66;proto=https;host=other.club.example"],
    &["forwarded: for=\"203.0.113.66;proto=https", "forwarded: host=other.club.example;by=\""],
    &["connection: close, x-forwarded-for, x-forwarded-proto, forwarded"],
];

fn same_machine() -> TrustedProxies {
    TrustedProxies::in_networks(["127.0.0.1"]).unwrap()
}

/// Whatever a client forges, the app says of him what it says of an honest one.
async fn nothing_can_be_forged(front: &Front, name: &str) {
    front.ask(&[]).await.is(HONEST);
    front.ask_http(&[]).await.is_redirect();
    for forged in FORGED {
        let reply = front.ask(forged).await;
        assert_eq!(reply.body, HONEST, "{name} {forged:?} {reply:?}");
        let reply = front.ask_http(forged).await;
        let to = reply.location.as_str();
        assert_eq!((reply.status, to), (308, "https://club.example/whoami"), "{name} {forged:?}");
    }
}

async fn behind(kind: Kind) {
    if !installed(&[kind]) {
        return;
    }
    for (framework, app) in both(stack(same_machine())).await {
        let front = Front::start(kind, &kind.settings(), app).await;
        let name = format!("{kind:?} before {framework}");
        nothing_can_be_forged(&front, &name).await;
        let reply = front.ask(&["host: evil.example"]).await;
        // Caddy itself has no such site, and answers with an empty 200.
        assert!(reply.status == 400 || reply.body.is_empty(), "{name}: {reply:?}");

        // And past the proxy nobody is believed.
        let forged =
            ["host: club.example", "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: https"];
        ask_past(app, "/whoami", &forged).await.is_redirect();
        let reply = ask_past(app, "/whoami", &[]).await;
        assert_eq!(reply.status, 400, "{name}: no such host");
        ask_past(app, "/healthz", &[]).await.is("well");
    }
}

#[actix_web::test]
async fn behind_nginx_nothing_can_be_forged() {
    behind(Kind::Nginx).await;
}

#[actix_web::test]
async fn behind_caddy_nothing_can_be_forged() {
    behind(Kind::Caddy).await;
}

#[actix_web::test]
async fn behind_haproxy_nothing_can_be_forged() {
    behind(Kind::Haproxy).await;
}

#[actix_web::test]
async fn behind_nginx_that_writes_forwarded_nothing_can_be_forged() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let settings = snippet("nginx", "nginx, RFC 7239");
    for (framework, app) in both(stack(same_machine().header(ForwardingHeader::Forwarded))).await {
        let front = Front::start(Kind::Nginx, &settings, app).await;
        nothing_can_be_forged(&front, framework).await;
    }
}

#[actix_web::test]
async fn behind_a_unix_socket_nothing_can_be_forged() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let folder = Scratch::new("sockets");
    let sockets = [folder.join("axum"), folder.join("actix")];
    let guard = stack(TrustedProxies::hops(1).unwrap());
    axum_on_unix(guard.clone(), &sockets[0]);
    actix_on_unix(guard, &sockets[1]);
    for socket in sockets {
        let socket = socket.display().to_string();
        let settings = Kind::Nginx.settings();
        let settings = edit(&settings, "http://127.0.0.1:3000", &format!("http://unix:{socket}"));
        let front = Front::start_as_is(Kind::Nginx, &settings).await;
        nothing_can_be_forged(&front, &socket).await;
    }
}

#[actix_web::test]
async fn the_checks_of_the_page_come_out_as_it_says() {
    if !installed(&Kind::ALL) {
        return;
    }
    assert!(checks().count() > 5);
    let (_, app) = both(stack(same_machine())).await[0];
    for kind in Kind::ALL {
        let front = Front::start(kind, &kind.settings(), app).await;
        for (command, status) in checks() {
            // As a shell takes it apart: every second part is quoted.
            let parts = command.split('\'').enumerate().flat_map(|(index, part)| {
                let quoted = index % 2 == 1;
                let words = if quoted { vec![part] } else { part.split_whitespace().collect() };
                words.into_iter().map(str::to_owned)
            });
            let reply = front.curl(&parts.collect::<Vec<_>>()).await;
            match status {
                200 => reply.is(HONEST),
                _ => reply.is_redirect(),
            }
        }
    }
}
