//! What can be wrong with cookies, and with sealed values.

use std::fmt;
use std::time::Duration;

/// Why something for cookies cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An application or a purpose without a name. What has none is confused with others.
    #[error("the {what} has no name: say what it is, such as \"shop\" or \"session\"")]
    NoName {
        /// `application` or `purpose`.
        what: &'static str,
    },
}

/// Why a value cannot be sealed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A cookie that browsers would ignore.
    #[error(
        "the cookie {name:?} has {len} bytes of name and value, and browsers take {limit}: put less into it"
    )]
    TooLarge {
        /// The cookie's name.
        name: String,
        /// Its name and value, in bytes.
        len: usize,
        /// How many are taken.
        limit: usize,
    },

    /// A life longer than the policy allows.
    #[error("it would live for {lifetime:?}, and {limit:?} is allowed: let it expire sooner")]
    TooFar {
        /// How long.
        lifetime: Duration,
        /// How long is allowed.
        limit: Duration,
    },

    /// A life that is over before it begins.
    #[error("it would have expired already: let it expire a second from now or later")]
    Past,
}

/// A value does not open. To the client all cases are alike; [`reason`](Self::reason) is for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the value is not valid")]
pub struct OpenError {
    reason: OpenReason,
}

impl OpenError {
    pub(super) const fn new(reason: OpenReason) -> Self {
        Self { reason }
    }

    /// Why. Not for the client.
    #[must_use]
    pub const fn reason(&self) -> OpenReason {
        self.reason
    }
}

/// Why a value does not open.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OpenReason {
    /// It is nothing that this kind of sealer has made: too short, too long, not in base64, or of the
    /// other kind.
    Malformed,
    /// It names a key that is not in the ring: left out too early, of another server, or made up.
    UnknownKey,
    /// It names a key whose time is over, or that is said to be retired. It may be genuine or not.
    RetiredKey,
    /// It was changed, or sealed for another application, purpose, cookie or audience.
    Tampered,
    /// It is genuine, and its time is over.
    Expired,
}

impl OpenReason {
    /// As it stands in a log: `unknown_key`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::RetiredKey => "retired_key",
            Self::Tampered => "tampered",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for OpenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
