//! What a gateway is: a way out, and a word that can be believed.

use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

use super::error::StartError;
use super::ledger::Order;
use super::money::Money;
use super::order::OrderId;
use super::url::{GatewayUrl, Origin};

/// What is waited for. `Box::pin(async move { … })` is one.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether ids, key and host are for playing or for real. They are chosen together, so that none of one mode
/// meets one of the other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "it is one or the other")]
pub enum Mode {
    /// The gateway's test platform: nobody's money.
    Test,
    /// Money.
    Production,
}

/// How far a payment is.
///
/// ```text
/// Created ─► Pending ─► Authorized ─► Paid ─► Refunded
///    └──────────┴───────────┴──► Refused, Cancelled, Expired ─► Pending, Authorized, Paid
/// ```
///
/// What is paid stays paid, whatever is heard later, in whatever order: only a refund ends it. What was refused
/// may be paid after all: the payer has tried another card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the ledger stores each")]
pub enum State {
    /// Nobody has paid yet.
    Created,
    /// The gateway does not know yet.
    Pending,
    /// The bank has promised the money.
    Authorized,
    /// The money is ours.
    Paid,
    /// The bank, or the gateway, has refused.
    Refused,
    /// The payer has given up.
    Cancelled,
    /// The payer has taken too long.
    Expired,
    /// All of it went back.
    Refunded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Pending,
        Self::Authorized,
        Self::Paid,
        Self::Refused,
        Self::Cancelled,
        Self::Expired,
        Self::Refunded,
    ];

    /// As it stands in a database and in a log: `paid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    /// From which states an order may come into this one.
    ///
    /// ```
    /// use donjon::payment::State;
    ///
    /// assert!(State::Paid.comes_from().contains(&State::Cancelled), "a late word counts");
    /// assert!(!State::Cancelled.comes_from().contains(&State::Paid), "and takes nothing back");
    /// ```
    #[must_use]
    pub const fn comes_from(self) -> &'static [Self] {
        use State::{Authorized, Cancelled, Created, Expired, Paid, Pending, Refused};
        match self {
            Self::Created => &[],
            Self::Pending => &[Created, Refused, Cancelled, Expired],
            Self::Authorized => &[Created, Pending, Refused, Cancelled, Expired],
            Self::Paid => &[Created, Pending, Authorized, Refused, Cancelled, Expired],
            Self::Refused | Self::Cancelled | Self::Expired => &[Created, Pending, Authorized],
            Self::Refunded => &[Paid],
        }
    }

    /// Whether there is something to be paid.
    pub(super) const fn is_payable(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Pending | Self::Refused | Self::Cancelled | Self::Expired
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// By what it is called in a database.
impl std::str::FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// No state is called so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no state of a payment is called so")]
#[non_exhaustive]
pub struct UnknownState;

/// What is to be paid, and what the gateway is told of the payer. No card is among it: the gateway asks for
/// that, on its own page.
#[derive(Clone, Debug)]
#[must_use = "nothing is paid until Payments has it"]
pub struct Checkout {
    pub(super) order: OrderId,
    pub(super) amount: Money,
    pub(super) email: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) quantity: u8,
    pub(super) billing: Option<Billing>,
}

impl Checkout {
    /// This much for this order.
    pub const fn new(order: OrderId, amount: Money) -> Self {
        Self {
            order,
            amount,
            email: None,
            description: None,
            language: None,
            quantity: 1,
            billing: None,
        }
    }

    /// The payer's address, which Paybox asks for.
    pub fn email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// What the payer reads on the gateway's page: `Court 3, 12 May`. `PayPal` and `Stripe` show it.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// In which language the gateway's page is to be: two letters of ISO 639-1, `fr`.
    pub fn language(self, language: impl Into<String>) -> Self {
        Self { language: Some(language.into()), ..self }
    }

    /// How many things are bought, 1 to 99: 3-D Secure asks.
    pub const fn quantity(mut self, quantity: u8) -> Self {
        self.quantity = quantity;
        self
    }

    /// Whose card it is to be: 3-D Secure asks, and asks the payer less where it knows.
    pub fn billing(self, billing: Billing) -> Self {
        Self { billing: Some(billing), ..self }
    }

    /// The order.
    #[must_use]
    pub const fn order(&self) -> &OrderId {
        &self.order
    }

    /// How much.
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// What is said of the payer's e-mail address.
    #[must_use]
    pub fn payer_email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// In which language the gateway's page is to be.
    #[must_use]
    pub fn page_language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// How many things are bought.
    #[must_use]
    pub const fn things(&self) -> u8 {
        self.quantity
    }

    /// Whose card it is to be.
    #[must_use]
    pub const fn card_holder(&self) -> Option<&Billing> {
        self.billing.as_ref()
    }

    /// What is to be read on the gateway's page, the order's name if nothing was said.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.description.as_deref().unwrap_or_else(|| self.order.as_str())
    }
}

/// A payer's name and address.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "it is written down as it is")]
pub struct Billing {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Street and number.
    pub street: String,
    /// What else there is to say: a floor, a court.
    pub more: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// The country's number in ISO 3166-1: 250 for France, 276 for Germany.
    pub country: u16,
}

/// Where somebody lives is nothing for a log.
impl fmt::Debug for Billing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing").field("country", &self.country).finish_non_exhaustive()
    }
}

/// What a gateway needs to begin a payment.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    pub(super) checkout: &'a Checkout,
    pub(super) back: &'a str,
    pub(super) notify: &'a str,
    pub(super) now: SystemTime,
    pub(super) http: Option<&'a dyn HttpSend>,
}

impl<'a> Start<'a> {
    /// What is to be paid.
    pub const fn checkout(&self) -> &'a Checkout {
        self.checkout
    }

    /// Where the payer's browser is to come back, whatever came of it: a whole URL, with nothing behind its
    /// path. What is added to it is not read.
    #[must_use]
    pub const fn back(&self) -> &'a str {
        self.back
    }

    /// Where the gateway is to tell what came of it: a whole URL.
    #[must_use]
    pub const fn notify(&self) -> &'a str {
        self.notify
    }

    /// What time it is.
    #[must_use]
    pub const fn now(&self) -> SystemTime {
        self.now
    }

    /// The way into the network.
    pub fn http(&self) -> Result<&'a dyn HttpSend, StartError> {
        self.http.ok_or(StartError::Gateway("there is no HttpSend"))
    }
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("order", &self.checkout.order).finish_non_exhaustive()
    }
}

/// What the payer's browser is to do.
#[derive(Clone, Debug)]
#[must_use = "the payer is to be sent on"]
pub struct Handoff {
    pub(super) way: Way,
    pub(super) reference: Option<String>,
}

#[derive(Clone)]
pub(super) enum Way {
    SeeOther(GatewayUrl),
    Post { action: GatewayUrl, fields: Vec<(&'static str, String)> },
}

/// What is signed is nothing for a log.
impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeeOther(url) => f.debug_tuple("SeeOther").field(url).finish(),
            Self::Post { action, .. } => {
                f.debug_struct("Post").field("action", action).finish_non_exhaustive()
            }
        }
    }
}

impl Handoff {
    /// To go there.
    pub const fn see_other(url: GatewayUrl) -> Self {
        Self { way: Way::SeeOther(url), reference: None }
    }

    /// To post a form there, with these fields in this order.
    pub const fn post(action: GatewayUrl, fields: Vec<(&'static str, String)>) -> Self {
        Self { way: Way::Post { action, fields }, reference: None }
    }

    /// Under which name the gateway has the payment, by which it is asked later.
    pub fn reference(self, reference: impl Into<String>) -> Self {
        Self { reference: Some(reference.into()), ..self }
    }
}

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
#[derive(Clone, Copy)]
pub struct Witness<'a> {
    pub(super) mode: Mode,
    pub(super) now: SystemTime,
    pub(super) http: Option<&'a dyn HttpSend>,
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
        Verified { event: event.into(), order, state, amount, mode: self.mode }
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
/// ```compile_fail,E0451
/// use donjon::payment::{Mode, OrderId, State, Verified};
///
/// fn paid(order: OrderId) -> Verified {
///     Verified { event: "1".into(), order, state: State::Paid, amount: None, mode: Mode::Production }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    pub(super) event: String,
    pub(super) order: OrderId,
    pub(super) state: State,
    pub(super) amount: Option<Money>,
    pub(super) mode: Mode,
}

impl Verified {
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
    /// Something has happened to this order, and the gateway is to be [asked](Gateway::confirm): what was sent
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
    /// It is of another order, amount, currency or mode than asked for.
    #[error("{0} is not the order's")]
    Mismatch(&'static str),
    /// It could not be found out: it is to be sent again.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// A gateway: `Paybox`, `PayPal`, `StripeCheckout`, or one of your own.
///
/// ```
/// use donjon::payment::*;
///
/// # struct Lydia { origins: [Origin; 1] }
/// impl Gateway for Lydia {
///     fn id(&self) -> &'static str {
///         "lydia"
///     }
///     fn mode(&self) -> Mode {
///         Mode::Test
///     }
///     fn origins(&self) -> &[Origin] {
///         &self.origins
///     }
///     fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
///         Box::pin(async move {
///             let url = format!("https://pay.example/{}", start.checkout().order());
///             let url = GatewayUrl::at(&self.origins, &url);
///             Ok(Handoff::see_other(url.ok_or(StartError::Gateway("not its own URL"))?))
///         })
///     }
///     fn verify<'a>(&'a self, _: Notice<'a>, _: Witness<'a>) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
///         Box::pin(async { Err(Unbelieved::Signature) }) // until it is written, nothing is believed
///     }
/// }
/// ```
pub trait Gateway: Send + Sync + 'static {
    /// Its name, in paths and in the ledger: 1 to 32 of `a-z`, `0-9` and `-`.
    fn id(&self) -> &'static str;

    /// Playing, or for real.
    fn mode(&self) -> Mode;

    /// Its own origins: where a payer may be sent, and what the page with the button has in `form-action`.
    fn origins(&self) -> &[Origin];

    /// Whether it is asked over the network, and so needs an [`HttpSend`].
    fn needs_http(&self) -> bool {
        false
    }

    /// Begins a payment.
    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>>;

    /// Reads a notification, all of it or nothing: one word that is not believed, and none is.
    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>>;

    /// Asks what has become of an order, by the reference that the payment was begun with; `None` if that is not
    /// known yet, or cannot be asked. It is given what the ledger has of the order, to compare before it takes
    /// money.
    fn confirm<'a>(
        &'a self,
        order: &'a OrderId,
        known: &'a Order,
        reference: Option<&'a str>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Option<Verified>, Unbelieved>> {
        let _ = (order, known, reference, witness);
        Box::pin(async { Ok(None) })
    }
}

/// Sends a request, and gives the answer: the way into the network, which is the app's own choice.
///
/// - https only, certificates verified, and **no redirects followed**.
/// - With a deadline, and a limit for the answer: a megabyte is more than enough.
///
/// With the feature `reqwest`, [`Reqwest`](crate::adapters::reqwest::Reqwest) is one.
pub trait HttpSend: Send + Sync + 'static {
    /// Sends it. An answer of any status is one; no answer is an error.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Work<'_, Result<http::Response<Bytes>, HttpError>>;
}

/// There was no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the gateway does not answer")]
#[non_exhaustive]
pub struct HttpError;

impl HttpError {
    /// There was none.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Default for HttpError {
    fn default() -> Self {
        Self::new()
    }
}
