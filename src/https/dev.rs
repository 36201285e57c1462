//! Development on one's own machine.

use crate::client::{AddrSource, Host, Who, with_host};
use crate::head::{Name, RequestHead};

/// Whether somebody on this machine asks this machine, with nobody between.
///
/// `Host` alone proves nothing, and behind a proxy on this machine every peer is a loopback address;
/// so a request that a proxy has touched, as far as its headers tell, is none. A proxy that adds none
/// cannot be told from a browser.
pub(super) fn is_local<R: RequestHead>(request: &R) -> bool {
    let who = Who::of(request);
    let by_itself = matches!(who.source(), AddrSource::Peer | AddrSource::Unvouched)
        && who.addr().is_ok_and(|address| address.is_loopback())
        && with_host(request, |host| host.is_some_and(Host::is_loopback));
    by_itself && BY_PROXIES.iter().all(|name| request.header(name).next().is_none())
}

/// What proxies add.
static BY_PROXIES: [Name; 15] = [
    Name::from_static("cf-connecting-ip"),
    Name::from_static("fastly-client-ip"),
    Name::from_static("forwarded"),
    Name::from_static("true-client-ip"),
    Name::from_static("via"),
    Name::from_static("x-client-ip"),
    Name::from_static("x-cluster-client-ip"),
    Name::from_static("x-forwarded-for"),
    Name::from_static("x-forwarded-host"),
    Name::from_static("x-forwarded-port"),
    Name::from_static("x-forwarded-proto"),
    Name::from_static("x-forwarded-server"),
    Name::from_static("x-original-forwarded-for"),
    Name::from_static("x-original-host"),
    Name::from_static("x-real-ip"),
];
