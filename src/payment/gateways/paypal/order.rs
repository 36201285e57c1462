//! What PayPal says of an order of its own, and of the money that was taken for it.

use serde::Deserialize;

use super::super::super::money::Money;
use super::super::super::order::OrderId;
use super::super::super::state::State;
use super::super::super::word::{Unbelieved, Verified, Witness};
use super::super::api;
use super::amount;

/// PayPal's order: one attempt to pay one of ours.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) status: String,
    intent: Option<String>,
    #[serde(default)]
    purchase_units: Vec<Unit>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Unit {
    custom_id: Option<String>,
    amount: Option<Amount>,
    payments: Option<Taken>,
}

#[derive(Deserialize)]
struct Amount {
    currency_code: String,
    value: String,
}

#[derive(Deserialize)]
struct Taken {
    #[serde(default)]
    captures: Vec<Capture>,
}

/// Money that was taken, or was to be.
#[derive(Deserialize)]
struct Capture {
    id: String,
    status: String,
    custom_id: Option<String>,
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
    rel: String,
}

impl Found {
    /// Where the payer is to go on.
    pub(super) fn page(&self) -> Option<&str> {
        let is_page = |link: &&Link| link.rel == "payer-action" || link.rel == "approve";
        self.links.iter().find(is_page).map(|link| &*link.href)
    }

    /// One thing is bought, as it was asked for.
    fn unit(&self) -> Result<&Unit, Unbelieved> {
        match &self.purchase_units[..] {
            [unit] => Ok(unit),
            _ => Err(Unbelieved::Malformed("not one purchase unit")),
        }
    }

    /// Whether it is of this order.
    pub(super) fn check_order(&self, order: &OrderId) -> Result<(), Unbelieved> {
        if self.unit()?.custom_id.as_deref() != Some(order.as_str()) {
            return Err(Unbelieved::Mismatch("the order that PayPal names"));
        }
        Ok(())
    }

    /// The same, and of this amount: what is asked before money is taken.
    pub(super) fn check(&self, order: &OrderId, amount: Money) -> Result<(), Unbelieved> {
        self.check_order(order)?;
        let unit = self.unit()?;
        if money(unit.amount.as_ref())? != Some(amount) {
            return Err(Unbelieved::Mismatch("the amount that PayPal names"));
        }
        if self.intent.as_deref().is_some_and(|intent| intent != "CAPTURE") {
            return Err(Unbelieved::Mismatch("the intent"));
        }
        Ok(())
    }

    /// What has become of the money. That the order is `COMPLETED` says nothing: the capture within may have been
    /// declined. The event is the order, the capture and how far it is, since one that is pending is completed later.
    pub(super) fn taken(
        &self,
        witness: &Witness<'_>,
        order: &OrderId,
    ) -> Result<Verified, Unbelieved> {
        let unit = self.unit()?;
        let captures = unit.payments.as_ref().map(|taken| &*taken.captures).unwrap_or_default();
        let states = captures.iter().map(|capture| Ok((state(&capture.status)?, capture)));
        let states = states.collect::<Result<Vec<_>, Unbelieved>>()?;
        // One was declined and another one completed: the payer has taken another card.
        let best =
            states.into_iter().min_by_key(|(state, _)| RANKS.iter().position(|at| at == state));
        let (state, capture) = best.ok_or(Unbelieved::Unclear("nothing was captured"))?;
        for named in [&unit.custom_id, &capture.custom_id].into_iter().flatten() {
            if named != order.as_str() {
                return Err(Unbelieved::Mismatch("the order that PayPal names"));
            }
        }
        if !api::is_name(&capture.id) {
            return Err(Unbelieved::Unclear("a capture without a name"));
        }
        // Of which some went back it is the payment that was heard before, and no second one.
        let stands_for = if state == State::Paid { "COMPLETED" } else { &capture.status };
        let event = format!("{order}/{}/{stands_for}", capture.id);
        let amount = money(capture.amount.as_ref())?;
        Ok(witness.verified(event, order.clone(), state, amount).of_reference(&*self.id))
    }
}

/// The first of them counts.
const RANKS: [State; 4] = [State::Paid, State::Refunded, State::Pending, State::Refused];

fn state(status: &str) -> Result<State, Unbelieved> {
    Ok(match status {
        "COMPLETED" | "PARTIALLY_REFUNDED" => State::Paid,
        "REFUNDED" => State::Refunded,
        "PENDING" => State::Pending,
        "DECLINED" | "FAILED" => State::Refused,
        _ => return Err(Unbelieved::Unclear("a status of no capture")),
    })
}

fn money(amount: Option<&Amount>) -> Result<Option<Money>, Unbelieved> {
    let money = amount.map(|amount| amount::money(&amount.value, &amount.currency_code));
    money.transpose().map_err(|_| Unbelieved::Mismatch("the amount that PayPal names"))
}

/// Why money was not taken.
#[derive(Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    details: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    issue: String,
}

impl Problem {
    pub(super) fn is(&self, issues: &[&str]) -> bool {
        self.details.iter().any(|detail| issues.contains(&&*detail.issue))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::super::super::currency::Currency;
    use super::super::super::super::state::Mode;
    use super::*;

    fn taken(captures: &str) -> Result<Verified, Unbelieved> {
        let text = format!(
            r#"{{"id":"5O1","status":"COMPLETED","purchase_units":[{{"custom_id":"ORD-1","payments":{{"captures":{captures}}}}}]}}"#
        );
        let witness = Witness {
            mode: Mode::Test,
            now: SystemTime::UNIX_EPOCH,
            http: None,
            ledger: None,
            taking: None,
        };
        let found: Found = api::read(text.as_bytes()).map_err(Unbelieved::from)?;
        found.taken(&witness, &"ORD-1".parse().unwrap())
    }

    #[test]
    fn the_capture_decides() {
        let capture = |id: &str, status: &str| {
            format!(
                r#"{{"id":"{id}","status":"{status}","amount":{{"currency_code":"EUR","value":"49.90"}}}}"#
            )
        };
        for (status, expected) in [
            ("COMPLETED", Some(State::Paid)),
            ("PARTIALLY_REFUNDED", Some(State::Paid)),
            ("REFUNDED", Some(State::Refunded)),
            ("PENDING", Some(State::Pending)),
            ("DECLINED", Some(State::Refused)),
            ("FAILED", Some(State::Refused)),
            ("completed", None),
            ("", None),
        ] {
            let said = taken(&format!("[{}]", capture("3C6", status)));
            assert_eq!(said.as_ref().ok().map(|said| said.state), expected, "{status}");
            let Ok(said) = said else { continue };
            let status = if status == "PARTIALLY_REFUNDED" { "COMPLETED" } else { status };
            assert_eq!(said.event, format!("ORD-1/3C6/{status}"));
            assert_eq!(said.amount, Money::new(4990, Currency::EUR).ok());
        }
        let two = format!("[{},{}]", capture("1A", "DECLINED"), capture("2B", "COMPLETED"));
        assert_eq!(taken(&two).unwrap().event, "ORD-1/2B/COMPLETED");
        assert!(taken("[]").is_err());
    }

    #[test]
    fn what_is_of_something_else_or_no_amount_is_not_believed() {
        for capture in [
            r#"{"id":"3C6","status":"COMPLETED","custom_id":"ORD-2"}"#,
            r#"{"id":"../3","status":"COMPLETED"}"#,
            r#"{"status":"COMPLETED"}"#,
            r#"{"id":"3C6"}"#,
            r#"{"id":"3C6","status":"COMPLETED","status":"DECLINED"}"#,
            r#"{"id":"3C6","status":"COMPLETED","amount":{"currency_code":"EUR","value":49.90}}"#,
            r#"{"id":"3C6","status":"COMPLETED","amount":{"currency_code":"EUR","value":"49.9"}}"#,
            r#"{"id":"3C6","status":"COMPLETED","amount":{"value":"49.90"}}"#,
        ] {
            assert!(taken(&format!("[{capture}]")).is_err(), "{capture}");
        }
        let bare = taken(r#"[{"id":"3C6","status":"COMPLETED"}]"#).unwrap();
        assert_eq!(bare.amount, None, "which pays nothing");
    }
}
