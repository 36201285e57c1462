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
    let (eights, _) = bytes.as_chunks::<8>();
    let last = rest(bytes);
    let (mut count, mut more) = (marked(digits(last)), marked(others(last)));
    // Each byte of a sum counts for itself, and all of them together have to fit into one.
    for some in eights.chunks(31) {
        let sums = some.iter().fold((0, 0), |(count, more), eight| {
            let eight = u64::from_le_bytes(*eight);
            (count + (digits(eight) >> 7), more + (others(eight) >> 7))
        });
        count += sum(sums.0);
        more += sum(sums.1);
    }
    (count, more)
}

/// The bytes after the last eight, and zeros: moved into their place, which costs less than to copy them.
fn rest(bytes: &[u8]) -> u64 {
    let rest = bytes.len() % 8;
    match bytes.last_chunk() {
        Some(_) if rest == 0 => 0,
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest),
        None => bytes.iter().rev().fold(0, |rest, byte| rest << 8 | u64::from(*byte)),
    }
}

/// The sum of eight bytes, which has to fit into one.
const fn sum(bytes: u64) -> u32 {
    (bytes.wrapping_mul(ONES) >> 56) as u32
}

/// How many bytes are marked with their high bit: not every processor that this is compiled for counts bits.
const fn marked(mask: u64) -> u32 {
    sum(mask >> 7)
}

/// How many digits there are at most with nothing between them that ends a number; what is longer than
/// `enough` may be shorter. A comma passes for a separator, which costs no more than a look.
pub(super) fn longest_run(bytes: &[u8], enough: u32) -> u32 {
    let (eights, _) = bytes.as_chunks::<8>();
    let last = rest(bytes).to_le_bytes();
    let (mut run, mut longest) = (0, 0);
    for eight in eights.iter().chain([&last]) {
        let eight = u64::from_le_bytes(*eight);
        let digits = digits(eight);
        // A comma is between the separators.
        let goes_on = between(eight, b'+', b'9')
            | between(eight, b' ', b' ')
            | between(eight, b'_', b'_')
            | between(eight, 0, 0);
        let ends = !goes_on & HIGH;
        if ends == 0 {
            run += marked(digits);
        } else {
            // The first digits belong to what came before, and the last to what comes; those between
            // are too few.
            let before = ends & ends.wrapping_neg();
            run += marked(digits & (before - 1));
            longest = longest.max(run);
            let after = u64::MAX.checked_shl(64 - ends.leading_zeros()).unwrap_or(0);
            run = marked(digits & after);
        }
        if run >= enough {
            return run;
        }
    }
    longest.max(run)
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
    fn no_run_is_too_short() {
        let mut random = 1_u64;
        for _ in 0..100_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    b"0123456789012345678901234567890123456789 -./_+\0a,\""
                        [(random >> 33) as usize % 50]
                })
                .collect();
            let (mut run, mut longest) = (0, 0);
            for byte in &bytes {
                match byte {
                    b'0'..=b'9' => run += 1,
                    b' ' | b'-' | b'.' | b'/' | b'_' | b'+' | b',' | 0 => {}
                    _ => run = 0,
                }
                longest = longest.max(run);
            }
            let told = longest_run(&bytes, 13);
            assert_eq!(told >= 13, longest >= 13, "{}", bytes.escape_ascii());
        }
    }

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
