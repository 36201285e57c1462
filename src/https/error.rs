//! What cannot be configured.

use crate::path::NoPath;

/// Why https or hosts cannot be configured so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// What is no host.
    #[error(
        "{value:?} is no host: write a name, such as club.example or club.example:8443, or an address"
    )]
    Host {
        /// What was given.
        value: String,
    },

    /// A wildcard that is not the whole first label.
    #[error(
        "{value:?}: a wildcard stands for whole labels before a name of two or more: write *.club.example"
    )]
    Wildcard {
        /// What was given.
        value: String,
    },

    /// A list of hosts with nothing in it.
    #[error("no hosts: name at least the one by which people come, such as club.example")]
    NoHosts,

    /// A path that no request can have.
    #[error("{value:?} is no path: write it whole, from its slash, as a request has it: /healthz")]
    Path {
        /// What was given.
        value: String,
    },

    /// What is no name of a header.
    #[error("{value:?} is no name of a header: write it as x-api-key")]
    HeaderName {
        /// What was given.
        value: String,
    },
}

impl From<NoPath> for ConfigError {
    fn from(NoPath(value): NoPath) -> Self {
        Self::Path { value }
    }
}
