//! What can be wrong with a log.

/// Why a log, or its key, cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A log that nobody reads.
    #[error("no sink: add one with `sink`, or say with `discard` that nobody is to hear of events")]
    NoSink,

    /// Two sinks of one name. A report of a sink's failure has to say which.
    #[error("two sinks are called {name:?}: give each a name of its own")]
    DuplicateSink {
        /// The name.
        name: String,
    },

    /// A name that cannot be printed.
    #[error(
        "{name:?} is no name for a sink: use 1 to 64 bytes without control characters and \
         line separators"
    )]
    SinkName {
        /// The name as given.
        name: String,
    },

    /// A queue too short to keep an eighth for what is critical, or too long to be meant.
    #[error("a queue of {slots} slots: use 8 to 1048576")]
    QueueSlots {
        /// The number as given.
        slots: usize,
    },

    /// The operating system gives no thread for a sink.
    #[error("no thread for the sink {sink:?}: {reason}; raise the limit on threads")]
    Thread {
        /// The sink's name.
        sink: String,
        /// What the operating system says.
        reason: String,
    },

    /// A key of zeros: a buffer that was never filled.
    #[error("the key is all zero: fill it with random bytes, or use `TagKey::random`")]
    ZeroKey,
}
