//! Headers of the past. They are in no preset but the one that does as helmet does.
//!
//! - [`XssProtection`], `X-XSS-Protection`, switched a filter on in Internet Explorer, in Chrome up
//!   to 78 and in Safari up to 15.4. The filter guessed, and attackers used its guesses to switch
//!   scripts of the page off. Today no browser has it; `0` says so to old ones, and OWASP's Secure
//!   Headers Project recommends not to send it.
//! - [`ExpectCt`], `Expect-CT`, asked Chrome 61 to 107 that certificates be in public logs.
//!   Browsers now ask that of every certificate. [RFC 9163](https://www.rfc-editor.org/rfc/rfc9163)
//!   is history; what is left to send is `max-age=0`.
//! - [`DownloadOptions`], `X-Download-Options`, kept Internet Explorer 8 from opening a downloaded
//!   page in the site's name. No other browser has known it.
//!
//! ```
//! use donjon::headers::legacy::{DownloadOptions, ExpectCt, XssProtection};
//!
//! assert_eq!(XssProtection::Zero.to_string(), "0");
//! assert_eq!(ExpectCt::off().to_string(), "max-age=0");
//! assert_eq!(DownloadOptions::NoOpen.to_string(), "noopen");
//! assert!("1; mode=block".parse::<XssProtection>().is_err());
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::kind::HeaderValue;
use super::word::word_header;
use super::{ConfigError, HeaderKind};

word_header! {
    /// An `X-XSS-Protection` header.
    ///
    /// See the [module docs](self).
    XssProtection, "write 0: the filter of old browsers was itself a way in" {
        /// The filter is off.
        Zero = "0",
    }
}

word_header! {
    /// An `X-Download-Options` header.
    ///
    /// See the [module docs](self).
    DownloadOptions, "write noopen" {
        /// Downloads are saved before they are opened.
        NoOpen = "noopen",
    }
    word, weakest first: "noopen"
}

/// An `Expect-CT` header.
///
/// See the [module docs](self).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ExpectCt {
    /// In seconds.
    max_age: u64,
    enforce: bool,
}

impl ExpectCt {
    /// Makes old browsers forget what they have been told: `max-age=0`.
    #[must_use]
    pub const fn off() -> Self {
        Self { max_age: 0, enforce: false }
    }

    /// Refuses connections whose certificate is in no public log. Parts of a second are dropped.
    #[must_use]
    pub const fn enforce(max_age: Duration) -> Self {
        Self { max_age: max_age.as_secs(), enforce: true }
    }
}

impl fmt::Display for ExpectCt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enforce = if self.enforce { ", enforce" } else { "" };
        write!(f, "max-age={}{enforce}", self.max_age)
    }
}

impl FromStr for ExpectCt {
    type Err = ConfigError;

    /// Takes `max-age=0` and `max-age=N, enforce`.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let (age, enforce) = match value.split_once(',') {
            Some((age, enforce)) => (age.trim_end(), Some(enforce.trim())),
            None => (value, None),
        };
        let digits = age.strip_prefix("max-age=").unwrap_or_default();
        // `parse` alone would take a plus sign.
        let seconds = digits.parse().ok().filter(|_| !digits.starts_with('+'));
        match (seconds, enforce) {
            (Some(0), None) => Ok(Self::off()),
            (Some(seconds), Some("enforce")) => Ok(Self::enforce(Duration::from_secs(seconds))),
            _ => Err(ConfigError::Value {
                header: HeaderKind::ExpectCt,
                value: value.to_owned(),
                mend: "write max-age=0, or max-age=N, enforce",
            }),
        }
    }
}

impl HeaderValue for ExpectCt {
    fn value(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expect_ct_reads_back_and_refuses_the_rest() {
        for header in
            [ExpectCt::off(), ExpectCt::enforce(Duration::ZERO), ExpectCt::enforce(Duration::MAX)]
        {
            assert_eq!(header.to_string().parse(), Ok(header));
        }
        for value in ["", "enforce", "max-age=", "max-age=+1, enforce", "max-age=5", "max-age=0,"] {
            assert!(value.parse::<ExpectCt>().is_err(), "{value}");
        }
    }
}
