//! What the middleware of this crate hand on to handlers, and to one another, during one request.
//!
//! It all lives in one request extension, because inserting an extension may take three
//! allocations. Whichever middleware needs it first creates it.

#[cfg(feature = "headers")]
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
#[cfg(feature = "cookies")]
use std::sync::{Mutex, PoisonError};

use crate::client::{Host, Who};
#[cfg(feature = "cookies")]
use crate::cookies::{Outbox, session::SessionCell};
#[cfg(feature = "csrf")]
use crate::csrf::Rulings;
use crate::event::EventLog;
use crate::head::RequestHead;
#[cfg(feature = "headers")]
use crate::headers::csp::Nonce;
#[cfg(feature = "lockout")]
use crate::lockout::{Flight, Gate};
#[cfg(feature = "roles")]
use crate::roles::Known;

#[derive(Clone, Debug, Default)]
pub(crate) struct Context(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    log: OnceLock<EventLog>,
    who: OnceLock<Who>,
    host: OnceLock<Option<Host>>,
    #[cfg(feature = "cookies")]
    outbox: OnceLock<Outbox>,
    #[cfg(feature = "cookies")]
    session: Mutex<Option<Arc<SessionCell>>>,
    #[cfg(feature = "csrf")]
    rulings: Mutex<Rulings>,
    #[cfg(feature = "lockout")]
    gate: Mutex<Option<Gate>>,
    #[cfg(feature = "roles")]
    known: OnceLock<Known>,
    #[cfg(feature = "headers")]
    nonce: OnceLock<Option<Nonce>>,
    /// Whether the header that is sent will carry the nonce: see [`Context::promise_nonce`].
    #[cfg(feature = "headers")]
    promise: AtomicU8,
}

impl Context {
    /// The request's context, which is created if need be.
    pub(crate) fn of<R: RequestHead>(request: &mut R) -> Self {
        request.extension().unwrap_or_else(|| {
            let context = Self::default();
            request.insert_extension(context.clone());
            context
        })
    }

    /// Says where events go. The layer furthest out knows.
    pub(crate) fn set_log(&self, log: &EventLog) {
        self.0.log.get_or_init(|| log.clone());
    }

    /// Where events go, if anywhere.
    pub(crate) fn log(&self) -> Option<&EventLog> {
        self.0.log.get()
    }

    /// Says who is asking. The layer furthest out knows: what it has said stays, and then this is
    /// false.
    pub(crate) fn set_who(&self, who: Who) -> bool {
        self.0.who.set(who).is_ok()
    }

    /// Who is asking, if a layer has found out.
    pub(crate) fn who(&self) -> Option<&Who> {
        self.0.who.get()
    }

    /// For which host the request is; it is read when first asked for.
    pub(crate) fn host(&self, read: impl FnOnce() -> Option<Host>) -> Option<&Host> {
        self.0.host.get_or_init(read).as_ref()
    }

    /// Makes place for the cookies that handlers set.
    #[cfg(feature = "cookies")]
    pub(crate) fn open_outbox(&self) {
        self.0.outbox.get_or_init(Outbox::default);
    }

    /// Where handlers put the cookies they set, if somebody sends them.
    #[cfg(feature = "cookies")]
    pub(crate) fn outbox(&self) -> Option<&Outbox> {
        self.0.outbox.get()
    }

    /// Says which session the request belongs to. Where a layer of the same sessions is further out,
    /// that has said it, and this is false.
    #[cfg(feature = "cookies")]
    pub(crate) fn set_session(&self, session: &Arc<SessionCell>) -> bool {
        let mut known = self.0.session.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.as_ref().is_some_and(|known| known.is_of_the_same(session));
        if !is_known {
            *known = Some(Arc::clone(session));
        }
        !is_known
    }

    /// The session of the request, if there is a layer of sessions.
    #[cfg(feature = "cookies")]
    pub(crate) fn session(&self) -> Option<Arc<SessionCell>> {
        self.0.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What layers have decided of where the request comes from.
    #[cfg(feature = "csrf")]
    pub(crate) fn rulings<T>(&self, look: impl FnOnce(&mut Rulings) -> T) -> T {
        look(&mut self.0.rulings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says who is asking. The layer furthest out knows.
    #[cfg(feature = "roles")]
    pub(crate) fn set_known(&self, known: Known) {
        self.0.known.get_or_init(|| known);
    }

    /// Who is asking, if a layer has looked.
    #[cfg(feature = "roles")]
    pub(crate) fn known<T>(&self, look: impl FnOnce(Option<&Known>) -> T) -> T {
        look(self.0.known.get())
    }

    /// Says that a login attempt was let in by its address.
    #[cfg(feature = "lockout")]
    pub(crate) fn set_gate(&self, gate: Gate) {
        *self.gate() = Some(gate);
    }

    /// The login attempt for the handler, once.
    #[cfg(feature = "lockout")]
    pub(crate) fn open_gate(
        &self,
        reporter: Option<crate::event::Reporter>,
    ) -> Option<Arc<Flight>> {
        Gate::open(&mut self.gate(), reporter)
    }

    /// The login attempt for whoever settles it.
    #[cfg(feature = "lockout")]
    pub(crate) fn take_gate(&self) -> Option<Gate> {
        self.gate().take()
    }

    #[cfg(feature = "lockout")]
    fn gate(&self) -> std::sync::MutexGuard<'_, Option<Gate>> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether the policy that is sent will carry the nonce. The layer nearest to the handler
    /// speaks last, and its policy is the one that is sent, unless one further out overrides it.
    #[cfg(feature = "headers")]
    pub(crate) fn promise_nonce(&self, carries: bool, overrides: bool) {
        if self.0.promise.load(Ordering::Relaxed) & SETTLED == 0 {
            let promise = if carries { CARRIES } else { 0 } | if overrides { SETTLED } else { 0 };
            self.0.promise.store(promise, Ordering::Relaxed);
        }
    }

    /// The request's nonce, which is made when first asked for; `None` if no header will carry it,
    /// or none did: the response's head is finished.
    #[cfg(feature = "headers")]
    pub(crate) fn nonce(&self) -> Option<Nonce> {
        let carries = self.0.promise.load(Ordering::Relaxed) & CARRIES != 0;
        carries.then(|| *self.0.nonce.get_or_init(|| Some(Nonce::random()))).flatten()
    }

    /// The request's nonce, if anybody has asked for it. From now on nobody gets one.
    #[cfg(feature = "headers")]
    pub(crate) fn seal_nonce(&self) -> Option<Nonce> {
        *self.0.nonce.get_or_init(|| None)
    }
}

#[cfg(feature = "headers")]
const CARRIES: u8 = 1;
#[cfg(feature = "headers")]
const SETTLED: u8 = 2;
