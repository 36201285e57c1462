//! Graders nobody here wrote, on the club as it runs: the MDN HTTP Observatory, Google's CSP Evaluator, and
//! `SSLyze` with Mozilla's recommendations for TLS.
//!
//! Where they are missing the tests say so and pass; with `DONJON_REQUIRE_ALL=1` they fail.

#![allow(clippy::duration_suboptimal_units, reason = "donjon's own tests build with an older Rust")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use tokio::process::Command;

use graders::Judges;
use house::{Club, SERVERS};
use support::{Scratch, Server, output, skip, tell, tools};

#[path = "../../../tests/judges/graders.rs"]
mod graders;
mod house;
#[path = "../../../tests/support/mod.rs"]
mod support;

#[tokio::test]
async fn the_observatory_finds_nothing_amiss_and_the_csp_evaluator_neither() {
    let Some(judges) = Judges::find("the Observatory").await else { return };
    for server in SERVERS {
        let scratch = Scratch::new(&format!("club-graded-{server}"));
        let site = "https://club.example";
        let club = Club::new(server, &scratch.join("data")).site(site).with(&["--behind-proxy"]);
        let _running = club.start().await;
        let visitor = club.visitor("127.0.0.1");
        let mut ann = visitor.clone();
        assert_eq!(ann.sign_in(&club, "ann", &club.password()).await.status, 303);
        let order = ann.book(&club, "9-1").await;
        let booking = format!("/bookings/{order}");

        let visits = [
            (&visitor, "/"),
            (&ann, "/"),
            (&visitor, "/sign-in"),
            (&ann, "/bookings"),
            (&ann, &*booking),
        ];
        for (who, path) in visits {
            let mut who = who.clone();
            let what = format!("the club by {server}, {path}");
            let answer = who.get(&club, path).await;
            assert_eq!(answer.status, 200, "{what}: {answer:?}");
            assert_eq!(answer.policies.len(), 1, "{what}: {:?}", answer.policies);
            // The simulator is on this machine. Gateways are not, and are reached by https.
            let policy = answer.policies[0].replace(&club.gateway(), "https://gateway.example");
            judges.find_nothing_grave(&what, &policy).await;

            let certificate = scratch.join("front.pem");
            let upstream = format!("http://127.0.0.1:{}", club.port);
            let otherwise = ["club.example", path, &who.cookie(), &club.gateway()];
            let front =
                Server::https_front_for(&judges.node, &upstream, &certificate, &otherwise).await;
            let graded = judges.observatory(&what, &front.url, &certificate).await;
            // All of the 140 that a site off the preload list can have. Five of them are for a cookie: a page that
            // sets none has no points for it.
            let expected = if path == "/" { 140 } else { 135 };
            assert!(graded.score >= expected && graded.grade == "A+", "{what}: {graded:?}");
        }
    }
}

/// All of Mozilla's intermediate configuration: versions, ciphers, curves, and the certificate's key, signature and
/// lifetime. One thing is not as on the internet: `SSLyze` is told to trust the authority that the club has made for
/// itself, since none of the world knows it.
#[tokio::test]
async fn tls_is_as_mozilla_recommends() {
    let sslyze = tools().join("sslyze/bin/sslyze");
    if !sslyze.exists() {
        skip("SSLyze", format_args!("no {}; `.ci/run tools` installs it", sslyze.display()));
        return;
    }
    for server in SERVERS {
        let scratch = Scratch::new(&format!("club-tls-{server}"));
        let club = Club::new(server, &scratch.join("data"));
        let _running = club.start().await;
        let authority = club.data.join("ca.pem");
        let mut scan = Command::new(&sslyze);
        scan.args(["--mozilla_config", "intermediate", "--certinfo_ca_file"]).arg(authority);
        scan.arg(format!("localhost:{}", club.port));
        // It fails if it does not comply.
        let said = output(&mut scan, Duration::from_secs(120)).await;
        let said = said.unwrap_or_else(|error| panic!("{server}: {error}"));
        let (_, verdict) = said.split_once("COMPLIANCE AGAINST").expect("a verdict");
        assert!(verdict.contains("OK - Compliant"), "{server}: {said}");
        tell(format_args!("SSLyze, the club by {server}: {}", verdict.trim()));
    }
}
