//! stub

pub use self::error::ConfigError;
pub use self::guard::CardGuard;
pub use self::heads::CardHeads;
#[doc(hidden)]
pub use self::heads::HeadsMemo;
pub use self::network::Network;
pub use self::scanner::{Finding, Scanner};
pub use self::scrub::{Scrubbing, scrub};
#[cfg(feature = "tracing")]
pub use self::trace::ScrubbedFields;
pub(crate) use self::watch::{Filter, Stop, Stopped};

mod error;
mod escape;
mod fields;
mod guard;
mod heads;
mod hit;
mod multipart;
mod name;
mod network;
mod run;
mod scanner;
mod scrub;
mod symbol;
#[cfg(test)]
mod tests;
#[cfg(feature = "tracing")]
mod trace;
mod watch;
