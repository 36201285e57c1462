//! What is asked of Stripe.

use super::super::super::error::StartError;
use super::super::super::start::Start;
use super::super::api;
use super::amount;

/// The form by which a session begins.
pub(super) fn form(start: &Start<'_>) -> Result<String, StartError> {
    let checkout = start.checkout;
    let money = checkout.amount;
    let order = checkout.order.as_str();
    let mut form = Form::default();
    form.add("mode", "payment");
    form.add("client_reference_id", order);
    form.add("metadata[order]", order);
    form.add("line_items[0][quantity]", "1");
    let currency = money.currency().code().to_ascii_lowercase();
    form.add("line_items[0][price_data][currency]", &currency);
    let amount = amount::amount(money)?.to_string();
    form.add("line_items[0][price_data][unit_amount]", &amount);
    let shown = api::shown(checkout, 250)?;
    form.add("line_items[0][price_data][product_data][name]", &shown);
    form.add("success_url", start.back);
    form.add("cancel_url", start.back);
    // In the order's currency, and not in one that Stripe thinks the payer would rather see.
    form.add("adaptive_pricing[enabled]", "false");
    if let Some(email) = &checkout.email {
        if !is_email(email) {
            return Err(StartError::Malformed("customer_email, the payer's e-mail address,"));
        }
        form.add("customer_email", email);
    }
    if let Some(language) = checkout.language.as_deref().filter(|code| LANGUAGES.contains(code)) {
        form.add("locale", language);
    }
    Ok(form.0)
}

/// `application/x-www-form-urlencoded`.
#[derive(Default)]
struct Form(String);

impl Form {
    /// A name is ours and is written as it is; of a value nothing is left that could end it.
    fn add(&mut self, name: &'static str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push('%');
                self.0.push_str(&api::hex(&[byte]).to_ascii_uppercase());
            }
        }
    }
}

/// Roughly: Stripe looks at it more closely.
fn is_email(text: &str) -> bool {
    let is_plain = |char: char| !char.is_control() && !char.is_whitespace();
    let sides = text.rsplit_once('@');
    text.len() <= 254
        && text.chars().all(is_plain)
        && sides.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Those of two letters that Stripe's page speaks. In another one it asks the browser.
const LANGUAGES: &[&str] = &[
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "ja", "ko",
    "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi",
    "zh",
];

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::super::super::checkout::Checkout;
    use super::super::super::super::currency::Currency;
    use super::super::super::super::money::Money;
    use super::*;

    fn sent(checkout: &Checkout) -> Result<String, StartError> {
        let back = "https://club.example/pay/return/a-token";
        let notify = "https://club.example/pay/notify/stripe";
        form(&Start { checkout, back, notify, now: SystemTime::UNIX_EPOCH, http: None })
    }

    fn checkout(minor: u64, currency: Currency) -> Checkout {
        Checkout::new("ORD-1".parse().unwrap(), Money::new(minor, currency).unwrap())
    }

    #[test]
    fn all_of_it_is_the_orders() {
        let all = checkout(4990, Currency::EUR)
            .email("a+b@example.com")
            .language("fr")
            .description("Court 3 & 4, 12&amount=1 \u{20ac}");
        let expected = "mode=payment&client_reference_id=ORD-1&metadata[order]=ORD-1\
             &line_items[0][quantity]=1&line_items[0][price_data][currency]=eur\
             &line_items[0][price_data][unit_amount]=4990\
             &line_items[0][price_data][product_data][name]=Court%203%20%26%204%2C%2012%26amount%3D1%20%E2%82%AC\
             &success_url=https%3A%2F%2Fclub.example%2Fpay%2Freturn%2Fa-token\
             &cancel_url=https%3A%2F%2Fclub.example%2Fpay%2Freturn%2Fa-token\
             &adaptive_pricing[enabled]=false&customer_email=a%2Bb%40example.com&locale=fr";
        assert_eq!(sent(&all).unwrap(), expected);
        let plain = sent(&checkout(500, Currency::ISK).language("xx")).unwrap();
        assert!(plain.contains("[unit_amount]=50000&") && plain.contains("[name]=ORD-1&"));
        assert!(!plain.contains("locale") && !plain.contains("email"));
    }

    #[test]
    fn what_cannot_be_sent_is_not() {
        let one = || checkout(4990, Currency::EUR);
        for checkout in [
            one().email("nobody"),
            one().email("a@b\r\nc"),
            one().email("@b"),
            one().description("a\0b"),
            one().description(" "),
        ] {
            assert!(matches!(sent(&checkout), Err(StartError::Malformed(_))), "{checkout:?}");
        }
        for (minor, currency) in [
            (5124, Currency::KWD),
            (100, Currency::CLF),
            (500, Currency::UGX),
            (100_000_000, Currency::EUR),
        ] {
            let refused = sent(&checkout(minor, currency));
            assert!(matches!(refused, Err(StartError::Amount(_))), "{currency}");
        }
    }
}
