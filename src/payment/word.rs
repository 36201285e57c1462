//! What a gateway says, and what makes it believed.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use super::http::HttpSend;
use super::ledger::Ledger;
use super::money::Money;
use super::order::OrderId;
use super::state::{Mode, State};
use super::turn::Taking;

/// A notification, as it came: raw bytes, before anything has read them.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// `GET` or `POST`.
    pub(super) method: &'a str,
    /// What follows the `?`.
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a [(String, Vec<u8>)],
    pub(super) body: &'a Bytes,
}

impl<'a> Notice<'a> {
    /// For a server of your own: names of headers in lower case.
    #[must_use]
    pub const fn new(
        method: &'a str,
        query: Option<&'a str>,
        headers: &'a [(String, Vec<u8>)],
        body: &'a Bytes,
    ) -> Self {
        Self { method, query, headers, body }
    }

    /// `GET`, `POST`.
    #[must_use]
    pub const fn method(&self) -> &'a str {
        self.method
    }

    /// What follows the `?`, byte for byte.
    #[must_use]
    pub const fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// The body, byte for byte.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The value of a header that is there once and is text. Its name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

/// Signatures and payers stand in it.
impl fmt::Debug for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The right to vouch. [`Payments`](super::Payments) alone has one, and lends it to a gateway that it asks: so
/// nothing else makes a [`Verified`].
///
/// ```
/// use donjon::payment::{Mode, Witness};
///
/// fn is_playing(witness: Witness<'_>) -> bool {
///     let Witness { .. } = witness;
///     witness.mode() == Mode::Test
/// }
/// ```
///
/// ```compile_fail,E0451
/// use donjon::payment::{Mode, Witness};
///
/// fn anybody() -> Witness<'static> {
///     Witness { mode: Mode::Test, now: std::time::SystemTime::now(), http: None }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Witness<'a> {
    pub(super) mode: Mode,
    pub(super) now: SystemTime,
    pub(super) http: Option<&'a dyn HttpSend>,
    pub(super) ledger: Option<&'a dyn Ledger>,
    pub(super) taking: Option<&'a Taking>,
}

impl<'a> Witness<'a> {
    /// A fact that the gateway vouches for. The event is the gateway's name for it, which is never that of
    /// another one; the amount is what it says was paid, or is to be.
    #[must_use]
    pub fn verified(
        &self,
        event: impl Into<String>,
        order: OrderId,
        state: State,
        amount: Option<Money>,
    ) -> Verified {
        Verified { event: event.into(), order, state, amount, mode: self.mode, reference: None }
    }

    /// In which mode the gateway is.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What time it is.
    #[must_use]
    pub const fn now(&self) -> SystemTime {
        self.now
    }

    /// The way into the network.
    pub fn http(&self) -> Result<&'a dyn HttpSend, Unbelieved> {
        self.http.ok_or(Unbelieved::Unavailable("there is no HttpSend"))
    }
}

impl fmt::Debug for Witness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// A fact that a gateway vouches for: the only thing by which an order is ever paid.
///
/// Nobody but a gateway that was asked makes one:
///
/// ```
/// use donjon::payment::{OrderId, State, Verified, Witness};
///
/// fn paid(witness: Witness<'_>, order: OrderId) -> Verified {
///     witness.verified("1", order, State::Paid, None)
/// }
/// ```
///
/// ```compile_fail,E0451
/// use donjon::payment::{Mode, OrderId, State, Verified};
///
/// fn paid(order: OrderId) -> Verified {
///     Verified { event: "1".into(), order, state: State::Paid, amount: None, mode: Mode::Production, reference: None }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    pub(super) event: String,
    pub(super) order: OrderId,
    pub(super) state: State,
    pub(super) amount: Option<Money>,
    pub(super) mode: Mode,
    pub(super) reference: Option<String>,
}

impl Verified {
    /// Says of which attempt the gateway speaks, by the [reference](super::Handoff::reference) that it was begun
    /// with, where its word tells: of what nobody here has begun, such as a payment on another site of the same
    /// account or by a link, nothing is believed.
    #[must_use]
    pub fn of_reference(self, reference: impl Into<String>) -> Self {
        Self { reference: Some(reference.into()), ..self }
    }

    /// Says that the gateway speaks of this mode, where its word tells: what is of another mode than the
    /// gateway's changes nothing.
    #[must_use]
    pub const fn of_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

/// What a notification comes to.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a gateway says it, or is to be asked")]
pub enum Word {
    /// The gateway says so.
    Says(Verified),
    /// Something has happened to this order, and the gateway is to be [asked](super::Gateway::confirm): what was sent
    /// is no proof.
    Ask(OrderId),
}

/// Why a notification, or an answer, is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unbelieved {
    /// There is no signature, or it is not the gateway's.
    #[error("the signature is not the gateway's")]
    Signature,
    /// It is of another time.
    #[error("too old, or of the future")]
    Stale,
    /// It cannot be read: what of it, and never what stands there.
    #[error("{0}")]
    Malformed(&'static str),
    /// It cannot be read, and may be of money that has come: nothing is taken beside it.
    #[error("{0}")]
    Unclear(&'static str),
    /// It is of another order, amount, currency or mode than asked for.
    #[error("{0} is not the order's")]
    Mismatch(&'static str),
    /// It could not be found out: it is to be sent again.
    #[error("{0}")]
    Unavailable(&'static str),
}
