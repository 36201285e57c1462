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
    /// The layer nearest to the handler whose tokens these are.
    nearest: Side,
    /// The layers that have left it to the handler to look at a token.
    waiting: Vec<Side>,
    context: Context,
    reporter: Option<Reporter>,
}

/// A layer, and whose token it takes.
#[derive(Clone)]
struct Side {
    policy: Arc<Policy>,
    /// By the protected cookies. `None` if it is nobody's.
    cookies: Option<Binding>,
}

impl CsrfToken {
    /// The tokens of a request's session, where there is no extractor. `None` if no
    /// [`CsrfProtection`](super::CsrfProtection) with tokens is around it.
    #[must_use]
    pub fn of<R: RequestHead>(request: &R) -> Option<Self> {
        let context: Context = request.extension()?;
        let (nearest, waiting) =
            context.rulings(|rulings| rulings.with_tokens().map(|it| (it, rulings.waiting())))?;
        let side =
            |policy: Arc<Policy>| Side { cookies: Binding::of_cookies(&policy, request), policy };
        let waiting = waiting.into_iter().map(side).collect();
        Some(Self { nearest: side(nearest), waiting, context, reporter: Reporter::of(request) })
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
        let Side { policy, .. } = &self.nearest;
        let seal = |tokens: &Tokens| tokens.seal(policy, self.binding(&self.nearest)?, purpose);
        // For a request that is nobody's there is no token. Apart from that nothing can fail that was not
        // checked when the policy was built; if it did, what is not sealed opens nothing.
        policy.tokens.as_ref().and_then(seal).unwrap_or_default()
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
    ///
    /// If a layer has [left](super::CsrfProtection::token_in_form) the token to the handler, it is that
    /// layer's too, and a layer that only reports lets any pass.
    pub fn verify(&self, purpose: &str, token: &str) -> Result<(), Refusal> {
        let waiting: Vec<_> = self.waiting.iter().collect();
        let sides = if waiting.is_empty() { vec![&self.nearest] } else { waiting };
        self.check(&sides, purpose, Some(token))
    }

    /// What the layers that wait would have said, had they seen the token in the body.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(super) fn verify_waiting(&self, token: Option<&str>) -> Result<(), Refusal> {
        self.check(&self.waiting.iter().collect::<Vec<_>>(), "", token)
    }

    /// Looks at a token, for each of these layers.
    fn check(&self, sides: &[&Side], purpose: &str, token: Option<&str>) -> Result<(), Refusal> {
        self.context.rulings(Rulings::settle);
        let (mut told, mut refused) = (false, None);
        for side in sides {
            let reason = match token {
                Some(token) if self.opens(side, purpose, token) => continue,
                Some(_) => Reason::InvalidToken,
                None => Reason::TokenMissing,
            };
            let refusal = refusal(reason);
            if let Some(reporter) = self.reporter.as_ref().filter(|_| !told) {
                reporter.refused(&refusal);
                told = true;
            }
            if !side.policy.report_only {
                refused = Some(refusal);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn opens(&self, side: &Side, purpose: &str, token: &str) -> bool {
        let Side { policy, .. } = side;
        let (Some(tokens), Some(binding)) = (&policy.tokens, self.binding(side)) else {
            return false;
        };
        tokens.opens(policy, binding, purpose, token.as_bytes())
    }

    /// Whose it is now: somebody may have signed in since the request came.
    fn binding(&self, side: &Side) -> Option<Binding> {
        Binding::of_session(&self.context).or(side.cookies)
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
        let binding = binding.or_else(|| Binding::of_cookies(policy, request));
        binding.is_some_and(|binding| self.opens(policy, binding, "", token))
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

    /// Of the protected cookies that are there, by their exact bytes. Where one is there twice it is
    /// nobody's, and no token is good.
    fn of_cookies<R: RequestHead>(policy: &Policy, request: &R) -> Option<Self> {
        let cookies = CookieView::of(request);
        let mut digest = None;
        for name in &policy.protected {
            let value = match cookies.get(name) {
                Found::One(value) => value,
                Found::Absent => continue,
                Found::Ambiguous => return None,
            };
            let digest = digest.get_or_insert_with(Sha256::new);
            for part in [name.as_bytes(), value] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        Some(match digest {
            Some(digest) => Self::new(b'c', &digest.finalize().into()),
            None => Self::new(b'-', &[0; 32]),
        })
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
