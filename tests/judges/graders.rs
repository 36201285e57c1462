//! How the graders are installed and asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::support::{PATIENCE, judge, output, program, skip, tell, tools};

/// Node.js, and the folder of the judges' npm packages.
#[derive(Clone, Debug)]
pub(crate) struct Judges {
    pub(crate) node: PathBuf,
    packages: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Graded {
    pub(crate) score: i64,
    pub(crate) grade: String,
}

impl Judges {
    /// Finds the judges, installing them if need be; or skips `what`.
    pub(crate) async fn find(what: &str) -> Option<Self> {
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

    /// Grades the server at this URL, which has this certificate, and prints the table.
    pub(crate) async fn observatory(&self, what: &str, url: &str, certificate: &Path) -> Graded {
        let mut scan = Command::new(&self.node);
        scan.arg(judge("observatory.mjs"))
            .arg(&self.packages)
            .arg(url.trim_start_matches("https://"))
            .env("NODE_EXTRA_CA_CERTS", certificate);
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
        tell(format_args!("Observatory, {what}: {score} {grade}{table}\n"));
        Graded { score, grade: grade.to_owned() }
    }

    /// Asks the CSP Evaluator, prints what it has to say of a policy, and fails if any of it has weight.
    pub(crate) async fn find_nothing_grave(&self, what: &str, policy: &str) {
        const MEDIUM: u64 = 30; // the lower, the worse
        let mut evaluate = Command::new(&self.node);
        evaluate.arg(judge("csp_evaluator.mjs")).arg(&self.packages).arg(policy);
        let findings =
            output(&mut evaluate, PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
        let findings: Vec<Value> = serde_json::from_str(&findings).unwrap();

        let lines = findings.iter().map(|finding| {
            let [name, directive, description] = ["name", "directive", "description"]
                .map(|field| finding[field].as_str().unwrap_or_default());
            format!("\n  {name:12}  {directive}: {description}")
        });
        let list = lines.collect::<Vec<_>>().concat();
        tell(format_args!("CSP Evaluator, {what}:{list}\n"));
        let grave =
            findings.iter().filter(|finding| finding["severity"].as_u64().unwrap() <= MEDIUM);
        assert_eq!(grave.count(), 0, "in {policy}:{list}");
    }
}
