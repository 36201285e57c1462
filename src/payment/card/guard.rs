//! The guard: what is looked at, and what becomes of it.

use std::sync::Arc;

use http::StatusCode;

use super::ConfigError;
use super::fields::Fields;
use super::hit::Place;
use super::name::{self, Purpose};
use super::policy::{CONTENT_ENCODING, Policy, Responses, is_identity};
use super::watch::{Filter, Stop};
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

impl CardGuard {
    /// Refuses requests, and only says so of responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does not look at the values of fields of this name, in queries, cookies, forms and JSON, and lets
    /// them be named so: for numbers that are right by the same check digit as cards, such as a SIRET.
    /// Case counts for nothing, nor does what is no letter or digit; of `order[siret]` the last part
    /// counts, unless the whole is named for a security code, as `security[code]` is.
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
        // Looked for on the way: to ask the map for one header costs as much as to pass by all of them.
        let mut is_packed = false;
        let see = |name: &str, value: &[u8]| {
            is_packed |= name == CONTENT_ENCODING && !is_identity(value);
        };
        if let Some((hit, place)) = self.0.look_at_head(request, see) {
            let draft = SecurityEvent::draft(EventName::CardData).detail(hit.detail(place));
            event::report(request, draft);
            return Err(hit.refusal());
        }
        let refusal = if is_packed {
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
        let is_heard = reporter.is_some() || self.blocks_responses();
        if self.0.responses == Responses::Ignore || !is_heard {
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

static CONTENT_TYPE: Name = Name::from_static("content-type");
static ACCEPT_ENCODING: Name = Name::from_static("accept-encoding");
static CACHE_CONTROL: Name = Name::from_static("cache-control");
static IDENTITY: Value = Value::from_static("identity");
static NO_STORE: Value = Value::from_static("no-store");
