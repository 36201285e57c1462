//! The club in a real browser, under the strict policy, over https.
//!
//! Needs Chromium and its driver. Where they are missing the tests say so and pass; with `DONJON_REQUIRE_ALL=1`
//! they fail. `DONJON_SCREENSHOTS=FOLDER` keeps the pictures.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "../../../tests/support/browser.rs"]
mod chromium;
#[path = "support/mod.rs"]
mod club;
#[path = "../../../tests/support/mod.rs"]
mod support;

#[path = "browser/attack.rs"]
mod attack;
#[path = "browser/guest.rs"]
mod guest;
#[path = "browser/money.rs"]
mod money;
#[path = "browser/pictures.rs"]
mod pictures;
#[path = "browser/walls.rs"]
mod walls;
