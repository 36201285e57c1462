//! Booking a court, and paying for it.

use donjon::headers::Nonce;
use donjon::payment::{Answer, Checkout, Currency, Money, OrderId, Posted, State};
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use jiff::ZonedDateTime;
use jiff::civil::Date;
use minijinja::context;
use minijinja::value::Serde;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::calendar::{COURTS, HOURS, is_open, is_over};
use super::{not_found, page};
use crate::club::Club;
use crate::ledger::{amount, parsed};
use crate::reply::Reply;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Booking {
    pub(crate) id: String,
    pub(crate) member: String,
    day: Date,
    hour: i64,
    court: i64,
    cancelled: bool,
    price: String,
    pub(crate) state: &'static str,
}

/// The columns of a [`Booking`].
pub(crate) const BOOKING: &str = "SELECT bookings.id, member, day, hour, court, cancelled, minor, \
    currency, state FROM bookings JOIN orders ON orders.id = bookings.id";

impl Booking {
    pub(crate) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            member: row.get(1)?,
            day: parsed(row, 2)?,
            hour: row.get(3)?,
            court: row.get(4)?,
            cancelled: row.get(5)?,
            price: amount(row, 6)?.to_string(),
            state: parsed::<State>(row, 8)?.as_str(),
        })
    }

    fn is_payable(&self) -> bool {
        !self.cancelled && !matches!(self.state, "paid" | "authorized" | "refunded")
    }

    /// Whoever has played has something to pay.
    fn is_returnable(&self, now: &ZonedDateTime) -> bool {
        self.is_payable() && !is_over(self.day, self.hour, now)
    }
}

/// The court and the hour that were clicked at.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    day: Date,
    slot: String,
}

#[derive(Deserialize)]
pub(crate) struct Noticed {
    failures: Option<u32>,
}

pub(crate) fn mine(
    club: &Club,
    (who, nonce): (&Principal, &Nonce),
    noticed: &Noticed,
) -> Result<Reply, Refusal> {
    let bookings: Vec<Booking> = club.db.read(|db| {
        let sql = format!("{BOOKING} WHERE member = ?1 ORDER BY day, hour, court");
        db.prepare_cached(&sql)?.query_map([who.subject()], Booking::of)?.collect()
    })?;
    let values = context! { bookings => Serde(bookings), failures => noticed.failures };
    page("bookings.html", Some(who), Some(nonce), values)
}

/// Takes the court, and makes an order for it. The price is the club's, and in no form.
pub(crate) async fn book(club: &Club, who: &Principal, wanted: &Wanted) -> Result<Reply, Refusal> {
    let day = wanted.day;
    let (hour, court) = wanted.slot().filter(|(hour, _)| is_bookable(day, *hour)).ok_or(NO_SLOT)?;
    let order = format!("C-{:010X}", rand::random::<u64>() >> 24);
    let (id, member) = (order.clone(), who.subject().to_owned());
    let taken = club.db.write(move |db| {
        let day = day.to_string();
        // For a court that is taken there is no order either.
        let sql = "INSERT INTO orders (id, minor, currency) SELECT ?1, ?2, ?3 WHERE NOT EXISTS
                   (SELECT 1 FROM bookings WHERE day = ?4 AND hour = ?5 AND court = ?6
                    AND NOT cancelled)";
        let order = params![id, PRICE, Currency::EUR.code(), day, hour, court];
        if db.execute(sql, order)? == 0 {
            return Ok(false);
        }
        let sql = "INSERT INTO bookings (id, member, day, hour, court)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        Ok(db.execute(sql, params![id, member, day, hour, court])? == 1)
    });
    if taken.await? { Ok(Reply::see(format!("/bookings/{order}"))) } else { Err(TAKEN) }
}

impl Wanted {
    /// `9-2` is at nine, on court 2.
    fn slot(&self) -> Option<(i64, i64)> {
        let (hour, court) = self.slot.split_once('-')?;
        let (hour, court) = (hour.parse().ok()?, court.parse().ok()?);
        (HOURS.contains(&hour) && COURTS.contains(&court)).then_some((hour, court))
    }
}

fn is_bookable(day: Date, hour: i64) -> bool {
    let now = ZonedDateTime::now();
    is_open(day, &now) && !is_over(day, hour, &now)
}

/// A booking, how far its payment is, and the buttons to pay: where payers come back to. What they bring back
/// counts for nothing here; the ledger says whether it is paid.
pub(crate) async fn show(
    club: &Club,
    (who, nonce): (&Principal, &Nonce),
    id: &str,
) -> Result<Reply, Refusal> {
    let mut booking = own(club, who, id)?;
    if booking.is_payable() {
        // If somebody was at a gateway whose word has not come yet, it is asked.
        let order: OrderId = id.parse().map_err(|_| not_found())?;
        if let Ok(state) = club.payments.reconcile(&order).await {
            booking.state = state.as_str();
        }
    }
    let returnable = booking.is_returnable(&ZonedDateTime::now());
    let values =
        context! { payable => booking.is_payable(), returnable, booking => Serde(booking) };
    page("booking.html", Some(who), Some(nonce), values)
}

/// Sends the payer to the gateway.
pub(crate) async fn pay(
    club: &Club,
    posted: Posted,
    who: &Principal,
    (id, gateway): (&str, &str),
) -> Result<Answer, Refusal> {
    let booking = own(club, who, id)?;
    if !booking.is_payable() {
        return Err(Refusal::new(StatusCode::CONFLICT, "nothing is to be paid"));
    }
    let order: OrderId = id.parse().map_err(|_| not_found())?;
    let price = Money::new(PRICE.unsigned_abs(), Currency::EUR).map_err(|_| not_found())?;
    let checkout = Checkout::new(order, price)
        .email(format!("{}@club.example", who.subject()))
        .description(format!("Court {}, {} at {}", booking.court, booking.day, booking.hour));
    Ok(club.payments.redirect(posted, &checkout, gateway, None).await?)
}

/// Gives the court back, if it is not paid and the hour has not come. If the gateway says later that it was, the desk sees it.
pub(crate) async fn cancel(club: &Club, who: &Principal, id: &str) -> Result<Reply, Refusal> {
    let booking = own(club, who, id)?;
    if is_over(booking.day, booking.hour, &ZonedDateTime::now()) {
        return Err(Refusal::new(StatusCode::CONFLICT, "the hour has come"));
    }
    if !release(club, booking.id).await? {
        return Err(Refusal::new(StatusCode::CONFLICT, "it is paid"));
    }
    Ok(Reply::see("/bookings"))
}

/// Whether it was one that is not paid.
pub(crate) async fn release(club: &Club, id: String) -> Result<bool, Refusal> {
    let released = club.db.write(move |db| {
        let sql = "UPDATE bookings SET cancelled = TRUE WHERE id = ?1 AND NOT EXISTS
                   (SELECT 1 FROM orders WHERE id = ?1 AND state IN ('paid', 'authorized'))";
        Ok(db.execute(sql, [id])? == 1)
    });
    Ok(released.await?)
}

/// A booking of this member's. That there is one of somebody else is nobody's business.
fn own(club: &Club, who: &Principal, id: &str) -> Result<Booking, Refusal> {
    let found = club.db.read(|db| {
        let sql = format!("{BOOKING} WHERE bookings.id = ?1");
        db.prepare_cached(&sql)?.query_row([id], Booking::of).optional()
    })?;
    let booking = found.ok_or_else(not_found)?;
    who.must_own(&booking.member).map_err(|_| not_found())?;
    Ok(booking)
}

const PRICE: i64 = 1800; // cents
const NO_SLOT: Refusal = Refusal::new(StatusCode::BAD_REQUEST, "no court and hour to be booked");
const TAKEN: Refusal = Refusal::new(StatusCode::CONFLICT, "the court is taken");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's failure is its message")]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_played_gives_nothing_back() {
        let now: ZonedDateTime = "2026-06-10T14:30:00[UTC]".parse().unwrap();
        for (day, hour, expected) in [
            ("2026-06-09", 21, false),
            ("2026-06-10", 13, false),
            ("2026-06-10", 14, false),
            ("2026-06-10", 15, true),
            ("2026-06-11", 8, true),
        ] {
            let booking = Booking {
                id: "C-1".into(),
                member: "ann".into(),
                day: day.parse().unwrap(),
                hour,
                court: 1,
                cancelled: false,
                price: "18.00 EUR".into(),
                state: "created",
            };
            assert!(booking.is_payable());
            assert_eq!(booking.is_returnable(&now), expected, "{day} at {hour}");
        }
    }
}
