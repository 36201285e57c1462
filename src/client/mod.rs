//! Who is asking, over which scheme, for which host.
//!
//! **The attack.** A limit per address, an allow-list of addresses and the enforcement of https all
//! ask a question that a request answers in headers that anybody can write. Who believes
//! `X-Forwarded-For` lets every guess of a password come from another address, lets strangers in
//! as `10.0.0.1`, and lets an attacker have his victim's address locked out. Who ignores it behind a
//! proxy takes all the world for one client.
//!
//! **The rule.** RFC 7239, section 8; OWASP ASVS 5.0, 4.1.3. A proxy's word is worth something only
//! if the proxy itself is known, and of what it hands on only what it has added: the last entry.
//!
//! - [`TrustedProxies`] is the middleware that finds out. It believes nobody until told whom, by
//!   [networks](TrustedProxies::in_networks), by [number](TrustedProxies::hops) or by
//!   [both](TrustedProxies::at_most).
//! - It walks the entries of all header lines from right to left, as long as each address is that of
//!   a believed proxy; the first that is not is the client. A chain that is missing, too short or
//!   cannot be read leaves the peer of the connection, and [says so](Client::addr_source).
//! - It reads [one family](ForwardingHeader) of headers and never the other. What a peer that is not
//!   believed sends in them is ignored altogether.
//! - The scheme is https only with evidence: a TLS socket, or a believed proxy that says so.
//! - [`Client`] is the result, an extractor in axum and actix-web. [`AddrKey`] is what to count by.
//! - [`AllowedNetworks`] lets only known addresses reach a route.
//!
//! What it does not do: it knows addresses, and an address is neither a person nor a machine. Many
//! share one, and one changes many.
//!
//! # Deployment caveats
//!
//! Everything rests on the address at the other end of the connection, which the server has to tell:
//!
//! - axum: serve with `router.into_make_service_with_connect_info::<SocketAddr>()`.
//! - actix-web tells it by itself.
//! - hyper, and whatever else is built on tower: put a [`Peer`] into the extensions of each request.
//! - Evidence of a TLS socket is put there as [`Scheme::Https`]; actix-web tells of those that it has
//!   bound itself.
//!
//! Where nobody has told, [`Client::addr`] is an error that says this, and whatever needs an address
//! refuses. The settings of common proxies, and what goes wrong with each mistake, stand in
//! [Behind a proxy](behind_a_proxy).
//!
//! # Example
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use donjon::client::{AddrKey, Client, Peer, Scheme, TrustedProxies};
//! use http::Request;
//!
//! let proxies = TrustedProxies::in_networks(["10.0.0.0/8"])?;
//! let ask = |peer: &str, forwarded: &str| {
//!     let peer: SocketAddr = peer.parse().unwrap();
//!     Request::get("/")
//!         .header("host", "club.example")
//!         .header("x-forwarded-for", forwarded)
//!         .header("x-forwarded-proto", "https")
//!         .extension(Peer(peer))
//!         .body(())
//!         .unwrap()
//! };
//!
//! // The proxy has added what it saw to whatever the client had written.
//! let client = proxies.resolve(&ask("10.0.0.5:41000", "192.168.1.1, 203.0.113.9"));
//! assert_eq!(client.addr()?.to_string(), "203.0.113.9");
//! assert_eq!(client.scheme(), Scheme::Https);
//! assert_eq!(client.host().unwrap().name(), "club.example");
//!
//! // Somebody comes past the proxy and pretends to be behind it.
//! let client = proxies.resolve(&ask("198.51.100.66:41000", "10.0.0.1"));
//! assert_eq!(client.addr()?.to_string(), "198.51.100.66");
//! assert_eq!(client.scheme(), Scheme::Http);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! As a layer, `Stack::new((proxies, …))`, it goes first; handlers take `client: Client`.

use std::net::{IpAddr, SocketAddr};

use http::StatusCode;

pub use self::addr::AddrKey;
pub(crate) use self::addr::known_address;
pub use self::allowed::AllowedNetworks;
pub use self::error::ConfigError;
pub use self::host::Host;
pub use self::networks::Networks;
pub use self::proxies::{ForwardingHeader, TrustedProxies};
use crate::context::Context;
use crate::event::EventName;
use crate::head::{Name, RequestHead};
use crate::refusal::Refusal;

mod addr;
mod allowed;
#[cfg(doc)]
#[doc = include_str!("behind_a_proxy.md")]
pub mod behind_a_proxy {}
mod error;
mod forwarded;
mod host;
mod networks;
mod proxies;
#[cfg(test)]
mod tests;
mod walk;

/// Who is asking, over which scheme, for which host, as far as there is evidence.
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`). Without
/// [`TrustedProxies`] around the route it tells of the connection.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use donjon::client::{Client, UnknownAddr};
/// use donjon::refusal::Refusal;
///
/// async fn whoami(client: Client) -> Result<String, Refusal> {
///     Ok(format!("{} over {:?}", client.addr()?, client.scheme()))
/// }
/// # let _ = whoami;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    who: Who,
    host: Option<Host>,
}

/// What a request's way tells of it. The host is apart, because reading one costs more than most
/// who ask for the rest want to pay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    addr: Option<IpAddr>,
    source: AddrSource,
    scheme: Scheme,
}

impl Client {
    /// Who sends this request: what [`TrustedProxies`] has found out, or what the connection tells.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Self {
        Self { who: Who::of(request), host: with_host(request, cloned) }
    }

    /// The address, IPv4 as such however it came; where there is [no proof](AddrSource::Fallback),
    /// that of the proxy. It is what to count by and what to write down.
    pub fn addr(&self) -> Result<IpAddr, UnknownAddr> {
        self.who.addr()
    }

    /// The address, if it is known to be the client's own: what to let somebody in by. It needs a
    /// [`TrustedProxies`] around the route, be it [`none`](TrustedProxies::none).
    pub fn proven_addr(&self) -> Result<IpAddr, UnknownAddr> {
        self.who.proven_addr()
    }

    /// Where the address comes from.
    #[must_use]
    pub const fn addr_source(&self) -> AddrSource {
        self.who.source
    }

    /// The scheme: https only with evidence.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.who.scheme
    }

    /// The host that is asked for, which is the client's word unless
    /// [`AllowedHosts`](crate::https::AllowedHosts) has checked it. `None` where it is missing, no
    /// host, or given twice.
    #[must_use]
    pub const fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }
}

impl Who {
    /// What a layer has found out, or what the connection tells.
    pub(crate) fn of<R: RequestHead>(request: &R) -> Self {
        let found = request.look(|context: &Context| context.who().copied());
        found.flatten().unwrap_or_else(|| Self::of_connection(request))
    }

    fn of_connection<R: RequestHead>(request: &R) -> Self {
        Self {
            addr: request.peer().map(addr::of_peer),
            source: AddrSource::Unvouched,
            scheme: request.scheme().unwrap_or(Scheme::Http),
        }
    }

    pub(crate) fn addr(&self) -> Result<IpAddr, UnknownAddr> {
        self.addr.ok_or(UnknownAddr::NoPeer)
    }

    pub(crate) fn proven_addr(&self) -> Result<IpAddr, UnknownAddr> {
        match self.source {
            AddrSource::Peer | AddrSource::Forwarded => self.addr(),
            AddrSource::Fallback => Err(UnknownAddr::UnclearChain),
            AddrSource::Unvouched => self.addr().and(Err(UnknownAddr::Unvouched)),
        }
    }

    #[cfg(feature = "https")]
    pub(crate) const fn source(&self) -> AddrSource {
        self.source
    }

    #[cfg(any(feature = "headers", feature = "https"))]
    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }
}

fn cloned(host: Option<&Host>) -> Option<Host> {
    host.cloned()
}

/// Looks at the host that a request is for.
pub(crate) fn with_host<R: RequestHead, V>(request: &R, look: impl Fn(Option<&Host>) -> V) -> V {
    request
        .look(|context: &Context| look(context.host(|| requested_host(request))))
        .unwrap_or_else(|| look(requested_host(request).as_ref()))
}

/// The one host that a request is for.
pub(crate) fn requested_host<R: RequestHead>(request: &R) -> Option<Host> {
    let mut lines = request.header(&HOST);
    let in_header = lines.next();
    if lines.next().is_some() {
        return None;
    }
    match (request.authority(), in_header) {
        (None, Some(host)) => Host::parse(host),
        (Some(target), None) => Host::parse(target.as_bytes()),
        (Some(target), Some(host)) => {
            let target = Host::parse(target.as_bytes());
            target.filter(|target| Host::parse(host).as_ref() == Some(target))
        }
        (None, None) => None,
    }
}

/// Where a [`Client`]'s address comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum AddrSource {
    /// It is at the other end of the connection.
    Peer,
    /// Believed proxies say so.
    Forwarded,
    /// At the other end is a believed proxy whose chain is missing, too short or cannot be read. The
    /// address is the proxy's own: good enough to count by, and no proof of anything.
    Fallback,
    /// It is at the other end of the connection, and no [`TrustedProxies`] has said whether that is a
    /// proxy: not even [`TrustedProxies::none`].
    Unvouched,
}

/// Why there is no address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownAddr {
    /// The server has not told who is at the other end of the connection.
    #[error("{NO_PEER}")]
    NoPeer,
    /// A believed proxy does not tell who its client is.
    #[error("{UNCLEAR_CHAIN}")]
    UnclearChain,
    /// Nobody has said whether a proxy is at the other end of the connection.
    #[error("{UNVOUCHED}")]
    Unvouched,
}

/// 500, since it is the set-up that is to be mended. The reason, which the client does not get, says
/// how.
impl From<UnknownAddr> for Refusal {
    fn from(unknown: UnknownAddr) -> Self {
        let reason = match unknown {
            UnknownAddr::NoPeer => NO_PEER,
            UnknownAddr::UnclearChain => UNCLEAR_CHAIN,
            UnknownAddr::Unvouched => UNVOUCHED,
        };
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason);
        refusal.with_event(EventName::ClientAddressUnclear)
    }
}

pub(crate) const NO_PEER: &str = "the server does not tell the peer's address: in axum serve with \
    `into_make_service_with_connect_info::<SocketAddr>()`, elsewhere put a \
    `donjon::client::Peer` into the request's extensions";
const UNVOUCHED: &str = "no TrustedProxies before whoever lets in by address: put it first into \
    the stack, or TrustedProxies::none() if no proxy stands before the server";
const UNCLEAR_CHAIN: &str = "a believed proxy sent no chain of addresses that can be read: have it \
    set the header that `TrustedProxies` reads, believe the proxies alone and not their clients' \
    networks, or say `internal_clients()`";

/// The address at the other end of the connection, put into the request's extensions by a server
/// that tells it in no other way. Of axum's `ConnectInfo` and this, this counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "it is that address and nothing else")]
pub struct Peer(pub SocketAddr);

/// The scheme by which a request reached the server, put into the request's extensions by whoever
/// has evidence of it.
///
/// ```
/// use donjon::client::Scheme;
/// use donjon::head::RequestHead;
///
/// let mut request = http::Request::get("https://example.com/").body(()).unwrap();
/// assert_eq!(request.scheme(), None, "the client says so, which is no evidence");
///
/// request.extensions_mut().insert(Scheme::Https);
/// assert_eq!(request.scheme(), Some(Scheme::Https));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a connection is encrypted or it is not")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

static HOST: Name = Name::from_static("host");
