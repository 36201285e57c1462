//! What layers have decided of one request, for handlers and for one another.

use std::sync::Arc;

use super::decision::{Decision, Reason};
use super::policy::Policy;
#[cfg(any(feature = "axum", feature = "actix"))]
use super::token::CsrfToken;
use crate::context::Context;
use crate::head::RequestHead;
#[cfg(any(feature = "axum", feature = "actix"))]
use crate::refusal::Refusal;

/// What one layer has decided.
#[derive(Clone, Debug)]
pub(super) struct Ruling {
    pub(super) policy: Arc<Policy>,
    pub(super) decision: Decision,
    /// Whether a token in the body is still to be looked at.
    pub(super) open: bool,
}

/// What all have. Most requests see one layer, which costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    first: Option<Ruling>,
    further_in: Vec<Ruling>,
}

impl Rulings {
    pub(super) fn add(&mut self, ruling: Ruling) {
        if self.first.is_none() {
            self.first = Some(ruling);
        } else {
            self.further_in.push(ruling);
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &Ruling> {
        self.first.iter().chain(&self.further_in)
    }

    /// The policy whose tokens handlers give out: that of the layer nearest to them.
    pub(super) fn with_tokens(&self) -> Option<Arc<Policy>> {
        let mut nearest = self.iter().rev().filter(|ruling| ruling.policy.tokens.is_some());
        nearest.next().map(|ruling| Arc::clone(&ruling.policy))
    }

    /// The policies that wait for somebody to look at a token.
    pub(super) fn waiting(&self) -> Vec<Arc<Policy>> {
        let waiting = self.iter().filter(|ruling| ruling.decision == Decision::Pending);
        waiting.map(|ruling| Arc::clone(&ruling.policy)).collect()
    }

    /// Somebody looks at the token now. Whether anybody was still to do so.
    pub(super) fn settle(&mut self) -> bool {
        let mut open = false;
        for ruling in self.first.iter_mut().chain(&mut self.further_in) {
            open |= std::mem::take(&mut ruling.open);
        }
        open
    }
}

/// What the layer has decided of a request that has reached a handler.
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`), which never refuses.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use donjon::csrf::CsrfDecision;
///
/// async fn page(decision: CsrfDecision) -> &'static str {
///     match decision.would_deny() {
///         Some(_) => "in a month this will be refused",
///         None => "welcome",
///     }
/// }
/// # let _ = page;
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CsrfDecision(Option<Decision>);

impl CsrfDecision {
    /// That of a request, where there is no extractor.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Self {
        let worst = |rulings: &mut Rulings| {
            rulings.iter().map(|ruling| ruling.decision).max_by_key(|decision| match decision {
                Decision::Allow(_) => 0,
                Decision::Pending => 1,
                Decision::Deny(_) => 2,
            })
        };
        Self(request.look(|context: &Context| context.rulings(worst)).flatten())
    }

    /// Why the request would be refused if the layer did not [only
    /// report](super::CsrfProtection::report_only).
    #[must_use]
    pub fn would_deny(&self) -> Option<Reason> {
        self.0.and_then(Decision::denied)
    }

    /// Whether the token in the body is yet to be checked: [`Verified`](super::Verified).
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.0 == Some(Decision::Pending)
    }
}

/// What is to be done with the body of a request: found out before anybody reads it.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) struct Check(CsrfToken);

#[cfg(any(feature = "axum", feature = "actix"))]
impl Check {
    /// `None` if no layer with tokens is around the request.
    pub(crate) fn of<R: RequestHead>(request: &R) -> Option<Self> {
        CsrfToken::of(request).map(Self)
    }

    /// Looks at the token, if a layer waits for that.
    pub(crate) fn verify(&self, token: Option<&str>) -> Result<(), Refusal> {
        self.0.verify_waiting(token)
    }
}
