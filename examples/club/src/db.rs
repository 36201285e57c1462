//! The database: `SQLite`, in a file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use donjon::refusal::Refusal;
use http::StatusCode;
use rusqlite::{Connection, Transaction, TransactionBehavior};

#[derive(Clone)]
pub(crate) struct Db {
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DbError {
    #[error("the database: {0}")]
    Sql(#[from] rusqlite::Error),
    #[error("the database is being closed")]
    Closing,
}

impl Db {
    pub(crate) fn open(path: &Path) -> Result<Self, DbError> {
        let open = || {
            let connection = Connection::open(path)?;
            // Readers do not wait for a writer; a commit is on the disk before anybody hears of it.
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
            connection.execute_batch("PRAGMA foreign_keys = ON")?;
            connection.busy_timeout(Duration::from_secs(5))?;
            Ok::<_, rusqlite::Error>(Arc::new(Mutex::new(connection)))
        };
        let (reader, writer) = (open()?, open()?);
        lock(&writer).execute_batch(include_str!("../schema.sql"))?;
        Ok(Self { reader, writer })
    }

    /// Looks something up, which takes microseconds: less than handing it to another thread would.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DbError> {
        Ok(look(&lock(&self.reader))?)
    }

    /// Changes something, in one transaction: it is done, or nothing is. It waits for the disk, and so on a
    /// thread that may.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let writer = Arc::clone(&self.writer);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = lock(&writer);
            // The writing one from the start, or two would read the same and both go by it.
            let all = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = change(&all)?;
            all.commit()?;
            Ok(changed)
        });
        done.await.map_err(|_| DbError::Closing)?
    }
}

fn lock(connection: &Mutex<Connection>) -> std::sync::MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why is for whoever runs the club; people are told to come back.
impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        eprintln!("{error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
            .retry_after(Duration::from_secs(5))
    }
}
