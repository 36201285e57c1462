//! The secret that is not in the database.

use std::time::SystemTime;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::Unreadable;
use crate::keys::{KeyId, KeyRing};

/// A key of the ring, at work as a pepper.
pub(super) struct Pepper {
    pub(super) id: KeyId,
    pub(super) secret: Zeroizing<[u8; 32]>,
}

impl Pepper {
    /// The one for new hashes. `None` if the ring holds nothing, which it never does.
    pub(super) fn active(ring: &KeyRing) -> Option<Self> {
        let keys = ring.load();
        let (id, key, _) = keys.iter().next()?;
        Some(Self::derive(id, key))
    }

    /// The one of this id.
    pub(super) fn find(ring: &KeyRing, id: KeyId, now: SystemTime) -> Result<Self, Unreadable> {
        let keys = ring.load();
        let Some((_, key, until)) = keys.iter().find(|(held, ..)| *held == id) else {
            let is_retired = keys.retired().contains(&id);
            return Err(if is_retired {
                Unreadable::RetiredPepper
            } else {
                Unreadable::UnknownPepper
            });
        };
        if until.is_some_and(|until| now >= until) {
            return Err(Unreadable::RetiredPepper);
        }
        Ok(Self::derive(id, key))
    }

    /// HKDF-SHA-256, RFC 5869: what else is sealed with the ring has other keys.
    fn derive(id: KeyId, key: &[u8]) -> Self {
        let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(SALT), key);
        prk.zeroize();
        let mut secret = Zeroizing::new([0; 32]);
        // One block of output is never too long.
        let _ = hkdf.expand(PURPOSE, &mut *secret);
        Self { id, secret }
    }
}

/// That of all that is derived from a ring.
const SALT: &[u8] = b"donjon keys 1";
const PURPOSE: &[u8] = b"donjon pepper 1";
