//! How an attempt comes from the layer to the handler: through the request's context, once.

use std::sync::Arc;

use super::flight::Flight;
use super::{Lockout, LoginAttempt};
use crate::context::Context;
use crate::event::Reporter;
use crate::head::RequestHead;

/// What stands in the request's context.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are of it, and none is allocated by itself")]
pub(crate) enum Gate {
    /// The address was let in.
    Open(Flight),
    /// The handler has the attempt.
    Taken(Arc<Flight>),
}

impl Gate {
    /// The attempt for the handler, once.
    pub(crate) fn open(gate: &mut Option<Self>, reporter: Option<Reporter>) -> Option<Arc<Flight>> {
        match gate.take()? {
            Self::Open(mut flight) => {
                flight.report_to(reporter);
                let flight = Arc::new(flight);
                *gate = Some(Self::Taken(Arc::clone(&flight)));
                Some(flight)
            }
            taken @ Self::Taken(_) => {
                *gate = Some(taken);
                None
            }
        }
    }

    pub(super) fn is_of(&self, lockout: &Lockout) -> bool {
        Arc::ptr_eq(&self.flight().lockout.0, &lockout.0)
    }

    pub(super) fn flight(&self) -> &Flight {
        match self {
            Self::Open(flight) => flight,
            Self::Taken(flight) => flight,
        }
    }
}

impl LoginAttempt {
    /// The attempt of a request, where there is no extractor. `None` if no [`LoginLockout`](super::LoginLockout) is around
    /// its route, or it has been taken already: there is one for each request.
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let reporter = Reporter::of(request);
        let flight = request.look(|context: &Context| context.open_gate(reporter)).flatten()?;
        Some(Self::new(flight))
    }
}

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_ATTEMPT: &str =
    "no LoginLockout is around this route, or its attempt has been taken already";
