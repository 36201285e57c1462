//! Cookies: hardened on their way out, read exactly on their way in, and values in them that only this
//! server can make.
//!
//! **The attack.** A session's cookie is the user. It is read on the way where `Secure` is missing,
//! by injected scripts where `HttpOnly` is, and used by other sites where `SameSite` is. It is pushed
//! aside: a sibling site plants another, and the parser takes that one. And it is kept by the client,
//! who can write into it what he likes. A value that is merely signed can still be moved: what was
//! signed as a nickname is shown as a role, what a user was is shown after he no longer is.
//!
//! **The rule.** OWASP ASVS 5.0, 3.3 (cookies), 9.1 (a token's integrity, before anything in it is
//! believed), 9.2 (its time, and that it was made for this purpose and this audience) and 11.3
//! (authenticated encryption alone); draft-ietf-httpbis-layered-cookies as of 2026-07, the successor of
//! RFC 6265.
//!
//! - [`HardenCookies`] looks at every `Set-Cookie` of every handler and library, and mends it, leaves
//!   it out or reports it: [`Mode`]. A [`CookieRule`] asks something else of some cookies; what can be
//!   wrong is a [`Violation`].
//! - [`GuardCookies`] refuses, or strips, what may be taken for a protected cookie, before any handler
//!   sees it.
//! - [`CookieView`] looks up a cookie by its exact bytes, without copying any. [`SetCookie`] reads one
//!   that goes out.
//! - [`Sealer`] makes text of bytes that only it can make, [signed](Sealer::signed) or
//!   [encrypted](Sealer::encrypted), and opens it again. It is bound to the application, the purpose,
//!   the name of the cookie, whom it is for, and a time of expiry.
//! - Keys are those of a [`KeyRing`](crate::keys::KeyRing), and can be replaced while requests run.
//!   What an older one has sealed is opened, and is to be [sealed anew](Opened::needs_reseal).
//! - A client learns that a value does not open, and not why. [`OpenError::reason`] is for the log.
//! - [`CookieSpec`] is one declaration from which a cookie is set, read and deleted; [`Cookies`] sends
//!   what a handler sets, with its errors too.
//! - [`session`] keeps sessions in a sealed cookie. For those of other libraries, see
//!   [Sessions of other libraries](hardening_sessions).
//!
//! What it does not do: it knows no [public suffixes](https://publicsuffix.org/), so a `Domain` is left
//! alone unless a [rule](CookieRule::host_only) or a prefix says otherwise. And it keeps nobody from
//! showing a sealed value again for as long as it lives.
//!
//! # Deployment caveats
//!
//! Both go before whatever reads or sets cookies, and behind [`EventLog`](crate::event::EventLog).
//! Over plain http browsers store a cookie with `Secure` only from `localhost`. And a proxy that
//! itself sets cookies, or edits them, does so behind the back of these layers.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::cookies::{CookieRule, GuardCookies, HardenCookies};
//! use donjon::middleware::Stack;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(Stack::new((
//!         HardenCookies::new().rule("csrftoken", CookieRule::new().readable_by_scripts())?,
//!         GuardCookies::new(["__Host-sid"])?,
//!     )))
//!     .service_fn(async |_: Request<()>| {
//!         let response = Response::builder()
//!             .header("set-cookie", "__Host-sid=7f3a; Domain=club.example")
//!             .header("set-cookie", "csrftoken=99; Secure; SameSite=Strict");
//!         Ok::<_, Infallible>(response.body("hello".into()).unwrap())
//!     });
//! let send = async |cookies: &str| {
//!     let request = Request::builder().header("cookie", cookies).body(()).unwrap();
//!     let response: Response<axum::body::Body> = service.clone().oneshot(request).await.unwrap();
//!     response
//! };
//!
//! let response = send("theme=dark; __Host-sid=7f3a").await;
//! let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
//! assert_eq!(
//!     cookies,
//!     [
//!         "__Host-sid=7f3a; Path=/; Secure; HttpOnly; SameSite=Lax",
//!         "csrftoken=99; Secure; SameSite=Strict",
//!     ]
//! );
//!
//! let response = send("__Host-sid=7f3a; __Host-sid=evil").await;
//! assert_eq!(response.status(), 400);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "csrf")]
#[doc = include_str!("hardening_sessions.md")]
pub mod hardening_sessions {}

pub use self::attribute::SameSite;
#[cfg(feature = "csrf")]
pub(crate) use self::error::check_name;
pub use self::error::{ConfigError, OpenError, OpenReason, ReadError, SealError, SetError};
pub use self::guard::GuardCookies;
#[doc(hidden)]
pub use self::harden::HardenMemo;
pub use self::harden::{HardenCookies, Mode};
pub use self::lookalike::Lookalike;
pub use self::opened::{Opened, SealContext};
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::outbox::NO_OUTBOX;
pub(crate) use self::outbox::Outbox;
#[doc(hidden)]
pub use self::outbox::OutboxMemo;
#[cfg(feature = "lockout")]
pub(crate) use self::outbox::append;
pub use self::outbox::{CookieOutbox, Cookies};
pub use self::outgoing::OutgoingCookie;
pub use self::policy::CookieRule;
pub use self::sealer::Sealer;
pub use self::set_cookie::SetCookie;
pub use self::spec::{CookieRead, CookieSpec};
pub use self::value::CookieValue;
#[cfg(feature = "serde")]
pub use self::value::Packed;
pub use self::view::{CookieView, Found};
pub use self::violation::Violation;

mod asked;
mod attribute;
mod date;
mod declared;
mod error;
mod fix;
mod glance;
mod guard;
mod harden;
mod lookalike;
mod opened;
mod outbox;
mod outgoing;
mod planned;
mod policy;
pub mod prefix;
mod scan;
mod sealer;
pub mod session;
mod set_cookie;
mod spec;
mod subkeys;
#[cfg(test)]
mod tests;
mod value;
mod view;
mod violation;
