//! Bodies, queries and cookies as fields: where one is named for card data, and where the value of one
//! that is exempt begins and ends.

use super::json::Json;
use super::multipart::Multipart;
use super::name::{MOST_KEPT, Names, Purpose, Written};
use super::pairs::Pairs;

/// How fields are written.
#[derive(Clone)]
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
    /// Of a body of this type, which counts by how it begins, as axum has it. What says nothing of itself may
    /// be JSON, and is looked at as such.
    pub(super) fn of(content_type: Option<&[u8]>) -> Self {
        let content_type = content_type.unwrap_or_default().trim_ascii_start();
        let begins = |kind: &[u8]| {
            content_type.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind))
        };
        if begins(b"application/x-www-form-urlencoded") {
            Self::pairs(b'&', Written::InAddress)
        } else if begins(b"multipart/") {
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

/// The beginning of a line whose end is in a later chunk.
#[derive(Clone)]
pub(super) struct Carry<const ROOM: usize> {
    raw: [u8; ROOM],
    /// More than there is room for, if it is longer.
    len: usize,
}

impl<const ROOM: usize> Default for Carry<ROOM> {
    fn default() -> Self {
        Self { raw: [0; ROOM], len: 0 }
    }
}

impl<const ROOM: usize> Carry<ROOM> {
    pub(super) fn extend(&mut self, more: &[u8]) {
        let room = self.raw.get_mut(self.len..).unwrap_or_default();
        if let Some(room) = room.get_mut(..more.len()) {
            room.copy_from_slice(more);
            self.len += more.len();
        } else {
            room.copy_from_slice(&more[..room.len()]);
            self.len = ROOM + 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// As much as there is room for, and whether that is all.
    pub(super) fn begin(&self) -> (&[u8], bool) {
        (&self.raw[..self.len.min(ROOM)], self.len <= ROOM)
    }
}

/// The end of a name, the rest of which was in earlier chunks.
#[derive(Clone)]
pub(super) struct Tail {
    raw: [u8; MOST_KEPT],
    len: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self { raw: [0; MOST_KEPT], len: 0 }
    }
}

impl Tail {
    pub(super) fn extend(&mut self, more: &[u8]) {
        let more = more.last_chunk::<MOST_KEPT>().map_or(more, |last| last);
        let over = (self.len + more.len()).saturating_sub(MOST_KEPT);
        self.raw.copy_within(over..self.len, 0);
        self.len -= over;
        self.raw[self.len..self.len + more.len()].copy_from_slice(more);
        self.len += more.len();
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn get(&self) -> &[u8] {
        &self.raw[..self.len]
    }
}
