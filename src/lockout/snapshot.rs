//! The memory store's records, kept over a restart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::memory::Inner;
use super::record::{Saved, TICK, Ticks};
use super::{MemoryStore, Scope};
use crate::cookies::{SealContext, Sealer};
use crate::keys::KeyRing;

/// **The attack.** A restart forgets every failure. Whoever can make a server restart, or knows when it is
/// deployed, has as many guesses again.
impl MemoryStore {
    /// Its records, encrypted, to be written to a file when the server stops: at most 26 bytes for each
    /// slot in use. Attempts that are under way are failures when they come back.
    ///
    /// They are of use to a lockout of the same [secret](super::LockoutBuilder::secret), and good for 30
    /// days.
    ///
    /// ```
    /// use donjon::keys::{Key, KeyRing};
    /// use donjon::lockout::MemoryStore;
    ///
    /// let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
    /// let saved = MemoryStore::default().save(&ring)?;
    ///
    /// let store = MemoryStore::default();
    /// assert_eq!(store.restore(&ring, &saved)?, 0);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self, ring: &KeyRing) -> Result<Vec<u8>, SnapshotError> {
        let inner = self.inner();
        let (now, time) = (inner.now(), inner.clock.now());
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(self.capacity() as u64).to_be_bytes());
        bytes.extend_from_slice(&millis(time).to_be_bytes());
        for scope in Scope::ALL {
            inner.table(scope).for_each(|bucket, tag, record| {
                write(&mut bytes, scope, bucket, tag, record.save(now));
            });
        }
        let until = time.checked_add(GOOD_FOR).unwrap_or(time);
        sealer(ring)?.seal_bytes(&CONTEXT, &bytes, until).ok_or(SnapshotError::NotSealed)
    }

    /// Puts records back that another store of the same capacity has saved, and says how many. Time
    /// has gone on meanwhile: locks are as much shorter. Do it before the first request.
    pub fn restore(&self, ring: &KeyRing, saved: &[u8]) -> Result<usize, SnapshotError> {
        let inner = self.inner();
        let time = inner.clock.now();
        let opened = sealer(ring)?.open_bytes(&CONTEXT, saved, time);
        let bytes = opened.map_err(|_| SnapshotError::NotOurs)?;
        let (capacity, rest) = bytes.split_first_chunk::<8>().ok_or(SnapshotError::NotOurs)?;
        let (saved_at, records) = rest.split_first_chunk::<8>().ok_or(SnapshotError::NotOurs)?;
        let capacity = u64::from_be_bytes(*capacity);
        if capacity != self.capacity() as u64 {
            return Err(SnapshotError::Capacity { saved: capacity, own: self.capacity() as u64 });
        }
        // A clock that was set back is no reason to hold anybody longer.
        let down =
            Duration::from_millis(millis(time).saturating_sub(u64::from_be_bytes(*saved_at)));
        let down = Ticks::try_from(down.as_nanos() / TICK.as_nanos()).unwrap_or(Ticks::MAX);
        Ok(read_all(inner, records, down))
    }
}

/// Why records are not kept, or not put back.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It was saved with other keys, is damaged, or older than 30 days.
    #[error("no snapshot that can be opened: it is of other keys, damaged, or older than 30 days")]
    NotOurs,
    /// It is of a store of another size.
    #[error("a snapshot of {saved} slots for a store of {own}: give the store the same capacity")]
    Capacity {
        /// That of the store it was saved of.
        saved: u64,
        /// That of the store it was to be put into.
        own: u64,
    },
    /// It cannot be encrypted.
    #[error("the snapshot cannot be sealed")]
    NotSealed,
}

fn sealer(ring: &KeyRing) -> Result<Sealer, SnapshotError> {
    Sealer::encrypted(ring, "donjon", "lockout").map_err(|_| SnapshotError::NotSealed)
}

fn write(bytes: &mut Vec<u8>, scope: Scope, bucket: usize, tag: u32, saved: Saved) {
    let Saved { age, forget_in, lock_ends_in, failed, under_way, marks } = saved;
    // A capacity is below 2³², and so is a number of buckets.
    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
    bytes.push(scope as u8);
    for number in [bucket, tag, age, forget_in, lock_ends_in.unwrap_or(0)] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&failed.to_be_bytes());
    bytes.extend_from_slice(&[under_way, marks, lock_ends_in.is_some().into()]);
}

fn read_all(inner: &Inner, records: &[u8], later: Ticks) -> usize {
    let now = inner.now();
    let (records, _) = records.as_chunks::<LEN>();
    let mut restored = 0;
    for record in records {
        let Some((scope, bucket, tag, saved)) = read(record) else { continue };
        restored += usize::from(inner.table(scope).restore(bucket, tag, saved, now, later));
    }
    restored
}

fn read(bytes: &[u8; LEN]) -> Option<(Scope, usize, u32, Saved)> {
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(1 + 4 * at..)?.first_chunk()?));
    let [.., high, low, under_way, marks, is_locked] = *bytes;
    let lock_ends_in = number(4)?;
    let saved = Saved {
        age: number(2)?,
        forget_in: number(3)?,
        lock_ends_in: (is_locked != 0).then_some(lock_ends_in),
        failed: u16::from_be_bytes([high, low]),
        under_way,
        marks,
    };
    let scope = *Scope::ALL.get(usize::from(bytes[0]))?;
    Some((scope, usize::try_from(number(0)?).ok()?, number(1)?, saved))
}

fn millis(time: SystemTime) -> u64 {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// The scope, five numbers, failures, those under way, marks, whether there is a lock.
const LEN: usize = 1 + 5 * 4 + 2 + 1 + 1 + 1;
const GOOD_FOR: Duration = Duration::from_secs(30 * 86_400);
const CONTEXT: SealContext<'static> = SealContext::new("snapshot-2");

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{AtOnce, Decision, Key, ScopePolicy, Settle};
    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use crate::keys;

    /// One that was written before a record had a place for those under way was a byte shorter: read as
    /// it stands, every record after the first would be another one's.
    #[test]
    fn a_snapshot_of_the_format_before_is_refused_and_changes_nothing() {
        const BEFORE: SealContext<'static> = SealContext::new("snapshot");
        let clock = Arc::new(ManualClock::default());
        let ring = KeyRing::new(keys::Key::random()).unwrap();
        let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
        let policy =
            ScopePolicy::new(5, Duration::from_secs(60), Duration::from_secs(600)).unwrap();
        for name in 0..10 {
            let key = Key::new(Scope::Account, name << 96 | name);
            let Decision::Admitted(lease) = AtOnce::reserve(&store, key, &policy) else { panic!() };
            AtOnce::settle(&store, lease, Settle::Failure, &policy);
        }
        let (inner, time) = (store.inner(), clock.now());
        let header = [1024_u64.to_be_bytes(), millis(time).to_be_bytes()].concat();
        let (mut before, mut now) = (header.clone(), header);
        inner.table(Scope::Account).for_each(|bucket, tag, record| {
            let mut bytes = Vec::new();
            write(&mut bytes, Scope::Account, bucket, tag, record.save(inner.now()));
            now.extend_from_slice(&bytes);
            // Without those under way.
            bytes.remove(LEN - 3);
            before.extend_from_slice(&bytes);
        });
        let seal = |context: &SealContext<'_>, bytes: &[u8]| {
            sealer(&ring).unwrap().seal_bytes(context, bytes, time + GOOD_FOR).unwrap()
        };

        let empty = MemoryStore::with_clock(1024, clock.clone()).unwrap();
        let old = seal(&BEFORE, &before);
        assert_eq!(empty.restore(&ring, &old), Err(SnapshotError::NotOurs));
        // Not even where the bytes are of this format: the name decides.
        assert_eq!(empty.restore(&ring, &seal(&BEFORE, &now)), Err(SnapshotError::NotOurs));
        let mut records = 0;
        for scope in Scope::ALL {
            empty.inner().table(scope).for_each(|_, _, _| records += 1);
        }
        assert_eq!(records, 0, "and nothing of it is there");

        assert_eq!(empty.restore(&ring, &seal(&CONTEXT, &now)), Ok(10), "as this one is");
        let saved = store.save(&ring).unwrap();
        let again = MemoryStore::with_clock(1024, clock).unwrap();
        assert_eq!(again.restore(&ring, &saved), Ok(10));
    }
}
