//! The lockout as a layer around a login route.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::flight::{Ending, Flight};
use super::gate::Gate;
use super::{Lease, LegacyStatus, Lockout, NotAdmitted, guard};
use crate::adapters::adapt_async;
use crate::client::{AddrKey, Who};
use crate::context::Context;
use crate::cookies::{self, OutgoingCookie};
use crate::event::{EventName, Reporter, SecurityEvent};
use crate::head::{RequestHead, ResponseHead};
use crate::middleware::{Admission, AsyncMiddleware, Later};
use crate::refusal::Refusal;
use crate::trace;

/// Counts the attempts at a login route by their address, before anything of their body is read, and
/// hands the handler a [`LoginAttempt`](super::LoginAttempt).
///
/// - Put it on the route that takes the password, nearer to it than
///   [`TrustedProxies`](crate::client::TrustedProxies) and
///   [`SecurityHeaders`](crate::headers::SecurityHeaders): its 429 has their headers too.
/// - An address that is locked gets 429 with `Retry-After`, in whole seconds and rounded up: whoever
///   waits so long is let in.
/// - On the way out an attempt of which the handler has not said how it ended is settled: 5xx is
///   [undecided](super::Attempt::undecided), anything else a failure. Where a task or a password's
///   verification still has it, that has the last word.
/// - If the handler has named no account, 4xx is a failure of the address; 404 and 405, anything below
///   400, `GET` and `HEAD` are not counted: somebody has looked at the form.
/// - A request that is given up, and a handler that panics, is a failure.
/// - `OPTIONS` is let through, and there is no attempt for it.
/// - A browser that has [logged in before](super::DeviceCookies) is let in at an address that is locked, for
///   its account alone, where the handlers behind this layer name the account: where none does, nothing else would
///   count. What they do is known after the first; so **have a layer for each route**, rather than one around a
///   router in which only some do.
/// - If a request that changes something succeeds without the handler having touched its attempt, a
///   warning says so, once: a login that is not counted looks just like one that is.
/// - Put [`CsrfProtection`](crate::csrf::CsrfProtection) further out, or any page on the web has its
///   visitors fail here.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Form, Router, http::StatusCode, routing::post};
/// use donjon::lockout::{Account, Lockout, LockoutPolicy, LoginAttempt, LoginLockout};
/// use donjon::refusal::Refusal;
///
/// # async fn password_is_right(account: &Account, password: &str) -> bool { password == "secret" }
/// async fn login(
///     attempt: LoginAttempt,
///     Form(fields): Form<Vec<(String, String)>>,
/// ) -> Result<&'static str, Refusal> {
///     let [(_, name), (_, password)] = &fields[..] else {
///         return Err(Refusal::new(StatusCode::BAD_REQUEST, "not the form's fields"));
///     };
///     let account = Account::name(name)?;
///     let attempt = attempt.account(&account).await?; // counted, or turned away with 429
///     if password_is_right(&account, password).await {
///         attempt.succeed().await;
///         Ok("welcome")
///     } else {
///         attempt.fail().await;
///         Err(Refusal::new(StatusCode::UNAUTHORIZED, "wrong password"))
///     }
/// }
///
/// let lockout = Lockout::builder(LockoutPolicy::default()).build()?;
/// let app: Router = Router::new().route("/login", post(login).layer(LoginLockout::new(&lockout)));
/// # }
/// # Ok::<_, donjon::lockout::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct LoginLockout {
    lockout: Lockout,
    legacy: Option<Arc<LegacyStatus>>,
    has_warned: Arc<AtomicBool>,
    /// Some handler behind it has named the account.
    is_used: Arc<AtomicBool>,
    /// Known browsers that a locked address has let pass before that was known.
    unproven: Arc<AtomicU32>,
}

impl LoginLockout {
    /// Around the route that takes the password.
    pub fn new(lockout: &Lockout) -> Self {
        Self {
            lockout: lockout.clone(),
            legacy: None,
            has_warned: Arc::default(),
            is_used: Arc::default(),
            unproven: Arc::default(),
        }
    }

    /// Takes the status for what came of it, where no handler takes the attempt.
    pub fn by_legacy_status(mut self, status: LegacyStatus) -> Self {
        self.legacy = Some(Arc::new(status));
        self
    }

    fn refuse(denied: NotAdmitted) -> Refusal {
        denied.into()
    }

    /// Says what came of an attempt where the handler has not.
    fn settle_flight(
        &self,
        flight: impl AsRef<Flight> + Send + 'static,
        memo: &LoginMemo,
        status: u16,
    ) -> Option<Later<()>> {
        let ending = if !flight.as_ref().is_touched() {
            if status < 400 && memo.changes {
                self.warn(memo.reporter.as_ref(), UNUSED);
            }
            self.ending_by_status(status, memo.changes)
        } else if status >= 500 {
            if flight.as_ref().is_under_way() {
                self.warn(memo.reporter.as_ref(), UNSAID);
            }
            Ending::Undecided
        } else {
            Ending::Failure
        };
        if flight.as_ref().settle_at_once(ending).is_some() {
            return None;
        }
        Some(Box::pin(async move {
            flight.as_ref().settle(ending).await;
        }))
    }

    /// Of an attempt that nobody has made use of. Whoever only looks has tried nothing, and neither has
    /// whoever was not understood by the router: else any page on the web could use up a visitor's
    /// address.
    fn ending_by_status(&self, status: u16, changes: bool) -> Ending {
        match &self.legacy {
            _ if !changes => Ending::Undecided,
            Some(legacy) if legacy.success.contains(&status) => Ending::Undecided,
            Some(legacy) if legacy.failure.contains(&status) => Ending::Failure,
            _ if matches!(status, 404 | 405) => Ending::Undecided,
            _ if (400..500).contains(&status) => Ending::Failure,
            _ => Ending::Undecided,
        }
    }

    fn warn(&self, reporter: Option<&Reporter>, what: &'static str) {
        if self.legacy.is_some() || self.has_warned.swap(true, Ordering::Relaxed) {
            return;
        }
        trace::warn!("{what}");
        if let Some(reporter) = reporter {
            reporter.emit(SecurityEvent::draft(EventName::SysMonitorDisabled).reason(what));
        }
    }
}

/// Where the attempt of a request stands, and what to tell of it.
#[derive(Debug, Default)]
pub struct LoginMemo {
    context: Option<Context>,
    reporter: Option<Reporter>,
    /// Whether the request's method is one that changes something.
    changes: bool,
    /// That of a layer further out, for another lockout.
    outer: Mutex<Option<Gate>>,
    cookie: OnceLock<OutgoingCookie>,
}

impl LoginMemo {
    fn give_back(&self, context: &Context) {
        if let Some(outer) = self.outer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            context.set_gate(outer);
        }
    }
}

impl AsyncMiddleware for LoginLockout {
    type Memo = LoginMemo;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut LoginMemo) -> Admission {
        if request.method() == "OPTIONS" {
            return Admission::Now(Ok(()));
        }
        let who = Who::of(request);
        let address = match who.addr() {
            Ok(address) => address,
            Err(unknown) => return Admission::Now(Err(unknown.into())),
        };
        let inner = &self.lockout.0;
        let context = Context::of(request);
        let outer = context.take_gate();
        if let Some(outer) = outer {
            if outer.is_of(&self.lockout) {
                // It has counted the request already, unless it has let a known browser pass.
                let locked = outer.flight().locked.filter(|_| self.legacy.is_some());
                context.set_gate(outer);
                if let Some(locked) = locked {
                    return Admission::Now(Err(Self::refuse(locked)));
                }
                if self.legacy.is_some() {
                    // And it is this one that knows what the status says.
                    memo.changes = !matches!(request.method(), "GET" | "HEAD");
                    memo.context = Some(context);
                }
                return Admission::Now(Ok(()));
            }
            memo.outer = Mutex::new(Some(outer));
        }
        if !self.has_warned.load(Ordering::Relaxed) {
            memo.reporter = Reporter::without_route(request);
        }
        memo.changes = !matches!(request.method(), "GET" | "HEAD");
        memo.context = Some(context.clone());

        // Whoever cannot prove where he is, is counted.
        let is_counted = who.proven_addr().map_or(true, |address| inner.counts(address));
        let device = inner.devices.as_ref().and_then(|devices| devices.read(request));
        // Where no handler names the account, nothing else counts.
        let is_used = self.legacy.is_none() && self.is_used.load(Ordering::Relaxed);
        let is_known = device.is_some() && self.legacy.is_none();
        let unproven = Arc::clone(&self.unproven);
        let (address, lockout) = (AddrKey::from(address), self.lockout.clone());
        let open = move |reserved: Result<Option<Lease>, NotAdmitted>| {
            let is_known = is_known
                && (is_used
                    || reserved.is_ok()
                    || unproven.fetch_add(1, Ordering::Relaxed) < UNPROVEN);
            let pass = guard::pass(address, is_counted, reserved, is_known)?;
            context.set_gate(Gate::Open(Flight::new(lockout, pass, device)));
            Ok(())
        };
        if let Some(reserved) = inner.reserve_address_at_once(address, is_counted) {
            return Admission::Now(open(reserved).map_err(Self::refuse));
        }
        let lockout = self.lockout.clone();
        Admission::Later(Box::pin(async move {
            let reserved = lockout.0.reserve_address(address, is_counted).await;
            open(reserved).map_err(Self::refuse)
        }))
    }

    fn settle(&self, memo: &LoginMemo, status: u16) -> Option<Later<()>> {
        let context = memo.context.as_ref()?;
        let gate = context.take_gate();
        memo.give_back(context);
        match gate? {
            Gate::Open(flight) => self.settle_flight(flight, memo, status),
            Gate::Taken(flight) => {
                if flight.is_named() {
                    self.is_used.store(true, Ordering::Relaxed);
                }
                if let Some(cookie) = flight.device_cookie() {
                    memo.cookie.get_or_init(|| cookie);
                }
                // Where somebody still has the attempt, a task or the password's verification, he has
                // the last word.
                if Arc::strong_count(&flight) > 1 {
                    return None;
                }
                self.settle_flight(flight, memo, status)
            }
        }
    }

    fn finish<H: ResponseHead>(&self, memo: &LoginMemo, response: &mut H) {
        // This layer has turned the request away itself, and the one further out has its own to settle.
        if let Some(context) = &memo.context {
            memo.give_back(context);
        }
        if let Some(cookie) = memo.cookie.get() {
            cookies::append(response, cookie);
        }
    }
}

adapt_async!(LoginLockout);

impl fmt::Debug for LoginLockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLockout")
            .field("lockout", &self.lockout)
            .field("legacy", &self.legacy)
            .finish_non_exhaustive()
    }
}

/// So many known browsers pass a locked address before it is known whether handlers name the account: their
/// owner must not be locked out of a server that has just started.
const UNPROVEN: u32 = 1;
const UNUSED: &str = "a login route does not use its LoginAttempt: logins there are not counted";
const UNSAID: &str = "a login was answered with 5xx, and nobody has said what came of it: if that is a \
    wrong password, say fail(), or guesses there are not counted";
