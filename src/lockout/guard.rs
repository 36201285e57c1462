//! The lockout itself: which counters an attempt passes, and in which order.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::LockoutPolicy;
use super::builder::{LockoutBuilder, OnExhausted};
use super::device::DeviceCookies;
use super::flight::{AccountLeases, Flight, Pass};
use super::key::{AccountDigest, Keyer};
use super::record::{End, Kind, Record, Reserved, TICK, Ticks};
use super::store::{AnyStore, AtOnce, Decision, Lease, Settle};
use super::{Account, Device, Key, LoginAttempt, NotAdmitted, Scope, ScopePolicy, StoreError};
use crate::client::{AddrKey, Networks};
use crate::clock::Clock;
use crate::event::{EventLog, Reporter};
use crate::trace;

/// Counts login attempts, and lets no more in than the policy allows.
///
/// Make one and clone it: clones share the counters. In actix-web that is outside of the closure that
/// makes the `App`. See the [module docs](super) for an example.
#[derive(Clone)]
pub struct Lockout(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) policy: LockoutPolicy,
    pub(super) in_a_row: ScopePolicy,
    pub(super) unlocked: ScopePolicy,
    pub(super) store: Box<dyn AnyStore>,
    pub(super) keyer: Keyer,
    pub(super) log: Option<EventLog>,
    pub(super) uncounted: Option<Networks>,
    pub(super) devices: Option<DeviceCookies>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) on_exhausted: Option<Arc<OnExhausted>>,
    /// Accounts that anybody has failed at lately.
    pub(super) everywhere: Mutex<Record>,
}

impl Lockout {
    /// A lockout with this policy, in memory unless it is given another store.
    pub fn builder(policy: LockoutPolicy) -> LockoutBuilder {
        LockoutBuilder::new(policy)
    }

    /// Begins an attempt from this address: counts it there, or turns it away. An address that comes
    /// out of a header that anybody can send makes every policy worthless, so take that of a
    /// [`Client`](crate::client::Client).
    ///
    /// Where [`LoginLockout`](super::LoginLockout) is around the route it has done so already, and
    /// handlers have a [`LoginAttempt`].
    pub async fn begin(&self, address: IpAddr) -> Result<LoginAttempt, NotAdmitted> {
        self.begin_from(address, None).await
    }

    /// As [`begin`](Self::begin), from a browser that may have logged in before, as
    /// [`DeviceCookies::read`] has found. At an address that is locked it is let in, for its account alone.
    pub async fn begin_from(
        &self,
        address: IpAddr,
        device: Option<Device>,
    ) -> Result<LoginAttempt, NotAdmitted> {
        let is_counted = self.0.counts(address);
        let reserved = self.0.reserve_address(address.into(), is_counted).await;
        let pass = pass(address.into(), is_counted, reserved, device.is_some())?;
        let mut flight = Flight::new(self.clone(), pass, device);
        let log = self.0.log.as_ref();
        flight.report_to(log.map(|log| Reporter::without_request(log, address)));
        Ok(LoginAttempt::new(Arc::new(flight)))
    }
}

impl Inner {
    pub(super) fn digest(&self, account: &Account) -> AccountDigest {
        self.keyer.account(account.kind as u8, account.text.as_bytes())
    }

    /// Whether attempts from this address are counted for it.
    pub(super) fn counts(&self, address: IpAddr) -> bool {
        self.uncounted.as_ref().is_none_or(|networks| !networks.contains(address))
    }

    /// The address's lease, unless it is on the list of those that are not counted.
    pub(super) async fn reserve_address(
        &self,
        address: AddrKey,
        is_counted: bool,
    ) -> Result<Option<Lease>, NotAdmitted> {
        let Some(policy) = self.policy.address.as_ref().filter(|_| is_counted) else {
            return Ok(None);
        };
        let key = self.keyer.address(Scope::Address, address);
        admitted(key, self.store.reserve(key, policy).await).map(Some)
    }

    /// The same, of a store that answers at once; `None` if this one does not.
    pub(super) fn reserve_address_at_once(
        &self,
        address: AddrKey,
        is_counted: bool,
    ) -> Option<Result<Option<Lease>, NotAdmitted>> {
        let store = self.store.at_once()?;
        let Some(policy) = self.policy.address.as_ref().filter(|_| is_counted) else {
            return Some(Ok(None));
        };
        let key = self.keyer.address(Scope::Address, address);
        Some(admitted(key, Ok(store.reserve(key, policy))).map(Some))
    }

    /// The leases of an account. What was reserved before a later counter has turned the attempt away
    /// is released.
    pub(super) async fn reserve_account(
        &self,
        account: &Account,
        address: AddrKey,
        is_counted: bool,
        device: Option<&[u8]>,
    ) -> Result<AccountLeases, NotAdmitted> {
        let digest = self.digest(account);
        let mut leases = AccountLeases::new(account.clone(), digest);
        let reserved = self.reserve_each(&mut leases, address, is_counted, device).await;
        if let Err(denied) = reserved {
            for (lease, policy) in leases.each(&self.policy) {
                self.settle(lease, Settle::Release, policy).await;
            }
            return Err(denied);
        }
        Ok(leases)
    }

    async fn reserve_each(
        &self,
        leases: &mut AccountLeases,
        address: AddrKey,
        is_counted: bool,
        device: Option<&[u8]>,
    ) -> Result<(), NotAdmitted> {
        let account = leases.digest;
        let epoch = self.epoch(account).await.map_err(|error| unavailable(&error))?;
        let (own, own_policy, total, total_policy) = match device {
            Some(device) => (
                self.keyer.device(account, epoch, device),
                &self.policy.device,
                self.keyer.of_account(Scope::Devices, account),
                &self.policy.devices,
            ),
            None => (
                self.keyer.account_at(account, epoch, address),
                &self.policy.account_at_address,
                self.keyer.of_account(Scope::Account, account),
                &self.policy.account,
            ),
        };
        // A browser that has logged in before is let in where strangers have tried many accounts.
        let is_stranger = is_counted && device.is_none();
        if let Some(policy) = self.policy.accounts_of_address.as_ref().filter(|_| is_stranger) {
            let key = self.keyer.address(Scope::AccountsOfAddress, address);
            match admitted(key, self.store.reserve(key, policy).await) {
                Ok(lease) => leases.accounts = Some(lease),
                Err(denied) => {
                    let own = self.lock(own, own_policy).await;
                    return Err(denied.or_longer(own.max(self.lock(total, total_policy).await)));
                }
            }
        }
        match admitted(own, self.store.reserve(own, own_policy).await) {
            Ok(lease) => leases.own = Some(lease),
            Err(denied) => return Err(denied.or_longer(self.lock(total, total_policy).await)),
        }
        leases.total = Some(admitted(total, self.store.reserve(total, total_policy).await)?);
        Ok(())
    }

    /// For how long a key is locked, so that whoever waits for one lock has not another one before him.
    async fn lock(&self, key: Key, policy: &ScopePolicy) -> Option<Duration> {
        self.store.peek(key, policy).await.ok()?.locked
    }

    /// How often an account was unlocked lately. Counters that an administrator cannot name, since he does
    /// not know all addresses and browsers, are other ones after that.
    pub(super) async fn epoch(&self, account: AccountDigest) -> Result<u32, StoreError> {
        let key = self.keyer.of_account(Scope::Unlocked, account);
        Ok(self.store.peek(key, &self.unlocked).await?.failures)
    }

    /// Counts a failure since the last login, and says how many there are now.
    pub(super) async fn count_in_a_row(&self, account: AccountDigest) -> Option<u32> {
        let key = self.keyer.of_account(Scope::InARow, account);
        let Ok(Decision::Admitted(lease)) = self.store.reserve(key, &self.in_a_row).await else {
            return None;
        };
        let settled = self.store.settle(lease, Settle::Failure, &self.in_a_row).await.ok()?;
        Some(settled.failures.saturating_add(1))
    }

    /// How many failures there were since the last login. From now on there were none.
    pub(super) async fn end_in_a_row(&self, account: AccountDigest) -> u32 {
        let key = self.keyer.of_account(Scope::InARow, account);
        let state = self.store.peek(key, &self.in_a_row).await;
        let failures = state.map_or(0, |state| state.failures);
        if failures > 0 && self.store.clear(key).await.is_err() {
            trace::warn!("failures in a row could not be forgotten after a login");
        }
        failures
    }

    /// Counts another account that fails; `true` if that is one too many.
    pub(super) fn count_everywhere(&self) -> bool {
        let policy = &self.policy.accounts_everywhere;
        let ticks = self.clock.elapsed().as_nanos() / TICK.as_nanos();
        let now = Ticks::try_from(ticks).unwrap_or(Ticks::MAX).max(1);
        let mut record = self.everywhere.lock().unwrap_or_else(PoisonError::into_inner);
        match record.reserve(now, policy, Kind::Own) {
            Reserved::Admitted { generation } => {
                record.settle(generation, End::Failure, now, policy, Kind::Own).locked.is_some()
            }
            Reserved::Busy | Reserved::Locked { .. } => false,
        }
    }

    /// What cannot be settled ends as a failure when its lease does.
    pub(super) async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> super::Settlement {
        match self.store.settle(lease, settle, policy).await {
            Ok(settlement) => settlement,
            Err(error) => {
                trace::warn!(error = %error, "a login attempt counts as failed");
                super::Settlement { stale: true, ..super::Settlement::default() }
            }
        }
    }

    pub(super) fn at_once(&self) -> Option<&dyn AtOnce> {
        self.store.at_once()
    }
}

impl fmt::Debug for Lockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lockout").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

/// What comes of an address's counter: a browser that has logged in before may pass one that is locked or
/// busy, since it may be strangers who keep it so.
pub(super) fn pass(
    address: AddrKey,
    is_counted: bool,
    reserved: Result<Option<Lease>, NotAdmitted>,
    is_known: bool,
) -> Result<Pass, NotAdmitted> {
    let pass = Pass { address, is_counted, lease: None, locked: None };
    match reserved {
        Ok(lease) => Ok(Pass { lease, ..pass }),
        Err(denied @ (NotAdmitted::Locked { .. } | NotAdmitted::Busy { .. })) if is_known => {
            Ok(Pass { is_counted: false, locked: Some(denied), ..pass })
        }
        Err(denied) => Err(denied),
    }
}

/// What a store's answer means for whoever wants in.
fn admitted(key: Key, decision: Result<Decision, StoreError>) -> Result<Lease, NotAdmitted> {
    match decision {
        Ok(Decision::Admitted(lease)) => Ok(lease),
        Ok(Decision::Busy) => Err(NotAdmitted::Busy { retry_after: BUSY }),
        Ok(Decision::Locked { left, .. }) => {
            Err(NotAdmitted::Locked { retry_after: left, scope: key.scope() })
        }
        Err(error) => Err(unavailable(&error)),
    }
}

#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody to tell"))]
fn unavailable(error: &StoreError) -> NotAdmitted {
    trace::warn!(%error, "nobody can log in");
    NotAdmitted::Unavailable { retry_after: UNAVAILABLE }
}

/// A login takes less.
const BUSY: Duration = Duration::from_secs(1);
const UNAVAILABLE: Duration = Duration::from_secs(5);
