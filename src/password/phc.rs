//! Hashes as text: PHC strings.

use std::fmt;

use argon2::{Algorithm, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::Params;
use super::error::Unreadable;
use crate::keys::KeyId;

/// The hash of a password, to be stored: at most 256 bytes of ASCII.
///
/// ```text
/// $argon2id$v=19$m=19456,t=2,p=1,keyid=XmNyZA$c2FsdCBvZiAxNiBieXRl$…
/// ```
///
/// It is a PHC string, which other implementations of Argon2 read. `keyid` is there if a pepper is.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct PasswordHash(pub(super) String);

impl PasswordHash {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for PasswordHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.0
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without salt and hash, which are enough to guess at the password.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.rsplitn(3, '$').last().unwrap_or_default();
        f.debug_tuple("PasswordHash").field(&format_args!("{shown}$…")).finish()
    }
}

/// A stored hash, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stored {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) params: Params,
    pub(super) pepper: Option<KeyId>,
    pub(super) salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Stored {
    /// Reads the one way a hash is written: the fields and parameters of the PHC string format for
    /// Argon2 in their order, decimals without leading zeros, base64 without padding and without bits
    /// to spare. Nothing is computed, and at most 256 bytes are looked at.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        Self::read(text).ok_or(Unreadable::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut fields = text.strip_prefix('$')?.split('$');
        let algorithm = match fields.next()? {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            _ => return None,
        };
        let mut params = fields.next()?;
        // Without one it is the first, as it was written before there was a second.
        let mut version = Version::V0x10;
        if let Some(number) = params.strip_prefix("v=") {
            version = match number {
                "19" => Version::V0x13,
                "16" => Version::V0x10,
                _ => return None,
            };
            params = fields.next()?;
        }
        let (params, pepper) = read_params(params)?;
        let salt = decode(fields.next()?, MIN_SALT)?;
        let hash = decode(fields.next()?, MIN_HASH)?;
        let nothing_follows = fields.next().is_none();
        nothing_follows.then_some(Self { algorithm, version, params, pepper, salt, hash })
    }

    pub(super) fn write(&self) -> PasswordHash {
        let Self { params: Params { memory_kib, passes, lanes }, .. } = self;
        let (name, version) = (self.algorithm.as_str(), u32::from(self.version));
        let mut text = format!("${name}$v={version}$m={memory_kib},t={passes},p={lanes}");
        if let Some(id) = self.pepper {
            text.push_str(",keyid=");
            STANDARD_NO_PAD.encode_string(u32::from(id).to_be_bytes(), &mut text);
        }
        for bytes in [&self.salt, &self.hash] {
            text.push('$');
            STANDARD_NO_PAD.encode_string(bytes, &mut text);
        }
        PasswordHash(text)
    }
}

fn read_params(text: &str) -> Option<(Params, Option<KeyId>)> {
    let mut fields = text.split(',');
    let memory_kib = decimal(fields.next()?.strip_prefix("m=")?)?;
    let passes = decimal(fields.next()?.strip_prefix("t=")?)?;
    let lanes = decimal(fields.next()?.strip_prefix("p=")?)?;
    let pepper = match fields.next() {
        None => None,
        Some(field) => {
            let id = STANDARD_NO_PAD.decode(field.strip_prefix("keyid=")?).ok()?;
            Some(KeyId::from(u32::from_be_bytes(id.try_into().ok()?)))
        }
    };
    let params = Params { memory_kib, passes, lanes };
    (fields.next().is_none() && params.are_possible()).then_some((params, pepper))
}

fn decimal(text: &str) -> Option<u32> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_canonical)
}

fn decode(text: &str, at_least: usize) -> Option<Vec<u8>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    (at_least..=MAX_BYTES).contains(&bytes.len()).then_some(bytes)
}

const MAX_TEXT: usize = 256;
/// Argon2's own.
const MIN_SALT: usize = 8;
/// Fewer are guessed without the password.
const MIN_HASH: usize = 16;
/// Of salt and hash.
pub(super) const MAX_BYTES: usize = 64;
