//! Requests that another site has made a browser send, refused.
//!
//! **The attack.** A page of somebody else's sends a form to your site, and the visitor's browser adds
//! his cookie. He has bought, paid or deleted what he never saw. A sibling, any other subdomain, is of
//! the same site to `SameSite`, and so is whoever has taken one over.
//!
//! **The rule.** OWASP's CSRF Prevention Cheat Sheet; ASVS 5.0, 3.5.1 to 3.5.3; Fetch Metadata Request
//! Headers (W3C); RFC 6454.
//!
//! - [`CsrfProtection`] is the layer. It decides by the head of a request alone, before any handler and
//!   before a byte of the body is read.
//! - Browsers of the last years say by themselves where a request comes from, so most sites need no
//!   token in any form. [`CsrfToken`] is for those that do not say.
//! - [`report_only`](CsrfProtection::report_only) for the first weeks: [`CsrfDecision`].
//!
//! What it does not do: a script that runs in one of the site's own pages is the site. For that there
//! is a [Content-Security-Policy](https://www.w3.org/TR/CSP3/).
//!
//! # What is decided
//!
//! The first row that fits counts.
//!
//! | a request | is |
//! | --- | --- |
//! | `GET`, `HEAD`, `OPTIONS`, unless it asks for a web socket, overrides its method (`X-HTTP-Method-Override`, `_method=`) or is for a path of [`check_reads`](CsrfProtection::check_reads) | let through |
//! | the same, which asks for a web socket or overrides its method in a header, with `Sec-Fetch-Site: same-origin` or `none`, unless the policy is [strict](CsrfProtection::strict) | let through |
//! | with `Sec-Fetch-Site`, `Origin` or `Host` twice, or for two hosts | refused |
//! | for an [exempt](CsrfProtection::exempt) path | let through |
//! | from an origin that is [trusted](CsrfProtection::trust) | let through |
//! | `Sec-Fetch-Site: same-origin`, or `none`: the user himself | let through |
//! | `Sec-Fetch-Site: same-site`, `cross-site` or anything else | refused |
//! | with an `Origin` that is the site's own, in scheme, host and port | let through |
//! | with any other `Origin`, `null` among them | refused |
//! | without a protected cookie | let through: it has no authority |
//! | with a protected cookie twice | refused |
//! | with a [token](CsrfToken) of its session | let through |
//! | other | refused |
//!
//! # Tokens
//!
//! They are for browsers from before 2020 and for programs that send a cookie. A page has one as
//! [`hidden_input`](CsrfToken::hidden_input) in a form, whose handler reads it by [`Verified`], or as
//! [`meta`](CsrfToken::meta), for scripts:
//!
//! ```js
//! const token = document.querySelector("meta[name=csrf-token]").content;
//! await fetch("/transfer", { method: "POST", headers: { "X-CSRF-Token": token }, body });
//! ```
//!
//! With htmx it stands at the body, and all requests have it:
//!
//! ```html
//! <body hx-headers='{"X-CSRF-Token": "…"}'>
//! ```
//!
//! # Deployment caveats
//!
//! - The public origins are what is configured. No header of a request is asked for them, so a proxy that
//!   changes `Host` changes nothing here; but it has to hand on `Origin` and `Sec-Fetch-Site`.
//! - Browsers send `Sec-Fetch-Site` to https and to localhost alone. Over plain http in a local network
//!   `Origin` decides.
//! - The layer goes behind [`Sessions`](crate::cookies::session::Sessions), if there are tokens: they belong
//!   to the session. A layer for CORS goes before it, and what that one lets in has to be trusted here too.
//! - A page with `Referrer-Policy: no-referrer` has its forms sent with `Origin: null`. A browser that
//!   sends no `Sec-Fetch-Site` is then refused; `same-origin` is the policy to have.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::csrf::CsrfProtection;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(
//!         CsrfProtection::new(["https://club.example"])?
//!             .protect_cookies(["__Host-Http-session"])?
//!             .exempt("/pay/notify", "notifications of payments are signed")?,
//!     )
//!     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("done".into())));
//! let post = async |path: &str, header: &str, value: &str| {
//!     let request = Request::post(path).header(header, value).body(()).unwrap();
//!     let response: Response<axum::body::Body> = service.clone().oneshot(request).await.unwrap();
//!     response.status().as_u16()
//! };
//!
//! assert_eq!(post("/transfer", "sec-fetch-site", "same-origin").await, 200);
//! assert_eq!(post("/transfer", "sec-fetch-site", "cross-site").await, 403);
//! assert_eq!(post("/transfer", "origin", "https://blog.club.example").await, 403, "a sibling");
//! assert_eq!(post("/transfer", "cookie", "__Host-Http-session=7f").await, 403, "says nothing");
//! assert_eq!(post("/pay/notify", "origin", "https://gateway.example").await, 200);
//! # Ok(())
//! # }
//! ```

pub use self::decision::{Decision, Reason};
pub use self::error::ConfigError;
pub use self::origin::Origin;
#[doc(hidden)]
pub use self::protection::CsrfMemo;
pub use self::protection::CsrfProtection;
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use self::ruling::Check;
pub use self::ruling::CsrfDecision;
pub(crate) use self::ruling::Rulings;
pub use self::token::CsrfToken;
pub use self::verified::{CsrfField, Verified};

mod decision;
mod error;
mod origin;
mod policy;
mod protection;
mod ruling;
mod token;
mod vary;
mod verified;

/// The field of a form that has the token.
const FIELD: &str = "csrf_token";

/// Why the extractors refuse.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) const NO_TOKENS: &str = "a handler asked for a CsrfToken or for Verified, but no CsrfProtection with tokens is around \
     its route: call `tokens` on it";
