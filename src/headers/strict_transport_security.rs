//! `Strict-Transport-Security`: browsers come back over https only.
//!
//! **The attack.** A user types `example.com` on a café's network. The browser asks in the clear,
//! and whoever is in between answers in the site's place, without any https.
//!
//! **The rule.** [RFC 6797, section 6.1](https://www.rfc-editor.org/rfc/rfc6797#section-6.1).
//! OWASP's Secure Headers Project recommends `max-age=31536000; includeSubDomains`.
//!
//! - There are two constructors and no default: whether subdomains are included is yours to say.
//!   With them, *every* subdomain that has no https, down to the printer's page, is out of reach
//!   for everybody who has seen the header.
//! - [`preload`](StrictTransportSecurity::preload) is in no preset. It allows anybody to submit the
//!   domain to the list that is built into browsers, and leaving that list takes months.
//! - Browsers ignore the header over http, so [`SecurityHeaders`](super::SecurityHeaders) sends it
//!   over https only.
//! - To turn it off send [`off`](StrictTransportSecurity::off) for as long as the old `max-age`
//!   was: leaving the header out changes nothing for browsers that have seen it.
//!
//! ```
//! use donjon::headers::StrictTransportSecurity;
//!
//! let year = StrictTransportSecurity::ONE_YEAR;
//! let hsts = StrictTransportSecurity::including_subdomains(year);
//! assert_eq!(hsts.to_string(), "max-age=31536000; includeSubDomains");
//! assert_eq!(hsts.preload()?.to_string(), "max-age=31536000; includeSubDomains; preload");
//!
//! assert!(StrictTransportSecurity::excluding_subdomains(year).preload().is_err());
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::kind::HeaderValue;
use super::{ConfigError, HeaderKind};

/// A `Strict-Transport-Security` header.
///
/// See the [module docs](self).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StrictTransportSecurity {
    /// In seconds.
    pub(super) max_age: u64,
    subdomains: bool,
    pub(super) preload: bool,
}

impl StrictTransportSecurity {
    /// A year of 365 days: what OWASP recommends, and the least that the preload list takes.
    pub const ONE_YEAR: Duration = Duration::from_secs(31_536_000);

    /// Https only for this host and all its subdomains. Parts of a second are dropped.
    #[must_use]
    pub const fn including_subdomains(max_age: Duration) -> Self {
        Self { subdomains: true, ..Self::excluding_subdomains(max_age) }
    }

    /// Https only for this host. Parts of a second are dropped.
    #[must_use]
    pub const fn excluding_subdomains(max_age: Duration) -> Self {
        Self { max_age: max_age.as_secs(), subdomains: false, preload: false }
    }

    /// Makes browsers forget what they have been told: `max-age=0`.
    #[must_use]
    pub const fn off() -> Self {
        Self::excluding_subdomains(Duration::ZERO)
    }

    /// Consents to the list that is built into browsers, which takes a domain only with its
    /// subdomains and for a year or more.
    pub fn preload(self) -> Result<Self, ConfigError> {
        if !self.subdomains || self.max_age < Self::ONE_YEAR.as_secs() {
            return Err(refusal(
                &self.to_string(),
                "preload needs includeSubDomains and a max-age of 31536000 or more",
            ));
        }
        Ok(Self { preload: true, ..self })
    }

    /// Reads a value as browsers do, and tells whether it has directives of no known meaning, which
    /// browsers skip. `None` is a value that browsers ignore as a whole.
    fn read(value: &str) -> Option<(Self, bool)> {
        let (mut max_age, mut subdomains, mut preload, mut unknown) = (None, false, false, false);
        for directive in value.split(';').map(str::trim) {
            let (name, value) = match directive.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
                None => (directive, None),
            };
            match (name.to_ascii_lowercase().as_str(), value) {
                ("", None) => {}
                ("max-age", Some(seconds)) if max_age.is_none() => max_age = Some(digits(seconds)?),
                ("includesubdomains", None) if !subdomains => subdomains = true,
                ("preload", None) if !preload => preload = true,
                ("" | "max-age" | "includesubdomains" | "preload", _) => return None,
                _ => unknown = true,
            }
        }
        let max_age = max_age?;
        let header = Self { max_age, subdomains, preload };
        Some((header, unknown))
    }
}

impl fmt::Display for StrictTransportSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-age={}", self.max_age)?;
        if self.subdomains {
            f.write_str("; includeSubDomains")?;
        }
        if self.preload {
            f.write_str("; preload")?;
        }
        Ok(())
    }
}

impl FromStr for StrictTransportSecurity {
    type Err = ConfigError;

    /// Takes what RFC 6797 allows, without directives of no known meaning.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        match Self::read(value) {
            Some((header, false)) if header.preload => header.preload(),
            Some((header, false)) => Ok(header),
            _ => Err(refusal(
                value,
                "write max-age=31536000, then, if wanted, ; includeSubDomains and ; preload",
            )),
        }
    }
}

impl HeaderValue for StrictTransportSecurity {
    const STRICTER: Option<fn(&[u8], &[u8]) -> bool> = Some(|ours, theirs| {
        let read = |value| Self::read(str::from_utf8(value).ok()?).map(|(header, _)| header);
        match (read(ours), read(theirs)) {
            (Some(ours), Some(theirs)) => {
                ours != theirs
                    && ours.max_age >= theirs.max_age
                    && ours.subdomains >= theirs.subdomains
                    && ours.preload >= theirs.preload
            }
            (ours, _) => ours.is_some(),
        }
    });

    fn value(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(value),
    }
}

/// `parse` alone would take a plus sign.
fn digits(value: &str) -> Option<u64> {
    let only_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then_some(value)?.parse().ok()
}

fn refusal(value: &str, mend: &'static str) -> ConfigError {
    ConfigError::Value {
        header: HeaderKind::StrictTransportSecurity,
        value: value.to_owned(),
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rfc_6797_allows() {
        for (value, expected) in [
            ("max-age=0", "max-age=0"),
            ("Max-Age=\"300\" ;; INCLUDESUBDOMAINS;", "max-age=300; includeSubDomains"),
            ("includeSubDomains; max-age = 7", "max-age=7; includeSubDomains"),
            (
                "preload; max-age=31536000; includeSubDomains",
                "max-age=31536000; includeSubDomains; preload",
            ),
        ] {
            let header: StrictTransportSecurity = value.parse().unwrap();
            assert_eq!(header.to_string(), expected, "{value}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for value in [
            "",
            "includeSubDomains",
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=+1",
            "max-age=1.5",
            "max-age=\"1",
            "max-age=18446744073709551616",
            "max-age=1; max-age=1",
            "max-age=1; includeSubDomains; includesubdomains",
            "max-age=1; includeSubDomains=1",
            "max-age=1; includeSubdomain",
            "max-age=1; =1",
            "max-age=1, max-age=1",
            "max-age=1; includeSubDomains; preload",
            "max-age=31536000; preload",
        ] {
            assert!(value.parse::<StrictTransportSecurity>().is_err(), "{value}");
        }
    }

    #[test]
    fn stricter_is_longer_or_wider_and_never_less() {
        let stricter = StrictTransportSecurity::STRICTER.unwrap();
        for (ours, theirs, expected) in [
            ("max-age=2", "max-age=1", true),
            ("max-age=1", "max-age=1", false),
            ("max-age=1; includeSubDomains", "max-age=1", true),
            ("max-age=1; includeSubDomains", "max-age=2", false),
            ("max-age=2", "max-age=1; includeSubDomains", false),
            ("max-age=1", "max-age=2; unknown", false),
            ("max-age=1", "max-age=two", true),
            ("max-age=1", "max-age=2, max-age=2", true),
        ] {
            let found = stricter(ours.as_bytes(), theirs.as_bytes());
            assert_eq!(found, expected, "{ours} against {theirs}");
        }
    }
}
