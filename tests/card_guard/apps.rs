//! The same app in axum and in actix-web: it reads its bodies, and says what it must not.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<Bytes>,
}

impl Ask {
    pub(crate) fn get(target: &str) -> Self {
        Self { method: "GET", target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn post(target: &str) -> Self {
        Self { method: "POST", ..Self::get(target) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(self, body: &str) -> Self {
        self.chunks(&[body])
    }

    pub(crate) fn chunks(mut self, chunks: &[&str]) -> Self {
        self.body = chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk.as_bytes())).collect();
        self
    }

    /// The same body in chunks of this size.
    pub(crate) fn cut(mut self, size: usize) -> Self {
        let whole = self.body.concat();
        self.body = whole.chunks(size).map(Bytes::copy_from_slice).collect();
        self
    }

    pub(crate) fn cut_at(mut self, at: usize) -> Self {
        let whole = self.body.concat();
        let (one, two) = whole.split_at(at);
        self.body = vec![Bytes::copy_from_slice(one), Bytes::copy_from_slice(two)];
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.concat()).unwrap()
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body ended with an error.
    pub(crate) broken: bool,
    /// A handler had a whole body.
    pub(crate) ran: bool,
    /// What handlers have read.
    pub(crate) handed: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_of_app(&self) -> bool {
        self.header("x-app").is_some()
    }
}

thread_local! {
    static RAN: Cell<bool> = const { Cell::new(false) };
    static HANDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn read(chunk: &[u8]) {
    HANDED.with_borrow_mut(|handed| handed.extend_from_slice(chunk));
}

fn whole() {
    RAN.set(true);
}

/// Paths and what is answered there: a header, and a body in chunks.
const SAYS: [(&str, (&str, &str), &[&str]); 7] = [
    ("/says-body", ("x-a", "1"), &["paid with 4111111111111111, thanks"]),
    ("/says-at-the-end", ("x-a", "1"), &["paid with 4111111111111111"]),
    ("/says-location", ("location", "/paid?n=4111111111111111"), &["see"]),
    ("/says-cookie", ("set-cookie", "n=4111111111111111; Path=/"), &["see"]),
    ("/says-header", ("x-card", "4111111111111111"), &["see"]),
    ("/says-later", ("x-a", "1"), &["one ", "two 4111 1111 ", "1111 1111 three"]),
    ("/streams", ("x-a", "1"), &["one 17000000", "00000 two 4111", " three"]),
];

/// Sends a request through the guard, inside of the stack, to an axum `Router` and to an actix-web `App`.
macro_rules! both {
    ($guard:expr, $stack:expr, $ask:expr) => {{
        let (guard, stack, ask): (_, _, &crate::apps::Ask) = ($guard, $stack, $ask);
        let router = crate::apps::axum_app::router().layer(guard.clone()).layer(stack.clone());
        let axum = crate::apps::axum_app::send(router, ask).await;
        let app =
            actix_web::App::new().configure(crate::apps::actix_app::routes).wrap(guard).wrap(stack);
        let app = actix_web::test::init_service(app).await;
        let (request, payload) = crate::apps::actix_app::request(ask);
        let request = request.to_request().replace_payload(payload).0;
        let answer = actix_web::test::try_call_service(&app, request).await;
        [("axum", axum), ("actix-web", crate::apps::actix_app::seen(answer).await)]
    }};
}
pub(crate) use both;

pub(crate) mod axum_app {
    use std::convert::Infallible;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::{HeaderName, Request, Response, StatusCode};
    use axum::response::IntoResponse;
    use axum::routing::{any, post};
    use futures_util::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::{Ask, HANDED, RAN, SAYS, Seen, read, whole};

    async fn echo(body: Body) -> Result<impl IntoResponse, StatusCode> {
        let mut stream = body.into_data_stream();
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
            read(&chunk);
            all.extend_from_slice(&chunk);
        }
        whole();
        Ok(([("x-app", "1")], all))
    }

    async fn swallow(body: Body) -> impl IntoResponse {
        let mut stream = body.into_data_stream();
        while let Some(Ok(_)) = stream.next().await {}
        ([("x-app", "1")], "stored")
    }

    async fn mirror(body: Body) -> impl IntoResponse {
        ([("x-app", "1")], Body::from_stream(body.into_data_stream()))
    }

    pub(crate) fn router() -> Router {
        let mut router = Router::new()
            .route("/swallow", post(swallow))
            .route("/mirror", post(mirror))
            .route(
                "/says-error",
                any(|| async { (StatusCode::BAD_REQUEST, "no such card: 4111111111111111") }),
            )
            .fallback(echo);
        for (path, (name, value), chunks) in SAYS {
            let name = HeaderName::from_static(name);
            let body = move || match chunks {
                [whole] => Body::from(*whole),
                _ => Body::from_stream(stream::iter(
                    chunks
                        .iter()
                        .map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes()))),
                )),
            };
            let handler = move || async move { ([("x-app", "1")], [(name, value)], body()) };
            router = router.route(path, any(handler));
        }
        router
    }

    pub(crate) async fn send(router: Router, ask: &Ask) -> Seen {
        let mut request = Request::builder().method(ask.method).uri(&ask.target);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let body = match &ask.body[..] {
            [] => Body::empty(),
            [whole] => Body::from(whole.clone()),
            chunks => {
                let chunks: Vec<_> = chunks.to_vec();
                Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, Infallible>)))
            }
        };
        let response: Response<Body> = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let (head, mut body) = response.into_parts();
        let headers = head.headers.iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let (mut all, mut broken) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => broken = true,
            }
        }
        let body = String::from_utf8(all).unwrap();
        Seen {
            status: head.status.as_u16(),
            headers,
            body,
            broken,
            ran: RAN.take(),
            handed: HANDED.take(),
        }
    }
}

pub(crate) mod actix_app {
    use std::convert::Infallible;
    use std::pin::Pin;

    use actix_web::body::{BoxBody, MessageBody};
    use actix_web::dev::{Payload, ServiceResponse};
    use actix_web::error::PayloadError;
    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use actix_web::{HttpResponse, error, web};
    use bytes::Bytes;
    use futures_util::{Stream, StreamExt as _, stream};

    use super::{Ask, HANDED, RAN, SAYS, Seen, read, whole};

    async fn echo(mut body: web::Payload) -> Result<HttpResponse, actix_web::Error> {
        let mut all = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            read(&chunk);
            all.extend_from_slice(&chunk);
        }
        whole();
        Ok(HttpResponse::Ok().insert_header(("x-app", "1")).body(all))
    }

    async fn swallow(mut body: web::Payload) -> HttpResponse {
        while let Some(Ok(_)) = body.next().await {}
        HttpResponse::Ok().insert_header(("x-app", "1")).body("stored")
    }

    async fn mirror(body: web::Payload) -> HttpResponse {
        HttpResponse::Ok().insert_header(("x-app", "1")).streaming(body)
    }

    async fn error() -> Result<HttpResponse, actix_web::Error> {
        Err(error::ErrorBadRequest("no such card: 4111111111111111"))
    }

    pub(crate) fn routes(config: &mut web::ServiceConfig) {
        config
            .route("/swallow", web::post().to(swallow))
            .route("/mirror", web::post().to(mirror))
            .route("/says-error", web::route().to(error))
            .default_service(web::to(echo));
        for (path, (name, value), chunks) in SAYS {
            let handler =
                move || async move {
                    let mut response = HttpResponse::Ok();
                    response.insert_header(("x-app", "1")).insert_header((name, value));
                    match chunks {
                        [whole] => response.body(*whole),
                        _ => response.streaming(stream::iter(chunks.iter().map(|chunk| {
                            Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes()))
                        }))),
                    }
                };
            config.route(path, web::route().to(handler));
        }
    }

    /// The request, and the body that is to take the place of its own.
    pub(crate) fn request(ask: &Ask) -> (TestRequest, Payload) {
        let method = Method::from_bytes(ask.method.as_bytes()).unwrap();
        let mut request = TestRequest::default().method(method).uri(&ask.target);
        for (name, value) in &ask.headers {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        let chunks = ask.body.clone();
        let payload = if chunks.is_empty() {
            Payload::None
        } else {
            let payload: Chunks = Box::pin(stream::iter(chunks.into_iter().map(Ok)));
            Payload::Stream { payload }
        };
        (request, payload)
    }

    type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

    pub(crate) async fn seen<B: MessageBody + 'static>(
        response: Result<ServiceResponse<B>, actix_web::Error>,
    ) -> Seen {
        let response: HttpResponse<BoxBody> = match response {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let (mut all, mut broken) = (Vec::new(), false);
        while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            let Ok(chunk) = chunk else {
                broken = true;
                break;
            };
            all.extend_from_slice(&chunk);
        }
        Seen {
            status,
            headers,
            body: String::from_utf8(all).unwrap(),
            broken,
            ran: RAN.take(),
            handed: HANDED.take(),
        }
    }
}
