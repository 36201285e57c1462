//! What is measured: cases, in groups that share a bare service.

use std::error::Error;

/// One service, called again and again.
pub(crate) trait Case {
    /// Makes requests, which is no part of what is measured.
    fn prepare(&mut self, requests: usize);

    /// Serves one of the prepared requests and drops the response. This is what is measured.
    fn serve(&mut self);

    /// Brings the case into the cache, and its pools and tables to their sizes.
    fn warm_up(&mut self, requests: usize) {
        for _ in 0..requests {
            self.prepare(1);
            self.serve();
        }
    }

    /// The answer to a request of its own.
    fn answer(&mut self) -> Answer;
}

/// The head of a response, whatever framework it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers, in any order.
    pub(crate) headers: Vec<(String, String)>,
}

/// What a case has to answer before it is measured.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    status: u16,
    headers: Vec<(&'static str, Option<&'static str>)>,
}

impl Expected {
    /// This status and no header.
    #[must_use]
    pub(crate) const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new() }
    }

    /// These headers too.
    #[must_use]
    pub(crate) fn headers(mut self, headers: &[(&'static str, &'static str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| (*name, Some(*value))));
        self
    }

    /// Headers of these names too, whatever they say.
    #[must_use]
    pub(crate) fn names(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.headers.extend(names.into_iter().map(|name| (name, None)));
        self
    }

    /// The answer has the status and exactly the headers.
    fn is(&self, answer: &Answer) -> bool {
        let has = |(name, value): &(&str, Option<&str>)| {
            answer
                .headers
                .iter()
                .any(|(theirs, its)| theirs == name && value.is_none_or(|value| value == its))
        };
        self.status == answer.status
            && self.headers.len() == answer.headers.len()
            && self.headers.iter().all(has)
    }
}

/// What a case of ours may cost at most. Nothing is said of nanoseconds: they are noise in CI.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limit {
    /// Instructions over bare, as a multiple of the better floor's.
    pub(crate) instructions: Option<f64>,
    /// Allocations beyond the better floor's, or the bare service's where there is no floor.
    pub(crate) allocations: Option<f64>,
}

impl Limit {
    /// Measured, and that is all.
    pub(crate) const NONE: Self = Self { instructions: None, allocations: None };
}

/// Cases that do the same work around the same bare service.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    /// The bare service comes first.
    pub(crate) entries: Vec<Entry>,
}

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) case: Box<dyn Case>,
    expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Bare,
    Floor,
    Ours(Limit),
    Peer,
}

impl Group {
    /// Begins with the bare service.
    pub(crate) fn new(title: &'static str, bare: impl Case + 'static, expected: Expected) -> Self {
        let mut group = Self { title, entries: Vec::new() };
        group.push("bare", Role::Bare, bare, expected);
        group
    }

    /// Adds what one would write by hand, for this app alone.
    pub(crate) fn floor(
        &mut self,
        name: &'static str,
        case: impl Case + 'static,
        expected: Expected,
    ) {
        self.push(name, Role::Floor, case, expected);
    }

    /// Adds a case of this crate.
    pub(crate) fn ours(
        &mut self,
        name: &'static str,
        case: impl Case + 'static,
        expected: Expected,
        limit: Limit,
    ) {
        self.push(name, Role::Ours(limit), case, expected);
    }

    /// Adds a case of somebody else, or one that is there to be compared with.
    pub(crate) fn peer(
        &mut self,
        name: &'static str,
        case: impl Case + 'static,
        expected: Expected,
    ) {
        self.push(name, Role::Peer, case, expected);
    }

    fn push(
        &mut self,
        name: &'static str,
        role: Role,
        case: impl Case + 'static,
        expected: Expected,
    ) {
        self.entries.push(Entry { name, role, case: Box::new(case), expected });
    }

    /// Every case answers as it should.
    pub(crate) fn check(&mut self) -> Result<(), Box<dyn Error>> {
        for Entry { name, case, expected, .. } in &mut self.entries {
            let answer = case.answer();
            if !expected.is(&answer) {
                let title = self.title;
                return Err(format!(
                    "{title}, {name}: expected {expected:#?}, but it answered {answer:#?}"
                )
                .into());
            }
        }
        Ok(())
    }
}
