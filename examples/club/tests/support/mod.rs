//! The club as a program of its own, and people who visit it.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::net::TcpListener;

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
    /// `https://localhost:PORT`.
    pub(crate) origin: String,
    /// Where it listens for http.
    pub(crate) plain: String,
    pub(crate) folder: Scratch,
    running: Running,
}

impl Club {
    /// Starts it, for a test of this name.
    pub(crate) async fn start(server: &str, test: &str) -> Self {
        let folder = Scratch::new(&format!("club-{test}-{server}"));
        let plain = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_club"));
        command.args(["--server", server, "--address", "127.0.0.1:0"]);
        command.args(["--gateway", "127.0.0.1:0", "--http", &plain]);
        command.arg("--data").arg(folder.join("")).env("CLUB_PASSWORD", PASSWORD);
        let mut running = Running::start(&mut command);
        let port = running.port_after("listening on https://localhost:").await;
        running.run();
        let origin = format!("https://localhost:{port}");
        Self { origin, plain: format!("http://{plain}"), folder, running }
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

    pub(crate) fn visitor_from(&self, address: &str) -> Visitor {
        Visitor::new(&self.origin, &self.read("ca.pem"), address.parse().unwrap())
    }

    /// One of those who are members from the start.
    pub(crate) async fn signed_in(&self, name: &str) -> Visitor {
        let visitor = self.visitor();
        let reply = visitor.sign_in(name, PASSWORD).await;
        assert_eq!((reply.status, reply.location()), (303, "/bookings"), "{name}");
        visitor
    }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Of those who are members from the start.
pub(crate) const PASSWORD: &str = "a password of the tests";
