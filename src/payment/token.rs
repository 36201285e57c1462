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
    pub(super) once: [u8; 16],
    pub(super) session: [u8; 16],
    pub(super) minor: u64,
    pub(super) currency: u16,
    pub(super) gateway: String,
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
        let once: [u8; 16] = rand::random();
        let gateway_len = u8::try_from(gateway.len()).unwrap_or(u8::MAX);
        let payload = [
            &once[..],
            &hash(session),
            &amount.minor().to_be_bytes(),
            &amount.currency().number().to_be_bytes(),
            &[gateway_len],
            gateway.as_bytes(),
            order.as_str().as_bytes(),
        ]
        .concat();
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
    let (once, rest) = payload.split_first_chunk()?;
    let (session, rest) = rest.split_first_chunk()?;
    let (minor, rest) = rest.split_first_chunk()?;
    let (currency, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first()?;
    let (gateway, order) = rest.split_at_checked(usize::from(*len))?;
    Some(Sent {
        once: *once,
        session: *session,
        minor: u64::from_be_bytes(*minor),
        currency: u16::from_be_bytes(*currency),
        gateway: std::str::from_utf8(gateway).ok()?.to_owned(),
        order: std::str::from_utf8(order).ok()?.parse().ok()?,
        until,
    })
}

/// Which session it was, without saying which.
pub(super) fn hash(session: Option<&[u8]>) -> [u8; 16] {
    let mut short = [0; 16];
    if let Some(session) = session {
        let digest = Sha256::new_with_prefix("donjon payment session").chain_update(session);
        short.copy_from_slice(&digest.finalize()[..16]);
    }
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
