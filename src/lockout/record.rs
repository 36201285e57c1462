//! What is remembered of one key, and what becomes of it: plain arithmetic, without a clock, a lock
//! or a table.

use std::time::Duration;

use super::ScopePolicy;

/// Eighths of a second since some moment, rounded down. 17 years fit.
pub(super) type Ticks = u32;

/// A duration in ticks, rounded up.
pub(super) fn ticks(duration: Duration) -> Ticks {
    let ticks = duration.as_nanos().div_ceil(TICK.as_nanos());
    Ticks::try_from(ticks).unwrap_or(Ticks::MAX)
}

pub(super) const TICK: Duration = Duration::from_millis(125);

/// 20 bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Record {
    /// When the first of the failures was counted. Where they are forgotten one by one, since when
    /// the next one is due.
    pub(super) since: Ticks,
    /// When an attempt was last let in, failed, or a lock ended.
    pub(super) touched: Ticks,
    /// When the lock ends; 0 if there is none.
    pub(super) until: Ticks,
    /// What the leases of those under way are marked with. It changes when they have expired, so that
    /// one that comes late changes nothing.
    pub(super) generation: u32,
    pub(super) failed: u16,
    pub(super) in_flight: u8,
    /// How many locks there were.
    pub(super) locks: u8,
}

/// What is said to an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reserved {
    Admitted { generation: u32 },
    Busy,
    Locked { since: Ticks, left: Ticks },
}

/// What has become of a record by the end of an attempt.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Changed {
    /// The lease was over. A failure has been counted before, and nothing was changed now.
    pub(super) stale: bool,
    /// The failures before.
    pub(super) failed_before: u16,
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
    pub(super) fn reserve(
        &mut self,
        now: Ticks,
        policy: &ScopePolicy,
        next_generation: impl Fn() -> u32,
    ) -> Reserved {
        self.roll(now, policy, &next_generation);
        if self.until > now {
            let since = self.touched;
            return Reserved::Locked { since, left: self.until - now };
        }
        let has_room = self.failed.saturating_add(self.in_flight.into()) < policy.limit();
        if !has_room || self.in_flight == u8::MAX {
            return Reserved::Busy;
        }
        if self.in_flight == 0 && self.generation == 0 {
            self.generation = next_generation();
        }
        self.in_flight += 1;
        self.touched = self.touched.max(now);
        Reserved::Admitted { generation: self.generation }
    }

    pub(super) fn settle(
        &mut self,
        generation: u32,
        end: End,
        now: Ticks,
        policy: &ScopePolicy,
        next_generation: impl Fn() -> u32,
    ) -> Changed {
        self.roll(now, policy, &next_generation);
        let mut changed = Changed {
            stale: generation != self.generation || self.in_flight == 0,
            failed_before: self.failed,
            since: self.since,
            locked: None,
        };
        if changed.stale {
            return changed;
        }
        self.in_flight -= 1;
        match end {
            End::Failure => changed.locked = self.fail(1, now, policy),
            End::Clear => {
                self.failed = 0;
                if self.until == 0 {
                    self.locks = 0;
                }
            }
            End::GiveBack { failed, since } if since >= self.since => {
                self.failed = self.failed.saturating_sub(failed);
            }
            End::Release | End::GiveBack { .. } => {}
        }
        changed
    }

    /// Does what time alone has done since somebody last looked.
    pub(super) fn roll(
        &mut self,
        now: Ticks,
        policy: &ScopePolicy,
        next_generation: impl Fn() -> u32,
    ) {
        // Of a clock that was set back.
        self.touched = self.touched.min(now);
        self.since = self.since.min(now);
        self.until = self.until.min(now.saturating_add(policy.longest_ticks()));

        let expiry = self.touched.saturating_add(policy.lease_ticks());
        if self.in_flight > 0 && now >= expiry {
            let lost = u16::from(std::mem::take(&mut self.in_flight));
            self.generation = next_generation();
            self.fail(lost, expiry, policy);
        }
        if self.failed >= policy.limit() && self.until == 0 && self.in_flight == 0 {
            // Of a policy that was not as strict.
            self.lock(self.touched, policy);
        }
        if self.until != 0 && now >= self.until {
            self.failed = self.failed.min(policy.limit() - policy.further());
            self.since = self.until;
            self.touched = self.touched.max(self.until);
            self.until = 0;
        }
        if self.until == 0 {
            self.forget(now, policy);
        }
    }

    fn forget(&mut self, now: Ticks, policy: &ScopePolicy) {
        if now.saturating_sub(self.touched) >= policy.forget_ticks() {
            self.failed = 0;
            self.locks = 0;
        } else if policy.is_gradual() && self.failed > 0 {
            // Long before a u32 overflows, `forget` has passed.
            let each = (policy.forget_ticks() / u32::from(policy.limit())).max(1);
            let due = now.saturating_sub(self.since) / each;
            self.failed = self.failed.saturating_sub(u16::try_from(due).unwrap_or(u16::MAX));
            self.since += due * each;
        }
    }

    fn fail(&mut self, count: u16, at: Ticks, policy: &ScopePolicy) -> Option<Ticks> {
        if self.failed == 0 {
            self.since = at;
        }
        self.failed = self.failed.saturating_add(count);
        self.touched = self.touched.max(at);
        (self.failed >= policy.limit() && self.until == 0).then(|| self.lock(at, policy))
    }

    fn lock(&mut self, at: Ticks, policy: &ScopePolicy) -> Ticks {
        let lock = policy.lock_ticks(self.locks);
        self.locks = self.locks.saturating_add(1);
        self.until = at.saturating_add(lock);
        lock
    }

    /// Whether there is anything to remember, once time has done its part.
    pub(super) const fn is_blank(&self) -> bool {
        self.failed == 0 && self.in_flight == 0 && self.until == 0 && self.locks == 0
    }

    /// Whether a name that was never seen before may take its place: what is locked, has somebody under
    /// way or is half-way to a lock must not be flushed out by names that cost nothing.
    pub(super) fn may_go(&self, policy: &ScopePolicy) -> bool {
        self.until == 0 && self.in_flight == 0 && self.failed < policy.limit().div_ceil(2)
    }
}

const _: () = assert!(size_of::<Record>() == 20);

#[cfg(test)]
mod tests;
