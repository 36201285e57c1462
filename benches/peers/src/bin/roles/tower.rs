//! Peers in tower. What finds out who is asking stands around each of them, as it does around ours, so that
//! what is told is their own cost.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use http::{Request, Response, StatusCode};
use protect_axum::GrantsLayer;
use protect_axum::authorities::{AuthDetails, AuthoritiesCheck as _};
use tower::service_fn;
use tower_http::validate_request::ValidateRequestHeaderLayer;
use tower_layer::Layer as _;

use crate::cases::cookies::answer;
use crate::cases::roles::{self, Permission, known};
use crate::cases::tower::{Bare, expected};
use crate::measure::{Group, TowerCase};
use crate::{HELD, TWO, login};

/// Whom an app's own layer has put into the request.
#[derive(Clone, Copy)]
struct Caller(&'static [Permission]);

/// It has what any of them looks for, so that all get the same.
pub(crate) fn request() -> Request<Body> {
    let mut request = roles::request();
    request.extensions_mut().insert(Caller(&HELD));
    login::log_in(&mut request);
    request
}

pub(crate) fn add_to(group: &mut Group) {
    #[expect(clippy::result_large_err, reason = "it is what the layer asks for")]
    let validate = ValidateRequestHeaderLayer::custom(|request: &mut Request<Body>| {
        let caller = request.extensions().get::<Caller>();
        if caller.is_some_and(|Caller(held)| TWO.iter().all(|one| held.contains(one))) {
            return Ok(());
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FORBIDDEN;
        Err(response)
    });
    let case = TowerCase::new(known().layer(validate.layer(Bare)), request);
    group.peer("tower-http 0.7 ValidateRequest, a check by hand", case, expected());

    let case =
        TowerCase::new(known().layer(GrantsLayer::with_extractor(grants).layer(Bare)), request);
    group.peer("protect-axum 0.2 with its grants layer, no guard", case, expected());
    // What its macro and its extractor do.
    let handler = service_fn(|request: Request<Body>| async {
        let (mut parts, _) = request.into_parts();
        let held = AuthDetails::<Permission>::from_request_parts(&mut parts, &()).await;
        answer(held.is_ok_and(|held| held.has_authorities(&TWO.each_ref()))).await
    });
    let guarded = GrantsLayer::with_extractor(grants).layer(handler);
    let case = TowerCase::new(known().layer(guarded), request);
    group.peer("protect-axum 0.2 with its grants layer, a check of two", case, expected());
}

/// A set of its own for each request, as the layer asks for.
async fn grants(request: &mut Request<Body>) -> Result<HashSet<Permission>, Response<Body>> {
    let caller = request.extensions().get::<Caller>();
    Ok(caller.into_iter().flat_map(|Caller(held)| *held).copied().collect())
}
