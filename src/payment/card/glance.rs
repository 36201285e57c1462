//! Whether it pays to look for a number in a short value, which hardly any has: told by as few of its bytes as
//! will do.

use super::eight::{is_other, others};
use super::run::SHORTEST;
use super::symbol::ENDS;

/// Whether a number can be in these bytes, which are all there is: there are digits enough, with nothing
/// between them that ends one. What is written otherwise than in ASCII digits may always be one.
pub(super) fn pays(bytes: &[u8]) -> bool {
    if bytes.len() < SHORTEST {
        false
    } else if has_others(bytes) {
        let may_be_digits = bytes.iter().map(|byte| usize::from(MAY_BE_DIGIT[usize::from(*byte)]));
        may_be_digits.sum::<usize>() >= SHORTEST
    } else {
        has_digits_enough(bytes)
    }
}

/// One for a digit and for what may begin one that is written otherwise.
static MAY_BE_DIGIT: [u8; 256] = {
    let mut may_be = [0; 256];
    let mut byte = 0;
    while byte < may_be.len() {
        #[expect(clippy::cast_possible_truncation, reason = "it is the index of a byte")]
        let is_one = (byte as u8).is_ascii_digit() || is_other(byte as u8);
        may_be[byte] = is_one as u8;
        byte += 1;
    }
    may_be
};

/// Whether there is a byte that may begin a digit which is written otherwise. It is asked of all of them, and of
/// what is shorter than any number it says so.
fn has_others(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<16>() else {
        let both = bytes.first_chunk().zip(bytes.last_chunk());
        return both.is_none_or(|(begin, end)| {
            others(u64::from_le_bytes(*begin)) | others(u64::from_le_bytes(*end)) != 0
        });
    };
    let mut any = [0; 16];
    for some in bytes.as_chunks::<16>().0.iter().chain([last]) {
        any.iter_mut().zip(some).for_each(|(any, byte)| *any |= u8::from(is_other(*byte)));
    }
    u128::from_le_bytes(any) != 0
}

/// Whether there is a number's worth of digits with nothing between them that ends one. Of bytes among which
/// many end one, as letters do, it looks at one in thirteen.
fn has_digits_enough(bytes: &[u8]) -> bool {
    let ends = |byte: &u8| ENDS[usize::from(*byte)];
    let mut rest = bytes;
    while let Some(window) = rest.first_chunk::<SHORTEST>() {
        let taken = if let Some(end) = window.iter().rposition(ends) {
            end + 1
        } else {
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            let digits = rest[..end].iter().filter(|byte| byte.is_ascii_digit());
            if digits.count() >= SHORTEST {
                return true;
            }
            end
        };
        rest = &rest[taken..];
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scanner::first_in;
    use super::*;

    /// The same, one by one.
    fn may_hold(bytes: &[u8]) -> bool {
        if bytes.iter().any(|byte| is_other(*byte)) {
            let may_be = bytes.iter().filter(|byte| byte.is_ascii_digit() || is_other(**byte));
            return may_be.count() >= 13;
        }
        let mut runs =
            bytes.split(|byte| !matches!(byte, 0 | b'0'..=b'9' | b' ' | b'-'..=b'/' | b'_' | b'+'));
        runs.any(|run| run.iter().filter(|byte| byte.is_ascii_digit()).count() >= 13)
    }

    #[test]
    fn it_pays_where_a_number_is() {
        for (value, expected) in [
            ("4111111111111111", true),
            ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", true),
            ("id=4111-1111-1111-1111;", true),
            ("4222222222222", true),
            ("a4222222222222", true),
            ("422222222222", false),
            ("1234567890,1234567890", false),
            ("%34111", false),
            ("%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", true),
            ("４１１１１１１１１１１１１１１１", true),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", false),
            ("Thu, 26 Nov 2026 20:16:26 GMT", false),
            ("- - - - - - - - - - - - - - - - - -", false),
            ("", false),
        ] {
            assert_eq!(pays(value.as_bytes()), expected, "{value}");
            assert_eq!(may_hold(value.as_bytes()), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_byte_is_left_out_that_decides(value in "[0-9]{0,3}(([0-9 _./+-]|\0){0,40}[a-z,:;(%&\\\\é]?){0,4}") {
            prop_assert_eq!(pays(value.as_bytes()), may_hold(value.as_bytes()));
        }

        #[test]
        fn no_number_is_passed_by(
            before in "[a-z0-9 :,;%-]{0,40}",
            number in "4111 ?-?1111[./]?1111_?1111|(4%31|%341){2}111111111111|4222222222222|(4 1 )(1 1 ){7}",
            after in "[a-z0-9 :,;%-]{0,40}",
        ) {
            let value = format!("{before}{number}{after}");
            prop_assert!(first_in(value.as_bytes()).is_none() || pays(value.as_bytes()));
        }
    }
}
