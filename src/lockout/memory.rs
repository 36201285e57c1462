//! The store of one machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Changed, End, Reserved, TICK, Ticks};
use super::store::{AtOnce, AttemptStore, Decision, KeyState, Lease, Settle, Settlement};
use super::table::{Place, Table, WAYS};
use super::{ConfigError, Key, Scope, ScopePolicy};
use crate::clock::{Clock, SystemClock};

/// Counts attempts in tables of a fixed size, for one process.
///
/// Each [`Scope`] has a table. A key belongs to a bucket of eight slots. If all of them are taken, the
/// one with the fewest failures goes, the oldest of those; never one that is locked or was so lately, has
/// an attempt under way, or is half-way to a lock: names that cost an attacker one guess each flush out
/// nobody. If none may go, the newcomer is counted in a record that the bucket's newcomers share, with the
/// same limit. So a table that is full counts coarsely, and never not at all; who is counted so,
/// [`Lockout::unlock`](super::Lockout::unlock) does not reach.
///
/// Time is counted in eighths of a second, by which a lock may end too early, and looked at when a record is: nothing sweeps, and there is no
/// task. A clone is the same
/// store; in actix-web make it outside of the closure that makes the `App`.
///
/// ```
/// use donjon::lockout::MemoryStore;
///
/// let store = MemoryStore::default();
/// assert_eq!(store.capacity(), 65_536);
/// assert_eq!(store.bytes(), 65_536 * 32 * 9, "18 MiB: 32 bytes for each slot of nine tables");
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

pub(super) struct Inner {
    tables: [Table; Scope::ALL.len()],
    capacity: usize,
    pub(super) clock: Arc<dyn Clock>,
    /// What the clock showed when the store was made.
    start: Duration,
}

/// How full it is, for a page of metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MemoryStatus {
    /// How many attempts were counted in shared records, since the start. Where it grows, the
    /// capacity is too small for the attack.
    pub shared: u64,
    /// How many records with few failures have gone for others.
    pub evicted: u64,
}

impl MemoryStore {
    /// A store of so many slots for each scope, rounded up to a power of two: 1024 to 67108864. A
    /// slot takes 32 bytes, and there are nine scopes: 288 bytes for each slot of the capacity, taken
    /// when it is made.
    pub fn with_capacity(slots: usize) -> Result<Self, ConfigError> {
        Self::with_clock(slots, Arc::new(SystemClock::default()))
    }

    /// As [`with_capacity`](Self::with_capacity), with time from this clock.
    pub fn with_clock(slots: usize, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        if !(MIN_SLOTS..=MAX_SLOTS).contains(&slots) {
            return Err(ConfigError::Capacity { slots });
        }
        Ok(Self::of(slots.next_power_of_two(), clock))
    }

    /// How many slots each scope has.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// How many bytes the tables take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        Table::bytes(self.capacity()) * Scope::ALL.len()
    }

    /// How full it is.
    #[must_use]
    pub fn status(&self) -> MemoryStatus {
        let mut status = MemoryStatus::default();
        for table in &self.0.tables {
            let (shared, evicted) = table.counts();
            status.shared += shared;
            status.evicted += evicted;
        }
        status
    }

    fn of(capacity: usize, clock: Arc<dyn Clock>) -> Self {
        let start = clock.elapsed();
        let tables = Scope::ALL.map(|_| Table::new(capacity));
        Self(Arc::new(Inner { tables, capacity, clock, start }))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// 65536 slots for each scope, which are 18 MiB in all.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::of(DEFAULT_SLOTS, Arc::new(SystemClock::default()))
    }
}

impl Inner {
    pub(super) fn table(&self, scope: Scope) -> &Table {
        &self.tables[scope.index()]
    }

    pub(super) fn now(&self) -> Ticks {
        let passed = self.clock.elapsed().saturating_sub(self.start);
        let ticks = Ticks::try_from(passed.as_nanos() / TICK.as_nanos()).unwrap_or(Ticks::MAX);
        ticks.saturating_add(EPOCH)
    }
}

impl AtOnce for MemoryStore {
    fn reserve(&self, key: Key, policy: &ScopePolicy) -> Decision {
        let now = self.0.now();
        match self.0.table(key.scope()).reserve(key.digest(), now, policy) {
            Ok(Place { generation, is_shared }) => {
                let number = u64::from(generation) | u64::from(is_shared) << 32;
                Decision::Admitted(Lease::new(key, number))
            }
            Err(Reserved::Locked { left }) => Decision::Locked { left: duration(left) },
            Err(Reserved::Busy | Reserved::Admitted { .. }) => Decision::Busy,
        }
    }

    fn settle(&self, lease: Lease, settle: Settle, policy: &ScopePolicy) -> Settlement {
        let key = lease.key();
        #[expect(clippy::cast_possible_truncation, reason = "it was put there by `reserve`")]
        let place =
            Place { generation: lease.number() as u32, is_shared: lease.number() >> 32 & 1 == 1 };
        let end = match settle {
            Settle::Failure => End::Failure,
            Settle::Release => End::Release,
            Settle::Clear => End::Clear,
            Settle::GiveBack { failures, since } => End::GiveBack {
                failed: u16::try_from(failures).unwrap_or(u16::MAX),
                since: Ticks::try_from(since).unwrap_or(Ticks::MAX),
            },
        };
        // What is nobody's own is given back to nobody; the counters of an account are of all anyway.
        let is_own = matches!(key.scope(), Scope::AccountAtAddress | Scope::Device);
        let table = self.0.table(key.scope());
        let changed = table.settle(key.digest(), place, end, self.0.now(), policy);
        let Changed { stale, failed_before, is_mixed, since, locked } = changed;
        Settlement {
            stale,
            failures: if is_mixed && is_own { 0 } else { failed_before.into() },
            since: since.into(),
            locked: locked.map(duration),
        }
    }

    fn peek(&self, key: Key, policy: &ScopePolicy) -> KeyState {
        let now = self.0.now();
        let Some(record) = self.0.table(key.scope()).peek(key.digest(), now, policy) else {
            return KeyState::default();
        };
        KeyState {
            failures: record.failed.into(),
            in_flight: record.under_way().into(),
            locked: record.locked_until().map(|end| duration(end.saturating_sub(now))),
        }
    }

    fn clear(&self, key: Key) {
        self.0.table(key.scope()).clear(key.digest());
    }
}

impl AttemptStore for MemoryStore {
    type Error = std::convert::Infallible;

    async fn reserve(&self, key: Key, policy: &ScopePolicy) -> Result<Decision, Self::Error> {
        Ok(AtOnce::reserve(self, key, policy))
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> Result<Settlement, Self::Error> {
        Ok(AtOnce::settle(self, lease, settle, policy))
    }

    async fn peek(&self, key: Key, policy: &ScopePolicy) -> Result<KeyState, Self::Error> {
        Ok(AtOnce::peek(self, key, policy))
    }

    async fn clear(&self, key: Key) -> Result<(), Self::Error> {
        AtOnce::clear(self, key);
        Ok(())
    }

    fn at_once(&self) -> Option<&dyn AtOnce> {
        Some(self)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capacity", &self.capacity())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

pub(super) fn duration(ticks: Ticks) -> Duration {
    TICK * ticks
}

/// What the store's clock begins at, so that there is room for what a snapshot remembers of before:
/// two years.
const EPOCH: Ticks = 1 << 29;
const DEFAULT_SLOTS: usize = 65_536;
const MIN_SLOTS: usize = 1024;
const MAX_SLOTS: usize = 1 << 26;
const _: () = assert!(MIN_SLOTS >= WAYS && DEFAULT_SLOTS.is_power_of_two());
