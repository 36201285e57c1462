//! The courts of a day, for everybody.

use std::collections::HashSet;

use donjon::cookies::Cookies;
use donjon::headers::Nonce;
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use jiff::civil::Date;
use jiff::{ToSpan as _, ZonedDateTime};
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::page;
use crate::club::Club;
use crate::reply::Reply;

pub(crate) const COURTS: std::ops::RangeInclusive<i64> = 1..=4;
pub(crate) const HOURS: std::ops::Range<i64> = 8..22;
const DAYS_AHEAD: i32 = 7;

#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) day: Option<Date>,
}

/// A day that can be booked.
#[derive(Serialize)]
struct Day {
    date: Date,
    name: String,
}

pub(crate) fn calendar(
    club: &Club,
    (who, nonce): (Option<&Principal>, Option<&Nonce>),
    asked: &Asked,
    cookies: &Cookies,
) -> Result<Reply, Refusal> {
    let now = ZonedDateTime::now();
    // Who comes back sees the day that he has looked at.
    let day = asked.day.or_else(|| cookies.get(&club.day)?.parse().ok());
    let day = day.filter(|day| is_open(*day, &now)).unwrap_or_else(|| now.date());
    cookies.set(&club.day, &day.to_string()).map_err(|_| NO_COOKIE)?;
    let taken: HashSet<(i64, i64)> = club.db.read(|db| {
        let sql = "SELECT hour, court FROM bookings WHERE day = ?1 AND NOT cancelled";
        let mut taken = db.prepare_cached(sql)?;
        let rows = taken.query_map([day.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    })?;
    let is_over = |hour| is_over(day, hour, &now);
    let hours = HOURS.map(|hour| {
        let state = |court| match taken.contains(&(hour, court)) {
            true => "taken",
            false if is_over(hour) => "over",
            false => "free",
        };
        let courts: Vec<_> =
            COURTS.map(|court| context! { court, state => state(court) }).collect();
        context! { hour, courts }
    });
    let days = (0..DAYS_AHEAD).map(|ahead| now.date().saturating_add(ahead.days()));
    let days = days.map(|date| Day { date, name: date.strftime("%a %d %b").to_string() });
    let values = context! {
        day => day.to_string(),
        day_name => day.strftime("%A, %d %B").to_string(),
        days => Serde(days.collect::<Vec<_>>()),
        courts => COURTS.collect::<Vec<_>>(),
        hours => hours.collect::<Vec<_>>(),
    };
    page("calendar.html", who, nonce, values)
}

/// Today and the days after it.
pub(crate) fn is_open(day: Date, now: &ZonedDateTime) -> bool {
    let today = now.date();
    day >= today && day < today.saturating_add(DAYS_AHEAD.days())
}

pub(crate) fn is_over(day: Date, hour: i64, now: &ZonedDateTime) -> bool {
    (day, hour) <= (now.date(), i64::from(now.hour()))
}

const NO_COOKIE: Refusal =
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a cookie that cannot be written");
