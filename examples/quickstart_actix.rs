//! A page whose headers graders give A+: `cargo run --example quickstart_actix`
//!
//! Options: `--preset web` for the milder preset, `--behind-proxy` if a TLS terminator on the same
//! machine is in front. Security events are printed as lines of JSON.

use std::env;
use std::error::Error;
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Form, Html};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use donjon::client::{Client, Scheme, TrustedProxies};
use donjon::event::{EventLog, JsonLines};
use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::csp::Hash;
use donjon::headers::{Nonce, SecurityHeaders};
use donjon::middleware::Stack;
use minijinja::{Environment, Value, context};

#[actix_web::main]
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
    // One layer of all: each request passes them in this order.
    let stack = Stack::new((log.clone(), proxies, headers));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(stack.clone())
            .route("/", web::get().to(page))
            .route("/greet", web::post().to(greet))
            .route("/app.js", web::get().to(async || asset("text/javascript", APP_JS)))
            .route("/style.css", web::get().to(async || asset("text/css", STYLE_CSS)))
            .route("/logo.svg", web::get().to(async || asset("image/svg+xml", LOGO_SVG)))
            .service(reports.at("/csp-reports"))
    });

    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = server.workers(2).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}\ntry: curl -i http://{address}");
    }
    server.run().await?;
    Ok(log.shutdown(Duration::from_secs(2))?)
}

async fn page(nonce: Nonce, client: Client) -> actix_web::Result<impl Responder> {
    let values = context! {
        nonce => nonce.as_ref(),
        integrity => INTEGRITY.as_str(),
        address => client.addr().map_or_else(|unknown| unknown.to_string(), |address| address.to_string()),
        https => client.scheme() == Scheme::Https,
    };
    let page = render(include_str!("quickstart/page.html"), values)?;
    let cookie = "__Host-visit=1; Path=/; Secure; HttpOnly; SameSite=Strict";
    Ok(page.customize().insert_header(("set-cookie", cookie)))
}

async fn greet(Form(form): Form<Vec<(String, String)>>) -> actix_web::Result<Html> {
    let name = form.into_iter().find(|(field, _)| field == "name");
    let values = context! { name => name.unwrap_or_default().1 };
    render(include_str!("quickstart/greeting.html"), values)
}

fn asset(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(text)
}

fn render(template: &str, values: Value) -> actix_web::Result<Html> {
    let page = Environment::new().render_named_str("page.html", template, values);
    page.map(Html::new).map_err(ErrorInternalServerError)
}

static INTEGRITY: LazyLock<String> = LazyLock::new(|| Hash::sha384(APP_JS).to_string());
const APP_JS: &str = include_str!("quickstart/app.js");
const STYLE_CSS: &str = include_str!("quickstart/style.css");
const LOGO_SVG: &str = include_str!("quickstart/logo.svg");
