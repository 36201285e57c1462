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
use super::turn::Taking;
use super::word::{Unbelieved, Witness};
use crate::deadline::within;
use crate::event::EventName;

/// Why it is not known what has become of an order.
pub(super) enum Unheard {
    Ledger,
    /// This gateway does not say, and what that is answered by.
    Gateway(&'static str, StatusCode),
}

impl Inner {
    /// Who has a notification of before may send it again: of what is paid by the one attempt that there was nobody is
    /// asked any more, and of the rest the gateway says what it would say to anybody. Where there was another attempt,
    /// its money may have been taken too.
    pub(super) async fn ask(
        &self,
        gateway: &dyn Gateway,
        order: &OrderId,
    ) -> Result<(), StatusCode> {
        let Some(known) = self.ledger.order(order).await.map_err(|_| FAILED)? else {
            self.tell(EventName::PaymentUnknownOrder, gateway.id(), None, "an unknown order");
            return Ok(());
        };
        if is_over(known.state) && known.begun.len() < 2 {
            return Ok(());
        }
        let heard = self.ask_each(order, &known).await;
        heard.map_err(|unheard| match unheard {
            Unheard::Ledger => FAILED,
            Unheard::Gateway(_, status) => status,
        })
    }

    /// Asks about each attempt, of all gateways: one after the other, since money is taken on the way.
    ///
    /// **The attack.** The money for one attempt was taken and the answer, or the notification, was lost; the payer, who
    /// is told that he has not paid, says yes to a second one, and pays twice. So where there are several nothing is
    /// taken until all of them were looked at, nor beside one of the same gateway that does not answer, nor beside one
    /// whose money has come or is on its way: the ledger may know of another one only, or not write it down just now.
    pub(super) async fn ask_each(&self, order: &OrderId, known: &Order) -> Result<(), Unheard> {
        let until = self.clock.elapsed().saturating_add(PATIENCE);
        let asked = (order, known, until);
        let attempts = self.in_turn(known);
        if attempts.len() < 2 {
            return self.ask_once(asked, &attempts, &Taking::open(), Ok(())).await?.heard;
        }
        let Round { mut wanting, silent, is_coming, heard } =
            self.ask_once(asked, &attempts, &Taking::looking(), Ok(())).await?;
        wanting.retain(|(gateway, _)| !silent.contains(&gateway.id()));
        if is_coming || wanting.is_empty() {
            return heard;
        }
        self.ask_once(asked, &wanting, &Taking::open(), heard).await?.heard
    }

    /// Asks about each of these once.
    async fn ask_once<'a>(
        &'a self,
        (order, known, until): (&OrderId, &Order, Duration),
        attempts: &[Attempt<'a>],
        taking: &Taking,
        heard: Result<(), Unheard>,
    ) -> Result<Round<'a>, Unheard> {
        let mut round = Round { wanting: Vec::new(), silent: Vec::new(), is_coming: false, heard };
        for &(gateway, begun) in attempts {
            let id = gateway.id();
            let left = until.saturating_sub(self.clock.elapsed());
            if left.is_zero() {
                return Err(Unheard::Gateway(id, FAILED));
            }
            // It may be paid meanwhile, by another attempt or in another way.
            let now = self.ledger.order(order).await.map_err(|_| Unheard::Ledger)?;
            let Some(now) = now else { break };
            if is_over(now.state) && now.state != known.state {
                break;
            }
            let reference = begun.reference.as_deref();
            let witness = Witness { taking: Some(taking), ..self.witness(gateway) };
            let asking = gateway.confirm(order, &now, reference, witness);
            let done = match within(left.min(PATIENCE / 2), asking).await {
                Some(Ok(Some(verified))) => {
                    let is_paid = verified.state == State::Paid;
                    round.is_coming |=
                        is_paid || matches!(verified.state, State::Pending | State::Authorized);
                    match self.settle(id, verified).await {
                        // Another attempt may be waiting for somebody to take its money too.
                        Ok(()) if is_paid && !is_over(known.state) => {
                            return Ok(Round { wanting: Vec::new(), heard: Ok(()), ..round });
                        }
                        done => done,
                    }
                }
                Some(Ok(None)) => Ok(()),
                Some(Err(error)) => {
                    if matches!(error, Unbelieved::Unclear(_)) {
                        round.silent.push(id);
                    }
                    Err(self.unbelieved(id, Some(order), error))
                }
                // What it has done meanwhile, it says the next time.
                None => Err(FAILED),
            };
            if taking.is_wanted() {
                round.wanting.push((gateway, begun));
            }
            if done == Err(FAILED) {
                round.silent.push(id);
            }
            // What one attempt does not say keeps nobody from asking for the next.
            let done = done.map_err(|status| Unheard::Gateway(id, status));
            round.heard = round.heard.and(done);
        }
        Ok(round)
    }

    /// Each attempt once. The last one first: it is the likeliest. The others by lot, so that each has its turn where
    /// time is short.
    fn in_turn<'a>(&'a self, known: &'a Order) -> Vec<Attempt<'a>> {
        let mut turns: Vec<Attempt<'a>> = Vec::new();
        for begun in known.begun.iter().rev() {
            let Some((_, gateway)) = self.gateway(&begun.gateway) else { continue };
            let is_there = turns.iter().any(|(_, other)| *other == begun);
            if begun.mode == gateway.mode() && !is_there {
                turns.push((gateway, begun));
            }
        }
        if let Some((_, others)) = turns.split_first_mut() {
            others.shuffle(&mut rand::rng());
        }
        turns
    }
}

type Attempt<'a> = (&'a dyn Gateway, &'a Begun);

/// What has come of asking about each attempt.
struct Round<'a> {
    /// For these somebody would take money.
    wanting: Vec<Attempt<'a>>,
    /// These gateways have not said all that they were asked, or not so that it is understood.
    silent: Vec<&'static str>,
    /// There is money for the order, or it is on its way, whatever the ledger has made of that.
    is_coming: bool,
    heard: Result<(), Unheard>,
}

const fn is_over(state: State) -> bool {
    matches!(state, State::Paid | State::Refunded)
}

/// For all of them, and half of it for one, so that none that hangs hides the next: a gateway waits for as long as this
/// for its notification to be answered, and few people wait longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
