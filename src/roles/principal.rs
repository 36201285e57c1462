//! Who is asking, once somebody has found out.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::declare::{Permission, Role};
use super::grants::Grants;
use super::why::Why;

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

    pub(super) fn into_principal(self, grants: &Grants<R>) -> Principal {
        let elevated = self.elevation.map_or(0, |elevation| elevation.roles);
        Principal(Arc::new(Inner {
            permissions: grants.permissions(self.roles),
            roles: grants.roles(self.roles),
            elevated: (grants.roles(elevated), grants.permissions(elevated)),
            elevated_until: self.elevation.map(|elevation| elevation.until),
            subject: self.subject,
            signed_in_at: self.signed_in_at,
            second_factor: self.second_factor,
            has_unknown_names: self.unknown > 0,
            version: grants.version(),
            types: (TypeId::of::<R>(), TypeId::of::<R::Permission>()),
        }))
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
pub struct Principal(Arc<Inner>);

struct Inner {
    subject: Box<str>,
    /// With all below them.
    roles: u64,
    permissions: u128,
    elevated: (u64, u128),
    elevated_until: Option<SystemTime>,
    signed_in_at: Option<SystemTime>,
    second_factor: bool,
    has_unknown_names: bool,
    version: u64,
    /// Of which enums the roles and permissions are: places in another one mean something else.
    types: (TypeId, TypeId),
}

impl Principal {
    /// The number or name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Whether he has this role now, or one above it. He has none of another enum than his own.
    #[must_use]
    pub fn has_role<R: Role>(&self, role: R, now: SystemTime) -> bool {
        self.role_type() == TypeId::of::<R>() && self.holds_role(role.index(), now)
    }

    /// Whether he is granted this now. He is granted nothing of another enum than his own.
    #[must_use]
    pub fn has_permission<P: Permission>(&self, permission: P, now: SystemTime) -> bool {
        self.permission_type() == TypeId::of::<P>()
            && self.holds_permission(permission.index(), now)
    }

    /// Whether what this is about is his own. What has no owner is nobody's.
    #[must_use]
    pub fn owns(&self, owner: &str) -> bool {
        !owner.is_empty() && *self.0.subject == *owner
    }

    /// The same, where whoever does not own it is to be refused.
    pub fn must_own(&self, owner: &str) -> Result<(), Why> {
        if self.owns(owner) { Ok(()) } else { Err(Why::NotOwner) }
    }

    /// By which version of the [`Grants`](super::Grants) all that is asked about him is decided.
    #[must_use]
    pub fn grants_version(&self) -> u64 {
        self.0.version
    }

    pub(super) fn role_type(&self) -> TypeId {
        self.0.types.0
    }

    pub(super) fn permission_type(&self) -> TypeId {
        self.0.types.1
    }

    pub(super) fn holds_role(&self, index: u8, now: SystemTime) -> bool {
        self.roles(now) & bit(index) != 0
    }

    pub(super) fn holds_permission(&self, index: u8, now: SystemTime) -> bool {
        let bit = 1_u128.checked_shl(index.into()).unwrap_or(0);
        self.permissions(now) & bit != 0
    }

    pub(super) fn has_unknown_names(&self) -> bool {
        self.0.has_unknown_names
    }

    fn roles(&self, now: SystemTime) -> u64 {
        if self.is_elevated(now) { self.0.roles | self.0.elevated.0 } else { self.0.roles }
    }

    fn permissions(&self, now: SystemTime) -> u128 {
        if self.is_elevated(now) {
            self.0.permissions | self.0.elevated.1
        } else {
            self.0.permissions
        }
    }

    /// How long ago he has shown who he is; `None` if that is unknown, or in the future.
    pub(super) fn age(&self, now: SystemTime) -> Option<Duration> {
        now.duration_since(self.0.signed_in_at?).ok()
    }

    pub(super) fn has_second_factor(&self) -> bool {
        self.0.second_factor
    }

    fn is_elevated(&self, now: SystemTime) -> bool {
        self.0.elevated_until.is_some_and(|until| now < until)
    }
}

/// None for a place that no role has.
fn bit(index: u8) -> u64 {
    1_u64.checked_shl(index.into()).unwrap_or(0)
}

/// Who it is may be an e-mail address.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("roles", &self.0.roles).finish_non_exhaustive()
    }
}
