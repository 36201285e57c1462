//! Addresses: as proxies write them, and as counters key them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Reads an address as proxies write it into their headers: with or without a port, brackets
/// around IPv6, a zone behind it. `None` for anything else, such as the `unknown` and `_hidden` of
/// RFC 7239.
pub(super) fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = trimmed(text);
    // The longest is an IPv6 address with a zone in brackets with a port.
    if text.len() > 96 {
        return None;
    }
    if let [b'[', rest @ ..] = text {
        let end = rest.iter().position(|byte| *byte == b']')?;
        let is_fine = match &rest[end + 1..] {
            [] => true,
            [b':', port @ ..] => is_port(port),
            _ => false,
        };
        return is_fine.then(|| parse_v6(&rest[..end])).flatten();
    }
    let v4 = |text| Some(IpAddr::V4(std::str::from_utf8(text).ok()?.parse().ok()?));
    let Some(colon) = text.iter().position(|byte| *byte == b':') else {
        return v4(text);
    };
    let (address, port) = (&text[..colon], &text[colon + 1..]);
    if address.contains(&b'.') && is_port(port) { v4(address) } else { parse_v6(text) }
}

/// Without the white space of RFC 9110, section 5.6.3.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn parse_v6(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    // A zone names an interface of the machine that wrote it. It says nothing here.
    let (address, zone) = text.split_once('%').unwrap_or((text, "any"));
    let is_zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
    let address = address.parse::<Ipv6Addr>().ok().filter(|_| is_zone)?;
    Some(IpAddr::V6(address).to_canonical())
}

/// A number from 0 to 65535, or an obfuscated one of RFC 7239.
fn is_port(text: &[u8]) -> bool {
    match text {
        [b'_', rest @ ..] => {
            let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
            !rest.is_empty() && rest.iter().all(is_fine)
        }
        digits => {
            let is_number = digits.iter().all(u8::is_ascii_digit);
            is_number && std::str::from_utf8(digits).is_ok_and(|text| text.parse::<u16>().is_ok())
        }
    }
}

/// The peer's address as it is compared and counted: an IPv4 address is one however it came.
pub(super) fn of_peer(peer: SocketAddr) -> IpAddr {
    peer.ip().to_canonical()
}

/// What is counted as one source: an IPv4 address, or an IPv6 network.
///
/// **The attack.** Whoever has one IPv6 connection has 2⁶⁴ addresses or more, and a counter per
/// address never counts to two.
///
/// - IPv6 addresses are keyed by their /64, or as [`with_prefix`](Self::with_prefix) says.
/// - IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) and those behind NAT64
///   (`64:ff9b::/96`, RFC 6052) are keyed as the IPv4 addresses they stand for.
///
/// ```
/// use donjon::client::AddrKey;
///
/// let key = |address: &str| AddrKey::from(address.parse::<std::net::IpAddr>().unwrap());
/// assert_eq!(key("2001:db8:0:1::7"), key("2001:db8:0:1:ffff::"));
/// assert_ne!(key("2001:db8:0:1::7"), key("2001:db8:0:2::7"));
/// assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
/// assert_eq!(key("64:ff9b::192.0.2.1"), key("192.0.2.1"));
/// assert_eq!(key("2001:db8:0:1::7").to_string(), "2001:db8:0:1::/64");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AddrKey {
    network: IpAddr,
    prefix: u8,
}

impl AddrKey {
    /// Keys IPv6 addresses by a prefix of another length; what is over 128 counts as 128.
    #[must_use]
    pub fn with_prefix(address: IpAddr, v6_prefix: u8) -> Self {
        match known_address(address) {
            IpAddr::V4(address) => Self { network: address.into(), prefix: 32 },
            IpAddr::V6(address) => {
                let prefix = v6_prefix.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                let network = Ipv6Addr::from_bits(address.to_bits() & mask);
                Self { network: network.into(), prefix }
            }
        }
    }
}

/// The address by which a source is known, however it came: written as IPv6, or through NAT64.
pub(crate) fn known_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => nat64(address).map_or(IpAddr::V6(address), IpAddr::V4),
        address @ IpAddr::V4(_) => address,
    }
}

/// The IPv4 address that one under the well-known prefix stands for: RFC 6052, section 2.1.
fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

impl AddrKey {
    /// The network and the length of its prefix.
    #[cfg(feature = "lockout")]
    pub(crate) const fn parts(self) -> (IpAddr, u8) {
        (self.network, self.prefix)
    }
}

impl From<IpAddr> for AddrKey {
    fn from(address: IpAddr) -> Self {
        Self::with_prefix(address, 64)
    }
}

impl fmt::Display for AddrKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            (" 192.0.2.1\t", Some("192.0.2.1")),
            ("192.0.2.1:0", Some("192.0.2.1")),
            ("192.0.2.1:65535", Some("192.0.2.1")),
            ("192.0.2.1:_port", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:DB8::1]:_x", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]:80", Some("fe80::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("[::ffff:192.0.2.1]:80", Some("192.0.2.1")),
            ("", None),
            ("unknown", None),
            ("_hidden", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:65536", None),
            ("192.0.2.1:+80", None),
            ("192.0.2.1 192.0.2.2", None),
            ("192.0.2", None),
            ("192.0.2.256", None),
            ("192.0.2.01", None),
            ("0xC0.0.2.1", None),
            ("[192.0.2.1]", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]x", None),
            ("[2001:db8::1]:", None),
            ("fe80::1%", None),
            ("2001:db8::1::", None),
            ("localhost", None),
            ("\u{ff11}92.0.2.1", None),
        ] {
            let parsed = parse(text.as_bytes()).map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text:?}");
        }
        assert_eq!(parse(b"192.0.2.1\xff"), None);
        assert_eq!(parse(":".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn a_prefix_of_any_length_is_a_network() {
        let address: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        for (prefix, expected) in [
            (0, "::/0"),
            (48, "2001:db8:1::/48"),
            (56, "2001:db8:1::/56"),
            (64, "2001:db8:1:2::/64"),
            (128, "2001:db8:1:2:3:4:5:6/128"),
            (200, "2001:db8:1:2:3:4:5:6/128"),
        ] {
            assert_eq!(AddrKey::with_prefix(address, prefix).to_string(), expected);
        }
    }
}
