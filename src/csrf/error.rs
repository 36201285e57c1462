//! What cannot be configured.

use std::time::Duration;

use crate::cookies;
use crate::path::NoPath;

/// Why requests cannot be checked so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// What is no origin.
    #[error(
        "{value:?} is no origin: write scheme, host and a port that is not the usual one, and nothing after \
         it, such as https://club.example; a name in another script as xn--..."
    )]
    Origin {
        /// What was given.
        value: String,
    },

    /// An origin without https, whose pages anybody on the way can write.
    #[error(
        "{value:?}: whoever sits on the way can be this origin: use https; http is for localhost"
    )]
    PlainHttp {
        /// What was given.
        value: String,
    },

    /// A list of origins with nothing in it.
    #[error(
        "no origins: name the one under which people see the site, such as https://club.example"
    )]
    NoOrigins,

    /// A path that no request can have.
    #[error(
        "{value:?} is no path: write it whole, from its slash, as a request has it: /pay/notify"
    )]
    Path {
        /// What was given.
        value: String,
    },

    /// An exemption, and nobody says why.
    #[error("{path:?} is exempt without a reason: say in a few words what proves its requests")]
    NoReason {
        /// The path.
        path: String,
    },

    /// A path that is exempt from a check, and for which the check is asked.
    #[error("{path:?} is exempt, and is to be checked: choose one")]
    ExemptAndChecked {
        /// The path.
        path: String,
    },

    /// Tokens for everybody alike, which protect nobody.
    #[error("tokens have no session to belong to: name its cookie with protect_cookies first")]
    NothingToBindTo,

    /// A rule about tokens without tokens.
    #[error("there are no tokens that this could be about: call tokens first")]
    NoTokens,

    /// A lifetime of nothing, or of more than a token may live.
    #[error("{lifetime:?} is no lifetime of a token: choose from 1 second to 400 days")]
    Lifetime {
        /// What was given.
        lifetime: Duration,
    },

    /// What cannot be the name of a cookie or of an application.
    #[error(transparent)]
    Cookies(#[from] cookies::ConfigError),
}

impl From<NoPath> for ConfigError {
    fn from(NoPath(value): NoPath) -> Self {
        Self::Path { value }
    }
}
