//! Signing in and out.

use donjon::cookies::session::Session;
use donjon::headers::Nonce;
use donjon::lockout::{Account, LoginAttempt};
use donjon::login::Credential;
use donjon::password::Password;
use donjon::refusal::Refusal;
use donjon::roles::{Principal, return_path};
use http::StatusCode;
use minijinja::context;
use rusqlite::OptionalExtension as _;
use serde::Deserialize;

use super::page;
use crate::club::Club;
use crate::reply::Reply;

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    name: String,
    password: Password,
    #[serde(default)]
    next: String,
}

/// The form. Whoever has signed in already comes here too, if he has to confirm that it is still him.
pub(crate) fn form(who: Option<&Principal>, nonce: &Nonce, asked: &Next) -> Result<Reply, Refusal> {
    let next = asked.next.as_deref().and_then(return_path);
    page("sign_in.html", who, Some(nonce), context! { next, failed => false })
}

/// However many come at once, from wherever and whatever the name: donjon's `Login` counts, looks up and
/// verifies in the one order that is safe.
pub(crate) async fn sign_in(
    club: &Club,
    session: &Session,
    attempt: LoginAttempt,
    form: SignIn,
) -> Result<Reply, Refusal> {
    let lookup = async |account: Account| {
        club.db.read(|db| {
            let sql = "SELECT hash FROM users WHERE name = ?1 AND NOT blocked";
            let found = db.prepare_cached(sql)?.query_row([account.as_str()], |row| row.get(0));
            let name = account.as_str().to_owned();
            Ok(found.optional()?.map(|hash| Credential::new(name, Some(hash))))
        })
    };
    let next = return_path(&form.next);
    match club.login.verify(&form.name, attempt, form.password, lookup).await.granted() {
        Ok(granted) => {
            session.sign_in(&granted.user).map_err(|_| NO_SESSION)?;
            // He is told of failures that were not his.
            let failures = granted.prior_failures;
            let notice = if failures > 0 { format!("?failures={failures}") } else { String::new() };
            Ok(Reply::see(next.map_or_else(|| format!("/bookings{notice}"), ToOwned::to_owned)))
        }
        // The same words for every name.
        Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => {
            let values = context! { next, failed => true };
            super::with_status(StatusCode::UNAUTHORIZED, "sign_in.html", None, values)
        }
        Err(refusal) => Err(refusal),
    }
}

pub(crate) fn sign_out(session: &Session) -> Result<Reply, Refusal> {
    session.sign_out().map_err(|_| NO_SESSION)?;
    Ok(Reply::see("/"))
}

const NO_SESSION: Refusal =
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a session that cannot be written");
