//! One `Set-Cookie`, read as browsers read it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::attribute::{
    Attribute, Attributes, Kind, SameSite, has_control, parse_max_age, split_at, trim,
};
use super::date;
use super::prefix::Prefix;

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
    /// The attribute of each kind that counts, whole.
    effective: [Option<Attribute<'a>>; KINDS],
    max_age: Option<i64>,
    expires: Option<i64>,
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
        let (pair, rest) = split_at(line, b';');
        let (name, value) = match split_at(pair, b'=') {
            (name, Some(value)) => (name, value),
            (value, None) => (&pair[..0], value),
        };
        let mut cookie = Self {
            line,
            name: trim(name),
            value: trim(value),
            effective: [None; KINDS],
            max_age: None,
            expires: None,
            has_control: has_control(line),
            has_repeated: false,
            has_ignored: false,
            has_too_long: false,
            unknown: 0,
        };
        let mut seen = [false; KINDS];
        for attribute in (Attributes { rest }) {
            let Some(kind) = attribute.kind else {
                cookie.unknown += 1;
                continue;
            };
            if attribute.value.len() > MAX_ATTRIBUTE {
                cookie.has_too_long = true;
                continue;
            }
            cookie.has_repeated |= std::mem::replace(&mut seen[kind as usize], true);
            cookie.take(kind, attribute);
        }
        cookie
    }

    fn take(&mut self, kind: Kind, attribute: Attribute<'a>) {
        let value = attribute.value;
        // Of these three, one that is no good still undoes those before it.
        let undone = match kind {
            Kind::SameSite => SameSite::parse(value).is_none(),
            Kind::Path => !value.starts_with(b"/"),
            _ => false,
        };
        let ignored = match kind {
            Kind::MaxAge => parse_max_age(value).map(|age| self.max_age = Some(age)).is_none(),
            Kind::Expires => date::parse(value).map(|at| self.expires = Some(at)).is_none(),
            _ => false,
        };
        self.has_ignored |= undone || ignored;
        if !ignored {
            self.effective[kind as usize] = (!undone).then_some(attribute);
        }
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
        self.get(Kind::Secure).is_some()
    }

    /// Whether scripts cannot read it.
    #[must_use]
    pub const fn http_only(&self) -> bool {
        self.get(Kind::HttpOnly).is_some()
    }

    /// Whether each top-level site has one of its own.
    #[must_use]
    pub const fn partitioned(&self) -> bool {
        self.get(Kind::Partitioned).is_some()
    }

    /// With which requests from other sites it is sent. `None` if it does not say, or says something
    /// that is not known; browsers then differ.
    #[must_use]
    pub fn same_site(&self) -> Option<SameSite> {
        self.get(Kind::SameSite).and_then(|attribute| SameSite::parse(attribute.value))
    }

    /// The path below which it is sent. `None` leaves it to the path of the request.
    #[must_use]
    pub fn path(&self) -> Option<&'a [u8]> {
        self.get(Kind::Path).map(|attribute| attribute.value)
    }

    /// The domain to whose hosts it is sent, without the leading dot. `None` is the host alone that
    /// has set it.
    #[must_use]
    pub fn domain(&self) -> Option<&'a [u8]> {
        let domain = self.get(Kind::Domain)?.value;
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

    pub(super) const fn get(&self, kind: Kind) -> Option<Attribute<'a>> {
        self.effective[kind as usize]
    }

    pub(super) fn has_domain_attribute(&self) -> bool {
        self.get(Kind::Domain).is_some()
    }

    /// Name and value, as they stand there.
    pub(super) fn pair(&self) -> &'a [u8] {
        trim(split_at(self.line, b';').0)
    }

    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: split_at(self.line, b';').1 }
    }
}

fn unix(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// The longest value of an attribute that browsers heed.
const MAX_ATTRIBUTE: usize = 1024;
const KINDS: usize = 8;
