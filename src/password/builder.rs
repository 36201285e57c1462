//! What is decided before there are passwords.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

use super::engine::Engine;
use super::gate::{Gate, Limits};
use super::hasher::Inner;
use super::threads::{self, Work};
use super::{ConfigError, Params, Passwords};
use crate::clock::{Clock, SystemClock};
use crate::keys::KeyRing;

/// Builds [`Passwords`].
#[must_use = "a builder does nothing until it is built"]
pub struct PasswordsBuilder {
    params: Params,
    accepted: Option<Params>,
    memory_budget: u64,
    max_concurrent: Option<usize>,
    queue: Option<usize>,
    pepper: Option<KeyRing>,
    spawn: Option<Box<dyn Fn(Work) + Send + Sync>>,
    clock: Arc<dyn Clock>,
}

impl PasswordsBuilder {
    pub(super) fn new(params: Params) -> Self {
        Self {
            params,
            accepted: None,
            memory_budget: DEFAULT_BUDGET,
            max_concurrent: None,
            queue: None,
            pepper: None,
            spawn: None,
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// How many bytes all passwords together may take: 512 MiB unless you say otherwise. Once taken it
    /// is kept, for the next.
    pub const fn memory_budget(mut self, bytes: u64) -> Self {
        self.memory_budget = bytes;
        self
    }

    /// How many passwords are hashed at once, if the memory is enough for so many: as many as there
    /// are cores, unless you say otherwise. One or two fewer leave a core to other requests while
    /// somebody floods the login.
    pub const fn max_concurrent(mut self, passwords: usize) -> Self {
        self.max_concurrent = Some(passwords);
        self
    }

    /// How many passwords wait, at most: 64 for each that is hashed at once, unless you say otherwise,
    /// which is about a second of waiting. Further ones are [`Busy`](super::Unavailable::Busy).
    pub const fn queue(mut self, passwords: usize) -> Self {
        self.queue = Some(passwords);
        self
    }

    /// Mixes a secret into new hashes that is not in the database, made of the ring's active key. The
    /// hash says which key it was.
    ///
    /// Hashes from before there was a pepper are verified, and need a rehash. A hash whose key has left
    /// the ring, or is past its date, is verified by nobody any more: keep an old key for as long as
    /// those users are to log in who have not done so since.
    pub fn pepper(mut self, ring: &KeyRing) -> Self {
        self.pepper = Some(ring.clone());
        self
    }

    /// Accepts stored hashes of up to this much work and memory: of libraries, or of times, that asked
    /// for more. Without this it is four times the memory and eight times the work of new hashes, if
    /// the budget allows it. What is above is taken for a damaged hash.
    pub const fn accept_up_to(mut self, params: Params) -> Self {
        self.accepted = Some(params);
        self
    }

    /// Has the work done by this pool instead of threads of its own. It is called with at most as many
    /// pieces of work at once as there are permits, and is not to wait for them. How urgent it is among
    /// the server's threads is then the pool's affair.
    ///
    /// ```
    /// use donjon::password::Passwords;
    ///
    /// let passwords = Passwords::owasp().blocking(|work| {
    ///     tokio::task::spawn_blocking(work);
    /// });
    /// # assert!(passwords.build().is_ok());
    /// ```
    ///
    /// With actix-web it is `actix_web::rt::task::spawn_blocking`; in a program for the command line,
    /// `|work| work()`. A pool that drops a piece of work undone is taken to have stopped.
    pub fn blocking(
        mut self,
        spawn: impl Fn(Box<dyn FnOnce() + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.spawn = Some(Box::new(spawn));
        self
    }

    /// Takes the time from this clock: that at which a pepper's key is over.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks it, and starts the threads if they are its own.
    pub fn build(self) -> Result<Passwords, ConfigError> {
        let memory = self.memory_budget / 1024;
        let usual = self.params.memory_kib;
        let check = |kib: u32| {
            let (budget, needed) = (self.memory_budget, u64::from(kib) * 1024);
            if needed > budget { Err(ConfigError::Budget { budget, needed }) } else { Ok(()) }
        };
        check(usual)?;
        let most = if let Some(accepted) = self.accepted {
            check(accepted.memory_kib)?;
            (accepted.work().max(self.params.work()), accepted.memory_kib.max(usual))
        } else {
            let four_times = usual.saturating_mul(4);
            let memory_kib = u32::try_from(memory).map_or(four_times, |all| four_times.min(all));
            (self.params.work().saturating_mul(8), memory_kib)
        };

        let cores = || thread::available_parallelism().map_or(1, usize::from).min(MAX_CONCURRENT);
        let wanted = self.max_concurrent.unwrap_or_else(cores);
        if !(1..=MAX_CONCURRENT).contains(&wanted) {
            return Err(ConfigError::Concurrency { given: wanted });
        }
        let there_is_room_for = usize::try_from(memory / u64::from(usual)).unwrap_or(usize::MAX);
        let permits = wanted.min(there_is_room_for);
        let queue = self.queue.unwrap_or(64 * permits);
        if queue > MAX_QUEUE {
            return Err(ConfigError::Queue { given: queue });
        }

        let spawn = if let Some(spawn) = self.spawn {
            spawn
        } else {
            let threads = threads::start(permits)?;
            // Where nobody takes it, it is dropped, and says so itself.
            Box::new(move |work| drop(threads.send(work)))
        };
        let limits = Limits { permits, queue, memory, usual };
        Ok(Passwords(Arc::new(Inner {
            engine: Engine::new(self.params),
            most,
            pepper: self.pepper,
            gate: Arc::new(Gate::new(limits, spawn, Arc::clone(&self.clock))),
            clock: self.clock,
            evaluated: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
        })))
    }
}

impl fmt::Debug for PasswordsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordsBuilder")
            .field("params", &self.params)
            .field("accepted", &self.accepted)
            .field("memory_budget", &self.memory_budget)
            .field("max_concurrent", &self.max_concurrent)
            .field("queue", &self.queue)
            .field("pepper", &self.pepper)
            .finish_non_exhaustive()
    }
}

/// 512 MiB.
const DEFAULT_BUDGET: u64 = 512 << 20;
const MAX_CONCURRENT: usize = 1024;
const MAX_QUEUE: usize = 65_536;
