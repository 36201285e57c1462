//! Bytes looked at eight at a time, in a number of 64 bits, and where nothing has to be known but whether
//! there is something, as many at a time as the compiler has: no more than every processor does.

use super::symbol::BEGINS;

/// One in each byte.
const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = 0x80 * ONES;

/// The high bit of each byte that is between these two, its own high bit left out.
const fn between(eight: u64, from: u8, to: u8) -> u64 {
    let low = eight & !HIGH;
    (low + (0x80 - from as u64) * ONES) & !(low + (0x7f - to as u64) * ONES) & HIGH
}

/// The high bit of each byte that is this one of ASCII.
const fn equal(eight: u64, byte: u8) -> u64 {
    let differs = eight ^ (byte as u64 * ONES);
    !(((differs & !HIGH) + !HIGH) | differs) & HIGH
}

const fn first(mask: u64) -> usize {
    (mask.trailing_zeros() / 8) as usize
}

/// Digits of ASCII.
const fn digits(eight: u64) -> u64 {
    between(eight, b'0', b'9') & !eight
}

/// What may begin a digit that is written otherwise.
pub(super) const fn others(eight: u64) -> u64 {
    eight & HIGH | between(eight, b'%', b'&') | equal(eight, b'\\')
}

/// The same of one byte.
const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// The same of one byte.
#[expect(clippy::needless_bitwise_bool, reason = "without a branch many are done at once")]
pub(super) const fn is_other(byte: u8) -> bool {
    (byte >= 0x80) | (byte.wrapping_sub(b'%') < 2) | (byte == b'\\')
}

/// Bytes of which it is asked first whether there is anything in them. What is near is looked for at once.
const MANY: usize = 32;

/// Where the first byte is with which a digit may begin; the length where there is none.
pub(super) fn begins_at(bytes: &[u8]) -> usize {
    let is_one = |byte: &u8| is_digit(*byte) | is_other(*byte);
    let (many, rest) = bytes.as_chunks::<MANY>();
    for (at, some) in many.iter().enumerate() {
        let is_worth_it = at == 0 || some.iter().fold(false, |any, byte| any | is_one(byte));
        if is_worth_it && let Some(place) = begins_in(some) {
            return MANY * at + place;
        }
    }
    MANY * many.len() + begins_in(rest).unwrap_or(rest.len())
}

fn begins_in(bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let number = u64::from_le_bytes(*eight);
        let mut mask = digits(number) | others(number);
        while mask != 0 {
            let place = first(mask);
            if BEGINS[usize::from(eight[place])] {
                return Some(8 * at + place);
            }
            mask &= mask - 1;
        }
    }
    let begins = rest.iter().position(|byte| BEGINS[usize::from(*byte)]);
    begins.map(|begins| 8 * eights.len() + begins)
}

/// How many digits of ASCII there are before the first other byte.
pub(super) fn count_digits(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let mask = digits(u64::from_le_bytes(*eight)) ^ HIGH;
        if mask != 0 {
            return 8 * at + first(mask);
        }
    }
    let end = rest.iter().position(|byte| !byte.is_ascii_digit());
    end.map_or(bytes.len(), |end| 8 * eights.len() + end)
}

/// Where the first byte is that is one of these: of a few bytes known before a call to `memchr` has begun.
pub(super) fn first_of<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let number = u64::from_le_bytes(*eight);
        let mask = wanted.iter().fold(0, |mask, byte| mask | equal(number, *byte));
        if mask != 0 {
            return Some(8 * at + first(mask));
        }
    }
    let place = rest.iter().position(|byte| wanted.contains(byte));
    place.map(|place| 8 * eights.len() + place)
}

/// Where the next quote is that may end a name: what follows is a colon, a space, or what nobody knows yet.
/// No other byte is taken for a colon, but some are for a space.
#[expect(clippy::needless_bitwise_bool, reason = "without a branch many are done at once")]
pub(super) fn quote(bytes: &[u8]) -> Option<usize> {
    let behind = bytes.get(1..)?;
    let is_one = |quote: u8, next: u8| (quote == b'"') & ((next == b':') | (next <= b' '));
    let (many, _) = bytes.as_chunks::<MANY>();
    let (many_behind, _) = behind.as_chunks::<MANY>();
    let mut at = 0;
    for (some, behind) in many.iter().zip(many_behind) {
        let is_worth_it = at == 0
            || some
                .iter()
                .zip(behind)
                .fold(false, |any, (quote, next)| any | is_one(*quote, *next));
        if is_worth_it && let Some(place) = quote_in(some, behind) {
            return Some(at + place);
        }
        at += MANY;
    }
    let place = quote_in(&bytes[at..], &behind[at..]);
    let last = || bytes.last().filter(|last| **last == b'"').map(|_| behind.len());
    place.map(|place| at + place).or_else(last)
}

fn quote_in(bytes: &[u8], behind: &[u8]) -> Option<usize> {
    let (eights, _) = bytes.as_chunks::<8>();
    let (eights_behind, rest_behind) = behind.as_chunks::<8>();
    for (at, (eight, behind)) in eights.iter().zip(eights_behind).enumerate() {
        let behind = u64::from_le_bytes(*behind);
        let is_space = !(((behind & !HIGH) + (0x80 - 0x21) * ONES) | behind);
        let mask = equal(u64::from_le_bytes(*eight), b'"') & (is_space | equal(behind, b':'));
        if mask != 0 {
            return Some(8 * at + first(mask));
        }
    }
    let at = behind.len() - rest_behind.len();
    let mut rest = bytes[at..].iter().zip(rest_behind);
    let place = rest.position(|(quote, next)| *quote == b'"' && (*next == b':' || *next <= b' '));
    place.map(|place| at + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_as_one_by_one() {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 64, 100, 300] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[at] = byte;
                    let begins = BEGINS[usize::from(byte)];
                    assert_eq!(begins_at(&bytes), if begins { at } else { length }, "{byte}");
                    let is_last = byte == b'"' && at == length - 1;
                    assert_eq!(quote(&bytes), is_last.then_some(at), "{byte}");
                    let place = matches!(byte, b'=' | b'&').then_some(at);
                    assert_eq!(first_of([b'=', b'&'], &bytes), place, "{byte}");
                    if at > 0 {
                        bytes[at - 1] = b'"';
                        let ends = byte == b':' || byte <= b' ';
                        let place = if ends { Some(at - 1) } else { is_last.then_some(at) };
                        assert_eq!(quote(&bytes), place, "{byte}");
                    }
                    bytes.fill(b'7');
                    bytes[at] = byte;
                    let end = if byte.is_ascii_digit() { length } else { at };
                    assert_eq!(count_digits(&bytes), end, "{byte}");
                }
            }
        }
    }
}
