//! `Integrity-Policy`: no script without its hash.
//!
//! **The attack.** A CDN is broken into and serves another script under the old address.
//! Subresource integrity would notice it, but on one tag of two hundred somebody forgot the
//! `integrity` attribute.
//!
//! **The rule.** [Subresource
//! Integrity](https://w3c.github.io/webappsec-subresource-integrity/#integrity-policy-section)
//! defines the header. OWASP's Secure Headers Project lists it, and does not tell everybody to send
//! it: it stops every script of another origin and of one's own that has no `integrity`.
//!
//! - In no preset. Start with [`ReportOnly`](super::ReportOnly).
//! - Style sheets count in no browser yet without a flag; scripts do in Chrome 138, Firefox 145 and
//!   Safari 26.
//! - Firefox sends no reports.
//!
//! ```
//! use donjon::headers::IntegrityPolicy;
//!
//! let policy = IntegrityPolicy::scripts().and_styles().report_to("main")?;
//! assert_eq!(policy.to_string(), "blocked-destinations=(script style), endpoints=(main)");
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::grammar::{self, Item};
use super::kind::HeaderValue;
use super::reporting_endpoints::is_endpoint_name;
use super::{ConfigError, HeaderKind};

/// An `Integrity-Policy` header.
///
/// See the [module docs](self).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IntegrityPolicy {
    styles: bool,
    endpoints: Vec<String>,
}

impl IntegrityPolicy {
    /// Scripts need an `integrity` attribute.
    #[must_use]
    pub const fn scripts() -> Self {
        Self { styles: false, endpoints: Vec::new() }
    }

    /// Style sheets need one too. Chrome says on the console that it does not support that.
    #[must_use]
    pub fn and_styles(self) -> Self {
        Self { styles: true, ..self }
    }

    /// Has violations reported to an endpoint of [`ReportingEndpoints`](super::ReportingEndpoints).
    pub fn report_to(mut self, endpoint: &str) -> Result<Self, ConfigError> {
        if !is_endpoint_name(endpoint) || self.endpoints().any(|known| known == endpoint) {
            return Err(refusal(endpoint, "name a declared reporting endpoint, once"));
        }
        self.endpoints.push(endpoint.to_owned());
        Ok(self)
    }

    /// The endpoints that violations are reported to.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(String::as_str)
    }
}

impl fmt::Display for IntegrityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let styles = if self.styles { " style" } else { "" };
        write!(f, "blocked-destinations=(script{styles})")?;
        if !self.endpoints.is_empty() {
            write!(f, ", endpoints=({})", self.endpoints.join(" "))?;
        }
        Ok(())
    }
}

impl FromStr for IntegrityPolicy {
    type Err = ConfigError;

    /// Takes the value as it is sent, with `sources=(inline)` or without, which is the same.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let unreadable = || {
            refusal(
                value,
                "write blocked-destinations=(script) or blocked-destinations=(script style), \
                 then, if wanted, endpoints=(name)",
            )
        };
        let (mut destinations, mut sources, mut endpoints) = (None, None, None);
        for member in grammar::dictionary(value).ok_or_else(unreadable)? {
            let place = match member.key {
                "blocked-destinations" => &mut destinations,
                "sources" => &mut sources,
                "endpoints" => &mut endpoints,
                _ => return Err(unreadable()),
            };
            if place.is_some() || !member.list || !member.parameters.is_empty() {
                return Err(unreadable());
            }
            *place = Some(member.items);
        }

        let (script, style) = (Item::Token("script"), Item::Token("style"));
        let policy = match destinations {
            Some(only) if only == [script] => Self::scripts(),
            Some(both) if both == [script, style] || both == [style, script] => {
                Self::scripts().and_styles()
            }
            _ => return Err(unreadable()),
        };
        if sources.is_some_and(|sources| sources != [Item::Token("inline")]) {
            return Err(unreadable());
        }
        let endpoints = endpoints.unwrap_or_default();
        endpoints.iter().try_fold(policy, |policy, item| match item {
            Item::Token(endpoint) => policy.report_to(endpoint),
            Item::Text(_) => Err(unreadable()),
        })
    }
}

impl HeaderValue for IntegrityPolicy {
    fn value(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

fn refusal(value: &str, mend: &'static str) -> ConfigError {
    ConfigError::Value { header: HeaderKind::IntegrityPolicy, value: value.to_owned(), mend }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_browsers_read() {
        for (value, expected) in [
            ("blocked-destinations=(script)", "blocked-destinations=(script)"),
            (
                "endpoints=(a b),blocked-destinations=( style script ), sources=(inline)",
                "blocked-destinations=(script style), endpoints=(a b)",
            ),
        ] {
            assert_eq!(value.parse::<IntegrityPolicy>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn refuses_spellings_that_enforce_nothing() {
        for value in [
            "",
            "blocked-destinations=script",
            "blocked-destinations=()",
            "blocked-destinations=(\"script\")",
            "blocked-destinations=(script,style)",
            "blocked-destinations=(script image)",
            "blocked-destinations=(script), sources=()",
            "blocked-destinations=(script), endpoints=(\"a\")",
            "blocked-destinations=(script), endpoints=(a a)",
            "blocked-destinations=(script), blocked-destinations=(script)",
            "endpoints=(a)",
        ] {
            assert!(value.parse::<IntegrityPolicy>().is_err(), "{value}");
        }
    }
}
