//! What goes wrong, as the page's table has it: each mistake is made in the settings that are right,
//! and shows what the table says.

use std::net::SocketAddr;

use donjon::client::{ForwardingHeader, TrustedProxies};
use donjon::middleware::Stack;

use crate::apps::{Guard, axum, axum_without_connect_info, both, hosts_and_https, stack};
use crate::fronts::{Front, Kind, Reply, ask_past, edit, installed, without};
use crate::{HONEST, same_machine};

const FORGED: &[&str] = &["x-forwarded-for: 203.0.113.66"];
const FORGED_SCHEME: &[&str] = &["x-forwarded-proto: https"];
/// The app believes what the client has written.
const FOOLED: &str = "203.0.113.66 Forwarded Https club.example";
/// The app knows the proxy alone.
const UNCLEAR: &str = "127.0.0.1 Fallback Https club.example";

/// A proxy with these settings before an app that does as the page says.
async fn with_settings(kind: Kind, settings: &str) -> Front {
    Front::start(kind, settings, axum(stack(same_machine())).await).await
}

/// nginx as it should be before such an app.
async fn nginx_before(app: SocketAddr) -> Front {
    Front::start(Kind::Nginx, &Kind::Nginx.settings(), app).await
}

fn hops(hops: usize) -> TrustedProxies {
    TrustedProxies::hops(hops).unwrap()
}

fn refused(reply: &Reply) {
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[actix_web::test]
async fn nginx_without_the_line_for_the_address() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let settings = Kind::Nginx.settings();
    let line_is_missing = without(&settings, "X-Forwarded-For");
    let of_client = edit(&settings, "$proxy_add_x_forwarded_for", "$http_x_forwarded_for");
    for settings in [line_is_missing, of_client] {
        let front = with_settings(Kind::Nginx, &settings).await;
        front.ask(&[]).await.is(UNCLEAR);
        front.ask(FORGED).await.is(FOOLED);
    }
}

#[actix_web::test]
async fn nginx_without_the_line_for_the_scheme() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let settings = without(&Kind::Nginx.settings(), "X-Forwarded-Proto");
    let front = with_settings(Kind::Nginx, &settings).await;
    front.ask(&[]).await.is_redirect();
    front.ask_http(&[]).await.is_redirect();
    front.ask_http(FORGED_SCHEME).await.is(HONEST);
}

#[actix_web::test]
async fn an_nginx_location_with_a_header_of_its_own_inherits_none() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    // The five lines further out.
    let settings = Kind::Nginx.settings();
    let is_header = |line: &&str| line.contains("proxy_set_header");
    let headers: Vec<&str> = settings.lines().filter(is_header).collect();
    assert_eq!(headers.len(), 5);
    let rest: Vec<&str> = settings.lines().filter(|line| !is_header(line)).collect();
    let (start, headers) = ("    location / {", headers.join("\n"));
    let outside = edit(&rest.join("\n"), start, &format!("{headers}\n{start}"));
    with_settings(Kind::Nginx, &outside).await.ask(FORGED).await.is(HONEST);

    let own = format!("{start}\nproxy_set_header Host $host;");
    let front = with_settings(Kind::Nginx, &edit(&outside, start, &own)).await;
    front.ask(&[]).await.is_redirect();
    front.ask_http(&[FORGED, FORGED_SCHEME].concat()).await.is(FOOLED);
}

#[actix_web::test]
async fn nginx_that_sends_another_host() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let settings = without(&Kind::Nginx.settings(), "proxy_set_header Host");
    refused(&with_settings(Kind::Nginx, &settings).await.ask(&[]).await);
}

#[actix_web::test]
async fn haproxy_that_leaves_the_header_of_the_client() {
    if !installed(&[Kind::Haproxy]) {
        return;
    }
    let settings = Kind::Haproxy.settings();
    let settings = edit(&settings, "option forwardfor", "option forwardfor if-none");
    let front = with_settings(Kind::Haproxy, &settings).await;
    front.ask(&[]).await.is(HONEST);
    front.ask(FORGED).await.is(FOOLED);
}

#[actix_web::test]
async fn the_proxy_protocol_towards_the_app() {
    if !installed(&[Kind::Haproxy]) {
        return;
    }
    let line = "server app 127.0.0.1:3000";
    let settings = edit(&Kind::Haproxy.settings(), line, &format!("{line} send-proxy"));
    for (_, app) in both(stack(same_machine())).await {
        // 502 where the app has hung up before HAProxy had sent everything.
        let reply = Front::start(Kind::Haproxy, &settings, app).await.ask(&[]).await;
        assert!([400, 502].contains(&reply.status), "{reply:?}");
    }
}

#[actix_web::test]
async fn clients_in_the_believed_networks() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let too_wide = TrustedProxies::in_networks(["127.0.0.0/8"]).unwrap();
    let front = nginx_before(axum(stack(too_wide.clone())).await).await;
    front.ask(&[]).await.is(UNCLEAR);
    front.ask(FORGED).await.is(FOOLED);

    let front = nginx_before(axum(stack(too_wide.internal_clients())).await).await;
    front.ask(&[]).await.is(HONEST);
    front.ask(FORGED).await.is(FOOLED);
}

#[actix_web::test]
async fn one_proxy_too_many() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let front = nginx_before(axum(stack(hops(2))).await).await;
    front.ask(&[]).await.is_redirect();
    front.ask(FORGED).await.is(FOOLED);
}

#[actix_web::test]
async fn past_the_proxy_whoever_is_counted_is_believed() {
    if !installed(&[]) {
        return;
    }
    let forged = [&["host: club.example"], FORGED, FORGED_SCHEME].concat();
    for (_, app) in both(stack(hops(1))).await {
        ask_past(app, "/whoami", &forged).await.is(FOOLED);
    }
    for (_, app) in both(stack(same_machine())).await {
        ask_past(app, "/whoami", &forged).await.is_redirect();
    }
}

#[actix_web::test]
async fn redirects_for_ever() {
    async fn redirects_https(guard: impl Guard) {
        for (_, app) in both(guard).await {
            nginx_before(app).await.ask(&[]).await.is_redirect();
        }
    }

    if !installed(&[Kind::Nginx]) {
        return;
    }
    let (hosts, https) = hosts_and_https();
    redirects_https(Stack::new((hosts.clone(), https.clone()))).await;
    redirects_https(Stack::new((hosts, https, same_machine()))).await;
    redirects_https(stack(TrustedProxies::none())).await;
    redirects_https(stack(TrustedProxies::in_networks(["10.0.0.5"]).unwrap())).await;
}

#[actix_web::test]
async fn axum_that_is_not_told_the_peer() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let app = axum_without_connect_info(stack(same_machine())).await;
    nginx_before(app).await.ask(&[]).await.is_redirect();

    let app = axum_without_connect_info(Stack::new((hosts_and_https().0, same_machine()))).await;
    let reply = nginx_before(app).await.ask(&[]).await;
    assert!(reply.body.contains("into_make_service_with_connect_info"), "{reply:?}");
}

#[actix_web::test]
async fn the_other_family_of_headers() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let app = || axum(stack(same_machine().header(ForwardingHeader::Forwarded)));
    let forged = &["forwarded: for=203.0.113.66;proto=https"];
    let front = nginx_before(app().await).await;
    front.ask(&[]).await.is_redirect();
    front.ask(forged).await.is_redirect();

    let settings = without(&Kind::Nginx.settings(), "proxy_set_header Forwarded ");
    let front = Front::start(Kind::Nginx, &settings, app().await).await;
    front.ask(&[]).await.is_redirect();
    front.ask_http(forged).await.is(FOOLED);
}

#[actix_web::test]
async fn the_forwarded_host_of_a_client() {
    if !installed(&[Kind::Nginx, Kind::Caddy]) {
        return;
    }
    let (other, evil) =
        (["x-forwarded-host: other.club.example"], ["x-forwarded-host: evil.example"]);
    let app = || axum(stack(same_machine().forwarded_host()));
    // These remove it, or replace it.
    nginx_before(app().await).await.ask(&other).await.is(HONEST);
    let front = Front::start(Kind::Caddy, &Kind::Caddy.settings(), app().await).await;
    front.ask(&other).await.is(HONEST);

    let settings = without(&Kind::Nginx.settings(), "X-Forwarded-Host");
    let front = Front::start(Kind::Nginx, &settings, app().await).await;
    front.ask(&other).await.is("127.0.0.9 Forwarded Https other.club.example");
    refused(&front.ask(&evil).await);
}

#[actix_web::test]
async fn a_proxy_that_hides_its_client() {
    if !installed(&[Kind::Nginx]) {
        return;
    }
    let settings = Kind::Nginx.settings();
    let hidden = edit(&settings, "Forwarded         \"\"", "Forwarded \"for=_hidden;proto=https\"");
    let unknown = edit(&settings, "$proxy_add_x_forwarded_for", "unknown");
    let by_forwarded = same_machine().header(ForwardingHeader::Forwarded);
    for (settings, proxies) in [(unknown, same_machine()), (hidden, by_forwarded)] {
        for (_, app) in both(stack(proxies)).await {
            let front = Front::start(Kind::Nginx, &settings, app).await;
            front.ask(&[]).await.is(UNCLEAR);
            let office = front.curl(&["https://club.example/office".to_owned()]).await;
            assert_eq!(office.status, 403, "{office:?}");
        }
    }
    // The proxy's own address would be let in; that of its client is.
    for (_, app) in both(stack(same_machine())).await {
        let front = nginx_before(app).await;
        front.curl(&["https://club.example/office".to_owned()]).await.is(HONEST);
    }
}

#[actix_web::test]
async fn health_checks_that_are_not_exempt() {
    if !installed(&[]) {
        return;
    }
    let (hosts, https) = hosts_and_https();
    for (_, app) in both(Stack::new((same_machine(), hosts, https))).await {
        refused(&ask_past(app, "/healthz", &[]).await);
        assert_eq!(ask_past(app, "/healthz", &["host: club.example"]).await.status, 308);
    }
    for (_, app) in both(stack(same_machine())).await {
        ask_past(app, "/healthz", &[]).await.is("well");
    }
}
