//! Payments as routes of axum and of actix-web: where notifications come in, and browsers come back.

use bytes::Bytes;

use crate::payment::{Answer, Notice, Payments, Visited};
use crate::refusal::Refusal;

/// What a gateway sends is a few kilobytes.
const LONGEST: usize = 64 * 1024;

/// A notification, as its bytes came.
struct Came {
    method: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Came {
    async fn tell(&self, payments: &Payments, gateway: &str) -> Answer {
        let query = self.query.as_deref();
        let notice = Notice::new(&self.method, query, &self.headers, &self.body);
        payments.notify(gateway, notice).await
    }
}

/// The answer to a browser that comes back with this.
async fn back(payments: &Payments, visited: Visited, token: &str) -> Result<Answer, Refusal> {
    // No session: here it makes no difference, and looking for one would tie this to one kind of them.
    Ok(payments.come_back(visited, token, None).await?)
}

#[cfg(feature = "axum")]
mod axum {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::extract::{FromRequestParts, Path, Request};
    use axum::response::{IntoResponse, Response};
    use axum::routing::{MethodFilter, get, on};
    use http::StatusCode;
    use http::request::Parts;

    use super::{Came, LONGEST, back};
    use crate::payment::{Answer, Payments, Posted, Visited};
    use crate::refusal::Refusal;

    impl Payments {
        /// The routes of all gateways, and the one on which browsers come back, for `Router::merge`.
        ///
        /// Bodies are read as bytes and by nobody else, at most 64 KiB: what is longer is 413 without being read to
        /// its end.
        pub fn axum_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
            let mut router = Router::new();
            for (gateway, route) in self.notify_routes() {
                let payments = self.clone();
                let hear = async move |request: Request| -> Response {
                    match came(request).await {
                        Ok(came) => came.tell(&payments, gateway).await.into_response(),
                        Err(refusal) => refusal.into_response(),
                    }
                };
                let methods = MethodFilter::GET.or(MethodFilter::POST);
                router = router.route(route.as_str(), on(methods, hear));
            }
            let payments = self.clone();
            let come_back = async move |visited: Visited, Path(token): Path<String>| -> Response {
                match back(&payments, visited, &token).await {
                    Ok(answer) => answer.into_response(),
                    Err(refusal) => refusal.into_response(),
                }
            };
            router.route(&format!("{}/{{token}}", self.return_route()), get(come_back))
        }
    }

    async fn came(request: Request) -> Result<Came, Refusal> {
        let (head, body) = request.into_parts();
        let too_long = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "a notification too long");
        let stated = head.headers.get(http::header::CONTENT_LENGTH);
        let stated = stated.and_then(|stated| stated.to_str().ok()?.parse::<usize>().ok());
        if stated.is_some_and(|stated| stated > LONGEST) {
            return Err(too_long());
        }
        let body = to_bytes(body, LONGEST).await.map_err(|_| too_long())?;
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Ok(Came {
            method: head.method.to_string(),
            query: head.uri.query().map(ToOwned::to_owned),
            headers: headers.collect(),
            body,
        })
    }

    impl IntoResponse for Answer {
        fn into_response(self) -> Response {
            Self::into_response(self)
        }
    }

    impl<S: Sync> FromRequestParts<S> for Posted {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::of(parts)
        }
    }

    impl<S: Sync> FromRequestParts<S> for Visited {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::of(parts)
        }
    }
}

#[cfg(feature = "actix")]
mod actix {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::web::{self, ServiceConfig};
    use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
    use http::StatusCode;

    use super::{Came, LONGEST, back};
    use crate::payment::{Answer, Payments, Posted, Visited};
    use crate::refusal::Refusal;

    impl Payments {
        /// The routes of all gateways, and the one on which browsers come back, for `App::configure`.
        ///
        /// Bodies are read as bytes and by nobody else, at most 64 KiB: what is longer is 413 without being read to
        /// its end.
        pub fn actix_routes(&self, config: &mut ServiceConfig) {
            for (gateway, route) in self.notify_routes() {
                let payments = self.clone();
                let hear = move |request: HttpRequest, body: web::Payload| {
                    let payments = payments.clone();
                    async move {
                        match came(&request, body).await {
                            Ok(came) => came.tell(&payments, gateway).await.into_actix_response(),
                            Err(refusal) => refusal.into_actix_response(),
                        }
                    }
                };
                let resource = web::resource(route.as_str());
                config.service(
                    resource.route(web::get().to(hear.clone())).route(web::post().to(hear)),
                );
            }
            let payments = self.clone();
            let come_back = move |visited: Visited, token: web::Path<String>| {
                let payments = payments.clone();
                async move {
                    back(&payments, visited, &token)
                        .await
                        .map_or_else(Refusal::into_actix_response, Answer::into_actix_response)
                }
            };
            config.route(&format!("{}/{{token}}", self.return_route()), web::get().to(come_back));
        }
    }

    async fn came(request: &HttpRequest, body: web::Payload) -> Result<Came, Refusal> {
        let too_long = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "a notification too long");
        let stated = request.headers().get(actix_web::http::header::CONTENT_LENGTH);
        let stated = stated.and_then(|stated| stated.to_str().ok()?.parse::<usize>().ok());
        if stated.is_some_and(|stated| stated > LONGEST) {
            return Err(too_long());
        }
        let body = match body.to_bytes_limited(LONGEST).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(Refusal::new(StatusCode::BAD_REQUEST, "body broken off")),
            Err(_) => return Err(too_long()),
        };
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Ok(Came {
            method: request.method().to_string(),
            query: request.uri().query().map(ToOwned::to_owned),
            headers: headers.collect(),
            body,
        })
    }

    impl Answer {
        /// The response, for actix-web.
        #[must_use]
        pub fn into_actix_response(self) -> HttpResponse {
            // Any status of `http` 1 is one of `http` 0.2.
            let status = actix_web::http::StatusCode::from_u16(self.status().as_u16())
                .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
            let body = actix_web::body::BoxBody::new(self.body());
            let mut response = HttpResponse::with_body(status, body);
            self.finish(&mut response);
            response
        }
    }

    impl Responder for Answer {
        type Body = actix_web::body::BoxBody;

        fn respond_to(self, _: &HttpRequest) -> HttpResponse {
            self.into_actix_response()
        }
    }

    impl FromRequest for Posted {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Self::of(request))
        }
    }

    impl FromRequest for Visited {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Self::of(request))
        }
    }
}
