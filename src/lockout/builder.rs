//! The builder of a lockout.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::device::DeviceCookies;
use super::guard::Inner;
use super::key::Keyer;
use super::record::Record;
use super::store::{AnyStore, AttemptStore};
use super::{Account, ConfigError, Lockout, LockoutPolicy, MemoryStore, ScopePolicy};
use crate::client::Networks;
use crate::clock::{Clock, SystemClock};
use crate::event::EventLog;
use crate::keys::Key;

/// Builds a [`Lockout`].
#[must_use = "a builder does nothing until it is built"]
pub struct LockoutBuilder {
    policy: LockoutPolicy,
    store: Option<Box<dyn AnyStore>>,
    secret: Option<Key>,
    purpose: String,
    log: Option<EventLog>,
    uncounted: Option<Networks>,
    devices: Option<DeviceCookies>,
    clock: Option<Arc<dyn Clock>>,
    on_exhausted: Option<Arc<OnExhausted>>,
}

pub(super) type OnExhausted = dyn Fn(&Account) + Send + Sync;

impl LockoutBuilder {
    pub(super) fn new(policy: LockoutPolicy) -> Self {
        Self {
            policy,
            store: None,
            secret: None,
            purpose: "password".to_owned(),
            log: None,
            uncounted: None,
            devices: None,
            clock: None,
            on_exhausted: None,
        }
    }

    /// Counts in this store rather than in a [`MemoryStore`] of its own.
    pub fn store(mut self, store: impl AttemptStore) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// What names and addresses are hashed with before they come to a store. Without it that is a
    /// secret of this process; a store that several servers share, and a snapshot that outlives the
    /// process, need one that stays. Another one is an amnesty.
    pub fn secret(mut self, secret: &Key) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    /// What is counted: `password` unless told otherwise. Lockouts of different purposes may share a
    /// store and a secret, and count apart: a second factor has a lockout of its own.
    pub fn purpose(mut self, purpose: &str) -> Self {
        purpose.clone_into(&mut self.purpose);
        self
    }

    /// Tells this log of attempts, locks and attacks. Behind an [`EventLog`] that is a layer,
    /// [`LoginLockout`](super::LoginLockout) tells that one.
    pub fn log(mut self, log: &EventLog) -> Self {
        self.log = Some(log.clone());
        self
    }

    /// Does not count attempts by the address that come from these networks: an office, a monitor.
    /// Accounts are locked from there as from everywhere.
    pub fn uncounted_networks(mut self, networks: Networks) -> Self {
        self.uncounted = Some(networks);
        self
    }

    /// Knows browsers again that have logged in, so that strangers cannot lock the owner of an account
    /// out.
    pub fn devices(mut self, devices: DeviceCookies) -> Self {
        self.devices = Some(devices);
        self
    }

    /// Does this when an account has had its [failures in a row](LockoutPolicy::in_a_row), and with every
    /// failure after that until somebody logs in: disable its password, and have a new one set by other
    /// means. It is called for names, too, that
    /// are nobody's; have it be the same the second time.
    ///
    /// It is called where the failure is counted: in a task of your runtime, or on the thread that has
    /// verified the password, where there is no runtime. So have it send a message, by a channel, to a task
    /// that does the work. If it panics, that is caught and a warning.
    pub fn on_exhausted(mut self, act: impl Fn(&Account) + Send + Sync + 'static) -> Self {
        self.on_exhausted = Some(Arc::new(act));
        self
    }

    /// Takes the time from this clock, and gives it to the store if there is none yet. A store that was
    /// given has a clock of its own.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds it.
    pub fn build(self) -> Result<Lockout, ConfigError> {
        if self.purpose.trim().is_empty() {
            return Err(ConfigError::Purpose { purpose: self.purpose });
        }
        let is_shared = self.store.as_ref().is_some_and(|store| store.at_once().is_none());
        let keyer = match &self.secret {
            Some(secret) => Keyer::of(secret, &self.purpose),
            None if is_shared => return Err(ConfigError::NoSecret),
            None => Keyer::random(),
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::default()));
        let store = match self.store {
            Some(store) => store,
            None => Box::new(MemoryStore::with_clock(DEFAULT_SLOTS, Arc::clone(&clock))?),
        };
        // Counters of before an unlocking are other ones as long as anything is remembered of them.
        let own = [&self.policy.account_at_address, &self.policy.device];
        let remembered = own.map(|policy| policy.longest_lock() + policy.forget());
        let remembered = remembered.into_iter().max().unwrap_or_default();
        Ok(Lockout(Arc::new(Inner {
            in_a_row: ScopePolicy::counting(YEAR),
            unlocked: ScopePolicy::counting(remembered.max(MINUTES)),
            policy: self.policy,
            store,
            keyer,
            log: self.log,
            uncounted: self.uncounted,
            devices: self.devices,
            clock,
            on_exhausted: self.on_exhausted,
            everywhere: Mutex::new(Record::default()),
        })))
    }
}

impl fmt::Debug for LockoutBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockoutBuilder")
            .field("policy", &self.policy)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

const DEFAULT_SLOTS: usize = 65_536;
const MINUTES: Duration = Duration::from_secs(600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
