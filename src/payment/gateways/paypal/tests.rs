use super::super::super::start::Way;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio_test::block_on;

use super::super::super::checkout::Checkout;
use super::super::super::currency::Currency;
use super::super::super::ledger::{Ledger, MemoryLedger};
use super::super::super::money::Money;
use super::super::api::tests::Canned;
use super::*;

#[path = "../../../../tests/payment_gateways/checksum.rs"]
mod checksum;

const BACK: &str = "https://club.example/pay/return/a-token";
const TOKEN: &str = r#"{"access_token":"A21.to-ken","token_type":"Bearer","expires_in":32400}"#;
const API: &str = "https://api-m.sandbox.paypal.com";

fn paypal() -> PayPal {
    PayPal::new(Mode::Test, "cl1ent", "s3cret", "4JH86294D6297924G").unwrap()
}

fn money(minor: u64) -> Money {
    Money::new(minor, Currency::EUR).unwrap()
}

fn network(answers: &[(u16, Value)]) -> Canned {
    let answers = answers.iter().map(|(status, body)| (*status, body.to_string()));
    Canned::new([(200, TOKEN.to_owned())].into_iter().chain(answers))
}

fn begin(checkout: &Checkout, http: &Canned) -> Result<Handoff, StartError> {
    let notify = "https://club.example/pay/notify/paypal";
    let now = SystemTime::UNIX_EPOCH;
    block_on(paypal().start(Start { checkout, back: BACK, notify, now, http: Some(http) }))
}

fn confirm_from(state: State, http: &Canned) -> Result<Option<Verified>, Unbelieved> {
    let (order, known) = ("ORD-1".parse().unwrap(), Order::new(money(4990), state));
    let ledger = MemoryLedger::default();
    ledger.put(&order, &known);
    let (now, ledger): (_, Option<&dyn Ledger>) = (SystemTime::UNIX_EPOCH, Some(&ledger));
    let witness = Witness { mode: Mode::Test, now, http: Some(http), ledger, taking: None };
    block_on(paypal().confirm(&order, &known, Some("5O1"), witness))
}

fn confirm(http: &Canned) -> Result<Option<Verified>, Unbelieved> {
    confirm_from(State::Created, http)
}

/// An order of PayPal's as it should be.
fn order(status: &str) -> Value {
    let amount = json!({ "currency_code": "EUR", "value": "49.90" });
    let unit = json!({ "reference_id": "ORD-1", "custom_id": "ORD-1", "amount": amount });
    json!({ "id": "5O1", "intent": "CAPTURE", "status": status, "purchase_units": [unit], "payer": {} })
}

fn captured(status: &str) -> Value {
    let amount = json!({ "currency_code": "EUR", "value": "49.90" });
    let capture = json!({ "id": "3C6", "status": status, "custom_id": "ORD-1", "amount": amount });
    let mut order = order("COMPLETED");
    order["purchase_units"][0]["payments"] = json!({ "captures": [capture] });
    order
}

#[test]
fn ids_and_secrets_are_some() {
    let new = |id: &str, secret: &str, webhook: &str| {
        let new = PayPal::new(Mode::Test, id, secret, webhook);
        matches!(new, Err(ConfigError::Account { .. }))
    };
    assert!(!new("id", "secret", "WH-1"));
    for (id, secret, webhook) in [
        ("", "secret", "WH-1"),
        ("id", "", "WH-1"),
        ("id", "secret", ""),
        ("i:d", "secret", "WH-1"),
        ("id\r\nx: y", "secret", "WH-1"),
        ("id", "sec ret", "WH-1"),
        ("id", "secret", "https://club.example/pay/notify/paypal"),
        ("id", "secret", "WH|1"),
    ] {
        assert!(new(id, secret, webhook), "{id} {webhook}");
    }
}

#[test]
fn hosts_are_of_one_mode() {
    let live = PayPal::new(Mode::Production, "id", "secret", "WH-1").unwrap();
    assert_eq!(live.origins()[0].as_str(), "https://www.paypal.com");
    assert_eq!(live.api.as_str(), "https://api-m.paypal.com");
    assert_eq!(live.places, ["https://api.paypal.com/v1/notifications/certs/"]);
    assert_eq!(paypal().origins()[0].as_str(), "https://www.sandbox.paypal.com");
    assert_eq!(paypal().places, ["https://api.sandbox.paypal.com/v1/notifications/certs/"]);

    let pem = vectors()["cert_pem"].as_str().unwrap().to_owned();
    let simulated = paypal().simulator("https://localhost:3443", &pem).unwrap();
    assert_eq!(simulated.origins()[0].as_str(), "https://localhost:3443");
    assert!(paypal().simulator("https://paypal.example", &pem).is_err());
    assert!(paypal().simulator("https://localhost:3443", "").is_err());
    assert!(matches!(
        live.simulator("https://localhost:3443", &pem),
        Err(ConfigError::Mode { .. })
    ));
}

#[test]
fn keys_are_nothing_for_a_log() {
    let text = format!("{:?}", paypal());
    assert!(
        text.contains("Test") && !text.contains("cl1ent") && !text.contains("s3cret"),
        "{text}"
    );
    let http = network(&[(200, order("CREATED"))]);
    confirm(&http).unwrap();
    let text = format!("{:?}", http.asked());
    assert!(text.contains("authorization") && !text.contains("to-ken"), "{text}");
}

#[test]
fn a_payer_is_sent_to_the_page_of_his_order() {
    let page = "https://www.sandbox.paypal.com/checkoutnow?token=5O1";
    for rel in ["payer-action", "approve"] {
        let links = json!([
            { "href": "https://api-m.sandbox.paypal.com/v2/checkout/orders/5O1", "rel": "self", "method": "GET" },
            { "href": page, "rel": rel, "method": "GET" },
        ]);
        let answer = json!({ "id": "5O1", "status": "PAYER_ACTION_REQUIRED", "links": links });
        let http = network(&[(200, answer)]);
        let checkout = Checkout::new("ORD-1".parse().unwrap(), money(4990));
        let checkout = checkout.language("fr").description("Court \"3\"");
        let handoff = begin(&checkout, &http).unwrap();
        assert_eq!(handoff.reference.as_deref(), Some("5O1"));
        assert!(
            matches!(&handoff.way, Way::SeeOther(there) if there.as_str() == page),
            "{handoff:?}"
        );

        let [_, (line, request)] = <[_; 2]>::try_from(http.asked()).unwrap();
        assert_eq!(line, format!("POST {API}/v2/checkout/orders"));
        assert_eq!(request.headers()["authorization"], "Bearer A21.to-ken");
        assert_eq!(request.headers()["paypal-request-id"].len(), 64);
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        let context = json!({
            "return_url": BACK, "cancel_url": BACK, "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING", "locale": "fr",
        });
        let unit = json!({
            "reference_id": "ORD-1", "custom_id": "ORD-1", "description": "Court \"3\"",
            "amount": { "currency_code": "EUR", "value": "49.90" },
        });
        let source = json!({ "paypal": { "experience_context": context } });
        let expected =
            json!({ "intent": "CAPTURE", "purchase_units": [unit], "payment_source": source });
        assert_eq!(sent, expected);
    }
}

#[test]
fn an_order_that_is_not_as_it_should_be_sends_nobody_away() {
    let checkout = Checkout::new("ORD-1".parse().unwrap(), money(4990));
    let link = |href: &str, rel: &str| json!({ "id": "5O1", "status": "CREATED", "links": [{ "href": href, "rel": rel }] });
    let page = "https://www.sandbox.paypal.com/checkoutnow?token=5O1";
    assert!(begin(&checkout, &network(&[(201, link(page, "approve"))])).is_ok());
    for (status, answer) in [
        (200, link("https://www.paypal.com/checkoutnow?token=5O1", "approve")),
        (200, link("https://www.sandbox.paypal.com.evil.example/", "approve")),
        (200, link("https://www.sandbox.paypal.com@evil.example/", "payer-action")),
        (200, link("http://www.sandbox.paypal.com/", "payer-action")),
        (200, link(page, "self")),
        (200, json!({ "id": "5O1", "status": "CREATED" })),
        (
            200,
            json!({ "id": "../x", "status": "CREATED", "links": [{ "href": page, "rel": "approve" }] }),
        ),
        (200, json!({ "status": "CREATED", "links": [{ "href": page, "rel": "approve" }] })),
        (200, json!("<html>")),
        (302, link(page, "approve")),
        (400, link(page, "approve")),
        (422, link(page, "approve")),
        (500, link(page, "approve")),
    ] {
        let begun = begin(&checkout, &network(&[(status, answer.clone())]));
        assert!(matches!(begun, Err(StartError::Gateway(_))), "{status} {answer}");
    }
    let denied = begin(&checkout, &Canned::new([(401, "{}")])).unwrap_err();
    assert!(denied.to_string().contains("access"));
    let dinars = Money::new(5124, Currency::KWD).unwrap();
    let http = Canned::default();
    let refused = begin(&Checkout::new("ORD-1".parse().unwrap(), dinars), &http);
    assert!(matches!(refused, Err(StartError::Amount(_))) && http.lines().is_empty());
}

#[test]
fn money_is_taken_once_the_payer_has_said_yes() {
    for (status, expected) in [
        ("COMPLETED", State::Paid),
        ("PENDING", State::Pending),
        ("DECLINED", State::Refused),
        ("FAILED", State::Refused),
    ] {
        let http = network(&[(200, order("APPROVED")), (201, captured(status))]);
        let said = confirm(&http).unwrap().unwrap();
        assert_eq!((said.state, said.amount), (expected, Some(money(4990))), "{status}");
        assert_eq!(said.event, format!("ORD-1/3C6/{status}"));
        let asked = http.asked();
        assert_eq!(asked[1].0, format!("GET {API}/v2/checkout/orders/5O1"));
        assert_eq!(asked[2].0, format!("POST {API}/v2/checkout/orders/5O1/capture"));
        let name = asked[2].1.headers()["paypal-request-id"].to_str().unwrap();
        assert!(name.starts_with("capture-") && name.len() <= 108, "{name}");

        // The order is completed, whatever has become of the money.
        let http = network(&[(200, captured(status))]);
        assert_eq!(confirm(&http).unwrap().unwrap().state, expected, "{status}");
        assert_eq!(http.lines().len(), 2, "nothing is taken twice");
    }
    for status in ["CREATED", "SAVED", "PAYER_ACTION_REQUIRED"] {
        let http = network(&[(200, order(status))]);
        assert_eq!(confirm(&http), Ok(None), "{status}");
        assert_eq!(http.lines().len(), 2);
    }
    let voided = confirm(&network(&[(200, order("VOIDED"))])).unwrap().unwrap();
    assert_eq!(voided.state, State::Expired);
    assert_eq!(confirm(&network(&[(404, json!({}))])), Ok(None));
    // What is paid already is not paid again.
    for state in [State::Paid, State::Refunded, State::Authorized] {
        let http = network(&[(200, order("APPROVED"))]);
        assert_eq!(confirm_from(state, &http), Ok(None), "{state}");
        assert_eq!(http.lines().len(), 2);
    }
}

#[test]
fn nothing_is_taken_for_something_else() {
    let change = |pointer: &str, value: Value| {
        let mut changed = order("APPROVED");
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let unit = |name: &str| format!("/purchase_units/0/{name}");
    for changed in [
        change("/id", json!("5O2")),
        change("/status", json!("APPROVING")),
        change("/intent", json!("AUTHORIZE")),
        change("/purchase_units", json!([])),
        change("/purchase_units", json!([{}])),
        change("/purchase_units", json!([{ "custom_id": "ORD-1" }])),
        change(&unit("custom_id"), json!("ORD-2")),
        change(&unit("custom_id"), json!(null)),
        change(&unit("amount/value"), json!("0.05")),
        change(&unit("amount/value"), json!("49.9")),
        change(&unit("amount/value"), json!(49.9)),
        change(&unit("amount/currency_code"), json!("USD")),
        change(&unit("amount/currency_code"), json!("HUF")),
        json!("<html>"),
        json!({}),
    ] {
        let http = network(&[(200, changed.clone()), (201, captured("COMPLETED"))]);
        assert!(confirm(&http).is_err(), "{changed}");
        assert_eq!(http.lines().len(), 2, "{changed}");
    }
    for status in [500, 503, 429, 401, 403, 302] {
        let found = confirm(&network(&[(status, order("APPROVED"))]));
        assert!(matches!(found, Err(Unbelieved::Unavailable(_))), "{status} {found:?}");
    }
    let witness =
        Witness { mode: Mode::Test, now: UNIX_EPOCH, http: None, ledger: None, taking: None };
    let (order, known) = ("ORD-1".parse().unwrap(), Order::new(money(4990), State::Created));
    assert_eq!(block_on(paypal().confirm(&order, &known, None, witness)), Ok(None));
    let elsewhere = block_on(paypal().confirm(&order, &known, Some("../../v1/x"), witness));
    assert!(matches!(elsewhere, Err(Unbelieved::Malformed(_))));
}

#[test]
fn money_that_is_not_taken_pays_nothing() {
    let issue =
        |issue: &str| json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": issue }] });
    let take = |answers: &[(u16, Value)]| {
        let answers = [&[(200, order("APPROVED"))], answers].concat();
        confirm(&network(&answers))
    };
    let declined = take(&[(422, issue("INSTRUMENT_DECLINED"))]).unwrap().unwrap();
    assert_eq!((declined.state, declined.amount), (State::Refused, None));
    assert_eq!(take(&[(422, issue("ORDER_NOT_APPROVED"))]), Ok(None));
    // Somebody was quicker.
    let again = issue("ORDER_ALREADY_CAPTURED");
    let said = take(&[(422, again.clone()), (200, captured("COMPLETED"))]).unwrap().unwrap();
    assert_eq!((said.state, &*said.event), (State::Paid, "ORD-1/3C6/COMPLETED"));
    assert!(take(&[(422, again), (200, order("APPROVED"))]).is_err());
    for (status, answer) in [
        (422, issue("DUPLICATE_INVOICE_ID")),
        (422, json!({})),
        (500, captured("COMPLETED")),
        (302, captured("COMPLETED")),
    ] {
        let taken = take(&[(status, answer)]);
        assert!(matches!(taken, Err(Unbelieved::Unavailable(_))), "{status} {taken:?}");
    }
    let mut other = captured("COMPLETED");
    other["id"] = json!("5O2");
    assert!(take(&[(201, other)]).is_err());
    let mut other = captured("COMPLETED");
    other["purchase_units"][0]["payments"]["captures"][0]["custom_id"] = json!("ORD-2");
    assert!(take(&[(201, other)]).is_err());
    assert!(take(&[(201, order("COMPLETED"))]).is_err(), "nothing was captured");
    // An answer that says less of the order, as PayPal gives without being asked for more.
    let mut less = captured("COMPLETED");
    less["purchase_units"][0].as_object_mut().unwrap().retain(|name, _| name == "payments");
    assert_eq!(take(&[(201, less)]).unwrap().unwrap().state, State::Paid);
}

fn vectors() -> Value {
    let all = include_str!("../../../../tests/data/payment/paypal_webhook.json");
    serde_json::from_str(all).unwrap()
}

/// A notification of the vectors, perhaps with another body, heard by a simulator whose certificate it is.
fn hear(vector: &Value, body: &str, http: &Canned) -> Result<Vec<Word>, Unbelieved> {
    let webhook = vector["webhook_id"].as_str().unwrap();
    let paypal = PayPal::new(Mode::Test, "id", "secret", webhook).unwrap();
    let pem = vectors()["cert_pem"].as_str().unwrap().to_owned();
    hear_by(&paypal.simulator("https://localhost:3443", &pem).unwrap(), vector, body, http)
}

fn hear_by(
    paypal: &PayPal,
    vector: &Value,
    body: &str,
    http: &Canned,
) -> Result<Vec<Word>, Unbelieved> {
    hear_after(0, paypal, vector, body, http)
}

/// So many seconds after it was sent.
fn hear_after(
    seconds: u64,
    paypal: &PayPal,
    vector: &Value,
    body: &str,
    http: &Canned,
) -> Result<Vec<Word>, Unbelieved> {
    let headers = vector["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().into()));
    let (headers, body) = (headers.collect::<Vec<_>>(), Bytes::from(body.to_owned()));
    let now = UNIX_EPOCH + Duration::from_secs(1_431_963_913 + seconds);
    let witness = Witness { mode: Mode::Test, now, http: Some(http), ledger: None, taking: None };
    block_on(paypal.verify(Notice::new("POST", None, &headers, &body), witness))
}

/// D.
#[test]
fn what_the_vectors_accept_wakes_us_and_nothing_else() {
    let all = vectors();
    let pem = all["cert_pem"].as_str().unwrap();
    for vector in all["vectors"].as_array().unwrap() {
        let http = Canned::new([(200, pem)]);
        let heard = hear(vector, vector["body"].as_str().unwrap(), &http);
        let (name, expected) = (&vector["name"], vector["expect"] == "accept");
        assert_eq!(heard.is_ok(), expected, "{name} {heard:?}");
        let is_elsewhere = name.as_str().unwrap().starts_with("cert_");
        assert!(!is_elsewhere || http.lines().is_empty(), "{name}");
        // Nothing is said, whatever the body says.
        assert!(heard.is_err() || heard.is_ok_and(|words| words.is_empty()), "{name}");
    }
}

#[test]
fn a_body_of_the_same_checksum_wakes_us_at_most() {
    let all = vectors();
    let (genuine, pem) = (&all["vectors"][0], all["cert_pem"].as_str().unwrap());
    let forged = r#"{"event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"3C6","status":"COMPLETED",
        "custom_id":"ORD-1","amount":{"currency_code":"EUR","value":"49.90"}}}"#;
    let forged = checksum::with_checksum_of(forged, genuine["body"].as_str().unwrap()).unwrap();
    let words = hear(genuine, &forged, &Canned::new([(200, pem)])).unwrap();
    assert!(matches!(&words[..], [Word::Ask(order)] if order.as_str() == "ORD-1"), "{words:?}");
    let other = forged.replace("ORD-1", "ORD-2");
    assert!(hear(genuine, &other, &Canned::new([(200, pem)])).is_err());
}

#[test]
fn a_certificate_is_fetched_once_and_for_good_reason() {
    let all = vectors();
    let (genuine, pem) = (&all["vectors"][0], all["cert_pem"].as_str().unwrap());
    let body = genuine["body"].as_str().unwrap();
    let simulated = paypal().simulator("https://localhost:3443", pem).unwrap();
    let http = Canned::new([(200, pem)]);
    for _ in 0..3 {
        assert!(hear_by(&simulated, genuine, body, &http).is_ok());
    }
    assert_eq!(
        http.lines(),
        [format!("GET {}", genuine["headers"]["paypal-cert-url"].as_str().unwrap())]
    );

    // Nobody vouches for the throw-away certificate.
    let heard = hear_by(&paypal(), genuine, body, &Canned::new([(200, pem)]));
    assert!(matches!(heard, Err(Unbelieved::Signature)));
    for (status, answer) in [(200, "<html>"), (200, ""), (302, pem), (500, pem)] {
        let heard = hear(genuine, body, &Canned::new([(status, answer)]));
        assert!(heard.is_err(), "{status} {answer}");
    }
    let long = format!("{pem}{}", " ".repeat(64 * 1024));
    assert!(hear(genuine, body, &Canned::new([(200, long)])).is_err());

    // Who names one after the other has not many of them fetched.
    let (paypal, mut vector) = (paypal(), genuine.clone());
    let http = Canned::new((0..100).map(|_| (200, pem)));
    for at in 0..100 {
        let url = format!("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-{at}");
        vector["headers"]["paypal-cert-url"] = json!(url);
        assert!(hear_by(&paypal, &vector, body, &http).is_err());
    }
    assert_eq!(http.lines().len(), 64);
}

/// A notification of PayPal's, at which another certificate is named, and perhaps signed by nobody.
fn naming(certificate: &str, is_signed: bool) -> Value {
    let mut vector = vectors()["vectors"][0].clone();
    let url = format!("https://api.sandbox.paypal.com/v1/notifications/certs/{certificate}");
    vector["headers"]["paypal-cert-url"] = json!(url);
    if !is_signed {
        vector["headers"]["paypal-transmission-sig"] =
            json!("A".repeat(344).replace("AAAA", "AAAB"));
    }
    vector
}

fn simulated() -> (PayPal, String, String) {
    let all = vectors();
    let (genuine, pem) = (&all["vectors"][0], all["cert_pem"].as_str().unwrap());
    let webhook = genuine["webhook_id"].as_str().unwrap();
    let paypal = PayPal::new(Mode::Test, "id", "secret", webhook).unwrap();
    let paypal = paypal.simulator("https://localhost:3443", pem).unwrap();
    (paypal, genuine["body"].as_str().unwrap().to_owned(), pem.to_owned())
}

/// Whoever names PayPal's other certificates has them fetched, and drives none out by which PayPal has signed for us.
#[test]
fn a_certificate_that_has_signed_is_not_driven_out_by_strangers() {
    let (paypal, body, pem) = simulated();
    let network = Canned::new([(200, &*pem)]);
    assert!(hear_by(&paypal, &naming("CERT-ours", true), &body, &network).is_ok());
    for at in 0..200 {
        let stranger = naming(&format!("CERT-{at}"), false);
        assert!(hear_by(&paypal, &stranger, &body, &Canned::new([(200, &*pem)])).is_err());
    }
    let heard = hear_by(&paypal, &naming("CERT-ours", true), &body, &Canned::default());
    assert!(heard.is_ok(), "{heard:?}");
}

/// What was none a moment ago says nothing of what is there now: whoever stood between is gone.
#[test]
fn what_is_no_certificate_is_asked_for_again() {
    for answer in [(404, "{}"), (200, "<html>"), (302, ""), (500, "{}"), (429, "{}")] {
        let (paypal, body, pem) = simulated();
        let network = Canned::new([answer, (200, &*pem)]);
        let heard: Vec<_> = (0..2)
            .map(|_| hear_by(&paypal, &naming("CERT-x", true), &body, &network).is_ok())
            .collect();
        assert_eq!(heard, [false, true], "{answer:?}");
    }
}

/// A flood of names delays a certificate that nobody has seen yet, for as long as it keeps coming, and not for the
/// rest of a minute; one that is known is not delayed at all.
#[test]
fn a_flood_of_names_is_over_as_soon_as_it_ends() {
    let (paypal, body, pem) = simulated();
    assert!(
        hear_by(&paypal, &naming("CERT-ours", true), &body, &Canned::new([(200, &*pem)])).is_ok()
    );
    let flood = Canned::new((0..1000).map(|_| (404, "{}")));
    for at in 0..1000 {
        assert!(hear_by(&paypal, &naming(&format!("CERT-{at}"), true), &body, &flood).is_err());
    }
    assert!(flood.lines().len() <= 64, "who is flooded does not flood PayPal");
    let network = Canned::new([(200, &*pem)]);
    let known = hear_by(&paypal, &naming("CERT-ours", true), &body, &network);
    assert!(known.is_ok(), "{known:?}");
    let new = hear_by(&paypal, &naming("CERT-new", true), &body, &network);
    assert!(matches!(new, Err(Unbelieved::Unavailable(_))), "to be sent again: {new:?}");
    let new = hear_after(1, &paypal, &naming("CERT-new", true), &body, &network);
    assert!(new.is_ok(), "{new:?}");
}
