//! Tokens, for requests of which nothing else says where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use sha2::{Digest as _, Sha256};

use super::decision::Reason;
use super::policy::Policy;
use super::{ConfigError, FIELD, Rulings};
use crate::context::Context;
use crate::cookies::{CookieView, Found, SealContext, Sealer};
use crate::event::{EventName, Reporter};
use crate::head::RequestHead;
use crate::keys::KeyRing;
use crate::refusal::Refusal;

/// Makes the tokens of one session, and checks them.
///
/// **The attack.** A request without `Sec-Fetch-Site` and `Origin` may be an old browser's that
/// another site has made send it. A token that belongs to no session is no proof: the attacker gets
/// one for himself and puts it into the victim's form. One that is the same in every answer is read
/// out of the compressed page, byte by byte (BREACH).
///
/// **The rule.** OWASP's CSRF Prevention Cheat Sheet, on tokens of a session; ASVS 5.0, 3.5.1.
///
/// - A token is sealed by a [`Sealer`](crate::cookies::Sealer) for the session: the one that a session
///   layer further out knows, or else the bytes of the protected cookies. Another session's is nothing,
///   nor is one that was made before somebody signed in.
/// - Two tokens have nothing in common that is secret, and both are good until they expire.
/// - One for a [purpose](Self::for_purpose) is good for that alone, and only where a handler
///   [asks](Self::verify).
///
/// In axum and actix-web it is an extractor (features `axum` and `actix`). Where there is no
/// [`CsrfProtection`](super::CsrfProtection) with tokens around the route it answers 500.
///
/// What it does not do: a page with a token in it is for one visitor, and it keeps no cache from storing
/// it. Say `Cache-Control: no-store`. And where the protected cookie itself changes, as at a login,
/// tokens from before are void: the answer that sets it is no place for one.
///
/// See the [module docs](super#tokens) for an example.
#[derive(Clone)]
pub struct CsrfToken {
    policy: Arc<Policy>,
    context: Context,
    cookies: Binding,
    reporter: Option<Reporter>,
}

impl CsrfToken {
    /// The tokens of a request's session, where there is no extractor. `None` if no
    /// [`CsrfProtection`](super::CsrfProtection) with tokens is around it.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let context: Context = request.extension()?;
        let policy = context.rulings(|rulings| rulings.with_tokens())?;
        Some(Self::new(policy, context, request))
    }

    pub(super) fn new<R: RequestHead>(policy: Arc<Policy>, context: Context, request: &R) -> Self {
        let cookies = Binding::of_cookies(&policy, request);
        Self { policy, context, cookies, reporter: Reporter::of(request) }
    }

    /// A token, for the header `X-CSRF-Token` or the field `csrf_token`.
    #[must_use]
    pub fn issue(&self) -> String {
        self.for_purpose("")
    }

    /// A token for one purpose, such as `"transfer"`: no layer takes it, and no handler but that which
    /// [verifies](Self::verify) this purpose.
    #[must_use]
    pub fn for_purpose(&self, purpose: &str) -> String {
        let seal = |tokens: &Tokens| tokens.seal(&self.policy, self.binding(), purpose);
        // Nothing that was checked when the policy was built can fail here. If it did, what is not
        // sealed opens nothing.
        self.policy.tokens.as_ref().and_then(seal).unwrap_or_default()
    }

    /// A token as the field of a form.
    #[must_use]
    pub fn hidden_input(&self) -> String {
        // Letters, digits, - and _ need no escaping.
        format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{}\">", self.issue())
    }

    /// A token in a page's head, for scripts.
    #[must_use]
    pub fn meta(&self) -> String {
        format!("<meta name=\"csrf-token\" content=\"{}\">", self.issue())
    }

    /// Checks a token that was made for this purpose, `""` being that of [`issue`](Self::issue). The
    /// refusal is 403, and has been told the [event log](crate::event).
    pub fn verify(&self, purpose: &str, token: &str) -> Result<(), Refusal> {
        self.context.rulings(Rulings::settle);
        if self.opens(purpose, token) { Ok(()) } else { Err(self.deny(Reason::InvalidToken)) }
    }

    /// What a layer would have said, had it seen the token in the body.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(super) fn check(&self, token: Option<&str>) -> Result<(), Refusal> {
        let reason = match token {
            Some(token) if self.opens("", token) => return Ok(()),
            Some(_) => Reason::InvalidToken,
            None => Reason::TokenMissing,
        };
        let refusal = self.deny(reason);
        if self.policy.report_only { Ok(()) } else { Err(refusal) }
    }

    fn opens(&self, purpose: &str, token: &str) -> bool {
        let opens =
            |tokens: &Tokens| tokens.opens(&self.policy, self.binding(), purpose, token.as_bytes());
        self.policy.tokens.as_ref().is_some_and(opens)
    }

    fn deny(&self, reason: Reason) -> Refusal {
        let refusal = refusal(reason);
        if let Some(reporter) = &self.reporter {
            reporter.refused(&refusal);
        }
        refusal
    }

    /// Whose it is now: somebody may have signed in since the request came.
    fn binding(&self) -> Binding {
        Binding::of_session(&self.context).unwrap_or(self.cookies)
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfToken").finish_non_exhaustive()
    }
}

pub(super) const fn refusal(reason: Reason) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, reason.as_str()).with_event(EventName::CsrfDenied)
}

/// How tokens are made.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    sealer: Sealer,
    lifetime: Duration,
}

impl Tokens {
    pub(super) fn new(ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        Ok(Self { sealer: Sealer::encrypted(ring, app, "csrf")?, lifetime: LIFETIME })
    }

    pub(super) fn live(&mut self, lifetime: Duration) -> Result<(), ConfigError> {
        if !(SHORTEST..=LONGEST).contains(&lifetime) {
            return Err(ConfigError::Lifetime { lifetime });
        }
        self.lifetime = lifetime;
        Ok(())
    }

    /// Whether this is a token of the request's session, for no purpose but that it passes.
    pub(super) fn open<R: RequestHead>(&self, policy: &Policy, request: &R, token: &[u8]) -> bool {
        let binding = request.look(Binding::of_session).flatten();
        let binding = binding.unwrap_or_else(|| Binding::of_cookies(policy, request));
        self.opens(policy, binding, "", token)
    }

    fn opens(&self, policy: &Policy, binding: Binding, purpose: &str, token: &[u8]) -> bool {
        let audience = binding.with(purpose);
        let context = SealContext::new(NAME).audience(&audience);
        self.sealer.open(&context, token, policy.clock.now()).is_ok()
    }

    /// There is nothing in a token: what is sealed is for whom it is, and until when. What is random
    /// is the nonce, and with it all that comes after it.
    fn seal(&self, policy: &Policy, binding: Binding, purpose: &str) -> Option<String> {
        let now = policy.clock.now();
        let audience = binding.with(purpose);
        let context = SealContext::new(NAME).audience(&audience);
        self.sealer.seal(&context, &[], now.checked_add(self.lifetime)?, now).ok()
    }
}

/// Whose a token is: a kind in one byte, and a digest.
#[derive(Clone, Copy)]
struct Binding([u8; 33]);

impl Binding {
    fn of_session(context: &Context) -> Option<Self> {
        let session = context.session()?.digest()?;
        Some(Self::new(b's', session.as_bytes()))
    }

    /// Of the protected cookies that are there, by their exact bytes.
    fn of_cookies<R: RequestHead>(policy: &Policy, request: &R) -> Self {
        let cookies = CookieView::of(request);
        let mut digest = None;
        for name in &policy.protected {
            // One that is there twice is nobody's; the layer refuses such a request.
            let value = match cookies.get(name) {
                Found::One(value) => value,
                Found::Absent | Found::Ambiguous => continue,
            };
            let digest = digest.get_or_insert_with(Sha256::new);
            for part in [name.as_bytes(), value] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        match digest {
            Some(digest) => Self::new(b'c', &digest.finalize().into()),
            None => Self::new(b'-', &[0; 32]),
        }
    }

    fn new(kind: u8, digest: &[u8; 32]) -> Self {
        let mut binding = [kind; 33];
        binding[1..].copy_from_slice(digest);
        Self(binding)
    }

    fn with(&self, purpose: &str) -> Vec<u8> {
        [&self.0, purpose.as_bytes()].concat()
    }
}

const NAME: &str = "csrf";
const LIFETIME: Duration = Duration::from_secs(12 * 3600);
const SHORTEST: Duration = Duration::from_secs(1);
/// As long as a sealer lets anything live.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);
