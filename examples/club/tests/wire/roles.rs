//! Who may see and do what.

use http::Method;

use crate::club::{Club, PASSWORD, Visitor, as_form};

crate::on_both_servers!(
    everybody_sees_what_his_role_is_for,
    a_booking_is_its_members_alone,
    a_member_who_is_blocked_is_out_with_his_next_click,
    what_another_site_has_a_browser_send_is_refused,
);

async fn everybody_sees_what_his_role_is_for(server: &str) {
    let club = Club::start(server, "roles").await;
    let people: [(&str, Visitor, [u16; 6]); 5] = [
        // The courts, bookings, the desk, members, security, events.
        ("nobody", club.visitor(), [200, 303, 303, 303, 303, 303]),
        ("ann", club.signed_in("ann").await, [200, 200, 403, 403, 403, 403]),
        ("carl", club.signed_in("carl").await, [200, 200, 200, 403, 403, 403]),
        ("mia", club.signed_in("mia").await, [200, 200, 200, 200, 403, 403]),
        ("adam", club.signed_in("adam").await, [200, 200, 403, 403, 200, 200]),
    ];
    let pages = ["/", "/bookings", "/desk", "/members", "/security", "/security/events"];
    for (name, visitor, expected) in &people {
        for (page, expected) in pages.into_iter().zip(expected) {
            let reply = visitor.get(page).await;
            assert_eq!(reply.status, *expected, "{name} at {page}");
            let is_linked = visitor.get("/").await.body.contains(&format!("href=\"{page}\""));
            assert!(*expected == 200 || !is_linked, "{name} is shown a way to {page}");
        }
    }

    // What changes something is as closed as the page on which its button is.
    let [nobody, ann, carl, mia, adam] = people.map(|(_, visitor, _)| visitor);
    let booking = ann.book("8-1").await;
    let order = booking.trim_start_matches("/bookings/");
    let block = [("name", "carl"), ("blocked", "true")];
    for (target, fields, refused) in [
        ("/desk/cancel", &[("booking", order)][..], [&ann, &carl, &adam]),
        ("/members/block", &block[..], [&ann, &carl, &adam]),
        ("/security/unlock", &[("name", "ann")][..], [&ann, &carl, &mia]),
    ] {
        assert_eq!(nobody.post(target, fields).await.status, 401, "nobody: {target}");
        for visitor in refused {
            assert_eq!(visitor.post(target, fields).await.status, 403, "{target}");
        }
    }
    assert_eq!(ann.state(&booking).await, "created");
    let admin = mia.post("/members/block", &[("name", "adam"), ("blocked", "true")]).await;
    assert_eq!(admin.status, 404, "an admin is no manager's to block");
    let herself = mia.post("/members/block", &[("name", "mia"), ("blocked", "true")]).await;
    assert_eq!(herself.status, 409);
    assert_eq!(mia.post("/desk/cancel", &[("booking", order)]).await.status, 303);
    assert_eq!(ann.state(&booking).await, "given back");
}

async fn a_booking_is_its_members_alone(server: &str) {
    let club = Club::start(server, "owner").await;
    let (ann, mia) = (club.signed_in("ann").await, club.signed_in("mia").await);
    let booking = ann.book("8-1").await;
    // Not even a manager's, who has other ways.
    for (what, reply) in [
        ("view", mia.get(&booking).await),
        ("pay by card", mia.post(&format!("{booking}/pay/paybox"), &[]).await),
        ("pay by PayPal", mia.post(&format!("{booking}/pay/paypal"), &[]).await),
        ("cancel", mia.post(&format!("{booking}/cancel"), &[]).await),
    ] {
        assert_eq!(reply.status, 404, "{what}");
        let none = mia.get("/bookings/C-0000000000").await;
        assert_eq!(reply.body, none.body, "{what}: as if there were none");
    }
    assert_eq!(ann.state(&booking).await, "created");

    // One court is one member's, however many want it.
    let day = ann.tomorrow().await;
    let again = mia.post("/bookings", &[("day", &day), ("slot", "8-1")]).await;
    assert_eq!(again.status, 409);
    assert!(ann.get(&format!("/?day={day}")).await.body.contains("taken"));
    for slot in ["7-1", "22-1", "8-0", "8-5", "8", "-1--1", "8-1-1"] {
        let reply = ann.post("/bookings", &[("day", &day), ("slot", slot)]).await;
        assert_eq!(reply.status, 400, "{slot}");
    }
}

async fn a_member_who_is_blocked_is_out_with_his_next_click(server: &str) {
    let club = Club::start(server, "blocked").await;
    let (ann, mia) = (club.signed_in("ann").await, club.signed_in("mia").await);
    let block = async |blocked| {
        let reply = mia.post("/members/block", &[("name", "ann"), ("blocked", blocked)]).await;
        assert_eq!((reply.status, reply.location()), (303, "/members"));
    };
    assert_eq!(ann.get("/bookings").await.status, 200);
    block("true").await;
    assert_eq!(ann.get("/bookings").await.status, 303);
    let day = mia.tomorrow().await;
    let reply = ann.post("/bookings", &[("day", &day), ("slot", "8-1")]).await;
    assert_eq!(reply.status, 401);
    let right = ann.sign_in("ann", PASSWORD).await;
    let wrong = ann.sign_in("ann", "not her password").await;
    assert_eq!((right.status, right.body), (401, wrong.body), "as if the password were wrong");
    block("false").await;
    assert_eq!(ann.sign_in("ann", PASSWORD).await.status, 303);
}

async fn what_another_site_has_a_browser_send_is_refused(server: &str) {
    let club = Club::start(server, "cross-site").await;
    let ann = club.signed_in("ann").await;
    let booking = ann.book("8-1").await;
    let cancel = format!("{booking}/cancel");
    for (origin, site) in [
        ("https://evil.example", "cross-site"),
        ("null", "cross-site"),
        (&club.plain, "same-site"),
        (&club.gateway(), "cross-site"),
    ] {
        for target in [&*cancel, "/sign-out", "/sign-in", "/bookings"] {
            let request = ann.request_of(Method::POST, target, (origin, site));
            let request = as_form(request, &[("name", "mia"), ("password", "x")]);
            let reply = ann.send(request).await;
            assert_eq!(reply.status, 403, "{target} of {origin}, {site}");
        }
    }
    assert_eq!(ann.state(&booking).await, "created");
}
