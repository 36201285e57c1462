//! Amounts, as PayPal writes them: decimals, as text.

use super::super::super::currency::Currency;
use super::super::super::money::{AmountError, Money};

/// What is sent.
pub(super) fn value(money: Money) -> Result<String, AmountError> {
    let currency = money.currency();
    check(currency)?;
    let decimal = money.to_decimal();
    let value = if is_cut(currency) {
        // Nobody pays a hundredth of a forint, and nobody is to be told that he does.
        decimal.strip_suffix(".00").ok_or(AmountError::Fraction)?.to_owned()
    } else {
        decimal
    };
    let whole = value.split('.').next().unwrap_or_default();
    if whole.len() > MOST_DIGITS { Err(AmountError::TooMuch) } else { Ok(value) }
}

/// What is meant by what came: the amount that is sent so, and by no other one.
pub(super) fn money(value: &str, code: &str) -> Result<Money, AmountError> {
    let currency: Currency = code.parse()?;
    check(currency)?;
    if is_cut(currency) {
        Money::parse(&format!("{value}.00"), currency)
    } else {
        Money::parse(value, currency)
    }
}

fn check(currency: Currency) -> Result<(), AmountError> {
    if CURRENCIES.contains(&currency.code()) { Ok(()) } else { Err(AmountError::Currency) }
}

/// Two that have two decimals for ISO and none for PayPal. Japan's yen has none for either.
fn is_cut(currency: Currency) -> bool {
    currency == Currency::HUF || currency == Currency::TWD
}

/// Before the point.
const MOST_DIGITS: usize = 7;

/// From PayPal's page *Currency codes*.
const CURRENCIES: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A5.
    #[test]
    fn amounts_are_written_as_the_vectors_say() {
        let all = include_str!("../../../../tests/data/payment/money.json");
        let all: Value = serde_json::from_str(all).unwrap();
        for vector in all["vectors"].as_array().unwrap() {
            let currency: Currency = vector["currency"].as_str().unwrap().parse().unwrap();
            let money = Money::new(vector["minor"].as_u64().unwrap(), currency).unwrap();
            let expected = vector["paypal_value"].as_str().unwrap();
            if expected.starts_with("ERROR") {
                assert!(value(money).is_err(), "{money}");
            } else {
                assert_eq!(value(money).as_deref(), Ok(expected), "{money}");
            }
        }
    }

    #[test]
    fn each_amount_is_read_back_and_no_other() {
        for code in CURRENCIES {
            let currency: Currency = code.parse().unwrap();
            for minor in [1, 99, 100, 4990, 5000, 999_999, 99_999_999] {
                let sent_as = Money::new(minor, currency).unwrap();
                let Ok(sent) = value(sent_as) else { continue };
                assert_eq!(money(&sent, code), Ok(sent_as), "{sent_as}");
            }
        }
        for (value, code) in [
            ("49.9", "EUR"),
            ("49.900", "EUR"),
            ("049.90", "EUR"),
            ("49,90", "EUR"),
            ("-49.90", "EUR"),
            ("49.90 ", "EUR"),
            ("4.99e1", "EUR"),
            ("0.00", "EUR"),
            ("", "EUR"),
            ("49.90", "eur"),
            ("5000.00", "HUF"),
            ("5000.", "HUF"),
            ("", "HUF"),
            ("500.00", "JPY"),
            ("5.124", "KWD"),
            ("500", "ISK"),
        ] {
            assert!(money(value, code).is_err(), "{value} {code}");
        }
        let forints = |minor| value(Money::new(minor, Currency::HUF).unwrap());
        assert_eq!(forints(500_050), Err(AmountError::Fraction));
        let euros = |minor| value(Money::new(minor, Currency::EUR).unwrap());
        assert_eq!(euros(999_999_999).as_deref(), Ok("9999999.99"));
        assert_eq!(euros(1_000_000_000), Err(AmountError::TooMuch));
    }
}
