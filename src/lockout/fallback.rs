//! What is done while the store of several machines is away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use super::store::{AtOnce, AttemptStore, Decision, KeyState, Lease, Settle, Settlement};
use super::{ConfigError, Key, MemoryStore, ScopePolicy};
use crate::clock::{Clock, SystemClock};
use crate::deadline::within;

/// A store that may be away, and what decides in its place.
///
/// **The attack:** whoever can make a shared store slow or unreachable turns the lockout off, if it lets
/// everybody in then, and the whole site, if each login waits for it to answer.
///
/// - No call takes longer than the [deadline](Self::deadline), 50 ms unless told otherwise, whatever
///   the store does.
/// - After three calls in a row that failed nobody asks for a second. Then one does, and if that fails
///   the rest is twice as long, up to 30 s. What all others hear meanwhile takes no time, and makes no
///   connection.
/// - While it is away, [`local`](Self::local) counts in the memory of this process, by the same policies:
///   an attacker has the limit's guesses at each of your servers, and not one more.
///   [`closed`](Self::closed) turns every attempt away, with 503. There is none that lets everybody in.
/// - An attempt is settled where it was reserved. Where the store went away in between, it stays
///   counted there, and is a failure when its lease is over.
/// - Failures are not given back to one store for what another has counted.
/// - What the store counted before it went away counts when it is back. What was counted locally
///   stays here.
/// - [`clear`](AttemptStore::clear) clears both, and fails if the store cannot be asked: who was to be
///   unlocked is locked there still. What other servers have counted locally it does not reach.
///
/// A call that is given up at the deadline may have been carried out: then an attempt is counted that
/// nobody makes, and becomes a failure with its lease. It errs on the side of the limit.
///
/// A clone is the same store: keep one to ask [`is_remote_away`](Self::is_remote_away), for a health
/// check. A change is logged once (feature `tracing`).
///
/// ```
/// use std::time::Duration;
///
/// use donjon::lockout::{Fallback, MemoryStore};
///
/// # fn remote() -> MemoryStore { MemoryStore::default() }
/// let store = Fallback::local(remote()).deadline(Duration::from_millis(20))?;
/// assert!(!store.is_remote_away());
/// # Ok::<_, donjon::lockout::ConfigError>(())
/// ```
pub struct Fallback<S> {
    remote: Arc<S>,
    local: Option<MemoryStore>,
    deadline: Duration,
    rest: Duration,
    clock: Arc<dyn Clock>,
    breaker: Arc<Breaker>,
}

/// Why a [`Fallback`] cannot tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FallbackError<E> {
    /// The store took too long.
    #[error("no answer in {deadline:?}")]
    Late {
        /// How long it might take.
        deadline: Duration,
    },
    /// It has failed lately, and is left alone.
    #[error("it has not answered lately, and is not asked for now")]
    Away,
    /// It has said so.
    #[error(transparent)]
    Remote(E),
}

impl<S> Fallback<S> {
    /// Counts in a [`MemoryStore`] of the default size, 18 MiB, while the store is away.
    pub fn local(remote: S) -> Self {
        Self::local_in(remote, MemoryStore::default())
    }

    /// Counts in this memory while the store is away.
    pub fn local_in(remote: S, memory: MemoryStore) -> Self {
        Self::new(remote, Some(memory))
    }

    /// Turns every attempt away while the store is away.
    pub fn closed(remote: S) -> Self {
        Self::new(remote, None)
    }

    /// How long the store may take for one operation, of which a login makes about ten. Choose well
    /// above what it takes on a busy day: an attempt that it counts too late counts twice. From a
    /// millisecond to a minute.
    pub fn deadline(self, deadline: Duration) -> Result<Self, ConfigError> {
        Self { deadline, ..self }.checked()
    }

    /// How long the store is left alone when it has failed, at first. From a millisecond to a minute.
    pub fn rest(self, rest: Duration) -> Result<Self, ConfigError> {
        Self { rest, ..self }.checked()
    }

    /// Takes the time of rests from this clock. Deadlines are of the system's, and a
    /// [`MemoryStore`] has its own.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { breaker: Arc::new(Breaker::new(self.rest, Arc::clone(&clock))), clock, ..self }
    }

    /// Whether the store has failed, and is not known to be back.
    #[must_use]
    pub fn is_remote_away(&self) -> bool {
        self.breaker.is_resting()
    }

    fn new(remote: S, local: Option<MemoryStore>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let breaker = Arc::new(Breaker::new(REST, Arc::clone(&clock)));
        Self { remote: Arc::new(remote), local, deadline: DEADLINE, rest: REST, clock, breaker }
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let Self { deadline, rest, .. } = self;
        if [deadline, rest].iter().any(|time| !(SHORTEST..=LONGEST).contains(time)) {
            return Err(ConfigError::Fallback { deadline, rest });
        }
        let clock = Arc::clone(&self.clock);
        Ok(self.clock(clock))
    }
}

impl<S: AttemptStore> Fallback<S> {
    async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, S::Error>>,
    ) -> Result<T, FallbackError<S::Error>> {
        // A future that is not polled has asked nobody.
        let Some(turn) = self.breaker.turn() else { return Err(FallbackError::Away) };
        let answer = match within(self.deadline, answer).await {
            Some(answer) => answer.map_err(FallbackError::Remote),
            None => Err(FallbackError::Late { deadline: self.deadline }),
        };
        turn.end(answer.is_ok());
        answer
    }
}

impl<S: AttemptStore> AttemptStore for Fallback<S> {
    type Error = FallbackError<S::Error>;

    async fn reserve(&self, key: Key, policy: &ScopePolicy) -> Result<Decision, Self::Error> {
        let remote = self.ask(self.remote.reserve(key, policy)).await;
        match (remote, &self.local) {
            (Err(_), Some(local)) => Ok(match AtOnce::reserve(local, key, policy) {
                Decision::Admitted(lease) => {
                    Decision::Admitted(Lease::new(key, lease.number() | LOCAL))
                }
                denied => denied,
            }),
            (remote, _) => remote,
        }
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> Result<Settlement, Self::Error> {
        let is_local = lease.number() & LOCAL != 0;
        let settle = match settle {
            // The clocks of the two have nothing to do with each other.
            Settle::GiveBack { since, .. } if (since & LOCAL != 0) != is_local => Settle::Release,
            Settle::GiveBack { failures, since } => {
                Settle::GiveBack { failures, since: since & !LOCAL }
            }
            settle => settle,
        };
        match &self.local {
            Some(local) if is_local => {
                let lease = Lease::new(lease.key(), lease.number() & !LOCAL);
                let settlement = AtOnce::settle(local, lease, settle, policy);
                Ok(Settlement { since: settlement.since | LOCAL, ..settlement })
            }
            _ => self.ask(self.remote.settle(lease, settle, policy)).await,
        }
    }

    async fn peek(&self, key: Key, policy: &ScopePolicy) -> Result<KeyState, Self::Error> {
        let remote = self.ask(self.remote.peek(key, policy)).await;
        match (remote, &self.local) {
            (Err(_), Some(local)) => Ok(AtOnce::peek(local, key, policy)),
            (remote, _) => remote,
        }
    }

    async fn clear(&self, key: Key) -> Result<(), Self::Error> {
        if let Some(local) = &self.local {
            AtOnce::clear(local, key);
        }
        self.ask(self.remote.clear(key)).await
    }
}

/// The same store.
impl<S> Clone for Fallback<S> {
    fn clone(&self) -> Self {
        Self {
            remote: Arc::clone(&self.remote),
            local: self.local.clone(),
            deadline: self.deadline,
            rest: self.rest,
            clock: Arc::clone(&self.clock),
            breaker: Arc::clone(&self.breaker),
        }
    }
}

impl<S> fmt::Debug for Fallback<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("local", &self.local)
            .field("deadline", &self.deadline)
            .field("rest", &self.rest)
            .field("is_remote_away", &self.is_remote_away())
            .finish_non_exhaustive()
    }
}

/// Marks the leases and moments of the local store. Those of any other are below 2⁶³, and its own
/// below 2³³.
const LOCAL: u64 = 1 << 63;
const DEADLINE: Duration = Duration::from_millis(50);
const REST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_refused() {
        let store = || Fallback::closed(());
        for times in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            for built in [store().deadline(times), store().rest(times)] {
                assert!(matches!(built, Err(ConfigError::Fallback { .. })), "{times:?}");
            }
        }
        assert!(store().deadline(SHORTEST).unwrap().rest(LONGEST).is_ok());
    }

    #[test]
    fn debug_does_not_look_into_the_store() {
        let shown = format!("{:?}", Fallback::closed("redis://:hunter2@host"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
