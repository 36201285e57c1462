//! Cookies that come in, by their exact bytes.

use std::fmt;

use super::lookalike::{Lookalike, lookalike};
use super::scan::{Parts, has_control, split_at, trim, trim_start};
use crate::head::{Name, RequestHead};

/// The cookies of a request, read exactly. Nothing is copied, and a look-up allocates nothing.
///
/// **The attack.** A sibling site can plant cookies. `%5F%5FHost-sid` is another name for a browser,
/// and the same one for code that decodes names: the prefix `__Host-` is worth nothing there. So is
/// it where other spaces than browsers' are trimmed, or the case of a name is lost. Where one cookie
/// that cannot be read hides all others, planting it logs everybody out.
///
/// **The rule.** draft-ietf-httpbis-layered-cookies as of 2026-07: a name is the bytes that were set,
/// and servers should not rely on the order of cookies of the same name.
///
/// - All lines of `Cookie` are read as one. Pairs end at semicolons and at nothing else.
/// - Only spaces and tabs are trimmed; nothing is decoded; quotes are part of the value.
/// - A pair without `=` or without a name is nobody's, and so is one with a control character in it.
///   It hides no other.
/// - A name that is there twice is [`Ambiguous`](Found::Ambiguous).
/// - More than 32 KiB or 256 pairs are not read. Then every name is [`Ambiguous`](Found::Ambiguous),
///   since what was not read might hold it. That is twice what browsers keep for a site.
///
/// ```
/// use donjon::cookies::{CookieView, Found};
///
/// let request = http::Request::builder()
///     .header("cookie", "%5F%5FHost-sid=evil; __Host-sid=good; theme=\"dark\"; n=1; n=2")
///     .body(())
///     .unwrap();
/// let cookies = CookieView::of(&request);
///
/// assert_eq!(cookies.get("__Host-sid"), Found::One(b"good"));
/// assert_eq!(cookies.get("theme"), Found::One(b"\"dark\""));
/// assert_eq!(cookies.get("n"), Found::Ambiguous);
/// assert_eq!(cookies.get("other"), Found::Absent);
/// assert!(cookies.lookalike("__Host-sid").is_some());
/// ```
pub struct CookieView<'a, R> {
    request: &'a R,
    identical: bool,
}

/// Does not print the cookies.
impl<R> fmt::Debug for CookieView<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieView").field("identical", &self.identical).finish_non_exhaustive()
    }
}

/// What a look-up finds.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "whoever looks has to decide on each")]
pub enum Found<'a> {
    /// There is none.
    Absent,
    /// This is its value.
    One(&'a [u8]),
    /// There are several, or more cookies than are read: which one is meant nobody knows.
    Ambiguous,
}

/// Of a value it prints the length: a session's is nothing for a log.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::One(value) => write!(f, "One({} bytes)", value.len()),
            Self::Ambiguous => f.write_str("Ambiguous"),
        }
    }
}

impl<'a> Found<'a> {
    /// The value, if there is exactly one.
    #[must_use]
    pub const fn one(self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Ambiguous => None,
        }
    }
}

impl<'a, R: RequestHead> CookieView<'a, R> {
    /// The cookies of this request.
    pub const fn of(request: &'a R) -> Self {
        Self { request, identical: false }
    }

    /// Takes a cookie that is there several times for one if all its values are the same bytes: for the
    /// time while a site moves a cookie to another path, or makes it partitioned.
    #[must_use]
    pub const fn accept_identical(mut self) -> Self {
        self.identical = true;
        self
    }

    /// Looks up a name by its exact bytes.
    #[must_use]
    pub fn get(&self, name: &str) -> Found<'a> {
        self.see(name, false).found(self.identical)
    }

    /// How another cookie might be taken for the one of this name: the first that is found.
    #[must_use]
    pub fn lookalike(&self, name: &str) -> Option<Lookalike> {
        self.see(name, true).lookalike
    }

    /// All there is to say of a name, at once.
    pub(super) fn see(&self, name: &str, lookalikes: bool) -> Seen<'a> {
        Seen::of(self.request.header(&COOKIE), name, lookalikes)
    }
}

/// What is known of one name.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) value: Option<&'a [u8]>,
    pub(super) times: Times,
    pub(super) lookalike: Option<Lookalike>,
}

impl<'a> Seen<'a> {
    fn of(lines: impl Iterator<Item = &'a [u8]>, name: &str, lookalikes: bool) -> Self {
        let mut seen = Self { value: None, times: Times::Once, lookalike: None };
        let (mut bytes, mut count) = (0, 0);
        for line in lines {
            bytes += line.len();
            if bytes > MAX_BYTES {
                seen.times = Times::Unknown;
                return seen;
            }
            for pair in Parts(Some(line)) {
                count += 1;
                if count > MAX_PAIRS {
                    seen.times = Times::Unknown;
                    return seen;
                }
                // Most are others, which is seen without reading them.
                if !lookalikes && !trim_start(pair).starts_with(name.as_bytes()) {
                    continue;
                }
                let pair = Pair::parse(pair);
                if pair.is(name) {
                    match seen.value {
                        None => seen.value = Some(pair.value),
                        Some(value) if value == pair.value && seen.times != Times::Different => {
                            seen.times = Times::Identical;
                        }
                        Some(_) => seen.times = Times::Different,
                    }
                } else if lookalikes && seen.lookalike.is_none() {
                    seen.lookalike = lookalike(&pair, name);
                }
            }
        }
        seen
    }
}

impl<'a> Seen<'a> {
    const fn found(&self, identical: bool) -> Found<'a> {
        match (self.value, self.times) {
            (_, Times::Unknown | Times::Different) => Found::Ambiguous,
            (_, Times::Identical) if !identical => Found::Ambiguous,
            (None, _) => Found::Absent,
            (Some(value), _) => Found::One(value),
        }
    }
}

/// Looks up a name in these lines, as [`CookieView::get`] does in a request's.
pub(super) fn find<'a>(lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Found<'a> {
    Seen::of(lines, name, false).found(false)
}

/// How often a name is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Times {
    /// Once at most.
    Once,
    Identical,
    Different,
    /// There is more than is read.
    Unknown,
}

/// What stands between two semicolons.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Whether it has an `=`.
    pub(super) named: bool,
}

impl<'a> Pair<'a> {
    pub(super) fn parse(pair: &'a [u8]) -> Self {
        match split_at::<b'='>(pair) {
            (name, Some(value)) => Self { name: trim(name), value: trim(value), named: true },
            (name, None) => Self { name: trim(name), value: &[], named: false },
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.named
            && self.name == name.as_bytes()
            && !self.name.is_empty()
            && !has_control(self.value)
    }
}

/// Does not print what stands in it.
impl fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// Browsers keep at most 180 cookies for a site.
pub(super) const MAX_PAIRS: usize = 256;
pub(super) const MAX_BYTES: usize = 32 * 1024;

pub(super) static COOKIE: Name = Name::from_static("cookie");

#[cfg(test)]
mod tests {
    use super::*;

    /// A12: the header types of both frameworks let none of these pass, but another way in might.
    #[test]
    fn a_control_character_loses_its_cookie_and_no_other() {
        let controls = (0..b' ').filter(|byte| *byte != b'\t').chain([0x7f]);
        for control in controls {
            for pair in [
                [b"sid=ev", &[control][..], b"il"].concat(),
                [b"s", &[control][..], b"id=evil"].concat(),
                [&[control][..], b"sid=evil"].concat(),
                [b"sid=evil", &[control][..]].concat(),
                [b"sid", &[control][..], b"=evil"].concat(),
            ] {
                let line = [b"sid=good; ", &pair[..], b"; a=1"].concat();
                for (name, value) in [("sid", &b"good"[..]), ("a", b"1")] {
                    let seen = Seen::of([&line[..]].into_iter(), name, true);
                    assert_eq!((seen.value, seen.times), (Some(value), Times::Once), "{line:?}");
                }
                let alone = Seen::of([&pair[..]].into_iter(), "sid", true);
                assert_eq!(alone.value, None, "{pair:?}");
                let inside = pair.starts_with(&[b's', control]);
                assert_eq!(alone.lookalike.is_some(), !inside, "{pair:?}");
            }
        }
    }

    /// A11: however much there is, no more is read than the caps allow.
    #[test]
    fn what_is_read_has_an_end() {
        let pulled = |line: &'static [u8], lines: usize| {
            let mut pulled = 0;
            let lines = std::iter::repeat_n(line, lines).inspect(|_| pulled += 1);
            assert_eq!(Seen::of(lines, "sid", true).times, Times::Unknown);
            pulled
        };
        for lines in [5_000, 10_000, 20_000] {
            assert_eq!(pulled(b"a=1", lines), MAX_PAIRS + 1);
            assert_eq!(pulled(b"", lines), MAX_PAIRS + 1, "an empty line counts too");
            assert_eq!(pulled(&[b'a'; 1000], lines), 33, "of 1000 bytes each");
        }
        assert_eq!(pulled(&[b';'; 5_000], 10), 1);
    }

    /// A11: twice as much costs twice as much, in what is allocated on the one path that does.
    #[test]
    fn to_look_for_lookalikes_is_linear() {
        let bytes = |disguise: &str, times: usize| {
            let line = format!("{}sid=1", disguise.repeat(times)).into_bytes();
            let look = || {
                Seen::of([&line[..]].into_iter(), "sid", true);
            };
            allocation_counter::measure(look).bytes_total
        };
        for disguise in ["%2520", "%20", "\u{2000}", "\"", "\u{2005}%25", "%"] {
            let (once, twice) = (bytes(disguise, 500), bytes(disguise, 1000));
            assert!(0 < once && twice <= 2 * once + 64, "{disguise}: {once}, then {twice}");
        }
    }
}
