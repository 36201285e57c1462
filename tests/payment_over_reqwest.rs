//! The HTTP client by which gateways are asked, against a server that does as it likes.

#![cfg(feature = "reqwest")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use donjon::adapters::reqwest::Reqwest;
use donjon::payment::HttpSend;
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that says the same to everybody, and counts them; the last request is what it gives back.
struct Server {
    url: String,
    seen: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<String>>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>, is_silent: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (seen, last) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let server = Self { url, seen: Arc::clone(&seen), last: Arc::clone(&last) };
        let answer = answer.into();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                seen.fetch_add(1, Ordering::SeqCst);
                let (answer, last) = (answer.clone(), Arc::clone(&last));
                tokio::spawn(async move {
                    let mut request = vec![0; 64 * 1024];
                    let read = stream.read(&mut request).await.unwrap();
                    *last.lock().unwrap() = String::from_utf8_lossy(&request[..read]).into_owned();
                    // Whoever has heard enough closes.
                    let _ = stream.write_all(&answer).await;
                    if is_silent {
                        tokio::time::sleep(Duration::from_secs(600)).await;
                    }
                });
            }
        });
        server
    }

    fn last(&self) -> String {
        self.last.lock().unwrap().to_ascii_lowercase()
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn what_is_asked_arrives_and_the_answer_comes_back() {
    let answer = "HTTP/1.1 201 Created\r\nX-A: b\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let server = Server::start(answer, false).await;
    let http = Reqwest::new().unwrap();
    for _ in 0..2 {
        let request = Request::post(&server.url)
            .header("authorization", "Bearer x")
            .body(Bytes::from_static(b"a=1"))
            .unwrap();
        let answer = http.send(request).await.unwrap();
        assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::CREATED, &b"{}"[..]));
        assert_eq!(answer.headers()["x-a"], "b");
    }
    let last = server.last();
    assert!(last.starts_with("post / http/1.1\r\n") && last.contains("authorization: bearer x"));
    assert!(!last.contains("cookie:"), "what one answer sets the next request does not say");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let other = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            other.url
        );
        let server = Server::start(answer, false).await;
        let answer = Reqwest::new().unwrap().send(get(&server.url)).await.unwrap();
        assert!(answer.status().is_redirection());
    }
    assert_eq!(other.seen(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_none() {
    let http = Reqwest::new().unwrap();
    let body = vec![b' '; 1 << 20];
    let with = |head: &str, body: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n").as_bytes(), body].concat()
    };
    let server = Server::start(with("", &body), false).await;
    assert_eq!(http.send(get(&server.url)).await.unwrap().body().len(), 1 << 20);
    let server = Server::start(with("", &[&body[..], b" "].concat()), false).await;
    assert!(http.send(get(&server.url)).await.is_err(), "without a length");
    // It says so beforehand, and never sends it.
    let server = Server::start(with("Content-Length: 1048577\r\n", b""), true).await;
    let started = Instant::now();
    assert!(http.send(get(&server.url)).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
    // Cut off.
    let server = Server::start(with("Content-Length: 9\r\n", b"{}"), false).await;
    assert!(http.send(get(&server.url)).await.is_err());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let http = Reqwest::new().unwrap().within(Duration::from_millis(200));
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"] {
        let server = Server::start(answer, true).await;
        let started = Instant::now();
        assert!(http.send(get(&server.url)).await.is_err(), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5), "{answer}");
    }
    assert_eq!(format!("{http:?}"), "Reqwest { deadline: 200ms, .. }");
}

#[tokio::test]
async fn a_key_is_not_sent_in_the_open_nor_to_anybody_who_has_no_certificate() {
    let server = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false).await;
    let http = Reqwest::new().unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    // A name that is this machine for the network, and not for us.
    for url in [
        format!("http://127.0.0.2{}", &address["127.0.0.1".len()..]),
        format!("http://user@{address}"),
    ] {
        assert!(http.send(get(&url)).await.is_err(), "{url}");
    }
    assert_eq!(server.seen(), 0);
    assert!(http.send(get(&format!("https://{address}"))).await.is_err());
    assert!(!server.last().contains("get /"));
}
