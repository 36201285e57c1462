//! A prepared set of headers under those of a handler gives what the rules say, written down
//! naively; doing it twice is doing it once.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use donjon::head::{HeaderSet, Name, Precedence, ResponseHead, Value};
use http::{HeaderName, HeaderValue, Response};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    rules: Vec<(Field<'a>, Rule)>,
    theirs: Vec<(Field<'a>, u8)>,
}

/// A few names often meet; others are of any kind.
#[derive(Arbitrary, Debug)]
enum Field<'a> {
    Usual(u8),
    Any(&'a str),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Rule {
    Theirs(u8),
    Ours(u8),
    OursIf(u8),
    Forbidden,
}

fuzz_target!(|input: Input<'_>| {
    let mut set = HeaderSet::default();
    let mut rules = BTreeMap::new();
    for (field, rule) in &input.rules {
        let Some(name) = field.name() else { continue };
        match rule.push() {
            Some((value, precedence)) => set.push(name.clone(), value, precedence),
            None => set.forbid(&name),
        }
        rules.insert(name.as_str().to_owned(), *rule);
    }

    let mut response = Response::new(());
    let mut theirs = BTreeMap::<String, Vec<String>>::new();
    for (field, value) in &input.theirs {
        let Some(name) = field.name() else { continue };
        let value = value.to_string();
        response.headers_mut().append(
            HeaderName::from_bytes(name.as_str().as_bytes()).unwrap(),
            HeaderValue::from_str(&value).unwrap(),
        );
        theirs.entry(name.as_str().to_owned()).or_default().push(value);
    }

    let expected = model(theirs, &rules);
    response.underlay(&set);
    assert_eq!(headers_of(&response), expected);

    // actix-web may ask for the response of one error several times.
    response.underlay(&set);
    assert_eq!(headers_of(&response), expected);

    let listed: Vec<_> = set.iter().map(|(name, _)| name.to_owned()).collect();
    let mut ours: Vec<_> =
        rules.iter().filter(|(_, rule)| rule.value().is_some()).map(|(name, _)| name).collect();
    ours.sort_by_key(|name| listed.iter().position(|listed| listed == *name));
    assert_eq!(listed.iter().collect::<Vec<_>>(), ours);
});

/// What the documentation of `HeaderSet` and `Precedence` says.
fn model(
    mut headers: BTreeMap<String, Vec<String>>,
    rules: &BTreeMap<String, Rule>,
) -> BTreeMap<String, Vec<String>> {
    for (name, rule) in rules {
        let theirs = headers.remove(name);
        let sent = match (rule, theirs) {
            (Rule::Forbidden, _) => None,
            (Rule::Theirs(ours), None) | (Rule::Ours(ours), _) | (Rule::OursIf(ours), None) => {
                Some(vec![ours.to_string()])
            }
            (Rule::Theirs(_), Some(theirs)) => Some(theirs),
            (Rule::OursIf(ours), Some(theirs)) => match theirs.as_slice() {
                [only] if !is_stricter(ours.to_string().as_bytes(), only.as_bytes()) => {
                    Some(theirs)
                }
                _ => Some(vec![ours.to_string()]),
            },
        };
        headers.extend(sent.map(|values| (name.clone(), values)));
    }
    headers
}

fn is_stricter(ours: &[u8], theirs: &[u8]) -> bool {
    ours.len() > theirs.len() || ours > theirs
}

fn headers_of(response: &Response<()>) -> BTreeMap<String, Vec<String>> {
    let headers = response.headers();
    headers
        .keys()
        .map(|name| {
            let values = headers.get_all(name).iter();
            let values = values.map(|value| value.to_str().unwrap().to_owned());
            (name.as_str().to_owned(), values.collect())
        })
        .collect()
}

impl Field<'_> {
    fn name(&self) -> Option<Name> {
        match self {
            Self::Usual(name) => Name::new(NAMES[usize::from(*name) % NAMES.len()]),
            Self::Any(name) => Name::new(name),
        }
    }
}

impl Rule {
    fn value(self) -> Option<Value> {
        match self {
            Self::Theirs(value) | Self::Ours(value) | Self::OursIf(value) => {
                Value::new(value.to_string())
            }
            Self::Forbidden => None,
        }
    }

    fn push(self) -> Option<(Value, Precedence)> {
        let precedence = match self {
            Self::Theirs(_) => Precedence::Theirs,
            Self::Ours(_) => Precedence::Ours,
            Self::OursIf(_) => Precedence::OursIf(is_stricter),
            Self::Forbidden => return None,
        };
        Some((self.value()?, precedence))
    }
}

/// Some of one length, some in capitals.
const NAMES: &[&str] = &[
    "a",
    "b",
    "A",
    "aa",
    "ab",
    "server",
    "Server",
    "x-frame-options",
    "X-Frame-Options",
    "content-security-policy",
    "set-cookie",
    "vary",
];
