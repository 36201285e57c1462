//! A Redis, or a Valkey, of each test's own, and the store in it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use donjon::lockout::{
    AttemptStore, Decision, Fallback, Key, KeyState, Lease, RedisStore, ScopePolicy, Settle,
    Settlement,
};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{Client, RedisError};
use tokio::process::{Child, Command};

use super::nodes::{Memory, Nodes};
use super::support::{PATIENCE, Scratch, program, skip};

mod cluster;
mod lockout;
mod model;
mod only;
mod outage;

/// The two that are kept up today, by their programs.
#[derive(Clone, Copy)]
pub(crate) enum Make {
    Redis,
    Valkey,
}

impl Make {
    const fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }
}

/// Listens on a free port of 127.0.0.1, writes nothing down but when told, and is killed with this
/// value.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    make: Make,
    child: Child,
    folder: Scratch,
    arguments: Vec<String>,
}

impl RedisServer {
    /// `None` where there is no `redis-server`, which is said aloud.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_as(Make::Redis, &[]).await
    }

    pub(crate) async fn start_as(make: Make, arguments: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if program(&[make.program()]).is_none() {
            skip("attempts in Redis", format_args!("{} is not installed", make.program()));
            return None;
        }
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let folder = Scratch::new(&format!("redis-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
            let port = free_port();
            let arguments: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
            let child = spawn(make, port, &folder, &arguments);
            let mut server = Self { port, make, child, folder, arguments };
            if server.is_up().await {
                return Some(server);
            }
        }
        panic!("{} does not start", make.program());
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        self.client().get_multiplexed_async_connection().await.unwrap()
    }

    /// As the documentation shows it.
    pub(crate) fn manager(&self) -> ConnectionManager {
        let config = ConnectionManagerConfig::new().set_number_of_retries(1);
        ConnectionManager::new_lazy_with_config(self.client(), config).unwrap()
    }

    /// `STOP`, `CONT`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args([format!("-{name}"), id]).status().await;
        assert!(status.unwrap().success());
    }

    /// As a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// On the same port, with what it had saved.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.make, self.port, &self.folder, &self.arguments);
        assert!(self.is_up().await);
    }

    async fn is_up(&mut self) -> bool {
        let client = self.client();
        let asking = async {
            loop {
                if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                    // Another server would not have this folder.
                    let folder: Result<(String, String), RedisError> = redis::cmd("CONFIG")
                        .arg("GET")
                        .arg("dir")
                        .query_async(&mut connection)
                        .await;
                    return folder.is_ok_and(|(_, dir)| self.folder.join("").starts_with(dir));
                }
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or(false)
    }
}

fn spawn(make: Make, port: u16, folder: &Scratch, arguments: &[String]) -> Child {
    Command::new(make.program())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no", "--dir", folder.join("").to_str().unwrap()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A command of words without spaces in them.
pub(crate) async fn command(connection: &mut MultiplexedConnection, words: &str) -> redis::Value {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    words.for_each(|word| {
        command.arg(word);
    });
    command.query_async(connection).await.unwrap()
}

/// Under which name a key is to be found.
pub(crate) fn name(key: Key) -> String {
    format!("donjon:{{{:032x}}}:{}", key.digest(), key.scope())
}

pub(crate) async fn everything(connection: &mut MultiplexedConnection) -> Vec<String> {
    redis::cmd("KEYS").arg("*").query_async(connection).await.unwrap()
}

/// Time passes for a record when its moments are set back. Two milliseconds more, since a moment is
/// rounded up, and what begins in one call may be over in the next.
pub(crate) async fn pass(connection: &mut MultiplexedConnection, name: &str, time: Duration) {
    const SET_BACK: &str = "
        local left = redis.call('PTTL', KEYS[1]) - ARGV[1]
        if left <= 0 then return redis.call('DEL', KEYS[1]) end
        for _, moment in ipairs({'s', 'o', 'e'}) do
          local then_ = tonumber(redis.call('HGET', KEYS[1], moment))
          if then_ > 0 then
            redis.call('HSET', KEYS[1], moment, string.format('%.0f', then_ - ARGV[1]))
          end
        end
        return redis.call('PEXPIRE', KEYS[1], string.format('%.0f', left))";
    let time = u64::try_from(time.as_millis()).unwrap() + 2;
    let mut script = redis::cmd("EVAL");
    script.arg(SET_BACK).arg(1).arg(name).arg(time);
    let _: i64 = script.query_async(connection).await.unwrap();
}

impl RedisServer {
    /// For all records that much time is over.
    async fn pass(&self, time: Duration) {
        let mut connection = self.connection().await;
        for name in everything(&mut connection).await {
            pass(&mut connection, &name, time).await;
        }
    }

    /// What it has of a key.
    async fn kept(&self, key: Key) -> String {
        let mut connection = self.connection().await;
        let fields: BTreeMap<String, String> =
            redis::cmd("HGETALL").arg(name(key)).query_async(&mut connection).await.unwrap();
        format!("{fields:?}")
    }
}

/// A server, and stores that are looked after.
pub(crate) struct Redis(pub(crate) RedisServer);

impl Nodes for Redis {
    type Store = Watched;

    async fn node(&self) -> Arc<Watched> {
        let store = RedisStore::new(self.0.connection().await);
        Arc::new(Watched { store, connection: self.0.connection().await })
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    async fn kept(&self, key: Key, _: &ScopePolicy) -> String {
        let mut connection = self.0.connection().await;
        let end: i64 =
            redis::cmd("PEXPIRETIME").arg(name(key)).query_async(&mut connection).await.unwrap();
        format!("{} until {end}", self.0.kept(key).await)
    }
}

pub(crate) struct RedisBehindFallback(pub(crate) RedisServer);

impl Nodes for RedisBehindFallback {
    type Store = Fallback<RedisStore<ConnectionManager>>;

    async fn node(&self) -> Arc<Self::Store> {
        let remote = RedisStore::new(self.0.manager());
        // A burst on a busy machine with two cores may keep the test, not the server, from answering.
        let store = Fallback::local_in(remote, Memory::default().store);
        Arc::new(store.deadline(Duration::from_secs(10)).unwrap())
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    async fn kept(&self, key: Key, _: &ScopePolicy) -> String {
        self.0.kept(key).await
    }
}

/// After whatever is done to it, a key is gone or has an end.
pub(crate) struct Watched {
    store: RedisStore<MultiplexedConnection>,
    connection: MultiplexedConnection,
}

impl Watched {
    async fn look(&self, key: Key, policy: &ScopePolicy) {
        let mut connection = self.connection.clone();
        let left: i64 =
            redis::cmd("PTTL").arg(name(key)).query_async(&mut connection).await.unwrap();
        let most = policy.longest_lock() + policy.lease_time() + policy.forget();
        let most = i64::try_from(most.as_millis()).unwrap() + 1010;
        assert!(left == -2 || (left > 0 && left <= most), "{left} ms left of {}", name(key));
    }
}

impl AttemptStore for Watched {
    type Error = RedisError;

    async fn reserve(&self, key: Key, policy: &ScopePolicy) -> Result<Decision, RedisError> {
        let decision = self.store.reserve(key, policy).await;
        self.look(key, policy).await;
        decision
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> Result<Settlement, RedisError> {
        let key = lease.key();
        let settlement = self.store.settle(lease, settle, policy).await;
        self.look(key, policy).await;
        settlement
    }

    async fn peek(&self, key: Key, policy: &ScopePolicy) -> Result<KeyState, RedisError> {
        let state = self.store.peek(key, policy).await;
        self.look(key, policy).await;
        state
    }

    async fn clear(&self, key: Key) -> Result<(), RedisError> {
        self.store.clear(key).await
    }
}
