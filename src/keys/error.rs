//! What can be wrong with keys.

use super::KeyId;

/// Why a key, or a ring of keys, cannot be built. It never holds any of the key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key that can be guessed.
    #[error("a key of {len} bytes: use 32 or more, made by `openssl rand -base64 32`")]
    ShortKey {
        /// Its length.
        len: usize,
    },

    /// A key that is one byte over and over, such as a buffer that was never filled.
    #[error("the key is one byte repeated: make one with `openssl rand -base64 32`")]
    RepeatedByte,

    /// Text that is no base64.
    #[error(
        "the key is not in base64: use `A-Z a-z 0-9` and `+/` or `-_`, and `=` at the end alone"
    )]
    NotBase64,

    /// Text that is not hexadecimal.
    #[error("the key is not in hex: use two of `0-9 a-f` for each byte and nothing else")]
    NotHex,

    /// More keys than anybody rotates.
    #[error("{count} keys: keep at most 16, and leave out those past their date")]
    TooManyKeys {
        /// How many.
        count: usize,
    },

    /// More retired ids than can be of interest.
    #[error("{count} retired ids: keep at most 64, the latest")]
    TooManyRetired {
        /// How many.
        count: usize,
    },

    /// One key twice. Of two keys made at random it would be a rare accident that they share an id.
    #[error("two of the keys are the same, {id}: leave one out, or make a new one")]
    SameKey {
        /// The id of both.
        id: KeyId,
    },

    /// A key that is both in use and retired.
    #[error("the key {id} is in the ring and among the retired: take it out of one of them")]
    RetiredAndHeld {
        /// Its id.
        id: KeyId,
    },

    /// No such environment variable, or nothing in it.
    #[error(
        "the environment variable {name} is not set: put the output of `openssl rand -base64 32` there"
    )]
    NoVariable {
        /// Its name.
        name: String,
    },

    /// An environment variable that is no text.
    #[error("the environment variable {name} is not Unicode: write keys in base64")]
    NotUnicode {
        /// Its name.
        name: String,
    },

    /// A list of keys with a wrong one.
    #[error("key {position} of the list: {error}")]
    InList {
        /// Which, counted from 1.
        position: usize,
        /// What is wrong with it.
        error: Box<Self>,
    },

    /// A date on the first key of a list.
    #[error(
        "the active key has a date: write the newest key first, without `@`, and a date on all others"
    )]
    ActiveUntil,

    /// No date on another key of a list.
    #[error(
        "an older key without a date: write `key@2027-01-31T00:00:00Z`, until when it is accepted"
    )]
    NoDate,

    /// A date that cannot be read.
    #[error("the date after `@` cannot be read: write it as `2027-01-31T00:00:00Z`")]
    Date,
}
