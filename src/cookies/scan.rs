//! Where one part of a cookie ends and the next begins.

/// What stands between semicolons, the first part first. There is always one.
#[derive(Debug)]
pub(super) struct Parts<'a>(pub(super) Option<&'a [u8]>);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (part, rest) = split_at::<b';'>(self.0?);
        self.0 = rest;
        Some(part)
    }
}

/// What stands before the first such byte, and what stands behind it.
#[inline]
pub(super) fn split_at<const AT: u8>(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match find::<AT>(bytes) {
        Some(found) => (&bytes[..found], Some(&bytes[found + 1..])),
        None => (bytes, None),
    }
}

/// Where the first such byte is.
#[inline]
fn find<const BYTE: u8>(bytes: &[u8]) -> Option<usize> {
    first(bytes, |word| below(word ^ (ONES * u64::from(BYTE)), 1))
}

/// How many bytes there are before the first that is this one, a semicolon, a tab or a control
/// character.
#[inline]
pub(super) fn plain<const END: u8>(bytes: &[u8]) -> usize {
    let ends = |word: u64| {
        let [end, semicolon, delete] =
            [END, b';', 0x7f].map(|byte| word ^ (ONES * u64::from(byte)));
        below(end, 1) | below(semicolon, 1) | below(delete, 1) | below(word, b' ')
    };
    first(bytes, ends).unwrap_or(bytes.len())
}

/// Where the first byte is of which this is said, as [`below`] says it. Eight are looked at together:
/// most parts of cookies are so short that a call to look at more would cost more than it saves.
#[inline]
fn first(bytes: &[u8], matches: impl Fn(u64) -> u64) -> Option<usize> {
    let within = |word: u64| {
        let found = matches(word) & (ONES << 7);
        (found != 0).then(|| found.trailing_zeros() as usize / 8)
    };
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = within(u64::from_le_bytes(*word)) {
            return Some(index * WORD + at);
        }
    }
    if let Some(last) = bytes.last_chunk() {
        // Of these some have been looked at, and are others.
        return within(u64::from_le_bytes(*last)).map(|at| bytes.len() - WORD + at);
    }
    within(rest.iter().rev().fold(u64::MAX, |word, byte| word << 8 | u64::from(*byte)))
}

/// Says in its highest bit of each byte of a word whether it is less than this. Above the first that
/// is, it may be said of others too.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word
}

/// Without the spaces and tabs around it, and nothing else.
#[inline]
pub(super) const fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[inline]
pub(super) const fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether it is this word, in whatever case. Nearly everybody writes it as it stands here.
#[inline]
pub(super) fn is<const N: usize>(text: &[u8], word: &[u8; N]) -> bool {
    text == word || text.eq_ignore_ascii_case(word)
}

/// Whether browsers ignore a whole cookie for one of these bytes. All are looked at, which is faster
/// than to stop at the first, since many are looked at together.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    let among =
        |chunk: &[u8; 16]| chunk.iter().fold(false, |found, byte| found | is_control(*byte));
    let (chunks, rest) = bytes.as_chunks();
    let found = chunks.iter().fold(false, |found, chunk| found | among(chunk));
    match bytes.last_chunk() {
        Some(last) => found | among(last),
        None => rest.iter().any(|byte| is_control(*byte)),
    }
}

const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

const WORD: usize = 8;
/// One in each byte.
const ONES: u64 = u64::MAX / 0xff;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_what_stands_between_semicolons(bytes in "[;:\u{80}\u{bb}a]{0,40}") {
            let bytes = bytes.as_bytes();
            let parts = Parts(Some(bytes));
            prop_assert!(parts.eq(bytes.split(|byte| *byte == b';')));
        }

        #[test]
        fn what_is_looked_for_is_found_where_it_is_first(
            bytes in prop::collection::vec(select(&b"aaaa=<>\xbd;: \t\0\x1f~\x7f\x80\xff"[..]), 0..40),
        ) {
            let found = bytes.iter().position(|byte| *byte == b'=');
            prop_assert_eq!(find::<b'='>(&bytes), found);

            let ends = |byte: &u8| b"=;\t".contains(byte) || is_control(*byte);
            prop_assert_eq!(plain::<b'='>(&bytes), bytes.iter().position(ends).unwrap_or(bytes.len()));
        }
    }
}
