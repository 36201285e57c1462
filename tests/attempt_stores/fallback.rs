//! A store that fails, hangs and comes back, and what stands in for it.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use donjon::clock::{Clock, ManualClock};
use donjon::lockout::{
    Account, AttemptStore, Decision, Fallback, FallbackError, Key, KeyState, Lease, Lockout,
    LockoutPolicy, NotAdmitted, ScopePolicy, Settle, Settlement,
};
use donjon::refusal::Refusal;

use super::contract::{LIMIT, admitted, fail, left, peek, policy, reserve, seconds};
use super::nodes::{Memory, key, keys as keys_of, secret};

const UP: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

/// A memory that may be away, and counts who asks.
#[derive(Default)]
struct Flaky {
    memory: Memory,
    state: AtomicU8,
    calls: AtomicUsize,
}

#[derive(Clone, Default)]
struct Remote(Arc<Flaky>);

impl Remote {
    fn is(&self, state: u8) {
        self.0.state.store(state, Ordering::SeqCst);
    }

    fn calls(&self) -> usize {
        self.0.calls.swap(0, Ordering::SeqCst)
    }

    async fn asked(&self) -> io::Result<()> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        match self.0.state.load(Ordering::SeqCst) {
            UP => Ok(()),
            FAILS => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            _ => pending().await,
        }
    }
}

fn sure<T>(answer: Result<T, std::convert::Infallible>) -> io::Result<T> {
    answer.map_err(|error| match error {})
}

impl AttemptStore for Remote {
    type Error = io::Error;

    async fn reserve(&self, key: Key, policy: &ScopePolicy) -> io::Result<Decision> {
        self.asked().await?;
        sure(AttemptStore::reserve(&self.0.memory.store, key, policy).await)
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> io::Result<Settlement> {
        self.asked().await?;
        sure(AttemptStore::settle(&self.0.memory.store, lease, settle, policy).await)
    }

    async fn peek(&self, key: Key, policy: &ScopePolicy) -> io::Result<KeyState> {
        self.asked().await?;
        sure(AttemptStore::peek(&self.0.memory.store, key, policy).await)
    }

    async fn clear(&self, key: Key) -> io::Result<()> {
        self.asked().await?;
        sure(AttemptStore::clear(&self.0.memory.store, key).await)
    }
}

/// A remote, a node before it, and the node's clock.
fn node() -> (Remote, Fallback<Remote>, Arc<ManualClock>) {
    let (remote, clock) = (Remote::default(), Arc::new(ManualClock::default()));
    // The memory's own clock stands still, and begins where the remote's did.
    let store = Fallback::local_in(remote.clone(), Memory::default().store);
    (remote, store.clock(Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

#[tokio::test]
async fn each_node_evaluates_n_while_the_store_is_away() {
    for state in [FAILS, HANGS] {
        let (remote, one, _) = node();
        let other = Fallback::local_in(remote.clone(), Memory::default().store);
        let bob = key("bob");
        fail(&one, bob, &policy(), 2).await;
        remote.is(state);
        for node in [&one, &other] {
            let mut evaluated = 0;
            for _ in 0..100 {
                let begin = Instant::now();
                if let Decision::Admitted(lease) = reserve(node, bob, &policy()).await {
                    evaluated += 1;
                    node.settle(lease, Settle::Failure, &policy()).await.unwrap();
                }
                assert!(begin.elapsed() < seconds(1), "{:?}", begin.elapsed());
            }
            assert_eq!(evaluated, LIMIT);
            assert!(node.is_remote_away());
            assert!(peek(node, bob, &policy()).await.locked.is_some());
        }
        let calls = remote.calls();
        assert!(calls <= 4 + 3 + 3, "{calls} calls for 400 operations of two nodes");
    }
}

#[tokio::test]
async fn a_burst_while_it_hangs_is_decided_by_the_deadline() {
    let (remote, store, _) = node();
    remote.is(HANGS);
    let bob = key("bob");
    let begin = Instant::now();
    let burst = (0..200).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { reserve(&store, bob, &policy()).await })
    });
    let decisions = futures_util::future::join_all(burst).await;
    let is_in = |decision: &Decision| matches!(decision, Decision::Admitted(_));
    let evaluated = decisions.iter().filter(|done| is_in(done.as_ref().unwrap())).count();
    assert_eq!(evaluated, usize::from(LIMIT));
    assert!(begin.elapsed() < seconds(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn it_comes_back_and_nothing_it_knew_is_lost() {
    let (remote, store, clock) = node();
    let (locked, bob) = (key("locked"), key("bob"));
    fail(&store, locked, &policy(), LIMIT).await;
    fail(&store, bob, &policy(), 3).await;
    let over_there = admitted(&store, bob, &policy()).await;

    remote.is(FAILS);
    for _ in 0..3 {
        let _ = peek(&store, bob, &policy()).await;
    }
    remote.calls();
    let here = admitted(&store, bob, &policy()).await;
    let lost = store.settle(over_there, Settle::Clear, &policy()).await;
    assert!(matches!(lost, Err(FallbackError::Away)), "{lost:?}");
    assert_eq!(remote.calls(), 0);

    remote.is(UP);
    clock.advance(seconds(1));
    left(&store, locked, &policy()).await;
    assert!(!store.is_remote_away());
    // What was reserved here is settled here, whoever is back.
    assert!(!store.settle(here, Settle::Failure, &policy()).await.unwrap().stale);
    let state = peek(&store, bob, &policy()).await;
    assert_eq!((state.failures, state.in_flight), (3, 1), "of the settlement that was lost");
    remote.0.memory.clock.advance(seconds(30));
    assert_eq!(peek(&store, bob, &policy()).await.failures, 4, "it has become a failure");
}

#[tokio::test]
async fn one_at_a_time_finds_out_whether_it_is_back() {
    let (remote, store, clock) = node();
    remote.is(FAILS);
    let bob = key("bob");
    for _ in 0..3 {
        let _ = peek(&store, bob, &policy()).await;
    }
    remote.calls();
    remote.is(HANGS);
    clock.advance(seconds(1));
    let policy = policy();
    let all = (0..100).map(|_| peek(&store, bob, &policy));
    futures_util::future::join_all(all).await;
    assert_eq!(remote.calls(), 1);
    clock.advance(seconds(1));
    let _ = peek(&store, bob, &policy).await;
    assert_eq!(remote.calls(), 0, "the second rest is twice as long");
}

#[tokio::test]
async fn a_request_that_is_given_up_while_it_finds_out_does_not_keep_it_away() {
    let (remote, store, clock) = node();
    remote.is(FAILS);
    let bob = key("bob");
    for _ in 0..3 {
        let _ = peek(&store, bob, &policy()).await;
    }
    remote.is(HANGS);
    clock.advance(seconds(1));
    let policy = policy();
    let given_up = tokio::time::timeout(Duration::from_millis(5), peek(&store, bob, &policy));
    given_up.await.unwrap_err();
    // Nor any longer: whoever hangs up has found nothing out.
    remote.is(UP);
    let _ = peek(&store, bob, &policy).await;
    assert!(!store.is_remote_away());
}

#[tokio::test]
async fn a_closed_one_lets_nobody_in() {
    let remote = Remote::default();
    let store = Fallback::closed(remote.clone());
    let lockout = Lockout::builder(LockoutPolicy::default()).store(store).secret(&secret());
    let lockout = lockout.build().unwrap();
    let address = "203.0.113.1".parse().unwrap();
    let bob = Account::name("bob").unwrap();
    let attempt = lockout.begin(address).await.unwrap().account(&bob).await.unwrap();
    attempt.undecided().await;

    for state in [FAILS, HANGS] {
        remote.is(state);
        for _ in 0..10 {
            let begin = Instant::now();
            let denied = lockout.begin(address).await.err().unwrap();
            assert!(matches!(denied, NotAdmitted::Unavailable { .. }), "{denied:?}");
            assert_eq!(Refusal::from(denied).status(), 503);
            assert!(begin.elapsed() < seconds(1));
        }
    }
    assert!(lockout.unlock(&bob).await.is_err());
}

/// 400 million there, and a million million here: one clock's moments are no other's.
#[tokio::test]
async fn nothing_is_given_back_for_what_another_store_has_counted() {
    let (remote, store, clock) = node();
    let [total, _, own] = keys_of("bob");
    for (own_is_away, total_is_away) in [(true, false), (false, true)] {
        let is = async |away: bool| {
            remote.is(if away { FAILS } else { UP });
            clock.advance(seconds(60));
            for _ in 0..3 {
                let _ = peek(&store, total, &policy()).await;
            }
        };
        is(total_is_away).await;
        store.clear(total).await.err();
        fail(&store, total, &policy(), 3).await;
        is(own_is_away).await;
        fail(&store, own, &policy(), 3).await;
        let lease = admitted(&store, own, &policy()).await;
        let settled = store.settle(lease, Settle::Clear, &policy()).await.unwrap();
        assert_eq!(settled.failures, 3);

        is(total_is_away).await;
        let lease = admitted(&store, total, &policy()).await;
        let since = settled.since;
        let settle = Settle::GiveBack { failures: 3, since };
        assert!(!store.settle(lease, settle, &policy()).await.unwrap().stale);
        let state = peek(&store, total, &policy()).await;
        assert_eq!((state.failures, state.in_flight), (3, 0));

        let lease = admitted(&store, total, &policy()).await;
        let since = store.settle(lease, Settle::Release, &policy()).await.unwrap().since;
        let lease = admitted(&store, total, &policy()).await;
        let settle = Settle::GiveBack { failures: 1, since };
        store.settle(lease, settle, &policy()).await.unwrap();
        assert_eq!(peek(&store, total, &policy()).await.failures, 2, "but of the same");
    }
}

#[tokio::test]
async fn who_is_unlocked_is_unlocked_in_both_or_not_at_all() {
    let (remote, store, clock) = node();
    let bob = key("bob");
    fail(&store, bob, &policy(), LIMIT).await;
    remote.is(FAILS);
    for _ in 0..3 {
        let _ = peek(&store, bob, &policy()).await;
    }
    fail(&store, bob, &policy(), LIMIT).await;
    store.clear(bob).await.unwrap_err();
    let _ = admitted(&store, bob, &policy()).await;

    remote.is(UP);
    clock.advance(seconds(60));
    left(&store, bob, &policy()).await;
    store.clear(bob).await.unwrap();
    let _ = admitted(&store, bob, &policy()).await;
}

/// Not once for each login, of which there are many in an attack.
#[cfg(feature = "tracing")]
#[tokio::test]
async fn that_it_is_away_or_back_is_logged_once() {
    let log = std::env::temp_dir().join(format!("donjon-fallback-{}", std::process::id()));
    let file = std::fs::File::create(&log).unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(file));
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let (remote, store, clock) = node();
    for _ in 0..2 {
        for state in [FAILS, UP] {
            remote.is(state);
            for _ in 0..20 {
                clock.advance(seconds(10));
                let _ = peek(&store, key("bob"), &policy()).await;
            }
        }
    }
    drop(guard);
    let lines = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    let words = lines.lines().map(|line| line.rsplit(' ').next().unwrap());
    assert_eq!(words.collect::<Vec<_>>(), ["away", "back", "away", "back"], "{lines}");
}
