//! A browser for tests that need one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::Command;

use super::support::{Running, Scratch, ask, program, skip};

/// A headless Chromium of one test, and its driver.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    _folder: Scratch,
}

impl Browser {
    /// Starts a browser with an empty profile, or skips the test.
    pub(crate) async fn start(test: &str, switches: &[&str]) -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(chromium), Some(driver)) = (chromium, program(&["chromedriver"])) else {
            let how = "Debian: apt-get install chromium chromium-driver";
            skip(test, format_args!("chromium and chromedriver are not on the PATH ({how})"));
            return None;
        };

        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = Scratch::new(&format!("browser-{number}"));
        let driver = Driver::start(&driver, &folder).await;
        let profile = format!("user-data-dir={}", folder.join("profile").display());
        let always = [
            "headless",
            "no-sandbox", // which root, as in a container, cannot have; the pages are ours
            "disable-dev-shm-usage",
            "disable-gpu",
            "disable-quic",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            "no-first-run",
            &profile,
        ];
        let arguments = [&always, switches].concat();
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "pageLoad": 60_000, "script": 60_000 },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .unwrap();
        Some(Self { client, driver, _folder: folder })
    }

    /// What a JavaScript expression comes to in the page.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression}"), Vec::new()).await.unwrap()
    }

    /// What the driver answers to one of its own commands, which are no other driver's.
    pub(crate) async fn command(&self, name: &str, parameters: &Value) -> Value {
        let session = self.client.session_id().await.unwrap().expect("a session");
        let request = format!("POST /session/{session}/{name}");
        let answer = ask(&self.driver.url(), &request, "", &parameters.to_string()).await;
        let mut answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["value"].take()
    }

    /// The warnings and errors in the browser's console since this was last asked.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let said = self.command("se/log", &json!({ "type": "browser" })).await;
        let entries = said.as_array().expect("log entries");
        let grave = ["WARNING", "SEVERE"];
        let grave =
            entries.iter().filter(|entry| grave.iter().any(|level| entry["level"] == *level));
        grave.map(|entry| entry["message"].to_string()).collect()
    }
}

/// A driver on a port of its own, which closes its browsers when this value is dropped.
#[derive(Debug)]
struct Driver {
    port: u16,
    _running: Running,
}

impl Driver {
    async fn start(program: &Path, folder: &Scratch) -> Self {
        let mut command = Command::new(program);
        let mut running = Running::start(command.arg("--port=0").env("TMPDIR", folder.join("")));
        let port = running.port_after("started successfully on port ").await;
        running.run();
        Self { port, _running: running }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    /// Killing the driver, as its `Running` will, leaves its browsers behind.
    fn drop(&mut self) {
        let shutdown = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(
                stream,
                "GET /shutdown HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
            )?;
            stream.read_to_end(&mut Vec::new())
        };
        let _ = shutdown();
    }
}
