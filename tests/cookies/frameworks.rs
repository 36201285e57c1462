//! C20, and what is a framework's own: every way a response comes about, and who reads cookies.

use std::panic::AssertUnwindSafe;

use actix_web::http::StatusCode as ActixStatus;
use actix_web::{App, HttpRequest, HttpResponse, ResponseError, web};
use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::{any, get};
use futures_util::FutureExt as _;
use tower::ServiceExt;

use super::*;

const SENT: [&str; 2] =
    ["id=1; Secure; HttpOnly; SameSite=Lax", "b=2; Secure; HttpOnly; SameSite=Lax"];
const SET: [(&str, &str); 2] = [("set-cookie", "id=1"), ("set-cookie", "b=2")];

/// Turns a panic into an answer, as such layers do, with a cookie of its own.
async fn catch(request: AxumRequest, next: Next) -> AxumResponse {
    let caught = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    caught.unwrap_or_else(|_| with_cookies(StatusCode::INTERNAL_SERVER_ERROR))
}

/// Answers instead of the handler.
async fn refuse(_: AxumRequest, _: Next) -> AxumResponse {
    with_cookies(StatusCode::FORBIDDEN)
}

fn with_cookies(status: StatusCode) -> AxumResponse {
    let mut response = (status, "x").into_response();
    for (name, value) in SET {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    response
}

#[tokio::test]
async fn in_axum_every_answer_is_hardened() {
    let of = |status: u16| any(async move || with_cookies(StatusCode::from_u16(status).unwrap()));
    let router = Router::new()
        .route("/101", of(101))
        .route("/204", of(204))
        .route("/304", of(304))
        .route("/404", of(404))
        .route("/500", any(async || Err::<(), _>(with_cookies(StatusCode::INTERNAL_SERVER_ERROR))))
        .route("/panic", any(async || panic!("as it should") as &str))
        .route("/403", get(async || "never").layer(from_fn(refuse)))
        .route("/only-get", get(async || "x"))
        .fallback(async || with_cookies(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || with_cookies(StatusCode::METHOD_NOT_ALLOWED))
        .layer(from_fn(catch))
        .layer(Stack::new((fix(),)));
    for (method, path, status) in [
        ("GET", "/101", 101),
        ("GET", "/204", 204),
        ("GET", "/304", 304),
        ("HEAD", "/304", 304),
        ("HEAD", "/404", 404),
        ("POST", "/500", 500),
        ("GET", "/panic", 500),
        ("GET", "/403", 403),
        ("GET", "/none/such", 404),
        ("POST", "/only-get", 405),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("connection", "upgrade").header("upgrade", "x");
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, SENT, "{method} {path}");
    }
}

/// An error that sets cookies.
#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl ResponseError for Failed {
    fn error_response(&self) -> HttpResponse {
        cookies_of_actix(ActixStatus::BAD_GATEWAY)
    }
}

fn cookies_of_actix(status: ActixStatus) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for header in SET {
        response.append_header(header);
    }
    response.finish()
}

#[actix_web::test]
async fn in_actix_web_every_answer_is_hardened() {
    async fn answer(status: web::Path<u16>) -> HttpResponse {
        cookies_of_actix(ActixStatus::from_u16(*status).unwrap())
    }
    let app = App::new()
        .route("/status/{status}", web::route().to(answer))
        .route("/error", web::get().to(async || Err::<HttpResponse, _>(Failed)))
        .service(web::resource("/inner").wrap(actix_web::middleware::from_fn(
            async |_: actix_web::dev::ServiceRequest,
                   _: actix_web::middleware::Next<actix_web::body::BoxBody>| {
                Err::<actix_web::dev::ServiceResponse, _>(Failed.into())
            },
        )))
        .default_service(web::to(async || cookies_of_actix(ActixStatus::NOT_FOUND)))
        .wrap(fix());
    let app = actix_web::test::init_service(app).await;
    for (method, path, status) in [
        ("GET", "/status/101", 101),
        ("GET", "/status/204", 204),
        ("GET", "/status/304", 304),
        ("HEAD", "/status/200", 200),
        ("HEAD", "/status/304", 304),
        ("GET", "/error", 502),
        ("GET", "/inner", 502),
        ("POST", "/none/such", 404),
    ] {
        let ask = Ask::get(path).method(method);
        let request = both::actix_app::request(&ask).to_request();
        // An error goes up through the layers as one, and is made an answer on top.
        let headers = match actix_web::test::try_call_service(&app, request).await {
            Ok(response) => (response.status(), response.headers().clone()),
            Err(error) => {
                let response = error.error_response();
                (response.status(), response.headers().clone())
            }
        };
        assert_eq!(headers.0.as_u16(), status, "{method} {path}");
        let cookies: Vec<_> = headers.1.get_all("set-cookie").collect();
        assert_eq!(cookies, SENT, "{method} {path}");
    }
}

/// Values are rewritten in their order, whatever way they were set, and nothing else moves.
#[actix_web::test]
async fn in_actix_web_lines_are_rewritten_in_their_place() {
    use actix_web::cookie::{Cookie, SameSite as Theirs, time::Duration as Time};

    async fn handler() -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.append_header(("x-a", "1")).append_header(("set-cookie", "raw=1"));
        response.cookie(Cookie::new("built", "2"));
        response.append_header(("x-a", "2")).append_header(("set-cookie", "raw=1; Path=/x"));
        let wrong = Cookie::build("__Host-built", "3").path("/x").domain("a.example");
        response.cookie(wrong.same_site(Theirs::None).http_only(false).finish());
        response.cookie(Cookie::build("long", "4").max_age(Time::days(1000)).finish());
        response.append_header(("set-cookie", "")).append_header(("x-b", "3"));
        let mut response = response.finish();
        let mut gone = Cookie::new("gone", "");
        gone.make_removal();
        response.add_cookie(&gone).unwrap();
        response.add_removal_cookie(&Cookie::build("old", "").path("/x").finish()).unwrap();
        response
            .headers_mut()
            .append("x-a".parse().unwrap(), actix_web::http::header::HeaderValue::from_static("3"));
        response
    }
    let app = App::new().route("/", web::get().to(handler)).wrap(fix());
    let app = actix_web::test::init_service(app).await;
    let request = actix_web::test::TestRequest::default().to_request();
    let response = actix_web::test::call_service(&app, request).await;
    let all = |name: &str| -> Vec<_> {
        let values = response.headers().get_all(name);
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    let cookies = all("set-cookie");
    let end = "Secure; HttpOnly; SameSite=Lax";
    assert_eq!(
        cookies[..5],
        [
            format!("raw=1; {end}"),
            format!("built=2; {end}"),
            format!("raw=1; Path=/x; {end}"),
            "__Host-built=3; SameSite=Lax; Secure; Path=/; HttpOnly".to_owned(),
            format!("long=4; Max-Age=34560000; {end}"),
        ]
    );
    let now = std::time::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    for (line, name) in cookies[5..].iter().zip(["gone", "old"]) {
        let cookie = SetCookie::parse(line.as_bytes());
        assert_eq!((cookie.name(), cookie.is_deletion(now)), (name.as_bytes(), true), "{line}");
        assert!(cookie.secure() && cookie.http_only());
    }
    assert_eq!(cookies.len(), 7);
    assert_eq!(
        (all("x-a"), all("x-b")),
        (vec!["1".into(), "2".into(), "3".into()], vec!["3".to_owned()])
    );
}

/// Handlers of actix-web that read cookies by its own parser, which decodes names and values.
#[actix_web::test]
async fn in_actix_web_no_handler_reads_what_is_stripped() {
    async fn read(request: HttpRequest) -> String {
        let all = request.cookies().unwrap();
        let all: Vec<_> =
            all.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        let sid = request.cookie(NAME).map_or("nobody".into(), |cookie| cookie.value().to_owned());
        format!("{sid} [{}]", all.join("|"))
    }
    let app = |guard: GuardCookies| async move {
        let app = App::new()
            .service(web::scope("/deep").route("/{a}", web::get().to(read)))
            .route("/", web::get().to(read))
            .wrap(guard);
        actix_web::test::init_service(app).await
    };
    let guard = || GuardCookies::new([NAME]).unwrap();
    let lookalikes = app(guard().strip_lookalikes()).await;
    let ambiguous = app(guard().strip_ambiguous()).await;
    let flood = vec!["a=1"; 300].join("; ");
    for (strips_lookalikes, lines, saw) in [
        (true, &["a=1; __Host-sid=good"][..], "good [a=1|__Host-sid=good]"),
        (true, &["__Host-sid=good; %5F%5FHost-sid=EVIL"], "good [__Host-sid=good]"),
        (true, &["%5F%5FHost-sid=EVIL", "b=2"], "nobody [b=2]"),
        (true, &["\u{2000}__Host-sid=EVIL; b=2; \u{85}__Host-sid\u{2005}=EVIL"], "nobody [b=2]"),
        (true, &["__HOST-sid=EVIL; =__Host-sid=EVIL; __Host-sid"], "nobody []"),
        (true, &["%255F_Host-sid=EVIL;b=2;  __Host-sid=good"], "good [b=2|__Host-sid=good]"),
        (false, &["__Host-sid=A; b=2", "__Host-sid=B"], "nobody [b=2]"),
        (false, &["__Host-sid=A; __Host-sid=A; %5F_Host-sid=EVIL; b=2"], "nobody [b=2]"),
        (false, &[&flood, "__Host-sid=A"], "nobody []"),
        (false, &["__Host-sid=good; b=2"], "good [__Host-sid=good|b=2]"),
    ] {
        for path in ["/", "/deep/1"] {
            let mut ask = Ask::get(path);
            for line in lines {
                ask = ask.header("cookie", line);
            }
            let request = both::actix_app::request(&ask).to_request();
            let app = if strips_lookalikes { &lookalikes } else { &ambiguous };
            let response = actix_web::test::call_service(app, request).await;
            let body = actix_web::test::read_body(response).await;
            assert_eq!(body, saw, "{path} {lines:?}");
        }
    }
}
