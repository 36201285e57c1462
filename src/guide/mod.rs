//! The guide: how to begin, how to move an app that is there already, and what is defended against whom.
//!
//! These pages are documentation alone; there is no code in this module.
//!
//! | you want to | read |
//! | --- | --- |
//! | put every layer around a new app, and know why each is there | [Getting started](getting_started) |
//! | move an app with users, without locking them out; know what a new version may change | [Upgrading](upgrading) |
//! | know what is defended, and what not: attackers, boundaries, OWASP ASVS 5.0 line by line | [Threat model](threat_model) |
//!
//! Of each pillar its own module tells the attack, the rule, and an example. Some have a page for those who run
//! it:
//!
//! | you want to | read |
//! | --- | --- |
//! | set up nginx, Caddy, HAProxy or a cloud's load balancer in front | [Behind a proxy](crate::client::behind_a_proxy) |
//! | keep the sessions of another library, hardened | [Sessions of other libraries](crate::cookies::hardening_sessions) |
//! | choose a lockout policy, unlock people, watch attacks | [Operating lockout](crate::lockout::operating) |
//! | declare roles, guard routes, show an auditor who may do what | [Who may do what](crate::roles::who_may_do_what) |
//! | take money | [Taking payments](crate::payment::taking_payments) |
//!
//! A whole service stands in `examples/club` of the repository: a tennis club whose courts are booked and paid for,
//! served by axum and by actix-web, behind every layer. Read `layers.rs` first, then `roles.rs`, and copy from
//! them: `cargo run -p club`.

#[doc = include_str!("getting_started.md")]
pub mod getting_started {}
#[doc = include_str!("threat_model.md")]
pub mod threat_model {}
#[doc = include_str!("upgrading.md")]
pub mod upgrading {}
