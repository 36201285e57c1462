//! Whose word counts, and how often.

use super::*;

const PAID: &str = "e1 2026-17 paid 4990 EUR test our-word";

/// What is said again, late, out of order or by several at once changes an order once.
#[tokio::test]
async fn what_is_paid_is_paid_once_and_stays_paid() {
    let paid = |event: &str| format!("{event} 2026-17 paid 4990 EUR test our-word");
    let says = |event: &str, state: &str| format!("{event} 2026-17 {state} 4990 EUR test our-word");
    for (heard, expected) in [
        (vec![paid("1")], State::Paid),
        (vec![paid("1"), paid("1"), paid("1")], State::Paid),
        (vec![says("0", "pending"), paid("1")], State::Paid),
        (vec![paid("1"), says("0", "pending")], State::Paid),
        (vec![paid("1"), says("2", "cancelled")], State::Paid),
        (vec![paid("1"), says("2", "refused"), says("3", "expired")], State::Paid),
        (vec![says("0", "refused"), paid("1")], State::Paid),
        (vec![says("0", "cancelled"), paid("1")], State::Paid),
        (vec![says("0", "authorized"), says("1", "pending")], State::Authorized),
        (vec![says("0", "authorized"), says("1", "cancelled")], State::Cancelled),
        (vec![paid("1"), says("2", "refunded"), paid("3")], State::Refunded),
        // All of one notification.
        (vec![[says("0", "pending"), paid("1")].join("\n")], State::Paid),
    ] {
        let shop = Shop::club();
        shop.begin().await;
        for body in &heard {
            assert_eq!(shop.hear(body).await, 200, "{heard:?}");
        }
        assert_eq!(shop.state(), expected, "{heard:?}");
        let changes =
            shop.told().into_iter().filter(|told| *told == (EventName::PaymentChanged, "paid"));
        assert!(changes.count() <= 1, "{heard:?}");
    }
}

/// Thirty-two at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_copies_at_once_one_changes_the_order() {
    let shop = Arc::new(Shop::club());
    shop.begin().await;
    let mut copies = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let shop = Arc::clone(&shop);
        copies.spawn(async move { shop.hear(PAID).await });
    }
    assert!(copies.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(shop.state(), State::Paid);
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
}

/// Another amount, currency or mode, an order of which nobody was sent there, and one that there is not.
#[tokio::test]
async fn what_is_not_the_orders_pays_nothing() {
    use EventName::{PaymentMismatch, PaymentUnbelieved, PaymentUnknownOrder};

    for (body, status, told) in [
        (
            "1 2026-17 paid 4989 EUR test our-word",
            400,
            (PaymentMismatch, "the amount is another one"),
        ),
        (
            "1 2026-17 paid 4991 EUR test our-word",
            400,
            (PaymentMismatch, "the amount is another one"),
        ),
        (
            "1 2026-17 paid 4990 HUF test our-word",
            400,
            (PaymentMismatch, "the currency is another one"),
        ),
        (
            "1 2026-17 paid 4990 EUR live our-word",
            400,
            (PaymentMismatch, "the mode is another one"),
        ),
        ("1 2026-17 paid - EUR test our-word", 400, (PaymentMismatch, "paid without an amount")),
        ("1 2026-18 paid 4990 EUR test our-word", 200, (PaymentUnknownOrder, "an unknown order")),
        ("ask 2026-18 our-word", 200, (PaymentUnknownOrder, "an unknown order")),
        (
            "1 2026-17 paid 4990 EUR test their-word",
            400,
            (PaymentUnbelieved, "not the gateway's signature"),
        ),
        ("nonsense", 400, (PaymentUnbelieved, "not the gateway's signature")),
    ] {
        let shop = Shop::club();
        shop.begin().await;
        assert_eq!(shop.hear(body).await, status, "{body}");
        assert_eq!(shop.state(), State::Created, "{body}");
        assert_eq!(shop.told(), [told], "{body}");
    }
    // One word that is bad, and none of them counts.
    let shop = Shop::club();
    shop.begin().await;
    assert_eq!(shop.hear(&format!("{PAID}\nnonsense")).await, 400);
    assert_eq!(shop.state(), State::Created);
    // Nobody was sent to this gateway.
    let shop = Shop::club();
    assert_eq!(shop.hear(PAID).await, 400);
    assert_eq!(shop.told(), [(PaymentMismatch, "nobody was sent to this gateway")]);
    let body = Bytes::from_static(PAID.as_bytes());
    let elsewhere = shop.payments.notify("nowhere", Notice::new("POST", None, &[], &body)).await;
    assert_eq!(elsewhere.status(), 404);
}

/// Whoever pays twice is told of, and is to have his money back.
#[tokio::test]
async fn an_order_that_is_paid_twice_is_told_of() {
    let shop = Shop::club();
    shop.begin().await;
    assert_eq!(shop.hear(PAID).await, 200);
    assert_eq!(shop.hear(&PAID.replace("e1", "e2")).await, 200);
    assert_eq!(shop.hear(&PAID.replace("e1", "e2")).await, 200, "and once");
    let told = [(EventName::PaymentChanged, "paid"), (EventName::PaymentMismatch, "paid again")];
    assert_eq!(shop.told(), told);
}

/// A ledger that is down loses nothing: the gateway is to send it again.
#[tokio::test]
async fn what_cannot_be_written_down_is_to_be_sent_again() {
    let shop = Shop::club();
    shop.begin().await;
    shop.ledger.1.store(true, Ordering::Relaxed);
    assert_eq!(shop.hear(PAID).await, 500);
    shop.ledger.1.store(false, Ordering::Relaxed);
    assert_eq!(shop.state(), State::Created);
    assert_eq!(shop.hear(PAID).await, 200);
    assert_eq!(shop.state(), State::Paid);
}

/// A notification that only wakes us: what the gateway says when it is asked counts.
#[tokio::test]
async fn a_gateway_may_have_to_be_asked() {
    let other = Money::new(4989, Currency::EUR).unwrap();
    for (says, status, expected) in [
        (None, 200, State::Created),
        (Some((State::Paid, price())), 200, State::Paid),
        (Some((State::Pending, price())), 200, State::Pending),
        (Some((State::Paid, other)), 400, State::Created),
    ] {
        let club = Club { says, ..Club::new() };
        let asked = Arc::clone(&club.asked);
        let shop = Shop::new(|builder| builder.gateway(club));
        assert_eq!(shop.hear("ask 2026-17 our-word").await, 200);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "nobody was sent there");
        shop.begin().await;
        for _ in 0..3 {
            assert_eq!(shop.hear("ask 2026-17 our-word").await, status, "{says:?}");
        }
        assert_eq!(shop.state(), expected, "{says:?}");
        // Of what is paid nobody is asked again.
        let times = if expected == State::Paid { 1 } else { 3 };
        assert_eq!(asked.load(Ordering::Relaxed), times, "{says:?}");

        let state = shop.payments.reconcile(&order()).await;
        assert_eq!(state.is_ok(), status == 200, "{says:?}");
        assert_eq!(shop.state(), expected, "{says:?}");
    }
    let shop = Shop::club();
    assert!(shop.payments.reconcile(&"none".parse().unwrap()).await.is_err());
}

/// Over the frameworks' own servers: raw bytes, whatever their type says, and no more of them than there may be.
#[actix_web::test]
async fn notifications_come_in_by_routes_of_both_frameworks() {
    for framework in ["axum", "actix-web"] {
        let shop = Shop::club();
        shop.begin().await;
        let send = async |method: &'static str, body: &str, length: Option<&str>| {
            let ask = both::Ask::get("/pay/notify/club").method(method);
            let mut ask = ask.header("content-type", "application/json").body(body);
            if let Some(length) = length {
                ask = ask.header("content-length", length);
            }
            shop.answers(framework, &ask).await
        };
        assert_eq!(send("POST", "nonsense", None).await.status, 400, "{framework}");
        assert_eq!(send("PUT", PAID, None).await.status, 405, "{framework}");
        assert_eq!(send("POST", &"x".repeat(70_000), None).await.status, 413, "{framework}");
        if framework == "axum" {
            // The test request of actix-web states the length that is.
            assert_eq!(send("POST", PAID, Some("9999999")).await.status, 413, "{framework}");
        }
        assert_eq!(shop.state(), State::Created, "{framework}");
        let seen = send("POST", PAID, None).await;
        assert_eq!((seen.status, &*seen.body), (200, ""), "{framework}");
        assert_eq!(seen.header("cache-control"), Some("no-store"), "{framework}");
        assert_eq!(shop.state(), State::Paid, "{framework}");
    }
}
