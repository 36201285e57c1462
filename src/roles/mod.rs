//! Roles and permissions: deny by default, need to know, least privilege.
//!
//! **The attack.** A route that somebody added on a Friday, and that nobody guards. A check of the role
//! `admin` that forgets that an owner is above it, or lets an `Admin` in that an identity provider sends. An
//! address that is compared as it was typed, so that `/%61dmin` is another one. A table of users that does
//! not answer, and a guard that takes that for "no", or for "yes". A colleague who left last month, and
//! whose session is good for another eleven hours.
//!
//! **The rule.** OWASP [ASVS 5.0], 8.1 to 8.4 (authorization is decided on the server, denied by default, by
//! the least privilege, and logged); NIST SP 800-53 AC-3 and AC-6; PCI DSS 4.0.1, 7.2 (need to know) and
//! 7.3.3 (deny all).
//!
//! - [`permissions!`](crate::permissions) and [`roles!`](crate::roles!) declare the app's own enums. A role
//!   that is below itself does **not compile**; what a role is granted by those below it is worked out by
//!   the compiler, so no check can forget it.
//! - A [`Principal`] is somebody who has shown who he is. Only [`Authenticate`] makes one, of what the
//!   app's [`Identify`] tells. Names from elsewhere are exact bytes; what is unknown grants nothing.
//! - A [`Rule`] is put together of roles, permissions, [freshness](Rule::fresh), a second factor, networks
//!   and times, by `&`, `|` and `!`. What cannot be known lets nobody in, under `!` as well.
//! - [`Require`] is the guard: the same value for axum and actix-web, around a route, a scope or a whole app.
//!   It decides before the body is read and before any extractor runs, without an allocation or a lock, and
//!   by the route it stands around rather than by a path that can be spelled in many ways.
//! - [`Seal`] guards a whole app by a table, and denies what is not in it; the routers in
//!   [`adapters::guarded`](crate::adapters::guarded) cannot hold a route without a rule. Both have a
//!   [`Manifest`]: each role at each route, for a test and for an auditor.
//! - [`Grants`] can be read from a file, and replaced while requests run.
//! - Three states, not two: that nobody has looked who is asking is a mistake of the set-up, and 500, never
//!   taken for "nobody".
//!
//! [*Who may do what*](who_may_do_what) leads from three roles to a policy file.
//!
//! What it does not do: it keeps no users, and knows no relations between objects but
//! [`owns`](Principal::owns). An engine such as Casbin or Cedar is asked in the handler, or in
//! [`Identify`].
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::head::{Name, RequestHead};
//! use donjon::middleware::Stack;
//! use donjon::roles::{Authenticate, Identify, Identity, Require, permission};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! donjon::permissions! {
//!     pub enum Permission { ReadCourts = "courts:read", Book = "courts:book", Unlock = "users:unlock" }
//! }
//! donjon::roles! {
//!     pub enum Role grants Permission {
//!         Visitor = "visitor" => [ReadCourts],
//!         Member = "member": Visitor => [Book],
//!         Admin = "admin": Member => [Unlock],
//!     }
//! }
//!
//! /// In earnest of a session: `Session::of(request)`.
//! #[derive(Clone)]
//! struct ByHeader;
//!
//! impl Identify for ByHeader {
//!     type Role = Role;
//!     type Error = Infallible;
//!
//!     fn identify<R: RequestHead>(&self, request: &R) -> Result<Option<Identity<Role>>, Infallible> {
//!         static ROLE: Name = Name::from_static("x-role");
//!         let role = request.header(&ROLE).next().and_then(|role| std::str::from_utf8(role).ok());
//!         Ok(role.map(|role| Identity::new("4711").role_names([role])))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let unlock = ServiceBuilder::new()
//!     .layer(Stack::new((Authenticate::new(ByHeader), Require::new(permission(Permission::Unlock)))))
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("unlocked".into())) });
//!
//! for (role, status) in [("admin", 200), ("member", 403), ("Admin", 403)] {
//!     let request = Request::builder().header("x-role", role).body(())?;
//!     let response: Response<axum::body::Body> = unlock.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status, "{role}");
//! }
//! let response = unlock.oneshot(Request::new(())).await?;
//! assert_eq!((response.status().as_u16(), &response.headers()["www-authenticate"]), (401, &"Bearer".parse()?));
//! # Ok(())
//! # }
//! ```
//!
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x17-V8-Authorization.md

pub(crate) use self::authenticate::Known;
pub use self::authenticate::{Authenticate, AuthenticateLater, Identify, IdentifyLater};
#[doc(hidden)]
pub use self::declare::check;
pub use self::declare::{Permission, Role};
pub use self::grants::{Grants, GrantsInUse};
pub use self::guard::Require;
pub use self::manifest::{Manifest, ManifestEntry, Matrix};
pub use self::need::{Need, Needs};
pub use self::principal::{Identity, Principal};
pub use self::rule::{Rule, any_role, permission, role};
pub use self::seal::Seal;
pub use self::sign_in::{ConfigError, return_path};
pub use self::why::Why;

mod authenticate;
mod declare;
mod display;
mod grants;
mod guard;
mod manifest;
mod need;
mod principal;
mod rule;
mod seal;
mod sign_in;
#[cfg(test)]
mod tests;
#[cfg(doc)]
#[doc = include_str!("who_may_do_what.md")]
pub mod who_may_do_what {}
mod why;
