//! Where attempts are counted.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{Key, ScopePolicy};

/// Counts attempts, each of its operations in one step that no other interrupts.
///
/// [`MemoryStore`](super::MemoryStore) is one, for one machine. The feature `redis` has one for
/// several. Write one of your own if you must, and hold it to `tests/attempt_stores/contract.rs`:
///
/// - `reserve` looks and counts **in one step**. Whoever looks first and counts later lets a burst
///   through.
/// - It counts an attempt as under way. Failures and attempts under way together never exceed the
///   policy's limit.
/// - What is denied changes nothing.
/// - A lease that was never settled is a failure when the policy's
///   [`lease_time`](ScopePolicy::lease_time) is over, or up to half of it sooner where others are under way
///   all the time, and from then on it cannot change anything.
/// - The store owns the time. No server's clock is sent to it.
/// - Whatever it keeps, it forgets by itself.
pub trait AttemptStore: Send + Sync + 'static {
    /// Why it cannot tell.
    type Error: Error + Send + Sync + 'static;

    /// Lets an attempt in and counts it as under way, or denies it.
    fn reserve(
        &self,
        key: Key,
        policy: &ScopePolicy,
    ) -> impl Future<Output = Result<Decision, Self::Error>> + Send;

    /// Says how an attempt ended.
    fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> impl Future<Output = Result<Settlement, Self::Error>> + Send;

    /// What is remembered of a key. It changes nothing.
    fn peek(
        &self,
        key: Key,
        policy: &ScopePolicy,
    ) -> impl Future<Output = Result<KeyState, Self::Error>> + Send;

    /// Forgets a key, its lock included. Attempts that are under way can settle, and change nothing.
    fn clear(&self, key: Key) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The same store as one that answers at once, if it is one. Then no future is made for it, and an
    /// attempt that is dropped counts as a failure at once.
    fn at_once(&self) -> Option<&dyn AtOnce> {
        None
    }
}

/// The operations of an [`AttemptStore`] that waits for nothing.
pub trait AtOnce: Send + Sync {
    /// See [`AttemptStore::reserve`].
    fn reserve(&self, key: Key, policy: &ScopePolicy) -> Decision;

    /// See [`AttemptStore::settle`].
    fn settle(&self, lease: Lease, settle: Settle, policy: &ScopePolicy) -> Settlement;

    /// See [`AttemptStore::peek`].
    fn peek(&self, key: Key, policy: &ScopePolicy) -> KeyState;

    /// See [`AttemptStore::clear`].
    fn clear(&self, key: Key);
}

/// What a store says to an attempt.
#[derive(Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "stores of others answer with it")]
#[must_use = "an attempt that was let in has to be settled"]
pub enum Decision {
    /// It is let in, and counted as under way.
    Admitted(Lease),
    /// As many are under way as there are guesses left. It is no lock: some of them may be right.
    Busy,
    /// Nobody is let in.
    Locked {
        /// For how long.
        left: Duration,
    },
}

/// An attempt that was let in, by one counter. It can be settled once, as it cannot be cloned.
#[derive(Debug, Eq, PartialEq)]
#[must_use = "what is not settled counts as a failure when its time is over"]
pub struct Lease {
    key: Key,
    number: u64,
}

impl Lease {
    /// A lease of this key. The number is the store's, and tells whether the lease has expired: below
    /// 2⁶³.
    pub const fn new(key: Key, number: u64) -> Self {
        Self { key, number }
    }

    /// Of which key it is.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The store's number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

/// How an attempt ended, for one counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "stores of others have to know them all")]
pub enum Settle {
    /// It was wrong.
    Failure,
    /// It is not to be counted.
    Release,
    /// It was right, and all failures of this counter were of the same source: they are forgotten. A
    /// lock is not.
    Clear,
    /// It was right, and so many of the failures were of the same source, all of them since that
    /// moment. They are taken off if the present count began no later; a lock stays.
    GiveBack {
        /// How many.
        failures: u32,
        /// The [`since`](Settlement::since) of another of this store's counters.
        since: u64,
    },
}

/// What has become of a counter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores of others answer with it")]
pub struct Settlement {
    /// The lease was over, and nothing was changed: the failure was counted then.
    pub stale: bool,
    /// The failures there were before.
    pub failures: u32,
    /// When the first of them was counted, on the store's own clock, in the store's own unit.
    pub since: u64,
    /// For how long nobody is let in from now on, if this was one failure too many.
    pub locked: Option<Duration>,
}

/// What is remembered of a key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores of others answer with it")]
pub struct KeyState {
    /// Failures that count.
    pub failures: u32,
    /// Attempts under way.
    pub in_flight: u32,
    /// For how long nobody is let in, if so.
    pub locked: Option<Duration>,
}

/// Why a store cannot tell. What the reason was is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the store of login attempts does not answer: {0}")]
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    /// An error for this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

/// A store of any kind.
pub(super) trait AnyStore: Send + Sync {
    fn reserve<'a>(&'a self, key: Key, policy: &'a ScopePolicy) -> Step<'a, Decision>;

    fn settle<'a>(
        &'a self,
        lease: Lease,
        settle: Settle,
        policy: &'a ScopePolicy,
    ) -> Step<'a, Settlement>;

    fn peek<'a>(&'a self, key: Key, policy: &'a ScopePolicy) -> Step<'a, KeyState>;

    fn clear(&self, key: Key) -> Step<'_, ()>;

    fn at_once(&self) -> Option<&dyn AtOnce>;
}

impl<S: AttemptStore> AnyStore for S {
    fn reserve<'a>(&'a self, key: Key, policy: &'a ScopePolicy) -> Step<'a, Decision> {
        match AttemptStore::at_once(self) {
            Some(store) => Step::now(store.reserve(key, policy)),
            None => Step::later(AttemptStore::reserve(self, key, policy)),
        }
    }

    fn settle<'a>(
        &'a self,
        lease: Lease,
        settle: Settle,
        policy: &'a ScopePolicy,
    ) -> Step<'a, Settlement> {
        match AttemptStore::at_once(self) {
            Some(store) => Step::now(store.settle(lease, settle, policy)),
            None => Step::later(AttemptStore::settle(self, lease, settle, policy)),
        }
    }

    fn peek<'a>(&'a self, key: Key, policy: &'a ScopePolicy) -> Step<'a, KeyState> {
        match AttemptStore::at_once(self) {
            Some(store) => Step::now(store.peek(key, policy)),
            None => Step::later(AttemptStore::peek(self, key, policy)),
        }
    }

    fn clear(&self, key: Key) -> Step<'_, ()> {
        match AttemptStore::at_once(self) {
            Some(store) => {
                store.clear(key);
                Step::now(())
            }
            None => Step::later(AttemptStore::clear(self, key)),
        }
    }

    fn at_once(&self) -> Option<&dyn AtOnce> {
        AttemptStore::at_once(self)
    }
}

/// What a store answers, at once or later. Only the second is in a box.
pub(super) enum Step<'a, T> {
    Now(Option<T>),
    Later(Boxed<'a, T>),
}

type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl<'a, T: 'a> Step<'a, T> {
    const fn now(answer: T) -> Self {
        Self::Now(Some(answer))
    }

    fn later<E: Error + Send + Sync + 'static>(
        answer: impl Future<Output = Result<T, E>> + Send + 'a,
    ) -> Self {
        Self::Later(Box::pin(async { answer.await.map_err(StoreError::new) }))
    }
}

// Neither is pinned in place.
impl<T> Unpin for Step<'_, T> {}

impl<T> Future for Step<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        match &mut *self {
            Self::Now(answer) => match answer.take() {
                Some(answer) => std::task::Poll::Ready(Ok(answer)),
                // Polled again after it was ready, which `Future` leaves open.
                None => std::task::Poll::Pending,
            },
            Self::Later(answer) => answer.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for dyn AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptStore").finish_non_exhaustive()
    }
}
