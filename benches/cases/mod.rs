//! The groups, each with its bare service, its floors (what one would write by hand for one app),
//! and ours. `benches/peers` adds the others.

#![allow(dead_code, reason = "each benchmark runs some of them")]

use std::error::Error;

use crate::measure::Group;

pub(crate) mod actix;
mod client;
mod cookies;
mod csrf;
mod event;
mod floor;
mod nonce;
mod refusal;
mod stack;
pub(crate) mod tower;
pub(crate) mod twelve;

/// The groups, by what they are about.
pub(crate) struct Cases {
    pub(crate) tower: Group,
    pub(crate) router: Group,
    pub(crate) nonce: Group,
    pub(crate) actix: Group,
    pub(crate) refusal_tower: Group,
    pub(crate) refusal_actix: Group,
    pub(crate) stack_tower: Group,
    pub(crate) stack_actix: Group,
    pub(crate) client: Group,
    pub(crate) https: Group,
    pub(crate) event: Group,
}

impl Cases {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            tower: tower::group()?,
            router: tower::router_group()?,
            nonce: nonce::group()?,
            actix: actix::group()?,
            refusal_tower: refusal::tower_group(),
            refusal_actix: refusal::actix_group(),
            stack_tower: stack::tower_group()?,
            stack_actix: stack::actix_group()?,
            client: client::resolver_group()?,
            https: client::https_group()?,
            event: event::group()?,
        })
    }

    pub(crate) fn into_groups(self) -> Vec<Group> {
        vec![
            self.tower,
            self.router,
            self.nonce,
            self.actix,
            self.refusal_tower,
            self.refusal_actix,
            self.stack_tower,
            self.stack_actix,
            self.client,
            self.https,
            self.event,
        ]
    }
}

/// Cookies, and where requests come from: a program of their own, since what the compiler makes of the
/// others depends on what stands beside them.
pub(crate) fn of_sessions() -> Result<Vec<Group>, Box<dyn Error>> {
    let mut groups = vec![cookies::inbound()?, csrf::by_metadata()?, csrf::by_origin()?];
    groups.extend([0, 1, 3].map(cookies::outbound));
    Ok(groups)
}
