//! Cookies that less exact code takes for others.

use std::fmt;

use super::scan::{split_at, trim};
use super::view::Pair;

/// How a cookie may be taken for another.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Lookalike {
    /// The name is percent-encoded: `%5F%5FHost-sid`.
    Encoded,
    /// Its case is another: `__HOST-sid`.
    Case,
    /// There are spaces around it that are none for browsers, or control characters.
    Spaced,
    /// It is in quotes.
    Quoted,
    /// There is no name, or no value: `=__Host-sid=x`, `__Host-sid`.
    Nameless,
    /// The name is right, but there is a control character in the pair.
    Control,
}

impl Lookalike {
    /// What it says in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoded => "the name is percent-encoded",
            Self::Case => "the case of the name is another",
            Self::Spaced => "spaces around the name that are none for browsers",
            Self::Quoted => "the name is in quotes",
            Self::Nameless => "no name, or no value",
            Self::Control => "a control character",
        }
    }
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a pair may be taken for one of this name; `None` if it is one.
pub(super) fn lookalike(pair: &Pair<'_>, name: &str) -> Option<Lookalike> {
    if pair.is(name) {
        return None;
    }
    if pair.name == name.as_bytes() {
        return Some(if pair.named { Lookalike::Control } else { Lookalike::Nameless });
    }
    let (candidate, nameless) = match (pair.name, pair.value) {
        ([], value) => (trim(split_at::<b'='>(without_signs(value)).0), true),
        (candidate, _) => (candidate, !pair.named),
    };
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"%\"'".contains(byte);
    let how = if candidate == name.as_bytes() {
        Lookalike::Nameless
    } else if candidate.iter().all(is_plain) {
        candidate.eq_ignore_ascii_case(name.as_bytes()).then_some(Lookalike::Case)?
    } else {
        disguise(candidate, name)?
    };
    Some(if nameless { Lookalike::Nameless } else { how })
}

/// Browsers take one `=` from before the value of a cookie without a name, and send the others.
fn without_signs(mut value: &[u8]) -> &[u8] {
    while let [b'=' | b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

/// How a name with bytes in it that names do not have may be read as this one.
#[cold]
fn disguise(candidate: &[u8], name: &str) -> Option<Lookalike> {
    let mut bytes = candidate.to_vec();
    let mut found = Lookalike::Case;
    // Code that decodes twice is old, but there is some.
    for _ in 0..3 {
        let stripped = strip(&bytes);
        if stripped.len() < bytes.len() && found == Lookalike::Case {
            let quoted = bytes.first().is_some_and(|byte| b"\"'".contains(byte));
            found = if quoted { Lookalike::Quoted } else { Lookalike::Spaced };
        }
        if reads_as(stripped, name) {
            return Some(found);
        }
        if !stripped.contains(&b'%') {
            return None;
        }
        bytes = decode(stripped);
        found = Lookalike::Encoded;
    }
    None
}

/// Without quotes, control characters and whatever anybody's library takes for a space.
fn strip(mut bytes: &[u8]) -> &[u8] {
    loop {
        // What is no UTF-8 is read as Latin-1, and what is left of it may be UTF-8 again.
        let stripped = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_matches(is_strippable).as_bytes(),
            Err(_) => strip_latin1(bytes),
        };
        if stripped.len() == bytes.len() {
            return bytes;
        }
        bytes = stripped;
    }
}

fn strip_latin1(bytes: &[u8]) -> &[u8] {
    let stays = |byte: &u8| !is_strippable(char::from(*byte));
    let start = bytes.iter().position(stays).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(stays).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Some are no space any more, or never were, and are as invisible.
fn is_strippable(char: char) -> bool {
    let invisible = matches!(char, '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    char.is_whitespace() || char.is_control() || matches!(char, '"' | '\'') || invisible
}

fn reads_as(bytes: &[u8], name: &str) -> bool {
    let fold = |char: char| char.to_uppercase().flat_map(char::to_lowercase);
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().flat_map(fold).eq(name.chars().flat_map(fold)))
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let pair = digit(bytes.get(index + 1)).zip(digit(bytes.get(index + 2)));
        let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let (byte, step) = match value {
            Some(value) if *byte == b'%' => (value, 3),
            _ => (*byte, 1),
        };
        decoded.push(byte);
        index += step;
    }
    decoded
}
