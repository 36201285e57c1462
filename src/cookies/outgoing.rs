//! A cookie on its way to the browser.

use std::fmt;

use bytes::Bytes;

use super::SetError;
use super::attribute::SameSite;
use super::fix::MAX_PAIR;
use super::planned::Key;
use super::set_cookie::SetCookie;

/// One value of `Set-Cookie` that browsers take as it was meant: made by a
/// [`CookieSpec`](super::CookieSpec), or checked.
///
/// With the feature `cookie` it is made of a `cookie::Cookie`, and a `cookie::Cookie` of it.
#[derive(Clone, Eq, PartialEq)]
pub struct OutgoingCookie(Bytes);

impl OutgoingCookie {
    pub(super) fn new(line: String) -> Self {
        Self(line.into())
    }

    /// Takes a line that something else has made, if browsers keep all of it.
    ///
    /// ```
    /// use donjon::cookies::OutgoingCookie;
    ///
    /// assert!(OutgoingCookie::parse("theme=dark; Secure; HttpOnly; SameSite=Lax").is_ok());
    /// assert!(OutgoingCookie::parse("theme=dark\r\nSet-Cookie: sid=evil").is_err());
    /// assert!(OutgoingCookie::parse(&format!("a={}", "x".repeat(4096))).is_err());
    /// assert!(OutgoingCookie::parse("__Host-sid=1; Secure").is_err(), "without Path=/");
    /// ```
    pub fn parse(line: &str) -> Result<Self, SetError> {
        let cookie = SetCookie::parse(line.as_bytes());
        let name = || String::from_utf8_lossy(cookie.name()).into_owned();
        if cookie.name().is_empty() {
            return Err(SetError::Name { name: String::new() });
        }
        if cookie.has_control || !line.is_ascii() {
            return Err(SetError::Value { name: name() });
        }
        if cookie.has_too_long || cookie.has_ignored || !browsers_take(&cookie) {
            return Err(SetError::Attribute { name: name() });
        }
        let len = cookie.name().len() + cookie.value().len();
        if len > MAX_PAIR {
            return Err(SetError::TooLarge { name: name(), len, limit: MAX_PAIR });
        }
        Ok(Self::new(line.to_owned()))
    }

    /// The value of the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It was text when it was made.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How browsers read it.
    #[must_use]
    pub fn read(&self) -> SetCookie<'_> {
        SetCookie::parse(&self.0)
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether browsers keep the one in place of the other.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        Key::of(&self.0) == Key::of(&other.0)
    }
}

/// Whether it keeps the rules of its prefix and of its attributes: where it does not, browsers ignore
/// the whole cookie.
fn browsers_take(cookie: &SetCookie<'_>) -> bool {
    let prefix = cookie.prefix();
    let is_host = prefix.is_some_and(|prefix| prefix.host);
    let is_http = prefix.is_some_and(|prefix| prefix.http_only);
    let needs_secure =
        prefix.is_some() || cookie.partitioned() || cookie.same_site() == Some(SameSite::None);
    (cookie.secure() || !needs_secure)
        && (cookie.http_only() || !is_http)
        && (!is_host || cookie.path() == Some(b"/") && !cookie.has_domain_attribute())
}

/// The name alone: a value may be somebody's session.
impl fmt::Debug for OutgoingCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(self.read().name()).into_owned();
        f.debug_struct("OutgoingCookie").field("name", &name).finish_non_exhaustive()
    }
}
