//! What the app's database has to do, and one in memory that does.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::builder::LONGEST_RETURN;
use super::gateway::Work;
use super::money::Money;
use super::order::OrderId;
use super::state::{Mode, State};

/// The app's own record of its orders: a database.
///
/// Each of these is one transaction. Two notifications may come at the same moment, to two servers, and each
/// twice: what [`apply`](Self::apply) does in one step is what keeps an order from being paid twice. The page
/// [*Taking payments*](super::taking_payments) has tables and statements for SQL.
pub trait Ledger: Send + Sync + 'static {
    /// What is known of an order; `None` if there is none.
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>>;

    /// Notes that a payer is about to be sent to a gateway, beside the times before.
    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>>;

    /// Remembers the event, and if it is new and the order is in one of the states that the new one comes from,
    /// puts it into the new one and notes by what; all of that only if the order still costs what was compared.
    /// What is to happen once with an order that is paid (sending it, say) is to be written down in the same
    /// transaction: [`Payments::reconcile`](super::Payments::reconcile) and a browser that comes back say "paid" as
    /// often as they are asked.
    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>>;

    /// Remembers this until then, and whether it is the first time.
    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>>;
}

/// An order, as far as paying is concerned.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Order {
    /// How much is to be paid.
    pub amount: Money,
    /// How far it is.
    pub state: State,
    /// When somebody was sent to a gateway, the last one at the end.
    pub begun: Vec<Begun>,
    /// What has put it into this state: `by` of the last [`Change`] that was done.
    pub by: Option<String>,
}

impl Order {
    /// An order for which nobody was sent anywhere.
    #[must_use]
    pub const fn new(amount: Money, state: State) -> Self {
        Self { amount, state, begun: Vec::new(), by: None }
    }

    /// Put into its state by this.
    #[must_use]
    pub fn by(mut self, by: Option<String>) -> Self {
        self.by = by;
        self
    }

    /// With this, which was begun.
    #[must_use]
    pub fn begun(mut self, begun: Begun) -> Self {
        self.begun.push(begun);
        self
    }
}

/// That a payer was sent to a gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the ledger stores each")]
pub struct Begun {
    /// Which gateway.
    pub gateway: String,
    /// Playing, or for real.
    pub mode: Mode,
    /// By which name the gateway has it.
    pub reference: Option<String>,
}

/// What is to become of an order.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Of which.
    pub order: OrderId,
    /// What it costs, as it was compared: it has to cost that still, or nothing is done.
    pub amount: Money,
    /// Which gateway says so.
    pub gateway: &'static str,
    /// The attempt of which it says so: the gateway, and behind a `/` its reference where its word tells. It is noted
    /// with the state.
    pub by: String,
    /// Its name for what has happened: with the gateway's it is nothing else's.
    pub event: String,
    /// In which states it may be now.
    pub from: &'static [State],
    /// In which state it is then.
    pub to: State,
}

/// What has become of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to become of it")]
pub enum Applied {
    /// It is done, just now and by this call.
    Done,
    /// The event was there already.
    Duplicate,
    /// The order is in this state, from which it does not go there. The event is remembered.
    NotFrom(State),
    /// The order costs something else by now. Nothing is done, and the event is not remembered.
    AnotherAmount,
    /// There is no such order.
    NoOrder,
}

/// The ledger could not do it. Why is for the app's own log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the ledger does not answer")]
#[non_exhaustive]
pub struct LedgerError;

impl LedgerError {
    /// It could not.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Default for LedgerError {
    fn default() -> Self {
        Self::new()
    }
}

/// A ledger for tests and examples: what is in it is gone with the process.
#[derive(Default)]
pub struct MemoryLedger(Mutex<Books>);

#[derive(Default)]
struct Books {
    orders: HashMap<OrderId, Order>,
    events: HashSet<(&'static str, String)>,
    spent: Spent,
}

/// What is good once, for as long as it would be good.
#[derive(Default)]
struct Spent {
    until: HashMap<[u8; 16], SystemTime>,
    latest: Option<SystemTime>,
    /// When there are so many, those that are over go.
    full: usize,
}

impl Spent {
    fn is_first(&mut self, once: [u8; 16], until: SystemTime) -> bool {
        self.latest = self.latest.max(Some(until));
        if self.until.len() >= self.full {
            // There is no clock here. But nothing is good for longer than a return token at most, so that it is no
            // earlier now than that long before the latest end.
            let now = self.latest.and_then(|latest| latest.checked_sub(LONGEST_RETURN));
            self.until.retain(|_, until| now.is_none_or(|now| *until >= now));
            self.full = (2 * self.until.len()).max(1024);
        }
        self.until.insert(once, until).is_none()
    }
}

impl MemoryLedger {
    /// Places an order, which is not paid yet. One that is there already stays as it is.
    pub fn place(&self, order: &OrderId, amount: Money) {
        let new = || Order::new(amount, State::Created);
        self.books(|books| {
            books.orders.entry(order.clone()).or_insert_with(new);
        });
    }

    #[cfg(test)]
    pub(in crate::payment) fn put(&self, order: &OrderId, as_it_is: &Order) {
        self.books(|books| books.orders.insert(order.clone(), as_it_is.clone()));
    }

    /// How far an order is.
    #[must_use]
    pub fn state(&self, order: &OrderId) -> Option<State> {
        self.books(|books| books.orders.get(order).map(|order| order.state))
    }

    fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ledger for MemoryLedger {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move { Ok(self.books(|books| books.orders.get(order).cloned())) })
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            self.books(|books| {
                if let Some(order) = books.orders.get_mut(order) {
                    order.begun.push(attempt.clone());
                }
            });
            Ok(())
        })
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            Ok(self.books(|books| {
                let Some(order) = books.orders.get_mut(&change.order) else {
                    return Applied::NoOrder;
                };
                if order.amount != change.amount {
                    return Applied::AnotherAmount;
                }
                if !books.events.insert((change.gateway, change.event.clone())) {
                    return Applied::Duplicate;
                }
                if !change.from.contains(&order.state) {
                    return Applied::NotFrom(order.state);
                }
                order.state = change.to;
                order.by = Some(change.by.clone());
                Applied::Done
            }))
        })
    }

    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        Box::pin(async move { Ok(self.books(|books| books.spent.is_first(once, until))) })
    }
}

/// One that is shared is one as well.
impl<L: Ledger> Ledger for std::sync::Arc<L> {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        (**self).order(order)
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        (**self).begun(order, attempt)
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        (**self).apply(change)
    }

    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        (**self).spend(once, until)
    }
}

impl fmt::Debug for MemoryLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLedger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn once(number: u64) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    /// One each minute, for two years.
    #[test]
    fn what_is_over_is_forgotten_and_nothing_else() {
        let minutes = |minutes: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(60 * minutes);
        let mut spent = Spent::default();
        for minute in 0..2 * 365 * 24 * 60 {
            // As long as one may be away, or a few minutes.
            let lifetime = if minute % 2 == 0 { 7 * 24 * 60 } else { 5 };
            assert!(spent.is_first(once(minute), minutes(minute + lifetime)));
            if minute % 100 == 0 {
                let still_good = minute.saturating_sub(7 * 24 * 60 - 2) / 2 * 2;
                assert!(!spent.is_first(once(still_good), minutes(still_good + 7 * 24 * 60)));
            }
        }
        assert!(spent.until.len() < 4 * 7 * 24 * 60, "{}", spent.until.len());
    }
}
