//! The log: takes events in, and never waits.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "roles")]
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::builder::EventLogBuilder;
use super::core::{Core, Emitting};
use super::outlet::Outlet;
use super::queue::Queue;
use super::tag::TagKey;
use super::{Draft, Lost};

/// Takes security events and hands them to its sinks.
///
/// See the [module docs](super) for an example. A clone is the same log. When the last one is
/// dropped the sinks still get what is queued, if the process lives long enough: see
/// [`shutdown`](Self::shutdown).
#[derive(Clone)]
pub struct EventLog(Arc<Handle>);

/// What users hold. The sinks' threads hold only the core, so they end when this is gone.
struct Handle(Arc<Core>);

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody emits: this was the last.
        self.0.close(Duration::ZERO);
    }
}

impl EventLog {
    /// A log without sinks so far.
    pub fn builder() -> EventLogBuilder {
        EventLogBuilder::new()
    }

    pub(super) fn new(core: Arc<Core>) -> Self {
        Self(Arc::new(Handle(core)))
    }

    /// Records an event, or counts it as lost. It never waits for a sink, and never fails.
    pub fn emit(&self, draft: Draft<'_>) {
        let _emitting = Emitting::begin(self.core());
        self.core().emit(draft);
    }

    /// Whether somebody who is let in is one of those who are recorded.
    #[cfg(feature = "roles")]
    pub(crate) fn samples_grant(&self) -> bool {
        let core = self.core();
        core.grants.is_some_and(|one_in| {
            core.granted.fetch_add(1, Ordering::Relaxed).is_multiple_of(one_in.get())
        })
    }

    /// Makes tags with another key from now on. Tags of before cannot be joined with those of
    /// after.
    ///
    /// Whoever can ask the app to record a name of his choice, and reads the log, can find out
    /// which tag that name has. A new key from time to time ends what was learned so.
    pub fn rotate_key(&self, key: TagKey) {
        self.core().keys.rotate(&key);
        drop(key); // which wipes it
    }

    /// How many events were lost so far, at all sinks together: one that two sinks have lost
    /// counts twice.
    #[must_use]
    pub fn dropped(&self) -> Lost {
        let mut sum = Lost::default();
        for outlet in &self.core().outlets {
            sum.merge(outlet.lost.so_far());
        }
        sum
    }

    /// Takes no more events and waits until every sink has what it is due, but no longer than the
    /// deadline. Call it at the end of `main`; in async code, where it may block.
    ///
    /// Events emitted later count as lost. A sink that fails now has one more try for each batch,
    /// at once. Memory and `tracing` are handed what was held back before the waiting begins: a
    /// subscriber that is slow takes its own time.
    pub fn shutdown(&self, deadline: Duration) -> Result<(), Undelivered> {
        let start = Instant::now(); // a deadline is for real, whatever the log's clock says
        let core = self.core();
        core.close(deadline);
        core.wait_for_sinks(deadline.saturating_sub(start.elapsed()));
        let queues = core.outlets.iter().filter_map(Outlet::queue);
        match queues.map(Queue::undelivered).sum() {
            0 => Ok(()),
            events => Err(Undelivered { events }),
        }
    }

    fn core(&self) -> &Core {
        &self.0.0
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<Core> {
        &self.0.0
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<_> = self.core().outlets.iter().map(|outlet| &outlet.name).collect();
        f.debug_struct("EventLog")
            .field("sinks", &sinks)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

/// A log was shut down, and not every event has reached its sink.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{events} security events have not been delivered to their sinks")]
#[non_exhaustive]
pub struct Undelivered {
    /// How many, at all sinks together.
    pub events: u64,
}
