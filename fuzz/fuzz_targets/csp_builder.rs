//! Whatever is done with the builder, what it builds is one valid header value that holds one
//! policy: the directives that were asked for, and no more. It is the same when it is read again,
//! and it is what the middleware sends, with a nonce, without one and patched.

#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use axum_core::extract::FromRequestParts;
use donjon::headers::csp::{
    ContentSecurityPolicy, ContentSecurityPolicyBuilder, CspPatch, CspPatchBuilder, Directive,
    Hash, Sandbox, Source,
};
use donjon::headers::{HeaderKind, Nonce, SecurityHeaders};
use donjon::middleware::Middleware;
use donjon_fuzz::ready;
use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    steps: Vec<Step<'a>>,
    patch: Vec<Step<'a>>,
    take_nonce: bool,
    https: bool,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Set(AnyDirective, Values<'a>),
    Extend(AnyDirective, Values<'a>),
    Replace(AnyDirective, Values<'a>),
    Remove(AnyDirective),
    Named(&'a str, Values<'a>),
    Custom(&'a str, &'a str),
    LegacyFallback,
    UpgradeInsecureRequests,
    RequireTrustedTypes,
}

#[derive(Arbitrary, Debug)]
enum Values<'a> {
    Text(Vec<Text<'a>>),
    Sources(Vec<AnySource<'a>>),
    Sandbox(Vec<u8>),
}

/// Text that is nearly right gets further than any text.
#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Any(&'a str),
    Known(u8),
    Pieces(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum AnySource<'a> {
    Keyword(u8),
    Sha256(&'a str),
    Sha384(&'a str),
    Sha512(&'a str),
}

#[derive(Debug)]
struct AnyDirective(Directive);

fuzz_target!(|input: Input<'_>| {
    let builder = input
        .steps
        .iter()
        .fold(ContentSecurityPolicy::builder(), |builder, step| step.build(builder));
    let Ok(policy) = builder.build() else {
        return;
    };

    let text = policy.to_string();
    assert_eq!(directives_in(&text), asked_for(&input.steps), "{text}");
    if !input.steps.iter().any(|step| matches!(step, Step::Custom(..))) {
        assert_eq!(text.parse(), Ok(policy.clone()), "{text}");
    }
    assert_eq!(policy.clone().into_builder().build(), Ok(policy.clone()));

    send(&input, &policy);
});

/// The policy through the middleware.
fn send(input: &Input<'_>, policy: &ContentSecurityPolicy) {
    let mut headers = SecurityHeaders::builder().with(policy.clone());
    for endpoint in policy.get(Directive::ReportTo).into_iter().flatten() {
        headers = headers.reporting_endpoint(&endpoint, "/reports");
    }
    if input.https {
        headers = headers.assume_https();
    }
    let headers = headers.build().expect("a policy that was built can be sent");

    let mut request = Request::new(());
    let mut memo = <SecurityHeaders as Middleware>::Memo::default();
    let Ok(()) = headers.admit(&mut request, &mut memo);
    let (mut parts, ()) = request.into_parts();
    let nonce = ready(async {
        if input.take_nonce { Nonce::from_request_parts(&mut parts, &()).await.ok() } else { None }
    });
    assert_eq!(nonce.is_some(), input.take_nonce && policy.takes_nonce());

    let mut response = Response::new(());
    headers.finish(&memo, &mut response);
    let text = policy.to_string();
    let mut expected = directives_in(&text);
    if !input.https {
        // The one would break a site without https, the other silence it.
        let has_uri = expected.contains(&Directive::ReportUri.name());
        expected.retain(|name| {
            *name != Directive::UpgradeInsecureRequests.name()
                && !(has_uri && *name == Directive::ReportTo.name())
        });
    }
    let sent = policy_of(&response).unwrap_or_default();
    assert_eq!(directives_in(sent), expected);
    // What stands in a path is no nonce.
    let is_nonce = |word: &str| word.starts_with("'nonce-");
    match nonce {
        Some(nonce) => {
            let nonce = format!("'nonce-{nonce}'");
            let mut nonces = sent.split([' ', ';']).filter(|word| is_nonce(word)).peekable();
            assert!(nonces.peek().is_some(), "{sent}");
            assert!(nonces.all(|word| word == nonce), "{sent}");
            assert!(response.headers().contains_key("cache-control"), "kept from caches");
        }
        None => assert!(is_custom(input) || !sent.split([' ', ';']).any(is_nonce), "{sent}"),
    }

    let patch = input.patch.iter().fold(CspPatch::new(), |patch, step| step.patch(patch));
    if let Ok(patch) = patch.build() {
        let mut response = Response::new(());
        patch.apply(&mut response);
        headers.finish(&memo, &mut response);
        directives_in(policy_of(&response).unwrap_or_default());
    }
}

fn is_custom(input: &Input<'_>) -> bool {
    input.steps.iter().any(|step| matches!(step, Step::Custom(..)))
}

/// The names that steps of which none has failed leave behind, in the order of a policy.
fn asked_for<'a>(steps: &[Step<'a>]) -> Vec<&'a str> {
    let (mut known, mut custom) = (BTreeSet::new(), Vec::new());
    for step in steps {
        match step {
            Step::Set(directive, _) | Step::Extend(directive, _) | Step::Replace(directive, _) => {
                known.insert(directive.0);
            }
            Step::Remove(directive) => {
                known.remove(&directive.0);
            }
            Step::Named(name, _) => {
                let named = |directive: &&Directive| directive.name().eq_ignore_ascii_case(name);
                known.insert(*Directive::ALL.iter().find(named).expect("a known name"));
            }
            Step::Custom(name, _) => custom.push(*name),
            Step::LegacyFallback => {
                known.insert(Directive::ScriptSrc);
            }
            Step::UpgradeInsecureRequests => {
                known.insert(Directive::UpgradeInsecureRequests);
            }
            Step::RequireTrustedTypes => {
                known.insert(Directive::RequireTrustedTypesFor);
            }
        }
    }
    let known = known.into_iter().map(|directive| -> &'a str { directive.name() });
    known.chain(custom).collect()
}

/// Reads a policy as CSP3, section 2.2.1, says: one policy, and each directive once.
fn directives_in(policy: &str) -> Vec<&str> {
    assert!(HeaderValue::from_str(policy).is_ok(), "{policy:?}");
    assert!(policy.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{policy:?}");
    assert!(!policy.contains(','), "a second policy: {policy}");
    let mut names = Vec::new();
    for directive in policy.split(';').filter(|_| !policy.is_empty()) {
        let mut words = directive.split(' ').filter(|word| !word.is_empty());
        let name = words.next().expect("a directive has a name");
        assert!(!names.contains(&name), "{name} comes twice: {policy}");
        names.push(name);
        let values: Vec<_> = words.collect();
        let is_known = Directive::ALL.iter().any(|directive| directive.name() == name);
        if is_known && values.contains(&"'none'") {
            assert_eq!(values, ["'none'"], "{policy}");
        }
    }
    names
}

fn policy_of(response: &Response<()>) -> Option<&str> {
    let name = HeaderKind::ContentSecurityPolicy.name();
    let mut values = response.headers().get_all(name).iter();
    let value = values.next()?;
    assert_eq!(values.next(), None, "one policy");
    Some(value.to_str().expect("visible ASCII"))
}

/// Each kind of value is a type of its own.
macro_rules! with {
    ($values:expr, |$list:ident| $change:expr) => {
        match $values {
            Values::Text(text) => {
                let $list = text.iter().map(Text::text);
                $change
            }
            Values::Sources(sources) => {
                let $list = sources.iter().map(AnySource::source);
                $change
            }
            Values::Sandbox(tokens) => {
                let $list = tokens.iter().map(|token| *nth(Sandbox::ALL, *token));
                $change
            }
        }
    };
}

impl Step<'_> {
    fn build(&self, builder: ContentSecurityPolicyBuilder) -> ContentSecurityPolicyBuilder {
        match self {
            Self::Set(directive, values) => with!(values, |list| builder.set(directive.0, list)),
            Self::Extend(directive, values) => {
                with!(values, |list| builder.extend(directive.0, list))
            }
            Self::Replace(directive, values) => {
                with!(values, |list| builder.replace(directive.0, list))
            }
            Self::Remove(directive) => builder.remove(directive.0),
            Self::Named(name, values) => with!(values, |list| builder.directive(name, list)),
            Self::Custom(name, value) => builder.dangerously_custom_directive(name, value),
            Self::LegacyFallback => builder.legacy_fallback(),
            Self::UpgradeInsecureRequests => builder.upgrade_insecure_requests(),
            Self::RequireTrustedTypes => builder.require_trusted_types(),
        }
    }

    fn patch(&self, patch: CspPatchBuilder) -> CspPatchBuilder {
        match self {
            Self::Extend(directive, values) => {
                with!(values, |list| patch.extend(directive.0, list))
            }
            Self::Set(directive, values) | Self::Replace(directive, values) => {
                with!(values, |list| patch.replace(directive.0, list))
            }
            Self::Remove(directive) => patch.remove(directive.0),
            _ => patch,
        }
    }
}

impl Text<'_> {
    fn text(&self) -> String {
        match self {
            Self::Any(text) => (*text).to_owned(),
            Self::Known(text) => (*nth(TEXTS, *text)).to_owned(),
            Self::Pieces(pieces) => pieces.iter().map(|piece| *nth(TEXTS, *piece)).collect(),
        }
    }
}

impl AnySource<'_> {
    fn source(&self) -> Source {
        match self {
            Self::Keyword(source) => nth(KEYWORDS, *source).clone(),
            Self::Sha256(text) => Source::Hash(Hash::sha256(text)),
            Self::Sha384(text) => Source::Hash(Hash::sha384(text)),
            Self::Sha512(text) => Source::Hash(Hash::sha512(text)),
        }
    }
}

impl<'a> Arbitrary<'a> for AnyDirective {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        bytes.choose(Directive::ALL).copied().map(Self)
    }
}

fn nth<T>(all: &[T], n: u8) -> &T {
    &all[usize::from(n) % all.len()]
}

const KEYWORDS: &[Source] = &[
    Source::None,
    Source::SelfOrigin,
    Source::Nonce,
    Source::StrictDynamic,
    Source::UnsafeInline,
    Source::UnsafeEval,
    Source::UnsafeHashes,
    Source::WasmUnsafeEval,
    Source::TrustedTypesEval,
    Source::ReportSample,
    Source::ReportSha256,
    Source::ReportSha384,
    Source::ReportSha512,
    Source::InlineSpeculationRules,
    Source::UnsafeWebtransportHashes,
];

const TEXTS: &[&str] = &[
    "'self'",
    "'none'",
    "'nonce'",
    "'strict-dynamic'",
    "'unsafe-inline'",
    "'script'",
    "'allow-duplicates'",
    "*",
    "https:",
    "a.example",
    "*.a.example",
    "https://a.example:8443/path/",
    "/reports",
    "main",
    "allow-scripts",
    "/",
    ":",
    ".",
    "?",
    "#",
    "%",
    "'",
    "\"",
    ";",
    ",",
    " ",
    "\t",
    "\r\n",
    "\0",
    "\u{a0}",
    "\u{e9}",
    "script-src",
];
