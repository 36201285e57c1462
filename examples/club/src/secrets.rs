//! Secrets: from the environment, or made when they are first needed and kept in the data folder, for its owner
//! alone to read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, error::Error};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use donjon::keys::{Key, KeyRing, KeySet};

pub(crate) struct Secrets {
    /// Seals sessions, device cookies and tokens of payments.
    pub(crate) ring: KeyRing,
    /// What names and addresses are hashed with before they are counted.
    pub(crate) lockout: Key,
    /// Of the members that there are from the start.
    pub(crate) password: String,
}

impl Secrets {
    pub(crate) fn of(data: &Path) -> Result<Self, Box<dyn Error>> {
        let key = || STANDARD.encode(rand::random::<[u8; 32]>());
        let keys: KeySet = secret("CLUB_KEYS", data, "keys", key)?.parse()?;
        Ok(Self {
            ring: KeyRing::new(keys)?,
            lockout: Key::from_base64(&secret("CLUB_LOCKOUT_KEY", data, "lockout-key", key)?)?,
            password: secret("CLUB_PASSWORD", data, "password", || {
                format!("{:016x}", rand::random::<u64>())
            })?,
        })
    }
}

fn secret(
    variable: &str,
    data: &Path,
    name: &str,
    make: impl FnOnce() -> String,
) -> io::Result<String> {
    if let Ok(given) = env::var(variable) {
        return Ok(given);
    }
    let path = data.join(name);
    if !path.exists() {
        match write_first(&path, make().as_bytes()) {
            // Another instance that started in the same moment: its secret is that of both.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

/// Writes a file that nobody else may read, whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::rename(unfinished(path, bytes)?, path)
}

/// The same, if there is none.
fn write_first(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = unfinished(path, bytes)?;
    let first = fs::hard_link(&unfinished, path);
    fs::remove_file(unfinished)?;
    first
}

fn unfinished(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let unfinished = path.with_extension(format!("{:x}", rand::random::<u64>()));
    let mut file = for_its_owner().write(true).create_new(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(unfinished)
}

/// Makes an empty file that nobody else may read, if there is none.
pub(crate) fn reserve(path: &Path) -> io::Result<()> {
    for_its_owner().append(true).create(true).open(path).map(drop)
}

fn for_its_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
