//! What goes into a login, and what comes out.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;

use crate::cookies::OutgoingCookie;
use crate::lockout::{Device, LoginAttempt, NotAdmitted};
use crate::refusal::Refusal;

/// Where a login comes from: an attempt that [`LoginLockout`](crate::lockout::LoginLockout) has let in,
/// or an address and perhaps a browser that is known.
#[derive(Debug)]
pub struct LoginSource(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Attempt(LoginAttempt),
    Address(IpAddr, Option<Device>),
}

impl From<LoginAttempt> for LoginSource {
    fn from(attempt: LoginAttempt) -> Self {
        Self(Kind::Attempt(attempt))
    }
}

impl From<IpAddr> for LoginSource {
    fn from(address: IpAddr) -> Self {
        Self(Kind::Address(address, None))
    }
}

impl From<(IpAddr, Option<Device>)> for LoginSource {
    fn from((address, device): (IpAddr, Option<Device>)) -> Self {
        Self(Kind::Address(address, device))
    }
}

/// What the app knows of an account.
#[derive(Clone)]
pub struct Credential<U> {
    pub(super) user: U,
    pub(super) hash: Option<String>,
}

impl<U> Credential<U> {
    /// A user, and the hash of the password. `None` for one who has no password or may not log in:
    /// nobody can tell him from one who is not there.
    pub const fn new(user: U, hash: Option<String>) -> Self {
        Self { user, hash }
    }
}

impl<U> fmt::Debug for Credential<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// What came of a login.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "each has an answer of its own")]
#[must_use = "only `Granted` lets somebody in"]
pub enum Outcome<U> {
    /// It is the user.
    Granted(Granted<U>),
    /// It is not, for whatever reason.
    Denied,
    /// There were too many failures. The password was not looked at, and the lock has not grown.
    Locked {
        /// When the lock ends.
        retry_after: Duration,
    },
    /// As many attempts are under way as there are guesses left.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// It cannot be told now. Nothing was counted, or, where the store itself does not answer, a
    /// failure.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Who has logged in, and what is to be done about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Granted<U> {
    /// The user, as the look-up has given him.
    pub user: U,
    /// The stored hash is of old parameters or an old pepper: hash the password anew and store that.
    pub needs_rehash: bool,
    /// How many failures there were since the login before. Tell the user.
    pub prior_failures: u32,
    /// The cookie by which this browser is known from now on. Set it, unless
    /// [`LoginLockout`](crate::lockout::LoginLockout) is around the route, which does.
    pub device_cookie: Option<OutgoingCookie>,
}

impl<U> Outcome<U> {
    /// The user, or the answer for whoever is not let in: 401, or 429 or 503 with `Retry-After`.
    pub fn granted(self) -> Result<Granted<U>, Refusal> {
        let refusal = |status, reason| Refusal::new(status, reason);
        match self {
            Self::Granted(granted) => Ok(granted),
            Self::Denied => Err(refusal(StatusCode::UNAUTHORIZED, "login denied")),
            Self::Locked { retry_after } => {
                let refusal = refusal(StatusCode::TOO_MANY_REQUESTS, "login locked");
                Err(refusal.retry_after(retry_after))
            }
            Self::Busy { retry_after } => {
                let refusal = refusal(StatusCode::TOO_MANY_REQUESTS, "login attempts under way");
                Err(refusal.retry_after(retry_after))
            }
            Self::Unavailable { retry_after } => {
                let refusal = refusal(StatusCode::SERVICE_UNAVAILABLE, "login unavailable");
                Err(refusal.retry_after(retry_after))
            }
        }
    }
}

impl<U> From<NotAdmitted> for Outcome<U> {
    fn from(denied: NotAdmitted) -> Self {
        match denied {
            NotAdmitted::Locked { retry_after, .. } => Self::Locked { retry_after },
            NotAdmitted::Busy { retry_after } => Self::Busy { retry_after },
            NotAdmitted::Unavailable { retry_after } => Self::Unavailable { retry_after },
        }
    }
}
