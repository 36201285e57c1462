//! Events of a request: what the layers of a stack notice, and what handlers report.

use std::convert::Infallible;
use std::net::IpAddr;

use super::{Draft, EventLog, SecurityEvent};
use crate::adapters::adapt;
use crate::client::Who;
use crate::context::Context;
use crate::head::{RequestHead, RouteTemplate};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// As a layer, it lets the layers behind it, and handlers, report to the log.
///
/// It goes first into the stack, before [`TrustedProxies`](crate::client::TrustedProxies). Of several
/// logs around one route the outermost gets the events.
impl Middleware for EventLog {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        Context::of(request).set_log(self);
        Ok(())
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "EventLog", logs: true, ..Layer::default() });
    }
}

adapt!(EventLog);

/// Reports events of one request: it adds the client and the route by itself.
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`). Where no [`EventLog`] is
/// around the route the extractor answers 500, rather than let an app run whose events nobody hears;
/// `Option<Reporter>` does without.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use donjon::event::{EventName, Reporter, SecurityEvent};
///
/// async fn change_password(reporter: Reporter) {
///     let user = "4711"; // from the session
///     reporter.emit(SecurityEvent::draft(EventName::AuthnPasswordChange).subject(user));
/// }
/// # let _ = change_password;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reporter {
    log: EventLog,
    client: Option<IpAddr>,
    route: Option<RouteTemplate>,
}

impl Reporter {
    /// The reporter of a request, where there is no extractor: in a [`Middleware`] of your own, say.
    /// `None` if no [`EventLog`] is around it.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let log = request.look(|context: &Context| context.log().cloned()).flatten()?;
        Some(Self { log, client: Who::of(request).addr().ok(), route: request.route() })
    }

    /// As [`of`](Self::of), for a response that may need it: to find out the route may allocate.
    #[cfg(any(feature = "cookies", feature = "payment", feature = "roles"))]
    pub(crate) fn without_route<R: RequestHead>(request: &R) -> Option<Self> {
        let log = request.look(|context: &Context| context.log().cloned()).flatten()?;
        Some(Self { log, client: Who::of(request).addr().ok(), route: None })
    }

    /// A reporter where there is no request.
    #[cfg(feature = "lockout")]
    pub(crate) fn without_request(log: &EventLog, client: IpAddr) -> Self {
        Self { log: log.clone(), client: Some(client), route: None }
    }

    /// Records an event. What the draft does not say of client and route is that of the request.
    pub fn emit(&self, mut draft: Draft<'_>) {
        draft.client = draft.client.or(self.client);
        draft.route = draft.route.or_else(|| self.route.clone());
        self.log.emit(draft);
    }

    /// The log itself.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// Records that the request was refused, if that is an event.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        if let Some(name) = refusal.event() {
            self.emit(SecurityEvent::draft(name).reason(refusal.reason()));
        }
    }
}

/// Records an event of a request, if there is a log.
#[cold]
pub(crate) fn report<R: RequestHead>(request: &R, draft: Draft<'_>) {
    if let Some(reporter) = Reporter::of(request) {
        reporter.emit(draft);
    }
}

/// Records that a request was refused, if there is a log.
#[cold]
pub(crate) fn refused<R: RequestHead>(request: &R, refusal: &Refusal) {
    if let Some(reporter) = Reporter::of(request) {
        reporter.refused(refusal);
    }
}

/// Why the extractor of a reporter refuses.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_LOG: &str =
    "a handler asked for a Reporter, but no EventLog is around its route";
