//! Asking gateways what has become of an order: one attempt after the other, for as long as somebody waits.

use std::time::Duration;

use http::StatusCode;
use rand::seq::SliceRandom as _;

use super::gateway::Gateway;
use super::hearing::FAILED;
use super::ledger::{Begun, Order};
use super::order::OrderId;
use super::payments::Inner;
use super::state::State;
use crate::deadline::within;
use crate::event::EventName;

/// Why it is not known what has become of an order.
pub(super) enum Unheard {
    Ledger,
    /// This gateway does not say, and what that is answered by.
    Gateway(&'static str, StatusCode),
}

impl Inner {
    /// Who has a notification of before may send it again: of what is paid nobody is asked any more, and of the
    /// rest the gateway says what it would say to anybody.
    pub(super) async fn ask(
        &self,
        gateway: &dyn Gateway,
        order: &OrderId,
    ) -> Result<(), StatusCode> {
        let Some(known) = self.ledger.order(order).await.map_err(|_| FAILED)? else {
            self.tell(EventName::PaymentUnknownOrder, gateway.id(), None, "an unknown order");
            return Ok(());
        };
        if is_over(known.state) {
            return Ok(());
        }
        let heard = self.ask_each(order, &known, Some(gateway.id())).await;
        heard.map_err(|unheard| match unheard {
            Unheard::Ledger => FAILED,
            Unheard::Gateway(_, status) => status,
        })
    }

    /// Asks about each attempt, of one gateway or of all: one after the other, since money is taken on the way.
    pub(super) async fn ask_each(
        &self,
        order: &OrderId,
        known: &Order,
        of: Option<&'static str>,
    ) -> Result<(), Unheard> {
        let until = self.clock.elapsed().saturating_add(PATIENCE);
        let (mut asked, mut heard) = (Vec::new(), Ok(()));
        for begun in in_turn(&known.begun) {
            let Some((_, gateway)) = self.gateway(&begun.gateway) else { continue };
            let id = gateway.id();
            if begun.mode != gateway.mode() || of.is_some_and(|of| of != id) {
                continue;
            }
            if asked.contains(&(id, &begun.reference)) {
                continue;
            }
            asked.push((id, &begun.reference));
            let left = until.saturating_sub(self.clock.elapsed());
            if left.is_zero() {
                return heard.and(Err(Unheard::Gateway(id, FAILED)));
            }
            // It may be paid meanwhile, by another attempt or in another way.
            let now = self.ledger.order(order).await.map_err(|_| Unheard::Ledger)?;
            let Some(now) = now else { break };
            if is_over(now.state) && now.state != known.state {
                break;
            }
            let reference = begun.reference.as_deref();
            let asking = gateway.confirm(order, &now, reference, self.witness(gateway));
            let done = match within(left.min(PATIENCE / 2), asking).await {
                Some(Ok(Some(verified))) => {
                    let is_paid = verified.state == State::Paid;
                    match self.settle(id, verified).await {
                        // Another attempt may be waiting for somebody to take its money too.
                        Ok(()) if is_paid => return Ok(()),
                        done => done,
                    }
                }
                Some(Ok(None)) => Ok(()),
                Some(Err(error)) => Err(self.unbelieved(id, Some(order), error)),
                // What it has done meanwhile, it says the next time.
                None => Err(FAILED),
            };
            // What one attempt does not say keeps nobody from asking for the next.
            heard = heard.and(done.map_err(|status| Unheard::Gateway(id, status)));
        }
        heard
    }
}

const fn is_over(state: State) -> bool {
    matches!(state, State::Paid | State::Refunded)
}

/// The last one first: it is the likeliest. The others by lot, so that each has its turn where time is short.
fn in_turn(begun: &[Begun]) -> Vec<&Begun> {
    let mut turns: Vec<_> = begun.iter().rev().collect();
    if let Some((_, others)) = turns.split_first_mut() {
        others.shuffle(&mut rand::rng());
    }
    turns
}

/// For all of them, and half of it for one, so that none that hangs hides the next: a gateway waits for as long as this for its notification to be answered, and few people wait longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
