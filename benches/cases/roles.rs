//! A guard, once it is known who is asking.

use std::convert::Infallible;
use std::future::ready;
use std::time::{Duration, Instant, SystemTime};

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
use crate::measure::{Group, TowerCase, wait};

donjon::permissions! {
    enum Permission { Read = "courts:read", Book = "courts:book", Refund = "orders:refund" }
}

donjon::roles! {
    enum Role grants Permission {
        Visitor = "visitor" => [Read],
        Member = "member": Visitor => [Book],
        Manager = "manager": Member => [Refund],
    }
}

#[derive(Clone)]
struct Always;

impl Identify for Always {
    type Role = Role;
    type Error = Infallible;

    fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, Infallible> {
        Ok(Some(Identity::new("4711").role(Role::Manager).signed_in_at(SystemTime::now())))
    }
}

fn request() -> Request<Body> {
    let mut request = super::tower::request();
    request.extensions_mut().insert(Peer(([203, 0, 113, 9], 40_000).into()));
    request
}

fn known() -> Stack<(TrustedProxies, Authenticate<Always>)> {
    Stack::new((TrustedProxies::none(), Authenticate::new(Always)))
}

fn two() -> Rule {
    permission(Permission::Book) & role(Role::Member)
}

pub(super) fn group() -> Group {
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

/// The decision alone: it prints a line, as it is no request.
pub(crate) fn print_decision() {
    let mut who = None;
    let mut take = known().layer(service_fn(|request: Request<Body>| {
        who = Principal::of(&request);
        ready(Ok::<_, Infallible>(hello()))
    }));
    let _ = wait(take.call(request()));
    drop(take);
    let (rule, now, rounds) = (two(), SystemTime::now(), 1_000_000_u32);
    let mut samples: Vec<f64> = (0..31)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                let checked = std::hint::black_box(&rule).check(who.as_ref(), None, now);
                assert!(std::hint::black_box(checked).is_ok());
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    println!("\na decision of two leaves: {:.1} ns (goal: 10 ns)", samples[15]);
}
