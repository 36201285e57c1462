//! Three servers that have a third of the keys each.

use std::time::Duration;

use donjon::lockout::{AttemptStore, Decision, Key, KeyState, RedisStore, Settle};
use redis::cluster::ClusterClientBuilder;
use tokio::task::JoinSet;

use super::super::contract::{LIMIT, admitted, fail, left, peek, policy};
use super::super::nodes::key;
use super::super::support::PATIENCE;
use super::{Make, RedisServer, command, everything, free_port};

/// `None` where there is no such server.
async fn cluster(make: Make) -> Option<Vec<RedisServer>> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let bus = free_port();
        let options = ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()];
        servers.push((RedisServer::start_as(make, &options).await?, bus));
    }
    for (index, (server, _)) in servers.iter().enumerate() {
        let (other, bus) = &servers[(index + 1) % servers.len()];
        let last = if index == 2 { 16_383 } else { index * 5461 + 5460 };
        for words in [
            format!("CLUSTER ADDSLOTSRANGE {} {last}", index * 5461),
            format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1),
            format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port),
        ] {
            command(&mut server.connection().await, &words).await;
        }
    }
    let agree = async {
        for (server, _) in &servers {
            let mut connection = server.connection().await;
            loop {
                let info = command(&mut connection, "CLUSTER INFO").await;
                let info: String = redis::from_redis_value(info).unwrap();
                if info.contains("cluster_state:ok") && info.contains("cluster_size:3") {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, agree).await.expect("the three agree");
    Some(servers.into_iter().map(|(server, _)| server).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_is_where_a_redis_cluster_looks_for_it() {
    each_key_is_where_the_cluster_looks_for_it(Make::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_is_where_a_valkey_cluster_looks_for_it() {
    each_key_is_where_the_cluster_looks_for_it(Make::Valkey).await;
}

async fn each_key_is_where_the_cluster_looks_for_it(make: Make) {
    let Some(servers) = cluster(make).await else { return };
    let nodes = servers.iter().map(|server| format!("redis://127.0.0.1:{}", server.port));
    // Without redirections and second tries: what is not right at once is an error.
    let client = ClusterClientBuilder::new(nodes).retries(0).build().unwrap();
    let store = RedisStore::new(client.get_async_connection().await.unwrap());
    let keys: Vec<Key> = (0..60).map(|index| key(&format!("user {index}"))).collect();
    let mut tasks = JoinSet::new();
    for key in keys {
        let store = store.clone();
        tasks.spawn(async move {
            let lease = admitted(&store, key, &policy()).await;
            let settled = store.settle(lease, Settle::Release, &policy()).await.unwrap();
            assert!(!settled.stale);
            fail(&store, key, &policy(), LIMIT).await;
            left(&store, key, &policy()).await;
            assert_eq!(peek(&store, key, &policy()).await.failures, u32::from(LIMIT));
            store.clear(key).await.unwrap();
            assert_eq!(peek(&store, key, &policy()).await, KeyState::default());
            fail(&store, key, &policy(), 1).await;
        });
    }
    tasks.join_all().await;
    let mut total = 0;
    for server in &servers {
        let here = everything(&mut server.connection().await).await.len();
        assert!(here > 0, "sixty keys, and none is here");
        total += here;
    }
    assert_eq!(total, 60);

    // 200 wrong ones at once, of whom each node of the app knows half.
    let other = RedisStore::new(client.get_async_connection().await.unwrap());
    let mut burst = JoinSet::new();
    for index in 0..200 {
        let store = if index % 2 == 0 { store.clone() } else { other.clone() };
        burst.spawn(async move {
            let decision = store.reserve(key("bob"), &policy()).await.unwrap();
            matches!(decision, Decision::Admitted(_))
        });
    }
    let evaluated = burst.join_all().await.into_iter().filter(|evaluated| *evaluated).count();
    assert_eq!(evaluated, usize::from(LIMIT));
}
