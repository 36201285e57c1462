//! An attempt under way.

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
use crate::event::Reporter;

/// What an attempt has been let in by. When the last one who knows of it lets go, what is not settled
/// has failed.
pub(crate) struct Flight {
    pub(super) lockout: Lockout,
    address: AddrKey,
    /// Whether the address counts at all.
    is_counted: bool,
    /// The address is locked or busy, and only a browser that has logged in to the account before is let in.
    pub(super) locked: Option<NotAdmitted>,
    pub(super) reporter: Option<Reporter>,
    pub(super) device: Option<Device>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    address: Option<Lease>,
    account: Option<Box<AccountLeases>>,
    /// Somebody has reserved an account, or has said how it ended.
    touched: bool,
    /// Somebody has named an account.
    named: bool,
    /// The handler has panicked while it held the attempt.
    panicked: bool,
    /// By which the browser is known from now on.
    pub(super) cookie: Option<OutgoingCookie>,
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

    fn take(&self) -> (Option<Lease>, Option<Box<AccountLeases>>) {
        let mut state = self.state();
        state.touched = true;
        (state.address.take(), state.account.take())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
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
