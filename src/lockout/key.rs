//! What is counted under which name.

use std::fmt;
use std::net::IpAddr;

use hkdf::Hkdf;
use sha2::Sha256;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use std::hash::Hasher as _;
use zeroize::Zeroizing;

use crate::client::AddrKey;
use crate::keys;

/// Which of the counters of a [`LockoutPolicy`](super::LockoutPolicy) a key belongs to, and what else
/// a store remembers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Scope {
    /// Failures from one address.
    Address,
    /// Accounts that one address fails at.
    AccountsOfAddress,
    /// Failures at one account from one address.
    AccountAtAddress,
    /// Failures at one account from everywhere.
    Account,
    /// Failures at one account in one browser that has logged in before.
    Device,
    /// Failures at one account in all browsers that have logged in before.
    Devices,
    /// Failures at one account since the last login.
    InARow,
    /// Accounts that were unlocked.
    Unlocked,
    /// Tokens that were used.
    Token,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::AccountsOfAddress,
        Self::AccountAtAddress,
        Self::Account,
        Self::Device,
        Self::Devices,
        Self::InARow,
        Self::Unlocked,
        Self::Token,
    ];

    /// As it stands in a log: `account_at_address`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::AccountsOfAddress => "accounts_of_address",
            Self::AccountAtAddress => "account_at_address",
            Self::Account => "account",
            Self::Device => "device",
            Self::Devices => "devices",
            Self::InARow => "in_a_row",
            Self::Unlocked => "unlocked",
            Self::Token => "token",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one counter is kept under: its scope, and 128 bits that a secret has made of the account, the
/// address or both. Nobody without the secret can tell whose it is, try out whose it might be, or find
/// two names that share one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Key {
    scope: Scope,
    digest: u128,
}

impl Key {
    /// A key, for the test of a store.
    #[must_use]
    pub const fn new(scope: Scope, digest: u128) -> Self {
        Self { scope, digest }
    }

    /// Its scope.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// What the secret has made of whom it is about.
    #[must_use]
    pub const fn digest(&self) -> u128 {
        self.digest
    }
}

/// Stands for one account in the counters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AccountDigest(pub(super) u128);

/// Makes keys. SipHash-2-4 with a key of 128 bits is a pseudo-random function: without the key, which
/// bucket a name falls into is anybody's guess.
#[derive(Clone)]
pub(super) struct Keyer {
    secret: Zeroizing<[u8; 16]>,
}

impl Keyer {
    /// Of a secret that nobody knows, and that ends with the process.
    pub(super) fn random() -> Self {
        Self { secret: Zeroizing::new(rand::random()) }
    }

    /// Of a secret that is kept; each purpose has keys of its own.
    pub(super) fn of(key: &keys::Key, purpose: &str) -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        let hkdf = Hkdf::<Sha256>::new(Some(b"donjon lockout 1"), key.secret());
        // 16 bytes are never too many.
        let _ = hkdf.expand(purpose.as_bytes(), &mut *secret);
        Self { secret }
    }

    pub(super) fn account(&self, kind: u8, name: &[u8]) -> AccountDigest {
        AccountDigest(self.digest(&[b"account", &[kind], name]))
    }

    pub(super) fn address(&self, scope: Scope, address: AddrKey) -> Key {
        self.key(scope, &[&address_bytes(address)])
    }

    pub(super) fn of_account(&self, scope: Scope, account: AccountDigest) -> Key {
        self.key(scope, &[&account.0.to_be_bytes()])
    }

    /// `epoch` is how often the account was unlocked lately.
    pub(super) fn account_at(&self, account: AccountDigest, epoch: u32, address: AddrKey) -> Key {
        let address = address_bytes(address);
        self.key(
            Scope::AccountAtAddress,
            &[&account.0.to_be_bytes(), &epoch.to_be_bytes(), &address],
        )
    }

    pub(super) fn device(&self, account: AccountDigest, epoch: u32, device: &[u8]) -> Key {
        self.key(Scope::Device, &[&account.0.to_be_bytes(), &epoch.to_be_bytes(), device])
    }

    pub(super) fn token(&self, token: &[u8]) -> Key {
        self.key(Scope::Token, &[token])
    }

    fn key(&self, scope: Scope, parts: &[&[u8]]) -> Key {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        hasher.write_u8(b'k');
        hasher.write_u8(scope as u8);
        Key { scope, digest: finish(hasher, parts) }
    }

    fn digest(&self, parts: &[&[u8]]) -> u128 {
        finish(SipHasher24::new_with_key(&self.secret), parts)
    }
}

impl fmt::Debug for Keyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyer").finish_non_exhaustive()
    }
}

/// Each part with its length before it: `bob` at `110.0.0.1` is not `bob1` at `10.0.0.1`.
fn finish(mut hasher: SipHasher24, parts: &[&[u8]]) -> u128 {
    for part in parts {
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    hasher.finish128().as_u128()
}

fn address_bytes(address: AddrKey) -> [u8; 17] {
    let (network, prefix) = address.parts();
    let mut bytes = [prefix; 17];
    let network = match network {
        IpAddr::V4(network) => network.to_ipv6_mapped(),
        IpAddr::V6(network) => network,
    };
    bytes[..16].copy_from_slice(&network.octets());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyer() -> Keyer {
        Keyer::of(&keys::Key::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap(), "password")
    }

    fn at(address: &str) -> AddrKey {
        AddrKey::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn parts_do_not_run_together() {
        let keyer = keyer();
        let pair = |name: &str, address| {
            keyer.account_at(keyer.account(0, name.as_bytes()), 0, at(address))
        };
        assert_ne!(pair("bob", "110.0.0.1"), pair("bob1", "10.0.0.1"));
        assert_ne!(keyer.account(0, b"a"), keyer.account(1, b"a"), "a name is not a number");
        let account = keyer.account(0, b"bob");
        let mut digests: Vec<_> =
            Scope::ALL.iter().map(|scope| keyer.of_account(*scope, account).digest()).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), Scope::ALL.len());
    }

    #[test]
    fn keys_are_of_the_secret_and_of_the_purpose() {
        let account = |keyer: &Keyer| keyer.account(0, b"bob");
        assert_eq!(account(&keyer()), account(&keyer()), "two servers agree");
        assert_ne!(account(&Keyer::random()), account(&Keyer::random()));
        let key = keys::Key::random();
        assert_ne!(account(&Keyer::of(&key, "password")), account(&Keyer::of(&key, "totp")));
    }

    #[test]
    fn debug_does_not_leak_the_secret() {
        assert_eq!(format!("{:?}", keyer()), "Keyer { .. }");
    }
}
