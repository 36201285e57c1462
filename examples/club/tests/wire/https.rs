//! Nothing is said in the clear, and nothing for a host that somebody has made up.

use http::Method;

use crate::club::Club;

crate::on_both_servers!(
    http_answers_nothing_but_where_https_is,
    hosts_that_are_not_the_clubs_are_refused,
);

async fn http_answers_nothing_but_where_https_is(server: &str) {
    let club = Club::start(server, "http").await;
    let ann = club.signed_in("ann").await;
    let port = club.origin.rsplit(':').next().unwrap();
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
    let targets = [
        "/",
        "/?day=2026-01-01&day=%2e%2e",
        "/sign-in",
        "/style.css",
        "/bookings",
        "/security/events",
        "/pay/notify/paypal",
        "/pay/return/made-up",
        "/csp-reports",
        "/there/is/no/such/page",
        "//evil.example/",
    ];
    for method in methods {
        let method: Method = method.parse().unwrap();
        for target in targets {
            let what = format!("{method} {target}");
            let request = ann.request(method.clone(), &format!("{}{target}", club.plain));
            let request = request.header("host", "localhost").header("cookie", ann.cookies());
            let reply = ann.send(request).await;
            if method == Method::OPTIONS {
                // Browsers follow no redirect of a preflight.
                assert_eq!((reply.status, reply.location()), (403, ""), "{what}");
                continue;
            }
            assert!(matches!(reply.status, 301 | 307 | 308), "{what}: {}", reply.status);
            assert_eq!(reply.location(), format!("https://localhost:{port}{target}"), "{what}");
            assert_eq!(reply.body, "", "{what}");
            assert!(!reply.headers.contains_key("set-cookie"), "{what}");
        }
    }
}

async fn hosts_that_are_not_the_clubs_are_refused(server: &str) {
    let club = Club::start(server, "hosts").await;
    let visitor = club.visitor();
    let port = club.origin.rsplit(':').next().unwrap();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "localhost.evil.example",
        &format!("localhost@evil.example:{port}"),
        &format!("127.0.0.1:{port}"),
        "localhost, evil.example",
        "",
    ] {
        for target in [club.plain.clone() + "/", club.origin.clone() + "/sign-in"] {
            let what = format!("{target} as {host:?}");
            let reply = visitor.send(visitor.request(Method::GET, &target).header("host", host));
            let reply = reply.await;
            assert!((400..=499).contains(&reply.status), "{what}: {}", reply.status);
            assert_eq!(reply.location(), "", "{what}");
            assert!(!reply.body.contains("evil"), "{what}: {}", reply.body);
        }
    }
}
