//! The decision, on the head of a request alone.

use std::sync::Arc;

use super::decision::{Decision, Reason};
use super::origin::Origins;
use super::token::Tokens;
use crate::client::Host;
use crate::clock::Clock;
use crate::cookies::{CookieView, Found};
use crate::head::{Name, RequestHead, asks_for_websocket};
use crate::path::{ExactPaths, decoded};

#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) own: Origins,
    pub(super) trusted: Origins,
    pub(super) protected: Vec<&'static str>,
    pub(super) tokens: Option<Tokens>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) exempt: ExactPaths,
    pub(super) checked_reads: ExactPaths,
    pub(super) forms: ExactPaths,
    pub(super) report_only: bool,
    pub(super) allow_no_signal: bool,
    pub(super) strict: bool,
}

impl Policy {
    pub(super) fn decide<R: RequestHead>(&self, request: &R) -> Decision {
        let site = Site::of(request);
        if is_safe(request.method()) && !self.checks_read(request, site) {
            return Decision::Allow(Reason::SafeMethod);
        }
        self.check(request, site)
    }

    /// Whether a request whose method changes nothing is checked all the same.
    fn checks_read<R: RequestHead>(&self, request: &R, site: Site) -> bool {
        // A browser asks by OPTIONS before it sends what it was asked to.
        if self.checked_reads.may_hold(request) && request.method() != "OPTIONS" {
            return true;
        }
        // An answer to it may be kept by a cache, which is to know what it depends on.
        if overrides_method_in_query(request) {
            return true;
        }
        // No page of another site's makes a browser say one of these, whatever else there is.
        let passes = matches!(site, Site::Same | Site::None) && !self.strict;
        !passes && (asks_for_websocket(request) || overrides_method(request))
    }

    fn check<R: RequestHead>(&self, request: &R, site: Site) -> Decision {
        let repeats = request.repeats_headers();
        // Where the browser has said it, and nothing is there twice, `Origin` changes nothing.
        let matters = repeats || self.strict || site == Site::Unsaid || !self.trusted.is_empty();
        let origin = if matters { single(request, &ORIGIN) } else { Ok(None) };
        let has_one_host = names_one_host(request, repeats);
        let (Ok(origin), false, true) = (origin, site == Site::Ambiguous, has_one_host) else {
            return Decision::Deny(Reason::AmbiguousHeaders);
        };
        if self.exempt.hold(request) {
            return Decision::Allow(Reason::Exempt);
        }
        if origin.is_some_and(|origin| self.trusted.hold(origin)) {
            return Decision::Allow(Reason::TrustedOrigin);
        }
        match site {
            Site::Same if self.strict && !origin.is_none_or(|origin| self.may_be_own(origin)) => {
                Decision::Deny(Reason::CrossOrigin)
            }
            Site::Same => Decision::Allow(Reason::SameOrigin),
            Site::None if self.strict => Decision::Deny(Reason::UserInitiated),
            Site::None => Decision::Allow(Reason::UserInitiated),
            Site::Sibling => Decision::Deny(Reason::SameSite),
            Site::Other | Site::Ambiguous => Decision::Deny(Reason::CrossSite),
            Site::Unsaid => match origin {
                Some(origin) if self.own.hold(origin) => Decision::Allow(Reason::OwnOrigin),
                Some(b"null") => Decision::Deny(Reason::NullOrigin),
                Some(_) => Decision::Deny(Reason::CrossOrigin),
                None => self.decide_without_signal(request),
            },
        }
    }

    /// A page of one's own whose referrer policy is `no-referrer` is `null`, and the browser says all
    /// the same that it is of the same origin. A page in a sandbox never is.
    fn may_be_own(&self, origin: &[u8]) -> bool {
        origin == b"null" || self.own.hold(origin)
    }

    /// An old browser, or a program.
    fn decide_without_signal<R: RequestHead>(&self, request: &R) -> Decision {
        match self.credentials(request) {
            Credentials::Absent => return Decision::Allow(Reason::NoAmbientCredentials),
            Credentials::Ambiguous => return Decision::Deny(Reason::AmbiguousCookie),
            // Fails open, as whoever calls `allow_no_signal` asks for.
            Credentials::Present if self.allow_no_signal => {
                return Decision::Allow(Reason::NoSignal);
            }
            Credentials::Present => {}
        }
        let Some(tokens) = &self.tokens else {
            return Decision::Deny(Reason::NoSignal);
        };
        match single(request, &TOKEN) {
            Ok(None) if self.forms.hold(request) => Decision::Pending,
            Ok(None) => Decision::Deny(Reason::TokenMissing),
            Ok(Some(token)) if tokens.open(self, request, token) => Decision::Allow(Reason::Token),
            Ok(Some(_)) | Err(Several) => Decision::Deny(Reason::InvalidToken),
        }
    }

    fn credentials<R: RequestHead>(&self, request: &R) -> Credentials {
        if self.protected.is_empty() {
            // Nobody has said which ones count, so all do.
            let any = [&COOKIE, &AUTHORIZATION].map(|name| request.header(name).next().is_some());
            return if any.contains(&true) { Credentials::Present } else { Credentials::Absent };
        }
        let cookies = CookieView::of(request);
        self.protected.iter().map(|name| cookies.get(name)).fold(
            Credentials::Absent,
            |known, found| match (known, found) {
                (Credentials::Ambiguous, _) | (_, Found::Ambiguous) => Credentials::Ambiguous,
                (_, Found::One(_)) => Credentials::Present,
                (known, Found::Absent) => known,
            },
        )
    }
}

/// What the browser says of who has made it send the request: Fetch Metadata, section 2.4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Site {
    /// Nothing.
    Unsaid,
    Same,
    /// The user.
    None,
    Sibling,
    /// Another site, or what is not known.
    Other,
    Ambiguous,
}

impl Site {
    fn of<R: RequestHead>(request: &R) -> Self {
        match single(request, &SEC_FETCH_SITE) {
            Ok(None) => Self::Unsaid,
            // Nearly all say this. It is compared at once, and a pattern would be byte by byte.
            Ok(Some(value)) if value == b"same-origin" => Self::Same,
            Ok(Some(b"none")) => Self::None,
            Ok(Some(b"same-site")) => Self::Sibling,
            // Two lines that somebody on the way has made one of.
            Ok(Some(value)) if value.contains(&b',') => Self::Ambiguous,
            Ok(Some(_)) => Self::Other,
            Err(Several) => Self::Ambiguous,
        }
    }
}

/// What in a request has the authority of a user without a page's doing.
enum Credentials {
    Absent,
    Present,
    Ambiguous,
}

pub(super) struct Several;

/// A header's only value.
fn single<'a, R: RequestHead>(request: &'a R, name: &'a Name) -> Result<Option<&'a [u8]>, Several> {
    let mut lines = request.header(name);
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => Err(Several),
    }
}

/// RFC 9110, section 9.2.1, without TRACE. Names of methods are what they are, letter for letter.
pub(super) fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// Whether what is inside may take the method for one that is not safe.
fn overrides_method<R: RequestHead>(request: &R) -> bool {
    let is_unsafe = |value: &[u8]| !SAFE.iter().any(|safe| value.eq_ignore_ascii_case(safe));
    let by_header = |name: &Name| request.header(name).any(|value| is_unsafe(value.trim_ascii()));
    OVERRIDES.iter().any(by_header)
}

fn overrides_method_in_query<R: RequestHead>(request: &R) -> bool {
    let query = request.path_and_query().split_once('?').map_or("", |(_, query)| query);
    query.split(['&', ';']).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        decoded(name).eq(*b"_method") && {
            let value = || decoded(value).map(|byte| byte.to_ascii_uppercase());
            !SAFE.iter().any(|safe| value().eq(safe.iter().copied()))
        }
    })
}

/// Whether the request is for one host. Which one does not matter here.
fn names_one_host<R: RequestHead>(request: &R, repeats: bool) -> bool {
    let authority = request.authority();
    if !repeats && authority.is_none() {
        return true;
    }
    match (single(request, &HOST), authority) {
        (Err(Several), _) => false,
        (Ok(Some(host)), Some(target)) => {
            host == target.as_bytes()
                || Host::parse(host)
                    .is_some_and(|host| Some(host) == Host::parse(target.as_bytes()))
        }
        (Ok(_), _) => true,
    }
}

const SAFE: [&[u8]; 3] = [b"GET", b"HEAD", b"OPTIONS"];

static AUTHORIZATION: Name = Name::from_static("authorization");
static COOKIE: Name = Name::from_static("cookie");
static HOST: Name = Name::from_static("host");
static ORIGIN: Name = Name::from_static("origin");
static OVERRIDES: [Name; 3] = [
    Name::from_static("x-http-method"),
    Name::from_static("x-http-method-override"),
    Name::from_static("x-method-override"),
];
static SEC_FETCH_SITE: Name = Name::from_static("sec-fetch-site");
static TOKEN: Name = Name::from_static("x-csrf-token");
