//! Ours and a peer in actix-web, where an app's own handler is behind them.

use std::collections::HashSet;

use actix_web::dev::ServiceRequest;
use actix_web::test::TestRequest;
use actix_web::{App, Error, HttpResponse, web};
use actix_web_grants::GrantsMiddleware;
use actix_web_grants::authorities::{AuthDetails, AuthoritiesCheck as _};
use donjon::middleware::Stack;
use donjon::roles::Require;

use crate::cases::actix::{expected, handler};
use crate::cases::cookies::NO_MORE;
use crate::cases::roles::{Permission, known, two};
use crate::measure::{ActixCase, Group, wait};
use crate::{HELD, TWO};

/// An app with one route, and with middleware around it.
macro_rules! app {
    ($handler:expr, $($wrap:expr),*) => {{
        let app = App::new().route("/", web::get().to($handler))$(.wrap($wrap))*;
        ActixCase::new(wait(actix_web::test::init_service(app)), || {
            TestRequest::get().peer_addr(([203, 0, 113, 9], 40_000).into()).to_request()
        })
    }};
}

pub(crate) fn group() -> Group {
    let title = "the same guard, actix-web (goal: 45 ns)";
    let mut group = Group::new(title, app!(handler, known()), expected());
    let guarded = Stack::new((known(), Require::new(two())));
    group.ours("Require", app!(handler, guarded), expected(), NO_MORE);
    let case = app!(handler, GrantsMiddleware::with_extractor(grants), known());
    group.peer("actix-web-grants 4.1 with its layer, no guard", case, expected());
    let case = app!(checked, GrantsMiddleware::with_extractor(grants), known());
    group.peer("actix-web-grants 4.1 with its layer, a check of two", case, expected());
    group
}

/// What its macro and its extractor do.
async fn checked(held: AuthDetails<Permission>) -> HttpResponse {
    if held.has_authorities(&TWO.each_ref()) {
        handler().await
    } else {
        HttpResponse::Forbidden().finish()
    }
}

/// A set of its own for each request, as the layer asks for.
async fn grants(_: &ServiceRequest) -> Result<HashSet<Permission>, Error> {
    Ok(HashSet::from(HELD))
}
