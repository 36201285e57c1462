//! What all pages share.

use donjon::cookies::CookieSpec;
use donjon::event::EventLog;
use donjon::lockout::{Account, Lockout};
use donjon::login::Login;
use donjon::password::Passwords;
use donjon::payment::Payments;
use rusqlite::params;

use crate::db::{Db, DbError};
use crate::notebook::Notebook;
use crate::roles::Role;

pub(crate) struct Club {
    pub(crate) db: Db,
    pub(crate) lockout: Lockout,
    pub(crate) login: Login,
    pub(crate) payments: Payments,
    pub(crate) log: EventLog,
    pub(crate) notebook: Notebook,
    /// The day of the calendar that a browser has looked at.
    pub(crate) day: CookieSpec<String>,
}

/// Those who are members from the start.
pub(crate) const SEEDED: [(&str, Role); 4] =
    [("ann", Role::Member), ("carl", Role::Coach), ("mia", Role::Manager), ("adam", Role::Admin)];

/// Enters those who are not there yet.
pub(crate) async fn seed(
    db: &Db,
    passwords: &Passwords,
    password: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    for (name, role) in SEEDED {
        let name = Account::name(name)?.as_str().to_owned();
        let hash = passwords.hash(password).await?.as_str().to_owned();
        let role = donjon::roles::Role::name(role);
        let entered: Result<_, DbError> = db
            .write(move |db| {
                let sql = "INSERT INTO users (name, hash, role) VALUES (?1, ?2, ?3)
                           ON CONFLICT (name) DO UPDATE SET hash = excluded.hash";
                db.execute(sql, params![name, hash, role])
            })
            .await;
        entered?;
    }
    Ok(())
}
