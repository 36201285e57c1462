//! How many failures, and what then.

use std::time::Duration;

use super::record::{self, Ticks};
use super::{ConfigError, Scope};

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

/// Which failures are counted together, and what each count leads to.
///
/// | counter | counts | `default` | `pci_dss` | `nist` |
/// | --- | --- | --- | --- | --- |
/// | [address](Self::address) | failures from one address, IPv6 by its /64 | 50 in 15 min: 15 min | the same | the same |
/// | [accounts of an address](Self::accounts_of_address) | accounts that one address fails at | 20 in 15 min: 15 min | the same | the same |
/// | [account at an address](Self::account_at_address) | failures at one account from one address | 5, then 1 each: 1 min doubling to 30 | 10: 30 min | 5, then 1 each: 30 s doubling to 1 h |
/// | [account](Self::account) | failures at one account from everywhere | 20: 1 h | 10: 30 min | 30: 1 h |
/// | [devices](Self::devices) | failures at one account in all such browsers together | 30: 30 min | the same | the same |
/// | [device](Self::device) | failures in a browser that has logged in before, instead of the two above | 10: 30 min | 10: 30 min | 10: 30 min |
/// | [in a row](Self::in_a_row) | failures at one account since the last login: it tells, and locks nothing | 100 | 100 | 100 |
/// | [accounts everywhere](Self::accounts_everywhere) | accounts that anybody fails at: it tells, and locks nothing | 1000 in 1 h | the same | the same |
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a policy does nothing until a `Lockout` has it"]
pub struct LockoutPolicy {
    pub(super) address: Option<ScopePolicy>,
    pub(super) accounts_of_address: Option<ScopePolicy>,
    pub(super) account_at_address: ScopePolicy,
    pub(super) account: ScopePolicy,
    pub(super) device: ScopePolicy,
    pub(super) devices: ScopePolicy,
    pub(super) in_a_row: u16,
    pub(super) accounts_everywhere: ScopePolicy,
}

/// Delays that grow, so that whoever has mistyped waits a minute and whoever guesses waits all day.
impl Default for LockoutPolicy {
    fn default() -> Self {
        Self::of(&Preset {
            account_at_address: (5, Some(1), 60, 30 * 60, 60 * 60),
            account: (20, None, 60 * 60, 60 * 60, 60 * 60),
        })
    }
}

impl LockoutPolicy {
    /// PCI DSS 4.0.1, 8.3.4: at most 10 attempts, then at least 30 minutes.
    ///
    /// It allows 480 guesses in a day, which is more than NIST has in all. So it counts
    /// [in a row](Self::in_a_row), too.
    pub fn pci_dss() -> Self {
        Self::of(&Preset {
            account_at_address: (10, None, 30 * 60, 30 * 60, 30 * 60),
            account: (10, None, 30 * 60, 30 * 60, 30 * 60),
        })
    }

    /// NIST SP 800-63B-4, 3.2.2: at most 100 failures in a row, and waits of 30 seconds up to an
    /// hour on the way there. At 100 the authenticator is to be disabled, which is for your app to do:
    /// see [`Settled::exhausted`](super::Settled::exhausted).
    pub fn nist() -> Self {
        Self::of(&Preset {
            account_at_address: (5, Some(1), 30, 60 * 60, 24 * 60 * 60),
            account: (30, None, 60 * 60, 60 * 60, 24 * 60 * 60),
        })
    }

    /// What counts for an address. Without it nobody who tries many accounts is stopped.
    pub fn address(self, policy: impl Into<Option<ScopePolicy>>) -> Self {
        Self { address: policy.into(), ..self }
    }

    /// What counts for the accounts that one address fails at. One clumsy person is one account, so
    /// it can be lower than what an address may fail at in all.
    pub fn accounts_of_address(self, policy: impl Into<Option<ScopePolicy>>) -> Self {
        Self { accounts_of_address: policy.into(), ..self }
    }

    /// What counts for one account from one address.
    pub fn account_at_address(self, policy: ScopePolicy) -> Self {
        Self { account_at_address: policy, ..self }
    }

    /// What counts for one account from everywhere.
    pub fn account(self, policy: ScopePolicy) -> Self {
        Self { account: policy, ..self }
    }

    /// What counts for one account in one browser that has logged in to it before.
    pub fn device(self, policy: ScopePolicy) -> Self {
        Self { device: policy, ..self }
    }

    /// What counts for one account in all such browsers together: whoever has known the password once may
    /// have kept many of their cookies.
    pub fn devices(self, policy: ScopePolicy) -> Self {
        Self { devices: policy, ..self }
    }

    /// At how many failures in a row the app is told. Only a complete login begins anew.
    pub fn in_a_row(self, failures: u16) -> Result<Self, ConfigError> {
        if failures == 0 || failures == u16::MAX {
            return Err(ConfigError::Limit { limit: failures, then: failures });
        }
        Ok(Self { in_a_row: failures, ..self })
    }

    /// At how many accounts that fail the app is told. Nobody is locked by it.
    pub fn accounts_everywhere(self, policy: ScopePolicy) -> Self {
        Self { accounts_everywhere: policy.forgetting_gradually(), ..self }
    }

    /// Each counter's lease, as [`ScopePolicy::lease`].
    pub fn lease(mut self, lease: Duration) -> Result<Self, ConfigError> {
        for policy in [&mut self.address, &mut self.accounts_of_address] {
            *policy = policy.take().map(|policy| policy.lease(lease)).transpose()?;
        }
        let Self { account_at_address, account, device, devices, .. } = &mut self;
        for policy in [account_at_address, account, device, devices] {
            *policy = policy.clone().lease(lease)?;
        }
        Ok(self)
    }

    /// What counts for a key of this scope, where it is one that the policy speaks of.
    pub(super) fn of_scope(&self, scope: Scope) -> &ScopePolicy {
        let optional = match scope {
            Scope::Address => &self.address,
            Scope::AccountsOfAddress => &self.accounts_of_address,
            Scope::AccountAtAddress => return &self.account_at_address,
            Scope::Device => return &self.device,
            Scope::Devices => return &self.devices,
            _ => return &self.account,
        };
        optional.as_ref().unwrap_or(&self.account)
    }

    fn of(preset: &Preset) -> Self {
        let quarter = 15 * 60;
        Self {
            address: Some(scope((50, None, quarter, quarter, quarter)).forgetting_gradually()),
            accounts_of_address: Some(
                scope((20, None, quarter, quarter, quarter)).forgetting_gradually(),
            ),
            account_at_address: scope(preset.account_at_address),
            account: scope(preset.account),
            device: scope((10, None, 30 * 60, 30 * 60, 24 * 60 * 60)),
            devices: scope((30, None, 30 * 60, 30 * 60, 24 * 60 * 60)),
            in_a_row: 100,
            accounts_everywhere: scope((1000, None, 60 * 60, 60 * 60, 60 * 60))
                .forgetting_gradually(),
        }
    }
}

/// Of the limit, the guesses after a lock, and the seconds of the first lock, the longest one and
/// forgetting.
type Row = (u16, Option<u16>, u64, u64, u64);

struct Preset {
    account_at_address: Row,
    account: Row,
}

fn scope((limit, then, lock, longest, forget): Row) -> ScopePolicy {
    let seconds = Duration::from_secs;
    let policy = ScopePolicy::new(limit, seconds(lock), seconds(forget))
        .and_then(|policy| policy.doubling_up_to(seconds(longest)))
        .and_then(|policy| policy.then(then.unwrap_or(limit)));
    #[expect(clippy::expect_used, reason = "the rows are constants, and a test builds each")]
    policy.expect("a preset is a policy")
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
        assert!(LockoutPolicy::default().in_a_row(0).is_err());
    }

    #[test]
    fn the_presets_are_what_they_are_called() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let pci = LockoutPolicy::pci_dss();
        assert!(pci.account.limit() <= 10 && pci.account_at_address.limit() <= 10);
        assert!(pci.account.lock_after(0) >= minutes(30));
        let nist = LockoutPolicy::nist();
        assert!(nist.in_a_row <= 100);
        assert_eq!(nist.account_at_address.lock_after(0), Duration::from_secs(30));
        assert_eq!(nist.account_at_address.longest_lock(), minutes(60));
        assert_eq!(LockoutPolicy::default().account_at_address.lock_after(2), minutes(4));
    }

    #[test]
    fn locks_grow_and_end() {
        for policy in
            [LockoutPolicy::default().account_at_address, LockoutPolicy::nist().account_at_address]
        {
            let mut before = Duration::ZERO;
            for locks in 0..=300_u32 {
                let lock = policy.lock_after(locks);
                assert!(lock >= before && lock <= policy.longest_lock(), "{locks}: {lock:?}");
                let ticks = policy.lock_ticks(u8::try_from(locks).unwrap_or(u8::MAX));
                assert_eq!(ticks, record::ticks(lock), "{locks}");
                before = lock;
            }
            assert_eq!(before, policy.longest_lock());
        }
    }

    #[test]
    fn counters_of_our_own_are_policies() {
        let counting = ScopePolicy::counting(MAX_FORGET);
        assert_ne!(counting.forget_ticks(), 0);
        assert_eq!(counting.limit(), u16::MAX - 1);
    }
}
