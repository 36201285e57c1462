//! `Reporting-Endpoints`: where browsers send reports.
//!
//! **The attack.** The one that nobody sees: a policy that blocks an attack, or breaks a page,
//! tells nobody. A report that goes astray is as good as none, and one sent in the clear tells
//! everybody on the way which addresses the user visits.
//!
//! **The rule.** [Reporting API](https://w3c.github.io/reporting/#header). Browsers
//! ignore endpoints without https.
//!
//! - An endpoint is an https address, or a path on the same site; http only on the developer's own
//!   machine.
//! - A header that names an endpoint that is not declared is an error when
//!   [`SecurityHeaders`](super::SecurityHeaders) is built.
//! - The older `Report-To` header is not sent: every browser that knows it knows this one.
//!
//! ```
//! use donjon::headers::ReportingEndpoints;
//!
//! let endpoints = ReportingEndpoints::new()
//!     .endpoint("csp", "/csp-reports")?
//!     .endpoint("main", "https://reports.example.com/in")?;
//!
//! assert_eq!(
//!     endpoints.to_string(),
//!     r#"csp="/csp-reports", main="https://reports.example.com/in""#
//! );
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::grammar::{self, Item};
use super::kind::HeaderValue;
use super::{ConfigError, HeaderKind};

/// A `Reporting-Endpoints` header.
///
/// See the [module docs](self).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct ReportingEndpoints {
    /// Names and addresses, in the order they were added.
    endpoints: Vec<(String, String)>,
}

impl ReportingEndpoints {
    /// No endpoint yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { endpoints: Vec::new() }
    }

    /// Adds an endpoint.
    pub fn endpoint(mut self, name: &str, url: &str) -> Result<Self, ConfigError> {
        if !is_endpoint_name(name) {
            return Err(refusal(
                name,
                "the name of an endpoint is lower-case letters, digits, -, _ and .",
            ));
        }
        if self.url_of(name).is_some() {
            return Err(refusal(name, "the endpoint is there already"));
        }
        if !is_report_url(url) {
            return Err(refusal(
                url,
                "an endpoint is an https address or a path that starts with one /, percent-encoded",
            ));
        }
        self.endpoints.push((name.to_owned(), url.to_owned()));
        Ok(self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// The address of an endpoint.
    pub(crate) fn url_of(&self, name: &str) -> Option<&str> {
        let mut endpoints = self.endpoints.iter();
        let (_, url) = endpoints.find(|(known, _)| known == name)?;
        Some(url)
    }
}

impl fmt::Display for ReportingEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, url)) in self.endpoints.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{name}=\"{url}\"")?;
        }
        Ok(())
    }
}

impl FromStr for ReportingEndpoints {
    type Err = ConfigError;

    /// Takes the value as it is sent, with one endpoint at least.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let unreadable =
            || refusal(value, "write name=\"/path\", other=\"https://example.com/path\"");
        let members = grammar::dictionary(value).ok_or_else(unreadable)?;
        members.iter().try_fold(Self::new(), |endpoints, member| {
            match (member.items.as_slice(), member.list, member.parameters.as_slice()) {
                ([Item::Text(url)], false, []) => endpoints.endpoint(member.key, url),
                _ => Err(unreadable()),
            }
        })
    }
}

impl HeaderValue for ReportingEndpoints {
    fn value(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

/// Whether an endpoint can have this name.
pub(crate) fn is_endpoint_name(name: &str) -> bool {
    grammar::is_key(name)
}

/// Whether reports can be sent to this address.
pub(crate) fn is_report_url(url: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>');
    if !url.chars().all(plain) {
        return false;
    }
    if let Some(path) = url.strip_prefix('/') {
        // `//host` is another site.
        return !path.starts_with('/');
    }
    let authority = |rest: &str| rest.split(['/', '?', '#']).next().map(str::to_owned);
    if let Some(host) = url.strip_prefix("https://").and_then(authority) {
        return grammar::is_authority(&host);
    }
    url.strip_prefix("http://").and_then(authority).is_some_and(|host| {
        let (name, _) = host.split_once(':').unwrap_or((&host, ""));
        matches!(name, "localhost" | "127.0.0.1") && grammar::is_authority(&host)
    })
}

fn refusal(value: &str, mend: &'static str) -> ConfigError {
    ConfigError::Value { header: HeaderKind::ReportingEndpoints, value: value.to_owned(), mend }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_a_path() {
        for (url, expected) in [
            ("/", true),
            ("/reports?site=a&b=%20", true),
            ("https://example.com", true),
            ("https://example.com:8443/a?b", true),
            ("http://localhost:3000/reports", true),
            ("http://127.0.0.1/reports", true),
            ("", false),
            ("reports", false),
            ("//example.com/reports", false),
            ("/\\example.com", false),
            ("https:///reports", false),
            ("https://user@example.com/", false),
            ("http://example.com/reports", false),
            ("http://localhost.example.com/", false),
            ("http://localhost@example.com/", false),
            ("HTTPS://example.com/\"", false),
            ("https://example.com/a b", false),
            ("https://example.com/\r\nset-cookie: a=b", false),
            ("https://example.com/é", false),
        ] {
            assert_eq!(is_report_url(url), expected, "{url:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let endpoints = ReportingEndpoints::new().endpoint("*a.b", "/c").unwrap();
        let endpoints = endpoints.endpoint("d", "https://e.example/f").unwrap();

        assert_eq!(endpoints.url_of("d"), Some("https://e.example/f"));
        assert_eq!(endpoints.to_string().parse(), Ok(endpoints));
    }

    #[test]
    fn refuses_what_browsers_would_ignore() {
        for value in ["", "a=/b", "a=(\"/b\")", "A=\"/b\"", "a=\"/b\", a=\"/c\"", "a=\"/b\";c=d"] {
            assert!(value.parse::<ReportingEndpoints>().is_err(), "{value}");
        }
    }
}
