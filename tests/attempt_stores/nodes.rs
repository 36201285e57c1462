//! Stores as the servers of one app have them, and how time passes for them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use donjon::clock::{Clock, ManualClock};
use donjon::keys;
use donjon::lockout::{AttemptStore, Fallback, Key, MemoryStore, Scope, ScopePolicy};

/// Servers that share their attempts.
pub(crate) trait Nodes {
    type Store: AttemptStore;

    /// One more server.
    async fn node(&self) -> Arc<Self::Store>;

    /// Lets time pass for the store.
    async fn pass(&self, time: Duration);

    /// All that is kept of a key, as exactly as it can be seen from outside.
    async fn kept(&self, key: Key, policy: &ScopePolicy) -> String;
}

pub(crate) struct Memory {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: MemoryStore,
}

impl Default for Memory {
    fn default() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(1024, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        Self { clock, store }
    }
}

impl Nodes for Memory {
    type Store = MemoryStore;

    async fn node(&self) -> Arc<MemoryStore> {
        Arc::new(self.store.clone())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn kept(&self, key: Key, policy: &ScopePolicy) -> String {
        format!("{:?}", self.store.peek(key, policy).await)
    }
}

/// What is remote is a memory, and each node has another of its own.
#[derive(Default)]
pub(crate) struct MemoryBehindFallback(Memory);

impl Nodes for MemoryBehindFallback {
    type Store = Fallback<MemoryStore>;

    async fn node(&self) -> Arc<Fallback<MemoryStore>> {
        Arc::new(Fallback::local_in(self.0.store.clone(), Memory::default().store))
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    async fn kept(&self, key: Key, policy: &ScopePolicy) -> String {
        self.0.kept(key, policy).await
    }
}

/// Keys of one account: of itself, of its failures in a row, at an address.
pub(crate) fn keys(account: &str) -> [Key; 3] {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, account).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    let digest = half(1) << 64 | half(2);
    [Scope::Account, Scope::InARow, Scope::AccountAtAddress].map(|scope| Key::new(scope, digest))
}

pub(crate) fn secret() -> keys::Key {
    keys::Key::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap()
}

pub(crate) fn key(account: &str) -> Key {
    keys(account)[0]
}
