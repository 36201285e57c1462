//! Identical events within a time stand in the log as two: the first, and one that says how many
//! came after it.
//!
//! The table has a fixed size, whatever comes in. No one waits for it: where another thread is at
//! work the event goes through as it is. And it loses nothing: each event that is held back is
//! counted in exactly one slot, and whoever empties a slot gets what it holds.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::SecurityEvent;

pub(super) struct Collapse {
    /// In nanoseconds, as are all times here.
    window: u64,
    /// Its key is secret and random, so nobody can find two events with one fingerprint.
    hasher: RandomState,
    /// When the first of what is held back is due.
    next_due: AtomicU64,
    shards: Box<[Mutex<Shard>]>,
}

struct Shard {
    /// Nothing is held back any more.
    closed: bool,
    slots: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    fingerprint: u64,
    /// When the event was first seen.
    start: u64,
    /// How many came since.
    held: u64,
    event: Option<SecurityEvent>,
}

impl Collapse {
    /// Without a window nothing collapses.
    pub(super) fn new(window: Duration) -> Option<Self> {
        let slots = || (0..SLOTS).map(|_| Slot::default()).collect();
        let shard = |_| Mutex::new(Shard { closed: false, slots: slots() });
        (!window.is_zero()).then(|| Self {
            window: nanos(window),
            hasher: RandomState::new(),
            next_due: AtomicU64::new(NEVER),
            shards: (0..SHARDS).map(shard).collect(),
        })
    }

    /// Stands for all by which an event is known.
    pub(super) fn fingerprint(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    /// Whether the event is held back, because the same one was seen less than a window ago.
    pub(super) fn hold(&self, fingerprint: u64, now: Duration) -> bool {
        let now = nanos(now);
        let Some(mut shard) = self.shard(fingerprint) else { return false };
        let found = shard.set(fingerprint).iter_mut().find(|slot| {
            slot.fingerprint == fingerprint
                && slot.event.is_some()
                && !is_over(slot.start, self.window, now)
        });
        let Some(slot) = found else { return false };
        slot.held += 1;
        if slot.held == 1 {
            self.next_due.fetch_min(slot.start.saturating_add(self.window), Ordering::Relaxed);
        }
        true
    }

    /// Remembers an event that goes out now. If another has to make room, what was held back of it
    /// is handed out.
    pub(super) fn remember(
        &self,
        fingerprint: u64,
        now: Duration,
        event: &SecurityEvent,
    ) -> Option<SecurityEvent> {
        let now = nanos(now);
        let mut shard = self.shard(fingerprint)?;
        let set = shard.set(fingerprint);
        let worth = |slot: &Slot| {
            if slot.event.is_some() && slot.fingerprint == fingerprint {
                (0, 0)
            } else if slot.event.is_none() {
                (1, 0)
            } else if is_over(slot.start, self.window, now) {
                (2, slot.start)
            } else {
                (3, slot.start)
            }
        };
        let slot = set.iter_mut().min_by_key(|slot| worth(slot))?;
        if worth(slot).0 == 0 && !is_over(slot.start, self.window, now) {
            // Another thread was faster with the same event. Both go out.
            return None;
        }
        let held = slot.take();
        *slot = Slot { fingerprint, start: now, held: 0, event: Some(event.clone()) };
        held
    }

    /// Hands out what is due. Only one thread does so at a time, and none waits.
    pub(super) fn sweep(&self, now: Duration, mut out: impl FnMut(SecurityEvent)) {
        let now = nanos(now);
        let due = self.next_due.load(Ordering::Relaxed);
        // Nothing honest is due later than a window from now: else the clock has jumped back.
        if due == NEVER || (now < due && due - now <= self.window) {
            return;
        }
        if self.next_due.compare_exchange(due, NEVER, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let mut next = NEVER;
        for shard in &self.shards {
            let mut from = 0;
            loop {
                let Some(mut locked) = try_lock(shard) else {
                    next = now;
                    break;
                };
                let found = locked
                    .slots
                    .iter()
                    .enumerate()
                    .skip(from)
                    .find(|(_, slot)| slot.held > 0 && is_over(slot.start, self.window, now));
                let Some((index, _)) = found else {
                    let held = locked.slots.iter().filter(|slot| slot.held > 0);
                    let dues = held.map(|slot| slot.start.saturating_add(self.window));
                    next = next.min(dues.min().unwrap_or(NEVER));
                    break;
                };
                let held = locked.slots[index].take();
                // Whoever gets it may take his time, and may emit events himself.
                drop(locked);
                held.into_iter().for_each(&mut out);
                from = index + 1;
            }
        }
        // In a storm of events with as many ends of windows, a sweep for each would cost too much.
        let earliest = now.saturating_add(self.window / 16);
        if next != NEVER {
            self.next_due.fetch_min(next.max(earliest), Ordering::Relaxed);
        }
    }

    /// Hands out all there is. From now on nothing is held back.
    pub(super) fn close(&self, mut out: impl FnMut(SecurityEvent)) {
        for shard in &self.shards {
            for index in 0..SLOTS {
                // Others hold the lock for no longer than it takes to look at some slots.
                let mut locked = shard.lock().unwrap_or_else(PoisonError::into_inner);
                locked.closed = true;
                let held = locked.slots.get_mut(index).and_then(Slot::take);
                drop(locked);
                held.into_iter().for_each(&mut out);
            }
        }
    }

    fn shard(&self, fingerprint: u64) -> Option<MutexGuard<'_, Shard>> {
        let shard = try_lock(self.shards.get(index(fingerprint, SHARDS))?)?;
        (!shard.closed).then_some(shard)
    }
}

impl Shard {
    /// The slots in which this event may be.
    fn set(&mut self, fingerprint: u64) -> &mut [Slot] {
        let first = index(fingerprint / SHARDS as u64, SLOTS / WAYS) * WAYS;
        &mut self.slots[first..first + WAYS]
    }
}

impl Slot {
    /// Empties the slot: one event, with the number of those held back.
    fn take(&mut self) -> Option<SecurityEvent> {
        let held = std::mem::take(&mut self.held);
        let event = self.event.take()?;
        (held > 0).then_some(SecurityEvent { count: held, ..event })
    }
}

/// Whether a window is over; also if it begins later than now, for then the clock has jumped back
/// and there is no telling.
fn is_over(start: u64, window: u64, now: u64) -> bool {
    now.checked_sub(start).is_none_or(|age| age >= window)
}

fn try_lock(shard: &Mutex<Shard>) -> Option<MutexGuard<'_, Shard>> {
    match shard.try_lock() {
        Ok(locked) => Some(locked),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn index(fingerprint: u64, of: usize) -> usize {
    // Less than `of`, so nothing is cut.
    usize::try_from(fingerprint % of as u64).unwrap_or(0)
}

/// The clock's time. It ends after 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const NEVER: u64 = u64::MAX;
const SHARDS: usize = 16;
const SLOTS: usize = 64;
/// In how many slots an event may be.
const WAYS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_large_as_the_module_docs_say() {
        assert!(SHARDS * SLOTS * size_of::<Slot>() <= 192 * 1024);
    }
}
