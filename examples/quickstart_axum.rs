//! A page whose headers graders give A+: `cargo run --example quickstart_axum`
//!
//! Options: `--preset web` for the milder preset, `--behind-proxy` if a TLS terminator is in front.

use std::env;
use std::error::Error;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Form, Router};
use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::csp::Hash;
use donjon::headers::{Nonce, SecurityHeaders};
use donjon::middleware::Stack;
use minijinja::{Environment, Value, context};
use tokio::net::TcpListener;

const ASSETS: [(&str, &str, &str); 3] = [
    ("/app.js", "text/javascript", include_str!("quickstart/app.js")),
    ("/style.css", "text/css", include_str!("quickstart/style.css")),
    ("/logo.svg", "image/svg+xml", include_str!("quickstart/logo.svg")),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let option = |name: &str| env::args().any(|argument| argument == name);
    let preset = [SecurityHeaders::strict, SecurityHeaders::web][usize::from(option("web"))];
    let mut headers = preset().report_violations_to("/csp-reports");
    if option("--behind-proxy") {
        headers = headers.assume_https();
    }
    let headers = headers.build()?;
    headers.lint().iter().for_each(|finding| println!("note: {finding}"));

    let reports = ReportCollector::new(|report: Report| println!("{report:?}"));
    let mut app = Router::new().route("/", get(page)).route("/greet", post(greet));
    for (path, kind, text) in ASSETS {
        app = app.route(path, get(([(CONTENT_TYPE, kind)], text)));
    }
    let app = app.route_service("/csp-reports", reports).layer(Stack::new((headers,))); // further layers of donjon go into the same stack

    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}\ntry: curl -i {url}");
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stop).await?)
}

async fn page(nonce: Nonce) -> Result<impl IntoResponse, StatusCode> {
    let integrity = Hash::sha384(ASSETS[0].2).to_string();
    let values = context! { nonce => nonce.as_ref(), integrity };
    let cookie = "__Host-visit=1; Path=/; Secure; HttpOnly; SameSite=Strict";
    let page = render(include_str!("quickstart/page.html"), values)?;
    Ok(([(SET_COOKIE, cookie)], page))
}

async fn greet(Form(form): Form<Vec<(String, String)>>) -> Result<Html<String>, StatusCode> {
    let name = form.into_iter().find(|(field, _)| field == "name");
    let values = context! { name => name.unwrap_or_default().1 };
    render(include_str!("quickstart/greeting.html"), values)
}

fn render(template: &str, values: Value) -> Result<Html<String>, StatusCode> {
    let page = Environment::new().render_named_str("page.html", template, values);
    page.map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
