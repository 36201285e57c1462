//! Who is asking, once somebody has found out.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::declare::{Permission, Role};
use super::grants::Grants;
use super::why::Why;
use crate::event::Reporter;

/// What an app knows of a user, for [`Authenticate`](super::Authenticate): the number or name, the roles,
/// and how and when he has signed in.
///
/// ```
/// use std::time::SystemTime;
///
/// use donjon::roles::Identity;
///
/// donjon::permissions! { pub enum Permission { Book = "courts:book" } }
/// donjon::roles! { pub enum Role grants Permission { Member = "member" => [Book] } }
///
/// // From the session, and from the table of users.
/// let identity = Identity::<Role>::new("4711").role(Role::Member).signed_in_at(SystemTime::now());
/// // From an identity provider: names are exact, and what is unknown grants nothing.
/// let identity = identity.role_names(["member", "Admin", "\u{430}dmin"]);
/// assert_eq!(identity.unknown_names(), 2);
/// ```
#[derive(Clone)]
#[must_use = "an identity lets nobody in until `authenticate` has it"]
pub struct Identity<R> {
    subject: Box<str>,
    roles: u64,
    unknown: u32,
    is_outdated: bool,
    signed_in_at: Option<SystemTime>,
    second_factor: bool,
    elevation: Option<Elevation>,
    role: std::marker::PhantomData<fn() -> R>,
}

/// Roles for a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Elevation {
    roles: u64,
    until: SystemTime,
}

impl<R: Role> Identity<R> {
    /// The user with this number or name, who has no role so far.
    pub fn new(subject: impl Into<Box<str>>) -> Self {
        Self {
            subject: subject.into(),
            roles: 0,
            unknown: 0,
            is_outdated: false,
            signed_in_at: None,
            second_factor: false,
            elevation: None,
            role: std::marker::PhantomData,
        }
    }

    /// Has this role, and those below it.
    pub fn role(mut self, role: R) -> Self {
        self.roles |= bit(role.index());
        self
    }

    /// Has the roles with these names. A name is the same bytes or another one; one that is unknown grants
    /// nothing and is [counted](Self::unknown_names); since it may have been meant for any role, no exception
    /// (`!role(Banned)`) lets its bearer in.
    pub fn role_names<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        for name in names {
            match R::NAMES.iter().position(|known| *known == name.as_ref()) {
                Some(at) => self.roles |= 1 << at,
                None => self.unknown = self.unknown.saturating_add(1),
            }
        }
        self
    }

    /// How many names were no role's.
    #[must_use]
    pub const fn unknown_names(&self) -> u32 {
        self.unknown
    }

    /// When the user has last shown who he is.
    pub const fn signed_in_at(mut self, at: SystemTime) -> Self {
        self.signed_in_at = Some(at);
        self
    }

    /// A second factor was shown as well.
    pub const fn with_second_factor(mut self) -> Self {
        self.second_factor = true;
        self
    }

    /// Has this role, and those below it, until then. Of several the last one counts.
    pub fn elevated(mut self, role: R, until: SystemTime) -> Self {
        self.elevation = Some(Elevation { roles: bit(role.index()), until });
        self
    }

    /// What he has shown, a token or a session, says which epoch of the user it is of, and the table of users
    /// says which one it is now: a number that goes up whenever his roles change, or he is told to leave. Unless
    /// they are the same he has no role, is nobody who has signed in, and is asked to sign in again: with the
    /// next request, however long the token lives.
    pub const fn epoch(mut self, shown: u64, current: u64) -> Self {
        self.is_outdated = shown != current;
        self
    }

    pub(super) fn into_principal(self, grants: &Grants<R>) -> Principal {
        let of_now = |roles: u64| if self.is_outdated { 0 } else { roles };
        let elevated = of_now(self.elevation.map_or(0, |elevation| elevation.roles));
        let roles = of_now(self.roles);
        let inner = Inner {
            permissions: grants.permissions(roles),
            roles: grants.roles(roles),
            is_outdated: self.is_outdated,
            elevated: (grants.roles(elevated), grants.permissions(elevated)),
            elevated_until: self.elevation.map(|elevation| elevation.until),
            subject: self.subject,
            signed_in_at: self.signed_in_at,
            second_factor: self.second_factor,
            has_unknown_names: self.unknown > 0,
            version: grants.version(),
            types: (TypeId::of::<R>(), TypeId::of::<R::Permission>()),
        };
        Principal { inner: Arc::new(inner), reporter: None }
    }
}

impl<R> fmt::Debug for Identity<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Somebody who has shown who he is: what guards decide about.
///
/// Only [`Authenticate`](super::Authenticate) makes one. In handlers it is an extractor (features `axum`
/// and `actix`).
#[derive(Clone)]
pub struct Principal {
    inner: Arc<Inner>,
    /// Of the request whose handler has asked for it.
    reporter: Option<Reporter>,
}

struct Inner {
    subject: Box<str>,
    /// With all below them.
    roles: u64,
    permissions: u128,
    elevated: (u64, u128),
    elevated_until: Option<SystemTime>,
    signed_in_at: Option<SystemTime>,
    second_factor: bool,
    is_outdated: bool,
    has_unknown_names: bool,
    version: u64,
    /// Of which enums the roles and permissions are: places in another one mean something else.
    types: (TypeId, TypeId),
}

impl Principal {
    /// The number or name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.inner.subject
    }

    /// Whether he has this role now, or one above it. He has none of another enum than his own.
    #[must_use]
    pub fn has_role<R: Role>(&self, role: R, now: SystemTime) -> bool {
        self.role_type() == TypeId::of::<R>() && self.holds_role(role.index(), || now)
    }

    /// Whether he is granted this now. He is granted nothing of another enum than his own.
    #[must_use]
    pub fn has_permission<P: Permission>(&self, permission: P, now: SystemTime) -> bool {
        self.permission_type() == TypeId::of::<P>()
            && self.holds_permission(permission.index(), || now)
    }

    /// Whether what this is about is his own. What has no owner is nobody's.
    #[must_use]
    pub fn owns(&self, owner: &str) -> bool {
        !owner.is_empty() && *self.inner.subject == *owner
    }

    /// The same, where whoever does not own it is to be refused. In a handler that is an
    /// [event](crate::event), as a guard's refusal is.
    pub fn must_own(&self, owner: &str) -> Result<(), Why> {
        if self.owns(owner) { Ok(()) } else { Err(self.told(Why::NotOwner)) }
    }

    /// Tells the log why, if this is a handler's.
    pub(super) fn told(&self, why: Why) -> Why {
        if let Some(reporter) = &self.reporter {
            why.tell(reporter, Some(self));
        }
        why
    }

    /// For a handler, whose refusals nobody else tells of.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(super) fn reporting_to(self, reporter: Option<Reporter>) -> Self {
        Self { reporter, ..self }
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.inner.is_outdated
    }

    /// By which version of the [`Grants`](super::Grants) all that is asked about him is decided.
    #[must_use]
    pub fn grants_version(&self) -> u64 {
        self.inner.version
    }

    pub(super) fn role_type(&self) -> TypeId {
        self.inner.types.0
    }

    pub(super) fn permission_type(&self) -> TypeId {
        self.inner.types.1
    }

    /// Without what an elevation adds. Whoever is outdated has none.
    pub(super) fn has_all(&self, roles: u64, permissions: u128) -> bool {
        self.inner.roles & roles == roles && self.inner.permissions & permissions == permissions
    }

    pub(super) fn holds_role(&self, index: u8, now: impl FnOnce() -> SystemTime) -> bool {
        self.inner.roles & bit(index) != 0
            || self.inner.elevated.0 & bit(index) != 0 && self.is_elevated(now)
    }

    pub(super) fn holds_permission(&self, index: u8, now: impl FnOnce() -> SystemTime) -> bool {
        let bit = 1_u128.checked_shl(index.into()).unwrap_or(0);
        self.inner.permissions & bit != 0
            || self.inner.elevated.1 & bit != 0 && self.is_elevated(now)
    }

    pub(super) fn has_unknown_names(&self) -> bool {
        self.inner.has_unknown_names
    }

    /// How long ago he has shown who he is; `None` if that is unknown, or in the future.
    pub(super) fn age(&self, now: SystemTime) -> Option<Duration> {
        now.duration_since(self.inner.signed_in_at?).ok()
    }

    pub(super) fn has_second_factor(&self) -> bool {
        self.inner.second_factor
    }

    fn is_elevated(&self, now: impl FnOnce() -> SystemTime) -> bool {
        self.inner.elevated_until.is_some_and(|until| now() < until)
    }
}

/// None for a place that no role has.
fn bit(index: u8) -> u64 {
    1_u64.checked_shl(index.into()).unwrap_or(0)
}

/// Who it is may be an e-mail address.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("roles", &self.inner.roles).finish_non_exhaustive()
    }
}
