//! What is paid for, and where on the site.

use std::fmt;
use std::str::FromStr;

use super::error::ConfigError;
use crate::text;

/// An order, by the number or name that the app has for it: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and
/// `-`, so that it is itself in a form, a URL, a signed text and a log.
///
/// ```
/// use donjon::payment::OrderId;
///
/// let order: OrderId = "2026-000123".parse()?;
/// assert_eq!(order.as_str(), "2026-000123");
/// assert!("1&PBX_TOTAL=1".parse::<OrderId>().is_err());
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
///
/// There is no way around that:
///
/// ```compile_fail,E0423
/// use donjon::payment::OrderId;
///
/// let order = OrderId("1&PBX_TOTAL=1".into());
/// ```
///
/// So nothing is paid for by a text that nobody has read:
///
/// ```
/// # fn begin() -> Result<(), Box<dyn std::error::Error>> {
/// use donjon::payment::{Checkout, Currency, Money};
///
/// let checkout = Checkout::new("2026-17".parse()?, Money::new(4990, Currency::EUR)?);
/// # Ok(()) }
/// # begin().unwrap();
/// ```
///
/// ```compile_fail,E0308
/// # fn begin() -> Result<(), Box<dyn std::error::Error>> {
/// use donjon::payment::{Checkout, Currency, Money};
///
/// let checkout = Checkout::new("2026-17", Money::new(4990, Currency::EUR)?);
/// # Ok(()) }
/// # begin().unwrap();
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OrderId(Box<str>);

impl OrderId {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderId {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&text.len()) || !text.bytes().all(is_one) {
            return Err(ConfigError::Order);
        }
        // A step upwards in a path.
        if text.bytes().all(|byte| byte == b'.') {
            return Err(ConfigError::Order);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A place on this site: `/orders/17`. Nothing that a browser takes for another site is one.
///
/// **The attack.** `?next=//evil.example`: whoever pays comes back to a copy of the shop (CWE-601).
///
/// **The rule.** OWASP ASVS 5.0, 3.7.2. It begins with one `/` and no second one, and holds visible ASCII
/// without `\`, which browsers take for `/`: at most 2048 bytes of it.
///
/// ```
/// use donjon::payment::LocalPath;
///
/// assert!("/orders/17?tab=paid#top".parse::<LocalPath>().is_ok());
/// for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "done", "/\tevil"] {
///     assert!(elsewhere.parse::<LocalPath>().is_err(), "{elsewhere}");
/// }
/// ```
///
/// There is no other way to make one, so who asks for one is not given anything else:
///
/// ```
/// use donjon::payment::LocalPath;
///
/// fn go_on(to: &LocalPath) -> String {
///     format!("location: {to}")
/// }
/// assert_eq!(go_on(&"/orders/17".parse()?), "location: /orders/17");
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
///
/// ```compile_fail,E0423
/// # use donjon::payment::LocalPath;
/// # fn go_on(to: &LocalPath) -> String {
/// #     format!("location: {to}")
/// # }
/// assert_eq!(go_on(&LocalPath("//evil.example".into())), "location: //evil.example");
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
///
/// ```compile_fail,E0308
/// # use donjon::payment::LocalPath;
/// # fn go_on(to: &LocalPath) -> String {
/// #     format!("location: {to}")
/// # }
/// assert_eq!(go_on("/orders/17"), "location: /orders/17");
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LocalPath(Box<str>);

impl LocalPath {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing behind the path: what a gateway signs has no room for more.
    pub(super) fn is_bare(&self) -> bool {
        !self.0.contains(['?', '#', '&', '%'])
    }
}

impl FromStr for LocalPath {
    type Err = ConfigError;

    fn from_str(path: &str) -> Result<Self, ConfigError> {
        let is_one = text::is_local_path(path);
        is_one.then(|| Self(path.into())).ok_or_else(|| ConfigError::Path { path: path.to_owned() })
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
