//! The headers of a policy: their names, and one type for all their values.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{
    CacheControl, ConfigError, ContentSecurityPolicy, ContentTypeOptions,
    CrossOriginEmbedderPolicy, CrossOriginOpenerPolicy, CrossOriginResourcePolicy,
    DnsPrefetchControl, DocumentIsolationPolicy, FrameOptions, IntegrityPolicy, OriginAgentCluster,
    PermissionsPolicy, PermittedCrossDomainPolicies, ReferrerPolicy, ReportingEndpoints,
    StrictTransportSecurity, legacy,
};
use crate::head::Name;

/// Generates the list of headers: one row gives the kind, its name, and the type of its values.
macro_rules! headers {
    ($($(#[$doc:meta])* $kind:ident($type:ty) = $name:literal,)+) => {
        /// One of the headers that a policy can have.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum HeaderKind {
            $($(#[$doc])* $kind,)+
        }

        impl HeaderKind {
            /// Every header, in the order in which a policy lists them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The header's name in lower case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// The kind of a header by its name, in any case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name().eq_ignore_ascii_case(name))
            }

            pub(crate) fn header_name(self) -> Name {
                match self {
                    $(Self::$kind => const { Name::from_static($name) },)+
                }
            }
        }

        /// A header with its typed value: whatever
        /// [`SecurityHeadersBuilder::with`](super::SecurityHeadersBuilder::with) takes.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum SecurityHeader {
            $($(#[$doc])* $kind($type),)+
        }

        impl SecurityHeader {
            /// Which header it is.
            #[must_use]
            pub const fn kind(&self) -> HeaderKind {
                match self {
                    $(Self::$kind(_) => HeaderKind::$kind,)+
                }
            }

            /// The value as it is sent; a policy with a place for the nonce as it is sent without.
            #[must_use]
            pub fn value(&self) -> Cow<'static, str> {
                match self {
                    $(Self::$kind(header) => header.value(),)+
                }
            }

            /// Reads a value as it is sent or as a configuration file holds it.
            pub fn parse(kind: HeaderKind, value: &str) -> Result<Self, ConfigError> {
                match kind {
                    $(HeaderKind::$kind => <$type>::parse(value).map(Self::$kind),)+
                }
            }

            /// Whether the first value protects more than the second, both as sent; `None` where
            /// that cannot be decided.
            pub(crate) fn stricter(kind: HeaderKind) -> Option<Stricter> {
                match kind {
                    $(HeaderKind::$kind => <$type>::STRICTER,)+
                }
            }
        }

        $(
            impl From<$type> for SecurityHeader {
                fn from(header: $type) -> Self {
                    Self::$kind(header)
                }
            }
        )+
    };
}

headers! {
    /// `Content-Security-Policy`
    ContentSecurityPolicy(ContentSecurityPolicy) = "content-security-policy",
    /// `Content-Security-Policy-Report-Only`
    ContentSecurityPolicyReportOnly(ReportOnly<ContentSecurityPolicy>) = "content-security-policy-report-only",
    /// `Strict-Transport-Security`
    StrictTransportSecurity(StrictTransportSecurity) = "strict-transport-security",
    /// `X-Content-Type-Options`
    ContentTypeOptions(ContentTypeOptions) = "x-content-type-options",
    /// `X-Frame-Options`
    FrameOptions(FrameOptions) = "x-frame-options",
    /// `Referrer-Policy`
    ReferrerPolicy(ReferrerPolicy) = "referrer-policy",
    /// `Permissions-Policy`
    PermissionsPolicy(PermissionsPolicy) = "permissions-policy",
    /// `Permissions-Policy-Report-Only`
    PermissionsPolicyReportOnly(ReportOnly<PermissionsPolicy>) = "permissions-policy-report-only",
    /// `Cross-Origin-Opener-Policy`
    CrossOriginOpenerPolicy(CrossOriginOpenerPolicy) = "cross-origin-opener-policy",
    /// `Cross-Origin-Opener-Policy-Report-Only`
    CrossOriginOpenerPolicyReportOnly(ReportOnly<CrossOriginOpenerPolicy>) = "cross-origin-opener-policy-report-only",
    /// `Cross-Origin-Embedder-Policy`
    CrossOriginEmbedderPolicy(CrossOriginEmbedderPolicy) = "cross-origin-embedder-policy",
    /// `Cross-Origin-Embedder-Policy-Report-Only`
    CrossOriginEmbedderPolicyReportOnly(ReportOnly<CrossOriginEmbedderPolicy>) = "cross-origin-embedder-policy-report-only",
    /// `Cross-Origin-Resource-Policy`
    CrossOriginResourcePolicy(CrossOriginResourcePolicy) = "cross-origin-resource-policy",
    /// `Origin-Agent-Cluster`
    OriginAgentCluster(OriginAgentCluster) = "origin-agent-cluster",
    /// `Integrity-Policy`
    IntegrityPolicy(IntegrityPolicy) = "integrity-policy",
    /// `Integrity-Policy-Report-Only`
    IntegrityPolicyReportOnly(ReportOnly<IntegrityPolicy>) = "integrity-policy-report-only",
    /// `Document-Isolation-Policy`
    DocumentIsolationPolicy(DocumentIsolationPolicy) = "document-isolation-policy",
    /// `X-Permitted-Cross-Domain-Policies`
    PermittedCrossDomainPolicies(PermittedCrossDomainPolicies) = "x-permitted-cross-domain-policies",
    /// `X-DNS-Prefetch-Control`
    DnsPrefetchControl(DnsPrefetchControl) = "x-dns-prefetch-control",
    /// `Cache-Control`
    CacheControl(CacheControl) = "cache-control",
    /// `Reporting-Endpoints`
    ReportingEndpoints(ReportingEndpoints) = "reporting-endpoints",
    /// `X-XSS-Protection`, of [`legacy`]
    XssProtection(legacy::XssProtection) = "x-xss-protection",
    /// `Expect-CT`, of [`legacy`]
    ExpectCt(legacy::ExpectCt) = "expect-ct",
    /// `X-Download-Options`, of [`legacy`]
    DownloadOptions(legacy::DownloadOptions) = "x-download-options",
}

impl FromStr for HeaderKind {
    type Err = ConfigError;

    /// Reads a header's name, in any case.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::from_name(name).ok_or_else(|| ConfigError::HeaderName { name: name.to_owned() })
    }
}

impl fmt::Display for HeaderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A header's value, watched but not enforced: the browser reports what it would have blocked.
///
/// ```
/// use donjon::headers::{CrossOriginEmbedderPolicy, ReportOnly, SecurityHeaders};
///
/// let headers = SecurityHeaders::builder()
///     .with(ReportOnly(CrossOriginEmbedderPolicy::RequireCorp))
///     .build()?;
///
/// assert_eq!(headers.to_string(), "cross-origin-embedder-policy-report-only: require-corp\n");
/// # Ok::<_, donjon::headers::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a mark around a value")]
pub struct ReportOnly<T>(pub T);

/// Whether our value, the first, protects more than theirs, the second; both as sent.
pub(crate) type Stricter = fn(&[u8], &[u8]) -> bool;

/// What each header's type gives the list above.
pub(crate) trait HeaderValue: Sized {
    /// See [`SecurityHeader::stricter`].
    const STRICTER: Option<Stricter> = None;

    /// The value as it is sent: ASCII that is fit for a header, whatever the user gave.
    fn value(&self) -> Cow<'static, str>;

    /// Reads a value as it is sent.
    fn parse(value: &str) -> Result<Self, ConfigError>;
}

impl<T: HeaderValue> HeaderValue for ReportOnly<T> {
    fn value(&self) -> Cow<'static, str> {
        self.0.value()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        T::parse(value).map(Self)
    }
}
