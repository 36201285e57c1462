//! The headers for one scheme, prepared before the first request.

use bytes::Bytes;

use super::builder::{OnConflict, SecurityHeadersBuilder};
use super::csp::template::{Template, without_nonce};
use super::csp::{ContentSecurityPolicy, CspPatch, Directive};
use super::{HeaderKind, SecurityHeader, leaking};
use crate::head::{HeaderSet, Name, Precedence, Value};

/// The headers for one scheme.
pub(super) struct Variant {
    https: bool,
    /// For a response whose nonce nobody took, which is most of them.
    pub(super) all: HeaderSet,
    /// For the others: the policies are added with their nonce.
    pub(super) without_csp: HeaderSet,
    /// For what is no document.
    pub(super) bare: HeaderSet,
    /// For a 304.
    pub(super) not_modified: HeaderSet,
    pub(super) policies: Vec<Policy>,
}

pub(super) struct Policy {
    pub(super) header: HeaderKind,
    pub(super) name: Name,
    pub(super) csp: ContentSecurityPolicy,
    /// `None` if the policy has no place for the nonce.
    pub(super) template: Option<Template>,
    pub(super) without_nonce: Bytes,
}

impl Variant {
    pub(super) fn new(built_from: &SecurityHeadersBuilder, https: bool) -> Self {
        let policies = [
            (HeaderKind::ContentSecurityPolicy, built_from.enforced()),
            (HeaderKind::ContentSecurityPolicyReportOnly, built_from.watched()),
        ];
        let policies = policies.into_iter().filter_map(|(header, policy)| {
            let policy = if https { policy?.clone() } else { over_http(policy?)? };
            Some(Policy::new(header, policy))
        });
        let mut variant = Self {
            https,
            all: HeaderSet::default(),
            without_csp: HeaderSet::default(),
            bare: HeaderSet::default(),
            not_modified: HeaderSet::default(),
            policies: policies.collect(),
        };
        variant.prepare(built_from);
        variant
    }

    fn prepare(&mut self, built_from: &SecurityHeadersBuilder) {
        let sets = [&mut self.all, &mut self.without_csp, &mut self.bare, &mut self.not_modified];
        for set in sets {
            let leaking = leaking::LEAKING.iter().copied();
            let leaking = leaking.filter(|_| built_from.remove_leaking);
            let removed = built_from.removed.iter().map(String::as_str);
            for name in leaking.chain(removed).filter_map(Name::new) {
                set.forbid(&name);
            }
        }
        for (kind, header) in &built_from.headers {
            let policy = self.policies.iter().find(|policy| policy.header == *kind);
            let value = match (kind, policy) {
                (_, Some(policy)) => Value::from_shared(policy.without_nonce.clone()),
                (
                    HeaderKind::ContentSecurityPolicy | HeaderKind::ContentSecurityPolicyReportOnly,
                    None,
                )
                // It depends on the response; see `keep_uncached`.
                | (HeaderKind::CacheControl, _) => None,
                // Over http browsers heed neither; RFC 6797, section 7.2, forbids to send the first.
                (HeaderKind::StrictTransportSecurity | HeaderKind::ReportingEndpoints, _)
                    if !self.https =>
                {
                    None
                }
                _ => Value::new(header.value()),
            };
            // Nothing is lost here: `settle` refuses what is no header value.
            let Some(value) = value else { continue };
            let precedence = match built_from.on_conflict.get(kind) {
                None | Some(OnConflict::Keep) => Precedence::Theirs,
                Some(OnConflict::Override) => Precedence::Ours,
                Some(OnConflict::OnlyIfStricter) => {
                    SecurityHeader::stricter(*kind).map_or(Precedence::Theirs, Precedence::OursIf)
                }
            };
            let push =
                |set: &mut HeaderSet| set.push(kind.header_name(), value.clone(), precedence);
            push(&mut self.all);
            if policy.is_none() {
                push(&mut self.without_csp);
                if !kind.only_for_documents() {
                    push(&mut self.bare);
                }
                if *kind == HeaderKind::StrictTransportSecurity {
                    push(&mut self.not_modified);
                }
            }
        }
    }

    /// The policies with a handler's changes.
    pub(super) fn patched(&self, patch: &CspPatch) -> Vec<Policy> {
        let patched = self.policies.iter().filter_map(|policy| {
            let changed = patch.changed(&policy.csp)?;
            let changed = if self.https { changed } else { over_http(&changed)? };
            Some(Policy::new(policy.header, changed))
        });
        patched.collect()
    }
}

/// What of a policy is of use over http; `None` if nothing is.
fn over_http(policy: &ContentSecurityPolicy) -> Option<ContentSecurityPolicy> {
    // Over http this one breaks a site that has no https.
    let policy = policy.without(Directive::UpgradeInsecureRequests)?;
    // Endpoints are for https alone, and a browser that knows `report-to` heeds no `report-uri`
    // beside it: with both, nobody would hear anything.
    match policy.get(Directive::ReportUri) {
        Some(_) => policy.without(Directive::ReportTo),
        None => Some(policy),
    }
}

impl Policy {
    fn new(header: HeaderKind, csp: ContentSecurityPolicy) -> Self {
        Self {
            header,
            name: header.header_name(),
            template: Template::new(&csp),
            without_nonce: without_nonce(&csp).into(),
            csp,
        }
    }
}

impl HeaderKind {
    /// Whether the header says something about documents alone.
    fn only_for_documents(self) -> bool {
        !matches!(
            self,
            Self::StrictTransportSecurity
                | Self::ContentTypeOptions
                // A style sheet's own images are fetched under the style sheet's policy.
                | Self::ReferrerPolicy
                | Self::CrossOriginResourcePolicy
                | Self::PermittedCrossDomainPolicies
                | Self::CacheControl
                | Self::ExpectCt
                | Self::DownloadOptions
        )
    }
}
