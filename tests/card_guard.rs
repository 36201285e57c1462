//! Card numbers and security codes sent at a guard, in axum and in actix-web.

#![cfg(all(feature = "actix", feature = "axum", feature = "payment"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::fmt::Write as _;

use donjon::client::TrustedProxies;
use donjon::event::{Detail, EventLog, EventName, MemorySink};
use donjon::middleware::Stack;
use donjon::payment::card::{CardGuard, ConfigError};
use donjon::refusal::Refusal;

#[path = "card_guard/apps.rs"]
mod apps;
#[path = "card_guard/attacks.rs"]
mod attacks;
#[path = "card_guard/laws.rs"]
mod laws;

use apps::{Ask, both};

const CARD: &str = "4111111111111111";

fn guard() -> CardGuard {
    CardGuard::new()
}

fn logged() -> (MemorySink, Stack<(EventLog,)>) {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    (memory, Stack::new((log,)))
}

fn nothing() -> Stack<(TrustedProxies,)> {
    Stack::new((TrustedProxies::none(),))
}

fn form(content_type: &str, body: &str) -> Ask {
    Ask::post("/echo").header("content-type", content_type).body(body)
}

fn multipart(parts: &[(&str, &str)]) -> Ask {
    let mut body = String::new();
    for (head, value) in parts {
        let _ = write!(body, "--x1y2\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n");
    }
    form("multipart/form-data; boundary=x1y2", &(body + "--x1y2--\r\n"))
}

/// Every place of a request that a number can be in.
fn attacks() -> Vec<(String, Ask, &'static str)> {
    let mut attacks = Vec::new();
    let mut add = |name: &str, ask: Ask, place| attacks.push((name.to_owned(), ask, place));
    add("path", Ask::get(&format!("/pay/{CARD}/x")), "path");
    add("path in groups", Ask::get("/pay/4111/1111/1111/1111"), "path");
    add("query", Ask::get(&format!("/echo?q={CARD}")), "query");
    add("query, spaces", Ask::get("/echo?q=4111+1111%201111+1111"), "query");
    add("query, quotes", Ask::get("/echo?q=%224111111111111111%22"), "query");
    add(
        "query, encoded",
        Ask::get("/echo?q=%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31"),
        "query",
    );
    add("query, name", Ask::get(&format!("/echo?{CARD}=1")), "query");
    for header in [
        "accept-language",
        "authorization",
        "from",
        "origin",
        "referer",
        "user-agent",
        "x-card",
        "x-request-id",
        "traceparent",
        "forwarded",
        "if-none-match",
        "idempotency-key",
    ] {
        add(header, Ask::get("/echo").header(header, CARD), "header");
        add(header, Ask::get("/echo").header(header, &format!("a {CARD}, b")), "header");
    }
    add(
        "referer's query",
        Ask::get("/").header("referer", &format!("https://a.b/?a=1&c={CARD}")),
        "header",
    );
    add("cookie", Ask::get("/echo").header("cookie", &format!("a=1; b={CARD}; c=2")), "cookie");
    add("text", form("text/plain", "my card is 4111 1111 1111 1111."), "body");
    add("no type", Ask::post("/echo").body(CARD), "body");
    add(
        "json text",
        form("application/json", &format!(r#"{{"note":"my card {CARD} thanks"}}"#)),
        "body",
    );
    add("json number", form("application/json", &format!(r#"{{"n":{CARD}}}"#)), "body");
    add(
        "json escapes",
        form(
            "application/json",
            r#"{"n":"a\n4111\u00a01111\u00201111\t1111"}"#.replace("\\t", " ").as_str(),
        ),
        "body",
    );
    add("form", form("application/x-www-form-urlencoded", "a=1&b=4111+1111+1111+1111"), "body");
    add(
        "form, percent",
        form("application/x-www-form-urlencoded", "a=%0D%0A4111%201111%201111%201111"),
        "body",
    );
    add("part", multipart(&[("name=\"a\"", "1"), ("name=\"b\"", CARD)]), "body");
    add("file name", multipart(&[("name=\"a\"; filename=\"4111111111111111.png\"", "x")]), "body");
    add(
        "file",
        multipart(&[("name=\"a\"; filename=\"a.csv\"", "id,n\n1,4111111111111111\n")]),
        "body",
    );
    add("fullwidth", form("text/plain", "４１１１１１１１１１１１１１１１"), "body");
    add("entities", form("text/html", "&#52;111111111111111"), "body");
    attacks
}

#[actix_web::test]
async fn a_number_is_refused_wherever_it_is() {
    for (name, ask, place) in attacks() {
        let (memory, log) = logged();
        for (framework, seen) in both!(guard(), log.clone(), &ask) {
            assert_eq!(seen.status, 422, "{name}, {framework}: {seen:?}");
            assert_eq!(seen.header("content-type"), Some("application/problem+json"), "{name}");
            assert_eq!(seen.header("cache-control"), Some("no-store"), "{name}");
            assert!(!format!("{seen:?}").contains("1111"), "{name}, {framework}: an echo {seen:?}");
            assert!(!seen.ran, "{name}, {framework}: the handler had a body to go on with");
        }
        let events = memory.events();
        let count: u64 = events.iter().map(donjon::event::SecurityEvent::count).sum();
        assert!((1..=2).contains(&count), "{name}: one each, and alike {events:?}");
        for event in events {
            assert_eq!(event.name(), EventName::CardData, "{name}");
            let expected = Detail::Card { place, network: "visa", last_four: 1111 };
            assert_eq!(*event.detail(), expected, "{name}");
            let told = format!("{event} {:?}", event.detail());
            assert!(!told.contains("41") && !told.contains("11111"), "{name}: {told}");
        }
    }
}

#[actix_web::test]
async fn a_field_for_card_data_is_refused_also_where_it_is_empty() {
    let json = |body: &str| form("application/json", body);
    let urlencoded = |body: &str| form("application/x-www-form-urlencoded", body);
    for ask in [
        json(r#"{"cardNumber":"","cvv":"123"}"#),
        json(r#"{"a":1,"cvv":""}"#),
        json(r#"{"card": {"security_code" : 1}}"#),
        json(r#"{"c\u0076v":1}"#),
        json(r#"{"Card\nNumber":""}"#),
        json(r#"{"payload":"{\"cvc\":\"123\"}"}"#),
        Ask::post("/echo").body(r#"{"cc-csc":null}"#),
        urlencoded("a=1&cvv="),
        urlencoded("a=1&cvv"),
        urlencoded("card%5Bcvc%5D=123"),
        urlencoded("cc-number=&b=1"),
        urlencoded("billing_card_cvv=1"),
        multipart(&[("name=\"a\"", "1"), ("name=\"cvv2\"", "")]),
        multipart(&[("name=card_number", "")]),
        Ask::get("/echo?cvv=123"),
        Ask::get("/echo?a&cc-number"),
        Ask::get("/echo").header("cookie", "a=1; cvv=123"),
        Ask::get("/echo").header("cookie", "a=1; card%5Bcvv%5D=123"),
        Ask::get("/echo").header("cookie", &format!("a={:013}; cv%76=123", 0)),
        Ask::get("/echo").header("x-cvv", "123"),
    ] {
        let (memory, log) = logged();
        for (framework, seen) in both!(guard(), log.clone(), &ask) {
            assert_eq!(seen.status, 422, "{framework}: {ask:?}");
            assert!(!seen.ran, "{framework}: {ask:?}");
        }
        assert!(memory.names().iter().all(|name| *name == EventName::CardData), "{ask:?}");
        assert!(!memory.names().is_empty(), "{ask:?}");
    }
}

#[actix_web::test]
async fn a_body_without_arrives_byte_for_byte() {
    let bodies = [
        r#"{"ts":1700000000000,"id":"47223179-9330-4259-b66c-f2db26efb20c","f":0.4111111111111111}"#,
        "4111 1111\r\n1111 1111",
        "411111******1111 and 4111 1111 1111 1112",
        "a=1&b=2024-01-15&c=%2B33+6+12+34+56+78",
        "ends in 4111 1111",
        "\u{0}\u{1}\u{fffd} 4 1 1 1",
        "%4&#1;\\u00",
        "",
    ];
    for content_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        for body in bodies {
            for chunk in [1, 2, 3, 7, 1000] {
                let ask = form(content_type, body).cut(chunk);
                for (framework, seen) in both!(guard(), logged().1, &ask) {
                    assert_eq!(
                        (seen.status, seen.body.as_str()),
                        (200, body),
                        "{framework} {chunk}"
                    );
                    assert!(seen.ran);
                }
            }
        }
    }
    let long = (0..20_000).fold(String::new(), |mut long, n| {
        let _ = writeln!(long, "{{\"n\":{n},\"at\":17000{n:08}}}");
        long
    });
    for (framework, seen) in both!(guard(), logged().1, &form("application/json", &long).cut(997)) {
        assert!(seen.body == long, "{framework}");
    }
}

#[actix_web::test]
async fn no_cut_hides_a_number_and_no_part_of_one_is_handed_on() {
    let before = "the card is ";
    for number in [
        "4111 1111-1111 1111",
        "%34111111111111111",
        "４１１１ １１１１ １１１１ １１１１",
        "41 11 11 11 11 11 11 11",
    ] {
        let body = format!("{before}{number} thanks");
        for at in 0..=body.len() {
            let ask = form("text/plain", &body).cut_at(at);
            for (framework, seen) in both!(guard(), logged().1, &ask) {
                assert_eq!(seen.status, 422, "{framework}, {number} cut at {at}");
                assert!(!seen.ran);
                let is_before = before.as_bytes().starts_with(&seen.handed);
                assert!(is_before, "{framework}, {number} cut at {at}: {seen:?}");
            }
        }
    }
}

/// The handler takes no notice of an error, or answers before it has read the body.
#[actix_web::test]
async fn what_a_handler_makes_of_it_counts_for_nothing() {
    let ask = Ask::post("/swallow").header("content-type", "text/plain").body(CARD);
    for (framework, seen) in both!(guard(), logged().1, &ask) {
        assert_eq!(seen.status, 422, "{framework}");
        assert!(!seen.is_of_app(), "{framework}: {seen:?}");
    }
    let ask = Ask::post("/mirror").header("content-type", "text/plain");
    let ask = ask.chunks(&["a first part, ", "then 4111 1111 ", "1111 1111 and more"]);
    for (framework, seen) in both!(guard(), logged().1, &ask) {
        assert!(seen.broken || seen.status == 422, "{framework}: {seen:?}");
        assert!(!seen.body.contains("4111"), "{framework}: {seen:?}");
    }
}

#[actix_web::test]
async fn fields_and_headers_can_be_exempt() {
    const SIRET: &str = "36252187900034"; // begins as a Diners card does
    let siret = "36227206271667";
    assert_ne!(SIRET, siret);
    let exempt = guard().exempt_field("siret").unwrap().exempt_field("card_number").unwrap();
    let exempt = exempt.exempt_header("X-Trace").unwrap();
    let json = |body: String| form("application/json", &body);
    let fine = [
        Ask::get(&format!("/echo?a=1&siret={siret}&b=2")),
        Ask::get("/echo").header("referer", &format!("https://a.b/echo?siret={siret}")),
        Ask::get("/echo").header("cookie", &format!("a=1; siret={siret}")),
        Ask::get("/echo").header("x-trace", siret),
        json(format!(r#"{{"siret":"{siret}","a":1}}"#)),
        json(format!(r#"{{"siret" : {siret} , "card_number":"","a":[]}}"#)),
        json(format!(r#"{{"order":{{"SIRET":"a \" {siret}"}}}}"#)),
        form("application/x-www-form-urlencoded", &format!("a=1&order%5Bsiret%5D={siret}&b=2")),
        multipart(&[("name=\"a\"", "1"), ("name=\"siret\"", siret), ("name=\"b\"", "2")]),
    ];
    for ask in &fine {
        for chunk in [1, 5, 1000] {
            let ask = ask.clone().cut(chunk);
            for (framework, seen) in both!(exempt.clone(), logged().1, &ask) {
                assert_eq!(seen.status, 200, "{framework}: {ask:?}");
                assert_eq!(seen.body, ask.text(), "{framework}");
            }
        }
        for (framework, seen) in both!(guard(), logged().1, ask) {
            assert_eq!(seen.status, 422, "{framework}, without the exemption: {ask:?}");
        }
    }
    for ask in [
        Ask::get(&format!("/echo?siret={siret}&b={CARD}")),
        Ask::get(&format!("/echo?no_siret_={CARD}")),
        Ask::get("/echo").header("cookie", &format!("siret={siret}; b={CARD}")),
        json(format!(r#"{{"siret":"{siret}","a":"{CARD}"}}"#)),
        json(format!(r#"{{"siret":"1\"","a":"{CARD}"}}"#)),
        json(format!(r#"{{"siret":{{"a":"{CARD}"}}}}"#)),
        json(format!(r#"{{"siret":null,"a":"{CARD}"}}"#)),
        json(format!(r#"{{"siret":"\\","a":"{CARD}"}}"#)),
        json(format!(r#"{{"note":"\"siret\":","a":"{CARD}"}}"#)),
        form("application/x-www-form-urlencoded", &format!("siret={siret}&b={CARD}")),
        multipart(&[("name=\"siret\"", siret), ("name=\"b\"", CARD)]),
        multipart(&[("name=\"siret\"", "1\r\n\r\n2"), ("name=\"b\"; filename=\"x\"", CARD)]),
    ] {
        for chunk in [1, 5, 1000] {
            let ask = ask.clone().cut(chunk);
            for (framework, seen) in both!(exempt.clone(), logged().1, &ask) {
                assert_eq!(seen.status, 422, "{framework}: {ask:?}");
            }
        }
    }
}

#[test]
fn no_guard_is_built_of_what_makes_no_sense() {
    for name in ["", "--", "\u{e9}", &"a".repeat(65)] {
        let error = guard().exempt_field(name).unwrap_err();
        assert_eq!(error, ConfigError::FieldName { value: name.to_owned() });
    }
    for name in ["cvv", "card[cvc]", "security-code"] {
        let error = guard().exempt_field(name).unwrap_err();
        assert_eq!(error, ConfigError::SecurityCode { value: name.to_owned() });
    }
    assert!(matches!(guard().exempt_header("a b"), Err(ConfigError::HeaderName { .. })));
}

#[actix_web::test]
async fn compressed_and_long_bodies_are_refused() {
    for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "x-unknown"] {
        let ask = form("text/plain", "x").header("content-encoding", coding);
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 415, "{framework}");
            assert_eq!(seen.header("accept-encoding"), Some("identity"), "{framework}");
            assert!(!seen.ran);
        }
    }
    for (framework, seen) in
        both!(guard(), logged().1, &form("text/plain", "x").header("content-encoding", "identity"))
    {
        assert_eq!(seen.status, 200, "{framework}");
    }
    let limited = guard().body_limit(10);
    for (length, body, status) in [
        (Some("11"), "x", 413),
        (None, "12345678901", 413),
        (None, "1234567890", 200),
        (Some("10"), "1234567890", 200),
    ] {
        let mut ask = form("text/plain", body).cut(3);
        if let Some(length) = length {
            ask = ask.header("content-length", length);
        }
        let (memory, log) = logged();
        for (framework, seen) in both!(limited.clone(), log.clone(), &ask) {
            assert_eq!(seen.status, status, "{framework}: {ask:?}");
        }
        let count: u64 = memory.events().iter().map(donjon::event::SecurityEvent::count).sum();
        assert_eq!(count > 0, status == 413, "{:?}", memory.names());
    }
}

#[actix_web::test]
async fn a_response_with_a_number_is_an_alarm_and_can_be_blocked() {
    for (path, place) in [
        ("/says-body", "response body"),
        ("/says-at-the-end", "response body"),
        ("/says-location", "response header"),
        ("/says-cookie", "response header"),
        ("/says-header", "response header"),
        ("/says-error", "response body"),
    ] {
        let ask = Ask::get(path);
        let (memory, log) = logged();
        for (framework, seen) in both!(guard(), log.clone(), &ask) {
            assert!(format!("{seen:?}").contains(CARD), "{path}, {framework}: {seen:?}");
        }
        let events = memory.events();
        assert!(!events.is_empty(), "{path}");
        for event in events {
            let expected = Detail::Card { place, network: "visa", last_four: 1111 };
            assert_eq!((event.name(), event.detail()), (EventName::CardData, &expected), "{path}");
        }

        let (memory, log) = logged();
        for (framework, seen) in both!(guard().block_responses(), log.clone(), &ask) {
            assert_eq!(
                (seen.status, seen.body.as_str()),
                (500, ""),
                "{path}, {framework}: {seen:?}"
            );
            assert!(!seen.is_of_app(), "{path}, {framework}");
        }
        assert!(!memory.events().is_empty(), "{path}");

        let (memory, log) = logged();
        for (framework, seen) in both!(guard().ignore_responses(), log.clone(), &ask) {
            assert!(format!("{seen:?}").contains(CARD), "{path}, {framework}: {seen:?}");
        }
        assert!(memory.events().is_empty(), "{path}");
    }
    // The head is gone, and a part of the body.
    let (memory, log) = logged();
    for (framework, seen) in both!(guard().block_responses(), log.clone(), &Ask::get("/says-later"))
    {
        assert_eq!(seen.status, 200, "{framework}");
        assert!(seen.broken && !seen.body.contains("4111"), "{framework}: {seen:?}");
    }
    assert!(!memory.events().is_empty());
    for (framework, seen) in both!(guard().block_responses(), log.clone(), &Ask::get("/streams")) {
        assert_eq!((seen.status, seen.broken), (200, false), "{framework}");
        assert_eq!(seen.body, "one 1700000000000 two 4111 three", "{framework}");
    }
}

#[actix_web::test]
async fn without_a_log_it_refuses_all_the_same() {
    for (framework, seen) in both!(guard(), nothing(), &form("text/plain", CARD)) {
        assert_eq!(seen.status, 422, "{framework}");
    }
    for (framework, seen) in both!(guard().block_responses(), nothing(), &Ask::get("/says-body")) {
        assert_eq!(seen.status, 500, "{framework}");
    }
}

#[actix_web::test]
async fn the_head_alone_can_be_looked_at_in_a_stack() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    let stack = Stack::new((log, guard().heads_only()));
    for (framework, seen) in both!(stack.clone(), nothing(), &Ask::get(&format!("/echo?q={CARD}")))
    {
        assert_eq!(seen.status, 422, "{framework}");
    }
    assert_eq!(memory.names().first(), Some(&EventName::CardData));
}

#[tokio::test]
async fn the_reason_is_in_the_extensions_and_holds_no_digit() {
    use tower::{Layer as _, ServiceExt as _};

    let service = guard().layer(apps::axum_app::router());
    let request = http::Request::post("/echo").body(axum::body::Body::from(CARD)).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.reason(), "a card number");
    assert!(!format!("{response:?} {refusal:?} {refusal}").contains("1111"));
}

/// Where the guard is around all of an app, what gateways send passes it: a notification that is refused is a
/// payment that is lost.
#[actix_web::test]
async fn what_gateways_send_passes() {
    let vectors = |text: &str| {
        let all: serde_json::Value = serde_json::from_str(text).unwrap();
        all["vectors"].as_array().unwrap().clone()
    };
    let mut asks = Vec::new();
    for vector in vectors(include_str!("data/payment/paybox_signature_real.json")) {
        if let Some(raw) = vector["raw_query_or_body"].as_str() {
            asks.push(Ask::get(&format!("/echo?{raw}")));
            asks.push(form("application/x-www-form-urlencoded", raw));
        }
    }
    for vector in vectors(include_str!("data/payment/stripe_webhook.json")) {
        let ask = form("application/json", vector["payload"].as_str().unwrap());
        asks.push(ask.header("stripe-signature", vector["header"].as_str().unwrap()));
    }
    for vector in vectors(include_str!("data/payment/paypal_webhook.json")) {
        let mut ask = form("application/json", vector["body"].as_str().unwrap());
        for (name, value) in vector["headers"].as_object().unwrap() {
            ask = ask.header(name, value.as_str().unwrap());
        }
        asks.push(ask);
    }
    assert!(asks.len() > 40);
    for ask in asks {
        for (framework, seen) in both!(guard(), nothing(), &ask) {
            assert_ne!(seen.status, 422, "{framework}: {} {:?}", ask.target, ask.body);
        }
    }
}
