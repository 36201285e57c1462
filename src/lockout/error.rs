//! What can be wrong with a policy, and with a name.

use std::time::Duration;

/// Why a lockout cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody could log in, or everybody could guess.
    #[error(
        "{limit} guesses, and {then} after a lock: choose from 1 to 65534, and after a lock no more \
         than before"
    )]
    Limit {
        /// How many at first.
        limit: u16,
        /// How many after a lock.
        then: u16,
    },

    /// A lock that does not hold, or does not end.
    #[error(
        "a lock of {lock:?}, up to {longest:?}: choose from a second to 30 days, and the longest last"
    )]
    Lock {
        /// The first.
        lock: Duration,
        /// The longest.
        longest: Duration,
    },

    /// Failures that are forgotten at once, or never.
    #[error("failures forgotten after {forget:?}: choose from a second to 400 days")]
    Forget {
        /// What was given.
        forget: Duration,
    },

    /// A time that is too short to verify a password in, or longer than failures are remembered.
    #[error(
        "attempts that may take {lease:?}, where all is forgotten after {forget:?}: choose from a \
         quarter of a second to an hour, and less than it takes to forget"
    )]
    Lease {
        /// What was given.
        lease: Duration,
        /// When failures are forgotten.
        forget: Duration,
    },

    /// A table that holds nothing, or takes all memory.
    #[error("{slots} slots: choose from 1024 to 67108864; see how many bytes each takes")]
    Capacity {
        /// What was given.
        slots: usize,
    },

    /// Several servers, each with a secret of its own, would count each for itself.
    #[error(
        "a store for several servers needs a secret that they share: give one by `secret`, 32 random \
         bytes from a file or the environment"
    )]
    NoSecret,

    /// A name for what is counted apart from passwords.
    #[error("purpose {purpose:?}: give it a name, such as \"password\" or \"totp\"")]
    Purpose {
        /// What was given.
        purpose: String,
    },

    /// A beginning of keys that a cluster would misread.
    #[error(
        "keys that begin with {prefix:?}: choose from 1 to 64 visible ASCII characters but braces"
    )]
    Prefix {
        /// What was given.
        prefix: String,
    },

    /// A deadline or a rest of no time, or one that nobody waits for.
    #[error(
        "a deadline of {deadline:?} and a rest of {rest:?}: choose from a millisecond to a minute"
    )]
    Fallback {
        /// How long the store may take.
        deadline: Duration,
        /// How long it is left alone after it has failed.
        rest: Duration,
    },

    /// A rate that lets nobody through, or everybody.
    #[error("{requests} requests in {period:?}: choose at least one, in a millisecond to 30 days")]
    Rate {
        /// How many.
        requests: u32,
        /// In which time.
        period: Duration,
    },

    /// The cookie of a device cannot be made.
    #[error(transparent)]
    Cookie(#[from] crate::cookies::ConfigError),
}

/// Why a text is no account's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccount {
    /// There is nothing in it, or nothing that can be seen.
    #[error("the account has no name")]
    Empty,
    /// It is longer than any name.
    #[error("the account's name is longer than 320 bytes")]
    TooLong,
    /// It has a NUL or another control character.
    #[error("the account's name has a control character")]
    Control,
}
