//! A session, looked at by the handler of every request.

use std::error::Error;
use std::future::ready;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use donjon::cookies::session::{Session, Sessions};
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use http::Request;
use tower::service_fn;
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::cookies::{Failed, answer, request, sent_back};
use super::tower::{Bare, expected, hello};
use crate::measure::{Group, Limit, TowerCase, wait};

/// Who has signed in.
pub(crate) const USER: &str = "ann";

/// The layer, and the cookie of a session.
static SIGNED_IN: LazyLock<Result<(Sessions, String), Failed>> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::random())?;
    // So long that the cookie is not sent anew while the program runs.
    let sessions = Sessions::new(&ring, "bench")?.idle(Duration::from_secs(20_000))?;
    let sign_in = service_fn(|request: Request<Body>| {
        let session = Session::of(&request);
        ready(session.map_or(Ok(()), |session| session.sign_in(USER)).map(|()| hello()))
    });
    let response = wait(sessions.layer(sign_in).call(super::tower::request()))?;
    Ok((sessions, sent_back(response.headers())))
});

fn signed_in() -> Request<Body> {
    request(SIGNED_IN.as_ref().map_or("", |(_, cookie)| cookie))
}

pub(super) fn group() -> Result<Group, Box<dyn Error>> {
    let (sessions, _) = SIGNED_IN.as_ref().map_err(ToString::to_string)?;
    let title = "a session, and who has signed in";
    let mut group = Group::new(title, TowerCase::new(Bare, signed_in), expected());
    let who = service_fn(|request: Request<Body>| {
        let subject = Session::of(&request).and_then(|session| session.subject());
        answer(subject.as_deref() == Some(USER))
    });
    let case = TowerCase::new(Stack::new((sessions.clone(),)).layer(who), signed_in);
    group.ours("Sessions, all in the cookie", case, expected(), Limit::NONE);
    Ok(group)
}
