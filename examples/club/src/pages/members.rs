//! The manager's list of members.

use donjon::event::{EventName, SecurityEvent};
use donjon::headers::Nonce;
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::page;
use crate::club::Club;
use crate::reply::Reply;

#[derive(Serialize)]
struct Member {
    name: String,
    role: String,
    blocked: bool,
    bookings: i64,
}

#[derive(Deserialize)]
pub(crate) struct Block {
    name: String,
    blocked: bool,
}

/// Names, roles and how often they play. Hashes of passwords are in the table too, and are not read.
pub(crate) fn members(club: &Club, who: &Principal, nonce: &Nonce) -> Result<Reply, Refusal> {
    let members: Vec<Member> = club.db.read(|db| {
        let sql = "SELECT name, role, blocked,
                     (SELECT COUNT(*) FROM bookings WHERE member = name AND NOT cancelled)
                   FROM users ORDER BY name";
        let mut members = db.prepare_cached(sql)?;
        let member = |row: &rusqlite::Row<'_>| {
            let (name, role, blocked) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Member { name, role, blocked, bookings: row.get(3)? })
        };
        members.query_map([], member)?.collect()
    })?;
    page("members.html", Some(who), Some(nonce), context! { members => Serde(members) })
}

/// With his next click a member who is blocked has no session any more.
pub(crate) async fn block(club: &Club, who: &Principal, form: Block) -> Result<Reply, Refusal> {
    let Block { name, blocked } = form;
    if who.owns(&name) {
        return Err(Refusal::new(StatusCode::CONFLICT, "nobody locks himself out"));
    }
    let member = name.clone();
    let change = club.db.write(move |db| {
        // An admin is not a manager's to block.
        let sql = "UPDATE users SET blocked = ?2 WHERE name = ?1 AND role <> 'admin'";
        Ok(db.execute(sql, params![member, blocked])? == 1)
    });
    if !change.await? {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "no such member"));
    }
    let event = SecurityEvent::draft(EventName::UserUpdated).subject(who.subject()).target(&name);
    club.log.emit(event.reason(if blocked { "blocked" } else { "unblocked" }));
    Ok(Reply::see("/members"))
}
