//! For whoever administers accounts: to look, and to unlock.

use std::net::IpAddr;

use super::guard::Inner;
use super::key::AccountDigest;
use super::store::{Decision, KeyState, Settle};
use super::{Account, Lockout, Scope, StoreError};
use crate::event::{EventName, SecurityEvent};

/// What is known of an account, for whoever administers it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AccountStatus {
    /// What was counted from everywhere, but for browsers that had logged in before.
    pub account: KeyState,
    /// How many failures there were since the last login.
    pub in_a_row: u32,
}

impl Lockout {
    /// What is known of an account. It changes nothing.
    pub async fn peek(&self, account: &Account) -> Result<AccountStatus, StoreError> {
        let (inner, digest) = (&self.0, self.0.digest(account));
        let key = inner.keyer.of_account(Scope::Account, digest);
        let account = inner.store.peek(key, &inner.policy.account).await?;
        let key = inner.keyer.of_account(Scope::InARow, digest);
        let in_a_row = inner.store.peek(key, &inner.in_a_row).await?.failures;
        Ok(AccountStatus { account, in_a_row })
    }

    /// What was counted at one account from one address.
    pub async fn peek_at(
        &self,
        account: &Account,
        address: IpAddr,
    ) -> Result<KeyState, StoreError> {
        let digest = self.0.digest(account);
        let epoch = self.0.epoch(digest).await?;
        let key = self.0.keyer.account_at(digest, epoch, address.into());
        self.0.store.peek(key, &self.0.policy.account_at_address).await
    }

    /// What was counted for an address, IPv6 by its /64.
    pub async fn peek_address(&self, address: IpAddr) -> Result<KeyState, StoreError> {
        match &self.0.policy.address {
            Some(policy) => {
                let key = self.0.keyer.address(Scope::Address, address.into());
                self.0.store.peek(key, policy).await
            }
            None => Ok(KeyState::default()),
        }
    }

    /// Unlocks an account: what was counted for it is forgotten, at every address and in every browser.
    /// Its failures [in a row](super::LockoutPolicy::in_a_row) are not: those end with a login. Addresses stay
    /// locked. It is an [event](EventName::AuthnUnlock).
    ///
    /// Whoever asks for it must have shown by other means that the account is his.
    pub async fn unlock(&self, account: &Account) -> Result<(), StoreError> {
        self.0.unlock(self.0.digest(account)).await?;
        if let Some(log) = &self.0.log {
            let draft = SecurityEvent::draft(EventName::AuthnUnlock);
            log.emit(draft.target(account.as_str()).reason("administration"));
        }
        Ok(())
    }

    /// Unlocks an address. Accounts stay locked.
    pub async fn unlock_address(&self, address: IpAddr) -> Result<(), StoreError> {
        let clear = |scope| self.0.store.clear(self.0.keyer.address(scope, address.into()));
        let cleared = (clear(Scope::Address).await, clear(Scope::AccountsOfAddress).await);
        cleared.0.and(cleared.1)?;
        if let Some(log) = &self.0.log {
            let draft = SecurityEvent::draft(EventName::AuthnUnlock);
            log.emit(draft.client(address).reason("administration"));
        }
        Ok(())
    }
}

impl Inner {
    pub(super) async fn unlock(&self, account: AccountDigest) -> Result<(), StoreError> {
        let mark = self.keyer.of_account(Scope::Unlocked, account);
        // Whatever does not work, the rest is done: one server's counters, while the store of all is away.
        let mut result = Ok(());
        match self.store.reserve(mark, &self.unlocked).await {
            Ok(Decision::Admitted(lease)) => {
                let settled = self.store.settle(lease, Settle::Failure, &self.unlocked).await;
                result = settled.map(|_| ());
            }
            Ok(Decision::Busy | Decision::Locked { .. }) => {}
            Err(error) => result = Err(error),
        }
        for scope in [Scope::Account, Scope::Devices] {
            let cleared = self.store.clear(self.keyer.of_account(scope, account)).await;
            result = result.and(cleared);
        }
        result
    }
}
