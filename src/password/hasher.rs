//! Passwords, hashed and verified.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::builder::PasswordsBuilder;
use super::engine::Engine;
use super::error::Unreadable;
use super::gate::{Gate, Job};
use super::oneshot::{self, Receiver};
use super::pepper::Pepper;
use super::phc::Stored;
use super::{HashError, Params, Password, PasswordHash, Unavailable};
use crate::clock::Clock;
use crate::keys::KeyRing;
use crate::trace;

/// Hashes passwords and verifies them, as many at once as the machine bears.
///
/// Make one and clone it: clones share the threads, the memory and the limits. In actix-web that is
/// outside of the closure that makes the `App`. See the [module docs](super) for an example.
#[derive(Clone)]
pub struct Passwords(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) engine: Engine,
    /// The most work and memory, in KiB, that a stored hash is given.
    pub(super) most: (u64, u32),
    pub(super) pepper: Option<KeyRing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) gate: Arc<Gate>,
    pub(super) evaluated: AtomicU64,
    pub(super) unreadable: AtomicU64,
}

/// What came of a password. Why it is no match is not told: nobody can tell it on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
#[must_use = "a password that is not a match lets nobody in"]
pub enum Verified {
    /// It is the password.
    Match {
        /// The hash is not what [`Passwords::hash`] would make today: of other parameters, or another
        /// pepper. Hash the password anew, now that it is at hand, and store that.
        needs_rehash: bool,
    },
    /// It is not.
    NoMatch,
}

impl Verified {
    /// Whether it is the password.
    #[must_use]
    pub const fn is_match(self) -> bool {
        matches!(self, Self::Match { .. })
    }
}

/// How it goes, for a page of metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// How many are being hashed or verified.
    pub running: usize,
    /// How many wait.
    pub waiting: usize,
    /// How many have been verified since the start, whatever came of it.
    pub evaluated: u64,
    /// How many KiB of memory Argon2 has computed since the start, each pass by itself. It grows by
    /// the same amount for a name that is unknown and one that is not.
    pub work: u64,
    /// How many were turned away because the queue was full.
    pub refused: u64,
    /// How many stored hashes could not be used: damaged, with parameters above what is accepted, or
    /// with a pepper that is unknown. Each is an account that nobody can log in to. With the feature
    /// `tracing` it is also a warning with the reason.
    pub unreadable: u64,
}

impl Passwords {
    /// As OWASP recommends: [`Params::OWASP`].
    pub fn owasp() -> PasswordsBuilder {
        Self::custom(Params::OWASP)
    }

    /// As RFC 9106 recommends where memory is short: [`Params::RFC9106_LOW_MEMORY`].
    pub fn rfc9106_low_memory() -> PasswordsBuilder {
        Self::custom(Params::RFC9106_LOW_MEMORY)
    }

    /// With these parameters.
    pub fn custom(params: Params) -> PasswordsBuilder {
        PasswordsBuilder::new(params)
    }

    /// The hash of a new password, to be stored.
    pub async fn hash(&self, password: impl Into<Password>) -> Result<PasswordHash, HashError> {
        let password = password.into();
        if password.bytes().is_empty() {
            return Err(HashError::Empty);
        }
        if !password.is_possible() {
            return Err(HashError::TooLong);
        }
        let (sender, receiver) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        self.0.gate.submit(Job::new(self.0.engine.params.memory_kib, move |arena| {
            let hash = arena.and_then(|arena| {
                guarded(|| inner.engine.hash(&password, inner.active().as_ref(), arena))
            });
            Box::new(move || sender.send(hash))
        }));
        let stored = Pending(receiver).await??;
        Ok(stored.write())
    }

    /// Whether it is the password of this hash, as it was stored. Pass `None` where there is no such
    /// user, or none with a password: it takes the same work.
    pub async fn verify(
        &self,
        password: impl Into<Password>,
        stored: Option<&str>,
    ) -> Result<Verified, Unavailable> {
        self.verify_then(password, stored, |outcome| outcome).await?
    }

    /// As [`verify`](Self::verify), and does something with the outcome where it comes about, on the
    /// thread of the pool: what the outcome has to change is changed even if nobody waits for it any
    /// more, because the client has hung up.
    ///
    /// The work begins at once, not when the future is first polled. `after` is called exactly once:
    /// also where the password is not looked at, with the reason, and then perhaps on this thread
    /// before this returns. The future is an error only if `after` itself has panicked.
    ///
    /// It is to be short: the permit has been given back, and the next password that waits for this
    /// thread waits for it.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::sync::Arc;
    ///
    /// use donjon::password::{Passwords, Verified};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let passwords = Passwords::owasp().build()?;
    /// let failures = Arc::new(AtomicU32::new(0));
    ///
    /// let counted = Arc::clone(&failures);
    /// let outcome = passwords.verify_then("guess", None, move |outcome| {
    ///     if outcome == Ok(Verified::NoMatch) {
    ///         counted.fetch_add(1, Ordering::Relaxed);
    ///     }
    ///     outcome
    /// });
    ///
    /// assert_eq!(outcome.await?, Ok(Verified::NoMatch));
    /// assert_eq!(failures.load(Ordering::Relaxed), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify_then<T: Send + 'static>(
        &self,
        password: impl Into<Password>,
        stored: Option<&str>,
        after: impl FnOnce(Result<Verified, Unavailable>) -> T + Send + 'static,
    ) -> Pending<T> {
        // What is too long is not kept while it waits.
        let password = Some(password.into()).filter(Password::is_possible).unwrap_or_default();
        let stored = stored.and_then(|text| self.0.read(text));
        let usual = self.0.engine.params.memory_kib;
        let memory = stored.as_ref().map_or(usual, |stored| stored.params.memory_kib.max(usual));

        let (sender, receiver) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        self.0.gate.submit(Job::new(memory, move |arena| {
            let outcome =
                arena.and_then(|arena| guarded(|| inner.verify(&password, stored.as_ref(), arena)));
            Box::new(move || sender.send(after(outcome)))
        }));
        Pending(receiver)
    }

    /// The parameters of new hashes.
    #[must_use]
    pub fn params(&self) -> Params {
        self.0.engine.params
    }

    /// How it goes.
    #[must_use]
    pub fn status(&self) -> Status {
        let (running, waiting, refused) = self.0.gate.counts();
        Status {
            running,
            waiting,
            evaluated: self.0.evaluated.load(Ordering::Relaxed),
            work: self.0.engine.work.load(Ordering::Relaxed),
            refused,
            unreadable: self.0.unreadable.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("params", &self.0.engine.params)
            .field("limits", &self.0.gate.limits())
            .field("pepper", &self.0.pepper)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// A stored hash that can be verified, if it is one.
    fn read(&self, text: &str) -> Option<Stored> {
        let (work, memory_kib) = self.most;
        let stored = Stored::parse(text).and_then(|stored| {
            let is_accepted =
                stored.params.work() <= work && stored.params.memory_kib <= memory_kib;
            if is_accepted { Ok(stored) } else { Err(Unreadable::TooCostly) }
        });
        stored.map_err(|reason| self.complain(reason)).ok()
    }

    fn verify(
        &self,
        password: &Password,
        stored: Option<&Stored>,
        arena: &mut [argon2::Block],
    ) -> Result<Verified, Unavailable> {
        self.evaluated.fetch_add(1, Ordering::Relaxed);
        let active = self.active();
        let (stored, pepper) = match stored.map(|stored| (stored, stored.pepper)) {
            None => (None, None),
            // Of a time before there was a pepper.
            Some((stored, None)) => (Some(stored), None),
            Some((stored, Some(id))) => {
                let found = match &self.pepper {
                    Some(ring) => Pepper::find(ring, id, self.clock.now()),
                    None => Err(Unreadable::UnknownPepper),
                };
                match found {
                    Ok(pepper) => (Some(stored), Some(pepper)),
                    Err(reason) => {
                        self.complain(reason);
                        (None, None)
                    }
                }
            }
        };
        self.engine.verify(password, stored, pepper.as_ref(), active.as_ref(), arena)
    }

    fn active(&self) -> Option<Pepper> {
        self.pepper.as_ref().and_then(Pepper::active)
    }

    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody to tell"))]
    fn complain(&self, reason: Unreadable) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
        trace::warn!(%reason, "a stored password hash cannot be used: nobody can log in with it");
    }
}

/// A password that is being looked at. Dropped, it is looked at all the same.
#[must_use = "what came of it is heard of by waiting for it"]
pub struct Pending<T>(Receiver<T>);

impl<T> Future for Pending<T> {
    type Output = Result<T, Unavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|word| word.ok_or(Unavailable::Failed))
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// What it gives, unless it panics.
fn guarded<T>(work: impl FnOnce() -> Result<T, Unavailable>) -> Result<T, Unavailable> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        trace::warn!("the computation of a password's hash has panicked");
        Err(Unavailable::Failed)
    })
}
