//! A request that is refused never reaches the handler.

use donjon::head::{Name, RequestHead, Value};
use donjon::middleware::{Middleware, Stack};
use donjon::refusal::Refusal;
use http::StatusCode;

use super::actix::{self, app};
use super::tower::{self, Bare, around, request};
use crate::measure::{Expected, Group, Limit, TowerCase};

/// Refuses everybody.
#[derive(Clone)]
struct Refuse {
    status: StatusCode,
    retry_after: Option<Value>,
}

impl Middleware for Refuse {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Refusal> {
        let refusal = Refusal::new(self.status, "everybody is refused");
        Err(match self.retry_after.clone() {
            None => refusal,
            Some(value) => refusal.with_header(const { Name::from_static("retry-after") }, value),
        })
    }
}

fn forbidden() -> (Stack<Refuse>, Expected) {
    let refuse = Refuse { status: StatusCode::FORBIDDEN, retry_after: None };
    (Stack::new(refuse), refused(403))
}

fn too_many() -> (Stack<Refuse>, Expected) {
    let refuse = Refuse { status: StatusCode::TOO_MANY_REQUESTS, retry_after: Value::new("3") };
    (Stack::new(refuse), refused(429).headers(&[("retry-after", "3")]))
}

fn refused(status: u16) -> Expected {
    let headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")];
    Expected::status(status).headers(&headers)
}

pub(super) fn tower_group() -> Group {
    let bare = TowerCase::new(Bare, request);
    let mut group = Group::new("refusal, tower (goal: 200 ns)", bare, tower::expected());
    let (stack, expected) = forbidden();
    group.ours("403", around(stack), expected, Limit::NONE);
    let (stack, expected) = too_many();
    group.ours("429 and Retry-After", around(stack), expected, Limit::NONE);
    group
}

pub(super) fn actix_group() -> Group {
    let mut group = Group::new("refusal, actix-web (goal: 200 ns)", app!(), actix::expected());
    let (stack, expected) = forbidden();
    group.ours("403", app!(stack), expected, Limit::NONE);
    let (stack, expected) = too_many();
    group.ours("429 and Retry-After", app!(stack), expected, Limit::NONE);
    group
}
