//! The session of one request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::id::SessionDigest;
use super::record::Record;
use super::{Policy, Shown};
use crate::context::Context;
use crate::cookies::error::SetError;
use crate::cookies::outbox::append;
use crate::cookies::outgoing::OutgoingCookie;
use crate::cookies::value::CookieValue;
use crate::event::{EventName, Reporter, SecurityEvent};
use crate::head::{RequestHead, ResponseHead};
use crate::shared_caches;

/// The session of a request.
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`). Where no
/// [`Sessions`](super::Sessions) are around the route the extractor answers 500. Clones are the same
/// session. See the [module docs](super) for an example.
#[derive(Clone)]
pub struct Session(Arc<SessionCell>);

impl Session {
    /// The session of a request, where there is no extractor. `None` if no
    /// [`Sessions`](super::Sessions) are around it.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        request.look(|context: &Context| context.session().map(Self)).flatten()
    }

    /// Who has signed in, if anybody has.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        self.0.lock().record.as_ref().and_then(|record| record.subject.clone())
    }

    /// When the session began: for one with a [`subject`](Self::subject), when that one signed in.
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        self.0.lock().record.as_ref().map(Record::started_at)
    }

    /// What tells the session from others, and is no secret.
    #[must_use]
    pub fn digest(&self) -> Option<SessionDigest> {
        self.0.digest()
    }

    /// What is kept in it; `None` if there is no session, or if what is in it cannot be of this type. Keep
    /// values of one type in a session: some bytes are a value of two.
    #[must_use]
    pub fn get<T: CookieValue>(&self) -> Option<T> {
        self.0.lock().record.as_ref().and_then(|record| T::from_bytes(&record.data))
    }

    /// Keeps this in the session, in place of what was kept. Where there is none one begins, without a
    /// subject.
    pub fn set<T: CookieValue>(&self, value: &T) -> Result<(), SetError> {
        let cell = &*self.0;
        let unrepresentable = || cell.error(|name| SetError::Value { name });
        let data = value.to_bytes().ok_or_else(unrepresentable)?.into_owned();
        let mut state = cell.open()?;
        let record = match &state.record {
            Some(record) => {
                let mut record = record.clone();
                record.data = data;
                record
            }
            None => Record::new(None, data, cell.policy.now()),
        };
        state.put(&cell.policy, record)
    }

    /// Begins a session for this user, once it is known to be him: with an id that nobody has seen.
    /// What was kept stays, unless it was another user's. The session that there was ends when the
    /// answer is sent.
    ///
    /// The subject is what your program knows users by: a number rather than a name, since names
    /// change.
    pub fn sign_in(&self, subject: &str) -> Result<(), SetError> {
        let cell = &*self.0;
        let mut state = cell.open()?;
        let old = state.record.clone();
        let is_others = |old: &Record| old.subject.as_deref().is_some_and(|one| one != subject);
        let kept = old.as_ref().filter(|old| !is_others(old));
        let data = kept.map(|kept| kept.data.clone()).unwrap_or_default();
        let mut record = Record::new(Some(subject), data, cell.policy.now());
        if cell.policy.revocation.is_revoked(&record.claims()) {
            // All sessions that began until now have ended in this very millisecond, as when somebody
            // changes the password and goes on. This one begins after them.
            record.begin_later();
        }
        state.put(&cell.policy, record)?;
        state.leaves.extend(old);
        drop(state);
        cell.tell(EventName::SessionCreated, Some(subject), "signed in");
        Ok(())
    }

    /// Ends the session, at once and for whoever has its cookie. Where there is none nothing is done.
    /// How long a [`Revocation`](super::Revocation) knows of one that had no user is its own affair.
    pub fn sign_out(&self) -> Result<(), SetError> {
        let cell = &*self.0;
        let mut state = cell.open()?;
        let Some(record) = state.record.take() else { return Ok(()) };
        state.outgoing = Some(cell.policy.declared.delete());
        let left = std::mem::take(&mut state.leaves);
        drop(state);
        for ended in left.iter().chain([&record]) {
            cell.policy.revocation.revoke(&ended.claims());
        }
        cell.tell(EventName::SessionExpired, record.subject.as_deref(), "signed out");
        Ok(())
    }
}

/// Says nothing of what is in it.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// What all clones of a [`Session`] share.
#[derive(Debug)]
pub(crate) struct SessionCell {
    policy: Arc<Policy>,
    reporter: Option<Reporter>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The session as it is now.
    record: Option<Record>,
    /// The session as the request has shown it, until when it is sealed, and whether that is to be done
    /// anew in any case.
    shown: Option<(Record, SystemTime, bool)>,
    /// Sessions in whose place others have come.
    leaves: Vec<Record>,
    /// What the handler wants to be sent.
    outgoing: Option<OutgoingCookie>,
    /// The same session, sealed anew, which nobody has asked for.
    renewal: Option<OutgoingCookie>,
    /// Whether the head of the response is done.
    closed: bool,
}

impl State {
    fn put(&mut self, policy: &Policy, record: Record) -> Result<(), SetError> {
        self.outgoing = Some(policy.seal(&record)?);
        self.record = Some(record);
        Ok(())
    }
}

impl SessionCell {
    pub(super) fn new(policy: Arc<Policy>, shown: Shown, reporter: Option<Reporter>) -> Self {
        let state = match shown {
            Shown::Nothing => State::default(),
            Shown::Session(record, until, needs_reseal) => State {
                record: Some(record.clone()),
                shown: Some((record, until, needs_reseal)),
                ..State::default()
            },
        };
        Self { policy, reporter, state: Mutex::new(state) }
    }

    /// Whether both belong to clones of one layer.
    pub(crate) fn is_of_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.policy, &other.policy)
    }

    pub(crate) fn digest(&self) -> Option<SessionDigest> {
        self.lock().record.as_ref().map(|record| record.id.digest())
    }

    pub(super) fn send<H: ResponseHead>(&self, response: &mut H) {
        let mut state = self.lock();
        if !state.closed {
            state.closed = true;
            self.settle(&mut state);
        }
        match (&state.outgoing, &state.renewal) {
            (Some(cookie), _) => append(response, cookie),
            // A handler that knows nothing of sessions may want its logo to be kept by all caches. What
            // is due can wait for the next answer.
            (None, Some(cookie)) if !shared_caches::insists(response) => append(response, cookie),
            (None, _) => {}
        }
    }

    /// Decides what is sent, once.
    fn settle(&self, state: &mut State) {
        if let (Some(now), Some((shown, until, needs_reseal))) = (&state.record, &state.shown) {
            let is_same = now.id.digest() == shown.id.digest();
            let is_due = *needs_reseal || self.policy.is_due(shown, *until);
            if !is_same || state.outgoing.is_none() && !is_due {
                // There is nothing to be sent of it.
            } else if self.policy.revocation.is_revoked(&shown.claims()) {
                // Somebody has signed out, or in anew, since the request came. That stays so: neither is
                // the session brought back, nor is a cookie deleted that may be another one by now.
                let subject = shown.subject.as_deref();
                self.tell(EventName::SessionExpired, subject, "ended by another request");
                state.outgoing = None;
            } else if state.outgoing.is_none() {
                // Where that fails the one that the browser has is still good.
                state.renewal = self.policy.seal(shown).ok();
            }
        }
        for left in state.leaves.drain(..) {
            self.policy.revocation.revoke(&left.claims());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, while it can still be changed.
    fn open(&self) -> Result<MutexGuard<'_, State>, SetError> {
        let state = self.lock();
        if state.closed {
            return Err(self.error(|name| SetError::TooLate { name }));
        }
        Ok(state)
    }

    fn error(&self, of: impl FnOnce(String) -> SetError) -> SetError {
        of(self.policy.declared.name.to_owned())
    }

    fn tell(&self, event: EventName, subject: Option<&str>, reason: &'static str) {
        if let Some(reporter) = &self.reporter {
            let draft = SecurityEvent::draft(event).reason(reason);
            reporter.emit(match subject {
                Some(subject) => draft.subject(subject),
                None => draft,
            });
        }
    }
}

/// Why there is no [`Session`].
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_SESSIONS: &str = "no Sessions are around this route: put them into the stack";
