//! What handlers set, kept until the response goes out.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{OpenReason, ReadError, SetError};
use super::harden::SET_COOKIE;
use super::outgoing::OutgoingCookie;
use super::prefix::NamePrefix;
use super::spec::CookieSpec;
use super::value::CookieValue;
use super::view;
use crate::adapters::adapt;
use crate::context::Context;
use crate::event::{Detail, EventName, Reporter, SecurityEvent, Severity};
use crate::head::{RequestHead, ResponseHead};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::shared_caches;

/// Sends the cookies that handlers set with [`Cookies`].
///
/// It goes behind [`HardenCookies`](super::HardenCookies), which then sees them too. Whatever the
/// handler's answer is, an error as well, they are in it; and shared caches are kept from it, whatever
/// the handler says of caches.
///
/// See [`Cookies`] for an example.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "cookies are sent only in responses of a service that is behind it"]
#[non_exhaustive]
pub struct CookieOutbox;

impl CookieOutbox {
    /// It has nothing to configure.
    pub const fn new() -> Self {
        Self
    }
}

impl Middleware for CookieOutbox {
    type Memo = OutboxMemo;
    type Refusal = Infallible;

    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut OutboxMemo,
    ) -> Result<(), Infallible> {
        let context = Context::of(request);
        context.open_outbox();
        memo.0 = Some(context);
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &OutboxMemo, response: &mut H) {
        if let Some(outbox) = memo.0.as_ref().and_then(Context::outbox) {
            outbox.send(response);
        }
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer {
            name: "CookieOutbox",
            sets_cookies: true,
            needs_https: true,
            ..Layer::default()
        });
    }
}

adapt!(CookieOutbox);

/// What [`CookieOutbox`] keeps from the request to its response.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct OutboxMemo(Option<Context>);

/// The cookies of one request and its response.
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`). Where no [`CookieOutbox`]
/// is around the route the extractor answers 500, rather than lose what a handler sets.
///
/// - What is set or deleted is sent with whatever answer there is, be it an error. Of the same cookie
///   the last word counts.
/// - What is read is what came with the request. A cookie that is ambiguous, or whose seal is broken,
///   is as if it were not there, and the event `x_cookie_refused`.
/// - What an older key has sealed is sealed anew when it is read, with the time that it had, unless
///   the handler has set or deleted it.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::Router;
/// use axum::body::Body;
/// use axum::http::{Request, StatusCode};
/// use axum::routing::get;
/// use donjon::cookies::prefix::Host;
/// use donjon::cookies::{CookieOutbox, CookieSpec, Cookies, HardenCookies};
/// use donjon::middleware::Stack;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let theme: CookieSpec<String, Host> = CookieSpec::new("__Host-theme")?;
///
/// let dark = async move |cookies: Cookies| {
///     cookies.set(&theme, &"dark".to_owned()).map_err(|_| StatusCode::BAD_REQUEST)?;
///     Err::<(), _>(StatusCode::CONFLICT) // it is sent all the same
/// };
/// let app = Router::new()
///     .route("/dark", get(dark))
///     .layer(Stack::new((HardenCookies::new(), CookieOutbox::new())));
///
/// let response = app.oneshot(Request::get("/dark").body(Body::empty())?).await?;
/// assert_eq!(response.status(), StatusCode::CONFLICT);
/// assert_eq!(
///     response.headers()["set-cookie"],
///     "__Host-theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax"
/// );
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Cookies {
    context: Context,
    /// All lines of `Cookie`, as one.
    line: Box<[u8]>,
    reporter: Option<Reporter>,
}

impl Cookies {
    /// The cookies of a request, where there is no extractor. `None` if no [`CookieOutbox`] is around
    /// it.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let context =
            request.extension::<Context>().filter(|context| context.outbox().is_some())?;
        let lines: Vec<_> = request.header(&view::COOKIE).collect();
        Some(Self { context, line: lines.join(&b';').into(), reporter: Reporter::of(request) })
    }

    /// Sets a cookie.
    pub fn set<T: CookieValue, P: NamePrefix>(
        &self,
        spec: &CookieSpec<T, P>,
        value: &T,
    ) -> Result<(), SetError> {
        self.send(spec.set(value)?)
    }

    /// Deletes a cookie.
    pub fn delete<T, P: NamePrefix>(&self, spec: &CookieSpec<T, P>) -> Result<(), SetError> {
        self.send(spec.delete())
    }

    /// Sends a cookie that was made elsewhere.
    pub fn send(&self, cookie: OutgoingCookie) -> Result<(), SetError> {
        // It was there when this was made, and stays.
        self.context.outbox().map_or(Ok(()), |outbox| outbox.put(cookie))
    }

    /// Sends it unless something else is to be sent in its place.
    fn renew(&self, cookie: &OutgoingCookie) {
        if let Some(outbox) = self.context.outbox() {
            outbox.put_unless_there(cookie);
        }
    }

    /// The value that came with the request, if there is one that can be believed.
    #[must_use]
    pub fn get<T: CookieValue, P: NamePrefix>(&self, spec: &CookieSpec<T, P>) -> Option<T> {
        let found = view::find([&*self.line].into_iter(), spec.name());
        match spec.read_found(found) {
            Ok(read) => {
                let read = read?;
                if let Some(until) = read.expires_at.filter(|_| read.needs_reseal) {
                    // Where that fails the old one is still good.
                    if let Ok(cookie) = spec.set_until(&read.value, until) {
                        self.renew(&cookie);
                    }
                }
                Some(read.value)
            }
            Err(error) => {
                if let Some(reporter) = &self.reporter {
                    report_refused(reporter, spec.name(), error);
                }
                None
            }
        }
    }
}

/// Says that a cookie was not believed.
pub(super) fn report_refused(reporter: &Reporter, name: &'static str, error: ReadError) {
    let draft = SecurityEvent::draft(EventName::CookieRefused);
    // Time passes for everybody, and so do keys.
    let ordinary = matches!(error, ReadError::Sealed(error) if matches!(error.reason(), OpenReason::Expired | OpenReason::RetiredKey));
    let severity = if ordinary { Severity::Info } else { Severity::Warn };
    reporter.emit(draft.severity(severity).detail(Detail::Cookie { name, reason: error.as_str() }));
}

/// Says nothing of values.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

/// What is to be sent with the response.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    cookies: Vec<OutgoingCookie>,
    /// Whether the head of the response is done.
    closed: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, cookie: OutgoingCookie) -> Result<(), SetError> {
        let mut queue = self.lock();
        if queue.closed {
            let name = String::from_utf8_lossy(cookie.read().name()).into_owned();
            return Err(SetError::TooLate { name });
        }
        queue.cookies.retain(|earlier| !cookie.replaces(earlier));
        queue.cookies.push(cookie);
        Ok(())
    }

    fn put_unless_there(&self, cookie: &OutgoingCookie) {
        let mut queue = self.lock();
        if !queue.closed && !queue.cookies.iter().any(|earlier| cookie.replaces(earlier)) {
            queue.cookies.push(cookie.clone());
        }
    }

    /// actix-web may make several responses of one error, so what is sent stays.
    fn send<H: ResponseHead>(&self, response: &mut H) {
        let mut queue = self.lock();
        queue.closed = true;
        for cookie in &queue.cookies {
            append(response, cookie);
        }
    }
}

/// Adds a cookie to a response, once.
pub(crate) fn append<H: ResponseHead>(response: &mut H, cookie: &OutgoingCookie) {
    if !response.header(&SET_COOKIE).any(|line| line == cookie.as_str().as_bytes()) {
        response.append_bytes(&SET_COOKIE, cookie.bytes().clone());
        shared_caches::forbid(response);
    }
}

/// Why there is no [`Cookies`].
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_OUTBOX: &str = "no CookieOutbox is around this route: put it into the stack";
