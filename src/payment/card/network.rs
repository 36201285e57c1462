//! Which numbers are card numbers: the prefixes and lengths that networks issue, and the check digit.

use std::fmt;

/// A card network, by the prefix of its numbers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Network {
    /// American Express.
    AmericanExpress,
    /// Dankort.
    Dankort,
    /// Diners Club.
    Diners,
    /// Discover.
    Discover,
    /// Elo.
    Elo,
    /// Hipercard.
    Hipercard,
    /// JCB.
    Jcb,
    /// Maestro.
    Maestro,
    /// Mastercard.
    Mastercard,
    /// Mir.
    Mir,
    /// `RuPay`.
    RuPay,
    /// Troy.
    Troy,
    /// `UnionPay`.
    UnionPay,
    /// Verve.
    Verve,
    /// Visa.
    Visa,
}

impl Network {
    /// The name, in lower case: `visa`, `american_express`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AmericanExpress => "american_express",
            Self::Dankort => "dankort",
            Self::Diners => "diners",
            Self::Discover => "discover",
            Self::Elo => "elo",
            Self::Hipercard => "hipercard",
            Self::Jcb => "jcb",
            Self::Maestro => "maestro",
            Self::Mastercard => "mastercard",
            Self::Mir => "mir",
            Self::RuPay => "rupay",
            Self::Troy => "troy",
            Self::UnionPay => "unionpay",
            Self::Verve => "verve",
            Self::Visa => "visa",
        }
    }

    /// No network here has numbers that begin so, and most long numbers do: timestamps among them.
    pub(super) const fn is_of_none(first: u8, second: u8) -> bool {
        matches!((first, second), (0 | 7, _) | (1, 0..=7 | 9))
    }

    /// The network of a number that one can have issued: its first digits and its length are those of
    /// a network, and its last digit is right. The digits are values from 0 to 9.
    pub(super) fn of(digits: &[u8]) -> Option<Self> {
        let first = digits.first_chunk::<6>()?;
        if Self::is_of_none(first[0], first[1]) {
            return None;
        }
        let prefix = first.iter().fold(0, |prefix, digit| prefix * 10 + u32::from(*digit));
        let of_length = 1_u32.checked_shl(u32::try_from(digits.len()).ok()?)?;
        let issued = |row: &&Row| (row.0..=row.1).contains(&prefix) && row.2 & of_length != 0;
        let network = ISSUED.iter().find(issued)?.3;
        let is_right = is_luhn(digits) && !(digits.len() == 13 && is_ean(digits));
        is_right.then_some(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The check digit is that of ISO/IEC 7812-1, annex B.
fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            u32::from(if at % 2 == 0 { *digit } else { DOUBLED[usize::from(*digit)] })
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The number of an article: its check digit has other weights (GS1, 7.9). Cards of 13 digits are no longer
/// issued, and articles are everywhere, so what is both is an article. No company has a prefix of zeros.
fn is_ean(digits: &[u8]) -> bool {
    let weighted = |(at, digit): (usize, &u8)| u32::from(*digit) * if at % 2 == 0 { 1 } else { 3 };
    let has_company = digits[3..7] != [0; 4];
    has_company && digits.iter().enumerate().map(weighted).sum::<u32>().is_multiple_of(10)
}

/// The digits' sum of twice a digit.
const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// The first and the last prefix of six digits, the lengths as bits, whose they are.
type Row = (u32, u32, u32, Network);

const fn lengths(from: u32, to: u32) -> u32 {
    (1 << (to + 1)) - (1 << from)
}

/// What is issued. Nothing shorter than 13 digits is looked for: the old Maestro numbers of 12 are as
/// rare as numbers of 12 digits are common. Of Diners Club the prefix 36 has 14 digits alone. Not in it
/// are air travel cards, which begin with 1 as timestamps do, and 637 to 639, where a clock that counts in
/// 100 ns stands. German mobile telephones have 13 digits with the country's code, as no Visa card has now.
#[rustfmt::skip]
const ISSUED: &[Row] = &[
    (400_000, 491_499, 1 << 13 | 1 << 16 | 1 << 19, Network::Visa),
    (491_500, 491_799, 1 << 16 | 1 << 19, Network::Visa),
    (491_800, 499_999, 1 << 13 | 1 << 16 | 1 << 19, Network::Visa),
    (510_000, 559_999, 1 << 16, Network::Mastercard),
    (222_100, 272_099, 1 << 16, Network::Mastercard),
    (340_000, 349_999, 1 << 15, Network::AmericanExpress),
    (370_000, 379_999, 1 << 15, Network::AmericanExpress),
    (601_100, 601_199, lengths(16, 19), Network::Discover),
    (644_000, 659_999, lengths(16, 19), Network::Discover),
    (620_000, 629_999, lengths(16, 19), Network::UnionPay),
    (810_000, 817_199, lengths(16, 19), Network::UnionPay),
    (300_000, 305_999, 1 << 14 | 1 << 16, Network::Diners),
    (309_500, 309_599, 1 << 14 | 1 << 16, Network::Diners),
    (360_000, 369_999, 1 << 14, Network::Diners),
    (380_000, 399_999, 1 << 14 | 1 << 16, Network::Diners),
    (352_800, 358_999, lengths(16, 19), Network::Jcb),
    (180_000, 180_099, 1 << 15, Network::Jcb),
    (213_100, 213_199, 1 << 15, Network::Jcb),
    (501_800, 501_899, lengths(13, 19), Network::Maestro),
    (501_900, 501_999, 1 << 16, Network::Dankort),
    (502_000, 502_099, lengths(13, 19), Network::Maestro),
    (503_800, 503_899, lengths(13, 19), Network::Maestro),
    (589_300, 589_399, lengths(13, 19), Network::Maestro),
    (630_400, 630_499, lengths(13, 19), Network::Maestro),
    (675_900, 675_999, lengths(13, 19), Network::Maestro),
    (676_100, 676_899, lengths(13, 19), Network::Maestro),
    (220_000, 220_499, lengths(16, 19), Network::Mir),
    (508_500, 508_999, 1 << 16, Network::RuPay),
    (606_985, 607_984, 1 << 16, Network::RuPay),
    (608_001, 608_500, 1 << 16, Network::RuPay),
    (817_200, 820_199, 1 << 16, Network::RuPay),
    (506_099, 506_198, 1 << 16 | 1 << 18 | 1 << 19, Network::Verve),
    (506_699, 506_778, 1 << 16, Network::Elo),
    (509_000, 509_999, 1 << 16, Network::Elo),
    (636_297, 636_297, 1 << 16, Network::Elo),
    (636_368, 636_368, 1 << 16, Network::Elo),
    (606_282, 606_282, 1 << 16, Network::Hipercard),
    (979_200, 979_289, 1 << 16, Network::Troy),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn of(text: &str) -> Option<Network> {
        Network::of(&text.bytes().map(|byte| byte - b'0').collect::<Vec<_>>())
    }

    /// Numbers that gateways publish for tests.
    #[test]
    fn numbers_are_told_by_prefix_length_and_check_digit() {
        for (number, network) in [
            ("4111111111111111", Some(Network::Visa)),
            ("4222222222222", Some(Network::Visa)),
            ("4000000000000000006", Some(Network::Visa)),
            ("5555555555554444", Some(Network::Mastercard)),
            ("2223003122003222", Some(Network::Mastercard)),
            ("378282246310005", Some(Network::AmericanExpress)),
            ("6011111111111117", Some(Network::Discover)),
            ("36227206271667", Some(Network::Diners)),
            ("3056930009020004", Some(Network::Diners)),
            ("3566002020360505", Some(Network::Jcb)),
            ("6200000000000005", Some(Network::UnionPay)),
            ("6759649826438453", Some(Network::Maestro)),
            ("2200000000000004", Some(Network::Mir)),
            ("4000000000006", Some(Network::Visa)),
            ("4006381000093", None),
            ("4111111111111112", None),
            ("411111111111111", None),
            ("9999999999999995", None),
            ("73282932000074", None),
            ("2720992720992722", None),
            ("", None),
        ] {
            assert_eq!(of(number), network, "{number}");
        }
    }

    #[test]
    fn no_row_stands_where_another_does_for_the_same_length() {
        for (index, one) in ISSUED.iter().enumerate() {
            assert!(one.0 <= one.1 && (100_000..1_000_000).contains(&one.1), "{one:?}");
            for other in &ISSUED[index + 1..] {
                let apart = one.1 < other.0 || other.1 < one.0;
                assert!(apart || one.2 & other.2 == 0, "{one:?} {other:?}");
            }
            let digits = one.0.to_string().into_bytes();
            let skipped = matches!(digits[..2], [b'0' | b'7', _] | [b'1', b'0'..=b'7' | b'9']);
            assert!(!skipped, "{one:?}");
        }
    }
}
