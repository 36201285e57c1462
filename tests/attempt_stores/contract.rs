//! The cases. Times are a minute's parts, and nothing waits: the nodes let time pass.

use std::sync::Arc;
use std::time::Duration;

use donjon::lockout::{AttemptStore, Decision, Key, KeyState, Lease, ScopePolicy, Settle};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::nodes::{Nodes, key, keys};

pub(crate) const LIMIT: u16 = 5;

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn policy() -> ScopePolicy {
    let policy = ScopePolicy::new(LIMIT, seconds(60), seconds(600)).unwrap();
    policy.doubling_up_to(seconds(300)).unwrap().lease(seconds(30)).unwrap()
}

/// Nobody's errors are of interest here: each is the end of the test.
pub(crate) async fn reserve(store: &impl AttemptStore, key: Key, policy: &ScopePolicy) -> Decision {
    store.reserve(key, policy).await.unwrap()
}

pub(crate) async fn admitted(store: &impl AttemptStore, key: Key, policy: &ScopePolicy) -> Lease {
    match reserve(store, key, policy).await {
        Decision::Admitted(lease) => lease,
        denied => panic!("{denied:?}"),
    }
}

pub(crate) async fn fail(
    store: &impl AttemptStore,
    key: Key,
    policy: &ScopePolicy,
    times: u16,
) -> Option<Duration> {
    let mut lock = None;
    for _ in 0..times {
        let lease = admitted(store, key, policy).await;
        lock = store.settle(lease, Settle::Failure, policy).await.unwrap().locked;
    }
    lock
}

pub(crate) async fn peek(store: &impl AttemptStore, key: Key, policy: &ScopePolicy) -> KeyState {
    store.peek(key, policy).await.unwrap()
}

/// For how long it is locked.
pub(crate) async fn left(store: &impl AttemptStore, key: Key, policy: &ScopePolicy) -> Duration {
    match reserve(store, key, policy).await {
        Decision::Locked { left, .. } => left,
        other => panic!("{other:?}"),
    }
}

/// A store's clock may have gone on a little while the test was looking elsewhere, and what begins
/// may be rounded up, to an eighth of a second at most.
#[track_caller]
pub(crate) fn about(found: Duration, expected: Duration) {
    let most = expected + Duration::from_millis(125);
    assert!(found <= most && found + seconds(5) > expected, "{found:?} of {expected:?}");
}

async fn counts(store: &impl AttemptStore, key: Key, policy: &ScopePolicy) -> (u32, u32) {
    let state = peek(store, key, policy).await;
    (state.failures, state.in_flight)
}

/// Everybody at once, each verifying for a while; says how many passwords were looked at.
async fn burst<S: AttemptStore>(nodes: &[Arc<S>], tasks: usize, key: Key) -> u16 {
    let start = Arc::new(Barrier::new(tasks));
    let mut burst = JoinSet::new();
    for index in 0..tasks {
        let (start, store) = (Arc::clone(&start), Arc::clone(&nodes[index % nodes.len()]));
        burst.spawn(async move {
            start.wait().await;
            let Decision::Admitted(lease) = reserve(&*store, key, &policy()).await else {
                return false;
            };
            tokio::time::sleep(Duration::from_millis(5)).await;
            let settled = store.settle(lease, Settle::Failure, &policy()).await.unwrap();
            assert!(!settled.stale);
            true
        });
    }
    let evaluated = burst.join_all().await;
    u16::try_from(evaluated.into_iter().filter(|evaluated| *evaluated).count()).unwrap()
}

pub(crate) async fn a_burst_of_wrong_guesses_evaluates_n(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    assert_eq!(burst(&[Arc::clone(&store)], 200, key).await, LIMIT);
    about(left(&*store, key, &policy()).await, seconds(60));
}

pub(crate) async fn a_burst_on_two_nodes_evaluates_n(nodes: &impl Nodes) {
    let (pair, key) = ([nodes.node().await, nodes.node().await], key("bob"));
    assert_eq!(burst(&pair, 200, key).await, LIMIT);
    for node in pair {
        about(left(&*node, key, &policy()).await, seconds(60));
        assert_eq!(counts(&*node, key, &policy()).await, (LIMIT.into(), 0));
    }
}

pub(crate) async fn fifty_honest_ones_at_once_all_get_in(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        logins.spawn(async move {
            loop {
                match reserve(&*store, key, &policy()).await {
                    Decision::Admitted(lease) => {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        store.settle(lease, Settle::Clear, &policy()).await.unwrap();
                        return;
                    }
                    Decision::Busy => tokio::time::sleep(Duration::from_millis(2)).await,
                    locked @ Decision::Locked { .. } => panic!("{locked:?}"),
                }
            }
        });
    }
    logins.join_all().await;
    assert_eq!(peek(&*store, key, &policy()).await, KeyState::default());
}

pub(crate) async fn the_limit_is_how_many_are_evaluated(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let wrong = key("wrong");
    assert_eq!(fail(&*store, wrong, &policy(), LIMIT - 1).await, None);
    assert_eq!(fail(&*store, wrong, &policy(), 1).await, Some(seconds(60)));
    left(&*store, wrong, &policy()).await;

    let right = key("right at last");
    fail(&*store, right, &policy(), LIMIT - 1).await;
    let lease = admitted(&*store, right, &policy()).await;
    let settled = store.settle(lease, Settle::Clear, &policy()).await.unwrap();
    assert_eq!((settled.stale, settled.failures), (false, u32::from(LIMIT) - 1));
    assert_eq!(peek(&*store, right, &policy()).await, KeyState::default());

    let once = ScopePolicy::new(1, seconds(60), seconds(600)).unwrap();
    let key = key("one guess");
    let lease = admitted(&*store, key, &once).await;
    assert_eq!(reserve(&*store, key, &once).await, Decision::Busy);
    store.settle(lease, Settle::Failure, &once).await.unwrap();
    left(&*store, key, &once).await;
}

pub(crate) async fn a_lock_ends_when_it_says(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    fail(&*store, key, &policy(), LIMIT).await;
    for (passed, rest) in [(0, 60), (20, 40), (30, 10)] {
        nodes.pass(seconds(passed)).await;
        about(left(&*store, key, &policy()).await, seconds(rest));
        about(peek(&*store, key, &policy()).await.locked.unwrap(), seconds(rest));
    }
    nodes.pass(seconds(10)).await;
    assert_eq!(peek(&*store, key, &policy()).await.locked, None);
    let _ = admitted(&*store, key, &policy()).await;
}

pub(crate) async fn what_is_denied_is_not_written(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let (locked, busy) = (key("locked"), key("busy"));
    fail(&*store, locked, &policy(), LIMIT).await;
    for _ in 0..LIMIT {
        let _ = admitted(&*store, busy, &policy()).await;
    }
    nodes.pass(seconds(20)).await;
    let keep = async || [nodes.kept(locked, &policy()).await, nodes.kept(busy, &policy()).await];
    let before = keep().await;
    for _ in 0..20 {
        about(left(&*store, locked, &policy()).await, seconds(40));
        assert_eq!(reserve(&*store, busy, &policy()).await, Decision::Busy);
    }
    assert_eq!(keep().await, before);
}

pub(crate) async fn locks_double_up_to_the_longest_and_start_anew_after_a_rest(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    for expected in [60, 120, 240, 300, 300] {
        let lock = fail(&*store, key, &policy(), LIMIT).await;
        assert_eq!(lock, Some(seconds(expected)));
        about(left(&*store, key, &policy()).await, seconds(expected));
        nodes.pass(seconds(expected)).await;
    }
    nodes.pass(seconds(595)).await;
    let lease = admitted(&*store, key, &policy()).await;
    store.settle(lease, Settle::Release, &policy()).await.unwrap();
    assert_eq!(fail(&*store, key, &policy(), LIMIT).await, Some(seconds(300)), "not yet");
    nodes.pass(seconds(300 + 600)).await;
    assert_eq!(fail(&*store, key, &policy(), LIMIT).await, Some(seconds(60)));
}

pub(crate) async fn after_a_lock_there_are_fewer_guesses(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    let policy = policy().then(1).unwrap();
    fail(&*store, key, &policy, LIMIT).await;
    for (passed, next) in [(60, 120), (120, 240)] {
        nodes.pass(seconds(passed)).await;
        assert_eq!(counts(&*store, key, &policy).await, (u32::from(LIMIT) - 1, 0));
        assert_eq!(fail(&*store, key, &policy, 1).await, Some(seconds(next)));
    }
}

pub(crate) async fn a_lease_that_is_over_changes_nothing(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let ends = [
        Settle::Failure,
        Settle::Release,
        Settle::Clear,
        Settle::GiveBack { failures: 9, since: u64::MAX >> 1 },
    ];
    for (index, end) in ends.into_iter().enumerate() {
        let key = key(&format!("bob {index}"));
        fail(&*store, key, &policy(), 2).await;
        let late = admitted(&*store, key, &policy()).await;
        nodes.pass(seconds(30)).await;
        assert_eq!(counts(&*store, key, &policy()).await, (3, 0), "it has failed");

        let current = admitted(&*store, key, &policy()).await;
        assert!(store.settle(late, end, &policy()).await.unwrap().stale);
        assert_eq!(counts(&*store, key, &policy()).await, (3, 1), "{end:?}");
        assert!(!store.settle(current, Settle::Clear, &policy()).await.unwrap().stale);
    }
}

pub(crate) async fn abandoned_attempts_are_failures_from_when_their_leases_were_over(
    nodes: &impl Nodes,
) {
    let (store, key) = (nodes.node().await, key("bob"));
    for _ in 0..LIMIT {
        let _ = admitted(&*store, key, &policy()).await;
    }
    nodes.pass(seconds(20)).await;
    assert_eq!(reserve(&*store, key, &policy()).await, Decision::Busy);
    nodes.pass(seconds(20)).await;
    // Over for ten seconds, and for ten seconds locked, though nobody looked.
    about(left(&*store, key, &policy()).await, seconds(50));
    assert_eq!(counts(&*store, key, &policy()).await, (LIMIT.into(), 0));
}

pub(crate) async fn what_is_given_back_is_of_the_present_count(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let (total, own) = (key("bob"), keys("bob")[2]);
    // Counted here before anything was counted there.
    fail(&*store, own, &policy(), 2).await;
    nodes.pass(seconds(10)).await;
    fail(&*store, total, &policy(), 3).await;
    let give_back = async || {
        let lease = admitted(&*store, own, &policy()).await;
        let settled = store.settle(lease, Settle::Clear, &policy()).await.unwrap();
        let settle = Settle::GiveBack { failures: settled.failures, since: settled.since };
        let lease = admitted(&*store, total, &policy()).await;
        let settled = store.settle(lease, settle, &policy()).await.unwrap();
        assert!(!settled.stale);
        counts(&*store, total, &policy()).await
    };
    assert_eq!(give_back().await, (3, 0));

    nodes.pass(seconds(10)).await;
    fail(&*store, own, &policy(), 1).await;
    assert_eq!(give_back().await, (2, 0), "of one source, its own");
    nodes.pass(seconds(10)).await;
    fail(&*store, own, &policy(), 4).await;
    assert_eq!(give_back().await, (0, 0), "nothing counts below zero");
}

pub(crate) async fn success_ends_no_lock(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let give_back = Settle::GiveBack { failures: 5, since: u64::MAX >> 1 };
    for (index, end) in [Settle::Clear, give_back].into_iter().enumerate() {
        let key = key(&format!("bob {index}"));
        let right = admitted(&*store, key, &policy()).await;
        let (one, other) =
            (admitted(&*store, key, &policy()).await, admitted(&*store, key, &policy()).await);
        // Two are too many all of a sudden.
        let strict = ScopePolicy::new(2, seconds(60), seconds(600)).unwrap();
        store.settle(one, Settle::Failure, &strict).await.unwrap();
        let lock = store.settle(other, Settle::Failure, &strict).await.unwrap().locked;
        assert_eq!(lock, Some(seconds(60)));

        // Whether it is stale by now is the store's own affair.
        store.settle(right, end, &strict).await.unwrap();
        about(left(&*store, key, &strict).await, seconds(60));
    }
}

/// No lease can be cloned, but a store knows no better than its number.
pub(crate) async fn what_is_settled_twice_counts_once(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    fail(&*store, key, &policy(), 1).await;
    let lease = admitted(&*store, key, &policy()).await;
    let again = Lease::new(key, lease.number());
    assert!(!store.settle(lease, Settle::Failure, &policy()).await.unwrap().stale);
    assert!(store.settle(again, Settle::Failure, &policy()).await.unwrap().stale);
    assert_eq!(counts(&*store, key, &policy()).await, (2, 0));
}

pub(crate) async fn a_stricter_policy_locks_what_the_one_before_had_let_in(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    fail(&*store, key, &policy(), 4).await;
    nodes.pass(seconds(10)).await;
    let stricter = ScopePolicy::new(3, seconds(60), seconds(600)).unwrap();
    about(left(&*store, key, &stricter).await, seconds(60));
    // From when it was first applied, and not from each look.
    nodes.pass(seconds(10)).await;
    about(left(&*store, key, &stricter).await, seconds(50));
    nodes.pass(seconds(50)).await;
    let _ = admitted(&*store, key, &stricter).await;
}

pub(crate) async fn what_settles_after_it_was_cleared_changes_nothing(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    fail(&*store, key, &policy(), 3).await;
    let (late, later) =
        (admitted(&*store, key, &policy()).await, admitted(&*store, key, &policy()).await);
    store.clear(key).await.unwrap();
    assert_eq!(peek(&*store, key, &policy()).await, KeyState::default());
    assert!(store.settle(late, Settle::Failure, &policy()).await.unwrap().stale);
    assert_eq!(peek(&*store, key, &policy()).await, KeyState::default());

    let _current = admitted(&*store, key, &policy()).await;
    assert!(store.settle(later, Settle::Failure, &policy()).await.unwrap().stale);
    assert_eq!(counts(&*store, key, &policy()).await, (0, 1));

    fail(&*store, key, &policy(), LIMIT - 1).await;
    store.clear(key).await.unwrap();
    fail(&*store, key, &policy(), LIMIT).await;
    store.clear(key).await.unwrap();
    let _ = admitted(&*store, key, &policy()).await;
}

pub(crate) async fn failures_are_forgotten_one_by_one(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("an office"));
    let policy = policy().forgetting_gradually();
    fail(&*store, key, &policy, LIMIT - 1).await;
    // One is due every 120 s, and a busy address never has a rest.
    nodes.pass(seconds(115)).await;
    assert_eq!(counts(&*store, key, &policy).await, (4, 0));
    nodes.pass(seconds(5)).await;
    assert_eq!(counts(&*store, key, &policy).await, (3, 0));
    fail(&*store, key, &policy, 1).await;
    nodes.pass(seconds(240)).await;
    assert_eq!(counts(&*store, key, &policy).await, (2, 0));
    assert_eq!(fail(&*store, key, &policy, 3).await, Some(seconds(60)));
}

pub(crate) async fn failures_are_forgotten_after_a_rest(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    fail(&*store, key, &policy(), 1).await;
    nodes.pass(seconds(595)).await;
    fail(&*store, key, &policy(), 1).await;
    nodes.pass(seconds(595)).await;
    assert_eq!(counts(&*store, key, &policy()).await, (2, 0));
    nodes.pass(seconds(5)).await;
    assert_eq!(peek(&*store, key, &policy()).await, KeyState::default());
}

pub(crate) async fn to_look_changes_nothing(nodes: &impl Nodes) {
    let (store, unknown, known) = (nodes.node().await, key("nobody"), key("bob"));
    fail(&*store, known, &policy(), 2).await;
    let _ = admitted(&*store, known, &policy()).await;
    nodes.pass(seconds(10)).await;
    for key in [unknown, known] {
        let before = nodes.kept(key, &policy()).await;
        for _ in 0..10 {
            peek(&*store, key, &policy()).await;
        }
        assert_eq!(nodes.kept(key, &policy()).await, before);
    }
    let state = peek(&*store, known, &policy()).await;
    assert_eq!((state.failures, state.in_flight, state.locked), (2, 1, None));
    // The lease runs out at its time all the same.
    nodes.pass(seconds(20)).await;
    assert_eq!(counts(&*store, known, &policy()).await, (3, 0));
}

pub(crate) async fn what_is_not_counted_leaves_nothing(nodes: &impl Nodes) {
    let (store, key) = (nodes.node().await, key("bob"));
    let before = nodes.kept(key, &policy()).await;
    for end in [Settle::Release, Settle::Clear, Settle::GiveBack { failures: 1, since: 0 }] {
        let lease = admitted(&*store, key, &policy()).await;
        store.settle(lease, end, &policy()).await.unwrap();
        assert_eq!(nodes.kept(key, &policy()).await, before, "{end:?}");
    }
}

pub(crate) async fn keys_count_apart(nodes: &impl Nodes) {
    let store = nodes.node().await;
    let [account, in_a_row, here] = keys("bob");
    let other = key("alice");
    fail(&*store, account, &policy(), LIMIT).await;
    left(&*store, account, &policy()).await;
    for key in [in_a_row, here, other] {
        assert_eq!(peek(&*store, key, &policy()).await, KeyState::default());
    }
    fail(&*store, other, &policy(), 1).await;
    store.clear(account).await.unwrap();
    assert_eq!(counts(&*store, other, &policy()).await, (1, 0));
}
