//! What a browser brings back from the gateway: which order it had been sent away for.

use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::error::{ConfigError, ReturnError};
use super::money::Money;
use super::order::OrderId;
use super::state::State;
use crate::cookies::{OpenReason, SealContext, SealError, Sealer};
use crate::keys::KeyRing;

/// Makes and reads them: sealed, so that nobody reads or changes one.
#[derive(Clone, Debug)]
pub(super) struct ReturnTokens(Sealer);

/// What stands in one.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Sent {
    pub(super) session: [u8; 8],
    pub(super) bound: [u8; 8],
    pub(super) order: OrderId,
    pub(super) until: SystemTime,
}

impl ReturnTokens {
    pub(super) fn new(ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        Ok(Self(Sealer::encrypted(ring, app, "payment return")?))
    }

    pub(super) fn seal(
        &self,
        order: &OrderId,
        amount: Money,
        gateway: &str,
        session: Option<&[u8]>,
        (now, lifetime): (SystemTime, Duration),
    ) -> Result<String, SealError> {
        let order_of = order.as_str().as_bytes();
        let payload = [&session_hash(session)[..], &bound(gateway, amount), order_of].concat();
        self.0.seal(&CONTEXT, &payload, now.checked_add(lifetime).unwrap_or(now), now)
    }

    pub(super) fn open(&self, token: &str, now: SystemTime) -> Result<Sent, ReturnError> {
        let opened = self.0.open(&CONTEXT, token, now).map_err(|error| match error.reason() {
            OpenReason::Expired => ReturnError::Expired,
            _ => ReturnError::Invalid,
        })?;
        read(&opened.payload, opened.expires_at).ok_or(ReturnError::Invalid)
    }
}

fn read(payload: &[u8], until: SystemTime) -> Option<Sent> {
    let (session, rest) = payload.split_first_chunk()?;
    let (bound, order) = rest.split_first_chunk()?;
    let order = std::str::from_utf8(order).ok()?.parse().ok()?;
    Some(Sent { session: *session, bound: *bound, order, until })
}

/// Which session it was, without saying which.
pub(super) fn session_hash(session: Option<&[u8]>) -> [u8; 8] {
    session.map_or([0; 8], |session| short(["session", ""], session))
}

/// At which gateway, and at which price. Gateways have limits for how long a URL is, so it is short: it is sealed
/// with the rest, and nobody can look for another one that fits.
pub(super) fn bound(gateway: &str, amount: Money) -> [u8; 8] {
    short(["price", gateway], amount.to_string().as_bytes())
}

/// By which a token is remembered once it is used.
pub(super) fn once(token: &str) -> [u8; 16] {
    let mut once = [0; 16];
    once.copy_from_slice(&Sha256::digest(token)[..16]);
    once
}

fn short([what, of]: [&str; 2], bytes: &[u8]) -> [u8; 8] {
    let digest = Sha256::new_with_prefix("donjon payment");
    let digest = digest.chain_update(what).chain_update([0]).chain_update(of).chain_update([0]);
    let mut short = [0; 8];
    short.copy_from_slice(&digest.chain_update(bytes).finalize()[..8]);
    short
}

/// A browser that has come back.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Returned {
    /// From paying which order.
    pub order: OrderId,
    /// How far that is now, as the ledger says. What the browser has brought along says nothing.
    pub state: State,
    /// Whether it is the session that was sent away. `false` also where it has come without its cookie, as
    /// browsers do that were sent back from another site by `POST`.
    pub is_same_session: bool,
}

const CONTEXT: SealContext<'static> = SealContext::new("return");
