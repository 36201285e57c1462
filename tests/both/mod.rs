//! The same request to the same app in axum and in actix-web, behind the same stack.

#![allow(dead_code, unused_imports, unused_macros, reason = "each test file uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::net::SocketAddr;

use donjon::client::Scheme;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) body: String,
}

impl Ask {
    /// `GET`, for `club.example`, from a stranger.
    pub(crate) fn get(target: &str) -> Self {
        Self::nowhere(target).header("host", "club.example")
    }

    /// The same without a host.
    pub(crate) fn nowhere(target: &str) -> Self {
        Self {
            method: "GET",
            target: target.to_owned(),
            headers: Vec::new(),
            peer: None,
            scheme: None,
            body: String::new(),
        }
        .from("203.0.113.9")
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.peer = Some(SocketAddr::new(peer.parse().unwrap(), 40_000));
        self
    }

    pub(crate) fn over(mut self, scheme: Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    /// The header's one value.
    #[track_caller]
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(name, _)| name == wanted);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{wanted} is sent more than once");
        value
    }

    /// Whether the app behind the stack has answered.
    pub(crate) fn is_of_app(&self) -> bool {
        self.body.starts_with("app") || self.header("x-app").is_some()
    }
}

thread_local! {
    static RAN: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// How often the app's page has run since this was last asked, in this test.
pub(crate) fn ran() -> u32 {
    RAN.take()
}

/// What the app's one page says in its headers.
pub(crate) const APP_HEADERS: [(&str, &str); 3] =
    [("x-app", "1"), ("set-cookie", "id=1"), ("strict-transport-security", "max-age=7")];

/// Sends a request through the stack to an axum `Router` and to an actix-web `App`, which answer any
/// path, and `/members/{id}` as a route of its own.
macro_rules! both {
    ($stack:expr, $ask:expr) => {{
        let (stack, ask): (_, &crate::both::Ask) = ($stack, $ask);
        let router = crate::both::axum_app::router().layer(stack.clone());
        let app = actix_web::App::new().configure(crate::both::actix_app::routes).wrap(stack);
        let app = actix_web::test::init_service(app).await;
        let answer = {
            let request = crate::both::actix_app::request(ask).to_request();
            if let Some(scheme) = ask.scheme {
                actix_web::HttpMessage::extensions_mut(&request).insert(scheme);
            }
            actix_web::test::try_call_service(&app, request).await
        };
        [
            ("axum", crate::both::axum_app::send(router, ask).await),
            ("actix-web", crate::both::actix_app::seen(answer).await),
        ]
    }};
}
pub(crate) use both;

pub(crate) mod axum_app {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::{HeaderValue, Request, Response};
    use axum::response::IntoResponse;
    use axum::routing::any;
    use donjon::client::Client;
    use tower::ServiceExt;

    use super::{APP_HEADERS, Ask, Seen};

    async fn page(client: Client) -> impl IntoResponse {
        (APP_HEADERS, super::told(&client))
    }

    pub(crate) fn router() -> Router {
        Router::new().route("/members/{id}", any(page)).fallback(page)
    }

    pub(crate) async fn send(router: Router, ask: &Ask) -> Seen {
        let mut request = Request::builder().method(ask.method).uri(&ask.target);
        for (name, value) in &ask.headers {
            request = request.header(name, &value[..]);
        }
        if let Some(peer) = ask.peer {
            request = request.extension(ConnectInfo(peer));
        }
        if let Some(scheme) = ask.scheme {
            request = request.extension(scheme);
        }
        let request = request.body(Body::from(ask.body.clone())).unwrap();
        let response: Response<Body> = router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().into());
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value).unwrap()));
        let headers = headers.collect();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        Seen { status: head.status.as_u16(), headers, body }
    }
}

pub(crate) mod actix_app {
    use actix_web::body::{BoxBody, MessageBody};
    use actix_web::dev::ServiceResponse;
    use actix_web::http::Method;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::{TestRequest, read_body};
    use actix_web::{HttpResponse, web};
    use donjon::client::Client;

    use super::{APP_HEADERS, Ask, Seen};

    async fn page(client: Client) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        for header in APP_HEADERS {
            response.append_header(header);
        }
        response.body(super::told(&client))
    }

    pub(crate) fn routes(config: &mut web::ServiceConfig) {
        config.route("/members/{id}", web::route().to(page)).default_service(web::to(page));
    }

    pub(crate) fn request(ask: &Ask) -> TestRequest {
        let method = Method::from_bytes(ask.method.as_bytes()).unwrap();
        let mut request = TestRequest::default().method(method).uri(&ask.target);
        for (name, value) in &ask.headers {
            let value = HeaderValue::from_bytes(value).unwrap();
            request = request.append_header((name.as_str(), value));
        }
        if let Some(peer) = ask.peer {
            request = request.peer_addr(peer);
        }
        request.set_payload(ask.body.clone())
    }

    pub(crate) async fn seen<B: MessageBody + 'static>(
        response: Result<ServiceResponse<B>, actix_web::Error>,
    ) -> Seen {
        let response: ServiceResponse<BoxBody> = match response {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let request = TestRequest::default().to_http_request();
                ServiceResponse::new(request, error.error_response())
            }
        };
        let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().into()).unwrap();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = response.status().as_u16();
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        Seen { status, headers, body }
    }
}

fn told(client: &donjon::client::Client) -> String {
    RAN.set(RAN.get() + 1);
    let host = client.host().map(ToString::to_string);
    let addr = client.addr().map_or_else(|error| error.to_string(), |addr| addr.to_string());
    format!("app {addr} {:?} {}", client.scheme(), host.unwrap_or_default())
}
