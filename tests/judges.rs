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

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use support::{PATIENCE, Scratch, Server, ask, judge, output, program, skip, tell, tools};

const QUICKSTARTS: [&str; 2] = ["quickstart_axum", "quickstart_actix"];

#[tokio::test]
async fn the_observatory_gives_the_strict_preset_all_a_site_off_the_preload_list_can_have() {
    let Some(judges) = Judges::find("the Observatory").await else {
        return;
    };

    for example in QUICKSTARTS {
        let graded = judges.observatory(example, "strict").await;
        assert_eq!((graded.score, graded.grade.as_str()), (140, "A+"), "{example} --preset strict");
    }
}

#[tokio::test]
async fn the_observatory_gives_the_web_preset_an_a_plus() {
    let Some(judges) = Judges::find("the Observatory").await else {
        return;
    };

    for example in QUICKSTARTS {
        let graded = judges.observatory(example, "web").await;
        assert_eq!(graded.score, 135, "{example} --preset web");
        assert_eq!(graded.grade, "A+", "{example} --preset web");
    }
}

#[tokio::test]
async fn the_csp_evaluator_finds_nothing_of_weight_in_the_strict_preset() {
    const MEDIUM: u64 = 30; // the lower, the worse
    let Some(judges) = Judges::find("the CSP Evaluator").await else {
        return;
    };

    for example in QUICKSTARTS {
        let server = Server::example(example, &["--behind-proxy", "--preset", "strict"]).await;
        let answer = ask(&server.url, "GET /", "x-forwarded-proto: https\r\n", "").await;
        let policies = answer.header("content-security-policy");
        assert_eq!(policies.len(), 1, "{example} sends one policy: {policies:?}");

        let findings = judges.csp_evaluator(policies[0]).await;
        let lines = findings.iter().map(|finding| {
            let [name, directive, description] = ["name", "directive", "description"]
                .map(|field| finding[field].as_str().unwrap_or_default());
            format!("\n  {name:12}  {directive}: {description}")
        });
        let list = lines.collect::<Vec<_>>().concat();
        tell(format_args!("CSP Evaluator, {example} --preset strict:{list}\n"));
        let grave =
            findings.iter().filter(|finding| finding["severity"].as_u64().unwrap() <= MEDIUM);
        assert_eq!(grave.count(), 0, "in {}:{list}", policies[0]);
    }
}

/// Node.js, and the folder of the judges' npm packages.
#[derive(Clone, Debug)]
struct Judges {
    node: PathBuf,
    packages: PathBuf,
}

#[derive(Debug)]
struct Graded {
    score: i64,
    grade: String,
}

impl Judges {
    /// Finds the judges, installing them if need be; or skips `what`.
    async fn find(what: &str) -> Option<Self> {
        static FOUND: OnceCell<Result<Judges, String>> = OnceCell::const_new();
        match FOUND.get_or_init(Self::install).await {
            Ok(judges) => Some(judges.clone()),
            Err(why) => {
                skip(what, why);
                None
            }
        }
    }

    async fn install() -> Result<Self, String> {
        const HOW: &str = "it comes with Node.js 20 or newer (Debian: apt-get install nodejs npm)";
        let node =
            program(&["node", "nodejs"]).ok_or_else(|| format!("no node on the PATH; {HOW}"))?;
        let packages = tools().join("judges");
        let wanted = fs::read_to_string(judge("package.json")).unwrap();
        let done = packages.join("installed.json");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { node, packages });
        }

        let npm = program(&["npm"]).ok_or_else(|| format!("no npm on the PATH; {HOW}"))?;
        fs::create_dir_all(&packages)
            .map_err(|error| format!("{}: {error}", packages.display()))?;
        fs::write(packages.join("package.json"), &wanted).map_err(|error| error.to_string())?;
        tell(format_args!("installing the judges in {}", packages.display()));
        // Without their scripts, which download lists that are not needed here.
        let mut install = Command::new(npm);
        install
            .args(["install", "--ignore-scripts", "--omit=optional", "--no-package-lock"])
            .args(["--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"])
            .current_dir(&packages);
        output(&mut install, Duration::from_secs(300))
            .await
            .map_err(|error| format!("`npm install` in {} failed: {error}", packages.display()))?;
        fs::write(done, wanted).map_err(|error| error.to_string())?;
        Ok(Self { node, packages })
    }

    /// Grades an example behind an HTTPS proxy, and prints the table.
    async fn observatory(&self, example: &str, preset: &str) -> Graded {
        let scratch = Scratch::new(&format!("{example}-{preset}"));
        let certificate = scratch.join("certificate.pem");
        let server = Server::example(example, &["--behind-proxy", "--preset", preset]).await;
        let front = Server::https_front(&self.node, &server.url, &certificate).await;

        let mut scan = Command::new(&self.node);
        scan.arg(judge("observatory.mjs"))
            .arg(&self.packages)
            .arg(front.url.trim_start_matches("https://"))
            .env("NODE_EXTRA_CA_CERTS", &certificate);
        let result = output(&mut scan, PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
        let result: Value = serde_json::from_str(&result).unwrap();

        let (score, grade) = (result["score"].as_i64().unwrap(), result["grade"].as_str().unwrap());
        let lines = result["tests"].as_array().unwrap().iter().map(|test| {
            let [name, result] =
                [&test["name"], &test["result"]].map(|text| text.as_str().unwrap());
            let modifier = test["modifier"].as_i64().unwrap_or_default();
            format!("\n  {modifier:+4}  {name:30}  {result}")
        });
        let table = lines.collect::<Vec<_>>().concat();
        tell(format_args!("Observatory, {example} --preset {preset}: {score} {grade}{table}\n"));
        Graded { score, grade: grade.to_owned() }
    }

    /// What the CSP Evaluator has to say of a policy.
    async fn csp_evaluator(&self, policy: &str) -> Vec<Value> {
        let mut evaluate = Command::new(&self.node);
        evaluate.arg(judge("csp_evaluator.mjs")).arg(&self.packages).arg(policy);
        let findings =
            output(&mut evaluate, PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
        serde_json::from_str(&findings).unwrap()
    }
}
