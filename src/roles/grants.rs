//! What roles are granted: as declared, or as a file says.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::declare::Role;

#[cfg(feature = "serde")]
mod file;

/// Which roles are below which, and what each is granted: what a [`Principal`](super::Principal) is made by.
///
/// It is what the enums declare, or, with the feature `serde`, what a file says instead: for some roles, or
/// for all. The names are those of the enums; a file makes up no role and no permission.
///
/// - What a file does not name stays as declared.
/// - An unknown field, role or permission, one that is there twice, and a role that is below itself are an
///   error of the file, at its line.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use donjon::roles::Grants;
///
/// donjon::permissions! { pub enum Permission { Read = "courts:read", Book = "courts:book" } }
/// donjon::roles! {
///     pub enum Role grants Permission {
///         Visitor = "visitor" => [Read],
///         Member = "member": Visitor => [Book],
///     }
/// }
///
/// // No bookings today.
/// let grants: Grants<Role> = toml::from_str(
///     "[member]
///      below = [\"visitor\"]
///      grants = []",
/// )?;
/// assert_eq!(grants.of_role(Role::Member), ["courts:read"]);
/// assert_eq!(Grants::<Role>::declared().of_role(Role::Member), ["courts:read", "courts:book"]);
///
/// let error = toml::from_str::<Grants<Role>>("[member]\ngrants = [\"courts:bok\"]").unwrap_err();
/// assert!(error.to_string().contains("line 2"), "{error}");
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Grants<R> {
    version: u64,
    /// For each role, itself and all below it.
    below: Box<[u64]>,
    /// For each role, what it and all below it are granted.
    granted: Box<[u128]>,
    role: PhantomData<fn() -> R>,
}

impl<R: Role> Grants<R> {
    /// As the enums declare.
    #[must_use]
    pub fn declared() -> Self {
        Self::of(R::BELOW.into(), R::GRANTS.into())
    }

    /// The names of what a role is granted, by itself and by those below it.
    #[must_use]
    pub fn of_role(&self, role: R) -> Vec<&'static str> {
        let grants = self.granted.get(usize::from(role.index())).copied().unwrap_or(0);
        let names = <R::Permission as super::Permission>::NAMES.iter().enumerate();
        names.filter(|(at, _)| grants >> at & 1 == 1).map(|(_, name)| *name).collect()
    }

    /// Tells this from whatever else the process has made.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// All roles of a set, with those below them.
    pub(super) fn roles(&self, roles: u64) -> u64 {
        each(roles).fold(0, |all, at| all | self.below.get(at).copied().unwrap_or(0))
    }

    /// What a set of roles is granted.
    pub(super) fn permissions(&self, roles: u64) -> u128 {
        each(roles).fold(0, |all, at| all | self.granted.get(at).copied().unwrap_or(0))
    }

    fn of(below: Box<[u64]>, granted: Box<[u128]>) -> Self {
        let version = VERSIONS.fetch_add(1, Ordering::Relaxed);
        Self { version, below, granted, role: PhantomData }
    }
}

fn each(roles: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |at| roles >> at & 1 == 1)
}

impl<R: Role> fmt::Debug for Grants<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The grants in use, which can be replaced while requests run: a request that has begun ends with those it
/// began with.
///
/// ```
/// use donjon::roles::{Grants, GrantsInUse};
///
/// donjon::permissions! { pub enum Permission { Read = "read" } }
/// donjon::roles! { pub enum Role grants Permission { Member = "member" => [Read] } }
///
/// let in_use = GrantsInUse::new(Grants::<Role>::declared());
/// let in_the_layer = in_use.clone(); // `Authenticate::new(…).grants(&in_use)`
/// let next = Grants::declared();
/// let version = next.version();
/// in_use.replace(next);
/// assert_eq!(in_the_layer.version(), version);
/// ```
pub struct GrantsInUse<R>(Arc<ArcSwap<Grants<R>>>);

impl<R: Role> GrantsInUse<R> {
    /// These, at first.
    #[must_use]
    pub fn new(grants: Grants<R>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(grants)))
    }

    /// Replaces them, for all clones at once.
    pub fn replace(&self, grants: Grants<R>) {
        self.0.store(Arc::new(grants));
    }

    /// The version in use.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.load().version
    }

    pub(super) fn load(&self) -> arc_swap::Guard<Arc<Grants<R>>> {
        self.0.load()
    }
}

impl<R: Role> Default for GrantsInUse<R> {
    fn default() -> Self {
        Self::new(Grants::declared())
    }
}

// By hand, since a role need not be either.
impl<R> Clone for GrantsInUse<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Role> fmt::Debug for GrantsInUse<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GrantsInUse").field(&*self.0.load()).finish()
    }
}

static VERSIONS: AtomicU64 = AtomicU64::new(1);
