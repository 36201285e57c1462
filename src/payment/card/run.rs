//! Groups of digits with separators between them, and which of them are a card number.

use super::iban::Iban;
use super::{Finding, Network};

/// Groups of digits that may belong together, as they come.
#[derive(Clone)]
pub(super) struct Run {
    /// The digits of the groups that are kept, and of the one that is under way.
    digits: [u8; ROOM],
    filled: usize,
    groups: [Group; LONGEST],
    kept: usize,
    /// The group that is under way.
    current: Option<Group>,
    /// Groups since the run began, or since the last number in it.
    count: u32,
    /// The bytes before the run.
    before: [u8; 3],
    /// Separators since the last group, and the last of them.
    separators: u8,
    separator: u8,
    /// A zero was the last byte of the run.
    zero: bool,
    /// The last group came after a point and nothing else, and the one that is under way does.
    is_dotted: [bool; 2],
    /// How many groups of the same one or two digits came last, whether they are kept or not.
    uniform: u32,
    iban: Option<Iban>,
}

/// The most digits that a card number has.
const LONGEST: usize = 19;
pub(super) const SHORTEST: usize = 13;
/// As much as is kept, and one number more.
const ROOM: usize = 2 * LONGEST;
/// So many separators may stand between two groups: ` - `.
const MOST_SEPARATORS: u8 = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Digits; more than the longest number has are not counted.
    len: usize,
    start: u64,
    end: u64,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            digits: [0; ROOM],
            filled: 0,
            groups: [Group::default(); LONGEST],
            kept: 0,
            current: None,
            count: 0,
            before: [0; 3],
            separators: 0,
            separator: 0,
            zero: false,
            is_dotted: [false; 2],
            uniform: 0,
            iban: None,
        }
    }
}

impl Run {
    /// Whether nothing is under way.
    pub(super) const fn is_idle(&self) -> bool {
        self.current.is_none() && self.count == 0
    }

    /// Where the first digit is that a number could still be found with.
    pub(super) fn open_from(&self) -> Option<u64> {
        let held = self.iban.as_ref().and_then(|iban| iban.held[0]).map(|held| held.start);
        let kept = self.groups[..self.kept].first();
        let current = self.current.as_ref().filter(|group| group.len <= LONGEST);
        held.or(kept.or(current).map(|group| group.start))
    }

    /// What was skipped before the next run: its last bytes.
    pub(super) fn came_before(&mut self, skipped: &[u8]) {
        let [_, two, three] = self.before;
        self.before = match *skipped {
            [.., one, two, three] => [one, two, three],
            [one, other] => [three, one, other],
            [one] => [two, three, one],
            [] => return,
        };
    }

    /// Takes digits that stand side by side, each of one byte.
    pub(super) fn digits(&mut self, ascii: &[u8], start: u64, found: &mut impl FnMut(Finding)) {
        let before = self.current.map_or(0, |group| group.len);
        let end = start + ascii.len() as u64;
        self.begin_group();
        let group = self.current.get_or_insert(Group { len: 0, start, end });
        group.end = end;
        group.len = (group.len + ascii.len()).min(LONGEST + 1);
        let room = LONGEST.saturating_sub(before).min(ascii.len());
        for digit in &ascii[..room] {
            self.digits[self.filled] = digit - b'0';
            self.filled += 1;
        }
        self.end_if_too_long(found);
        self.in_iban(ascii.iter().map(|digit| digit - b'0'), found);
    }

    /// Takes digits that stand side by side, and no others with them: between what came before and this
    /// byte, which is not taken.
    pub(super) fn alone(
        &mut self,
        ascii: &[u8],
        next: u8,
        start: u64,
        found: &mut impl FnMut(Finding),
    ) {
        let before = self.before;
        // Two letters after digits are no country's.
        self.before = [b'0'; 3];
        let mut digits = [0; LONGEST];
        let Some(number) = digits.get_mut(..ascii.len()) else { return };
        let is_track = before[2] == b'B' && next == b'^';
        if is_phone(before, ascii.len()) || is_fraction(before) {
            return;
        }
        if next.is_ascii_alphabetic() || before[2].is_ascii_alphabetic() && !is_track {
            return;
        }
        number.iter_mut().zip(ascii).for_each(|(digit, ascii)| *digit = ascii - b'0');
        if let Some(network) = Network::of(number) {
            let (last_four, end) = (last_four(number), start + ascii.len() as u64);
            found(Finding { network, last_four, start, end });
        }
    }

    /// Takes one digit.
    pub(super) fn digit(
        &mut self,
        digit: u8,
        start: u64,
        end: u64,
        found: &mut impl FnMut(Finding),
    ) {
        self.begin_group();
        let group = self.current.get_or_insert(Group { len: 0, start, end });
        group.end = end;
        if group.len < LONGEST {
            self.digits[self.filled] = digit;
            self.filled += 1;
        }
        group.len = (group.len + 1).min(LONGEST + 1);
        self.end_if_too_long(found);
        self.in_iban([digit], found);
    }

    /// With what is longer than a number there is none, nor with anything before it.
    fn end_if_too_long(&mut self, found: &mut impl FnMut(Finding)) {
        if self.kept > 0 && self.current.is_some_and(|group| group.len > LONGEST) {
            self.end_uniform(LONGEST, found);
            self.uniform = 0;
            self.forget();
        }
    }

    fn begin_group(&mut self) {
        self.zero = false;
        if self.current.is_none() {
            self.is_dotted = [self.is_dotted[1], self.separators == 1 && self.separator == b'.'];
        }
    }

    fn in_iban(&mut self, digits: impl IntoIterator<Item = u8>, found: &mut impl FnMut(Finding)) {
        let Some(iban) = &mut self.iban else { return };
        digits.into_iter().for_each(|digit| iban.digit(digit));
        if iban.is_too_long() {
            iban.held.iter_mut().filter_map(Option::take).for_each(found);
            self.iban = None;
        }
    }

    /// Takes a zero: one of them beside each character is how UTF-16 writes ASCII.
    pub(super) fn zero(&mut self, found: &mut impl FnMut(Finding)) {
        if self.zero || self.is_idle() {
            self.separator(0, found);
        }
        self.zero = !self.is_idle();
    }

    /// Takes a byte that may stand between groups.
    pub(super) fn separator(&mut self, byte: u8, found: &mut impl FnMut(Finding)) {
        if self.current.is_some() {
            self.end_group(byte, found);
        } else if self.is_idle() {
            self.came_before(&[byte]);
            return;
        }
        self.zero = false;
        self.separators += 1;
        self.separator = byte;
        if self.separators > MOST_SEPARATORS {
            self.end(byte, found);
        }
    }

    /// Takes a byte that ends a run.
    pub(super) fn other(&mut self, byte: u8, found: &mut impl FnMut(Finding)) {
        if self.is_idle() {
            self.came_before(&[byte]);
        } else {
            self.end(byte, found);
        }
    }

    /// Ends the run before this byte, which is 0 where nothing is known of it.
    pub(super) fn end(&mut self, next: u8, found: &mut impl FnMut(Finding)) {
        let ends_in_group = self.current.is_some();
        if ends_in_group {
            self.end_group(next, found);
        }
        if !(ends_in_group && next.is_ascii_alphabetic()) {
            self.end_uniform(0, found);
        }
        if let Some(iban) = self.iban.take()
            && !iban.is_one()
        {
            iban.held.into_iter().flatten().for_each(found);
        }
        self.forget();
        (self.count, self.uniform, self.separators, self.zero) = (0, 0, 0, false);
        self.is_dotted = [false; 2];
        // Two letters after digits are no country's.
        self.before = [b'0', b'0', next];
    }

    fn end_group(&mut self, next: u8, found: &mut impl FnMut(Finding)) {
        let Some(group) = self.current.take() else { return };
        if !self.is_uniform_with(group.len) {
            self.end_uniform(group.len, found);
            self.uniform = 0;
        }
        self.uniform = self.uniform.saturating_add(1);
        self.count = self.count.saturating_add(1);
        if group.len > LONGEST {
            // No number begins in it or before it.
            self.forget();
        } else {
            if self.kept == LONGEST {
                self.drop_first();
            }
            self.groups[self.kept] = group;
            self.kept += 1;
            if self.count == 1
                && group.len == 2
                && let Some(iban) = Iban::begin(self.before, [self.digits[0], self.digits[1]])
            {
                self.iban = Some(iban);
            }
            self.look(next, found);
            while self.filled > LONGEST {
                self.drop_first();
            }
        }
        self.separators = 0;
    }

    /// Looks for a number that ends with the last group.
    fn look(&mut self, next: u8, found: &mut impl FnMut(Finding)) {
        // A track of a magnetic stripe: `%B4111111111111111^`.
        let is_track = next == b'^' && self.count == 1 && self.before[2] == b'B';
        if next.is_ascii_alphabetic() {
            return;
        }
        let mut sum = 0;
        for first in (0..self.kept).rev() {
            sum += self.groups[first].len;
            if sum > LONGEST {
                return;
            }
            let is_glued = self.is_glued(first) && !is_track;
            if sum >= SHORTEST && !is_glued && self.is_card_like(first) {
                let number = &self.digits[self.filled - sum..self.filled];
                if let Some(network) = Network::of(number) {
                    let last_four = last_four(number);
                    let (start, end) = (self.groups[first].start, self.groups[self.kept - 1].end);
                    self.hold(Finding { network, last_four, start, end }, found);
                    self.forget();
                    self.uniform = 0;
                    // What follows stands by itself.
                    self.count = 2;
                    self.separator = 0;
                    return;
                }
            }
        }
    }

    /// The groups from this one on are as long as a card's number is written in.
    fn is_card_like(&self, first: usize) -> bool {
        let mut lens = [0; 5];
        let groups = &self.groups[first..self.kept];
        let Some(lens) = lens.get_mut(..groups.len()) else { return false };
        lens.iter_mut().zip(groups).for_each(|(len, group)| *len = group.len);
        match lens {
            // 3.1415926535897932
            [len] => !(self.is_fraction(first) || first == 0 && self.is_first_phone(*len)),
            [4, 3, 3, 3] => !(first == 0 && self.is_first_phone(13)),
            [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5] | [6, 13] => true,
            _ => false,
        }
    }

    /// The last group, which is this one, is what follows a number's decimal point: 2.35, and .35. Where it
    /// is not the run's first number that is so only for what a `f64` prints.
    fn is_fraction(&self, group: usize) -> bool {
        const MOST_BEFORE: usize = 4;
        match self.count {
            1 => is_fraction(self.before),
            2 => self.is_dotted[1] && !self.before[2].is_ascii_alphabetic(),
            _ => {
                let whole = group.checked_sub(1).and_then(|before| self.groups.get(before));
                self.is_dotted == [false, true]
                    && whole.is_some_and(|whole| whole.len <= MOST_BEFORE)
            }
        }
    }

    /// The run begins with a telephone number.
    fn is_first_phone(&self, len: usize) -> bool {
        self.count as usize == self.kept && is_phone(self.before, len)
    }

    fn is_uniform_with(&self, len: usize) -> bool {
        let last = self.groups[..self.kept].last();
        len <= 2 && self.uniform > 0 && last.is_some_and(|group| group.len == len)
    }

    /// Looks for a number in groups of one digit or two each, which has to be all of them: there are too
    /// many telephone numbers in pairs. `after` digits have come since.
    fn end_uniform(&mut self, after: usize, found: &mut impl FnMut(Finding)) {
        let Some(len) = self.groups[..self.kept].last().map(|group| group.len) else { return };
        let count = self.uniform as usize;
        let sum = len * count;
        if len > 2 || count > self.kept || !(SHORTEST..=LONGEST).contains(&sum) {
            return;
        }
        let first = self.kept - count;
        let end = self.filled - after.min(LONGEST);
        let Some(number) = end.checked_sub(sum).map(|start| &self.digits[start..end]) else {
            return;
        };
        if !self.is_glued(first)
            && let Some(network) = Network::of(number)
        {
            let last_four = last_four(number);
            let (start, end) = (self.groups[first].start, self.groups[self.kept - 1].end);
            self.hold(Finding { network, last_four, start, end }, found);
            // The digits that have come since stay.
            while self.kept > 0 {
                self.drop_first();
            }
        }
    }

    /// A letter stands directly before the group. Only the run's first can have one.
    fn is_glued(&self, first: usize) -> bool {
        first == 0 && self.count as usize == self.kept && self.before[2].is_ascii_alphabetic()
    }

    fn hold(&mut self, finding: Finding, found: &mut impl FnMut(Finding)) {
        let held =
            self.iban.as_mut().and_then(|iban| iban.held.iter_mut().find(|held| held.is_none()));
        match held {
            Some(held) => *held = Some(finding),
            None => found(finding),
        }
    }

    fn forget(&mut self) {
        self.kept = 0;
        self.filled = 0;
    }

    fn drop_first(&mut self) {
        let len = self.groups[0].len;
        self.groups.copy_within(1..self.kept, 0);
        self.kept -= 1;
        self.digits.copy_within(len..self.filled, 0);
        self.filled -= len;
    }
}

/// Whether digits of ASCII that stand alone are as many as a number has, and begin as one.
pub(super) fn may_be_one(ascii: &[u8]) -> bool {
    (SHORTEST..=LONGEST).contains(&ascii.len())
        && !Network::is_of_none(ascii[0] - b'0', ascii[1] - b'0')
}

/// A telephone number with its `+`, as E.164 has it: German ones have as many digits as the cards that
/// Visa no longer issues, and begin as those do. A `+` between letters or digits is a space in a form.
fn is_phone(before: [u8; 3], len: usize) -> bool {
    len == SHORTEST && before[2] == b'+' && !before[1].is_ascii_alphanumeric()
}

/// What comes next is what follows a decimal point without a digit before it, as programs write that:
/// `[.35]`.
fn is_fraction(before: [u8; 3]) -> bool {
    before[2] == b'.' && b"=,([{:;*<>?!&|-+".contains(&before[1])
}

fn last_four(number: &[u8]) -> u16 {
    number.iter().rev().take(4).rev().fold(0, |last, digit| last * 10 + u16::from(*digit))
}
