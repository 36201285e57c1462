//! Passwords: hashed with Argon2id, verified at the same cost for everybody, and chosen well.
//!
//! **The attack.** Who has the table of users guesses at the passwords, as fast as the hash lets him. Who
//! has not asks the login itself: where an unknown name is answered in a millisecond and a known one in
//! fifteen, he has the list of customers. And fifteen milliseconds and 19 MiB for each guess are a
//! gift to whoever only wants the server to stop: a few hundred requests at once, and it has no memory left.
//! One stored hash that asks for 4 GiB does it alone.
//!
//! **The rule.** OWASP's [Password Storage Cheat Sheet]; [ASVS 5.0], 6.2 (what a password may be),
//! 6.3.8 (no difference in text, status or time), 11.4.2; NIST [SP 800-63B-4], 3.1.1; RFC 9106 (Argon2).
//!
//! - [`Passwords`] makes and verifies [PHC strings](PasswordHash). The parameters are OWASP's, or
//!   those of RFC 9106, or your own above a [floor](Params::new).
//! - **Equal work**, see [below](#equal-work). What comes out is [`Verified::NoMatch`], and not why.
//! - **Bounded**: as many at once as there are cores, and memory in the
//!   [budget](PasswordsBuilder::memory_budget). Others wait in a [queue](PasswordsBuilder::queue), in
//!   their order; when that is full they are [`Busy`](Unavailable::Busy), at once, which becomes a 503
//!   with `Retry-After`. No runtime waits: the work is done by threads of its own or a
//!   [pool](PasswordsBuilder::blocking) of yours, under tokio, actix-web or none.
//! - Whatever else the server does comes first: on Linux those threads are ten steps nicer than the
//!   others, so that a flood of logins delays logins, and no other page.
//! - The work has everything it needs. A client that hangs up leaves nothing behind, and
//!   [`verify_then`](Passwords::verify_then) does what is to be done with the outcome all the same.
//! - The memory is used again and wiped after each password: faster than to ask the system for it.
//! - The parameters of a stored hash are [capped](PasswordsBuilder::accept_up_to) before anything is
//!   computed.
//! - A [pepper](PasswordsBuilder::pepper): without the keys of a [`KeyRing`](crate::keys::KeyRing), the
//!   table of users is worth nothing. Keys can be replaced; [`needs_rehash`](Verified::Match) says
//!   whose hash is of an old one, or of old parameters.
//! - A [`PasswordPolicy`] for new passwords: long, not common, [not known from a
//!   breach](BreachedPasswords), not the user's name. No composition, no rotation.
//! - [`Password`] is any bytes, NUL among them, exactly as received. It is wiped, and never printed.
//!
//! What it does not do: it counts no attempts, and locks nobody out. It verifies no bcrypt, scrypt or
//! PBKDF2: those are malformed here. Where you have such hashes, verify them with what made them, and
//! store what [`hash`](Passwords::hash) makes when the password was right.
//!
//! # Equal work
//!
//! | what comes in | what is computed |
//! | --- | --- |
//! | a right or wrong password, a hash as it is made today | Argon2id of the configured parameters, once |
//! | no such user, or no hash | the same, of nothing |
//! | an empty password, or one of more than [4096 bytes](Password::MAX_LEN) | the same, of nothing: it is never right |
//! | a hash that is damaged, above the cap, or of an unknown pepper | the same, of nothing, and a [count](Status::unreadable) and a warning for the operator |
//! | a hash of less work | its own computation, and then as many blocks of 1 KiB more as are missing |
//! | a hash of more work, below the cap | its own computation, which takes longer |
//!
//! So the last row tells a stranger that there is such a user: after you have lowered the parameters, or
//! moved from a library that asked for more. It ends for each user with his next login, by
//! `needs_rehash`. In the row before, the number of blocks is the same to within one for each pass; that a
//! smaller memory stays in the processor's caches is not made up for. [`Status::work`] counts the blocks.
//!
//! # What it costs
//!
//! With OWASP's parameters a password is 15 to 20 ms of one core and 19 MiB, so two cores verify a hundred
//! in a second; with those of RFC 9106 it is seven times that. Measure on your own machine and choose
//! what your users and your budget bear: up to 100 ms are usual. More memory makes it harder for those
//! who guess with graphics cards, more passes for everybody. The computation is that of the `argon2`
//! crate, which takes about 1.5 times as long as the C code built for AVX2. That is what an attacker
//! has, so choose more as soon as the machine bears it. What is done around it, wiping the memory
//! included, takes less time than a new allocation of that memory for each password would.
//!
//! # Deployment caveats
//!
//! The memory that was used once is kept: [`max_concurrent`](PasswordsBuilder::max_concurrent) times that
//! of one password, and never more than the budget. In a container, state a budget well below
//! the container's limit, and `max_concurrent` where it sees the cores of the whole machine.
//!
//! Keep a pepper's ring apart from the database and its backups; in one place with them it protects
//! nothing. Whoever loses it locks out everybody.
//!
//! A panic in the computation is an error for one caller, where panics unwind.
//!
//! # Example
//!
//! ```
//! use donjon::keys::{Key, KeyRing};
//! use donjon::password::{Password, Passwords, Verified};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
//! let passwords = Passwords::owasp().pepper(&ring).memory_budget(128 << 20).build()?;
//!
//! // Somebody registers.
//! let stored = passwords.hash("correct horse battery staple").await?;
//! assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid="));
//!
//! // He logs in.
//! let given = Password::from("correct horse battery staple");
//! let verified = passwords.verify(given, Some(stored.as_str())).await?;
//! assert_eq!(verified, Verified::Match { needs_rehash: false });
//!
//! // Somebody else tries.
//! let before = passwords.status().work;
//! assert_eq!(passwords.verify("guess", Some(stored.as_str())).await?, Verified::NoMatch);
//! let known = passwords.status().work - before;
//! assert_eq!(passwords.verify("guess", None).await?, Verified::NoMatch);
//! let unknown = passwords.status().work - before - known;
//! assert_eq!(known, unknown, "and cannot tell who has an account");
//! # Ok(())
//! # }
//! ```
//!
//! [Password Storage Cheat Sheet]:
//!     https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x15-V6-Authentication.md
//! [SP 800-63B-4]: https://pages.nist.gov/800-63-4/sp800-63b.html

pub use self::breached::{BreachedPasswords, PwnedError, PwnedPasswords, PwnedRange};
pub use self::builder::PasswordsBuilder;
pub use self::error::{ConfigError, HashError, Unavailable};
pub use self::hasher::{Passwords, Pending, Status, Verified};
pub use self::offline::OfflineList;
pub use self::params::Params;
pub use self::phc::PasswordHash;
pub use self::policy::{MustChange, PasswordPolicy, Violation, WhenUnknown};
pub use self::secret::Password;

mod arena;
mod breached;
mod builder;
mod engine;
mod error;
mod gate;
mod hasher;
mod offline;
mod oneshot;
mod params;
mod pepper;
mod phc;
mod policy;
mod secret;
#[cfg(test)]
mod tests;
mod threads;
