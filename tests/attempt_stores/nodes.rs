//! Stores as the servers of one app have them, and how time passes for them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use donjon::clock::{Clock, ManualClock};
use donjon::keys;
use donjon::lockout::{
    Account, AttemptStore, Decision, Fallback, Key, KeyState, Lease, Lockout, LockoutPolicy,
    MemoryStore, ScopePolicy, Settle, Settlement,
};
use futures_util::FutureExt as _;

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

/// A lockout's keys of one account: of itself, at an address, of its failures in a row.
pub(crate) fn keys(account: &str) -> [Key; 3] {
    let spy = Spy::default();
    let secret = secret();
    let lockout = Lockout::builder(LockoutPolicy::default()).store(spy.clone()).secret(&secret);
    let lockout = lockout.build().unwrap();
    let account = Account::name(account).unwrap();
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    lockout.peek(&account).now_or_never().unwrap().unwrap();
    lockout.peek_at(&account, address).now_or_never().unwrap().unwrap();
    spy.0.lock().unwrap()[..].try_into().unwrap()
}

pub(crate) fn secret() -> keys::Key {
    keys::Key::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap()
}

pub(crate) fn key(account: &str) -> Key {
    keys(account)[0]
}

/// Remembers which keys it was asked for. Outside of a lockout nobody makes keys.
#[derive(Clone, Default)]
struct Spy(Arc<Mutex<Vec<Key>>>);

impl AttemptStore for Spy {
    type Error = std::convert::Infallible;

    async fn reserve(&self, _: Key, _: &ScopePolicy) -> Result<Decision, Self::Error> {
        Ok(Decision::Busy)
    }

    async fn settle(
        &self,
        _: Lease,
        _: Settle,
        _: &ScopePolicy,
    ) -> Result<Settlement, Self::Error> {
        Ok(Settlement::default())
    }

    async fn peek(&self, key: Key, _: &ScopePolicy) -> Result<KeyState, Self::Error> {
        self.0.lock().unwrap().push(key);
        Ok(KeyState::default())
    }

    async fn clear(&self, _: Key) -> Result<(), Self::Error> {
        Ok(())
    }
}
