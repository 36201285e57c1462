//! What stands between the semicolons of a cookie.

use super::scan::{is, split_at, trim};

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
        match value.len() {
            3 if is(value, b"Lax") => Some(Self::Lax),
            4 if is(value, b"None") => Some(Self::None),
            6 if is(value, b"Strict") => Some(Self::Strict),
            _ => None,
        }
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
    pub(super) value: &'a [u8],
    part: &'a [u8],
}

impl<'a> Attribute<'a> {
    pub(super) fn parse(part: &'a [u8]) -> Self {
        let (name, value) = split_at::<b'='>(part);
        Self { kind: Kind::of(trim(name)), value: trim(value.unwrap_or_default()), part }
    }

    /// Name and value, without the spaces around them.
    pub(super) fn whole(&self) -> &'a [u8] {
        trim(self.part)
    }
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
    fn of(name: &[u8]) -> Option<Self> {
        match name.len() {
            4 if is(name, b"Path") => Some(Self::Path),
            6 if is(name, b"Secure") => Some(Self::Secure),
            6 if is(name, b"Domain") => Some(Self::Domain),
            7 if is(name, b"Max-Age") => Some(Self::MaxAge),
            7 if is(name, b"Expires") => Some(Self::Expires),
            8 if is(name, b"HttpOnly") => Some(Self::HttpOnly),
            8 if is(name, b"SameSite") => Some(Self::SameSite),
            11 if is(name, b"Partitioned") => Some(Self::Partitioned),
            _ => None,
        }
    }
}

pub(super) fn parse_max_age(value: &[u8]) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    match number(digits)? {
        (seconds, []) => Some(if negative { -seconds } else { seconds }),
        _ => None,
    }
}

/// The number that stands here, or the largest there is, and what stands behind it.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (mut sum, mut rest) = (0_i64, bytes);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        sum = sum.saturating_mul(10).saturating_add((digit - b'0').into());
        rest = behind;
    }
    (rest.len() < bytes.len()).then_some((sum, rest))
}
