//! Real servers and real sockets: what a client sees, not what a test service says.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{any, get};
use donjon::headers::SecurityHeaders;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const UPGRADE: &str = "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
     upgrade: websocket\r\nsec-websocket-version: 13\r\n\
     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn headers() -> SecurityHeaders {
    SecurityHeaders::strict().build().unwrap()
}

/// Sends a request and reads until the end of the answer's head and what has come with it.
async fn answer(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the server hung up");
    }
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

async fn axum_server() -> u16 {
    let events = || async {
        let events =
            futures_util::stream::iter([Ok::<_, axum::Error>(Event::default().data("hi"))]);
        Sse::new(events)
    };
    let socket = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(async |_| ()) };
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/events", get(events))
        .route("/socket", any(socket))
        .layer(headers());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

fn actix_server() -> u16 {
    let server = HttpServer::new(|| {
        let events = async || {
            let events = [Ok::<_, actix_web::Error>(web::Bytes::from_static(b"data: hi\n\n"))];
            let events = futures_util::stream::iter(events);
            HttpResponse::Ok().content_type("text/event-stream").streaming(events)
        };
        let socket = async || {
            HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(
                futures_util::stream::iter([Ok::<_, actix_web::Error>(web::Bytes::from_static(
                    b"",
                ))]),
            )
        };
        App::new()
            .wrap(headers())
            .route("/", web::get().to(async || "hello"))
            .route("/", web::head().to(async || "hello"))
            .route("/events", web::get().to(events))
            .route("/socket", web::get().to(socket))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let port = server.addrs()[0].port();
    actix_web::rt::spawn(server.run());
    port
}

#[actix_web::test]
async fn upgrades_events_head_requests_and_misses_carry_the_headers_once() {
    for (framework, port) in [("axum", axum_server().await), ("actix-web", actix_server())] {
        for (request, status) in [
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
            ("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
            ("GET /events HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
            ("GET /nope HTTP/1.1\r\nhost: a\r\n\r\n", "404"),
            (UPGRADE, "101"),
        ] {
            let answer = answer(port, request).await;
            assert!(answer.starts_with(&format!("http/1.1 {status}")), "{framework} {answer}");
            for name in ["x-frame-options", "content-security-policy", "x-content-type-options"] {
                let times = answer.matches(&format!("\r\n{name}: ")).count();
                assert_eq!(times, 1, "{framework} {request} {name}: {answer}");
            }
        }
    }
}
