//! The guard: what is looked at, and what becomes of it.

use std::sync::Arc;

use http::StatusCode;

use super::ConfigError;
use super::fields::Fields;
use super::hit::{Hit, Place};
use super::name::{self, Names, Purpose, Verdict, Written};
use super::scanner;
use super::watch::{Filter, Stop, Watch};
use crate::event::{self, EventName, Reporter, SecurityEvent};
use crate::head::{Name, RequestHead, ResponseHead, Value};
use crate::refusal::Refusal;

/// Refuses requests with card numbers or security codes in them, and says so when one is in a response.
///
/// It is a layer of its own, `.layer(guard)` in tower and `.wrap(guard)` in actix-web, as it looks into
/// bodies, which a [`Stack`](crate::middleware::Stack) does not. It goes inside of the stack that the
/// [`EventLog`](crate::event::EventLog) is in, and outside of whatever decompresses requests or compresses
/// responses.
///
/// See the [module docs](super) for what it does, and an example.
#[derive(Clone, Debug, Default)]
#[must_use = "a guard looks only at requests to a service that is behind it"]
pub struct CardGuard(Arc<Policy>);

#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    pub(super) names: Names,
    exempt_headers: Vec<Box<str>>,
    responses: Responses,
    pub(super) body_limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Responses {
    Ignore,
    #[default]
    Alarm,
    Block,
}

impl CardGuard {
    /// Refuses requests, and only says so of responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does not look at the values of fields of this name, in queries, cookies, forms and JSON, and lets
    /// them be named so: for numbers that are right by the same check digit as cards, such as a SIRET.
    /// Case counts for nothing, nor does what is no letter or digit; of `order[siret]` the last part
    /// counts.
    ///
    /// In JSON that is one text or number; what is in a list or an object below the name is looked at.
    ///
    /// ```
    /// use donjon::payment::card::{CardGuard, ConfigError};
    ///
    /// let guard = CardGuard::new().exempt_field("siret")?.exempt_field("member_card_number")?;
    ///
    /// assert!(CardGuard::new().exempt_field("cvv").is_err(), "nobody may keep these");
    /// # let _ = guard;
    /// # Ok::<_, ConfigError>(())
    /// ```
    pub fn exempt_field(mut self, name: &str) -> Result<Self, ConfigError> {
        if name::purpose(name) == Some(Purpose::SecurityCode) {
            return Err(ConfigError::SecurityCode { value: name.to_owned() });
        }
        if !self.policy_mut().names.exempt(name) {
            return Err(ConfigError::FieldName { value: name.to_owned() });
        }
        Ok(self)
    }

    /// Does not look at this header, of requests and of responses: for ids of sixteen digits and more.
    pub fn exempt_header(mut self, name: &str) -> Result<Self, ConfigError> {
        let parsed =
            Name::new(name).ok_or_else(|| ConfigError::HeaderName { value: name.to_owned() })?;
        self.policy_mut().exempt_headers.push(parsed.as_str().into());
        Ok(self)
    }

    /// Puts an empty 500 in the place of a response with a card number. Where a part of the body has gone
    /// out already it is broken off before the number.
    pub fn block_responses(mut self) -> Self {
        self.policy_mut().responses = Responses::Block;
        self
    }

    /// Does not look at responses.
    pub fn ignore_responses(mut self) -> Self {
        self.policy_mut().responses = Responses::Ignore;
        self
    }

    /// Refuses bodies that are longer, with 413: by `Content-Length` before anything is read, and otherwise
    /// where the limit is passed. Without this there is no limit but that of your framework.
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.policy_mut().body_limit = Some(bytes);
        self
    }

    fn policy_mut(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.0
    }

    /// Lets the head pass or refuses it.
    pub(crate) fn admit<R: RequestHead>(&self, request: &R) -> Result<(), Refusal> {
        if let Some((hit, place)) = self.0.look_at_head(request) {
            let draft = SecurityEvent::draft(EventName::CardData).detail(hit.detail(place));
            event::report(request, draft);
            return Err(hit.refusal());
        }
        let refusal = if request.header(&CONTENT_ENCODING).any(|line| !is_identity(line)) {
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a compressed body")
                .with_header(ACCEPT_ENCODING.clone(), IDENTITY.clone())
        } else if self.0.is_too_long(request) {
            Self::too_long()
        } else {
            return Ok(());
        };
        event::refused(request, &refusal);
        Err(refusal)
    }

    pub(super) const fn too_long() -> Refusal {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "a body that is longer than it may be")
    }

    /// For the body of a request that was let in.
    pub(crate) fn filter_request<R: RequestHead>(&self, request: &R) -> (Filter, Stop) {
        let stop = Stop::default();
        let fields = Fields::of(request.header(&CONTENT_TYPE).next());
        let filter = Filter::of_request(self, fields, Reporter::of(request), stop.clone());
        (filter, stop)
    }

    /// Who reports what is in the response.
    pub(crate) fn reporter<R: RequestHead>(&self, request: &R) -> Option<Reporter> {
        match self.0.responses {
            Responses::Ignore => None,
            _ => Reporter::without_route(request),
        }
    }

    pub(crate) fn blocks_responses(&self) -> bool {
        self.0.responses == Responses::Block
    }

    /// Looks at the head of a response; the answer to give in its place, if it is to be blocked.
    pub(crate) fn look_at_response<H: ResponseHead>(
        &self,
        response: &H,
        reporter: Option<&Reporter>,
    ) -> Result<(), Refusal> {
        if self.0.responses == Responses::Ignore {
            return Ok(());
        }
        let Some(hit) = self.0.look_at_headers(response.all_headers(), false) else {
            return Ok(());
        };
        if let Some(reporter) = reporter {
            let detail = hit.0.detail(Place::ResponseHeader);
            reporter.emit(SecurityEvent::draft(EventName::CardData).detail(detail));
        }
        if self.blocks_responses() { Err(Self::blocked()) } else { Ok(()) }
    }

    /// The answer in place of a response that holds a card number.
    pub(crate) fn blocked() -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a card number in the response")
            .bare()
            .with_header(CACHE_CONTROL.clone(), NO_STORE.clone())
    }

    /// For the body of a response.
    pub(crate) fn filter_response<H: ResponseHead>(
        &self,
        response: &H,
        reporter: Option<Reporter>,
        stop: Option<Stop>,
    ) -> Option<Filter> {
        let blocks = self.blocks_responses();
        let looks = blocks || reporter.is_some();
        if !looks && stop.is_none() {
            return None;
        }
        let fields = if self.0.names.has_exempt() {
            let content_type = response.header(&CONTENT_TYPE).next();
            Fields::of(content_type)
        } else {
            Fields::None
        };
        Some(Filter::of_response(self, fields, reporter, stop, (looks, blocks)))
    }
}

impl Policy {
    fn look_at_head<R: RequestHead>(&self, request: &R) -> Option<(Hit, Place)> {
        let target = request.path_and_query();
        self.look_at_address(target.as_bytes(), (Place::Path, Place::Query), true)
            .or_else(|| {
                // Another server's name is in no header in HTTP/2.
                let hit = request.authority().and_then(|host| Self::look(host.as_bytes()));
                hit.map(|hit| (hit, Place::Header))
            })
            .or_else(|| self.look_at_headers(request.all_headers(), true))
    }

    fn look_at_headers<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        of_request: bool,
    ) -> Option<(Hit, Place)> {
        for (name, value) in headers {
            if self.exempt_headers.iter().any(|exempt| **exempt == *name) {
                continue;
            }
            let plain_name = name.strip_prefix("x-").unwrap_or(name);
            if of_request
                && let Verdict::Refused(purpose) =
                    self.names.verdict(plain_name.as_bytes(), Written::Plainly)
            {
                return Some((Hit::Field(purpose), Place::Header));
            }
            let hit = match name {
                "cookie" | "set-cookie" => {
                    let hit = self.look_at_fields(value, Written::Plainly, of_request);
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
        let end = memchr::memchr(b'?', address).unwrap_or(address.len());
        let (path, query) = address.split_at(end);
        let hit = Self::look(path).map(|hit| (hit, path_is));
        hit.or_else(|| {
            let query = query.get(1..).filter(|query| !query.is_empty())?;
            let hit = self.look_at_fields(query, Written::InAddress, of_request);
            hit.map(|hit| (hit, query_is))
        })
    }

    /// Looks at a value that is nothing but a text.
    fn look(value: &[u8]) -> Option<Hit> {
        if !scanner::pays(value) {
            return None;
        }
        scanner::first_in(value).map(Hit::Number)
    }

    /// Looks at a value of fields.
    fn look_at_fields(&self, value: &[u8], written: Written, of_request: bool) -> Option<Hit> {
        let between = if written == Written::InAddress { b'&' } else { b';' };
        if !scanner::pays(value) {
            let named = |pair: &[u8]| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                match self.names.verdict(name, written) {
                    Verdict::Refused(purpose) if of_request => Some(Hit::Field(purpose)),
                    _ => None,
                }
            };
            return value.split(|byte| *byte == between).find_map(named);
        }
        let mut watch = Watch::new(Fields::pairs(between, written), of_request);
        watch.push(value, &self.names).or_else(|| watch.finish(&self.names))
    }

    fn is_too_long<R: RequestHead>(&self, request: &R) -> bool {
        let Some(limit) = self.body_limit else { return false };
        let length = request.header(&CONTENT_LENGTH).next();
        let length =
            length.and_then(|length| std::str::from_utf8(length).ok()?.parse::<u64>().ok());
        length.is_some_and(|length| length > limit)
    }
}

/// Nothing is compressed.
fn is_identity(line: &[u8]) -> bool {
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

static CONTENT_TYPE: Name = Name::from_static("content-type");
static CONTENT_LENGTH: Name = Name::from_static("content-length");
static CONTENT_ENCODING: Name = Name::from_static("content-encoding");
static ACCEPT_ENCODING: Name = Name::from_static("accept-encoding");
static CACHE_CONTROL: Name = Name::from_static("cache-control");
static IDENTITY: Value = Value::from_static("identity");
static NO_STORE: Value = Value::from_static("no-store");
