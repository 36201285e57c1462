//! A page whose headers graders give A+: `cargo run --example quickstart_axum`
//!
//! Options: `--preset web` for the milder preset, `--behind-proxy` if a TLS terminator on the same
//! machine is in front. Security events are printed as lines of JSON.

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Form, Router};
use donjon::client::{Client, Scheme, TrustedProxies};
use donjon::event::{EventLog, JsonLines};
use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::csp::Hash;
use donjon::headers::{Nonce, SecurityHeaders};
use donjon::middleware::Stack;
use minijinja::{Environment, Value, context};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let preset = arguments.iter().skip_while(|argument| *argument != "--preset").nth(1);
    let headers = match preset.map(String::as_str) {
        None | Some("strict") => SecurityHeaders::strict(),
        Some("web") => SecurityHeaders::web(),
        Some(other) => return Err(format!("no preset {other}: strict or web").into()),
    };
    let headers = headers.report_violations_to("/csp-reports").build()?;
    headers.lint().iter().for_each(|finding| println!("note: {finding}"));

    // Whom to believe when a request says where it comes from, and that it came by https.
    let proxies = if arguments.iter().any(|argument| argument == "--behind-proxy") {
        TrustedProxies::in_networks(["127.0.0.1", "::1"])?
    } else {
        TrustedProxies::none()
    };
    let log = EventLog::builder().sink("stdout", JsonLines::to(io::stdout())).build()?;
    let reports = ReportCollector::new(|report: Report| println!("{report:?}"));
    let app = Router::new()
        .route("/", get(page))
        .route("/greet", post(greet))
        .route("/app.js", get(([(CONTENT_TYPE, "text/javascript")], APP_JS)))
        .route("/style.css", get(([(CONTENT_TYPE, "text/css")], STYLE_CSS)))
        .route("/logo.svg", get(([(CONTENT_TYPE, "image/svg+xml")], LOGO_SVG)))
        .route_service("/csp-reports", reports)
        // One layer of all: each request passes them in this order.
        .layer(Stack::new((log.clone(), proxies, headers)))
        .into_make_service_with_connect_info::<SocketAddr>();

    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}\ntry: curl -i {url}");
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(log.shutdown(Duration::from_secs(2))?)
}

async fn page(nonce: Nonce, client: Client) -> impl IntoResponse {
    let cookie = "__Host-visit=1; Path=/; Secure; HttpOnly; SameSite=Strict";
    let values = context! {
        nonce => nonce.as_ref(),
        integrity => INTEGRITY.as_str(),
        address => client.addr().map_or_else(|unknown| unknown.to_string(), |address| address.to_string()),
        https => client.scheme() == Scheme::Https,
    };
    ([(SET_COOKIE, cookie)], render(include_str!("quickstart/page.html"), values))
}

async fn greet(Form(form): Form<Vec<(String, String)>>) -> impl IntoResponse {
    let name = form.into_iter().find(|(field, _)| field == "name");
    let values = context! { name => name.unwrap_or_default().1 };
    render(include_str!("quickstart/greeting.html"), values)
}

fn render(template: &str, values: Value) -> Result<Html<String>, StatusCode> {
    let page = Environment::new().render_named_str("page.html", template, values);
    page.map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

static INTEGRITY: LazyLock<String> = LazyLock::new(|| Hash::sha384(APP_JS).to_string());
const APP_JS: &str = include_str!("quickstart/app.js");
const STYLE_CSS: &str = include_str!("quickstart/style.css");
const LOGO_SVG: &str = include_str!("quickstart/logo.svg");
