//! How many failures, and what then.

use std::time::Duration;

use super::ConfigError;
use super::presets::scope;
use super::record::{self, Ticks};

/// How many wrong guesses one counter evaluates, for how long it then lets nobody in, and when it
/// forgets.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::lockout::ScopePolicy;
///
/// let minutes = |count: u64| Duration::from_secs(60 * count);
/// // Five guesses, then one guess after 1, 2, 4, 8, 16 and from then on 30 minutes.
/// let policy = ScopePolicy::new(5, minutes(1), minutes(60))?.doubling_up_to(minutes(30))?.then(1)?;
/// assert_eq!(policy.limit(), 5);
/// assert_eq!(policy.lock_after(0), minutes(1));
/// assert_eq!(policy.lock_after(3), minutes(8));
/// assert_eq!(policy.lock_after(10_000), minutes(30));
/// # Ok::<_, donjon::lockout::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a policy does nothing until a `Lockout` has it"]
pub struct ScopePolicy {
    limit: u16,
    then: u16,
    lock: Duration,
    longest: Duration,
    forget: Duration,
    gradually: bool,
    lease: Duration,
    ticks: InTicks,
}

/// The same, as the memory store counts time: worked out once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct InTicks {
    lock: Ticks,
    longest: Ticks,
    forget: Ticks,
    lease: Ticks,
}

impl ScopePolicy {
    /// `limit` wrong guesses are evaluated, then nobody is let in for the time of `lock`. After
    /// `forget` without an attempt all is forgotten.
    pub fn new(limit: u16, lock: Duration, forget: Duration) -> Result<Self, ConfigError> {
        Self {
            limit,
            then: limit,
            lock,
            longest: lock,
            forget,
            gradually: false,
            lease: DEFAULT_LEASE.min(forget / 2),
            ticks: InTicks::default(),
        }
        .checked()
    }

    /// Each lock is twice as long as the one before, up to this.
    pub fn doubling_up_to(self, longest: Duration) -> Result<Self, ConfigError> {
        Self { longest, ..self }.checked()
    }

    /// After a lock there are only so many guesses before the next one. Otherwise they are as many as
    /// at first.
    pub fn then(self, guesses: u16) -> Result<Self, ConfigError> {
        Self { then: guesses, ..self }.checked()
    }

    /// Failures are forgotten one by one, as many as the limit in the time of `forget`, rather than
    /// all of them after so long a rest. It is for what many people share, such as an address, where
    /// there is never a rest.
    pub fn forgetting_gradually(self) -> Self {
        Self { gradually: true, ..self }
    }

    /// For how long an attempt may be under way. One that has said nothing by then, because its server
    /// died, counts as a failure. A minute unless told otherwise; where attempts are under way all the
    /// time, at least half of it.
    pub fn lease(self, lease: Duration) -> Result<Self, ConfigError> {
        Self { lease, ..self }.checked()
    }

    /// How many wrong guesses are evaluated.
    #[must_use]
    pub const fn limit(&self) -> u16 {
        self.limit
    }

    /// After how many more failures the next lock begins.
    #[must_use]
    pub const fn further(&self) -> u16 {
        self.then
    }

    /// How long nobody is let in, when that has happened so often before.
    #[must_use]
    pub fn lock_after(&self, locks: u32) -> Duration {
        doubled(self.lock, locks).min(self.longest)
    }

    /// The longest lock there is.
    #[must_use]
    pub const fn longest_lock(&self) -> Duration {
        self.longest
    }

    /// When failures are forgotten.
    #[must_use]
    pub const fn forget(&self) -> Duration {
        self.forget
    }

    /// Whether failures are forgotten [one by one](Self::forgetting_gradually).
    #[must_use]
    pub const fn is_gradual(&self) -> bool {
        self.gradually
    }

    /// For how long an attempt may be under way.
    #[must_use]
    pub const fn lease_time(&self) -> Duration {
        self.lease
    }

    pub(super) fn lock_ticks(&self, locks: u8) -> Ticks {
        let longer = self.ticks.lock.checked_mul(1_u32.checked_shl(locks.into()).unwrap_or(0));
        match longer {
            Some(ticks) if ticks >= self.ticks.lock => ticks.min(self.ticks.longest),
            _ => self.ticks.longest,
        }
    }

    pub(super) const fn longest_ticks(&self) -> Ticks {
        self.ticks.longest
    }

    pub(super) const fn forget_ticks(&self) -> Ticks {
        self.ticks.forget
    }

    pub(super) const fn lease_ticks(&self) -> Ticks {
        self.ticks.lease
    }

    /// A guess that no other can interrupt: what is counted, and never locks by itself.
    pub(super) fn counting(forget: Duration) -> Self {
        scope((u16::MAX - 1, None, 1, 1, forget.min(MAX_FORGET).as_secs().max(1)))
    }

    fn checked(mut self) -> Result<Self, ConfigError> {
        if self.limit == 0 || self.limit == u16::MAX || self.then == 0 || self.then > self.limit {
            return Err(ConfigError::Limit { limit: self.limit, then: self.then });
        }
        if self.lock < MIN_LOCK || self.longest < self.lock || self.longest > MAX_LOCK {
            return Err(ConfigError::Lock { lock: self.lock, longest: self.longest });
        }
        if self.forget < MIN_LOCK || self.forget > MAX_FORGET {
            return Err(ConfigError::Forget { forget: self.forget });
        }
        if self.lease < MIN_LEASE || self.lease > MAX_LEASE || self.lease >= self.forget {
            return Err(ConfigError::Lease { lease: self.lease, forget: self.forget });
        }
        self.ticks = InTicks {
            lock: record::ticks(self.lock),
            longest: record::ticks(self.longest),
            forget: record::ticks(self.forget),
            lease: record::ticks(self.lease),
        };
        Ok(self)
    }
}

fn doubled(duration: Duration, times: u32) -> Duration {
    let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
    duration.saturating_mul(factor)
}

const DEFAULT_LEASE: Duration = Duration::from_secs(60);
const MIN_LEASE: Duration = Duration::from_millis(250);
const MAX_LEASE: Duration = Duration::from_secs(3600);
const MIN_LOCK: Duration = Duration::from_secs(1);
const MAX_LOCK: Duration = Duration::from_secs(30 * 86_400);
const MAX_FORGET: Duration = Duration::from_secs(400 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_makes_no_sense_is_no_policy() {
        let new = ScopePolicy::new;
        let fine = || new(5, 60 * SECOND, 3600 * SECOND).unwrap();
        for (name, built) in [
            ("no guess", new(0, SECOND, 60 * SECOND)),
            ("no lock", new(5, Duration::ZERO, 60 * SECOND)),
            ("a lock of a nanosecond", new(5, Duration::from_nanos(1), 60 * SECOND)),
            ("a lock for good", new(5, Duration::MAX, 60 * SECOND)),
            ("600 years", new(5, Duration::from_secs(600 * 365 * 86_400), 60 * SECOND)),
            ("never forgotten", new(5, SECOND, Duration::MAX)),
            ("forgotten at once", new(5, SECOND, Duration::ZERO)),
            ("shorter and shorter", fine().doubling_up_to(SECOND)),
            ("doubling for good", fine().doubling_up_to(Duration::MAX)),
            ("no guess after a lock", fine().then(0)),
            ("more guesses after a lock", fine().then(6)),
            ("a lease of nothing", fine().lease(Duration::ZERO)),
            ("a lease that is longer than the memory", fine().lease(3600 * SECOND)),
        ] {
            let error = built.expect_err(name).to_string();
            assert!(error.contains(": "), "{name} says how to mend it: {error}");
        }
    }

    #[test]
    fn counters_of_our_own_are_policies() {
        let counting = ScopePolicy::counting(MAX_FORGET);
        assert_ne!(counting.forget_ticks(), 0);
        assert_eq!(counting.limit(), u16::MAX - 1);
    }
}
