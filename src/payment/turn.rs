//! Whose turn it is to take the money for an order.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::ledger::{Begun, Order};
use super::order::OrderId;
use super::state::State;
use super::word::{Unbelieved, Witness};

impl Witness<'_> {
    /// Whether it is this one's turn to take the money for an order, and a name for this one try.
    ///
    /// **The attack.** A payer has said yes at two attempts, two servers look at one of them each, and each takes the
    /// money, for neither has heard of the other.
    ///
    /// A gateway that takes money when it is [asked](super::Gateway::confirm) asks this before. Of an order nobody
    /// else has a turn for half a minute, whichever attempt and whichever server it is: it is
    /// [spent](super::Ledger::spend) in the ledger. One that this gateway has refused has another one at once: that is
    /// how the turn before has ended. `None` is not known yet: it is another one's, the order is not what
    /// it was, or its other attempts are to be looked at before. An attempt, by its reference, that had a turn and took
    /// nothing has another one after some five minutes, or earlier if the order's state has changed: not sooner,
    /// or a card would be declined all day, and by another name, so that what was said to the first try is not said
    /// again. Meanwhile the turn is the next attempt's.
    pub async fn turn(
        &self,
        (order, known): (&OrderId, &Order),
        reference: &str,
    ) -> Result<Option<String>, Unbelieved> {
        const AWAY: Unbelieved = Unbelieved::Unavailable("the ledger does not answer");
        let ledger = self.ledger.ok_or(AWAY)?;
        let now = self.now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let once = |kind: &str, of: &str, slot: u64| {
            let digest = Sha256::new_with_prefix("donjon payment turn");
            let digest = digest.chain_update(kind).chain_update(slot.to_be_bytes());
            let mut once = [0; 16];
            once.copy_from_slice(&digest.chain_update(of).finalize()[..16]);
            once
        };
        let spend = async |once, seconds| {
            let until = self.now.checked_add(Duration::from_secs(seconds)).unwrap_or(self.now);
            ledger.spend(once, until).await.map_err(|_| AWAY)
        };
        // Not of the order's state: another attempt may come to its end while the money is taken for one.
        let any = |slot| once("any", order.as_str(), slot);
        let after = refusal(known, reference).map(|by| format!("{order}/{by}"));
        let turn = |slot| after.as_ref().map_or_else(|| any(slot), |by| once("after", by, slot));
        let alone = Taking::open();
        let taking = self.taking.unwrap_or(&alone);
        let slot = match taking.step() {
            Step::Looking | Step::Wanted => {
                taking.put(Step::Wanted);
                return Ok(None);
            }
            Step::Over(state) if state == known.state => return Ok(None),
            Step::Had(state, slot) if state == known.state => slot,
            Step::Open | Step::Over(_) | Step::Had(..) => {
                let this = now / SECONDS;
                // Of two who ask at the border of two slots, or whose clocks differ, both want the one between.
                for slot in [this, this + 1] {
                    if !spend(turn(slot), 3 * SECONDS).await? {
                        taking.put(Step::Over(known.state));
                        return Ok(None);
                    }
                }
                if after.is_some() {
                    // Nobody begins beside this one, whatever the state comes to be.
                    for slot in [this, this + 1] {
                        spend(any(slot), 3 * SECONDS).await?;
                    }
                }
                taking.put(Step::Had(known.state, this));
                this
            }
        };
        // Not before the order's: who asked in vain would wait for as long as who had a turn.
        let again = once(known.state.as_str(), &format!("{order}/{reference}"), now / AGAIN);
        if !spend(again, 2 * AGAIN).await? {
            return Ok(None);
        }
        taking.put(Step::Over(known.state));
        // It was a while ago that the ledger said so.
        let still = ledger.order(order).await.map_err(|_| AWAY)?;
        if still.is_none_or(|still| (still.state, still.amount) != (known.state, known.amount)) {
            return Ok(None);
        }
        Ok(Some(format!("{:032x}", u128::from_be_bytes(turn(slot)))))
    }
}

/// By which attempt an order was refused, if that is one of the gateway that has this one.
fn refusal<'a>(known: &'a Order, reference: &str) -> Option<&'a str> {
    let by = known.by.as_deref().filter(|_| known.state == State::Refused)?;
    let gateway = by.split_once('/').map_or(by, |(gateway, _)| gateway);
    let is_it =
        |begun: &Begun| begun.gateway == gateway && begun.reference.as_deref() == Some(reference);
    known.begun.iter().any(is_it).then_some(by)
}

/// The one turn that there is while somebody asks about each attempt, after the other.
pub(super) struct Taking(Mutex<Step>);

#[derive(Clone, Copy)]
enum Step {
    /// Nothing is taken: all are looked at first.
    Looking,
    /// The same, and the one that was asked last would take it.
    Wanted,
    /// Nobody has asked for a turn.
    Open,
    /// There is one, of the order in this state and in this slot, for whoever may.
    Had(State, u64),
    /// There is none, or none any more.
    Over(State),
}

impl Taking {
    pub(super) const fn looking() -> Self {
        Self(Mutex::new(Step::Looking))
    }

    pub(super) const fn open() -> Self {
        Self(Mutex::new(Step::Open))
    }

    /// Whether a turn was asked for, where all are looked at, since this was asked the last time.
    pub(super) fn is_wanted(&self) -> bool {
        let is_wanted = matches!(self.step(), Step::Wanted);
        if is_wanted {
            self.put(Step::Looking);
        }
        is_wanted
    }

    fn step(&self) -> Step {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }
}

/// Longer than a gateway is asked for: see [`PATIENCE`](super::asking::PATIENCE).
const SECONDS: u64 = 30;
/// For one attempt.
const AGAIN: u64 = 300;

#[cfg(test)]
mod tests {
    use tokio_test::block_on;

    use super::super::currency::Currency;
    use super::super::ledger::{Ledger, MemoryLedger};
    use super::super::money::Money;
    use super::super::state::Mode;
    use super::*;

    fn known(state: State) -> Order {
        Order::new(Money::new(4990, Currency::EUR).unwrap(), state)
    }

    fn turn(ledger: &MemoryLedger, order: &str, state: State, second: u64) -> Option<String> {
        ledger.put(&order.parse().unwrap(), &known(state));
        let now = UNIX_EPOCH + Duration::from_secs(second);
        let ledger: Option<&dyn Ledger> = Some(ledger);
        let witness = Witness { mode: Mode::Test, now, http: None, ledger, taking: None };
        let reference = second.to_string();
        block_on(witness.turn((&order.parse().unwrap(), &known(state)), &reference)).unwrap()
    }

    #[test]
    fn two_turns_are_half_a_minute_apart() {
        for first in 0..60 {
            for later in 0..=60 {
                let ledger = MemoryLedger::default();
                let name = turn(&ledger, "1", State::Created, first).unwrap();
                let again = turn(&ledger, "1", State::Created, first + later);
                assert_ne!(again.as_ref(), Some(&name));
                let apart = (first + later) / 30 - first / 30;
                assert_eq!(again.is_some(), apart >= 2, "{first} {later}");
                assert!(again.is_none() || later > 30, "{first} {later}");
                assert!(again.is_some() || later < 60, "{first} {later}");
            }
        }
    }

    /// Two servers whose clocks are ten seconds apart: the money is asked for no longer than twenty seconds.
    #[test]
    fn two_turns_by_clocks_that_differ_are_no_closer_than_one_takes() {
        for (first, skew) in (0..60).flat_map(|first| [(first, 0), (first, 20)]) {
            for later in 0..=20 {
                let ledger = MemoryLedger::default();
                assert!(turn(&ledger, "1", State::Created, 10 + first).is_some());
                let second = first + later + skew;
                assert_eq!(turn(&ledger, "1", State::Created, second), None, "{first} {second}");
            }
        }
    }

    /// That it was refused is the end of the turn before, and of nobody else's.
    #[test]
    fn another_turn_is_to_be_had_at_once_by_whom_the_same_gateway_has_refused() {
        let order: OrderId = "1".parse().unwrap();
        let begun = |gateway: &str, reference: &str| {
            let reference = Some(reference.to_owned());
            Begun { gateway: gateway.into(), mode: Mode::Test, reference }
        };
        for (state, by, expected) in [
            (State::Refused, Some("paypal/1"), true),
            (State::Refused, Some("paypal"), true),
            (State::Refused, Some("stripe/1"), false),
            (State::Refused, Some("paypa"), false),
            (State::Refused, None, false),
            (State::Expired, Some("paypal/1"), false),
            (State::Cancelled, Some("stripe/1"), false),
        ] {
            let ledger = MemoryLedger::default();
            let ask = |state, by: Option<&str>, reference| {
                let known = known(state).by(by.map(str::to_owned));
                let known = known.begun(begun("paypal", "0")).begun(begun("stripe", "1"));
                let known = known.begun(begun("paypal", "2"));
                ledger.put(&order, &known);
                let now = UNIX_EPOCH;
                let ledger: Option<&dyn Ledger> = Some(&ledger);
                let witness = Witness { mode: Mode::Test, now, http: None, ledger, taking: None };
                block_on(witness.turn((&order, &known), reference)).unwrap()
            };
            let first = ask(State::Created, None, "0").unwrap();
            let second = ask(state, by, "2");
            assert_eq!(second.is_some(), expected, "{state} {by:?}");
            assert_ne!(second, Some(first));
            assert_eq!(ask(state, by, "2"), None, "once");
            assert_eq!(ask(State::Refused, Some("stripe/1"), "0"), None);
        }
    }

    #[test]
    fn beside_a_turn_after_a_refusal_nobody_has_one() {
        let (ledger, order) = (MemoryLedger::default(), "1".parse().unwrap());
        let begun =
            Begun { gateway: "paypal".into(), mode: Mode::Test, reference: Some("0".to_owned()) };
        let refused = known(State::Refused).by(Some("paypal/0".into())).begun(begun);
        ledger.put(&order, &refused);
        let now = UNIX_EPOCH;
        let kept: Option<&dyn Ledger> = Some(&ledger);
        let witness = Witness { mode: Mode::Test, now, http: None, ledger: kept, taking: None };
        assert!(block_on(witness.turn((&order, &refused), "0")).unwrap().is_some());
        for state in [State::Created, State::Cancelled, State::Refused] {
            assert_eq!(turn(&ledger, "1", state, 20), None, "{state}");
        }
    }

    /// Who had one a moment ago leaves the turn to the next.
    #[test]
    fn a_turn_that_one_may_not_have_is_the_next_ones() {
        let ledger = MemoryLedger::default();
        let (order, known) = ("1".parse().unwrap(), known(State::Created));
        ledger.put(&order, &known);
        let ask = |second, taking: &Taking, reference: &str| {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            let ledger: Option<&dyn Ledger> = Some(&ledger);
            let witness =
                Witness { mode: Mode::Test, now, http: None, ledger, taking: Some(taking) };
            block_on(witness.turn((&order, &known), reference)).unwrap().is_some()
        };
        let looking = Taking::looking();
        assert!(!looking.is_wanted());
        assert!(!ask(0, &looking, "a"));
        assert!(looking.is_wanted() && !looking.is_wanted());
        for (second, expected) in
            [(0, [true, false]), (30, [false, false]), (60, [false, true]), (120, [false, false])]
        {
            let taking = Taking::open();
            assert_eq!(["a", "b"].map(|attempt| ask(second, &taking, attempt)), expected);
        }
    }

    #[test]
    fn a_turn_is_of_one_order() {
        let ledger = MemoryLedger::default();
        let names = [turn(&ledger, "1", State::Created, 0), turn(&ledger, "2", State::Created, 0)];
        let [Some(a), Some(b)] = names else { panic!("{names:?}") };
        assert_ne!(a, b);
        let witness =
            Witness { mode: Mode::Test, now: UNIX_EPOCH, http: None, ledger: None, taking: None };
        let none = block_on(witness.turn((&"1".parse().unwrap(), &known(State::Created)), "r"));
        assert!(matches!(none, Err(Unbelieved::Unavailable(_))));
    }
}
