//! What the end of an attempt does to each counter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::flight::{AccountLeases, Flight};
use super::store::{Lease, Settle};
use super::{Account, Scope, Settled};
use crate::event::{Detail, Draft, EventName, SecurityEvent, Severity};
use crate::trace;

impl Flight {
    pub(super) async fn succeed(
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

    pub(super) async fn fail(
        &self,
        address: Option<Lease>,
        account: Option<Box<AccountLeases>>,
    ) -> Settled {
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

    pub(super) async fn release(
        &self,
        address: Option<Lease>,
        account: Option<Box<AccountLeases>>,
    ) {
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
}

fn draft(name: EventName, account: &Account) -> Draft<'_> {
    SecurityEvent::draft(name).subject(account.as_str())
}
