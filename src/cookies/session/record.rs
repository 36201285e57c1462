//! What is in a session's cookie, under its seal.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zeroize::{Zeroize as _, Zeroizing};

use super::id::{LEN, SessionId};
use super::revocation::SessionClaims;

/// The bytes, numbers big endian: a version, the id, the start in milliseconds since 1970, the length
/// of the subject and one more or 0 without one, the subject, the data.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: SessionId,
    started: u64,
    pub(super) subject: Option<String>,
    pub(super) data: Vec<u8>,
}

impl Record {
    pub(super) fn new(subject: Option<&str>, data: Vec<u8>, now: SystemTime) -> Self {
        let started = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self {
            id: SessionId::random(),
            started: u64::try_from(started).unwrap_or(u64::MAX),
            subject: subject.map(str::to_owned),
            data,
        }
    }

    /// Lets it begin a millisecond later.
    pub(super) const fn begin_later(&mut self) {
        self.started = self.started.saturating_add(1);
    }

    pub(super) fn started_at(&self) -> SystemTime {
        // What was sealed was a time.
        UNIX_EPOCH.checked_add(Duration::from_millis(self.started)).unwrap_or(UNIX_EPOCH)
    }

    /// `None` if the subject is longer than any cookie.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let subject = self.subject.as_deref();
        let length = subject.map_or(Some(0), |subject| subject.len().checked_add(1))?;
        let length = u16::try_from(length).ok()?;
        let size = HEAD + usize::from(length) + self.data.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.started.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(subject.unwrap_or_default().as_bytes());
        bytes.extend_from_slice(&self.data);
        Some(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([version], bytes) = bytes.split_first_chunk()?;
        let (id, bytes) = bytes.split_first_chunk::<LEN>()?;
        let (started, bytes) = bytes.split_first_chunk()?;
        let (length, bytes) = bytes.split_first_chunk()?;
        if *version != VERSION {
            return None;
        }
        let (subject, data) = match usize::from(u16::from_be_bytes(*length)).checked_sub(1) {
            None => (None, bytes),
            Some(length) => {
                let (subject, data) = bytes.split_at_checked(length)?;
                (Some(std::str::from_utf8(subject).ok()?.to_owned()), data)
            }
        };
        Some(Self {
            id: SessionId::from_bytes(*id),
            started: u64::from_be_bytes(*started),
            subject,
            data: data.to_vec(),
        })
    }

    pub(super) fn claims(&self) -> SessionClaims<'_> {
        SessionClaims {
            digest: self.id.digest(),
            subject: self.subject.as_deref(),
            started_at: self.started_at(),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

const VERSION: u8 = 1;
const HEAD: usize = 1 + LEN + 8 + 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            subject in proptest::option::of(".{0,40}"),
            data: Vec<u8>,
            at in 0_u64..1 << 50,
        ) {
            let now = UNIX_EPOCH + Duration::from_millis(at);
            let record = Record::new(subject.as_deref(), data.clone(), now);

            let read = Record::decode(&record.encode().unwrap()).unwrap();

            prop_assert_eq!(read.claims().digest, record.id.digest());
            prop_assert_eq!(read.started_at(), now);
            prop_assert_eq!(&read.subject, &subject);
            prop_assert_eq!(&read.data, &data);
        }

        #[test]
        fn anything_is_read_without_a_panic_and_in_one_way(bytes: Vec<u8>) {
            if let Some(record) = Record::decode(&bytes) {
                prop_assert_eq!(&*record.encode().unwrap(), &bytes);
            }
        }
    }

    #[test]
    fn a_user_without_a_name_is_not_nobody() {
        let named = Record::new(Some(""), Vec::new(), UNIX_EPOCH);
        assert_eq!(Record::decode(&named.encode().unwrap()).unwrap().subject.as_deref(), Some(""));
        let endless = Record::new(Some(&"x".repeat(70_000)), Vec::new(), UNIX_EPOCH);
        assert!(endless.encode().is_none());
    }
}
