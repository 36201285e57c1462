//! Cookies that say what this server has said, and nothing else.
//!
//! **The attack.** A cookie is kept by the client, who can write into it what he likes; so can, often,
//! whoever has a sibling domain. A value that is merely signed can still be moved: what was signed as
//! a nickname is shown as a role, what was meant for one application is shown to another, what a
//! user was is shown after he no longer is.
//!
//! **The rule.** OWASP ASVS 5.0, 9.1 (a token's integrity, before anything in it is believed) and 9.2
//! (its time, and that it was made for this purpose and this audience); 11.3 (authenticated
//! encryption alone).
//!
//! - [`Sealer`] makes text of bytes that only it can make, [signed](Sealer::signed) or
//!   [encrypted](Sealer::encrypted), and opens it again.
//! - What is sealed is bound to the application, the purpose, the name of the cookie, whom it is for,
//!   and a time of expiry.
//! - Keys are those of a [`KeyRing`](crate::keys::KeyRing), and can be replaced while requests run.
//!   What an older one has sealed is opened, and is to be [sealed anew](Opened::needs_reseal).
//! - A client learns that a value does not open, and not why. [`OpenError::reason`] is for the log.
//! - A value too long for a browser is an error when it is made, not a cookie that never comes back.
//!
//! What it does not do: it keeps nobody from showing a value again for as long as it lives. Who has to
//! end a session before its time keeps a list, of those that have ended or of those that go on.
//!
//! # Example
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use donjon::cookies::{SealContext, Sealer};
//! use donjon::keys::{Key, KeyRing};
//!
//! let ring = KeyRing::new(Key::from_base64("XmNyZFw7mPQAmFBJj3zGnEQDnyTzmxTQNTUoGiZVjOM=")?)?;
//! let sealer = Sealer::signed(&ring, "shop", "session")?;
//! let session = SealContext::new("__Host-session");
//!
//! let now = SystemTime::now();
//! let in_an_hour = now + Duration::from_secs(3600);
//! let value = sealer.seal(&session, b"ann", in_an_hour, now)?;
//!
//! let opened = sealer.open(&session, &value, now)?;
//! assert_eq!(*opened.payload, b"ann");
//! assert!(!opened.needs_reseal);
//!
//! // In another cookie it is nothing, and an hour later neither.
//! assert!(sealer.open(&SealContext::new("role"), &value, now).is_err());
//! assert!(sealer.open(&session, &value, in_an_hour).is_err());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub use self::error::{ConfigError, OpenError, OpenReason, SealError};
pub use self::opened::{Opened, SealContext};
pub use self::sealer::Sealer;

mod error;
mod opened;
mod sealer;
mod subkeys;
#[cfg(test)]
mod tests;
