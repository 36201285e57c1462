//! Routes that only known addresses reach.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::StatusCode;

use super::{Networks, UnknownAddr, Who};
use crate::adapters::adapt;
use crate::head::RequestHead;
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// Lets only clients in known networks reach what is behind it: an admin's pages, an endpoint for
/// other services.
///
/// **The attack.** A page that was meant for the office is found from the street; an address is
/// claimed in a header.
///
/// **The rule.** NIST SP 800-53 SC-7(5), deny by default. It is a wall more and no substitute for
/// signing in: OWASP ASVS 5.0, 8.2.
///
/// - It needs [`TrustedProxies`](super::TrustedProxies) further out, be it
///   [`none`](super::TrustedProxies::none): behind a proxy that nobody has told it of, everybody would
///   come from the proxy's address. Without one everybody gets 500.
/// - The address is that of [`Client::proven_addr`](super::Client::proven_addr): where a believed proxy does not tell whose
///   request it hands on, nobody passes. Where the server does not tell who is at the other end of
///   the connection, everybody gets 500, and the refusal's reason says how to mend it.
/// - What it refuses gets 403 or, with [`hidden`](Self::hidden), 404.
/// - The list may be [replaced](Self::replace) while requests run, without a lock on their way.
///   Clones share it.
///
/// Put it around the routes it is for. In a stack it stands behind `TrustedProxies`; of several
/// `.layer(…)` of an axum `Router`, and of several `.wrap(…)`, the *last* is the outermost.
///
/// ```
/// use std::convert::Infallible;
/// use std::net::SocketAddr;
///
/// use donjon::client::{AllowedNetworks, Networks, Peer, TrustedProxies};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = AllowedNetworks::new(Networks::parse(["192.0.2.0/24"])?);
/// let admin = ServiceBuilder::new()
///     .layer(TrustedProxies::none()) // nothing stands before this server
///     .layer(office.clone())
///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("welcome".into())));
/// let from = |peer: &str| {
///     let peer: SocketAddr = peer.parse().unwrap();
///     Request::builder().extension(Peer(peer)).body(()).unwrap()
/// };
///
/// let response: Response<axum::body::Body> = admin.clone().oneshot(from("192.0.2.9:50000")).await?;
/// assert_eq!(response.status(), 200);
/// let response = admin.clone().oneshot(from("198.51.100.9:50000")).await?;
/// assert_eq!(response.status(), 403);
///
/// // The office moves.
/// office.replace(Networks::parse(["198.51.100.0/24"])?);
/// let response = admin.oneshot(from("198.51.100.9:50000")).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a list keeps nobody out of a service that is not behind it"]
pub struct AllowedNetworks {
    networks: Arc<ArcSwap<Networks>>,
    status: StatusCode,
}

impl AllowedNetworks {
    /// Lets clients in these networks pass.
    pub fn new(networks: Networks) -> Self {
        let networks = Arc::new(ArcSwap::from_pointee(networks));
        Self { networks, status: StatusCode::FORBIDDEN }
    }

    /// Answers the others with a bare 404, as axum and actix-web do where there is nothing. An app
    /// with a 404 page of its own has to give it to these too: they have a [`Refusal`] in their
    /// extensions.
    pub fn hidden(mut self) -> Self {
        self.status = StatusCode::NOT_FOUND;
        self
    }

    fn refusal(&self, reason: &'static str) -> Refusal {
        let refusal = Refusal::new(self.status, reason);
        if self.status == StatusCode::NOT_FOUND { refusal.bare() } else { refusal }
    }

    /// Puts another list in place of this one, for all clones. Requests see the one or the other.
    pub fn replace(&self, networks: Networks) {
        self.networks.store(Arc::new(networks));
    }
}

impl Middleware for AllowedNetworks {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        match Who::of(request).proven_addr() {
            Ok(address) if self.networks.load().contains(address) => Ok(()),
            Ok(_) => Err(self.refusal("address not on the list")),
            Err(UnknownAddr::UnclearChain) => {
                Err(self.refusal("address not proven to be the client's"))
            }
            Err(unknown) => Err(unknown.into()),
        }
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "AllowedNetworks", ..Layer::default() });
    }
}

adapt!(AllowedNetworks);
