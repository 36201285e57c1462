//! To the gateway, and back.

use donjon::keys::KeySet;
use donjon::payment::{ConfigError, LocalPath, ReturnError};

use super::*;

fn location(response: &http::Response<Bytes>) -> &str {
    response.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_payer_is_sent_to_the_gateway_and_nowhere_else() {
    let shop = Shop::club();
    let response = shop.redirect(&Checkout::new(order(), price())).await;
    assert_eq!(response.status(), 303);
    assert!(
        location(&response).starts_with("https://pay.example/2026-17?back=https://club.example/")
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert!(!response.headers().contains_key("set-cookie"));
    let known = shop.ledger.0.order(&order()).await.unwrap().unwrap();
    let there = Begun { gateway: "club".into(), mode: Mode::Test, reference: Some("c-17".into()) };
    assert_eq!(known.begun, [there]);

    let begin = async |checkout: Checkout, gateway: &str| {
        shop.payments.redirect(posted(), &checkout, gateway, None).await.map(|_| ()).unwrap_err()
    };
    let elsewhere = Checkout::new(order(), price()).description("elsewhere");
    assert!(matches!(begin(elsewhere, "club").await, StartError::Gateway(_)));
    assert!(matches!(begin(Checkout::new(order(), price()), "other").await, StartError::NoGateway));
    let cheaper = Money::new(1, Currency::EUR).unwrap();
    assert!(matches!(begin(Checkout::new(order(), cheaper), "club").await, StartError::NoOrder));
    let unknown = Checkout::new("nothing".parse().unwrap(), price());
    assert!(matches!(begin(unknown, "club").await, StartError::NoOrder));

    assert_eq!(shop.hear("e1 2026-17 paid 4990 EUR test our-word").await, 200);
    let again = begin(Checkout::new(order(), price()), "club").await;
    assert!(matches!(again, StartError::NotPayable(State::Paid)), "{again:?}");
}

/// E: what a browser brings back is good once, for a time, and shows what the ledger says.
#[tokio::test]
async fn a_return_token_shows_and_changes_nothing() {
    let shop = Shop::club();
    let token = async || token_of(location(&shop.redirect(&Checkout::new(order(), price())).await));
    let good = token().await;
    for session in [Some(&b"session"[..]), Some(b"another"), None] {
        let returned = shop.payments.returned(visited(), &token().await, session).await.unwrap();
        assert_eq!((returned.order, returned.state), (order(), State::Created));
        assert_eq!(returned.is_same_session, session == Some(b"session"));
    }
    assert_eq!(shop.state(), State::Created);

    // Changed, cut off, made longer, or written in another way.
    let mut bad = vec![String::new(), "x".repeat(10_000), format!("{good}A"), format!("{good}=")];
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        bad.push(String::from_utf8(changed).unwrap());
        bad.push(good[..at].to_owned());
    }
    for token in bad {
        let returned = shop.payments.returned(visited(), &token, None).await;
        assert_eq!(returned, Err(ReturnError::Invalid), "{token}");
    }
    assert!(shop.payments.returned(visited(), &good, None).await.is_ok());
    assert_eq!(shop.payments.returned(visited(), &good, None).await, Err(ReturnError::Used));

    // Of several at once one is the first.
    let one = token().await;
    let tries = (0..20).map(|_| shop.payments.returned(visited(), &one, None));
    let first = futures_util::future::join_all(tries).await;
    assert_eq!(first.iter().filter(|returned| returned.is_ok()).count(), 1);

    let old = token().await;
    shop.clock.advance(Duration::from_secs(4 * 3600));
    assert_eq!(shop.payments.returned(visited(), &old, None).await, Err(ReturnError::Expired));

    // A key that is not the active one any more is good until its date, and one that is gone is not.
    let (one, other) = (token().await, token().await);
    let until = shop.clock.now() + Duration::from_secs(60);
    let rotated = KeySet::new(Key::random()).accept(shop.key.clone(), until);
    shop.ring.replace(rotated).unwrap();
    assert!(shop.payments.returned(visited(), &one, None).await.is_ok());
    shop.ring.replace(Key::random()).unwrap();
    assert_eq!(shop.payments.returned(visited(), &other, None).await, Err(ReturnError::Invalid));
    assert!(shop.payments.returned(visited(), &token().await, None).await.is_ok());
    assert!(shop.sink.events().is_empty());
}

/// A token of another shop's order, or of an order that has changed since, shows nothing.
#[tokio::test]
async fn a_return_token_is_of_one_order_at_one_price() {
    let shop = Shop::club();
    let token = token_of(location(&shop.redirect(&Checkout::new(order(), price())).await));
    for ledger in [
        MemoryLedger::default(),
        {
            let ledger = MemoryLedger::default();
            ledger.place(&order(), Money::new(1, Currency::EUR).unwrap());
            ledger
        },
        {
            let ledger = MemoryLedger::default();
            ledger.place(&order(), price()); // where nobody was sent away
            ledger
        },
    ] {
        let builder = Payments::builder(&shop.ring, "club", "https://club.example").unwrap();
        let builder = builder.gateway(Club::new()).clock(shop.clock.clone());
        let other = builder.build(ledger).unwrap();
        assert_eq!(other.returned(visited(), &token, None).await, Err(ReturnError::Invalid));
    }
    let builder = Payments::builder(&shop.ring, "another app", "https://club.example").unwrap();
    let other = builder.gateway(Club::new()).clock(shop.clock.clone());
    let other = other.build(shop.ledger.clone()).unwrap();
    assert_eq!(other.returned(visited(), &token, None).await, Err(ReturnError::Invalid));
}

/// Whatever stands behind the token, the answer leads to the order's page, without it.
#[actix_web::test]
async fn a_browser_comes_back_to_a_clean_url() {
    for framework in ["axum", "actix-web"] {
        let shop = Shop::club();
        let send = async |method: &'static str, target: &str| {
            let ask = both::Ask::get(target).method(method);
            shop.answers(framework, &ask).await
        };
        let token = token_of(location(&shop.redirect(&Checkout::new(order(), price())).await));
        let forged =
            format!("/pay/return/{token}?paid=1&status=COMPLETED&error=00000&order=2026-18");
        let seen = send("GET", &forged).await;
        assert_eq!(
            (seen.status, seen.header("location")),
            (303, Some("/orders/2026-17")),
            "{framework}"
        );
        assert_eq!(seen.header("cache-control"), Some("no-store"), "{framework}");
        assert_eq!(seen.header("referrer-policy"), Some("no-referrer"), "{framework}");
        assert_eq!(seen.header("set-cookie"), None, "{framework}");
        assert_eq!(shop.state(), State::Created, "{framework}");
        assert_eq!(send("GET", &forged).await.status, 410, "{framework}: once");
        assert_eq!(send("GET", "/pay/return/nonsense").await.status, 404, "{framework}");
        assert!(matches!(send("POST", &forged).await.status, 404 | 405), "{framework}");
    }
}

/// A7: nothing but a form begins a payment.
#[actix_web::test]
async fn a_payment_begins_by_post_alone() {
    let answer = async |_: Posted| "app";
    for (method, header, status) in [
        ("POST", ("accept", "*/*"), 200),
        ("POST", ("sec-purpose", "prefetch"), 405),
        ("GET", ("accept", "*/*"), 405),
        ("HEAD", ("accept", "*/*"), 405),
    ] {
        let ask = both::Ask::get("/pay").method(method).header(header.0, header.1);
        let router = axum::Router::new().route("/pay", axum::routing::any(answer));
        assert_eq!(both::axum_app::send(router, &ask).await.status, status, "{method} {header:?}");
        let app = actix_web::App::new().route("/pay", actix_web::web::to(answer));
        let app = actix_web::test::init_service(app).await;
        let request = both::actix_app::request(&ask).to_request();
        let seen = actix_web::test::try_call_service(&app, request).await;
        assert_eq!(both::actix_app::seen(seen).await.status, status, "{method} {header:?}");
    }
}

#[test]
fn what_makes_no_sense_is_not_built() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let builder = || Payments::builder(&ring, "club", "https://club.example").unwrap();
    let build = |builder: PaymentsBuilder| builder.build(MemoryLedger::default()).unwrap_err();
    assert!(matches!(build(builder()), ConfigError::Gateways(_)));
    let twice = builder().gateway(Club::new()).gateway(Club::new());
    assert!(matches!(build(twice), ConfigError::Gateways(_)));
    let club = || builder().gateway(Club::new());
    for path in ["pay", "//pay", "/pay?x=1", "/pay/", "/p%61y", "/pay#x", "/pay&x", "https://a.b/"]
    {
        assert!(club().return_route(path).build(MemoryLedger::default()).is_err(), "{path}");
        assert!(club().notify_route(path).build(MemoryLedger::default()).is_err(), "{path}");
    }
    for page in ["/orders", "//{order}", "/{order}/{order}", "https://evil.example/{order}"] {
        assert!(club().order_page(page).build(MemoryLedger::default()).is_err(), "{page}");
    }
    assert!(club().order_page("/my/{order}?tab=paid#top").build(MemoryLedger::default()).is_ok());
    for seconds in [0, 59, 7 * 86_400 + 1] {
        let club = club().return_within(Duration::from_secs(seconds));
        assert!(matches!(build(club), ConfigError::Time { .. }), "{seconds}");
    }
    for site in ["http://club.example", "https://club.example/", "club.example", ""] {
        assert!(Payments::builder(&ring, "club", site).is_err(), "{site}");
    }
    let payments = club().build(MemoryLedger::default()).unwrap();
    let routes: Vec<_> =
        payments.notify_routes().map(|(_, path)| LocalPath::to_string(path)).collect();
    assert_eq!(routes, ["/pay/notify/club"]);
    assert_eq!(payments.origins().map(Origin::as_str).collect::<Vec<_>>(), ["https://pay.example"]);
}
