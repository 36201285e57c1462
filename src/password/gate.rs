//! How many passwords are hashed at once, and who waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Unavailable;
use super::arena::{Arena, Arenas};
use super::threads::Work;
use crate::clock::Clock;
use crate::trace;

/// Lets in as many as there are permits and memory for, in their order, and keeps a short queue.
///
/// It waits for nothing and knows no runtime: who cannot be let in is work that whoever leaves hands
/// on to his thread.
pub(super) struct Gate {
    limits: Limits,
    state: Mutex<State>,
    arenas: Arenas,
    spawn: Box<dyn Fn(Work) + Send + Sync>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many at once.
    pub(super) permits: usize,
    /// How many wait.
    pub(super) queue: usize,
    /// KiB.
    pub(super) memory: u64,
    /// What one usually takes, in KiB.
    pub(super) usual: u32,
}

#[derive(Default)]
struct State {
    running: usize,
    /// KiB that those who run were let in with.
    memory: u64,
    waiting: VecDeque<Job>,
    /// How long one takes.
    average: Duration,
    /// How many were turned away.
    refused: u64,
}

impl Gate {
    pub(super) fn new(
        limits: Limits,
        spawn: Box<dyn Fn(Work) + Send + Sync>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let arenas = Arenas::new(limits.usual as usize);
        Self { limits, state: Mutex::default(), arenas, spawn, clock }
    }

    /// Has the job done, now or soon, or refuses it.
    pub(super) fn submit(self: &Arc<Self>, mut job: Job) {
        let mut state = self.state();
        if state.waiting.is_empty() && self.fits(&state, &job) {
            let permit = self.admit(&mut state, &job);
            drop(state);
            self.start(job, permit);
        } else if state.waiting.len() < self.limits.queue {
            state.waiting.push_back(job);
        } else {
            state.refused += 1;
            let retry_after = self.retry_after(&state);
            drop(state);
            job.refuse(Unavailable::Busy { retry_after });
        }
    }

    /// How many run, how many wait, and how many were turned away.
    pub(super) fn counts(&self) -> (usize, usize, u64) {
        let state = self.state();
        (state.running, state.waiting.len(), state.refused)
    }

    /// KiB that those who run were let in with.
    #[cfg(test)]
    pub(super) fn memory(&self) -> u64 {
        self.state().memory
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    fn fits(&self, state: &State, job: &Job) -> bool {
        state.running < self.limits.permits
            && state.memory + u64::from(job.memory) <= self.limits.memory
    }

    fn admit(self: &Arc<Self>, state: &mut State, job: &Job) -> Permit {
        let memory = u64::from(job.memory);
        state.running += 1;
        state.memory += memory;
        Permit { gate: Arc::clone(self), memory, is_held: true }
    }

    fn start(&self, job: Job, permit: Permit) {
        (self.spawn)(Box::new(move || permit.work(job)));
    }

    /// Takes a permit back, and gives others to those at the front of the queue.
    fn pass_on(self: &Arc<Self>, memory: u64, took: Duration) -> Vec<(Job, Permit)> {
        let mut state = self.state();
        state.running -= 1;
        state.memory -= memory;
        state.average = if state.average.is_zero() { took } else { (state.average * 7 + took) / 8 };
        let mut next = Vec::new();
        while let Some(job) = state.waiting.front()
            && self.fits(&state, job)
            && let Some(job) = state.waiting.pop_front()
        {
            let permit = self.admit(&mut state, &job);
            next.push((job, permit));
        }
        next
    }

    /// When all who wait now have likely been served.
    fn retry_after(&self, state: &State) -> Duration {
        let ahead = state.waiting.len() + state.running;
        let rounds = ahead.div_ceil(self.limits.permits);
        let wait = state.average.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        wait.clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done with memory, or not to be done for a reason. It hears of one of them, once,
/// whatever becomes of it.
pub(super) struct Job {
    /// KiB.
    memory: u32,
    work: Option<JobWork>,
}

type JobWork = Box<dyn FnOnce(Result<&mut Arena<'_>, Unavailable>) -> Rest + Send>;

/// What is left to do of a job once its memory and its permit are given back.
type Rest = Box<dyn FnOnce() + Send>;

impl Job {
    pub(super) fn new(
        memory: u32,
        work: impl FnOnce(Result<&mut Arena<'_>, Unavailable>) -> Rest + Send + 'static,
    ) -> Self {
        Self { memory, work: Some(Box::new(work)) }
    }

    fn begin(mut self, arena: Result<&mut Arena<'_>, Unavailable>) -> Option<Rest> {
        self.work.take().map(|work| work(arena))
    }

    fn refuse(&mut self, reason: Unavailable) {
        if let Some(work) = self.work.take() {
            finish(work(Err(reason)));
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.refuse(Unavailable::Stopped);
    }
}

/// Leave to run, for one job after the other.
struct Permit {
    gate: Arc<Gate>,
    memory: u64,
    is_held: bool,
}

impl Permit {
    /// Does this job and then, on the same thread, others that have waited.
    fn work(self, job: Job) {
        let gate = Arc::clone(&self.gate);
        let mut next = Some((job, self));
        while let Some((job, mut permit)) = next.take() {
            let started = gate.clock.elapsed();
            let rest = match gate.arenas.take(job.memory as usize) {
                Ok(mut arena) => job.begin(Ok(&mut arena)),
                Err(reason) => job.begin(Err(reason)),
            };
            let took = gate.clock.elapsed().saturating_sub(started);
            permit.is_held = false;
            let mut admitted = gate.pass_on(permit.memory, took).into_iter();
            next = admitted.next();
            for (job, permit) in admitted {
                finish(|| gate.start(job, permit));
            }
            if let Some(rest) = rest {
                finish(rest);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        // The pool has dropped the work. It would drop that of those who wait too, so they are told at
        // once, and not by one another.
        let waiting = {
            let mut state = self.gate.state();
            state.running -= 1;
            state.memory -= self.memory;
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }
}

/// It is others' code, which may panic, and the thread is not theirs alone.
fn finish(rest: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(rest)).is_err() {
        trace::warn!("what follows on a password's verification has panicked");
    }
}

const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
