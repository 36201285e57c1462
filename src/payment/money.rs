//! Amounts: a whole number of the smallest unit, of a currency, and never nothing.

use std::fmt;
use std::num::NonZeroU64;

use super::currency::Currency;

/// An amount of money.
///
/// **The attack.** An order of 237 dollars that five cents have paid, because nobody compared; one of 49.90
/// euros that 49.90 forints have paid, because only the number was compared; an amount of 0.30000000000000004.
///
/// - It is a count of the currency's smallest unit, cents for euros, and so is exact. There is no way from a
///   floating-point number.
/// - It is never zero and never negative: what costs nothing needs no payment.
/// - Two amounts are equal if the currency is the same too.
///
/// ```
/// use donjon::payment::{Currency, Money};
///
/// let price = Money::parse("49.90", Currency::EUR)?;
/// assert_eq!(price, Money::new(4990, Currency::EUR)?);
/// assert_eq!((price.minor(), price.to_string()), (4990, "49.90 EUR".to_owned()));
/// assert_ne!(price, Money::new(4990, Currency::HUF)?);
///
/// for nothing in ["0", "0.00", "-1", "49.9", "49.900", "49,90", " 49.90", "1e3", ""] {
///     assert!(Money::parse(nothing, Currency::EUR).is_err(), "{nothing}");
/// }
/// # Ok::<_, donjon::payment::AmountError>(())
/// ```
///
/// ```compile_fail,E0308
/// donjon::payment::Money::new(49.90, donjon::payment::Currency::EUR);
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Money {
    minor: NonZeroU64,
    currency: Currency,
}

impl Money {
    /// So many of the smallest unit: 4990 cents are 49.90 euros. At most a million millions.
    pub const fn new(minor: u64, currency: Currency) -> Result<Self, AmountError> {
        match NonZeroU64::new(minor) {
            Some(minor) if minor.get() <= MOST => Ok(Self { minor, currency }),
            Some(_) => Err(AmountError::TooMuch),
            None => Err(AmountError::Nothing),
        }
    }

    /// What is written in decimals, as many of them as the currency has: `49.90`, but `500` for yen.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let decimals = usize::from(currency.exponent());
        let (whole, rest) = match text.split_once('.') {
            Some((whole, rest)) if decimals > 0 => (whole, rest),
            None if decimals == 0 => (text, ""),
            _ => return Err(AmountError::Malformed),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_padded = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty()
            || is_padded
            || rest.len() != decimals
            || !digits(whole)
            || !digits(rest)
        {
            return Err(AmountError::Malformed);
        }
        let minor = [whole, rest].concat().parse().map_err(|_| AmountError::TooMuch)?;
        Self::new(minor, currency)
    }

    /// How many of the smallest unit.
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.minor.get()
    }

    /// Of which currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// As [`parse`](Self::parse) reads it: `49.90`.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let unit = 10_u64.pow(self.currency.exponent().into());
        let (whole, rest) = (self.minor.get() / unit, self.minor.get() % unit);
        match self.currency.exponent() {
            0 => whole.to_string(),
            decimals => format!("{whole}.{rest:0width$}", width = decimals.into()),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something is no amount, or none that a gateway takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// Nothing is to be paid.
    #[error("an amount is more than nothing")]
    Nothing,
    /// More than anybody pays.
    #[error("more than can be paid at once")]
    TooMuch,
    /// It is not written as an amount of this currency.
    #[error("not an amount: digits, and after a point as many more as the currency has decimals")]
    Malformed,
    /// There is no such currency, or the gateway does not take it.
    #[error("no such currency, or none that this gateway takes")]
    Currency,
    /// The gateway takes no such fraction of this currency.
    #[error("the gateway takes no such fraction of this currency")]
    Fraction,
}

/// Twelve digits: no gateway takes more, and no sum of them is too large.
const MOST: u64 = 999_999_999_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_exact() {
        for (text, currency, expected) in [
            ("0.01", Currency::EUR, Ok(1)),
            ("5.124", Currency::KWD, Ok(5124)),
            ("500", Currency::JPY, Ok(500)),
            ("0.0100", Currency::CLF, Ok(100)),
            ("9999999999.99", Currency::EUR, Ok(999_999_999_999)),
            ("10000000000.00", Currency::EUR, Err(AmountError::TooMuch)),
            ("99999999999999999999.00", Currency::EUR, Err(AmountError::TooMuch)),
            ("0.00", Currency::EUR, Err(AmountError::Nothing)),
            ("500.0", Currency::JPY, Err(AmountError::Malformed)),
            ("500.", Currency::JPY, Err(AmountError::Malformed)),
            (".50", Currency::EUR, Err(AmountError::Malformed)),
            ("00.50", Currency::EUR, Err(AmountError::Malformed)),
            ("+1.00", Currency::EUR, Err(AmountError::Malformed)),
            ("1.0\u{661}", Currency::EUR, Err(AmountError::Malformed)),
            ("NaN", Currency::EUR, Err(AmountError::Malformed)),
            ("1 000.00", Currency::EUR, Err(AmountError::Malformed)),
        ] {
            assert_eq!(Money::parse(text, currency).map(Money::minor), expected, "{text}");
        }
    }

    #[test]
    fn currencies_are_different_ones() {
        for (at, one) in Currency::EVERY.iter().enumerate() {
            assert_eq!(one.code().parse(), Ok(*one));
            assert!(one.exponent() <= 4);
            for other in &Currency::EVERY[at + 1..] {
                assert!(one.code() != other.code() && one.number() != other.number(), "{other}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(minor in 1..=MOST, at in 0..Currency::EVERY.len()) {
            let money = Money::new(minor, Currency::EVERY[at]).unwrap();
            prop_assert_eq!(Money::parse(&money.to_decimal(), money.currency()), Ok(money));
        }
    }
}
