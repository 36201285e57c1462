//! The scripts against the memory: whatever is done in whatever order, both say the same.

use std::time::Duration;

use donjon::lockout::{AttemptStore, Decision, KeyState, Lease, RedisStore, ScopePolicy, Settle};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::aio::MultiplexedConnection;

use super::super::contract::{LIMIT, peek, policy, reserve, seconds};
use super::super::nodes::{Memory, Nodes as _, key};
use super::{RedisServer, name, pass};

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Action {
    Reserve,
    /// The lease of this index, modulo how many there are.
    Settle(usize, End),
    /// So many times ten seconds, as are all times of the policy: the few milliseconds between what
    /// is asked of the one and of the other matter nowhere.
    Wait(u64),
    Clear,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Failure,
    Release,
    Clear,
    /// So many, since then: at first, when the last settlement said, or now.
    GiveBack(u32, Since),
}

#[derive(Clone, Copy, Debug)]
enum Since {
    First,
    Said,
    Now,
}

fn action() -> impl Strategy<Value = Action> {
    let since = prop_oneof![Just(Since::First), Just(Since::Said), Just(Since::Now)];
    let end = prop_oneof![
        6 => Just(End::Failure),
        2 => Just(End::Release),
        1 => Just(End::Clear),
        2 => (1..4_u32, since).prop_map(|(failures, since)| End::GiveBack(failures, since)),
    ];
    prop_oneof![
        10 => Just(Action::Reserve),
        10 => (any::<usize>(), end).prop_map(|(lease, end)| Action::Settle(lease, end)),
        3 => (1..8_u64).prop_map(Action::Wait),
        2 => (8..65_u64).prop_map(Action::Wait),
        1 => Just(Action::Clear),
    ]
}

/// Both stores, and what each has said.
struct Pair {
    memory: Memory,
    redis: RedisStore<MultiplexedConnection>,
    connection: MultiplexedConnection,
    leases: Vec<(Lease, Lease)>,
    /// The last moment that each has named.
    said: (u64, u64),
}

impl Pair {
    async fn act(&mut self, action: Action, name: &str, policy: &ScopePolicy) {
        let key = key("bob");
        match action {
            Action::Wait(tens) => {
                self.memory.pass(seconds(10 * tens)).await;
                let time = seconds(10 * tens);
                pass(&mut self.connection, name, time).await;
                let back = u64::try_from(time.as_millis()).unwrap() + 2;
                self.said.1 = self.said.1.saturating_sub(back);
            }
            Action::Reserve => {
                let here = reserve(&self.memory.store, key, policy).await;
                let there = reserve(&self.redis, key, policy).await;
                match (here, there) {
                    (Decision::Admitted(here), Decision::Admitted(there)) => {
                        self.leases.push((here, there));
                    }
                    (Decision::Busy, Decision::Busy) => {}
                    (Decision::Locked { left: here }, Decision::Locked { left: there }) => {
                        near(Some(here), Some(there));
                    }
                    (here, there) => panic!("{here:?} {there:?}"),
                }
            }
            Action::Settle(index, end) if !self.leases.is_empty() => {
                let (here, there) = self.leases.swap_remove(index % self.leases.len());
                let (end, same_end) = self.ends(end);
                let here = self.memory.store.settle(here, end, policy).await.unwrap();
                let there = self.redis.settle(there, same_end, policy).await.unwrap();
                assert_eq!(
                    (here.stale, here.failures, here.locked),
                    (there.stale, there.failures, there.locked)
                );
                // Where there are none, nobody asks since when.
                if here.failures > 0 {
                    self.said = (here.since, there.since);
                }
            }
            Action::Settle(..) => {}
            Action::Clear => {
                AttemptStore::clear(&self.memory.store, key).await.unwrap();
                self.redis.clear(key).await.unwrap();
            }
        }
    }

    fn ends(&self, end: End) -> (Settle, Settle) {
        match end {
            End::Failure => (Settle::Failure, Settle::Failure),
            End::Release => (Settle::Release, Settle::Release),
            End::Clear => (Settle::Clear, Settle::Clear),
            End::GiveBack(failures, since) => {
                let (here, there) = match since {
                    Since::First => (0, 0),
                    Since::Said => self.said,
                    Since::Now => (u64::MAX, u64::MAX),
                };
                let settle = |since| Settle::GiveBack { failures, since };
                (settle(here), settle(there))
            }
        }
    }
}

/// No further apart than what the test took.
#[track_caller]
fn near(here: Option<Duration>, there: Option<Duration>) {
    let is_near = match (here, there) {
        (Some(here), Some(there)) => here.abs_diff(there) < seconds(5),
        (here, there) => here == there,
    };
    assert!(is_near, "{here:?} {there:?}");
}

async fn compare(actions: &[Action], policy: &ScopePolicy, server: &RedisServer) {
    let connection = server.connection().await;
    let redis = RedisStore::new(connection.clone());
    redis.clear(key("bob")).await.unwrap();
    let name = name(key("bob"));
    let memory = Memory::default();
    let mut pair = Pair { memory, redis, connection, leases: Vec::new(), said: (0, 0) };
    for action in actions {
        pair.act(*action, &name, policy).await;
        let here: KeyState = peek(&pair.memory.store, key("bob"), policy).await;
        let there = peek(&pair.redis, key("bob"), policy).await;
        assert_eq!((here.failures, here.in_flight), (there.failures, there.in_flight));
        if here.failures == 0 {
            // The next count may begin in this same moment, of which one of them knows more exactly.
            pair.said = (0, 0);
        }
        near(here.locked, there.locked);
    }
}

#[test]
fn the_scripts_and_the_memory_agree() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let Some(server) = runtime.block_on(RedisServer::start()) else { return };
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(200) });
    let input = (prop::collection::vec(action(), 1..60), 1..=LIMIT, any::<bool>());
    let result = runner.run(&input, |(actions, then, gradually)| {
        let policy = policy().then(then).unwrap();
        let policy = if gradually { policy.forgetting_gradually() } else { policy };
        runtime.block_on(compare(&actions, &policy, &server));
        Ok(())
    });
    result.unwrap();
}
