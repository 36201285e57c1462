//! The headers as they are sent: everything that can be decided before the first request is.

use std::sync::Arc;

use bytes::Bytes;

use super::builder::{OnConflict, SecurityHeadersBuilder};
use super::csp::{ContentSecurityPolicy, CspPatch, Directive, Nonce};
use super::variant::{Policy, Variant};
use super::{FrameOptions, HeaderKind, SecurityHeader};
use crate::head::{Name, ResponseHead, Value};
use crate::shared_caches;

pub(super) struct Compiled {
    /// As it was given, to start from again.
    pub(super) given: SecurityHeadersBuilder,
    /// As it belongs together.
    pub(super) built_from: SecurityHeadersBuilder,
    /// Whether pages get a nonce; `None` if there is no policy to say so.
    pub(super) takes_nonce: Option<bool>,
    /// Whether that holds whatever layers nearer to the handler say.
    pub(super) overrides: bool,
    https: Variant,
    http: Variant,
    cache_control: Option<Value>,
    /// Headers that outer layers are not to add.
    off: Option<TakenAway>,
}

/// Left in the response's extensions for layers further out.
#[derive(Clone, Debug)]
struct TakenAway(Arc<[HeaderKind]>);

impl Compiled {
    pub(super) fn new(given: SecurityHeadersBuilder, built_from: SecurityHeadersBuilder) -> Self {
        // A page whose enforced policy has no place for the nonce needs none for the other's sake:
        // its scripts would not run.
        let policy = built_from.enforced().or(built_from.watched());
        let takes_nonce = policy.map(ContentSecurityPolicy::takes_nonce);
        let off: Arc<[HeaderKind]> = built_from.off.iter().copied().collect();
        Self {
            given,
            takes_nonce,
            overrides: built_from.on_conflict.get(&HeaderKind::ContentSecurityPolicy)
                == Some(&OnConflict::Override),
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
        // It is not for a layer to take away what keeps a nonce out of shared caches.
        if nonce.is_some() {
            shared_caches::keep_from(response);
        }
    }

    fn send<H: ResponseHead>(
        &self,
        variant: &Variant,
        nonce: Option<Nonce>,
        patched: Option<&[Policy]>,
        response: &mut H,
    ) {
        // A 304 updates the headers of the copy that the browser has. What was decided for that copy,
        // by a handler, by a layer nearer to it, or by its nonce, is not known here and stays.
        if response.status() == NOT_MODIFIED {
            return response.underlay(&variant.not_modified);
        }
        let document = !self.built_from.only_documents || may_be_document(response);
        if let Some(value) = &self.cache_control {
            self.keep_uncached(value, response);
        }
        if !document {
            response.underlay(&variant.bare);
        } else if nonce.is_none() && patched.is_none() {
            response.underlay(&variant.all);
        } else {
            // Before the others, so that the map grows once.
            self.send_policies(patched.unwrap_or(&variant.policies), nonce, response);
            response.underlay(&variant.without_csp);
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
            // A policy's values are checked when they are made, those of patches too.
            let sent = response.insert_bytes(&policy.name, text);
            debug_assert!(sent, "{} is no header value", policy.header);
        }
        if nonce_sent {
            shared_caches::keep_from(response);
        }
    }

    fn keeps(&self, header: HeaderKind) -> bool {
        self.built_from.on_conflict.get(&header) != Some(&OnConflict::Override)
    }

    /// As Spring Security does: whoever has said something about caching knows better, unless told
    /// otherwise.
    fn keep_uncached<H: ResponseHead>(&self, ours: &Value, response: &mut H) {
        let kind = HeaderKind::CacheControl;
        let replaces = match self.built_from.on_conflict.get(&kind) {
            Some(OnConflict::Override) => true,
            Some(OnConflict::OnlyIfStricter) if response.contains(&CACHE_CONTROL) => {
                let mut theirs = response.header(&CACHE_CONTROL);
                match (theirs.next(), theirs.next(), SecurityHeader::stricter(kind)) {
                    (Some(theirs), None, Some(stricter)) => stricter(ours.as_bytes(), theirs),
                    _ => true,
                }
            }
            _ => ![&CACHE_CONTROL, &EXPIRES, &PRAGMA].iter().any(|name| response.contains(name)),
        };
        if replaces {
            response.insert(&CACHE_CONTROL, ours);
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

/// The sources of the enforced policy's `frame-ancestors`, none if it lacks the directive; `None`
/// if there is no enforced policy.
fn frame_ancestors(policies: &[Policy]) -> Option<Vec<String>> {
    let enforced =
        policies.iter().find(|policy| policy.header == HeaderKind::ContentSecurityPolicy)?;
    let ancestors = enforced.csp.get(Directive::FrameAncestors);
    Some(ancestors.unwrap_or_default())
}

/// Whether a browser may make a page or a worker of the response. Whatever is not plainly something
/// else may be one: browsers cut types at odd places, and handlers send what clients have told them.
fn may_be_document<H: ResponseHead>(response: &H) -> bool {
    let mut types = response.header(&CONTENT_TYPE);
    let (Some(content_type), None) = (types.next(), types.next()) else {
        return true;
    };
    // Of several types in one value browsers may take any.
    if content_type.contains(&b',') {
        return true;
    }
    let essence = content_type.split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let Some(slash) = essence.iter().position(|byte| *byte == b'/') else {
        return true;
    };
    let (kind, subtype) = (&essence[..slash], &essence[slash + 1..]);
    let is_token = !subtype.is_empty()
        && subtype.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(byte));
    let is_xml = subtype.ends_with(b"+xml") || subtype == b"xml";
    let is_other =
        matches!(kind, b"image" | b"font" | b"audio" | b"video") || essence == b"text/css";
    !(is_other && is_token && !is_xml)
}

const NOT_MODIFIED: u16 = 304;
static CACHE_CONTROL: Name = Name::from_static("cache-control");
static CONTENT_TYPE: Name = Name::from_static("content-type");
static EXPIRES: Name = Name::from_static("expires");
static PRAGMA: Name = Name::from_static("pragma");
