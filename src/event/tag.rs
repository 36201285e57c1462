//! What stands in the log for a person or an address.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arc_swap::ArcSwap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rand::Rng as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ConfigError;
use crate::text;

/// What is recorded of a client's address.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ClientPolicy {
    /// The address.
    #[default]
    Full,
    /// Its network: the first 24 bits of an IPv4 address, 48 of an IPv6 address.
    Truncated,
    /// A [`Tag`].
    Hashed,
}

/// What is recorded of the name or number of a user.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SubjectPolicy {
    /// A [`Tag`].
    #[default]
    Hashed,
    /// The text itself, cut to 128 bytes and without what could forge a line.
    Raw,
}

/// A client, as recorded. An IPv4 address written as one of IPv6 (`::ffff:192.0.2.1`) is recorded
/// as the IPv4 address it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ClientTag {
    /// The address.
    Full(IpAddr),
    /// Its network.
    Network(IpNet),
    /// Its tag.
    Hashed(Tag),
}

impl fmt::Display for ClientTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(address) => address.fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Hashed(tag) => tag.fmt(f),
        }
    }
}

/// A user, as recorded.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SubjectTag {
    /// The tag of the name or number.
    Hashed(Tag),
    /// The name or number itself: at most 128 bytes, without what could forge a line.
    Raw(Box<str>),
}

impl SubjectTag {
    fn raw(subject: &str) -> Self {
        Self::Raw(text::clean(subject, MAX_RAW).into())
    }
}

impl fmt::Display for SubjectTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashed(tag) => tag.fmt(f),
            Self::Raw(text) => f.write_str(text),
        }
    }
}

/// Stands for a name or an address: the same one has the same tag for as long as the key is the
/// same, and without the key nobody can tell whose it is, nor try out whose it might be.
///
/// It is 16 bytes of an HMAC-SHA-256, and the number of the key, counted from 0 when the log is
/// built. Printed: `0.9c56cc51b374c3ba189210d5b6d4bf57`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Tag {
    epoch: u32,
    bytes: [u8; 16],
}

impl Tag {
    /// Which key it was made with: the first is 0.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.epoch)?;
        for byte in self.bytes {
            for digit in [byte >> 4, byte & 15] {
                f.write_char(char::from_digit(digit.into(), 16).unwrap_or('0'))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

/// The secret that tags are made with. It is not printed, and is wiped from memory when dropped.
///
/// One from [`random`](Self::random) lives as long as the process: tags of before and after a
/// restart cannot be joined. One kept by you, and given to every server, makes the same tags
/// everywhere; keep it as you keep passwords, and away from the logs.
// On the heap, so that moving it leaves no copies behind.
pub struct TagKey(Box<Zeroizing<[u8; 32]>>);

impl TagKey {
    /// A key that nobody knows.
    #[must_use]
    pub fn random() -> Self {
        let mut key = Box::new(Zeroizing::new([0; 32]));
        rand::rng().fill_bytes(&mut **key);
        Self(key)
    }

    /// A key that you keep: 32 bytes out of a source of randomness. All zero is refused, for that
    /// is what a buffer holds which was never filled.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, ConfigError> {
        let key = Box::new(Zeroizing::new(bytes));
        if key.iter().all(|byte| *byte == 0) {
            return Err(ConfigError::ZeroKey);
        }
        Ok(Self(key))
    }

    fn mac(&self) -> Hmac<Sha256> {
        // A key shorter than a block is filled up with zeros: RFC 2104, section 2.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&**self.0);
        Hmac::new((&*block).into())
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TagKey").finish_non_exhaustive()
    }
}

/// The key in use, which can be replaced while others make tags with it.
pub(super) struct Keys(ArcSwap<Epoch>);

/// A key and its number.
pub(super) struct Epoch {
    pub(super) number: u32,
    /// What has taken in the key already: half the work of a tag. It is wiped when dropped.
    mac: Hmac<Sha256>,
}

impl Keys {
    pub(super) fn new(key: &TagKey) -> Self {
        Self(ArcSwap::from_pointee(Epoch { number: 0, mac: key.mac() }))
    }

    pub(super) fn current(&self) -> arc_swap::Guard<std::sync::Arc<Epoch>> {
        self.0.load()
    }

    pub(super) fn rotate(&self, key: &TagKey) {
        self.0.rcu(|old| Epoch { number: old.number.wrapping_add(1), mac: key.mac() });
    }
}

impl Epoch {
    pub(super) fn client(&self, policy: ClientPolicy, address: IpAddr) -> ClientTag {
        let address = seen(policy, address);
        match (policy, address) {
            // Neither assertion can fail: the prefixes are constants, and short enough.
            (ClientPolicy::Full, _) => ClientTag::Full(address),
            (ClientPolicy::Truncated, IpAddr::V4(address)) => {
                ClientTag::Network(Ipv4Net::new_assert(address, V4_PREFIX).into())
            }
            (ClientPolicy::Truncated, IpAddr::V6(address)) => {
                ClientTag::Network(Ipv6Net::new_assert(address, V6_PREFIX).into())
            }
            (ClientPolicy::Hashed, IpAddr::V4(address)) => {
                ClientTag::Hashed(self.tag(CLIENTS, &address.octets()))
            }
            (ClientPolicy::Hashed, IpAddr::V6(address)) => {
                ClientTag::Hashed(self.tag(CLIENTS, &address.octets()))
            }
        }
    }

    pub(super) fn subject(&self, policy: SubjectPolicy, subject: &str) -> SubjectTag {
        match policy {
            SubjectPolicy::Hashed => SubjectTag::Hashed(self.tag(SUBJECTS, subject.as_bytes())),
            SubjectPolicy::Raw => SubjectTag::raw(subject),
        }
    }

    /// The domain keeps a user who calls himself by an address from having that address's tag.
    fn tag(&self, domain: &[u8], of: &[u8]) -> Tag {
        let code = self.mac.clone().chain_update(domain).chain_update(of).finalize().into_bytes();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&code[..16]);
        Tag { epoch: self.number, bytes }
    }
}

/// What of an address the policy lets one tell apart.
pub(super) fn seen(policy: ClientPolicy, address: IpAddr) -> IpAddr {
    match (policy, crate::client::known_address(address)) {
        (ClientPolicy::Truncated, IpAddr::V4(address)) => {
            Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - V4_PREFIX))).into()
        }
        (ClientPolicy::Truncated, IpAddr::V6(address)) => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - V6_PREFIX))).into()
        }
        (_, address) => address,
    }
}

/// The longest raw text, in bytes.
const MAX_RAW: usize = 128;
const V4_PREFIX: u8 = 24;
const V6_PREFIX: u8 = 48;

/// Of one length, so that neither can be the beginning of the other.
const CLIENTS: &[u8; 14] = b"donjon client\0";
const SUBJECTS: &[u8; 14] = b"donjon person\0";

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(byte: u8) -> Epoch {
        Epoch { number: 0, mac: TagKey::from_bytes([byte; 32]).unwrap().mac() }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn debug_does_not_leak_the_key() {
        let key = TagKey::from_bytes([0xab; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "TagKey { .. }");
    }

    #[test]
    fn a_key_that_was_never_filled_is_refused() {
        let error = TagKey::from_bytes([0; 32]).unwrap_err();
        assert!(error.to_string().contains("TagKey::random"), "{error}");
    }

    #[test]
    fn random_keys_differ() {
        assert_ne!(*TagKey::random().0, *TagKey::random().0);
    }

    /// Against an HMAC made the long way, with the key as a slice.
    #[test]
    fn a_tag_is_what_it_says_it_is() {
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(b"donjon person\0ann");
        let code = mac.finalize().into_bytes();
        let number = u128::from_be_bytes(code[..16].try_into().unwrap());

        let tag = epoch(7).subject(SubjectPolicy::Hashed, "ann");

        assert_eq!(tag.to_string(), format!("0.{number:032x}"));
    }

    #[test]
    fn tags_tell_apart_and_cannot_be_joined_without_the_key() {
        let tag = |key, subject| epoch(key).subject(SubjectPolicy::Hashed, subject).to_string();

        assert_eq!(tag(1, "ann"), tag(1, "ann"));
        assert_ne!(tag(1, "ann"), tag(1, "bob"));
        assert_ne!(tag(1, "ann"), tag(2, "ann"));
    }

    /// A user who can choose his name must not be able to have a client's tag.
    #[test]
    fn a_name_has_not_the_tag_of_an_address() {
        let client = epoch(1).client(ClientPolicy::Hashed, address("65.66.67.68"));
        let subject = epoch(1).subject(SubjectPolicy::Hashed, "ABCD");
        assert_ne!(client.to_string(), subject.to_string());
    }

    #[test]
    fn addresses_are_recorded_as_the_policy_says() {
        for (policy, from, recorded) in [
            (ClientPolicy::Full, "203.0.113.9", "203.0.113.9"),
            (ClientPolicy::Full, "::ffff:203.0.113.9", "203.0.113.9"),
            (ClientPolicy::Full, "2001:db8::1", "2001:db8::1"),
            (ClientPolicy::Truncated, "203.0.113.9", "203.0.113.0/24"),
            (ClientPolicy::Truncated, "::ffff:203.0.113.9", "203.0.113.0/24"),
            (ClientPolicy::Truncated, "2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ] {
            assert_eq!(epoch(1).client(policy, address(from)).to_string(), recorded, "{from}");
        }
    }

    #[test]
    fn an_address_has_one_tag_however_it_is_written() {
        let tag = |text| epoch(1).client(ClientPolicy::Hashed, address(text));

        assert_eq!(tag("203.0.113.9"), tag("::ffff:203.0.113.9"));
        assert_ne!(tag("203.0.113.9"), tag("203.0.113.8"));
        assert!(!tag("203.0.113.9").to_string().contains("203.0"));
    }

    #[test]
    fn another_key_is_another_epoch() {
        let keys = Keys::new(&TagKey::from_bytes([1; 32]).unwrap());
        let tag = || keys.current().subject(SubjectPolicy::Hashed, "ann").to_string();

        let before = tag();
        assert!(before.starts_with("0."), "{before}");
        assert_eq!(tag(), before);

        keys.rotate(&TagKey::from_bytes([2; 32]).unwrap());
        assert!(tag().starts_with("1."), "{}", tag());
        assert_ne!(tag()[2..], before[2..]);
    }

    #[test]
    fn raw_text_is_cut_and_cannot_forge() {
        let raw = |subject: &str| epoch(1).subject(SubjectPolicy::Raw, subject).to_string();

        assert_eq!(raw("ann"), "ann");
        assert_eq!(raw("a\nb\r\u{1b}[2J\u{202e}"), "a\u{fffd}b\u{fffd}\u{fffd}[2J\u{fffd}");
        assert_eq!(raw(&"\u{e9}".repeat(1 << 19)).len(), 128);
        assert!(raw(&"\n".repeat(1 << 20)).len() <= 128);
    }
}
