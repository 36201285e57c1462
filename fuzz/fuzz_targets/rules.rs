//! Whatever a rule is put together of: it decides as a plain evaluator in three values does, and can be
//! written down.

#![no_main]

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use axum_core::body::Body;
use donjon::client::Networks;
use donjon::head::RequestHead;
use donjon::roles::{
    Authenticate, Identify, Identity, Principal, Role as _, Rule, any_role, permission, role,
};
use donjon_fuzz::ready;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use tower_layer::Layer;
use tower_service::Service;

donjon::permissions! {
    enum Permission { A = "a", B = "b" }
}

donjon::roles! {
    enum Role grants Permission {
        Low = "low" => [A],
        High = "high": Low => [B],
    }
}

#[derive(Arbitrary, Debug)]
enum Shape {
    Public,
    Nobody,
    SignedIn,
    Low,
    High,
    Either,
    A,
    B,
    Fresh(u8),
    SecondFactor,
    Office,
    Between(u8, u8),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Somebody {
    low: bool,
    high: bool,
    signed_in_at: Option<u8>,
    second_factor: bool,
    elevated_until: Option<u8>,
}

#[derive(Arbitrary, Debug)]
struct Input {
    shape: Shape,
    somebody: Option<Somebody>,
    address: Option<IpAddr>,
    now: u8,
}

static OFFICE: LazyLock<Networks> = LazyLock::new(|| Networks::parse(["10.0.0.0/8"]).unwrap());

fn at(seconds: u8) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800 + u64::from(seconds))
}

impl Shape {
    fn rule(&self) -> Rule {
        match self {
            Self::Public => Rule::PUBLIC,
            Self::Nobody => Rule::NOBODY,
            Self::SignedIn => Rule::SIGNED_IN,
            Self::Low => role(Role::Low),
            Self::High => role(Role::High),
            Self::Either => any_role([Role::High, Role::Low]),
            Self::A => permission(Permission::A),
            Self::B => permission(Permission::B),
            Self::Fresh(seconds) => Rule::fresh(Duration::from_secs((*seconds).into())),
            Self::SecondFactor => Rule::second_factor(),
            Self::Office => Rule::network(OFFICE.clone()),
            Self::Between(from, until) => Rule::between(at(*from), at(*until)),
            Self::All(shapes) => Rule::all(shapes.iter().map(Self::rule)),
            Self::Any(shapes) => Rule::any(shapes.iter().map(Self::rule)),
            Self::Not(shape) => !shape.rule(),
        }
    }

    /// `None` is what cannot be known.
    fn holds(&self, input: &Input) -> Option<bool> {
        let of = |is_so: fn(Somebody, u8) -> Option<bool>| is_so(input.somebody?, input.now);
        match self {
            Self::Public => Some(true),
            Self::Nobody => None,
            Self::SignedIn => of(|_, _| Some(true)),
            Self::Low | Self::Either | Self::A => {
                of(|who, now| Some(who.low || who.high || who.is_elevated(now)))
            }
            Self::High | Self::B => of(|who, now| Some(who.high || who.is_elevated(now))),
            Self::Fresh(within) => {
                let age = input.now.checked_sub(input.somebody?.signed_in_at?)?;
                Some(age <= *within)
            }
            Self::SecondFactor => of(|who, _| Some(who.second_factor)),
            Self::Office => Some(match input.address?.to_canonical() {
                IpAddr::V4(address) => address.octets()[0] == 10,
                IpAddr::V6(_) => false,
            }),
            Self::Between(from, until) if from >= until => None,
            Self::Between(from, until) => Some(*from <= input.now && input.now < *until),
            Self::All(shapes) | Self::Any(shapes) if shapes.is_empty() => None,
            Self::All(shapes) => combined(shapes, input, false),
            Self::Any(shapes) => combined(shapes, input, true),
            Self::Not(shape) => shape.holds(input).map(|held| !held),
        }
    }
}

impl Somebody {
    fn is_elevated(self, now: u8) -> bool {
        self.elevated_until.is_some_and(|until| now < until)
    }
}

/// One of this value decides; else one that cannot be known.
fn combined(shapes: &[Shape], input: &Input, deciding: bool) -> Option<bool> {
    let held: Vec<_> = shapes.iter().map(|shape| shape.holds(input)).collect();
    if held.contains(&Some(deciding)) {
        Some(deciding)
    } else if held.contains(&None) {
        None
    } else {
        Some(!deciding)
    }
}

#[derive(Clone, Copy)]
struct Is(Somebody);

impl Identify for Is {
    type Role = Role;
    type Error = Infallible;

    fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, Infallible> {
        let Self(who) = *self;
        let mut identity = Identity::new("4711");
        for (has, role) in [(who.low, Role::Low), (who.high, Role::High)] {
            if has {
                identity = identity.role_names([role.name()]);
            }
        }
        if let Some(seconds) = who.signed_in_at {
            identity = identity.signed_in_at(at(seconds));
        }
        if who.second_factor {
            identity = identity.with_second_factor();
        }
        if let Some(until) = who.elevated_until {
            identity = identity.elevated(Role::High, at(until));
        }
        Ok(Some(identity))
    }
}

/// Hands the principal of its request back: there is no other way to one.
#[derive(Clone)]
struct Back(std::sync::mpsc::Sender<Option<Principal>>);

impl Service<Request<Body>> for Back {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.send(Principal::of(&request)).unwrap();
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

fn principal(who: Somebody) -> Principal {
    let (back, principal) = std::sync::mpsc::channel();
    let mut service = Authenticate::new(Is(who)).layer(Back(back));
    let _ = ready(service.call(Request::new(Body::empty())));
    principal.recv().unwrap().expect("somebody has signed in")
}

fuzz_target!(|input: Input| {
    let rule = input.shape.rule();
    let principal = input.somebody.map(principal);
    let check = |rule: &Rule| rule.check(principal.as_ref(), input.address, at(input.now)).is_ok();
    let held = input.shape.holds(&input);
    assert_eq!(check(&rule), held == Some(true), "{rule}");
    assert_eq!(check(&!rule.clone()), held == Some(false), "!({rule})");
    assert!(!rule.to_string().is_empty());
});
