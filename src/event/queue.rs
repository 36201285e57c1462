//! What stands between those who emit and a sink: a bounded queue that nobody waits for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Lost, SecurityEvent, Severity};

/// The sending end.
pub(super) struct Queue {
    sender: SyncSender<Message>,
    slots: usize,
    /// How many slots are taken, and [`CLOSED`].
    taken: AtomicUsize,
    /// How many events were taken in, and neither delivered nor lost yet.
    pending: AtomicU64,
    /// How many were lost while the log was closing.
    abandoned: AtomicU64,
}

pub(super) enum Message {
    Event(SecurityEvent),
    /// Have a look: the queue has been closed.
    Wake,
}

/// Why a queue has refused an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    Full,
    Closed,
}

impl Queue {
    pub(super) fn new(slots: usize) -> (Self, Receiver<Message>) {
        let (sender, receiver) = sync_channel(slots + 1); // one for `Wake`
        let queue = Self {
            sender,
            slots,
            taken: AtomicUsize::new(0),
            pending: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
        };
        (queue, receiver)
    }

    /// Whether there is room now. The closed queue has none.
    pub(super) fn has_room(&self, severity: Severity) -> bool {
        self.taken.load(Ordering::Relaxed) < self.limit(severity)
    }

    /// Takes an event in, or refuses it at once.
    pub(super) fn offer(&self, event: &SecurityEvent) -> Result<(), Refused> {
        let limit = self.limit(event.severity);
        let take = |taken| (taken < limit).then_some(taken + 1);
        if let Err(taken) = self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, take) {
            return Err(if taken & CLOSED == 0 { Refused::Full } else { Refused::Closed });
        }
        self.pending.fetch_add(event.count, Ordering::Relaxed);
        // The channel has more places than there are slots, so this cannot fail.
        if self.sender.try_send(Message::Event(event.clone())).is_err() {
            self.release();
            self.settle(event.count);
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// A slot is free again: its event has been received.
    pub(super) fn release(&self) {
        self.taken.fetch_sub(1, Ordering::Release);
    }

    /// So many events have been delivered or lost.
    pub(super) fn settle(&self, events: u64) {
        self.pending.fetch_sub(events, Ordering::Relaxed);
    }

    /// So many events were lost, and it is too late to report it.
    pub(super) fn abandon(&self, events: u64) {
        self.abandoned.fetch_add(events, Ordering::Relaxed);
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        if self.taken.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0 {
            // A place is left for it. And if there were none, the sink would be awake anyway.
            let _ = self.sender.try_send(Message::Wake);
        }
    }

    /// Closed, and everything that was taken in has been received.
    pub(super) fn is_finished(&self) -> bool {
        self.taken.load(Ordering::Acquire) == CLOSED
    }

    /// How many of the events taken in have not been delivered, and will not be any more if the
    /// process ends now.
    pub(super) fn undelivered(&self) -> u64 {
        let pending = self.pending.load(Ordering::Relaxed);
        pending.saturating_add(self.abandoned.load(Ordering::Relaxed))
    }

    /// An eighth of the slots is for what is critical alone.
    fn limit(&self, severity: Severity) -> usize {
        match severity {
            Severity::Info | Severity::Warn => self.slots - self.slots / 8,
            Severity::Critical => self.slots,
        }
    }
}

/// A bit that makes `taken` larger than any limit.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Counts what is lost, by severity.
#[derive(Default)]
pub(super) struct Losses {
    info: AtomicU64,
    warn: AtomicU64,
    critical: AtomicU64,
}

impl Losses {
    pub(super) fn add(&self, severity: Severity, count: u64) {
        let sum = match severity {
            Severity::Info => &self.info,
            Severity::Warn => &self.warn,
            Severity::Critical => &self.critical,
        };
        sum.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn so_far(&self) -> Lost {
        Lost {
            info: self.info.load(Ordering::Relaxed),
            warn: self.warn.load(Ordering::Relaxed),
            critical: self.critical.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::event::{Detail, EventName};

    fn event(name: EventName) -> SecurityEvent {
        SecurityEvent::own(name, SystemTime::UNIX_EPOCH, Detail::None)
    }

    fn fill(queue: &Queue, name: EventName) -> usize {
        (0..10_000).take_while(|_| queue.offer(&event(name)).is_ok()).count()
    }

    #[test]
    fn exactly_an_eighth_is_kept_for_what_is_critical() {
        for (slots, reserved) in [(8, 1), (9, 1), (64, 8), (4096, 512)] {
            let (queue, _receiver) = Queue::new(slots);

            assert_eq!(fill(&queue, EventName::AuthnLoginSuccess), slots - reserved);
            assert!(!queue.has_room(Severity::Warn) && queue.has_room(Severity::Critical));
            assert_eq!(fill(&queue, EventName::AuthzFail), reserved);
            assert!(!queue.has_room(Severity::Critical));
            assert_eq!(queue.undelivered(), slots as u64);
        }
    }

    #[test]
    fn a_full_queue_can_still_be_closed_and_takes_no_more_after_it() {
        let (queue, receiver) = Queue::new(8);
        fill(&queue, EventName::AuthzFail);

        queue.close();
        queue.close();

        let mut woken = 0;
        while let Ok(message) = receiver.try_recv() {
            match message {
                Message::Event(_) => queue.release(),
                Message::Wake => woken += 1,
            }
        }
        assert_eq!(woken, 1);
        assert!(queue.is_finished());
        assert_eq!(queue.offer(&event(EventName::AuthzFail)), Err(Refused::Closed));
        queue.settle(8);
        assert_eq!(queue.undelivered(), 0);
    }
}
