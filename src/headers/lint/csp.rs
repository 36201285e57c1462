//! Weak spots of a Content-Security-Policy.

use super::{Findings, Severity};
use crate::headers::HeaderKind;
use crate::headers::csp::{ContentSecurityPolicy, Directive, Source};

impl Findings {
    pub(super) fn policy(&mut self, policy: &ContentSecurityPolicy, frame_options: bool) {
        let header = HeaderKind::ContentSecurityPolicy;
        let has = |directive| policy.get(directive).is_some();
        let effective = |directive: Directive| policy.effective_sources(directive);
        let mut add = |severity, directive, message| {
            self.add(severity, header, Some(directive), message);
        };

        if effective(Directive::ScriptSrc).is_none() {
            add(
                Severity::Serious,
                Directive::ScriptSrc,
                "absent, and so is default-src: every script runs; name what may run",
            );
        }
        if effective(Directive::ObjectSrc).is_none() {
            add(
                Severity::Serious,
                Directive::ObjectSrc,
                "absent, and so is default-src: plug-ins may run scripts; set 'none'",
            );
        }
        if !has(Directive::BaseUri) {
            let marked = effective(Directive::ScriptSrc).is_some_and(|sources| {
                let is_mark = |source: &&Source| matches!(source, Source::Nonce | Source::Hash(_));
                sources.iter().any(is_mark)
            });
            add(
                if marked { Severity::Serious } else { Severity::Warning },
                Directive::BaseUri,
                "absent: an injected <base> sends relative script addresses elsewhere; set 'none' \
                 or 'self'",
            );
        }
        if !has(Directive::FormAction) {
            add(
                Severity::Warning,
                Directive::FormAction,
                "absent: an injected form may send what users type anywhere; set 'self'",
            );
        }
        if !has(Directive::FrameAncestors) && !frame_options {
            add(
                Severity::Warning,
                Directive::FrameAncestors,
                "absent: other sites may frame the page; set 'none' or 'self'",
            );
        }
        for directive in [
            Directive::ScriptSrc,
            Directive::ScriptSrcElem,
            Directive::ScriptSrcAttr,
            Directive::StyleSrc,
            Directive::ObjectSrc,
        ] {
            if let Some(sources) = effective(directive) {
                self.sources(header, directive, &sources);
            }
        }
        for (directive, source) in policy.sources() {
            if source.scheme() == Some("http") || source.scheme() == Some("ws") {
                self.add(
                    Severity::Warning,
                    header,
                    Some(directive),
                    "a source over http can be changed on its way; write https or wss",
                );
            }
        }
    }

    /// What is wrong with the sources of scripts, styles or plug-ins.
    fn sources(&mut self, header: HeaderKind, directive: Directive, sources: &[&Source]) {
        let has = |wanted: &Source| sources.contains(&wanted);
        let marked = sources.iter().any(|source| matches!(source, Source::Nonce | Source::Hash(_)));
        let is_style = directive == Directive::StyleSrc;
        let severity = if is_style { Severity::Note } else { Severity::Serious };
        let mut add = |severity, message| self.add(severity, header, Some(directive), message);

        if has(&Source::UnsafeInline) && !marked {
            let message = if is_style {
                "'unsafe-inline' lets injected styles change and read the page; use nonces"
            } else {
                "'unsafe-inline' runs injected scripts; use nonces or hashes"
            };
            add(severity, message);
        }
        if has(&Source::UnsafeEval) {
            add(
                Severity::Warning,
                "'unsafe-eval' makes code of strings; use 'wasm-unsafe-eval' or trusted types",
            );
        }
        if has(&Source::UnsafeHashes) {
            add(
                Severity::Note,
                "'unsafe-hashes' lets an injected attribute reuse an allowed script",
            );
        }
        // Browsers ignore hosts and schemes beside 'strict-dynamic'.
        if is_style || has(&Source::StrictDynamic) {
            return;
        }
        let is_wild = |source: &&Source| match source {
            Source::Scheme(_) => true,
            Source::Host(_) => source.host() == Some("*"),
            _ => false,
        };
        if sources.iter().any(is_wild) {
            add(severity, "a bare scheme or * lets anybody's server in; name hosts, or use nonces");
        } else if sources
            .iter()
            .any(|source| source.host().is_some_and(|host| host.starts_with("*.")))
        {
            add(
                Severity::Warning,
                "a wildcard lets in every host below it; name hosts, or use nonces",
            );
        }
    }
}
