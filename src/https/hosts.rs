//! The hosts that requests may be for.

use std::sync::Arc;

use http::StatusCode;

use super::exempt::is_read_of;
use super::{ConfigError, dev};
use crate::adapters::adapt;
use crate::client::{Host, requested_host};
use crate::context::Context;
use crate::event::EventName;
use crate::head::RequestHead;
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::path::ExactPaths;
use crate::refusal::Refusal;

/// Refuses requests for hosts that are not yours.
///
/// **The attack.** `Host` is the client's word. Who builds a link from it, in a mail that resets a
/// password say, sends the secret wherever an attacker asks; a cache stores the page with his host
/// in it; and a page of his whose name he points to your address
/// reads what your server tells its neighbours (DNS rebinding).
///
/// **The rule.** RFC 9110, section 7.4: check it and answer 421, or 400 to what is no host (RFC
/// 9112, section 3.2). OWASP WSTG-INPV-17.
///
/// - A host is a name, or `*.` and a name for all below it; the name itself is not below itself. A
///   label is a whole one: `*.club.example` is not `xclub.example`. Case does not matter.
/// - A host without a port is any port; one with a port is that port alone.
/// - Refused with 400: what is not on the list, what is no host, a request without one, one with two
///   `Host` headers, and one whose target names another host than its `Host`. With
///   [`misdirected`](Self::misdirected) the answer to a host that is not on the list is 421.
/// - In HTTP/2 it is the `:authority` that counts. Behind a proxy it is `Host`, unless
///   [`TrustedProxies::forwarded_host`](crate::client::TrustedProxies::forwarded_host) says otherwise.
///
/// It goes into the stack before whatever uses a host, behind
/// [`TrustedProxies`](crate::client::TrustedProxies). See the [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "hosts are checked only for a service that is behind it"]
pub struct AllowedHosts(Arc<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    hosts: Vec<Allowed>,
    exempt: ExactPaths,
    dev_localhost: bool,
    status: StatusCode,
}

#[derive(Clone, Debug)]
enum Allowed {
    Exactly {
        name: String,
        port: Option<u16>,
    },
    /// `.club.example`, with the dot.
    Below {
        suffix: String,
        port: Option<u16>,
    },
}

impl AllowedHosts {
    /// Lets requests for these hosts pass: `club.example`, `*.club.example`, `club.example:8443`,
    /// `192.0.2.7`, `[2001:db8::7]`.
    pub fn new<T: AsRef<str>>(hosts: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let hosts = hosts.into_iter().map(|host| Allowed::parse(host.as_ref()));
        let hosts: Vec<Allowed> = hosts.collect::<Result<_, _>>()?;
        if hosts.is_empty() {
            return Err(ConfigError::NoHosts);
        }
        let status = StatusCode::BAD_REQUEST;
        let exempt = ExactPaths::default();
        Ok(Self(Arc::new(Policy { hosts, exempt, dev_localhost: false, status })))
    }

    /// Answers 421 to a host that is not on the list: a browser that shares a connection between
    /// sites then asks anew on one of its own.
    pub fn misdirected(mut self) -> Self {
        self.policy().status = StatusCode::MISDIRECTED_REQUEST;
        self
    }

    /// Lets `GET` and `HEAD` of exactly this path pass whatever the host: for the health checks of a
    /// load balancer, which ask for an address. What answers there must not use the host.
    pub fn exempt(mut self, path: &str) -> Result<Self, ConfigError> {
        self.policy().exempt.add(path)?;
        Ok(self)
    }

    /// Lets `localhost`, `127.0.0.1` and `[::1]` pass for whoever asks from this machine, if no header
    /// says that a proxy has touched the request.
    ///
    /// For development, and for nothing else: behind a proxy on the same machine that adds no header
    /// at all, everybody is let in.
    pub fn dev_localhost(mut self) -> Self {
        self.policy().dev_localhost = true;
        self
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }
}

impl Policy {
    fn check(&self, host: Option<&Host>) -> Result<(), (StatusCode, &'static str)> {
        match host {
            None => Err((StatusCode::BAD_REQUEST, "no host, or more than one")),
            Some(host) if self.hosts.iter().any(|allowed| allowed.is(host)) => Ok(()),
            Some(_) => Err((self.status, "host not on the list")),
        }
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let value = || text.to_owned();
        let Some(below) = text.strip_prefix("*.") else {
            if text.contains('*') {
                return Err(ConfigError::Wildcard { value: value() });
            }
            let host = Host::parse(text.as_bytes());
            let host = host.ok_or_else(|| ConfigError::Host { value: value() })?;
            return Ok(Self::Exactly { name: host.name().to_owned(), port: host.port() });
        };
        let host = Host::parse(below.as_bytes());
        // Whoever owns a name directly below a top-level one is a stranger. A last label of digits is
        // an address's.
        let is_fine = |host: &Host| {
            let top = host.name().rsplit_once('.').map(|(_, top)| top);
            top.is_some_and(|top| top.bytes().any(|byte| byte.is_ascii_alphabetic()))
        };
        let host = host.filter(is_fine);
        let host = host.ok_or_else(|| ConfigError::Wildcard { value: value() })?;
        Ok(Self::Below { suffix: format!(".{}", host.name()), port: host.port() })
    }

    fn is(&self, host: &Host) -> bool {
        let (matches, port) = match self {
            Self::Exactly { name, port } => (host.as_bytes() == name.as_bytes(), port),
            Self::Below { suffix, port } => {
                let before = host.as_bytes().strip_suffix(suffix.as_bytes());
                (before.is_some_and(|before| !before.is_empty()), port)
            }
        };
        // The ports that browsers leave out.
        let usual = |port| host.port().is_none() && matches!(port, 80 | 443);
        matches && port.is_none_or(|port| host.port() == Some(port) || usual(port))
    }
}

impl Middleware for AllowedHosts {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        let policy = &*self.0;
        let check = |context: &Context| policy.check(context.host(|| requested_host(request)));
        let checked = request.look(check);
        // The host that is checked is the one that everybody further in gets, so there has to be a
        // context that keeps it.
        let checked = checked.unwrap_or_else(|| {
            let context = Context::of(request);
            policy.check(context.host(|| requested_host(request)))
        });
        checked.or_else(|(status, reason)| {
            if is_read_of(&policy.exempt, request)
                || (policy.dev_localhost && dev::is_local(request))
            {
                return Ok(());
            }
            Err(Refusal::new(status, reason).with_event(EventName::HostMismatch))
        })
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "AllowedHosts", ..Layer::default() });
    }
}

adapt!(AllowedHosts);
