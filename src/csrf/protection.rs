//! The layer.

use std::sync::Arc;
use std::time::Duration;

use super::ConfigError;
use super::decision::{Decision, Reason};
use super::origin::Origins;
use super::policy::{Policy, is_safe};
use super::ruling::{Ruling, Rulings};
use super::token::{Tokens, refusal};
use super::vary::vary;
use crate::adapters::adapt;
use crate::clock::{Clock, SystemClock};
use crate::context::Context;
use crate::cookies::{self, check_name};
use crate::event::{EventName, Reporter, SecurityEvent, Severity, report};
use crate::head::{RequestHead, ResponseHead};
use crate::keys::KeyRing;
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;
use crate::path::ExactPaths;
use crate::refusal::Refusal;

/// Refuses requests that another site has made a browser send.
///
/// **The attack.** A page of somebody else's sends a form to your site, and the visitor's browser adds
/// his cookie. He has bought, paid, or deleted what he never saw. `SameSite` keeps no sibling from
/// it: a page on another subdomain is of the same site.
///
/// **The rule.** Fetch Metadata Request Headers (W3C); RFC 6454; OWASP's CSRF Prevention Cheat Sheet;
/// ASVS 5.0, 3.5.1 to 3.5.3.
///
/// - What is decided, in which order, is a [table](super#what-is-decided). The handler is not called
///   for what is refused, and no byte of a body is read by this layer.
/// - A refusal is 403 and the event `x_csrf_denied` with a [`Reason`].
/// - Where an answer to `GET` depends on where the request comes from, it says so: `Vary`.
///
/// What it does not do: a script that runs in one of the site's own pages is the site, to a browser
/// and so to this layer. And what comes with no sign of its origin and without a protected cookie
/// passes, a login among it: such a request has no authority to abuse.
///
/// See the [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "requests are checked only on their way to a service that is behind it"]
pub struct CsrfProtection(Arc<Policy>);

impl CsrfProtection {
    /// For a site that people see under these origins: scheme, host and port. Without https an origin
    /// can be `localhost` alone.
    pub fn new<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let mut own = Origins::default();
        for origin in origins {
            own.add(origin.as_ref())?;
        }
        if own.is_empty() {
            return Err(ConfigError::NoOrigins);
        }
        Ok(Self(Arc::new(Policy {
            own,
            trusted: Origins::default(),
            protected: Vec::new(),
            tokens: None,
            clock: Arc::new(SystemClock::default()),
            exempt: ExactPaths::default(),
            checked_reads: ExactPaths::default(),
            forms: ExactPaths::default(),
            report_only: false,
            allow_no_signal: false,
            strict: false,
        })))
    }

    /// Lets the pages of another origin send what they like: a partner's, a sibling's, another one of
    /// your own. Whoever can put a script there can do here what its visitors can.
    pub fn trust(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.policy().trusted.add(origin)?;
        Ok(self)
    }

    /// Names the cookies that have the authority of a user. What comes with no sign of its origin, as
    /// from a program, then passes if it has none of them. Without this it passes only if it has
    /// neither `Cookie` nor `Authorization` at all.
    ///
    /// Do not call it where browsers are let in by what else they send by themselves, such as a
    /// password by HTTP Basic.
    pub fn protect_cookies(
        mut self,
        names: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, ConfigError> {
        let protected = &mut self.policy().protected;
        for name in names {
            check_name(name)?;
            if protected.contains(&name) {
                return Err(cookies::ConfigError::Twice { name }.into());
            }
            protected.push(name);
        }
        if protected.is_empty() {
            return Err(cookies::ConfigError::NoNames.into());
        }
        Ok(self)
    }

    /// Lets a request with no sign of its origin pass if it has a [token](super::CsrfToken) of its
    /// session: in the header `X-CSRF-Token`, or [in a form](Self::token_in_form). Tokens of another
    /// application with the same keys are nothing here, so around a route one application has tokens:
    /// what satisfies one of two layers is refused by the other.
    pub fn tokens(mut self, ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        if self.0.protected.is_empty() {
            return Err(ConfigError::NothingToBindTo);
        }
        let tokens = Tokens::new(ring, app)?;
        self.policy().tokens = Some(tokens);
        Ok(self)
    }

    /// How long a token lives: 12 hours, unless you say otherwise.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Result<Self, ConfigError> {
        let tokens = self.policy().tokens.as_mut();
        tokens.ok_or(ConfigError::NoTokens)?.live(lifetime)?;
        Ok(self)
    }

    /// Lets the token for exactly this path stand in the body, as in a form that works without scripts.
    /// A request that needs one passes to its handler, which has to read the body by
    /// [`Verified`](super::Verified) or to [verify](super::CsrfToken::verify) the token itself; if it
    /// does neither, and does not refuse, that is an event of its own, `CRITICAL`.
    pub fn token_in_form(mut self, path: &str) -> Result<Self, ConfigError> {
        if self.0.tokens.is_none() {
            return Err(ConfigError::NoTokens);
        }
        self.policy().forms.add(path)?;
        self.consistent()
    }

    /// Lets everything for exactly this path pass, for a reason that is not empty: "notifications are
    /// signed". Its handler has to find out by itself who has sent a request. The path is the one that was
    /// sent: where something behind a router rewrites paths, what is exempt is what people ask for.
    pub fn exempt(mut self, path: &str, reason: &str) -> Result<Self, ConfigError> {
        if reason.trim().is_empty() {
            return Err(ConfigError::NoReason { path: path.to_owned() });
        }
        self.policy().exempt.add(path)?;
        self.consistent()
    }

    /// Checks `GET` and `HEAD` of this path as if they were `POST`: for a link that logs out. What a
    /// router may take for this path is checked too: `/%6cogout`, `/logout/`.
    ///
    /// A link in a mail program is opened by nobody's page, and so passes, unless the policy is
    /// [strict](Self::strict).
    pub fn check_reads(mut self, path: &str) -> Result<Self, ConfigError> {
        self.policy().checked_reads.add(path)?;
        self.consistent()
    }

    /// Refuses nothing, and reports what would be refused: for the first weeks. Handlers see it by
    /// [`CsrfDecision`](super::CsrfDecision).
    pub fn report_only(mut self) -> Self {
        self.policy().report_only = true;
        self
    }

    /// Lets everything pass that has no sign of its origin, whatever cookies it has, unless a protected
    /// one is there twice: as Go's `http.CrossOriginProtection` does. Browsers from before 2020 are then
    /// not protected.
    pub fn allow_no_signal(mut self) -> Self {
        self.policy().allow_no_signal = true;
        self
    }

    /// Refuses what no page has sent, such as a bookmark's request for a path of
    /// [`check_reads`](Self::check_reads), and what contradicts itself: `Sec-Fetch-Site: same-origin`
    /// with another site's `Origin`. No browser sends that.
    pub fn strict(mut self) -> Self {
        self.policy().strict = true;
        self
    }

    /// The clock by which tokens live.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.policy().clock = clock;
        self
    }

    /// What is decided of a request, by its head alone. Whether the policy is enforced does not matter.
    ///
    /// ```
    /// use donjon::csrf::{CsrfProtection, Decision, Reason};
    ///
    /// let protection = CsrfProtection::new(["https://club.example"])?;
    /// let request = http::Request::post("/transfer")
    ///     .header("sec-fetch-site", "same-site")
    ///     .header("origin", "https://blog.club.example")
    ///     .body(())
    ///     .unwrap();
    /// assert_eq!(protection.decide(&request), Decision::Deny(Reason::SameSite));
    /// # Ok::<_, donjon::csrf::ConfigError>(())
    /// ```
    #[must_use]
    pub fn decide<R: RequestHead>(&self, request: &R) -> Decision {
        self.0.decide(request)
    }

    /// Whether no path is exempt from what is asked for it.
    fn consistent(self) -> Result<Self, ConfigError> {
        let Policy { exempt, checked_reads, forms, .. } = &*self.0;
        let path = exempt.first_of(checked_reads).or(exempt.first_of(forms));
        match path.map(str::to_owned) {
            Some(path) => Err(ConfigError::ExemptAndChecked { path }),
            None => Ok(self),
        }
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }

    /// Tells of what is not refused though it would be, and lets handlers know what they may have to.
    #[cold]
    fn rule<R: RequestHead>(&self, request: &mut R, decision: Decision) -> Option<Box<Watch>> {
        if let Decision::Deny(reason) = decision {
            let draft = SecurityEvent::draft(EventName::CsrfDenied);
            report(request, draft.reason(reason.as_str()));
        }
        let context = Context::of(request);
        let open = decision == Decision::Pending;
        let policy = Arc::clone(&self.0);
        context.rulings(|rulings| rulings.add(Ruling { policy, decision, open }));
        open.then(|| Box::new(Watch { context, reporter: Reporter::of(request) }))
    }
}

/// What [`CsrfProtection`] keeps from the request to its response.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct CsrfMemo {
    /// Whether another origin would have got another answer.
    varies: bool,
    /// A form's token that somebody has to look at.
    watch: Option<Box<Watch>>,
}

#[derive(Debug)]
struct Watch {
    context: Context,
    reporter: Option<Reporter>,
}

impl Middleware for CsrfProtection {
    type Memo = CsrfMemo;
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut CsrfMemo) -> Result<(), Refusal> {
        let policy = &*self.0;
        let decision = policy.decide(request);
        match decision {
            Decision::Deny(reason) if !policy.report_only => return Err(refusal(reason)),
            Decision::Allow(_) if policy.tokens.is_none() => {}
            _ => memo.watch = self.rule(request, decision),
        }
        memo.varies = match decision {
            Decision::Allow(Reason::SafeMethod | Reason::Exempt) => false,
            _ => !policy.report_only && is_safe(request.method()),
        };
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &CsrfMemo, response: &mut H) {
        if memo.varies {
            vary(response);
        }
        if let Some(watch) = &memo.watch {
            watch.end(response.status());
        }
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer {
            name: "CsrfProtection",
            verifies_requests: true,
            only_reports: self.0.report_only,
            origins_over_http: self.0.own.over_http().chain(self.0.trusted.over_http()).collect(),
            ..Layer::default()
        });
    }
}

adapt!(CsrfProtection);

impl Watch {
    /// A handler that was never reached, or that refuses, has nothing to check.
    fn end(&self, status: u16) {
        if status < 400 && self.context.rulings(Rulings::settle) {
            let draft = SecurityEvent::draft(EventName::CsrfDenied).severity(Severity::Critical);
            if let Some(reporter) = &self.reporter {
                reporter.emit(draft.reason(NEVER_LOOKED_AT));
            }
        }
    }
}

const NEVER_LOOKED_AT: &str = "a form token was never looked at";
