//! A sink, as the log sees it: a way to it, what was lost on the way, and how it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::queue::{Losses, Queue, Refused};
use super::sink::{Inline, guarded};
use super::{SecurityEvent, Severity, SinkName};

pub(super) struct Outlet {
    pub(super) name: SinkName,
    pub(super) way: Way,
    pub(super) lost: Losses,
    pub(super) health: Health,
}

pub(super) enum Way {
    /// The sink is called by who emits.
    Inline(Box<dyn Inline>),
    /// The sink has a thread.
    Queued(Queue),
}

/// What has become of a sink's health.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    None,
    Failed,
    Recovered,
}

impl Outlet {
    pub(super) fn new(name: SinkName, way: Way) -> Self {
        Self { name, way, lost: Losses::default(), health: Health::default() }
    }

    pub(super) fn has_room(&self, severity: Severity) -> bool {
        self.queue().is_none_or(|queue| queue.has_room(severity))
    }

    /// Hands an event to the sink, or counts it as lost.
    pub(super) fn take(&self, event: &SecurityEvent, now: impl FnOnce() -> Duration) -> Turn {
        let (refused, turn) = self.offer(event, now);
        if refused.is_some() {
            self.lost.add(event.severity, event.count);
        }
        if let (Some(Refused::Closed), Some(queue)) = (refused, self.queue()) {
            // It was on its way when the log was closed.
            queue.abandon(event.count);
        }
        turn
    }

    /// Hands the log's own report to the sink. One that comes too late is not missed.
    pub(super) fn tell(&self, report: &SecurityEvent, now: impl FnOnce() -> Duration) -> Turn {
        let (refused, turn) = self.offer(report, now);
        if refused == Some(Refused::Full) {
            self.lost.add(report.severity, report.count);
        }
        turn
    }

    fn offer(
        &self,
        event: &SecurityEvent,
        now: impl FnOnce() -> Duration,
    ) -> (Option<Refused>, Turn) {
        match &self.way {
            Way::Queued(queue) => (queue.offer(event).err(), Turn::None),
            Way::Inline(sink) => match guarded(|| sink.record(event)) {
                Some(()) => (None, self.health.good()),
                None => (Some(Refused::Full), self.health.bad(now())),
            },
        }
    }

    pub(super) fn queue(&self) -> Option<&Queue> {
        match &self.way {
            Way::Queued(queue) => Some(queue),
            Way::Inline(_) => None,
        }
    }
}

/// Whether a sink fails, and what of it has been reported.
#[derive(Default)]
pub(super) struct Health {
    /// Only when it is set need anybody look further.
    failing: AtomicBool,
    reports: Mutex<Reports>,
}

#[derive(Default)]
struct Reports {
    failed: bool,
    last: Option<Duration>,
}

impl Health {
    /// The sink has failed. It is reported at once, unless the last report was a moment ago: two
    /// sinks that stumble over the reports of one another must not keep one another busy.
    pub(super) fn bad(&self, now: Duration) -> Turn {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        self.failing.store(true, Ordering::Relaxed);
        let age = reports.last.and_then(|last| now.checked_sub(last));
        if reports.failed || age.is_some_and(|age| age < BETWEEN_REPORTS) {
            return Turn::None;
        }
        *reports = Reports { failed: true, last: Some(now) };
        Turn::Failed
    }

    /// The sink has done its work. Only what was reported to fail is reported to be back.
    pub(super) fn good(&self) -> Turn {
        if !self.failing.load(Ordering::Relaxed) {
            return Turn::None;
        }
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        self.failing.store(false, Ordering::Relaxed);
        if std::mem::take(&mut reports.failed) { Turn::Recovered } else { Turn::None }
    }
}

const BETWEEN_REPORTS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_reported_once_and_a_flapping_sink_not_each_time() {
        let health = Health::default();
        let at = Duration::from_secs;

        assert_eq!(health.good(), Turn::None);
        assert_eq!(health.bad(at(100)), Turn::Failed);
        assert_eq!(health.bad(at(200)), Turn::None, "it has been said");
        assert_eq!(health.good(), Turn::Recovered);
        assert_eq!(health.good(), Turn::None);
        assert_eq!(health.bad(at(209)), Turn::Failed, "the last was said at 100");
        assert_eq!(health.good(), Turn::Recovered);
        assert_eq!(health.bad(at(210)), Turn::None, "a moment ago");
        assert_eq!(health.good(), Turn::None);
        assert_eq!(health.bad(at(211)), Turn::None);
        assert_eq!(health.bad(at(219)), Turn::Failed, "it goes on failing");
        assert_eq!(health.good(), Turn::Recovered);
        assert_eq!(health.bad(at(5)), Turn::Failed, "the clock has jumped back");
    }
}
