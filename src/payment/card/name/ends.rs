//! How names end that matter.

/// The last three bytes of names that matter: of each place and byte, which of the names have it there, a bit
/// each. What else decides of `card[cvv]` is not known by its last bytes.
#[derive(Clone)]
pub(super) struct Ends([[u32; 256]; 3]);

impl Ends {
    /// Three digits may be an index: `cvv.100`.
    const DIGIT: u32 = 1 << MAY_END.len();
    const NO_LETTER: u32 = Self::DIGIT << 1;
    /// What is left is for names that are exempt: where there are many, some have one together.
    const EXEMPT: u32 = Self::NO_LETTER << 1;

    const OF_CARDS: Self = {
        let mut ends = Self([[0; 256]; 3]);
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it is the index of a byte")]
            let kind = match byte as u8 {
                b'0'..=b'9' => Self::DIGIT,
                b'a'..=b'z' | b'A'..=b'Z' => 0,
                _ => Self::NO_LETTER,
            };
            let mut place = 0;
            while place < ends.0.len() {
                ends.0[place][byte] = kind;
                place += 1;
            }
            byte += 1;
        }
        let mut at = 0;
        while at < MAY_END.len() {
            ends.add(MAY_END[at], 1 << at);
            at += 1;
        }
        ends
    };

    pub(super) fn add_exempt(&mut self, name: &[u8], number: usize) {
        let most = Self::EXEMPT.leading_zeros() as usize + 1;
        self.add(name, Self::EXEMPT << (number % most));
    }

    /// Adds how a name ends, which is of letters in lower case and digits.
    const fn add(&mut self, name: &[u8], bit: u32) {
        let mut place = 0;
        while place < self.0.len() && place < name.len() {
            let byte = name[name.len() - 1 - place];
            self.0[place][byte as usize] |= bit;
            self.0[place][byte.to_ascii_uppercase() as usize] |= bit;
            place += 1;
        }
    }

    pub(super) fn may_be(&self, [third, second, last]: [u8; 3]) -> bool {
        let [last_of, second_of, third_of] = &self.0;
        let last = last_of[usize::from(last)];
        // With this letter none ends, whatever stands before it.
        if last == 0 {
            return false;
        }
        let second = second_of[usize::from(second)];
        let third = third_of[usize::from(third)];
        last & second & third != 0 || (last | second | third) & Self::NO_LETTER != 0
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self::OF_CARDS
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

/// How the names below end.
const MAY_END: [&[u8]; 18] = [
    b"ata", b"av2", b"ber", b"cno", b"csc", b"ccv", b"cvc", b"cvn", b"cvv", b"dno", b"lue", b"num",
    b"ock", b"ode", b"pan", b"vc2", b"vn2", b"vv2",
];
