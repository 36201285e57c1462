//! What a guard looks at in the head of a request or a response, and what it lets be.

use memchr::memchr;

use super::eight::first_of;
use super::fields::Fields;
use super::glance::pays;
use super::hit::{Hit, Place};
use super::name::{Names, Verdict, Written};
use super::scanner::first_in;
use super::watch::Watch;
use crate::head::{Name, RequestHead};

/// What a guard was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    pub(super) names: Names,
    pub(super) exempt_headers: Vec<Box<str>>,
    pub(super) responses: Responses,
    pub(super) body_limit: Option<u64>,
}

/// What becomes of responses with a number.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Responses {
    Ignore,
    #[default]
    Alarm,
    Block,
}

impl Policy {
    pub(super) fn look_at_head<R: RequestHead>(
        &self,
        request: &R,
        mut see: impl FnMut(&str, &[u8]),
    ) -> Option<(Hit, Place)> {
        let target = request.path_and_query();
        self.look_at_address(target.as_bytes(), (Place::Path, Place::Query), true)
            .or_else(|| {
                // Another server's name is in no header in HTTP/2.
                let hit = request.authority().and_then(|host| Self::look(host.as_bytes()));
                hit.map(|hit| (hit, Place::Header))
            })
            .or_else(|| {
                let headers = request.all_headers().inspect(|(name, value)| see(name, value));
                self.look_at_headers(headers, true)
            })
    }

    pub(super) fn look_at_headers<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        of_request: bool,
    ) -> Option<(Hit, Place)> {
        for (name, value) in headers {
            if self.exempt_headers.iter().any(|exempt| **exempt == *name) {
                continue;
            }
            if of_request && let Some(purpose) = self.names.purpose_of_header(name) {
                return Some((Hit::Field(purpose), Place::Header));
            }
            let hit = match name {
                "cookie" | "set-cookie" => {
                    let hit = self.look_at_fields(value, b';', of_request);
                    hit.map(|hit| (hit, Place::Cookie))
                }
                "referer" | "location" | "content-location" => {
                    self.look_at_address(value, (Place::Header, Place::Header), of_request)
                }
                "traceparent" if is_traceparent(value) => None,
                "x-cloud-trace-context" if is_cloud_trace(value) => None,
                _ => Self::look(value).map(|hit| (hit, Place::Header)),
            };
            if hit.is_some() {
                return hit;
            }
        }
        None
    }

    fn look_at_address(
        &self,
        address: &[u8],
        (path_is, query_is): (Place, Place),
        of_request: bool,
    ) -> Option<(Hit, Place)> {
        let end = memchr(b'?', address).unwrap_or(address.len());
        let (path, query) = address.split_at(end);
        let hit = Self::look(path).map(|hit| (hit, path_is));
        hit.or_else(|| {
            let query = query.get(1..).filter(|query| !query.is_empty())?;
            let hit = self.look_at_fields(query, b'&', of_request);
            hit.map(|hit| (hit, query_is))
        })
    }

    /// Looks at a value that is nothing but a text.
    fn look(value: &[u8]) -> Option<Hit> {
        if !pays(value) {
            return None;
        }
        first_in(value).map(Hit::Number)
    }

    /// Looks at a value of fields. Those who read cookies take `%63vv` for a name as well as in an address.
    fn look_at_fields(&self, value: &[u8], between: u8, of_request: bool) -> Option<Hit> {
        if !pays(value) {
            if !of_request {
                return None;
            }
            let refused = |name: &[u8]| match self.names.verdict(name, Written::InAddress) {
                Verdict::Refused(purpose) => Some(Hit::Field(purpose)),
                _ => None,
            };
            return names_of(value, between).find_map(refused);
        }
        self.look_into_fields(value, between, of_request)
    }

    /// The same where a number may be: it hardly ever comes to this.
    #[inline(never)]
    fn look_into_fields(&self, value: &[u8], between: u8, of_request: bool) -> Option<Hit> {
        let mut watch = Watch::new(Fields::pairs(between, Written::InAddress), of_request);
        watch.push(value, &self.names).or_else(|| watch.finish(&self.names))
    }

    pub(super) fn is_too_long<R: RequestHead>(&self, request: &R) -> bool {
        let Some(limit) = self.body_limit else { return false };
        let length = request.header(&CONTENT_LENGTH).next();
        let length =
            length.and_then(|length| std::str::from_utf8(length).ok()?.parse::<u64>().ok());
        length.is_some_and(|length| length > limit)
    }
}

/// The names of `name=value`, and what stands there without a value.
fn names_of(pairs: &[u8], between: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(pairs);
    std::iter::from_fn(move || {
        let pairs = rest?;
        let (name, value) = pairs.split_at(first_of([b'=', between], pairs).unwrap_or(pairs.len()));
        rest = first_of([between], value).map(|next| &value[next + 1..]);
        Some(name)
    })
}

/// Nothing is compressed.
pub(super) fn is_identity(line: &[u8]) -> bool {
    line.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
}

/// Of W3C Trace Context, version 00: ids in hexadecimal, which now and then are all digits.
fn is_traceparent(value: &[u8]) -> bool {
    let is_id = |id: &[u8]| id.iter().all(u8::is_ascii_hexdigit);
    value.len() == 55
        && [(0, 2), (3, 35), (36, 52), (53, 55)].iter().all(|(from, to)| {
            is_id(&value[*from..*to]) && value.get(*to).is_none_or(|byte| *byte == b'-')
        })
}

/// What Google Cloud's load balancers add to each request: a trace in hexadecimal, and a span, which is a
/// number of any 64 bits.
fn is_cloud_trace(value: &[u8]) -> bool {
    let Some((trace, [b'/', rest @ ..])) = value.split_at_checked(32) else { return false };
    let span = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    trace.iter().all(u8::is_ascii_hexdigit)
        && (1..=20).contains(&span)
        && matches!(&rest[span..], [] | [b';', b'o', b'=', b'0'..=b'9'])
}

pub(super) const CONTENT_ENCODING: &str = "content-encoding";
static CONTENT_LENGTH: Name = Name::from_static("content-length");
