//! Graders nobody here wrote, on the quickstart examples as they run: the MDN HTTP Observatory and
//! Google's CSP Evaluator.
//!
//! They are npm packages, installed on first use in a cache outside the checkout. Where Node.js or
//! the network is missing the tests say so and pass; with `DONJON_REQUIRE_ALL=1` they fail.

#![cfg(all(feature = "axum", feature = "actix"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "judges/graders.rs"]
mod graders;
mod support;

use graders::{Graded, Judges};
use support::{Scratch, Server, ask};

const QUICKSTARTS: [&str; 2] = ["quickstart_axum", "quickstart_actix"];

#[tokio::test]
async fn the_observatory_gives_the_strict_preset_all_a_site_off_the_preload_list_can_have() {
    let Some(judges) = Judges::find("the Observatory").await else {
        return;
    };

    for example in QUICKSTARTS {
        let graded = observatory(&judges, example, "strict").await;
        assert_eq!((graded.score, graded.grade.as_str()), (140, "A+"), "{example} --preset strict");
    }
}

#[tokio::test]
async fn the_observatory_gives_the_web_preset_an_a_plus() {
    let Some(judges) = Judges::find("the Observatory").await else {
        return;
    };

    for example in QUICKSTARTS {
        let graded = observatory(&judges, example, "web").await;
        assert_eq!(graded.score, 135, "{example} --preset web");
        assert_eq!(graded.grade, "A+", "{example} --preset web");
    }
}

#[tokio::test]
async fn the_csp_evaluator_finds_nothing_of_weight_in_the_strict_preset() {
    let Some(judges) = Judges::find("the CSP Evaluator").await else {
        return;
    };

    for example in QUICKSTARTS {
        let server = Server::example(example, &["--behind-proxy", "--preset", "strict"]).await;
        let answer = ask(&server.url, "GET /", "x-forwarded-proto: https\r\n", "").await;
        let policies = answer.header("content-security-policy");
        assert_eq!(policies.len(), 1, "{example} sends one policy: {policies:?}");

        judges.find_nothing_grave(&format!("{example} --preset strict"), policies[0]).await;
    }
}

/// Grades an example behind an HTTPS proxy.
async fn observatory(judges: &Judges, example: &str, preset: &str) -> Graded {
    let scratch = Scratch::new(&format!("{example}-{preset}"));
    let certificate = scratch.join("certificate.pem");
    let server = Server::example(example, &["--behind-proxy", "--preset", preset]).await;
    let front = Server::https_front(&judges.node, &server.url, &certificate).await;
    judges.observatory(&format!("{example} --preset {preset}"), &front.url, &certificate).await
}
