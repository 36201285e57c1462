//! Who may do what.

use std::time::Duration;

use donjon::cookies::session::Session;
use donjon::head::RequestHead;
use donjon::payment::Payments;
use donjon::roles::{Identify, Identity, Rule, Seal, permission};
use rusqlite::OptionalExtension as _;

use crate::db::{Db, DbError};

donjon::permissions! {
    pub(crate) enum Permission {
        Book = "courts:book",
        SeeDesk = "desk:see",
        CancelAny = "bookings:cancel-any",
        SeeMembers = "members:see",
        BlockMembers = "members:block",
        SeeSecurity = "security:see",
        Unlock = "accounts:unlock",
    }
}

donjon::roles! {
    /// An admin looks after the server: he sees attacks and unlocks accounts, and no list of members. A manager
    /// sees the members, and no attacks.
    pub(crate) enum Role grants Permission {
        Member = "member" => [Book],
        Coach = "coach": Member => [SeeDesk],
        Manager = "manager": Coach => [CancelAny, SeeMembers, BlockMembers],
        Admin = "admin": Member => [SeeSecurity, Unlock],
    }
}

/// All routes, for both servers. What is not here is for nobody: a handler that somebody adds and forgets to write
/// down answers 403 to everybody.
pub(crate) fn seal(payments: &Payments) -> Seal {
    let may = permission::<Permission>;
    // Whose session was left open in the clubhouse does not get far: the password is asked for again.
    let lately = || Rule::fresh(Duration::from_mins(15));
    let mut seal = Seal::new()
        .on("GET", "/", Rule::PUBLIC)
        .on("GET", "/style.css", Rule::PUBLIC)
        .on("GET", "/icon.svg", Rule::PUBLIC)
        .on("GET", "/club.js", Rule::PUBLIC)
        .on("GET", "/live.js", Rule::PUBLIC)
        .on("POST", "/csp-reports", Rule::PUBLIC)
        .on("GET", "/sign-in", Rule::PUBLIC)
        .on("POST", "/sign-in", Rule::PUBLIC)
        .on("POST", "/sign-out", Rule::PUBLIC)
        .on("GET", "/bookings", may(Permission::Book))
        .on("POST", "/bookings", may(Permission::Book))
        // Of these three the handlers ask whose booking it is.
        .on("GET", "/bookings/{booking}", may(Permission::Book))
        .on("POST", "/bookings/{booking}/cancel", may(Permission::Book))
        .on("POST", "/bookings/{booking}/pay/{gateway}", may(Permission::Book))
        .on("GET", "/desk", may(Permission::SeeDesk))
        .on("POST", "/desk/cancel", may(Permission::CancelAny))
        .on("GET", "/members", may(Permission::SeeMembers))
        .on("POST", "/members/block", may(Permission::BlockMembers) & lately())
        .on("GET", "/security", may(Permission::SeeSecurity))
        .on("GET", "/security/events", may(Permission::SeeSecurity))
        .on("POST", "/security/unlock", may(Permission::Unlock) & lately());
    // Gateways do not sign in: what they say is believed by its signature. A browser that comes back may have lost
    // its session on the way, and is only sent on.
    for (_, route) in payments.notify_routes() {
        for method in ["GET", "POST"] {
            seal = seal.on(method, route.as_str(), Rule::PUBLIC);
        }
    }
    seal.on("GET", &format!("{}/{{token}}", payments.return_route()), Rule::PUBLIC)
}

/// Who asks: the session says who, and the table of users what he is, now. A member who is blocked is nobody with
/// his next click.
#[derive(Clone)]
pub(crate) struct BySession(pub(crate) Db);

impl Identify for BySession {
    type Role = Role;
    type Error = DbError;

    fn identify<R: RequestHead>(&self, request: &R) -> Result<Option<Identity<Role>>, DbError> {
        let Some(session) = Session::of(request) else { return Ok(None) };
        let (Some(name), Some(since)) = (session.subject(), session.started_at()) else {
            return Ok(None);
        };
        let role: Option<String> = self.0.read(|db| {
            let sql = "SELECT role FROM users WHERE name = ?1 AND NOT blocked";
            db.prepare_cached(sql)?.query_row([&name], |row| row.get(0)).optional()
        })?;
        Ok(role.map(|role| Identity::new(name).role_names([role]).signed_in_at(since)))
    }
}
