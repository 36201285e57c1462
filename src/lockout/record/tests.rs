//! The record against a model that remembers every attempt, and the edges of its arithmetic.

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

/// A record of one key.
#[derive(Default)]
struct One {
    record: Record,
}

impl One {
    fn reserve(&mut self, now: Ticks, policy: &ScopePolicy) -> Reserved {
        self.record.reserve(now, policy, Kind::Own)
    }

    fn settle(&mut self, generation: u32, end: End, now: Ticks, policy: &ScopePolicy) -> Changed {
        self.record.settle(generation, end, now, policy, Kind::Own)
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
    one.record.roll(at(0), &policy(), Kind::Own);
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
    assert!(one.record.end <= at(now) + ticks(seconds(300)));
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
        assert_eq!((one.record.failed, one.record.under_way()), (3, 1));

        assert!(one.settle(late, end, at(31), &policy()).stale);
        assert_eq!((one.record.failed, one.record.under_way()), (3, 1), "{end:?}");
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
    locked.fail(LIMIT, at(0), &policy());
    locked.record.in_flight = 1;
    let generation = locked.record.generation;
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
    let mut record = Record { failed: 3, in_flight: 200, waning: 55, ..Record::default() };
    (record.forget_at, record.end) = (at(100), at(10));
    assert_eq!(record.reserve(at(1), &policy, Kind::Own), Reserved::Busy);
    let mut record = Record { failed: u16::MAX, marks: COUNT, ..Record::default() };
    record.forget_at = at(1) + ticks(policy.forget());
    assert!(matches!(record.reserve(at(1), &policy, Kind::Own), Reserved::Locked { .. }));
    assert_eq!((record.marks & COUNT, record.failed), (COUNT, u16::MAX));
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

/// Remembers every attempt by itself, and is slow.
#[derive(Default)]
struct Model {
    failures: u32,
    /// Those under way, by a number of their own, and when each has failed.
    under_way: Vec<(usize, u32)>,
    /// When the present half of a lease is over.
    half_ends: u32,
    forget_at: u32,
    locked_until: Option<u32>,
    locks: u32,
}

impl Model {
    const HALF: u32 = 15;

    fn admit(&mut self, number: usize, now: u32) {
        if self.under_way.is_empty() {
            self.half_ends = now + Self::HALF;
        }
        while self.half_ends <= now {
            self.half_ends += Self::HALF;
        }
        self.under_way.push((number, self.half_ends + Self::HALF));
    }

    fn advance(&mut self, now: u32, policy: &ScopePolicy) {
        while let Some(first) = self.under_way.iter().map(|lease| lease.1).min()
            && first <= now
        {
            self.pass(first, policy);
            let before = self.under_way.len();
            self.under_way.retain(|lease| lease.1 > first);
            self.fail(u32::try_from(before - self.under_way.len()).unwrap(), first, policy);
        }
        self.pass(now, policy);
    }

    fn pass(&mut self, now: u32, policy: &ScopePolicy) {
        if let Some(end) = self.locked_until {
            if now < end {
                return;
            }
            self.failures = self.failures.min(u32::from(policy.limit() - policy.further()));
            self.locked_until = None;
        }
        if now >= self.forget_at {
            self.failures = 0;
            self.locks = 0;
        }
    }

    fn fail(&mut self, count: u32, now: u32, policy: &ScopePolicy) {
        self.failures += count;
        self.forget_at = self.forget_at.max(now + 600);
        if self.failures >= u32::from(policy.limit()) && self.locked_until.is_none() {
            let lock = u32::try_from(policy.lock_after(self.locks).as_secs()).unwrap();
            self.locked_until = Some(now + lock);
            self.forget_at = self.forget_at.max(now + lock + 600);
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
                            model.admit(number, now);
                        }
                        Reserved::Busy => prop_assert!(model.locked_until.is_none() && !has_room),
                        Reserved::Locked { left } => {
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
                    let is_current = model.under_way.iter().any(|lease| lease.0 == number);
                    let changed = one.settle(generation, end, at(now), &policy);
                    prop_assert_eq!(changed.stale, !is_current);
                    model.under_way.retain(|lease| lease.0 != number);
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
            seen.roll(at(now), &policy, Kind::Own);
            prop_assert_eq!(u32::from(seen.failed), model.failures);
            prop_assert_eq!(usize::from(seen.under_way()), model.under_way.len());
            prop_assert!(
                model.failures + u32::from(seen.under_way()) <= u32::from(policy.limit())
            );
        }
    }
}

/// Attempts that come and go all the time keep nobody's lease alive who has given up.
#[test]
fn on_a_key_that_never_rests_what_is_given_up_ends_all_the_same() {
    let mut one = One::default();
    one.admitted(at(0), &policy());
    for second in 0..31 {
        let generation = one.admitted(at(second), &policy());
        assert!(!one.settle(generation, End::Release, at(second), &policy()).stale, "{second}");
    }
    one.record.roll(at(31), &policy(), Kind::Own);
    assert_eq!((one.record.failed, one.record.under_way()), (1, 0));

    // And whoever is not done in this half has the next one, whatever others do.
    let mut one = One::default();
    let other = one.admitted(at(0), &policy());
    one.settle(other, End::Release, at(0), &policy());
    let first = one.admitted(at(1), &policy());
    let slow = one.admitted(at(15), &policy());
    assert!(!one.settle(slow, End::Clear, at(29), &policy()).stale);
    assert!(!one.settle(first, End::Clear, at(29), &policy()).stale);
}

/// What strangers have failed is forgotten at its time, whether the owner logs in meanwhile or not: else a
/// lock would tell which accounts are in use.
#[test]
fn logins_that_are_right_keep_no_failure_alive() {
    let mut one = One::default();
    one.fail(LIMIT - 1, at(0), &policy());
    let owner = one.admitted(at(500), &policy());
    one.settle(owner, End::Release, at(500), &policy());
    one.record.roll(at(600), &policy(), Kind::Own);
    assert_eq!(one.record.failed, 0);
}

/// As many as the limit in the time, however the two divide.
#[test]
fn what_is_forgotten_one_by_one_is_forgotten_at_its_rate() {
    for (limit, forget) in [(50, 10), (60, 14), (7000, 900), (3, 1000), (7, 7)] {
        let policy = ScopePolicy::new(limit, seconds(1), seconds(forget)).unwrap();
        let policy = policy.forgetting_gradually();
        let mut one = One::default();
        one.record.failed = limit - 1;
        (one.record.since, one.record.forget_at) = (at(0), at(10_000));
        // Looked at all the time.
        for tick in at(0)..=at(0) + ticks(seconds(forget)) / 2 {
            one.record.roll(tick, &policy, Kind::Own);
        }
        let (left, half) = (i32::from(one.record.failed), i32::from(limit) / 2);
        // Never faster, and slower only where it is a matter of ticks.
        let most = half + i32::from(limit) / if forget > 100 { 12 } else { 4 } + 1;
        assert!((half - 1..=most).contains(&left), "{left} of {limit} in {forget} s");
    }
}

/// Neighbours need no policy to know who may go.
#[test]
fn who_may_go_is_seen_without_a_policy() {
    let now = at(0);
    let mut one = One::default();
    assert!(one.record.is_over(now), "nothing is remembered");
    let generation = one.admitted(now, &policy());
    assert!(!one.record.is_over(at(3000)) && !one.record.may_go(at(3000)), "under way");
    one.settle(generation, End::Failure, now, &policy());
    assert!(!one.record.is_over(at(599)) && one.record.may_go(now), "one failure");
    assert!(one.record.is_over(at(600)));
    one.fail(2, now, &policy());
    assert!(!one.record.may_go(now), "half-way");
    one.fail(2, now, &policy());
    assert!(!one.record.is_over(at(59)) && !one.record.may_go(at(59)), "locked");
    // Whoever could flush it out would make the next lock the first one again.
    one.record.roll(at(61), &policy(), Kind::Own);
    assert!(!one.record.is_locked() && !one.record.may_go(at(61)), "the next lock is longer");
    let generation = one.admitted(at(61), &policy());
    one.settle(generation, End::Clear, at(61), &policy());
    assert!(one.record.may_go(at(61)), "somebody has logged in");
}

/// A key that gets a record of its own takes along what was failed in the one it shared, and as failed who is
/// under way there: else it would have as many guesses once more.
#[test]
fn a_record_of_ones_own_begins_with_what_was_shared() {
    let mut shared = One::default();
    shared.fail(2, at(0), &policy());
    let lease = shared.admitted(at(1), &policy());
    let mut own = One { record: shared.record.apart(lease + 7, at(1), &policy()) };
    own.record.roll(at(1), &policy(), Kind::Own);
    assert_eq!((own.record.failed, own.record.under_way()), (3, 0));
    assert!(own.settle(lease, End::Clear, at(2), &policy()).stale);
    own.fail(LIMIT - 3, at(2), &policy());
    assert!(matches!(own.reserve(at(2), &policy()), Reserved::Locked { .. }));
}

/// What is shared by several policies is lowered by none of them, and locked by no look: only by a failure.
#[test]
fn a_shared_record_ends_its_lock_and_one_at_a_time_is_let_in() {
    let (policy, mut shared) = (policy(), Record::default());
    let one = |shared: &mut Record, now| match shared.reserve(now, &policy, Kind::Shared) {
        Reserved::Admitted { generation } => {
            shared.settle(generation, End::Failure, now, &policy, Kind::Shared).locked
        }
        denied => panic!("{denied:?}"),
    };
    for _ in 1..LIMIT {
        assert_eq!(one(&mut shared, at(0)), None);
    }
    assert_eq!(one(&mut shared, at(0)), Some(ticks(seconds(60))));
    for second in 0..60 {
        let denied = shared.reserve(at(second), &policy, Kind::Shared);
        assert!(matches!(denied, Reserved::Locked { .. }), "{second} {denied:?}");
    }
    // Looks neither lock nor lower.
    for second in 60..70 {
        shared.roll(at(second), &policy, Kind::Shared);
        assert!(!shared.is_locked() && shared.failed == LIMIT, "{second}");
    }
    let Reserved::Admitted { generation } = shared.reserve(at(70), &policy, Kind::Shared) else {
        panic!("nobody is let in")
    };
    assert_eq!(shared.reserve(at(70), &policy, Kind::Shared), Reserved::Busy);
    let changed = shared.settle(generation, End::Failure, at(70), &policy, Kind::Shared);
    assert_eq!(changed.locked, Some(ticks(seconds(120))));
}
