//! The staff's desk: what is booked, by whom, and what of it is paid.

use donjon::event::{EventName, SecurityEvent};
use donjon::headers::Nonce;
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use jiff::ZonedDateTime;
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize;

use super::bookings::{BOOKING, Booking, release};
use super::page;
use crate::club::Club;
use crate::reply::Reply;

#[derive(Deserialize)]
pub(crate) struct Cancel {
    booking: String,
}

pub(crate) fn desk(club: &Club, who: &Principal, nonce: &Nonce) -> Result<Reply, Refusal> {
    let today = ZonedDateTime::now().date().to_string();
    let bookings: Vec<Booking> = club.db.read(|db| {
        // Whoever has paid for what was given back has money to get back.
        let sql = format!(
            "{BOOKING} WHERE day >= ?1 AND (NOT cancelled OR state = 'paid')
             ORDER BY day, hour, court"
        );
        db.prepare_cached(&sql)?.query_map([today], Booking::of)?.collect()
    })?;
    page("desk.html", Some(who), Some(nonce), context! { bookings => Serde(bookings) })
}

/// Takes a court back that nobody pays for.
pub(crate) async fn cancel(club: &Club, who: &Principal, form: Cancel) -> Result<Reply, Refusal> {
    if !release(club, form.booking).await? {
        return Err(Refusal::new(StatusCode::CONFLICT, "it is paid, or there is none"));
    }
    club.log.emit(SecurityEvent::draft(EventName::AuthzAdmin).subject(who.subject()));
    Ok(Reply::see("/desk"))
}
