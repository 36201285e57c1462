//! What is of no concern to a memory: scripts that are lost, names, ends of keys, users, a full server.

use std::time::{Duration, Instant};

use donjon::lockout::{
    AttemptStore, Decision, Fallback, KeyState, RedisStore, ScopePolicy, Settle,
};

use super::super::contract::{LIMIT, admitted, fail, left, peek, policy, reserve, seconds};
use super::super::nodes::{Memory, key, keys};
use super::super::support::tell;
use super::{Make, RedisServer, command, everything, name, pass};

#[tokio::test]
async fn a_redis_that_has_forgotten_the_scripts_is_sent_them_again() {
    a_server_that_has_forgotten_the_scripts_is_sent_them_again(Make::Redis).await;
}

#[tokio::test]
async fn a_valkey_that_has_forgotten_the_scripts_is_sent_them_again() {
    a_server_that_has_forgotten_the_scripts_is_sent_them_again(Make::Valkey).await;
}

async fn a_server_that_has_forgotten_the_scripts_is_sent_them_again(make: Make) {
    let Some(server) = RedisServer::start_as(make, &[]).await else { return };
    let mut connection = server.connection().await;
    let (store, bob) = (RedisStore::new(server.connection().await), key("bob"));
    for _ in 0..LIMIT {
        command(&mut connection, "SCRIPT FLUSH").await;
        let lease = admitted(&store, bob, &policy()).await;
        command(&mut connection, "SCRIPT FLUSH").await;
        store.settle(lease, Settle::Failure, &policy()).await.unwrap();
        command(&mut connection, "SCRIPT FLUSH").await;
        peek(&store, bob, &policy()).await;
    }
    left(&store, bob, &policy()).await;
}

#[tokio::test]
async fn no_name_stands_in_a_key_and_each_has_its_hash_tag() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    let clubs = store.clone().prefix("club").unwrap();
    let mut expected = Vec::new();
    for key in keys("bob") {
        fail(&store, key, &policy(), 1).await;
        fail(&clubs, key, &policy(), 2).await;
        assert_eq!(peek(&store, key, &policy()).await.failures, 1);
        expected.extend([name(key), name(key).replace("donjon", "club")]);
    }
    let mut found = everything(&mut connection).await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// Not even the same once more, which would go to every replica.
#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    let (locked, busy, over) = (key("locked"), key("busy"), key("over"));
    fail(&store, locked, &policy(), LIMIT).await;
    for _ in 0..LIMIT {
        let _ = admitted(&store, busy, &policy()).await;
    }
    let late = admitted(&store, over, &policy()).await;
    pass(&mut connection, &name(over), seconds(30)).await;
    let mut writes = async || {
        let info = command(&mut connection, "INFO persistence").await;
        let info: String = redis::from_redis_value(info).unwrap();
        let line = info.lines().find(|line| line.starts_with("rdb_changes_since_last_save"));
        line.unwrap().to_owned()
    };
    let before = writes().await;
    for _ in 0..10 {
        left(&store, locked, &policy()).await;
        assert_eq!(reserve(&store, busy, &policy()).await, Decision::Busy);
        for key in [locked, busy, over, key("nobody")] {
            peek(&store, key, &policy()).await;
        }
    }
    assert!(store.settle(late, Settle::Failure, &policy()).await.unwrap().stale);
    store.clear(key("nobody")).await.unwrap();
    assert_eq!(writes().await, before);
}

/// In time as it passes, without anybody setting a moment back.
#[tokio::test]
async fn locks_leases_and_keys_end_by_themselves() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    let policy = ScopePolicy::new(1, seconds(1), seconds(1)).unwrap();
    let policy = policy.lease(Duration::from_millis(250)).unwrap();

    let locked = key("locked");
    let begin = Instant::now();
    fail(&store, locked, &policy, 1).await;
    let abandoned = key("abandoned");
    let late = admitted(&store, abandoned, &policy).await;
    let mut denied = 0;
    let lease = loop {
        match store.reserve(locked, &policy).await.unwrap() {
            Decision::Admitted(lease) => break lease,
            Decision::Locked { left, .. } => {
                denied += 1;
                tokio::time::sleep(left.min(Duration::from_millis(300))).await;
            }
            Decision::Busy => panic!(),
        }
    };
    assert!(denied > 2 && begin.elapsed() >= seconds(1), "{denied} in {:?}", begin.elapsed());
    store.settle(lease, Settle::Release, &policy).await.unwrap();
    assert!(store.settle(late, Settle::Clear, &policy).await.unwrap().stale);

    // The longest: a lease, a lock, what it takes to forget, and a second more.
    tokio::time::sleep(Duration::from_millis(250 + 1000 + 1000 + 1000 + 100)).await;
    assert_eq!(everything(&mut connection).await, Vec::<String>::new());
}

/// After a failover, or when somebody sets the clock: what lies in the future is not believed.
#[tokio::test]
async fn a_clock_that_was_set_back_locks_nobody_for_longer_than_the_longest() {
    const YEARS: u64 = 10 * 365 * 86_400_000;
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    let mut later = async |account: &str, moments: &[&str]| {
        for moment in moments {
            command(&mut connection, &format!("HINCRBY {} {moment} {YEARS}", name(key(account))))
                .await;
        }
    };
    fail(&store, key("locked"), &policy(), LIMIT).await;
    later("locked", &["s", "o", "e"]).await;
    let Decision::Locked { left } = store.reserve(key("locked"), &policy()).await.unwrap() else {
        panic!();
    };
    assert!(left <= policy().longest_lock());

    for _ in 0..LIMIT {
        let _ = admitted(&store, key("under way"), &policy()).await;
    }
    later("under way", &["e"]).await;
    // The end of their leases is reckoned from now, and so is whatever is remembered.
    assert_eq!(store.reserve(key("under way"), &policy()).await.unwrap(), Decision::Busy);
    let gradual = policy().forgetting_gradually();
    fail(&store, key("failed"), &gradual, 2).await;
    later("failed", &["s", "o"]).await;
    fail(&store, key("failed"), &gradual, 1).await;
    let mut end = redis::cmd("PTTL");
    let end: u64 = end.arg(name(key("failed"))).query_async(&mut connection).await.unwrap();
    assert!(end <= 961_001, "{end}");
    pass(&mut connection, &name(key("failed")), seconds(120)).await;
    assert_eq!(peek(&store, key("failed"), &gradual).await.failures, 2);
}

#[tokio::test]
async fn as_many_are_under_way_as_in_memory() {
    let Some(server) = RedisServer::start().await else { return };
    let store = RedisStore::new(server.connection().await);
    let (memory, many) =
        (Memory::default().store, ScopePolicy::new(1000, seconds(60), seconds(600)));
    let many = many.unwrap();
    for _ in 0..255 {
        let _ = admitted(&store, key("bob"), &many).await;
        let _ = admitted(&memory, key("bob"), &many).await;
    }
    assert_eq!(reserve(&store, key("bob"), &many).await, Decision::Busy);
    assert_eq!(reserve(&memory, key("bob"), &many).await, Decision::Busy);
}

#[tokio::test]
async fn a_user_who_may_do_just_this_will_do() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let user = "ACL SETUSER club on >pencil resetkeys ~donjon:* resetchannels -@all +eval +evalsha \
                +hmget +hset +pexpire +del +time";
    command(&mut connection, &user.split_whitespace().collect::<Vec<_>>().join(" ")).await;
    let url = format!("redis://club:pencil@127.0.0.1:{}", server.port);
    let client = redis::Client::open(url).unwrap();
    let store = RedisStore::new(client.get_multiplexed_async_connection().await.unwrap());
    fail(&store, key("bob"), &policy(), LIMIT).await;
    left(&store, key("bob"), &policy()).await;
    store.clear(key("bob")).await.unwrap();
    assert_eq!(peek(&store, key("bob"), &policy()).await, KeyState::default());
    let elsewhere = store.prefix("elsewhere").unwrap();
    elsewhere.reserve(key("bob"), &policy()).await.unwrap_err();
}

#[tokio::test]
async fn a_full_server_lets_nobody_in_and_forgets_no_lock() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    fail(&store, key("locked"), &policy(), LIMIT).await;
    command(&mut connection, "CONFIG SET maxmemory 1 maxmemory-policy noeviction").await;
    store.reserve(key("new"), &policy()).await.unwrap_err();
    let locked = store.reserve(key("locked"), &policy()).await;
    assert!(!matches!(locked, Ok(Decision::Admitted(_) | Decision::Busy)), "{locked:?}");
    let here = Fallback::local(store);
    fail(&here, key("new"), &policy(), LIMIT).await;
    left(&here, key("new"), &policy()).await;
    command(&mut connection, "CONFIG SET maxmemory 0").await;
    assert_eq!(everything(&mut connection).await, [name(key("locked"))]);
}

/// What the documentation says of costs: printed, and held to a generous limit.
#[tokio::test]
async fn costs() {
    let Some(server) = RedisServer::start().await else { return };
    let mut connection = server.connection().await;
    let store = RedisStore::new(server.connection().await);
    let mut bytes = Vec::new();
    for (account, failures) in [("a", 1), ("b", 4), ("c", LIMIT)] {
        fail(&store, key(account), &policy(), failures).await;
        let used: u64 = redis::cmd("MEMORY")
            .arg(&["USAGE", &name(key(account))])
            .query_async(&mut connection)
            .await
            .unwrap();
        bytes.push(used);
    }
    assert!(bytes.iter().all(|bytes| *bytes < 256), "{bytes:?}");

    let mut pings = Vec::new();
    let mut steps = Vec::new();
    for index in 0..500 {
        let begin = Instant::now();
        command(&mut connection, "PING").await;
        pings.push(begin.elapsed());
        let key = key(&format!("bob {}", index / 4));
        let begin = Instant::now();
        let lease = admitted(&store, key, &policy()).await;
        store.settle(lease, Settle::Failure, &policy()).await.unwrap();
        steps.push(begin.elapsed() / 2);
    }
    pings.sort();
    steps.sort();
    let stats = command(&mut connection, "INFO commandstats").await;
    let stats: String = redis::from_redis_value(stats).unwrap();
    let server_side = stats.lines().find(|line| line.starts_with("cmdstat_evalsha")).unwrap();
    tell(format_args!(
        "a record takes {bytes:?} bytes, a step {:?} (a PING {:?}); {server_side}",
        steps[steps.len() / 2],
        pings[pings.len() / 2],
    ));
}
