//! The path of a normal request allocates nothing beyond what its header map needs.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers", feature = "https"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix_web::dev::ServiceRequest;
use bytes::Bytes;
use donjon::client::{AllowedNetworks, Networks, Peer, TrustedProxies};
use donjon::event::EventLog;
use donjon::head::RequestHead;
use donjon::headers::{
    ContentTypeOptions, CrossOriginOpenerPolicy, DnsPrefetchControl, FrameOptions, Nonce,
    OriginAgentCluster, ReferrerPolicy, SecurityHeaders, SecurityHeadersBuilder,
};
use donjon::https::{AllowedHosts, RequireHttps};
use donjon::middleware::{Middleware, Stack};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service};

fn some_headers() -> SecurityHeadersBuilder {
    SecurityHeaders::builder()
        .with(ContentTypeOptions::NoSniff)
        .with(FrameOptions::Deny)
        .with(ReferrerPolicy::NoReferrer)
        .with(CrossOriginOpenerPolicy::SameOrigin)
        .with(OriginAgentCluster::On)
        .with(DnsPrefetchControl::Off)
        .remove_leaking(true)
}

/// How often a call of the service allocates, its future and its response's end included.
fn allocations<S, B, R>(mut service: S, request: impl Fn() -> Request<B>) -> u64
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    let mut call = |request| {
        let mut future = pin!(service.call(request));
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
    };
    // What is made once is made now.
    call(request());
    let request = request();
    allocation_counter::measure(|| call(request)).count_total
}

/// The same of a service of actix-web.
async fn allocations_in_actix<S>(service: S, requests: impl Fn() -> ServiceRequest) -> u64
where
    S: actix_web::dev::Service<ServiceRequest, Error: std::fmt::Debug>,
{
    // actix-web keeps response heads, with their maps, for the next response.
    for _ in 0..3 {
        service.call(requests()).await.unwrap();
    }
    let request = requests();
    let measured = allocation_counter::measure(|| {
        let mut future = pin!(service.call(request));
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
    });
    measured.count_total
}

#[cfg(feature = "payment")]
#[test]
fn a_card_guard_allocates_nothing_where_there_is_no_body() {
    use axum::body::Body;
    use donjon::payment::card::CardGuard;

    let bare = |_| ready(Ok::<_, Infallible>(Response::new(Body::empty())));
    let request = || {
        Request::get("/members/4711/courts?day=2026-11-26&page=2")
            .header("host", "club.example")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
            .header("cookie", "__Host-sid=7f3a9c1e5b2d4860; theme=dark")
            .header("x-request-id", "1700000000000000000")
            .body(Body::empty())
            .unwrap()
    };
    let guarded =
        CardGuard::new().layer(tower::service_fn(|_| ready(Ok(Response::new(Body::empty())))));

    assert_eq!(allocations(guarded, request), allocations(tower::service_fn(bare), request));
}

fn hello(_: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
    let mut response = Response::new(());
    let html = HeaderValue::from_static("text/html");
    response.headers_mut().insert(http::header::CONTENT_TYPE, html);
    ready(Ok(response))
}

/// The cheapest way known by hand: the headers ready in a map that is cloned, and the handler's
/// moved over it.
fn by_hand() -> impl Service<Request<()>, Response = Response<()>, Error = Infallible> {
    let mut ours = HeaderMap::new();
    for line in some_headers().build().unwrap().to_string().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        ours.insert(name, value.parse().unwrap());
    }
    ours.reserve(6);
    tower::service_fn(move |request| {
        let mut response = hello(request).into_inner().unwrap();
        let theirs = std::mem::replace(response.headers_mut(), ours.clone());
        response.headers_mut().extend(theirs);
        ready(Ok(response))
    })
}

#[test]
fn headers_cost_what_they_cost_by_hand() {
    let floor = allocations(by_hand(), || Request::new(()));

    let alone = some_headers().build().unwrap().layer(tower::service_fn(hello));
    assert_eq!(allocations(alone, || Request::new(())), floor);

    let headers = some_headers().build().unwrap();
    let stack = Stack::new((headers.clone(), Idle, Idle)).layer(tower::service_fn(hello));
    assert_eq!(allocations(stack, || Request::new(())), floor, "a stack adds nothing");
}

#[test]
fn a_nonce_costs_its_header_and_the_request_context() {
    let fixed = some_headers().with(policy("script-src 'self'")).build().unwrap();
    let fixed = allocations(fixed.layer(tower::service_fn(hello)), || Request::new(()));
    let context = allocation_counter::measure(|| {
        Request::new(()).extensions_mut().insert(Arc::new([0_u8; 64]));
    });

    let with_nonce = some_headers().with(policy("script-src 'nonce'")).build().unwrap();
    let taken = with_nonce.layer(tower::service_fn(|request: Request<()>| {
        let (mut parts, ()) = request.into_parts();
        let nonce = <Nonce as axum::extract::FromRequestParts<()>>::from_request_parts;
        let mut nonce = pin!(nonce(&mut parts, &()));
        let polled = nonce.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
        let mut response = Response::new(());
        let private = HeaderValue::from_static("private");
        response.headers_mut().insert(http::header::CACHE_CONTROL, private);
        ready(Ok(response))
    }));

    let cost = allocations(taken, || Request::new(()));
    assert!(cost <= fixed + context.count_total + 1, "{cost} over {fixed} and {context:?}");
}

/// A request as a proxy hands it on.
fn forwarded() -> Request<()> {
    let mut request = Request::new(());
    for (name, value) in FORWARDED {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request.extensions_mut().insert(Peer(([10, 0, 0, 5], 40_000).into()));
    request
}

const FORWARDED: [(&str, &str); 3] = [
    ("host", "www.club.example"),
    ("x-forwarded-for", "203.0.113.9, 198.51.100.7"),
    ("x-forwarded-proto", "https"),
];

type Walls = Stack<(TrustedProxies, AllowedHosts, RequireHttps, AllowedNetworks)>;

fn walls() -> Walls {
    Stack::new((
        TrustedProxies::in_networks(["10.0.0.0/8"]).unwrap(),
        AllowedHosts::new(["club.example", "*.club.example"]).unwrap(),
        RequireHttps::redirect_to("club.example").unwrap().exempt("/healthz").unwrap(),
        AllowedNetworks::new(Networks::parse(["198.51.100.0/24"]).unwrap()),
    ))
}

#[test]
fn to_know_who_is_asking_costs_the_request_context_and_no_more() {
    let served =
        tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Bytes::new()))));
    let with_extension = tower::service_fn(|mut request: Request<()>| {
        request.extensions_mut().insert(Arc::new([0_u8; 64]));
        ready(Ok::<_, Infallible>(Response::new(Bytes::new())))
    });
    let floor = allocations(with_extension, forwarded);
    let log = EventLog::builder().discard().build().unwrap();
    let ours = Stack::new((log, walls())).layer(served);
    assert_eq!(allocations(ours, forwarded), floor);
}

#[actix_web::test]
async fn in_actix_web_it_costs_the_request_context_too() {
    use actix_web::dev::{ServiceResponse, Transform, fn_service};
    use actix_web::test::TestRequest;
    use actix_web::{HttpMessage, HttpResponse};

    async fn hello(request: ServiceRequest) -> actix_web::Result<ServiceResponse> {
        Ok(request.into_response(HttpResponse::Ok().finish()))
    }
    async fn with_extension(request: ServiceRequest) -> actix_web::Result<ServiceResponse> {
        request.extensions_mut().insert(Arc::new([0_u8; 64]));
        hello(request).await
    }
    let requests = || {
        let request = TestRequest::default().peer_addr(([10, 0, 0, 5], 40_000).into());
        let request =
            FORWARDED.iter().fold(request, |request, field| request.append_header(*field));
        request.to_srv_request()
    };

    let floor = allocations_in_actix(fn_service(with_extension), requests).await;
    let ours = walls().new_transform(fn_service(hello)).await.unwrap();
    let ours = allocations_in_actix(ours, requests).await;

    assert_eq!(ours, floor);
}

/// A login's address that has room, and a request that is within its rate.
#[cfg(feature = "lockout")]
mod login {
    use std::time::Duration;

    use donjon::lockout::{Lockout, LockoutPolicy, LoginLockout, Throttle};

    use super::*;

    fn layers() -> (LoginLockout, Throttle) {
        let lockout = Lockout::builder(LockoutPolicy::default()).build().unwrap();
        let throttle = Throttle::new(1000, Duration::from_secs(1)).unwrap();
        (LoginLockout::new(&lockout), throttle)
    }

    #[test]
    fn the_gate_of_a_login_costs_no_allocation() {
        let served = tower::service_fn(|_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(Bytes::new())))
        });
        let (gate, throttle) = layers();
        let floor = allocations(walls().layer(served), forwarded);
        assert_eq!(allocations(walls().layer(gate.layer(served)), forwarded), floor);
        assert_eq!(allocations(walls().layer(throttle.layer(served)), forwarded), floor);
    }

    #[actix_web::test]
    async fn in_actix_web_the_gate_of_a_login_costs_no_allocation() {
        use actix_web::HttpResponse;
        use actix_web::dev::{ServiceResponse, Transform, fn_service};
        use actix_web::test::TestRequest;

        async fn hello(request: ServiceRequest) -> actix_web::Result<ServiceResponse> {
            Ok(request.into_response(HttpResponse::Ok().finish()))
        }
        let requests = || {
            let request = TestRequest::default().peer_addr(([10, 0, 0, 5], 40_000).into());
            let request =
                FORWARDED.iter().fold(request, |request, field| request.append_header(*field));
            request.to_srv_request()
        };
        let (gate, _) = layers();
        let floor = walls().new_transform(fn_service(hello)).await.unwrap();
        let floor = allocations_in_actix(floor, requests).await;
        let gate = gate.new_transform(fn_service(hello)).await.unwrap();
        let gate = walls().new_transform(gate).await.unwrap();
        assert_eq!(allocations_in_actix(gate, requests).await, floor);
    }
}

/// Who is asking is found out once, and a guard only looks.
#[cfg(feature = "roles")]
mod roles {
    use std::time::Duration;

    use donjon::roles::{Authenticate, Identify, Identity, Require, Rule, Seal, permission};

    use super::*;

    donjon::permissions! { enum Permission { Read = "read", Write = "write" } }
    donjon::roles! { enum Role grants Permission { Member = "member" => [Read, Write] } }

    #[derive(Clone)]
    struct Always;

    impl Identify for Always {
        type Role = Role;
        type Error = Infallible;

        fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, Infallible> {
            let now = std::time::SystemTime::now();
            Ok(Some(Identity::new("4711").role(Role::Member).signed_in_at(now)))
        }
    }

    #[test]
    fn a_guard_costs_no_allocation() {
        let served = tower::service_fn(|_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(Bytes::new())))
        });
        let proxies = TrustedProxies::in_networks(["10.0.0.0/8"]).unwrap();
        let known = || Stack::new((proxies.clone(), Authenticate::new(Always)));
        let floor = allocations(known().layer(served), forwarded);
        let office = Rule::network(Networks::parse(["198.51.100.0/24"]).unwrap());
        let rule = (permission(Permission::Read) & Rule::fresh(Duration::from_secs(60)) & office)
            | !permission(Permission::Write);
        let guarded = Stack::new((known(), Require::new(rule.clone())));
        assert_eq!(allocations(guarded.layer(served), forwarded), floor);
        let sealed = Stack::new((known(), Seal::new().fallback(rule)));
        assert_eq!(allocations(sealed.layer(served), forwarded), floor);
    }
}

#[actix_web::test]
async fn in_actix_web_headers_cost_no_allocation() {
    use actix_web::dev::{Transform, fn_service};
    use actix_web::test::TestRequest;
    use actix_web::{HttpResponse, dev};

    async fn hello(request: ServiceRequest) -> actix_web::Result<dev::ServiceResponse> {
        Ok(request.into_response(HttpResponse::Ok().content_type("text/html").finish()))
    }
    let requests = || TestRequest::default().to_srv_request();

    let bare = allocations_in_actix(fn_service(hello), requests).await;
    let headers = Stack::new((some_headers().build().unwrap(), Idle));
    let ours = headers.new_transform(fn_service(hello)).await.unwrap();
    let ours = allocations_in_actix(ours, requests).await;

    assert_eq!(ours, bare);
}

fn policy(text: &str) -> donjon::headers::ContentSecurityPolicy {
    text.parse().unwrap()
}

/// A middleware that does nothing.
#[derive(Clone)]
struct Idle;

impl Middleware for Idle {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Infallible> {
        Ok(())
    }
}
