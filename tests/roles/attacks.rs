//! The rest of the list of attacks: stale privilege, what is read too early, who has no address, tables that
//! do not answer, and what goes through a guard without an end.

use std::pin::Pin;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use donjon::headers::SecurityHeaders;
use donjon::roles::{Grants, GrantsInUse, Role as _};
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A24: a token that is good for hours is worth nothing from the moment on at which its user's roles change.
#[actix_web::test]
async fn a_token_of_before_ones_roles_changed_is_worth_nothing() {
    let book = || permission(Permission::Book);
    for (rule, epochs, status) in [
        (book(), "3,3", 200),
        (book(), "3,4", 401),
        (book(), "4,3", 401), // of a table that was set back
        (Rule::SIGNED_IN, "3,4", 401),
        (!role(Role::Auditor), "3,4", 401),
        (Rule::fresh(Duration::from_secs(1_000_000)), "3,4", 401),
        (Rule::PUBLIC, "3,4", 200),
        (Rule::PUBLIC | book(), "3,4", 200),
    ] {
        let (stack, sink, _) = house(rule.clone());
        let ask = Ask::get("/").header("x-roles", "manager").header("x-epochs", epochs);
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!(seen.status, status, "{framework} {rule} {epochs}");
            assert_eq!(seen.is_of_app(), status == 200, "{framework} {rule} {epochs}");
            let challenge = (status == 401).then_some("Bearer error=\"invalid_token\"");
            assert_eq!(seen.header("www-authenticate"), challenge, "{framework} {rule}");
        }
        assert_eq!(sink.events().len(), if status == 200 { 0 } else { 2 });
    }
    // Nor does a handler take it for somebody's.
    let who = async |who: Option<Principal>| format!("app {}", who.is_some());
    let must = async |_: Principal| "app";
    for (epochs, known, status) in [("3,3", "app true", 200), ("3,4", "app false", 401)] {
        let router = Router::new().route("/who", get(who)).route("/must", get(must));
        let router = router.layer(Stack::new((Authenticate::new(ByHeader),)));
        let ask = |target| Ask::get(target).header("x-roles", "manager").header("x-epochs", epochs);
        assert_eq!(both::axum_app::send(router.clone(), &ask("/who")).await.body, known);
        assert_eq!(both::axum_app::send(router, &ask("/must")).await.status, status);
    }
}

/// A24, where the roles are looked up: the next request after a demotion is denied.
#[actix_web::test]
async fn who_is_demoted_is_denied_at_the_next_request() {
    #[derive(Clone)]
    struct ByTable(Arc<RwLock<Role>>);

    impl Identify for ByTable {
        type Role = Role;
        type Error = &'static str;

        fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, &'static str> {
            Ok(Some(Identity::new("4711").role(*self.0.read().unwrap())))
        }
    }

    let table = Arc::new(RwLock::new(Role::Manager));
    let guard = Require::new(permission(Permission::Refund));
    let stack = Stack::new((Authenticate::new(ByTable(Arc::clone(&table))), guard));
    for (role, status) in [(Role::Manager, 200), (Role::Member, 403), (Role::Manager, 200)] {
        *table.write().unwrap() = role;
        for (framework, seen) in both!(stack.clone(), &Ask::get("/")) {
            assert_eq!(seen.status, status, "{framework} {}", role.name());
        }
    }
}

/// A27: a table of users that never answers is neither "yes" nor "no".
#[actix_web::test]
async fn a_table_that_does_not_answer_in_time_is_503() {
    #[derive(Clone)]
    struct Never;

    impl IdentifyLater for Never {
        type Role = Role;
        type Error = &'static str;

        fn identify<R: RequestHead>(
            &self,
            _: &R,
        ) -> impl Future<Output = Result<Option<Identity<Role>>, &'static str>> + Send + use<R> + 'static
        {
            std::future::pending()
        }
    }

    let (_, sink, _) = house(Rule::PUBLIC);
    for rule in [permission(Permission::Book), !role(Role::Member), Rule::SIGNED_IN] {
        sink.clear();
        let log = EventLog::builder().memory(&sink).collapse_within(Duration::ZERO);
        let log = log.build().unwrap();
        let later = AuthenticateLater::new(Never).deadline(Duration::from_millis(20));
        let guard = Require::new(rule);
        let router = Router::new().route("/", get(async || "app")).layer(guard.clone());
        let router = router.layer(later.clone()).layer(Stack::new((log.clone(),)));
        let seen = both::axum_app::send(router, &Ask::get("/")).await;
        assert_eq!((seen.status, seen.is_of_app()), (503, false), "axum");

        let app = App::new().route("/", web::get().to(async || "app"));
        let app = app.wrap(guard).wrap(later).wrap(Stack::new((log,)));
        let app = actix_web::test::init_service(app).await;
        let request = both::actix_app::request(&Ask::get("/")).to_request();
        let answer = actix_web::test::try_call_service(&app, request).await;
        assert_eq!(both::actix_app::seen(answer).await.status, 503, "actix-web");
        for event in sink.events() {
            let Detail::Denied { reason, .. } = event.detail() else { panic!("{event:?}") };
            assert_eq!(*reason, "it cannot be found out who is asking");
        }
        assert_eq!(sink.events().len(), 2);
    }
}

/// A body that counts how often it is asked for.
struct Counted(Arc<AtomicU32>);

impl futures_util::Stream for Counted {
    type Item = Result<Bytes, actix_web::error::PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let first = self.0.fetch_add(1, Ordering::Relaxed) == 0;
        Poll::Ready(first.then(|| Ok(Bytes::from_static(b"{"))))
    }
}

/// A12: nothing is read of the body of somebody who has no business here.
#[actix_web::test]
async fn the_body_of_whom_the_guard_denies_is_not_read() {
    use tower::ServiceExt as _;

    for (roles, status, is_read) in [("visitor", 403, false), ("member", 400, true)] {
        let (stack, _, _) = house(permission(Permission::Book));
        let polls = Arc::new(AtomicU32::new(0));
        let handler = async |body: String| (http::StatusCode::BAD_REQUEST, body);
        let router = Router::new().route("/book", post(handler)).layer(stack.clone());
        let request = http::Request::post("/book").header("x-roles", roles);
        let body = Body::from_stream(Counted(Arc::clone(&polls)));
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "axum {roles}");
        assert_eq!(polls.load(Ordering::Relaxed) > 0, is_read, "axum {roles}");

        let polls = Arc::new(AtomicU32::new(0));
        let handler = async |body: String| HttpResponse::BadRequest().body(body);
        let app = App::new().route("/book", web::post().to(handler)).wrap(stack);
        let app = actix_web::test::init_service(app).await;
        let ask = Ask::get("/book").method("POST").header("x-roles", roles);
        let body: Pin<Box<dyn futures_util::Stream<Item = _>>> =
            Box::pin(Counted(Arc::clone(&polls)));
        let payload = actix_web::dev::Payload::Stream { payload: body };
        let (request, _) = both::actix_app::request(&ask).to_request().replace_payload(payload);
        let answer = actix_web::test::try_call_service(&app, request).await;
        assert_eq!(both::actix_app::seen(answer).await.status, status, "actix-web {roles}");
        assert_eq!(polls.load(Ordering::Relaxed) > 0, is_read, "actix-web {roles}");
    }
}

/// A20, A21: behind proxies the network is that of the last address that somebody vouches for.
#[actix_web::test]
async fn a_network_is_found_through_trusted_proxies_alone() {
    let seen_as = |wanted: &str| Rule::network(Networks::parse([wanted]).unwrap());
    let proxies = TrustedProxies::in_networks(["172.16.0.0/12"]).unwrap();
    let lines = |peer, lines: &[&str]| {
        let ask = Ask::get("/").from(peer);
        lines.iter().fold(ask, |ask, line| ask.header("x-forwarded-for", line))
    };
    for (ask, wanted, status) in [
        (lines("172.16.0.9", &["10.0.0.1, 203.0.113.9, 172.16.0.2"]), "203.0.113.9/32", 200),
        (lines("172.16.0.9", &["10.0.0.1, 203.0.113.9, 172.16.0.2"]), "10.0.0.0/8", 403),
        // Several lines are one list.
        (lines("172.16.0.9", &["10.0.0.1", "203.0.113.9", "172.16.0.2"]), "203.0.113.9/32", 200),
        (lines("172.16.0.9", &["10.0.0.1", "203.0.113.9", "172.16.0.2"]), "10.0.0.0/8", 403),
        // A port, and brackets.
        (lines("172.16.0.9", &["203.0.113.9:4711"]), "203.0.113.9/32", 200),
        (lines("172.16.0.9", &["[2001:db8::1]:4711"]), "2001:db8::/32", 200),
        (lines("172.16.0.9", &["::ffff:203.0.113.9"]), "203.0.113.9/32", 200),
        // What cannot be read ends it, and nobody is found behind it, nor let in by an exception.
        (lines("172.16.0.9", &["10.0.0.1, unknown, 172.16.0.2"]), "10.0.0.0/8", 403),
        (lines("172.16.0.9", &["10.0.0.1, 1.2.3, 172.16.0.2"]), "10.0.0.0/8", 403),
        (lines("172.16.0.9", &["10.0.0.1, 172.16.0.2"]), "10.0.0.0/8", 200),
        (lines("10.0.0.1", &["203.0.113.9"]), "203.0.113.9/32", 403),
    ] {
        let guard = Require::new(seen_as(wanted));
        let stack = Stack::new((proxies.clone(), Authenticate::new(ByHeader), guard));
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!(seen.status, status, "{framework} {wanted} {ask:?}");
        }
    }
    for line in ["10.0.0.1, unknown, 172.16.0.2", "junk"] {
        let guard = Require::new(!seen_as("10.0.0.0/8"));
        let stack = Stack::new((proxies.clone(), Authenticate::new(ByHeader), guard));
        for (framework, seen) in both!(stack, &lines("172.16.0.9", &[line])) {
            assert_eq!((seen.status, seen.is_of_app()), (403, false), "{framework} {line}");
        }
    }
}

/// A23: a socket without an address, such as a file's, is nowhere.
#[actix_web::test]
async fn who_has_no_address_is_in_no_network_and_outside_of_none() {
    let office = || Rule::network(Networks::parse(["0.0.0.0/0", "::/0"]).unwrap());
    for rule in [office(), !office()] {
        let (stack, _, _) = house(rule.clone());
        let mut ask = Ask::get("/").header("x-forwarded-for", "203.0.113.9");
        ask.peer = None;
        for (framework, seen) in both!(stack, &ask) {
            assert_eq!((seen.status, seen.is_of_app()), (403, false), "{framework} {rule}");
        }
    }
}

/// A29: while grants are replaced, each request is decided by one version from its first guard to its last
/// line. One version grants both or neither, so that nobody has one of the two.
#[actix_web::test]
async fn a_request_in_flight_sees_one_version() {
    let grants = |text: &str| toml::from_str::<Grants<Role>>(text).unwrap();
    let both_of = "[member]\ngrants = [\"courts:book\", \"orders:refund\"]";
    let neither = "[member]\ngrants = []";
    let in_use = GrantsInUse::new(grants(both_of));
    let (allowed, torn) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let count = (Arc::clone(&allowed), Arc::clone(&torn));
    let handler = move |who: Principal| {
        let (allowed, torn) = count.clone();
        async move {
            tokio::task::yield_now().await;
            allowed.fetch_add(1, Ordering::Relaxed);
            if !who.has_permission(Permission::Refund, SystemTime::now()) {
                torn.fetch_add(1, Ordering::Relaxed);
            }
            "app"
        }
    };
    let inner = Require::new(permission(Permission::Refund));
    let router = Router::new()
        .route("/", get(handler).layer(inner))
        .layer(axum::middleware::from_fn(async |request, next: axum::middleware::Next| {
            tokio::task::yield_now().await;
            next.run(request).await
        }))
        .layer(Require::new(permission(Permission::Book)))
        .layer(AuthenticateLater::new(ByHeader).grants(&in_use));
    let ask = Ask::get("/").header("x-roles", "member");
    let mut statuses = std::collections::BTreeMap::new();
    for round in 0..100 {
        let requests = (0..100).map(|_| both::axum_app::send(router.clone(), &ask));
        let replace = async {
            tokio::task::yield_now().await;
            in_use.replace(grants(if round % 2 == 0 { neither } else { both_of }));
        };
        let (answers, ()) =
            futures_util::future::join(futures_util::future::join_all(requests), replace).await;
        for seen in answers {
            *statuses.entry(seen.status).or_insert(0) += 1;
        }
    }
    assert_eq!(torn.load(Ordering::Relaxed), 0);
    // Whoever passed the first guard has passed the second.
    assert_eq!(statuses.keys().copied().collect::<Vec<_>>(), [200, 403], "{statuses:?}");
    assert_eq!(statuses[&200], allowed.load(Ordering::Relaxed));
}

/// A33: in actix-web an error of a layer or an extractor further in goes through the layers further out.
#[actix_web::test]
async fn an_error_from_within_has_all_headers() {
    struct Book;
    impl Needs for Book {
        fn rule() -> Rule {
            permission(Permission::Refund)
        }
    }
    let headers = SecurityHeaders::strict().build().unwrap();
    let (house, _, _) = house(permission(Permission::Book));
    let app = App::new()
        .route("/refund", web::get().to(async |_: Need<Book>| "app"))
        .wrap(actix_web::middleware::from_fn(
            async |request: actix_web::dev::ServiceRequest,
                   next: actix_web::middleware::Next<actix_web::body::BoxBody>| {
                if request.path() == "/teapot" {
                    return Err(actix_web::error::ErrorImATeapot("short and stout"));
                }
                next.call(request).await
            },
        ))
        .wrap(Stack::new((headers, house)));
    let app = actix_web::test::init_service(app).await;
    for (target, roles, status) in
        [("/teapot", "member", 418), ("/teapot", "visitor", 403), ("/refund", "member", 403)]
    {
        let ask = Ask::get(target).header("x-roles", roles);
        let request = both::actix_app::request(&ask).to_request();
        let answer = actix_web::test::try_call_service(&app, request).await;
        let seen = both::actix_app::seen(answer).await;
        assert_eq!(seen.status, status, "{target} {seen:?}");
        assert_eq!(seen.header("x-frame-options"), Some("DENY"), "{target} {seen:?}");
        assert_eq!(seen.header("cache-control") == Some("no-store"), status == 403, "{target}");
    }
}

/// A34: a socket, a stream of events and an upload without an end go through a guard as they are, over real
/// connections.
#[actix_web::test]
async fn what_has_no_end_goes_through_a_guard() {
    async fn in_axum() -> u16 {
        let events = async || {
            let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"data: 1\n\n"))]);
            Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
        };
        let upload = async |body: Body| Body::new(body);
        let socket = async |upgrade: axum::extract::WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket| {
                if let Some(Ok(message)) = socket.recv().await {
                    let _ = socket.send(message).await;
                }
            })
        };
        let (house, _, _) = house(permission(Permission::Book));
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/events", get(events))
            .route("/upload", post(upload))
            .route("/socket", get(socket))
            .layer(house);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }

    fn in_actix() -> u16 {
        let server = HttpServer::new(|| {
            let events = async || {
                let first = stream::iter([Ok::<_, actix_web::Error>(Bytes::from("data: 1\n\n"))]);
                let events = futures_util::StreamExt::chain(first, stream::pending());
                HttpResponse::Ok().streaming(events)
            };
            let echo = async |body: web::Payload| HttpResponse::Ok().streaming(body);
            let socket = async |body: web::Payload| {
                HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(body)
            };
            let (house, _, _) = house(permission(Permission::Book));
            App::new()
                .route("/", web::get().to(async || "hello"))
                .route("/events", web::get().to(events))
                .route("/upload", web::post().to(echo))
                .route("/socket", web::get().to(socket))
                .wrap(house)
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        actix_web::rt::spawn(server.run());
        port
    }

    /// What comes until this stands in it.
    async fn until(stream: &mut TcpStream, wanted: &str) -> String {
        let mut seen = Vec::new();
        let reading = async {
            loop {
                let text = String::from_utf8_lossy(&seen).to_ascii_lowercase();
                if text.contains(wanted) {
                    return text;
                }
                assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "{text}");
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap()
    }

    const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    /// A text frame from a client: `hi`, masked by zeros.
    const FRAME: &[u8] = b"\x81\x82\0\0\0\0hi";

    for (framework, port) in [("axum", in_axum().await), ("actix-web", in_actix())] {
        let open = async |line: &str, roles: &str, more: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let request = format!("{line} HTTP/1.1\r\nhost: a\r\nx-roles: {roles}\r\n{more}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            stream
        };
        for line in ["GET /", "GET /events", "GET /socket", "POST /upload"] {
            let mut stream = open(line, "visitor", UPGRADE).await;
            let answer = until(&mut stream, "\r\n\r\n").await;
            assert!(answer.starts_with("http/1.1 403"), "{framework} {line}: {answer}");
        }
        let mut plain = open("GET /", "member", "").await;
        let answer = until(&mut plain, "hello").await;
        assert!(answer.contains("content-length: 5\r\n"), "{framework}: {answer}");
        let mut events = open("GET /events", "member", "").await;
        until(&mut events, "data: 1").await;

        let mut upload = open("POST /upload", "member", "transfer-encoding: chunked\r\n").await;
        for part in ["first", "second"] {
            let chunk = format!("{:x}\r\n{part}\r\n", part.len());
            upload.write_all(chunk.as_bytes()).await.unwrap();
            until(&mut upload, part).await;
        }

        let mut socket = open("GET /socket", "member", UPGRADE).await;
        let answer = until(&mut socket, "\r\n\r\n").await;
        assert!(answer.starts_with("http/1.1 101"), "{framework}: {answer}");
        socket.write_all(FRAME).await.unwrap();
        until(&mut socket, "hi").await;
    }
}
