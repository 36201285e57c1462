//! PayPal: Orders, version 2.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use self::access::Access;
use self::certificates::Certificates;
use self::notice::Transmission;
use self::order::{Found, Problem};
use super::super::error::{ConfigError, StartError};
use super::super::gateway::{Gateway, Work};
use super::super::http::HttpSend;
use super::super::ledger::Order;
use super::super::order::OrderId;
use super::super::start::{Handoff, Start};
use super::super::state::{Mode, State};
use super::super::url::{GatewayUrl, Origin};
use super::super::word::{Notice, Unbelieved, Verified, Witness, Word};
use super::api::{self, Failed};

mod access;
mod amount;
mod certificates;
mod notice;
mod order;
mod request;

/// PayPal: a page of PayPal's, notifications that only wake us, and money that is taken once it is clear what for.
///
/// **The attack.** A notification whose certificate is fetched from wherever it says (CWE-918). One that was sent
/// to somebody once, with another amount and some spaces in it: what PayPal signs is a CRC-32 of the body, and
/// that is no MAC. An order that is `COMPLETED` while the payment within was declined. Another amount, currency or
/// order than the one that the payer was sent away for.
///
/// **The rule.** PayPal's *Verify webhooks* and *Orders v2*.
///
/// - Before anything is fetched, a certificate's address is exactly one of PayPal's in this mode, the algorithm is
///   `SHA256withRSA`, and the time is no more than five minutes from ours on either side. Then Mozilla's authorities
///   have to vouch for the certificate, for a name of PayPal's, today.
/// - Whatever a notification says, nothing is paid by it: PayPal is asked for the order by the name under which it
///   was begun.
/// - Order, amount and currency are compared with the ledger's before money is taken, and what was taken is compared
///   again. The capture decides, and not the order around it.
/// - Money is taken once for an order that was approved, and not for one that the ledger has as paid, nor by two
///   servers at the same time, each for another attempt: it is one's [turn](Witness::turn). Nor is it taken before every
///   attempt was looked at: the answer to the one before may have been lost.
/// - The payer's page is at `https://www.paypal.com` (or the sandbox's), or the payment does not begin.
/// - The account's secret and the token that is got for it are in no log.
///
/// What it does not do: refunds are made, and are to be noted, elsewhere. An order that nobody approves is forgotten
/// by PayPal after some hours; it stays as it is in the ledger.
///
/// Have PayPal send `CHECKOUT.ORDER.APPROVED` and `PAYMENT.CAPTURE.*` to `/pay/notify/paypal`: the first one is what
/// money is taken on, if the browser does not come back to a page that [asks](super::super::Payments::reconcile).
///
/// ```
/// use donjon::payment::{Mode, PayPal};
///
/// let paypal = PayPal::new(Mode::Test, "AZDxjDScFpQtjWTOUtWKbyN", "EGnHDxD_qRPdaLdZz8i", "4JH86294D6297924G")?;
/// assert!(!format!("{paypal:?}").contains("EGnHDxD"));
///
/// assert!(PayPal::new(Mode::Test, "AZDxjDScFpQtjWTOUtWKbyN", "", "4JH86294D6297924G").is_err());
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
pub struct PayPal {
    mode: Mode,
    access: Access,
    webhook: Box<str>,
    api: Origin,
    origins: [Origin; 1],
    certificates: Certificates,
    /// Where certificates are.
    places: Vec<String>,
}

impl PayPal {
    /// An account: the client id and the secret of its app, and the id of the webhook to which PayPal sends
    /// notifications. All of them are of one mode: nothing in them shows of which, but at the other one's hosts
    /// they are worth nothing.
    pub fn new(
        mode: Mode,
        client_id: &str,
        client_secret: &str,
        webhook_id: &str,
    ) -> Result<Self, ConfigError> {
        let account = |what, mend| ConfigError::Account { gateway: ID, what, mend };
        // A colon would be the end of it.
        if !api::is_key(client_id) || client_id.contains(':') {
            return Err(account(
                "the client id",
                "it is what the app's page shows, without a colon",
            ));
        }
        if !api::is_key(client_secret) {
            return Err(account("the client secret", "it is what the app's page shows"));
        }
        if !api::is_name(webhook_id) {
            return Err(account("the webhook's id", "it is letters and digits, and no URL"));
        }
        let (api, page, place) = match mode {
            Mode::Production => {
                ("https://api-m.paypal.com", "https://www.paypal.com", "https://api.paypal.com")
            }
            Mode::Test => (
                "https://api-m.sandbox.paypal.com",
                "https://www.sandbox.paypal.com",
                "https://api.sandbox.paypal.com",
            ),
        };
        Ok(Self {
            mode,
            access: Access::new(client_id, client_secret),
            webhook: webhook_id.into(),
            api: api.parse()?,
            origins: [page.parse()?],
            certificates: Certificates::paypal(),
            places: vec![format!("{place}{CERTIFICATES}")],
        })
    }

    /// At another host, for the API, the payer's page and certificates, with this certificate (PEM) as the only one
    /// that signs: a simulator. Where the sandbox has its certificates it may be too. In production that is refused,
    /// and so is a host that is not this machine.
    pub fn simulator(mut self, origin: &str, certificate: &str) -> Result<Self, ConfigError> {
        let origin = api::simulator(ID, self.mode, origin)?;
        let mend = "it is one PEM, which begins with BEGIN CERTIFICATE";
        let what = "the simulator's certificate";
        self.certificates = Certificates::only(certificate).ok_or(ConfigError::Account {
            gateway: ID,
            what,
            mend,
        })?;
        self.places.push(origin.at(CERTIFICATES));
        self.api = origin.clone();
        self.origins = [origin];
        Ok(self)
    }

    /// A request but for the token. The name is that of what is done: who sends it again does it once.
    fn request(
        &self,
        method: Method,
        path: &str,
        name: Option<&str>,
        body: String,
    ) -> Result<Request<Bytes>, Failed> {
        let mut request = Request::builder().method(method).uri(self.api.at(path));
        if let Some(name) = name {
            request = request
                .header(CONTENT_TYPE, JSON)
                .header("paypal-request-id", name)
                // With all that there is to compare.
                .header("prefer", "return=representation");
        }
        request.body(body.into()).map_err(|_| Failed::Unsendable)
    }

    async fn begin(&self, start: Start<'_>) -> Result<Handoff, StartError> {
        let (body, name) = (request::order(&start)?, api::attempt(&start));
        let request = self.request(Method::POST, ORDERS, Some(&name), body)?;
        let asked = (start.http()?, &self.api);
        let answer = self.access.exchange(asked, start.now, &request).await?;
        if !answer.status().is_success() {
            return Err(api::failed(answer.status()).into());
        }
        let found: Found = api::read(answer.body())?;
        if !api::is_name(&found.id) {
            return Err(StartError::Gateway("its order has no name"));
        }
        let page = found.page().and_then(|url| GatewayUrl::at(&self.origins, url));
        let page = page.ok_or(StartError::Gateway("its page is not one of its own"))?;
        Ok(Handoff::see_other(page).reference(found.id))
    }

    /// What there is under this name, if there is still anything.
    async fn found(
        &self,
        reference: &str,
        witness: &Witness<'_>,
        http: &dyn HttpSend,
    ) -> Result<Option<Found>, Unbelieved> {
        let request =
            self.request(Method::GET, &format!("{ORDERS}/{reference}"), None, String::new())?;
        let answer = self.access.exchange((http, &self.api), witness.now, &request).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => named(&answer, reference).map(Some),
            status => Err(api::failed(status).into()),
        }
    }

    async fn look_up(
        &self,
        (order, known): (&OrderId, &Order),
        reference: &str,
        witness: Witness<'_>,
    ) -> Result<Option<Verified>, Unbelieved> {
        if !api::is_name(reference) {
            return Err(Unbelieved::Malformed("no order of PayPal's"));
        }
        let http = witness.http()?;
        let Some(found) = self.found(reference, &witness, http).await? else { return Ok(None) };
        match &*found.status {
            // The payer has not said yes.
            "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED" => return Ok(None),
            "APPROVED" | "VOIDED" => found.check(order, known.amount)?,
            // What has come is compared as it is heard.
            "COMPLETED" => found.check_order(order)?,
            _ => return Err(Unbelieved::Malformed("a status of no order of PayPal's")),
        }
        let said = match &*found.status {
            "COMPLETED" => Some(found.taken(&witness, order)?),
            "VOIDED" => {
                let event = format!("{order}/{reference}/VOIDED");
                let said = witness.verified(event, order.clone(), State::Expired, None);
                Some(said.of_reference(reference))
            }
            // It was paid otherwise meanwhile, or may be; nobody pays twice for having said yes twice.
            _ if !known.state.is_payable() || known.state == State::Pending => None,
            _ => self.take((order, known), reference, &witness, http).await?,
        };
        let is_known = matches!(known.state, State::Paid | State::Refunded);
        Ok(said.map(|mut said| {
            if said.state == State::Refunded && !is_known {
                // It came and went before anybody has heard of it: nothing is ours.
                said.state = State::Cancelled;
            }
            said
        }))
    }

    /// Takes the money, for what was compared a moment ago.
    async fn take(
        &self,
        (order, known): (&OrderId, &Order),
        reference: &str,
        witness: &Witness<'_>,
        http: &dyn HttpSend,
    ) -> Result<Option<Verified>, Unbelieved> {
        let Some(turn) = witness.turn((order, known), reference).await? else { return Ok(None) };
        let path = format!("{ORDERS}/{reference}/capture");
        // Not of the order: PayPal says to a name what it has said before, and so who was declined would be for ever.
        let name = format!("capture-{turn}");
        let request = self.request(Method::POST, &path, Some(&name), "{}".to_owned())?;
        let answer = self.access.exchange((http, &self.api), witness.now, &request).await?;
        if answer.status().is_success() {
            return named(&answer, reference)?.taken(witness, order).map(Some);
        }
        if answer.status() != StatusCode::UNPROCESSABLE_ENTITY {
            return Err(api::failed(answer.status()).into());
        }
        let problem: Problem = api::read(answer.body())?;
        if problem.is(&["ORDER_NOT_APPROVED"]) {
            return Ok(None);
        }
        if problem.is(DECLINED) {
            let event = format!("{order}/{reference}/DECLINED");
            let said = witness.verified(event, order.clone(), State::Refused, None);
            return Ok(Some(said.of_reference(reference)));
        }
        if problem.is(&["ORDER_ALREADY_CAPTURED"]) {
            // Another notification of it was quicker.
            let found = self.found(reference, witness, http).await?;
            if let Some(found) = found.filter(|found| found.status == "COMPLETED") {
                found.check(order, known.amount)?;
                return found.taken(witness, order).map(Some);
            }
        }
        Err(Failed::Refused.into())
    }
}

/// The order in an answer, which is the one that was asked for.
fn named(answer: &Response<Bytes>, reference: &str) -> Result<Found, Unbelieved> {
    let found: Found = api::read(answer.body())?;
    if found.id == reference {
        Ok(found)
    } else {
        Err(Unbelieved::Mismatch("the order of PayPal's"))
    }
}

impl Gateway for PayPal {
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
            let sent = Transmission::of(notice, &self.webhook, &self.places, witness.now)?;
            self.certificates.verify(&sent, &witness).await?;
            // The signature is one over a checksum, and so no proof of what the body says: it only wakes us.
            Ok(notice::order(notice.body)?.map(Word::Ask).into_iter().collect())
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
impl fmt::Debug for PayPal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayPal")
            .field("mode", &self.mode)
            .field("webhook", &self.webhook)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

const ID: &str = "paypal";
const ORDERS: &str = "/v2/checkout/orders";
const CERTIFICATES: &str = "/v1/notifications/certs/";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Why money could not be taken that the payer had promised.
const DECLINED: &[&str] = &[
    "INSTRUMENT_DECLINED",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    "PAYER_ACCOUNT_RESTRICTED",
    "PAYER_CANNOT_PAY",
    "TRANSACTION_REFUSED",
];

#[cfg(test)]
mod tests;
