//! Characters that are written as something else: `%34` in addresses and forms, `\u0034` in JSON,
//! `&#52;` in HTML, `\u{a0}` and `\xa0` where a program prints a text or bytes.
//!
//! All are read wherever they stand, since one is often inside another: an address in JSON, say. What
//! could be one and is not counts as what it looks like.

/// What may become one character, and the bytes it has so far.
#[derive(Clone, Default)]
pub(super) struct Escape {
    kind: Kind,
    raw: [u8; LONGEST],
    len: u8,
    /// How often it was escaped itself.
    again: u8,
    /// It is in a form, where `#` and `;` are escaped as well.
    in_form: bool,
    /// How many of the last bytes may begin one of those.
    inner: u8,
}

/// What is escaped more often than so is not read: a text of nothing but backslashes would never end.
const MOST_AGAIN: u8 = 16;

/// The longest is `&#x1d7ce;`, whose last may be `%3B`; one byte more shows that it is none.
const LONGEST: usize = 12;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Kind {
    #[default]
    None,
    Percent,
    Backslash,
    /// `\u`
    Unicode,
    /// `\u{`
    Braces,
    /// `\x`
    Hex,
    Ampersand,
    /// `&#`
    Number,
    /// `&n`
    Name,
}

/// What a byte has made of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fed {
    /// It is not over.
    More,
    /// It is one byte of UTF-8.
    Byte(u8),
    /// It is a character.
    Char(u32),
    /// It is none, and nor is this byte a part of it.
    None,
}

impl Escape {
    /// Begins one, if this byte does.
    pub(super) const fn begin(&mut self, byte: u8) -> bool {
        self.kind = match byte {
            b'%' => Kind::Percent,
            b'\\' => Kind::Backslash,
            b'&' => Kind::Ampersand,
            _ => return false,
        };
        self.raw[0] = byte;
        (self.len, self.inner) = (1, 0);
        (self.again, self.in_form) = (0, false);
        true
    }

    pub(super) fn is_open(&self) -> bool {
        self.kind != Kind::None
    }

    /// Gives up, and gives the bytes there are, and how many of the last may begin another.
    pub(super) fn take(&mut self) -> ([u8; LONGEST], usize, usize) {
        self.kind = Kind::None;
        let (len, inner) = (std::mem::take(&mut self.len), std::mem::take(&mut self.inner));
        (self.raw, len.into(), inner.into())
    }

    /// Takes the next byte. After a byte or a character it is closed.
    pub(super) fn feed(&mut self, byte: u8) -> Fed {
        let at = usize::from(self.len);
        let Some(place) = self.raw.get_mut(at) else { return Fed::None };
        *place = byte;
        let is_inner = self.inner > 0 || byte == b'%' && self.is_html_in_form();
        let fed = if is_inner { self.decide_inner(byte, at) } else { self.decide(byte, at) };
        match fed {
            Fed::More => self.len += 1,
            Fed::Byte(_) | Fed::Char(_) => self.kind = Kind::None,
            Fed::None => {}
        }
        fed
    }

    fn is_html_in_form(&self) -> bool {
        self.in_form && matches!(self.kind, Kind::Ampersand | Kind::Number | Kind::Name)
    }

    /// `%23` and `%3B` inside of what HTML has in a form. What else is escaped there is no part of it.
    fn decide_inner(&mut self, byte: u8, at: usize) -> Fed {
        if self.inner < 2 {
            if self.inner == 1 && hex(byte).is_none() {
                return Fed::None;
            }
            self.inner += 1;
            return Fed::More;
        }
        let begin = at - 2;
        let escaped = [self.raw[begin], self.raw[begin + 1]];
        let decoded = match (escaped[1], byte) {
            (b'2', b'3') => b'#',
            (b'3', b'B' | b'b') => b';',
            _ => return Fed::None,
        };
        self.raw[begin] = decoded;
        let fed = self.decide(decoded, begin);
        if fed == Fed::None {
            self.raw[begin..at].copy_from_slice(&escaped);
        } else {
            (self.inner, self.len) = (0, self.len - 2);
        }
        fed
    }

    /// It is one of what is escaped, and that begins anew.
    fn once_more(&mut self) -> Fed {
        if self.again == MOST_AGAIN {
            return Fed::None;
        }
        self.again += 1;
        self.len = 0; // and one more
        Fed::More
    }

    /// It is what begins another.
    fn turn_to(&mut self, kind: Kind) -> Fed {
        self.kind = kind;
        self.once_more()
    }

    fn decide(&mut self, byte: u8, at: usize) -> Fed {
        match self.kind {
            Kind::None => Fed::None,
            Kind::Percent => match (hex(byte), at) {
                (None, _) => Fed::None,
                (Some(_), 1) => Fed::More,
                (Some(low), _) => {
                    let decoded = hex(self.raw[1]).unwrap_or(0) << 4 | low;
                    match decoded {
                        // Encoded twice, as an address is inside another.
                        b'%' => self.once_more(),
                        // JSON in a form.
                        b'\\' => self.turn_to(Kind::Backslash),
                        // HTML in a form.
                        b'&' => {
                            self.in_form = true;
                            self.turn_to(Kind::Ampersand)
                        }
                        // Nobody encodes letters: it is a percent sign, and then a number.
                        _ if decoded.is_ascii_alphabetic() => Fed::None,
                        _ => Fed::Byte(decoded),
                    }
                }
            },
            Kind::Backslash => match byte {
                b'n' | b'r' | b't' | b'b' | b'f' => Fed::Char(u32::from(b'\n')),
                b'u' => {
                    self.kind = Kind::Unicode;
                    Fed::More
                }
                // Escaped twice, as JSON is inside JSON.
                b'\\' => self.once_more(),
                b'x' => {
                    self.kind = Kind::Hex;
                    Fed::More
                }
                // As some write it in JSON, which need not.
                b'/' => Fed::Byte(b'/'),
                _ => Fed::None,
            },
            Kind::Hex => match hex(byte) {
                None => Fed::None,
                Some(_) if at < 3 => Fed::More,
                Some(low) => Fed::Byte(hex(self.raw[2]).unwrap_or(0) << 4 | low),
            },
            Kind::Unicode => match hex(byte) {
                None if byte == b'{' && at == 2 => {
                    self.kind = Kind::Braces;
                    Fed::More
                }
                None => Fed::None,
                Some(_) if at < 5 => Fed::More,
                Some(_) => match number(&self.raw[2..6], 16) {
                    // HTML in JSON.
                    0x26 => self.turn_to(Kind::Ampersand),
                    char => Fed::Char(char),
                },
            },
            Kind::Braces => match byte {
                b'}' if at > 3 => Fed::Char(number(&self.raw[3..at], 16)),
                _ if byte.is_ascii_hexdigit() => Fed::More,
                _ => Fed::None,
            },
            Kind::Ampersand => {
                self.kind = match byte {
                    b'#' => Kind::Number,
                    b'n' | b't' | b'e' => Kind::Name,
                    _ => return Fed::None,
                };
                Fed::More
            }
            Kind::Number => {
                let is_hex = at > 2 && self.raw[2] | 0x20 == b'x';
                let digits = &self.raw[if is_hex { 3 } else { 2 }..at];
                match byte {
                    b';' if !digits.is_empty() => {
                        Fed::Char(number(digits, if is_hex { 16 } else { 10 }))
                    }
                    b'x' | b'X' if at == 2 => Fed::More,
                    _ if byte.is_ascii_digit() || is_hex && byte.is_ascii_hexdigit() => Fed::More,
                    _ => Fed::None,
                }
            }
            Kind::Name => {
                let name = &self.raw[1..=at];
                match SPACES.iter().find(|space| space.starts_with(name)) {
                    Some(space) if space.len() == name.len() => Fed::Char(0xa0),
                    Some(_) => Fed::More,
                    None => Fed::None,
                }
            }
        }
    }
}

/// Spaces by their names in HTML.
const SPACES: [&[u8]; 4] = [b"nbsp;", b"thinsp;", b"ensp;", b"emsp;"];

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Eight digits of sixteen are 32 bits.
fn number(digits: &[u8], base: u32) -> u32 {
    digits.iter().fold(0, |number, digit| number * base + u32::from(hex(*digit).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(text: &str) -> Fed {
        let mut escape = Escape::default();
        let mut bytes = text.bytes();
        assert!(escape.begin(bytes.next().unwrap()), "{text}");
        for byte in bytes {
            match escape.feed(byte) {
                Fed::More => {}
                done => return done,
            }
        }
        Fed::More
    }

    #[test]
    fn what_is_written_otherwise_is_read() {
        for (text, expected) in [
            ("%34", Fed::Byte(b'4')),
            ("%2534", Fed::Byte(b'4')),
            ("%c2", Fed::Byte(0xc2)),
            ("%41", Fed::None),
            ("%4x", Fed::None),
            ("%", Fed::More),
            ("\\n", Fed::Char(10)),
            ("\\u0034", Fed::Char(0x34)),
            ("\\\\u00A0", Fed::Char(0xa0)),
            ("\\u003x", Fed::None),
            ("\\x3", Fed::More),
            ("\\x34", Fed::Byte(b'4')),
            ("\\xg", Fed::None),
            ("\\u{a0}", Fed::Char(0xa0)),
            ("\\u{1d7ce}", Fed::Char(0x1d7ce)),
            ("\\u{}", Fed::None),
            ("\\u{g", Fed::None),
            ("\\u0{", Fed::None),
            ("\\/", Fed::Byte(b'/')),
            ("\\4", Fed::None),
            ("&#52;", Fed::Char(0x34)),
            ("&#x34;", Fed::Char(0x34)),
            ("&#X1D7CE;", Fed::Char(0x1d7ce)),
            ("&#;", Fed::None),
            ("&#x;", Fed::None),
            ("&#41111111111", Fed::None),
            ("&nbsp;", Fed::Char(0xa0)),
            ("&n=", Fed::None),
            ("&card", Fed::None),
        ] {
            assert_eq!(fed(text), expected, "{text}");
        }
    }
}
