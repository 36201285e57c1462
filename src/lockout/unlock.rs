//! Tokens by which the owner of an account unlocks it.

use std::sync::Arc;
use std::time::Duration;

use super::account::{Account, Kind};
use super::store::{Decision, Settle};
use super::{ConfigError, Lockout, ScopePolicy, StoreError};
use crate::clock::{Clock, SystemClock};
use crate::cookies::{OutgoingCookie, SealContext, SealError, Sealer};
use crate::event::{EventName, SecurityEvent};
use crate::keys::KeyRing;

/// Makes tokens that unlock one account, once, for the link in an e-mail to its owner.
///
/// **The attack.** Programs that look for viruses follow every link in an e-mail. Where following it
/// unlocks the account, the lock is off before its owner has read of it; where it signs in, the
/// program is signed in.
///
/// - A token acts on `POST` only: the link leads to a page with a button, and the button's form posts
///   it.
/// - It works once, before its time is over, and unlocks. It signs nobody in and changes no
///   password. That it was used is remembered by the store: where that forgets, in a restart of the
///   [`MemoryStore`](super::MemoryStore) without a snapshot, or in another process, it works once more.
/// - Who has the token has the owner's post, so his browser is [known](super::DeviceCookies) from then on, and
///   whoever attacks the account meanwhile does not lock it for him again.
/// - It is sealed, and tells nobody whose account it is.
///
/// Send one to every address that asks, whether the account is locked or not and even where there is
/// none, or send nothing and say the same: who may ask for it learns nothing. Limit the sending by a
/// [`Throttle`](super::Throttle).
///
/// ```
/// use donjon::keys::{Key, KeyRing};
/// use donjon::lockout::{Account, Lockout, LockoutPolicy, UnlockError, UnlockTokens};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lockout = Lockout::builder(LockoutPolicy::default()).build()?;
/// let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
/// let tokens = UnlockTokens::new(&lockout, &ring, "club")?;
///
/// let token = tokens.issue(&Account::name("ann@example.com")?)?;
/// assert!(matches!(tokens.redeem("GET", &token).await, Err(UnlockError::NotPost)));
/// let redeemed = tokens.redeem("POST", &token).await?;
/// assert_eq!(redeemed.account.as_str(), "ann@example.com");
/// assert!(matches!(tokens.redeem("POST", &token).await, Err(UnlockError::Used)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UnlockTokens {
    lockout: Lockout,
    sealer: Sealer,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl UnlockTokens {
    /// Tokens of this application for accounts of this lockout. They are good for an hour.
    pub fn new(lockout: &Lockout, ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        let lifetime = Duration::from_secs(3600);
        Ok(Self {
            lockout: lockout.clone(),
            sealer: Sealer::encrypted(ring, app, "unlock")?,
            lifetime,
            clock: Arc::new(SystemClock::default()),
        })
    }

    /// How long they are good: a second to 30 days.
    pub fn lifetime(self, lifetime: Duration) -> Result<Self, ConfigError> {
        let _ = once(lifetime)?;
        Ok(Self { lifetime, ..self })
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// A token for this account: letters, digits, `-` and `_`, at most about 600 of them.
    pub fn issue(&self, account: &Account) -> Result<String, SealError> {
        let now = self.clock.now();
        let id: [u8; ID_LEN] = rand::random();
        let payload = [&id, &[account.kind as u8][..], account.as_str().as_bytes()].concat();
        let until = now.checked_add(self.lifetime).unwrap_or(now);
        self.sealer.seal(&CONTEXT, &payload, until, now)
    }

    /// Unlocks the account of a token, if the method is `POST`. Have
    /// [`CsrfProtection`](crate::csrf::CsrfProtection) around its route, as around any form.
    pub async fn redeem(&self, method: &str, token: &str) -> Result<Redeemed, UnlockError> {
        if method != "POST" {
            return Err(UnlockError::NotPost);
        }
        let now = self.clock.now();
        let opened = self.sealer.open(&CONTEXT, token, now).map_err(|_| UnlockError::Invalid)?;
        // As long as this token is good, whoever has issued it.
        let left = opened.expires_at.duration_since(now).unwrap_or_default();
        let once = once(left.clamp(SHORTEST, LONGEST)).map_err(|_| UnlockError::Invalid)?;
        let (id, account) = read(&opened.payload).ok_or(UnlockError::Invalid)?;

        let inner = &self.lockout.0;
        let key = inner.keyer.token(id);
        // Of two at once, one is let in.
        let Decision::Admitted(lease) = inner.store.reserve(key, &once).await? else {
            return Err(UnlockError::Used);
        };
        if let Err(error) = inner.unlock(inner.digest(&account)).await {
            inner.settle(lease, Settle::Release, &once).await;
            return Err(error.into());
        }
        inner.settle(lease, Settle::Failure, &once).await;
        if let Some(log) = &inner.log {
            let draft = SecurityEvent::draft(EventName::AuthnUnlock);
            log.emit(draft.subject(account.as_str()).reason("token"));
        }
        let devices = inner.devices.as_ref();
        let device_cookie = devices.and_then(|devices| devices.issue(&account, None));
        Ok(Redeemed { account, device_cookie })
    }
}

/// What a token has unlocked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Redeemed {
    /// The account, for a page that says so.
    pub account: Account,
    /// The cookie by which this browser is known from now on, to be set, if the lockout knows
    /// browsers.
    pub device_cookie: Option<OutgoingCookie>,
}

/// Why a token unlocks nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// The request was not sent by a form.
    #[error("a token unlocks by POST only")]
    NotPost,
    /// It is no token of ours, or its time is over.
    #[error("the token is not valid")]
    Invalid,
    /// It was used before.
    #[error("the token has been used")]
    Used,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn read(payload: &[u8]) -> Option<(&[u8], Account)> {
    let (id, rest) = payload.split_at_checked(ID_LEN)?;
    let (kind, text) = rest.split_first()?;
    let kind = [Kind::Name, Kind::Id].into_iter().find(|known| *known as u8 == *kind)?;
    let text = std::str::from_utf8(text).ok()?.into();
    Some((id, Account { kind, text }))
}

/// One use in this time, and in an hour more, since clocks differ; then the slot is free.
fn once(time: Duration) -> Result<ScopePolicy, ConfigError> {
    let _ = ScopePolicy::new(1, time, FORGET)?;
    ScopePolicy::new(1, time.saturating_add(SKEW).min(LONGEST), FORGET)
}

const CONTEXT: SealContext<'static> = SealContext::new("unlock");
const ID_LEN: usize = 16;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
const SKEW: Duration = Duration::from_secs(3600);
const FORGET: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::super::{LockoutPolicy, MemoryStore, Scope};
    use super::*;
    use crate::clock::ManualClock;
    use crate::keys::{Key, KeyRing};

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// It stays used as long as it would be good, by whomever it is redeemed, and holds its slot no longer
    /// than it takes to be forgotten.
    #[tokio::test]
    async fn a_token_is_used_for_what_is_left_of_its_life_and_then_forgotten() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
        let builder = Lockout::builder(LockoutPolicy::default()).store(store.clone());
        let lockout = builder.build().unwrap();
        let ring = KeyRing::new(Key::random()).unwrap();
        let tokens = UnlockTokens::new(&lockout, &ring, "club").unwrap().clock(clock.clone());
        // Whether the slots in use are taken, and whether nobody would miss what is in them.
        let slots = || {
            let inner = store.inner();
            let (now, mut over) = (inner.now(), Vec::new());
            inner.table(Scope::Token).for_each(|_, _, record| over.push(record.is_over(now)));
            over
        };

        let token = tokens.issue(&Account::name("ann").unwrap()).unwrap();
        clock.advance(seconds(1200));
        tokens.redeem("POST", &token).await.unwrap();
        let left = seconds(2400);
        let others = tokens.clone().lifetime(seconds(1)).unwrap();
        for tokens in [&tokens, &others] {
            let again = tokens.redeem("POST", &token).await;
            assert!(matches!(again, Err(UnlockError::Used)), "{again:?}");
        }
        clock.advance(left.saturating_sub(Duration::from_millis(1)));
        let again = tokens.redeem("POST", &token).await;
        assert!(matches!(again, Err(UnlockError::Used)), "in its last moment: {again:?}");
        assert_eq!(slots(), [false]);
        clock.advance(Duration::from_millis(1));
        let again = tokens.redeem("POST", &token).await;
        assert!(matches!(again, Err(UnlockError::Invalid)), "and not a moment longer: {again:?}");

        // The slot is held an hour longer, since clocks differ, and then it is free.
        clock.advance(SKEW.saturating_sub(Duration::from_millis(1)));
        assert_eq!(slots(), [false]);
        clock.advance(FORGET + Duration::from_millis(1));
        assert_eq!(slots(), [true]);
    }
}
