//! A guard, once it is known who is asking.

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use donjon::client::{Peer, TrustedProxies};
use donjon::head::RequestHead;
use donjon::middleware::Stack;
use donjon::roles::{Authenticate, Identify, Identity, Principal, Require, Rule, permission, role};
use http::Request;
use tower::service_fn;
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::cookies::NO_MORE;
use super::tower::{Bare, expected, hello};
use crate::measure::alone::{self, Alone};
use crate::measure::{Group, TowerCase, wait};

donjon::permissions! {
    pub(crate) enum Permission { Read = "courts:read", Book = "courts:book", Refund = "orders:refund" }
}

donjon::roles! {
    pub(crate) enum Role grants Permission {
        Visitor = "visitor" => [Read],
        Member = "member": Visitor => [Book],
        Manager = "manager": Member => [Refund],
    }
}

#[derive(Clone)]
pub(crate) struct Always;

impl Identify for Always {
    type Role = Role;
    type Error = Infallible;

    fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, Infallible> {
        Ok(Some(Identity::new("4711").role(Role::Manager).signed_in_at(SystemTime::now())))
    }
}

pub(crate) fn request() -> Request<Body> {
    let mut request = super::tower::request();
    request.extensions_mut().insert(Peer(([203, 0, 113, 9], 40_000).into()));
    request
}

/// What finds out who is asking.
pub(crate) fn known() -> Stack<(TrustedProxies, Authenticate<Always>)> {
    Stack::new((TrustedProxies::none(), Authenticate::new(Always)))
}

pub(crate) fn two() -> Rule {
    permission(Permission::Book) & role(Role::Member)
}

/// Around services that get requests like these.
pub(crate) fn group(request: fn() -> Request<Body>) -> Group {
    let title = "a guard of two leaves, once it is known who is asking (goal: 45 ns)";
    let mut group = Group::new(title, TowerCase::new(known().layer(Bare), request), expected());
    let guarded = Stack::new((known(), Require::new(two())));
    group.ours("Require", TowerCase::new(guarded.layer(Bare), request), expected(), NO_MORE);
    let fresh = two() & Rule::fresh(Duration::from_secs(1000));
    let guarded = Stack::new((known(), Require::new(fresh)));
    let case = TowerCase::new(guarded.layer(Bare), request);
    group.ours("Require, with freshness", case, expected(), NO_MORE);
    group
}

/// The decision alone, which is no request.
pub(crate) fn decision() -> impl FnMut() {
    let mut who = None;
    let mut take = known().layer(service_fn(|request: Request<Body>| {
        who = Principal::of(&request);
        ready(Ok::<_, Infallible>(hello()))
    }));
    let _ = wait(take.call(request()));
    drop(take);
    let (rule, now) = (two(), SystemTime::now());
    move || {
        let checked = black_box(&rule).check(who.as_ref(), None, now);
        assert!(black_box(checked).is_ok());
    }
}

pub(crate) fn print_decision() {
    let Alone { ns, .. } = alone::measure(DECISIONS, decision());
    println!("\na decision of two leaves: {ns:.1} ns (goal: 10 ns)");
}

/// In one sample.
pub(crate) const DECISIONS: u32 = 1_000_000;
