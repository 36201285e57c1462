//! The log of security events: what happens is heard of, and nothing waits for it.
//!
//! **The attack.** Whoever tries ten thousand passwords in the night is not found in a log that
//! does not say so, or that says it in words no rule looks for. A log can also do harm itself: one
//! that waits for its disk holds up every login; one that is flooded drops the line that mattered;
//! one that takes a name as it comes lets an attacker write lines of his own; and one that keeps
//! tokens and addresses is what the next thief is after.
//!
//! **The rule.** OWASP's [Logging Cheat Sheet] and [Application Logging Vocabulary]; [ASVS 5.0],
//! V16.
//!
//! - An event has a [name](EventName) of the vocabulary, a [severity](Severity), a client, a user,
//!   a route's pattern, and a [detail](Detail) made of numbers and words of your program. There is
//!   no place for a query, a body, a header or a path.
//! - Users are recorded as [tags](Tag): an HMAC whose key can be [changed](EventLog::rotate_key).
//!   [Raw](SubjectPolicy::Raw) names are cut and cleaned. Addresses are recorded in full,
//!   [truncated](ClientPolicy::Truncated) or [as tags](ClientPolicy::Hashed).
//! - [`EventLog::emit`] never waits. Every [sink](EventSink) has a queue and a thread of its own,
//!   so it may block, and tokio and actix-web have nothing to do with it.
//! - A full queue refuses, and counts what it refuses; an eighth of it is kept for what is
//!   [critical](Severity::Critical). When there is room again the sink gets one `x_events_lost`
//!   with the numbers.
//! - Identical events within ten seconds are recorded as the first of them and one that says how
//!   many followed; where threads emit the same at one instant, some go through by themselves. What a
//!   full queue refuses is lost whether it is identical or not. The [counts](SecurityEvent::count) of what is delivered, and what was
//!   [lost](EventLog::dropped), are what was emitted.
//! - A sink that fails gets the same events again, after a rest that doubles from 100 ms to 30 s,
//!   five times; then they count as lost. One that panics is caught, and goes on with the next. The
//!   other sinks hear of it by `sys_monitor_disabled`, and by `sys_monitor_enabled` when it is
//!   back; at most once in ten seconds.
//!
//! # What this crate reports
//!
//! [`EventLog`] is a layer too. With it at the front of a stack, every refusal of every middleware
//! in that stack and further in is an event, your own middleware's included, and handlers report
//! theirs by a [`Reporter`]. [`EventName`] has all names with their severities; these are emitted by
//! the crate itself:
//!
//! | event | severity | when |
//! | --- | --- | --- |
//! | `authn_login_fail` | WARN | a guess that [`Lockout`](crate::lockout::Lockout) has let in was wrong, or nobody has said how it ended |
//! | `authn_login_fail_max` | WARN | an account has had all its [failures in a row](crate::lockout::LockoutPolicy::in_a_row), and with each one more, always CRITICAL |
//! | `authn_login_lock` | WARN | an account or an address is locked from now on; the reason says which counter it is of |
//! | `authn_login_success` | INFO | a login is complete |
//! | `authn_login_successafterfail` | INFO | the same after failures, and how many |
//! | `authz_fail` | CRITICAL | a middleware refuses with 401, 403 or 404; [`AllowedNetworks`](crate::client::AllowedNetworks) keeps somebody out; a [guard](crate::roles::Require) does, or a handler by [`must_own`](crate::roles::Principal::must_own) or [`check`](crate::roles::Rule::check): WARN, and INFO for whoever is to sign in |
//! | `excess_rate_limit_exceeded` | WARN | a middleware, or the report collector, refuses with 429 |
//! | `input_validation_fail` | WARN | a middleware, or the report collector, refuses with another status from 400 to 499; [`GuardCookies`](crate::cookies::GuardCookies) strips a protected cookie that came twice; [`Authenticate`](crate::roles::Authenticate) is told of a name that no role has |
//! | `session_created` | INFO | somebody signs in with [`Session`](crate::cookies::session::Session) |
//! | `session_expired` | INFO | a session has ended: signed out, or its time is over |
//! | `session_use_after_expire` | CRITICAL | the cookie of a session that was signed out comes again |
//! | `sys_monitor_disabled` | WARN | a sink of the log fails: the others hear of it; a login's route does not use its [`LoginAttempt`](crate::lockout::LoginAttempt) |
//! | `sys_monitor_enabled` | WARN | it is back |
//! | `x_authn_spray` | CRITICAL | one address has failed at too many accounts |
//! | `x_authn_stuffing` | CRITICAL | too many accounts fail, from everywhere |
//! | `x_authn_unlock` | INFO | an account or an address was unlocked, by an administrator or by a token |
//! | `x_authz_granted` | INFO | a guard lets somebody in: one in so many, by [`sample_grants`](EventLogBuilder::sample_grants) |
//! | `x_card_data` | CRITICAL | [`CardGuard`](crate::payment::card::CardGuard) refuses a request with a card number or a field for a security code, or finds a card number in a response |
//! | `x_client_address_unclear` | WARN | a believed proxy's chain of addresses is too short, holds believed proxies alone or cannot be read; the server does not tell the peer's address |
//! | `x_cookie_hardened` | INFO | [`HardenCookies`](crate::cookies::HardenCookies) mends a cookie; WARN if it leaves it out, or only reports |
//! | `x_cookie_lookalike` | WARN | a cookie comes in whose name may be taken for that of one that [`GuardCookies`](crate::cookies::GuardCookies) protects |
//! | `x_cookie_refused` | WARN | [`Cookies`](crate::cookies::Cookies) or [`Sessions`](crate::cookies::session::Sessions) or [`DeviceCookies`](crate::lockout::DeviceCookies) do not believe a cookie; INFO if its time or its key's is over |
//! | `x_csp_violation` | WARN | a browser reports what the Content-Security-Policy stopped; INFO if the policy only reports |
//! | `x_csrf_denied` | WARN | [`CsrfProtection`](crate::csrf::CsrfProtection) refuses, or only reports; CRITICAL if a handler has not looked at a token that it was to check |
//! | `x_events_lost` | WARN | a sink's queue was full: how many events it has not got |
//! | `x_host_mismatch` | WARN | [`AllowedHosts`](crate::https::AllowedHosts) refuses |
//! | `x_insecure_credential` | CRITICAL | [`RequireHttps`](crate::https::RequireHttps) refuses or redirects a request with a credential in it |
//! | `x_insecure_request` | INFO | [`RequireHttps`](crate::https::RequireHttps) refuses a request without one |
//! | `x_payment_changed` | INFO | [`Payments`](crate::payment::Payments) has heard from a gateway how far an order is |
//! | `x_payment_mismatch` | CRITICAL | it has heard of another amount, currency or mode; WARN of an order that is paid for a second time |
//! | `x_payment_unbelieved` | WARN | a notification is not the gateway's, too old or not to be read |
//! | `x_payment_unheard` | CRITICAL | it has heard of a payment, and the ledger or the gateway that was asked does not answer |
//! | `x_payment_unknown_order` | WARN | a notification is of an order that the ledger has not |
//!
//! What it does not do: it finds nothing by itself, and bans nobody. It does not keep events over a
//! crash: what is queued when the process dies is gone. And a sink gets an event at least once, not
//! exactly once, if it fails halfway.
//!
//! # Deployment caveats
//!
//! Call [`EventLog::shutdown`] at the end of `main`: a process that ends takes what is queued with
//! it.
//!
//! What is critical can be a stranger's doing: a request with a credential in the clear is. The eighth
//! that is kept outlives what is ordinary, and not a flood of those.
//!
//! A sink's queue has its whole size from the start: at most 176 bytes for each slot on 64-bit systems, 704
//! KiB for 4096, and 42 KiB more for what is being delivered. What identical events are counted in
//! is 192 KiB, however many come.
//!
//! What is held back as identical goes out with the next event of any kind, or when a sink's thread
//! looks, once in a second unless the sink keeps it busy or it rests. A log that has only [memory](EventLogBuilder::memory) or `tracing` has
//! no such thread.
//!
//! The first event after a pause wakes the sink's thread, which is a system call. Those that follow
//! within a millisecond do not; they gather, and the sink gets them together.
//!
//! An address that is recorded is worth as much as what says it: behind a proxy it is the proxy's,
//! unless [`TrustedProxies`](crate::client::TrustedProxies) follows in the stack.
//!
//! Panics are caught only where they unwind: with `panic = "abort"` a sink that panics ends the
//! process.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use donjon::event::{Detail, EventLog, EventName, MemorySink, SecurityEvent, Severity};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let memory = MemorySink::default();
//! let log = EventLog::builder().memory(&memory).build()?;
//!
//! // A thousand passwords are tried on one account.
//! for _ in 0..1000 {
//!     log.emit(
//!         SecurityEvent::draft(EventName::AuthnLoginFail)
//!             .client([203, 0, 113, 9].into())
//!             .subject("ann@example.com")
//!             .reason("password"),
//!     );
//! }
//! log.emit(
//!     SecurityEvent::draft(EventName::AuthnLoginLock)
//!         .severity(Severity::Critical)
//!         .subject("ann@example.com")
//!         .detail(Detail::Limit(1000)),
//! );
//! log.shutdown(Duration::from_secs(5))?;
//!
//! let events = memory.events();
//! assert_eq!(
//!     memory.names(),
//!     [EventName::AuthnLoginFail, EventName::AuthnLoginLock, EventName::AuthnLoginFail]
//! );
//! assert_eq!((events[0].count(), events[2].count()), (1, 999), "one line for all that followed");
//! assert_eq!(events[0].subject(), events[1].subject(), "the same account");
//! assert!(!events[0].to_string().contains("ann"), "but not whose it is");
//! assert_eq!(log.dropped().total(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `json`, `.sink("file", JsonLines::file("security.jsonl"))` writes a file; with
//! the feature `tracing`, `.tracing()` hands events to the subscriber.
//!
//! [Logging Cheat Sheet]: https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html
//! [Application Logging Vocabulary]:
//!     https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x25-V16-Security-Logging-and-Error-Handling.md

pub use self::builder::EventLogBuilder;
pub use self::detail::{Detail, Lost, PaymentDetail, SinkName};
pub use self::error::ConfigError;
#[cfg(feature = "json")]
pub use self::json::JsonLines;
pub use self::log::{EventLog, Undelivered};
pub use self::name::{EventName, Severity};
pub use self::record::{Draft, SecurityEvent};
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::reporter::NO_LOG;
pub use self::reporter::Reporter;
pub(crate) use self::reporter::{refused, report};
pub use self::sink::{EventSink, MemorySink, SinkError};
pub use self::tag::{ClientPolicy, ClientTag, SubjectPolicy, SubjectTag, Tag, TagKey};

mod builder;
mod collapse;
mod core;
mod detail;
mod error;
#[cfg(feature = "json")]
mod json;
mod line;
mod log;
mod name;
mod outlet;
mod queue;
mod record;
mod reporter;
mod sink;
mod tag;
#[cfg(feature = "tracing")]
mod trace;
mod worker;

#[cfg(test)]
mod tests;
