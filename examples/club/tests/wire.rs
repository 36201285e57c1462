//! The club as a server, from outside and without a browser: by http, and by https as whoever trusts its authority.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/mod.rs"]
mod club;
#[path = "../../../tests/support/mod.rs"]
mod support;

#[path = "wire/cards.rs"]
mod cards;
#[path = "wire/cookies.rs"]
mod cookies;
#[path = "wire/headers.rs"]
mod headers;
#[path = "wire/https.rs"]
mod https;
#[path = "wire/lockout.rs"]
mod lockout;
#[path = "wire/payment.rs"]
mod payment;
#[path = "wire/roles.rs"]
mod roles;
