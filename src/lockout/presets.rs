//! Which counters there are, and the policies that have names.

use std::time::Duration;

use super::{ConfigError, Scope, ScopePolicy};

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

pub(super) fn scope((limit, then, lock, longest, forget): Row) -> ScopePolicy {
    let seconds = Duration::from_secs;
    let policy = ScopePolicy::new(limit, seconds(lock), seconds(forget))
        .and_then(|policy| policy.doubling_up_to(seconds(longest)))
        .and_then(|policy| policy.then(then.unwrap_or(limit)));
    #[expect(clippy::expect_used, reason = "the rows are constants, and a test builds each")]
    policy.expect("a preset is a policy")
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

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
    fn no_failure_in_a_row_is_none() {
        assert!(LockoutPolicy::default().in_a_row(0).is_err());
    }
}
