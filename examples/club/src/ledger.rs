//! What payments have to remember: in the database, and where there are several instances, in Redis.

use std::time::SystemTime;

use donjon::payment::{
    Applied, Begun, Change, Ledger, LedgerError, Mode, Money, Order, OrderId, Work,
};
use redis::aio::ConnectionManager;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::db::{Db, DbError};

pub(crate) struct Books {
    pub(crate) db: Db,
    /// For tokens that are good once.
    pub(crate) redis: Option<ConnectionManager>,
}

impl Ledger for Books {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move { self.db.read(|db| order_in(db, order.as_str())).map_err(failed) })
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        let (order, attempt) = (order.clone(), attempt.clone());
        let write = self.db.write(move |db| {
            let sql = "INSERT INTO payment_attempts (order_id, number, gateway, live, reference)
                       SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4
                       FROM payment_attempts WHERE order_id = ?1";
            let live = attempt.mode == Mode::Production;
            db.execute(sql, params![order.as_str(), attempt.gateway, live, attempt.reference])
        });
        Box::pin(async move { write.await.map(drop).map_err(failed) })
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        let change = change.clone();
        let write = self.db.write(move |db| {
            let order = change.order.as_str();
            let Some(known) = order_in(db, order)? else { return Ok(Applied::NoOrder) };
            if known.amount != change.amount {
                return Ok(Applied::AnotherAmount);
            }
            let sql = "INSERT INTO payment_events (gateway, event, order_id, state)
                       VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            let to = change.to.as_str();
            if db.execute(sql, params![change.gateway, change.event, order, to])? == 0 {
                return Ok(Applied::Duplicate);
            }
            if !change.from.contains(&known.state) {
                return Ok(Applied::NotFrom(known.state));
            }
            let sql = "UPDATE orders SET state = ?2, paid_by = ?3 WHERE id = ?1";
            db.execute(sql, [order, to, &change.by])?;
            Ok(Applied::Done)
        });
        Box::pin(async move { write.await.map_err(failed) })
    }

    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        let once = format!("{:032x}", u128::from_be_bytes(once));
        let until = until.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |until| until.as_secs());
        Box::pin(async move {
            if let Some(redis) = &self.redis {
                let mut set = redis::cmd("SET");
                set.arg(format!("club:returned:{once}")).arg(1).arg("NX").arg("EXAT").arg(until);
                let set: redis::RedisResult<bool> = set.query_async(&mut redis.clone()).await;
                return set.map_err(|_| LedgerError::new());
            }
            let until = i64::try_from(until).unwrap_or(i64::MAX);
            let write = self.db.write(move |db| {
                let sql = "DELETE FROM payment_returns WHERE over_at < unixepoch()";
                db.execute(sql, [])?;
                let sql = "INSERT INTO payment_returns (once, over_at) VALUES (?1, ?2)
                           ON CONFLICT DO NOTHING";
                Ok(db.execute(sql, params![once, until])? == 1)
            });
            write.await.map_err(failed)
        })
    }
}

fn order_in(db: &Connection, order: &str) -> rusqlite::Result<Option<Order>> {
    let sql = "SELECT minor, currency, state, paid_by FROM orders WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let (amount, state) = (amount(row, 0)?, parsed(row, 2)?);
        Ok(Order::new(amount, state).by(row.get(3)?))
    };
    let Some(mut found) = db.prepare_cached(sql)?.query_row([order], row).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT gateway, live, reference FROM payment_attempts WHERE order_id = ?1
               ORDER BY number";
    let mut attempts = db.prepare_cached(sql)?;
    let mut rows = attempts.query([order])?;
    while let Some(row) = rows.next()? {
        let mode = if row.get(1)? { Mode::Production } else { Mode::Test };
        let (gateway, reference) = (row.get(0)?, row.get(2)?);
        found = found.begun(Begun { gateway, mode, reference });
    }
    Ok(Some(found))
}

/// The amount in this column, whose currency is in the next one.
pub(crate) fn amount(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Money> {
    let minor = row.get::<_, i64>(column)?;
    let amount = Money::new(minor.unsigned_abs(), parsed(row, column + 1)?);
    amount.map_err(|error| unreadable(column, error))
}

/// Something that stands as text in this column.
pub(crate) fn parsed<T>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| unreadable(column, error))
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let text = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, text, Box::new(error))
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn failed(error: DbError) -> LedgerError {
    eprintln!("{error}");
    LedgerError::new()
}
