//! Every middleware in an axum `Router` and in an actix-web `App`, through one table: the same
//! requests, the same answers.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::task::Poll;

use donjon::client::Scheme;
use donjon::head::{Name, RequestHead, ResponseHead, Value};
use donjon::headers::csp::{ContentSecurityPolicy, CspPatch, Directive, Source};
use donjon::headers::{
    CacheControl, ClearSiteData, HeaderKind, Nonce, OnConflict, ReferrerPolicy, ReportOnly,
    SecurityHeaders, SecurityHeadersBuilder, StrictTransportSecurity, legacy,
};
use donjon::middleware::{Middleware, Stack};
use donjon::refusal::Refusal;
use futures_util::stream::poll_fn;

/// What came back: the status, the headers by name, and the body.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
}

impl Seen {
    /// The header's one value; `None` if it is absent.
    #[track_caller]
    fn header(&self, name: &str) -> Option<&str> {
        let values = self.headers.get(name)?;
        assert_eq!(values.len(), 1, "{name} is sent more than once: {values:?}");
        Some(&values[0])
    }
}

/// Sends the same request to the same app in both frameworks, behind the middleware. The path may
/// have a method in front.
macro_rules! both {
    ($middleware:expr, $scheme:expr, $path:expr) => {{
        let stack = Stack::new($middleware);
        let axum = axum_app::router().layer(stack.clone());
        let actix = actix_web::App::new().configure(actix_app::routes).wrap(stack);
        let actix = actix_web::test::init_service(actix).await;
        let request = actix_app::request($path).to_request();
        if let Some(scheme) = $scheme {
            actix_web::HttpMessage::extensions_mut(&request).insert::<Scheme>(scheme);
        }
        let answer = actix_web::test::try_call_service(&actix, request).await;
        [
            ("axum", axum_app::send(axum, $scheme, $path).await),
            ("actix-web", actix_app::seen(answer).await),
        ]
    }};
}

fn strict() -> SecurityHeadersBuilder {
    SecurityHeaders::strict()
}

/// Every page that the two apps have, by path. What each does is said in [`Page`].
const PAGES: &[(&str, Page)] = &[
    ("/plain", Page::Plain),
    ("/nonce", Page::Nonce),
    ("/nonce-public", Page::NoncePublic),
    ("/own", Page::OwnHeaders),
    ("/error", Page::Error),
    ("/not-modified", Page::NotModified),
    ("/stream", Page::Stream),
    ("/events", Page::Events),
    ("/patch", Page::Patched),
    ("/unframed", Page::Reframed),
    ("/broken-patch", Page::BrokenPatch),
    ("/no-policy", Page::NoPolicy),
    ("/logout", Page::Logout),
    ("/leaky", Page::Leaky),
    ("/image", Page::Image),
    ("/svg", Page::Svg),
    ("/html", Page::Html),
    ("/json", Page::Json),
    ("/untyped", Page::Untyped),
    ("/expires", Page::Expires),
];

#[derive(Clone, Copy, Debug)]
enum Page {
    Plain,
    Nonce,
    NoncePublic,
    OwnHeaders,
    Error,
    NotModified,
    Stream,
    Events,
    Patched,
    Reframed,
    BrokenPatch,
    NoPolicy,
    Logout,
    Leaky,
    Image,
    Svg,
    Html,
    Json,
    Untyped,
    Expires,
}

impl Page {
    fn status(self) -> u16 {
        match self {
            Self::Error => 500,
            Self::NotModified => 304,
            _ => 200,
        }
    }

    fn takes_nonce(self) -> bool {
        matches!(self, Self::Nonce | Self::NoncePublic)
    }

    /// The headers that the handler sets itself.
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Events => &[("content-type", "text/event-stream")],
            Self::NoncePublic => &[("cache-control", "public, max-age=60")],
            Self::OwnHeaders => &[
                ("referrer-policy", "unsafe-url"),
                ("x-frame-options", "SAMEORIGIN"),
                ("content-security-policy", "default-src 'self'"),
                ("cache-control", "max-age=60"),
                ("set-cookie", "a=1"),
            ],
            Self::Leaky => &[("x-powered-by", "PHP/5.2"), ("server", "secret/1.0"), ("x-own", "1")],
            Self::Image => &[("content-type", "image/png")],
            Self::Svg => &[("content-type", "image/svg+xml")],
            Self::Html => &[("content-type", "text/html; charset=utf-8")],
            Self::Json => &[("content-type", "application/json")],
            Self::Expires => &[("expires", "Thu, 01 Dec 1994 16:00:00 GMT")],
            _ => &[],
        }
    }

    /// What the handler does to the response's head besides.
    fn edit<H: ResponseHead>(self, response: &mut H) {
        let patch = match self {
            Self::Patched => CspPatch::new().extend(Directive::ImgSrc, ["https://tiles.example"]),
            Self::Reframed => {
                CspPatch::new().replace(Directive::FrameAncestors, ["https://partner.example"])
            }
            // Each value is well formed; together they are not.
            Self::BrokenPatch => CspPatch::new()
                .replace(Directive::ImgSrc, ["https://tiles.example"])
                .extend(Directive::ImgSrc, [Source::None]),
            Self::NoPolicy => return CspPatch::dangerously_drop_policy().apply(response),
            Self::Logout => return ClearSiteData::logout().apply(response),
            _ => return,
        };
        patch.build().unwrap().apply(response);
    }
}

mod axum_app {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Path;
    use axum::http::{Request, Response};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[expect(clippy::unused_async, reason = "a handler is asynchronous")]
    async fn page(page: Page, nonce: Option<Nonce>) -> Response<Body> {
        let body = match page {
            Page::Stream => {
                let mut chunks = ["first, ", "second"].into_iter().map(Ok::<_, Infallible>);
                Body::from_stream(poll_fn(move |_| Poll::Ready(chunks.next())))
            }
            _ => Body::from(nonce.map_or_else(|| "hello".to_owned(), |nonce| nonce.to_string())),
        };
        let mut response = Response::builder().status(page.status());
        for (name, value) in page.headers() {
            response = response.header(*name, *value);
        }
        let mut response = response.body(body).unwrap();
        page.edit(&mut response);
        response
    }

    pub(super) fn router() -> Router {
        let mut router = Router::new()
            .route("/only-get", get(|| async { "hello" }))
            .route("/number/{number}", get(|_: Path<u32>| async { "hello" }));
        for (path, which) in PAGES.iter().copied() {
            router = if which.takes_nonce() {
                router.route(path, get(move |nonce: Nonce| page(which, Some(nonce))))
            } else {
                router.route(path, get(move || page(which, None)))
            };
        }
        router
    }

    pub(super) async fn send(router: Router, scheme: Option<Scheme>, path: &str) -> Seen {
        let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(scheme) = scheme {
            request = request.extension(scheme);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let mut headers = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in &head.headers {
            headers.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
        }
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Seen {
            status: head.status.as_u16(),
            headers,
            body: String::from_utf8(body.into()).unwrap(),
        }
    }
}

mod actix_app {
    use actix_web::body::{BoxBody, MessageBody};
    use actix_web::dev::ServiceResponse;
    use actix_web::http::{Method, StatusCode};
    use actix_web::test::{TestRequest, read_body};
    use actix_web::{HttpResponse, web};

    use super::*;

    #[expect(clippy::unused_async, reason = "a handler is asynchronous")]
    async fn page(page: Page, nonce: Option<Nonce>) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(page.status()).unwrap());
        for (name, value) in page.headers() {
            response.append_header((*name, *value));
        }
        let mut response = match page {
            Page::Stream => {
                let chunks = ["first, ", "second"].map(web::Bytes::from);
                let mut chunks = chunks.into_iter().map(Ok::<_, actix_web::Error>);
                response.streaming(poll_fn(move |_| Poll::Ready(chunks.next())))
            }
            _ => response.body(nonce.map_or_else(|| "hello".to_owned(), |nonce| nonce.to_string())),
        };
        page.edit(&mut response);
        response
    }

    pub(super) fn routes(config: &mut web::ServiceConfig) {
        config
            .service(web::resource("/only-get").route(web::get().to(async || "hello")))
            .route("/number/{number}", web::get().to(async |_: web::Path<u32>| "hello"));
        for (path, which) in PAGES.iter().copied() {
            let route = if which.takes_nonce() {
                web::get().to(move |nonce: Nonce| page(which, Some(nonce)))
            } else {
                web::get().to(move || page(which, None))
            };
            config.route(path, route);
        }
    }

    pub(super) fn request(path: &str) -> TestRequest {
        let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        TestRequest::default().method(method).uri(path)
    }

    pub(super) async fn seen<B: MessageBody + 'static>(
        response: Result<ServiceResponse<B>, actix_web::Error>,
    ) -> Seen {
        let response = match response {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let request = TestRequest::default().to_http_request();
                ServiceResponse::new(request, error.error_response())
            }
        };
        let mut headers = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in response.headers() {
            headers.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
        }
        let status = response.status().as_u16();
        let body: ServiceResponse<BoxBody> = response;
        let body = read_body(body).await;
        Seen { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

const HTTPS: Option<Scheme> = Some(Scheme::Https);

/// The sources of a directive in a policy as sent.
fn value<'a>(policy: &'a str, directive: &str) -> Option<&'a str> {
    policy.split("; ").find_map(|part| part.strip_prefix(directive)?.strip_prefix(' '))
}

#[actix_web::test]
async fn every_kind_of_response_gets_every_header_once() {
    let headers = strict().with(legacy::XssProtection::Zero).build().unwrap();
    let expected = headers.to_string();
    for path in [
        "/plain",
        "/nonce",
        "/error",
        "/stream",
        "/events",
        "/leaky",
        "HEAD /plain",
        "/no-such-page",
        "POST /only-get",
        "/number/none",
    ] {
        for (framework, seen) in both!((headers.clone(),), HTTPS, path) {
            for line in expected.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let sent = seen.header(name);
                assert!(sent.is_some(), "{framework} {path}: no {name}");
                if name != "content-security-policy" {
                    assert_eq!(sent, Some(value), "{framework} {path}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn bodies_pass_untouched() {
    for (path, body) in [("/plain", "hello"), ("/stream", "first, second")] {
        for (framework, seen) in both!((strict().build().unwrap(),), None, path) {
            assert_eq!(seen.body, body, "{framework} {path}");
        }
    }
}

#[actix_web::test]
async fn https_only_headers_wait_for_evidence() {
    for (scheme, assumed, expected) in [
        (None, false, false),
        (Some(Scheme::Http), false, false),
        (HTTPS, false, true),
        (None, true, true),
    ] {
        let headers = if assumed { strict().assume_https() } else { strict() };
        let headers = headers.build().unwrap();
        // What the client writes is no evidence.
        for path in ["/plain", "/nonce", "https://example.com/plain"] {
            for (framework, seen) in both!((headers.clone(),), scheme, path) {
                let hsts = seen.header("strict-transport-security").is_some();
                let policy = seen.header("content-security-policy").unwrap();
                let upgrades = policy.contains("upgrade-insecure-requests");
                assert_eq!((hsts, upgrades), (expected, expected), "{framework} {scheme:?} {path}");
            }
        }
    }
}

#[actix_web::test]
async fn the_nonce_in_the_page_is_the_one_in_the_header() {
    let mut seen_nonces = HashSet::new();
    for _ in 0..2 {
        for (framework, seen) in both!((strict().build().unwrap(),), None, "/nonce") {
            let policy = seen.header("content-security-policy").unwrap();
            let nonce = &seen.body;
            assert_eq!(nonce.len(), 22, "{framework}");
            assert_eq!(
                value(policy, "script-src"),
                Some(format!("'nonce-{nonce}' 'strict-dynamic'").as_str()),
                "{framework}"
            );
            assert!(seen_nonces.insert(nonce.clone()), "{framework}: the nonce came twice");
        }
    }
}

#[actix_web::test]
async fn a_nonce_that_nobody_took_is_not_sent() {
    for (framework, seen) in both!((strict().build().unwrap(),), None, "/plain") {
        let policy = seen.header("content-security-policy").unwrap();
        assert_eq!(value(policy, "script-src"), Some("'none'"), "{framework}");
        assert_eq!(seen.header("cache-control"), None, "{framework}");
    }
}

#[actix_web::test]
async fn a_page_with_a_nonce_stays_out_of_shared_caches() {
    for (path, expected) in
        [("/nonce", "private, no-cache"), ("/nonce-public", "public, max-age=60")]
    {
        for (framework, seen) in both!((strict().build().unwrap(),), None, path) {
            assert_eq!(seen.header("cache-control"), Some(expected), "{framework} {path}");
        }
    }
}

#[actix_web::test]
async fn a_nonce_that_no_header_would_carry_is_refused() {
    let no_nonce = SecurityHeaders::api().build().unwrap();
    for (framework, seen) in both!((no_nonce.clone(),), None, "/nonce") {
        assert_eq!(seen.status, 500, "{framework}");
        assert!(!seen.body.contains("nonce"), "{framework}: {}", seen.body);
        assert_eq!(seen.header("x-content-type-options"), Some("nosniff"), "{framework}");
    }
}

#[actix_web::test]
async fn a_304_changes_nothing_of_the_stored_response() {
    for headers in [strict(), SecurityHeaders::api(), SecurityHeaders::helmet_compatible()] {
        let headers = headers.build().unwrap();
        for (framework, seen) in both!((headers.clone(),), HTTPS, "/not-modified") {
            assert_eq!(seen.status, 304, "{framework}");
            assert!(seen.header("strict-transport-security").is_some(), "{framework}");
            for stored in ["content-security-policy", "referrer-policy", "x-frame-options"] {
                assert_eq!(seen.header(stored), None, "{framework}");
            }
            assert_eq!(seen.header("cache-control"), None, "{framework}");
        }
    }
}

#[actix_web::test]
async fn the_handlers_header_stays_unless_told_otherwise() {
    use OnConflict::{Keep, OnlyIfStricter, Override};
    let referrer = HeaderKind::ReferrerPolicy;
    let frames = HeaderKind::FrameOptions;
    let policy = HeaderKind::ContentSecurityPolicy;
    for (header, on_conflict, expected) in [
        (referrer, Keep, "unsafe-url"),
        (referrer, Override, "no-referrer"),
        (referrer, OnlyIfStricter, "no-referrer"),
        (frames, Keep, "SAMEORIGIN"),
        (frames, Override, "DENY"),
        (frames, OnlyIfStricter, "DENY"),
        (policy, Keep, "default-src 'self'"),
    ] {
        let headers = strict().on_conflict(header, on_conflict).build().unwrap();
        for (framework, seen) in both!((headers.clone(),), None, "/own") {
            assert_eq!(seen.header(header.name()), Some(expected), "{framework} {on_conflict:?}");
            assert_eq!(seen.header("set-cookie"), Some("a=1"), "{framework}");
        }
    }
    let headers = strict().on_conflict(policy, Override).build().unwrap();
    for (framework, seen) in both!((headers.clone(),), None, "/own") {
        let sent = seen.header(policy.name()).unwrap();
        assert!(sent.starts_with("default-src 'none'"), "{framework}: {sent}");
    }
}

#[actix_web::test]
async fn a_layer_nearer_to_the_route_wins_also_in_what_it_leaves_out() {
    let near = SecurityHeaders::builder()
        .with(ReferrerPolicy::SameOrigin)
        .without(HeaderKind::FrameOptions)
        .without(HeaderKind::ContentSecurityPolicy)
        .build()
        .unwrap();
    let middle = SecurityHeaders::builder().without(HeaderKind::PermissionsPolicy).build().unwrap();
    let far = strict().build().unwrap();
    let stack = (far, middle, near);
    for (framework, seen) in both!(stack.clone(), None, "/plain") {
        assert_eq!(seen.header("referrer-policy"), Some("same-origin"), "{framework}");
        for absent in ["x-frame-options", "content-security-policy", "permissions-policy"] {
            assert_eq!(seen.header(absent), None, "{framework} {absent}");
        }
        assert_eq!(seen.header("x-content-type-options"), Some("nosniff"), "{framework}");
    }
}

#[actix_web::test]
async fn a_handler_changes_the_policy_of_its_own_response() {
    let headers =
        strict().report_only(|csp| csp.replace(Directive::ImgSrc, [Source::None])).build().unwrap();
    for (framework, seen) in both!((headers.clone(),), None, "/patch") {
        let policy = seen.header("content-security-policy").unwrap();
        assert_eq!(value(policy, "img-src"), Some("'self' https://tiles.example"), "{framework}");
        let watched = seen.header("content-security-policy-report-only").unwrap();
        assert_eq!(value(watched, "img-src"), Some("https://tiles.example"), "{framework}");
    }
    for (framework, seen) in both!((headers.clone(),), None, "/unframed") {
        let policy = seen.header("content-security-policy").unwrap();
        let ancestors = value(policy, "frame-ancestors");
        assert_eq!(ancestors, Some("https://partner.example"), "{framework}");
        assert_eq!(seen.header("x-frame-options"), None, "{framework}: it would contradict");
    }
    for (framework, seen) in both!((headers.clone(),), None, "/no-policy") {
        assert_eq!(seen.header("content-security-policy"), None, "{framework}");
        assert_eq!(seen.header("x-frame-options"), Some("DENY"), "{framework}");
    }
    for (framework, seen) in both!((headers.clone(),), None, "/plain") {
        let policy = seen.header("content-security-policy").unwrap();
        assert_eq!(value(policy, "img-src"), Some("'self'"), "{framework}: nothing is left over");
    }
}

#[actix_web::test]
async fn a_patch_that_makes_no_sense_changes_nothing() {
    for (framework, seen) in both!((strict().build().unwrap(),), None, "/broken-patch") {
        let policy = seen.header("content-security-policy").unwrap();
        assert_eq!(value(policy, "script-src"), Some("'none'"), "{framework}");
        assert_eq!(value(policy, "img-src"), Some("'self'"), "{framework}");
    }
}

#[actix_web::test]
async fn a_logout_clears_the_site() {
    for (framework, seen) in both!((strict().build().unwrap(),), HTTPS, "/logout") {
        let expected = Some(r#""cache","cookies","storage""#);
        assert_eq!(seen.header("clear-site-data"), expected, "{framework}");
    }
}

#[actix_web::test]
async fn leaking_headers_go_and_others_stay() {
    let headers = SecurityHeaders::builder().remove_leaking(true).build().unwrap();
    for (framework, seen) in both!((headers.clone(),), None, "/leaky") {
        assert_eq!(seen.header("x-powered-by"), None, "{framework}");
        assert_eq!(seen.header("server"), None, "{framework}");
        assert_eq!(seen.header("x-own"), Some("1"), "{framework}");
    }
    let own = SecurityHeaders::builder().remove("X-Own").build().unwrap();
    for (framework, seen) in both!((own.clone(),), None, "/leaky") {
        assert_eq!(seen.header("x-own"), None, "{framework}");
        assert_eq!(seen.header("x-powered-by"), Some("PHP/5.2"), "{framework}");
    }
}

#[actix_web::test]
async fn only_documents_get_what_only_documents_need_when_asked() {
    let headers = strict().only_documents().build().unwrap();
    for (path, document) in
        [("/html", true), ("/untyped", true), ("/svg", true), ("/json", true), ("/image", false)]
    {
        for (framework, seen) in both!((headers.clone(),), None, path) {
            let policy = seen.header("content-security-policy").is_some();
            assert_eq!(policy, document, "{framework} {path}");
            assert_eq!(seen.header("x-content-type-options"), Some("nosniff"), "{framework}");
            assert!(seen.header("cross-origin-resource-policy").is_some(), "{framework}");
        }
    }
}

#[actix_web::test]
async fn caching_is_forbidden_unless_somebody_has_said_something() {
    let headers = SecurityHeaders::builder().with(CacheControl::no_store()).build().unwrap();
    for (path, expected) in [
        ("/plain", Some("no-store, max-age=0")),
        ("/error", Some("no-store, max-age=0")),
        ("/own", Some("max-age=60")),
        ("/expires", None),
        ("/not-modified", None),
    ] {
        for (framework, seen) in both!((headers.clone(),), None, path) {
            assert_eq!(seen.header("cache-control"), expected, "{framework} {path}");
        }
    }
}

#[actix_web::test]
async fn switching_hsts_off_tells_browsers_to_forget() {
    let headers = strict().with(StrictTransportSecurity::off()).build().unwrap();
    for (framework, seen) in both!((headers.clone(),), HTTPS, "/plain") {
        assert_eq!(seen.header("strict-transport-security"), Some("max-age=0"), "{framework}");
    }
}

/// Refuses what has `plain` in its path.
#[derive(Clone, Debug)]
struct RefusePlain;

impl Middleware for RefusePlain {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        if !request.path().contains("plain") {
            return Ok(());
        }
        let refusal = Refusal::new(http::StatusCode::TOO_MANY_REQUESTS, "the secret reason");
        Err(refusal.with_header(Name::from_static("retry-after"), Value::new("7").unwrap()))
    }
}

#[actix_web::test]
async fn a_refusal_is_covered_wherever_the_refuser_stands() {
    let headers = strict().build().unwrap();
    let inside = both!((headers.clone(), RefusePlain), HTTPS, "/plain");
    let outside = both!((RefusePlain, headers.clone()), HTTPS, "/plain");
    for (framework, seen) in inside.into_iter().chain(outside) {
        assert_eq!(seen.status, 429, "{framework}");
        assert_eq!(seen.header("retry-after"), Some("7"), "{framework}");
        assert_eq!(seen.header("content-type"), Some("application/problem+json"), "{framework}");
        assert_eq!(seen.header("cache-control"), Some("no-store"), "{framework}");
        assert_eq!(seen.header("x-frame-options"), Some("DENY"), "{framework}");
        assert_eq!(seen.body, r#"{"status":429,"title":"Too Many Requests"}"#, "{framework}");
    }
    for (framework, seen) in both!((headers.clone(), RefusePlain), None, "/nonce") {
        assert_eq!(seen.status, 200, "{framework}");
    }
}

/// Writes down the order in which the members of a stack finish a response.
#[derive(Clone, Debug)]
struct Named(&'static str);

impl Middleware for Named {
    type Memo = String;
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut String) -> Result<(), Infallible> {
        *memo = request.extension::<String>().unwrap_or_default() + self.0;
        request.insert_extension(memo.clone());
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &String, response: &mut H) {
        let name = Name::from_static("x-order");
        let before: Vec<u8> = response.header(&name).flatten().copied().collect();
        let seen = [before.as_slice(), memo.as_bytes(), b" "].concat();
        assert!(response.insert_bytes(&name, seen.into()));
    }
}

#[actix_web::test]
async fn the_first_of_a_stack_is_the_outermost() {
    let nested = (Named("a"), (Named("b"), Named("c")), Named("d"));
    for (framework, seen) in both!(nested.clone(), None, "/plain") {
        assert_eq!(seen.header("x-order"), Some("abcd abc ab a "), "{framework}");
    }
    let eight = ["1", "2", "3", "4", "5", "6", "7", "8"].map(Named);
    let [a, b, c, d, e, f, g, h] = eight;
    let eight = (a, b, c, d, e, f, g, h);
    for (framework, seen) in both!(eight.clone(), None, "/plain") {
        let order = seen.header("x-order").unwrap();
        assert!(order.starts_with("12345678 1234567 "), "{framework}: {order}");
    }
}

#[actix_web::test]
async fn reports_find_their_way_over_http_too() {
    let headers = strict().report_violations_to("/csp-reports").build().unwrap();
    for (scheme, report_to) in [(None, None), (HTTPS, Some("csp-reports"))] {
        for path in ["/plain", "/nonce"] {
            for (framework, seen) in both!((headers.clone(),), scheme, path) {
                let policy = seen.header("content-security-policy").unwrap();
                assert_eq!(value(policy, "report-uri"), Some("/csp-reports"), "{framework}");
                assert_eq!(value(policy, "report-to"), report_to, "{framework} {scheme:?} {path}");
                let declared = seen.header("reporting-endpoints").is_some();
                assert_eq!(declared, report_to.is_some(), "{framework} {scheme:?} {path}");
            }
        }
    }
}

#[actix_web::test]
async fn no_odd_type_strips_a_page_of_its_policy() {
    // Browsers cut types at white space and parentheses, and take the last of a list.
    for odd in [
        "text/html +json",
        "text/html(+json",
        "text/html\t+json",
        "image/svg+xml x",
        "image/svg+xml(",
        "image/x+xml",
        "image/png, text/html",
        "image/ text/html",
        "image/",
        "image",
        "image/<",
        "text/plain",
        "application/octet-stream",
        "multipart/x-mixed-replace",
    ] {
        let headers = strict().only_documents().build().unwrap();
        let typed = SetHeader("content-type", odd);
        for (framework, seen) in both!((headers.clone(), typed.clone()), None, "/plain") {
            assert_eq!(seen.header("content-type"), Some(odd), "{framework}");
            assert!(seen.header("content-security-policy").is_some(), "{framework} {odd}");
        }
    }
}

#[actix_web::test]
async fn a_nonce_is_handed_out_only_if_the_policy_that_is_sent_carries_it() {
    let with = || strict().build().unwrap();
    let without = || SecurityHeaders::api().build().unwrap();
    let overriding = |headers: SecurityHeadersBuilder| {
        let policy = HeaderKind::ContentSecurityPolicy;
        headers.on_conflict(policy, OnConflict::Override).build().unwrap()
    };
    let watched = SecurityHeaders::api()
        .with(ReportOnly("script-src 'nonce'".parse::<ContentSecurityPolicy>().unwrap()))
        .build()
        .unwrap();
    for (name, far, near, expected) in [
        ("both", with(), with(), 200),
        ("the near one alone", without(), with(), 200),
        ("the far one alone", with(), without(), 500),
        ("the far one, which overrides", overriding(strict()), without(), 200),
        ("the near one, overridden", overriding(SecurityHeaders::api()), with(), 500),
        ("only a watched one", with(), watched.clone(), 500),
    ] {
        for (framework, seen) in both!((far.clone(), near.clone()), None, "/nonce") {
            assert_eq!(seen.status, expected, "{framework}: {name}");
            let policy = seen.header("content-security-policy").unwrap();
            let carried = expected == 200 && policy.contains(&format!("'nonce-{}'", seen.body));
            assert_eq!(carried, expected == 200, "{framework}: {name}: {policy}");
        }
    }
}

#[actix_web::test]
async fn no_layer_takes_away_what_keeps_a_nonce_out_of_shared_caches() {
    let near = SecurityHeaders::builder().without(HeaderKind::CacheControl).build().unwrap();
    for (framework, seen) in both!((strict().build().unwrap(), near.clone()), None, "/nonce") {
        assert_eq!(seen.header("cache-control"), Some("private, no-cache"), "{framework}");
    }
}

#[actix_web::test]
async fn a_refusal_further_out_does_not_forget_https() {
    let headers = strict().assume_https().build().unwrap();
    for (framework, seen) in both!((RefusePlain, headers.clone()), None, "/plain") {
        assert!(seen.header("strict-transport-security").is_some(), "{framework}");
    }
}

#[actix_web::test]
async fn a_stricter_cache_control_replaces_a_laxer_one_when_asked() {
    let headers = SecurityHeaders::builder()
        .with(CacheControl::no_store())
        .on_conflict(HeaderKind::CacheControl, OnConflict::OnlyIfStricter)
        .build()
        .unwrap();
    for (path, expected) in [
        ("/own", Some("no-store, max-age=0")),
        ("/plain", Some("no-store, max-age=0")),
        ("/expires", None),
        ("/not-modified", None),
    ] {
        for (framework, seen) in both!((headers.clone(),), None, path) {
            assert_eq!(seen.header("cache-control"), expected, "{framework} {path}");
        }
    }
}

/// Sets a header, as a handler might.
#[derive(Clone, Debug)]
struct SetHeader(&'static str, &'static str);

impl Middleware for SetHeader {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Infallible> {
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, (): &(), response: &mut H) {
        assert!(response.insert_bytes(&Name::from_static(self.0), self.1.into()));
    }
}
