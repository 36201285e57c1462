//! Account numbers, in which there may be digits as those of a card.

use super::Finding;

/// A run that may be an account number with a country's code before it. Numbers found in it wait for its
/// end, and are none if it is.
#[derive(Clone, Debug)]
pub(super) struct Iban {
    /// The letters and the first two digits, moved to the end as the check has it.
    tail: u32,
    remainder: u32,
    digits: u32,
    pub(super) held: [Option<Finding>; 2],
}

impl Iban {
    /// The most digits that come after the first two.
    const MOST: u32 = 30;

    /// Begins one, if these were the bytes before the first two digits.
    pub(super) fn begin(before: [u8; 3], check: [u8; 2]) -> Option<Self> {
        let [other, one @ b'A'..=b'Z', two @ b'A'..=b'Z'] = before else { return None };
        if other.is_ascii_alphanumeric() {
            return None;
        }
        let letter = |letter: u8| u32::from(letter - b'A' + 10);
        let check = u32::from(check[0]) * 10 + u32::from(check[1]);
        let tail = letter(one) * 10_000 + letter(two) * 100 + check;
        Some(Self { tail, remainder: 0, digits: 0, held: [None; 2] })
    }

    /// Takes the next digit.
    pub(super) fn digit(&mut self, digit: u8) {
        self.remainder = (self.remainder * 10 + u32::from(digit)) % 97;
        self.digits = self.digits.saturating_add(1);
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.digits > Self::MOST
    }

    /// ISO 13616: the remainder is 1, and there are 15 to 34 characters.
    pub(super) fn is_one(&self) -> bool {
        let whole = u64::from(self.remainder) * 1_000_000 + u64::from(self.tail);
        (11..=Self::MOST).contains(&self.digits) && whole % 97 == 1
    }
}
