//! What else there is to say of an event.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::Severity;

/// What else there is to say of an event: numbers, and words of your program. Nothing in it can
/// hold what came with a request, but for the last four digits of a card number.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// Why.
    Reason(&'static str),
    /// The limit that was reached.
    Limit(u64),
    /// How many: attempts before one succeeded, accounts that were tried.
    Count(u64),
    /// What was changed into what: roles, levels.
    Change {
        /// What it was.
        from: &'static str,
        /// What it is.
        to: &'static str,
    },
    /// What is wrong with which cookie of the policy.
    Cookie {
        /// The name that the policy has for it.
        name: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// Why somebody was not let in.
    Denied {
        /// Why.
        reason: &'static str,
        /// The role or permission that he has not, if it is that.
        lacks: Option<&'static str>,
        /// By which version of the grants he has what he has.
        grants: Option<NonZeroU32>,
    },
    /// By which version of the grants somebody was let in; `None` where nobody's grants matter.
    Granted {
        /// The version.
        grants: Option<NonZeroU32>,
    },
    /// What a gateway has said of a payment.
    Payment(Box<PaymentDetail>),
    /// Which card number has come, as far as one may know it (PCI DSS 4.0.1, 3.4.1).
    Card {
        /// Where it stood.
        place: &'static str,
        /// The network that has issued it.
        network: &'static str,
        /// Its last four digits, as a number.
        last_four: u16,
    },
    /// How many events were lost.
    Lost(Lost),
    /// Which sink.
    Sink(SinkName),
}

/// What a gateway has said of a payment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing else that a log may know of it")]
pub struct PaymentDetail {
    /// Which gateway.
    pub gateway: &'static str,
    /// Of which of the app's own orders; `None` if there is none.
    pub order: Option<Box<str>>,
    /// In which state it is now, or what is wrong.
    pub what: &'static str,
}

/// How many events were lost, by how grave they were.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Lost {
    /// Of [`Severity::Info`].
    pub info: u64,
    /// Of [`Severity::Warn`].
    pub warn: u64,
    /// Of [`Severity::Critical`].
    pub critical: u64,
}

impl Lost {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.info.saturating_add(self.warn).saturating_add(self.critical)
    }

    pub(super) fn add(&mut self, severity: Severity, count: u64) {
        let sum = match severity {
            Severity::Info => &mut self.info,
            Severity::Warn => &mut self.warn,
            Severity::Critical => &mut self.critical,
        };
        *sum = sum.saturating_add(count);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.add(Severity::Info, other.info);
        self.add(Severity::Warn, other.warn);
        self.add(Severity::Critical, other.critical);
    }

    pub(super) const fn since(self, earlier: Self) -> Self {
        Self {
            info: self.info.saturating_sub(earlier.info),
            warn: self.warn.saturating_sub(earlier.warn),
            critical: self.critical.saturating_sub(earlier.critical),
        }
    }
}

/// The name of a sink. Cloning it copies no text.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SinkName(Arc<str>);

impl SinkName {
    pub(super) fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
