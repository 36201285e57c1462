//! Real servers and real sockets: what a client sees, not what a test service says.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers", feature = "https"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::body::Body;
use axum::extract::WebSocketUpgrade;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{any, get};
use donjon::client::Client;
use donjon::headers::SecurityHeaders;
use donjon::https::AllowedHosts;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
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

fn hosts() -> AllowedHosts {
    AllowedHosts::new(["club.example", "[2001:db8::7]"]).unwrap()
}

#[allow(clippy::large_types_passed_by_value, reason = "extractors are passed so")]
async fn host(client: Client) -> String {
    client.host().map(ToString::to_string).unwrap_or_default()
}

/// Servers that speak HTTP/2 without TLS to who knows it beforehand.
async fn http2_servers() -> [(&'static str, u16); 2] {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let axum = listener.local_addr().unwrap().port();
    let app = Router::new().route("/", get(host)).layer(hosts());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let app = || App::new().wrap(hosts()).route("/", web::get().to(host));
    let server = HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind_auto_h2c("127.0.0.1:0").unwrap();
    let actix = server.addrs()[0].port();
    actix_web::rt::spawn(server.run());
    [("axum", axum), ("actix-web", actix)]
}

/// Asks in HTTP/2 for a target, whose host becomes `:authority`, with `host` headers.
async fn ask_http2(port: u16, target: &str, hosts: &[&str]) -> (u16, String) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let connection =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = connection.await.unwrap();
    tokio::spawn(connection);
    let request = hosts
        .iter()
        .fold(http::Request::get(target), |request, host| request.header("host", *host));
    let response = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[actix_web::test]
async fn in_http2_the_authority_is_the_host() {
    for (framework, port) in http2_servers().await {
        for (target, hosts, passes) in [
            ("http://club.example/", &[][..], true),
            ("http://CLUB.example:8443/", &[], true),
            ("http://[2001:DB8:0::7]/", &[], true),
            ("http://club.example/", &["club.example"], true),
            ("http://evil.example/", &[], false),
            ("http://club.example.evil.example/", &[], false),
            ("http://evil.example/", &["club.example"], false),
            ("http://club.example/", &["evil.example"], false),
            ("http://club.example/", &["club.example:8443"], false),
            ("http://club.example/", &["club.example", "club.example"], false),
            ("http://user@club.example/", &[], false),
        ] {
            let (status, body) = ask_http2(port, target, hosts).await;
            let expected = if passes { 200 } else { 400 };
            assert_eq!(status, expected, "{framework} {target} {hosts:?}: {body}");
            if passes {
                let expected = target.to_lowercase().replace("db8:0::", "db8::");
                assert_eq!(format!("http://{body}/"), expected, "{framework}");
            }
        }
    }
}
