//! The running quickstarts, and five hundred guesses at once over real connections.

#![cfg(all(feature = "actix", feature = "axum", feature = "lockout", feature = "password"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]
// Not every system has more than one address of its own.
#![cfg(target_os = "linux")]

mod support;

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::future::join_all;
use support::{PATIENCE, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// Sends a request from one of this machine's own addresses, and gives the status.
async fn send(server: SocketAddr, from: [u8; 4], request: &str) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let head = std::str::from_utf8(&answer).unwrap();
    head.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn login(name: &str, password: &str) -> String {
    let body = format!("name={name}&password={password}");
    format!(
        "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    )
}

async fn exactly_n_are_verified(example: &str) {
    let server = Server::example(example, &[]).await;
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();

    // From a hundred addresses, five each: what one address may fail at an account is 5, and what
    // an account may be failed at from everywhere is 20.
    let guesses = (0..500_u16).map(async |n| {
        let [high, low] = (n / 5 + 2).to_be_bytes();
        send(address, [127, 0, high, low], &login("ann", &format!("guess{n}"))).await
    });
    // Others are served meanwhile.
    let page = async {
        let mut slowest = std::time::Duration::ZERO;
        for _ in 0..50 {
            let start = Instant::now();
            let request = "GET /logo.svg HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
            assert_eq!(send(address, [127, 0, 0, 1], request).await, 200);
            slowest = slowest.max(start.elapsed());
        }
        slowest
    };
    let both = futures_util::future::join(join_all(guesses), page);
    let (statuses, slowest) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    println!("{example}: the slowest of the other pages took {slowest:?}");
    assert_eq!((count(401), count(429)), (20, 480), "{example}: {statuses:?}");

    // The owner, who is a stranger as well, has to wait; others do not.
    let right = login("ann", "correct%20horse%20battery%20staple");
    assert_eq!(send(address, [127, 0, 0, 1], &right).await, 429, "{example}");
    assert_eq!(send(address, [127, 0, 0, 1], &login("bob", "guess")).await, 401, "{example}");

    let printed = server.interrupt().await;
    let verified = printed.iter().find_map(|line| line.strip_prefix("passwords verified: "));
    assert_eq!(verified, Some("21"), "{example}: by the counter beside Argon2 itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_guesses_at_once_n_are_verified_on_axum() {
    exactly_n_are_verified("quickstart_axum").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_guesses_at_once_n_are_verified_on_actix() {
    exactly_n_are_verified("quickstart_actix").await;
}
