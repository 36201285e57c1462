//! Stripe Checkout.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use zeroize::Zeroizing;

use self::session::{Event, Session};
use super::super::error::{ConfigError, StartError};
use super::super::gateway::{Gateway, Work};
use super::super::ledger::Order;
use super::super::order::OrderId;
use super::super::start::{Handoff, Start};
use super::super::state::{Mode, State};
use super::super::url::{GatewayUrl, Origin};
use super::super::word::{Notice, Unbelieved, Verified, Witness, Word};
use super::api::{self, Failed};

mod amount;
mod request;
mod session;
mod signature;

/// Stripe Checkout: a page of Stripe's, and notifications that are signed with HMAC.
///
/// **The attack.** A notification that nobody has signed, or signed for the test platform, long ago or over other
/// bytes; one that is believed because no secret was set; a session whose page is somewhere else.
///
/// **The rule.** Stripe's *Verify webhook signatures* and *Fulfill orders*.
///
/// - Keys are of one mode, as their names say, and there is no gateway without a secret for notifications. While
///   one secret is replaced there are two.
/// - A notification is verified over its raw bytes before anything reads them: one time, no more than five minutes
///   from ours *on either side*, and `v1` in small hexadecimal, compared in constant time.
/// - An order is paid if `payment_status` is `paid`, by the amount and currency that stand there, in the mode that
///   `livemode` says. A session that is complete may still be unpaid: then it is pending.
/// - Amounts are written by [Stripe's rules](https://docs.stripe.com/currencies), which are not ISO's for Iceland's
///   króna, for Madagascar's ariary and for dinars. Uganda's shilling is refused.
/// - The payer's page is at `https://checkout.stripe.com`, or the payment does not begin.
///
/// What it does not do: a payment that has failed after the session was complete is told by a notification alone;
/// [`reconcile`](super::super::Payments::reconcile) finds it pending. Refunds are made, and are to be noted, elsewhere.
/// A page under a domain of your own is none of Stripe's.
///
/// Have Stripe send `checkout.session.completed`, `.async_payment_succeeded`, `.async_payment_failed` and `.expired`
/// to `/pay/notify/stripe`.
///
/// ```
/// use donjon::payment::{Mode, StripeCheckout};
///
/// let stripe = StripeCheckout::new(Mode::Test, "sk_test_4eC39Hq", ["whsec_5WbX1y0kq3Qm"])?;
/// assert!(!format!("{stripe:?}").contains("4eC39Hq"));
///
/// // Play money is not for production, and what nobody has signed is not for anybody.
/// assert!(StripeCheckout::new(Mode::Production, "sk_test_4eC39Hq", ["whsec_5WbX1y0kq3Qm"]).is_err());
/// assert!(StripeCheckout::new(Mode::Test, "sk_test_4eC39Hq", [""; 0]).is_err());
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
pub struct StripeCheckout {
    mode: Mode,
    key: Zeroizing<String>,
    secrets: Vec<Zeroizing<String>>,
    api: Origin,
    origins: [Origin; 1],
}

impl StripeCheckout {
    /// An account: its secret key (`sk_test_…`, `sk_live_…`, or better a restricted one, `rk_…`, that may write
    /// checkout sessions and nothing else), and the secrets of the endpoint for notifications (`whsec_…`): one, or
    /// two while one is replaced.
    pub fn new<S: AsRef<str>>(
        mode: Mode,
        secret_key: &str,
        webhook_secrets: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let account = |what, mend| ConfigError::Account { gateway: ID, what, mend };
        let found =
            [("test", Mode::Test), ("live", Mode::Production)].into_iter().find(|(name, _)| {
                let of = |kind: &str| {
                    let rest = secret_key.strip_prefix(&format!("{kind}_{name}_"));
                    rest.is_some_and(api::is_name)
                };
                of("sk") || of("rk")
            });
        let (_, found) = found.ok_or_else(|| {
            account("the secret key", "it begins with sk_test_, rk_test_, sk_live_ or rk_live_")
        })?;
        if found != mode {
            return Err(ConfigError::Mode { gateway: ID, what: "the secret key", mode });
        }
        let mut secrets = Vec::new();
        for secret in webhook_secrets {
            let secret = secret.as_ref();
            if !secret.strip_prefix("whsec_").is_some_and(api::is_key) {
                return Err(account("a webhook secret", "it begins with whsec_"));
            }
            secrets.push(Zeroizing::new(secret.to_owned()));
        }
        if secrets.is_empty() {
            let mend = "give one at least: without, anybody could say that something is paid";
            return Err(account("the webhook secrets", mend));
        }
        Ok(Self {
            mode,
            key: Zeroizing::new(secret_key.to_owned()),
            secrets,
            api: "https://api.stripe.com".parse()?,
            origins: ["https://checkout.stripe.com".parse()?],
        })
    }

    /// At another host, for both the API and the payer's page: a simulator. In production that is refused, and so is
    /// a host that is not this machine.
    pub fn simulator(mut self, origin: &str) -> Result<Self, ConfigError> {
        let origin = api::simulator(ID, self.mode, origin)?;
        self.api = origin.clone();
        self.origins = [origin];
        Ok(self)
    }

    fn request(&self, method: Method, path: &str, body: String) -> Result<Request<Bytes>, Failed> {
        let request = Request::builder()
            .method(method)
            .uri(self.api.at(path))
            .header(AUTHORIZATION, api::secret_header(&format!("Bearer {}", *self.key))?)
            .header("stripe-version", VERSION);
        request.body(body.into()).map_err(|_| Failed::Unsendable)
    }

    async fn begin(&self, start: Start<'_>) -> Result<Handoff, StartError> {
        let mut request = self.request(Method::POST, SESSIONS, request::form(&start)?)?;
        let key = HeaderValue::from_str(&api::attempt(&start)).map_err(|_| Failed::Unsendable)?;
        request.headers_mut().insert("idempotency-key", key);
        request.headers_mut().insert(CONTENT_TYPE, FORM);
        let answer = api::send(start.http()?, request).await?;
        let session: Session = api::read(answer.body())?;
        if session.mode() != self.mode {
            return Err(StartError::Gateway("its session is of another mode"));
        }
        let order = session.order();
        let amount = session.amount().map_err(|_| StartError::Gateway("its amount is none"))?;
        if order.is_some_and(|order| order != start.checkout.order)
            || amount.is_some_and(|amount| amount != start.checkout.amount)
        {
            return Err(StartError::Gateway("its session is of another order or amount"));
        }
        if !api::is_name(&session.id) {
            return Err(StartError::Gateway("its session has no name"));
        }
        let url = session.url.as_deref().and_then(|url| GatewayUrl::at(&self.origins, url));
        let url = url.ok_or(StartError::Gateway("its page is not one of its own"))?;
        Ok(Handoff::see_other(url).reference(session.id))
    }

    async fn look_up(
        &self,
        (order, known): (&OrderId, &Order),
        reference: &str,
        witness: Witness<'_>,
    ) -> Result<Option<Verified>, Unbelieved> {
        if !api::is_name(reference) {
            return Err(Unbelieved::Malformed("no session"));
        }
        let path = format!("{SESSIONS}/{reference}");
        let request = self.request(Method::GET, &path, String::new())?;
        let answer = api::send(witness.http()?, request).await?;
        let session: Session = api::read(answer.body())?;
        if session.id != reference {
            return Err(Unbelieved::Mismatch("the session"));
        }
        let order = session.order().filter(|found| found == order);
        let order = order.ok_or(Unbelieved::Mismatch("the session's order"))?;
        match session.state()? {
            Some(State::Pending) if has_failed(known, reference) => Ok(None),
            None => Ok(None),
            Some(state) => session.verified(&witness, order, state).map(Some),
        }
    }
}

/// Whether it was heard that this payment has failed. It looks like one that takes its time, then and for ever: who was
/// told of it knows more.
fn has_failed(known: &Order, reference: &str) -> bool {
    let is_it =
        |by: &str| by.strip_prefix(ID).and_then(|by| by.strip_prefix('/')) == Some(reference);
    known.state == State::Refused && known.by.as_deref().is_none_or(is_it)
}

/// Whether it is that a payment takes its time, of which it was heard before that it has failed: notifications come in any
/// order.
async fn is_old(said: &Verified, witness: &Witness<'_>) -> Result<bool, Unbelieved> {
    let (State::Pending, Some(ledger), Some(reference)) =
        (said.state, witness.ledger, &said.reference)
    else {
        return Ok(false);
    };
    let known = ledger.order(&said.order).await;
    let known = known.map_err(|_| Unbelieved::Unavailable("the ledger does not answer"))?;
    Ok(known.is_some_and(|known| has_failed(&known, reference)))
}

impl Gateway for StripeCheckout {
    fn id(&self) -> &'static str {
        ID
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn origins(&self) -> &[Origin] {
        &self.origins
    }

    fn needs_http(&self) -> bool {
        true
    }

    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(self.begin(start))
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            if notice.method != "POST" {
                return Err(Unbelieved::Malformed("another method than POST"));
            }
            let header = notice.header("stripe-signature").ok_or(Unbelieved::Signature)?;
            signature::check(&self.secrets, header, notice.body, witness.now)?;
            let event: Event<'_> = api::read(notice.body)
                .map_err(|_| Unbelieved::Malformed("an event that cannot be read"))?;
            let words = event.words(&witness)?;
            if let [Word::Says(said)] = &words[..]
                && is_old(said, &witness).await?
            {
                return Ok(Vec::new());
            }
            Ok(words)
        })
    }

    fn confirm<'a>(
        &'a self,
        order: &'a OrderId,
        known: &'a Order,
        reference: Option<&'a str>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Option<Verified>, Unbelieved>> {
        Box::pin(async move {
            match reference {
                Some(reference) => self.look_up((order, known), reference, witness).await,
                None => Ok(None),
            }
        })
    }
}

/// Keys are nothing for a log.
impl fmt::Debug for StripeCheckout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeCheckout")
            .field("mode", &self.mode)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

const ID: &str = "stripe";
const SESSIONS: &str = "/v1/checkout/sessions";
/// As this was written for, so that what an account is set to makes no difference.
const VERSION: HeaderValue = HeaderValue::from_static("2024-11-20.acacia");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

#[cfg(test)]
mod tests;
