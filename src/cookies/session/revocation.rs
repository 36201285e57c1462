//! Sessions that end before their time.

use std::collections::{BTreeSet, HashMap};
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

    /// Ends the session.
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

/// The sessions that have ended, in memory that does not grow: 100,000 of them in some 10 MB, unless
/// you say otherwise.
///
/// Where there are more, those that began first are forgotten, and with them end all sessions that
/// began no later: nobody who has signed out is signed in again. Only who signs in can fill it, and
/// sessions without a user never do.
///
/// After a restart it has forgotten everything: who copied a session's cookie before its user signed
/// out can use it until its time is over. Where that matters more than that everybody signs in again,
/// start with [`end_all_before`](Self::end_all_before) now, or keep what has ended in a database.
#[derive(Debug)]
pub struct MemoryRevocation {
    capacity: usize,
    ended: RwLock<Ended>,
}

#[derive(Debug)]
struct Ended {
    /// Whatever began no later has ended.
    until: Option<SystemTime>,
    /// With the time they began, the first first.
    sessions: BTreeSet<(SystemTime, SessionDigest)>,
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
        Self {
            capacity: capacity.max(1),
            ended: RwLock::new(Ended {
                until: None,
                sessions: BTreeSet::new(),
                subjects: HashMap::new(),
                times: BTreeSet::new(),
            }),
        }
    }

    /// Ends all sessions of a user that began until now: "sign out everywhere".
    pub fn revoke_subject(&self, subject: &str, now: SystemTime) {
        self.change(|ended| {
            let digest = digest(subject);
            if let Some(earlier) = ended.subjects.insert(digest, now) {
                ended.times.remove(&(earlier, digest));
            }
            ended.times.insert((now, digest));
        });
    }

    /// Ends all sessions that began before then.
    pub fn end_all_before(&self, time: SystemTime) {
        self.change(|ended| ended.end_until(time));
    }

    fn change(&self, change: impl FnOnce(&mut Ended)) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut ended);
        while ended.sessions.len() > self.capacity {
            let first = ended.sessions.first().map_or(UNIX_EPOCH, |(started, _)| *started);
            ended.end_until(first);
        }
        while ended.times.len() > self.capacity {
            let first = ended.times.first().map_or(UNIX_EPOCH, |(time, _)| *time);
            ended.end_until(first);
        }
    }
}

impl Ended {
    fn end_until(&mut self, time: SystemTime) {
        self.until = self.until.max(Some(time));
        while self.sessions.first().is_some_and(|(started, _)| *started <= time) {
            self.sessions.pop_first();
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
        Some(session.started_at) <= ended.until
            || ended.sessions.contains(&(session.started_at, session.digest))
            || session.subject.is_some_and(|subject| {
                !ended.subjects.is_empty()
                    && ended
                        .subjects
                        .get(&digest(subject))
                        .is_some_and(|until| session.started_at <= *until)
            })
    }

    fn revoke(&self, session: &SessionClaims<'_>) {
        self.change(|ended| {
            if Some(session.started_at) > ended.until {
                ended.sessions.insert((session.started_at, session.digest));
            }
        });
    }
}

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
    fn what_has_ended_stays_ended_however_many_there_are() {
        let revocation = MemoryRevocation::with_capacity(10);
        let sessions: Vec<_> = (1..=1000).map(|time| session(Some("ann"), time)).collect();
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
