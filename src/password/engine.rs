//! Argon2, and the same amount of it for everybody.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::{Algorithm, Argon2, Block, Version};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::pepper::Pepper;
use super::phc::{MAX_BYTES, Stored};
use super::{Params, Password, Unavailable, Verified};

/// What is computed for whom.
pub(super) struct Engine {
    /// For new hashes, and the work for everybody.
    pub(super) params: Params,
    /// The salt of those who have no hash.
    pub(super) nobody: [u8; SALT_LEN],
    /// How many KiB were computed.
    pub(super) work: AtomicU64,
    /// All that was computed, in its order.
    #[cfg(test)]
    pub(super) runs: std::sync::Mutex<Vec<Params>>,
}

impl Engine {
    pub(super) fn new(params: Params) -> Self {
        Self {
            params,
            nobody: rand::random(),
            work: AtomicU64::new(0),
            #[cfg(test)]
            runs: std::sync::Mutex::default(),
        }
    }

    /// A new hash.
    pub(super) fn hash(
        &self,
        password: &Password,
        pepper: Option<&Pepper>,
        arena: &mut [Block],
    ) -> Result<Stored, Unavailable> {
        let salt: [u8; SALT_LEN] = rand::random();
        let mut stored = Stored {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: self.params,
            pepper: pepper.map(|pepper| pepper.id),
            salt: salt.to_vec(),
            hash: vec![0; HASH_LEN],
        };
        let mut hash = Zeroizing::new([0; HASH_LEN]);
        self.argon2(&stored, password.bytes(), pepper, arena, &mut *hash)?;
        stored.hash.copy_from_slice(&*hash);
        Ok(stored)
    }

    /// Whether it is the password of this hash, and of none if there is no hash.
    ///
    /// The hash's own parameters are what they are. If they are less work than ours, the rest is
    /// done as well; if they are more, it takes longer.
    pub(super) fn verify(
        &self,
        password: &Password,
        stored: Option<&Stored>,
        pepper: Option<&Pepper>,
        active: Option<&Pepper>,
        arena: &mut [Block],
    ) -> Result<Verified, Unavailable> {
        let Some(stored) = stored.filter(|_| password.is_possible()) else {
            self.idle(self.params, active, arena)?;
            return Ok(Verified::NoMatch);
        };
        let mut buffer = Zeroizing::new([0; MAX_BYTES]);
        let hash = buffer.get_mut(..stored.hash.len()).ok_or(Unavailable::Failed)?;
        self.argon2(stored, password.bytes(), pepper, arena, hash)?;
        let is_match = bool::from(hash.ct_eq(&stored.hash));
        if let Some(missing) = self.params.missing_after(stored.params) {
            self.idle(missing, active, arena)?;
        }
        if is_match {
            Ok(Verified::Match { needs_rehash: self.is_outdated(stored, active) })
        } else {
            Ok(Verified::NoMatch)
        }
    }

    /// Whether a new hash would be another kind of hash.
    fn is_outdated(&self, stored: &Stored, active: Option<&Pepper>) -> bool {
        stored.algorithm != Algorithm::Argon2id
            || stored.version != Version::V0x13
            || stored.params != self.params
            || stored.pepper != active.map(|pepper| pepper.id)
            || stored.salt.len() < SALT_LEN
            || stored.hash.len() != HASH_LEN
    }

    /// Work for nothing.
    fn idle(
        &self,
        params: Params,
        pepper: Option<&Pepper>,
        arena: &mut [Block],
    ) -> Result<(), Unavailable> {
        let nothing = Stored {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params,
            pepper: None,
            salt: self.nobody.to_vec(),
            hash: Vec::new(),
        };
        let mut hash = Zeroizing::new([0; HASH_LEN]);
        self.argon2(&nothing, &[], pepper, arena, &mut *hash)?;
        std::hint::black_box(&hash);
        Ok(())
    }

    /// The one place where Argon2 is computed, and where another implementation of it would stand.
    fn argon2(
        &self,
        stored: &Stored,
        password: &[u8],
        pepper: Option<&Pepper>,
        arena: &mut [Block],
        hash: &mut [u8],
    ) -> Result<(), Unavailable> {
        let Stored { algorithm, version, params, ref salt, .. } = *stored;
        self.work.fetch_add(params.work(), Ordering::Relaxed);
        #[cfg(test)]
        self.runs.lock().unwrap().push(params);
        let Params { memory_kib, passes, lanes } = params;
        let params = argon2::Params::new(memory_kib, passes, lanes, None);
        let params = params.map_err(|_| Unavailable::Failed)?;
        let secret = pepper.map_or(&[][..], |pepper| &*pepper.secret);
        Argon2::new_with_secret(secret, algorithm, version, params)
            .and_then(|argon2| argon2.hash_password_into_with_memory(password, salt, hash, arena))
            .map_err(|_| Unavailable::Failed)
    }
}

const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
