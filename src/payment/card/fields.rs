//! Bodies, queries and cookies as fields: where one is named for card data, and where the value of one
//! that is exempt begins and ends.

use memchr::{memchr, memchr2};

use super::eight::quote;
use super::multipart::Multipart;
use super::name::{MOST_RAW, Names, Purpose, Verdict, Written};

/// How fields are written.
#[derive(Clone, Debug)]
pub(super) enum Fields {
    /// There are none, or they do not matter.
    None,
    Json(Json),
    Pairs(Pairs),
    Multipart(Box<Multipart>),
}

/// The next bytes, of which all are to be looked at, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece {
    pub(super) len: usize,
    pub(super) exempt: bool,
    /// It ends with the name of such a field.
    pub(super) refused: Option<Purpose>,
}

impl Piece {
    pub(super) const fn plain(len: usize) -> Self {
        Self { len, exempt: false, refused: None }
    }

    pub(super) const fn exempt(len: usize) -> Self {
        Self { len, exempt: true, refused: None }
    }
}

impl Fields {
    /// Of a body of this type. What says nothing of itself may be JSON, and is looked at as such.
    pub(super) fn of(content_type: Option<&[u8]>) -> Self {
        let essence = content_type.unwrap_or_default().split(|byte| *byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::pairs(b'&', Written::InAddress)
        } else if essence.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/")) {
            // Also `multipart/mixed`, which actix-multipart reads as well.
            Self::Multipart(Box::default())
        } else {
            Self::Json(Json::default())
        }
    }

    pub(super) fn pairs(between: u8, written: Written) -> Self {
        Self::Pairs(Pairs::new(between, written))
    }

    /// Takes some of the bytes, of which there is at least one.
    pub(super) fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
        match self {
            Self::None => Piece::plain(bytes.len()),
            Self::Json(json) => json.next(bytes, names),
            Self::Pairs(pairs) => pairs.next(bytes, names),
            Self::Multipart(multipart) => multipart.next(bytes, names),
        }
    }

    /// What stands at the end.
    pub(super) fn finish(&mut self, names: &Names) -> Option<Purpose> {
        match self {
            Self::Pairs(pairs) => pairs.finish(names),
            _ => None,
        }
    }
}

/// The beginning of a name whose end is in a later chunk.
#[derive(Clone, Debug)]
pub(super) struct Carry<const ROOM: usize> {
    raw: [u8; ROOM],
    /// More than there is room for, if it is too long to be a name.
    len: usize,
}

impl<const ROOM: usize> Default for Carry<ROOM> {
    fn default() -> Self {
        Self { raw: [0; ROOM], len: 0 }
    }
}

impl<const ROOM: usize> Carry<ROOM> {
    pub(super) fn extend(&mut self, more: &[u8]) {
        match self.raw.get_mut(self.len..self.len.saturating_add(more.len())) {
            Some(room) => {
                room.copy_from_slice(more);
                self.len += more.len();
            }
            None => self.len = ROOM + 1,
        }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What there is, unless it is too long.
    pub(super) fn get(&self) -> Option<&[u8]> {
        self.raw.get(..self.len)
    }
}

/// Keys of JSON. Whatever stands between two quotes and before a colon is one, whether the quotes are
/// escaped or not: JSON is often inside of JSON, and a reader that keeps count of quotes can be put out
/// of step.
#[derive(Clone, Debug, Default)]
pub(super) struct Json {
    key: Carry<MOST_RAW>,
    state: JsonState,
}

#[derive(Clone, Copy, Debug, Default)]
enum JsonState {
    /// Since the last quote.
    #[default]
    Since,
    /// After a quote that ends something.
    After,
    /// After the colon of an exempt field.
    Value,
    ExemptText {
        escaped: bool,
    },
    ExemptNumber,
}

impl Json {
    fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.state {
                JsonState::Since => {
                    let Some(end) = quote(rest) else {
                        self.key.extend(rest);
                        break;
                    };
                    at += end + 1;
                    match bytes.get(at) {
                        // The whole of it is here, and it is no name.
                        Some(b':') if self.key.is_empty() && !names.may_matter(&rest[..end]) => {}
                        Some(b':' | b' ' | b'\t' | b'\n' | b'\r') | None => {
                            self.key.extend(&rest[..end]);
                            self.state = JsonState::After;
                        }
                        Some(_) => self.key.clear(),
                    }
                }
                JsonState::After => {
                    let first = rest.iter().position(|byte| !byte.is_ascii_whitespace());
                    let Some(first) = first else { break };
                    at += first;
                    self.state = JsonState::Since;
                    if rest[first] == b':' {
                        at += 1;
                        let key = self.key.get().unwrap_or_default();
                        let verdict = names.verdict(key, Written::InJson);
                        // In JSON inside of JSON the value's end is another.
                        let is_escaped = key.ends_with(b"\\");
                        self.key.clear();
                        match verdict {
                            Verdict::Refused(purpose) => {
                                return Piece { refused: Some(purpose), ..Piece::plain(at) };
                            }
                            Verdict::Exempt if !is_escaped => self.state = JsonState::Value,
                            _ => {}
                        }
                    } else {
                        self.key.clear();
                    }
                }
                JsonState::Value => {
                    let first = rest.iter().position(|byte| !byte.is_ascii_whitespace());
                    let Some(first) = first else { break };
                    let (state, until) = match rest[first] {
                        b'"' => (JsonState::ExemptText { escaped: false }, first + 1),
                        b'-' | b'0'..=b'9' => (JsonState::ExemptNumber, first),
                        _ => (JsonState::Since, first),
                    };
                    self.state = state;
                    at += until;
                    if !matches!(state, JsonState::Since) {
                        return Piece::plain(at);
                    }
                }
                JsonState::ExemptText { escaped } => return self.exempt_text(rest, escaped),
                JsonState::ExemptNumber => {
                    let is_number =
                        |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let end = rest.iter().position(|byte| !is_number(byte));
                    if end.is_some() {
                        self.state = JsonState::Since;
                    }
                    return Piece::exempt(end.unwrap_or(rest.len()));
                }
            }
        }
        Piece::plain(bytes.len())
    }

    fn exempt_text(&mut self, rest: &[u8], escaped: bool) -> Piece {
        let mut at = usize::from(escaped);
        while let Some(found) = rest.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found;
            if rest[at] == b'"' {
                self.state = JsonState::Since;
                return Piece::exempt(at);
            }
            at += 2;
        }
        self.state = JsonState::ExemptText { escaped: at > rest.len() };
        Piece::exempt(rest.len())
    }
}

/// `name=value` and `name=value`: forms, queries, cookies.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    between: u8,
    written: Written,
    name: Carry<MOST_RAW>,
    state: PairState,
}

#[derive(Clone, Copy, Debug)]
enum PairState {
    Name,
    Value { exempt: bool },
}

impl Pairs {
    fn new(between: u8, written: Written) -> Self {
        Self { between, written, name: Carry::default(), state: PairState::Name }
    }

    fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.state {
                PairState::Name => {
                    let Some(end) = memchr2(b'=', self.between, rest) else {
                        self.name.extend(rest);
                        break;
                    };
                    self.name.extend(&rest[..end]);
                    at += end + 1;
                    let exempt = match self.verdict(names) {
                        Verdict::Refused(purpose) => {
                            return Piece { refused: Some(purpose), ..Piece::plain(at) };
                        }
                        verdict => verdict == Verdict::Exempt,
                    };
                    if rest[end] == b'=' {
                        self.state = PairState::Value { exempt };
                        if exempt {
                            return Piece::plain(at);
                        }
                    }
                }
                PairState::Value { exempt } => {
                    let end = memchr(self.between, rest);
                    if end.is_some() {
                        self.state = PairState::Name;
                    }
                    if exempt {
                        return Piece::exempt(end.map_or(rest.len(), |end| end + 1));
                    }
                    at += end.map_or(rest.len(), |end| end + 1);
                }
            }
        }
        Piece::plain(bytes.len())
    }

    fn verdict(&mut self, names: &Names) -> Verdict {
        let name = self.name.get().unwrap_or_default();
        let verdict = names.verdict(name, self.written);
        self.name.clear();
        verdict
    }

    fn finish(&mut self, names: &Names) -> Option<Purpose> {
        let verdict = matches!(self.state, PairState::Name).then(|| self.verdict(names));
        self.state = PairState::Name;
        match verdict {
            Some(Verdict::Refused(purpose)) => Some(purpose),
            _ => None,
        }
    }
}
