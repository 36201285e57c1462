//! Peers in tower, each with the same twelve headers.

use std::error::Error;
use std::future::ready;

use axum::middleware::map_response;
use axum::response::Response;
use axum_helmet::{Helmet, HelmetLayer};
use http::{HeaderName, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::cases::tower::{around, expected, expected_of_router, in_router, router};
use crate::cases::twelve::{self, TWELVE};
use crate::measure::Group;

pub(crate) fn add_to(group: &mut Group) -> Result<(), Box<dyn Error>> {
    let twelve = || expected().names(twelve::names());
    let map = map_response(|response| ready(inserted(response)));
    group.peer("axum map_response, 12 constants", around(map), twelve());
    group.peer("tower-helmet 0.3", around(tower_helmet()), twelve());
    group.peer("axum-helmet 1.0", around(axum_helmet()?), twelve());
    group.peer("tower-http 0.7, 12 layers", around(tower_http()), twelve());
    Ok(())
}

pub(crate) fn add_to_router(group: &mut Group) -> Result<(), Box<dyn Error>> {
    let twelve = || expected_of_router().names(twelve::names());
    let map = router().layer(map_response(|response| ready(inserted(response))));
    group.peer("axum map_response, 12 constants", in_router(map), twelve());
    let helmet = router().layer(tower_helmet());
    group.peer("tower-helmet 0.3", in_router(helmet), twelve());
    let helmet = router().layer(axum_helmet()?);
    group.peer("axum-helmet 1.0", in_router(helmet), twelve());
    let layers = router().layer(tower_http());
    group.peer("tower-http 0.7, 12 layers in one", in_router(layers), twelve());
    let layers = tower_http_layers().into_iter().fold(router(), axum::Router::layer);
    group.peer("tower-http 0.7, 12 times Router::layer", in_router(layers), twelve());
    Ok(())
}

fn inserted(mut response: Response) -> Response {
    twelve::insert(response.headers_mut());
    response
}

/// The twelve of its fourteen that everybody sends here.
fn tower_helmet() -> tower_helmet::HelmetLayer {
    let mut layer = tower_helmet::HelmetLayer::with_defaults();
    layer.remove("cross-origin-embedder-policy").remove("expect-ct");
    layer
}

/// Its default is the twelve.
fn axum_helmet() -> Result<HelmetLayer, axum_helmet::HelmetError> {
    Helmet::default().into_layer()
}

/// Twelve layers in one.
#[expect(clippy::many_single_char_names, reason = "there are twelve of the same")]
fn tower_http() -> (L, L, L, L, L, L, L, L, L, L, L, L) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = tower_http_layers();
    (a, b, c, d, e, f, g, h, i, j, k, l)
}

fn tower_http_layers() -> [L; 12] {
    TWELVE.map(|(name, value)| {
        L::overriding(HeaderName::from_static(name), HeaderValue::from_static(value))
    })
}

type L = SetResponseHeaderLayer<HeaderValue>;
