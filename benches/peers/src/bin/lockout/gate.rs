//! A login route whose address has room: the layer around it, over the context that all layers share.

use std::error::Error;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use donjon::client::TrustedProxies;
use donjon::lockout::{Lockout, LockoutPolicy, LoginLockout, ScopePolicy, Throttle};
use donjon::middleware::Stack;
use governor::middleware::NoOpMiddleware;
use http::Request;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::PeerIpKeyExtractor;
use tower_layer::Layer as _;

use crate::cases::tower::{Bare, expected};
use crate::measure::{Group, Limit, TowerCase};

fn request() -> Request<Body> {
    let mut request = crate::cases::tower::request();
    let peer: SocketAddr = ([203, 0, 113, 9], 40_000).into();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// It lets a million in: what is measured is the way of those that pass.
pub(crate) fn group() -> Result<Group, Box<dyn Error>> {
    let proxies = Stack::new((TrustedProxies::none(),));
    let bare = TowerCase::new(proxies.layer(Bare), request);
    let mut group = Group::new("a login's address, over TrustedProxies", bare, expected());

    let hour = Duration::from_hours(1);
    let policy = LockoutPolicy::default().address(ScopePolicy::new(60_000, hour, hour)?);
    let lockout = Lockout::builder(policy).build()?;
    let gate = proxies.layer(LoginLockout::new(&lockout).layer(Bare));
    let none = Limit { instructions: None, allocations: Some(0.0) };
    group.ours("LoginLockout", TowerCase::new(gate, request), expected(), none);

    let throttle = Throttle::new(1_000_000_000, Duration::from_secs(1))?;
    let throttle = proxies.layer(throttle.layer(Bare));
    group.ours("Throttle", TowerCase::new(throttle, request), expected(), none);

    let million = NonZeroU32::new(1_000_000_000).ok_or("a million")?;
    let config = GovernorConfigBuilder::default()
        .key_extractor(PeerIpKeyExtractor)
        .period(Duration::from_nanos(1))
        .burst_size(million.get())
        .finish()
        .ok_or("a rate")?;
    let config: Arc<
        tower_governor::governor::GovernorConfig<PeerIpKeyExtractor, NoOpMiddleware<_>>,
    > = Arc::new(config);
    let peer = proxies.layer(GovernorLayer::new(config).layer(Bare));
    group.peer("tower_governor 0.8", TowerCase::new(peer, request), expected());
    Ok(group)
}
