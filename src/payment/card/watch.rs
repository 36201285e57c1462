//! A body as it goes by: what it holds that it must not, and what has to wait until that is known.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::{Bytes, BytesMut};

use super::fields::Fields;
use super::guard::CardGuard;
use super::hit::{Hit, Place};
use super::name::Names;
use super::scanner::Scanner;
use crate::event::{EventName, Reporter, SecurityEvent};
use crate::refusal::Refusal;

/// Looks for numbers and for names at once.
#[derive(Clone)]
pub(super) struct Watch {
    scanner: Scanner,
    fields: Fields,
    /// Whether names matter, and not only to know what is exempt.
    names: bool,
}

impl Watch {
    pub(super) fn new(fields: Fields, names: bool) -> Self {
        Self { scanner: Scanner::new(), fields, names }
    }

    /// Takes the next bytes, and gives what is found first.
    pub(super) fn push(&mut self, mut bytes: &[u8], names: &Names) -> Option<Hit> {
        let mut hit = None;
        while !bytes.is_empty() && hit.is_none() {
            let piece = self.fields.next(bytes, names);
            let (these, rest) = bytes.split_at(piece.len);
            let found = |finding| hit = hit.or(Some(Hit::Number(finding)));
            if piece.exempt {
                self.scanner.leave_out(these.len(), found);
            } else {
                self.scanner.push(these, found);
            }
            hit = hit.or(piece.refused.filter(|_| self.names).map(Hit::Field));
            bytes = rest;
        }
        hit
    }

    /// The end. It may be the beginning of something else.
    pub(super) fn finish(&mut self, names: &Names) -> Option<Hit> {
        let mut hit = None;
        self.scanner.leave_out(0, |finding| hit = hit.or(Some(Hit::Number(finding))));
        hit.or(self.fields.finish(names).filter(|_| self.names).map(Hit::Field))
    }

    /// The same for other fields: it costs less than a new one.
    pub(super) fn turn_to(&mut self, fields: Fields) {
        self.fields = fields;
    }
}

/// Why a request is not to go on, for whoever answers it. It is known while its body is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicU8>);

impl Stop {
    fn set(&self, why: Stopped) {
        self.0.store(why as u8, Ordering::Release);
    }

    /// What comes is no body any more, but another protocol.
    #[cfg(feature = "actix")]
    pub(crate) fn turn_away(&self) {
        self.0.store(Self::TURNED_AWAY, Ordering::Release);
    }

    fn is_turned_away(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::TURNED_AWAY
    }

    const TURNED_AWAY: u8 = u8::MAX;

    /// The answer, if it is not to go on.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.why().map(Stopped::refusal)
    }

    pub(crate) fn why(&self) -> Option<Stopped> {
        let why = self.0.load(Ordering::Acquire);
        Stopped::ALL.into_iter().find(|stopped| *stopped as u8 == why)
    }
}

/// Why a body goes no further.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[repr(u8)]
pub(crate) enum Stopped {
    #[error("the body holds a card number")]
    Number = 1,
    #[error("the body has a field for a security code")]
    SecurityCode,
    #[error("the body has a field for a card number")]
    CardNumber,
    #[error("the body is longer than it may be")]
    TooLong,
    #[error("the request of this response holds card data")]
    Request,
}

impl Stopped {
    const ALL: [Self; 5] =
        [Self::Number, Self::SecurityCode, Self::CardNumber, Self::TooLong, Self::Request];

    fn refusal(self) -> Refusal {
        match self {
            Self::TooLong => CardGuard::too_long().told(),
            Self::Number => Hit::refusal_of("a card number"),
            Self::SecurityCode => Hit::refusal_of("a field for a security code"),
            Self::CardNumber => Hit::refusal_of("a field for a card number"),
            Self::Request => Hit::refusal_of("card data"),
        }
    }
}

/// Takes the frames of a body and gives them back, without a byte changed, once nothing can be found with
/// them any more.
pub(crate) struct Filter {
    watch: Watch,
    guard: CardGuard,
    reporter: Option<Reporter>,
    of: Of,
    /// Those before the last frame's, its own, and those that turned out to be its last.
    ready: [Bytes; 3],
    /// The last bytes, with which a number may still be found.
    held: Bytes,
}

#[derive(Debug)]
enum Of {
    Request { stop: Stop, left: u64 },
    Response { stop: Option<Stop>, blocks: bool, told: bool },
}

impl Filter {
    pub(super) fn of_request(
        guard: &CardGuard,
        fields: Fields,
        reporter: Option<Reporter>,
        stop: Stop,
    ) -> Self {
        let left = guard.policy().body_limit.unwrap_or(u64::MAX);
        Self::new(guard, fields, reporter, Of::Request { stop, left })
    }

    pub(super) fn of_response(
        guard: &CardGuard,
        fields: Fields,
        reporter: Option<Reporter>,
        stop: Option<Stop>,
        (looks, blocks): (bool, bool),
    ) -> Self {
        Self::new(guard, fields, reporter, Of::Response { stop, blocks, told: !looks })
    }

    fn new(guard: &CardGuard, fields: Fields, reporter: Option<Reporter>, of: Of) -> Self {
        let watch = Watch::new(fields, matches!(of, Of::Request { .. }));
        let ready = [const { Bytes::new() }; 3];
        Self { watch, guard: guard.clone(), reporter, of, ready, held: Bytes::new() }
    }

    /// Takes a frame, once what there was is taken back.
    pub(crate) fn take(&mut self, frame: Bytes) -> Result<(), Stopped> {
        match &mut self.of {
            Of::Request { stop, .. } if stop.is_turned_away() => {
                let held = mem::take(&mut self.held);
                self.put(held);
                self.put(frame);
                return Ok(());
            }
            Of::Request { stop, left } => {
                let Some(rest) = left.checked_sub(frame.len() as u64) else {
                    stop.set(Stopped::TooLong);
                    if let Some(reporter) = &self.reporter {
                        reporter.refused(&CardGuard::too_long());
                    }
                    return Err(Stopped::TooLong);
                };
                *left = rest;
            }
            Of::Response { stop: Some(stop), .. } if stop.why().is_some() => {
                return Err(Stopped::Request);
            }
            // It is said once.
            Of::Response { told: true, .. } => {
                self.ready[0] = frame;
                return Ok(());
            }
            Of::Response { .. } => {}
        }
        if let Some(hit) = self.watch.push(&frame, &self.guard.policy().names) {
            self.hit(hit)?;
        }
        match self.of {
            Of::Response { blocks: false, .. } => self.ready[0] = frame,
            _ => self.hold(frame),
        }
        Ok(())
    }

    /// Takes what is no data: the values of trailers.
    pub(crate) fn look_at(&mut self, value: &[u8]) -> Result<(), Stopped> {
        self.watch.turn_to(Fields::None);
        let names = &self.guard.policy().names;
        match self.watch.push(value, names).or_else(|| self.watch.finish(names)) {
            Some(hit) => self.hit(hit),
            None => Ok(()),
        }
    }

    /// The body has come to its end.
    pub(crate) fn finish(&mut self) -> Result<(), Stopped> {
        let is_turned_away = matches!(&self.of, Of::Request { stop, .. } if stop.is_turned_away());
        if let Of::Response { stop: Some(stop), .. } = &self.of
            && stop.why().is_some()
        {
            return Err(Stopped::Request);
        }
        let hit = self.watch.finish(&self.guard.policy().names);
        if let Some(hit) = hit.filter(|_| !is_turned_away) {
            self.hit(hit)?;
        }
        let held = mem::take(&mut self.held);
        self.put(held);
        Ok(())
    }

    /// The next bytes that may go on.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let ready = self.ready.iter_mut().find(|ready| !ready.is_empty())?;
        Some(mem::take(ready))
    }

    /// How many bytes there are that were taken and not given back.
    pub(crate) fn waiting(&self) -> u64 {
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        (ready + self.held.len()) as u64
    }

    fn hold(&mut self, mut frame: Bytes) {
        let open = usize::try_from(self.watch.scanner.open()).unwrap_or(usize::MAX);
        if let Some(open_before) = open.checked_sub(frame.len()) {
            // Frames of a few bytes each.
            let decided = self.held.split_to(self.held.len().saturating_sub(open_before));
            self.put(decided);
            let mut held = BytesMut::with_capacity(open);
            held.extend_from_slice(&self.held);
            held.extend_from_slice(&frame);
            self.held = held.freeze();
        } else {
            let rest = frame.split_off(frame.len() - open);
            let held = mem::replace(&mut self.held, rest);
            self.put(held);
            self.put(frame);
        }
    }

    fn put(&mut self, bytes: Bytes) {
        let last = self.ready.iter().rposition(|ready| !ready.is_empty());
        if let Some(free) = self.ready.get_mut(last.map_or(0, |last| last + 1)) {
            *free = bytes;
        }
    }

    fn hit(&mut self, hit: Hit) -> Result<(), Stopped> {
        let place = match &mut self.of {
            Of::Request { stop, .. } => {
                stop.set(hit.stopped());
                Place::Body
            }
            Of::Response { told, .. } => {
                *told = true;
                Place::ResponseBody
            }
        };
        if let Some(reporter) = &self.reporter {
            reporter.emit(SecurityEvent::draft(EventName::CardData).detail(hit.detail(place)));
        }
        if let Of::Response { blocks: false, .. } = self.of {
            return Ok(());
        }
        self.ready = [const { Bytes::new() }; 3];
        self.held = Bytes::new();
        Err(hit.stopped())
    }
}
