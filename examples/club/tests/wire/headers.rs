//! What the layers say with every answer, whoever has made it.

use std::collections::BTreeMap;

use http::Method;
use reqwest::RequestBuilder;

use crate::club::{Club, Reply};

crate::on_both_servers!(every_answer_has_every_header);

async fn every_answer_has_every_header(server: &str) {
    let club = Club::start(server, "headers").await;
    let (visitor, ann, adam) =
        (club.visitor(), club.signed_in("ann").await, club.signed_in("adam").await);
    let courts = visitor.get("/").await;
    for (name, value) in [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "require-trusted-types-for 'script'"),
        ("content-security-policy", "script-src 'nonce-"),
        ("content-security-policy", "upgrade-insecure-requests"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=()"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        let found = courts.header(name);
        assert!(found.contains(value), "{name}: {found:?}");
    }
    let expected = of(&courts);

    for _ in 0..6 {
        visitor.sign_in("carl", "not his password").await; // until it is 429
    }
    let get = |target: &str| visitor.request(Method::GET, target);
    let long = "x".repeat(3 << 20);
    let answers: Vec<(u16, &str, RequestBuilder)> = vec![
        (200, "a page", get("/sign-in")),
        (200, "a page of ann's", ann.request(Method::GET, "/bookings")),
        (200, "a page with a script", adam.request(Method::GET, "/security")),
        (200, "what a script asks for", adam.request(Method::GET, "/security/events")),
        (200, "a style", get("/style.css")),
        (200, "an icon", get("/icon.svg")),
        (200, "a script", get("/live.js")),
        (200, "a page whose body nobody waits for", visitor.request(Method::HEAD, "/")),
        (303, "to sign in", get("/bookings")),
        (400, "no such hour", ann.form("/bookings", &[("day", "2026-01-01"), ("slot", "1-1")])),
        (400, "no day", get("/?day=never")),
        (400, "another host", get("/").header("host", "evil.example")),
        (401, "a wrong password", ann.form("/sign-in", &[("name", "a"), ("password", "b")])),
        (403, "not for ann", ann.request(Method::GET, "/security")),
        (
            403,
            "of another site",
            ann.request_of(Method::POST, "/sign-out", ("https://evil.example", "cross-site")),
        ),
        (404, "no page", get("/there/is/no/such/page")),
        (404, "no booking", ann.request(Method::GET, "/bookings/C-0000000000")),
        (413, "too long", ann.form("/bookings", &[("day", &long)])),
        (422, "a card", get("/?day=4111111111111111")),
        (429, "locked", visitor.form("/sign-in", &[("name", "carl"), ("password", "b")])),
    ];
    let mut wrong = Vec::new();
    for (status, what, request) in answers {
        let reply = visitor.send(request).await;
        if reply.status != status {
            wrong.push(format!("{what}: {} for {status}: {}", reply.status, reply.body));
        }
        let found = of(&reply);
        for (name, value) in &expected {
            if found.get(name) != Some(value) {
                wrong.push(format!("{what}: {name}: {:?} for {value:?}", found.get(name)));
            }
        }
        // Which program serves it is nobody's business.
        for name in ["server", "x-powered-by"] {
            if reply.headers.contains_key(name) {
                wrong.push(format!("{what}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{server}:\n{}", wrong.join("\n"));
}

/// The headers that are the layers'. Of the policy without what depends on whether there is a nonce in the page and
/// whether the host is one of the club's.
fn of(reply: &Reply) -> BTreeMap<String, String> {
    let others = ["content-type", "content-length", "date", "vary", "cache-control", "set-cookie"];
    let others = [&others[..], &["location", "retry-after", "reporting-endpoints"]].concat();
    let headers = reply.headers.iter().filter(|(name, _)| !others.contains(&name.as_str()));
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let mut value = value.to_str().unwrap().to_owned();
        if name == "content-security-policy" {
            assert!(!value.contains("'unsafe-") && !value.contains(" *"), "{value}");
            let parts = ["script-src", "style-src", "upgrade-insecure-requests", "report-to"];
            let depends = |directive: &&str| parts.iter().any(|part| directive.starts_with(part));
            let fixed = value.split("; ").filter(|directive| !depends(directive));
            value = fixed.collect::<Vec<_>>().join("; ");
        }
        (name.to_string(), value)
    };
    headers.map(header).collect()
}
