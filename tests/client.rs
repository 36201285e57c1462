//! Who is asking, as handlers learn it, over real connections and through both frameworks.

#![cfg(all(feature = "actix", feature = "axum", feature = "https"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::net::SocketAddr;

use axum::Router;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, Response};
use axum::routing::get;
use donjon::client::{AllowedNetworks, Client, Networks, Scheme, TrustedProxies};
use donjon::event::EventLog;
use donjon::https::RequireHttps;
use donjon::middleware::Stack;
use donjon::refusal::Refusal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use self::both::{Ask, both};

mod both;

fn proxies() -> TrustedProxies {
    TrustedProxies::in_networks(["10.0.0.0/8"]).unwrap()
}

#[actix_web::test]
async fn handlers_learn_who_is_asking() {
    let forwarded = |ask: Ask| {
        let ask = ask.header("x-forwarded-for", "1.2.3.4, 198.51.100.7");
        ask.header("x-forwarded-proto", "https")
    };
    for (ask, expected) in [
        (Ask::get("/"), "app 203.0.113.9 Http club.example"),
        (Ask::get("/").from("::ffff:203.0.113.9"), "app 203.0.113.9 Http club.example"),
        (Ask::get("/").over(Scheme::Https), "app 203.0.113.9 Https club.example"),
        (forwarded(Ask::get("/")), "app 203.0.113.9 Http club.example"),
        (forwarded(Ask::get("/").from("10.0.0.5")), "app 198.51.100.7 Https club.example"),
        (Ask::nowhere("/"), "app 203.0.113.9 Http "),
    ] {
        for (framework, seen) in both!(Stack::new((proxies(),)), &ask) {
            assert_eq!(seen.body, expected, "{framework} {ask:?}");
        }
    }
}

#[actix_web::test]
async fn without_a_layer_handlers_learn_of_the_connection() {
    let ask = Ask::get("/").from("10.0.0.5").header("x-forwarded-for", "1.2.3.4");
    let nothing = Stack::new((EventLog::builder().discard().build().unwrap(),));
    for (framework, seen) in both!(nothing, &ask) {
        assert_eq!(seen.body, "app 10.0.0.5 Http club.example", "{framework}");
    }
}

#[actix_web::test]
async fn a_list_without_a_word_on_proxies_lets_nobody_in() {
    let office =
        || AllowedNetworks::new(Networks::parse(["10.0.0.0/8", "203.0.113.0/24"]).unwrap());
    for ask in [
        Ask::get("/"),
        Ask::get("/").from("10.0.0.5"),
        Ask::get("/").from("10.0.0.5").header("x-forwarded-for", "198.51.100.66"),
    ] {
        for (framework, seen) in both!(Stack::new((office(),)), &ask) {
            assert_eq!(seen.status, 500, "{framework} left out");
        }
        for (framework, seen) in both!(Stack::new((office(), proxies())), &ask) {
            assert_eq!(seen.status, 500, "{framework} the wrong way round");
        }
    }
    for (framework, seen) in both!(Stack::new((TrustedProxies::none(), office())), &Ask::get("/")) {
        assert_eq!(seen.status, 200, "{framework}");
    }
}

#[actix_web::test]
async fn what_is_hidden_answers_as_what_is_not_there() {
    use actix_web::{App, test, web};

    let office = AllowedNetworks::new(Networks::parse(["10.0.0.0/8"]).unwrap()).hidden();
    let stack = Stack::new((TrustedProxies::none(), office));
    let (hidden, nothing) = (Ask::get("/admin"), Ask::get("/nothing"));

    let router = Router::new().route("/admin", get(whoami).layer(stack.clone()));
    let mut hidden_there = both::axum_app::send(router.clone(), &hidden).await;
    let nothing_there = both::axum_app::send(router, &nothing).await;
    // axum adds it to the one, and the server to the other.
    hidden_there.headers.retain(|(name, _)| name != "content-length");
    assert_eq!(hidden_there.status, 404);
    assert_eq!(hidden_there, nothing_there);

    let app = App::new().service(web::resource("/admin").wrap(stack).to(async || "secret"));
    let app = test::init_service(app).await;
    let send = async |ask: &Ask| {
        let answer = test::call_service(&app, both::actix_app::request(ask).to_request()).await;
        both::actix_app::seen(Ok(answer)).await
    };
    let (hidden_there, nothing_there) = (send(&hidden).await, send(&nothing).await);
    assert_eq!(hidden_there.status, 404);
    assert_eq!(hidden_there, nothing_there);
}

#[actix_web::test]
async fn a_peer_that_the_server_puts_there_counts_before_the_frameworks() {
    use actix_web::HttpMessage;
    use axum::extract::ConnectInfo;
    use donjon::client::Peer;

    let (socket, told) = ("192.0.2.1:1".parse().unwrap(), "192.0.2.2:2".parse().unwrap());
    let request = Request::get("/").extension(ConnectInfo::<SocketAddr>(socket));
    let request = request.extension(Peer(told)).body(()).unwrap();
    assert_eq!(Client::of(&request).addr().unwrap().to_string(), "192.0.2.2");
    let request = actix_web::test::TestRequest::default().peer_addr(socket).to_http_request();
    assert_eq!(Client::of(&request).addr().unwrap().to_string(), "192.0.2.1");
    request.extensions_mut().insert(Peer(told));
    assert_eq!(Client::of(&request).addr().unwrap().to_string(), "192.0.2.2");
}

#[actix_web::test]
async fn a_server_that_does_not_tell_the_peer_is_told_how_to() {
    let mut ask = Ask::get("/");
    ask.peer = None;
    for (framework, seen) in both!(Stack::new((proxies(),)), &ask) {
        assert!(seen.body.contains("into_make_service_with_connect_info"), "{framework}: {seen:?}");
    }
    let office = AllowedNetworks::new(Networks::parse(["0.0.0.0/0"]).unwrap());
    for (framework, seen) in both!(Stack::new((proxies(), office)), &ask) {
        assert_eq!(seen.status, 500, "{framework}");
        assert!(!seen.body.contains("connect_info"), "{framework}: that is not for the client");
    }
}

async fn whoami(client: Client) -> Result<String, Refusal> {
    Ok(client.addr()?.to_string())
}

#[tokio::test]
async fn axum_tells_the_peer_of_a_real_connection_and_a_made_up_one() {
    let app = Router::new().route("/", get(whoami)).layer(Stack::new((proxies(),)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.clone().into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });

    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: club.example\r\nx-forwarded-for: 10.1.2.3\r\n\
                   connection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
    server.abort();

    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let mocked = app.layer(MockConnectInfo(peer));
    let response = mocked.oneshot(Request::get("/").body(String::new()).unwrap()).await.unwrap();
    assert_eq!(axum::body::to_bytes(response.into_body(), 99).await.unwrap(), "192.0.2.7");
}

#[tokio::test]
async fn a_router_inside_another_sees_the_whole_path() {
    let https = RequireHttps::redirect_to("club.example").unwrap().exempt("/healthz").unwrap();
    let inner = Router::new()
        .route("/courts", get(whoami))
        .route("/healthz", get(whoami))
        .layer(Stack::new((https,)));
    let app = Router::new().nest("/app", inner);
    let send = async |target: &str| -> Response<axum::body::Body> {
        app.clone().oneshot(Request::get(target).body(String::new()).unwrap()).await.unwrap()
    };
    let response = send("/app/courts?day=7").await;
    assert_eq!(response.headers()["location"], "https://club.example/app/courts?day=7");
    assert_eq!(send("/app/healthz").await.status(), 308, "another path than the exempt one");
}
