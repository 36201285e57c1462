//! Two proxies in a row: the first ends TLS and connects from an address of its own, the second
//! stands on the app's machine.

use crate::apps::{both, stack};
use crate::fronts::{FIRST, Front, Kind, edit, installed, snippet};
use crate::{HONEST, nothing_can_be_forged, same_machine};
use donjon::client::TrustedProxies;

/// The settings of one that stands behind another.
fn second(kind: Kind) -> String {
    let settings = match kind {
        Kind::Nginx => snippet("nginx", "nginx behind another proxy"),
        Kind::Caddy => snippet("caddyfile", "Caddy behind another proxy"),
        Kind::Haproxy => {
            let settings = kind.settings();
            let settings = edit(&settings, "!{ ssl_fc }", "!{ ssl_fc } !{ src 10.0.0.5 }");
            edit(&settings, "if { ssl_fc }", "if { ssl_fc } !{ src 10.0.0.5 }")
        }
    };
    edit(&settings, "10.0.0.5", FIRST)
}

/// The settings of one that connects from an address of its own.
fn first(kind: Kind) -> String {
    let settings = kind.settings();
    match kind {
        Kind::Nginx => {
            let line = "proxy_pass http://127.0.0.1:3000;";
            edit(&settings, line, &format!("{line} proxy_bind {FIRST};"))
        }
        Kind::Haproxy => {
            let line = "server app 127.0.0.1:3000";
            edit(&settings, line, &format!("{line} source {FIRST}"))
        }
        Kind::Caddy => settings,
    }
}

fn both_of_them() -> TrustedProxies {
    TrustedProxies::in_networks(["127.0.0.1", FIRST]).unwrap()
}

async fn in_a_row(one: Kind, other: Kind) {
    if !installed(&[one, other]) {
        return;
    }
    let by_number = TrustedProxies::hops(2).unwrap();
    let both_ways = both_of_them().at_most(2).unwrap();
    for proxies in [both_of_them(), by_number, both_ways] {
        for (framework, app) in both(stack(proxies.clone())).await {
            let back = Front::start(other, &second(other), app).await;
            let front = Front::start(one, &first(one), back.http).await;
            let name = format!("{one:?} before {other:?} before {framework}, {proxies:?}");
            nothing_can_be_forged(&front, &name).await;
        }
    }
}

#[actix_web::test]
async fn nginx_before_caddy() {
    in_a_row(Kind::Nginx, Kind::Caddy).await;
}

#[actix_web::test]
async fn haproxy_before_nginx() {
    in_a_row(Kind::Haproxy, Kind::Nginx).await;
}

#[actix_web::test]
async fn nginx_before_haproxy() {
    in_a_row(Kind::Nginx, Kind::Haproxy).await;
}

#[actix_web::test]
async fn one_too_few_and_everybody_is_the_first_proxy() {
    if !installed(&[Kind::Nginx, Kind::Caddy]) {
        return;
    }
    for proxies in [same_machine(), TrustedProxies::hops(1).unwrap()] {
        for (_, app) in both(stack(proxies)).await {
            let back = Front::start(Kind::Caddy, &second(Kind::Caddy), app).await;
            let front = Front::start(Kind::Nginx, &first(Kind::Nginx), back.http).await;
            front.ask(&[]).await.is("127.0.0.5 Forwarded Https club.example");
        }
    }
}

#[actix_web::test]
async fn a_second_that_does_not_believe_the_first_loses_what_it_says() {
    if !installed(&Kind::ALL) {
        return;
    }
    for kind in Kind::ALL {
        let settings = match kind {
            Kind::Nginx => edit(&second(kind), "$client_scheme;", "$scheme;"),
            Kind::Caddy => edit(&second(kind), &format!("trusted_proxies {FIRST}"), ""),
            Kind::Haproxy => kind.settings(),
        };
        let (_, app) = both(stack(both_of_them())).await[0];
        let back = Front::start(kind, &settings, app).await;
        let front = Front::start(Kind::Nginx, &first(Kind::Nginx), back.http).await;
        front.ask(&[]).await.is_redirect();
    }
}

#[actix_web::test]
async fn a_proxy_that_believes_its_clients_hands_on_their_scheme() {
    if !installed(&[Kind::Caddy]) {
        return;
    }
    let settings = edit(&second(Kind::Caddy), FIRST, "127.0.0.0/8");
    for (_, app) in both(stack(same_machine())).await {
        let front = Front::start(Kind::Caddy, &settings, app).await;
        front.ask_http(&[]).await.is_redirect();
        front.ask_http(&["x-forwarded-proto: https"]).await.is(HONEST);

        let front = Front::start(Kind::Caddy, &second(Kind::Caddy), app).await;
        front.ask_http(&["x-forwarded-proto: https"]).await.is_redirect();
    }
}
