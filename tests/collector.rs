//! The report collector, in both frameworks: what browsers send, and what attackers do.

#![cfg(all(feature = "actix", feature = "axum", feature = "reports"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use axum::Router;
use axum::body::Body;
use donjon::clock::ManualClock;
use donjon::headers::collector::{Report, ReportCollector};
use http::Request;
use tower::ServiceExt;

const ONE: &str = "application/csp-report";
const MANY: &str = "application/reports+json";

type Sink = Arc<Mutex<Vec<Report>>>;

fn collector() -> (ReportCollector, Sink, Arc<ManualClock>) {
    let sink = Sink::default();
    let clock = Arc::new(ManualClock::default());
    let receiver = Arc::clone(&sink);
    let collector = ReportCollector::new(move |report| receiver.lock().unwrap().push(report));
    (collector.clock(clock.clone()), sink, clock)
}

#[derive(Clone, Default)]
struct Post<'a> {
    method: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
    body: Vec<u8>,
}

impl<'a> Post<'a> {
    fn new(content_type: &'a str, body: impl Into<Vec<u8>>) -> Self {
        Self { method: None, headers: vec![("content-type", content_type)], body: body.into() }
    }

    fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    async fn to_axum(&self, collector: &ReportCollector) -> u16 {
        let app = Router::new().route_service("/r", collector.clone());
        let mut request = Request::builder().method(self.method.unwrap_or("POST")).uri("/r");
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        // In two chunks, as a network may deliver it.
        let (head, tail) = self.body.split_at(self.body.len() / 2);
        let chunks = [head.to_vec(), tail.to_vec()].map(Ok::<_, std::io::Error>);
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let response = app.oneshot(request.body(body).unwrap()).await.unwrap();
        response.status().as_u16()
    }

    async fn to_actix(&self, collector: &ReportCollector) -> u16 {
        let app = init_service(App::new().service(collector.at("/r"))).await;
        let method = self.method.unwrap_or("POST").parse().unwrap();
        let mut request = TestRequest::with_uri("/r").method(method);
        request = request.set_payload(self.body.clone());
        for (name, value) in &self.headers {
            request = request.insert_header((*name, *value));
        }
        call_service(&app, request.to_request()).await.status().as_u16()
    }

    /// Sends it to both, checks that both do the same, and gives the status and the reports.
    async fn to_both(
        &self,
        collector: impl Fn(ReportCollector) -> ReportCollector,
    ) -> (u16, Vec<Report>) {
        let (axum, axum_sink, _) = self::collector();
        let (actix, actix_sink, _) = self::collector();
        let status = self.to_axum(&collector(axum)).await;
        assert_eq!(self.to_actix(&collector(actix)).await, status);
        let reports = std::mem::take(&mut *axum_sink.lock().unwrap());
        assert_eq!(*actix_sink.lock().unwrap(), reports);
        (status, reports)
    }
}

fn one(fields: &str) -> Vec<u8> {
    format!(r#"{{"csp-report": {{{fields}}}}}"#).into()
}

#[actix_web::test]
async fn both_forms_become_the_same_report() {
    // As Chromium sends them.
    let old = r#"
        "document-uri": "https://club.example/book?court=3#top", "referrer": "",
        "violated-directive": "script-src-elem", "effective-directive": "script-src-elem",
        "original-policy": "script-src 'none'", "disposition": "enforce",
        "blocked-uri": "https://evil.example/x.js?y", "line-number": 7, "column-number": 9,
        "source-file": "https://club.example/book?court=3", "status-code": 200,
        "script-sample": "alert(1)""#;
    let new = r#"[{"age": 1500, "type": "csp-violation", "url": "https://club.example/book?court=3",
        "user_agent": "Browser/1.0", "body": {
        "documentURL": "https://club.example/book?court=3", "disposition": "enforce",
        "effectiveDirective": "script-src-elem", "blockedURL": "https://evil.example/x.js?y",
        "originalPolicy": "script-src 'none'", "lineNumber": 7, "columnNumber": 9,
        "sourceFile": "https://club.example/book?court=3", "statusCode": 200,
        "sample": "alert(1)"}}]"#;
    let old = Post::new(ONE, one(old)).header("user-agent", "Browser/1.0");
    let (old_status, old) = old.to_both(|collector| collector).await;
    let (new_status, new) =
        Post::new("Application/Reports+JSON; charset=utf-8", new).to_both(|c| c).await;

    assert_eq!((old_status, new_status), (204, 204));
    let report = &old[0];
    let violation = report.violation.as_ref().unwrap();
    assert_eq!(report.kind, "csp-violation");
    assert_eq!(report.url, "https://club.example/book");
    assert_eq!(report.user_agent, "Browser/1.0");
    assert_eq!(violation.blocked, "https://evil.example/x.js");
    assert_eq!(violation.source_file, "https://club.example/book");
    assert_eq!((violation.line, violation.column), (Some(7), Some(9)));
    assert_eq!(violation.sample, "alert(1)");
    assert!(violation.enforced);
    assert_eq!(new[0].age, Duration::from_millis(1500));
    assert_eq!(new[0].violation, report.violation);
    assert_eq!(new[0].url, report.url);
}

#[actix_web::test]
async fn old_and_other_reports_are_understood() {
    let old = one(r#""violated-directive": "img-src 'self'", "blocked-uri": "data""#);
    let (_, reports) = Post::new(ONE, old).to_both(|c| c).await;
    assert_eq!(reports[0].violation.as_ref().unwrap().directive, "img-src");

    let other = r#"{"type": "deprecation", "url": "https://a.example/", "body": {"id": "x"}}"#;
    let (_, reports) = Post::new(MANY, other).to_both(|c| c).await;
    assert_eq!((reports[0].kind.as_str(), &reports[0].violation), ("deprecation", &None));
}

#[actix_web::test]
async fn what_is_no_report_is_refused() {
    let good = one(r#""effective-directive": "img-src""#);
    let deep = "[".repeat(10_000);
    let tests: Vec<(&str, Post<'_>, u16)> = vec![
        ("a report", Post::new(ONE, good.clone()), 204),
        ("not posted", Post { method: Some("GET"), ..Post::new(ONE, good.clone()) }, 405),
        ("put", Post { method: Some("PUT"), ..Post::new(ONE, good.clone()) }, 405),
        ("no type", Post { body: good.clone(), ..Post::default() }, 415),
        ("json", Post::new("application/json", good.clone()), 415),
        ("a form", Post::new("text/plain", good.clone()), 415),
        ("compressed", Post::new(ONE, good.clone()).header("content-encoding", "gzip"), 415),
        (
            "not compressed",
            Post::new(ONE, good.clone()).header("content-encoding", "Identity"),
            204,
        ),
        ("nothing", Post::new(ONE, ""), 400),
        ("no json", Post::new(ONE, "csp-report"), 400),
        ("no utf-8", Post::new(ONE, b"{\"csp-report\": \"\xff\"}".to_vec()), 400),
        ("no object", Post::new(ONE, "[]"), 400),
        ("the other form", Post::new(ONE, "[{\"type\": \"x\"}]"), 400),
        ("a number", Post::new(MANY, "1"), 400),
        ("deep", Post::new(MANY, deep), 400),
        ("too long", Post::new(ONE, vec![b' '; 64 * 1024 + 1]), 413),
        ("said to be too long", Post::new(ONE, good).header("content-length", "65537"), 413),
    ];
    for (name, post, expected) in tests {
        let (status, reports) = post.to_both(|collector| collector).await;
        assert_eq!(status, expected, "{name}");
        assert_eq!(reports.len(), usize::from(expected == 204), "{name}");
    }
}

#[actix_web::test]
async fn what_is_not_the_pages_doing_is_dropped() {
    for (blocked, source, heard) in [
        ("inline", "https://a.example/", true),
        ("https://evil.example/", "", true),
        ("eval", "", true),
        ("data:text/html,x", "", true),
        ("chrome-extension://abc/x.js", "", false),
        ("inline", "moz-extension://abc/x.js", false),
        ("inline", "safari-web-extension://abc", false),
        ("CHROME-EXTENSION", "", false),
        ("about", "", false),
        ("https://a.example/chrome-extension:", "", true),
    ] {
        let body = one(&format!(
            r#""effective-directive": "img-src", "blocked-uri": "{blocked}", "source-file": "{source}""#
        ));
        let (status, reports) = Post::new(ONE, body).to_both(|collector| collector).await;
        assert_eq!(status, 204, "{blocked} {source}");
        assert_eq!(reports.len(), usize::from(heard), "{blocked} {source}");
    }
}

#[actix_web::test]
async fn nothing_in_a_report_forges_a_log_line_or_tells_a_secret() {
    let body = one(r#""effective-directive": "img-src\r\nroot logged in\u001b[2J\u202e",
           "document-uri": "https://a.example/reset?token=secret#secret",
           "blocked-uri": "data:text/html,secret""#);
    let (_, reports) = Post::new(ONE, body).header("user-agent", "a\tb").to_both(|c| c).await;
    let shown = format!("{reports:?}");
    assert!(!shown.contains("secret"), "{shown}");
    let directive = &reports[0].violation.as_ref().unwrap().directive;
    assert!(!directive.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{directive:?}");
    assert!(!reports[0].user_agent.contains('\t'));

    for (char, expected) in [("\u{e9}", 1024), ("\\u0001", 1023)] {
        let long = format!(r#""effective-directive": "{}""#, char.repeat(5_000));
        let (_, reports) = Post::new(ONE, one(&long)).to_both(|collector| collector).await;
        assert_eq!(reports[0].violation.as_ref().unwrap().directive.len(), expected);
    }

    for (told, kept) in [
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://secret@a.example", "https://a.example"),
        ("https://a.example/@secret-is-a-path", "https://a.example/@secret-is-a-path"),
        ("data:text/html,secret?x", "data:"),
        ("DATA:text/html,secret#x", "data:"),
        ("\\u061ca", "\u{fffd}a"),
    ] {
        let body = one(&format!(r#""effective-directive": "img-src", "document-uri": "{told}""#));
        let (_, reports) = Post::new(ONE, body).to_both(|collector| collector).await;
        assert_eq!(reports[0].url, kept, "{told}");
    }

    let old = r#"[{"type": "x", "age": 18446744073709551615}]"#;
    let (_, reports) = Post::new(MANY, old).to_both(|collector| collector).await;
    assert_eq!(reports[0].age, Duration::from_secs(7 * 24 * 3600));
}

#[actix_web::test]
async fn a_flood_is_bounded_in_number_and_size() {
    let many = format!("[{}]", vec![r#"{"type": "x"}"#; 150].join(","));
    let (status, reports) = Post::new(MANY, many).to_both(|collector| collector).await;
    assert_eq!((status, reports.len()), (204, 100));

    // What browsers do not send in a report is passed over, however it is nested.
    let odd = r#"[1, "x", {"type": "x", "body": [[{"a": {"b": null}}]]}, {"type": 1}, {}]"#;
    let (status, reports) = Post::new(MANY, odd).to_both(|collector| collector).await;
    assert_eq!((status, reports.len()), (204, 1));

    let three = r#"[{"type": "x"}, {"type": "x"}, {"type": "x"}]"#;
    let (_, reports) = Post::new(MANY, three).to_both(|collector| collector.max_reports(2)).await;
    assert_eq!(reports.len(), 2);

    let report = one(r#""effective-directive": "img-src""#);
    let (_, reports) = Post::new(ONE, report).to_both(|collector| collector.max_reports(0)).await;
    assert!(reports.is_empty());

    let (status, _) = Post::new(MANY, three).to_both(|collector| collector.max_body(8)).await;
    assert_eq!(status, 413);
}

#[actix_web::test]
async fn requests_are_answered_at_the_given_rate() {
    let (collector, sink, clock) = collector();
    let collector = collector.rate(Duration::from_secs(1), 3);
    let post = Post::new(ONE, one(r#""effective-directive": "img-src""#));

    let mut answers = Vec::new();
    for wait in [0, 0, 0, 0, 1, 0, 10, 0, 0, 0] {
        clock.advance(Duration::from_secs(wait));
        answers.push(post.to_axum(&collector).await);
    }

    assert_eq!(answers, [204, 204, 204, 429, 204, 429, 204, 204, 204, 429]);
    assert_eq!(post.to_actix(&collector).await, 429, "a clone shares the limit");
    assert_eq!(sink.lock().unwrap().len(), 7);
    assert_eq!(collector.dropped(), 4);
}

#[actix_web::test]
async fn who_is_too_fast_is_told_when_to_come_again() {
    let (collector, _, clock) = collector();
    let collector = collector.rate(Duration::from_millis(2500), 1);
    let send = async || {
        let request = Request::post("/").header("content-type", ONE);
        let request = request.body(Body::from(one(r#""effective-directive": "a""#))).unwrap();
        collector.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(send().await.status(), 204);
    let refused = send().await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "3");
    clock.advance(Duration::from_millis(2499));
    assert_eq!(send().await.headers()["retry-after"], "1");
    clock.advance(Duration::from_millis(1));
    assert_eq!(send().await.status(), 204);
}

#[actix_web::test]
async fn a_body_that_breaks_off_is_refused() {
    let (collector, sink, _) = collector();
    let chunks = [Ok(r#"{"csp-report":"#), Err(std::io::Error::other("gone"))];
    let request = Request::post("/").header("content-type", ONE);
    let request = request.body(Body::from_stream(futures_util::stream::iter(chunks))).unwrap();

    assert_eq!(collector.oneshot(request).await.unwrap().status(), 400);
    assert!(sink.lock().unwrap().is_empty());
}
