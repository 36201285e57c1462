//! How far a payment is, and whether it is for real.

use std::fmt;

/// Whether ids, key and host are for playing or for real. They are chosen together, so that none of one mode
/// meets one of the other.
///
/// It is always said, by its name:
///
/// ```
/// use donjon::payment::{Begun, Mode};
///
/// let attempt = Begun { gateway: "club".into(), mode: Mode::Test, reference: None };
/// assert_ne!(attempt.mode, Mode::Production);
/// ```
///
/// A flag does not say which one it means, and what somebody has forgotten to say is no mode:
///
/// ```compile_fail,E0308
/// use donjon::payment::{Begun, Mode};
///
/// let attempt = Begun { gateway: "club".into(), mode: false, reference: None };
/// assert_ne!(attempt.mode, Mode::Production);
/// ```
///
/// ```compile_fail,E0599
/// use donjon::payment::{Begun, Mode};
///
/// let attempt = Begun { gateway: "club".into(), mode: Mode::default(), reference: None };
/// assert_ne!(attempt.mode, Mode::Production);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "it is one or the other")]
pub enum Mode {
    /// The gateway's test platform: nobody's money.
    Test,
    /// Money.
    Production,
}

/// How far a payment is.
///
/// ```text
/// Created ─► Pending ─► Authorized ─► Paid ─► Refunded
///    └──────────┴───────────┴──► Refused, Cancelled, Expired ─► Pending, Authorized, Paid
/// ```
///
/// What is paid stays paid, whatever is heard later, in whatever order: only a refund ends it. What was refused
/// may be paid after all: the payer has tried another card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the ledger stores each")]
pub enum State {
    /// Nobody has paid yet.
    Created,
    /// The gateway does not know yet.
    Pending,
    /// The bank has promised the money.
    Authorized,
    /// The money is ours.
    Paid,
    /// The bank, or the gateway, has refused.
    Refused,
    /// The payer has given up.
    Cancelled,
    /// The payer has taken too long.
    Expired,
    /// All of it went back.
    Refunded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Pending,
        Self::Authorized,
        Self::Paid,
        Self::Refused,
        Self::Cancelled,
        Self::Expired,
        Self::Refunded,
    ];

    /// As it stands in a database and in a log: `paid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    /// From which states an order may come into this one.
    ///
    /// ```
    /// use donjon::payment::State;
    ///
    /// assert!(State::Paid.comes_from().contains(&State::Cancelled), "a late word counts");
    /// assert!(!State::Cancelled.comes_from().contains(&State::Paid), "and takes nothing back");
    /// ```
    #[must_use]
    pub const fn comes_from(self) -> &'static [Self] {
        use State::{Authorized, Cancelled, Created, Expired, Paid, Pending, Refused};
        match self {
            Self::Created => &[],
            Self::Pending => &[Created, Refused, Cancelled, Expired],
            Self::Authorized => &[Created, Pending, Refused, Cancelled, Expired],
            Self::Paid => &[Created, Pending, Authorized, Refused, Cancelled, Expired],
            Self::Refused | Self::Cancelled | Self::Expired => &[Created, Pending, Authorized],
            Self::Refunded => &[Paid],
        }
    }

    /// Whether there is something to be paid.
    pub(super) const fn is_payable(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Pending | Self::Refused | Self::Cancelled | Self::Expired
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// By what it is called in a database.
impl std::str::FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// No state is called so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no state of a payment is called so")]
#[non_exhaustive]
pub struct UnknownState;
