//! The small app that stands behind the proxies, in both frameworks.

use std::net::SocketAddr;
use std::path::Path;

use actix_web::{App, HttpServer, web};
use axum::Router;
use axum::routing::get;
use donjon::client::{AllowedNetworks, Client, Networks, TrustedProxies};
use donjon::https::{AllowedHosts, RequireHttps};
use donjon::middleware::{Middleware, Stack};
use donjon::refusal::Refusal;
use tokio::net::{TcpListener, UnixListener};

/// What an app may have around it.
pub(crate) trait Guard: Middleware<Refusal = Refusal, Memo: Send> + Shared {}
impl<M: Middleware<Refusal = Refusal, Memo: Send> + Shared> Guard for M {}
pub(crate) trait Shared: Clone + Send + Sync + 'static {}
impl<M: Clone + Send + Sync + 'static> Shared for M {}

/// The stack of the page.
pub(crate) fn stack(proxies: TrustedProxies) -> impl Guard {
    let (hosts, https) = hosts_and_https();
    Stack::new((proxies, hosts.exempt("/healthz").unwrap(), https.exempt("/healthz").unwrap()))
}

pub(crate) fn hosts_and_https() -> (AllowedHosts, RequireHttps) {
    let hosts = AllowedHosts::new(["club.example", "other.club.example"]).unwrap();
    (hosts, RequireHttps::redirect_to("club.example").unwrap())
}

/// The handler of the page.
#[allow(clippy::large_types_passed_by_value, reason = "extractors are passed so")]
async fn whoami(client: Client) -> String {
    let addr = client.addr().map_or_else(|unknown| unknown.to_string(), |addr| addr.to_string());
    let host = client.host().map(ToString::to_string).unwrap_or_default();
    format!("{addr} {:?} {:?} {host}", client.addr_source(), client.scheme())
}

fn office() -> AllowedNetworks {
    AllowedNetworks::new(Networks::parse(["127.0.0.0/8"]).unwrap())
}

pub(crate) fn router(guard: impl Guard) -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/office", get(whoami).layer(office()))
        .route("/healthz", get(|| async { "well" }))
        .layer(Stack::new(guard))
}

/// Both apps, each on a port of its own.
pub(crate) async fn both(guard: impl Guard) -> [(&'static str, SocketAddr); 2] {
    [("axum", axum(guard.clone()).await), ("actix-web", actix(guard))]
}

pub(crate) async fn axum(guard: impl Guard) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(guard).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The mistake: nobody is told the peer.
pub(crate) async fn axum_without_connect_info(guard: impl Guard) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(guard);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) fn axum_on_unix(guard: impl Guard, socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let app = router(guard);
    tokio::spawn(async move { axum::serve(listener, app).await });
}

macro_rules! actix_server {
    ($guard:expr) => {{
        let guard = $guard;
        HttpServer::new(move || {
            App::new()
                .wrap(Stack::new(guard.clone()))
                .route("/whoami", web::get().to(whoami))
                .route("/healthz", web::get().to(async || "well"))
                .service(web::resource("/office").wrap(office()).get(whoami))
        })
        .workers(1)
        .disable_signals()
    }};
}

pub(crate) fn actix(guard: impl Guard) -> SocketAddr {
    let server = actix_server!(guard).bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

pub(crate) fn actix_on_unix(guard: impl Guard, socket: &Path) {
    let server = actix_server!(guard).bind_uds(socket).unwrap();
    actix_web::rt::spawn(server.run());
}
