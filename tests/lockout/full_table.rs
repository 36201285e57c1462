//! A table that is full, or a bucket of it: what its keys share is nobody's own, and costs nobody more than
//! one guess.

use donjon::keys::{self, KeyRing};
use donjon::lockout::{
    AtOnce, AttemptStore as _, Decision, Key, Lease, MemoryStore, Scope, Settle,
};
use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::*;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The place in the table is that of the lower bits, which are the same for all.
fn key(tag: u128) -> Key {
    Key::new(Scope::AccountAtAddress, tag << 96)
}

/// One bucket of a table, with its eight slots taken.
struct Bucket {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl Bucket {
    fn full(policy: &ScopePolicy) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
        let bucket = Self { store, clock };
        for tag in 1..=8 {
            // Half-way to a lock, so that they stay.
            for _ in 0..policy.limit().div_ceil(2) {
                assert!(bucket.fails(tag, policy));
            }
        }
        bucket
    }

    fn at_once(&self) -> &dyn AtOnce {
        self.store.at_once().unwrap()
    }

    fn reserve(&self, tag: u128, policy: &ScopePolicy) -> Decision {
        self.at_once().reserve(key(tag), policy)
    }

    /// Whether it was let in, and failed.
    fn fails(&self, tag: u128, policy: &ScopePolicy) -> bool {
        let Decision::Admitted(lease) = self.reserve(tag, policy) else { return false };
        self.at_once().settle(lease, Settle::Failure, policy);
        true
    }
}

fn five() -> ScopePolicy {
    ScopePolicy::new(5, minutes(10), minutes(60)).unwrap()
}

/// Of another lockout in the same store.
fn lenient() -> ScopePolicy {
    ScopePolicy::new(100, minutes(10), minutes(60)).unwrap()
}

/// What another policy has counted above the limit of this one was no lock, and gives no new guesses.
#[test]
fn a_record_of_ones_own_gives_back_no_guesses() {
    let bucket = Bucket::full(&five());
    bucket.clock.advance(seconds(3590));
    let before = (0..4).filter(|_| bucket.fails(100, &five())).count();
    assert!(bucket.fails(101, &lenient()));
    // Those who had the slots are forgotten, so there is one for each.
    bucket.clock.advance(seconds(20));
    let after = (0..20).filter(|_| bucket.fails(100, &five())).count();
    assert_eq!(before + after, 5, "without a lock between them");
}

/// Leases that are over while somebody of a more lenient policy looks are failures, and lock.
#[test]
fn what_another_policy_finds_lost_locks_as_well() {
    let bucket = Bucket::full(&five());
    let mut evaluated = 0;
    for _ in 0..45 {
        let mut late = Vec::new();
        while let Decision::Admitted(lease) = bucket.reserve(100, &five()) {
            evaluated += 1;
            late.push(lease);
        }
        // Each is verified for longer than a lease lasts.
        bucket.clock.advance(seconds(61));
        if let Decision::Admitted(lease) = bucket.reserve(101, &lenient()) {
            bucket.at_once().settle(lease, Settle::Clear, &lenient());
        }
        for lease in late {
            bucket.at_once().settle(lease, Settle::Failure, &five());
        }
    }
    assert!(evaluated <= 5 + 4, "{evaluated} in 45 minutes, at five and one after each lock");
}

/// Who comes while somebody else is verified waits: a slot of his own would begin with what the other has under
/// way, and lock him for nothing.
#[test]
fn a_look_locks_nobody_who_has_not_failed() {
    let policy = ScopePolicy::new(5, minutes(1), minutes(60)).unwrap();
    let policy = policy.doubling_up_to(minutes(30)).unwrap().then(1).unwrap();
    let bucket = Bucket::full(&policy);
    bucket.clock.advance(seconds(3500));
    assert_eq!((0..9).filter(|_| bucket.fails(100, &policy)).count(), 5);
    bucket.clock.advance(seconds(61));
    let Decision::Admitted(lease) = bucket.reserve(100, &policy) else { panic!("after the lock") };
    bucket.clock.advance(seconds(40)); // and now there is a slot
    assert!(!matches!(bucket.reserve(200, &policy), Decision::Locked { .. }));
    bucket.at_once().settle(lease, Settle::Clear, &policy);
    assert!(matches!(bucket.reserve(200, &policy), Decision::Admitted(_)));
}

/// So many names, half-way to a lock, that nobody finds a slot.
fn flood(house: &House) {
    for n in 0..6000 {
        for _ in 0..3 {
            let _ = house.fail(&format!("flood{n}"), stranger(100_000 + n)).now_or_never();
        }
    }
}

/// Of a record that many share a login's own failures cannot be told, so it gives back none of the account's.
#[tokio::test]
async fn logins_give_back_no_strangers_failures() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let twenty = ScopePolicy::new(20, minutes(60), minutes(60)).unwrap();
    let house = House::with(policy().account(twenty), |builder| builder.store(store.clone()));
    let mut evaluated = 0;
    for n in 0..19 {
        evaluated += u32::from(house.fail("ann", stranger(n)).await.is_ok());
    }
    flood(&house);
    clock.advance(minutes(11));
    for round in 0..10 {
        for home in 0..50 {
            if house.succeed("ann", stranger(50_000 + home)).await.is_ok() {
                break;
            }
        }
        for n in 0..100 {
            let from = stranger(1000 + 100 * round + n);
            evaluated += u32::from(house.fail("ann", from).await.is_ok());
        }
    }
    assert!(evaluated <= 20, "{evaluated} wrong guesses at one account");
}

/// Nor is it known who fails for the first time there, so each failure counts for the address.
#[tokio::test]
async fn an_address_that_sprays_is_found_out_in_a_full_table() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let many = ScopePolicy::new(1000, minutes(60), minutes(60)).unwrap();
    let spray = ScopePolicy::new(5, minutes(60), minutes(60)).unwrap();
    let policy = policy().account(many).accounts_of_address(spray);
    let house = House::with(policy, |builder| builder.store(store.clone()));
    flood(&house);
    clock.advance(minutes(11));
    let mut tried = 0;
    for n in 0..2000 {
        tried += u32::from(house.fail(&format!("victim{n}"), stranger(7)).await.is_ok());
    }
    assert_eq!(tried, 5);
}

/// What others have under way becomes failures of a newcomer's own record, and none that a login gives back.
#[test]
fn what_others_have_under_way_is_not_given_back() {
    let bucket = Bucket::full(&five());
    let mut held = Vec::new();
    for tag in 100..104 {
        let Decision::Admitted(lease) = bucket.reserve(tag, &five()) else { panic!() };
        held.push(lease);
    }
    // One of those who have a slot logs in: his slot is free.
    let Decision::Admitted(lease) = bucket.reserve(1, &five()) else { panic!() };
    bucket.at_once().settle(lease, Settle::Clear, &five());
    let Decision::Admitted(lease) = bucket.reserve(200, &five()) else { panic!() };
    let settled = bucket.at_once().settle(lease, Settle::Clear, &five());
    assert_eq!(settled.failures, 0, "failures the newcomer has not made");
}

/// One attempt that takes longer than a lease is one failure of those that lock.
#[test]
fn one_slow_newcomer_locks_not_all_the_others() {
    let fifty = ScopePolicy::new(50, minutes(15), minutes(15)).unwrap().forgetting_gradually();
    let bucket = Bucket::full(&fifty);
    let Decision::Admitted(_slow) = bucket.reserve(100, &fifty) else { panic!() };
    bucket.clock.advance(seconds(61));
    let other = bucket.reserve(101, &fifty);
    assert!(matches!(other, Decision::Admitted(_)), "one failure of fifty, and {other:?}");
}

/// Nor does a restart, in which whoever was under way has failed.
#[test]
fn a_restart_locks_not_all_newcomers() {
    let fifty = ScopePolicy::new(50, minutes(15), minutes(15)).unwrap();
    let bucket = Bucket::full(&fifty);
    let Decision::Admitted(_under_way) = bucket.reserve(100, &fifty) else { panic!() };
    let ring = KeyRing::new(keys::Key::random()).unwrap();
    let saved = bucket.store.save(&ring).unwrap();
    let store = MemoryStore::with_clock(1024, bucket.clock.clone()).unwrap();
    store.restore(&ring, &saved).unwrap();
    let other = store.at_once().unwrap().reserve(key(101), &fifty);
    assert!(matches!(other, Decision::Admitted(_)), "one failure of fifty, and {other:?}");
}

/// And by a policy whose lock is short the longer one is not spared.
#[test]
fn what_a_policy_of_short_locks_finds_lost_is_no_way_around_a_long_one() {
    let short = ScopePolicy::new(100, seconds(1), minutes(60)).unwrap();
    let bucket = Bucket::full(&five());
    let mut evaluated = 0;
    for _ in 0..45 {
        let mut late = Vec::new();
        while let Decision::Admitted(lease) = bucket.reserve(100, &five()) {
            evaluated += 1;
            late.push(lease);
        }
        bucket.clock.advance(seconds(61));
        if let Decision::Admitted(lease) = bucket.reserve(101, &short) {
            bucket.at_once().settle(lease, Settle::Clear, &short);
        }
        for lease in late {
            bucket.at_once().settle(lease, Settle::Failure, &five());
        }
    }
    assert!(evaluated <= 5 + 4, "{evaluated} in 45 minutes, at five and one after each lock");
}

/// One account's failures are one account's for the log, also after a flood is over.
#[tokio::test]
async fn one_accounts_failures_are_not_stuffing() {
    let ten = ScopePolicy::new(10, minutes(60), minutes(60)).unwrap();
    let one = ScopePolicy::new(5, minutes(1), minutes(60)).unwrap();
    let many = ScopePolicy::new(1000, minutes(10), minutes(60)).unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let policy = policy().account(one).account_at_address(many).accounts_everywhere(ten);
    let house = House::with(policy, |builder| builder.store(store.clone()).clock(clock.clone()));
    for n in 0..6000 {
        for k in 0..3 {
            let _ = house.fail(&format!("flood{n}"), stranger(100_000 + 3 * n + k)).now_or_never();
        }
    }
    let before = house.count(EventName::AuthnStuffing);
    // The slots are over, the shared records not quite.
    clock.advance(minutes(60) + seconds(1));
    let mut fails = 0;
    for n in 0..60 {
        fails += u32::from(house.fail("ann", stranger(n)).await.is_ok());
        clock.advance(seconds(20));
    }
    assert_eq!(house.count(EventName::AuthnStuffing), before, "{fails} failures at one account");
}

/// What happens to a bucket, to one of more keys than there are slots.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A guess, which is wrong at once or not settled yet.
    Guess {
        tag: u128,
        is_settled: bool,
    },
    /// One of those that are not settled ends like this.
    Settle {
        which: usize,
        end: Option<Settle>,
    },
    Wait(Duration),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        Just(Some(Settle::Failure)),
        Just(Some(Settle::Release)),
        Just(None), // it is given up
    ];
    let wait = prop_oneof![
        4 => 0..8000_u64,
        1 => Just(125_u64),
        1 => Just(20_000),
        1 => Just(60_000),
        1 => Just(305_000),
    ];
    let guess = (1..15_u128, prop::bool::weighted(0.75));
    prop_oneof![
        25 => guess.prop_map(|(tag, is_settled)| Step::Guess { tag, is_settled }),
        8 => (any::<usize>(), end).prop_map(|(which, end)| Step::Settle { which, end }),
        7 => wait.prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The promise, of a bucket in which keys of several policies crowd: no key has more wrong guesses than
    /// its limit within the time of a lock, but one that was evicted, as the documentation says of those that
    /// are not half-way.
    #[test]
    fn no_key_has_more_guesses_than_its_limit(
        steps in prop::collection::vec(step(), 400),
        further in 1..=5_u16,
        is_mixed in prop::bool::weighted(0.9),
    ) {
        let policy = |limit, lock, lease| {
            let policy = ScopePolicy::new(limit, seconds(lock), seconds(300)).unwrap();
            policy.lease(seconds(lease)).unwrap()
        };
        let five = policy(5, 60, 20).then(further).unwrap();
        let mixed = [five.clone(), policy(10, 30, 40), policy(2, 10, 10)];
        let of = |tag: u128| {
            if is_mixed { &mixed[usize::try_from(tag % 3).unwrap()] } else { &five }
        };

        let clock = Arc::new(ManualClock::default());
        let ring = KeyRing::new(keys::Key::random()).unwrap();
        let mut store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
        let (mut now, mut evicted) = (Duration::ZERO, 0);
        let mut under_way: Vec<(u128, Duration, Lease)> = Vec::new();
        // When each was let in that was wrong, or that nobody has settled.
        let mut guesses: [Vec<Duration>; 15] = Default::default();
        for step in steps {
            let at_once = store.at_once().unwrap();
            match step {
                Step::Guess { tag, is_settled } => {
                    let decision = at_once.reserve(key(tag), of(tag));
                    if store.status().evicted != evicted {
                        evicted = store.status().evicted;
                        for (tag, guesses) in (0..15).zip(&mut guesses) {
                            let state = at_once.peek(key(tag), of(tag));
                            let is_blank = state.failures == 0 && state.in_flight == 0;
                            if is_blank && state.locked.is_none() {
                                guesses.clear();
                            }
                        }
                    }
                    let Decision::Admitted(lease) = decision else { continue };
                    let guesses = &mut guesses[usize::try_from(tag).unwrap()];
                    guesses.push(now);
                    let limit = usize::from(of(tag).limit());
                    if let Some(first) = guesses.len().checked_sub(limit + 1) {
                        // Time is counted in eighths of a second.
                        let span = now.saturating_sub(guesses[first]) + Duration::from_millis(125);
                        prop_assert!(span >= of(tag).lock_after(0), "{tag}: {guesses:?}");
                    }
                    if is_settled {
                        at_once.settle(lease, Settle::Failure, of(tag));
                    } else {
                        under_way.push((tag, now, lease));
                    }
                }
                Step::Settle { which, end } => {
                    if under_way.is_empty() {
                        continue;
                    }
                    let (tag, at, lease) = under_way.swap_remove(which % under_way.len());
                    let settled = end.map(|end| at_once.settle(lease, end, of(tag)));
                    if end == Some(Settle::Release) && settled.is_some_and(|settled| !settled.stale) {
                        let guesses = &mut guesses[usize::try_from(tag).unwrap()];
                        if let Some(place) = guesses.iter().position(|guess| *guess == at) {
                            guesses.remove(place);
                        }
                    }
                }
                Step::Wait(time) => {
                    now += time;
                    clock.advance(time);
                }
                Step::Restart => {
                    let saved = store.save(&ring).unwrap();
                    store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
                    store.restore(&ring, &saved).unwrap();
                    // Whoever has a lease has failed by now.
                    under_way.clear();
                    evicted = 0;
                }
            }
        }
    }
}
