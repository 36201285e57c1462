//! https on every request.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::ExposedCredential;
use super::exempt::{is_acme_challenge, is_read_of};
use super::{ConfigError, dev};
use crate::adapters::adapt;
use crate::client::{Host, Scheme, Who, with_host};
use crate::event::{self, EventName, SecurityEvent};
use crate::head::{Name, RequestHead, ResponseHead, Value, asks_for_websocket};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::path::{ExactPaths, decoded};
use crate::refusal::Refusal;

/// Lets nothing through that did not come by https.
///
/// **The attack.** Whoever sits on the way, in the café or at the hotel, reads and changes what goes
/// by http: the password, the cookie, the page. A redirect that takes its host from the request
/// sends visitors to whatever site an attacker writes there, and caches keep it. A program that
/// follows redirects sends its key in the clear with each first request, and nobody notices.
///
/// **The rule.** OWASP ASVS 5.0, 12.2.1. For people, a redirect and
/// [`StrictTransportSecurity`](https://www.rfc-editor.org/rfc/rfc6797); for programs, a refusal: IETF
/// httpapi "API Keys and Privacy".
///
/// - [`redirect_to`](Self::redirect_to) answers 308 to the same bytes of path and query on the host
///   that you configure, whatever host the request names. The method stays, nothing of the body is
///   read, no cache keeps it.
/// - [`reject`](Self::reject) answers 403, the same bytes whatever the credential in the request; so
///   does [`reject_under`](Self::reject_under) for some paths. Preflights, web sockets and whatever
///   else browsers do not follow redirects for get 403 in any case.
/// - A credential that came in the clear is an event, `x_insecure_credential`, and should be revoked:
///   [`on_exposed_credential`](Self::on_exposed_credential).
/// - https needs evidence: see [`client`](crate::client). Without any, a request came by http.
/// - What is let through in the clear all the same, being [exempt](Self::exempt), answers without
///   `Set-Cookie` and `Strict-Transport-Security`. The latter is also taken from what answers under
///   an address instead of a name (RFC 6797, section 8.1.1). Of headers set by layers further out it
///   knows nothing.
///
/// See the [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "https is required only of requests to a service that is behind it"]
pub struct RequireHttps(Arc<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    /// `https://club.example`; `None` if nothing is redirected.
    origin: Option<String>,
    reject_under: Vec<String>,
    exempt: ExactPaths,
    acme: bool,
    dev_localhost: bool,
    credentials: Vec<Name>,
    on_exposed: Option<Hook>,
}

#[derive(Clone)]
struct Hook(Arc<dyn Fn(ExposedCredential<'_>) + Send + Sync>);

impl RequireHttps {
    /// Redirects to this host, by which people come: `club.example`, or with a port.
    pub fn redirect_to(host: &str) -> Result<Self, ConfigError> {
        // Port 80 is where nobody speaks TLS.
        let parsed = Host::parse(host.as_bytes()).filter(|host| host.port() != Some(80));
        let parsed = parsed.ok_or_else(|| ConfigError::Host { value: host.to_owned() })?;
        Ok(Self::new(Some(match parsed.port() {
            None | Some(443) => format!("https://{}", parsed.name()),
            Some(port) => format!("https://{}:{port}", parsed.name()),
        })))
    }

    /// Redirects nothing, and answers 403: for APIs.
    pub fn reject() -> Self {
        Self::new(None)
    }

    fn new(origin: Option<String>) -> Self {
        Self(Arc::new(Policy {
            origin,
            reject_under: Vec::new(),
            exempt: ExactPaths::default(),
            acme: false,
            dev_localhost: false,
            credentials: vec![AUTHORIZATION.clone(), COOKIE.clone()],
            on_exposed: None,
        }))
    }

    /// Redirects nothing at this path and below it: `/api` is `/api` and `/api/keys`, not `/apis`.
    pub fn reject_under(mut self, path: &str) -> Result<Self, ConfigError> {
        ExactPaths::check(path)?;
        self.policy().reject_under.push(path.trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// Lets `GET` and `HEAD` of exactly this path pass in the clear: for health checks.
    pub fn exempt(mut self, path: &str) -> Result<Self, ConfigError> {
        self.policy().exempt.add(path)?;
        Ok(self)
    }

    /// Lets challenges of an ACME server pass in the clear, by which certificates are renewed:
    /// `/.well-known/acme-challenge/` and a token.
    pub fn exempt_acme(mut self) -> Self {
        self.policy().acme = true;
        self
    }

    /// Lets requests for `localhost`, `127.0.0.1` and `[::1]` pass in the clear if they come from this
    /// machine, and no header says that a proxy has touched them.
    ///
    /// For development, and for nothing else: behind a proxy on the same machine that adds no header
    /// at all, everybody is let in.
    pub fn dev_localhost(mut self) -> Self {
        self.policy().dev_localhost = true;
        self
    }

    /// Takes this header for a credential too, as it does `Authorization` and `Cookie`.
    pub fn credential_header(mut self, name: &str) -> Result<Self, ConfigError> {
        let parsed = Name::new(name);
        let parsed = parsed.ok_or_else(|| ConfigError::HeaderName { value: name.to_owned() })?;
        self.policy().credentials.push(parsed);
        Ok(self)
    }

    /// Calls this with each header line of a credential that came in the clear, for it to be revoked;
    /// of one header with the first sixteen. It runs before the answer, so what takes long belongs in a
    /// queue. At exempt paths it is called too, and in [development](Self::dev_localhost) not.
    pub fn on_exposed_credential(
        mut self,
        hook: impl Fn(ExposedCredential<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.policy().on_exposed = Some(Hook(Arc::new(hook)));
        self
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }
}

impl Policy {
    /// Whether the request, which came in the clear, may pass, and what its answer must not hold.
    fn exemption<R: RequestHead>(&self, request: &R) -> Option<Memo> {
        if (self.acme && is_acme_challenge(request)) || is_read_of(&self.exempt, request) {
            if self.report_exposed(request) {
                let exposed = SecurityEvent::draft(EventName::InsecureCredential);
                event::report(request, exposed.reason("by http, at an exempt path"));
            }
            return Some(Memo { with_hsts: false, with_cookies: false });
        }
        let local = self.dev_localhost && dev::is_local(request);
        local.then_some(Memo { with_hsts: false, with_cookies: true })
    }

    fn refusal<R: RequestHead>(&self, request: &R) -> Refusal {
        let exposed = self.report_exposed(request);
        let location = self.location(request);
        let refusal = match location {
            Some(location) => Refusal::new(StatusCode::PERMANENT_REDIRECT, "by http")
                .with_header(LOCATION.clone(), location),
            None => Refusal::new(StatusCode::FORBIDDEN, "by http, and not to be redirected"),
        };
        match (exposed, refusal.status()) {
            (true, _) => refusal.with_event(EventName::InsecureCredential),
            (false, StatusCode::FORBIDDEN) => refusal.with_event(EventName::InsecureRequest),
            (false, _) => refusal,
        }
    }

    /// The same target by https; `None` for what is not to be redirected.
    fn location<R: RequestHead>(&self, request: &R) -> Option<Value> {
        let origin = self.origin.as_deref()?;
        let (target, path) = (request.path_and_query(), request.path());
        // A whole address may have a query and no path.
        let slash = if target.starts_with('?') { "/" } else { "" };
        // Browsers follow no redirect of a preflight (Fetch, section 4.8) or a web socket.
        let unfollowed =
            matches!(request.method(), "OPTIONS" | "CONNECT") || asks_for_websocket(request);
        let rejected = || self.reject_under.iter().any(|root| is_below(root, path));
        if unfollowed || !target.starts_with(['/', '?']) || rejected() {
            return None;
        }
        Value::from_opaque([origin, slash, target].concat().into())
    }

    fn report_exposed<R: RequestHead>(&self, request: &R) -> bool {
        let mut exposed = false;
        for name in &self.credentials {
            for value in request.header(name).take(MOST_CREDENTIALS) {
                exposed = true;
                if let Some(Hook(hook)) = &self.on_exposed {
                    hook(ExposedCredential { header: name.as_str(), value });
                }
            }
        }
        exposed
    }
}

/// Whether a path is this one or below it, as a router sees it that decodes paths.
fn is_below(root: &str, path: &str) -> bool {
    let mut rest = decoded(path);
    root.bytes().all(|byte| rest.next() == Some(byte)) && matches!(rest.next(), None | Some(b'/'))
}

/// What [`RequireHttps`] keeps from the request to its response. A request that was refused further
/// out has the default, and is answered as if by http.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Memo {
    with_hsts: bool,
    with_cookies: bool,
}

impl Middleware for RequireHttps {
    type Memo = Memo;
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut Memo) -> Result<(), Refusal> {
        if Who::of(request).scheme() == Scheme::Https {
            let by_address = with_host(request, |host| host.is_some_and(Host::is_address));
            *memo = Memo { with_hsts: !by_address, with_cookies: true };
            return Ok(());
        }
        *memo = self.0.exemption(request).ok_or_else(|| self.0.refusal(request))?;
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &Memo, response: &mut H) {
        if !memo.with_hsts {
            response.remove(&STRICT_TRANSPORT_SECURITY);
        }
        if !memo.with_cookies {
            response.remove(&SET_COOKIE);
        }
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "RequireHttps", needs_https: true, ..Layer::default() });
    }
}

adapt!(RequireHttps);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Of lines of one header.
const MOST_CREDENTIALS: usize = 16;

static AUTHORIZATION: Name = Name::from_static("authorization");
static COOKIE: Name = Name::from_static("cookie");
static LOCATION: Name = Name::from_static("location");
static SET_COOKIE: Name = Name::from_static("set-cookie");
static STRICT_TRANSPORT_SECURITY: Name = Name::from_static("strict-transport-security");
