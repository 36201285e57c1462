//! A memory store that is flooded with names.

use std::sync::Arc;
use std::time::Duration;

use donjon::clock::ManualClock;
use donjon::lockout::{
    AtOnce, AttemptStore, Decision, Key, MemoryStore, Scope, ScopePolicy, Settle,
};

/// How many wrong guesses are evaluated.
pub(crate) const N: u16 = 5;

/// A store, and keys for it that no secret is needed for.
pub(crate) struct Flood {
    pub(crate) store: MemoryStore,
    pub(crate) policy: ScopePolicy,
}

impl Flood {
    pub(crate) fn new(capacity: usize) -> Self {
        let clock = Arc::new(ManualClock::default());
        let policy = ScopePolicy::new(N, HOUR, HOUR).unwrap();
        Self { store: MemoryStore::with_clock(capacity, clock).unwrap(), policy }
    }

    pub(crate) fn store(&self) -> &dyn AtOnce {
        self.store.at_once().unwrap()
    }

    pub(crate) fn fail(&self, digest: u128) -> bool {
        let key = Key::new(Scope::Account, digest);
        match self.store().reserve(key, &self.policy) {
            Decision::Admitted(lease) => {
                self.store().settle(lease, Settle::Failure, &self.policy);
                true
            }
            Decision::Busy | Decision::Locked { .. } => false,
        }
    }

    pub(crate) fn left(&self, digest: u128) -> u32 {
        (0..100).take_while(|_| self.fail(digest)).count().try_into().unwrap()
    }
}

/// What looks random, and is the same in each run.
pub(crate) fn digest(n: u64) -> u128 {
    let half = |seed: u64| {
        let mut x = n.wrapping_add(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(x ^ x >> 31)
    };
    half(1) << 64 | half(2)
}

const HOUR: Duration = Duration::from_secs(3600);
