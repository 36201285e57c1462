//! N means N, however many come at once, and the rightful owner gets in.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use donjon::lockout::KeyState;

use super::*;

/// The verifier: it takes a while, and counts.
#[derive(Default)]
struct Verifier {
    calls: AtomicU32,
}

impl Verifier {
    async fn verify(&self, right: bool) -> bool {
        self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        right
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn attempt(house: &House, verifier: &Verifier, from: IpAddr, right: bool) -> Option<bool> {
    let attempt = house.lockout.begin(from).await.ok()?.account(&account("ann")).await.ok()?;
    if verifier.verify(right).await {
        attempt.succeed().await;
        Some(true)
    } else {
        attempt.fail().await;
        Some(false)
    }
}

/// Two hundred at once, on several threads.
async fn burst(house: Arc<House>, from: fn(u32) -> IpAddr, right: fn(u32) -> bool) -> (u32, u32) {
    let (verifier, start) =
        (Arc::new(Verifier::default()), Arc::new(tokio::sync::Barrier::new(200)));
    let tasks = (0..200).map(|n| {
        let (house, verifier, start) = (house.clone(), verifier.clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            attempt(&house, &verifier, from(n), right(n)).await == Some(true)
        })
    });
    let mut granted = 0;
    for task in tasks.collect::<Vec<_>>() {
        granted += u32::from(task.await.unwrap());
    }
    (verifier.calls(), granted)
}

/// A1.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_of_wrong_guesses_has_n_evaluated() {
    for from in [|_| address("203.0.113.9"), stranger] {
        let house = Arc::new(House::new(policy()));
        assert_eq!(burst(house.clone(), from, |_| false).await, (N, 0));
        // Locked, and nothing in flight.
        let state = house.lockout.peek(&account("ann")).await.unwrap().account;
        assert_eq!((state.in_flight, state.locked), (0, Some(minutes(10))));
    }
}

/// A2: the right password is not looked at either, unless it is among the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_password_behind_a_burst_is_one_of_n_or_none() {
    for _ in 0..20 {
        let house = Arc::new(House::new(policy()));
        let (calls, granted) = burst(house, stranger, |n| n == 199).await;
        assert!(calls <= N + granted && granted <= 1, "{calls} {granted}");
    }
}

/// A3.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn honest_logins_at_once_all_get_in_and_nothing_is_left() {
    let house = Arc::new(House::new(policy()));
    let verifier = Arc::new(Verifier::default());
    let tasks = (0..50).map(|n| {
        let (house, verifier) = (house.clone(), verifier.clone());
        tokio::spawn(async move {
            loop {
                match house
                    .lockout
                    .begin(stranger(n % 3))
                    .await
                    .unwrap()
                    .account(&account("ann"))
                    .await
                {
                    Ok(attempt) => {
                        assert!(verifier.verify(true).await);
                        attempt.succeed().await;
                        return;
                    }
                    Err(NotAdmitted::Busy { retry_after }) => {
                        assert!(retry_after <= Duration::from_secs(1));
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    Err(denied) => panic!("{denied}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let status = house.lockout.peek(&account("ann")).await.unwrap();
    assert_eq!((status.account.failures, status.account.in_flight, status.in_a_row), (0, 0, 0));
    assert_eq!(house.count(EventName::AuthnLoginLock), 0);
    assert_eq!(house.count(EventName::AuthnLoginSuccess), 50);
}

/// A4.
#[tokio::test]
async fn n_are_evaluated_and_not_one_more_or_less() {
    let house = House::new(policy());
    assert_eq!(house.guesses("ann", |_| address("203.0.113.9")).await, N);

    let house = House::new(policy());
    for _ in 1..N {
        house.fail("ann", address("203.0.113.9")).await.unwrap();
    }
    let settled = house.succeed("ann", address("203.0.113.9")).await.unwrap();
    assert_eq!(settled.prior_failures, N - 1);
    assert_eq!(house.guesses("ann", |_| address("203.0.113.9")).await, N, "all of them anew");
}

/// A5, A9.
#[tokio::test]
async fn what_is_dropped_or_panics_has_failed() {
    let house = House::new(policy());
    let ann = account("ann");
    drop(house.lockout.begin(stranger(1)).await.unwrap().account(&ann).await.unwrap());
    let state = house.lockout.peek(&ann).await.unwrap();
    assert_eq!((state.account.failures, state.account.in_flight, state.in_a_row), (1, 0, 1));

    let attempt = house.lockout.begin(stranger(1)).await.unwrap().account(&ann).await.unwrap();
    let panicked = tokio::spawn(async move {
        let _attempt = attempt;
        panic!("the verifier has panicked");
    });
    assert!(panicked.await.is_err());
    assert_eq!(house.lockout.peek(&ann).await.unwrap().account.failures, 2);

    for _ in 0..100 {
        let request = async {
            let attempt = house.lockout.begin(stranger(1)).await?.account(&ann).await?;
            std::future::pending::<()>().await;
            attempt.succeed().await;
            Ok::<_, NotAdmitted>(())
        };
        assert!(
            tokio::time::timeout(Duration::ZERO, request).await.map_or(true, |end| end.is_err())
        );
    }
    let state = house.lockout.peek(&ann).await.unwrap().account;
    assert_eq!((state.failures, state.in_flight), (N, 0));
    assert!(state.locked.is_some());
}

/// A7: an attempt that began before the lock does not end it.
#[tokio::test]
async fn success_ends_no_lock_and_gives_back_nothing_of_others() {
    let house = House::new(policy());
    let owner = address("203.0.113.9");
    let ann = account("ann");
    house.fail("ann", owner).await.unwrap();
    for n in 0..3 {
        house.fail("ann", stranger(n)).await.unwrap();
    }
    // 4 of 5: one of the owner's own, and three of others.
    let settled = house.succeed("ann", owner).await.unwrap();
    assert_eq!(settled.prior_failures, 4);
    let status = house.lockout.peek(&ann).await.unwrap();
    assert_eq!((status.account.failures, status.in_a_row), (3, 0));
    assert_eq!(house.lockout.peek_at(&ann, owner).await.unwrap().failures, 0);
    // And an attacker has two left, not five.
    assert_eq!(house.guesses("ann", stranger).await, 2);
    assert!(matches!(house.succeed("ann", owner).await, Err(NotAdmitted::Locked { .. })));
    assert_eq!(house.lockout.peek(&ann).await.unwrap().account.failures, N);
}

/// What was counted before the account's count began anew is not given back of the new count.
#[tokio::test]
async fn what_was_forgotten_is_not_given_back() {
    let short = ScopePolicy::new(LIMIT, minutes(1), minutes(5)).unwrap();
    let long = ScopePolicy::new(LIMIT, minutes(1), minutes(600)).unwrap();
    let house = House::new(policy().account(short).account_at_address(long));
    let owner = address("203.0.113.9");
    for _ in 0..3 {
        house.fail("ann", owner).await.unwrap();
    }
    house.clock.advance(minutes(6));
    for n in 0..3 {
        house.fail("ann", stranger(n)).await.unwrap();
    }
    house.succeed("ann", owner).await.unwrap();
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().account.failures, 3);
}

/// A lease that is over has failed; settling it then changes nothing.
#[tokio::test]
async fn an_attempt_that_takes_too_long_has_failed() {
    let house = House::new(policy());
    let ann = account("ann");
    let late = house.lockout.begin(stranger(1)).await.unwrap().account(&ann).await.unwrap();
    house.clock.advance(minutes(1));
    assert_eq!(house.lockout.peek(&ann).await.unwrap().account.failures, 1);
    late.succeed().await;
    let expected = KeyState { failures: 1, ..KeyState::default() };
    assert_eq!(house.lockout.peek(&ann).await.unwrap().account, expected);
}

/// F6: what a later counter turns away is under way nowhere.
#[tokio::test]
async fn a_later_denial_releases_what_was_reserved_before() {
    let house = House::new(LockoutPolicy::pci_dss());
    let ann = account("ann");
    for n in 0..10 {
        house.fail("ann", stranger(n)).await.unwrap();
    }
    let from = address("203.0.113.9");
    for _ in 0..200 {
        let denied = house.fail("ann", from).await.unwrap_err();
        assert!(matches!(denied, NotAdmitted::Locked { .. }));
    }
    assert_eq!(house.lockout.peek_at(&ann, from).await.unwrap().in_flight, 0);
    assert_eq!(house.lockout.peek_address(from).await.unwrap().in_flight, 0);
    assert_eq!(house.lockout.peek_address(from).await.unwrap().failures, 0);
    house.fail("bob", from).await.unwrap();
}

/// Threads that do as they like: never more failures than guesses, and nothing is left under way.
#[test]
fn a_hammer_of_threads_leaves_nothing_under_way() {
    let house = House::new(policy());
    let (threads, admitted) = (8, AtomicU32::new(0));
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (house, start, admitted) = (&house, &start, &admitted);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                start.wait();
                runtime.block_on(async {
                    for round in 0..2000_usize {
                        let from = stranger(u32::try_from(round % 7).unwrap());
                        let attempt = house.lockout.begin(from).await.unwrap();
                        let Ok(attempt) = attempt.account(&account("ann")).await else { continue };
                        admitted.fetch_add(1, Ordering::Relaxed);
                        match (thread + round) % 4 {
                            1 => attempt.undecided().await,
                            2 if round % 512 == 0 => drop(attempt.fail().await),
                            _ => drop(attempt.succeed().await),
                        }
                    }
                });
            });
        }
    });
    assert!(admitted.into_inner() > 0);
    let state = futures_util::future::FutureExt::now_or_never(house.lockout.peek(&account("ann")));
    let state = state.unwrap().unwrap().account;
    assert_eq!(state.in_flight, 0);
    assert!(state.failures <= N);
}
