//! A peer that finds out who is asking by a session in a store, here in memory; its guard cannot do without.

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use axum_login::tower_sessions::SessionManagerLayer;
use axum_login::{
    AuthManagerLayer, AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend,
    permission_required,
};
use http::{HeaderValue, Request};
use tower::service_fn;
use tower_layer::Layer as _;
use tower_service::Service as _;
use tower_sessions_memory_store::MemoryStore;

use crate::HELD;
use crate::cases::cookies::{answer, sent_back};
use crate::cases::roles::{Permission, known};
use crate::cases::tower::{Bare, expected};
use crate::measure::{Group, TowerCase, wait};
use crate::tower::request;

#[derive(Clone, Debug)]
struct User;

impl AuthUser for User {
    type Id = u64;

    fn id(&self) -> u64 {
        4711
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"7f3a9c1e5b2d4860"
    }
}

/// The cheapest one: there is one user, and what he is granted is looked up without a set.
#[derive(Clone, Debug)]
struct Users;

impl AuthnBackend for Users {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(Some(User))
    }

    async fn get_user(&self, _: &u64) -> Result<Option<User>, Infallible> {
        Ok(Some(User))
    }
}

impl AuthzBackend for Users {
    type Permission = Permission;

    async fn has_perm(&self, _: &User, permission: Permission) -> Result<bool, Infallible> {
        Ok(HELD.contains(&permission))
    }
}

type Sessions = AuthManagerLayer<Users, MemoryStore>;

/// The layer, and the cookie of a session that has logged in.
static LOGGED_IN: LazyLock<(Sessions, Option<HeaderValue>)> = LazyLock::new(|| {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let sessions = AuthManagerLayerBuilder::new(Users, sessions).build();
    let log_in = service_fn(|request: Request<Body>| {
        let session = request.extensions().get::<AuthSession<Users>>().cloned();
        async {
            let logged_in = match session {
                Some(mut session) => session.login(&User).await.is_ok(),
                None => false,
            };
            answer(logged_in).await
        }
    });
    let Ok(response) = wait(sessions.layer(log_in).call(Request::new(Body::empty())));
    let cookie = HeaderValue::try_from(sent_back(response.headers()));
    (sessions, cookie.ok())
});

pub(crate) fn log_in(request: &mut Request<Body>) {
    if let Some(cookie) = &LOGGED_IN.1 {
        request.headers_mut().insert("cookie", cookie.clone());
    }
}

pub(crate) fn add_to(group: &mut Group) {
    let (sessions, _) = &*LOGGED_IN;
    let case = TowerCase::new(known().layer(sessions.layer(Bare)), request);
    group.peer("axum-login 0.18 with its session layer, no guard", case, expected());
    let guard = permission_required!(Users, Permission::Read, Permission::Book);
    let case = TowerCase::new(known().layer(sessions.layer(guard.layer(Bare))), request);
    group.peer("axum-login 0.18 with its session layer, two permissions", case, expected());
}
