//! placeholder

pub use self::account::Account;
pub use self::attempt::{Attempt, LoginAttempt, NotAdmitted, Settled};
pub use self::builder::LockoutBuilder;
pub use self::device::{Device, DeviceCookies};
pub use self::error::{ConfigError, InvalidAccount};
#[cfg(feature = "password")]
pub(crate) use self::flight::Ending;
pub(crate) use self::flight::Flight;
pub use self::guard::{AccountStatus, Lockout};
pub use self::key::{Key, Scope};
pub(crate) use self::layer::Gate;
#[doc(hidden)]
pub use self::layer::LoginMemo;
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::layer::NO_ATTEMPT;
pub use self::layer::{LegacyStatus, LoginLockout};
pub use self::memory::{MemoryStatus, MemoryStore};
pub use self::policy::{LockoutPolicy, ScopePolicy};
pub use self::snapshot::SnapshotError;
pub use self::store::{
    AtOnce, AttemptStore, Decision, KeyState, Lease, Settle, Settlement, StoreError,
};
pub use self::throttle::{Throttle, TooMany};
pub use self::unlock::{UnlockError, UnlockTokens};

mod account;
mod attempt;
mod builder;
mod device;
mod error;
mod flight;
mod guard;
mod key;
mod layer;
mod memory;
mod policy;
mod record;
mod snapshot;
mod store;
mod table;
mod throttle;
mod unlock;
