//! Stripe's notifications.

use std::fmt::Write as _;

use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::*;

pub(crate) const SECRET: &str = "whsec_5WbX1y0kq3Qm";

pub(crate) fn event(kind: &str, with: Value) -> String {
    let mut object = json!({
        "id": "cs_test_1", "object": "checkout.session", "livemode": false, "mode": "payment",
        "client_reference_id": "ORD-1", "amount_total": 4990, "currency": "eur",
    });
    let Value::Object(with) = with else { panic!("{with}") };
    object.as_object_mut().unwrap().extend(with);
    let kind = format!("checkout.session.{kind}");
    let live = object["livemode"].clone();
    json!({ "id": "evt_1", "type": kind, "livemode": live, "data": { "object": object } })
        .to_string()
}

fn signed_by(secret: &str, body: &str) -> Vec<(String, Vec<u8>)> {
    signed_by_at(secret, NOW, body)
}

pub(crate) fn signed_at(now: u64, body: &str) -> Vec<(String, Vec<u8>)> {
    signed_by_at(SECRET, now, body)
}

fn signed_by_at(secret: &str, now: u64, body: &str) -> Vec<(String, Vec<u8>)> {
    let mut mac = <Hmac<Sha256>>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{now}.{body}").as_bytes());
    let mut tag = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(tag, "{byte:02x}").unwrap();
    }
    vec![("stripe-signature".to_owned(), format!("t={now},v1={tag}").into_bytes())]
}

pub(crate) fn signed(body: &str) -> Vec<(String, Vec<u8>)> {
    signed_by(SECRET, body)
}

async fn begun() -> Shop {
    let shop = Shop::new();
    let page = shop.begin("stripe").await;
    assert_eq!(page, "https://localhost:3443/c/pay/cs_test_1");
    shop
}

#[tokio::test]
async fn thirty_two_copies_pay_once() {
    let shop = Arc::new(begun().await);
    let body = event("completed", json!({ "payment_status": "paid" }));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (shop, body) = (Arc::clone(&shop), body.clone());
            tokio::spawn(async move { shop.hear("stripe", &signed(&body), &body).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(shop.state(), State::Paid);
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
}

#[tokio::test]
async fn what_is_not_the_orders_pays_nothing() {
    for (with, status) in [
        (json!({ "amount_total": 5 }), 400),
        (json!({ "amount_total": null }), 400),
        (json!({ "currency": "huf" }), 400),
        (json!({ "currency": "ugx" }), 400),
        (json!({ "livemode": true }), 400),
        (json!({ "payment_status": "no_payment_required" }), 200),
        // Of a link, or of another site of the same account.
        (json!({ "id": "cs_test_99" }), 200),
        (json!({ "client_reference_id": "ORD-2" }), 200),
        (json!({ "client_reference_id": null }), 200),
        (json!({ "mode": "subscription" }), 200),
    ] {
        let shop = begun().await;
        let mut all = json!({ "payment_status": "paid" });
        all.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        let body = event("completed", all);
        assert_eq!(shop.hear("stripe", &signed(&body), &body).await, status, "{with}");
        assert_eq!(shop.state(), State::Created, "{with}");
        assert!(!shop.told().iter().any(|(name, _)| *name == EventName::PaymentChanged), "{with}");
    }
    // Nobody was sent to Stripe.
    let shop = Shop::new();
    let body = event("completed", json!({ "payment_status": "paid" }));
    assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200);
    assert_eq!(shop.state(), State::Created);
    assert_eq!(shop.told().len(), 1);
}

/// A page that was left open ends by itself; the one that the payer went through is not taken back by it.
#[tokio::test]
async fn an_attempt_that_was_left_open_takes_nothing_back() {
    let shop = begun().await;
    shop.begin("stripe").await;
    for (id, kind, status, expected) in [
        ("cs_test_2", "completed", "unpaid", State::Pending),
        ("cs_test_1", "expired", "unpaid", State::Pending),
        ("cs_test_1", "async_payment_failed", "unpaid", State::Pending),
        ("cs_test_2", "async_payment_succeeded", "paid", State::Paid),
    ] {
        let body = event(kind, json!({ "id": id, "payment_status": status }));
        assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200, "{kind}");
        assert_eq!(shop.state(), expected, "{kind}");
    }
}

/// The page that was opened last is the one that the payer looks at.
#[tokio::test]
async fn the_end_of_an_earlier_attempt_is_not_the_end_of_the_order() {
    let shop = begun().await;
    shop.begin("stripe").await;
    for (id, kind, status, expected) in [
        ("cs_test_1", "expired", "unpaid", State::Created),
        ("cs_test_1", "async_payment_failed", "unpaid", State::Created),
        ("cs_test_2", "expired", "unpaid", State::Expired),
        ("cs_test_1", "async_payment_succeeded", "paid", State::Paid),
    ] {
        let body = event(kind, json!({ "id": id, "payment_status": status }));
        assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200, "{kind}");
        assert_eq!(shop.state(), expected, "{id} {kind}");
    }
}

#[tokio::test]
async fn what_is_pending_is_paid_later_and_stays_so() {
    let shop = begun().await;
    for (kind, status, expected) in [
        ("completed", "unpaid", State::Pending),
        ("async_payment_failed", "unpaid", State::Refused),
        ("async_payment_succeeded", "paid", State::Paid),
        ("completed", "unpaid", State::Paid),
        ("expired", "unpaid", State::Paid),
        ("async_payment_failed", "unpaid", State::Paid),
    ] {
        let body = event(kind, json!({ "payment_status": status }));
        assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200, "{kind}");
        assert_eq!(shop.state(), expected, "{kind}");
    }
}

#[tokio::test]
async fn either_secret_signs_while_one_is_replaced() {
    let body = event("completed", json!({ "payment_status": "paid" }));
    for (secret, status) in [(SECRET, 200), ("whsec_old", 200), ("whsec_other", 400), ("", 400)] {
        let shop = begun().await;
        assert_eq!(shop.hear("stripe", &signed_by(secret, &body), &body).await, status, "{secret}");
        assert_eq!(shop.state() == State::Paid, status == 200, "{secret}");
    }
    let shop = begun().await;
    assert_eq!(shop.hear("stripe", &[], &body).await, 400);
    assert_eq!(shop.hear("stripe", &signed(&body), &format!("{body} ")).await, 400);
}

#[tokio::test]
async fn whom_nobody_tells_may_ask() {
    let shop = begun().await;
    let path = "/v1/checkout/sessions/cs_test_1";
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Created));
    shop.world.change(path, "/status", json!("complete"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Pending));
    shop.world.change(path, "/payment_status", json!("paid"));
    shop.world.change(path, "/client_reference_id", json!("ORD-2"));
    assert!(shop.payments.reconcile(&order()).await.is_err());
    shop.world.change(path, "/client_reference_id", json!("ORD-1"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
    let body = event("completed", json!({ "payment_status": "paid" }));
    assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200);
    assert!(!shop.told().contains(&(EventName::PaymentMismatch, "paid again")));
}

/// Stripe sends a notification again that was answered 500, and promises no order: that a payment takes its time is no
/// news once it has failed.
#[tokio::test]
async fn what_has_failed_is_not_pending_because_that_is_heard_later() {
    let shop = begun().await;
    shop.world.change("/v1/checkout/sessions/cs_test_1", "/status", json!("complete"));
    for kind in ["async_payment_failed", "completed"] {
        let body = event(kind, json!({ "payment_status": "unpaid" }));
        assert_eq!(shop.hear("stripe", &signed(&body), &body).await, 200, "{kind}");
        assert_eq!(shop.state(), State::Refused, "{kind}");
    }
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Refused));
    // Another way to pay is not kept waiting for it.
    shop.begin("paypal").await;
    shop.world.change("/v2/checkout/orders/5O2", "/status", json!("APPROVED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
}

/// It is another attempt that was refused: this one is on its way, and nothing is taken beside it.
#[tokio::test]
async fn what_is_pending_is_so_though_another_attempt_was_refused() {
    let shop = Shop::new();
    shop.begin("paypal").await;
    let paypal = "/v2/checkout/orders/5O1";
    shop.world.change(paypal, "/status", json!("APPROVED"));
    shop.world.change(paypal, "/capture", json!("!INSTRUMENT_DECLINED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Refused));
    shop.begin("stripe").await;
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/status", json!("complete"));
    shop.world.change(paypal, "/status", json!("APPROVED"));
    shop.world.change(paypal, "/capture", json!("COMPLETED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Pending));
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 1);
}
