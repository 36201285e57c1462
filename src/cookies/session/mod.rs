//! Sessions that live in a sealed cookie, and need no store.
//!
//! **The attack.** A visitor is given a session by the attacker, signs in, and both are in. A cookie that was
//! copied is good for ever. Who signs out is signed in again by a slower request, or stays signed in
//! for whoever kept the cookie. What leaks of the store of sessions opens all of them.
//!
//! **The rule.** OWASP ASVS 5.0, 7.1 to 7.4: a session begins anew when somebody signs in, ends when it
//! was not used for some time, ends after some time in any case, and ends when its user says so.
//!
//! - [`Sessions`] is the layer. The session is encrypted and in one cookie, `__Host-Http-session`.
//! - [`Session`] is the extractor: [`sign_in`](Session::sign_in) begins a session with a new id,
//!   [`sign_out`](Session::sign_out) ends it, [`set`](Session::set) keeps something in it.
//! - It ends half an hour after it was last used, and twelve hours after it began:
//!   [`idle`](Sessions::idle), [`absolute`](Sessions::absolute). While it is used the cookie is sent
//!   anew every eighth of that half an hour, unless the answer is for shared caches.
//! - A session that was signed out, or in whose place another has come, is over, also for who has kept
//!   the cookie: [`Revocation`]. A slow request that sends it anew brings nothing back.
//! - The cookie of a session that has ended is let be, and is nobody's. An answer that deletes it might
//!   arrive after that of the next sign-in, and delete the new one.
//! - A cookie is sent with whatever answer there is. Where a request fails altogether the browser keeps
//!   the old one, which is then still good.
//! - [`SessionId`] is for those who keep sessions in a store: what is in the store is a digest.
//!
//! What it does not do: who has kept an older cookie of the same session can show it as long as that is
//! good, and with it what was in the session then. Of two requests that change what is in a session at the same time, the
//! later answer wins and the other's change is lost, because there is no place where they meet. Keep
//! in it what changes with the user alone, and the rest in your database.
//!
//! # Deployment caveats
//!
//! The layer goes behind [`HardenCookies`](super::HardenCookies) and before
//! whatever asks who somebody is. Make it once and clone it: in actix-web outside of the closure that makes
//! the `App`, or else each worker knows of its own sign-outs alone. [`MemoryRevocation`] knows what has ended in this process and since it
//! started; with several, see [`Revocation`]. The clocks of several servers are to agree to the minute:
//! a session that begins later than that in the future is none.
//!
//! Of several layers around one route that are clones of one another the one furthest out keeps the
//! session. If they are not, a handler gets that of the layer nearest to it.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::Router;
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use axum::routing::{get, post};
//! use donjon::cookies::HardenCookies;
//! use donjon::cookies::session::{Session, Sessions};
//! use donjon::keys::{Key, KeyRing};
//! use donjon::middleware::Stack;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! async fn sign_in(session: Session) -> StatusCode {
//!     // once the password is right
//!     match session.sign_in("ann") {
//!         Ok(()) => StatusCode::NO_CONTENT,
//!         Err(_) => StatusCode::BAD_REQUEST,
//!     }
//! }
//! async fn who(session: Session) -> String {
//!     session.subject().unwrap_or("nobody".into())
//! }
//!
//! let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
//! let app = Router::new()
//!     .route("/sign-in", post(sign_in))
//!     .route("/who", get(who))
//!     .layer(Stack::new((HardenCookies::new(), Sessions::new(&ring, "club")?)));
//!
//! let response = app.clone().oneshot(Request::post("/sign-in").body(Body::empty())?).await?;
//! let cookie = response.headers()["set-cookie"].to_str()?.split(';').next().unwrap();
//!
//! let request = Request::get("/who").header("cookie", cookie).body(Body::empty())?;
//! let response = app.oneshot(request).await?;
//! let body = axum::body::to_bytes(response.into_body(), 100).await?;
//! assert_eq!(body, "ann");
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use self::handle::Session;
pub use self::id::{SessionDigest, SessionId};
pub use self::revocation::{MemoryRevocation, Revocation, SessionClaims};

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::handle::NO_SESSIONS;
pub(crate) use self::handle::SessionCell;
use self::record::Record;
use super::declared::{Declared, check_lifetime, later};
use super::error::{ConfigError, ReadError, SetError};
use super::outbox::report_refused;
use super::outgoing::OutgoingCookie;
use super::policy::MAX_LIFETIME;
use super::prefix::NamePrefix;
use super::{CookieSpec, CookieView, OpenReason, Sealer};
use crate::adapters::adapt;
use crate::clock::Clock;
use crate::context::Context;
use crate::event::{Draft, EventName, Reporter, SecurityEvent};
use crate::head::{RequestHead, ResponseHead};
use crate::keys::KeyRing;
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;

mod handle;
mod id;
mod record;
mod revocation;

/// Sessions in a sealed cookie, as a layer. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use = "there are sessions only in requests to a service that is behind it"]
pub struct Sessions(Arc<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    declared: Declared,
    idle: Duration,
    absolute: Duration,
    revocation: Arc<dyn Revocation>,
}

impl Sessions {
    /// Sessions of this application, encrypted with the keys of this ring.
    pub fn new(ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        let absolute = Duration::from_secs(12 * 60 * 60);
        let mut declared = Declared::new("__Host-Http-session");
        declared.sealed = Some((Sealer::encrypted(ring, app, "session")?, absolute));
        Ok(Self(Arc::new(Policy {
            declared,
            idle: Duration::from_secs(30 * 60),
            absolute,
            revocation: Arc::new(MemoryRevocation::default()),
        })))
    }

    /// Keeps the session in a cookie that is declared so. Of a lifetime and a seal that it declares
    /// nothing is taken.
    pub fn cookie<P: NamePrefix>(mut self, spec: &CookieSpec<Vec<u8>, P>) -> Self {
        let declared = &mut self.policy().declared;
        let Declared { lifetime, sealed, clock, .. } = declared.clone();
        *declared = Declared { lifetime, sealed, clock, ..spec.declared.clone() };
        self
    }

    /// Ends a session that was not used for so long: half an hour, unless you say otherwise. What was sealed
    /// before you say so ends when it would have.
    pub fn idle(mut self, idle: Duration) -> Result<Self, ConfigError> {
        check_lifetime(idle)?;
        self.policy().idle = idle;
        Ok(self)
    }

    /// Ends a session so long after it began: twelve hours, unless you say otherwise.
    pub fn absolute(mut self, absolute: Duration) -> Result<Self, ConfigError> {
        check_lifetime(absolute)?;
        self.policy().absolute = absolute;
        Ok(self)
    }

    /// Keeps the cookie when the browser is closed: "stay signed in". The session ends when it would
    /// end otherwise.
    pub fn persistent(mut self) -> Self {
        // No longer than what is in it is good.
        self.policy().declared.lifetime = Some(LONG);
        self
    }

    /// Asks this which sessions have ended. Without it a [`MemoryRevocation`] knows.
    pub fn revocation(mut self, revocation: Arc<dyn Revocation>) -> Self {
        self.policy().revocation = revocation;
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.policy().declared.clock = clock;
        self
    }

    /// The name of the cookie, for [`GuardCookies`](super::GuardCookies).
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        self.0.declared.name
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }
}

/// What a request shows.
enum Shown {
    Nothing,
    /// A session, and until when it is sealed, and whether it is to be sealed anew.
    Session(Record, SystemTime, bool),
}

impl Policy {
    fn now(&self) -> SystemTime {
        self.declared.clock.now()
    }

    fn shown<R: RequestHead>(&self, request: &R) -> Shown {
        let name = self.declared.name;
        let tell = |draft: Draft<'_>| {
            if let Some(reporter) = Reporter::of(request) {
                reporter.emit(draft);
            }
        };
        let refuse = |error| {
            if let Some(reporter) = Reporter::of(request) {
                report_refused(&reporter, name, error);
            }
            Shown::Nothing
        };
        let content = match self.declared.open(CookieView::of(request).get(name)) {
            Ok(None) => return Shown::Nothing,
            Ok(Some(content)) => content,
            Err(ReadError::Sealed(error)) if error.reason() == OpenReason::Expired => {
                tell(SecurityEvent::draft(EventName::SessionExpired).reason("its time is over"));
                return Shown::Nothing;
            }
            Err(error) => return refuse(error),
        };
        let (Some(record), Some(until)) = (Record::decode(content.bytes()), content.expires_at)
        else {
            return refuse(ReadError::Value);
        };
        let ended = |event, reason| {
            let draft = SecurityEvent::draft(event).reason(reason);
            tell(match &record.subject {
                Some(subject) => draft.subject(subject),
                None => draft,
            });
            Shown::Nothing
        };
        let now = self.now();
        if self.ends(&record) <= now {
            // The policy has become stricter since it was sealed.
            return ended(EventName::SessionExpired, "its time is over");
        }
        if record.started_at() > later(now, CLOCKS_DIFFER) {
            // The clock was set back. Whoever ends all sessions until now means this one too.
            return ended(EventName::SessionExpired, "it begins in the future");
        }
        if self.revocation.is_revoked(&record.claims()) {
            return ended(EventName::SessionUseAfterExpire, "it was ended before its time");
        }
        Shown::Session(record, until, content.needs_reseal)
    }

    /// When the session is over in any case.
    fn ends(&self, record: &Record) -> SystemTime {
        later(record.started_at(), self.absolute)
    }

    /// The session as it is now, in its cookie.
    fn seal(&self, record: &Record) -> Result<OutgoingCookie, SetError> {
        let until = later(self.now(), self.idle).min(self.ends(record));
        let too_large = || SetError::Value { name: self.declared.name.to_owned() };
        let bytes = record.encode().ok_or_else(too_large)?;
        self.declared.set(&bytes, Some(until))
    }

    /// Whether enough of its idle time has passed for it to be sent anew.
    fn is_due(&self, record: &Record, until: SystemTime) -> bool {
        let sealed_at = until.checked_sub(self.idle).unwrap_or(until);
        // It is sealed until a whole second.
        let can_be_longer = later(until, Duration::from_secs(1)) <= self.ends(record);
        can_be_longer && later(sealed_at, self.idle / 8) <= self.now()
    }
}

impl Middleware for Sessions {
    type Memo = SessionMemo;
    type Refusal = Infallible;

    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut SessionMemo,
    ) -> Result<(), Infallible> {
        let shown = self.0.shown(request);
        let reporter = Reporter::without_route(request);
        let cell = Arc::new(SessionCell::new(Arc::clone(&self.0), shown, reporter));
        if Context::of(request).set_session(&cell) {
            memo.0 = Some(cell);
        }
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &SessionMemo, response: &mut H) {
        if let Some(cell) = &memo.0 {
            cell.send(response);
        }
    }

    fn describe(&self, layers: &mut Layers) {
        let Declared { name, cross_site, .. } = self.0.declared;
        layers.see(Layer {
            name: "Sessions",
            sets_cookies: true,
            needs_https: true,
            cross_site_cookies: cross_site.map(|_| name).into_iter().collect(),
            ..Layer::default()
        });
    }
}

adapt!(Sessions);

/// What [`Sessions`] keeps from the request to its response.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct SessionMemo(Option<Arc<SessionCell>>);

/// More than the clocks of servers that are looked after differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(MAX_LIFETIME.unsigned_abs());
