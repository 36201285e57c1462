//! What a gateway is: a way out, and a word that can be believed.

use std::pin::Pin;

use super::error::StartError;
use super::ledger::Order;
use super::order::OrderId;
use super::start::{Handoff, Start};
use super::state::Mode;
use super::url::Origin;
use super::word::{Notice, Unbelieved, Verified, Witness, Word};

/// What is waited for. `Box::pin(async move { … })` is one.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

    /// Whether it is asked over the network, and so needs an [`HttpSend`](super::HttpSend).
    fn needs_http(&self) -> bool {
        false
    }

    /// Behind its name in the path of notifications, for a gateway whose signature does not say for whom it is: a
    /// secret, which is put down at the gateway by hand and which no payer learns.
    fn hidden_notify_segment(&self) -> Option<String> {
        None
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
    /// money, for which it has to be its [turn](Witness::turn). Where there are several attempts it is asked about each
    /// of them first without a turn for any, and then again about those for which it has wanted one.
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
