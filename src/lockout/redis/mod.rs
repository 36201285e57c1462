//! The store of several machines.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError};

use self::script::{PEEK, RESERVE, SETTLE};
use super::store::{AttemptStore, Decision, KeyState, Lease, Settle, Settlement};
use super::{ConfigError, Key, ScopePolicy};

mod script;

/// Counts attempts in Redis or Valkey, for all servers that share it.
///
/// **The attack:** whoever finds ten servers behind one balancer has ten times the guesses, if each of
/// them counts for itself. And where they do share a counter, but ask it first and tell it afterwards, a
/// burst of two hundred is let in before the first of them is counted.
///
/// **What it does:** each operation is one script, which the server runs by itself: it looks, counts
/// and says when the record goes, in one step. So there is nothing between two commands for a burst
/// to slip into, and no record that stays because a server died halfway. The rules are those of the
/// [`MemoryStore`](super::MemoryStore), to the millisecond.
///
/// - The time is the server's own (`TIME` within the script). A client whose clock is an hour off locks
///   and unlocks nobody.
/// - A record is one hash, named `donjon:{32 hexadecimal digits}:account`. Names and addresses do not
///   stand in it, but what the lockout's [secret](super::LockoutBuilder::secret) has made of them.
/// - Each script has one key, with a hash tag: a cluster never has to say `CROSSSLOT`.
/// - What is denied is not written, not even when its record goes.
/// - A record is gone when there is nothing left to remember, and no later than its last lock or lease
///   and the policy's [`forget`](ScopePolicy::forget) after it.
/// - Limits come with each call. Another policy needs no migration.
/// - A server that has lost its scripts (`SCRIPT FLUSH`, a restart) is sent them again.
///
/// It takes any connection of the `redis` crate that can be cloned and shared: a `ConnectionManager`,
/// which connects anew when it has to, a `MultiplexedConnection`, or a `ClusterConnection`, with
/// whatever TLS and account the URL of it says. (That crate rather than `fred`: with the same job it
/// brings three quarters of the dependencies, and no older `rand` beside ours.)
///
/// Put a [`Fallback`](super::Fallback) around it. By itself it answers every attempt with 503 while the
/// server is away, and after the half second that the client waits by default
/// (`set_response_timeout`).
///
/// ```no_run
/// use donjon::keys::Key;
/// use donjon::lockout::{Fallback, Lockout, LockoutPolicy, RedisStore};
/// use redis::aio::{ConnectionManager, ConnectionManagerConfig};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open(std::env::var("REDIS_URL")?)?; // rediss://user:password@host
/// // Lazily, so that this server starts while that one is away; the pauses are the fallback's.
/// let config = ConnectionManagerConfig::new().set_number_of_retries(1);
/// let connection = ConnectionManager::new_lazy_with_config(client, config)?;
///
/// let secret = Key::from_bytes(&std::fs::read("/run/secrets/lockout")?)?;
/// let lockout = Lockout::builder(LockoutPolicy::default())
///     .store(Fallback::local(RedisStore::new(connection)))
///     .secret(&secret) // all servers have the same
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Deployment caveats
///
/// - **One for all.** Whatever the servers share has to be one: a Redis 5 or newer or a Valkey, several
///   behind Sentinel, or a cluster. Two Redis servers that know nothing of each other are two limits.
///   A `ConnectionManager` connects to the address it was given: behind Sentinel that is one that
///   follows the primary.
/// - **A dead host says nothing.** A connection to it seems to be open until the system gives up, on Linux
///   after a quarter of an hour, unless the client's `TcpSettings` have a `set_user_timeout`. Until then
///   the `Fallback` decides.
/// - **A failover may forget the last moments.** Replication is asynchronous. What was counted in the
///   moments before a failover, and has not reached the replica, is not counted; leases of that time are
///   over, and nothing counts below zero. `min-replicas-to-write` and `min-replicas-max-lag` say how long
///   those moments may be.
/// - **Memory.** A record takes 184 bytes (`MEMORY USAGE`), 250 with its places in the server's tables,
///   and a failed login leaves up to five. An attacker chooses how many names there are, so set
///   `maxmemory`, and with it `maxmemory-policy noeviction`: then a server that is full lets no new name
///   in, which a `Fallback` takes for an outage. With any other policy whoever fills the memory flushes
///   locks out. If a cache has to live in the same server, `volatile-ttl` is the least bad: what would be
///   forgotten soonest goes first.
/// - **Clocks of a cluster.** Its servers have a clock each, and a login that was right gives failures
///   back to one key by what the clock of another said. Keep them in step (NTP): within the
///   difference a few failures too many or too few may be given back. Locks are not concerned.
/// - **Who may write there may unlock.** Give it a user of its own (ACL: `EVALSHA`, `EVAL`, `HMGET`, `HSET`,
///   `PEXPIRE`, `DEL`, `TIME` on `donjon:*`), and TLS where the network is not yours alone.
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    prefix: Arc<str>,
}

impl<C> RedisStore<C> {
    /// Counts by way of this connection.
    pub fn new(connection: C) -> Self {
        Self { connection, prefix: Arc::from("donjon") }
    }

    /// What the keys begin with, instead of `donjon`: for several applications that share a server.
    pub fn prefix(self, prefix: &str) -> Result<Self, ConfigError> {
        let is_fine = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.bytes().all(is_fine) {
            return Err(ConfigError::Prefix { prefix: prefix.to_owned() });
        }
        Ok(Self { prefix: Arc::from(prefix), ..self })
    }

    /// The braces say which part a cluster chooses the server by.
    fn name(&self, key: Key) -> String {
        format!("{}:{{{:032x}}}:{}", self.prefix, key.digest(), key.scope())
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> AttemptStore for RedisStore<C> {
    type Error = RedisError;

    async fn reserve(&self, key: Key, policy: &ScopePolicy) -> Result<Decision, Self::Error> {
        let mut connection = self.connection.clone();
        let answer: (u64, u64) =
            RESERVE.run(&mut connection, &self.name(key), &limits(policy)).await?;
        match answer {
            (0, generation) => Ok(Decision::Admitted(Lease::new(key, generation))),
            (1, _) => Ok(Decision::Busy),
            (2, left) => Ok(Decision::Locked { left: Duration::from_millis(left) }),
            _ => Err((ErrorKind::UnexpectedReturnType, "not an answer of this script").into()),
        }
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> Result<Settlement, Self::Error> {
        let (end, count, begun) = match settle {
            Settle::Failure => (0, 0, 0),
            Settle::Release => (1, 0, 0),
            Settle::Clear => (2, 0, 0),
            Settle::GiveBack { failures, since } => (3, failures.into(), since),
        };
        let mut arguments = limits(policy).to_vec();
        arguments.extend([lease.number(), end, count, begun]);
        let mut connection = self.connection.clone();
        let (stale, failures, since, lock): (u64, u32, u64, u64) =
            SETTLE.run(&mut connection, &self.name(lease.key()), &arguments).await?;
        Ok(Settlement {
            stale: stale != 0,
            failures,
            since,
            locked: (lock > 0).then(|| Duration::from_millis(lock)),
        })
    }

    async fn peek(&self, key: Key, policy: &ScopePolicy) -> Result<KeyState, Self::Error> {
        let mut connection = self.connection.clone();
        let (failures, in_flight, left): (u32, u32, u64) =
            PEEK.run(&mut connection, &self.name(key), &limits(policy)).await?;
        Ok(KeyState {
            failures,
            in_flight,
            locked: (left > 0).then(|| Duration::from_millis(left)),
        })
    }

    async fn clear(&self, key: Key) -> Result<(), Self::Error> {
        let mut connection = self.connection.clone();
        redis::cmd("DEL").arg(self.name(key)).query_async(&mut connection).await
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A connection may know a password.
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// What each script is told, in the order of `record.lua`.
fn limits(policy: &ScopePolicy) -> [u64; 8] {
    [
        policy.limit().into(),
        policy.further().into(),
        millis(policy.lock_after(0)),
        millis(policy.longest_lock()),
        millis(policy.forget()),
        policy.is_gradual().into(),
        millis(policy.lease_time()).div_ceil(2),
        generation(),
    ]
}

/// Rounded up: no lock is shorter than the policy says.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// One that no other server gives, below 2⁶³ and not 0.
fn generation() -> u64 {
    (rand::random::<u64>() >> 1).max(1)
}

const MAX_PREFIX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_leaves_the_hash_tag_alone() {
        for prefix in ["", "a{b", "}", "a b", "a\n", "é", &"x".repeat(65)] {
            let error = RedisStore::new(()).prefix(prefix).unwrap_err();
            assert!(error.to_string().contains(": "), "{error}");
        }
        assert!(RedisStore::new(()).prefix("club:login").is_ok());
    }

    #[test]
    fn debug_does_not_look_into_the_connection() {
        let shown = format!("{:?}", RedisStore::new("redis://:hunter2@host"));
        assert_eq!(shown, r#"RedisStore { prefix: "donjon", .. }"#);
    }

    #[test]
    fn what_lasts_less_than_a_millisecond_lasts_one() {
        assert_eq!(millis(Duration::from_nanos(1_000_001)), 2);
        assert_eq!(millis(Duration::from_secs(1)), 1000);
    }
}
