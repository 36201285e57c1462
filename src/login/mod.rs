//! A login in one call that cannot be put together in the wrong order.
//!
//! **The attack.** A login has half a dozen steps, and each order but one is a hole. Whoever looks up the
//! user first and hashes only if there is one tells strangers who has an account. Whoever verifies
//! first and counts later lets two hundred guesses through that come at the same time. Whoever
//! hashes whatever comes runs out of memory, and whoever gives up because the client has hung up
//! forgets the failure.
//!
//! **The rule.** OWASP's [Authentication Cheat Sheet]; [ASVS 5.0], 6.3.1 (guessing is stopped), 6.3.5
//! (users are told of failures before a login), 6.3.8 (no difference in text, status or time).
//!
//! [`Login::verify`] takes a name, an address or a [`LoginAttempt`](crate::lockout::LoginAttempt), a
//! password and a look-up, and does, in this order:
//!
//! 1. makes the name canonical, and refuses what can be none;
//! 2. counts the attempt for its address, unless [`LoginLockout`](crate::lockout::LoginLockout) has;
//! 3. finds the account that the name leads to, if there is a [resolver](Login::resolve);
//! 4. counts it for the account, at this address and from everywhere, or for a browser that is known;
//! 5. asks the look-up for the user and the hash: never for one that is locked;
//! 6. verifies the password, with the [same work](crate::password#equal-work) for everybody, and no more
//!    at once than the machine bears;
//! 7. says to each counter what came of it, even if the client has hung up.
//!
//! | outcome | what it means | answer |
//! | --- | --- | --- |
//! | [`Granted`](Outcome::Granted) | it is the user | sign him in |
//! | [`Denied`](Outcome::Denied) | it is not, for a reason that nobody is told | 401, the same words for everybody |
//! | [`Locked`](Outcome::Locked) | too many failures; it is the same for names that are nobody's | 429, `Retry-After` |
//! | [`Busy`](Outcome::Busy) | as many attempts under way as there are guesses left | 429, `Retry-After` |
//! | [`Unavailable`](Outcome::Unavailable) | the database, the store or the queue | 503, `Retry-After` |
//!
//! What it does not do: it begins no session, asks for no second factor, and looks into no form. Whoever is granted
//! is signed in by you.
//!
//! # Deployment caveats
//!
//! An address is worth what [`TrustedProxies`](crate::client::TrustedProxies) makes of it. Work for a password takes
//! milliseconds and mebibytes: see [what it costs](crate::password#what-it-costs). The look-up is asked for names
//! that are nobody's, too, so have it take the same time for all.
//!
//! # Example
//!
//! ```
//! use std::net::IpAddr;
//!
//! use donjon::lockout::{Lockout, LockoutPolicy};
//! use donjon::login::{Credential, Login, Outcome};
//! use donjon::password::Passwords;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let passwords = Passwords::owasp().build()?;
//! let lockout = Lockout::builder(LockoutPolicy::pci_dss()).build()?;
//! let login = Login::new(&lockout, &passwords);
//!
//! let hash = passwords.hash("correct horse battery staple").await?;
//! let guess = async |name: &str, password: &str| {
//!     let address = IpAddr::from([203, 0, 113, 9]); // a `Client`'s, or a `LoginAttempt`
//!     let hash = hash.as_str().to_owned();
//!     login
//!         .verify(name, address, password, |account| async move {
//!             // Here the database is asked, by the canonical name.
//!             let found = account.as_str() == "ann";
//!             Ok::<_, std::io::Error>(found.then(|| Credential::new(4711, Some(hash))))
//!         })
//!         .await
//! };
//!
//! assert!(matches!(guess(" ANN ", "wrong").await, Outcome::Denied));
//! let Outcome::Granted(granted) = guess("ann", "correct horse battery staple").await else {
//!     panic!("it is the password");
//! };
//! assert_eq!((granted.user, granted.prior_failures), (4711, 1));
//!
//! for name in ["ann", "nobody"] {
//!     for _ in 0..10 {
//!         assert!(matches!(guess(name, "wrong").await, Outcome::Denied));
//!     }
//!     assert!(matches!(guess(name, "wrong").await, Outcome::Locked { .. }), "{name}");
//! }
//! let right = guess("ann", "correct horse battery staple").await;
//! assert!(matches!(right, Outcome::Locked { .. }), "it was not looked at");
//! # Ok(())
//! # }
//! ```
//!
//! [Authentication Cheat Sheet]:
//!     https://cheatsheetseries.owasp.org/cheatsheets/Authentication_Cheat_Sheet.html
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x15-V6-Authentication.md

pub use self::facade::Login;
pub use self::outcome::{Credential, Granted, LoginSource, Outcome};

mod facade;
mod outcome;
