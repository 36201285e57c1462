//! Who may use a feature of a `Permissions-Policy`.

use std::fmt;

use super::ConfigError;
use super::grammar::{self, Item};
use super::permissions_policy::refusal;

/// Who may use a feature: the page itself, and frames to which it delegates.
///
/// ```
/// use donjon::headers::permissions_policy::Allow;
///
/// let allow = Allow::list(["self", "https://*.example.com"])?;
/// assert_eq!(allow.to_string(), r#"(self "https://*.example.com")"#);
///
/// assert!(Allow::list(["example.com"]).is_err(), "an origin has a scheme");
/// assert!(Allow::list(["https://example.com/"]).is_err(), "an origin has no path");
/// # Ok::<_, donjon::headers::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Allow {
    /// Nobody: `()`.
    None,
    /// The page, and frames of its own origin: `(self)`.
    SelfOnly,
    /// Everybody: `*`.
    Any,
    /// Some origins; made by [`Allow::list`].
    List(AllowList),
}

/// Some origins. See [`Allow::list`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AllowList {
    own: bool,
    origins: Vec<String>,
}

impl Allow {
    /// Origins such as `https://example.com`, `https://example.com:8443` and
    /// `https://*.example.com`, which is every subdomain, and `self` for the page's own.
    pub fn list<I>(origins: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut list = AllowList { own: false, origins: Vec::new() };
        for origin in origins {
            let origin = origin.as_ref().to_ascii_lowercase();
            if list.origins.contains(&origin) || (origin == "self" && list.own) {
                return Err(refusal(&origin, "the origin is listed twice"));
            }
            match origin.as_str() {
                "self" => list.own = true,
                _ if is_origin(&origin) => list.origins.push(origin),
                _ => return Err(refusal(&origin, ORIGIN)),
            }
        }
        Ok(match (list.own, list.origins.is_empty()) {
            (false, true) => Self::None,
            (true, true) => Self::SelfOnly,
            (_, false) => Self::List(list),
        })
    }

    pub(super) fn from_items(items: &[Item<'_>]) -> Result<Self, ConfigError> {
        if items == [Item::Token("*")] {
            return Ok(Self::Any);
        }
        let origins = items.iter().map(|item| match item {
            Item::Token("self") => Ok("self"),
            Item::Text(origin) if !origin.eq_ignore_ascii_case("self") => Ok(*origin),
            Item::Token(word) | Item::Text(word) => Err(refusal(word, ORIGIN)),
        });
        Self::list(origins.collect::<Result<Vec<_>, _>>()?)
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("()"),
            Self::SelfOnly => f.write_str("(self)"),
            Self::Any => f.write_str("*"),
            Self::List(list) => {
                let own = list.own.then(|| "self".to_owned());
                let origins = list.origins.iter().map(|origin| format!("\"{origin}\""));
                let all: Vec<_> = own.into_iter().chain(origins).collect();
                write!(f, "({})", all.join(" "))
            }
        }
    }
}

fn is_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|host| grammar::is_authority(host.strip_prefix("*.").unwrap_or(host)))
}

const ORIGIN: &str =
    "write self or an origin, \"https://example.com\" or \"https://*.example.com\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_origins_and_nothing_else() {
        for origin in [
            "",
            "*",
            "https://",
            "https://*",
            "https://*.",
            "https://a.*.example",
            "https://a.example/",
            "https://a.example?b",
            "https://a.example:x",
            "https://user@a.example",
            "https://a.example\"",
            "https://a.example) usb=*",
            "https://a.example\r\nset-cookie: a=b",
            "https://ä.example",
            "wss://a.example",
            "'self'",
        ] {
            assert!(Allow::list([origin]).is_err(), "{origin}");
        }
        assert!(Allow::list(["self", "SELF"]).is_err());
        assert!(Allow::list(["https://a.example", "https://A.example"]).is_err());
    }

    #[test]
    fn a_short_list_is_the_word_for_it() {
        assert_eq!(Allow::list::<[&str; 0]>([]), Ok(Allow::None));
        assert_eq!(Allow::list(["self"]), Ok(Allow::SelfOnly));
    }
}
