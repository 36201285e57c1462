//! The keys that cookies and tokens are sealed with, and how they are replaced.
//!
//! **The attack.** Who has the key of a server makes his own session, as anybody he likes. Keys get
//! out: in a backup, a repository, a log, with somebody who leaves. Where a new key means that all
//! users are logged out, nobody replaces one that may be known, and where the key is a short
//! password or a buffer that was never filled, nobody has to steal it.
//!
//! **The rule.** OWASP ASVS 5.0, 11.1 (a key has a life, and can be replaced) and 11.2; NIST SP
//! 800-57 part 1, 5.3: what a key has protected may be read for some time after it protects nothing
//! new.
//!
//! - A [`Key`] is 32 bytes or more. One that is shorter, or the same byte all over, is refused.
//! - A [`KeySet`] has one active key, which seals, and older ones, each accepted until a date that
//!   you state. A date on the active key, or none on an older one, is an error: most likely the
//!   order is wrong.
//! - A [`KeyRing`] holds a set. It is cheap to clone, and [`replace`](KeyRing::replace) changes the
//!   set for all clones at once, while requests run and without a lock.
//! - A [`KeyId`] is a hash of the key and is never stated. So all servers that have a key agree on
//!   its id, and two keys cannot have one id by mistake.
//! - Keys are read from bytes, base64, hex or an [environment variable](KeyRing::from_env). They are
//!   wiped from memory when dropped, never printed, and no error holds any of what was read.
//!
//! What it does not do: it makes no key that survives a restart, and fetches none. There is no key by
//! default, because with one that is made at start every restart logs all users out, and two servers
//! do not understand each other.
//!
//! # Deployment caveats
//!
//! The date is compared with the server's clock. When you replace a key, give the new one to every
//! server as an older one first, then make it the active one; else a server that has not got it yet
//! refuses what another has sealed. What the environment holds can be read by whoever may read
//! `/proc/PID/environ`; a secret's file, read and [parsed](KeySet#impl-FromStr-for-KeySet), cannot.
//!
//! # Example
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use donjon::keys::{ConfigError, Key, KeyRing, KeySet};
//!
//! // `openssl rand -base64 32`
//! let old = Key::from_base64("XmNyZFw7mPQAmFBJj3zGnEQDnyTzmxTQNTUoGiZVjOM=")?;
//! let ring = KeyRing::new(old.clone())?;
//! let in_the_app = ring.clone();
//!
//! // The key may be known: another one seals from now on, and this one is read for a day.
//! let new = Key::from_base64("L9ZTX_8AX58p8J4yYcUavChXzSDZ6sbOhCRLLIshbDE")?;
//! let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
//! ring.replace(KeySet::new(new.clone()).accept(old, tomorrow))?;
//! assert_eq!(in_the_app.active_id(), new.id());
//!
//! assert!(matches!(Key::from_bytes(b"correct horse"), Err(ConfigError::ShortKey { len: 13 })));
//! # Ok::<_, ConfigError>(())
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub use self::error::ConfigError;

mod error;
#[cfg(test)]
mod tests;
mod text;

/// The keys in use, the same for all clones.
#[derive(Clone)]
pub struct KeyRing(Arc<ArcSwap<Keys>>);

impl KeyRing {
    /// A ring of these keys: a [`KeySet`], or one [`Key`].
    pub fn new(keys: impl Into<KeySet>) -> Result<Self, ConfigError> {
        let keys = Keys::new(keys.into())?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(keys))))
    }

    /// A ring of the keys in an environment variable, written [as text](KeySet#impl-FromStr-for-KeySet).
    pub fn from_env(variable: &str) -> Result<Self, ConfigError> {
        Self::new(text::keys_in(variable, std::env::var_os(variable))?)
    }

    /// Replaces the keys, in this ring and all its clones. What has begun with the old ones ends with
    /// them. With an error nothing has changed.
    pub fn replace(&self, keys: impl Into<KeySet>) -> Result<(), ConfigError> {
        self.0.store(Arc::new(Keys::new(keys.into())?));
        Ok(())
    }

    /// The id of the key that seals. It tells nothing of the key: log it when the server starts, to
    /// see whether all servers have the same.
    #[must_use]
    pub fn active_id(&self) -> KeyId {
        self.0.load().active
    }

    #[cfg(any(feature = "cookies", feature = "password"))]
    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.0.load()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.0.load()).finish()
    }
}

/// One active key, older ones, and the ids of those that are no more.
///
/// It is checked when a [`KeyRing`] gets it.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a `KeyRing` gets it"]
pub struct KeySet {
    active: Held,
    older: Vec<Held>,
    retired: Vec<KeyId>,
}

impl KeySet {
    /// The key that seals.
    pub const fn new(active: Key) -> Self {
        let active = Held { key: active, until: None };
        Self { active, older: Vec::new(), retired: Vec::new() }
    }

    /// An older key, or one that is to be active soon. What it has sealed is accepted before
    /// `until`, and from that moment on refused as of a retired key.
    pub fn accept(mut self, key: Key, until: SystemTime) -> Self {
        self.older.push(Held { key, until: Some(until) });
        self
    }

    /// The id of a key that is no more. What it has sealed is refused like that of any unknown key;
    /// only the log says which it was.
    pub fn retired(mut self, id: KeyId) -> Self {
        self.retired.push(id);
        self
    }
}

impl From<Key> for KeySet {
    fn from(active: Key) -> Self {
        Self::new(active)
    }
}

/// A secret of 32 bytes or more, and its id.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    #[cfg_attr(
        not(any(feature = "cookies", feature = "password")),
        allow(dead_code, reason = "it is for pillars to read")
    )]
    secret: Arc<Zeroizing<Vec<u8>>>,
}

impl Key {
    /// A key that nobody knows, for tests and for values that may die with the process.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = Zeroizing::new(vec![0; MIN_LEN]);
        rand::rng().fill_bytes(&mut secret);
        Self::holding(secret)
    }

    /// A key of these bytes, which come out of a source of randomness: no password will do.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ConfigError> {
        Self::of(Zeroizing::new(bytes.to_vec()))
    }

    /// A key in base64, with `+/` or `-_`, padded or not. White space around it is ignored.
    pub fn from_base64(text: &str) -> Result<Self, ConfigError> {
        Self::of(text::from_base64(text)?)
    }

    /// A key in hexadecimal digits, large or small. White space around it is ignored.
    pub fn from_hex(text: &str) -> Result<Self, ConfigError> {
        Self::of(text::from_hex(text)?)
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    #[cfg(feature = "lockout")]
    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    fn of(secret: Zeroizing<Vec<u8>>) -> Result<Self, ConfigError> {
        if secret.len() < MIN_LEN {
            return Err(ConfigError::ShortKey { len: secret.len() });
        }
        if secret.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(ConfigError::RepeatedByte);
        }
        Ok(Self::holding(secret))
    }

    fn holding(secret: Zeroizing<Vec<u8>>) -> Self {
        let hash = Sha256::new().chain_update(ID_DOMAIN).chain_update(&*secret).finalize();
        let id = KeyId(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]));
        Self { id, secret: Arc::new(secret) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Which key it is: 32 bits of a hash of the key. Printed as 8 hexadecimal digits.
///
/// It stands in the clear in whatever the key seals.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct KeyId(u32);

impl From<u32> for KeyId {
    fn from(id: u32) -> Self {
        Self(id)
    }
}

impl From<KeyId> for u32 {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key and the end of its time, if it has one.
#[derive(Clone, Debug)]
struct Held {
    key: Key,
    until: Option<SystemTime>,
}

/// What a ring holds at one time: a set that has been checked.
pub(crate) struct Keys {
    /// Tells this from whatever else the ring held or will hold.
    generation: u64,
    active: KeyId,
    /// The active one is the first.
    held: Vec<Held>,
    retired: Vec<KeyId>,
}

impl Keys {
    fn new(set: KeySet) -> Result<Self, ConfigError> {
        let KeySet { active, older, retired } = set;
        let id = active.key.id;
        let held: Vec<_> = std::iter::once(active).chain(older).collect();
        if held.len() > MAX_KEYS {
            return Err(ConfigError::TooManyKeys { count: held.len() });
        }
        if retired.len() > MAX_RETIRED {
            return Err(ConfigError::TooManyRetired { count: retired.len() });
        }
        for (at, Held { key, .. }) in held.iter().enumerate() {
            // Equal keys have equal ids, so the secrets need not be compared.
            if held[..at].iter().any(|other| other.key.id == key.id) {
                return Err(ConfigError::SameKey { id: key.id });
            }
            if retired.contains(&key.id) {
                return Err(ConfigError::RetiredAndHeld { id: key.id });
            }
        }
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
        Ok(Self { generation, active: id, held, retired })
    }
}

#[cfg(any(feature = "cookies", feature = "password"))]
impl Keys {
    #[cfg(feature = "cookies")]
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Each key's id, secret and end, the active one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyId, &[u8], Option<SystemTime>)> {
        self.held.iter().map(|held| (held.key.id, held.key.secret.as_slice(), held.until))
    }

    pub(crate) fn retired(&self) -> &[KeyId] {
        &self.retired
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older = self.held.iter().skip(1);
        f.debug_struct("Keys")
            .field("generation", &self.generation)
            .field("active", &self.active)
            .field("older", &older.map(|held| (held.key.id, held.until)).collect::<Vec<_>>())
            .field("retired", &self.retired)
            .finish()
    }
}

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// What HMAC-SHA-256 and AES-256 are worth.
const MIN_LEN: usize = 32;
const MAX_KEYS: usize = 16;
const MAX_RETIRED: usize = 64;
const ID_DOMAIN: &[u8] = b"donjon key id\0";
