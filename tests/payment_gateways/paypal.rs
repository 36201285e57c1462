//! PayPal's notifications, and what is asked because of them.

use super::*;

pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/payment/paypal_webhook.json")).unwrap()
}

/// A notification that was once sent to somebody, with another body of the same checksum. It is signed, and so
/// it wakes us: what it says is nothing.
fn transmission() -> (Vec<(String, Vec<u8>)>, String) {
    let vectors = vectors();
    let genuine = &vectors["vectors"][0];
    let headers = genuine["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().into()));
    let amount = json!({ "currency_code": "EUR", "value": "49.90" });
    let resource =
        json!({ "id": "C-1", "status": "COMPLETED", "custom_id": "ORD-1", "amount": amount });
    let body = json!({ "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": resource });
    let body = checksum::with_checksum_of(&body.to_string(), genuine["body"].as_str().unwrap());
    (headers.collect(), body.unwrap())
}

pub(crate) async fn wake(shop: &Shop) -> u16 {
    let (headers, body) = transmission();
    shop.hear("paypal", &headers, &body).await
}

async fn begun() -> Shop {
    let shop = Shop::new();
    assert_eq!(shop.begin("paypal").await, "https://localhost:3443/checkoutnow?token=5O1");
    shop
}

const ORDER: &str = "/v2/checkout/orders/5O1";

#[tokio::test]
async fn a_notification_pays_nothing_by_itself() {
    let shop = begun().await;
    assert_eq!(wake(&shop).await, 200);
    assert_eq!((shop.state(), shop.told().len()), (State::Created, 0));
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0);
}

#[tokio::test]
async fn thirty_two_copies_pay_once() {
    let shop = Arc::new(begun().await);
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { wake(&shop).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(shop.state(), State::Paid);
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
    // Later ones ask nobody.
    let asked = shop.world.asked("");
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.world.asked(""), asked);
}

#[tokio::test]
async fn no_money_is_taken_for_another_amount_or_order() {
    for (pointer, value) in [
        ("/purchase_units/0/amount/value", json!("0.05")),
        ("/purchase_units/0/amount/currency_code", json!("USD")),
        ("/purchase_units/0/custom_id", json!("ORD-2")),
        ("/id", json!("5O2")),
    ] {
        let shop = begun().await;
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        shop.world.change(ORDER, pointer, value);
        assert_eq!(wake(&shop).await, 400, "{pointer}");
        assert_eq!(shop.state(), State::Created);
        assert!(matches!(shop.told()[..], [(EventName::PaymentMismatch, _)]), "{pointer}");
        assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0);
    }
}

#[tokio::test]
async fn an_order_that_is_completed_may_be_declined() {
    for (status, expected) in
        [("DECLINED", State::Refused), ("PENDING", State::Pending), ("COMPLETED", State::Paid)]
    {
        let shop = begun().await;
        let amount = json!({ "currency_code": "EUR", "value": "49.90" });
        let capture = json!({ "id": "C-1", "status": status, "amount": amount });
        shop.world.change(ORDER, "/status", json!("COMPLETED"));
        shop.world.change(
            ORDER,
            "/purchase_units/0",
            json!({ "custom_id": "ORD-1", "amount": amount, "payments": { "captures": [capture] } }),
        );
        assert_eq!(wake(&shop).await, 200);
        assert_eq!(shop.state(), expected, "{status}");
        // One that is pending is completed later, under the same name.
        shop.world.change(
            ORDER,
            "/purchase_units/0/payments/captures/0/status",
            json!("COMPLETED"),
        );
        assert_eq!(wake(&shop).await, 200);
        assert_eq!(shop.state(), State::Paid, "{status}");
    }
}

#[tokio::test]
async fn who_has_said_yes_twice_pays_once() {
    for is_told in [true, false] {
        let shop = begun().await;
        shop.begin("paypal").await;
        for id in ["5O1", "5O2"] {
            shop.world.change(&format!("/v2/checkout/orders/{id}"), "/status", json!("APPROVED"));
        }
        if is_told {
            assert_eq!(wake(&shop).await, 200);
        }
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
        let taken = ["5O1", "5O2"]
            .map(|id| shop.world.asked(&format!("POST /v2/checkout/orders/{id}/capture")));
        assert_eq!(taken, [0, 1], "the last one");
    }
}

/// Money that is on its way is waited for: no other order that the payer has said yes to is taken beside it.
#[tokio::test]
async fn who_has_said_yes_twice_does_not_pay_beside_what_is_pending() {
    let shop = begun().await;
    shop.begin("paypal").await;
    for id in ["5O1", "5O2"] {
        let order = format!("/v2/checkout/orders/{id}");
        shop.world.change(&order, "/status", json!("APPROVED"));
        shop.world.change(&order, "/capture", json!("PENDING"));
    }
    for _ in 0..3 {
        assert_eq!(wake(&shop).await, 200);
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Pending));
    }
    let taken = ["5O1", "5O2"]
        .map(|id| shop.world.asked(&format!("POST /v2/checkout/orders/{id}/capture")));
    assert_eq!(taken, [0, 1]);
}

/// What was refunded before anybody has heard of it is nobody's, and no notification without an end.
#[tokio::test]
async fn what_came_and_went_is_told_of_once() {
    let shop = begun().await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("REFUNDED"));
    assert_eq!(wake(&shop).await, 200);
    assert!(shop.payments.reconcile(&order()).await.is_ok());
    assert_ne!(shop.state(), State::Paid);
}

#[tokio::test]
async fn an_attempt_that_is_forgotten_hides_no_other_one() {
    let shop = begun().await;
    shop.begin("paypal").await;
    shop.world.change(ORDER, "/status", json!("WHATEVER"));
    shop.world.change("/v2/checkout/orders/5O2", "/status", json!("APPROVED"));
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
}

#[tokio::test]
async fn nothing_is_fetched_from_elsewhere() {
    let (headers, body) = transmission();
    for url in [
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-x",
        "https://api.paypal.com/v1/notifications/certs/CERT-x",
        "https://evil.example/v1/notifications/certs/CERT-x",
        "https://api.sandbox.paypal.com@evil.example/v1/notifications/certs/CERT-x",
        "https://api.sandbox.paypal.com/v1/notifications/certs/../../evil",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ] {
        let shop = begun().await;
        let asked = shop.world.asked("");
        let mut headers = headers.clone();
        for (_, value) in headers.iter_mut().filter(|(name, _)| name == "paypal-cert-url") {
            *value = url.into();
        }
        assert_eq!(shop.hear("paypal", &headers, &body).await, 400, "{url}");
        assert_eq!(shop.world.asked(""), asked, "{url}");
    }
}

/// Strangers name certificates without an end: what they hold up is a notification, and never the money.
#[tokio::test]
async fn a_flood_of_certificates_keeps_nobody_from_paying() {
    let shop = begun().await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    let (headers, body) = transmission();
    for at in 0..200 {
        let mut headers = headers.clone();
        for (_, value) in headers.iter_mut().filter(|(name, _)| name == "paypal-cert-url") {
            let url = format!("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-{at}");
            *value = url.into();
        }
        assert_ne!(shop.hear("paypal", &headers, &body).await, 200);
    }
    assert_eq!(shop.world.asked("GET /v1/notifications/certs"), 64);
    assert_eq!(wake(&shop).await, 500, "to be sent again");
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
}

/// One looks at an attempt before the payer has said yes to it, and goes on to the other; another one looks afterwards.
#[tokio::test]
async fn two_who_look_at_the_same_time_take_the_money_once() {
    let shop = Arc::new(begun().await);
    shop.begin("paypal").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    let ask = || {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.payments.reconcile(&order()).await })
    };
    let first = ask();
    while shop.world.asked("GET /v2/checkout/orders/5O2") == 0 {
        tokio::task::yield_now().await;
    }
    shop.world.change("/v2/checkout/orders/5O2", "/status", json!("APPROVED"));
    let second = ask();
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    let taken = ["5O1", "5O2"]
        .map(|id| shop.world.asked(&format!("POST /v2/checkout/orders/{id}/capture")));
    assert_eq!(taken.iter().sum::<usize>(), 1, "{taken:?}");
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
}

/// Whoever was about to take it and could not has not taken it away from the next.
#[tokio::test]
async fn money_that_was_not_taken_is_taken_later() {
    let shop = begun().await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("!AWAY"));
    assert_eq!(wake(&shop).await, 500);
    shop.world.change(ORDER, "/capture", json!("COMPLETED"));
    let mut state = shop.payments.reconcile(&order()).await;
    for _ in 0..60 {
        shop.clock.advance(Duration::from_secs(5));
        state = shop.payments.reconcile(&order()).await;
    }
    assert_eq!(state, Ok(State::Paid));
}

/// PayPal remembers what it has said to a request, and so one of the same name is declined for ever.
#[tokio::test]
async fn who_was_declined_pays_with_another_card() {
    let shop = begun().await;
    shop.world.change(ORDER, "/capture", json!("!INSTRUMENT_DECLINED"));
    for _ in 0..3 {
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Refused));
        shop.clock.advance(Duration::from_secs(300));
    }
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("COMPLETED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
}

/// PayPal says `APPROVED` also after it has declined. Nobody's card is tried every minute, and who begins anew does not
/// wait for that.
#[tokio::test]
async fn who_was_declined_is_not_asked_without_an_end() {
    let shop = begun().await;
    shop.world.change(ORDER, "/capture", json!("!INSTRUMENT_DECLINED"));
    for _ in 0..60 {
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Refused));
        shop.clock.advance(Duration::from_secs(60));
    }
    let times = shop.world.asked("POST /v2/checkout/orders/5O1/capture");
    assert!((2..=14).contains(&times), "{times} in an hour");
    shop.begin("paypal").await;
    shop.world.change("/v2/checkout/orders/5O2", "/status", json!("APPROVED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
}

/// Who has another card at hand does not wait.
#[tokio::test]
async fn who_was_declined_pays_at_once_with_another_card() {
    let shop = begun().await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("!INSTRUMENT_DECLINED"));
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Refused);
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("COMPLETED"));
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
}

/// Whoever has paid twice gets one of the two back, and has paid still.
#[tokio::test]
async fn the_refund_of_another_attempt_leaves_the_one_that_has_paid() {
    let shop = begun().await;
    shop.begin("paypal").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
    for (status, told) in
        [("COMPLETED", "paid again"), ("REFUNDED", "the refund of another payment")]
    {
        let second = "/v2/checkout/orders/5O2";
        let amount = json!({ "currency_code": "EUR", "value": "49.90" });
        let capture = json!({ "id": "C-2", "status": status, "amount": amount });
        let payments = json!({ "captures": [capture] });
        let unit = json!({ "custom_id": "ORD-1", "amount": amount, "payments": payments });
        shop.world.change(second, "/status", json!("COMPLETED"));
        shop.world.change(second, "/purchase_units/0", unit);
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid), "{status}");
        assert_eq!(shop.told().last(), Some(&(EventName::PaymentMismatch, told)));
    }
    // And its own is one.
    let refunded = "/purchase_units/0/payments/captures/0/status";
    shop.world.change(ORDER, refunded, json!("REFUNDED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Refunded));
}

/// While PayPal is asked, the other gateway has told that it is paid.
#[tokio::test]
async fn what_was_paid_a_moment_ago_is_not_taken() {
    let shop = Arc::new(begun().await);
    shop.begin("stripe").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    let asking = {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { wake(&shop).await })
    };
    while shop.world.asked("GET /v2/checkout/orders/5O1") == 0 {
        tokio::task::yield_now().await;
    }
    let body = stripe::event("completed", json!({ "id": "cs_test_2", "payment_status": "paid" }));
    assert_eq!(shop.hear("stripe", &stripe::signed(&body), &body).await, 200);
    assert_eq!(shop.state(), State::Paid);
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0, "not yet");
    assert_eq!(asking.await.unwrap(), 200);
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0);
}

const SECOND: &str = "/v2/checkout/orders/5O2";
const CAPTURES: [&str; 2] =
    ["POST /v2/checkout/orders/5O1/capture", "POST /v2/checkout/orders/5O2/capture"];

/// The money of the first attempt is taken, and nobody has heard of it when the payer has said yes to the second one.
#[tokio::test]
async fn an_answer_that_was_lost_lets_no_second_attempt_be_taken() {
    for is_told in [true, false] {
        let shop = begun().await;
        shop.begin("paypal").await;
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        shop.world.with(|things| things.lost = Some("/v2/checkout/orders/5O1/capture"));
        assert_eq!(wake(&shop).await, 500);
        shop.world.change(SECOND, "/status", json!("APPROVED"));
        shop.clock.advance(Duration::from_secs(60));
        if is_told {
            assert_eq!(wake(&shop).await, 200);
        } else {
            assert!(shop.payments.reconcile(&order()).await.is_ok());
        }
        assert_eq!(shop.state(), State::Paid);
        assert_eq!(CAPTURES.map(|capture| shop.world.asked(capture)), [1, 0]);
    }
}

/// What nobody can see is not taken to be nothing.
#[tokio::test]
async fn no_money_is_taken_beside_an_attempt_that_does_not_answer() {
    let shop = begun().await;
    shop.begin("paypal").await;
    shop.world.change(SECOND, "/status", json!("APPROVED"));
    shop.world.with(|things| things.away = Some(ORDER));
    assert_eq!(wake(&shop).await, 500);
    assert!(shop.payments.reconcile(&order()).await.is_err());
    assert_eq!(CAPTURES.map(|capture| shop.world.asked(capture)), [0, 0]);
    shop.world.with(|things| things.away = None);
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
}

/// Whoever has paid through both is told of, whichever is heard of first.
#[tokio::test]
async fn money_that_was_taken_unheard_beside_another_gateways_is_told_of() {
    let shop = begun().await;
    shop.begin("stripe").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.with(|things| things.lost = Some("/v2/checkout/orders/5O1/capture"));
    assert_eq!(wake(&shop).await, 500);
    let body = stripe::event("completed", json!({ "id": "cs_test_2", "payment_status": "paid" }));
    assert_eq!(shop.hear("stripe", &stripe::signed(&body), &body).await, 200);
    assert_eq!(wake(&shop).await, 200);
    assert_eq!(shop.told().last(), Some(&(EventName::PaymentMismatch, "paid again")));
    assert_eq!(shop.state(), State::Paid);
}

/// And whoever was charged for two of PayPal's.
#[tokio::test]
async fn money_that_was_taken_twice_by_one_gateway_is_told_of() {
    for is_told in [true, false] {
        let shop = begun().await;
        shop.begin("paypal").await;
        shop.world.change(SECOND, "/status", json!("APPROVED"));
        assert_eq!(wake(&shop).await, 200);
        assert_eq!(shop.state(), State::Paid);
        let amount = json!({ "currency_code": "EUR", "value": "49.90" });
        let capture = json!({ "id": "C-1", "status": "COMPLETED", "amount": amount });
        let payments = json!({ "captures": [capture] });
        let unit = json!({ "custom_id": "ORD-1", "amount": amount, "payments": payments });
        shop.world.change(ORDER, "/status", json!("COMPLETED"));
        shop.world.change(ORDER, "/purchase_units/0", unit);
        if is_told {
            assert_eq!(wake(&shop).await, 200);
        } else {
            assert!(shop.payments.reconcile(&order()).await.is_ok());
        }
        assert_eq!(shop.told().last(), Some(&(EventName::PaymentMismatch, "paid again")));
    }
}

/// A card that is declined again and again keeps no other attempt from its turn, whenever the payer says yes to it.
#[tokio::test]
async fn an_attempt_that_always_fails_keeps_no_other_one_waiting() {
    for when in (0..300).step_by(30) {
        let shop = begun().await;
        shop.begin("paypal").await;
        shop.world.change(SECOND, "/capture", json!("!INSTRUMENT_DECLINED"));
        let mut taken_after = None;
        for second in (0..1200).step_by(5) {
            shop.world.change(SECOND, "/status", json!("APPROVED"));
            if second == 300 + when {
                shop.world.change(ORDER, "/status", json!("APPROVED"));
            }
            let state = shop.payments.reconcile(&order()).await;
            if state == Ok(State::Paid) {
                taken_after = Some(second - 300 - when);
                break;
            }
            shop.clock.advance(Duration::from_secs(5));
        }
        assert!(taken_after.is_some_and(|after| after <= 120), "{when}: {taken_after:?}");
    }
}

/// The browser hangs up, or the time is over, while PayPal takes the money: it is not taken again, and not forgotten.
#[tokio::test]
async fn who_goes_away_in_the_middle_has_paid() {
    for yields in 0..40 {
        let shop = Arc::new(begun().await);
        shop.begin("paypal").await;
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        let asking = {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { shop.payments.reconcile(&order()).await })
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        asking.abort();
        let _ = asking.await;
        // And he says yes to the other one as well.
        shop.world.change(SECOND, "/status", json!("APPROVED"));
        for _ in 0..80 {
            shop.clock.advance(Duration::from_secs(5));
            let _ = shop.payments.reconcile(&order()).await;
        }
        assert_eq!(shop.state(), State::Paid, "{yields}");
        let taken = CAPTURES.map(|capture| shop.world.asked(capture));
        assert_eq!(taken.iter().sum::<usize>(), 1, "{yields}: {taken:?}");
        assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
    }
}

/// Some of it went back: nobody has paid a second time.
#[tokio::test]
async fn who_gets_some_of_it_back_has_paid_once() {
    let shop = begun().await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    assert_eq!(wake(&shop).await, 200);
    let status = "/purchase_units/0/payments/captures/0/status";
    shop.world.change(ORDER, status, json!("PARTIALLY_REFUNDED"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
}

/// Of two that are on their way one comes to nothing: the other one is on its way still.
#[tokio::test]
async fn no_money_is_taken_beside_the_other_one_that_is_pending() {
    let shop = begun().await;
    shop.begin("stripe").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change(ORDER, "/capture", json!("PENDING"));
    assert_eq!(wake(&shop).await, 200);
    let session = |kind: &str, status: &str| {
        let status = json!({ "id": "cs_test_2", "payment_status": status });
        let body = stripe::event(kind, status);
        (stripe::signed(&body), body)
    };
    let (headers, body) = session("completed", "unpaid");
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/status", json!("complete"));
    assert_eq!(shop.hear("stripe", &headers, &body).await, 200);
    assert_eq!(shop.state(), State::Pending);
    let status = "/purchase_units/0/payments/captures/0/status";
    shop.world.change(ORDER, status, json!("DECLINED"));
    assert!(shop.payments.reconcile(&order()).await.is_ok());
    shop.begin("paypal").await;
    shop.world.change("/v2/checkout/orders/5O3", "/status", json!("APPROVED"));
    for _ in 0..3 {
        shop.clock.advance(Duration::from_secs(100));
        assert!(shop.payments.reconcile(&order()).await.is_ok());
    }
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O3/capture"), 0);
    let (headers, body) = session("async_payment_succeeded", "paid");
    assert_eq!(shop.hear("stripe", &headers, &body).await, 200);
    assert_eq!(shop.state(), State::Paid);
    assert!(!shop.told().contains(&(EventName::PaymentMismatch, "paid again")));
}

/// Somebody has paid, and that can just not be written down: what is read is no reason to take more.
#[tokio::test]
async fn no_money_is_taken_beside_what_was_paid_and_could_not_be_written_down() {
    let shop = begun().await;
    shop.begin("stripe").await;
    shop.world.change(ORDER, "/status", json!("APPROVED"));
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/status", json!("complete"));
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/payment_status", json!("paid"));
    shop.ledger.1.store(true, Ordering::Relaxed);
    assert_eq!(wake(&shop).await, 500);
    assert_eq!(CAPTURES.map(|capture| shop.world.asked(capture)), [0, 0]);
    shop.ledger.1.store(false, Ordering::Relaxed);
    assert_eq!(wake(&shop).await, 200);
    assert_eq!((shop.state(), shop.world.asked(CAPTURES[0])), (State::Paid, 0));
}

/// What cannot be read says nothing, and what is completed may be money.
#[tokio::test]
async fn no_money_is_taken_beside_an_answer_that_cannot_be_read() {
    let amount = |value: &str| json!({ "currency_code": "EUR", "value": value });
    let completed = |status: &str, value: &str| {
        let capture = json!({ "id": "C-1", "status": status, "amount": amount(value) });
        let payments = json!({ "captures": [capture] });
        let unit = json!({ "custom_id": "ORD-1", "amount": amount(value), "payments": payments });
        json!({ "id": "5O1", "status": "COMPLETED", "purchase_units": [unit] })
    };
    for first in [
        json!(null),
        json!({ "id": "5O1" }),
        completed("SETTLED", "49.90"),
        // It was taken before the price was another one.
        completed("COMPLETED", "39.90"),
    ] {
        let shop = begun().await;
        shop.begin("paypal").await;
        shop.world.change(ORDER, "", first.clone());
        shop.world.change(SECOND, "/status", json!("APPROVED"));
        assert_ne!(wake(&shop).await, 200, "{first}");
        assert!(shop.payments.reconcile(&order()).await.is_err(), "{first}");
        assert_eq!(CAPTURES.map(|capture| shop.world.asked(capture)), [0, 0], "{first}");
        assert!(!shop.told().is_empty(), "{first}");
        shop.world.change(ORDER, "", completed("DECLINED", "49.90"));
        assert_eq!(wake(&shop).await, 200, "{first}");
        assert_eq!(shop.state(), State::Paid, "{first}");
    }
}

/// While nobody knows whether the first one was taken, the end of one at another gateway is no reason to take the next.
#[tokio::test]
async fn the_end_of_another_attempt_gives_nobody_a_second_turn() {
    for (kind, ended) in [("expired", State::Expired), ("async_payment_failed", State::Refused)] {
        let shop = begun().await;
        shop.begin("stripe").await;
        shop.world.change(ORDER, "/status", json!("APPROVED"));
        shop.world.change(ORDER, "/capture", json!("!AWAY"));
        assert_eq!(wake(&shop).await, 500);
        let body = stripe::event(kind, json!({ "id": "cs_test_2", "payment_status": "unpaid" }));
        assert_eq!(shop.hear("stripe", &stripe::signed(&body), &body).await, 200);
        assert_eq!(shop.state(), ended);
        shop.begin("paypal").await;
        shop.world.change("/v2/checkout/orders/5O3", "/status", json!("APPROVED"));
        assert_eq!(wake(&shop).await, 200);
        let taken = shop.world.asked("POST /v2/checkout/orders/5O3/capture");
        assert_eq!((taken, shop.world.asked(CAPTURES[0])), (0, 1), "{kind}");
        // Later it is seen what has become of the first one.
        shop.clock.advance(Duration::from_secs(60));
        assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
    }
}
