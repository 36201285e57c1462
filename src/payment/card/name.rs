//! Fields by their names: those that ask for card data, and those that are exempt.

use self::ends::Ends;

mod ends;

/// What a field is for, by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// For a security code.
    SecurityCode,
    /// For a card number.
    CardNumber,
}

/// What is done with a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Nothing,
    /// What it holds is not looked at.
    Exempt,
    Refused(Purpose),
}

/// How characters of a name are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    Plainly,
    /// `%63vv`
    InAddress,
    /// `\u0063vv`
    InJson,
}

/// The names that matter. Case counts for nothing, nor does what is no letter or digit: `card_number`,
/// `cardNumber` and `CARD-NUMBER` are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    exempt: Vec<Box<[u8]>>,
    ends: Ends,
}

/// Of longer names the end counts.
const LONGEST: usize = 64;

impl Names {
    pub(super) fn has_exempt(&self) -> bool {
        !self.exempt.is_empty()
    }

    /// Exempts a name; `false` if it is none.
    pub(super) fn exempt(&mut self, name: &str) -> bool {
        let name = Name::read(name.as_bytes(), Written::Plainly);
        let Some(name) = name.filter(Name::has_last_part) else { return false };
        self.ends.add_exempt(name.last_part(), self.exempt.len());
        self.exempt.push(name.last_part().into());
        true
    }

    /// What a header of this name is for, if it is for card data.
    #[inline]
    pub(super) fn purpose_of_header(&self, name: &str) -> Option<Purpose> {
        // Most are told by how they end, whatever they begin with.
        if name.as_bytes().last_chunk().is_some_and(|last| !self.ends.may_be(*last)) {
            return None;
        }
        let name = name.strip_prefix("x-").unwrap_or(name);
        match self.verdict(name.as_bytes(), Written::Plainly) {
            Verdict::Refused(purpose) => Some(purpose),
            _ => None,
        }
    }

    /// Whether a name of JSON may matter that ends where these bytes do, wherever it begins.
    pub(super) fn may_end(&self, json: &[u8]) -> bool {
        let Some(last) = json.last_chunk::<8>() else { return true };
        // Of a character that is escaped one of the last three bytes could be the end.
        last.contains(&b'\\') || self.ends.may_be([last[5], last[6], last[7]])
    }

    pub(super) fn may_matter(&self, json: &[u8]) -> bool {
        self.verdict(json, Written::InJson) != Verdict::Nothing
    }

    /// What is done with a field of this name.
    #[inline]
    pub(super) fn verdict(&self, raw: &[u8], written: Written) -> Verdict {
        // Most names end in another way than those that matter, and need not be read.
        let may_end = match raw.last_chunk() {
            Some(last) => self.ends.may_be(*last),
            // None of those below is as short.
            None => self.has_exempt(),
        };
        if !may_end && !may_be_escaped(raw, written) {
            return Verdict::Nothing;
        }
        self.read(raw, written)
    }

    #[inline(never)]
    fn read(&self, raw: &[u8], written: Written) -> Verdict {
        let Some(name) = Name::read(raw, written) else { return Verdict::Nothing };
        let purpose = name.purpose();
        let is_exempt =
            name.has_last_part() && self.exempt.iter().any(|exempt| **exempt == *name.last_part());
        match purpose {
            // Whatever is exempt, `security[code]` is not.
            Some(Purpose::SecurityCode) => Verdict::Refused(Purpose::SecurityCode),
            _ if is_exempt => Verdict::Exempt,
            Some(purpose) => Verdict::Refused(purpose),
            None => Verdict::Nothing,
        }
    }
}

fn may_be_escaped(raw: &[u8], written: Written) -> bool {
    match written {
        Written::Plainly => false,
        Written::InAddress => raw.contains(&b'%'),
        Written::InJson => raw.contains(&b'\\'),
    }
}

/// What a field of this name is for, if it is for card data.
pub(super) fn purpose(raw: &str) -> Option<Purpose> {
    Name::read(raw.as_bytes(), Written::Plainly)?.purpose()
}

/// Of what is longer, escapes and all, the end is read.
const MOST_RAW: usize = 160;

/// So many bytes of a name are to be kept: those that are read, and the one before.
pub(super) const MOST_KEPT: usize = MOST_RAW + 1;

/// The letters and digits of a name, in lower case.
struct Name {
    text: [u8; LONGEST],
    len: usize,
    /// Where its last part begins: that of `card[cvv]` or `payment.cvv`.
    part: usize,
    /// Where its last words begin, the last first.
    words: [usize; WORDS],
    /// It is no more than the end of one.
    is_cut: bool,
}

const HALF: usize = LONGEST / 2;

/// `card_verification_code` has three.
const WORDS: usize = 4;

impl Name {
    fn read(raw: &[u8], written: Written) -> Option<Self> {
        let (text, words) = ([0; LONGEST], [usize::MAX; WORDS]);
        let begin = raw.len().saturating_sub(MOST_RAW);
        let mut name = Self { text, len: 0, part: 0, words, is_cut: begin > 0 };
        // What stands before the last part, or before all the indices that it ends with.
        let (mut before, mut end) = (0_usize, 0_usize);
        let (mut at, mut last) = (begin, begin.checked_sub(1).map_or(0, |before| raw[before]));
        while at < raw.len() {
            let (byte, length) = decoded(&raw[at..], written);
            at += length;
            let hump = byte.is_ascii_uppercase() && !last.is_ascii_uppercase();
            if byte.is_ascii_alphanumeric() {
                if name.len == LONGEST {
                    name.forget_half();
                    before = before.saturating_sub(HALF);
                    end = end.saturating_sub(HALF);
                }
                if matches!(last, b'.' | b'[' | b'/' | b':') {
                    if !name.ends_with_index() {
                        (before, end) = (name.part, name.len);
                    }
                    name.part = name.len;
                }
                // No word that matters begins with a digit, so no index takes the place of one.
                if (hump || !last.is_ascii_alphanumeric()) && !byte.is_ascii_digit() {
                    name.words.rotate_right(1);
                    name.words[0] = name.len;
                }
                name.text[name.len] = byte.to_ascii_lowercase();
                name.len += 1;
                last = byte;
            } else if !matches!((last, byte), (b'.' | b'[' | b'/' | b':', _)) {
                last = byte;
            }
        }
        // `cvv[0]` is the first of several.
        if name.ends_with_index() {
            (name.part, name.len) = (before, end);
        }
        (name.len > 0).then_some(name)
    }

    fn forget_half(&mut self) {
        self.text.copy_within(HALF.., 0);
        self.len -= HALF;
        self.part = self.part.saturating_sub(HALF);
        self.words = self.words.map(|start| start.checked_sub(HALF).unwrap_or(usize::MAX));
        self.is_cut = true;
    }

    /// Whether the whole of it is here.
    fn has_last_part(&self) -> bool {
        self.part > 0 || !self.is_cut
    }

    fn last_part(&self) -> &[u8] {
        &self.text[self.part..self.len]
    }

    fn ends_with_index(&self) -> bool {
        self.part > 0 && self.last_part().iter().all(u8::is_ascii_digit)
    }

    fn purpose(&self) -> Option<Purpose> {
        let all = &self.text[..self.len];
        let whole = if self.is_cut { &[][..] } else { all };
        let words = || self.words.iter().filter_map(|start| all.get(*start..));
        if words().any(is_code) || is_code(whole) {
            return Some(Purpose::SecurityCode);
        }
        (is_number(whole) || is_number(self.last_part())).then_some(Purpose::CardNumber)
    }
}

/// A character of a name, and how many bytes it takes; 0 is one that is no letter.
fn decoded(raw: &[u8], written: Written) -> (u8, usize) {
    let hex = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, 16).ok().map(|code| u8::try_from(code).unwrap_or(0))
    };
    match (raw, written) {
        ([b'%', one, two, ..], Written::InAddress) => match hex(&[*one, *two]) {
            Some(byte) => (byte, 3),
            None => (b'%', 1),
        },
        ([b'\\', b'u', code @ ..], Written::InJson) if code.len() >= 4 => match hex(&code[..4]) {
            Some(byte) => (byte, 6),
            None => (b'\\', 1),
        },
        // A line's end, as names have that were a table's headings.
        ([b'\\', b'n' | b'r' | b't' | b'b' | b'f', ..], Written::InJson) => (0, 2),
        _ => (raw[0], 1),
    }
}

/// Names for security codes and for what else nobody may keep: also after other words, as in
/// `billing_card_cvv`.
fn is_code(name: &[u8]) -> bool {
    matches!(
        name,
        b"cvv"
            | b"cvv2"
            | b"ccv"
            | b"cvc"
            | b"cvc2"
            | b"csc"
            | b"cvn"
            | b"cvn2"
            | b"cav2"
            | b"cvvcode"
            | b"cvccode"
            | b"cvvnumber"
            | b"cvcnumber"
            | b"cardcvv"
            | b"cardcvc"
            | b"cardcsc"
            | b"cccvv"
            | b"cccvc"
            | b"cccsc"
            | b"securitycode"
            | b"cardsecuritycode"
            | b"cardverificationcode"
            | b"cardverificationvalue"
            | b"cardverificationnumber"
            | b"cardvalidationcode"
            | b"verificationvalue"
            | b"pinblock"
            | b"track1data"
            | b"track2data"
    )
}

/// Names for card numbers: the whole name, or its last part.
fn is_number(name: &[u8]) -> bool {
    matches!(
        name,
        b"pan"
            | b"cardpan"
            | b"cardnumber"
            | b"cardnum"
            | b"cardno"
            | b"ccnumber"
            | b"ccnum"
            | b"ccno"
            | b"creditcardnumber"
            | b"creditcardnum"
            | b"creditcardno"
            | b"debitcardnumber"
            | b"paymentcardnumber"
            | b"cardaccountnumber"
            | b"primaryaccountnumber"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_field_is_for() {
        use Purpose::{CardNumber, SecurityCode};

        let names = Names::default();
        for (name, written, purpose) in [
            ("cvv", Written::Plainly, Some(SecurityCode)),
            ("CVV2", Written::Plainly, Some(SecurityCode)),
            ("cardCvc", Written::Plainly, Some(SecurityCode)),
            ("cardCVC", Written::Plainly, Some(SecurityCode)),
            ("cc-csc", Written::Plainly, Some(SecurityCode)),
            ("securityCode", Written::Plainly, Some(SecurityCode)),
            ("billing_card_security_code", Written::Plainly, Some(SecurityCode)),
            ("card[cvv]", Written::Plainly, Some(SecurityCode)),
            ("cvv[]", Written::Plainly, Some(SecurityCode)),
            ("cvv[0]", Written::Plainly, Some(SecurityCode)),
            ("card[cvv][12]", Written::Plainly, Some(SecurityCode)),
            ("payment[pan][0]", Written::Plainly, Some(CardNumber)),
            ("cvv%5B0%5D", Written::InAddress, Some(SecurityCode)),
            ("cvv[0][1]", Written::Plainly, Some(SecurityCode)),
            ("cvv.100", Written::Plainly, Some(SecurityCode)),
            ("cvv:1000:2", Written::Plainly, Some(SecurityCode)),
            ("x_card_verification_code[0][0]", Written::Plainly, Some(SecurityCode)),
            ("card[number][0][1]", Written::Plainly, Some(CardNumber)),
            ("card[0][cvv]", Written::Plainly, Some(SecurityCode)),
            ("[0][0]", Written::Plainly, None),
            ("cvv100", Written::Plainly, None),
            (&format!("{}_cvv", "a".repeat(64)), Written::Plainly, Some(SecurityCode)),
            (&format!("{}[cvv][0]", "ab_".repeat(40)), Written::Plainly, Some(SecurityCode)),
            (&format!("{}.pan", "a".repeat(63)), Written::Plainly, Some(CardNumber)),
            (&format!("{}cvv", "a".repeat(63)), Written::Plainly, None),
            (&format!("{}cvv", "a".repeat(157)), Written::Plainly, None),
            (&format!("{}cvv", "a".repeat(500)), Written::Plainly, None),
            (&format!("a{}cvv", "_".repeat(156)), Written::Plainly, Some(SecurityCode)),
            (&format!("acvv{}", "_".repeat(157)), Written::Plainly, None),
            (&format!("{}_cvv", "a".repeat(157)), Written::Plainly, Some(SecurityCode)),
            (&format!("{}[cvv]", "ab_".repeat(400)), Written::Plainly, Some(SecurityCode)),
            (&format!("{}[pan]", "ab_".repeat(400)), Written::Plainly, Some(CardNumber)),
            (
                &format!("order{}%5Bcvv%5D", "%5Battributes%5D".repeat(10)),
                Written::InAddress,
                Some(SecurityCode),
            ),
            (&format!("x.{}", "0".repeat(100)), Written::Plainly, None),
            (&format!("{}cvv.{}", "a".repeat(32), "0".repeat(30)), Written::Plainly, None),
            ("100", Written::Plainly, None),
            ("[0]", Written::Plainly, None),
            ("seat[0]", Written::Plainly, None),
            ("payment.card.cvv", Written::Plainly, Some(SecurityCode)),
            ("$cvv ", Written::Plainly, Some(SecurityCode)),
            ("\\u0063vv", Written::InJson, Some(SecurityCode)),
            ("cv\\u0076", Written::InJson, Some(SecurityCode)),
            ("card\\nnumber", Written::InJson, Some(CardNumber)),
            ("Card\\r\\nNumber", Written::InJson, Some(CardNumber)),
            ("\\tcvv", Written::InJson, Some(SecurityCode)),
            ("cvv\\n", Written::InJson, Some(SecurityCode)),
            ("cvv\\n", Written::Plainly, None),
            ("%63v%76", Written::InAddress, Some(SecurityCode)),
            ("card%5Bcvv%5D", Written::InAddress, Some(SecurityCode)),
            ("%63vv", Written::InAddress, Some(SecurityCode)),
            ("\\u0063vv2", Written::InJson, Some(SecurityCode)),
            ("c%76v", Written::InAddress, Some(SecurityCode)),
            ("c\\u0076v", Written::InJson, Some(SecurityCode)),
            ("cardNumber", Written::Plainly, Some(CardNumber)),
            ("card_number", Written::Plainly, Some(CardNumber)),
            ("cc-number", Written::Plainly, Some(CardNumber)),
            ("card[number]", Written::Plainly, Some(CardNumber)),
            ("payment.pan", Written::Plainly, Some(CardNumber)),
            ("PAN", Written::Plainly, Some(CardNumber)),
            ("japan", Written::Plainly, None),
            ("gift_card_number", Written::Plainly, None),
            ("company", Written::Plainly, None),
            ("csv", Written::Plainly, None),
            ("receiver", Written::Plainly, None),
            ("encvv", Written::Plainly, None),
            ("cvv_required", Written::Plainly, None),
            ("number", Written::Plainly, None),
            ("", Written::Plainly, None),
        ] {
            let expected = purpose.map_or(Verdict::Nothing, Verdict::Refused);
            assert_eq!(names.verdict(name.as_bytes(), written), expected, "{name}");
        }
    }

    /// One of each ending, and more.
    const NAMES: [&str; 44] = [
        "ccv",
        "cvv",
        "cvv2",
        "cvc",
        "cvc2",
        "csc",
        "cvn",
        "cvn2",
        "cav2",
        "cvvcode",
        "cvccode",
        "cvvnumber",
        "cvcnumber",
        "cardcvv",
        "cardcvc",
        "cardcsc",
        "cccvv",
        "cccvc",
        "cccsc",
        "securitycode",
        "cardsecuritycode",
        "cardverificationcode",
        "cardverificationvalue",
        "cardverificationnumber",
        "cardvalidationcode",
        "verificationvalue",
        "pinblock",
        "track1data",
        "track2data",
        "pan",
        "cardpan",
        "cardnumber",
        "cardnum",
        "cardno",
        "ccnumber",
        "ccnum",
        "ccno",
        "creditcardnumber",
        "creditcardnum",
        "creditcardno",
        "debitcardnumber",
        "paymentcardnumber",
        "cardaccountnumber",
        "primaryaccountnumber",
    ];

    #[test]
    fn what_is_not_looked_at_is_no_such_name() {
        for name in NAMES {
            let expected = Verdict::Refused(purpose(name).unwrap());
            assert_eq!(
                Names::default().verdict(name.as_bytes(), Written::Plainly),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_nobody_may_keep_is_never_exempt() {
        let mut names = Names::default();
        assert!(names.exempt("code") && names.exempt("number"));
        for (name, expected) in [
            ("code", Verdict::Exempt),
            ("promo[code]", Verdict::Exempt),
            ("card[number]", Verdict::Exempt),
            ("security[code]", Verdict::Refused(Purpose::SecurityCode)),
            ("card.security.code", Verdict::Refused(Purpose::SecurityCode)),
            ("card[cvv][number]", Verdict::Refused(Purpose::SecurityCode)),
        ] {
            assert_eq!(names.verdict(name.as_bytes(), Written::Plainly), expected, "{name}");
        }
    }

    #[test]
    fn exempt_names_are_compared_as_the_others() {
        let mut names = Names::default();
        assert!(names.exempt("Siret-No") && !names.exempt("") && !names.exempt("--"));
        for name in ["siretNo", "siret_no", "order[siret_no]", "order.siretno"] {
            assert_eq!(names.verdict(name.as_bytes(), Written::Plainly), Verdict::Exempt, "{name}");
        }
        assert_eq!(names.verdict(b"siret", Written::Plainly), Verdict::Nothing);
        assert!(names.exempt("no"));
        for name in ["no", "NO", "order[no]", "order.no", "a.no", "-no"] {
            assert_eq!(names.verdict(name.as_bytes(), Written::Plainly), Verdict::Exempt, "{name}");
        }
        for name in ["n", "piano", "order_no"] {
            assert_eq!(
                names.verdict(name.as_bytes(), Written::Plainly),
                Verdict::Nothing,
                "{name}"
            );
        }
    }

    /// Some of them have a bit together.
    #[test]
    fn each_of_many_exempt_names_counts() {
        let mut names = Names::default();
        let all: Vec<_> = ('a'..='z').map(|letter| letter.to_string().repeat(4)).collect();
        assert!(all.iter().all(|name| names.exempt(name)));
        for name in &all {
            assert_eq!(names.verdict(name.as_bytes(), Written::Plainly), Verdict::Exempt, "{name}");
        }
        assert_eq!(names.verdict(b"aaam", Written::Plainly), Verdict::Nothing);
    }
}
