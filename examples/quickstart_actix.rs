//! A page whose headers graders give A+: `cargo run --example quickstart_actix`
//!
//! Options: `--preset web` for the milder preset, `--behind-proxy` if a TLS terminator is in front.

use std::env;
use std::error::Error;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Form, Html};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::csp::Hash;
use donjon::headers::{Nonce, SecurityHeaders};
use donjon::middleware::Stack;
use minijinja::{Environment, Value, context};

const ASSETS: [(&str, &str, &str); 3] = [
    ("/app.js", "text/javascript", include_str!("quickstart/app.js")),
    ("/style.css", "text/css", include_str!("quickstart/style.css")),
    ("/logo.svg", "image/svg+xml", include_str!("quickstart/logo.svg")),
];

#[actix_web::main]
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
    let server = HttpServer::new(move || {
        let mut app = App::new()
            .wrap(Stack::new((headers.clone(),))) // further layers of donjon go into the same stack
            .route("/", web::get().to(page))
            .route("/greet", web::post().to(greet))
            .service(reports.at("/csp-reports"));
        for (path, kind, text) in ASSETS {
            let asset = move || async move { HttpResponse::Ok().content_type(kind).body(text) };
            app = app.route(path, web::get().to(asset));
        }
        app
    });

    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = server.workers(2).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}\ntry: curl -i http://{address}");
    }
    Ok(server.run().await?)
}

async fn page(nonce: Nonce) -> actix_web::Result<impl Responder> {
    let integrity = Hash::sha384(ASSETS[0].2).to_string();
    let values = context! { nonce => nonce.as_ref(), integrity };
    let cookie = "__Host-visit=1; Path=/; Secure; HttpOnly; SameSite=Strict";
    let page = render(include_str!("quickstart/page.html"), values)?;
    Ok(page.customize().insert_header(("set-cookie", cookie)))
}

async fn greet(Form(form): Form<Vec<(String, String)>>) -> actix_web::Result<Html> {
    let name = form.into_iter().find(|(field, _)| field == "name");
    let values = context! { name => name.unwrap_or_default().1 };
    render(include_str!("quickstart/greeting.html"), values)
}

fn render(template: &str, values: Value) -> actix_web::Result<Html> {
    let page = Environment::new().render_named_str("page.html", template, values);
    page.map(Html::new).map_err(ErrorInternalServerError)
}
