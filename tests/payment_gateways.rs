//! Stripe and PayPal, by the public interface: what their words come to in the ledger, and what is never asked of
//! them.

#![cfg(all(feature = "paypal", feature = "stripe"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use donjon::clock::ManualClock;
use donjon::event::{Detail, EventLog, EventName, MemorySink};
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Applied, Begun, Change, Checkout, ConfigError, Currency, HttpError, HttpSend, Ledger,
    LedgerError, MemoryLedger, Mode, Money, Notice, Order, OrderId, PayPal, Payments, Posted,
    State, StripeCheckout, Work,
};
use http::{Request, Response};
use serde_json::{Value, json};

#[path = "payment_gateways/checksum.rs"]
mod checksum;
#[path = "payment_gateways/laws.rs"]
mod laws;
#[path = "payment_gateways/paypal.rs"]
mod paypal;
#[path = "payment_gateways/stripe.rs"]
mod stripe;

const SIMULATOR: &str = "https://localhost:3443";
/// When the notification of PayPal's that everybody knows was sent.
const NOW: u64 = 1_431_963_913;

/// Stripe and PayPal, as far as these tests go.
#[derive(Clone, Debug, Default)]
struct World(Arc<Mutex<Things>>);

#[derive(Debug, Default)]
struct Things {
    /// What there is at which path.
    at: HashMap<String, Value>,
    asked: Vec<String>,
    begun: u32,
    /// What was answered to whom: who asks PayPal again by the same name is answered the same.
    answered: HashMap<String, (u16, String)>,
    /// What is done there, and the answer is lost once.
    lost: Option<&'static str>,
    /// What is not answered for now.
    away: Option<&'static str>,
    /// For what money was taken though there was some, or some on its way.
    beside: Option<String>,
}

impl World {
    fn with<T>(&self, look: impl FnOnce(&mut Things) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// Changes what is at a path.
    fn change(&self, path: &str, pointer: &str, value: Value) {
        self.with(|things| *things.at.get_mut(path).unwrap().pointer_mut(pointer).unwrap() = value);
    }

    fn asked(&self, line: &str) -> usize {
        self.with(|things| things.asked.iter().filter(|asked| asked.starts_with(line)).count())
    }
}

impl Things {
    /// Whether there is money, or also some on its way.
    fn has_come(&self, is_here: bool) -> bool {
        self.at.values().any(|thing| {
            let is =
                |pointer: &str, value: &str| thing.pointer(pointer).is_some_and(|it| it == value);
            let captured = "/purchase_units/0/payments/captures/0/status";
            let is_paid = is("/payment_status", "paid") || is(captured, "COMPLETED");
            let is_coming = is("/status", "complete") || is(captured, "PENDING");
            is_paid || (is_coming && !is_here) || (is("/late", "yes") && !is_here)
        })
    }

    /// What was answered by nothing is done.
    fn be_late(&mut self) {
        for order in self.at.values_mut().filter(|order| order["late"] == "yes") {
            order["late"] = json!("no");
            capture(order, "COMPLETED");
        }
    }

    fn answer(&mut self, request: &Request<Bytes>) -> (u16, String) {
        let path = request.uri().path().to_owned();
        self.asked.push(format!("{} {path}", request.method()));
        if self.away == Some(&*path) {
            return (503, "{}".to_owned());
        }
        let Some(name) = request.headers().get("paypal-request-id") else {
            return self.answer_anew(request, &path);
        };
        let name = format!("{path} {}", name.to_str().unwrap());
        if let Some(answered) = self.answered.get(&name) {
            return answered.clone();
        }
        let answer = self.answer_anew(request, &path);
        if answer.0 < 500 {
            self.answered.insert(name, answer.clone());
        }
        if self.lost.take_if(|lost| *lost == path).is_some() {
            return (504, "{}".to_owned());
        }
        answer
    }

    fn answer_anew(&mut self, request: &Request<Bytes>, path: &str) -> (u16, String) {
        let text = std::str::from_utf8(request.body()).unwrap();
        let answer = match (request.method().as_str(), path) {
            ("POST", "/v1/oauth2/token") => {
                json!({ "access_token": "A21", "token_type": "Bearer", "expires_in": 32400 })
            }
            ("POST", "/v1/checkout/sessions") => {
                self.begun += 1;
                let id = format!("cs_test_{}", self.begun);
                let session = json!({
                    "id": id, "livemode": false, "status": "open", "payment_status": "unpaid",
                    "client_reference_id": "ORD-1", "amount_total": 4990, "currency": "eur",
                    "url": format!("{SIMULATOR}/c/pay/{id}"),
                });
                self.at.insert(format!("{path}/{id}"), session.clone());
                session
            }
            ("POST", "/v2/checkout/orders") => {
                self.begun += 1;
                let id = format!("5O{}", self.begun);
                let mut order: Value = serde_json::from_str(text).unwrap();
                order["id"] = json!(id);
                order["status"] = json!("PAYER_ACTION_REQUIRED");
                order["capture"] = json!("COMPLETED");
                let page = format!("{SIMULATOR}/checkoutnow?token={id}");
                order["links"] = json!([{ "href": page, "rel": "payer-action" }]);
                self.at.insert(format!("{path}/{id}"), order.clone());
                order
            }
            ("POST", path) if path.ends_with("/capture") => {
                let order = self.at.get_mut(path.strip_suffix("/capture").unwrap()).unwrap();
                if order["status"] == "COMPLETED" {
                    let issue = json!({ "details": [{ "issue": "ORDER_ALREADY_CAPTURED" }] });
                    return (422, issue.to_string());
                }
                assert_eq!(order["status"], "APPROVED");
                if let Some(issue) = order["capture"].as_str().and_then(|it| it.strip_prefix('!')) {
                    if issue == "LATE" {
                        let is_beside = order["late"] != "yes";
                        order["late"] = json!("no");
                        if is_beside && self.has_come(false) {
                            self.beside = Some(path.to_owned());
                        }
                        self.at.get_mut(path.strip_suffix("/capture").unwrap()).unwrap()["late"] =
                            json!("yes");
                        return (503, "{}".to_owned());
                    }
                    if issue == "AWAY" {
                        return (503, "{}".to_owned());
                    }
                    let issue = json!({ "details": [{ "issue": issue }] });
                    order["status"] = json!("PAYER_ACTION_REQUIRED");
                    return (422, issue.to_string());
                }
                let status = order["capture"].as_str().unwrap().to_owned();
                if status != "DECLINED" && self.has_come(false) {
                    self.beside = Some(path.to_owned());
                }
                let order = self.at.get_mut(path.strip_suffix("/capture").unwrap()).unwrap();
                capture(order, &status);
                order.clone()
            }
            ("GET", path) => match self.at.get(path) {
                // A certificate.
                Some(Value::String(text)) => return (200, text.clone()),
                Some(found) => found.clone(),
                None => return (404, "{}".to_owned()),
            },
            other => panic!("{other:?}"),
        };
        (200, answer.to_string())
    }
}

/// Takes the money for an order of PayPal's.
fn capture(order: &mut Value, status: &str) {
    order["status"] = json!("COMPLETED");
    let amount = order["purchase_units"][0]["amount"].clone();
    let id = format!("C-{}", order["id"].as_str().unwrap());
    let capture = json!({ "id": id, "status": status, "amount": amount });
    order["purchase_units"][0]["payments"] = json!({ "captures": [capture] });
}

impl HttpSend for World {
    fn send(&self, request: Request<Bytes>) -> Work<'_, Result<Response<Bytes>, HttpError>> {
        Box::pin(async move {
            // So that others are in between.
            tokio::task::yield_now().await;
            let (status, body) = self.with(|things| things.answer(&request));
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            Ok(Response::builder().status(status).body(Bytes::from(body)).unwrap())
        })
    }
}

/// The ledger, kept by the test as well.
#[derive(Clone, Debug, Default)]
struct Shared(
    Arc<MemoryLedger>,
    /// Nothing can be written down about what was heard.
    Arc<AtomicBool>,
);

impl Ledger for Shared {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        self.0.order(order)
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        self.0.begun(order, attempt)
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.1.load(Ordering::Relaxed) {
                return Err(LedgerError::new());
            }
            self.0.apply(change).await
        })
    }

    fn spend(
        &self,
        once: [u8; 16],
        until: std::time::SystemTime,
    ) -> Work<'_, Result<bool, LedgerError>> {
        self.0.spend(once, until)
    }
}

struct Shop {
    payments: Payments,
    ledger: Shared,
    world: World,
    sink: MemorySink,
    clock: Arc<ManualClock>,
}

impl Shop {
    fn new() -> Self {
        let vectors = paypal::vectors();
        let transmission = &vectors["vectors"][0];
        let webhook = transmission["webhook_id"].as_str().unwrap();
        let pem = vectors["cert_pem"].as_str().unwrap();
        let paypal = PayPal::new(Mode::Test, "id", "secret", webhook).unwrap();
        let paypal = paypal.simulator(SIMULATOR, pem).unwrap();
        let stripe = StripeCheckout::new(Mode::Test, "sk_test_1", [stripe::SECRET, "whsec_old"]);
        let stripe = stripe.unwrap().simulator(SIMULATOR).unwrap();

        let world = World::default();
        let url = transmission["headers"]["paypal-cert-url"].as_str().unwrap();
        let path = url.strip_prefix("https://api.sandbox.paypal.com").unwrap().to_owned();
        world.with(|things| things.at.insert(path, json!(pem)));
        let ring = KeyRing::new(Key::random()).unwrap();
        let sink = MemorySink::default();
        let log =
            EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
        let clock = Arc::new(ManualClock::default());
        clock.advance(Duration::from_secs(NOW));
        let ledger = Shared::default();
        ledger.0.place(&order(), price());
        let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
        let builder = builder.gateway(paypal).gateway(stripe).http(world.clone());
        let payments = builder.log(&log).clock(clock.clone()).build(ledger.clone()).unwrap();
        Self { payments, ledger, world, sink, clock }
    }

    fn state(&self) -> State {
        self.ledger.0.state(&order()).unwrap()
    }

    /// Sends the payer away, and gives where to.
    async fn begin(&self, gateway: &str) -> String {
        let checkout = Checkout::new(order(), price());
        let posted = Posted::of(&Request::post("/pay").body(()).unwrap()).unwrap();
        let answer = self.payments.redirect(posted, &checkout, gateway, None).await.unwrap();
        assert_eq!(answer.status(), 303);
        let response = answer.into_response::<Bytes>();
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn hear(&self, gateway: &str, headers: &[(String, Vec<u8>)], body: &str) -> u16 {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let notice = Notice::new("POST", None, headers, &body);
        self.payments.notify(gateway, notice).await.status().as_u16()
    }

    fn told(&self) -> Vec<(EventName, &'static str)> {
        let events = self.sink.events();
        let told = events.iter().map(|event| match event.detail() {
            Detail::Payment(said) => (event.name(), said.what),
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

fn order() -> OrderId {
    "ORD-1".parse().unwrap()
}

fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

#[test]
fn what_is_asked_over_the_network_needs_one() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let builder = || Payments::builder(&ring, "club", "https://club.example").unwrap();
    let stripe = StripeCheckout::new(Mode::Test, "sk_test_1", ["whsec_1"]).unwrap();
    let built = builder().gateway(stripe).build(MemoryLedger::default());
    assert!(matches!(built, Err(ConfigError::NoHttp { gateway: "stripe" })));
    let paypal = PayPal::new(Mode::Test, "id", "secret", "WH-1").unwrap();
    let built = builder().gateway(paypal).build(MemoryLedger::default());
    assert!(matches!(built, Err(ConfigError::NoHttp { gateway: "paypal" })));
}

#[tokio::test]
async fn what_is_paid_by_one_is_not_taken_by_the_other() {
    let shop = Shop::new();
    shop.begin("paypal").await;
    shop.begin("stripe").await;
    shop.world.change("/v2/checkout/orders/5O1", "/status", json!("APPROVED"));
    let body = stripe::event("completed", json!({ "id": "cs_test_2", "payment_status": "paid" }));
    assert_eq!(shop.hear("stripe", &stripe::signed(&body), &body).await, 200);
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/status", json!("complete"));
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/payment_status", json!("paid"));
    assert_eq!(shop.payments.reconcile(&order()).await, Ok(State::Paid));
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0);
    // The session was heard of by both ways, and nobody is said to have paid twice.
    assert_eq!(shop.told(), [(EventName::PaymentChanged, "paid")]);
}

/// Stripe has the money and its notification is late, so the payer has said yes at PayPal too.
#[tokio::test]
async fn no_money_is_taken_by_one_before_the_other_was_asked() {
    let shop = Shop::new();
    shop.begin("paypal").await;
    shop.begin("stripe").await;
    shop.world.change("/v2/checkout/orders/5O1", "/status", json!("APPROVED"));
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/status", json!("complete"));
    shop.world.change("/v1/checkout/sessions/cs_test_2", "/payment_status", json!("paid"));
    assert_eq!(paypal::wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
    assert_eq!(shop.world.asked("POST /v2/checkout/orders/5O1/capture"), 0);
}

/// One that does not answer keeps the other one from nothing.
#[tokio::test]
async fn a_gateway_that_is_away_hides_no_other_one() {
    let shop = Shop::new();
    shop.begin("paypal").await;
    shop.begin("stripe").await;
    shop.world.with(|things| things.away = Some("/v1/checkout/sessions/cs_test_2"));
    shop.world.change("/v2/checkout/orders/5O1", "/status", json!("APPROVED"));
    assert_eq!(paypal::wake(&shop).await, 200);
    assert_eq!(shop.state(), State::Paid);
}
