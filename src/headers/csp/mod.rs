//! `Content-Security-Policy`: what a page may load and run.
//!
//! **The attack.** Somebody gets markup into a page: a comment, a name, a search word that is
//! printed back. The browser cannot tell `<script>` of yours from `<script>` of theirs, so theirs
//! runs with the user's session.
//!
//! **The rule.** [Content Security Policy Level 3](https://www.w3.org/TR/CSP3/): a list of
//! directives that say what is the page's own. The strongest form marks each script with a nonce,
//! and trusts what those scripts load (`'strict-dynamic'`). OWASP's cheat sheet recommends it.
//!
//! - A [`ContentSecurityPolicy`] is checked when it is built; a keyword without quotes, `'none'`
//!   beside other sources, a keyword where browsers ignore it, a retired directive, an injected
//!   `;` are errors that say what to write instead.
//! - A [`Nonce`] is an extractor. It is made only if a handler takes it; a response without one
//!   gets a policy without one, which never allows more.
//! - A response that carries a nonce is not left to shared caches.
//! - A [`CspPatch`] changes the policy for one response, from inside the handler.
//! - What is not done: scripts are not scanned, and markup is not escaped; that is your template
//!   engine's work, and the policy is what holds when it fails.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::headers::csp::{ContentSecurityPolicy, Source};
//! use donjon::headers::SecurityHeaders;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = ContentSecurityPolicy::builder()
//!     .default_src([Source::SelfOrigin])
//!     .script_src([Source::Nonce, Source::StrictDynamic])
//!     .img_src(["'self'", "https://images.example.com"])
//!     .object_src([Source::None])
//!     .base_uri([Source::None])
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(SecurityHeaders::builder().with(policy).build()?)
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("no script here")) });
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(
//!     response.headers()["content-security-policy"],
//!     "default-src 'self'; script-src 'none'; img-src 'self' https://images.example.com; \
//!      object-src 'none'; base-uri 'none'",
//! );
//! # Ok(())
//! # }
//! ```

pub use self::builder::ContentSecurityPolicyBuilder;
pub use self::directive::Directive;
pub use self::hash::Hash;
pub use self::nonce::Nonce;
pub use self::patch::{CspPatch, CspPatchBuilder};
pub use self::policy::ContentSecurityPolicy;
pub use self::source::{Host, Scheme, Source};
pub use self::value::{CspValue, Sandbox};

mod builder;
mod directive;
mod hash;
mod nonce;
mod patch;
mod policy;
mod source;
pub(crate) mod template;
mod value;

/// Why the extractor of a nonce refuses.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_NONCE: &str = "a handler asked for a nonce, but no SecurityHeaders whose \
     Content-Security-Policy takes one is around its route";

#[cfg(test)]
mod tests;
