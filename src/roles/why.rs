//! Why somebody was not let in.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::event::{EventName, Severity};
use crate::head::{Name, Value};
use crate::refusal::Refusal;

/// Why a rule let nobody in: for the log, for metrics, and for whoever wonders. The client does not get it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// No layer has looked who is asking. The set-up is to be mended.
    NoAuthnLayer,
    /// The guard asks for a role or a permission of another enum than that of whoever is asking. The set-up is
    /// to be mended.
    OtherEnum,
    /// It could not be found out who is asking: the table of users does not answer.
    Unavailable,
    /// Nobody has signed in.
    Anonymous,
    /// What he has shown is of before his roles were changed, or he was told to leave.
    Outdated,
    /// He has not this role.
    LacksRole(&'static str),
    /// He is not granted this.
    LacksPermission(&'static str),
    /// He has signed in too long ago.
    Stale {
        /// How long ago it may be.
        within: Duration,
    },
    /// He has shown no second factor.
    SecondFactor,
    /// The request comes from elsewhere.
    Network,
    /// It is not known, with proof, where the request comes from.
    NoAddress,
    /// It is not the time.
    Time,
    /// A rule under `!` holds.
    Not,
    /// He does not own it.
    NotOwner,
    /// Nobody may, or there is no rule.
    Nobody,
}

impl Why {
    /// As it stands in a log: `lacks a permission`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAuthnLayer => {
                "no layer has looked who is asking: put Authenticate before the guard, further out"
            }
            Self::OtherEnum => {
                "the guard asks for a role or permission of another enum than Authenticate's"
            }
            Self::Unavailable => "it cannot be found out who is asking",
            Self::Anonymous => "not signed in",
            Self::Outdated => "shows what is no longer valid",
            Self::LacksRole(_) => "lacks a role",
            Self::LacksPermission(_) => "lacks a permission",
            Self::Stale { .. } => "has signed in too long ago",
            Self::SecondFactor => "without a second factor",
            Self::Network => "from another network",
            Self::NoAddress => "without a proven address",
            Self::Time => "not at this time",
            Self::Not => "an exception holds",
            Self::NotOwner => "not the owner",
            Self::Nobody => "nobody may",
        }
    }

    /// The name of the role or permission that is lacking, if it is that.
    #[must_use]
    pub const fn lacks(self) -> Option<&'static str> {
        match self {
            Self::LacksRole(name) | Self::LacksPermission(name) => Some(name),
            _ => None,
        }
    }

    /// Which of several reasons is told where all of them have to be mended: the smallest. Of what is false
    /// for certain nobody is told to sign in.
    pub(super) const fn rank_of_all(self, is_certain: bool) -> u8 {
        match self {
            Self::NoAuthnLayer | Self::OtherEnum => 0,
            Self::Unavailable => 1,
            Self::Stale { .. } => 5,
            _ if is_certain => 2,
            Self::Anonymous | Self::Outdated => 3,
            _ => 4,
        }
    }

    /// Which of several reasons is told where it is enough to mend one of them: the smallest.
    pub(super) const fn rank_of_any(self) -> u8 {
        match self {
            Self::NoAuthnLayer | Self::OtherEnum => 0,
            Self::Unavailable => 1,
            Self::Anonymous | Self::Outdated => 2,
            Self::Stale { .. } => 3,
            _ => 4,
        }
    }

    /// The answer: 500 where the set-up is wrong, 503 where nobody can tell, 401 with a challenge for
    /// whoever has to sign in or to do so again (RFC 6750, RFC 9470), 403 for the rest.
    pub(super) fn refusal(self) -> Refusal {
        let (status, challenge) = match self {
            Self::NoAuthnLayer | Self::OtherEnum => (StatusCode::INTERNAL_SERVER_ERROR, None),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, None),
            Self::Anonymous => (StatusCode::UNAUTHORIZED, Value::new("Bearer")),
            Self::Outdated => (StatusCode::UNAUTHORIZED, Value::new(INVALID)),
            Self::Stale { within } => (StatusCode::UNAUTHORIZED, step_up(within)),
            _ => (StatusCode::FORBIDDEN, None),
        };
        let refusal = Refusal::new(status, self.as_str()).with_event(EventName::AuthzFail);
        match challenge {
            Some(challenge) => refusal.with_header(WWW_AUTHENTICATE, challenge),
            None => refusal,
        }
    }

    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Anonymous | Self::Outdated | Self::Stale { .. } => Severity::Info,
            Self::NoAuthnLayer | Self::OtherEnum => Severity::Critical,
            _ => Severity::Warn,
        }
    }
}

/// As [`Require`](super::Require) answers.
impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        why.refusal()
    }
}

impl std::error::Error for Why {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LacksRole(name) | Self::LacksPermission(name) => {
                write!(f, "{} ({name})", self.as_str())
            }
            Self::Stale { within } => write!(f, "{} ({} s)", self.as_str(), within.as_secs()),
            _ => f.write_str(self.as_str()),
        }
    }
}

/// RFC 9470, section 3.
fn step_up(within: Duration) -> Option<Value> {
    let seconds = within.as_secs();
    Value::new(format!("Bearer error=\"insufficient_user_authentication\", max_age={seconds}"))
}

/// RFC 6750, section 3.1.
const INVALID: &str = "Bearer error=\"invalid_token\"";
const WWW_AUTHENTICATE: Name = Name::from_static("www-authenticate");
