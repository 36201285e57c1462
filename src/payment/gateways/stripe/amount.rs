//! Amounts, as Stripe writes them: whole numbers of what it takes for the smallest unit.

use super::super::super::currency::Currency;
use super::super::super::money::{AmountError, Money};

/// How a whole number of Stripe's is made of one of ISO's smallest units.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    /// It is the same one.
    Same,
    /// It has two decimals for Stripe and none for ISO, and those two are 0.
    Hundredfold,
    /// It has two decimals for ISO and none for Stripe.
    Hundredth,
    /// It has three decimals, of which the last is 0.
    Tens,
}

/// `None` for what Stripe does not take. Uganda's shilling is not among it: whether its two decimals are written
/// has changed, and a payment of a hundred times as much is worse than none.
fn rule(currency: Currency) -> Option<Rule> {
    Some(match currency.code() {
        "ISK" => Rule::Hundredfold,
        "MGA" => Rule::Hundredth,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Rule::Tens,
        code if SAME.contains(&code) => Rule::Same,
        _ => return None,
    })
}

/// What is sent.
pub(super) fn amount(money: Money) -> Result<u64, AmountError> {
    let minor = money.minor();
    let amount = match rule(money.currency()).ok_or(AmountError::Currency)? {
        Rule::Tens if !minor.is_multiple_of(10) => return Err(AmountError::Fraction),
        Rule::Hundredth if !minor.is_multiple_of(100) => return Err(AmountError::Fraction),
        Rule::Same | Rule::Tens => minor,
        Rule::Hundredfold => minor.checked_mul(100).ok_or(AmountError::TooMuch)?,
        Rule::Hundredth => minor / 100,
    };
    if amount > MOST { Err(AmountError::TooMuch) } else { Ok(amount) }
}

/// What is meant by what came: the amount that is sent so, and by no other one.
pub(super) fn money(amount: u64, code: &str) -> Result<Money, AmountError> {
    if !code.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(AmountError::Currency);
    }
    let currency: Currency = code.to_ascii_uppercase().parse()?;
    let minor = match rule(currency).ok_or(AmountError::Currency)? {
        Rule::Tens if !amount.is_multiple_of(10) => return Err(AmountError::Fraction),
        Rule::Hundredfold if !amount.is_multiple_of(100) => return Err(AmountError::Fraction),
        Rule::Same | Rule::Tens => amount,
        Rule::Hundredfold => amount / 100,
        Rule::Hundredth => amount.checked_mul(100).ok_or(AmountError::TooMuch)?,
    };
    Money::new(minor, currency)
}

/// Eight digits.
const MOST: u64 = 99_999_999;

/// The currencies in which Stripe takes payments and counts as ISO does. From its page *Supported currencies*.
const SAME: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BIF",
    "BMD", "BND", "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY",
    "COP", "CRC", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
    "INR", "JMD", "JPY", "KES", "KGS", "KHR", "KMF", "KRW", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "MAD", "MDL", "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK", "MXN", "MYR",
    "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN",
    "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SZL", "THB", "TJS", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU",
    "UZS", "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
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
            let expected = vector["stripe_amount"].as_str().unwrap();
            let sent = amount(money).map(|amount| amount.to_string());
            if expected.starts_with("ERROR") {
                assert!(sent.is_err(), "{money}");
            } else {
                assert_eq!(sent.as_deref(), Ok(expected), "{money}");
            }
        }
    }

    #[test]
    fn each_amount_is_read_back_and_no_other() {
        for currency in Currency::EVERY {
            for minor in [1, 5, 10, 99, 100, 5120, 5124, 999_999, 99_999_999, 999_999_999_999] {
                let sent_as = Money::new(minor, *currency).unwrap();
                let Ok(sent) = amount(sent_as) else { continue };
                let code = currency.code().to_ascii_lowercase();
                assert_eq!(money(sent, &code), Ok(sent_as), "{sent_as}");
                assert!(money(sent, currency.code()).is_err());
            }
        }
        for (code, decimals) in [("ugx", 0), ("clf", 4), ("iqd", 3), ("lyd", 3), ("usn", 2)] {
            assert_eq!(money(1000, code), Err(AmountError::Currency), "{code} {decimals}");
        }
        assert_eq!(money(50_001, "isk"), Err(AmountError::Fraction));
        assert_eq!(money(5124, "kwd"), Err(AmountError::Fraction));
        assert_eq!(money(0, "eur"), Err(AmountError::Nothing));
        let ariary = |minor| amount(Money::new(minor, Currency::MGA).unwrap());
        assert_eq!((ariary(500_000), ariary(500_050)), (Ok(5000), Err(AmountError::Fraction)));
        let euros = |minor| amount(Money::new(minor, Currency::EUR).unwrap());
        assert_eq!((euros(MOST), euros(MOST + 1)), (Ok(MOST), Err(AmountError::TooMuch)));
    }

    /// Stripe's own list of currencies without decimals, but for those above.
    #[test]
    fn what_has_no_decimals_has_none_for_iso_either() {
        let none = [
            "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ];
        for code in SAME {
            let currency: Currency = code.parse().unwrap();
            let decimals = if none.contains(code) { 0 } else { 2 };
            assert_eq!(currency.exponent(), decimals, "{code}");
        }
    }
}
