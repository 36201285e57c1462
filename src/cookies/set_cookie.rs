//! One `Set-Cookie`, read as browsers read it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::attribute::{Attribute, Kind, SameSite, parse_max_age};
use super::date;
use super::prefix::Prefix;
use super::scan::{Parts, has_control, split_at, trim};

/// One value of `Set-Cookie`, read as browsers read it. Nothing is copied.
///
/// **The attack.** Code that looks for the word `secure` somewhere in the line takes
/// `theme=secure` for a cookie that has the attribute, and code that takes the first of two
/// attributes sees a `SameSite` that browsers do not.
///
/// **The rule.** draft-ietf-httpbis-layered-cookies, "Parse a cookie", as of 2026-07 (the algorithm of
/// RFC 6265bis):
///
/// - Of names and values only spaces and tabs are trimmed. Quotes are part of the value.
/// - The name of an attribute is read without regard to its case, and the last one counts.
/// - An attribute that is longer than 1024 bytes, or a `Max-Age` or `Expires` that cannot be read,
///   is as if it were not there. A `SameSite` that is not known is one that is not set.
/// - Without `=` the whole is the value of a cookie without a name.
///
/// ```
/// use std::time::SystemTime;
///
/// use donjon::cookies::{SameSite, SetCookie};
///
/// let cookie = SetCookie::parse(b"theme=secure; HttpOnly=no; samesite=Strict; SameSite=lax");
///
/// assert_eq!((cookie.name(), cookie.value()), (&b"theme"[..], &b"secure"[..]));
/// assert!(!cookie.secure(), "that is its value");
/// assert!(cookie.http_only(), "whatever stands behind the sign");
/// assert_eq!(cookie.same_site(), Some(SameSite::Lax), "the last one counts");
///
/// let deletion = SetCookie::parse(b"sid=; Expires=Thu, 1-Jan-1970 00:00:00 GMT");
/// assert!(deletion.is_deletion(SystemTime::now()));
/// ```
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub struct SetCookie<'a> {
    line: &'a [u8],
    name: &'a [u8],
    value: &'a [u8],
    path: Option<&'a [u8]>,
    domain: Option<&'a [u8]>,
    max_age: Option<i64>,
    expires: Option<i64>,
    same_site: Option<SameSite>,
    secure: bool,
    http_only: bool,
    partitioned: bool,
    pub(super) has_control: bool,
    pub(super) has_repeated: bool,
    pub(super) has_ignored: bool,
    pub(super) has_too_long: bool,
    /// How many attributes there are that browsers do not know, empty ones among them.
    pub(super) unknown: usize,
}

/// Does not print the value, nor what may be a part of it.
impl fmt::Debug for SetCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format_args!("{}", self.name.escape_ascii());
        f.debug_struct("SetCookie").field("name", &name).finish_non_exhaustive()
    }
}

impl<'a> SetCookie<'a> {
    /// Reads any bytes.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Self {
        let (pair, rest) = split_at::<b';'>(line);
        let (name, value) = match split_at::<b'='>(pair) {
            (name, Some(value)) => (name, value),
            (value, None) => (&pair[..0], value),
        };
        let mut cookie = Self {
            line,
            name: trim(name),
            value: trim(value),
            path: None,
            domain: None,
            max_age: None,
            expires: None,
            same_site: None,
            secure: false,
            http_only: false,
            partitioned: false,
            has_control: has_control(line),
            has_repeated: false,
            has_ignored: false,
            has_too_long: false,
            unknown: 0,
        };
        let mut seen = 0_u8;
        for Attribute { kind, value, .. } in Parts(rest).map(Attribute::parse) {
            let Some(kind) = kind else {
                cookie.unknown += 1;
                continue;
            };
            if value.len() > MAX_ATTRIBUTE {
                cookie.has_too_long = true;
                continue;
            }
            let bit = 1 << kind as u8;
            cookie.has_repeated |= seen & bit != 0;
            seen |= bit;
            cookie.has_ignored |= !cookie.take(kind, value);
        }
        cookie
    }

    /// Whether the value is any good. The last that is counts, but a path or a `SameSite` that is not
    /// undoes those before it.
    #[inline]
    fn take(&mut self, kind: Kind, value: &'a [u8]) -> bool {
        match kind {
            Kind::Secure => self.secure = true,
            Kind::HttpOnly => self.http_only = true,
            Kind::Partitioned => self.partitioned = true,
            Kind::Domain => self.domain = Some(value),
            Kind::Path => {
                self.path = value.starts_with(b"/").then_some(value);
                return self.path.is_some();
            }
            Kind::SameSite => {
                self.same_site = SameSite::parse(value);
                return self.same_site.is_some();
            }
            Kind::MaxAge => {
                let age = parse_max_age(value);
                self.max_age = age.or(self.max_age);
                return age.is_some();
            }
            Kind::Expires => {
                let at = date::parse(value);
                self.expires = at.or(self.expires);
                return at.is_some();
            }
        }
        true
    }

    /// The name; empty if there is none.
    #[must_use]
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value, with its quotes if it has any.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Whether it is sent by https alone.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }

    /// Whether scripts cannot read it.
    #[must_use]
    pub const fn http_only(&self) -> bool {
        self.http_only
    }

    /// Whether each top-level site has one of its own.
    #[must_use]
    pub const fn partitioned(&self) -> bool {
        self.partitioned
    }

    /// With which requests from other sites it is sent. `None` if it does not say, or says something
    /// that is not known; browsers then differ.
    #[must_use]
    pub const fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// The path below which it is sent. `None` leaves it to the path of the request.
    #[must_use]
    pub const fn path(&self) -> Option<&'a [u8]> {
        self.path
    }

    /// The domain to whose hosts it is sent, without the leading dot. `None` is the host alone that
    /// has set it.
    #[must_use]
    pub fn domain(&self) -> Option<&'a [u8]> {
        let domain = self.domain?;
        Some(domain.strip_prefix(b".").unwrap_or(domain)).filter(|domain| !domain.is_empty())
    }

    /// For how many seconds it is kept, by `Max-Age`, which goes before `Expires`.
    #[must_use]
    pub const fn max_age(&self) -> Option<i64> {
        self.max_age
    }

    /// Until when it is kept, in seconds since 1970, by `Expires`.
    #[must_use]
    pub const fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// Whether it removes a cookie: its lifetime is over when it arrives.
    #[must_use]
    pub fn is_deletion(&self, now: SystemTime) -> bool {
        self.lifetime(|| now).is_some_and(|seconds| seconds <= 0)
    }

    /// For how many seconds it is kept; `None` is until the browser is closed.
    pub(super) fn lifetime(&self, now: impl FnOnce() -> SystemTime) -> Option<i64> {
        self.max_age.or_else(|| self.expires.map(|at| at.saturating_sub(unix(now()))))
    }

    pub(super) fn prefix(&self) -> Option<Prefix> {
        Prefix::of(self.name)
    }

    /// Without a name, but sent in such a way that it may be taken for one that has one.
    pub(super) fn imitates(&self) -> bool {
        self.name.is_empty() && (self.value.contains(&b'=') || Prefix::of(self.value).is_some())
    }

    pub(super) const fn has_domain_attribute(&self) -> bool {
        self.domain.is_some()
    }

    /// Name and value, as they stand there.
    pub(super) fn pair(&self) -> &'a [u8] {
        trim(split_at::<b';'>(self.line).0)
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        Parts(split_at::<b';'>(self.line).1).map(Attribute::parse)
    }

    /// The attribute of this kind that counts, as it stands there.
    pub(super) fn whole(&self, kind: Kind) -> Option<&'a [u8]> {
        let counts = |attribute: &Attribute<'_>| match (attribute.kind, attribute.value) {
            (found, value) if found != Some(kind) || value.len() > MAX_ATTRIBUTE => false,
            (Some(Kind::SameSite), _) => self.same_site.is_some(),
            (Some(Kind::Path), _) => self.path.is_some(),
            (Some(Kind::MaxAge), value) => parse_max_age(value).is_some(),
            (Some(Kind::Expires), value) => date::parse(value).is_some(),
            _ => true,
        };
        self.attributes().filter(counts).last().map(|attribute| attribute.whole())
    }
}

fn unix(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// The longest value of an attribute that browsers heed.
pub(super) const MAX_ATTRIBUTE: usize = 1024;
