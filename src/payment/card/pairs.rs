//! `name=value` and `name=value`, with the same byte between all of them.

use memchr::{memchr, memchr2};

use super::fields::{Piece, Tail};
use super::name::{Names, Purpose, Verdict, Written};

/// `name=value` and `name=value`: forms, queries, cookies.
#[derive(Clone)]
pub(super) struct Pairs {
    between: u8,
    written: Written,
    name: Tail,
    state: PairState,
}

#[derive(Clone, Copy, Debug)]
enum PairState {
    Name,
    Value { exempt: bool },
}

impl Pairs {
    pub(super) fn new(between: u8, written: Written) -> Self {
        Self { between, written, name: Tail::default(), state: PairState::Name }
    }

    pub(super) fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
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
        let verdict = names.verdict(self.name.get(), self.written);
        self.name.clear();
        verdict
    }

    pub(super) fn finish(&mut self, names: &Names) -> Option<Purpose> {
        let verdict = matches!(self.state, PairState::Name).then(|| self.verdict(names));
        self.state = PairState::Name;
        match verdict {
            Some(Verdict::Refused(purpose)) => Some(purpose),
            _ => None,
        }
    }
}
