//! What a character is to somebody who looks for numbers.

/// A character, or what stands for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Symbol {
    /// A digit's value.
    Digit(u8),
    /// It may stand between the groups of a number; the byte, or 0 for one beyond ASCII.
    Separator(u8),
    /// It ends what came before it; the byte, or 0 for one beyond ASCII.
    Other(u8),
    /// A zero, as every second byte of UTF-16 is: as if it was not there.
    Zero,
}

impl Symbol {
    pub(super) const fn of_ascii(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit(byte - b'0'),
            0 => Self::Zero,
            b' ' | b'-' | b'.' | b'/' | b'_' | b'+' => Self::Separator(byte),
            _ => Self::Other(byte),
        }
    }

    /// Of a code point. Other scripts' digits are those that forms are filled in with, and those that
    /// compatibility normalisation (NFKC) makes of letters.
    pub(super) const fn of(char: u32) -> Self {
        match char {
            #[expect(clippy::cast_possible_truncation, reason = "it is ASCII")]
            0..=0x7f => Self::of_ascii(char as u8),
            0xb9 => Self::Digit(1),
            0xb2 | 0xb3 => Self::digit(char, 0xb0),
            0x660..=0x669 => Self::digit(char, 0x660),
            0x6f0..=0x6f9 => Self::digit(char, 0x6f0),
            0x966..=0x96f => Self::digit(char, 0x966),
            0x9e6..=0x9ef => Self::digit(char, 0x9e6),
            0xe50..=0xe59 => Self::digit(char, 0xe50),
            0x2070 | 0x2074..=0x2079 => Self::digit(char, 0x2070),
            0x2080..=0x2089 => Self::digit(char, 0x2080),
            0x2460..=0x2468 => Self::digit(char, 0x245f),
            0x24ea => Self::Digit(0),
            0xff10..=0xff19 => Self::digit(char, 0xff10),
            0x1d7ce..=0x1d7ff => Self::Digit(((char - 0x1d7ce) % 10) as u8),
            0x1fbf0..=0x1fbf9 => Self::digit(char, 0x1fbf0),
            // Spaces, hyphens and dashes; and what cannot be seen.
            0xa0
            | 0xad
            | 0xb7
            | 0x2000..=0x200f
            | 0x2010..=0x2015
            | 0x202f
            | 0x205f..=0x2064
            | 0x2212
            | 0x3000
            | 0xfe58
            | 0xfe63
            | 0xfeff
            | 0xff0d
            | 0xff0e
            | 0xff0f => Self::Separator(0),
            _ => Self::Other(0),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the ranges have ten")]
    const fn digit(char: u32, zero: u32) -> Self {
        Self::Digit((char - zero) as u8)
    }
}

/// Whether a byte has to be looked at where no number is under way: a digit, or what may begin one that
/// is written otherwise. All others are no more than what stands before a number.
pub(super) static BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut byte = b'0';
    while byte <= b'9' {
        begins[byte as usize] = true;
        byte += 1;
    }
    let others = *b"%&\\\xc2\xd9\xdb\xe0\xe2\xef\xf0";
    let mut at = 0;
    while at < others.len() {
        begins[others[at] as usize] = true;
        at += 1;
    }
    begins
};

/// Whether a byte of ASCII ends a number that stands before it, and is no part of one.
pub(super) static ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x80 {
        let is_other = matches!(Symbol::of_ascii(byte), Symbol::Other(_));
        ends[byte as usize] = is_other && !BEGINS[byte as usize];
        byte += 1;
    }
    ends
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_digit_begins_with_a_byte_that_is_looked_at() {
        for char in '\0'..=char::MAX {
            if let Symbol::Digit(value) = Symbol::of(char.into()) {
                assert!(value < 10, "{char:?}");
                let first = char.to_string().as_bytes()[0];
                assert!(BEGINS[usize::from(first)], "{char:?}");
            }
        }
    }

    #[test]
    fn digits_have_the_values_that_they_are_read_with() {
        for (text, digits) in [
            ("0189", [0, 1, 8, 9]),
            ("０１８９", [0, 1, 8, 9]),
            ("٠١٨٩", [0, 1, 8, 9]),
            ("۰۱۸۹", [0, 1, 8, 9]),
            ("०१८९", [0, 1, 8, 9]),
            ("๐๑๘๙", [0, 1, 8, 9]),
            ("⁰¹²³", [0, 1, 2, 3]),
            ("₀₁₈₉", [0, 1, 8, 9]),
            ("⓪①⑧⑨", [0, 1, 8, 9]),
            ("𝟎𝟙𝟪𝟿", [0, 1, 8, 9]),
            ("🯰🯱🯸🯹", [0, 1, 8, 9]),
        ] {
            let read: Vec<_> = text.chars().map(|char| Symbol::of(char.into())).collect();
            assert_eq!(read, digits.map(Symbol::Digit), "{text}");
        }
    }
}
