//! The headers as they are sent: everything that can be decided before the first request is.

use std::sync::Arc;

use bytes::Bytes;

use super::builder::{OnConflict, SecurityHeadersBuilder};
use super::csp::template::{Template, without_nonce};
use super::csp::{ContentSecurityPolicy, CspPatch, Directive, Nonce};
use super::{FrameOptions, HeaderKind, SecurityHeader, leaking, shared_caches};
use crate::head::{HeaderSet, Name, Precedence, ResponseHead, Value};
use crate::trace;

pub(super) struct Compiled {
    pub(super) built_from: SecurityHeadersBuilder,
    pub(super) takes_nonce: bool,
    https: Variant,
    http: Variant,
    cache_control: Option<Value>,
    /// Headers that outer layers are not to add.
    off: Option<TakenAway>,
}

/// The headers for one scheme.
struct Variant {
    /// For a response whose nonce nobody took, which is most of them.
    all: HeaderSet,
    /// For the others: the policies are added with their nonce.
    without_csp: HeaderSet,
    /// For what is no document.
    bare: HeaderSet,
    policies: Vec<Policy>,
}

struct Policy {
    header: HeaderKind,
    name: Name,
    csp: ContentSecurityPolicy,
    /// `None` if the policy has no place for the nonce.
    template: Option<Template>,
    without_nonce: Bytes,
}

/// Left in the response's extensions for layers further out.
#[derive(Clone, Debug)]
struct TakenAway(Arc<[HeaderKind]>);

impl Compiled {
    pub(super) fn new(built_from: SecurityHeadersBuilder) -> Self {
        let takes_nonce = [built_from.enforced(), built_from.watched()]
            .into_iter()
            .flatten()
            .any(ContentSecurityPolicy::takes_nonce);
        let off: Arc<[HeaderKind]> = built_from.off.iter().copied().collect();
        Self {
            takes_nonce,
            https: Variant::new(&built_from, true),
            http: Variant::new(&built_from, false),
            cache_control: built_from
                .headers
                .get(&HeaderKind::CacheControl)
                .and_then(|header| Value::new(header.value())),
            off: (!off.is_empty()).then_some(TakenAway(off)),
            built_from,
        }
    }

    pub(super) fn finish<H: ResponseHead>(
        &self,
        https: bool,
        nonce: Option<Nonce>,
        response: &mut H,
    ) {
        let variant = if https { &self.https } else { &self.http };
        let patch = response.extension::<CspPatch>();
        let taken_away = response.extension::<TakenAway>();
        if patch.is_none() && taken_away.is_none() {
            self.send(variant, nonce, None, response);
        } else {
            self.send_changed(variant, nonce, patch.as_ref(), taken_away.as_ref(), response);
        }
        if let Some(off) = &self.off {
            let mut off = off.clone();
            if let Some(TakenAway(nearer)) = response.extension() {
                off.0 = off.0.iter().chain(&*nearer).copied().collect();
            }
            response.insert_extension(off);
        }
    }

    /// The rare way: some layer nearer to the handler, or the handler itself, wants it otherwise.
    #[cold]
    fn send_changed<H: ResponseHead>(
        &self,
        variant: &Variant,
        nonce: Option<Nonce>,
        patch: Option<&CspPatch>,
        taken_away: Option<&TakenAway>,
        response: &mut H,
    ) {
        let absent: Vec<_> = taken_away
            .iter()
            .flat_map(|TakenAway(headers)| headers.iter())
            .map(|header| header.header_name())
            .filter(|name| !response.contains(name))
            .collect();
        let policies = patch.map(|patch| variant.patched(patch));
        let reframed =
            policies.as_ref().and_then(|policies| self.reframed(variant, policies, response));
        self.send(variant, nonce, policies.as_deref(), response);
        let frame_options = HeaderKind::FrameOptions.header_name();
        if let Some(ancestors) = reframed {
            match FrameOptions::of_ancestors(&ancestors).map(FrameOptions::as_str) {
                None => response.remove(&frame_options),
                Some(value) => {
                    response.insert_bytes(&frame_options, Bytes::from_static(value.as_bytes()));
                }
            }
        }
        for name in absent {
            response.remove(&name);
        }
    }

    fn send<H: ResponseHead>(
        &self,
        variant: &Variant,
        nonce: Option<Nonce>,
        patched: Option<&[Policy]>,
        response: &mut H,
    ) {
        // A 304 updates the headers of the copy the browser has: a policy without the nonce that
        // stands in that copy's page would stop its scripts.
        let stored = response.status() == NOT_MODIFIED && self.takes_nonce;
        let document = !self.built_from.only_documents || may_be_document(response);
        if !document {
            response.underlay(&variant.bare);
        } else if stored {
            response.underlay(&variant.without_csp);
        } else if nonce.is_none() && patched.is_none() {
            response.underlay(&variant.all);
        } else {
            // Before the others, so that the map grows once.
            self.send_policies(patched.unwrap_or(&variant.policies), nonce, response);
            response.underlay(&variant.without_csp);
        }
        if let Some(value) = &self.cache_control {
            self.keep_uncached(value, response);
        }
    }

    fn send_policies<H: ResponseHead>(
        &self,
        policies: &[Policy],
        nonce: Option<Nonce>,
        response: &mut H,
    ) {
        let mut nonce_sent = false;
        for policy in policies {
            if self.keeps(policy.header) && response.contains(&policy.name) {
                continue;
            }
            let text = match (&policy.template, nonce) {
                (Some(template), Some(nonce)) => {
                    nonce_sent = true;
                    template.with(&nonce)
                }
                _ => policy.without_nonce.clone(),
            };
            response.insert_bytes(&policy.name, text);
        }
        if nonce_sent {
            shared_caches::keep_from(response);
        }
    }

    fn keeps(&self, header: HeaderKind) -> bool {
        self.built_from.on_conflict.get(&header) != Some(&OnConflict::Override)
    }

    /// As Spring Security does: whoever has said something about caching knows better.
    fn keep_uncached<H: ResponseHead>(&self, value: &Value, response: &mut H) {
        let said = [&CACHE_CONTROL, &EXPIRES, &PRAGMA].iter().any(|name| response.contains(name));
        let keeps = self.keeps(HeaderKind::CacheControl);
        if response.status() != NOT_MODIFIED && !(said && keeps) {
            response.insert(&CACHE_CONTROL, value);
        }
    }

    /// The sources of `frame-ancestors`, if a patch has changed them and `X-Frame-Options`, which
    /// has to say the same, is ours.
    fn reframed<H: ResponseHead>(
        &self,
        variant: &Variant,
        patched: &[Policy],
        response: &H,
    ) -> Option<Vec<String>> {
        let kind = HeaderKind::FrameOptions;
        let ours = self.built_from.headers.contains_key(&kind)
            && !(self.keeps(kind) && response.contains(&kind.header_name()));
        let before = frame_ancestors(&variant.policies)?;
        let after = frame_ancestors(patched)?;
        (ours && before != after).then_some(after)
    }
}

impl Variant {
    fn new(built_from: &SecurityHeadersBuilder, https: bool) -> Self {
        let policies = [
            (HeaderKind::ContentSecurityPolicy, built_from.enforced()),
            (HeaderKind::ContentSecurityPolicyReportOnly, built_from.watched()),
        ];
        let policies = policies.into_iter().filter_map(|(header, policy)| {
            // Over http it would break a site that has no https.
            let policy = if https {
                policy?.clone()
            } else {
                policy?.without(Directive::UpgradeInsecureRequests)?
            };
            Some(Policy::new(header, policy))
        });
        let mut variant = Self {
            all: HeaderSet::default(),
            without_csp: HeaderSet::default(),
            bare: HeaderSet::default(),
            policies: policies.collect(),
        };
        variant.prepare(built_from, https);
        variant
    }

    fn prepare(&mut self, built_from: &SecurityHeadersBuilder, https: bool) {
        let sets = [&mut self.all, &mut self.without_csp, &mut self.bare];
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
                // RFC 6797, section 7.2: not over http.
                (HeaderKind::StrictTransportSecurity, _) if !https => None,
                _ => Value::new(header.value()),
            };
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
            }
        }
    }

    /// The policies with a handler's changes. A change that makes no sense changes nothing.
    fn patched(&self, patch: &CspPatch) -> Vec<Policy> {
        let patched = self.policies.iter().filter_map(|policy| {
            let changed = patch.changed(&policy.csp)?.unwrap_or_else(|error| {
                trace::warn!(%error, "a patch of the Content-Security-Policy was ignored");
                let _ = error;
                policy.csp.clone()
            });
            Some(Policy::new(policy.header, changed))
        });
        patched.collect()
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

/// The sources of the enforced policy's `frame-ancestors`, none if it lacks the directive; `None`
/// if there is no enforced policy.
fn frame_ancestors(policies: &[Policy]) -> Option<Vec<String>> {
    let enforced =
        policies.iter().find(|policy| policy.header == HeaderKind::ContentSecurityPolicy)?;
    let ancestors = enforced.csp.get(Directive::FrameAncestors);
    Some(ancestors.unwrap_or_default())
}

/// Whether a browser may make a document or a worker of the response.
fn may_be_document<H: ResponseHead>(response: &H) -> bool {
    let mut types = response.header(&CONTENT_TYPE);
    let (Some(content_type), None) = (types.next(), types.next()) else {
        return true;
    };
    let essence = content_type.split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let never = ["text/css", "text/plain", "application/json"];
    let never_begins = ["image/", "font/", "audio/", "video/"];
    let is_never = never.iter().any(|never| essence == never.as_bytes())
        || never_begins.iter().any(|never| essence.starts_with(never.as_bytes()))
        || essence.ends_with(b"+json");
    !is_never || essence == b"image/svg+xml"
}

const NOT_MODIFIED: u16 = 304;
static CACHE_CONTROL: Name = Name::from_static("cache-control");
static CONTENT_TYPE: Name = Name::from_static("content-type");
static EXPIRES: Name = Name::from_static("expires");
static PRAGMA: Name = Name::from_static("pragma");
