//! What can be wrong with cookies, and with sealed values.

use std::fmt;
use std::time::Duration;

use crate::client::Host;

/// Why something for cookies cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An application or a purpose without a name. What has none is confused with others.
    #[error("the {what} has no name: say what it is, such as \"shop\" or \"session\"")]
    NoName {
        /// `application` or `purpose`.
        what: &'static str,
    },

    /// What is no name of a cookie, nor the beginning of one.
    #[error("{name:?} is no name of a cookie: write letters, digits and !#$%&'*+-.^_`|~")]
    Name {
        /// What was given.
        name: &'static str,
    },

    /// One name with two rules.
    #[error("{name:?} has a rule already: put both into one")]
    Twice {
        /// What was given.
        name: &'static str,
    },

    /// Nothing to guard.
    #[error("no names: guard at least the session's cookie")]
    NoNames,

    /// Scripts cannot read what the prefix forbids them.
    #[error("{name:?}: browsers refuse a cookie with this prefix that scripts can read")]
    ReadableByScripts {
        /// The name.
        name: &'static str,
    },

    /// The prefix asks for another path.
    #[error("{name:?}: browsers refuse a cookie with this prefix unless its path is /")]
    PrefixPath {
        /// The name.
        name: &'static str,
    },

    /// Sent to other sites, and not.
    #[error("{name:?} is both cross-site and strict: choose one")]
    CrossSiteAndStrict {
        /// The name.
        name: &'static str,
    },

    /// Sent to other sites, and nobody says why.
    #[error("{name:?} is cross-site without a reason: say in a few words who needs it")]
    NoReason {
        /// The name.
        name: &'static str,
    },

    /// What is no path of a cookie.
    #[error("{path:?} is no path of a cookie: begin it with a slash, and have no ; in it")]
    Path {
        /// What was given.
        path: &'static str,
    },

    /// A lifetime of nothing, or of more than browsers keep.
    #[error("{seconds} seconds are no lifetime: choose from 1 second to 400 days")]
    Lifetime {
        /// What was given.
        seconds: u64,
    },

    /// A value that is to be good for longer than its sealer seals.
    #[error(
        "{name:?} is sealed for longer than the sealer's {limit:?}: ask for less, or raise `max_lifetime`"
    )]
    SealedTooLong {
        /// The name.
        name: &'static str,
        /// What the sealer allows.
        limit: Duration,
    },

    /// A name without the prefix that its declaration states, or with another.
    #[error(
        "{name:?} does not begin with {prefix:?}, or says more: write the name whole, or declare another prefix"
    )]
    Prefix {
        /// The name.
        name: &'static str,
        /// What is declared.
        prefix: &'static str,
    },

    /// What is no domain of a cookie.
    #[error(
        "{domain:?} is no domain of a cookie: write club.example, in lower case and without a port"
    )]
    Domain {
        /// What was given.
        domain: &'static str,
    },

    /// A size that no cookie of this name has.
    #[error("{name:?} cannot have {bytes} bytes: choose from the length of its name to 4096")]
    Size {
        /// The name.
        name: &'static str,
        /// What was given.
        bytes: usize,
    },

    /// The lifetime is kept, and shortened.
    #[error("{name:?} both keeps its lifetime and has a longest one: choose one")]
    LifetimeTwice {
        /// The name.
        name: &'static str,
    },
}

/// Why a value cannot be sealed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A cookie that browsers would ignore.
    #[error(
        "the cookie {name:?} has {len} bytes of name and value, and browsers take {limit}: put less into it"
    )]
    TooLarge {
        /// The cookie's name.
        name: String,
        /// Its name and value, in bytes.
        len: usize,
        /// How many are taken.
        limit: usize,
    },

    /// A life longer than the policy allows.
    #[error("it would live for {lifetime:?}, and {limit:?} is allowed: let it expire sooner")]
    TooFar {
        /// How long.
        lifetime: Duration,
        /// How long is allowed.
        limit: Duration,
    },

    /// A life that is over before it begins.
    #[error("it would have expired already: let it expire a second from now or later")]
    Past,
}

/// Why a cookie cannot be set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// It has no name, or one that is none.
    #[error("{name:?} is no name of a cookie: write letters, digits and !#$%&'*+-.^_`|~")]
    Name {
        /// The name.
        name: String,
    },

    /// Its value would be changed, or would change the cookie.
    #[error(
        "the cookie {name:?} has a value that browsers would not give back: seal it, or leave out \
         spaces, quotes, commas, semicolons, backslashes and all that is not ASCII"
    )]
    Value {
        /// The cookie's name.
        name: String,
    },

    /// It has an attribute that browsers ignore or read as another.
    #[error(
        "the cookie {name:?} has an attribute that browsers ignore: mend its path, domain or time"
    )]
    Attribute {
        /// The cookie's name.
        name: String,
    },

    /// Browsers would ignore it.
    #[error(
        "the cookie {name:?} has {len} bytes of name and value, and {limit} are taken: put less into it"
    )]
    TooLarge {
        /// The cookie's name.
        name: String,
        /// Its name and value, in bytes.
        len: usize,
        /// How many are taken.
        limit: usize,
    },

    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),

    /// The head of the response has been sent.
    #[error(
        "the response is on its way, so the cookie {name:?} would not be in it: set it earlier"
    )]
    TooLate {
        /// The cookie's name.
        name: String,
    },
}

/// Why a cookie that came is not read. To the client all cases are alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cookie is not valid")]
#[non_exhaustive]
pub enum ReadError {
    /// There are several of the name, and nobody knows which is meant.
    Ambiguous,
    /// Its value does not open.
    Sealed(#[from] OpenError),
    /// What is in it is none of its type.
    Value,
}

impl ReadError {
    /// As it stands in a log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Sealed(error) => error.reason().as_str(),
            Self::Value => "not of its type",
        }
    }
}

/// A value does not open. To the client all cases are alike; [`reason`](Self::reason) is for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the value is not valid")]
pub struct OpenError {
    reason: OpenReason,
}

impl OpenError {
    pub(super) const fn new(reason: OpenReason) -> Self {
        Self { reason }
    }

    /// Why. Not for the client.
    #[must_use]
    pub const fn reason(&self) -> OpenReason {
        self.reason
    }
}

/// Why a value does not open.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OpenReason {
    /// It is nothing that this kind of sealer has made: too short, too long, not in base64, or of the
    /// other kind.
    Malformed,
    /// It names a key that is not in the ring: left out too early, of another server, or made up.
    UnknownKey,
    /// It names a key whose time is over, or that is said to be retired. It may be genuine or not.
    RetiredKey,
    /// It was changed, or sealed for another application, purpose, cookie or audience.
    Tampered,
    /// It is genuine, and its time is over.
    Expired,
}

impl OpenReason {
    /// As it stands in a log: `unknown_key`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::RetiredKey => "retired_key",
            Self::Tampered => "tampered",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for OpenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that can be sent: a token (RFC 9110, section 5.6.2).
pub(crate) fn check_name(name: &'static str) -> Result<(), ConfigError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(ConfigError::Name { name });
    }
    Ok(())
}

/// A path that a cookie can have.
pub(super) fn check_path(path: &'static str) -> Result<(), ConfigError> {
    let is_sent = |byte: u8| byte != b';' && (b' '..0x7f).contains(&byte);
    let is_path = path.starts_with('/') && path == path.trim() && path.len() <= 1024;
    if !is_path || !path.bytes().all(is_sent) {
        return Err(ConfigError::Path { path });
    }
    Ok(())
}

/// A domain that a cookie can have: a name in lower case, and no address.
pub(super) fn check_domain(domain: &'static str) -> Result<(), ConfigError> {
    let is_domain = Host::parse(domain.as_bytes()).is_some_and(|host| {
        !host.is_address()
            && host.port().is_none()
            && host.name() == domain
            && !domain.ends_with('.')
    });
    if is_domain { Ok(()) } else { Err(ConfigError::Domain { domain }) }
}
