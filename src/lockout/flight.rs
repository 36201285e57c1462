//! An attempt under way, and what its end does to each counter.

use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::device::Device;
use super::key::AccountDigest;
use super::store::{Lease, Settle};
use super::{Account, Lockout, LockoutPolicy, NotAdmitted, ScopePolicy, Settled};
use crate::client::AddrKey;
use crate::cookies::OutgoingCookie;
use crate::event::{Detail, EventName, Reporter, SecurityEvent, Severity};

/// What an attempt has been let in by. When the last one who knows of it lets go, what is not settled
/// has failed.
pub(crate) struct Flight {
    pub(super) lockout: Lockout,
    address: AddrKey,
    reporter: Option<Reporter>,
    pub(super) device: Option<Device>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    address: Option<Lease>,
    /// Whether the address counts at all.
    is_counted: bool,
    account: Option<Box<AccountLeases>>,
    /// Somebody has reserved an account, or has said how it ended.
    touched: bool,
    /// By which the browser is known from now on.
    cookie: Option<OutgoingCookie>,
}

/// The leases of an account.
pub(super) struct AccountLeases {
    pub(super) account: Account,
    pub(super) digest: AccountDigest,
    pub(super) accounts: Option<Lease>,
    /// At this address, or in this browser.
    pub(super) own: Option<Lease>,
    /// From everywhere.
    pub(super) total: Option<Lease>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    Success,
    Failure,
    Undecided,
}

impl AccountLeases {
    pub(super) const fn new(account: Account, digest: AccountDigest) -> Self {
        Self { account, digest, accounts: None, own: None, total: None }
    }

    /// Each lease, with its policy.
    pub(super) fn each(
        self,
        policy: &LockoutPolicy,
    ) -> impl Iterator<Item = (Lease, &ScopePolicy)> {
        let leases = [self.accounts, self.own, self.total];
        leases.into_iter().flatten().map(|lease| {
            let policy = policy.of_scope(lease.key().scope());
            (lease, policy)
        })
    }
}

impl Flight {
    pub(super) fn new(
        lockout: Lockout,
        address: AddrKey,
        lease: Option<Lease>,
        reporter: Option<Reporter>,
        device: Option<Device>,
    ) -> Self {
        let state = State { is_counted: lease.is_some(), address: lease, ..State::default() };
        Self { lockout, address, reporter, device, state: Mutex::new(state) }
    }

    /// Reserves the account, or lets go of the address as well.
    pub(super) async fn reserve(&self, account: &Account) -> Result<(), NotAdmitted> {
        let is_counted = {
            let mut state = self.state();
            state.touched = true;
            state.is_counted
        };
        let inner = &self.lockout.0;
        let device = self.device.as_ref();
        match inner.reserve_account(account, self.address, is_counted, device).await {
            Ok(leases) => {
                // Of several accounts in one attempt, each counts.
                let before = self.state().account.replace(Box::new(leases));
                if let Some(before) = before {
                    self.fail(None, Some(before)).await;
                }
                Ok(())
            }
            Err(denied) => {
                let address = self.state().address.take();
                if let Some((lease, policy)) = address.zip(inner.policy.address.as_ref()) {
                    inner.settle(lease, Settle::Release, policy).await;
                }
                Err(denied)
            }
        }
    }

    pub(super) async fn settle(&self, ending: Ending) -> Settled {
        let (address, account) = self.take();
        match ending {
            Ending::Success => self.succeed(address, account).await,
            Ending::Failure => self.fail(address, account).await,
            Ending::Undecided => {
                self.release(address, account).await;
                Settled::default()
            }
        }
    }

    /// The same without waiting; `None`, and nothing is done, if the store does not answer at once.
    pub(super) fn settle_at_once(&self, ending: Ending) -> Option<Settled> {
        self.lockout.0.at_once()?;
        Some(at_once(self.settle(ending)).unwrap_or_default())
    }

    /// Whether anybody has made use of it.
    pub(super) fn is_touched(&self) -> bool {
        self.state().touched
    }

    pub(super) fn report_to(&mut self, reporter: Option<Reporter>) {
        self.reporter = reporter.or(self.reporter.take());
    }

    pub(super) fn device_cookie(&self) -> Option<OutgoingCookie> {
        self.state().cookie.clone()
    }

    async fn succeed(
        &self,
        address: Option<Lease>,
        account: Option<Box<AccountLeases>>,
    ) -> Settled {
        let inner = &self.lockout.0;
        let Some(mut leases) = account else {
            self.release(address, None).await;
            return Settled::default();
        };
        let mut give_back = Settle::Release;
        if let Some(own) = leases.own.take() {
            let policy = inner.policy.of_scope(own.key().scope());
            let settled = inner.settle(own, Settle::Clear, policy).await;
            if settled.failures > 0 && !settled.stale {
                give_back = Settle::GiveBack { failures: settled.failures, since: settled.since };
            }
        }
        if let Some(total) = leases.total.take() {
            inner.settle(total, give_back, &inner.policy.account).await;
        }
        let prior_failures = inner.end_in_a_row(leases.digest).await;
        let device_cookie =
            inner.devices.as_ref().and_then(|devices| devices.issue(&leases.account));
        self.state().cookie.clone_from(&device_cookie);
        let draft = if prior_failures == 0 {
            SecurityEvent::draft(EventName::AuthnLoginSuccess)
        } else {
            SecurityEvent::draft(EventName::AuthnLoginSuccessAfterFail)
                .detail(Detail::Count(prior_failures.into()))
        };
        if let Some(reporter) = &self.reporter {
            reporter.emit(draft.subject(leases.account.as_str()));
        }
        self.release(address, Some(leases)).await;
        Settled { prior_failures, device_cookie, ..Settled::default() }
    }

    async fn fail(&self, address: Option<Lease>, account: Option<Box<AccountLeases>>) -> Settled {
        let inner = &self.lockout.0;
        let mut settled = Settled::default();
        if let Some(mut leases) = account {
            // The account first: what is given back to it later began no earlier than it counts.
            let mut is_first = true;
            if let Some(total) = leases.total.take() {
                let scope = total.key().scope();
                let total = inner.settle(total, Settle::Failure, &inner.policy.account).await;
                is_first = total.failures == 0;
                settled.locked(total.locked, scope);
            }
            let mut is_first_here = true;
            if let Some(own) = leases.own.take() {
                let scope = own.key().scope();
                let own = inner.settle(own, Settle::Failure, inner.policy.of_scope(scope)).await;
                is_first_here = own.failures == 0;
                settled.locked(own.locked, scope);
            }
            self.count_account(&mut leases, is_first_here, is_first).await;
            let in_a_row = inner.count_in_a_row(leases.digest).await;
            settled.exhausted = in_a_row == Some(inner.policy.in_a_row.into());
            self.tell(&leases.account, &settled);
        }
        if let Some((lease, policy)) = address.zip(inner.policy.address.as_ref()) {
            let scope = lease.key().scope();
            let address = inner.settle(lease, Settle::Failure, policy).await;
            if address.locked.is_some() {
                let draft = SecurityEvent::draft(EventName::AuthnLoginLock);
                self.report(draft.reason(scope.as_str()));
            }
            settled.locked(address.locked, scope);
        }
        settled
    }

    /// Another account that this address fails at is what spraying looks like.
    async fn count_account(&self, leases: &mut AccountLeases, is_first_here: bool, is_first: bool) {
        let inner = &self.lockout.0;
        if let Some((lease, policy)) =
            leases.accounts.take().zip(inner.policy.accounts_of_address.as_ref())
        {
            let end = if is_first_here { Settle::Failure } else { Settle::Release };
            if inner.settle(lease, end, policy).await.locked.is_some() {
                let draft = SecurityEvent::draft(EventName::AuthnSpray);
                self.report(draft.detail(Detail::Limit(policy.limit().into())));
            }
        }
        if is_first && inner.count_everywhere() {
            let limit = inner.policy.accounts_everywhere.limit();
            let draft = SecurityEvent::draft(EventName::AuthnStuffing);
            self.report(draft.detail(Detail::Limit(limit.into())));
        }
    }

    async fn release(&self, address: Option<Lease>, account: Option<Box<AccountLeases>>) {
        let inner = &self.lockout.0;
        let account = account.map(|leases| leases.each(&inner.policy));
        let address = address.zip(inner.policy.address.as_ref());
        for (lease, policy) in account.into_iter().flatten().chain(address) {
            inner.settle(lease, Settle::Release, policy).await;
        }
    }

    fn tell(&self, account: &Account, settled: &Settled) {
        let draft = |name| SecurityEvent::draft(name).subject(account.as_str());
        self.report(draft(EventName::AuthnLoginFail));
        if let Some((_, scope)) = settled.lock {
            self.report(draft(EventName::AuthnLoginLock).reason(scope.as_str()));
        }
        if settled.exhausted {
            let limit = self.lockout.0.policy.in_a_row.into();
            let draft = draft(EventName::AuthnLoginFailMax).severity(Severity::Critical);
            self.report(draft.detail(Detail::Limit(limit)));
            if let Some(act) = &self.lockout.0.on_exhausted {
                act(account);
            }
        }
    }

    fn report(&self, draft: crate::event::Draft<'_>) {
        if let Some(reporter) = &self.reporter {
            reporter.emit(draft);
        }
    }

    fn take(&self) -> (Option<Lease>, Option<Box<AccountLeases>>) {
        let mut state = self.state();
        state.touched = true;
        (state.address.take(), state.account.take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<Self> for Flight {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A request that was given up, a panic, a handler that has forgotten it: it has failed. Where the
/// store answers at once it is counted now. Elsewhere it is counted when the lease is over: until then
/// it is under way, which leaves no more room for guesses than a failure does.
impl Drop for Flight {
    fn drop(&mut self) {
        let (address, account) = self.take();
        if (address.is_some() || account.is_some()) && self.lockout.0.at_once().is_some() {
            at_once(self.fail(address, account));
        }
    }
}

/// What a future gives that waits for nothing: with a store that answers at once none of ours does.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}
