//! The twelve headers that everybody sends here: those of helmet in Express.

use donjon::headers::csp::Source;
use donjon::headers::legacy::{DownloadOptions, XssProtection};
use donjon::headers::{
    ConfigError, ContentSecurityPolicy, ContentTypeOptions, CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy, DnsPrefetchControl, FrameOptions, OriginAgentCluster,
    PermittedCrossDomainPolicies, ReferrerPolicy, SecurityHeaders, StrictTransportSecurity,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Writes down what needs each name and value as a constant.
macro_rules! twelve {
    ($($name:literal: $value:literal,)+) => {
        /// The twelve as text.
        pub(crate) const TWELVE: [(&str, &str); 12] = [$(($name, $value),)+];

        /// The first floor of tower: room is reserved, names and values are constants.
        pub(crate) fn insert(headers: &mut HeaderMap) {
            headers.reserve(TWELVE.len());
            $(headers.insert(
                const { HeaderName::from_static($name) },
                const { HeaderValue::from_static($value) },
            );)+
        }
    };
}

twelve! {
    "content-security-policy": "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "x-permitted-cross-domain-policies": "none",
    "x-dns-prefetch-control": "off",
    "x-xss-protection": "0",
    "x-download-options": "noopen",
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TWELVE.map(|(name, _)| name).into_iter()
}

/// The twelve, ours.
pub(crate) fn ours() -> Result<SecurityHeaders, ConfigError> {
    with_script_src([Source::SelfOrigin])
}

/// The twelve, ours, with a place for the nonce.
pub(crate) fn ours_with_nonce() -> Result<SecurityHeaders, ConfigError> {
    with_script_src([Source::SelfOrigin, Source::Nonce])
}

/// The evidence of https is the developer's word, as with everybody else.
fn with_script_src<const N: usize>(scripts: [Source; N]) -> Result<SecurityHeaders, ConfigError> {
    let csp = ContentSecurityPolicy::builder()
        .default_src([Source::SelfOrigin])
        .script_src(scripts)
        .object_src([Source::None])
        .base_uri([Source::SelfOrigin])
        .form_action([Source::SelfOrigin])
        .frame_ancestors([Source::SelfOrigin])
        .build()?;
    SecurityHeaders::builder()
        .with(csp)
        .with(StrictTransportSecurity::including_subdomains(StrictTransportSecurity::ONE_YEAR))
        .with(ContentTypeOptions::NoSniff)
        .with(FrameOptions::SameOrigin)
        .with(ReferrerPolicy::NoReferrer)
        .with(CrossOriginOpenerPolicy::SameOrigin)
        .with(CrossOriginResourcePolicy::SameOrigin)
        .with(OriginAgentCluster::On)
        .with(PermittedCrossDomainPolicies::None)
        .with(DnsPrefetchControl::Off)
        .with(XssProtection::Zero)
        .with(DownloadOptions::NoOpen)
        .assume_https()
        .build()
}
