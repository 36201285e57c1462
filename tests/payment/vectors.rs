//! What is written down of URLs and amounts.

use donjon::payment::LocalPath;
use serde_json::Value;

use super::*;

#[test]
fn urls_are_the_gateways_or_none() {
    let vectors: Value =
        serde_json::from_str(include_str!("../data/payment/redirect_urls.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let origins = vectors["allowed_origins"].as_array().unwrap().iter();
    let origins: Vec<Origin> = origins.map(|origin| text(origin).parse().unwrap()).collect();
    for vector in vectors["gateway"].as_array().unwrap() {
        let url = text(&vector["url"]);
        let is_one = GatewayUrl::at(&origins, &url).is_some();
        assert_eq!(is_one, vector["expect"] == "accept", "{url} {}", vector["why"]);
    }
    for vector in vectors["local"].as_array().unwrap() {
        let path = text(&vector["value"]);
        let is_one = path.parse::<LocalPath>().is_ok();
        assert_eq!(is_one, vector["expect"] != "reject", "{path} {}", vector["why"]);
    }
}

/// A5: what Paybox is asked for, of which currency.
#[tokio::test]
async fn amounts_are_written_as_paybox_reads_them() {
    let vectors: Value = serde_json::from_str(include_str!("../data/payment/money.json")).unwrap();
    for vector in vectors["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let currency: Currency = text("currency").parse().unwrap();
        assert_eq!(format!("{:03}", currency.number()), text("numeric"));
        assert_eq!(u64::from(currency.exponent()), vector["iso_exponent"].as_u64().unwrap());
        let money = Money::new(vector["minor"].as_u64().unwrap(), currency).unwrap();
        assert_eq!(money.to_decimal(), text("major"), "{vector}");
        assert_eq!(Money::parse(&text("major"), currency), Ok(money));

        let paybox = donjon::payment::Paybox::test_account().unwrap().currency(currency);
        let shop = Shop::new(|builder| builder.gateway(paybox));
        let order: OrderId = "vector".parse().unwrap();
        shop.ledger.0.place(&order, money);
        let checkout = Checkout::new(order, money).email("ann@example.com");
        let answer = shop.payments.redirect(posted(), &checkout, "paybox", None).await.unwrap();
        let page: http::Response<Bytes> = answer.into_response();
        let html = std::str::from_utf8(page.body()).unwrap();
        for (field, value) in [("PBX_TOTAL", "paybox_total"), ("PBX_DEVISE", "paybox_devise")] {
            let line = format!("name=\"{field}\" value=\"{}\"", text(value));
            assert!(html.contains(&line), "{vector}: {html}");
        }
    }
    // Eleven digits are more than it takes.
    let shop =
        Shop::new(|builder| builder.gateway(donjon::payment::Paybox::test_account().unwrap()));
    let much = Money::new(10_000_000_000, Currency::EUR).unwrap();
    let order: OrderId = "much".parse().unwrap();
    shop.ledger.0.place(&order, much);
    let checkout = Checkout::new(order, much).email("ann@example.com");
    let refused = shop.payments.redirect(posted(), &checkout, "paybox", None).await;
    assert!(matches!(refused, Err(StartError::Amount(_))), "{refused:?}");
}

/// A9: what is no gateway any more is no source of the page either.
#[test]
fn a_gateway_that_is_gone_is_in_no_policy() {
    use donjon::headers::SecurityHeaders;
    use donjon::headers::csp::Directive;

    let policy = |payments: &Payments| {
        let origins = payments.origins().map(Origin::as_str);
        let headers = SecurityHeaders::strict();
        let headers = headers.csp(|csp| csp.extend(Directive::FormAction, origins)).build();
        format!("{:?}", headers.unwrap())
    };
    let paybox = || donjon::payment::Paybox::test_account().unwrap();
    let both = Shop::new(|builder| builder.gateway(paybox()).gateway(Club::new()));
    let one = Shop::new(|builder| builder.gateway(Club::new()));
    let [both, one] = [both, one].map(|shop| policy(&shop.payments));
    assert!(both.contains("https://preprod-tpeweb.paybox.com") && both.contains("pay.example"));
    assert!(!one.contains("paybox.com") && one.contains("https://pay.example"), "{one}");
}
