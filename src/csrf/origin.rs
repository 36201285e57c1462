//! Origins: scheme, host and port.

use std::fmt;

use super::ConfigError;
use crate::client::{Host, Scheme};

/// An origin: a scheme, a host and a port, and nothing else.
///
/// **The rule.** RFC 6454, sections 4 and 7: two origins are the same if all three are.
///
/// - The scheme is `http` or `https`, the host is what a [`Host`] is. Case does not matter, and the
///   scheme's usual port is the same as none.
/// - No user's name, path, query or fragment, not even a slash at the end; no white space, no list,
///   no `null`.
/// - `club.example` and `club.example.` are two hosts, as they are to browsers.
///
/// ```
/// use donjon::csrf::Origin;
///
/// let origin = Origin::parse(b"HTTPS://Club.Example:443").unwrap();
/// assert_eq!(origin.to_string(), "https://club.example");
///
/// assert_ne!(Origin::parse(b"https://club.example:8443").unwrap(), origin);
/// assert_ne!(Origin::parse(b"http://club.example").unwrap(), origin);
/// assert_eq!(Origin::parse(b"https://club.example@evil.example"), None);
/// assert_eq!(Origin::parse(b"null"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

impl Origin {
    /// Reads the value of an `Origin` header.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let starts = |with: &[u8]| {
            text.split_at_checked(with.len())
                .and_then(|(start, rest)| start.eq_ignore_ascii_case(with).then_some(rest))
        };
        let (scheme, host) = match starts(b"https://") {
            Some(rest) => (Scheme::Https, rest),
            None => (Scheme::Http, starts(b"http://")?),
        };
        let host = Host::parse(host)?;
        let port = host.port().unwrap_or(usual_port(scheme));
        Some(Self { scheme, host, port })
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host. Its port is as it was written; [`port`](Self::port) is the one that counts.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port: the scheme's usual one if none was written.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        (self.scheme, self.port) == (other.scheme, other.port)
            && self.host.as_bytes() == other.host.as_bytes()
    }
}

impl Eq for Origin {}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host.name())?;
        if self.port == usual_port(self.scheme) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

const fn usual_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

/// The origins of a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Vec<(Box<str>, Origin)>);

impl Origins {
    pub(super) fn add(&mut self, text: &str) -> Result<(), ConfigError> {
        let value = || text.to_owned();
        let origin = Origin::parse(text.as_bytes());
        let origin = origin.ok_or_else(|| ConfigError::Origin { value: value() })?;
        if origin.scheme == Scheme::Http && !origin.host.is_loopback() {
            return Err(ConfigError::PlainHttp { value: value() });
        }
        self.0.push((origin.to_string().into(), origin));
        Ok(())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are without https.
    pub(super) fn over_http(&self) -> impl Iterator<Item = String> {
        let over_http = self.0.iter().filter(|(_, origin)| origin.scheme == Scheme::Http);
        over_http.map(|(text, _)| text.to_string())
    }

    /// Whether the value of an `Origin` header is one of them.
    pub(super) fn hold(&self, value: &[u8]) -> bool {
        if self.is_empty() {
            return false;
        }
        // As all browsers write it; other clients may write it otherwise.
        self.0.iter().any(|(text, _)| text.as_bytes() == value)
            || Origin::parse(value)
                .is_some_and(|origin| self.0.iter().any(|(_, listed)| *listed == origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port_and_nothing_else() {
        for (text, expected) in [
            ("https://club.example", Some("https://club.example")),
            ("https://club.example:443", Some("https://club.example")),
            ("https://club.example:80", Some("https://club.example:80")),
            ("http://club.example:80", Some("http://club.example")),
            ("http://club.example:443", Some("http://club.example:443")),
            ("https://club.example:8443", Some("https://club.example:8443")),
            ("HTTPS://CLUB.Example", Some("https://club.example")),
            ("https://club.example.", Some("https://club.example.")),
            ("https://club.example.evil", Some("https://club.example.evil")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("https://192.0.2.7", Some("https://192.0.2.7")),
            ("https://[2001:DB8::1]:443", Some("https://[2001:db8::1]")),
            ("https://xn--bcher-kva.example", Some("https://xn--bcher-kva.example")),
            ("", None),
            ("null", None),
            ("NULL", None),
            ("*", None),
            ("club.example", None),
            ("//club.example", None),
            ("https:club.example", None),
            ("https:/club.example", None),
            ("https:///club.example", None),
            ("https://", None),
            ("https://:443", None),
            ("https://club.example:", None),
            ("https://club.example:0", None),
            ("https://club.example:65536", None),
            ("https://club.example:+443", None),
            ("https://club.example:443:443", None),
            ("https://club.example/", None),
            ("https://club.example/login", None),
            ("https://club.example?x", None),
            ("https://club.example#x", None),
            ("https://club.example\\", None),
            ("https:\\\\club.example", None),
            ("https://club.example\\@evil.example", None),
            ("https://user@club.example", None),
            ("https://club.example@evil.example", None),
            ("https://club.example:443@evil.example", None),
            ("https://club.example,https://evil.example", None),
            ("https://club.example, https://evil.example", None),
            ("https://club.example https://evil.example", None),
            (" https://club.example", None),
            ("https://club.example ", None),
            ("\thttps://club.example", None),
            ("https://club.example\0", None),
            ("https://b\u{fc}cher.example", None),
            ("https://club.example%00", None),
            ("https://*.club.example", None),
            ("https://..", None),
            ("https://[::1", None),
            ("https://2001:db8::1", None),
            ("ftp://club.example", None),
            ("wss://club.example", None),
            ("file://", None),
            ("chrome-extension://club.example", None),
            ("https", None),
        ] {
            let origin = Origin::parse(text.as_bytes());
            let written = origin.as_ref().map(ToString::to_string);
            assert_eq!(written.as_deref(), expected, "{text:?}");
            if let Some(written) = written {
                assert_eq!(Origin::parse(written.as_bytes()), origin, "{text:?}");
            }
        }
    }

    #[test]
    fn a_list_holds_what_is_the_same_in_all_three() {
        let mut origins = Origins::default();
        assert!(!origins.hold(b"https://club.example"));
        origins.add("https://Club.example:443").unwrap();
        origins.add("http://localhost:3000").unwrap();
        for (value, held) in [
            ("https://club.example", true),
            ("https://club.example:443", true),
            ("https://CLUB.example", true),
            ("http://localhost:3000", true),
            ("http://club.example", false),
            ("http://club.example:443", false),
            ("https://club.example:8443", false),
            ("https://club.example.", false),
            ("https://www.club.example", false),
            ("https://club.example.evil", false),
            ("https://evil.example", false),
            ("http://localhost", false),
            ("http://localhost.:3000", false),
            ("https://localhost:3000", false),
            ("https://club.example/", false),
            ("https://club.example, https://club.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(origins.hold(value.as_bytes()), held, "{value}");
        }
    }

    #[test]
    fn in_the_clear_an_origin_is_this_machine_alone() {
        for (text, plain) in [
            ("http://localhost:3000", false),
            ("http://127.0.0.1", false),
            ("http://[::1]:8080", false),
            ("http://club.example", true),
            ("http://192.0.2.7", true),
            ("http://127.0.0.1.example", true),
            ("http://localhost.example", true),
        ] {
            let added = Origins::default().add(text);
            let expected = plain.then(|| ConfigError::PlainHttp { value: text.to_owned() });
            assert_eq!(added.err(), expected, "{text}");
        }
    }
}
