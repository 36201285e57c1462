//! Security headers: what a response tells the browser not to do.
//!
//! **The attack.** Injected scripts, a page framed under somebody else's buttons, a first visit
//! over http that is answered by somebody on the way, an upload that is run as a script, addresses
//! with tokens in them that other sites are told. Each has a header against it, and each header is
//! off unless sent.
//!
//! **The rule.** OWASP's [Secure Headers Project](https://owasp.org/www-project-secure-headers/)
//! and the specification of each header, named in its module.
//!
//! - [`SecurityHeaders`] is one middleware for all of them. Take a preset and change what you must:
//!   [`strict`](SecurityHeaders::strict) for pages you write yourself,
//!   [`web`](SecurityHeaders::web) for an ordinary site, [`api`](SecurityHeaders::api) for JSON.
//! - Every header is a type, and a policy that makes no sense cannot be built: see [`ConfigError`].
//! - A header that the handler has set stays, unless [told otherwise](OnConflict). Of several
//!   layers the one nearest to the route wins, also in what it leaves out. None is added twice.
//! - Every response that passes the layer gets its headers: errors, refusals, 404 and 405, streams,
//!   upgrades. What the server answers by itself, such as 400 to what is no HTTP, does not pass it.
//!   A 304 gets only `Strict-Transport-Security`: the rest was said with the copy it is about.
//! - [`SecurityHeaders::lint`] tells of weak spots, for start-up logs and tests.
//! - Violations can be [collected](collector) (feature `reports`).
//!
//! What it does not do: headers say nothing to clients that are no browsers, and the server or a
//! proxy in front of yours may add headers later that are out of reach here.
//!
//! # Deployment caveats
//!
//! `Strict-Transport-Security` and `upgrade-insecure-requests` are sent only when a request is
//! known to have come by https. Behind a proxy that ends TLS, put
//! [`TrustedProxies`](crate::client::TrustedProxies) before this layer in the stack. Where nothing
//! but such a proxy can reach the server, [`assume_https`](SecurityHeadersBuilder::assume_https) does
//! as well.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::headers::{ReferrerPolicy, SecurityHeaders};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let headers = SecurityHeaders::web().with(ReferrerPolicy::SameOrigin).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(headers)
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("hello")) });
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(response.headers()["referrer-policy"], "same-origin");
//! assert_eq!(response.headers()["x-content-type-options"], "nosniff");
//! assert!(!response.headers().contains_key("strict-transport-security"), "not over http");
//! # Ok(())
//! # }
//! ```

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

pub use self::builder::{OnConflict, SecurityHeadersBuilder};
pub use self::cache_control::CacheControl;
pub use self::clear_site_data::ClearSiteData;
pub use self::content_type_options::ContentTypeOptions;
pub use self::csp::{ContentSecurityPolicy, Nonce};
pub use self::dns_prefetch_control::DnsPrefetchControl;
pub use self::document_isolation_policy::DocumentIsolationPolicy;
pub use self::embedder_policy::CrossOriginEmbedderPolicy;
pub use self::error::ConfigError;
pub use self::frame_options::FrameOptions;
pub use self::integrity_policy::IntegrityPolicy;
pub use self::kind::{HeaderKind, ReportOnly, SecurityHeader};
pub use self::lint::Finding;
pub use self::opener_policy::CrossOriginOpenerPolicy;
pub use self::origin_agent_cluster::OriginAgentCluster;
pub use self::permissions_policy::PermissionsPolicy;
pub use self::permitted_cross_domain_policies::PermittedCrossDomainPolicies;
pub use self::referrer_policy::ReferrerPolicy;
pub use self::reporting_endpoints::ReportingEndpoints;
pub use self::resource_policy::CrossOriginResourcePolicy;
pub use self::strict_transport_security::StrictTransportSecurity;
use crate::adapters::adapt;
use crate::client::{Scheme, Who};
use crate::context::Context;
use crate::head::{RequestHead, ResponseHead};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;

mod builder;
pub mod cache_control;
pub mod clear_site_data;
#[cfg(feature = "reports")]
#[cfg_attr(docsrs, doc(cfg(feature = "reports")))]
pub mod collector;
mod compiled;
#[cfg(feature = "serde")]
mod config;
pub mod content_type_options;
pub mod csp;
pub mod dns_prefetch_control;
pub mod document_isolation_policy;
pub mod embedder_policy;
mod error;
pub mod frame_options;
mod grammar;
pub mod integrity_policy;
mod kind;
pub mod leaking;
pub mod legacy;
mod lint;
pub mod opener_policy;
pub mod origin_agent_cluster;
mod permissions_allow;
pub mod permissions_policy;
mod permissions_registry;
pub mod permitted_cross_domain_policies;
mod presets;
pub mod referrer_policy;
pub mod reporting_endpoints;
pub mod resource_policy;
mod settle;
pub mod strict_transport_security;
mod variant;
mod word;

/// Middleware that sends security headers with every response.
///
/// See the [module docs](self) for an example, and [`strict`](Self::strict) and its neighbours for
/// what is sent.
#[derive(Clone)]
#[must_use = "headers are sent only by a service that is behind them"]
pub struct SecurityHeaders(Arc<compiled::Compiled>);

impl SecurityHeaders {
    fn compile(given: SecurityHeadersBuilder) -> Result<Self, ConfigError> {
        let settled = given.clone().settled()?;
        Ok(Self(Arc::new(compiled::Compiled::new(given, settled))))
    }

    /// Starts from these headers.
    pub fn to_builder(&self) -> SecurityHeadersBuilder {
        self.0.given.clone()
    }

    /// The value of a header as it is sent over https, with `…` for the nonce.
    #[must_use]
    pub fn get(&self, header: HeaderKind) -> Option<String> {
        self.0.built_from.headers.get(&header).map(|header| match header {
            SecurityHeader::ContentSecurityPolicy(policy)
            | SecurityHeader::ContentSecurityPolicyReportOnly(ReportOnly(policy)) => {
                policy.to_string().replace("'nonce'", "'nonce-…'")
            }
            header => header.value().into_owned(),
        })
    }
}

impl Middleware for SecurityHeaders {
    type Memo = Memo;
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut Memo) -> Result<(), Infallible> {
        memo.https = Who::of(request).scheme() == Scheme::Https;
        if let Some(takes_nonce) = self.0.takes_nonce {
            // Without a nonce of its own a layer only speaks to a context that is there, or against
            // one that a layer nearer to the handler would make.
            let speaks = takes_nonce || self.0.overrides;
            let context = if speaks { Some(Context::of(request)) } else { request.extension() };
            if let Some(context) = &context {
                context.promise_nonce(takes_nonce, self.0.overrides);
            }
            memo.context = context;
        }
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &Memo, response: &mut H) {
        // A refusal by a layer further out reaches this one with an empty memo.
        let https = memo.https || self.0.built_from.assume_https;
        let nonce = memo.context.as_ref().and_then(Context::seal_nonce);
        self.0.finish(https, nonce, response);
    }

    fn describe(&self, layers: &mut Layers) {
        let referrer_policy = self.0.built_from.headers.get(&HeaderKind::ReferrerPolicy);
        layers.see(Layer {
            name: "SecurityHeaders",
            sends_headers: true,
            no_referrer: matches!(
                referrer_policy,
                Some(SecurityHeader::ReferrerPolicy(ReferrerPolicy::NoReferrer))
            ),
            ..Layer::default()
        });
        for finding in self.lint() {
            layers.add(finding.severity, finding.about(), finding.message);
        }
    }
}

/// What [`SecurityHeaders`] keeps from the request to its response.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Memo {
    https: bool,
    context: Option<Context>,
}

adapt!(SecurityHeaders);

/// Each header on a line, as sent over https, with `…` for the nonce.
impl fmt::Display for SecurityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for header in HeaderKind::ALL {
            if let Some(value) = self.get(*header) {
                writeln!(f, "{header}: {value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SecurityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.built_from.fmt(f)
    }
}
