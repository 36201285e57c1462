//! Where a payer may be sent: to the gateway, and nowhere else.

use std::fmt;
use std::str::FromStr;

use super::error::ConfigError;

/// An origin of a gateway or of the site itself, as browsers write it: `https://www.paypal.com`, in lower case and
/// without the usual port. By http it is this machine's own (`http://localhost:3000`, `http://127.0.0.1:3000`), for
/// tests.
///
/// ```
/// use donjon::payment::Origin;
///
/// let origin: Origin = "https://www.paypal.com".parse()?;
/// assert_eq!(origin.as_str(), "https://www.paypal.com");
/// assert!("https://www.paypal.com/checkout".parse::<Origin>().is_err());
/// assert!("http://www.paypal.com".parse::<Origin>().is_err());
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Origin(Box<str>);

impl Origin {
    /// As a browser writes it, and as a source of a Content-Security-Policy.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this machine's own: a simulator's.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        let host = self.0.split("://").nth(1).and_then(|rest| rest.split(':').next());
        host.is_some_and(|host| host == "localhost" || host == "127.0.0.1")
    }

    /// A place there, by a path that is known to be one.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for Origin {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (scheme, authority) = text.split_once("://").unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        // As browsers write it: without the usual one.
        let usual = if scheme == "https" { 443 } else { 80 };
        let is_port = |port: &str| {
            port.parse().is_ok_and(|number: u16| number != usual && number.to_string() == port)
        };
        let is_this_machine = matches!(host, "localhost" | "127.0.0.1");
        let is_one = port.is_none_or(is_port)
            && match scheme {
                "https" => is_this_machine || (is_host(host) && host.contains('.')),
                "http" => is_this_machine,
                _ => false,
            };
        let origin = || ConfigError::Origin { origin: text.to_owned() };
        is_one.then(|| Self(text.into())).ok_or_else(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Labels in lower case, the last of which is no number: browsers would take that for an address.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_one = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(is_one)
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_lowercase())
}

/// A place at a gateway.
///
/// **The attack.** What a gateway answers, or what somebody has put between, says where the payer goes on.
/// `https://www.paypal.com@evil.example`, `https://www.paypal.com\@evil.example` and `https://ⓦⓦⓦ.paypal.com`
/// look like the gateway to one program and not to the next (CWE-601).
///
/// - It is one of the gateway's [own origins](super::Gateway::origins), exactly.
/// - It is visible ASCII without `\`, and its host stands there as it is: nothing is decoded, mapped or cut
///   off before it is compared, so there is no second way of reading it.
///
/// It is made of a list of origins alone ([`at`](Self::at)), and [`Payments`](super::Payments) sends nobody to one
/// that is not of the gateway's own list. There is no other way to make it:
///
/// ```compile_fail,E0451
/// use donjon::payment::{GatewayUrl, Origin};
///
/// fn anywhere(origin: Origin) -> GatewayUrl {
///     GatewayUrl { url: "https://evil.example".into(), origin }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayUrl {
    url: Box<str>,
    origin: Origin,
}

impl GatewayUrl {
    /// This URL, if it is at one of these origins.
    ///
    /// ```
    /// use donjon::payment::{GatewayUrl, Origin};
    ///
    /// let origins: [Origin; 1] = ["https://www.paypal.com".parse()?];
    /// assert!(GatewayUrl::at(&origins, "https://www.paypal.com/checkoutnow?token=5O1").is_some());
    /// assert!(GatewayUrl::at(&origins, "https://www.paypal.com@evil.example/").is_none());
    /// # Ok::<_, donjon::payment::ConfigError>(())
    /// ```
    #[must_use]
    pub fn at(origins: &[Origin], url: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if url.len() > LONGEST || !url.bytes().all(is_plain) {
            return None;
        }
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        let is_there = |origin: &Origin| {
            let (wanted, host) = origin.0.split_once("://").unwrap_or_default();
            // Browsers do not care about their case, and leave out a port that is the usual one.
            let authority = match wanted {
                "https" if !host.contains(':') => {
                    authority.strip_suffix(":443").unwrap_or(authority)
                }
                _ => authority,
            };
            wanted.eq_ignore_ascii_case(scheme) && host.eq_ignore_ascii_case(authority)
        };
        let origin = origins.iter().find(|origin| is_there(origin))?.clone();
        Some(Self { url: url.into(), origin })
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// At which of the gateway's origins it is.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.url)
    }
}

const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins() -> Vec<Origin> {
        let origins = [
            "https://www.paypal.com:8443",
            "https://www.paypal.com",
            "https://checkout.stripe.com",
        ];
        origins.map(|origin| origin.parse().unwrap()).into()
    }

    #[test]
    fn origins_are_hosts_by_https_or_this_machine() {
        for (text, is_one) in [
            ("https://club.example", true),
            ("https://xn--bcher-kva.example", true),
            ("http://localhost:3000", true),
            ("http://127.0.0.1:3000", true),
            ("http://localhost", true),
            ("https://localhost:3443", true),
            ("https://Club.example", false),
            ("https://club.example/", false),
            ("https://club.example:8443", true),
            ("https://club.example:443", false),
            ("https://club.example:", false),
            ("https://club.example:0443", false),
            ("https://club.example:65536", false),
            ("https://club.example:1:2", false),
            ("http://localhost:80", false),
            ("https://localhost", true),
            ("https://a@club.example", false),
            ("https://club.example.", false),
            ("https://club..example", false),
            ("https://3627734734", false),
            ("https://10.0.0.1", false),
            ("https://b\u{fc}cher.example", false),
            ("http://club.example", false),
            ("http://localhost:03000", false),
            ("http://localhost:99999", false),
            ("http://evil@localhost:80", false),
            ("ftp://club.example", false),
            ("club.example", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Origin>().is_ok(), is_one, "{text}");
        }
    }

    proptest! {
        /// Whatever is accepted is at one of the origins for a parser that reads as browsers do.
        #[test]
        fn another_parser_agrees(
            head in prop_oneof![
                Just("https://www.paypal.com"), Just("HTTPS://WWW.paypal.com:443"), Just("https://"),
                Just("https:"), Just("//"), Just(""), Just("https://evil.example"), Just("https:///"),
                Just("https://www.paypal.com:8443"), Just("https://www.paypal.com:8443:443"),
            ],
            middle in "[/\\\\@:.?#%a-z0-9\u{430}\t ]{0,6}",
            tail in prop_oneof![
                Just("www.paypal.com"), Just("evil.example/"), Just("@www.paypal.com"), Just("%2ewww"), Just(""),
            ],
        ) {
            let text = [head, &middle, tail].concat();
            if let Some(accepted) = GatewayUrl::at(&origins(), &text) {
                let parsed = url::Url::parse(accepted.as_str()).unwrap();
                let origin = parsed.origin().ascii_serialization();
                prop_assert!(origins().iter().any(|known| known.as_str() == origin), "{text}");
                prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
            }
        }
    }
}
