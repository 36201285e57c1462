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
const fn others(eight: u64) -> u64 {
    eight & HIGH | between(eight, b'%', b'&') | equal(eight, b'\\')
}

/// The same of one byte.
const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// The same of one byte.
#[expect(clippy::needless_bitwise_bool, reason = "without a branch many are done at once")]
const fn is_other(byte: u8) -> bool {
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

/// How many digits there are, and how many bytes that may begin others.
pub(super) fn count(bytes: &[u8]) -> (u32, u32) {
    let (whole, over) = bytes.as_chunks();
    let Some(last) = bytes.last_chunk() else {
        let first = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let last = rest(bytes);
        return (
            marked(digits(first)) + marked(digits(last)),
            marked(others(first)) + marked(others(last)),
        );
    };
    let (mut count, mut sums) = ((0, 0), Sums::default());
    if !over.is_empty() {
        // Those that are counted already are moved out.
        let last = u128::from_le_bytes(*last) >> (128 - 8 * over.len());
        sums.add(&last.to_le_bytes());
    }
    for some in whole.chunks(Sums::MOST - 1) {
        for sixteen in some {
            sums.add(sixteen);
        }
        let (digits, others) = std::mem::take(&mut sums).count();
        count = (count.0 + digits, count.1 + others);
    }
    count
}

/// Digits, and what may begin others: of each place of sixteen.
#[derive(Default)]
struct Sums {
    digits: [u8; 16],
    others: [u8; 16],
}

impl Sums {
    /// All of one sum together have to fit into a byte.
    const MOST: usize = 15;

    fn add(&mut self, sixteen: &[u8; 16]) {
        for (at, byte) in sixteen.iter().enumerate() {
            self.digits[at] += u8::from(is_digit(*byte));
            self.others[at] += u8::from(is_other(*byte));
        }
    }

    fn count(&self) -> (u32, u32) {
        let all = |sums: &[u8; 16]| {
            let (eights, _) = sums.as_chunks::<8>();
            sum(eights.iter().map(|eight| u64::from_le_bytes(*eight)).sum())
        };
        (all(&self.digits), all(&self.others))
    }
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
/// `enough` may be shorter. All that stands before the digits in ASCII passes for a separator, which costs no
/// more than a look.
pub(super) fn longest_run(bytes: &[u8], enough: u32) -> u32 {
    let (eights, _) = bytes.as_chunks::<8>();
    let last = rest(bytes).to_le_bytes();
    let (mut run, mut longest) = (0, 0);
    for eight in eights.iter().chain([&last]) {
        let eight = u64::from_le_bytes(*eight);
        let digits = digits(eight);
        let goes_on = between(eight, 0, b'9') | equal(eight, b'_');
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
    fn no_run_is_too_short() {
        let mut random = 1_u64;
        for _ in 0..100_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    b"0123456789012345678901234567890123456789 -./_+\0a,:"
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
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 64, 100, 300] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[at] = byte;
                    let begins = BEGINS[usize::from(byte)];
                    assert_eq!(begins_at(&bytes), if begins { at } else { length }, "{byte}");
                    let is_last = byte == b'"' && at == length - 1;
                    assert_eq!(quote(&bytes), is_last.then_some(at), "{byte}");
                    if at > 0 {
                        bytes[at - 1] = b'"';
                        let ends = byte == b':' || byte <= b' ';
                        let place = if ends { Some(at - 1) } else { is_last.then_some(at) };
                        assert_eq!(quote(&bytes), place, "{byte}");
                    }
                    let (digits, others) = count(&bytes);
                    let is_other = byte >= 0x80 || b"%&\\".contains(&byte);
                    assert_eq!((digits, others), (byte.is_ascii_digit().into(), is_other.into()));
                    bytes.fill(b'7');
                    bytes[at] = byte;
                    let all = count(&bytes).0 as usize + usize::from(!byte.is_ascii_digit());
                    assert_eq!(all, length, "{byte}");
                    let end = if byte.is_ascii_digit() { length } else { at };
                    assert_eq!(count_digits(&bytes), end, "{byte}");
                }
            }
        }
    }
}
