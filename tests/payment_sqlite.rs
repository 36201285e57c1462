//! The ledger that the documentation writes down in SQL, in a real database, under many notifications at once.

#![cfg(feature = "payment")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Applied, Begun, Change, Checkout, Currency, Gateway, GatewayUrl, Handoff, Ledger, LedgerError,
    Mode, Money, Notice, Order, OrderId, Origin, Payments, Posted, Start, StartError, State,
    Unbelieved, Witness, Word, Work,
};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

mod support;
use support::Scratch;

/// One connection of several to one file: as several servers have it.
struct Sqlite(Mutex<Connection>);

impl Sqlite {
    fn open(path: &std::path::Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        Self(Mutex::new(connection))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&mut self.0.lock().unwrap()).map_err(|error| {
            eprintln!("{error}");
            LedgerError::new()
        })
    }
}

impl Ledger for Sqlite {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move {
            self.with(|db| {
                let sql = "SELECT minor, currency, state, paid_by FROM orders WHERE id = ?1";
                let row = |row: &rusqlite::Row<'_>| {
                    let (currency, state) = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
                    Ok((row.get::<_, i64>(0)?, currency, state, row.get::<_, Option<String>>(3)?))
                };
                let found = db.query_row(sql, [order.as_str()], row).optional()?;
                let Some((minor, currency, state, by)) = found else { return Ok(None) };
                let amount = Money::new(minor.unsigned_abs(), currency.parse().unwrap()).unwrap();
                let mut found = Order::new(amount, state.parse().unwrap()).by(by);
                let sql = "SELECT gateway, live, reference FROM payment_attempts
                           WHERE order_id = ?1 ORDER BY number";
                let mut attempts = db.prepare(sql)?;
                let mut rows = attempts.query([order.as_str()])?;
                while let Some(row) = rows.next()? {
                    let mode = if row.get(1)? { Mode::Production } else { Mode::Test };
                    let (gateway, reference) = (row.get(0)?, row.get(2)?);
                    found = found.begun(Begun { gateway, mode, reference });
                }
                Ok(Some(found))
            })
        })
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            self.with(|db| {
                let sql =
                    "INSERT INTO payment_attempts (order_id, number, gateway, live, reference)
                           SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4
                           FROM payment_attempts WHERE order_id = ?1";
                let live = attempt.mode == Mode::Production;
                let values = params![order.as_str(), attempt.gateway, live, attempt.reference];
                db.execute(sql, values).map(|_| ())
            })
        })
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            self.with(|db| {
                // At once the writing one, so that none reads what another is about to change.
                let all = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let order = change.order.as_str();
                let sql = "SELECT state, minor, currency FROM orders WHERE id = ?1";
                let row = |row: &rusqlite::Row<'_>| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
                };
                let found = all.query_row(sql, [order], row).optional()?;
                let Some((state, minor, currency)) = found else { return Ok(Applied::NoOrder) };
                let amount = Money::new(minor.unsigned_abs(), currency.parse().unwrap());
                if amount != Ok(change.amount) {
                    return Ok(Applied::AnotherAmount);
                }
                let state: State = state.parse().unwrap();
                let sql = "INSERT INTO payment_events (gateway, event, order_id, state)
                           VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
                let to = change.to.as_str();
                if all.execute(sql, params![change.gateway, change.event, order, to])? == 0 {
                    return Ok(Applied::Duplicate);
                }
                let applied = if change.from.contains(&state) {
                    let sql = "UPDATE orders SET state = ?2, paid_by = ?3 WHERE id = ?1";
                    all.execute(sql, [order, to, &change.by])?;
                    Applied::Done
                } else {
                    Applied::NotFrom(state)
                };
                all.commit()?;
                Ok(applied)
            })
        })
    }

    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        Box::pin(async move {
            self.with(|db| {
                let once = format!("{:032x}", u128::from_be_bytes(once));
                let until = until.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
                let until = i64::try_from(until).unwrap();
                let sql = "INSERT INTO payment_returns (once, over_at) VALUES (?1, ?2)
                           ON CONFLICT DO NOTHING";
                db.execute(sql, params![once, until]).map(|rows| rows == 1)
            })
        })
    }
}

/// Says what its notification says: who has signed it is another test's affair.
struct Says([Origin; 1]);

impl Gateway for Says {
    fn id(&self) -> &'static str {
        "says"
    }

    fn mode(&self) -> Mode {
        Mode::Test
    }

    fn origins(&self) -> &[Origin] {
        &self.0
    }

    fn start<'a>(&'a self, _: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let url = GatewayUrl::at(&self.0, "https://pay.example/").unwrap();
            Ok(Handoff::see_other(url).reference("r-1"))
        })
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            let text = std::str::from_utf8(notice.body()).unwrap();
            let (event, state) = text.split_once(' ').unwrap();
            let state = state.parse().unwrap();
            Ok(vec![Word::Says(witness.verified(event, order(), state, Some(price())))])
        })
    }
}

fn order() -> OrderId {
    "2026-17".parse().unwrap()
}

fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_schema_in_the_documentation_pays_an_order_once() {
    let folder = Scratch::new("payment-sqlite");
    let path = folder.join("shop.db");
    let schema = include_str!("../src/payment/ledger.sql");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;").unwrap();
    db.execute_batch(schema).unwrap();
    let insert = "INSERT INTO orders (id, minor, currency) VALUES ('2026-17', 4990, 'EUR')";
    db.execute(insert, []).unwrap();

    // Four servers on one database.
    let ring = KeyRing::new(Key::random()).unwrap();
    let server = || {
        let origins = ["https://pay.example".parse().unwrap()];
        let builder = Payments::builder(&ring, "shop", "https://shop.example").unwrap();
        builder.gateway(Says(origins)).build(Sqlite::open(&path)).unwrap()
    };
    let servers: [Payments; 4] = std::array::from_fn(|_| server());
    let request = http::Request::post("/pay").body(()).unwrap();
    let checkout = Checkout::new(order(), price());
    let posted = Posted::of(&request).unwrap();
    let answer = servers[0].redirect(posted, &checkout, "says", None).await.unwrap();
    assert_eq!(answer.status(), 303);

    let words: Arc<[&str]> = Arc::new(["e1 paid", "e1 paid", "e0 pending", "e2 cancelled"]);
    let mut tasks = tokio::task::JoinSet::new();
    for copy in 0..64 {
        let (payments, words) = (servers[copy % 4].clone(), Arc::clone(&words));
        tasks.spawn(async move {
            let body = bytes::Bytes::from_static(words[copy % 3].as_bytes());
            payments.notify("says", Notice::new("POST", None, &[], &body)).await.status().as_u16()
        });
    }
    let statuses = tasks.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let late = bytes::Bytes::from_static(words[3].as_bytes());
    let answer_to_late = servers[1].notify("says", Notice::new("POST", None, &[], &late)).await;
    assert_eq!(answer_to_late.status(), 200);

    let text = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("SELECT state FROM orders"), "paid");
    assert_eq!(text("SELECT CAST(COUNT(*) AS TEXT) FROM payment_events"), "3");
    assert_eq!(text("SELECT reference FROM payment_attempts"), "r-1");

    // And a token comes back once, whichever server it comes to.
    let response: http::Response<bytes::Bytes> = answer.into_response();
    assert_eq!(response.headers()["location"], "https://pay.example/");
    let once = [7; 16];
    let until = SystemTime::now() + Duration::from_secs(60);
    let ledgers: [Sqlite; 2] = std::array::from_fn(|_| Sqlite::open(&path));
    let first = [ledgers[0].spend(once, until).await, ledgers[1].spend(once, until).await];
    assert_eq!(first, [Ok(true), Ok(false)]);

    // And attempts stand as they came, however many in one second.
    let more = (2..20).map(|number| format!("r-{number}"));
    for reference in more {
        let attempt =
            Begun { gateway: "says".into(), mode: Mode::Test, reference: Some(reference) };
        ledgers[0].begun(&order(), &attempt).await.unwrap();
    }
    let begun = ledgers[1].order(&order()).await.unwrap().unwrap().begun;
    let expected = (1..20).map(|number| Some(format!("r-{number}")));
    assert!(begun.into_iter().map(|begun| begun.reference).eq(expected));
}
