//! Guards: a rule around a route.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;

use super::authenticate::Known;
use super::principal::Principal;
use super::rule::{Authn, Evidence, Rule, Verdict};
use super::why::Why;
use crate::adapters::adapt;
use crate::client::Who;
use crate::clock::{Clock, SystemClock};
use crate::context::Context;
use crate::event::{Detail, Reporter, SecurityEvent};
use crate::head::RequestHead;
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// Lets through whom a rule lets in, before anything of the body is read and before any extractor runs.
///
/// | who | answer |
/// | --- | --- |
/// | nobody has looked who is asking: there is no [`Authenticate`](super::Authenticate) further out | 500, and a critical event |
/// | the rule is about another enum than that of whoever is asking | 500, and a critical event |
/// | it could not be found out | 503 |
/// | somebody who has not signed in | 401, `WWW-Authenticate`; people are sent to the [sign-in page](super::Authenticate::sign_in_page), if there is one |
/// | whoever has signed in too long ago | 401, with the challenge of RFC 9470 |
/// | everybody else whom the rule does not let in | 403, or 404 if it is [hidden](Self::hidden) |
///
/// None of them is stored by a cache, but what is hidden, which says no more than any 404. Each is an [event](crate::event), with the user's tag and the reason.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use donjon::roles::{Require, permission};
///
/// donjon::permissions! { pub enum Permission { Book = "courts:book" } }
///
/// let app: Router = Router::new()
///     .route("/courts/{id}/book", get(|| async { "booked" }))
///     .layer(Require::new(permission(Permission::Book)));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct Require {
    rule: Arc<Rule>,
    hidden: bool,
    clock: Arc<dyn Clock>,
}

impl Require {
    /// Whom this rule lets in.
    pub fn new(rule: Rule) -> Self {
        Self { rule: Arc::new(rule), hidden: false, clock: Arc::new(SystemClock::default()) }
    }

    /// Answers 404 to whom the rule does not let in, signed in or not: empty, as axum and actix-web answer
    /// by themselves where there is no route. An app that has a page of its own for that puts it in place of
    /// all of them, in a layer further out.
    ///
    /// In axum the router around a route adds to what that answers: `Allow` where the method is another one,
    /// `Content-Length: 0` to `HEAD`. Where nobody may tell even by these, have a layer further out take them
    /// from every 404. What cannot be found out is 503 all the same, so have a token that makes no sense be
    /// nobody's (`Ok(None)`), and not an error.
    pub fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// Takes the time from this clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// As where there is no route. It is no event: whoever mistypes an address has tried nothing.
    pub(super) fn nothing_there() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "no route").bare().told()
    }
}

/// What becomes of a request by this rule.
pub(super) fn decided<R: RequestHead>(
    rule: &Rule,
    request: &R,
    clock: &dyn Clock,
    hidden: bool,
) -> Result<(), Refusal> {
    if rule.is_public() {
        return Ok(());
    }
    let now = clock.now();
    let known =
        request.look(|context: &Context| context.known(|known| decide(rule, known, request, now)));
    let decision = known.unwrap_or_else(|| decide(rule, None, request, now));
    decision.map_err(|(why, principal)| refuse(request, why, principal.as_ref(), hidden))
}

#[cold]
fn refuse<R: RequestHead>(
    request: &R,
    why: Why,
    principal: Option<&Principal>,
    hidden: bool,
) -> Refusal {
    let refusal = why.refusal();
    if let (Some(reporter), Some(name)) = (Reporter::of(request), refusal.event()) {
        let detail = Detail::Denied {
            reason: why.as_str(),
            lacks: why.lacks(),
            grants: principal.and_then(|principal| {
                NonZeroU32::new(u32::try_from(principal.grants_version()).ok()?)
            }),
        };
        let draft = SecurityEvent::draft(name).severity(why.severity()).detail(detail);
        reporter.emit(match principal {
            Some(principal) => draft.subject(principal.subject()),
            None => draft,
        });
    }
    if hidden && !refusal.status().is_server_error() {
        return Require::nothing_there();
    }
    sign_in(request, why).unwrap_or(refusal).told()
}

/// The way to the page on which people sign in, for whoever has to and is a person.
fn sign_in<R: RequestHead>(request: &R, why: Why) -> Option<Refusal> {
    if why != Why::Anonymous {
        return None;
    }
    let page = request.look(|context: &Context| {
        context.known(|known| match known {
            Some(Known::Nobody(page)) => page.clone(),
            _ => None,
        })
    });
    page.flatten()?.redirect(request)
}

fn decide<R: RequestHead>(
    rule: &Rule,
    known: Option<&Known>,
    request: &R,
    now: SystemTime,
) -> Result<(), (Why, Option<Principal>)> {
    let (authn, principal) = match known {
        None => (Authn::NoLayer, None),
        Some(Known::Nothing) => (Authn::Unavailable, None),
        Some(Known::Nobody(_)) => (Authn::Anonymous, None),
        Some(Known::Somebody(principal)) => (Authn::Subject(principal), Some(principal)),
    };
    let address = Who::of(request).proven_addr().ok();
    match rule.verdict(Evidence { authn, address, now }) {
        Verdict::Yes => Ok(()),
        Verdict::No(why) | Verdict::Unknown(why) => Err((why, principal.cloned())),
    }
}

impl Middleware for Require {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        decided(&self.rule, request, &*self.clock, self.hidden)
    }
}

adapt!(Require);

impl Principal {
    /// Who is asking; `None` if nobody has looked, it could not be found out, or nobody has signed in.
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let known = request.look(|context: &Context| {
            context.known(|known| match known {
                Some(Known::Somebody(principal)) => Some(principal.clone()),
                _ => None,
            })
        });
        known.flatten()
    }

    /// The same for a handler that has no guard, and needs to know.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn required<R: RequestHead>(request: &R) -> Result<Self, Refusal> {
        Self::of(request).ok_or_else(|| {
            let known = request.look(|context: &Context| {
                context.known(|known| match known {
                    None => Why::NoAuthnLayer,
                    Some(Known::Nothing) => Why::Unavailable,
                    Some(Known::Nobody(_) | Known::Somebody(_)) => Why::Anonymous,
                })
            });
            let why = known.unwrap_or(Why::NoAuthnLayer);
            refuse(request, why, None, false)
        })
    }
}
