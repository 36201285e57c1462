//! A Redis that is killed, hangs, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use donjon::clock::{Clock, ManualClock};
use donjon::lockout::{AttemptStore, Decision, Fallback, Key, RedisStore, Settle};
use redis::aio::ConnectionManager;
use tokio::net::TcpListener;

use super::super::contract::{LIMIT, admitted, fail, left, peek, policy, reserve, seconds};
use super::super::nodes::{Memory, key};
use super::super::support::PATIENCE;
use super::{RedisServer, everything};

type Node = Fallback<RedisStore<ConnectionManager>>;

/// The clock is that of the rests.
fn node(server: &RedisServer) -> (Node, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let store = Fallback::local_in(RedisStore::new(server.manager()), Memory::default().store);
    (store.clock(Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

/// How many of a hundred are evaluated, none of them much later than the deadline of 50 ms.
async fn evaluated(store: &Node, key: Key) -> u16 {
    let mut evaluated = 0;
    for _ in 0..100 {
        let begin = Instant::now();
        let decision = reserve(store, key, &policy()).await;
        assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
        if let Decision::Admitted(lease) = decision {
            evaluated += 1;
            store.settle(lease, Settle::Failure, &policy()).await.unwrap();
        }
    }
    evaluated
}

async fn recover(store: &Node, clock: &ManualClock) {
    let begin = Instant::now();
    while store.is_remote_away() {
        assert!(begin.elapsed() < PATIENCE, "it is not back");
        clock.advance(seconds(60));
        let _ = peek(store, key("nobody"), &policy()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nothing of it is below zero.
async fn no_count_is_negative(server: &RedisServer) {
    let mut connection = server.connection().await;
    for name in everything(&mut connection).await {
        let counts: Vec<i64> = redis::cmd("HMGET")
            .arg(&[&name, "f", "n", "c"])
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(counts.iter().all(|count| *count >= 0), "{name}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again() {
    let Some(mut server) = RedisServer::start().await else { return };
    let ((one, clock), (other, _)) = (node(&server), node(&server));
    let (locked, bob) = (key("locked"), key("bob"));
    fail(&one, locked, &policy(), LIMIT).await;
    fail(&one, bob, &policy(), 2).await;
    assert_eq!(peek(&other, bob, &policy()).await.failures, 2, "they share it");
    let lease = admitted(&one, bob, &policy()).await;
    let saved: String =
        redis::cmd("SAVE").query_async(&mut server.connection().await).await.unwrap();
    assert_eq!(saved, "OK");

    server.kill().await;
    // In its place, something that hangs up on whoever connects.
    let attempts = Arc::new(AtomicUsize::new(0));
    let dead = TcpListener::bind(("127.0.0.1", server.port)).await.unwrap();
    let counter = Arc::clone(&attempts);
    let dead = tokio::spawn(async move {
        while dead.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    for node in [&one, &other] {
        assert_eq!(evaluated(node, bob).await, LIMIT, "each node has its own");
        assert!(node.is_remote_away());
    }
    one.settle(lease, Settle::Clear, &policy()).await.unwrap_err();
    // Two nodes, each with three failures and what its client tries once more behind them.
    let attempts = attempts.load(Ordering::SeqCst);
    assert!((1..=14).contains(&attempts), "{attempts} connections for 200 requests");
    dead.abort();
    let _ = dead.await;

    server.restart().await;
    recover(&one, &clock).await;
    left(&one, locked, &policy()).await;
    let state = peek(&one, bob, &policy()).await;
    assert_eq!((state.failures, state.in_flight), (2, 1), "as it was saved");
    no_count_is_negative(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging() {
    let Some(server) = RedisServer::start().await else { return };
    let (store, clock) = node(&server);
    let (locked, bob) = (key("locked"), key("bob"));
    fail(&store, locked, &policy(), LIMIT).await;
    let lease = admitted(&store, bob, &policy()).await;

    server.signal("STOP").await;
    assert_eq!(evaluated(&store, bob).await, LIMIT);
    store.settle(lease, Settle::Clear, &policy()).await.unwrap_err();
    server.signal("CONT").await;

    recover(&store, &clock).await;
    left(&store, locked, &policy()).await;
    let state = peek(&store, bob, &policy()).await;
    // Its own that could not be settled, and up to three that were given up and carried out all the
    // same.
    assert!(state.failures == 0 && (1..=4).contains(&state.in_flight), "{state:?}");
    no_count_is_negative(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thrown_out_by_the_server() {
    let Some(server) = RedisServer::start().await else { return };
    let (store, clock) = node(&server);
    let bob = key("bob");
    fail(&store, bob, &policy(), LIMIT).await;
    let mut connection = server.connection().await;
    for _ in 0..5 {
        let _: i64 = redis::cmd("CLIENT")
            .arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"])
            .query_async(&mut connection)
            .await
            .unwrap();
        let decision = reserve(&store, bob, &policy()).await;
        // Once from here, as there are no failures here yet.
        assert!(!matches!(decision, Decision::Busy), "{decision:?}");
        recover(&store, &clock).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    left(&store, bob, &policy()).await;
    no_count_is_negative(&server).await;
}
