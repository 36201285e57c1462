//! Guards: a rule around a route.

use std::num::NonZeroU32;
use std::sync::Arc;

use http::StatusCode;

use super::authenticate::{Asking, Known};
use super::principal::Principal;
use super::rule::Rule;
use super::verdict::{Authn, Evidence, Verdict};
use super::why::Why;
use crate::adapters::adapt;
use crate::client::Who;
use crate::clock::{Clock, SystemClock};
use crate::context::Context;
use crate::event::{Detail, EventLog, EventName, Reporter, SecurityEvent, report};
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
/// | whoever shows what is [no longer valid](super::Identity::epoch) | the same, with `invalid_token` (RFC 6750) |
/// | whoever has signed in too long ago | 401, with the challenge of RFC 9470; people are sent to the [page for that](super::Authenticate::confirm_page), if there is one |
/// | everybody else whom the rule does not let in | 403, or 404 if it is [hidden](Self::hidden) |
///
/// None of them is stored by a cache, but what is hidden, which says no more than any 404. Each is an
/// [event](crate::event), with the user's tag and the reason; of those who are let in a
/// [sample](crate::event::EventLogBuilder::sample_grants) can be.
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
    let known = request.look(|context: &Context| {
        let decision = context.known(|known| decide(rule, known, request, clock));
        let is_sampled = decision.is_ok() && context.log().is_some_and(EventLog::samples_grant);
        (decision, is_sampled)
    });
    let (decision, is_sampled) =
        known.unwrap_or_else(|| (decide(rule, None, request, clock), false));
    if is_sampled {
        granted(request);
    }
    decision.map_err(|(why, principal)| refuse(request, why, principal.as_ref(), hidden))
}

#[cold]
fn granted<R: RequestHead>(request: &R) {
    let principal = Principal::of(request);
    let grants = principal.as_ref().and_then(version);
    let draft = SecurityEvent::draft(EventName::AuthzGranted).detail(Detail::Granted { grants });
    report(
        request,
        match &principal {
            Some(principal) => draft.subject(principal.subject()),
            None => draft,
        },
    );
}

fn version(principal: &Principal) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(principal.grants_version()).ok()?)
}

impl Why {
    /// Tells the log why somebody was not let in.
    pub(super) fn tell(self, reporter: &Reporter, principal: Option<&Principal>) {
        let detail = Detail::Denied {
            reason: self.as_str(),
            lacks: self.lacks(),
            grants: principal.and_then(version),
        };
        let draft = SecurityEvent::draft(EventName::AuthzFail).severity(self.severity());
        let draft = draft.detail(detail);
        reporter.emit(match principal {
            Some(principal) => draft.subject(principal.subject()),
            None => draft,
        });
    }
}

#[cold]
fn refuse<R: RequestHead>(
    request: &R,
    why: Why,
    principal: Option<&Principal>,
    hidden: bool,
) -> Refusal {
    let refusal = why.refusal();
    if let Some(reporter) = Reporter::of(request) {
        why.tell(&reporter, principal);
    }
    if hidden && !refusal.status().is_server_error() {
        return Require::nothing_there();
    }
    sign_in(request, why).unwrap_or(refusal).told()
}

/// The way to the page on which people show who they are, for whoever has to and is a person.
fn sign_in<R: RequestHead>(request: &R, why: Why) -> Option<Refusal> {
    let page = request.look(|context: &Context| {
        context.known(|known| {
            let pages = &known?.pages;
            match why {
                Why::Anonymous | Why::Outdated => pages.sign_in.clone(),
                Why::Stale { .. } => pages.confirm.clone(),
                _ => None,
            }
        })
    });
    page.flatten()?.redirect(request)
}

fn decide<R: RequestHead>(
    rule: &Rule,
    known: Option<&Known>,
    request: &R,
    clock: &dyn Clock,
) -> Result<(), (Why, Option<Principal>)> {
    let (authn, principal) = match known.map(|known| &known.who) {
        None => (Authn::NoLayer, None),
        Some(Asking::Unknown) => (Authn::Unavailable, None),
        Some(Asking::Nobody) => (Authn::Anonymous, None),
        Some(Asking::Somebody(principal)) => (Authn::Subject(principal), Some(principal)),
    };
    let address = || Who::of(request).proven_addr().ok();
    match rule.verdict(&Evidence::new(authn, &address, &|| clock.now())) {
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
    /// Who is asking; `None` if nobody has looked, it could not be found out, nobody has signed in, or what was
    /// shown is [no longer valid](super::Identity::epoch).
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let known = request.look(|context: &Context| {
            context.known(|known| match &known?.who {
                Asking::Somebody(principal) if !principal.is_outdated() => Some(principal.clone()),
                _ => None,
            })
        });
        known.flatten()
    }

    /// The same for a handler, whose refusals are told by what it is given here.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn extracted<R: RequestHead>(request: &R) -> Option<Self> {
        Self::of(request).map(|principal| principal.reporting_to(Reporter::of(request)))
    }

    /// The same for a handler that has no guard, and needs to know.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn required<R: RequestHead>(request: &R) -> Result<Self, Refusal> {
        Self::extracted(request).ok_or_else(|| {
            let known = request.look(|context: &Context| {
                context.known(|known| match known.map(|known| &known.who) {
                    None => Why::NoAuthnLayer,
                    Some(Asking::Unknown) => Why::Unavailable,
                    Some(Asking::Nobody) => Why::Anonymous,
                    Some(Asking::Somebody(_)) => Why::Outdated,
                })
            });
            let why = known.unwrap_or(Why::NoAuthnLayer);
            refuse(request, why, None, false)
        })
    }
}
