//! Cookies that come in, before any handler sees them.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::ConfigError;
use super::error::check_name;
use super::lookalike::lookalike;
use super::scan::{Parts, trim};
use super::view::{COOKIE, CookieView, Pair, Times};
use crate::adapters::adapt;
use crate::event::{Detail, EventName, SecurityEvent, report};
use crate::head::{RequestHead, Rewrite};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// Keeps cookies away from handlers that may be taken for the session's.
///
/// **The attack.** A sibling site plants a second cookie of the session's name for another path, or
/// one that a careless parser takes for it. The victim is then logged in as the attacker, and types
/// a card number into the attacker's account.
///
/// **The rule.** draft-ietf-httpbis-layered-cookies as of 2026-07, on cookies of the same name; OWASP
/// ASVS 5.0, 3.3.
///
/// - A protected cookie that is there more than once, or may be among what is not read of a flood of
///   cookies, is refused with 400 and the event `input_validation_fail`; or, with
///   [`strip_ambiguous`](Self::strip_ambiguous), no handler sees any of them.
/// - What looks like a protected cookie is the event `x_cookie_lookalike`; with
///   [`strip_lookalikes`](Self::strip_lookalikes) no handler sees it. Give the names of cookies that
///   no other cookie of yours resembles.
/// - Every parser behind this layer gets the same cookies: what is stripped is stripped of the header.
///   What is not read is stripped whole.
///
/// What it does not do: it knows nothing of values, so it does not know a planted cookie that comes
/// alone. Names with the prefix `__Host-` cannot be planted by sibling sites.
///
/// # Deployment caveats
///
/// In actix-web what an outer middleware has already parsed stays parsed, so this layer goes first.
/// Stripping there needs that no outer middleware of yours holds on to a clone of the `HttpRequest`:
/// see [`RequestHead::rewrite`].
///
/// See the [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "cookies are guarded only in requests to a service that is behind it"]
pub struct GuardCookies(Arc<Policy>);

#[derive(Clone, Debug)]
struct Policy {
    names: Vec<&'static str>,
    strip_ambiguous: bool,
    strip_lookalikes: bool,
    accept_identical: bool,
}

impl GuardCookies {
    /// Protects the cookies of these names.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Result<Self, ConfigError> {
        let mut known: Vec<&'static str> = Vec::new();
        for name in names {
            check_name(name)?;
            if known.contains(&name) {
                return Err(ConfigError::Twice { name });
            }
            known.push(name);
        }
        if known.is_empty() {
            return Err(ConfigError::NoNames);
        }
        Ok(Self(Arc::new(Policy {
            names: known,
            strip_ambiguous: false,
            strip_lookalikes: false,
            accept_identical: false,
        })))
    }

    /// Lets the request pass without any of the cookies of which there are several, and without what
    /// looks like them. Whoever asks is then nobody, instead of one of two.
    pub fn strip_ambiguous(mut self) -> Self {
        self.policy().strip_ambiguous = true;
        self
    }

    /// Lets the request pass without what looks like a protected cookie.
    pub fn strip_lookalikes(mut self) -> Self {
        self.policy().strip_lookalikes = true;
        self
    }

    /// Lets a protected cookie be there several times if its values are the same bytes. It is an event
    /// all the same.
    pub fn accept_identical(mut self) -> Self {
        self.policy().accept_identical = true;
        self
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }
}

impl Policy {
    fn admit_name<R: RequestHead>(
        &self,
        name: &'static str,
        request: &mut R,
    ) -> Result<(), Refusal> {
        let seen = CookieView::of(request).see(name, true);
        if let Some(how) = seen.lookalike {
            tell(request, EventName::CookieLookalike, name, how.as_str());
        }
        let (reason, accepted) = match seen.times {
            Times::Once => {
                if seen.lookalike.is_some() && self.strip_lookalikes {
                    strip(request, |pair| lookalike(pair, name).is_some())?;
                }
                return Ok(());
            }
            Times::Identical => (TWICE, self.accept_identical),
            Times::Different => (TWICE, false),
            Times::Unknown => (TOO_MANY, false),
        };
        if accepted {
            tell(request, EventName::InputValidationFail, name, reason);
            if seen.lookalike.is_some() && self.strip_lookalikes {
                strip(request, |pair| !pair.is(name) && lookalike(pair, name).is_some())?;
            }
            return Ok(());
        }
        if !self.strip_ambiguous {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
        }
        tell(request, EventName::InputValidationFail, name, reason);
        let all = seen.times == Times::Unknown;
        strip(request, |pair| all || pair.is(name) || lookalike(pair, name).is_some())
    }
}

#[cold]
fn tell<R: RequestHead>(request: &R, event: EventName, name: &'static str, reason: &'static str) {
    report(request, SecurityEvent::draft(event).detail(Detail::Cookie { name, reason }));
}

/// Takes pairs out of every line of `Cookie`. What stays keeps its bytes.
#[cold]
fn strip<R: RequestHead>(request: &mut R, goes: impl Fn(&Pair<'_>) -> bool) -> Result<(), Refusal> {
    let stripped = request.rewrite(&COOKIE, |line| {
        let pairs = || Parts(Some(line));
        if !pairs().any(|pair| goes(&Pair::parse(pair))) {
            return Rewrite::Keep;
        }
        let mut kept = Vec::with_capacity(line.len());
        for pair in pairs().filter(|pair| !goes(&Pair::parse(pair))) {
            if !kept.is_empty() {
                kept.push(b';');
            }
            kept.extend_from_slice(pair);
        }
        match trim(&kept) {
            [] => Rewrite::Drop,
            kept => Rewrite::Replace(Bytes::copy_from_slice(kept)),
        }
    });
    // What cannot be stripped is not let through.
    let unchanged = || Refusal::new(StatusCode::BAD_REQUEST, "the cookies cannot be changed");
    if stripped { Ok(()) } else { Err(unchanged()) }
}

impl Middleware for GuardCookies {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        for name in &self.0.names {
            self.0.admit_name(name, request)?;
        }
        Ok(())
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer { name: "GuardCookies", ..Layer::default() });
    }
}

adapt!(GuardCookies);

const TWICE: &str = "a protected cookie more than once";
const TOO_MANY: &str = "more cookies than are read, and a protected one may be among them";
