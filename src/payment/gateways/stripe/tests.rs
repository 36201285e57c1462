use super::super::super::start::Way;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_test::block_on;

use super::super::super::checkout::Checkout;
use super::super::super::currency::Currency;
use super::super::super::money::Money;
use super::super::api::tests::Canned;
use super::*;

const BACK: &str = "https://club.example/pay/return/a-token";
const KEY: &str = "sk_test_4eC39Hq";
const SECRET: &str = "whsec_5WbX1y0kq3Qm";
const LIVE_KEY: &str = "rk_live_4eC39Hq";

fn stripe() -> StripeCheckout {
    StripeCheckout::new(Mode::Test, KEY, [SECRET]).unwrap()
}

fn checkout() -> Checkout {
    Checkout::new("ORD-1".parse().unwrap(), Money::new(4990, Currency::EUR).unwrap())
}

fn begin(stripe: &StripeCheckout, http: &Canned, back: &str) -> Result<Handoff, StartError> {
    let checkout = checkout();
    let notify = "https://club.example/pay/notify/stripe";
    let now = SystemTime::UNIX_EPOCH;
    block_on(stripe.start(Start { checkout: &checkout, back, notify, now, http: Some(http) }))
}

fn confirm(http: &Canned, reference: Option<&str>) -> Result<Option<Verified>, Unbelieved> {
    confirm_from(State::Pending, http, reference)
}

fn confirm_from(
    state: State,
    http: &Canned,
    reference: Option<&str>,
) -> Result<Option<Verified>, Unbelieved> {
    let (order, known) = ("ORD-1".parse().unwrap(), Order::new(checkout().amount, state));
    let witness = Witness {
        mode: Mode::Test,
        now: SystemTime::UNIX_EPOCH,
        http: Some(http),
        ledger: None,
        taking: None,
    };
    block_on(stripe().confirm(&order, &known, reference, witness))
}

#[test]
fn a_key_is_of_one_mode_and_there_is_a_secret() {
    let new = |mode, key: &str, secrets: &[&str]| StripeCheckout::new(mode, key, secrets).err();
    for (mode, key) in [
        (Mode::Test, "sk_test_1"),
        (Mode::Test, "rk_test_1"),
        (Mode::Production, "sk_live_1"),
        (Mode::Production, "rk_live_1"),
    ] {
        assert!(
            new(mode, key, &[SECRET]).is_none() && new(mode, key, &[SECRET, "whsec_2"]).is_none()
        );
        let other = if mode == Mode::Test { Mode::Production } else { Mode::Test };
        assert!(matches!(new(other, key, &[SECRET]), Some(ConfigError::Mode { .. })), "{key}");
    }
    for key in ["", "sk_test_", "pk_test_1", "sk_1", "Sk_test_1", " sk_test_1", "sk_test_1\r\na: b"]
    {
        let error = new(Mode::Test, key, &[SECRET]);
        assert!(matches!(error, Some(ConfigError::Account { .. })), "{key}");
    }
    for secrets in [&[][..], &[""], &["whsec_"], &[SECRET, ""], &["sk_test_1"], &["whsec_a b"]] {
        let error = new(Mode::Test, "sk_test_1", secrets);
        assert!(matches!(error, Some(ConfigError::Account { .. })), "{secrets:?}");
    }
}

#[test]
fn a_simulator_is_on_this_machine_and_plays() {
    let simulated = stripe().simulator("http://127.0.0.1:12111").unwrap();
    assert_eq!(simulated.origins()[0].as_str(), "http://127.0.0.1:12111");
    assert!(stripe().simulator("https://stripe.example").is_err());
    let live = StripeCheckout::new(Mode::Production, LIVE_KEY, [SECRET]).unwrap();
    assert!(matches!(live.simulator("http://127.0.0.1:12111"), Err(ConfigError::Mode { .. })));
}

#[test]
fn keys_are_nothing_for_a_log() {
    let text = format!("{:?}", stripe());
    assert!(text.contains("Test") && !text.contains("4eC39") && !text.contains("5WbX1"), "{text}");
    let http = Canned::new([(200, "{}")]);
    let _ = begin(&stripe(), &http, BACK);
    let text = format!("{:?}", http.asked());
    assert!(text.contains("authorization") && !text.contains("4eC39"), "{text}");
}

#[test]
fn a_payer_is_sent_to_the_page_of_his_order() {
    let url = "https://checkout.stripe.com/c/pay/cs_test_1#fidkdWxOYHwnPyd1blpxYHZxWjA0";
    let answer = format!(
        r#"{{"id":"cs_test_1","object":"checkout.session","livemode":false,"url":"{url}",
            "client_reference_id":"ORD-1","amount_total":4990,"currency":"eur","unknown":{{}}}}"#
    );
    let http = Canned::new([(200, answer.as_str()), (200, &answer), (200, &answer)]);
    let handoff = begin(&stripe(), &http, BACK).unwrap();
    assert_eq!(handoff.reference.as_deref(), Some("cs_test_1"));
    assert!(matches!(&handoff.way, Way::SeeOther(there) if there.as_str() == url), "{handoff:?}");

    let [(line, request)] = <[_; 1]>::try_from(http.asked()).unwrap();
    assert_eq!(line, "POST https://api.stripe.com/v1/checkout/sessions");
    let header = |name| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("stripe-version"), "2024-11-20.acacia");
    let key = header("idempotency-key");
    assert!(request.body().starts_with(b"mode=payment&client_reference_id=ORD-1&"));

    // The same for the same attempt, and another one for another attempt.
    let mut keys = [BACK, "https://club.example/pay/return/another"].map(|back| {
        let _ = begin(&stripe(), &http, back).unwrap();
        http.asked()[0].1.headers()["idempotency-key"].to_str().unwrap().to_owned()
    });
    keys.sort();
    assert!(keys[0] != keys[1] && keys.contains(&key) && !key.contains("token"));
}

#[test]
fn a_session_that_is_not_as_it_should_be_sends_nobody_away() {
    let session = |with: &str| format!(r#"{{"id":"cs_test_1","livemode":false,{with}}}"#);
    let page = r#""url":"https://checkout.stripe.com/c/pay/cs_test_1""#;
    assert!(begin(&stripe(), &Canned::new([(200, session(page))]), BACK).is_ok());
    for (status, answer) in [
        (200, session(r#""url":"https://checkout.stripe.com.evil.example/""#)),
        (200, session(r#""url":"https://checkout.stripe.com@evil.example/""#)),
        (200, session(r#""url":"http://checkout.stripe.com/""#)),
        (200, session(r#""url":"javascript:alert(1)""#)),
        (200, session(r#""url":null"#)),
        (200, session(r#""object":"checkout.session""#)),
        (200, session(&format!(r#"{page},"client_reference_id":"ORD-2""#))),
        (200, session(&format!(r#"{page},"amount_total":1,"currency":"eur""#))),
        (200, session(&format!(r#"{page},"amount_total":4990,"currency":"huf""#))),
        (200, format!(r#"{{"id":"cs_live_1","livemode":true,{page}}}"#)),
        (200, format!(r#"{{"id":"../x","livemode":false,{page}}}"#)),
        (200, format!(r#"{{"livemode":false,{page}}}"#)),
        (200, "<html>".to_owned()),
        (302, session(page)),
        (400, session(page)),
        (401, session(page)),
        (500, session(page)),
    ] {
        let begun = begin(&stripe(), &Canned::new([(status, answer.as_str())]), BACK);
        assert!(matches!(begun, Err(StartError::Gateway(_))), "{status} {answer}");
    }
    let denied = begin(&stripe(), &Canned::new([(403, "{}")]), BACK).unwrap_err();
    assert!(denied.to_string().contains("access"));

    // What does not say that it is of real money is of none.
    let live = StripeCheckout::new(Mode::Production, LIVE_KEY, [SECRET]).unwrap();
    let answer = format!(r#"{{"id":"cs_live_1",{page}}}"#);
    assert!(begin(&live, &Canned::new([(200, answer)]), BACK).is_err());
}

#[test]
fn what_is_looked_up_is_of_the_order_that_was_asked_for() {
    let session = |with: &str| {
        let with = format!(
            r#"{{"id":"cs_test_1","livemode":false,"client_reference_id":"ORD-1","amount_total":4990,"currency":"eur",{with}}}"#
        );
        Canned::new([(200, with)])
    };
    for (with, expected) in [
        (r#""status":"complete","payment_status":"paid""#, Some(State::Paid)),
        (r#""status":"complete","payment_status":"unpaid""#, Some(State::Pending)),
        (r#""status":"expired","payment_status":"unpaid""#, Some(State::Expired)),
        (r#""status":"open","payment_status":"unpaid""#, None),
    ] {
        let http = session(with);
        let found = confirm(&http, Some("cs_test_1")).unwrap();
        assert_eq!(found.as_ref().map(|found| found.state), expected, "{with}");
        assert!(found.is_none_or(|found| found.amount == Some(checkout().amount)));
        assert_eq!(http.lines(), ["GET https://api.stripe.com/v1/checkout/sessions/cs_test_1"]);
    }
    let paid = r#""status":"complete","payment_status":"paid""#;
    let unpaid = session(r#""status":"complete","payment_status":"unpaid""#);
    assert_eq!(confirm_from(State::Refused, &unpaid, Some("cs_test_1")), Ok(None));
    let later = confirm_from(State::Refused, &session(paid), Some("cs_test_1")).unwrap();
    assert_eq!(later.map(|later| later.state), Some(State::Paid));
    for (id, order) in [("cs_test_2", "ORD-1"), ("cs_test_1", "ORD-2"), ("cs_test_1", "")] {
        let answer = format!(r#"{{"id":"{id}","client_reference_id":"{order}",{paid}}}"#);
        let found = confirm(&Canned::new([(200, answer)]), Some("cs_test_1"));
        assert!(matches!(found, Err(Unbelieved::Mismatch(_))), "{id} {order} {found:?}");
    }
    assert_eq!(confirm(&Canned::default(), None), Ok(None));
    let http = Canned::default();
    assert!(confirm(&http, Some("../../v1/payouts")).is_err() && http.lines().is_empty());
    for (status, body) in [(500, "{}"), (429, "{}"), (404, "{}"), (401, "{}")] {
        let found = confirm(&Canned::new([(status, body)]), Some("cs_test_1"));
        assert!(matches!(found, Err(Unbelieved::Unavailable(_))), "{status}");
    }
    for body in ["", "<html>", "{}", r#"{"id":"cs_test_1"}"#] {
        assert!(confirm(&Canned::new([(200, body)]), Some("cs_test_1")).is_err(), "{body}");
    }
}

#[test]
fn a_notification_is_verified_before_anything_reads_it() {
    let body = r#"{"id":"evt_1","type":"checkout.session.completed","livemode":false,"data":{"object":
        {"id":"cs_test_1","client_reference_id":"ORD-1","amount_total":4990,"currency":"eur","payment_status":"paid"}}}"#;
    let tag = |body: &str| signature::tests::tag(SECRET, "1700000000", body);
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let hear = |method: &str, headers: &[&str], body: &str| {
        let headers: Vec<_> = headers
            .iter()
            .map(|value| ("stripe-signature".to_owned(), value.as_bytes().to_vec()))
            .collect();
        let body = Bytes::from(body.to_owned());
        let witness = Witness { mode: Mode::Test, now, http: None, ledger: None, taking: None };
        block_on(stripe().verify(Notice::new(method, None, &headers, &body), witness))
    };
    let signed = format!("t=1700000000,v1={}", tag(body));
    let words = hear("POST", &[&signed], body).unwrap();
    let [Word::Says(said)] = &words[..] else { panic!("{words:?}") };
    assert_eq!((said.state, said.amount), (State::Paid, Some(checkout().amount)));

    let error =
        |method: &str, headers: &[&str], body: &str| hear(method, headers, body).unwrap_err();
    assert_eq!(error("POST", &[], body), Unbelieved::Signature);
    assert_eq!(error("POST", &[&signed, &signed], body), Unbelieved::Signature);
    assert_eq!(error("POST", &[&signed], "<not even JSON>"), Unbelieved::Signature);
    assert!(matches!(error("GET", &[&signed], body), Unbelieved::Malformed(_)));
    for garbage in ["", "[]", "{}", "{\"id\":\"evt_1\"}", "\u{feff}{}"] {
        let signed = format!("t=1700000000,v1={}", tag(garbage));
        assert!(
            matches!(error("POST", &[&signed], garbage), Unbelieved::Malformed(_)),
            "{garbage}"
        );
    }
}
