//! Leaves alone who does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::trace;

/// After a few failures one after another nobody asks for a while; then one does, and the others wait
/// for what becomes of it.
pub(super) struct Breaker {
    clock: Arc<dyn Clock>,
    /// How long the first rest is.
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// One after another, while nobody rests.
    failures: u32,
    rest: Option<Rest>,
}

#[derive(Clone, Copy)]
struct Rest {
    end: Duration,
    length: Duration,
    /// Somebody is trying whether it is over.
    has_probe: bool,
}

/// Leave to ask once. One that is dropped without a word has heard nothing.
pub(super) struct Turn<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    pub(super) fn new(rest: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { clock, rest, state: Mutex::default() }
    }

    /// `None`: not now.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        let mut state = self.state();
        let is_probe = match &mut state.rest {
            None => false,
            Some(rest) if rest.has_probe || self.clock.elapsed() < rest.end => return None,
            Some(rest) => {
                rest.has_probe = true;
                true
            }
        };
        Some(Turn { breaker: self, is_probe })
    }

    pub(super) fn is_resting(&self) -> bool {
        self.state().rest.is_some()
    }

    fn succeeded(&self, is_probe: bool) {
        let mut state = self.state();
        if is_probe {
            state.rest = None;
            trace::warn!("the store of login attempts is back");
        }
        // Of a call from before the rest it proves nothing: the probe decides.
        if state.rest.is_none() {
            state.failures = 0;
        }
    }

    fn failed(&self, is_probe: bool) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        match &mut state.rest {
            Some(rest) if is_probe => {
                let length = rest.length.saturating_mul(2).min(LONGEST.max(self.rest));
                *rest = Rest { end: now.saturating_add(length), length, has_probe: false };
            }
            // It began before the rest, of which everybody knows by now.
            Some(_) => {}
            None => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= FAILURES {
                    let (end, length) = (now.saturating_add(self.rest), self.rest);
                    state.rest = Some(Rest { end, length, has_probe: false });
                    trace::warn!("the store of login attempts is away");
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    pub(super) fn end(mut self, has_succeeded: bool) {
        let is_probe = std::mem::take(&mut self.is_probe);
        if has_succeeded {
            self.breaker.succeeded(is_probe);
        } else {
            self.breaker.failed(is_probe);
        }
    }
}

/// A probe whose request was given up must not be the last one. It has found out nothing: whoever hangs up
/// early could otherwise make the rest as long as he likes.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(rest) = &mut self.breaker.state().rest
        {
            rest.has_probe = false;
        }
    }
}

const FAILURES: u32 = 3;
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        (Breaker::new(SECOND, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn fail(breaker: &Breaker) {
        breaker.turn().unwrap().end(false);
    }

    #[test]
    fn failures_that_do_not_follow_one_another_are_none_of_its_business() {
        let (breaker, _clock) = breaker();
        for _ in 0..100 {
            fail(&breaker);
            fail(&breaker);
            breaker.turn().unwrap().end(true);
        }
        assert!(!breaker.is_resting());
    }

    #[test]
    fn it_rests_and_lets_one_try_and_rests_longer() {
        let (breaker, clock) = breaker();
        (0..3).for_each(|_| fail(&breaker));
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(breaker.is_resting() && breaker.turn().is_none());
            clock.advance((SECOND * seconds).saturating_sub(Duration::from_millis(1)));
            assert!(breaker.turn().is_none(), "{seconds}");
            clock.advance(Duration::from_millis(1));
            let probe = breaker.turn().unwrap();
            assert!(breaker.turn().is_none(), "one at a time");
            probe.end(false);
        }
        clock.advance(SECOND * 30);
        breaker.turn().unwrap().end(true);
        assert!(!breaker.is_resting());
        (0..3).for_each(|_| fail(&breaker));
        clock.advance(SECOND);
        assert!(breaker.turn().is_some(), "the first rest is a short one again");
    }

    #[test]
    fn a_probe_that_is_given_up_is_not_the_last() {
        let (breaker, clock) = breaker();
        (0..3).for_each(|_| fail(&breaker));
        clock.advance(SECOND);
        drop(breaker.turn().unwrap());
        breaker.turn().unwrap().end(true);
        assert!(!breaker.is_resting());
    }

    #[test]
    fn late_news_from_before_the_rest_changes_nothing() {
        let (breaker, clock) = breaker();
        let late: Vec<_> = (0..5).map(|_| breaker.turn().unwrap()).collect();
        (0..3).for_each(|_| fail(&breaker));
        for (turn, has_succeeded) in late.into_iter().zip([true, false, true, false, false]) {
            turn.end(has_succeeded);
        }
        assert!(breaker.is_resting());
        clock.advance(SECOND);
        assert!(breaker.turn().is_some());
    }
}
