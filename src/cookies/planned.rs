//! What becomes of one cookie of a response.

use std::hash::{Hash, Hasher};

use bytes::Bytes;

use super::fix::Fix;
use super::set_cookie::SetCookie;
use super::violation::Violations;
use crate::head::Rewrite;

/// What becomes of a cookie.
pub(super) struct Planned {
    /// What the rule is written for.
    pub(super) name: Option<&'static str>,
    pub(super) fix: Fix,
    /// Those of the cookie by itself, and those of its place among the others.
    pub(super) violations: Violations,
    pub(super) drops: bool,
    /// As it is, or mended.
    pub(super) line: Bytes,
}

impl Planned {
    /// The cookie as it goes out, if it does.
    pub(super) fn line(&self) -> Option<&[u8]> {
        (!self.drops).then_some(&self.line[..])
    }

    pub(super) fn rewrite(self) -> Rewrite {
        match (self.drops, self.fix.changes()) {
            (true, _) => Rewrite::Drop,
            (false, true) => Rewrite::Replace(self.line),
            (false, false) => Rewrite::Keep,
        }
    }
}

/// What makes two cookies the same one.
pub(super) struct Key<'a>(SetCookie<'a>);

impl<'a> Key<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self(SetCookie::parse(line))
    }

    fn parts(&self) -> (&'a [u8], Option<&'a [u8]>, bool) {
        (self.0.name(), self.0.path(), self.0.partitioned())
    }

    fn domain(&self) -> impl Iterator<Item = u8> + 'a {
        self.0.domain().unwrap_or_default().iter().map(u8::to_ascii_lowercase)
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts() && self.domain().eq(other.domain())
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
        self.domain().for_each(|byte| state.write_u8(byte));
    }
}
