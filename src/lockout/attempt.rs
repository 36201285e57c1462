//! What handlers hold of an attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::flight::{Ending, Flight};
use super::{Account, InvalidAccount, Scope};
use crate::cookies::OutgoingCookie;
use crate::refusal::Refusal;

/// An attempt whose address was let in, and of whose account nothing is known yet.
///
/// Behind [`LoginLockout`](super::LoginLockout) it is an extractor in axum and actix-web (features
/// `axum` and `actix`); elsewhere [`Lockout::begin`](super::Lockout::begin) gives one.
#[must_use = "an attempt that nobody makes use of is a failure of its address"]
pub struct LoginAttempt {
    flight: Handle,
}

impl LoginAttempt {
    pub(super) const fn new(flight: Arc<Flight>) -> Self {
        Self { flight: Handle(flight) }
    }

    /// Counts it for this account **before** the password is looked at, or turns it away.
    pub async fn account(self, account: &Account) -> Result<Attempt, NotAdmitted> {
        self.flight.0.reserve(account).await?;
        Ok(Attempt { flight: self.flight })
    }

    /// It has failed, and there is no account to count it for: no name can be so.
    pub async fn fail(self) -> Settled {
        self.flight.0.settle(Ending::Failure).await
    }

    /// It is not to be counted.
    pub async fn undecided(self) {
        self.flight.0.settle(Ending::Undecided).await;
    }
}

/// An attempt that was let in and is counted as under way. Look at the password now, and then say what
/// came of it.
///
/// Dropped without a word it has failed: the request was given up, the handler has panicked, or
/// somebody forgot. Behind [`LoginLockout`](super::LoginLockout) the response's status is asked first: 5xx
/// is undecided, since a server that fails has found out nothing, and whatever else is a failure. So
/// **a handler whose every error is a 500 has to say** [`fail`](Self::fail), or a wrong password counts as
/// nothing; a warning says so, once.
#[must_use = "an attempt that is dropped has failed"]
pub struct Attempt {
    flight: Handle,
}

impl Attempt {
    /// It was right, and the login is complete. What this source has failed before is forgotten; what
    /// others have failed is not. Where there is a second factor, this is not yet the time: say
    /// [`undecided`](Self::undecided), count the second factor with a lockout of its own
    /// [purpose](super::LockoutBuilder::purpose), and say this when it was right.
    pub async fn succeed(self) -> Settled {
        self.flight.0.settle(Ending::Success).await
    }

    /// It was wrong.
    pub async fn fail(self) -> Settled {
        self.flight.0.settle(Ending::Failure).await
    }

    /// Nobody can tell: the database does not answer, or a second factor is due. It is not counted.
    pub async fn undecided(self) {
        self.flight.0.settle(Ending::Undecided).await;
    }

    #[cfg(feature = "password")]
    pub(crate) async fn settle(self, ending: Ending) -> Settled {
        self.flight.0.settle(ending).await
    }

    /// Settles it without waiting, if the store answers at once.
    #[cfg(feature = "password")]
    pub(crate) fn settle_at_once(self, ending: Ending) -> Result<Settled, Self> {
        self.flight.0.settle_at_once(ending).ok_or(self)
    }
}

/// A handler's hold of an attempt. It outlives no panic, whatever a layer further out makes of that.
struct Handle(Arc<Flight>);

impl Drop for Handle {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked();
        }
    }
}

/// What has become of the counters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Settled {
    /// The longest lock that has begun with this failure, if one has. Do not tell whoever failed: the next
    /// attempt is told, whether there is such an account or not.
    pub lock: Option<(Duration, Scope)>,
    /// The account has had all the failures in a row that it may have: so is every one from now on until
    /// somebody logs in. Disable the password, and have it
    /// set anew by other means: it is what NIST asks for at 100. The counters go on without that, and
    /// lock for as long as the policy says.
    pub exhausted: bool,
    /// How many failures there were before this login, from everywhere, since the one before. Tell the
    /// user (ASVS 5.0, 6.3.5).
    pub prior_failures: u32,
    /// The cookie by which this browser is known from now on. Behind
    /// [`LoginLockout`](super::LoginLockout) it is set without you.
    pub device_cookie: Option<OutgoingCookie>,
}

/// Why an attempt was turned away. The password was not looked at.
///
/// It is the same for an account that is there and one that is not, so it may be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// There were too many failures.
    #[error("too many failures: try again in {retry_after:?}")]
    Locked {
        /// When the lock ends.
        retry_after: Duration,
        /// Which counter it is of. For the log.
        scope: Scope,
    },
    /// As many attempts are under way as there are guesses left.
    #[error("too many attempts at once: try again in {retry_after:?}")]
    Busy {
        /// When some of them are likely over.
        retry_after: Duration,
    },
    /// The store does not answer.
    #[error("attempts cannot be counted: try again in {retry_after:?}")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

impl NotAdmitted {
    /// Whoever waits for the one lock has not another one before him.
    pub(super) fn or_longer(self, other: Option<Duration>) -> Self {
        match (self, other) {
            (Self::Locked { retry_after, scope }, Some(other)) => {
                Self::Locked { retry_after: retry_after.max(other), scope }
            }
            (denied, _) => denied,
        }
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::Locked { retry_after, .. }
            | Self::Busy { retry_after }
            | Self::Unavailable { retry_after } => *retry_after,
        }
    }
}

/// 429, or 503 where attempts cannot be counted, with `Retry-After`.
impl From<NotAdmitted> for Refusal {
    fn from(denied: NotAdmitted) -> Self {
        let (status, reason) = match denied {
            NotAdmitted::Locked { scope, .. } => (StatusCode::TOO_MANY_REQUESTS, locked(scope)),
            NotAdmitted::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "login attempts under way"),
            NotAdmitted::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "login attempts cannot be counted")
            }
        };
        Self::new(status, reason).retry_after(denied.retry_after())
    }
}

/// 400: there can be no such account.
impl From<InvalidAccount> for Refusal {
    fn from(_: InvalidAccount) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "no name of an account")
    }
}

const fn locked(scope: Scope) -> &'static str {
    match scope {
        Scope::Address => "logins from this address are locked",
        Scope::AccountsOfAddress => "this address tries too many accounts",
        Scope::AccountAtAddress => "this account is locked at this address",
        Scope::Device | Scope::Devices => "this account is locked in this browser",
        _ => "this account is locked",
    }
}

impl fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAttempt").finish_non_exhaustive()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}
