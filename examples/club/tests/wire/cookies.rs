//! Cookies: how they are set, and which of them say who somebody is.

use crate::club::{Club, PASSWORD, Visitor};

crate::on_both_servers!(
    cookies_are_for_this_host_over_https_and_no_script,
    a_session_is_one_cookie_that_this_club_has_sealed,
    a_session_that_was_signed_out_is_nobodys,
);

async fn cookies_are_for_this_host_over_https_and_no_script(server: &str) {
    let club = Club::start(server, "cookies").await;
    let visitor = club.visitor();
    let mut replies = vec![visitor.get("/").await, visitor.get("/sign-in").await];
    replies.push(visitor.sign_in("ann", "not her password").await);
    replies.push(visitor.sign_in("ann", PASSWORD).await);
    replies.push(visitor.get("/bookings").await);
    replies.push(visitor.get("/security").await);
    replies.push(visitor.post("/sign-out", &[]).await);

    let mut names = Vec::new();
    for cookie in replies.iter().flat_map(|reply| reply.headers.get_all("set-cookie")) {
        let cookie = cookie.to_str().unwrap();
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        for needed in ["Secure", "HttpOnly", "Path=/"] {
            assert!(attributes.contains(&needed), "{needed}: {cookie}");
        }
        assert!(attributes.iter().any(|attribute| attribute.starts_with("SameSite=")), "{cookie}");
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        names.push(cookie.split('=').next().unwrap().to_owned());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3, "the session, the device and the day: {names:?}");
    assert_eq!(visitor.get("/bookings").await.status, 303, "signed out");
}

async fn a_session_is_one_cookie_that_this_club_has_sealed(server: &str) {
    let club = Club::start(server, "sealed").await;
    let (name, value) = club.signed_in("ann").await.cookie("session");
    let (_, other) = club.signed_in("mia").await.cookie("session");
    let elsewhere = Club::start(server, "sealed-elsewhere").await;
    let (same_name, foreign) = elsewhere.signed_in("ann").await.cookie("session");
    assert_eq!(name, same_name);

    let asks = async |cookies: String| {
        let visitor = club.visitor();
        let request = visitor.request(http::Method::GET, "/bookings").header("cookie", cookies);
        visitor.send(request).await
    };
    assert_eq!(asks(format!("{name}={value}")).await.status, 200);
    let twice = [(&value, &value), (&value, &other), (&other, &value)];
    for (first, second) in twice {
        let reply = asks(format!("{name}={first}; {name}={second}")).await;
        assert_eq!(reply.status, 400, "two of them");
        assert!(!reply.body.contains("ann") && !reply.body.contains("mia"), "{}", reply.body);
    }

    let middle = value.len() / 2;
    let swapped = if &value[middle..=middle] == "A" { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &value[..middle], &value[middle + 1..]);
    for (what, session) in [
        ("of another key", &*foreign),
        ("changed", &changed),
        ("cut short", &value[..middle]),
        ("made up", "ann"),
        ("empty", ""),
    ] {
        let reply = asks(format!("{name}={session}")).await;
        assert_eq!(reply.status, 303, "{what}");
        assert!(reply.location().starts_with("/sign-in"), "{what}: {}", reply.location());
    }
    // Nor does a cookie of another name, though it holds the right seal.
    for lookalike in ["session", "__Secure-session", "__host-http-session"] {
        assert_ne!(asks(format!("{lookalike}={value}")).await.status, 200, "{lookalike}");
    }
}

async fn a_session_that_was_signed_out_is_nobodys(server: &str) {
    let club = Club::start(server, "signed-out").await;
    let ann = club.signed_in("ann").await;
    let copied = ann.cookie("session");
    let thief: Visitor = club.visitor();
    thief.take_cookie(copied.clone());
    assert_eq!(thief.get("/bookings").await.status, 200, "while she is signed in");

    let reply = ann.post("/sign-out", &[]).await;
    assert_eq!((reply.status, reply.location()), (303, "/"));
    thief.take_cookie(copied);
    assert_eq!(thief.get("/bookings").await.status, 303, "afterwards");
    // Nothing that she has seen stays in the browser's or a proxy's cache.
    let page = club.signed_in("ann").await.get("/bookings").await;
    assert!(page.header("cache-control").contains("no-store"), "{:?}", page.headers);
}
