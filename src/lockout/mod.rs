//! Login attempts, counted before they are looked at: no more are let in than may fail.
//!
//! **The attack.** A dictionary, tried at one account; two hundred guesses that arrive in the same
//! millisecond, before the first failure is written down; the same from ten thousand addresses, or
//! spelled in ten ways. One password, tried at every account. A prankster who fails ten times a day, so
//! that the owner never gets in. A million names that are nobody's, until the table of failures has
//! no more room for those that are somebody's. And a lock that only real accounts have is a list of
//! them.
//!
//! **The rule.** PCI DSS 4.0.1, 8.3.4 (at most 10 attempts, at least 30 minutes); NIST
//! [SP 800-63B-4], 3.2.2 (at most 100 failures in a row, then the authenticator is disabled); [ASVS 5.0],
//! 6.1.1, 6.3.1, 6.3.5 and 6.3.8; OWASP's [Authentication Cheat Sheet] and [device cookies].
//!
//! - **N means N.** [`Lockout`] reserves a guess, the app verifies it, and [`Attempt`] says what came of
//!   it. What is under way counts as if it had failed, so a burst of any size has N guesses evaluated; an
//!   attempt for which there is no room is [`Busy`](NotAdmitted::Busy) for a second, which is no lock: logins
//!   that are right all get in. An attempt that is dropped, by a panic, a client that has hung up or a
//!   handler that forgot, has failed.
//! - **Four counters**, each with a [policy](LockoutPolicy): the address (IPv6 by its /64) and the accounts
//!   it fails at, the account at this address, the account from everywhere. A login that is right takes
//!   back what its own source has failed, and nothing of what others have.
//! - **Strangers lock nobody out**: a browser that has [logged in before](DeviceCookies) has a counter of
//!   its own in place of the last two.
//! - A lock ends when it says. A denied attempt writes nothing and makes no lock longer; the right
//!   password during a lock is not looked at.
//! - Failures **in a row** are counted as well, whatever is forgotten in between. At
//!   [so many](LockoutPolicy::in_a_row) the app is [told](LockoutBuilder::on_exhausted).
//! - **Nobody learns which accounts exist**: names that are nobody's are counted, locked and answered
//!   like all others. No name is stored, only 128 bits that a secret has made of it.
//! - **Memory is bounded**, and a flood flushes nobody out: see [`MemoryStore`]. A restart is no
//!   amnesty if the store is [saved](MemoryStore::save). For several servers there is a store in Redis
//!   (feature `redis`), or [one of yours](AttemptStore).
//! - One account has one counter [however its name is spelled](Account).
//!
//! [`Login`](crate::login::Login) does all of it in one call, passwords included; [`LoginLockout`] is the
//! layer for the login's route. [`Throttle`] is for what is no login: registration, sending e-mail.
//! [*Operating lockout*](operating) tells what users see, how to unlock and what to watch.
//!
//! What it does not do: it looks at no password, and asks no CAPTCHA. It does not lock an account for
//! good, since that is a line in your table of users. An attacker with more addresses than you have users
//! gets N guesses at each account, each time its lock is over; `in_a_row` is what ends that.
//!
//! # Deployment caveats
//!
//! An address is worth what [`TrustedProxies`](crate::client::TrustedProxies) makes of it: behind a proxy
//! that nobody has said to believe, everybody has the proxy's address and is locked together; and where
//! any client's header is believed, nobody is.
//!
//! The memory store counts for one process. Two processes behind a load balancer allow twice as many
//! guesses.
//!
//! # Example
//!
//! The three steps by hand:
//!
//! ```
//! use std::net::IpAddr;
//!
//! use donjon::lockout::{Account, Lockout, LockoutPolicy, NotAdmitted};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lockout = Lockout::builder(LockoutPolicy::pci_dss()).build()?;
//! let address = IpAddr::from([203, 0, 113, 9]); // of a `Client`
//! let ann = Account::name("ann@example.com")?;
//!
//! for _ in 0..10 {
//!     let attempt = lockout.begin(address).await?.account(&ann).await?; // counted
//!     let is_right = false; // here the password is looked at
//!     if is_right {
//!         attempt.succeed().await;
//!     } else {
//!         attempt.fail().await;
//!     }
//! }
//! let denied = lockout.begin(address).await?.account(&ann).await.unwrap_err();
//! assert!(matches!(denied, NotAdmitted::Locked { .. }));
//! assert_eq!(denied.retry_after().as_secs(), 30 * 60);
//! # Ok(())
//! # }
//! ```
//!
//! [SP 800-63B-4]: https://pages.nist.gov/800-63-4/sp800-63b.html
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x15-V6-Authentication.md
//! [Authentication Cheat Sheet]:
//!     https://cheatsheetseries.owasp.org/cheatsheets/Authentication_Cheat_Sheet.html
//! [device cookies]:
//!     https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies

pub use self::account::Account;
pub use self::admin::AccountStatus;
pub use self::attempt::{Attempt, LoginAttempt, NotAdmitted, Settled};
pub use self::builder::LockoutBuilder;
pub use self::device::{Device, DeviceCookies};
pub use self::error::{ConfigError, InvalidAccount};
pub use self::fallback::{Fallback, FallbackError};
#[cfg(feature = "password")]
pub(crate) use self::flight::Ending;
pub(crate) use self::flight::Flight;
pub(crate) use self::gate::Gate;
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::gate::NO_ATTEMPT;
pub use self::guard::Lockout;
pub use self::key::{Key, Scope};
pub use self::layer::LoginLockout;
#[doc(hidden)]
pub use self::layer::LoginMemo;
pub use self::legacy::LegacyStatus;
pub use self::memory::{MemoryStatus, MemoryStore};
pub use self::policy::ScopePolicy;
pub use self::presets::LockoutPolicy;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::snapshot::SnapshotError;
pub use self::store::{
    AtOnce, AttemptStore, Decision, KeyState, Lease, Settle, Settlement, StoreError,
};
pub use self::throttle::{Throttle, TooMany};
pub use self::unlock::{Redeemed, UnlockError, UnlockTokens};

mod account;
mod admin;
mod attempt;
mod breaker;
mod builder;
mod device;
mod error;
mod fallback;
mod flight;
mod gate;
mod guard;
mod key;
mod layer;
mod legacy;
mod memory;
#[cfg(doc)]
#[doc = include_str!("operating.md")]
pub mod operating {}
mod policy;
mod presets;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod settling;
mod snapshot;
mod store;
mod table;
mod throttle;
mod unlock;
