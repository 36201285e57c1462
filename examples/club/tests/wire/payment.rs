//! Money: that it is paid is the gateway's word alone.

use http::Method;

use crate::club::Club;

crate::on_both_servers!(
    a_court_is_paid_for_through_paybox,
    a_court_is_paid_for_through_paypal,
    what_a_browser_says_of_a_payment_changes_nothing,
);

async fn a_court_is_paid_for_through_paybox(server: &str) {
    let club = Club::start(server, "paybox").await;
    let ann = club.signed_in("ann").await;
    let booking = ann.book("8-1").await;
    let back = ann.at_paybox(&booking, "pay").await;
    assert!(back.starts_with(&format!("{}/pay/return/", club.origin)), "{back}");
    let reply = ann.get(&back).await;
    assert_eq!((reply.status, reply.location()), (303, &*booking));
    assert_eq!(ann.state(&booking).await, "paid");

    // It is not paid twice, nor given back any more.
    for target in ["pay/paybox", "pay/paypal", "cancel"] {
        assert_eq!(ann.post(&format!("{booking}/{target}"), &[]).await.status, 409, "{target}");
    }
    let other = ann.book("8-2").await;
    let back = ann.at_paybox(&other, "cancel").await;
    ann.get(&back).await;
    assert_ne!(ann.state(&other).await, "paid");
}

async fn a_court_is_paid_for_through_paypal(server: &str) {
    let club = Club::start(server, "paypal").await;
    let ann = club.signed_in("ann").await;
    for (slot, how, state) in [("8-1", "pay", "paid"), ("8-2", "cancel", "created")] {
        let booking = ann.book(slot).await;
        let back = ann.at_paypal(&booking, how).await;
        assert!(back.starts_with(&format!("{}/pay/return/", club.origin)), "{back}");
        let reply = ann.get(&back).await;
        assert_eq!((reply.status, reply.location()), (303, &*booking));
        assert_eq!(ann.state(&booking).await, state);
        // The same way back once more says nothing new.
        let again = ann.get(&back).await;
        assert!(again.status >= 400 || again.location() == booking, "{}", again.status);
        assert_eq!(ann.state(&booking).await, state);
    }
}

async fn what_a_browser_says_of_a_payment_changes_nothing(server: &str) {
    let club = Club::start(server, "forged").await;
    let ann = club.signed_in("ann").await;
    let booking = ann.book("8-1").await;
    let order = booking.trim_start_matches("/bookings/");
    // What comes back from another payment, of which she has the address.
    let other = ann.book("8-2").await;
    let used = ann.at_paybox(&other, "pay").await;
    ann.get(&used).await;
    let (_, said) = used.split_once('?').expect("what Paybox says");

    for target in ["pay/paybox", "pay/paypal", "pay/nobody"] {
        let reply = ann.get(&format!("{booking}/{target}")).await;
        assert!(matches!(reply.status, 403 | 405), "GET {target}: {}", reply.status);
    }
    assert!(ann.post(&format!("{booking}/pay/nobody"), &[]).await.status >= 400);

    let forged = format!("amount=1800&order={order}&auth=XXXXXX&trans=1&error=00000");
    let of_this = said.replace(other.trim_start_matches("/bookings/"), order);
    let gets = [
        format!("{booking}?paid=1"),
        format!("{booking}?{forged}"),
        "/pay/return/made-up".to_owned(),
        format!("/pay/return/{order}"),
        format!("/pay/return/made-up?{of_this}"),
        used.clone(),
        used.replace(said, &of_this),
        format!("/pay/notify/paybox?{forged}"),
        format!("/pay/notify/paybox?{forged}&sign=AAAA"),
        format!("/pay/notify/paybox?{of_this}"),
    ];
    for target in gets {
        let reply = ann.get(&target).await;
        assert_ne!(reply.location(), booking, "{target}");
        assert_eq!(ann.state(&booking).await, "created", "{target}");
        // A gateway has no session, and neither has who forges one.
        let nobody = club.visitor();
        nobody.send(nobody.request(Method::POST, &target)).await;
        assert_eq!(ann.state(&booking).await, "created", "POST {target}");
    }
    let event = format!(
        r#"{{"id":"WH-9","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{{"id":"3C6","status":"COMPLETED",
           "custom_id":"{order}","amount":{{"value":"18.00","currency_code":"EUR"}}}}}}"#
    );
    for signed in [false, true] {
        let nobody = club.visitor();
        let mut request = nobody
            .request(Method::POST, "/pay/notify/paypal")
            .header("content-type", "application/json");
        if signed {
            for (name, value) in [
                ("paypal-transmission-id", "1"),
                ("paypal-transmission-time", "2026-01-01T00:00:00Z"),
                ("paypal-transmission-sig", "AAAA"),
                ("paypal-cert-url", &format!("{}/v1/notifications/certs/1", club.gateway())),
                ("paypal-auth-algo", "SHA256withRSA"),
            ] {
                request = request.header(name, value);
            }
        }
        let reply = nobody.send(request.body(event.clone())).await;
        assert!((400..=499).contains(&reply.status), "{}", reply.status);
        assert_eq!(ann.state(&booking).await, "created");
    }
}
