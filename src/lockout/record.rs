//! What is remembered of one key, and what becomes of it: plain arithmetic, without a clock, a lock
//! or a table.

use std::time::Duration;

pub(super) use self::saved::Saved;
use super::ScopePolicy;

mod saved;

/// Eighths of a second since some moment, rounded down. 17 years fit.
pub(super) type Ticks = u32;

/// A duration in ticks, rounded up.
pub(super) fn ticks(duration: Duration) -> Ticks {
    let ticks = duration.as_nanos().div_ceil(TICK.as_nanos());
    Ticks::try_from(ticks).unwrap_or(Ticks::MAX)
}

pub(super) const TICK: Duration = Duration::from_millis(125);

/// 24 bytes. All its times are its own: whoever looks for room beside it needs no policy to know whether
/// it may go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Record {
    /// When the first of the failures was counted. Where they are forgotten one by one, since when
    /// the next one is due.
    pub(super) since: Ticks,
    /// When all is forgotten: so long after the last failure, or the last lock.
    forget_at: Ticks,
    /// When the lock ends, if there is one; else when the present half of a lease is over, if somebody is
    /// under way.
    end: Ticks,
    /// What the leases of this half are marked with. Those of the half before have one less, and all
    /// others are over.
    generation: u32,
    pub(super) failed: u16,
    /// Those let in in this half.
    in_flight: u8,
    /// Those let in in the half before: when this half is over they have failed.
    waning: u8,
    /// How many locks there were, and two flags.
    marks: u8,
}

/// What is said to an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reserved {
    Admitted { generation: u32 },
    Busy,
    Locked { left: Ticks },
}

/// What has become of a record by the end of an attempt.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Changed {
    /// The lease was over. A failure has been counted before, and nothing was changed now.
    pub(super) stale: bool,
    /// The failures before.
    pub(super) failed_before: u16,
    /// They may be others'.
    pub(super) is_mixed: bool,
    /// Since when.
    pub(super) since: Ticks,
    /// A lock of so many ticks has begun.
    pub(super) locked: Option<Ticks>,
}

/// How an attempt ended, as far as one record is concerned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Failure,
    /// Nothing to be counted.
    Release,
    /// The failures counted here were this source's own.
    Clear,
    /// So many of the failures, if they were all counted in the present count.
    GiveBack {
        failed: u16,
        since: Ticks,
    },
}

impl Record {
    /// With a generation that no lease of before has.
    pub(super) fn new(generation: u32) -> Self {
        Self { generation, ..Self::default() }
    }

    pub(super) fn reserve(&mut self, now: Ticks, policy: &ScopePolicy, kind: Kind) -> Reserved {
        self.roll(now, policy, kind);
        if self.is_locked() {
            return Reserved::Locked { left: self.end - now };
        }
        let under_way = self.under_way();
        // After a lock what is shared keeps its failures, which may be counted by several policies: nobody's
        // look is to lower them for the others, or to lock anew. One attempt at a time is let in, and its
        // failure locks.
        let is_one = kind == Kind::Shared && under_way == 0;
        let is_full = self.failed.saturating_add(under_way) >= policy.limit();
        if is_full && !is_one || under_way >= MOST_UNDER_WAY {
            return Reserved::Busy;
        }
        if under_way == 0 {
            self.end = now.saturating_add(half(policy));
        }
        self.in_flight += 1;
        Reserved::Admitted { generation: self.generation }
    }

    pub(super) fn settle(
        &mut self,
        generation: u32,
        end: End,
        now: Ticks,
        policy: &ScopePolicy,
        kind: Kind,
    ) -> Changed {
        self.roll(now, policy, kind);
        // What may be others' failures is none of this source's.
        let is_mixed = kind == Kind::Shared || self.marks & OF_OTHERS != 0;
        let before = Changed {
            failed_before: self.failed,
            is_mixed,
            since: self.since,
            ..Changed::default()
        };
        if generation == self.generation && self.in_flight > 0 {
            self.in_flight -= 1;
        } else if generation.wrapping_add(1) == self.generation && self.waning > 0 {
            self.waning -= 1;
        } else {
            return Changed { stale: true, ..before };
        }
        let mut locked = None;
        match (end, kind) {
            (End::Failure, _) => {
                locked = self.fail(1, now, policy);
                if kind == Kind::Shared && locked.is_some() {
                    self.marks &= !OF_OTHERS;
                }
            }
            // Of those who share a record, none has failures of his own to take back.
            (_, Kind::Shared) | (End::Release, _) => {}
            (End::Clear, Kind::Own) => {
                self.failed = 0;
                self.marks &= LOCKED;
            }
            (End::GiveBack { failed, since }, Kind::Own) => {
                if since >= self.since {
                    self.failed = self.failed.saturating_sub(failed);
                }
            }
        }
        self.mark(policy);
        Changed { locked, ..before }
    }

    /// Does what time alone has done since somebody last looked.
    pub(super) fn roll(&mut self, now: Ticks, policy: &ScopePolicy, kind: Kind) {
        if kind == Kind::Own {
            self.clamp(now, policy);
        }
        while self.under_way() > 0 && !self.is_locked() && now >= self.end {
            let at = self.end;
            self.pass(at, policy, kind);
            let lost = std::mem::replace(&mut self.waning, self.in_flight);
            self.in_flight = 0;
            self.generation = self.generation.wrapping_add(1);
            self.end = at.saturating_add(half(policy));
            if lost > 0 {
                let locked = self.fail(lost.into(), at, policy);
                // Of whatever policy they were: this one may not be as strict.
                if kind == Kind::Shared {
                    let owed = if locked.is_none() { OF_OTHERS } else { 0 };
                    self.marks = self.marks & !OF_OTHERS | owed;
                }
            }
        }
        self.pass(now, policy, kind);
        let is_owed = kind == Kind::Own || self.marks & OF_OTHERS != 0;
        if is_owed && self.failed >= policy.limit() && !self.is_locked() {
            // Of a policy that was not as strict.
            self.lock(now, policy);
            if kind == Kind::Shared {
                self.marks &= !OF_OTHERS;
            }
        }
        self.mark(policy);
    }

    /// After a clock was set back.
    fn clamp(&mut self, now: Ticks, policy: &ScopePolicy) {
        let longest = if self.is_locked() { policy.longest_ticks() } else { half(policy) };
        self.since = self.since.min(now);
        self.end = self.end.min(now.saturating_add(longest));
        let latest =
            now.saturating_add(policy.longest_ticks()).saturating_add(policy.forget_ticks());
        self.forget_at = self.forget_at.min(latest);
    }

    /// Ends a lock whose time is over, and forgets.
    fn pass(&mut self, now: Ticks, policy: &ScopePolicy, kind: Kind) {
        if self.is_locked() {
            if now < self.end {
                return;
            }
            self.marks &= !LOCKED;
            if kind == Kind::Own {
                self.failed = self.failed.min(policy.limit() - policy.further());
            }
            if policy.is_gradual() {
                self.since = self.end;
            }
        }
        if now >= self.forget_at {
            self.failed = 0;
            self.marks = 0;
        } else if policy.is_gradual() && kind == Kind::Own {
            self.forget_some(now, policy);
        }
    }

    /// As many as the limit in the time of `forget`, a sixteenth of it or more at once: what is rounded
    /// stays small.
    fn forget_some(&mut self, now: Ticks, policy: &ScopePolicy) {
        let (limit, forget) = (u64::from(policy.limit()), u64::from(policy.forget_ticks()));
        let passed = u64::from(now.saturating_sub(self.since));
        if self.failed > 0 && passed * 16 >= forget {
            let due = passed * limit / forget.max(1);
            self.failed = self.failed.saturating_sub(u16::try_from(due).unwrap_or(u16::MAX));
            // No more than has passed, but for what is rounded up, so it fits.
            self.since += Ticks::try_from((due * forget).div_ceil(limit.max(1))).unwrap_or(0);
        }
    }

    fn fail(&mut self, count: u16, at: Ticks, policy: &ScopePolicy) -> Option<Ticks> {
        if self.failed == 0 {
            self.since = at;
        }
        self.failed = self.failed.saturating_add(count);
        self.forget_at = self.forget_at.max(at.saturating_add(policy.forget_ticks()));
        (self.failed >= policy.limit() && !self.is_locked()).then(|| self.lock(at, policy))
    }

    fn lock(&mut self, at: Ticks, policy: &ScopePolicy) -> Ticks {
        let count = self.marks & COUNT;
        let lock = policy.lock_ticks(count);
        self.marks = LOCKED | self.marks & OF_OTHERS | (count + 1).min(COUNT);
        self.end = at.saturating_add(lock);
        self.forget_at = self.forget_at.max(self.end.saturating_add(policy.forget_ticks()));
        if self.under_way() > 0 {
            // There are some only where a policy has become stricter, or where several share a record. They
            // have failed, and their leases are over.
            self.failed = self.failed.saturating_add(self.under_way());
            (self.in_flight, self.waning) = (0, 0);
            self.generation = self.generation.wrapping_add(2);
        }
        lock
    }

    /// Notes for others whether it may go.
    fn mark(&mut self, policy: &ScopePolicy) {
        // How many locks there were is worth as much: the next one is longer.
        let is_half_way = self.failed >= policy.limit().div_ceil(2) || self.marks & COUNT > 0;
        self.marks = self.marks & !HALF_WAY | if is_half_way { HALF_WAY } else { 0 };
    }

    pub(super) const fn is_locked(&self) -> bool {
        self.marks & LOCKED != 0
    }

    /// When the lock ends, if there is one.
    pub(super) fn locked_until(&self) -> Option<Ticks> {
        self.is_locked().then_some(self.end)
    }

    pub(super) const fn under_way(&self) -> u16 {
        self.in_flight as u16 + self.waning as u16
    }

    /// A record for a key that was counted with others so far: what they have failed goes on, up to one guess
    /// before a lock, and those who are under way have failed.
    pub(super) fn apart(&self, generation: u32, now: Ticks, policy: &ScopePolicy) -> Self {
        // One guess, and its failure locks, as in the shared one: not every count above a limit was a lock's.
        let before = if now < self.forget_at { self.failed } else { 0 };
        let failed = before.saturating_add(self.under_way()).min(policy.limit() - 1);
        let marks = if failed > 0 { OF_OTHERS } else { 0 };
        let since = if before > 0 { self.since } else { now };
        let forget_at = self.forget_at.max(now.saturating_add(policy.forget_ticks()));
        let forget_at = if self.under_way() > 0 { forget_at } else { self.forget_at };
        Self { generation, since, forget_at, end: now, failed, in_flight: 0, waning: 0, marks }
    }

    /// Whether whoever shares this one is turned away now, and a record of his own would lock him by what
    /// others have under way.
    pub(super) fn turns_away(&self, now: Ticks, policy: &ScopePolicy) -> bool {
        let under_way = self.under_way();
        let is_full = self.failed.saturating_add(under_way) >= policy.limit();
        self.is_locked() && now < self.end || under_way > 0 && is_full && !self.is_over(now)
    }

    /// Whether a name that was never seen before may take its place: nobody will ever miss it.
    pub(super) const fn is_over(&self, now: Ticks) -> bool {
        let is_blank = self.failed == 0 && self.marks & (LOCKED | COUNT) == 0;
        // What is under way longer than any lease was given up long ago.
        let given_up = now >= self.end.saturating_add(LONGEST_LEASE);
        let is_idle = self.under_way() == 0 || given_up;
        let is_locked = self.is_locked() && now < self.end;
        is_idle && !is_locked && (is_blank || now >= self.forget_at)
    }

    /// Whether such a name may take its place if there is no other: what is locked, has somebody under way
    /// or is half-way to a lock must not be flushed out by names that cost nothing.
    pub(super) const fn may_go(&self, now: Ticks) -> bool {
        let is_locked = self.is_locked() && now < self.end;
        !is_locked && self.under_way() == 0 && self.marks & HALF_WAY == 0
    }

    /// Of two that may go, the lesser one goes.
    pub(super) const fn worth(&self) -> (u16, Ticks) {
        (self.failed, self.forget_at)
    }
}

/// Whose record it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Of one key, and so of one policy.
    Own,
    /// Of all keys of a bucket that have found no slot. They may be of several policies, so it is
    /// taken at its own word.
    Shared,
}

/// A lease is two of them, so that one which is given up ends on a key that never rests, and none of the
/// others with it: it lives through the half it began in, and the next one.
fn half(policy: &ScopePolicy) -> Ticks {
    policy.lease_ticks().div_ceil(2)
}

const LOCKED: u8 = 0x80;
const HALF_WAY: u8 = 0x40;
/// It began with what others may have failed. Of a shared record: there are leases that were lost, and nobody has
/// been locked for them yet.
const OF_OTHERS: u8 = 0x20;
/// From 31 on every lock is the longest: 2³¹ seconds are more than there may be.
const COUNT: u8 = 0x1f;
const MOST_UNDER_WAY: u16 = 255;
/// An hour, as [`ScopePolicy::lease`] allows.
const LONGEST_LEASE: Ticks = 8 * 3600;
const _: () = assert!(size_of::<Record>() == 24);

#[cfg(test)]
mod tests;
