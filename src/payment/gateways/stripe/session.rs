//! What Stripe says: a session, and an event about one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::super::money::Money;
use super::super::super::order::OrderId;
use super::super::super::state::{Mode, State};
use super::super::super::word::{Unbelieved, Verified, Witness, Word};
use super::super::api;
use super::amount;

/// A checkout session.
#[derive(Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    client_reference_id: Option<String>,
    amount_total: Option<u64>,
    currency: Option<String>,
    payment_status: Option<String>,
    status: Option<String>,
    mode: Option<String>,
    livemode: Option<bool>,
    pub(super) url: Option<String>,
}

impl Session {
    /// Of which of our orders it is, if it is of any: what else an account sells is none of ours.
    pub(super) fn order(&self) -> Option<OrderId> {
        let is_payment = self.mode.as_deref().is_none_or(|mode| mode == "payment");
        self.client_reference_id.as_deref().filter(|_| is_payment)?.parse().ok()
    }

    /// What does not say that it is of real money is not: in production it is not believed.
    pub(super) fn mode(&self) -> Mode {
        mode(self.livemode)
    }

    /// The amount, if one is named.
    pub(super) fn amount(&self) -> Result<Option<Money>, Unbelieved> {
        match (self.amount_total, self.currency.as_deref()) {
            (Some(total), Some(currency)) => {
                let money = amount::money(total, currency);
                money.map(Some).map_err(|_| Unbelieved::Mismatch("the amount"))
            }
            _ => Ok(None),
        }
    }

    /// How far a session is that the payer has gone through. Complete it is before the money has come.
    fn completed(&self) -> Result<State, Unbelieved> {
        match self.payment_status.as_deref() {
            Some("paid") => Ok(State::Paid),
            Some("unpaid") => Ok(State::Pending),
            // `no_payment_required`: somebody has made it cost nothing, and that is no order's amount.
            Some(_) => Err(Unbelieved::Mismatch("the payment's status")),
            None => Err(Unbelieved::Malformed("no payment status")),
        }
    }

    /// How far it is when it is looked up; `None` while the payer is on the page.
    pub(super) fn state(&self) -> Result<Option<State>, Unbelieved> {
        match self.status.as_deref() {
            Some("open") => Ok(None),
            Some("expired") => Ok(Some(State::Expired)),
            Some("complete") => self.completed().map(Some),
            _ => Err(Unbelieved::Malformed("no session status")),
        }
    }

    /// The event is the order, the session and how far it is, and not Stripe's `evt_…`: of one payment Stripe may send two of
    /// those, and none stands in what is looked up. Whoever hears of one payment twice is then not told that
    /// somebody has paid twice.
    pub(super) fn verified(
        &self,
        witness: &Witness<'_>,
        order: OrderId,
        state: State,
    ) -> Result<Verified, Unbelieved> {
        if !api::is_name(&self.id) {
            return Err(Unbelieved::Malformed("no session"));
        }
        let event = format!("{order}/{}/{state}", self.id);
        let verified = witness.verified(event, order, state, self.amount()?);
        Ok(verified.of_mode(self.mode()).of_reference(&*self.id))
    }
}

fn mode(livemode: Option<bool>) -> Mode {
    if livemode == Some(true) { Mode::Production } else { Mode::Test }
}

/// Something has happened.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: Option<bool>,
    /// Of an account that is connected to ours, whose payments are its own.
    account: Option<String>,
    #[serde(borrow)]
    data: Data<'a>,
}

/// With what: it is looked at once it is known to be a session.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Event<'_> {
    /// What it comes to. What is not of a session, or of no order of ours, comes to nothing.
    pub(super) fn words(&self, witness: &Witness<'_>) -> Result<Vec<Word>, Unbelieved> {
        if !api::is_name(&self.id) {
            return Err(Unbelieved::Malformed("no event"));
        }
        let Some(kind) = self.kind.strip_prefix("checkout.session.") else { return Ok(Vec::new()) };
        if !KINDS.contains(&kind) || self.account.is_some() {
            return Ok(Vec::new());
        }
        let session: Session = api::read(self.data.object.get().as_bytes())
            .map_err(|_| Unbelieved::Malformed("no session"))?;
        let Some(order) = session.order() else { return Ok(Vec::new()) };
        if session.livemode.is_some() && session.mode() != mode(self.livemode) {
            return Err(Unbelieved::Mismatch("the mode"));
        }
        // Somebody has made it cost nothing, by a coupon: that pays no order.
        if session.payment_status.as_deref() == Some("no_payment_required") {
            return Ok(Vec::new());
        }
        let state = match kind {
            "async_payment_failed" => State::Refused,
            "expired" => State::Expired,
            _ => session.completed()?,
        };
        let verified = session.verified(witness, order, state)?.of_mode(mode(self.livemode));
        Ok(vec![Word::Says(verified)])
    }
}

const KINDS: [&str; 4] =
    ["completed", "async_payment_succeeded", "async_payment_failed", "expired"];

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::super::super::currency::Currency;
    use super::*;

    const WITNESS: Witness<'_> = Witness {
        mode: Mode::Test,
        now: SystemTime::UNIX_EPOCH,
        http: None,
        ledger: None,
        taking: None,
    };

    fn heard(kind: &str, object: &str) -> Result<Vec<Word>, Unbelieved> {
        let body = format!(
            r#"{{"id":"evt_1","type":"{kind}","livemode":false,"more":[1],"data":{{"object":{object}}}}}"#
        );
        api::read::<Event<'_>>(body.as_bytes()).map_err(Unbelieved::from)?.words(&WITNESS)
    }

    fn one(words: Vec<Word>) -> Verified {
        match <[Word; 1]>::try_from(words) {
            Ok([Word::Says(verified)]) => verified,
            other => panic!("{other:?}"),
        }
    }

    fn session(with: &str) -> String {
        format!(
            r#"{{"id":"cs_1","amount_total":4990,"currency":"eur","client_reference_id":"ORD-1",{with}}}"#
        )
    }

    /// What costs nothing, and what a connected account was paid, is no order's.
    #[test]
    fn what_nobody_has_paid_us_comes_to_nothing() {
        let free = session(r#""payment_status":"no_payment_required""#);
        assert!(heard("checkout.session.completed", &free).unwrap().is_empty());
        let object = session(r#""payment_status":"paid""#);
        let body = format!(
            r#"{{"id":"evt_1","type":"checkout.session.completed","livemode":false,
                "account":"acct_1","data":{{"object":{object}}}}}"#
        );
        let event: Event<'_> = api::read(body.as_bytes()).unwrap();
        assert!(event.words(&WITNESS).unwrap().is_empty());
    }

    #[test]
    fn kind_and_status_say_how_far_it_is() {
        for (kind, status, expected) in [
            ("completed", "paid", Some(State::Paid)),
            ("completed", "unpaid", Some(State::Pending)),
            ("async_payment_succeeded", "paid", Some(State::Paid)),
            ("async_payment_succeeded", "unpaid", Some(State::Pending)),
            ("async_payment_failed", "unpaid", Some(State::Refused)),
            ("expired", "unpaid", Some(State::Expired)),
            ("completed", "PAID", None),
        ] {
            let object = session(&format!(r#""payment_status":"{status}""#));
            let heard = heard(&format!("checkout.session.{kind}"), &object);
            let Some(state) = expected else {
                assert!(heard.is_err(), "{kind} {status}");
                continue;
            };
            let verified = one(heard.unwrap());
            assert_eq!(verified.state, state, "{kind} {status}");
            assert_eq!(verified.event, format!("ORD-1/cs_1/{state}"));
            assert_eq!(verified.amount, Money::new(4990, Currency::EUR).ok());
            assert_eq!((verified.order.as_str(), verified.mode), ("ORD-1", Mode::Test));
        }
    }

    #[test]
    fn what_is_of_no_order_of_ours_comes_to_nothing() {
        let paid = session(r#""payment_status":"paid""#);
        for (kind, object) in [
            ("payment_intent.succeeded", r#"{"id":"pi_1"}"#),
            ("invoice.paid", "{}"),
            ("checkout.session.something_new", &*paid),
            ("checkout.session.completed", r#"{"id":"cs_1","payment_status":"paid"}"#),
            (
                "checkout.session.completed",
                r#"{"id":"cs_1","client_reference_id":null,"payment_status":"paid"}"#,
            ),
            (
                "checkout.session.completed",
                r#"{"id":"cs_1","client_reference_id":"not one of ours","payment_status":"paid"}"#,
            ),
            (
                "checkout.session.completed",
                r#"{"id":"cs_1","client_reference_id":"ORD-1","mode":"subscription","payment_status":"paid"}"#,
            ),
        ] {
            assert!(heard(kind, object).unwrap().is_empty(), "{kind} {object}");
        }
    }

    #[test]
    fn what_cannot_be_believed_is_not_guessed_at() {
        for object in [
            session(r#""payment_status":null"#),
            session(r#""id":"cs_2","payment_status":"paid""#),
            session(r#""amount_total":1,"payment_status":"paid""#),
            session(r#""livemode":true,"payment_status":"paid""#),
            r#"{"client_reference_id":"ORD-1","payment_status":"paid"}"#.to_owned(),
            r#"{"id":"cs_1","client_reference_id":"ORD-1","amount_total":49.9,"currency":"eur","payment_status":"paid"}"#.to_owned(),
            r#"{"id":"cs_1","client_reference_id":"ORD-1","amount_total":4990,"currency":"EUR","payment_status":"paid"}"#.to_owned(),
            r#"{"id":"cs_1","client_reference_id":"ORD-1","amount_total":4990,"currency":"ugx","payment_status":"paid"}"#.to_owned(),
            "[]".to_owned(),
            "null".to_owned(),
        ] {
            assert!(heard("checkout.session.completed", &object).is_err(), "{object}");
        }
        // Without an amount nothing is paid: that is looked at where it is compared.
        let bare = r#"{"id":"cs_1","client_reference_id":"ORD-1","payment_status":"paid"}"#;
        assert_eq!(one(heard("checkout.session.completed", bare).unwrap()).amount, None);
    }

    #[test]
    fn the_mode_is_what_the_event_says() {
        let read = |livemode: &str| {
            let object = session(r#""payment_status":"paid""#);
            let body = format!(
                r#"{{"id":"evt_1","type":"checkout.session.completed",{livemode}"data":{{"object":{object}}}}}"#
            );
            one(api::read::<Event<'_>>(body.as_bytes()).unwrap().words(&WITNESS).unwrap()).mode
        };
        assert_eq!(read(r#""livemode":true,"#), Mode::Production);
        assert_eq!(read(r#""livemode":false,"#), Mode::Test);
        assert_eq!(read(""), Mode::Test, "in production that is of another mode");
    }
}
