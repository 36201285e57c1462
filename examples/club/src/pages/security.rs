//! The admin's page: what has happened, and whose account is locked.

use donjon::headers::Nonce;
use donjon::lockout::{Account, KeyState, StoreError};
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::page;
use crate::club::Club;
use crate::reply::Reply;

#[derive(Deserialize)]
pub(crate) struct Unlock {
    name: String,
}

#[derive(Serialize)]
struct Locked {
    name: String,
    failures: u32,
    minutes: Option<u64>,
}

pub(crate) async fn security(
    club: &Club,
    who: &Principal,
    nonce: &Nonce,
) -> Result<Reply, Refusal> {
    let names: Vec<String> = club.db.read(|db| {
        let mut names = db.prepare_cached("SELECT name FROM users ORDER BY name")?;
        names.query_map([], |row| row.get(0))?.collect()
    })?;
    let mut accounts = Vec::new();
    for name in names {
        let account = Account::name(&name).map_err(|_| NO_ACCOUNT)?;
        let status = club.lockout.peek(&account).await.map_err(away)?;
        let KeyState { failures, locked, .. } = status.account;
        // At one address an account is locked sooner than everywhere.
        if failures > 0 || locked.is_some() {
            let minutes = locked.map(|left| left.as_secs().div_ceil(60));
            accounts.push(Locked { name, failures, minutes });
        }
    }
    let values = context! {
        accounts => Serde(accounts),
        events => Serde(club.notebook.latest()),
    };
    page("security.html", Some(who), Some(nonce), values)
}

/// The events again, for the script that keeps the page up to date.
pub(crate) fn events(club: &Club) -> Result<Reply, Refusal> {
    let json = serde_json::to_string(&club.notebook.latest());
    let failed = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "events that cannot be written");
    json.map(Reply::Json).map_err(|_| failed)
}

/// Whoever asks has shown the admin by other means that the account is his. It is an event.
pub(crate) async fn unlock(club: &Club, form: &Unlock) -> Result<Reply, Refusal> {
    let account = Account::name(&form.name).map_err(|_| NO_ACCOUNT)?;
    club.lockout.unlock(&account).await.map_err(away)?;
    Ok(Reply::see("/security"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn away(error: StoreError) -> Refusal {
    eprintln!("{error}");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the store of attempts does not answer")
}

const NO_ACCOUNT: Refusal = Refusal::new(StatusCode::BAD_REQUEST, "a name that can be nobody's");
