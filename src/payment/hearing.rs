//! What becomes of what a gateway says: compared with the order, and then one step in the ledger.

use http::StatusCode;
use sha2::{Digest as _, Sha256};

use super::gateway::Gateway;
use super::ledger::{Applied, Begun, Change, Order};
use super::order::OrderId;
use super::payments::Inner;
use super::state::State;
use super::word::{Unbelieved, Verified, Word};
use crate::event::{Detail, EventName, PaymentDetail, SecurityEvent, Severity};

impl Inner {
    /// One word after the other; what could not be done is the answer, so that all are sent again.
    pub(super) async fn hear(
        &self,
        gateway: &dyn Gateway,
        words: Vec<Word>,
    ) -> Result<(), StatusCode> {
        let mut heard = Ok(());
        for word in words {
            let done = match word {
                Word::Says(verified) => self.settle(gateway.id(), verified).await,
                Word::Ask(order) => self.ask(gateway, &order).await,
            };
            // What was not done is to be sent again, whatever else was bad.
            heard = match (heard, done) {
                (_, Err(FAILED)) => Err(FAILED),
                (Ok(()), done) => done,
                (heard, _) => heard,
            };
        }
        heard
    }

    /// Mode, order, amount and currency, and then one step in the ledger.
    pub(super) async fn settle(
        &self,
        gateway: &'static str,
        said: Verified,
    ) -> Result<(), StatusCode> {
        let mismatch = |order: &OrderId, what| {
            self.tell(EventName::PaymentMismatch, gateway, Some(order), what);
            Err(StatusCode::BAD_REQUEST)
        };
        let order = &said.order;
        let mode = self.gateway(gateway).map(|(_, gateway)| gateway.mode());
        if mode != Some(said.mode) {
            return mismatch(order, "the mode is another one");
        }
        let Some(known) = self.ledger.order(order).await.map_err(|_| FAILED)? else {
            self.tell(EventName::PaymentUnknownOrder, gateway, None, "an unknown order");
            return Ok(());
        };
        let its = |begun: &&Begun| begun.gateway == gateway && begun.mode == said.mode;
        let mut begun = known.begun.iter().filter(its);
        if let Some(reference) = &said.reference {
            if !begun.any(|begun| begun.reference.as_ref() == Some(reference)) {
                // Every site of an account hears of all that is paid there.
                self.tell(EventName::PaymentUnknownOrder, gateway, Some(order), ANOTHERS_ATTEMPT);
                return Ok(());
            }
        } else if begun.next().is_none() {
            return mismatch(order, "nobody was sent to this gateway");
        }
        match said.amount {
            Some(amount) if amount.currency() != known.amount.currency() => {
                return mismatch(order, "the currency is another one");
            }
            Some(amount) if amount != known.amount => {
                return mismatch(order, "the amount is another one");
            }
            None if matches!(said.state, State::Paid | State::Authorized) => {
                return mismatch(order, "paid without an amount");
            }
            _ => {}
        }

        if is_anothers_end(gateway, &said, &known) {
            if said.state == State::Refunded {
                self.tell(EventName::PaymentMismatch, gateway, Some(order), ANOTHERS_REFUND);
            }
            return Ok(());
        }
        // A refund may overtake the payment: it is to be sent again, once that has been heard.
        if said.state == State::Refunded && !matches!(known.state, State::Paid | State::Refunded) {
            return Err(FAILED);
        }

        let change = Change {
            by: attempt(gateway, said.reference.as_deref()),
            event: event(&said),
            order: said.order,
            amount: known.amount,
            gateway,
            from: said.state.comes_from(),
            to: said.state,
        };
        let order = &change.order;
        match self.ledger.apply(&change).await.map_err(|_| FAILED)? {
            Applied::Done => {
                self.tell(EventName::PaymentChanged, gateway, Some(order), change.to.as_str());
            }
            Applied::NotFrom(State::Paid | State::Refunded) if change.to == State::Paid => {
                self.tell(EventName::PaymentMismatch, gateway, Some(order), PAID_AGAIN);
            }
            Applied::Duplicate | Applied::NotFrom(_) => {}
            Applied::AnotherAmount => return mismatch(order, "the amount is another one"),
            Applied::NoOrder => {
                self.tell(EventName::PaymentUnknownOrder, gateway, None, "an unknown order");
            }
        }
        Ok(())
    }

    /// Tells of what is not believed, and gives the status for it.
    pub(super) fn unbelieved(
        &self,
        gateway: &'static str,
        order: Option<&OrderId>,
        error: Unbelieved,
    ) -> StatusCode {
        let (name, what) = match error {
            Unbelieved::Unavailable(_) => return FAILED,
            Unbelieved::Mismatch(what) => (EventName::PaymentMismatch, what),
            Unbelieved::Malformed(what) | Unbelieved::Unclear(what) => {
                (EventName::PaymentUnbelieved, what)
            }
            Unbelieved::Signature => (EventName::PaymentUnbelieved, "not the gateway's signature"),
            Unbelieved::Stale => (EventName::PaymentUnbelieved, "of another time"),
        };
        self.tell(name, gateway, order, what);
        StatusCode::BAD_REQUEST
    }

    pub(super) fn tell(
        &self,
        name: EventName,
        gateway: &'static str,
        order: Option<&OrderId>,
        what: &'static str,
    ) {
        if let Some(log) = &self.log {
            let order = order.map(|order| order.as_str().into());
            let said = PaymentDetail { gateway, order, what };
            let draft = SecurityEvent::draft(name).detail(Detail::Payment(Box::new(said)));
            // Somebody has paid twice: it is to be given back to him.
            let is_twice = matches!(what, PAID_AGAIN | ANOTHERS_REFUND);
            log.emit(if is_twice { draft.severity(Severity::Warn) } else { draft });
        }
    }
}

/// Whether it is of an attempt that has come to nothing, or was given back, beside which there is another one.
fn is_anothers_end(gateway: &'static str, said: &Verified, known: &Order) -> bool {
    let is_failure = matches!(said.state, State::Refused | State::Cancelled | State::Expired);
    if !is_failure && said.state != State::Refunded {
        return false;
    }
    let is_its = |begun: &&Begun| begun.gateway == gateway && begun.mode == said.mode;
    if matches!(known.state, State::Pending | State::Authorized | State::Paid) {
        // What another attempt has promised, or paid, is not this one's to take back.
        let by = known.by.as_deref().unwrap_or(gateway);
        let (by_gateway, by_reference) = by.split_once('/').unwrap_or((by, ""));
        return match &said.reference {
            _ if by_gateway != gateway => true,
            Some(reference) => !by_reference.is_empty() && by_reference != reference,
            // Nobody knows which of them it is; the order waits, and can be paid.
            None => is_failure && known.begun.iter().filter(is_its).count() > 1,
        };
    }
    // The payer looks at the one that was begun last.
    let is_it = |begun: &Begun| {
        is_its(&begun) && (said.reference.is_none() || begun.reference == said.reference)
    };
    is_failure && !known.begun.last().is_some_and(is_it)
}

/// Whatever a gateway calls it: another state, or order, is another event. One that is too long for a column is cut off
/// by some databases, and then two are one.
fn event(said: &Verified) -> String {
    let event = [said.order.as_str(), "/", said.state.as_str(), "/", &said.event].concat();
    if event.len() <= LONGEST {
        return event;
    }
    let digest = Sha256::digest(said.event.as_bytes());
    let digest = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{}/{}/{digest}", said.order, said.state)
}

/// As the ledger has it.
fn attempt(gateway: &str, reference: Option<&str>) -> String {
    reference.map_or_else(|| gateway.to_owned(), |reference| format!("{gateway}/{reference}"))
}

/// As many bytes as a column of the ledger has room for.
pub(super) const LONGEST: usize = 255;
const PAID_AGAIN: &str = "paid again";
const ANOTHERS_ATTEMPT: &str = "an attempt that was not begun here";
const ANOTHERS_REFUND: &str = "the refund of another payment";
/// It could not be done: it is to be sent again.
pub(super) const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
