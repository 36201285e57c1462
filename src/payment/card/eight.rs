//! Bytes looked at eight at a time, in a number of 64 bits: no more than the compiler has everywhere.

use memchr::memchr;

use super::symbol::BEGINS;

/// One in each byte.
const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = 0x80 * ONES;

/// The high bit of each byte that is between these two, its own high bit left out.
const fn between(eight: u64, from: u8, to: u8) -> u64 {
    let low = eight & !HIGH;
    (low + (0x80 - from as u64) * ONES) & !(low + (0x7f - to as u64) * ONES) & HIGH
}

const fn first(mask: u64) -> usize {
    (mask.trailing_zeros() / 8) as usize
}

/// Digits of ASCII.
const fn digits(eight: u64) -> u64 {
    between(eight, b'0', b'9') & !eight
}

/// What may begin a digit that is written otherwise.
const fn others(eight: u64) -> u64 {
    eight & HIGH | between(eight, b'%', b'&') | between(eight, b'\\', b'\\')
}

/// Where the first byte is with which a digit may begin; the length where there is none.
pub(super) fn begins_at(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let number = u64::from_le_bytes(*eight);
        let mut mask = digits(number) | others(number);
        while mask != 0 {
            let place = first(mask);
            if BEGINS[usize::from(eight[place])] {
                return 8 * at + place;
            }
            mask &= mask - 1;
        }
    }
    let begins = rest.iter().position(|byte| BEGINS[usize::from(*byte)]);
    begins.map_or(bytes.len(), |begins| 8 * eights.len() + begins)
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

/// How many digits there are, and how many bytes that may begin others.
pub(super) fn count(bytes: &[u8]) -> (u32, u32) {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    eights.iter().chain([&last]).fold((0, 0), |(count, more), eight| {
        let eight = u64::from_le_bytes(*eight);
        (count + digits(eight).count_ones(), more + others(eight).count_ones())
    })
}

/// Where the next quote is: most are near.
pub(super) fn quote(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 6;
    let (eights, _) = bytes.as_chunks::<8>();
    let near = eights.get(..NEAR).unwrap_or(eights);
    for (at, eight) in near.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let mask = between(eight, b'"', b'"') & !eight;
        if mask != 0 {
            return Some(8 * at + first(mask));
        }
    }
    let far = 8 * near.len();
    memchr(b'"', &bytes[far..]).map(|at| far + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_as_one_by_one() {
        for length in [0, 1, 7, 8, 9, 31, 64, 100] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[at] = byte;
                    let begins = BEGINS[usize::from(byte)];
                    assert_eq!(begins_at(&bytes), if begins { at } else { length }, "{byte}");
                    assert_eq!(quote(&bytes), (byte == b'"').then_some(at), "{byte}");
                    let (digits, others) = count(&bytes);
                    let is_other = byte >= 0x80 || b"%&\\".contains(&byte);
                    assert_eq!((digits, others), (byte.is_ascii_digit().into(), is_other.into()));
                    bytes.fill(b'7');
                    bytes[at] = byte;
                    let end = if byte.is_ascii_digit() { length } else { at };
                    assert_eq!(count_digits(&bytes), end, "{byte}");
                }
            }
        }
    }
}
