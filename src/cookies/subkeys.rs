//! What a sealer makes of the keys in its ring, once for each ring.

use std::time::SystemTime;

use aes_gcm_siv::{AeadInOut as _, Aes256GcmSiv, Nonce, Tag};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::keys::{KeyId, Keys};

/// How values are sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Signed,
    Encrypted,
}

impl Kind {
    /// The first byte of each value: the version of the format, and the kind.
    pub(super) const fn first_byte(self) -> u8 {
        match self {
            Self::Signed => VERSION << 4 | 1,
            Self::Encrypted => VERSION << 4 | 2,
        }
    }

    pub(super) const fn nonce_len(self) -> usize {
        match self {
            Self::Signed => 0,
            Self::Encrypted => NONCE_LEN,
        }
    }

    pub(super) const fn tag_len(self) -> usize {
        match self {
            Self::Signed => 32,
            Self::Encrypted => 16,
        }
    }
}

/// The keys of a ring, for one kind, application and purpose.
pub(super) struct Subkeys {
    pub(super) generation: u64,
    /// The active one is the first.
    keys: Vec<Subkey>,
    retired: Vec<KeyId>,
    /// What nobody seals with: it does the work where there is no key to do it.
    nobody: Cipher,
}

/// What the ring says of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Active,
    Older,
    Retired,
    Unknown,
}

struct Subkey {
    id: KeyId,
    until: Option<SystemTime>,
    cipher: Cipher,
}

impl Subkeys {
    /// `bound` are the application and the purpose, each with its length.
    pub(super) fn derive(ring: &Keys, kind: Kind, bound: &[u8]) -> Self {
        let mut keys: Vec<Subkey> = Vec::new();
        let mut nobody = None;
        for (id, secret, until) in ring.iter() {
            nobody.get_or_insert_with(|| Cipher::derive(secret, kind, NOBODY, bound));
            let cipher = Cipher::derive(secret, kind, kind.first_byte(), bound);
            keys.push(Subkey { id, until, cipher });
        }
        // A ring has at least one key.
        let nobody = nobody.unwrap_or_else(|| Cipher::derive(&[], kind, NOBODY, bound));
        Self { generation: ring.generation(), keys, retired: ring.retired().to_vec(), nobody }
    }

    /// The key to seal with.
    pub(super) fn active(&self) -> (KeyId, &Cipher) {
        self.keys.first().map_or((KeyId::from(0), &self.nobody), |key| (key.id, &key.cipher))
    }

    /// The key of this id and its standing. Where there is none, there is one to work with all the
    /// same, so that it takes the time it takes to see that a value is wrong.
    pub(super) fn find(&self, id: KeyId, now: SystemTime) -> (Standing, &Cipher) {
        let Some(at) = self.keys.iter().position(|key| key.id == id) else {
            let retired = self.retired.contains(&id);
            let standing = if retired { Standing::Retired } else { Standing::Unknown };
            return (standing, &self.nobody);
        };
        let key = &self.keys[at];
        let standing = match key.until {
            Some(until) if now >= until => Standing::Retired,
            _ if at == 0 => Standing::Active,
            _ => Standing::Older,
        };
        (standing, &key.cipher)
    }
}

/// A key at work.
pub(super) enum Cipher {
    /// It has taken in the key, the application and the purpose already.
    Signing(Box<Hmac<Sha256>>),
    Sealing(Box<Aes256GcmSiv>),
}

impl Cipher {
    /// HKDF-SHA-256: RFC 5869.
    fn derive(secret: &[u8], kind: Kind, label: u8, bound: &[u8]) -> Self {
        let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(SALT), secret);
        prk.zeroize();
        let mut key = Zeroizing::new([0; 32]);
        // One block of output is never too long.
        let _ = hkdf.expand_multi_info(&[&[label], bound], &mut *key);
        match kind {
            Kind::Signed => {
                let mut block = Zeroizing::new([0; 64]);
                block[..32].copy_from_slice(&*key);
                let mac = Hmac::new((&*block).into()).chain_update(DOMAIN).chain_update(bound);
                Self::Signing(Box::new(mac))
            }
            Kind::Encrypted => Self::Sealing(Box::new(Aes256GcmSiv::new((&*key).into()))),
        }
    }

    /// Encrypts the payload in place, if it is of that kind, and gives the tag. `None` if there are
    /// 64 GB of it.
    pub(super) fn seal(
        &self,
        parts: &Parts<'_>,
        nonce: [u8; NONCE_LEN],
        payload: &mut [u8],
    ) -> Option<Tagged> {
        match self {
            Self::Signing(mac) => {
                let code = parts.mac(mac, payload).finalize().into_bytes();
                Some(Tagged::Mac(code.into()))
            }
            Self::Sealing(cipher) => {
                let tag = parts.with_bytes(|associated| {
                    cipher.encrypt_inout_detached(&Nonce::from(nonce), associated, payload.into())
                });
                tag.ok().map(|tag| Tagged::Aead(tag.into()))
            }
        }
    }

    /// Compares the tag in constant time, and decrypts the payload in place if it is of that kind.
    pub(super) fn open(
        &self,
        parts: &Parts<'_>,
        nonce: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        match self {
            Self::Signing(mac) => parts.mac(mac, payload).verify_slice(tag).is_ok(),
            Self::Sealing(cipher) => {
                let (Ok(nonce), Ok(tag)) = (Nonce::try_from(nonce), Tag::try_from(tag)) else {
                    return false;
                };
                parts.with_bytes(|associated| {
                    cipher.decrypt_inout_detached(&nonce, associated, payload.into(), &tag).is_ok()
                })
            }
        }
    }
}

/// The end of a sealed value.
pub(super) enum Tagged {
    Mac([u8; 32]),
    Aead([u8; 16]),
}

impl AsRef<[u8]> for Tagged {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mac(tag) => tag,
            Self::Aead(tag) => tag,
        }
    }
}

/// What is authenticated beside the payload: each text with its length before it.
pub(super) struct Parts<'a> {
    pub(super) bound: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) audience: &'a [u8],
    pub(super) header: [u8; HEADER_LEN],
}

impl Parts<'_> {
    fn mac(&self, mac: &Hmac<Sha256>, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = mac.clone();
        for part in [&len(self.name), self.name, &len(self.audience), self.audience, &self.header] {
            mac.update(part);
        }
        mac.update(payload);
        mac
    }

    /// An AEAD wants them in one piece, which is on the stack unless it is uncommonly long.
    fn with_bytes<V>(&self, then: impl FnOnce(&[u8]) -> V) -> V {
        let [name_len, audience_len] = [len(self.name), len(self.audience)];
        let parts =
            [DOMAIN, self.bound, &name_len, self.name, &audience_len, self.audience, &self.header];
        let total = parts.iter().map(|part| part.len()).sum();
        let mut short = [0; 256];
        let mut long = Vec::new();
        let bytes = if let Some(bytes) = short.get_mut(..total) {
            bytes
        } else {
            long.resize(total, 0);
            &mut long[..]
        };
        let mut rest = &mut *bytes;
        for part in parts {
            let (head, tail) = rest.split_at_mut(part.len());
            head.copy_from_slice(part);
            rest = tail;
        }
        then(bytes)
    }
}

/// A text's length, as it stands before it.
pub(super) const fn len(text: &[u8]) -> [u8; 8] {
    (text.len() as u64).to_be_bytes()
}

/// The first byte, the key's id, the time of expiry.
pub(super) const HEADER_LEN: usize = 1 + 4 + 8;
pub(super) const NONCE_LEN: usize = 12;
const VERSION: u8 = 1;
/// No value begins with it.
const NOBODY: u8 = 0;
const SALT: &[u8] = b"donjon keys 1";
const DOMAIN: &[u8] = b"donjon seal 1";
