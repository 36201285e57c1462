//! The record against a model that remembers every attempt, and the edges of its arithmetic.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const LIMIT: u16 = 5;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(seconds: u32) -> Ticks {
    1000 + seconds * 8
}

fn policy() -> ScopePolicy {
    let policy = ScopePolicy::new(LIMIT, seconds(60), seconds(600)).unwrap();
    policy.doubling_up_to(seconds(300)).unwrap().lease(seconds(30)).unwrap()
}

/// A record, and what gives out generations.
#[derive(Default)]
struct One {
    record: Record,
    generations: Cell<u32>,
}

impl One {
    fn next(generations: &Cell<u32>) -> u32 {
        generations.set(generations.get() + 1);
        generations.get()
    }

    fn reserve(&mut self, now: Ticks, policy: &ScopePolicy) -> Reserved {
        self.record.reserve(now, policy, || Self::next(&self.generations))
    }

    fn settle(&mut self, generation: u32, end: End, now: Ticks, policy: &ScopePolicy) -> Changed {
        self.record.settle(generation, end, now, policy, || Self::next(&self.generations))
    }

    #[track_caller]
    fn admitted(&mut self, now: Ticks, policy: &ScopePolicy) -> u32 {
        match self.reserve(now, policy) {
            Reserved::Admitted { generation } => generation,
            denied => panic!("{denied:?}"),
        }
    }

    fn fail(&mut self, times: u16, now: Ticks, policy: &ScopePolicy) {
        for _ in 0..times {
            let generation = self.admitted(now, policy);
            self.settle(generation, End::Failure, now, policy);
        }
    }
}

#[test]
fn n_wrong_guesses_and_not_one_more() {
    let mut one = One::default();
    one.fail(LIMIT, at(0), &policy());

    let Reserved::Locked { left, .. } = one.reserve(at(0), &policy()) else { panic!() };
    assert_eq!(left, ticks(seconds(60)));
    // Open at exactly the end, and not a tick before.
    assert!(matches!(one.reserve(at(60) - 1, &policy()), Reserved::Locked { left: 1, .. }));
    one.admitted(at(60), &policy());
}

#[test]
fn a_denied_attempt_changes_nothing() {
    let mut one = One::default();
    one.fail(LIMIT, at(0), &policy());
    let before = one.record;
    for second in 0..60 {
        assert!(matches!(one.reserve(at(second), &policy()), Reserved::Locked { .. }));
    }
    assert_eq!(one.record, before);
    let mut busy = One::default();
    for _ in 0..LIMIT {
        busy.admitted(at(0), &policy());
    }
    let before = busy.record;
    assert_eq!(busy.reserve(at(1), &policy()), Reserved::Busy);
    assert_eq!(busy.record, before, "and busy is no lock");
}

#[test]
fn locks_double_up_to_the_longest_and_start_anew_after_a_rest() {
    let mut one = One::default();
    let mut now = 0;
    for expected in [60, 120, 240, 300, 300] {
        one.fail(LIMIT, at(now), &policy());
        let Reserved::Locked { left, .. } = one.reserve(at(now), &policy()) else { panic!() };
        assert_eq!(left, ticks(seconds(expected)));
        now += u32::try_from(expected).unwrap();
    }
    one.fail(LIMIT, at(now + 600), &policy());
    let Reserved::Locked { left, .. } = one.reserve(at(now + 600), &policy()) else { panic!() };
    assert_eq!(left, ticks(seconds(60)));
}

#[test]
fn ten_thousand_locks_overflow_nothing() {
    let mut one = One::default();
    let policy = policy().then(1).unwrap();
    let mut now = 0;
    for _ in 0..10_000 {
        let generation = one.admitted(at(now), &policy);
        one.settle(generation, End::Failure, at(now), &policy);
        now += 300;
    }
    assert!(one.record.until <= at(now) + ticks(seconds(300)));
}

#[test]
fn what_is_forgotten_all_at_once_cannot_be_used_twice_around_the_edge() {
    let mut one = One::default();
    one.fail(1, at(0), &policy());
    one.fail(LIMIT - 2, at(599), &policy());
    // 600 s after the first, but 1 s after the last.
    one.fail(1, at(600), &policy());
    assert!(matches!(one.reserve(at(600), &policy()), Reserved::Locked { .. }));
}

#[test]
fn what_is_forgotten_one_by_one_is_no_more_than_the_limit_in_any_burst() {
    let policy = policy().forgetting_gradually();
    let mut one = One::default();
    one.fail(LIMIT - 1, at(0), &policy);
    // One is due every 120 s, and a busy address has never a rest.
    one.fail(1, at(121), &policy);
    assert_eq!(one.record.failed, LIMIT - 1);
    one.fail(1, at(122), &policy);
    assert!(matches!(one.reserve(at(122), &policy), Reserved::Locked { .. }));
    let mut clumsy = One::default();
    for second in (0..40_000).step_by(125) {
        clumsy.fail(1, at(second), &policy);
        assert!(clumsy.record.failed <= 2, "{second}");
    }
}

#[test]
fn a_lease_that_is_over_is_a_failure_and_changes_nothing_later() {
    for end in [End::Failure, End::Release, End::Clear] {
        let mut one = One::default();
        one.fail(2, at(0), &policy());
        let late = one.admitted(at(0), &policy());
        let current = one.admitted(at(30), &policy());
        assert_eq!((one.record.failed, one.record.in_flight), (3, 1));

        assert!(one.settle(late, end, at(31), &policy()).stale);
        assert_eq!((one.record.failed, one.record.in_flight), (3, 1), "{end:?}");
        assert!(!one.settle(current, End::Clear, at(31), &policy()).stale);
    }
}

#[test]
fn abandoned_leases_lock_from_when_they_were_over() {
    let mut one = One::default();
    for _ in 0..LIMIT {
        one.admitted(at(0), &policy());
    }
    assert_eq!(one.reserve(at(29), &policy()), Reserved::Busy);
    let Reserved::Locked { left, .. } = one.reserve(at(40), &policy()) else { panic!() };
    assert_eq!(left, ticks(seconds(50)));
}

#[test]
fn success_takes_back_its_own_and_ends_no_lock() {
    let mut total = One::default();
    total.fail(1, at(0), &policy());
    let owner = total.admitted(at(10), &policy());
    // Of what was counted before this count began, nothing is given back.
    let since = at(0) - 1;
    total.settle(owner, End::GiveBack { failed: 1, since }, at(10), &policy());
    assert_eq!(total.record.failed, 1);
    let owner = total.admitted(at(10), &policy());
    total.settle(owner, End::GiveBack { failed: 9, since: at(0) }, at(10), &policy());
    assert_eq!(total.record.failed, 0);

    let mut locked = One::default();
    let generation = locked.admitted(at(0), &policy());
    locked.record.failed = LIMIT;
    locked.record.until = at(60);
    locked.settle(generation, End::Clear, at(1), &policy());
    assert!(matches!(locked.reserve(at(1), &policy()), Reserved::Locked { .. }));
}

#[test]
fn a_clock_that_jumps_panics_nowhere_and_locks_no_longer_than_the_longest() {
    let mut one = One::default();
    one.fail(LIMIT, at(10_000_000), &policy());
    for now in [at(0), 0] {
        let Reserved::Locked { left, .. } = one.reserve(now, &policy()) else { panic!() };
        assert!(left <= ticks(seconds(300)));
    }
    one.fail(LIMIT, Ticks::MAX, &policy());
    let _ = one.reserve(Ticks::MAX, &policy());
    let _ = one.reserve(at(0), &policy());
}

#[test]
fn a_stricter_policy_locks_what_the_one_before_had_let_in() {
    let mut one = One::default();
    one.fail(4, at(0), &policy());
    let stricter = ScopePolicy::new(3, seconds(60), seconds(600)).unwrap();
    assert!(matches!(one.reserve(at(1), &stricter), Reserved::Locked { .. }));
    one.admitted(at(61), &stricter);
}

#[test]
fn counters_stop_at_their_end() {
    let policy = ScopePolicy::counting(seconds(86_400));
    let mut record =
        Record { failed: u16::MAX, in_flight: u8::MAX, locks: u8::MAX, ..Record::default() };
    record.touched = at(0);
    assert_eq!(record.reserve(at(1), &policy, || 1), Reserved::Busy);
}

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Action {
    Reserve,
    /// The lease of this index, modulo how many there are.
    Settle(usize, End),
    Wait(u32),
}

fn action() -> impl Strategy<Value = Action> {
    let end = prop_oneof![
        6 => Just(End::Failure),
        2 => Just(End::Release),
        1 => Just(End::Clear),
    ];
    prop_oneof![
        5 => Just(Action::Reserve),
        5 => (any::<usize>(), end).prop_map(|(lease, end)| Action::Settle(lease, end)),
        2 => (1..80_u32).prop_map(Action::Wait),
        1 => (80..1200_u32).prop_map(Action::Wait),
    ]
}

/// Remembers everything, and is slow.
#[derive(Default)]
struct Model {
    failures: u32,
    /// Those under way, by a number of their own.
    under_way: Vec<usize>,
    touched: u32,
    locked_until: Option<u32>,
    locks: u32,
}

impl Model {
    fn advance(&mut self, now: u32, policy: &ScopePolicy) {
        let lease = 30;
        if !self.under_way.is_empty() && now >= self.touched + lease {
            let over = self.touched + lease;
            let lost = u32::try_from(self.under_way.drain(..).count()).unwrap();
            self.fail(lost, over, policy);
        }
        if let Some(end) = self.locked_until
            && now >= end
        {
            self.failures = self.failures.min(u32::from(policy.limit() - policy.further()));
            self.touched = self.touched.max(end);
            self.locked_until = None;
        }
        if self.locked_until.is_none() && now - self.touched.min(now) >= 600 {
            self.failures = 0;
            self.locks = 0;
        }
    }

    fn fail(&mut self, count: u32, now: u32, policy: &ScopePolicy) {
        self.failures += count;
        self.touched = self.touched.max(now);
        if self.failures >= u32::from(policy.limit()) && self.locked_until.is_none() {
            let lock = u32::try_from(policy.lock_after(self.locks).as_secs()).unwrap();
            self.locked_until = Some(now + lock);
            self.locks += 1;
        }
    }
}

proptest! {
    /// Whatever is done in whatever order, the record says what the model says, and never lets in
    /// more than may fail.
    #[test]
    fn the_record_agrees_with_a_model(
        actions in prop::collection::vec(action(), 1..200),
        then in 1..=LIMIT,
    ) {
        let policy = policy().then(then).unwrap();
        let (mut one, mut model) = (One::default(), Model::default());
        let mut leases: Vec<(usize, u32)> = Vec::new();
        let (mut now, mut number) = (0, 0);
        for action in actions {
            model.advance(now, &policy);
            match action {
                Action::Wait(seconds) => now += seconds,
                Action::Reserve => {
                    let has_room = model.failures + u32::try_from(model.under_way.len()).unwrap()
                        < u32::from(policy.limit());
                    match one.reserve(at(now), &policy) {
                        Reserved::Admitted { generation } => {
                            prop_assert!(model.locked_until.is_none() && has_room);
                            number += 1;
                            leases.push((number, generation));
                            model.under_way.push(number);
                            model.touched = model.touched.max(now);
                        }
                        Reserved::Busy => prop_assert!(model.locked_until.is_none() && !has_room),
                        Reserved::Locked { left, .. } => {
                            let until = model.locked_until;
                            prop_assert_eq!(until.map(|until| (until - now) * 8), Some(left));
                        }
                    }
                }
                Action::Settle(index, end) => {
                    if leases.is_empty() {
                        continue;
                    }
                    let (number, generation) = leases.swap_remove(index % leases.len());
                    let is_current = model.under_way.contains(&number);
                    let changed = one.settle(generation, end, at(now), &policy);
                    prop_assert_eq!(changed.stale, !is_current);
                    model.under_way.retain(|other| *other != number);
                    match end {
                        End::Failure if is_current => model.fail(1, now, &policy),
                        End::Clear if is_current => {
                            model.failures = 0;
                            if model.locked_until.is_none() {
                                model.locks = 0;
                            }
                        }
                        _ => {}
                    }
                }
            }
            let mut seen = one.record;
            model.advance(now, &policy);
            seen.roll(at(now), &policy, || 0);
            prop_assert_eq!(u32::from(seen.failed), model.failures);
            prop_assert_eq!(usize::from(seen.in_flight), model.under_way.len());
            prop_assert!(
                model.failures + u32::from(seen.in_flight) <= u32::from(policy.limit())
            );
        }
    }
}
