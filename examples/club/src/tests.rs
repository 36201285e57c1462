//! Who may do what, as a table that somebody reads when it changes; and that both servers have these routes and
//! no others; and what a club makes for itself when it first starts.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpMessage as _};
use clap::Parser as _;
use donjon::client::{Peer, Scheme};
use donjon::event::{EventName, SecurityEvent};
use tower::ServiceExt as _;

use crate::club::Club;
use crate::roles::{self, Role};
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::site::Site;
use crate::{House, actix, axum, tls};

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("club-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // another run finds it, and does not mind
    }
}

async fn house(folder: &Scratch) -> House {
    house_at(folder, "https://localhost:3443").await
}

async fn house_at(folder: &Scratch, origin: &str) -> House {
    let data = folder.0.to_str().unwrap();
    let settings = Settings::parse_from(["club", "--gateway", "127.0.0.1:0", "--data", data]);
    tls::server(&folder.0, "localhost").unwrap();
    let site = Site::new(origin.into()).unwrap();
    House::new(&settings, &site).await.unwrap()
}

#[tokio::test]
async fn each_role_may_do_this_and_nothing_else() {
    let folder = Scratch::new("matrix");
    let House { club, .. } = house(&folder).await;
    let seal = roles::seal(&club.payments);
    assert_eq!(
        seal.manifest().matrix::<Role>().to_string(),
        "\
route                                   anonymous  member  coach  manager  admin
GET /                                   yes        yes     yes    yes      yes
GET /style.css                          yes        yes     yes    yes      yes
GET /icon.svg                           yes        yes     yes    yes      yes
GET /club.js                            yes        yes     yes    yes      yes
GET /live.js                            yes        yes     yes    yes      yes
POST /csp-reports                       yes        yes     yes    yes      yes
GET /sign-in                            yes        yes     yes    yes      yes
POST /sign-in                           yes        yes     yes    yes      yes
POST /sign-out                          yes        yes     yes    yes      yes
GET /bookings                           401        yes     yes    yes      yes
POST /bookings                          401        yes     yes    yes      yes
GET /bookings/{booking}                 401        yes     yes    yes      yes
POST /bookings/{booking}/cancel         401        yes     yes    yes      yes
POST /bookings/{booking}/pay/{gateway}  401        yes     yes    yes      yes
GET /desk                               401        -       yes    yes      -
POST /desk/cancel                       401        -       -      yes      -
GET /members                            401        -       -      yes      -
POST /members/block                     401        -       -      yes      -
GET /security                           401        -       -      -        yes
GET /security/events                    401        -       -      -        yes
POST /security/unlock                   401        -       -      -        yes
GET /pay/notify/paybox                  yes        yes     yes    yes      yes
POST /pay/notify/paybox                 yes        yes     yes    yes      yes
GET /pay/notify/paypal                  yes        yes     yes    yes      yes
POST /pay/notify/paypal                 yes        yes     yes    yes      yes
GET /pay/return/{token}                 yes        yes     yes    yes      yes
"
    );
}

/// Every method and route of the table, with something in its places; but for that of browsers that come back,
/// which is 404 to whoever brings nothing.
fn routes(club: &Club) -> Vec<(String, String)> {
    let seal = roles::seal(&club.payments);
    let entries = seal.manifest().entries().iter();
    let filled = |route: &str| {
        let segments = route.split('/');
        let filled = segments.map(|part| if part.starts_with('{') { "x" } else { part });
        filled.collect::<Vec<_>>().join("/")
    };
    let entries = entries.filter(|entry| !entry.route.ends_with("{token}"));
    entries.map(|entry| (entry.method.clone(), filled(&entry.route))).collect()
}

/// A stranger is sent to sign in, or let in where everybody is: so the route is there, and its rule was asked. One
/// that is missing in the table would be 403, and one that is missing in the server 404 or 405.
fn is_there(method: &str, path: &str, status: u16) {
    let fine = match path {
        // No gateway has said this.
        _ if path.starts_with("/pay/") => &[400][..],
        "/sign-in" | "/csp-reports" if method == "POST" => &[400, 415, 422],
        _ => &[200, 303, 401],
    };
    assert!(fine.contains(&status), "{method} {path}: {status}");
}

#[tokio::test]
async fn axum_has_the_routes_of_the_table() {
    let folder = Scratch::new("axum");
    let House { club, layers, .. } = house(&folder).await;
    let app = axum::router(Arc::clone(&club), layers, false);
    for (method, path) in routes(&club) {
        let request = http::Request::builder()
            .method(&*method)
            .uri(&path)
            .header("host", "localhost:3443")
            .header("sec-fetch-site", "same-origin")
            .extension(Scheme::Https)
            .extension(Peer(PEER))
            .body(::axum::body::Body::empty());
        let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
        is_there(&method, &path, answer.status().as_u16());
    }
}

#[actix_web::test]
async fn actix_has_the_routes_of_the_table() {
    let folder = Scratch::new("actix");
    let House { club, layers, .. } = house(&folder).await;
    let pages = actix::Pages::new(Arc::clone(&club));
    let app = App::new().wrap(layers).configure(|config| pages.configure(config));
    let app = init_service(app).await;
    for (method, path) in routes(&club) {
        let request = TestRequest::with_uri(&path)
            .method(method.parse().unwrap())
            .insert_header(("host", "localhost:3443"))
            .insert_header(("sec-fetch-site", "same-origin"))
            .peer_addr(PEER)
            .to_request();
        request.extensions_mut().insert(Scheme::Https);
        let answer = call_service(&app, request).await;
        is_there(&method, &path, answer.status().as_u16());
    }
}

/// What browsers keep for a year they are told at a name that is the club's, and nowhere else.
#[tokio::test]
async fn at_a_name_of_its_own_browsers_are_held_to_https() {
    for (origin, host, expected) in [
        ("https://localhost:3443", "localhost:3443", None),
        ("https://club.example", "club.example", Some("max-age=31536000; includeSubDomains")),
        (
            "https://club.example:3443",
            "club.example:3443",
            Some("max-age=31536000; includeSubDomains"),
        ),
    ] {
        let folder = Scratch::new("hsts");
        let House { club, layers, .. } = house_at(&folder, origin).await;
        let app = axum::router(Arc::clone(&club), layers, false);
        for (path, status) in [("/", 200), ("/style.css", 200), ("/nothing", 404), ("/desk", 401)] {
            let request = http::Request::builder().uri(path).header("host", host);
            let request = request.extension(Scheme::Https).extension(Peer(PEER));
            let request = request.body(::axum::body::Body::empty()).unwrap();
            let answer = app.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            let sent = answer.headers().get("strict-transport-security");
            assert_eq!(sent.map(|value| value.to_str().unwrap()), expected, "{origin}{path}");
        }
    }
}

#[test]
fn secrets_are_made_once_and_for_their_owner_alone() {
    let folder = Scratch::new("secrets");
    let made = Secrets::of(&folder.0).unwrap().password;
    assert_eq!(made.len(), 16);
    for name in ["keys", "lockout-key", "password"] {
        let file = fs::metadata(folder.0.join(name)).unwrap();
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777, 0o600);
        assert!(file.len() >= 16, "{name}");
    }
    assert_eq!(Secrets::of(&folder.0).unwrap().password, made);
    let another = Scratch::new("other-secrets");
    assert_ne!(Secrets::of(&another.0).unwrap().password, made);
}

#[test]
fn instances_that_start_in_one_moment_have_the_same_secrets() {
    for round in 0..20 {
        let folder = Scratch::new(&format!("twins-{round}"));
        let start = Barrier::new(4);
        let secret = || {
            start.wait();
            Secrets::of(&folder.0).unwrap().password
        };
        let secrets: Vec<_> = thread::scope(|scope| {
            let instances: Vec<_> = (0..4).map(|_| scope.spawn(secret)).collect();
            instances.into_iter().map(|instance| instance.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]), "{secrets:?}");
        let files = fs::read_dir(&folder.0).unwrap().count();
        assert_eq!(files, 3, "nothing unfinished is left");
    }
}

/// In the database are hashes of passwords, and in the log addresses.
#[cfg(unix)]
#[tokio::test]
async fn what_is_kept_is_for_its_owner_alone() {
    let folder = Scratch::new("modes");
    let House { club, .. } = house(&folder).await;
    club.log.emit(SecurityEvent::draft(EventName::SysStartup));
    club.log.shutdown(Duration::from_secs(5)).unwrap();
    for name in ["club.db", "club.db-wal", "club.db-shm", "events.jsonl", "certificate-key.pem"] {
        let mode = fs::metadata(folder.0.join(name)).unwrap().permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);
