//! Two servers of an app, each with its own lockout, that share a Redis.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use donjon::lockout::{
    Account, Attempt, Fallback, Lockout, LockoutPolicy, NotAdmitted, RedisStore, Scope,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::super::contract::seconds;
use super::super::nodes::{Memory, secret};
use super::RedisServer;

fn lockout(server: &RedisServer, policy: LockoutPolicy) -> Lockout {
    let store = Fallback::local_in(RedisStore::new(server.manager()), Memory::default().store);
    // As in the contract: it is not the deadline that is tried here.
    let store = store.deadline(seconds(10)).unwrap();
    Lockout::builder(policy).store(store).secret(&secret()).build().unwrap()
}

fn address(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

async fn attempt(node: &Lockout, last: u8) -> Result<Attempt, NotAdmitted> {
    node.begin(address(last)).await?.account(&Account::name("bob").unwrap()).await
}

async fn fail(node: &Lockout, last: u8, times: u32) {
    for _ in 0..times {
        attempt(node, last).await.unwrap().fail().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_at_one_account_looks_at_n_passwords() {
    let Some(server) = RedisServer::start().await else { return };
    let nodes = [0, 1].map(|_| lockout(&server, LockoutPolicy::default()));
    let start = Arc::new(Barrier::new(200));
    let mut burst = JoinSet::new();
    for index in 0..200_u8 {
        let (start, node) = (Arc::clone(&start), nodes[usize::from(index % 2)].clone());
        burst.spawn(async move {
            start.wait().await;
            // From everywhere, so that the account's own limit of twenty is what holds.
            let Ok(attempt) = attempt(&node, index).await else { return 0 };
            tokio::time::sleep(Duration::from_millis(5)).await;
            attempt.fail().await;
            1
        });
    }
    assert_eq!(burst.join_all().await.into_iter().sum::<u32>(), 20);
    for node in nodes {
        let denied = attempt(&node, 250).await.err().unwrap();
        assert!(matches!(denied, NotAdmitted::Locked { scope: Scope::Account, .. }), "{denied:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_counts_another_forgives() {
    let Some(server) = RedisServer::start().await else { return };
    let [one, other] = [0, 1].map(|_| lockout(&server, LockoutPolicy::default()));
    let bob = Account::name("bob").unwrap();
    fail(&one, 66, 3).await;
    fail(&other, 1, 2).await;
    let settled = attempt(&one, 1).await.unwrap().succeed().await;
    assert_eq!(settled.prior_failures, 5);
    // Its own two, and not those of the stranger.
    let status = other.peek(&bob).await.unwrap();
    assert_eq!((status.account.failures, status.account.in_flight, status.in_a_row), (3, 0, 0));
    assert_eq!(one.peek_at(&bob, address(66)).await.unwrap().failures, 3);

    fail(&one, 66, 2).await;
    attempt(&other, 66).await.err().unwrap();
    one.unlock(&bob).await.unwrap();
    attempt(&other, 66).await.unwrap().undecided().await;
}

/// Nobody waits for a store that is dropped: its lease says it all.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_has_failed_when_its_lease_is_over() {
    let Some(server) = RedisServer::start().await else { return };
    let policy = LockoutPolicy::default().lease(Duration::from_millis(250)).unwrap();
    let node = lockout(&server, policy);
    let bob = Account::name("bob").unwrap();
    for _ in 0..3 {
        drop(attempt(&node, 1).await.unwrap());
    }
    assert_eq!(node.peek(&bob).await.unwrap().account.in_flight, 3);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let account = node.peek(&bob).await.unwrap().account;
    assert_eq!((account.failures, account.in_flight), (3, 0));
}
