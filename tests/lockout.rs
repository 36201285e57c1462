//! The lockout, by its public interface: what attackers do to it, and what its users see.

#![cfg(all(feature = "actix", feature = "axum", feature = "lockout", feature = "password"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use donjon::clock::ManualClock;
use donjon::event::{EventLog, EventName, MemorySink};
use donjon::lockout::{
    Account, Lockout, LockoutBuilder, LockoutPolicy, NotAdmitted, ScopePolicy, Settled,
};

mod both;

#[path = "lockout/abuse.rs"]
mod abuse;
#[path = "lockout/admin.rs"]
mod admin;
#[path = "lockout/burst.rs"]
mod burst;
#[path = "lockout/facade.rs"]
mod facade;
#[path = "lockout/full_table.rs"]
mod full_table;
#[path = "lockout/keys.rs"]
mod keys;
#[path = "lockout/layer.rs"]
mod layer;
#[path = "lockout/memory.rs"]
mod memory;
#[path = "lockout/reviewed.rs"]
mod reviewed;
#[path = "lockout/throttle.rs"]
mod throttle;

/// How many wrong guesses are evaluated.
const N: u32 = 5;
const LIMIT: u16 = 5;
const N_USIZE: usize = 5;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The nth of many addresses.
fn stranger(n: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + n).to_be_bytes())
}

fn account(name: &str) -> Account {
    Account::name(name).unwrap()
}

/// N guesses at an account at an address, as many from everywhere, and no limit for an address.
fn policy() -> LockoutPolicy {
    let scope = ScopePolicy::new(LIMIT, minutes(10), minutes(60)).unwrap();
    LockoutPolicy::default()
        .address(None)
        .accounts_of_address(None)
        .account_at_address(scope.clone())
        .account(scope)
}

/// A lockout, its clock, and what its log was told.
struct House {
    lockout: Lockout,
    clock: Arc<ManualClock>,
    sink: MemorySink,
}

impl House {
    fn new(policy: LockoutPolicy) -> Self {
        Self::with(policy, |builder| builder)
    }

    fn with(policy: LockoutPolicy, more: impl FnOnce(LockoutBuilder) -> LockoutBuilder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let sink = MemorySink::default();
        let log =
            EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
        let builder = Lockout::builder(policy).clock(clock.clone()).log(&log);
        Self { lockout: more(builder).build().unwrap(), clock, sink }
    }

    async fn fail(&self, name: &str, from: IpAddr) -> Result<Settled, NotAdmitted> {
        Ok(self.lockout.begin(from).await?.account(&account(name)).await?.fail().await)
    }

    async fn succeed(&self, name: &str, from: IpAddr) -> Result<Settled, NotAdmitted> {
        Ok(self.lockout.begin(from).await?.account(&account(name)).await?.succeed().await)
    }

    /// How many wrong guesses are evaluated before one is turned away, up to 1000.
    async fn guesses(&self, name: &str, from: impl Fn(u32) -> IpAddr) -> u32 {
        for guess in 0..1000 {
            if self.fail(name, from(guess)).await.is_err() {
                return guess;
            }
        }
        1000
    }

    fn count(&self, name: EventName) -> usize {
        self.sink.events().iter().filter(|event| event.name() == name).count()
    }
}
