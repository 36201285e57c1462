//! Which proxies are believed, and what they say.

use std::convert::Infallible;
use std::sync::Arc;

use super::forwarded::{self, Element};
use super::walk::{Believed, End, Walk};
use super::{
    AddrSource, Client, ConfigError, Host, NO_PEER, Networks, Scheme, Who, addr, requested_host,
};
use crate::adapters::adapt;
use crate::context::Context;
use crate::event::{self, EventName, SecurityEvent};
use crate::head::{Name, RequestHead};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;

/// Finds out who is asking, over which scheme, for which host, and hands it on as [`Client`].
///
/// It goes first into the stack: what stands before it sees the connection alone. See the
/// [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "clients are found out only for a service that is behind it"]
pub struct TrustedProxies(Arc<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    /// Whom to believe.
    believed: Believed,
    header: ForwardingHeader,
    host: bool,
    internal_clients: bool,
}

/// The headers in which proxies say what they know. Exactly one family is read: where the proxies
/// write one, the other is what a client wrote.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and, if asked for, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

impl TrustedProxies {
    /// Believes nobody: the client is the peer of the connection.
    pub fn none() -> Self {
        Self::new(Believed::Nobody)
    }

    /// Believes proxies in these networks, each written as `10.0.0.0/8`, or an address alone.
    ///
    /// Name the proxies' own networks, and none from which clients come: whoever is in them is
    /// believed whatever he says.
    pub fn in_networks<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let networks = Networks::parse(networks)?;
        if networks.hold_everybody() {
            return Err(ConfigError::Everybody);
        }
        Ok(Self::new(Believed::In { networks, at_most: MOST_HOPS }))
    }

    /// Believes the last so many proxies, whoever they are. Right only if nothing but the last of
    /// them can reach the server, and every request passes all of them; for a server behind a Unix
    /// socket, say, or a load balancer whose addresses change.
    pub fn hops(hops: usize) -> Result<Self, ConfigError> {
        Ok(Self::new(Believed::Last(checked(hops)?)))
    }

    fn new(believed: Believed) -> Self {
        let header = ForwardingHeader::default();
        Self(Arc::new(Policy { believed, header, host: false, internal_clients: false }))
    }

    /// Believes at most so many of the proxies in the networks.
    pub fn at_most(mut self, hops: usize) -> Result<Self, ConfigError> {
        let hops = checked(hops)?;
        match &mut self.policy().believed {
            Believed::In { at_most, .. } => {
                *at_most = hops;
                Ok(self)
            }
            Believed::Last(_) | Believed::Nobody => Err(ConfigError::AtMostOfNone),
        }
    }

    /// Reads this family of headers, and no other. The default is
    /// [`XForwarded`](ForwardingHeader::XForwarded).
    pub fn header(mut self, header: ForwardingHeader) -> Self {
        self.policy().header = header;
        self
    }

    /// Takes the host from `X-Forwarded-Host`, or from `Forwarded`'s `host`, where a believed proxy
    /// sends one. Only for proxies that set or remove it: many hand on what the client wrote.
    pub fn forwarded_host(mut self) -> Self {
        self.policy().host = true;
        self
    }

    /// Lets clients be inside the believed networks: a request of theirs that came by no proxy is
    /// theirs, and of a chain in which everybody is believed the leftmost is the client. Without it
    /// [`Client::proven_addr`] is an error for both.
    pub fn internal_clients(mut self) -> Self {
        self.policy().internal_clients = true;
        self
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }

    /// Who is asking.
    #[must_use]
    pub fn resolve<R: RequestHead>(&self, request: &R) -> Client {
        let Found { who, told, .. } = self.find(request);
        let host = told.map_or_else(|| requested_host(request), |ToldHost(host)| host);
        Client { who, host }
    }

    fn find<R: RequestHead>(&self, request: &R) -> Found {
        let who = Who { source: AddrSource::Peer, ..Who::of_connection(request) };
        let mut found = Found { who, told: None, wrong: None };
        let peer_is_believed = match &self.0.believed {
            Believed::Nobody => false,
            Believed::In { networks, .. } => {
                found.wrong = found.who.addr.is_none().then_some(NO_PEER);
                found.who.addr.is_some_and(|peer| networks.contains(peer))
            }
            Believed::Last(_) => true,
        };
        if peer_is_believed {
            match self.0.header {
                ForwardingHeader::XForwarded => self.0.read_x_forwarded(request, &mut found),
                ForwardingHeader::Forwarded => self.0.read_forwarded(request, &mut found),
            }
        }
        found
    }
}

/// What the connection and believed proxies tell.
struct Found {
    who: Who,
    /// What a proxy has told in place of the request's own host.
    told: Option<ToldHost>,
    /// What is wrong with the chain, if something is that a proxy should not have sent.
    wrong: Option<&'static str>,
}

/// `None` if it is no host.
struct ToldHost(Option<Host>);

fn checked(hops: usize) -> Result<usize, ConfigError> {
    match hops {
        0 => Err(ConfigError::NoHops),
        1..=MOST_HOPS => Ok(hops),
        _ => Err(ConfigError::TooManyHops { hops, most: MOST_HOPS }),
    }
}

impl Policy {
    fn read_x_forwarded<R: RequestHead>(&self, request: &R, found: &mut Found) {
        let mut walk = Walk::new(&self.believed);
        let lines = request.header(&X_FORWARDED_FOR).rev();
        let _ = lines
            .flat_map(|line| line.rsplit(|byte| *byte == b','))
            .try_for_each(|entry| walk.step(addr::parse(entry)));
        // What stands right of everything else was written by the peer itself.
        let proto = last_entry(request, &X_FORWARDED_PROTO);
        let host = self.host.then(|| last_entry(request, &X_FORWARDED_HOST)).flatten();
        self.settle(walk, proto, host, found);
    }

    fn read_forwarded<R: RequestHead>(&self, request: &R, found: &mut Found) {
        let mut walk = Walk::new(&self.believed);
        // What the last proxy that was asked says: the one that the client itself came to.
        let mut last = Element::default();
        let _ = request.header(&FORWARDED).rev().flat_map(forwarded::from_the_right).try_for_each(
            |element| {
                last = element.unwrap_or_default();
                walk.step(last.by_for.and_then(addr::parse))
            },
        );
        self.settle(walk, last.proto, last.host.filter(|_| self.host), found);
    }

    /// Takes over what the walk has found, and what proxies say besides.
    fn settle(&self, walk: Walk<'_>, proto: Option<&[u8]>, host: Option<&[u8]>, found: &mut Found) {
        let who = &mut found.who;
        // That a proxy came over TLS says nothing of its client.
        let of_connection = std::mem::replace(&mut who.scheme, Scheme::Http);
        who.source = AddrSource::Fallback;
        match walk.end() {
            End::Nothing if self.internal_clients => {
                (who.source, who.scheme) = (AddrSource::Peer, of_connection);
            }
            // As a health check of the proxy itself.
            End::Nothing => {}
            End::AllBelieved(_) if !self.internal_clients => {
                found.wrong = Some("everybody in the chain is a believed proxy");
            }
            End::Client(address) | End::AllBelieved(address) => {
                (who.source, who.addr) = (AddrSource::Forwarded, Some(address));
            }
            End::Broken => {
                found.wrong = Some("the chain is too short or cannot be read");
                if let Believed::Last(_) = self.believed {
                    // Somebody has come past a proxy, and nobody is known to be one.
                    return;
                }
            }
        }
        if let Some(proto) = proto {
            who.scheme = scheme(proto);
        }
        if let Some(host) = host {
            found.told = Some(ToldHost(Host::parse(host)));
        }
    }
}

/// The entry that stands right of all others, over all lines.
fn last_entry<'a, R: RequestHead>(request: &'a R, name: &'a Name) -> Option<&'a [u8]> {
    let line = request.header(name).next_back()?;
    line.rsplit(|byte| *byte == b',').next().map(<[u8]>::trim_ascii)
}

/// https if it says so, and http whatever else it says. Of web sockets some proxies say `wss`.
fn scheme(proto: &[u8]) -> Scheme {
    let proto = proto.trim_ascii();
    let is_https = proto.eq_ignore_ascii_case(b"https") || proto.eq_ignore_ascii_case(b"wss");
    if is_https { Scheme::Https } else { Scheme::Http }
}

impl Middleware for TrustedProxies {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let Found { who, told, wrong } = self.find(request);
        let context = Context::of(request);
        if !context.set_who(who) {
            return Ok(());
        }
        if let Some(ToldHost(host)) = told {
            context.host(|| host);
        }
        if let Some(wrong) = wrong {
            let unclear = SecurityEvent::draft(EventName::ClientAddressUnclear);
            event::report(request, unclear.reason(wrong));
        }
        Ok(())
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "TrustedProxies", ..Layer::default() });
    }
}

adapt!(TrustedProxies);

/// No chain is that long.
const MOST_HOPS: usize = 32;

static FORWARDED: Name = Name::from_static("forwarded");
static X_FORWARDED_FOR: Name = Name::from_static("x-forwarded-for");
static X_FORWARDED_HOST: Name = Name::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: Name = Name::from_static("x-forwarded-proto");
