//! A dozen headers prepared once, and how they meet the headers a handler has set.

use std::fmt;
use std::mem;

use super::{Name, Value};

/// Headers prepared once for every framework compiled in, to be sent with every response.
///
/// See [`ResponseHead::underlay`](super::ResponseHead::underlay).
///
/// ```
/// use donjon::head::{HeaderSet, Name, Precedence, ResponseHead, Value};
///
/// let mut set = HeaderSet::default();
/// set.push(Name::from_static("x-frame-options"), Value::new("DENY").unwrap(), Precedence::Theirs);
/// set.forbid(&Name::from_static("x-powered-by"));
///
/// let mut response = http::Response::builder()
///     .header("x-powered-by", "a framework with a version number")
///     .body(())
///     .unwrap();
/// response.underlay(&set);
///
/// assert_eq!(response.headers()["x-frame-options"], "DENY");
/// assert!(!response.headers().contains_key("x-powered-by"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderSet {
    entries: Vec<(Name, Value)>,
    rules: Rules,
    /// The same entries, ready to be cloned: no hashing per response.
    v1: http::HeaderMap,
}

/// What happens to a header of ours that the handler, or a layer nearer to it, has set already.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum Precedence {
    /// The handler's stays.
    #[default]
    Theirs,
    /// Ours replaces it.
    Ours,
    /// Ours replaces it if this function says, of the handler's value, that ours is stricter.
    /// A header sent twice is replaced without asking.
    OursIf(fn(ours: &[u8], theirs: &[u8]) -> bool),
}

impl HeaderSet {
    /// Adds a header. A later one of the same name replaces it.
    pub fn push(&mut self, name: Name, value: Value, precedence: Precedence) {
        self.entries.retain(|(known, _)| known.v1 != name.v1);
        self.v1.insert(name.v1.clone(), value.v1.clone());
        // A clone keeps the room, so the handler's headers find theirs without hashing ours anew.
        self.v1.reserve(ROOM);
        self.rules.set(name.as_str(), Rule::Ours(precedence, value.as_bytes().into()));
        self.entries.push((name, value));
    }

    /// Removes a header from every response, whoever set it.
    pub fn forbid(&mut self, name: &Name) {
        self.entries.retain(|(known, _)| known.v1 != name.v1);
        self.v1.remove(&name.v1);
        self.rules.set(name.as_str(), Rule::Forbidden);
    }

    /// The headers, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    pub(super) fn underlay_v1(&self, headers: &mut http::HeaderMap) {
        let clash = |headers: &http::HeaderMap| {
            headers.keys().any(|name| self.rules.get(name.as_str()).is_some())
        };
        if clash(headers) {
            self.settle_v1(headers);
        }

        let theirs = mem::replace(headers, self.v1.clone());
        let repeated = theirs.len() != theirs.keys_len();
        let mut last = None;
        for (name, value) in theirs {
            match (name, &last) {
                (Some(name), _) => {
                    if repeated {
                        last = Some(name.clone());
                    }
                    headers.insert(name, value);
                }
                (None, Some(name)) => {
                    headers.append(name, value);
                }
                // The iterator names the first value of each header.
                (None, None) => {}
            }
        }
    }

    /// Removes from the handler's headers those that do not stay.
    #[cold]
    fn settle_v1(&self, headers: &mut http::HeaderMap) {
        let leaving: Vec<_> = headers
            .keys()
            .filter(|name| {
                let values = headers.get_all(*name).iter();
                let mut values = values.map(http::HeaderValue::as_bytes);
                self.rules.replaces(name.as_str(), &mut values)
            })
            .cloned()
            .collect();
        for name in leaving {
            headers.remove(name);
        }
    }

    #[cfg(feature = "actix")]
    pub(super) fn underlay_v0(&self, headers: &mut actix_web::http::header::HeaderMap) {
        let clash = headers.keys().any(|name| self.rules.get(name.as_str()).is_some());
        if clash {
            self.settle_v0(headers);
        }
        for (name, value) in &self.entries {
            if !clash || !headers.contains_key(&name.v0) {
                headers.insert(name.v0.clone(), value.v0.clone());
            }
        }
    }

    #[cfg(feature = "actix")]
    #[cold]
    fn settle_v0(&self, headers: &mut actix_web::http::header::HeaderMap) {
        let leaving: Vec<_> = headers
            .keys()
            .filter(|name| {
                let values = headers.get_all(*name);
                let mut values = values.map(http_02::HeaderValue::as_bytes);
                self.rules.replaces(name.as_str(), &mut values)
            })
            .cloned()
            .collect();
        for name in leaving {
            headers.remove(name);
        }
    }
}

/// How many headers of its own a handler usually has, and some more.
const ROOM: usize = 6;

/// A rule per header name.
///
/// Every header of every response is looked up here, and hardly any is found. Names of the same
/// length share a bucket, so a miss is one comparison of lengths and a few of bytes, where a map
/// would hash the name.
#[derive(Clone, Debug, Default)]
struct Rules {
    by_length: Vec<Vec<(Box<str>, Rule)>>,
}

#[derive(Clone, Debug)]
enum Rule {
    Ours(Precedence, Box<[u8]>),
    Forbidden,
}

impl Rules {
    fn get(&self, name: &str) -> Option<&Rule> {
        self.by_length
            .get(name.len())?
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, rule)| rule)
    }

    fn set(&mut self, name: &str, rule: Rule) {
        if self.by_length.len() <= name.len() {
            self.by_length.resize(name.len() + 1, Vec::new());
        }
        let bucket = &mut self.by_length[name.len()];
        bucket.retain(|(known, _)| **known != *name);
        bucket.push((name.into(), rule));
    }

    /// Whether the handler's header of this name goes.
    fn replaces(&self, name: &str, theirs: &mut dyn Iterator<Item = &[u8]>) -> bool {
        match self.get(name) {
            None | Some(Rule::Ours(Precedence::Theirs, _)) => false,
            Some(Rule::Forbidden | Rule::Ours(Precedence::Ours, _)) => true,
            Some(Rule::Ours(Precedence::OursIf(ours_is_stricter), ours)) => {
                match (theirs.next(), theirs.next()) {
                    (Some(theirs), None) => ours_is_stricter(ours, theirs),
                    _ => true,
                }
            }
        }
    }
}

impl fmt::Debug for Precedence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Theirs => "Theirs",
            Self::Ours => "Ours",
            Self::OursIf(_) => "OursIf",
        })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn set() -> HeaderSet {
        let mut set = HeaderSet::default();
        for (name, value, rule) in [
            ("a", "keep", Precedence::Theirs),
            ("b", "override", Precedence::Ours),
            ("c", "m", Precedence::OursIf(|ours, theirs| ours > theirs)),
        ] {
            set.push(Name::from_static(name), Value::new(value).unwrap(), rule);
        }
        set.forbid(&Name::from_static("d"));
        set
    }

    /// What the documentation says, written down naively.
    fn expected(theirs: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let values = |name: &str| -> Vec<&str> {
            let of_name = theirs.iter().filter(|(theirs, _)| *theirs == name);
            of_name.map(|(_, value)| *value).collect()
        };
        let mut out = Vec::new();
        for name in ["a", "b", "c", "d", "e"] {
            let theirs = values(name);
            let kept = match name {
                "a" if theirs.is_empty() => vec!["keep"],
                "b" => vec!["override"],
                "c" if theirs.len() != 1 || theirs[0] < "m" => vec!["m"],
                "d" => vec![],
                _ => theirs,
            };
            out.extend(kept.into_iter().map(|value| (name.into(), value.into())));
        }
        out
    }

    proptest! {
        #[test]
        fn both_frameworks_do_what_the_rules_say(
            theirs in prop::collection::vec(
                (prop::sample::select(vec!["a", "b", "c", "d", "e"]), prop::sample::select(vec!["k", "m", "z"])),
                0..8,
            ),
        ) {
            let mut v1 = HeaderMap::new();
            for (name, value) in &theirs {
                v1.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            set().underlay_v1(&mut v1);
            let mut after: Vec<_> = v1
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
                .collect();
            after.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(after, expected(&theirs));

            #[cfg(feature = "actix")]
            {
                use actix_web::http::header;
                let mut v0 = header::HeaderMap::new();
                for (name, value) in &theirs {
                    v0.append(header::HeaderName::from_static(name), header::HeaderValue::from_static(value));
                }
                set().underlay_v0(&mut v0);
                let mut after: Vec<_> = v0
                    .iter()
                    .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
                    .collect();
                after.sort_by(|a, b| a.0.cmp(&b.0));
                prop_assert_eq!(after, expected(&theirs));
            }
        }
    }
}
