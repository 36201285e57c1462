//! One declaration of a cookie, for all that is done with it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Sealer;
use super::attribute::SameSite;
use super::declared::{Declared, check_lifetime};
use super::error::{self, ConfigError, ReadError, SetError};
use super::fix::MAX_PAIR;
use super::outgoing::OutgoingCookie;
use super::policy::CookieRule;
#[cfg(feature = "lockout")]
use super::prefix::Unprefixed;
use super::prefix::{AnyPath, HostHttp, NamePrefix, Prefix, Readable};
use super::value::CookieValue;
use super::view::{CookieView, Found};
use crate::clock::Clock;
use crate::head::RequestHead;

/// A cookie of the application: its name, its attributes, and what is in it. All that is done with the
/// cookie derives from this.
///
/// **The attack.** A cookie is set here with one path and deleted there with another, so who signs out
/// stays signed in. A value with a semicolon in it adds attributes, or is dropped without a word. A
/// value that is signed under one name is read under another.
///
/// **The rule.** OWASP ASVS 5.0, 3.3; draft-ietf-httpbis-layered-cookies as of 2026-07.
///
/// - The [prefix](super::prefix) of the name is a type, [`HostHttp`] without another word, and what
///   the prefix forbids cannot be written.
/// - It is `Secure`, `HttpOnly` and `SameSite=Lax`, and its path is `/`, unless it says otherwise.
/// - [`set`](Self::set) refuses what a browser would not keep or would change.
/// - [`delete`](Self::delete) is the same cookie, with its time over.
/// - [`read`](Self::read) takes the exact name alone, and opens what is [sealed](Self::sealed).
/// - [`HardenCookies::spec`](super::HardenCookies::spec) and
///   [`GuardCookies`](super::GuardCookies::new) take its rule and its name.
///
/// In a handler, [`Cookies`](super::Cookies) sets and reads.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::cookies::prefix::Unprefixed;
/// use donjon::cookies::{CookieSpec, Sealer, SetError};
/// use donjon::keys::{Key, KeyRing};
///
/// let theme: CookieSpec<String, Unprefixed> =
///     CookieSpec::new("theme")?.readable_by_scripts().lifetime(Duration::from_secs(86_400))?;
/// assert_eq!(
///     theme.set(&"dark".to_owned())?.as_str(),
///     "theme=dark; Path=/; Max-Age=86400; Secure; SameSite=Lax"
/// );
/// assert_eq!(
///     theme.delete().as_str(),
///     "theme=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Lax"
/// );
/// let injected = theme.set(&"dark; Domain=evil.example".to_owned());
/// assert_eq!(injected, Err(SetError::Value { name: "theme".to_owned() }));
///
/// // What is sealed may be anything, and nobody else can make it.
/// let ring = KeyRing::new(Key::random())?;
/// let sealer = Sealer::encrypted(&ring, "club", "basket")?;
/// let basket: CookieSpec<String> =
///     CookieSpec::new("__Host-Http-basket")?.sealed(sealer, Duration::from_secs(3600))?;
/// let set = basket.set(&"court 3; 18:00".to_owned())?;
///
/// let request = http::Request::builder()
///     .header("cookie", set.as_str().split(';').next().unwrap())
///     .body(())
///     .unwrap();
/// assert_eq!(basket.read(&request)?.unwrap().value, "court 3; 18:00");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// What the prefix forbids does not compile:
///
/// ```compile_fail,E0599
/// # use donjon::cookies::CookieSpec;
/// let sid: CookieSpec<String> = CookieSpec::new("__Host-Http-sid").unwrap().path("/app").unwrap();
/// ```
///
/// ```compile_fail,E0599
/// # use donjon::cookies::CookieSpec;
/// let sid: CookieSpec<String> = CookieSpec::new("__Host-Http-sid").unwrap().readable_by_scripts();
/// ```
#[must_use = "a declaration sets nothing"]
pub struct CookieSpec<T, P = HostHttp> {
    pub(super) declared: Declared,
    of: PhantomData<fn() -> (T, P)>,
}

/// What [`CookieSpec::read`] finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CookieRead<T> {
    /// What was set.
    pub value: T,
    /// When it ceases to be good, if it is sealed.
    pub expires_at: Option<SystemTime>,
    /// Whether an older key has sealed it, so that the client is to get a new one.
    pub needs_reseal: bool,
}

impl<T, P: NamePrefix> CookieSpec<T, P> {
    /// A cookie of this name, which begins with the prefix. It is kept until the browser is closed.
    pub fn new(name: &'static str) -> Result<Self, ConfigError> {
        error::check_name(name)?;
        let wrong = || ConfigError::Prefix { name, prefix: P::TEXT };
        let rest = name.strip_prefix(P::TEXT).filter(|rest| !rest.is_empty()).ok_or_else(wrong)?;
        // `__Host-` is no beginning of `__Host-Http-`: that one is held to more.
        if Prefix::of(name.as_bytes()) != Prefix::of(P::TEXT.as_bytes()) || rest.is_empty() {
            return Err(wrong());
        }
        Ok(Self { declared: Declared::new(name), of: PhantomData })
    }

    /// Keeps it for so long, up to 400 days, in whole seconds.
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, ConfigError> {
        check_lifetime(lifetime)?;
        self.declared.lifetime = Some(lifetime);
        Ok(self)
    }

    /// Sends it with requests from this site alone: not even when somebody follows a link to it.
    pub fn strict(mut self) -> Self {
        self.declared.same_site = SameSite::Strict;
        self.declared.cross_site = None;
        self
    }

    /// Sends it with requests from other sites too (`SameSite=None`), for this reason.
    pub fn cross_site(mut self, reason: &'static str) -> Result<Self, ConfigError> {
        if reason.trim().is_empty() {
            return Err(ConfigError::NoReason { name: self.declared.name });
        }
        self.declared.same_site = SameSite::None;
        self.declared.cross_site = Some(reason);
        Ok(self)
    }

    /// Keeps one for each site in whose pages this one is framed: `Partitioned`.
    pub fn partitioned(mut self) -> Self {
        self.declared.partitioned = true;
        self
    }

    /// Lets name and value have so many bytes together, instead of the 4096 that browsers take.
    pub fn max_size(mut self, bytes: usize) -> Result<Self, ConfigError> {
        if !(self.declared.name.len()..=MAX_PAIR).contains(&bytes) {
            return Err(ConfigError::Size { name: self.declared.name, bytes });
        }
        self.declared.max_size = bytes;
        Ok(self)
    }

    /// Seals the value, to be good for so long: in whole seconds, up to 400 days, or what the sealer
    /// allows.
    pub fn sealed(mut self, sealer: Sealer, good_for: Duration) -> Result<Self, ConfigError> {
        check_lifetime(good_for)?;
        let limit = sealer.longest();
        if good_for > limit {
            return Err(ConfigError::SealedTooLong { name: self.declared.name, limit });
        }
        self.declared.sealed = Some((sealer, good_for));
        Ok(self)
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.declared.clock = clock;
        self
    }

    /// The name, with its prefix.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.declared.name
    }

    /// The same declaration, whatever the prefix of its name. The prefix's rules have been checked.
    #[cfg(feature = "lockout")]
    pub(crate) fn any_prefix(&self) -> CookieSpec<T, Unprefixed> {
        CookieSpec { declared: self.declared.clone(), of: PhantomData }
    }

    /// What [`HardenCookies`](super::HardenCookies) is to ask of it.
    pub fn rule(&self) -> CookieRule {
        self.declared.rule()
    }

    /// Deletes it.
    #[must_use]
    pub fn delete(&self) -> OutgoingCookie {
        self.declared.delete()
    }
}

impl<T, P: AnyPath> CookieSpec<T, P> {
    /// Sends it below this path alone. That keeps it from nobody: pages of one host can read one
    /// another.
    pub fn path(mut self, path: &'static str) -> Result<Self, ConfigError> {
        error::check_path(path)?;
        self.declared.path = path;
        Ok(self)
    }

    /// Sends it to all hosts of this domain, and lets each of them replace it.
    pub fn domain(mut self, domain: &'static str) -> Result<Self, ConfigError> {
        error::check_domain(domain)?;
        self.declared.domain = Some(domain);
        Ok(self)
    }

    /// Deletes what is kept under this name for another path or domain: after a declaration was
    /// changed, or where a look-up is [`Ambiguous`](Found::Ambiguous). A browser does not tell
    /// which there are, so it takes one for each that was ever used.
    pub fn delete_at(
        &self,
        domain: Option<&'static str>,
        path: &'static str,
    ) -> Result<OutgoingCookie, ConfigError> {
        error::check_path(path)?;
        domain.map_or(Ok(()), error::check_domain)?;
        Ok(Declared { path, domain, ..self.declared.clone() }.delete())
    }
}

impl<T, P: Readable> CookieSpec<T, P> {
    /// Lets scripts read it.
    pub fn readable_by_scripts(mut self) -> Self {
        self.declared.readable = true;
        self
    }
}

impl<T: CookieValue, P: NamePrefix> CookieSpec<T, P> {
    /// Sets it to this value.
    pub fn set(&self, value: &T) -> Result<OutgoingCookie, SetError> {
        self.set_for(value, None)
    }

    /// As [`set`](Self::set), to be good until then and no longer.
    pub(super) fn set_until(
        &self,
        value: &T,
        until: SystemTime,
    ) -> Result<OutgoingCookie, SetError> {
        self.set_for(value, Some(until))
    }

    fn set_for(&self, value: &T, until: Option<SystemTime>) -> Result<OutgoingCookie, SetError> {
        let unrepresentable = || SetError::Value { name: self.declared.name.to_owned() };
        self.declared.set(&value.to_bytes().ok_or_else(unrepresentable)?, until)
    }

    /// The value that came with this request, if one did.
    pub fn read<R: RequestHead>(&self, request: &R) -> Result<Option<CookieRead<T>>, ReadError> {
        self.read_found(CookieView::of(request).get(self.declared.name))
    }

    pub(super) fn read_found(&self, found: Found<'_>) -> Result<Option<CookieRead<T>>, ReadError> {
        let Some(content) = self.declared.open(found)? else {
            return Ok(None);
        };
        let value = T::from_bytes(content.bytes()).ok_or(ReadError::Value)?;
        let (expires_at, needs_reseal) = (content.expires_at, content.needs_reseal);
        Ok(Some(CookieRead { value, expires_at, needs_reseal }))
    }
}

// By hand, since what is in it need be neither.
impl<T, P> Clone for CookieSpec<T, P> {
    fn clone(&self) -> Self {
        Self { declared: self.declared.clone(), of: PhantomData }
    }
}

impl<T, P> fmt::Debug for CookieSpec<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declared.fmt(f)
    }
}
