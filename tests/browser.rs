//! The strict preset in a real browser: a page written for it works, and what an attacker injects
//! does not run and is reported.
//!
//! Needs Chromium and its driver, and Node.js for the one HTTPS server here. Where they are
//! missing the tests say so and pass; with `DONJON_REQUIRE_ALL=1` they fail.

#![cfg(all(
    feature = "axum",
    feature = "actix",
    feature = "paybox",
    feature = "paypal",
    feature = "reports",
    feature = "reqwest",
    feature = "stripe"
))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "browser/bank.rs"]
mod bank;
#[path = "support/browser.rs"]
mod chromium;
#[path = "browser/shop.rs"]
mod shop;
mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::{Nonce, SecurityHeaders};
use fantoccini::{Client, Locator};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use bank::Bank;
use chromium::Browser;
use support::{PATIENCE, Scratch, Server, ask, program, skip};

#[tokio::test]
async fn the_quickstart_page_works_in_a_browser_on_axum() {
    the_quickstart_page_works("quickstart_axum").await;
}

#[tokio::test]
async fn the_quickstart_page_works_in_a_browser_on_actix() {
    the_quickstart_page_works("quickstart_actix").await;
}

async fn the_quickstart_page_works(example: &str) {
    let Some(browser) = Browser::start(&format!("{example} in a browser"), &[]).await else {
        return;
    };
    let server = Server::example(example, &["--preset", "strict"]).await;
    let page = &browser.client;

    page.goto(&server.url).await.unwrap();
    for (expression, expected, what) in [
        ("document.documentElement.dataset.inline === 'ran'", true, "the inline script has run"),
        ("document.documentElement.dataset.external === 'ran'", true, "the script file has run"),
        ("getComputedStyle(document.body).maxWidth === 'none'", false, "the page has no style"),
        ("document.querySelector('#logo').naturalWidth > 0", true, "the image is shown"),
    ] {
        assert_eq!(browser.eval(expression).await, expected, "{example}: {what}");
    }

    // A password that is mistyped, and then the right one.
    let denied = sign_in(page, " ANN ", "correct horse", "#denied").await;
    assert!(denied.contains("Wrong name or password"), "{example}: {denied}");
    page.goto(&server.url).await.unwrap();
    let greeting = sign_in(page, " ANN ", "correct horse battery staple", "#greeting").await;
    assert!(greeting.contains("ann"), "{example} answers the form with {greeting:?}");
    let failures = page.find(Locator::Css("#failures")).await.unwrap().text().await.unwrap();
    assert!(failures.contains("1 failed"), "{example}: {failures}");

    // The session is kept, until its user leaves.
    page.goto(&server.url).await.unwrap();
    assert_eq!(browser.eval("document.querySelector('#who').textContent").await, "ann");
    // A member sees the members' page, and not the admins'.
    for (target, expected) in [("/members", "You are ann"), ("/admin", "403")] {
        page.goto(&format!("{}{target}", server.url)).await.unwrap();
        let text = browser.eval("document.body.textContent").await;
        assert!(text.as_str().unwrap().contains(expected), "{example}: {target}: {text}");
    }
    page.goto(&server.url).await.unwrap();
    page.find(Locator::Css("#leave button")).await.unwrap().click().await.unwrap();
    page.wait().at_most(PATIENCE).for_element(Locator::Css("#greet")).await.unwrap();

    // Chromium complains of the password that was wrong, of the admins' page, and of nothing else.
    let complaints = browser.complaints().await;
    let known = ["/sign-in - ", "/admin - ", "/favicon.ico - "];
    let is_known = |complaint: &String| known.iter().any(|known| complaint.contains(known));
    assert!(complaints.iter().all(is_known), "{example}: {complaints:?}");

    // A stranger tries a hundred passwords at once: five are looked at. The browser that has logged in
    // before gets in all the same.
    let guess = async |n: u32| {
        let body = format!("name=ann&password={n}");
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        ask(&server.url, "POST /sign-in", form, &body).await
    };
    let answers = futures_util::future::join_all((0..100).map(guess)).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (5, 95), "{example}");
    let locked = guess(100).await;
    assert_eq!((locked.status, locked.header("retry-after")), (429, vec!["60"]), "{example}");
    let greeting = sign_in(page, "ann", "correct horse battery staple", "#greeting").await;
    assert!(greeting.contains("ann"), "{example}: {greeting}");
}

/// Fills in the form, and gives the text of what stands on the page that answers it.
async fn sign_in(page: &Client, name: &str, password: &str, answer: &str) -> String {
    for (field, text) in [("name", name), ("password", password)] {
        let field = page.find(Locator::Css(&format!("#greet [name={field}]"))).await.unwrap();
        field.send_keys(text).await.unwrap();
    }
    page.find(Locator::Css("#greet button")).await.unwrap().click().await.unwrap();
    let answer = page.wait().at_most(PATIENCE).for_element(Locator::Css(answer)).await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn an_injected_script_does_not_run_and_is_reported_on_axum() {
    use axum::response::Html;
    use axum::routing::get;

    let (headers, collector, reports) = guestbook();
    let app = axum::Router::new()
        .route("/", get(async |nonce: Nonce| Html(defaced_page(&nonce))))
        .route_service(REPORTS, collector)
        .layer(headers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());

    an_injected_script_does_not_run_and_is_reported("axum", address, reports).await;
}

#[tokio::test]
async fn an_injected_script_does_not_run_and_is_reported_on_actix() {
    use actix_web::web::{Html, get};

    let (headers, collector, reports) = guestbook();
    let app = move || {
        actix_web::App::new()
            .route("/", get().to(async |nonce: Nonce| Html::new(defaced_page(&nonce))))
            .service(collector.at(REPORTS))
            .wrap(headers.clone())
    };
    let server = actix_web::HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());

    an_injected_script_does_not_run_and_is_reported("actix", address, reports).await;
}

const REPORTS: &str = "/csp-reports";

/// The strict preset, a collector, and what the collector takes.
fn guestbook() -> (SecurityHeaders, ReportCollector, UnboundedReceiver<Report>) {
    let headers = SecurityHeaders::strict().report_violations_to(REPORTS).assume_https();
    let (sink, reports) = unbounded_channel();
    let collector = ReportCollector::new(move |report: Report| {
        let _ = sink.send(report);
    });
    (headers.build().unwrap(), collector, reports)
}

/// A page with a script of ours, to which a visitor could add two.
fn defaced_page(nonce: &Nonce) -> String {
    format!(
        r#"<!doctype html>
        <title>Guestbook</title>
        <script nonce="{nonce}">document.documentElement.dataset.ours = "ran";</script>
        <p>Nice site! <script>document.documentElement.dataset.theirs = "ran";</script>
        <p>Indeed. <img src="none" onerror="document.documentElement.dataset.theirs = 'ran'">"#
    )
}

async fn an_injected_script_does_not_run_and_is_reported(
    framework: &str,
    server: SocketAddr,
    mut reports: UnboundedReceiver<Report>,
) {
    // To a page that came by plain HTTP, Chromium's Reporting API does not listen.
    let test = format!("an injected script in a browser, on {framework}");
    let Some(node) = program(&["node", "nodejs"]) else {
        return skip(&test, "no node on the PATH (Debian: apt-get install nodejs)");
    };
    let folder = Scratch::new(&format!("guestbook-{framework}"));
    let certificate = folder.join("certificate.pem");
    let front = Server::https_front(&node, &format!("http://{server}"), &certificate).await;
    let switches = [
        "ignore-certificate-errors", // the front's is made for this test
        "short-reporting-delay",     // of a tenth of a second, not a minute
    ];
    let Some(browser) = Browser::start(&test, &switches).await else {
        return;
    };

    browser.client.goto(&front.url).await.unwrap();
    assert_eq!(browser.eval("document.documentElement.dataset.ours").await, "ran");

    let mut expected = BTreeSet::from(["script-src-elem", "script-src-attr"]);
    while !expected.is_empty() {
        let report = timeout(PATIENCE, reports.recv()).await;
        let report = report.unwrap_or_else(|_| panic!("not reported on {framework}: {expected:?}"));
        let report = report.expect("the server runs");
        assert_eq!(report.url, format!("{}/", front.url));
        let violation = report.violation.expect("a violation of the Content-Security-Policy");
        assert_eq!(violation.blocked, "inline");
        expected.remove(&*violation.directive);
    }
    // Both were tried, as the reports tell, and neither ran.
    assert_eq!(browser.eval("document.documentElement.dataset.theirs").await, Value::Null);
}

/// Over https, as people have it: cookies are kept and sent back, and a form of another origin's page
/// changes nothing.
#[tokio::test]
async fn cookies_are_kept_and_forms_of_other_origins_refused_on_axum() {
    cookies_are_kept_and_forms_of_other_origins_refused("axum").await;
}

#[actix_web::test]
async fn cookies_are_kept_and_forms_of_other_origins_refused_on_actix() {
    cookies_are_kept_and_forms_of_other_origins_refused("actix-web").await;
}

async fn cookies_are_kept_and_forms_of_other_origins_refused(framework: &str) {
    let title = &format!("cookies and forms in a browser, {framework}");
    let Some(node) = program(&["node", "nodejs"]) else {
        return skip(title, "no node on the PATH (Debian: apt-get install nodejs)");
    };
    let folder = Scratch::new(&format!("cookies-{framework}"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = format!("http://{}", listener.local_addr().unwrap());
    // Two ports of one host: to a browser the same site, and two origins.
    let club = Server::https_front(&node, &app, &folder.join("club.pem")).await;
    let sibling = Server::https_front(&node, &app, &folder.join("sibling.pem")).await;
    let other_site = club.url.replace("127.0.0.1", "localhost");
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let bank = Bank::new(&club.url, &calls);
    if framework == "axum" {
        tokio::spawn(bank.on_axum(listener));
    } else {
        actix_web::rt::spawn(bank.on_actix(listener));
    }
    let Some(browser) = Browser::start(title, &["ignore-certificate-errors"]).await else {
        return;
    };
    let page = &browser.client;
    let text = async |url: String| {
        page.goto(&url).await.unwrap();
        browser.eval("document.body.textContent").await.as_str().unwrap().to_owned()
    };

    // What is declared, hardened or sealed is what a browser keeps, under each prefix.
    text(format!("{}/set", club.url)).await;
    let kept = text(format!("{}/cookies", club.url)).await;
    for name in ["__Host-Http-note=", "__Host-theme=dark", "__Secure-raw=1", "__Host-Http-session="]
    {
        assert_eq!(kept.matches(name).count(), 1, "{name}: {kept}");
    }
    let scripts = browser.eval("document.cookie").await;
    assert_eq!(scripts, "__Host-theme=dark", "all that is for scripts");
    assert_eq!(text(format!("{}/who", club.url)).await, "ann");

    for (from, reaches) in [(&club.url, 1), (&sibling.url, 1), (&other_site, 1)] {
        page.goto(&format!("{from}/page")).await.unwrap();
        page.find(Locator::Css("button")).await.unwrap().click().await.unwrap();
        let answer = async || browser.eval("location.pathname").await == "/transfer";
        while !answer().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(calls.load(Ordering::SeqCst), reaches, "a form of {from}");
        let said = browser.eval("document.body.textContent").await;
        assert_eq!(said == "paid", *from == club.url, "a form of {from}: {said}");
    }

    // Deletion deletes, whatever the prefix.
    text(format!("{}/delete", club.url)).await;
    assert_eq!(text(format!("{}/cookies", club.url)).await, "__Secure-raw=1");
}
