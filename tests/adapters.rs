//! What the adapters promise of themselves, whatever the middleware.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::convert::Infallible;
use std::rc::Rc;

use donjon::adapters::tower::{Guarded, ResponseFuture};
use donjon::headers::{SecurityHeaders, SecurityHeadersBuilder};
use donjon::middleware::Stack;
use http::{Request, Response};
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{Layer, ServiceExt, service_fn};
use tower_test::mock;

fn headers() -> SecurityHeaders {
    SecurityHeaders::strict().build().unwrap()
}

#[tokio::test]
async fn a_middleware_that_never_refuses_asks_nothing_of_the_bodies() {
    async fn echo<B>(request: Request<B>) -> Result<Response<B>, Infallible> {
        Ok(Response::new(request.into_body()))
    }
    // An `Rc` is neither `Send` nor an `http_body::Body`.
    let service = Stack::new((headers(), headers())).layer(service_fn(echo::<Rc<str>>));

    let response = service.oneshot(Request::new(Rc::from("hi"))).await.unwrap();

    assert_eq!(response.headers()["x-frame-options"], "DENY");
    assert_eq!(&**response.body(), "hi");
}

#[actix_web::test]
async fn in_actix_web_it_leaves_the_type_of_the_body_alone() {
    use actix_web::body::BoxBody;
    use actix_web::dev::{Service, Transform};
    use actix_web::test::{TestRequest, ok_service};

    let service = headers().new_transform(ok_service()).await.unwrap();
    let request = TestRequest::default().to_srv_request();
    let response: actix_web::dev::ServiceResponse<BoxBody> = service.call(request).await.unwrap();

    assert_eq!(response.headers().get("x-frame-options").unwrap(), "DENY");
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_through() {
    let inner = service_fn(|_: Request<()>| async { Err::<Response<()>, _>("broken") });

    let result = headers().layer(inner).oneshot(Request::new(())).await;

    assert_eq!(result.unwrap_err(), "broken");
}

#[test]
fn readiness_is_that_of_the_inner_service() {
    let headers = headers();
    let (mut service, mut handle) =
        mock::spawn_with::<Request<()>, Response<()>, _, _>(|inner| headers.layer(inner));

    handle.allow(0);
    assert_pending!(service.poll_ready());

    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
}

#[actix_web::test]
async fn an_error_of_an_inner_middleware_is_covered() {
    use actix_web::middleware::{Next, from_fn};
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, HttpResponse, body::BoxBody, dev, error, web};

    async fn fail(
        _: dev::ServiceRequest,
        _: Next<BoxBody>,
    ) -> Result<dev::ServiceResponse<BoxBody>, error::Error> {
        Err(error::ErrorUnauthorized("no"))
    }
    let app =
        App::new().route("/", web::get().to(HttpResponse::Ok)).wrap(from_fn(fail)).wrap(headers());
    let app = init_service(app).await;

    let error = try_call_service(&app, TestRequest::default().to_request()).await.unwrap_err();

    // actix-web may make the response more than once.
    for _ in 0..2 {
        let response = error.error_response();
        assert_eq!(response.status(), 401);
        let policies: Vec<_> = response.headers().get_all("content-security-policy").collect();
        assert_eq!(policies.len(), 1);
        assert_eq!(response.headers().get("x-frame-options").unwrap(), "DENY");
    }
}

#[tokio::test]
async fn in_axum_a_fallback_added_after_the_layer_is_covered_by_a_layer_around_the_router() {
    use axum::body::Body;
    use axum::{Router, routing::get};

    let router = || Router::new().route("/", get(|| async { "hello" }));
    let late = |router: Router| router.fallback(|| async { "nothing here" });
    let request = || Request::get("/nope").body(Body::empty()).unwrap();

    let inside = late(router().layer(headers())).oneshot(request()).await.unwrap();
    assert!(inside.headers().get("x-frame-options").is_none(), "axum's rule, and documented");

    let around = headers().layer(late(router())).oneshot(request()).await.unwrap();
    assert_eq!(around.headers()["x-frame-options"], "DENY");
}

#[tokio::test]
async fn a_nonce_asked_for_after_the_head_is_not_handed_out() {
    use donjon::headers::Nonce;

    let service = headers().layer(service_fn(|request: Request<()>| async move {
        Ok::<_, Infallible>(Response::new(request.into_parts().0.extensions))
    }));

    let response = service.oneshot(Request::new(())).await.unwrap();

    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'none'"), "{policy}");
    assert_eq!(Nonce::from_extensions(response.body()), None, "no header would carry it");
}

#[tokio::test]
async fn in_axum_handlers_return_patches_and_take_a_nonce_if_there_is_one() {
    use axum::{Router, body::Body, routing::get};
    use donjon::headers::csp::{CspPatch, Directive};
    use donjon::headers::{ClearSiteData, Nonce};

    let page = async |nonce: Option<Nonce>| {
        let patch = CspPatch::new().extend(Directive::ImgSrc, ["https://tiles.example"]);
        let status = if nonce.is_some() { 200 } else { 203 };
        let status = http::StatusCode::from_u16(status).unwrap();
        (status, patch.build().unwrap(), ClearSiteData::logout(), "hello")
    };
    let router = Router::new().route("/", get(page));
    for (router, status) in [(router.clone().layer(headers()), 200), (router, 203)] {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers().contains_key("clear-site-data"));
        let policy = response.headers().get("content-security-policy");
        let patched = policy.map(|policy| policy.to_str().unwrap().contains("tiles.example"));
        assert_eq!(patched, (status == 200).then_some(true));
    }
}

/// Fails to compile if a public type stops being usable across threads or twice.
const _: () = {
    const fn send_sync_clone<T: Send + Sync + Clone>() {}
    const fn send_sync<T: Send + Sync>() {}
    send_sync_clone::<SecurityHeaders>();
    send_sync_clone::<SecurityHeadersBuilder>();
    send_sync_clone::<Stack<(SecurityHeaders, SecurityHeaders)>>();
    send_sync_clone::<Guarded<(), Stack<(SecurityHeaders,)>>>();
    send_sync::<ResponseFuture<(), Stack<(SecurityHeaders,)>>>();
    send_sync_clone::<donjon::headers::Nonce>();
    send_sync_clone::<donjon::headers::csp::CspPatch>();
    send_sync_clone::<donjon::refusal::Refusal>();
    #[cfg(feature = "reports")]
    send_sync_clone::<donjon::headers::collector::ReportCollector>();
};
