//! An attempt under way, and what its end does to each counter.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::device::Device;
use super::key::AccountDigest;
use super::store::{Lease, Settle};
use super::{Account, Lockout, LockoutPolicy, NotAdmitted, Scope, ScopePolicy, Settled};
use crate::client::AddrKey;
use crate::cookies::OutgoingCookie;
use crate::event::{Detail, Draft, EventName, Reporter, SecurityEvent, Severity};
use crate::trace;

/// What an attempt has been let in by. When the last one who knows of it lets go, what is not settled
/// has failed.
pub(crate) struct Flight {
    pub(super) lockout: Lockout,
    address: AddrKey,
    /// Whether the address counts at all.
    is_counted: bool,
    /// The address is locked or busy, and only a browser that has logged in to the account before is let in.
    pub(super) locked: Option<NotAdmitted>,
    reporter: Option<Reporter>,
    device: Option<Device>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    address: Option<Lease>,
    account: Option<Box<AccountLeases>>,
    /// Somebody has reserved an account, or has said how it ended.
    touched: bool,
    /// Somebody has named an account.
    named: bool,
    /// The handler has panicked while it held the attempt.
    panicked: bool,
    /// By which the browser is known from now on.
    cookie: Option<OutgoingCookie>,
}

/// By what an address has let an attempt pass.
pub(super) struct Pass {
    pub(super) address: AddrKey,
    pub(super) is_counted: bool,
    pub(super) lease: Option<Lease>,
    pub(super) locked: Option<NotAdmitted>,
}

/// The leases of an account.
pub(super) struct AccountLeases {
    pub(super) account: Account,
    pub(super) digest: AccountDigest,
    pub(super) accounts: Option<Lease>,
    /// At this address, or in this browser.
    pub(super) own: Option<Lease>,
    /// From everywhere, or in all such browsers.
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
    pub(super) fn new(lockout: Lockout, pass: Pass, device: Option<Device>) -> Self {
        let Pass { address, is_counted, lease, locked } = pass;
        let state = Mutex::new(State { address: lease, ..State::default() });
        Self { lockout, address, is_counted, locked, reporter: None, device, state }
    }

    /// Reserves the account, or lets go of the address as well.
    pub(super) async fn reserve(&self, account: &Account) -> Result<(), NotAdmitted> {
        {
            let mut state = self.state();
            (state.touched, state.named) = (true, true);
        }
        let inner = &self.lockout.0;
        let device = self.device.as_ref().and_then(|device| device.id_for(account));
        let reserved = match self.locked {
            Some(denied) if device.is_none() => Err(denied),
            _ => inner.reserve_account(account, self.address, self.is_counted, device).await,
        };
        match reserved {
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
        // Whatever a layer further out makes of a panic: the response's 500 is not to say it is undecided.
        let ending = if self.state().panicked { Ending::Failure } else { ending };
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

    /// The handler has panicked. Where the store has to be waited for, whoever settles it will know.
    pub(super) fn panicked(&self) {
        self.state().panicked = true;
        self.settle_at_once(Ending::Failure);
    }

    /// Whether anybody has made use of it.
    pub(super) fn is_touched(&self) -> bool {
        self.state().touched
    }

    pub(super) fn is_named(&self) -> bool {
        self.state().named
    }

    /// Whether an account is reserved of which nobody has said how it ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.state().account.is_some()
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
            let policy = inner.policy.of_scope(total.key().scope());
            inner.settle(total, give_back, policy).await;
        }
        let prior_failures = inner.end_in_a_row(leases.digest).await;
        let device_cookie = inner
            .devices
            .as_ref()
            .and_then(|devices| devices.issue(&leases.account, self.device.as_ref()));
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
        let account = match account {
            Some(leases) => Some(self.fail_account(*leases, &mut settled).await),
            None => None,
        };
        if let Some((lease, policy)) = address.zip(inner.policy.address.as_ref()) {
            let scope = lease.key().scope();
            let address = inner.settle(lease, Settle::Failure, policy).await;
            self.note_lock(&mut settled, address.locked, scope, None);
        }
        // The last thing, since it is the app's code.
        if let Some(account) = account.filter(|_| settled.exhausted) {
            self.tell_exhausted(&account);
        }
        settled
    }

    async fn fail_account(&self, mut leases: AccountLeases, settled: &mut Settled) -> Account {
        let inner = &self.lockout.0;
        self.report(draft(EventName::AuthnLoginFail, &leases.account));
        // The total first: what is given back to it later began no earlier than it counts.
        let (mut is_first, mut is_first_here) = (false, false);
        for (lease, is_first) in
            [(leases.total.take(), &mut is_first), (leases.own.take(), &mut is_first_here)]
        {
            let Some(lease) = lease else { continue };
            let scope = lease.key().scope();
            let end = inner.settle(lease, Settle::Failure, inner.policy.of_scope(scope)).await;
            *is_first = end.failures == 0 && !end.stale;
            self.note_lock(settled, end.locked, scope, Some(&leases.account));
        }
        self.count_account(&mut leases, is_first_here, is_first).await;
        let in_a_row = inner.count_in_a_row(leases.digest).await;
        settled.exhausted = in_a_row.is_some_and(|count| count >= inner.policy.in_a_row.into());
        leases.account
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

    fn note_lock(
        &self,
        settled: &mut Settled,
        lock: Option<Duration>,
        scope: Scope,
        account: Option<&Account>,
    ) {
        let Some(lock) = lock else { return };
        let event = SecurityEvent::draft(EventName::AuthnLoginLock).reason(scope.as_str());
        self.report(match account {
            Some(account) => event.subject(account.as_str()),
            None => event,
        });
        settled.lock = settled.lock.max(Some((lock, scope)));
    }

    fn tell_exhausted(&self, account: &Account) {
        let inner = &self.lockout.0;
        let event = draft(EventName::AuthnLoginFailMax, account).severity(Severity::Critical);
        self.report(event.detail(Detail::Limit(inner.policy.in_a_row.into())));
        if let Some(act) = &inner.on_exhausted {
            // It may be called while another panic unwinds.
            if catch_unwind(AssertUnwindSafe(|| act(account))).is_err() {
                trace::warn!("what is to be done with an exhausted account has panicked");
            }
        }
    }

    fn report(&self, draft: Draft<'_>) {
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

fn draft(name: EventName, account: &Account) -> Draft<'_> {
    SecurityEvent::draft(name).subject(account.as_str())
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}
