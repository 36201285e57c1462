//! The club as a program of its own, and people who visit it.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use tokio::process::Command;

use crate::support::{Running, Scratch};

mod visitor;

#[allow(unused_imports, reason = "each test file uses a part of these")]
pub(crate) use self::visitor::{Reply, Visitor, as_form, escaped};

/// Runs each of these once for each server.
#[macro_export]
macro_rules! on_both_servers {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test]
            async fn on_axum() {
                super::$test("axum").await;
            }

            #[tokio::test]
            async fn on_actix() {
                super::$test("actix").await;
            }
        }
    )+};
}

/// The club that `cargo run -p club` starts, with a folder and ports of its own.
#[derive(Debug)]
pub(crate) struct Club {
    /// How people reach it: `https://localhost:PORT`, unless its site is another.
    pub(crate) origin: String,
    /// Where it listens for them, or for what a proxy hands on.
    pub(crate) door: String,
    /// Where it listens for http.
    pub(crate) plain: String,
    server: String,
    options: Vec<String>,
    running: Option<Running>,
    pub(crate) folder: Arc<Scratch>,
}

impl Club {
    /// Starts it, for a test of this name.
    pub(crate) async fn start(server: &str, test: &str) -> Self {
        let mut club = Self::new(server, test);
        club.open().await;
        club
    }

    /// The same, before it starts.
    pub(crate) fn new(server: &str, test: &str) -> Self {
        let port = free_port();
        Self {
            origin: format!("https://localhost:{port}"),
            door: format!("https://127.0.0.1:{port}"),
            plain: format!("http://127.0.0.1:{}", free_port()),
            server: server.to_owned(),
            options: Vec::new(),
            running: None,
            folder: Arc::new(Scratch::new(&format!("club-{test}-{server}"))),
        }
    }

    /// Another instance of the same site, with the same folder and options, which has not started either.
    pub(crate) fn another(&self) -> Self {
        Self {
            origin: self.origin.clone(),
            door: format!("https://127.0.0.1:{}", free_port()),
            plain: format!("http://127.0.0.1:{}", free_port()),
            server: self.server.clone(),
            options: self.options.clone(),
            running: None,
            folder: Arc::clone(&self.folder),
        }
    }

    pub(crate) fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(ToString::to_string));
        self
    }

    /// Has this site, of which a proxy on this machine hands it the requests.
    pub(crate) fn behind_proxy(mut self, site: &str) -> Self {
        site.clone_into(&mut self.origin);
        self.door = self.door.replace("https://", "http://");
        self.with(&["--behind-proxy"])
    }

    /// Starts it, also when it has stopped before.
    pub(crate) async fn open(&mut self) {
        let [address, plain] = [&self.door, &self.plain].map(|url| url.split_once("//").unwrap().1);
        let mut command = Command::new(env!("CARGO_BIN_EXE_club"));
        command.args(["--server", &self.server, "--site", &self.origin, "--address", address]);
        command.args(["--gateway", "127.0.0.1:0", "--http", plain]).args(&self.options);
        command.arg("--data").arg(self.folder.join("")).env("CLUB_PASSWORD", PASSWORD);
        // Not those of whoever runs the tests.
        for name in ["CLUB_KEYS", "CLUB_LOCKOUT_KEY", "CLUB_REDIS"] {
            command.env_remove(name);
        }
        let mut running = Running::start(&mut command);
        running.line_with("listening on ").await;
        running.run();
        self.running = Some(running);
    }

    /// Ends it as a loss of power does.
    pub(crate) async fn kill(&mut self) {
        self.running.take().expect("it runs").kill().await;
    }

    /// Ends it as Ctrl-C does.
    pub(crate) async fn interrupt(&mut self) {
        self.running.take().expect("it runs").interrupt().await;
    }

    /// Where its gateway is.
    pub(crate) fn gateway(&self) -> String {
        self.read("gateway/origin")
    }

    /// A file of its folder.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// Somebody who comes from 127.0.0.1, and is not signed in.
    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor_from("127.0.0.1")
    }

    /// All of `127.0.0.0/8` is this machine.
    pub(crate) fn visitor_from(&self, address: &str) -> Visitor {
        Visitor::new(self, address.parse().unwrap())
    }

    /// One of those who are members from the start.
    pub(crate) async fn signed_in(&self, name: &str) -> Visitor {
        let visitor = self.visitor();
        let reply = visitor.sign_in(name, PASSWORD).await;
        assert_eq!((reply.status, reply.location()), (303, "/bookings"), "{name}");
        visitor
    }
}

/// A port of this machine that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Of those who are members from the start.
pub(crate) const PASSWORD: &str = "a password of the tests";
