//! Policies to start from.

use std::time::Duration;

use super::csp::{ContentSecurityPolicy, Source};
use super::{
    CacheControl, ContentTypeOptions, CrossOriginEmbedderPolicy, CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy, DnsPrefetchControl, FrameOptions, OriginAgentCluster,
    PermissionsPolicy, PermittedCrossDomainPolicies, ReferrerPolicy, SecurityHeaders,
    SecurityHeadersBuilder, StrictTransportSecurity, legacy,
};

/// The presets, version 1. What a preset sends changes with the crate's minor version only, and the
/// changelog says how to keep the old one.
impl SecurityHeaders {
    /// From nothing.
    pub fn builder() -> SecurityHeadersBuilder {
        SecurityHeadersBuilder::default()
    }

    /// For pages you write yourself: scripts run by their nonce, everything comes from the page's
    /// own origin, nobody frames it, and text becomes code only through trusted types.
    ///
    /// MDN Observatory: A+, 140 of the 140 that a site off the preload list can have. CSP
    /// Evaluator: no finding of severity medium or worse.
    ///
    /// ```
    /// # use donjon::headers::SecurityHeaders;
    /// assert_eq!(SecurityHeaders::strict().build()?.to_string(), "\
    /// content-security-policy: default-src 'none'; script-src 'nonce-…' 'strict-dynamic'; style-src 'self' 'nonce-…'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; upgrade-insecure-requests
    /// strict-transport-security: max-age=31536000; includeSubDomains
    /// x-content-type-options: nosniff
    /// x-frame-options: DENY
    /// referrer-policy: no-referrer
    /// permissions-policy: accelerometer=(), camera=(), captured-surface-control=(), clipboard-read=(), compute-pressure=(), display-capture=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), local-network=(), local-network-access=(), loopback-network=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), serial=(), usb=(), window-management=(), xr-spatial-tracking=()
    /// cross-origin-opener-policy: same-origin
    /// cross-origin-embedder-policy: require-corp
    /// cross-origin-resource-policy: same-origin
    /// origin-agent-cluster: ?1
    /// x-permitted-cross-domain-policies: none
    /// x-dns-prefetch-control: off
    /// ");
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    ///
    /// `Strict-Transport-Security` and `upgrade-insecure-requests` are sent over https only.
    /// Headers that tell which software answered are removed.
    pub fn strict() -> SecurityHeadersBuilder {
        let csp = ContentSecurityPolicy::builder()
            .default_src([Source::None])
            .script_src([Source::Nonce, Source::StrictDynamic])
            .style_src([Source::SelfOrigin, Source::Nonce])
            .img_src([Source::SelfOrigin])
            .font_src([Source::SelfOrigin])
            .connect_src([Source::SelfOrigin])
            .manifest_src([Source::SelfOrigin])
            .object_src([Source::None])
            .base_uri([Source::None])
            .form_action([Source::SelfOrigin])
            .frame_ancestors([Source::None])
            .require_trusted_types()
            .upgrade_insecure_requests()
            .build();
        SecurityHeadersBuilder::preset(csp, FrameOptions::Deny)
            .with(StrictTransportSecurity::including_subdomains(ONE_YEAR))
            .with(ContentTypeOptions::NoSniff)
            .with(ReferrerPolicy::NoReferrer)
            .with(PermissionsPolicy::deny_sensitive())
            .with(CrossOriginOpenerPolicy::SameOrigin)
            .with(CrossOriginEmbedderPolicy::RequireCorp)
            .with(CrossOriginResourcePolicy::SameOrigin)
            .with(OriginAgentCluster::On)
            .with(PermittedCrossDomainPolicies::None)
            .with(DnsPrefetchControl::Off)
    }

    /// For an ordinary site: its own scripts, images and fonts from any https address, and it may
    /// frame itself. Other sites' windows and payment or sign-in services keep working.
    ///
    /// MDN Observatory: A+, 135. The missing bonus is the one for `default-src 'none'`.
    ///
    /// ```
    /// # use donjon::headers::SecurityHeaders;
    /// assert_eq!(SecurityHeaders::web().build()?.to_string(), "\
    /// content-security-policy: default-src 'self'; script-src 'self' 'nonce-…'; style-src 'self' 'nonce-…'; img-src 'self' https: data:; font-src 'self' https: data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; upgrade-insecure-requests
    /// strict-transport-security: max-age=31536000
    /// x-content-type-options: nosniff
    /// x-frame-options: SAMEORIGIN
    /// referrer-policy: strict-origin-when-cross-origin
    /// permissions-policy: accelerometer=(), camera=(), captured-surface-control=(), clipboard-read=(), compute-pressure=(), display-capture=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), local-network=(), local-network-access=(), loopback-network=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), serial=(), usb=(), window-management=(), xr-spatial-tracking=()
    /// cross-origin-opener-policy: same-origin-allow-popups
    /// cross-origin-resource-policy: same-site
    /// origin-agent-cluster: ?1
    /// x-permitted-cross-domain-policies: none
    /// ");
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn web() -> SecurityHeadersBuilder {
        let csp = ContentSecurityPolicy::builder()
            .default_src([Source::SelfOrigin])
            .script_src([Source::SelfOrigin, Source::Nonce])
            .style_src([Source::SelfOrigin, Source::Nonce])
            .img_src(["'self'", "https:", "data:"])
            .font_src(["'self'", "https:", "data:"])
            .object_src([Source::None])
            .base_uri([Source::SelfOrigin])
            .form_action([Source::SelfOrigin])
            .frame_ancestors([Source::SelfOrigin])
            .upgrade_insecure_requests()
            .build();
        SecurityHeadersBuilder::preset(csp, FrameOptions::SameOrigin)
            .with(StrictTransportSecurity::excluding_subdomains(ONE_YEAR))
            .with(ContentTypeOptions::NoSniff)
            .with(ReferrerPolicy::StrictOriginWhenCrossOrigin)
            .with(PermissionsPolicy::deny_sensitive())
            .with(CrossOriginOpenerPolicy::SameOriginAllowPopups)
            .with(CrossOriginResourcePolicy::SameSite)
            .with(OriginAgentCluster::On)
            .with(PermittedCrossDomainPolicies::None)
    }

    /// For an API that answers JSON and no pages: nothing in an answer may load, run or be framed,
    /// and nothing keeps it.
    ///
    /// ```
    /// # use donjon::headers::SecurityHeaders;
    /// assert_eq!(SecurityHeaders::api().build()?.to_string(), "\
    /// content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    /// strict-transport-security: max-age=31536000; includeSubDomains
    /// x-content-type-options: nosniff
    /// x-frame-options: DENY
    /// referrer-policy: no-referrer
    /// cross-origin-resource-policy: same-origin
    /// cache-control: no-store, max-age=0
    /// ");
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn api() -> SecurityHeadersBuilder {
        let csp = ContentSecurityPolicy::builder()
            .default_src([Source::None])
            .base_uri([Source::None])
            .form_action([Source::None])
            .frame_ancestors([Source::None])
            .build();
        SecurityHeadersBuilder::preset(csp, FrameOptions::Deny)
            .with(StrictTransportSecurity::including_subdomains(ONE_YEAR))
            .with(ContentTypeOptions::NoSniff)
            .with(ReferrerPolicy::NoReferrer)
            .with(CrossOriginResourcePolicy::SameOrigin)
            .with(CacheControl::no_store())
    }

    /// What helmet 8 sends in Express, for those who move from there. It allows inline styles and
    /// has no nonce; [`web`](Self::web) is the better start.
    ///
    /// ```
    /// # use donjon::headers::SecurityHeaders;
    /// assert_eq!(SecurityHeaders::helmet_compatible().build()?.to_string(), "\
    /// content-security-policy: default-src 'self'; script-src 'self'; script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'; img-src 'self' data:; font-src 'self' https: data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; upgrade-insecure-requests
    /// strict-transport-security: max-age=31536000; includeSubDomains
    /// x-content-type-options: nosniff
    /// x-frame-options: SAMEORIGIN
    /// referrer-policy: no-referrer
    /// cross-origin-opener-policy: same-origin
    /// cross-origin-resource-policy: same-origin
    /// origin-agent-cluster: ?1
    /// x-permitted-cross-domain-policies: none
    /// x-dns-prefetch-control: off
    /// x-xss-protection: 0
    /// x-download-options: noopen
    /// ");
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn helmet_compatible() -> SecurityHeadersBuilder {
        let csp = ContentSecurityPolicy::builder()
            .default_src([Source::SelfOrigin])
            .script_src([Source::SelfOrigin])
            .script_src_attr([Source::None])
            .style_src(["'self'", "https:", "'unsafe-inline'"])
            .img_src(["'self'", "data:"])
            .font_src(["'self'", "https:", "data:"])
            .object_src([Source::None])
            .base_uri([Source::SelfOrigin])
            .form_action([Source::SelfOrigin])
            .frame_ancestors([Source::SelfOrigin])
            .upgrade_insecure_requests()
            .build();
        SecurityHeadersBuilder::preset(csp, FrameOptions::SameOrigin)
            .with(StrictTransportSecurity::including_subdomains(ONE_YEAR))
            .with(ContentTypeOptions::NoSniff)
            .with(ReferrerPolicy::NoReferrer)
            .with(CrossOriginOpenerPolicy::SameOrigin)
            .with(CrossOriginResourcePolicy::SameOrigin)
            .with(OriginAgentCluster::On)
            .with(PermittedCrossDomainPolicies::None)
            .with(DnsPrefetchControl::Off)
            .with(legacy::XssProtection::Zero)
            .with(legacy::DownloadOptions::NoOpen)
    }
}

const ONE_YEAR: Duration = StrictTransportSecurity::ONE_YEAR;
