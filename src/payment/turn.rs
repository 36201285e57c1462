//! Whose turn it is to take the money for an order.

use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::ledger::Order;
use super::order::OrderId;
use super::word::{Unbelieved, Witness};

impl Witness<'_> {
    /// Whether it is this one's turn to take the money for an order, and a name for this one try.
    ///
    /// **The attack.** A payer has said yes at two attempts, two servers look at one of them each, and each takes the
    /// money, for neither has heard of the other.
    ///
    /// A gateway that takes money when it is [asked](super::Gateway::confirm) asks this before. Of an order as it is
    /// now nobody else has a turn for half a minute, whichever attempt and whichever server it is: it is
    /// [spent](super::Ledger::spend) in the ledger. `None` is not known yet: it is another one's, or the order is not
    /// what it was. An attempt, by its reference, that had a turn and took nothing has another one within five minutes,
    /// or at once if that has changed the order's state: not sooner, or a card would be declined all day, and by another
    /// name, so that what was said to the first try is not said again.
    pub async fn turn(
        &self,
        (order, known): (&OrderId, &Order),
        reference: &str,
    ) -> Result<Option<String>, Unbelieved> {
        const AWAY: Unbelieved = Unbelieved::Unavailable("the ledger does not answer");
        let ledger = self.ledger.ok_or(AWAY)?;
        let now = self.now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let once = |of: &str, slot: u64| {
            let digest = Sha256::new_with_prefix("donjon payment turn");
            let digest = digest.chain_update(known.state.as_str()).chain_update(slot.to_be_bytes());
            let mut once = [0; 16];
            once.copy_from_slice(&digest.chain_update(of).finalize()[..16]);
            once
        };
        let spend = async |once, seconds| {
            let until = self.now.checked_add(Duration::from_secs(seconds)).unwrap_or(self.now);
            ledger.spend(once, until).await.map_err(|_| AWAY)
        };
        // First, so that whoever asks in vain keeps no other attempt waiting.
        let again = once(&format!("{order}/{reference}"), now / AGAIN);
        if !spend(again, 2 * AGAIN).await? {
            return Ok(None);
        }
        let this = now / SECONDS;
        // Of two who ask at the border of two slots, or whose clocks differ, both want the one between.
        for slot in [this, this + 1] {
            if !spend(once(order.as_str(), slot), 3 * SECONDS).await? {
                return Ok(None);
            }
        }
        // It was a while ago that the ledger said so.
        let still = ledger.order(order).await.map_err(|_| AWAY)?;
        if still.is_none_or(|still| (still.state, still.amount) != (known.state, known.amount)) {
            return Ok(None);
        }
        Ok(Some(format!("{:032x}", u128::from_be_bytes(once(order.as_str(), this)))))
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
    use super::super::state::{Mode, State};
    use super::*;

    fn known(state: State) -> Order {
        Order::new(Money::new(4990, Currency::EUR).unwrap(), state)
    }

    fn turn(ledger: &MemoryLedger, order: &str, state: State, second: u64) -> Option<String> {
        ledger.put(&order.parse().unwrap(), &known(state));
        let now = UNIX_EPOCH + Duration::from_secs(second);
        let ledger: Option<&dyn Ledger> = Some(ledger);
        let witness = Witness { mode: Mode::Test, now, http: None, ledger };
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

    #[test]
    fn a_turn_is_of_one_order_as_it_is_now() {
        let ledger = MemoryLedger::default();
        let names = [
            turn(&ledger, "1", State::Created, 0),
            turn(&ledger, "2", State::Created, 0),
            turn(&ledger, "1", State::Refused, 0),
        ];
        let [Some(a), Some(b), Some(c)] = names else { panic!("{names:?}") };
        assert!(a != b && b != c && a != c);
        let witness = Witness { mode: Mode::Test, now: UNIX_EPOCH, http: None, ledger: None };
        let none = block_on(witness.turn((&"1".parse().unwrap(), &known(State::Created)), "r"));
        assert!(matches!(none, Err(Unbelieved::Unavailable(_))));
    }
}
