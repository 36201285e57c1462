//! The thread of a sink.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::core::Core;
use super::outlet::{Outlet, Turn};
use super::queue::{Message, Queue};
use super::sink::guarded;
use super::{Detail, EventName, EventSink, Lost, SecurityEvent, SinkError};
use crate::trace;

pub(super) struct Worker {
    core: Arc<Core>,
    /// The place of the sink among the log's outlets.
    index: usize,
    sink: Box<dyn EventSink>,
    receiver: Receiver<Message>,
    /// How long to wait for an event before looking what else there is to do.
    tick: Duration,
    /// The first rest after a failure.
    first_rest: Duration,
    /// The next one.
    rest: Duration,
    /// What the sink has been told of what it has lost.
    reported: Lost,
}

impl Worker {
    pub(super) fn new(
        core: Arc<Core>,
        index: usize,
        sink: Box<dyn EventSink>,
        receiver: Receiver<Message>,
        first_rest: Duration,
    ) -> Self {
        let tick = core.window().unwrap_or(MAX_TICK).clamp(MIN_TICK, MAX_TICK);
        let (rest, reported) = (first_rest, Lost::default());
        Self { core, index, sink, receiver, tick, first_rest, rest, reported }
    }

    /// Delivers until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let core = Arc::clone(&self.core);
        let Some((outlet, queue)) = core.queued(self.index) else { return };
        let mut batch = Vec::with_capacity(BATCH);
        let mut finished = false;
        while !finished {
            finished = queue.is_finished();
            if !finished {
                self.receive(&mut batch, outlet, queue);
            }
            let emitted = batch.len();
            let lost = outlet.lost.so_far();
            if lost != self.reported {
                let detail = Detail::Lost(lost.since(self.reported));
                batch.push(SecurityEvent::own(EventName::EventsLost, core.now(), detail));
            }
            if !batch.is_empty() && self.deliver(&batch, emitted, outlet, queue) {
                self.reported = lost;
            }
            core.sweep();
            if !batch.is_empty() && batch.len() < BATCH - 1 {
                // Others may follow. Whoever emits them need not wake the thread, which costs him
                // more than all the rest, and the sink has fewer batches.
                core.rest(LINGER);
            }
            batch.clear();
        }
        // A sink may still write something when it is dropped, and fail.
        guarded(|| drop(self.sink));
    }

    /// Takes what there is out of the queue, and waits a while if there is nothing.
    fn receive(&self, batch: &mut Vec<SecurityEvent>, outlet: &Outlet, queue: &Queue) {
        let mut take = |message| {
            if let Message::Event(event) = message {
                queue.release();
                batch.push(event);
            }
            batch.len() < BATCH - 1 // one for the report of what was lost
        };
        let nothing_to_tell = outlet.lost.so_far() == self.reported;
        let wait = if nothing_to_tell { self.tick } else { Duration::ZERO };
        if let Ok(message) = self.receiver.recv_timeout(wait) {
            let mut more = take(message);
            while more && let Ok(message) = self.receiver.try_recv() {
                more = take(message);
            }
        }
    }

    /// Gives the sink a batch, up to five times more if it fails. A sink that panics may have lost
    /// its mind halfway: it does not get the same again.
    fn deliver(
        &mut self,
        batch: &[SecurityEvent],
        emitted: usize,
        outlet: &Outlet,
        queue: &Queue,
    ) -> bool {
        let emitted = &batch[..emitted];
        let mut retries = 0;
        loop {
            let error = match guarded(|| self.sink.deliver(batch)) {
                Some(Ok(())) => {
                    self.rest = self.first_rest;
                    queue.settle(weight(emitted));
                    self.core.report(self.index, outlet.health.good());
                    return true;
                }
                Some(Err(error)) => Some(error),
                None => None,
            };
            let turn = outlet.health.bad(self.core.elapsed());
            self.core.report(self.index, turn);
            let panicked = error.is_none();
            // A subscriber may panic, and so may an error that is printed or dropped.
            guarded(|| {
                if turn == Turn::Failed {
                    tell(outlet, error.as_ref());
                }
                drop(error);
            });
            // Once the log closes, each batch has one more try, and no time is left for rests.
            let closing = self.core.is_closing();
            let give_up = panicked || retries >= if closing { 1 } else { RETRIES };
            if give_up {
                for event in emitted {
                    outlet.lost.add(event.severity, event.count);
                }
                if closing {
                    queue.abandon(weight(emitted));
                }
                queue.settle(weight(emitted));
            }
            self.core.rest(self.rest);
            self.rest = self.rest.saturating_mul(2).min(MAX_REST);
            if give_up {
                return false;
            }
            retries += 1;
        }
    }
}

/// How many emitted events stand in it.
fn weight(events: &[SecurityEvent]) -> u64 {
    events.iter().map(SecurityEvent::count).sum()
}

#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody to tell"))]
fn tell(outlet: &Outlet, error: Option<&SinkError>) {
    if let Some(error) = error {
        #[cfg(feature = "tracing")]
        let error = crate::text::clean(&error.to_string(), 512);
        trace::warn!(sink = %outlet.name, %error, "a sink of security events fails");
    } else {
        trace::warn!(sink = %outlet.name, "a sink of security events has panicked");
    }
}

/// The most events given to a sink at once.
const BATCH: usize = 256;
/// How often a sink that fails gets the same batch again.
const RETRIES: u32 = 5;
/// How long what follows an event may gather. A queue of many events does not fill in that time.
const LINGER: Duration = Duration::from_millis(1);
const MAX_REST: Duration = Duration::from_secs(30);
const MIN_TICK: Duration = Duration::from_millis(50);
const MAX_TICK: Duration = Duration::from_secs(1);
