//! What can be wrong with a policy.

use super::HeaderKind;
use super::csp::Directive;

/// Why a policy cannot be built. The message names the header, the value and the mend.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value that the header does not have.
    #[error("{header}: {value:?}: {mend}")]
    Value {
        /// The header.
        header: HeaderKind,
        /// The value as given.
        value: String,
        /// What to write instead.
        mend: &'static str,
    },

    /// A value that a directive of the Content-Security-Policy does not have.
    #[error("content-security-policy: {directive} {value:?}: {mend}")]
    DirectiveValue {
        /// The directive.
        directive: Directive,
        /// The value as given.
        value: String,
        /// What to write instead.
        mend: &'static str,
    },

    /// A keyword without its quotes. Browsers take it for the name of a host.
    #[error(
        "content-security-policy: {directive} {keyword}: a keyword is quoted: write '{keyword}' with the quotes"
    )]
    UnquotedKeyword {
        /// The directive.
        directive: Directive,
        /// The keyword as given.
        keyword: String,
    },

    /// A keyword on a directive where browsers ignore it.
    #[error(
        "content-security-policy: {directive} {keyword}: the keyword means nothing there; it belongs in {belongs}"
    )]
    KeywordWithoutMeaning {
        /// The directive.
        directive: Directive,
        /// The keyword.
        keyword: String,
        /// Directives where it has a meaning.
        belongs: &'static str,
    },

    /// `'none'` together with other sources. Browsers then ignore the `'none'`.
    #[error(
        "content-security-policy: {directive}: 'none' stands alone; remove it or the other sources"
    )]
    NoneBesideOthers {
        /// The directive.
        directive: Directive,
    },

    /// A directive without the values it needs.
    #[error("content-security-policy: {directive}: no value; to allow nothing write 'none'")]
    Empty {
        /// The directive.
        directive: Directive,
    },

    /// An addition to a directive that is absent, where browsers fall back to nothing, or to
    /// something that cannot be written there.
    #[error(
        "content-security-policy: {directive} is absent, and what it stands for cannot be added to; \
         say with `replace` all that it is to allow"
    )]
    NothingToExtend {
        /// The directive.
        directive: Directive,
    },

    /// The same directive twice. Browsers ignore the second.
    #[error("content-security-policy: {directive} is there already; use `extend` or `replace`")]
    DuplicateDirective {
        /// The directive.
        directive: Directive,
    },

    /// A directive that no browser knows, or one that has been retired.
    #[error("content-security-policy: {name:?} is no directive: {mend}")]
    UnknownDirective {
        /// The name as given.
        name: String,
        /// What has replaced it, or where to look.
        mend: &'static str,
    },

    /// `'strict-dynamic'` makes browsers ignore host sources, so without a nonce or a hash nothing
    /// would run.
    #[error(
        "content-security-policy: {directive} 'strict-dynamic' needs a nonce or a hash beside it"
    )]
    StrictDynamicAlone {
        /// The directive.
        directive: Directive,
    },

    /// Without `'strict-dynamic'` the fallback for old browsers would count in all of them.
    #[error(
        "content-security-policy: script-src has no 'strict-dynamic' to fall back from; add it, or \
         leave the fallback out"
    )]
    StrictDynamicAbsent,

    /// A policy that says nothing.
    #[error("content-security-policy: no directive; start with default-src")]
    EmptyPolicy,

    /// A directive that browsers ignore in a report-only policy.
    #[error(
        "content-security-policy-report-only: {directive} is ignored when only reporting; remove it"
    )]
    MeansNothingWhenReporting {
        /// The directive.
        directive: Directive,
    },

    /// A report sent to an endpoint that no `Reporting-Endpoints` header declares.
    #[error(
        "{header}: reports go to the endpoint {endpoint:?}, which is not declared; add it with `reporting_endpoint`"
    )]
    UndeclaredEndpoint {
        /// The header that names the endpoint.
        header: HeaderKind,
        /// The endpoint's name.
        endpoint: String,
    },

    /// Whether one value of this header is stricter than another cannot be decided.
    #[error(
        "{header}: it cannot be decided which of two values is stricter; use `Keep` or `Override`"
    )]
    NotComparable {
        /// The header.
        header: HeaderKind,
    },

    /// A change to a header that the policy does not have.
    #[error("{header}: the policy has no such header; add it with `with`")]
    Absent {
        /// The header.
        header: HeaderKind,
    },

    /// `X-Frame-Options` and `frame-ancestors` that say different things.
    #[error(
        "x-frame-options: {frame_options} contradicts frame-ancestors {frame_ancestors}; \
         set one of them, or both to the same"
    )]
    Framing {
        /// The value of `X-Frame-Options`.
        frame_options: String,
        /// The sources of `frame-ancestors`.
        frame_ancestors: String,
    },

    /// Something that is not the name of a header, or of none that a policy has.
    #[error("{name:?} is no header of a policy, or no header name at all")]
    HeaderName {
        /// The name as given.
        name: String,
    },

    /// A header that is both sent and removed, or one that has to stay.
    #[error(
        "{name}: it cannot be removed, because it is sent; use `without`, or `OnConflict::Override`"
    )]
    RemovedButSent {
        /// The name as given.
        name: String,
    },
}
