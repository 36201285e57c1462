//! Sessions that end before their time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::id::SessionDigest;

/// Knows which sessions have ended before their time: those that were signed out, and those of a user
/// who has lost a device or a role.
///
/// [`MemoryRevocation`] is enough for one process. With several, implement this over what they share:
/// a table of digests and one of users with a time, of which each process keeps a copy that it
/// refreshes every few seconds. It is asked in each request that shows a session, before the handler,
/// so it must not wait for anything.
pub trait Revocation: fmt::Debug + Send + Sync {
    /// Whether the session has ended. Where that cannot be known, it has.
    fn is_revoked(&self, session: &SessionClaims<'_>) -> bool;

    /// Ends the session. One without a subject may be anybody's, so whoever remembers those needs a bound
    /// that does nothing to the others.
    fn revoke(&self, session: &SessionClaims<'_>);
}

/// What there is to know of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionClaims<'a> {
    /// What tells it from others.
    pub digest: SessionDigest,
    /// Who has signed in, if anybody has.
    pub subject: Option<&'a str>,
    /// When it began, to the millisecond.
    pub started_at: SystemTime,
}

/// The sessions that have ended, in memory that does not grow: 100,000 of users, and as many without,
/// in some 35 MB if there are so many, unless you say otherwise.
///
/// - Where there are more, those that began first are forgotten, and with them end all sessions of users
///   that began no later: nobody who has signed out is signed in again.
/// - Of one user 32 are kept. Where there are more, all of this user's end that began no later than the
///   oldest of them, so that it takes thousands of users to fill it.
/// - Sessions without a user cannot fill it. Where there are too many of them, some that have ended are
///   good again until their time is over.
///
/// After a restart it has forgotten everything: who copied a session's cookie before its user signed
/// out can use it until its time is over. Where that matters more than that everybody signs in again,
/// start with [`end_all_before`](Self::end_all_before) now, or keep what has ended in a database.
#[derive(Debug)]
pub struct MemoryRevocation {
    capacity: usize,
    ended: RwLock<Ended>,
}

/// The first that began is the first.
type Key = (SystemTime, SessionDigest);

#[derive(Debug, Default)]
struct Ended {
    /// Whatever began no later has ended.
    until: Option<SystemTime>,
    /// The same for sessions without a user.
    nobodys_until: Option<SystemTime>,
    /// With the time they began, the first first.
    sessions: BTreeMap<Key, [u8; 32]>,
    /// The same by user.
    of_subject: HashMap<[u8; 32], Vec<Key>>,
    /// Those without a user.
    nobodys: BTreeSet<Key>,
    subjects: HashMap<[u8; 32], SystemTime>,
    /// The same by time.
    times: BTreeSet<(SystemTime, [u8; 32])>,
}

impl Default for MemoryRevocation {
    fn default() -> Self {
        Self::with_capacity(100_000)
    }
}

impl MemoryRevocation {
    /// Keeps so many sessions, and so many users, at least one of each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ended: RwLock::default() }
    }

    /// Ends all sessions of a user that began until now: "sign out everywhere".
    pub fn revoke_subject(&self, subject: &str, now: SystemTime) {
        self.change(|ended| ended.end_subject(digest(subject), now));
    }

    /// Ends all sessions that began before then.
    pub fn end_all_before(&self, time: SystemTime) {
        self.change(|ended| {
            ended.end_until(time);
            ended.nobodys_until = ended.until;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Ended)) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut ended);
        while ended.sessions.len() > self.capacity {
            let first = ended.sessions.first_key_value();
            let first = first.map_or(UNIX_EPOCH, |((started, _), _)| *started);
            ended.end_until(first);
        }
        while ended.nobodys.len() > self.capacity {
            ended.nobodys.pop_first();
        }
        while ended.times.len() > self.capacity {
            let first = ended.times.first().map_or(UNIX_EPOCH, |(time, _)| *time);
            ended.end_until(first);
        }
    }
}

impl Ended {
    /// Ends all sessions of a user that began no later.
    fn end_subject(&mut self, subject: [u8; 32], time: SystemTime) {
        let time = self.subjects.get(&subject).map_or(time, |earlier| time.max(*earlier));
        if let Some(earlier) = self.subjects.insert(subject, time) {
            self.times.remove(&(earlier, subject));
        }
        self.times.insert((time, subject));
    }

    /// Remembers one session, and of the same user no more than a few.
    fn end_session(&mut self, subject: [u8; 32], key: Key) {
        if self.sessions.insert(key, subject).is_some() {
            return; // it had ended already
        }
        let of_subject = self.of_subject.entry(subject).or_insert_with(|| Vec::with_capacity(1));
        of_subject.push(key);
        if of_subject.len() > FOR_ONE
            && let Some(oldest) = of_subject.iter().min().copied()
        {
            self.sessions.remove(&oldest);
            self.forget_of(subject, &oldest);
            self.end_subject(subject, oldest.0);
        }
    }

    fn forget_of(&mut self, subject: [u8; 32], key: &Key) {
        if let Some(of_subject) = self.of_subject.get_mut(&subject) {
            of_subject.retain(|one| one != key);
            if of_subject.is_empty() {
                self.of_subject.remove(&subject);
            }
        }
    }

    fn end_until(&mut self, time: SystemTime) {
        self.until = self.until.max(Some(time));
        while let Some(entry) = self.sessions.first_entry().filter(|it| it.key().0 <= time) {
            let (key, subject) = entry.remove_entry();
            self.forget_of(subject, &key);
        }
        while self.times.first().is_some_and(|(at, _)| *at <= time) {
            if let Some((_, digest)) = self.times.pop_first() {
                self.subjects.remove(&digest);
            }
        }
    }
}

impl Revocation for MemoryRevocation {
    fn is_revoked(&self, session: &SessionClaims<'_>) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        let key = (session.started_at, session.digest);
        let Some(subject) = session.subject else {
            return Some(session.started_at) <= ended.nobodys_until || ended.nobodys.contains(&key);
        };
        let until = || ended.subjects.get(&digest(subject)).copied();
        Some(session.started_at) <= ended.until
            || ended.sessions.contains_key(&key)
            || !ended.subjects.is_empty() && Some(session.started_at) <= until()
    }

    fn revoke(&self, session: &SessionClaims<'_>) {
        let key = (session.started_at, session.digest);
        self.change(|ended| match session.subject {
            Some(subject) if Some(session.started_at) > ended.until => {
                ended.end_session(digest(subject), key);
            }
            Some(_) => {}
            None => {
                ended.nobodys.insert(key);
            }
        });
    }
}

/// So many sessions of one user are remembered one by one.
const FOR_ONE: usize = 32;

/// So that no names stay in memory.
fn digest(subject: &str) -> [u8; 32] {
    Sha256::digest(subject).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cookies::session::SessionId;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn session(subject: Option<&str>, started: u64) -> SessionClaims<'_> {
        SessionClaims { digest: SessionId::random().digest(), subject, started_at: at(started) }
    }

    #[test]
    fn one_user_ends_nobody_elses_sessions() {
        let revocation = MemoryRevocation::with_capacity(100);
        let ann = session(Some("ann"), 1);
        let mallorys: Vec<_> = (2..=1000).map(|time| session(Some("mallory"), time)).collect();
        for one in &mallorys {
            revocation.revoke(one);
            revocation.revoke(one);
        }
        assert!(!revocation.is_revoked(&ann));
        assert!(mallorys.iter().all(|session| revocation.is_revoked(session)));
        assert!(!revocation.is_revoked(&session(Some("mallory"), 1001)));
        let ended = revocation.ended.read().unwrap();
        assert_eq!((ended.sessions.len(), ended.subjects.len()), (FOR_ONE, 1));
        assert_eq!(ended.of_subject.values().map(Vec::len).sum::<usize>(), FOR_ONE);
    }

    #[test]
    fn sessions_without_a_user_end_none_of_a_users() {
        let revocation = MemoryRevocation::with_capacity(10);
        let ann = session(Some("ann"), 1);
        let out = session(Some("bob"), 1);
        revocation.revoke(&out);
        let nobodys: Vec<_> = (1..=1000).map(|time| session(None, time)).collect();
        for one in &nobodys {
            revocation.revoke(one);
            assert!(revocation.is_revoked(one));
        }
        assert!(!revocation.is_revoked(&ann));
        assert!(revocation.is_revoked(&out));
        assert_eq!(revocation.ended.read().unwrap().nobodys.len(), 10);
    }

    #[test]
    fn what_is_forgotten_is_forgotten_everywhere() {
        let revocation = MemoryRevocation::with_capacity(10);
        for time in 1..=1000 {
            revocation.revoke(&session(Some(&format!("user {}", time % 7)), time));
        }
        let ended = revocation.ended.read().unwrap();
        assert_eq!(ended.sessions.len(), 10);
        assert_eq!(ended.of_subject.values().map(Vec::len).sum::<usize>(), 10);
    }

    #[test]
    fn what_has_ended_stays_ended_however_many_there_are() {
        let revocation = MemoryRevocation::with_capacity(10);
        let names: Vec<_> = (0..1000).map(|index| format!("user {index}")).collect();
        let sessions: Vec<_> =
            names.iter().zip(1..).map(|(name, time)| session(Some(name), time)).collect();
        for (index, one) in sessions.iter().enumerate() {
            assert!(!revocation.is_revoked(one), "{index}");
            revocation.revoke(one);
            assert!(revocation.is_revoked(one));
        }
        assert!(sessions.iter().all(|session| revocation.is_revoked(session)));
        assert!(revocation.ended.read().unwrap().sessions.len() <= 10);
        assert!(revocation.is_revoked(&session(Some("bob"), 990)), "as old as one forgotten");
        assert!(!revocation.is_revoked(&session(Some("bob"), 991)));
    }

    #[test]
    fn a_user_signs_out_everywhere_and_in_again() {
        let revocation = MemoryRevocation::with_capacity(3);
        revocation.revoke_subject("ann", at(50));
        assert!(revocation.is_revoked(&session(Some("ann"), 50)));
        assert!(!revocation.is_revoked(&session(Some("ann"), 51)));
        assert!(!revocation.is_revoked(&session(Some("bob"), 50)));
        assert!(!revocation.is_revoked(&session(None, 50)));
        revocation.revoke_subject("ann", at(60));
        assert!(revocation.is_revoked(&session(Some("ann"), 55)));
        for (index, name) in ["b", "c", "d", "e", "f"].iter().enumerate() {
            revocation.revoke_subject(name, at(70 + index as u64));
        }
        assert!(revocation.is_revoked(&session(Some("ann"), 60)), "and everybody's of that age");
        assert!(revocation.ended.read().unwrap().subjects.len() <= 3);
        assert_eq!(revocation.ended.read().unwrap().times.len(), 3);
    }

    #[test]
    fn all_can_be_ended() {
        let revocation = MemoryRevocation::default();
        revocation.end_all_before(at(100));
        assert!(revocation.is_revoked(&session(None, 100)));
        assert!(!revocation.is_revoked(&session(None, 101)));
    }
}
