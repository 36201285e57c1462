//! Random policies, made as users make them: typed keywords, and text for hosts and schemes.

use std::collections::BTreeMap;

use donjon::headers::csp::{
    ContentSecurityPolicy, ContentSecurityPolicyBuilder, Directive, Source,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Inline scripts whose hashes the policies may have.
pub(crate) const SCRIPTS: [&str; 3] = ["first()", "second()", "third()"];

/// The sources of one directive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) typed: Vec<Source>,
    pub(crate) text: Vec<&'static str>,
}

pub(crate) type Directives = BTreeMap<Directive, Sources>;

impl Sources {
    /// As they are to stand in the policy, with `'nonce'` for the nonce.
    pub(crate) fn written(&self) -> Vec<String> {
        let typed = self.typed.iter().map(Source::to_string);
        let all: Vec<_> = typed.chain(self.text.iter().map(|text| (*text).to_owned())).collect();
        if all.is_empty() { vec!["'none'".to_owned()] } else { all }
    }

    pub(crate) fn has(&self, source: &Source) -> bool {
        self.typed.contains(source)
    }

    /// A nonce or a hash: what makes browsers ignore `'unsafe-inline'`.
    pub(crate) fn is_marked(&self) -> bool {
        self.typed.iter().any(|source| matches!(source, Source::Nonce | Source::Hash(_)))
    }

    pub(crate) fn set(
        &self,
        directive: Directive,
        builder: ContentSecurityPolicyBuilder,
    ) -> ContentSecurityPolicyBuilder {
        match (self.typed.is_empty(), self.text.is_empty()) {
            (true, true) => builder.set(directive, [Source::None]),
            (true, false) => builder.set(directive, self.text.iter().copied()),
            (false, true) => builder.set(directive, self.typed.iter().cloned()),
            (false, false) => builder
                .set(directive, self.typed.iter().cloned())
                .extend(directive, self.text.iter().copied()),
        }
    }

    pub(crate) fn extend(
        &self,
        directive: Directive,
        builder: ContentSecurityPolicyBuilder,
    ) -> ContentSecurityPolicyBuilder {
        let mut builder = builder;
        if !self.typed.is_empty() {
            builder = builder.extend(directive, self.typed.iter().cloned());
        }
        if !self.text.is_empty() {
            builder = builder.extend(directive, self.text.iter().copied());
        }
        builder
    }
}

pub(crate) fn build(directives: &Directives) -> ContentSecurityPolicy {
    let builder = directives
        .iter()
        .fold(ContentSecurityPolicy::builder(), |builder, (directive, sources)| {
            sources.set(*directive, builder)
        });
    builder.build().unwrap_or_else(|error| panic!("{directives:?}: {error}"))
}

/// One directive at least.
pub(crate) fn any_directives() -> impl Strategy<Value = Directives> {
    subsequence(DIRECTIVES, 1..=8)
        .prop_flat_map(|directives| {
            directives
                .into_iter()
                .map(|directive| (Just(directive), any_sources(directive)))
                .collect::<Vec<_>>()
        })
        .prop_map(|directives| directives.into_iter().collect())
}

pub(crate) fn any_directive() -> impl Strategy<Value = Directive> {
    select(DIRECTIVES)
}

/// Sources that the directive heeds, none of them perhaps.
pub(crate) fn any_sources(directive: Directive) -> impl Strategy<Value = Sources> {
    let keywords = keywords(directive);
    let most = keywords.len();
    (subsequence(keywords, 0..=most), subsequence(HOSTS, 0..=3)).prop_map(|(typed, text)| {
        let mut sources = Sources { typed, text };
        if !sources.is_marked() {
            // It does not build alone.
            sources.typed.retain(|source| *source != Source::StrictDynamic);
        }
        sources
    })
}

/// An addition that by the rules of CSP3 can only allow more: a mark would make browsers ignore an
/// `'unsafe-inline'` that is there, `'strict-dynamic'` the hosts.
pub(crate) fn any_addition() -> impl Strategy<Value = (Directive, Sources)> {
    any_directive().prop_flat_map(|directive| (Just(directive), any_sources(directive))).prop_map(
        |(directive, mut more)| {
            more.typed.retain(|source| {
                !matches!(source, Source::Nonce | Source::Hash(_) | Source::StrictDynamic)
            });
            (directive, more)
        },
    )
}

/// What CSP3 heeds in each directive, written down once more.
fn keywords(directive: Directive) -> Vec<Source> {
    use Directive as D;
    let hashes = || SCRIPTS[..2].iter().map(|script| Source::hash_of(script));
    let mut keywords = vec![Source::SelfOrigin];
    if matches!(directive, D::DefaultSrc | D::ScriptSrc | D::ScriptSrcElem) {
        keywords.extend([Source::StrictDynamic, Source::InlineSpeculationRules]);
    }
    if matches!(directive, D::DefaultSrc | D::ScriptSrc) {
        keywords.extend([Source::UnsafeEval, Source::WasmUnsafeEval, Source::TrustedTypesEval]);
    }
    if matches!(
        directive,
        D::DefaultSrc | D::ScriptSrc | D::ScriptSrcElem | D::StyleSrc | D::StyleSrcElem
    ) {
        keywords.push(Source::Nonce);
    }
    if matches!(
        directive,
        D::DefaultSrc
            | D::ScriptSrc
            | D::ScriptSrcElem
            | D::ScriptSrcAttr
            | D::StyleSrc
            | D::StyleSrcElem
            | D::StyleSrcAttr
    ) {
        keywords.extend(hashes());
        keywords.extend([Source::UnsafeInline, Source::ReportSample]);
    }
    if matches!(
        directive,
        D::DefaultSrc | D::ScriptSrc | D::ScriptSrcAttr | D::StyleSrc | D::StyleSrcAttr
    ) {
        keywords.push(Source::UnsafeHashes);
    }
    keywords
}

pub(crate) const DIRECTIVES: &[Directive] = &[
    Directive::DefaultSrc,
    Directive::ScriptSrc,
    Directive::ScriptSrcElem,
    Directive::ScriptSrcAttr,
    Directive::StyleSrc,
    Directive::StyleSrcElem,
    Directive::StyleSrcAttr,
    Directive::ImgSrc,
    Directive::FontSrc,
    Directive::ConnectSrc,
    Directive::MediaSrc,
    Directive::ManifestSrc,
    Directive::ChildSrc,
    Directive::FrameSrc,
    Directive::WorkerSrc,
    Directive::ObjectSrc,
    Directive::BaseUri,
    Directive::FormAction,
    Directive::FrameAncestors,
];

const HOSTS: &[&str] = &[
    "https://a.example",
    "https://a.example/js/",
    "https://a.example:8443",
    "http://a.example",
    "wss://a.example",
    "b.example",
    "*.c.example",
    "*",
    "https:",
    "data:",
    "blob:",
];
