//! What a further member of a stack costs, beside its own work.

use std::convert::Infallible;
use std::error::Error;

use donjon::head::RequestHead;
use donjon::middleware::{Middleware, Stack};

use super::actix::{self, app};
use super::tower::{self, Bare, around, request};
use super::twelve;
use crate::measure::{Group, Limit, TowerCase};

/// Lets everybody pass and edits nothing.
#[derive(Clone, Copy)]
struct Nothing;

impl Middleware for Nothing {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Infallible> {
        Ok(())
    }
}

pub(super) fn tower_group() -> Result<Group, Box<dyn Error>> {
    let expected = || tower::expected().headers(&twelve::TWELVE);
    let headers = twelve::ours()?;
    let alone = Stack::new((headers.clone(),));
    let three = Stack::new((Nothing, headers, Nothing));

    let bare = TowerCase::new(Bare, request);
    let mut group = Group::new("members of a Stack, tower", bare, tower::expected());
    group.ours("headers alone", around(alone), expected(), Limit::NONE);
    group.ours("headers and two that do nothing", around(three), expected(), Limit::NONE);
    Ok(group)
}

pub(super) fn actix_group() -> Result<Group, Box<dyn Error>> {
    let expected = || actix::expected().headers(&twelve::TWELVE);
    let headers = twelve::ours()?;
    let alone = Stack::new((headers.clone(),));
    let three = Stack::new((Nothing, headers, Nothing));

    let mut group = Group::new("members of a Stack, actix-web", app!(), actix::expected());
    group.ours("headers alone", app!(alone), expected(), Limit::NONE);
    group.ours("headers and two that do nothing", app!(three), expected(), Limit::NONE);
    Ok(group)
}
