//! A record as a snapshot keeps it.

use super::{LOCKED, Record, Ticks};

/// A record, wherever time begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::lockout) struct Saved {
    pub(in crate::lockout) age: Ticks,
    pub(in crate::lockout) forget_in: Ticks,
    pub(in crate::lockout) lock_ends_in: Option<Ticks>,
    pub(in crate::lockout) failed: u16,
    pub(in crate::lockout) under_way: u8,
    pub(in crate::lockout) marks: u8,
}

impl Record {
    /// What a snapshot keeps: what is left at this time.
    pub(in crate::lockout) fn save(&self, now: Ticks) -> Saved {
        Saved {
            age: now.saturating_sub(self.since),
            forget_in: self.forget_at.saturating_sub(now),
            lock_ends_in: self.locked_until().map(|end| end.saturating_sub(now)),
            failed: self.failed,
            under_way: u8::try_from(self.under_way()).unwrap_or(u8::MAX),
            marks: self.marks,
        }
    }

    /// And what comes back of it, so much later. The leases of those who were under way are over: they have
    /// failed, by whatever policy looks at them next.
    pub(in crate::lockout) fn restored(
        saved: Saved,
        now: Ticks,
        later: Ticks,
        generation: u32,
    ) -> Self {
        let in_time = |left: Ticks| now.saturating_add(left).saturating_sub(later).max(1);
        let locked = if saved.lock_ends_in.is_some() { LOCKED } else { 0 };
        Self {
            since: now.saturating_sub(saved.age).saturating_sub(later).max(1),
            forget_at: in_time(saved.forget_in),
            end: saved.lock_ends_in.map_or(now, in_time),
            generation,
            failed: saved.failed,
            in_flight: 0,
            waning: if saved.lock_ends_in.is_some() { 0 } else { saved.under_way },
            marks: saved.marks & !LOCKED | locked,
        }
    }
}
