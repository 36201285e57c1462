//! The groups, each with its bare service, its floors (what one would write by hand for one app),
//! and ours. `benches/peers` adds the others.

#![allow(dead_code, reason = "each benchmark runs some of them")]

use std::error::Error;

use crate::measure::Group;

pub(crate) mod actix;
mod client;
pub(crate) mod cookies;
pub(crate) mod csrf;
mod event;
mod floor;
mod nonce;
mod refusal;
pub(crate) mod roles;
pub(crate) mod session;
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

/// Who may: a program of its own.
pub(crate) fn guard() -> Group {
    roles::group(roles::request)
}

/// Cookies, sessions, and where requests come from: programs of their own, since what the compiler
/// makes of the others depends on what stands beside them.
pub(crate) struct SessionCases {
    pub(crate) found: Group,
    pub(crate) signed: Group,
    pub(crate) encrypted: Group,
    pub(crate) session: Group,
    pub(crate) by_metadata: Group,
    pub(crate) by_metadata_with_origin: Group,
    pub(crate) by_origin: Group,
    pub(crate) outbound: [Group; 3],
}

impl SessionCases {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            found: cookies::found()?,
            signed: cookies::signed()?,
            encrypted: cookies::encrypted()?,
            session: session::group()?,
            by_metadata: csrf::by_metadata()?,
            by_metadata_with_origin: csrf::by_metadata_with_origin()?,
            by_origin: csrf::by_origin()?,
            outbound: [0, 1, 3].map(cookies::outbound),
        })
    }

    pub(crate) fn into_groups(self) -> Vec<Group> {
        let mut groups = vec![
            self.found,
            self.signed,
            self.encrypted,
            self.session,
            self.by_metadata,
            self.by_metadata_with_origin,
            self.by_origin,
        ];
        groups.extend(self.outbound);
        groups
    }
}
