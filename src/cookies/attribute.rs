//! What stands between the semicolons of a cookie.

use memchr::memchr;

/// With which requests from other sites a cookie is sent.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "the values that browsers know")]
pub enum SameSite {
    /// With all of them.
    None,
    /// When somebody follows a link.
    Lax,
    /// With none.
    Strict,
}

impl SameSite {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        match value {
            b"Lax" => return Some(Self::Lax),
            b"Strict" => return Some(Self::Strict),
            _ => {}
        }
        let all = [Self::None, Self::Lax, Self::Strict];
        all.into_iter().find(|known| value.eq_ignore_ascii_case(known.as_str().as_bytes()))
    }

    /// As it stands in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) kind: Option<Kind>,
    /// Name and value, without the spaces around them.
    pub(super) whole: &'a [u8],
    pub(super) value: &'a [u8],
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Secure,
    HttpOnly,
    SameSite,
    Path,
    Domain,
    MaxAge,
    Expires,
    Partitioned,
}

impl Kind {
    /// An attribute as nearly everybody writes it, which is known without a search, and its value.
    fn usual(whole: &[u8]) -> Option<(Option<Self>, &[u8])> {
        let (kind, value) = if whole == b"Secure" {
            (Self::Secure, &[][..])
        } else if whole == b"HttpOnly" {
            (Self::HttpOnly, &[][..])
        } else if let Some(value) = whole.strip_prefix(b"Path=") {
            (Self::Path, value)
        } else if let Some(value) = whole.strip_prefix(b"SameSite=") {
            (Self::SameSite, value)
        } else {
            (Self::MaxAge, whole.strip_prefix(b"Max-Age=")?)
        };
        Some((Some(kind), value))
    }

    fn of(name: &[u8]) -> Option<Self> {
        let (kind, known): (_, &[u8]) = match name.len() {
            4 => (Self::Path, b"path"),
            6 if name[0].eq_ignore_ascii_case(&b's') => (Self::Secure, b"secure"),
            6 => (Self::Domain, b"domain"),
            7 if name[0].eq_ignore_ascii_case(&b'm') => (Self::MaxAge, b"max-age"),
            7 => (Self::Expires, b"expires"),
            8 if name[0].eq_ignore_ascii_case(&b'h') => (Self::HttpOnly, b"httponly"),
            8 => (Self::SameSite, b"samesite"),
            11 => (Self::Partitioned, b"partitioned"),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(kind)
    }
}

#[derive(Debug)]
pub(super) struct Attributes<'a> {
    pub(super) rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (whole, rest) = split_at(self.rest?, b';');
        self.rest = rest;
        let whole = trim(whole);
        let (kind, value) = Kind::usual(whole).unwrap_or_else(|| {
            let (name, value) = split_at(whole, b'=');
            (Kind::of(trim(name)), value.unwrap_or_default())
        });
        Some(Attribute { kind, whole, value: trim(value) })
    }
}

/// What stands before the first such byte, and what stands behind it.
pub(super) fn split_at(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(at, bytes) {
        Some(found) => (&bytes[..found], Some(&bytes[found + 1..])),
        None => (bytes, None),
    }
}

/// Without the spaces and tabs around it, and nothing else.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether browsers ignore a whole cookie for one of these bytes. All are looked at, which is faster
/// than to stop at the first, since many are looked at together.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | is_control(*byte))
}

const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

pub(super) fn parse_max_age(value: &[u8]) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i64, digit: &u8| sum.saturating_mul(10).saturating_add((digit - b'0').into());
    let seconds = digits.iter().fold(0, add);
    Some(if negative { -seconds } else { seconds })
}
