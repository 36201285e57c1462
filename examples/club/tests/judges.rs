//! Graders nobody here wrote, on the club as it runs: the MDN HTTP Observatory, Google's CSP Evaluator, and
//! `SSLyze` with Mozilla's recommendations for TLS.
//!
//! Where they are missing the tests say so and pass; with `DONJON_REQUIRE_ALL=1` they fail.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use tokio::process::Command;

use club::Club;
use graders::Judges;
use support::{Server, output, skip, tell, tools};

#[path = "support/mod.rs"]
mod club;
#[path = "../../../tests/judges/graders.rs"]
mod graders;
#[path = "../../../tests/support/mod.rs"]
mod support;

crate::on_both_servers!(
    the_observatory_finds_nothing_amiss_and_the_csp_evaluator_neither,
    tls_is_as_mozilla_recommends,
);

async fn the_observatory_finds_nothing_amiss_and_the_csp_evaluator_neither(server: &str) {
    let Some(judges) = Judges::find("the Observatory").await else { return };
    let mut club = Club::new(server, "graded").behind_proxy("https://club.example");
    club.open().await;
    let booking = club.signed_in("ann").await.book("9-1").await;
    for (name, path) in [
        (None, "/"),
        (Some("ann"), "/"),
        (None, "/sign-in"),
        (Some("ann"), "/bookings"),
        (Some("ann"), &booking),
    ] {
        // Each with no more cookies than he comes with.
        let who = match name {
            Some(name) => club.signed_in(name).await,
            None => club.visitor(),
        };
        let cookies = who.cookies();
        let what = format!("the club by {server}, {path}");
        let reply = who.get(path).await;
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
        let policies: Vec<_> = reply.headers.get_all("content-security-policy").iter().collect();
        let [policy] = policies[..] else { panic!("{what}: {policies:?}") };
        // The simulator is on this machine. Gateways are not, and are reached by https.
        let policy = policy.to_str().unwrap().replace(&club.gateway(), "https://gateway.example");
        judges.find_nothing_grave(&what, &policy).await;

        let certificate = club.folder.join("front.pem");
        let otherwise = ["club.example", path, &cookies, &club.gateway()];
        let front =
            Server::https_front_for(&judges.node, &club.door, &certificate, &otherwise).await;
        let graded = judges.observatory(&what, &front.url, &certificate).await;
        // All of the 140 that a site off the preload list can have. Five of them are for a cookie: a page that
        // sets none has no points for it.
        let expected = if path == "/" { 140 } else { 135 };
        assert!(graded.score >= expected && graded.grade == "A+", "{what}: {graded:?}");
    }
}

/// All of Mozilla's intermediate configuration: versions, ciphers, curves, and the certificate's key, signature and
/// lifetime. One thing is not as on the internet: `SSLyze` is told to trust the authority that the club has made for
/// itself, since none of the world knows it.
async fn tls_is_as_mozilla_recommends(server: &str) {
    let sslyze = tools().join("sslyze/bin/sslyze");
    if !sslyze.exists() {
        skip("SSLyze", format_args!("no {}; `.ci/run tools` installs it", sslyze.display()));
        return;
    }
    let club = Club::start(server, "tls").await;
    let mut scan = Command::new(&sslyze);
    scan.args(["--mozilla_config", "intermediate", "--certinfo_ca_file"]);
    scan.arg(club.folder.join("ca.pem")).arg(club.origin.trim_start_matches("https://"));
    // It fails if it does not comply.
    let said = output(&mut scan, Duration::from_mins(2)).await;
    let said = said.unwrap_or_else(|error| panic!("{server}: {error}"));
    let (_, verdict) = said.split_once("COMPLIANCE AGAINST").expect("a verdict");
    assert!(verdict.contains("OK - Compliant"), "{server}: {said}");
    tell(format_args!("SSLyze, the club by {server}: {}", verdict.trim()));
}
