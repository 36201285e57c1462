//! Paybox: its form, and its notifications.

use donjon::payment::{Billing, HandoffPage, Paybox, PayboxBrand};

use super::*;

const KEY: &str = "0123456789ABCDEF";

fn shop(paybox: Paybox) -> Shop {
    Shop::new(|builder| {
        builder.gateway(paybox).page(HandoffPage::new("fr", "Paiement", "Payer l'adhésion"))
    })
}

fn checkout() -> Checkout {
    Checkout::new(order(), price()).email("ann@example.com")
}

async fn page(shop: &Shop, checkout: &Checkout) -> http::Response<Bytes> {
    let answer = shop.payments.redirect(posted(), checkout, "paybox", None).await;
    answer.unwrap().into_response()
}

/// Reads the form back, as a browser would.
fn fields(html: &str) -> Vec<(String, String)> {
    let unescaped = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        text.replace("&#39;", "'").replace("&amp;", "&")
    };
    let inputs =
        html.lines().filter_map(|line| line.strip_prefix("<input type=\"hidden\" name=\""));
    inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (unescaped(name), unescaped(rest.strip_suffix("\">").unwrap()))
        })
        .collect()
}

/// A2, A3, A8: the form has what was signed, in its order, under a policy that allows it and nothing else.
#[tokio::test]
async fn the_form_is_what_was_signed() {
    let shop = shop(Paybox::test_account().unwrap());
    let billing = Billing {
        first_name: "Zoë \"Z\"".into(),
        last_name: "O'Hara & <Sons>".into(),
        street: "1 rue du Stade".into(),
        postal_code: "75001".into(),
        city: "Paris".into(),
        country: 250,
        ..Billing::default()
    };
    let response = page(&shop, &checkout().billing(billing).quantity(2).language("fr")).await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; script-src 'sha256-Q+qLpwlin6Hrfgrgmd/ahFgwUe7Lia4M+cTCVOxlLJU='; \
         form-action https://preprod-tpeweb.paybox.com; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!((header("cache-control"), header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    let html = std::str::from_utf8(response.body()).unwrap();
    let action = "action=\"https://preprod-tpeweb.paybox.com/cgi/MYchoix_pagepaiement.cgi\"";
    assert!(
        html.contains(action) && html.contains("<button>Payer l&#39;adhésion</button>"),
        "{html}"
    );

    let fields = fields(html);
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "PBX_SITE",
            "PBX_RANG",
            "PBX_IDENTIFIANT",
            "PBX_TOTAL",
            "PBX_DEVISE",
            "PBX_CMD",
            "PBX_PORTEUR",
            "PBX_RETOUR",
            "PBX_EFFECTUE",
            "PBX_REFUSE",
            "PBX_ANNULE",
            "PBX_ATTENTE",
            "PBX_REPONDRE_A",
            "PBX_LANGUE",
            "PBX_SOURCE",
            "PBX_SHOPPINGCART",
            "PBX_BILLING",
            "PBX_HASH",
            "PBX_TIME",
            "PBX_HMAC",
        ]
    );
    let value = |wanted: &str| &fields.iter().find(|(name, _)| name == wanted).unwrap().1;
    for (name, expected) in [
        ("PBX_SITE", "1999888"),
        ("PBX_TOTAL", "4990"),
        ("PBX_DEVISE", "978"),
        ("PBX_CMD", "2026-17"),
        ("PBX_REPONDRE_A", "https://club.example/pay/notify/paybox"),
        ("PBX_LANGUE", "FRA"),
        ("PBX_HASH", "SHA512"),
        ("PBX_TIME", "2027-01-15T08:00:00+00:00"),
    ] {
        assert_eq!(value(name), expected);
    }
    assert!(value("PBX_RETOUR").ends_with(";sign:K"), "the signature is the last");
    assert!(value("PBX_SHOPPINGCART").contains("<totalQuantity>2</totalQuantity>"));
    let billing = value("PBX_BILLING");
    assert!(billing.contains("<LastName>O&apos;Hara &amp; &lt;Sons&gt;</LastName>"), "{billing}");
    assert!(billing.contains("<CountryCode>250</CountryCode>"), "{billing}");

    // What is sent is what was signed: computed once more, by the rule.
    let signed: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (last, signed) = signed.split_last().unwrap();
    let expected = hmac_sha512(&signed.join("&"));
    assert_eq!(*last, format!("PBX_HMAC={expected}"));
}

/// By another program.
fn hmac_sha512(message: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let key = format!("hexkey:{}", KEY.repeat(8));
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha512", "-mac", "HMAC", "-macopt", &key, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    let printed = openssl.wait_with_output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    printed.split_whitespace().next().unwrap().to_uppercase()
}

/// A4, A5: what would be something else there is refused, and nobody is sent.
#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let shop = shop(Paybox::test_account().unwrap());
    let begin = async |checkout: Checkout| {
        shop.payments.redirect(posted(), &checkout, "paybox", None).await.map(|_| ())
    };
    assert!(begin(checkout()).await.is_ok());
    for email in ["a&PBX_TOTAL=1@b.example", "a@b.example\r\n", "a b@c.example", "@b.example", ""] {
        let refused = begin(Checkout::new(order(), price()).email(email)).await;
        assert!(matches!(refused, Err(StartError::Malformed(_))), "{email:?} {refused:?}");
    }
    assert!(begin(Checkout::new(order(), price())).await.is_err(), "without an address");
    for quantity in [0, 100] {
        assert!(begin(checkout().quantity(quantity)).await.is_err(), "{quantity}");
    }
    assert!(begin(checkout().billing(Billing::default())).await.is_err(), "an empty address");
    // In another currency than the account's.
    let yen: OrderId = "yen".parse().unwrap();
    let price = Money::new(500, Currency::JPY).unwrap();
    shop.ledger.0.place(&yen, price);
    let refused = begin(Checkout::new(yen, price).email("ann@example.com")).await;
    assert!(matches!(refused, Err(StartError::Amount(_))), "{refused:?}");
}

#[test]
fn ids_key_and_host_go_together() {
    let key = KEY.repeat(8);
    let own = "0F".repeat(64);
    let new = |mode, site, key: &str| Paybox::new(PayboxBrand::Verifone, mode, site, key).is_ok();
    assert!(new(Mode::Test, ("1999888", "32", "110647233"), &key));
    assert!(!new(Mode::Production, ("1999888", "32", "110647233"), &own), "a public account");
    assert!(!new(Mode::Production, ("1234567", "01", "2"), &key), "a public key");
    assert!(new(Mode::Production, ("1234567", "01", "2"), &own));
    for (site, key) in [
        (("123456", "01", "2"), &*own),
        (("1234567", "", "2"), &own),
        (("1234567", "01", "1234567890"), &own),
        (("1234567", "01", "x"), &own),
        (("1234567", "01", "2"), ""),
        (("1234567", "01", "2"), "0F0"),
        (("1234567", "01", "2"), "secret"),
    ] {
        assert!(!new(Mode::Production, site, key), "{site:?} {key}");
    }
    let paybox = Paybox::new(PayboxBrand::Up2pay, Mode::Production, ("1234567", "01", "2"), &own);
    let paybox = paybox.unwrap();
    let debug = format!("{paybox:?}");
    assert!(!debug.contains("0F0F") && !debug.contains("15, 15"), "{debug}");
    let origins: Vec<_> = paybox.origins().iter().map(Origin::as_str).collect();
    assert_eq!(origins, ["https://tpeweb.e-transactions.fr", "https://tpeweb1.e-transactions.fr"]);
    let pem = include_str!("../../src/payment/gateways/paybox/public_key.pem");
    assert!(paybox.simulator("https://localhost:3443", pem).is_err(), "not in production");
    let test = || Paybox::test_account().unwrap();
    assert!(test().simulator("https://evil.example", pem).is_err());
    assert!(test().simulator("https://localhost:3443", "no key").is_err());
    assert!(test().simulator("https://localhost:3443", pem).is_ok());
}

/// Who does not know the address is not heard, whatever he has had signed by an account of his own.
#[tokio::test]
async fn a_hidden_address_is_in_no_form() {
    let key = "0F".repeat(64);
    let site = ("1234567", "01", "2");
    let paybox = Paybox::new(PayboxBrand::Verifone, Mode::Production, site, &key).unwrap();
    let shop = shop(paybox);
    let route = shop.payments.notify_routes().next().unwrap().1.to_string();
    let segment = route.strip_prefix("/pay/notify/paybox/").unwrap();
    assert_eq!(segment.len(), 32);
    let page = page(&shop, &checkout()).await;
    let html = std::str::from_utf8(page.body()).unwrap();
    assert!(!html.contains(segment) && !html.contains("PBX_REPONDRE_A"));
    for (path, status) in [("/pay/notify/paybox", 404), (&*route, 400)] {
        let ask = both::Ask::get(&format!("{path}?x=1&sign=x"));
        let seen = both::axum_app::send(shop.payments.axum_routes(), &ask).await;
        assert_eq!(seen.status, status, "{path}");
    }
}
