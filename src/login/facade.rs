//! The steps, in their order.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Credential, Granted, Kind, LoginSource, Outcome};
use crate::lockout::{Account, Attempt, Ending, Lockout, LoginAttempt, Settled};
use crate::password::{Password, Passwords, Unavailable, Verified};
use crate::trace;

/// A lockout and what verifies passwords, as one.
///
/// See the [module docs](super) for an example. Cheap to clone.
#[derive(Clone)]
pub struct Login {
    lockout: Lockout,
    passwords: Passwords,
    resolver: Option<Arc<Resolver>>,
    completes: bool,
}

type Resolver = dyn Fn(Account) -> Pin<Box<dyn Future<Output = Resolved> + Send>> + Send + Sync;
type Resolved = Result<Option<String>, Box<dyn Error + Send + Sync>>;

impl Login {
    /// Of these two.
    #[must_use]
    pub fn new(lockout: &Lockout, passwords: &Passwords) -> Self {
        Self {
            lockout: lockout.clone(),
            passwords: passwords.clone(),
            resolver: None,
            completes: true,
        }
    }

    /// Finds the account that a name leads to, where several do: a name, an e-mail address, a
    /// telephone number. It gives what the account is known by, such as its number, or nothing; then
    /// the name itself is what is counted. It is asked for every attempt, locked or not, so have it take
    /// the same time for names that are nobody's: one look-up in an index.
    ///
    /// **It tells something**: whoever locks `ann` and is then locked as `ann@example.com` too knows that the
    /// two belong together, and so that they are somebody's. Without it each name has guesses of its own at
    /// the same account, N times as many as there are names. Where the first is worse, have one name.
    #[must_use]
    pub fn resolve<F, Fut, E>(mut self, resolver: F) -> Self
    where
        F: Fn(Account) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<String>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.resolver = Some(Arc::new(move |account| {
            let found = resolver(account);
            Box::pin(async move { found.await.map_err(Into::into) })
        }));
        self
    }

    /// The password is the first of two factors: one that is right is not counted, and forgets no
    /// failure. When the second factor was right, say so by
    /// [`Attempt::succeed`] of this lockout; count the second one's own
    /// failures in a lockout of another [purpose](crate::lockout::LockoutBuilder::purpose).
    #[must_use]
    pub const fn first_of_two_factors(mut self) -> Self {
        self.completes = false;
        self
    }

    /// Whether it is this user's password, if the attempt is let in at all.
    ///
    /// `lookup` gets the account, by its canonical name or by what the [resolver](Self::resolve) has
    /// found, and gives the user and the hash. It is asked only for attempts that are let in. Its error
    /// makes the outcome [`Unavailable`](Outcome::Unavailable); it is not counted, and goes to
    /// `tracing`.
    pub async fn verify<U, E, Fut>(
        &self,
        name: &str,
        source: impl Into<LoginSource>,
        password: impl Into<Password>,
        lookup: impl FnOnce(Account) -> Fut,
    ) -> Outcome<U>
    where
        Fut: Future<Output = Result<Option<Credential<U>>, E>>,
        E: fmt::Display,
    {
        let (password, LoginSource(source)) = (password.into(), source.into());
        let Ok(account) = Account::name(name) else {
            if let Kind::Attempt(attempt) = source {
                attempt.fail().await;
            }
            return Outcome::Denied;
        };
        let attempt = match source {
            Kind::Attempt(attempt) => attempt,
            Kind::Address(address, device) => {
                match self.lockout.begin_from(address, device).await {
                    Ok(attempt) => attempt,
                    Err(denied) => return denied.into(),
                }
            }
        };
        let Some((account, attempt)) = self.resolved(account, attempt).await else {
            return unavailable();
        };
        let attempt = match attempt.account(&account).await {
            Ok(attempt) => attempt,
            Err(denied) => return denied.into(),
        };
        let found = match lookup(account).await {
            Ok(found) => found,
            Err(error) => {
                trace::warn!(error = %error, "a login could not look up its user");
                attempt.undecided().await;
                return unavailable();
            }
        };
        let (user, hash) = found.map_or((None, None), |found| (Some(found.user), found.hash));
        match self.evaluate(attempt, password, hash.as_deref()).await {
            Ok((Verified::Match { needs_rehash }, settled)) => match user {
                Some(user) => Outcome::Granted(Granted {
                    user,
                    needs_rehash,
                    prior_failures: settled.prior_failures,
                    device_cookie: settled.device_cookie,
                }),
                // Without a user there is no hash, and nothing matches no hash.
                None => Outcome::Denied,
            },
            Ok((Verified::NoMatch, _)) => Outcome::Denied,
            Err(Unavailable::Busy { retry_after }) => Outcome::Unavailable { retry_after },
            Err(_) => unavailable(),
        }
    }

    /// The account that the name leads to; `None` if nobody can tell.
    async fn resolved(
        &self,
        account: Account,
        attempt: LoginAttempt,
    ) -> Option<(Account, LoginAttempt)> {
        let Some(resolver) = &self.resolver else { return Some((account, attempt)) };
        let found = match resolver(account.clone()).await {
            Ok(None) => return Some((account, attempt)),
            Ok(Some(id)) => Account::id(&id).map_err(Into::into),
            Err(error) => Err(error),
        };
        match found {
            Ok(account) => Some((account, attempt)),
            Err(error) => {
                trace::warn!(error = %error, "a login could not find its account");
                attempt.undecided().await;
                None
            }
        }
    }

    /// Verifies the password, and settles the attempt where the password is verified: whoever hangs
    /// up meanwhile has used up a guess all the same.
    async fn evaluate(
        &self,
        attempt: Attempt,
        password: Password,
        hash: Option<&str>,
    ) -> Result<(Verified, Settled), Unavailable> {
        let completes = self.completes;
        let verified = self.passwords.verify_then(password, hash, move |outcome| {
            let ending = match outcome {
                Ok(Verified::NoMatch) => Ending::Failure,
                Ok(Verified::Match { .. }) if completes => Ending::Success,
                Ok(Verified::Match { .. }) | Err(_) => Ending::Undecided,
            };
            // A store that has to be waited for is not waited for here. If nobody else does, the lease
            // ends as a failure.
            (outcome, ending, attempt.settle_at_once(ending))
        });
        let (outcome, ending, settled) = verified.await?;
        let settled = match settled {
            Ok(settled) => settled,
            Err(attempt) => attempt.settle(ending).await,
        };
        outcome.map(|verified| (verified, settled))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("lockout", &self.lockout)
            .field("passwords", &self.passwords)
            .finish_non_exhaustive()
    }
}

const fn unavailable<U>() -> Outcome<U> {
    Outcome::Unavailable { retry_after: Duration::from_secs(5) }
}
