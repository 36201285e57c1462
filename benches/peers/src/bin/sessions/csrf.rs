//! Peers that refuse what another site has made a browser send.

use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::IntoResponse as _;
use axum_csrf::{CsrfConfig, CsrfToken};
use http::{HeaderValue, Request};
use tower::service_fn;
use tower_http::csrf::CsrfLayer;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::cases::cookies::{answer, sent_back};
use crate::cases::csrf::{ORIGIN, with_metadata};
use crate::cases::tower::{Bare, expected};
use crate::measure::{Group, TowerCase, wait};

pub(crate) fn add_to(
    group: &mut Group,
    request: fn() -> Request<Body>,
) -> Result<(), Box<dyn Error>> {
    let layer = CsrfLayer::new().add_trusted_origin(ORIGIN)?;
    group.peer("tower-http 0.7", TowerCase::new(layer.layer(Bare), request), expected());
    Ok(())
}

const TOKEN: &str = "x-csrf-token";

/// The layer's, and a cookie and a token that it has issued.
static ISSUED: LazyLock<(CsrfConfig, [HeaderValue; 2])> = LazyLock::new(|| {
    let config = CsrfConfig::default();
    let issue = service_fn(|request: Request<Body>| {
        let token = request.extensions().get::<CsrfToken>().map(|token| {
            let hash = token.authenticity_token().unwrap_or_default();
            (token.clone(), [(TOKEN, hash)]).into_response()
        });
        ready(Ok::<_, Infallible>(token.unwrap_or_default()))
    });
    let mut service = axum_csrf::CsrfLayer::new(config.clone()).layer(issue);
    let Ok(response) = wait(service.call(Request::new(Body::empty())));
    let cookie = HeaderValue::try_from(sent_back(response.headers()));
    let values = [cookie.ok(), response.headers().get(TOKEN).cloned()];
    (config, values.map(|value| value.unwrap_or(HeaderValue::from_static(""))))
});

fn with_token() -> Request<Body> {
    let mut request = with_metadata();
    let [cookie, token] = &ISSUED.1;
    request.headers_mut().insert("cookie", cookie.clone());
    request.headers_mut().insert(TOKEN, token.clone());
    request
}

/// It knows nothing of `Sec-Fetch-Site`: the handler verifies a token against an encrypted cookie.
pub(crate) fn add_token_to(group: &mut Group) {
    let handler = service_fn(|request: Request<Body>| {
        let token = request.headers().get(TOKEN).and_then(|token| token.to_str().ok());
        let known = request.extensions().get::<CsrfToken>();
        answer(known.zip(token).is_some_and(|(known, token)| known.verify(token).is_ok()))
    });
    let layer = axum_csrf::CsrfLayer::new(ISSUED.0.clone());
    let case = TowerCase::new(layer.layer(handler), with_token);
    group.peer("axum_csrf 0.12, which verifies a token instead", case, expected());
}
