//! C and D of the attacks, by the routes of both frameworks: what is signed is bytes, and each byte of what came is
//! what is looked at. Whatever `notify` says of a notification, the routes say too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use donjon::payment::{HttpError, HttpSend, PayPal, Paybox, StripeCheckout};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use serde_json::Value;

use super::*;

/// Has the certificate that it was given, and nothing else.
struct Certificate(String);

impl HttpSend for Certificate {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Work<'_, Result<http::Response<Bytes>, HttpError>> {
        let is_one = request.uri().path().contains("/certs/");
        let (status, body) = if is_one { (200, self.0.clone()) } else { (404, "{}".to_owned()) };
        let response = http::Response::builder().status(status).body(body.into());
        Box::pin(async move { response.map_err(|_| HttpError::new()) })
    }
}

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// The same to a shop each, by a call and by the routes; what each has answered, and how far the order is then.
async fn heard(gateway: &str, shop: impl Fn() -> Shop, ask: &both::Ask) -> [(u16, State); 3] {
    let (called, axum, actix) = (shop(), shop(), shop());
    for shop in [&called, &axum, &actix] {
        let checkout = Checkout::new(order(), price()).email("ann@example.com");
        // Where the gateway would have to be asked first, nobody is sent away.
        let _ = shop.payments.redirect(posted(), &checkout, gateway, None).await;
    }
    let query = ask.target.split_once('?').map(|(_, query)| query);
    let body = Bytes::copy_from_slice(ask.body.as_bytes());
    let notice = Notice::new(ask.method, query, &ask.headers, &body);
    let status = called.payments.notify(gateway, notice).await.status().as_u16();

    let by_axum = both::axum_app::send(axum.payments.axum_routes(), ask).await.status;
    let app = actix_web::App::new().configure(|config| actix.payments.actix_routes(config));
    let app = actix_web::test::init_service(app).await;
    let request = both::actix_app::request(ask).to_request();
    let by_actix = actix_web::test::try_call_service(&app, request).await;
    let by_actix = both::actix_app::seen(by_actix).await.status;
    [(status, called.state()), (by_axum, axum.state()), (by_actix, actix.state())]
}

async fn all_say_the_same(gateway: &str, shop: impl Fn() -> Shop, ask: &both::Ask) -> u16 {
    let [called, axum, actix] = heard(gateway, shop, ask).await;
    assert_eq!(called, axum, "axum: {ask:?}");
    assert_eq!(called, actix, "actix-web: {ask:?}");
    called.0
}

#[actix_web::test]
async fn of_paybox() {
    for all in [
        vectors(include_str!("../data/payment/paybox_signature_real.json")),
        vectors(include_str!("../data/payment/paybox_ipn_policy.json")),
    ] {
        let shop = || {
            let mut paybox = Paybox::test_account().unwrap();
            // What Verifone has signed is verified by Verifone's key, which the crate has.
            if let Some(pem) =
                all["public_key_pem"].as_str().filter(|_| all["vectors"][0].get("raw").is_some())
            {
                paybox = paybox.simulator("http://127.0.0.1:9", pem).unwrap();
            }
            Shop::new(|builder| builder.gateway(paybox))
        };
        for vector in all["vectors"].as_array().unwrap() {
            let raw = vector.get("raw").or_else(|| vector.get("raw_query_or_body"));
            let Some(raw) = raw.and_then(Value::as_str) else { continue };
            let form = both::Ask::get("/pay/notify/paybox").method("POST").body(raw);
            let form = form.header("content-type", "application/x-www-form-urlencoded");
            let posted = all_say_the_same("paybox", shop, &form).await;
            // As a query, and as one beside a body, which is none.
            if http::Uri::try_from(format!("/?{raw}")).is_ok() {
                let target = format!("/pay/notify/paybox?{raw}");
                let query = both::Ask::get(&target);
                assert_eq!(all_say_the_same("paybox", shop, &query).await, posted, "{raw}");
                let beside = both::Ask::get(&target).method("POST").body(raw);
                assert_eq!(all_say_the_same("paybox", shop, &beside).await, 400, "{raw}");
            }
        }
    }
}

/// One of our own fields, which pays; and the same with one byte changed, wherever that is.
#[actix_web::test]
async fn of_paybox_byte_by_byte() {
    let key = rsa::PrivateKey::new(&mut rand::rngs::SysRng, 1024).unwrap();
    let pem = key.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap();
    let shop = || {
        let paybox = Paybox::test_account().unwrap();
        let paybox = paybox.simulator("http://127.0.0.1:9", &pem).unwrap();
        Shop::new(|builder| builder.gateway(paybox))
    };
    let signed = "amount=4990&order=2026-17&auth=XXXXXX&call=292615&trans=218017974&date=12052026\
        &time=10%3A30%3A00&error=00000";
    let signature = SigningKey::<sha1::Sha1>::new(key).sign(signed.as_bytes()).to_bytes();
    let mut sign = String::new();
    for char in STANDARD.encode(signature).chars() {
        match char {
            '+' => sign.push_str("%2B"),
            '/' => sign.push_str("%2f"),
            '=' => sign.push_str("%3D"),
            other => sign.push(other),
        }
    }
    let said = format!("{signed}&sign={sign}");
    for ask in [
        both::Ask::get(&format!("/pay/notify/paybox?{said}")),
        both::Ask::get("/pay/notify/paybox").method("POST").body(&said),
    ] {
        let [called, ..] = heard("paybox", shop, &ask).await;
        assert_eq!(called, (200, State::Paid), "{ask:?}");
        assert_eq!(all_say_the_same("paybox", shop, &ask).await, 200);
    }
    for at in 0..said.len() {
        let mut changed = said.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        let ask = both::Ask::get("/pay/notify/paybox").method("POST").body(&changed);
        assert_eq!(all_say_the_same("paybox", shop, &ask).await, 400, "{changed}");
    }
}

#[actix_web::test]
async fn of_stripe() {
    let all = vectors(include_str!("../data/payment/stripe_webhook.json"));
    let shop = || {
        let secret = text(&all, "secret");
        let stripe = StripeCheckout::new(Mode::Test, "sk_test_of_nobody", [secret]).unwrap();
        let clock = ManualClock::default();
        clock.advance(Duration::from_secs(all["now"].as_u64().unwrap()));
        let http = Certificate(String::new());
        Shop::new(|builder| builder.gateway(stripe).http(http).clock(Arc::new(clock)))
    };
    for vector in all["vectors"].as_array().unwrap() {
        let ask = both::Ask::get("/pay/notify/stripe").method("POST").body(text(vector, "payload"));
        let ask = ask.header("stripe-signature", text(vector, "header"));
        let expected = if text(vector, "expect") == "reject" { 400 } else { 200 };
        let status = all_say_the_same("stripe", shop, &ask).await;
        assert_eq!(status, expected, "{}", vector["name"]);
    }
}

#[actix_web::test]
async fn of_paypal() {
    let all = vectors(include_str!("../data/payment/paypal_webhook.json"));
    let pem = text(&all, "cert_pem");
    for vector in all["vectors"].as_array().unwrap() {
        let shop = || {
            let webhook = text(vector, "webhook_id");
            let paypal = PayPal::new(Mode::Test, "id", "secret", webhook).unwrap();
            let paypal = paypal.simulator("https://localhost:3443", pem).unwrap();
            // When the notification that everybody knows was sent.
            let clock = ManualClock::default();
            clock.advance(Duration::from_secs(1_431_963_913));
            let http = Certificate(pem.to_owned());
            Shop::new(|builder| builder.gateway(paypal).http(http).clock(Arc::new(clock)))
        };
        let mut ask =
            both::Ask::get("/pay/notify/paypal").method("POST").body(text(vector, "body"));
        for (name, value) in vector["headers"].as_object().unwrap() {
            ask = ask.header(name, value.as_str().unwrap());
        }
        let expected = if text(vector, "expect") == "reject" { 400 } else { 200 };
        let status = all_say_the_same("paypal", shop, &ask).await;
        assert_eq!(status, expected, "{}", vector["name"]);
    }
}

/// E, by the routes: whatever is done to a token, and however often it comes.
#[actix_web::test]
async fn of_browsers_that_come_back() {
    for framework in ["axum", "actix-web"] {
        let shop = Shop::club();
        let away = shop.redirect(&Checkout::new(order(), price())).await;
        let token = token_of(away.headers()["location"].to_str().unwrap());
        let come = async |token: &str| {
            let ask = both::Ask::get(&format!("/pay/return/{token}?paid=1&status=COMPLETED"));
            shop.answers(framework, &ask).await
        };
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(come(&changed).await.status, 404, "{framework} {changed}");
            if at > 0 {
                assert_eq!(come(&token[..at]).await.status, 404, "{framework} {at}");
            }
        }
        for other in ["%41", "A=", "AA==", "..", &"A".repeat(10_000), &format!("{token}=")] {
            assert_eq!(come(other).await.status, 404, "{framework} {other}");
        }
        let seen = come(&token).await;
        assert_eq!((seen.status, seen.header("location")), (303, Some("/orders/2026-17")));
        assert_eq!(seen.header("cache-control"), Some("no-store"), "{framework}");
        assert_eq!(seen.header("referrer-policy"), Some("no-referrer"), "{framework}");
        assert_eq!(seen.header("set-cookie"), None, "{framework}");
        assert!(come(&token).await.status >= 400, "{framework}: a second time");
        assert_eq!(shop.state(), State::Created, "{framework}: nothing was paid by it");
    }
}

/// A7 and A8: the same answer to whoever goes out by either framework's handler.
#[actix_web::test]
async fn of_payers_on_their_way() {
    async fn pay(posted: Posted, payments: Payments, gateway: &str) -> donjon::payment::Answer {
        let checkout = Checkout::new(order(), price()).email("ann@example.com");
        payments.redirect(posted, &checkout, gateway, None).await.unwrap()
    }
    for gateway in ["club", "paybox"] {
        let shop = Shop::new(|builder| {
            builder.gateway(Club::new()).gateway(Paybox::test_account().unwrap())
        });
        let payments = shop.payments.clone();
        let by_axum = axum::routing::any(async move |posted| pay(posted, payments, gateway).await);
        let router = axum::Router::new().route("/pay", by_axum);
        let payments = shop.payments.clone();
        let by_actix = move |posted: Posted| pay(posted, payments.clone(), gateway);
        let app = actix_web::App::new().route("/pay", actix_web::web::to(by_actix));
        let app = actix_web::test::init_service(app).await;

        for (method, purpose, expected) in [
            ("POST", None, if gateway == "club" { 303 } else { 200 }),
            ("POST", Some("prefetch"), 405),
            ("GET", None, 405),
            ("HEAD", None, 405),
        ] {
            let mut ask = both::Ask::get("/pay").method(method);
            if let Some(purpose) = purpose {
                ask = ask.header("sec-purpose", purpose);
            }
            let request = both::actix_app::request(&ask).to_request();
            let actix = actix_web::test::try_call_service(&app, request).await;
            for seen in [
                both::axum_app::send(router.clone(), &ask).await,
                both::actix_app::seen(actix).await,
            ] {
                assert_eq!(seen.status, expected, "{ask:?} {seen:?}");
                assert_eq!(seen.header("cache-control"), Some("no-store"), "{ask:?} {seen:?}");
                assert_eq!(seen.header("set-cookie"), None, "{ask:?} {seen:?}");
                if expected == 405 {
                    assert_eq!(seen.header("location"), None, "{ask:?} {seen:?}");
                    continue;
                }
                assert_eq!(seen.header("referrer-policy"), Some("no-referrer"), "{seen:?}");
                if gateway == "club" {
                    let to = seen.header("location").unwrap();
                    assert!(to.starts_with("https://pay.example/2026-17?back="), "{to}");
                    continue;
                }
                let policy = seen.header("content-security-policy").unwrap();
                for directive in [
                    "default-src 'none'",
                    "form-action https://preprod-tpeweb.paybox.com",
                    "base-uri 'none'",
                    "frame-ancestors 'none'",
                ] {
                    assert!(
                        policy.split("; ").any(|one| one == directive),
                        "{directive}: {policy}"
                    );
                }
                assert!(seen.body.contains("name=\"PBX_HMAC\""), "{}", seen.body);
            }
        }
        let begun = shop.ledger.0.order(&order()).await.unwrap().unwrap().begun;
        assert_eq!(begun.len(), 2, "once by each, and by nothing that looks ahead");
    }
}
