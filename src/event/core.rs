//! What the log and the threads of its sinks share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::collapse::Collapse;
use super::outlet::{Outlet, Turn};
use super::queue::Queue;
use super::tag::{Epoch, Keys, seen};
use super::{ClientPolicy, Detail, Draft, EventName, SecurityEvent, SubjectPolicy};
use crate::clock::Clock;

/// What the log and the threads of its sinks share.
pub(super) struct Core {
    pub(super) outlets: Box<[Outlet]>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clients: ClientPolicy,
    pub(super) subjects: SubjectPolicy,
    pub(super) keys: Keys,
    pub(super) window: Duration,
    pub(super) collapse: Option<Collapse>,
    /// One in how many of those who were let in is recorded, and how many there were.
    #[cfg(feature = "roles")]
    pub(super) grants: Option<std::num::NonZeroU32>,
    #[cfg(feature = "roles")]
    pub(super) granted: std::sync::atomic::AtomicU32,
    pub(super) closed: AtomicBool,
    /// How many are emitting right now.
    pub(super) emitting: AtomicUsize,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    closing: bool,
    /// How many sinks have a thread that has not ended.
    running: usize,
}

impl Core {
    pub(super) fn emit(&self, draft: Draft<'_>) {
        // First what costs least, for this is where a flood ends: it makes no tag, and does not
        // even look at the clock.
        let hopeless = || !self.outlets.iter().any(|outlet| outlet.has_room(draft.severity));
        if self.closed.load(Ordering::Acquire) || hopeless() {
            for outlet in &self.outlets {
                outlet.lost.add(draft.severity, 1);
            }
            return;
        }
        let epoch = self.keys.current();
        let Some(collapse) = &self.collapse else {
            return self.hand_out(&self.record(draft, &epoch));
        };
        let now = self.clock.elapsed();
        collapse.sweep(now, |held| self.hand_out_late(held));
        let fingerprint = collapse.fingerprint((
            (epoch.number, draft.name, draft.severity),
            draft.client.map(|address| seen(self.clients, address)),
            (draft.subject, draft.target),
            (&draft.route, &draft.detail),
        ));
        if collapse.hold(fingerprint, now) {
            return;
        }
        let event = self.record(draft, &epoch);
        if let Some(held) = collapse.remember(fingerprint, now, &event) {
            self.hand_out_late(held);
        }
        self.hand_out(&event);
    }

    fn record(&self, draft: Draft<'_>, epoch: &Epoch) -> SecurityEvent {
        SecurityEvent {
            name: draft.name,
            severity: draft.severity,
            at: self.clock.now(),
            client: draft.client.map(|address| epoch.client(self.clients, address)),
            subject: draft.subject.map(|id| epoch.subject(self.subjects, id)),
            target: draft.target.map(|id| epoch.subject(self.subjects, id)),
            route: draft.route,
            detail: draft.detail,
            count: 1,
        }
    }

    fn hand_out(&self, event: &SecurityEvent) {
        for (index, outlet) in self.outlets.iter().enumerate() {
            let turn = outlet.take(event, || self.clock.elapsed());
            self.report(index, turn);
        }
    }

    /// Hands out what was held back.
    fn hand_out_late(&self, held: SecurityEvent) {
        self.hand_out(&SecurityEvent { at: self.clock.now(), ..held });
    }

    /// Hands out what has been held back long enough.
    pub(super) fn sweep(&self) {
        let _emitting = Emitting::begin(self);
        if let Some(collapse) = &self.collapse {
            collapse.sweep(self.clock.elapsed(), |held| self.hand_out_late(held));
        }
    }

    /// Tells the other sinks what has become of one.
    pub(super) fn report(&self, index: usize, turn: Turn) {
        let name = match turn {
            Turn::None => return,
            Turn::Failed => EventName::SysMonitorDisabled,
            Turn::Recovered => EventName::SysMonitorEnabled,
        };
        let Some(outlet) = self.outlets.get(index) else { return };
        let report = SecurityEvent::own(name, self.clock.now(), Detail::Sink(outlet.name.clone()));
        for (other, outlet) in self.outlets.iter().enumerate() {
            if other != index {
                let turn = outlet.tell(&report, || self.clock.elapsed());
                // Each sink reports rarely, so this comes to an end.
                self.report(other, turn);
            }
        }
    }

    /// Takes no more events, hands out what is held back, and lets the sinks' threads end. The
    /// order matters: what is handed out has to find the queues open.
    ///
    /// It waits for those who were emitting before, but no longer than `at_most`: what they hold in
    /// their hands may have been held back.
    pub(super) fn close(&self, at_most: Duration) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let start = Instant::now();
        while self.emitting.load(Ordering::Acquire) > 0 && start.elapsed() < at_most {
            std::thread::yield_now();
        }
        if let Some(collapse) = &self.collapse {
            collapse.close(|held| self.hand_out_late(held));
        }
        self.locked().closing = true;
        self.changed.notify_all();
        for queue in self.outlets.iter().filter_map(Outlet::queue) {
            queue.close();
        }
    }

    pub(super) fn wait_for_sinks(&self, at_most: Duration) {
        // Another shutdown may be handing out what was held back.
        let running = |state: &mut State| !state.closing || state.running > 0;
        // Whether it was long enough is seen from what is undelivered.
        let _ = self.changed.wait_timeout_while(self.locked(), at_most, running);
    }

    /// Waits, unless the log is closing.
    pub(super) fn rest(&self, time: Duration) {
        let open = |state: &mut State| !state.closing;
        let _ = self.changed.wait_timeout_while(self.locked(), time, open);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.locked().closing
    }

    pub(super) fn queued(&self, index: usize) -> Option<(&Outlet, &Queue)> {
        let outlet = self.outlets.get(index)?;
        Some((outlet, outlet.queue()?))
    }

    pub(super) fn window(&self) -> Option<Duration> {
        self.collapse.is_some().then_some(self.window)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    pub(super) fn now(&self) -> std::time::SystemTime {
        self.clock.now()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a sink's thread as running, until it ends in whatever way.
pub(super) struct Running(Arc<Core>);

impl Running {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        core.locked().running += 1;
        Self(Arc::clone(core))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.locked().running -= 1;
        self.0.changed.notify_all();
    }
}

/// Counts one who emits until he is done, in whatever way.
pub(super) struct Emitting<'a>(&'a Core);

impl<'a> Emitting<'a> {
    pub(super) fn begin(core: &'a Core) -> Self {
        core.emitting.fetch_add(1, Ordering::AcqRel);
        Self(core)
    }
}

impl Drop for Emitting<'_> {
    fn drop(&mut self) {
        self.0.emitting.fetch_sub(1, Ordering::AcqRel);
    }
}
