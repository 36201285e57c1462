//! Where events go.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{EventName, SecurityEvent};

/// Takes events to where they are kept: a file, a collector, a mailbox.
///
/// A sink runs on a thread of its own, so it may block. It is given at most 256 events at a time.
/// If it fails it gets the same ones again, so it is to take all or nothing where it can, or bear
/// with doubles.
///
/// A sink that emits events into its own log feeds itself; do not.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// use donjon::event::{EventLog, EventName, EventSink, SecurityEvent, SinkError};
///
/// struct Names(mpsc::Sender<&'static str>);
///
/// impl EventSink for Names {
///     fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError> {
///         for event in batch {
///             self.0.send(event.name().as_str())?;
///         }
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, names) = mpsc::channel();
/// let log = EventLog::builder().sink("names", Names(sender)).build()?;
///
/// log.emit(SecurityEvent::draft(EventName::SysStartup));
/// log.shutdown(Duration::from_secs(10))?;
///
/// assert_eq!(names.recv()?, "sys_startup");
/// # Ok(())
/// # }
/// ```
pub trait EventSink: Send + 'static {
    /// Takes some events, oldest first.
    fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError>;
}

impl<F> EventSink for F
where
    F: FnMut(&[SecurityEvent]) -> Result<(), SinkError> + Send + 'static,
{
    fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError> {
        self(batch)
    }
}

/// Why a sink could not take events. Any error becomes one with `?`.
///
/// It is not an event itself, for nobody knows what stands in its text. With the feature `tracing`
/// it is logged there.
pub struct SinkError(Box<dyn Error + Send + Sync>);

impl SinkError {
    /// An error of these words.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for SinkError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Keeps events in memory, for tests: an event is there when `emit` returns.
///
/// A clone sees the same events. The latest 10,000 are kept.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Arc<Mutex<VecDeque<SecurityEvent>>>);

impl MemorySink {
    /// What has been emitted, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<SecurityEvent> {
        self.locked().iter().cloned().collect()
    }

    /// The names of what has been emitted, oldest first.
    #[must_use]
    pub fn names(&self) -> Vec<EventName> {
        self.locked().iter().map(SecurityEvent::name).collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.locked().clear();
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<SecurityEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink that takes an event while `emit` runs.
pub(super) trait Inline: Send + Sync {
    fn record(&self, event: &SecurityEvent);
}

impl Inline for MemorySink {
    fn record(&self, event: &SecurityEvent) {
        let mut events = self.locked();
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event.clone());
    }
}

/// Runs what is not ours; `None` if it panics.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // To drop what was thrown is to run what is not ours, once more.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(payload);
            }
            None
        }
    }
}

const KEPT: usize = 10_000;
