//! What can be wrong, and what can go wrong.

use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;

use crate::refusal::Refusal;

/// Why something for passwords cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Hashes that are guessed fast.
    #[error(
        "{memory_kib} KiB and {passes} passes are too little work: take 19456 KiB and 2 passes, or \
         another row of OWASP's, such as 47104 KiB and 1 or 7168 KiB and 5"
    )]
    Weak {
        /// The memory.
        memory_kib: u32,
        /// The passes.
        passes: u32,
    },

    /// Parameters that Argon2 does not have, or that nobody waits for.
    #[error(
        "{memory_kib} KiB, {passes} passes and {lanes} lanes: take at least 8 KiB for each lane and \
         at most 4 GiB, 1 to 1000 passes and 1 to 255 lanes"
    )]
    Impossible {
        /// The memory.
        memory_kib: u32,
        /// The passes.
        passes: u32,
        /// The lanes.
        lanes: u32,
    },

    /// Not one password can be hashed.
    #[error(
        "a budget of {budget} bytes, and one password takes {needed}: raise the budget, or choose \
         parameters with less memory"
    )]
    Budget {
        /// What was given.
        budget: u64,
        /// What one takes.
        needed: u64,
    },

    /// No password at once, or more than any machine computes.
    #[error("{given} passwords at once: choose from 1 to 1024, and no more than there are cores")]
    Concurrency {
        /// What was given.
        given: usize,
    },

    /// A queue that holds more than anybody waits for.
    #[error("a queue of {given}: choose at most 65536, as many as are hashed in a few seconds")]
    Queue {
        /// What was given.
        given: usize,
    },

    /// The system gives no thread.
    #[error("no thread for passwords: {kind}; raise the limit, or give a pool by `blocking`")]
    Thread {
        /// What the system says.
        kind: io::ErrorKind,
    },

    /// A length that shuts out passwords that are to be allowed, or lets in those that are not.
    #[error("from {min} to {max} characters: begin at {floor} or more, and end at 64 to 1024")]
    Length {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
        /// What the least may be at least.
        floor: usize,
    },

    /// Passwords that are to be changed sooner than they are remembered.
    #[error("a password cannot be too old after {max_age:?}: choose a day or more")]
    MaxAge {
        /// What was given.
        max_age: Duration,
    },
}

/// Why a password was not looked at. It is neither right nor wrong: do not count it as a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// More passwords wait than the queue holds.
    #[error("too many passwords are being verified: try again in {retry_after:?}")]
    Busy {
        /// When there is likely room again: a second or more.
        retry_after: Duration,
    },
    /// The pool has dropped the work: most likely the server is shutting down.
    #[error("the pool that verifies passwords has stopped")]
    Stopped,
    /// The system gives no memory. The memory budget is too large for this machine.
    #[error("there is no memory to verify a password in")]
    Memory,
    /// The computation has failed or panicked.
    #[error("the computation has failed")]
    Failed,
}

impl Unavailable {
    /// As it stands in a log: `busy`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Stopped => "stopped",
            Self::Memory => "no memory",
            Self::Failed => "failed",
        }
    }
}

/// A 503, and a `Retry-After` where it is known.
impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, unavailable.as_str());
        match unavailable {
            Unavailable::Busy { retry_after } => refusal.retry_after(retry_after),
            _ => refusal,
        }
    }
}

/// Why there is no hash of a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// There is nothing to hash.
    #[error("the password is empty")]
    Empty,
    /// It is longer than [`Password::MAX_LEN`](super::Password::MAX_LEN).
    #[error("the password is longer than 4096 bytes")]
    TooLong,
    /// It was not looked at.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is wrong with a stored hash. No login succeeds with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unreadable {
    /// It is no hash of Argon2id or Argon2i in the one way it is written.
    Malformed,
    /// It asks for more work or memory than is given to one password.
    TooCostly,
    /// It was made with a pepper, and that key is not in the ring, or there is no ring.
    UnknownPepper,
    /// The time of its pepper's key is over.
    RetiredPepper,
}

impl Unreadable {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooCostly => "asks for more than is accepted",
            Self::UnknownPepper => "its pepper is unknown",
            Self::RetiredPepper => "its pepper is retired",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
