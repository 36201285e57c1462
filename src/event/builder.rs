//! The builder of a log.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::collapse::Collapse;
use super::core::{Core, Running, State};
use super::outlet::{Outlet, Way};
use super::queue::{Message, Queue};
use super::sink::Inline;
use super::tag::{Keys, TagKey};
use super::worker::Worker;
use super::{ClientPolicy, ConfigError, EventLog, EventSink, MemorySink, SinkName, SubjectPolicy};
use crate::clock::{Clock, SystemClock};
use crate::text::is_harmless;

/// Builds an [`EventLog`].
#[must_use = "a builder does nothing until it is built"]
pub struct EventLogBuilder {
    sinks: Vec<(String, Sink)>,
    discard: bool,
    clients: ClientPolicy,
    subjects: SubjectPolicy,
    key: Option<TagKey>,
    slots: usize,
    window: Duration,
    #[cfg(feature = "roles")]
    grants: Option<std::num::NonZeroU32>,
    clock: Arc<dyn Clock>,
    /// How long a sink rests after its first failure.
    first_rest: Duration,
}

enum Sink {
    Inline(Box<dyn Inline>),
    Queued(Box<dyn EventSink>),
}

impl EventLogBuilder {
    pub(super) fn new() -> Self {
        Self {
            sinks: Vec::new(),
            discard: false,
            clients: ClientPolicy::default(),
            subjects: SubjectPolicy::default(),
            key: None,
            slots: 4096,
            window: Duration::from_secs(10),
            #[cfg(feature = "roles")]
            grants: None,
            clock: Arc::new(SystemClock::default()),
            first_rest: Duration::from_millis(100),
        }
    }

    /// Adds a sink, with a queue and a thread of its own. Reports of its failure give its name.
    pub fn sink(self, name: &str, sink: impl EventSink) -> Self {
        self.with(name, Sink::Queued(Box::new(sink)))
    }

    /// Adds a sink that keeps events in memory, for tests. Its name is `memory`.
    pub fn memory(self, sink: &MemorySink) -> Self {
        self.inline("memory", sink.clone())
    }

    /// Hands events to the subscriber of `tracing` too, at once and inside the caller's span. The
    /// target is `donjon::security`; the level is `INFO`, `WARN` or `ERROR`. The sink's name is
    /// `tracing`.
    ///
    /// It takes as long as the subscriber takes.
    #[cfg(feature = "tracing")]
    pub fn tracing(self) -> Self {
        self.inline("tracing", super::trace::Tracing)
    }

    /// Says that nobody is to hear of events, if there is no sink.
    pub const fn discard(mut self) -> Self {
        self.discard = true;
        self
    }

    /// What is recorded of clients' addresses. They are recorded in full unless told otherwise.
    pub const fn clients(mut self, policy: ClientPolicy) -> Self {
        self.clients = policy;
        self
    }

    /// What is recorded of users. They are recorded as tags unless told otherwise.
    pub const fn subjects(mut self, policy: SubjectPolicy) -> Self {
        self.subjects = policy;
        self
    }

    /// The key of the tags; a random one unless told otherwise.
    pub fn key(mut self, key: TagKey) -> Self {
        self.key = Some(key);
        self
    }

    /// How many events wait for each sink at most: 8 to 1048576, and 4096 unless told otherwise.
    /// An eighth of the slots, rounded down, is kept for [`Severity::Critical`].
    ///
    /// [`Severity::Critical`]: super::Severity::Critical
    pub const fn queue(mut self, slots: usize) -> Self {
        self.slots = slots;
        self
    }

    /// For how long identical events are counted rather than recorded one by one, from the first
    /// of them on: 10 seconds unless told otherwise. Zero records each.
    pub const fn collapse_within(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Records one in so many of those whom a guard of [`roles`](mod@crate::roles) lets in, beginning with the
    /// first, as `x_authz_granted`: 1 records each (ASVS 5.0, 16.3.2, from level 3 on), and without this it is
    /// none. What is public is never counted.
    #[cfg(feature = "roles")]
    pub const fn sample_grants(mut self, one_in: std::num::NonZeroU32) -> Self {
        self.grants = Some(one_in);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the log, and starts a thread for each sink that has one.
    pub fn build(self) -> Result<EventLog, ConfigError> {
        self.check()?;
        let mut workers = Vec::new();
        let mut outlets = Vec::new();
        for (index, (name, sink)) in self.sinks.into_iter().enumerate() {
            let way = match sink {
                Sink::Inline(sink) => Way::Inline(sink),
                Sink::Queued(sink) => {
                    let (queue, receiver) = Queue::new(self.slots);
                    workers.push((index, sink, receiver));
                    Way::Queued(queue)
                }
            };
            outlets.push(Outlet::new(SinkName::new(&name), way));
        }
        let core = Arc::new(Core {
            outlets: outlets.into(),
            clock: self.clock,
            clients: self.clients,
            subjects: self.subjects,
            keys: Keys::new(&self.key.unwrap_or_else(TagKey::random)),
            window: self.window,
            collapse: Collapse::new(self.window),
            #[cfg(feature = "roles")]
            grants: self.grants,
            #[cfg(feature = "roles")]
            granted: std::sync::atomic::AtomicU32::new(0),
            closed: AtomicBool::new(false),
            emitting: AtomicUsize::new(0),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        // If one cannot be started, dropping the log ends the others.
        let log = EventLog::new(Arc::clone(&core));
        for (index, sink, receiver) in workers {
            start(&core, index, sink, receiver, self.first_rest)?;
        }
        Ok(log)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.sinks.is_empty() && !self.discard {
            return Err(ConfigError::NoSink);
        }
        if !(MIN_SLOTS..=MAX_SLOTS).contains(&self.slots) {
            return Err(ConfigError::QueueSlots { slots: self.slots });
        }
        for (index, (name, _)) in self.sinks.iter().enumerate() {
            if !(1..=64).contains(&name.len()) || !name.chars().all(is_harmless) {
                return Err(ConfigError::SinkName { name: name.clone() });
            }
            if self.sinks.iter().take(index).any(|(other, _)| other == name) {
                return Err(ConfigError::DuplicateSink { name: name.clone() });
            }
        }
        Ok(())
    }

    pub(super) fn inline(self, name: &str, sink: impl Inline + 'static) -> Self {
        self.with(name, Sink::Inline(Box::new(sink)))
    }

    fn with(mut self, name: &str, sink: Sink) -> Self {
        self.sinks.push((name.to_owned(), sink));
        self
    }

    /// Failing sinks rest this long at first.
    #[cfg(test)]
    pub(super) const fn first_rest(mut self, rest: Duration) -> Self {
        self.first_rest = rest;
        self
    }
}

impl fmt::Debug for EventLogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sinks.iter().map(|(name, _)| name).collect();
        f.debug_struct("EventLogBuilder")
            .field("sinks", &names)
            .field("clients", &self.clients)
            .field("subjects", &self.subjects)
            .field("queue", &self.slots)
            .field("collapse_within", &self.window)
            .finish_non_exhaustive()
    }
}

fn start(
    core: &Arc<Core>,
    index: usize,
    sink: Box<dyn EventSink>,
    receiver: Receiver<Message>,
    first_rest: Duration,
) -> Result<(), ConfigError> {
    let name = core.outlets.get(index).map(|outlet| outlet.name.to_string()).unwrap_or_default();
    let running = Running::new(core);
    let worker = Worker::new(Arc::clone(core), index, sink, receiver, first_rest);
    let run = move || {
        // Dropped last, also if there is a panic.
        let _running = running;
        worker.run();
    };
    match thread::Builder::new().name(name.clone()).spawn(run) {
        Ok(_) => Ok(()),
        Err(error) => Err(ConfigError::Thread { sink: name, reason: error.to_string() }),
    }
}

const MIN_SLOTS: usize = 8;
const MAX_SLOTS: usize = 1 << 20;
