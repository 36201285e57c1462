//! A peer that keeps sessions in a store, here in memory; the cookie has the id.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use http::Request;
use tower::service_fn;
use tower_layer::Layer as _;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, session};

use crate::cases::cookies::{NAME, answer, request};
use crate::cases::session::USER;
use crate::cases::tower::expected;
use crate::measure::{Group, TowerCase, wait};

const KEY: &str = "user";

/// The store, and the cookie of a session in it.
static SIGNED_IN: LazyLock<(MemoryStore, String)> = LazyLock::new(|| {
    let store = MemoryStore::default();
    let session = Session::new(None, Arc::new(store.clone()), None);
    let saved = wait(async {
        session.insert(KEY, USER).await?;
        session.save().await?;
        Ok::<_, session::Error>(session.id())
    });
    let id = saved.ok().flatten().map(|id| id.to_string()).unwrap_or_default();
    (store, format!("{NAME}={id}"))
});

fn signed_in() -> Request<Body> {
    request(&SIGNED_IN.1)
}

pub(crate) fn add_to(group: &mut Group) {
    let who = service_fn(async |request: Request<Body>| {
        let user = match request.extensions().get::<Session>() {
            Some(session) => session.get::<String>(KEY).await.ok().flatten(),
            None => None,
        };
        answer(user.as_deref() == Some(USER)).await
    });
    let layer = SessionManagerLayer::new(SIGNED_IN.0.clone()).with_name(NAME);
    let case = TowerCase::new(layer.layer(who), signed_in);
    group.peer("tower-sessions 0.15, MemoryStore", case, expected());
}
