//! `Cache-Control`: nobody keeps a copy of a private page.
//!
//! **The attack.** The next user of a shared computer presses "back" and sees the account of the
//! one before. Or a cache between hands one user's page, with its nonce, to the next.
//!
//! **The rule.** [RFC 9111, section 5.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2).
//! OWASP's Secure Headers Project recommends `no-store, max-age=0`.
//!
//! - [`no_store`](CacheControl::no_store) in the preset for APIs; for other responses it is yours
//!   to add where a response is about one user.
//! - [`SecurityHeaders`](super::SecurityHeaders) backs off: it is not sent with a response that has
//!   `Cache-Control`, `Expires` or `Pragma` already, nor with 304, whose headers would replace
//!   those of the stored response.
//! - Other directives are for the handler to set: they speak of caching, not of security.
//!
//! ```
//! use donjon::headers::CacheControl;
//!
//! assert_eq!(CacheControl::no_store().to_string(), "no-store, max-age=0");
//! assert_eq!("No-Store".parse(), Ok(CacheControl::no_store()));
//! assert!("public".parse::<CacheControl>().is_err());
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::kind::HeaderValue;
use super::{ConfigError, HeaderKind};

/// A `Cache-Control` header for private responses.
///
/// See the [module docs](self).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CacheControl(&'static str);

impl CacheControl {
    /// Nothing is kept: `no-store, max-age=0`.
    #[must_use]
    pub const fn no_store() -> Self {
        Self("no-store, max-age=0")
    }

    /// The browser may keep it, and asks the server each time whether it may show it:
    /// `private, no-cache`.
    #[must_use]
    pub const fn private_no_cache() -> Self {
        Self("private, no-cache")
    }
}

impl fmt::Display for CacheControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for CacheControl {
    type Err = ConfigError;

    /// Takes `no-store`, with or without `max-age=0`, and `private, no-cache`, in any order and
    /// case.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let mut directives = directives(value.as_bytes());
        directives.sort_unstable();
        let directives: Vec<_> = directives.iter().map(Vec::as_slice).collect();
        match directives.as_slice() {
            [b"no-store"] | [b"max-age=0", b"no-store"] => Ok(Self::no_store()),
            [b"no-cache", b"private"] => Ok(Self::private_no_cache()),
            _ => Err(ConfigError::Value {
                header: HeaderKind::CacheControl,
                value: value.to_owned(),
                mend: "write no-store, max-age=0 or private, no-cache; the rest is for handlers",
            }),
        }
    }
}

impl HeaderValue for CacheControl {
    const STRICTER: Option<fn(&[u8], &[u8]) -> bool> =
        Some(|ours, theirs| privacy(ours) > privacy(theirs));

    fn value(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0)
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

/// 2 where nobody keeps a copy, 1 where only the user's browser does and asks before it shows it.
fn privacy(value: &[u8]) -> u8 {
    let directives = directives(value);
    let has = |wanted: &[u8]| directives.iter().any(|directive| directive == wanted);
    if has(b"no-store") { 2 } else { u8::from(has(b"private") && has(b"no-cache")) }
}

fn directives(value: &[u8]) -> Vec<Vec<u8>> {
    value
        .split(|byte| *byte == b',')
        .map(|directive| directive.trim_ascii().to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stricter_is_more_private() {
        let stricter = CacheControl::STRICTER.unwrap();
        for (ours, theirs, expected) in [
            (CacheControl::no_store(), "public, max-age=60", true),
            (CacheControl::no_store(), "private, no-cache", true),
            (CacheControl::no_store(), "max-age=0, NO-STORE", false),
            (CacheControl::private_no_cache(), "no-cache", true),
            (CacheControl::private_no_cache(), "no-cache,private", false),
            (CacheControl::private_no_cache(), "no-store", false),
        ] {
            let found = stricter(ours.0.as_bytes(), theirs.as_bytes());
            assert_eq!(found, expected, "{ours} against {theirs}");
        }
    }
}
