//! Hosts, as requests name them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host as a request names it: a name or an address, in lower case, perhaps with a port.
///
/// Whatever else stands in a `Host` header is no host: user names, paths, white space, other
/// scripts than ASCII, more than 253 bytes.
///
/// ```
/// use donjon::client::Host;
///
/// let host = Host::parse(b"Club.Example:8443").unwrap();
/// assert_eq!((host.name(), host.port()), ("club.example", Some(8443)));
/// assert_eq!(host.to_string(), "club.example:8443");
///
/// assert_eq!(Host::parse(b"club.example:80@evil.example"), None);
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Host {
    name: Name,
    port: Option<u16>,
    is_address: bool,
}

/// In place if it is no longer than most, so that reading it costs no allocation.
#[derive(Clone, Eq, Hash, PartialEq)]
enum Name {
    Short { bytes: [u8; SHORT], length: u8 },
    Long(Box<[u8]>),
}

impl Host {
    /// Reads the value of a `Host` header or the authority of a request's target.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (name, port, is_address) = if text.first() == Some(&b'[') {
            let end = text.iter().position(|byte| *byte == b']')?;
            let address: Ipv6Addr = std::str::from_utf8(&text[1..end]).ok()?.parse().ok()?;
            // As everybody writes it, however this client does.
            let name = Name::written(format!("[{address}]").as_bytes())?;
            (name, &text[end + 1..], true)
        } else {
            // A port and its colon are six bytes at most.
            let from = text.len().saturating_sub(6);
            let colon = text[from..].iter().position(|byte| *byte == b':');
            let (name, port) = text.split_at(colon.map_or(text.len(), |colon| from + colon));
            // No name ends in a digit and is none of an address, so most need no second look.
            let is_address = name.last().is_some_and(u8::is_ascii_digit)
                && std::str::from_utf8(name).is_ok_and(|name| name.parse::<Ipv4Addr>().is_ok());
            (Name::written(name).filter(|_| is_name(name))?, port, is_address)
        };
        let port = match port {
            [] => None,
            [b':', digits @ ..] => Some(parse_port(digits)?),
            _ => return None,
        };
        Some(Self { name, port, is_address })
    }

    /// The name or address, without the port; an IPv6 address stands in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        // It was ASCII when it was read.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same as bytes, which costs nothing.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.name {
            Name::Short { bytes, length } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Name::Long(bytes) => bytes,
        }
    }

    /// Whether it is an address and no name.
    #[must_use]
    pub const fn is_address(&self) -> bool {
        self.is_address
    }

    /// Whether it is the machine itself: `localhost`, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_v4 = || self.name().parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        matches!(self.name(), "localhost" | "[::1]") || (self.is_address && is_v4())
    }

    /// The port, if the request names one.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }
}

impl Name {
    /// In lower case; `None` if it is too long.
    fn written(text: &[u8]) -> Option<Self> {
        let mut name =
            if let Some(length) = u8::try_from(text.len()).ok().filter(|_| text.len() <= SHORT) {
                let mut bytes = [0; SHORT];
                bytes.get_mut(..text.len())?.copy_from_slice(text);
                Self::Short { bytes, length }
            } else if text.len() <= LONGEST {
                Self::Long(text.into())
            } else {
                return None;
            };
        match &mut name {
            Self::Short { bytes, .. } => bytes.make_ascii_lowercase(),
            Self::Long(bytes) => bytes.make_ascii_lowercase(),
        }
        Some(name)
    }
}

/// Labels between dots; a dot at the end is the root's.
fn is_name(name: &[u8]) -> bool {
    // Without leaving early, which would cost more than it saves.
    let fits = name.iter().fold(true, |fits, byte| fits & IN_NAMES[usize::from(*byte)]);
    let labels = name.strip_suffix(b".").unwrap_or(name).split(|byte| *byte == b'.');
    fits && labels.fold(true, |fit, label| fit & (1..=LONGEST_LABEL).contains(&label.len()))
}

fn parse_port(digits: &[u8]) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok().filter(|port| *port != 0)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({self})")
    }
}

/// RFC 1035, section 2.3.4, allows names no longer, written with dots.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;
const SHORT: usize = 64; // whole words, which is fastest

/// What may stand in a name.
static IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses() {
        for (text, expected) in [
            ("club.example", Some("club.example")),
            ("CLUB.example:443", Some("club.example:443")),
            ("localhost", Some("localhost")),
            ("club.example.", Some("club.example.")),
            ("192.0.2.1:80", Some("192.0.2.1:80")),
            ("[2001:DB8::1]", Some("[2001:db8::1]")),
            ("[::1]:3000", Some("[::1]:3000")),
            ("[0:0::1]", Some("[::1]")),
            ("[2001:0DB8:0:0::0001]:1", Some("[2001:db8::1]:1")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("under_score.example", Some("under_score.example")),
            ("", None),
            (":80", None),
            (".", None),
            ("club..example", None),
            (".example", None),
            ("club.example:", None),
            ("club.example:http", None),
            ("club.example:65536", None),
            ("club.example:+80", None),
            ("club.example:0", None),
            ("club.example:000080", None),
            ("club.example:1:80", None),
            ("club.example:1234567", None),
            ("club.example:80@evil.example", None),
            ("user@club.example", None),
            ("club.example/path", None),
            ("club.example\\evil", None),
            ("club.example evil", None),
            ("club.example,evil.example", None),
            ("club.example;", None),
            ("club.example\0", None),
            ("club.example\r\n", None),
            ("b\u{fc}cher.example", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[::1%eth0]", None),
            ("[]", None),
            ("[club.example]", None),
            ("2001:db8::1", None),
        ] {
            let host = Host::parse(text.as_bytes()).map(|host| host.to_string());
            assert_eq!(host.as_deref(), expected, "{text:?}");
        }
        for (text, is_address, is_loopback) in [
            ("club.example", false, false),
            ("localhost:80", false, true),
            ("127.9.9.9", true, true),
            ("[::1]", true, true),
            ("192.0.2.1", true, false),
            ("[2001:db8::1]", true, false),
            ("127.0.0.1.example", false, false),
            ("127.0.0.256", false, false),
            ("localhost.example", false, false),
        ] {
            let host = Host::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (host.is_address(), host.is_loopback()),
                (is_address, is_loopback),
                "{text}"
            );
        }
        assert_eq!(Host::parse(&[b'a'; 64]), None, "no label is so long");
        let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert!(Host::parse(long.as_bytes()).is_some());
        assert_eq!(Host::parse(format!("{long}d").as_bytes()), None);
    }
}
