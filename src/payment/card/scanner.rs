//! Looks for card numbers in bytes as they come.

use super::Network;
use super::eight::{begins_at, count_digits};
use super::escape::{Escape, Fed};
use super::run::{Run, may_be_one};
use super::symbol::{ENDS, Symbol};

/// A card number that was found. It holds no more of it than the last four digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    pub(super) network: Network,
    pub(super) last_four: u16,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Finding {
    /// Whose number it is.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The last four digits, as a number.
    #[must_use]
    pub const fn last_four(&self) -> u16 {
        self.last_four
    }

    /// Where it begins and ends, in bytes since the scanner began.
    #[must_use]
    pub const fn place(&self) -> std::ops::Range<u64> {
        self.start..self.end
    }
}

/// Looks for card numbers in bytes as they come, in chunks of any size.
///
/// It is what the layer and [`scrub`](super::scrub) look with. It keeps the digits of one number and
/// nothing else, allocates nothing, and finds the same however the bytes are cut.
///
/// ```
/// use donjon::payment::card::{Network, Scanner};
///
/// let (mut scanner, mut found) = (Scanner::new(), Vec::new());
/// for chunk in ["my card is 4111 11", "11 1111 11", "11, and order 1700000000000"] {
///     scanner.push(chunk.as_bytes(), |finding| found.push(finding));
/// }
/// scanner.finish(|finding| found.push(finding));
///
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].network(), found[0].last_four()), (Network::Visa, 1111));
/// assert_eq!(found[0].place(), 11..30);
/// ```
#[derive(Clone, Default)]
pub struct Scanner {
    run: Run,
    escape: Escape,
    escape_start: u64,
    utf8: Utf8,
    /// How many bytes have come.
    at: u64,
}

/// A character of several bytes that is under way.
#[derive(Clone, Copy, Debug, Default)]
struct Utf8 {
    char: u32,
    missing: u8,
    start: u64,
}

impl Scanner {
    /// A scanner that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk, and calls `found` with each number that is complete.
    pub fn push(&mut self, chunk: &[u8], mut found: impl FnMut(Finding)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = self.take(rest, &mut found);
            self.at += taken as u64;
            rest = &rest[taken..];
        }
    }

    /// The end is as good as anything else that is no digit.
    pub fn finish(mut self, mut found: impl FnMut(Finding)) {
        self.stop(&mut found);
    }

    /// Leaves so many bytes out. No number goes across them.
    pub(super) fn leave_out(&mut self, count: usize, mut found: impl FnMut(Finding)) {
        self.stop(&mut found);
        self.at += count as u64;
    }

    /// How many of the last bytes a number may still be found with.
    pub(super) fn open(&self) -> u64 {
        let open = [
            self.run.open_from(),
            self.escape.is_open().then_some(self.escape_start),
            (self.utf8.missing > 0).then_some(self.utf8.start),
        ];
        open.into_iter().flatten().min().map_or(0, |from| self.at - from)
    }

    /// Takes some of the bytes, and says how many.
    fn take(&mut self, bytes: &[u8], found: &mut impl FnMut(Finding)) -> usize {
        if !self.escape.is_open() && self.utf8.missing == 0 {
            if self.run.is_idle() {
                let skimmed = self.skim(bytes, found);
                if skimmed > 0 {
                    return skimmed;
                }
            }
            let digits = count_digits(bytes);
            if digits > 0 {
                self.run.digits(&bytes[..digits], self.at, found);
                return digits;
            }
        }
        self.step(bytes[0], found);
        1
    }

    /// Takes what most bytes are, where nothing is under way: no digits, and digits that stand alone.
    fn skim(&mut self, bytes: &[u8], found: &mut impl FnMut(Finding)) -> usize {
        let (mut at, mut from) = (0, 0);
        loop {
            let digits_from = at + begins_at(&bytes[at..]);
            let digits = count_digits(&bytes[digits_from..]);
            let end = digits_from + digits;
            let next = bytes.get(end).filter(|next| digits > 0 && ENDS[usize::from(**next)]);
            let Some(next) = next else {
                self.run.came_before(&bytes[from..digits_from]);
                return digits_from;
            };
            let ascii = &bytes[digits_from..end];
            // Digits that are passed over are no less a digit before what comes next.
            if may_be_one(ascii) {
                self.run.came_before(&bytes[from..digits_from]);
                self.run.alone(ascii, *next, self.at + digits_from as u64, found);
                from = end;
            }
            at = end;
        }
    }

    fn step(&mut self, byte: u8, found: &mut impl FnMut(Finding)) {
        if self.escape.is_open() {
            match self.escape.feed(byte) {
                Fed::More => return,
                // The middle of no character: the `%B4` that a magnetic stripe begins with.
                Fed::Byte(0x80..=0xbf) if self.utf8.missing == 0 => self.give_up(found),
                Fed::Byte(decoded) => {
                    return self.byte(decoded, self.escape_start, self.at + 1, found);
                }
                Fed::Char(char) => {
                    self.break_off(found);
                    return self.symbol(Symbol::of(char), self.escape_start, self.at + 1, found);
                }
                Fed::None => self.give_up(found),
            }
            if self.escape.is_open() {
                return self.step(byte, found);
            }
        }
        if self.escape.begin(byte) {
            self.escape_start = self.at;
        } else {
            self.byte(byte, self.at, self.at + 1, found);
        }
    }

    /// What looked like an escape is none: its bytes are what they are, and the last may begin another.
    fn give_up(&mut self, found: &mut impl FnMut(Finding)) {
        let (raw, len, inner) = self.escape.take();
        let (raw, inner) = raw[..len].split_at(len - inner);
        let at = self.at;
        let start = at - len as u64;
        for (place, byte) in (start..).zip(raw) {
            self.byte(*byte, place, place + 1, found);
        }
        for (place, byte) in (start + raw.len() as u64..).zip(inner) {
            self.at = place;
            self.step(*byte, found);
        }
        self.at = at;
    }

    /// Takes a byte that was there or was written otherwise.
    fn byte(&mut self, byte: u8, start: u64, end: u64, found: &mut impl FnMut(Finding)) {
        if self.utf8.missing > 0 && byte & 0xc0 == 0x80 {
            self.utf8.char = self.utf8.char << 6 | u32::from(byte & 0x3f);
            self.utf8.missing -= 1;
            if self.utf8.missing == 0 {
                self.symbol(Symbol::of(self.utf8.char), self.utf8.start, end, found);
            }
            return;
        }
        self.break_off(found);
        let (bits, missing) = match byte {
            0xc2..=0xdf => (byte & 0x1f, 1),
            0xe0..=0xef => (byte & 0xf, 2),
            0xf0..=0xf4 => (byte & 7, 3),
            0x80.. => return self.run.other(0, found),
            _ => return self.symbol(Symbol::of_ascii(byte), start, end, found),
        };
        self.utf8 = Utf8 { char: bits.into(), missing, start };
    }

    /// A character is not complete.
    fn break_off(&mut self, found: &mut impl FnMut(Finding)) {
        if self.utf8.missing > 0 {
            self.utf8.missing = 0;
            self.run.other(0, found);
        }
    }

    fn symbol(&mut self, symbol: Symbol, start: u64, end: u64, found: &mut impl FnMut(Finding)) {
        match symbol {
            Symbol::Digit(digit) => self.run.digit(digit, start, end, found),
            Symbol::Zero => self.run.zero(found),
            Symbol::Separator(byte) => self.run.separator(byte, found),
            Symbol::Other(byte) => self.run.other(byte, found),
        }
    }

    fn stop(&mut self, found: &mut impl FnMut(Finding)) {
        while self.escape.is_open() {
            self.give_up(found);
        }
        self.break_off(found);
        self.run.end(0, found);
    }
}

/// The first number in these bytes.
#[inline(never)] // where it hardly ever comes to this, nobody is to make room for it
pub(super) fn first_in(bytes: &[u8]) -> Option<Finding> {
    let (mut scanner, mut first) = (Scanner::new(), None);
    scanner.push(bytes, |finding| first = first.or(Some(finding)));
    scanner.finish(|finding| first = first.or(Some(finding)));
    first
}

/// The digits are nobody's business.
impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("at", &self.at).finish_non_exhaustive()
    }
}
