//! Laws of the Content-Security-Policy as it is sent, with an independent parser and enforcer as
//! the judge: it reads what was built, it allows what was meant and nothing else, and neither an
//! absent nonce, an addition, a patch nor a piece of text makes a policy looser than it says.

#![cfg(all(feature = "headers", feature = "axum"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "csp_properties/judge.rs"]
mod judge;
#[path = "csp_properties/policies.rs"]
mod policies;

use std::convert::Infallible;
use std::env;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use content_security_policy::sandboxing_directive::SandboxingFlagSet;
use content_security_policy::{Destination, InlineCheckType};
use donjon::headers::csp::{
    ContentSecurityPolicy, ContentSecurityPolicyBuilder, CspPatch, Directive, Hash, Sandbox, Source,
};
use donjon::headers::{CacheControl, ConfigError, Nonce, SecurityHeaders, SecurityHeadersBuilder};
use http::{HeaderMap, Request, Response};
use proptest::prelude::*;
use proptest::sample::select;
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, ServiceExt, service_fn};

use judge::{Deed, Judge, Load, URLS, deeds};
use policies::{
    Directives, SCRIPTS, Sources, any_directive, any_directives, any_sources, build, fallbacks,
};

// --------------------------------------------------------------------------------- what is read

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_policy_is_read_as_it_was_built(directives in any_directives()) {
        let sent = sent(build(&directives), Take::Nonce);

        let built: Vec<_> = directives
            .iter()
            .map(|(directive, sources)| {
                let nonce = format!("'nonce-{NONCE}'");
                let written = sources.written().into_iter();
                let written = written.map(|source| source.replace("'nonce'", &nonce));
                (directive.name(), written.collect::<Vec<_>>())
            })
            .collect();
        let judge = Judge::of(&sent);
        let read = judge.directives();
        prop_assert_eq!(read.len(), built.len());
        for ((name, sources), (built_name, built_sources)) in read.into_iter().zip(&built) {
            prop_assert_eq!(name, *built_name);
            prop_assert_eq!(sources, built_sources.iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn without_its_nonce_a_policy_has_the_same_directives(directives in any_directives()) {
        let policy = build(&directives);

        let with = Judge::of(&sent(policy.clone(), Take::Nonce));
        let without = Judge::of(&sent(policy, Take::Nothing));

        let names = |judge: &Judge| -> Vec<String> {
            judge.directives().into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        prop_assert_eq!(names(&with), names(&without));
    }
}

// ------------------------------------------------------------------------------- what is allowed

#[test]
fn a_nonce_lets_its_own_scripts_and_styles_in_and_no_others() {
    for (directive, inline, file) in [
        (Directive::DefaultSrc, InlineCheckType::Script, Destination::Script),
        (Directive::DefaultSrc, InlineCheckType::Style, Destination::Style),
        (Directive::ScriptSrc, InlineCheckType::Script, Destination::Script),
        (Directive::ScriptSrcElem, InlineCheckType::Script, Destination::Script),
        (Directive::StyleSrc, InlineCheckType::Style, Destination::Style),
        (Directive::StyleSrcElem, InlineCheckType::Style, Destination::Style),
    ] {
        let policy = ContentSecurityPolicy::builder().set(directive, [Source::Nonce]);
        let policy = policy.build().unwrap();
        let block = |nonce| Deed::Inline { kind: inline, nonce, text: "x".to_owned() };
        let load = |nonce| Deed::Load(Load { nonce, ..Load::of(file, "https://a.example/x") });

        let taken = Judge::of(&sent(policy.clone(), Take::Nonce));
        assert!(taken.allows(&block(Some(NONCE))), "{taken}");
        assert!(taken.allows(&load(NONCE)), "{taken}");
        for nonce in ["", "guessed", "'nonce'", "nonce", "\u{2026}"] {
            assert!(!taken.allows(&block(Some(nonce))), "{taken}: {nonce}");
            assert!(!taken.allows(&load(nonce)), "{taken}: {nonce}");
        }
        assert!(!taken.allows(&block(None)), "{taken}");

        let left = Judge::of(&sent(policy, Take::Nothing));
        assert!(!left.allows(&block(Some(NONCE))), "{left}");
        assert!(!left.allows(&load(NONCE)), "{left}");
    }
}

#[test]
fn what_a_trusted_script_loads_is_trusted_where_the_policy_says_so() {
    let policy = ContentSecurityPolicy::builder()
        .script_src([Source::Nonce, Source::StrictDynamic])
        .build()
        .unwrap();
    let load = |in_markup| {
        let script = Load::of(Destination::Script, "https://a.example/x");
        Deed::Load(Load { in_markup, ..script })
    };

    let taken = Judge::of(&sent(policy.clone(), Take::Nonce));
    assert!(taken.allows(&load(false)));
    assert!(!taken.allows(&load(true)));

    let left = Judge::of(&sent(policy, Take::Nothing));
    assert!(!left.allows(&load(false)));
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_hash_lets_its_text_in_and_no_other(text in ".{0,60}", other in ".{0,60}", style: bool) {
        prop_assume!(text != other);
        let (directive, kind) = match style {
            true => (Directive::StyleSrc, InlineCheckType::Style),
            false => (Directive::ScriptSrc, InlineCheckType::Script),
        };
        for hash in [Hash::sha256(&text), Hash::sha384(&text), Hash::sha512(&text)] {
            let policy = ContentSecurityPolicy::builder().set(directive, [hash]).build().unwrap();
            let judge = Judge::of(&sent(policy, Take::Nothing));

            let allows =
                |text: &str| judge.allows(&Deed::Inline { kind, nonce: None, text: text.to_owned() });
            prop_assert!(allows(&text), "{judge}");
            prop_assert!(!allows(&other), "{judge}");
            prop_assert!(!allows(&format!("{text} ")), "{judge}");
        }
    }

    #[test]
    fn a_host_lets_its_own_addresses_in_and_no_others(
        (source, inside, outside) in any_host(),
        (directive, deed) in any_use(),
    ) {
        let policy = ContentSecurityPolicy::builder().set(directive, [&source]).build().unwrap();
        let judge = Judge::of(&sent(policy, Take::Nothing));

        prop_assert!(judge.allows(&deed(&inside)), "{judge}: {inside}");
        for outside in outside {
            prop_assert!(!judge.allows(&deed(&outside)), "{judge}: {outside}");
        }
    }
}

#[test]
fn a_scheme_a_keyword_or_nothing_lets_in_what_it_says() {
    let image = |url: &str| Deed::Load(Load::of(Destination::Image, url));
    for (source, inside) in [
        ("'none'", &[][..]),
        ("'self'", &["https://site.example/x"]),
        ("data:", &["data:text/plain,x"]),
        ("blob:", &["blob:https://site.example/x"]),
        (
            "https:",
            &[
                "https://site.example/x",
                "https://a.example/x",
                "https://a.example/js/x",
                "https://a.example:8443/x",
                "https://b.example/x",
                "https://www.c.example/x",
                "https://evil.example/x",
            ],
        ),
    ] {
        let policy = ContentSecurityPolicy::builder().img_src([source]).build().unwrap();
        let judge = Judge::of(&sent(policy, Take::Nothing));
        let allowed: Vec<_> = URLS.iter().filter(|url| judge.allows(&image(url))).collect();
        assert_eq!(allowed, inside.iter().collect::<Vec<_>>(), "{judge}");
    }
}

#[test]
fn a_page_may_be_framed_by_those_it_names() {
    for (source, by) in [
        ("'none'", &[][..]),
        ("'self'", &["https://site.example"]),
        ("https://a.example", &["https://a.example"]),
    ] {
        let policy = ContentSecurityPolicy::builder().frame_ancestors([source]).build().unwrap();
        let judge = Judge::of(&sent(policy, Take::Nothing));
        for parent in ["https://site.example", "https://a.example", "https://evil.example"] {
            let framed = judge.allows(&Deed::BeFramedBy(parent.to_owned()));
            assert_eq!(framed, by.contains(&parent), "{judge}: {parent}");
        }
    }
}

#[test]
fn strings_become_code_only_where_the_policy_says_so() {
    for (policy, eval, wasm) in [
        ("script-src 'self'", false, false),
        ("script-src 'unsafe-eval'", true, true),
        ("script-src 'wasm-unsafe-eval'", false, true),
        ("default-src 'unsafe-eval'", true, true),
        ("default-src 'unsafe-eval'; script-src 'self'", false, false),
        ("default-src 'self'; script-src 'unsafe-eval'", true, true),
        ("script-src 'trusted-types-eval'", false, false),
        ("script-src 'trusted-types-eval'; require-trusted-types-for 'script'", true, false),
        ("img-src 'self'", true, true),
    ] {
        let judge = Judge::of(&sent(policy.parse().unwrap(), Take::Nothing));
        assert_eq!(judge.allows(&Deed::Eval), eval, "{policy}");
        assert_eq!(judge.allows(&Deed::Wasm), wasm, "{policy}");
    }
}

#[test]
fn trusted_types_are_made_by_the_policies_named() {
    for (values, app, injected) in [
        (&[][..], false, false),
        (&["'none'"], false, false),
        (&["app"], true, false),
        (&["app", "'allow-duplicates'"], true, false),
        (&["*"], true, true),
    ] {
        let policy = ContentSecurityPolicy::builder()
            .trusted_types(values.iter().copied())
            .require_trusted_types()
            .build()
            .unwrap();
        let judge = Judge::of(&sent(policy, Take::Nothing));
        assert_eq!(judge.allows(&Deed::MakeTrustedTypes("app")), app, "{judge}");
        assert_eq!(judge.allows(&Deed::MakeTrustedTypes("injected")), injected, "{judge}");
        assert!(!judge.allows(&Deed::WriteMarkup), "{judge}");
    }
}

#[test]
fn a_sandbox_opens_for_what_it_names() {
    let sandbox = |tokens: &[Sandbox]| {
        let policy = ContentSecurityPolicy::builder().sandbox(tokens.iter().copied());
        Judge::of(&sent(policy.build().unwrap(), Take::Nothing)).sandbox().unwrap()
    };

    assert_eq!(sandbox(&[]), SandboxingFlagSet::all());
    let scripts = sandbox(&[Sandbox::AllowScripts]);
    assert!(!scripts.contains(SandboxingFlagSet::SANDBOXED_SCRIPTS_BROWSING_CONTEXT_FLAG));
    assert!(scripts.contains(SandboxingFlagSet::SANDBOXED_FORMS_BROWSING_CONTEXT_FLAG));
    for token in Sandbox::ALL {
        let known = *token != Sandbox::AllowStorageAccessByUserActivation;
        assert_eq!(sandbox(&[*token]) != SandboxingFlagSet::all(), known, "{}", token.as_str());
    }
}

// ---------------------------------------------------------------------------- what makes it looser

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn without_its_nonce_a_policy_allows_nothing_more(directives in any_directives()) {
        let policy = build(&directives);

        let with = Judge::of(&sent(policy.clone(), Take::Nonce));
        let without = Judge::of(&sent(policy, Take::Nothing));

        for deed in &*DEEDS {
            prop_assert!(
                with.allows(deed) || !without.allows(deed),
                "{deed:?}\n  with its nonce     {with}\n  without its nonce  {without}",
            );
        }
    }

    #[test]
    fn an_addition_takes_nothing_away(
        directives in any_directives(),
        (directive, more) in any_addition(),
        take in select(&[Take::Nonce, Take::Nothing]),
    ) {
        prop_assume!(!has_its_own_test(directive, &directives));
        let policy = build(&directives);
        let extended = more.extend(directive, policy.clone().into_builder()).build().unwrap();

        let before = Judge::of(&sent(policy, take));
        let after = Judge::of(&sent(extended, take));

        for deed in &*DEEDS {
            prop_assert!(
                after.allows(deed) || !before.allows(deed),
                "{deed:?}\n  before  {before}\n  after   {after}",
            );
        }
    }

    #[test]
    fn an_addition_adds_what_it_says_and_nothing_else(
        directives in any_directives(),
        (directive, mut more) in any_addition(),
    ) {
        prop_assume!(!has_its_own_test(directive, &directives));
        // What it says is that the hashes that are there count for attributes, too.
        more.typed.retain(|source| *source != Source::UnsafeHashes);
        // CSP3 asks default-src for a worker's address, and script-src for who starts it.
        let dynamic = directives
            .get(&Directive::DefaultSrc)
            .is_some_and(|sources| sources.has(&Source::StrictDynamic));
        prop_assume!(!(dynamic && directive == Directive::ScriptSrc));
        let policy = build(&directives);
        let extended = more.extend(directive, policy.clone().into_builder()).build().unwrap();
        let alone = build(&Directives::from([(directive, more)]));

        let [before, after, alone] =
            [policy, extended, alone].map(|policy| Judge::of(&sent(policy, Take::Nonce)));

        for deed in &*DEEDS {
            prop_assert!(
                before.allows(deed) || alone.allows(deed) || !after.allows(deed),
                "{deed:?}\n  before  {before}\n  after   {after}",
            );
        }
    }
}

/// An absent directive whose addition the tests below are about.
fn has_its_own_test(directive: Directive, directives: &Directives) -> bool {
    let spoken_for = fallbacks(directive).iter().any(|other| directives.contains_key(other));
    let is_special = matches!(
        directive,
        Directive::ScriptSrcAttr
            | Directive::StyleSrcAttr
            | Directive::ChildSrc
            | Directive::WorkerSrc
    );
    !spoken_for || is_special && !directives.contains_key(&directive)
}

#[test]
fn an_addition_to_attributes_does_not_bring_unsafe_inline_back() {
    for (before, directive, kind) in [
        (
            "script-src 'nonce' 'unsafe-inline'",
            Directive::ScriptSrcAttr,
            InlineCheckType::ScriptAttribute,
        ),
        (
            "default-src 'nonce' 'strict-dynamic' https: 'unsafe-inline'",
            Directive::ScriptSrcAttr,
            InlineCheckType::ScriptAttribute,
        ),
        (
            "style-src 'nonce' 'unsafe-inline'",
            Directive::StyleSrcAttr,
            InlineCheckType::StyleAttribute,
        ),
    ] {
        let policy: ContentSecurityPolicy = before.parse().unwrap();
        let extended = policy.into_builder().extend(directive, ["'report-sample'"]);
        for take in [Take::Nonce, Take::Nothing] {
            let judge = Judge::of(&sent(extended.clone().build().unwrap(), take));
            let injected = Deed::Inline { kind, nonce: None, text: "injected()".to_owned() };
            assert!(!judge.allows(&injected), "{before}, then {judge}");
        }
    }
}

/// `child-src` is about workers, too, and stands before `script-src` for them.
#[test]
fn an_addition_for_frames_leaves_workers_alone() {
    for (before, allowed) in [
        ("default-src 'none'; script-src 'self'", true),
        ("default-src 'self'; script-src 'none'", false),
    ] {
        let policy: ContentSecurityPolicy = before.parse().unwrap();
        let policy =
            policy.into_builder().extend(Directive::ChildSrc, ["https://a.example"]).build();
        // To refuse would do as well.
        if let Ok(policy) = policy {
            let judge = Judge::of(&sent(policy, Take::Nothing));
            let worker = Deed::Load(Load::of(Destination::Worker, "https://site.example/x"));
            assert_eq!(judge.allows(&worker), allowed, "{before}, then {judge}");
        }
    }
}

/// `worker-src` has no word for "whatever a trusted script starts".
#[test]
fn an_addition_for_workers_keeps_those_of_trusted_scripts() {
    let policy: ContentSecurityPolicy = "script-src 'nonce' 'strict-dynamic'".parse().unwrap();
    // To refuse would do as well.
    if let Ok(policy) = policy.into_builder().extend(Directive::WorkerSrc, ["blob:"]).build() {
        let judge = Judge::of(&sent(policy, Take::Nonce));
        let worker = Deed::Load(Load::of(Destination::Worker, "https://site.example/x"));
        assert!(judge.allows(&worker), "{judge}");
    }
}

/// Where nothing is said, everything is allowed.
#[test]
fn an_addition_to_what_nobody_spoke_of_takes_nothing_away() {
    for (directive, deed) in [
        (Directive::ImgSrc, Deed::Load(Load::of(Destination::Image, "https://b.example/x"))),
        (Directive::FormAction, Deed::Submit("https://b.example/x".to_owned())),
        (Directive::FrameAncestors, Deed::BeFramedBy("https://b.example".to_owned())),
    ] {
        let policy = ContentSecurityPolicy::builder()
            .object_src([Source::None])
            .extend(directive, ["https://a.example"])
            .build();
        // To refuse would do as well.
        if let Ok(policy) = policy {
            let judge = Judge::of(&sent(policy, Take::Nothing));
            assert!(judge.allows(&deed), "{judge}");
        }
    }
}

#[test]
fn to_an_addition_none_gives_way_wherever_it_stands() {
    for (before, directive, more) in [
        ("img-src 'none'", Directive::ImgSrc, "a.example"),
        ("frame-ancestors 'none'", Directive::FrameAncestors, "a.example"),
        ("trusted-types 'none'", Directive::TrustedTypes, "app"),
    ] {
        let policy: ContentSecurityPolicy = before.parse().unwrap();
        let policy = policy.into_builder().extend(directive, [more]).build();
        let policy = policy.map(|policy| policy.to_string());
        assert_eq!(policy, Ok(format!("{directive} {more}")), "{before}");
    }
}

proptest! {
    #![proptest_config(cases(48))]

    /// The judge knows `'strict-dynamic'`, as every browser since 2018.
    #[test]
    fn the_legacy_fallback_means_nothing_to_browsers_of_today(directives in any_directives()) {
        let policy = build(&directives);
        // To refuse would do as well, where there is nothing to fall back from.
        if let Ok(fallback) = policy.clone().into_builder().legacy_fallback().build() {
            let today = Judge::of(&sent(policy, Take::Nonce));
            for take in [Take::Nonce, Take::Nothing] {
                let fallback = Judge::of(&sent(fallback.clone(), take));
                for deed in &*DEEDS {
                    prop_assert!(
                        today.allows(deed) || !fallback.allows(deed),
                        "{deed:?}\n  without  {today}\n  with     {fallback}",
                    );
                }
            }
        }
    }
}

// ------------------------------------------------------------------------------------ what gets in

proptest! {
    #![proptest_config(cases(256))]

    /// Through the builder, a patch, the way out for unknown directives, and the reporting.
    #[test]
    fn no_text_becomes_a_directive_a_policy_or_a_header(
        text in any_nasty_text(),
        name in any_nasty_text(),
        directive in select(Directive::ALL),
    ) {
        let base = || {
            ContentSecurityPolicy::builder()
                .default_src([Source::None])
                .script_src([Source::SelfOrigin])
                .sandbox([Sandbox::AllowScripts])
        };
        let headers = || SecurityHeaders::builder().assume_https();
        let patch = |patch: Result<CspPatch, ConfigError>| {
            patch.map(|patch| (headers().with(base().build().unwrap()), Some(patch)))
        };
        let of = |policy: ContentSecurityPolicyBuilder| {
            policy.build().map(|policy| (headers().with(policy), None))
        };
        let plain = || headers().with(base().build().unwrap());
        let tried: Vec<Result<(SecurityHeadersBuilder, Option<CspPatch>), ConfigError>> = vec![
            of(base().extend(directive, [&text])),
            of(base().replace(directive, [&text])),
            of(base().directive(&name, [&text])),
            of(base().dangerously_custom_directive(&name, &text)),
            of(base().dangerously_custom_directive("custom", &text)),
            patch(CspPatch::new().extend(directive, [&text]).build()),
            patch(CspPatch::new().replace(directive, [&text]).build()),
            Ok((plain().reporting_endpoint(&name, &text), None)),
            Ok((plain().reporting_endpoint("csp", &text), None)),
            Ok((plain().report_violations_to(&text), None)),
            Ok((plain().remove(&text), None)),
        ];

        for (way, tried) in tried.into_iter().enumerate() {
            let Ok((builder, patch)) = tried else { continue };
            let Ok(headers) = builder.build() else { continue };

            let sent = respond(&headers, Take::Nonce, &|response| {
                if let Some(patch) = &patch {
                    patch.apply(response);
                }
            });

            for (name, value) in &sent {
                let name = name.as_str();
                prop_assert!(
                    matches!(
                        name,
                        "content-security-policy" | "reporting-endpoints" | "cache-control"
                    ),
                    "{way}: {name}",
                );
                prop_assert!(value.to_str().is_ok(), "{way}: {value:?}");
            }
            let policy = policy_in(&sent);
            let judge = Judge::of(&policy);
            let directives = judge.directives();
            // One way at a time adds one directive, or two for the reports.
            prop_assert!(directives.len() <= 3 + usize::from(way != 7) + usize::from(way == 9));
            let is = |wanted: Directive| {
                let value = directives.iter().find(|(name, _)| *name == wanted.name());
                value.map(|(_, value)| value.as_slice())
            };
            for (untouched, value) in [
                (Directive::DefaultSrc, "'none'"),
                (Directive::ScriptSrc, "'self'"),
                (Directive::Sandbox, "allow-scripts"),
            ] {
                if untouched != directive {
                    prop_assert_eq!(is(untouched), Some(&[value][..]), "{}: {}", way, policy);
                }
            }
        }
    }
}

#[cfg(feature = "serde")]
proptest! {
    #![proptest_config(cases(256))]

    /// In a policy written as a table a text is one value; as text, it is what it says.
    #[test]
    fn no_text_in_a_configuration_becomes_a_policy_or_a_header(
        text in any_nasty_text(),
        name in any_nasty_text(),
    ) {
        let table = |name: &str, text: &str| serde_json::json!({
            "assume-https": true,
            "headers": {"content-security-policy": {"script-src": ["'self'"], name: [text]}},
        });
        let extended = |name: &str, text: &str| serde_json::json!({
            "assume-https": true,
            "headers": {"content-security-policy": {"script-src": ["'self'"]}},
            "extend-csp": {name: [text]},
        });
        let reported = |name: &str, text: &str| serde_json::json!({
            "assume-https": true,
            "headers": {"content-security-policy": {"script-src": ["'self'"]}},
            "reporting-endpoints": {name: text},
            "report-violations-to": text,
        });
        for config in [
            table("img-src", &text),
            table(&name, &text),
            extended("img-src", &text),
            extended(&name, &text),
            reported("main", &text),
            reported(&name, &text),
        ] {
            let Ok(headers) = serde_json::from_value::<SecurityHeaders>(config.clone()) else {
                continue;
            };
            let sent = respond(&headers, Take::Nonce, &|_| {});
            let policy = policy_in(&sent);
            let judge = Judge::of(&policy);
            let directives = judge.directives();
            prop_assert!(directives.contains(&("script-src", vec!["'self'"])), "{config}: {policy}");
            prop_assert!(directives.len() <= 3, "{config}: {policy}");
            prop_assert!(sent.len() <= 2, "{config}: {sent:?}");
        }
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_header_comes_once_in_a_configuration_however_it_is_spelt() {
    for config in [
        r#"{"headers": {"x-frame-options": "DENY", "X-Frame-Options": "SAMEORIGIN"}}"#,
        r#"{"headers": {
            "content-security-policy": "script-src 'none'",
            "Content-Security-Policy": "script-src *"
        }}"#,
        r#"{"preset": "strict", "on-conflict": {
            "x-frame-options": "override",
            "X-Frame-Options": "keep"
        }}"#,
    ] {
        assert!(serde_json::from_str::<SecurityHeaders>(config).is_err(), "{config}");
    }
}

// ------------------------------------------------------------------------------------ what patches do

#[test]
fn a_patch_that_makes_no_sense_does_not_take_another_with_it() {
    let headers = SecurityHeaders::web().assume_https().build().unwrap();
    // Nothing beside which it could stand alone.
    let senseless = CspPatch::new().extend(Directive::ImgSrc, ["'none'"]).build().unwrap();
    let uploads = CspPatch::new().replace(Directive::ScriptSrc, ["'none'"]).build().unwrap();

    for order in [[&senseless, &uploads], [&uploads, &senseless]] {
        let sent = respond(&headers, Take::Nothing, &|response| {
            order.iter().for_each(|patch| patch.apply(response));
        });
        let policy = policy_in(&sent);
        assert!(policy.contains("script-src 'none'"), "{policy}");
    }
}

/// A patch that fails at run time leaves the looser policy of the site.
#[test]
fn a_patch_that_can_never_hold_is_not_built() {
    for sources in
        [&["'none'", "'self'"][..], &["'strict-dynamic'"], &["'strict-dynamic'", "'self'"], &[]]
    {
        let patch = CspPatch::new().replace(Directive::ScriptSrc, sources.iter().copied()).build();
        assert!(patch.is_err(), "{sources:?}");
    }
    let patch = CspPatch::new().extend(Directive::ImgSrc, ["'none'", "'self'"]).build();
    assert!(patch.is_err());
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn a_patch_does_what_the_builder_does(
        directives in any_directives(),
        (directive, more) in any_addition(),
        (other, instead) in any_addition(),
        removed in any_directive(),
        take in select(&[Take::Nonce, Take::Nothing]),
    ) {
        let before = build(&directives);
        // Where the site's policy has no place for a nonce, no page has one.
        prop_assume!(before.takes_nonce());
        let patch = CspPatch::new()
            .extend(directive, more.written())
            .replace(other, instead.written())
            .remove(removed)
            .build()
            .unwrap();
        let after = before
            .clone()
            .into_builder()
            .extend(directive, more.written())
            .replace(other, instead.written())
            .remove(removed)
            .build();
        // What makes no sense changes nothing.
        let after = after.unwrap_or_else(|_| before.clone());

        let headers = SecurityHeaders::builder().with(before).assume_https().build().unwrap();
        let patched = respond(&headers, take, &|response| patch.apply(response));

        prop_assert_eq!(policy_in(&patched), sent(after, take));
    }
}

#[test]
fn no_patch_sends_over_http_what_is_for_https_alone() {
    let headers = SecurityHeaders::web().build().unwrap();
    let patch = CspPatch::new().replace(Directive::UpgradeInsecureRequests, [""; 0]);
    let patch = patch.build().unwrap();

    let sent = respond(&headers, Take::Nothing, &|response| patch.apply(response));

    let policy = policy_in(&sent);
    assert!(!policy.contains("upgrade-insecure-requests"), "{policy}");
}

// ---------------------------------------------------------------------- what stands beside a policy

#[test]
fn a_page_with_a_nonce_is_kept_from_caches_as_strictly_as_any_other() {
    let headers =
        SecurityHeaders::strict().with(CacheControl::no_store()).assume_https().build().unwrap();
    for take in [Take::Nothing, Take::Nonce] {
        let sent = respond(&headers, take, &|_| {});
        assert_eq!(sent["cache-control"], "no-store, max-age=0", "{take:?}");
    }
}

/// Of several types, written with commas, browsers take the last.
#[test]
fn a_document_has_its_policy_however_its_type_is_written() {
    let headers = SecurityHeaders::strict().only_documents().build().unwrap();
    for content_type in [
        "text/html",
        "image/png, text/html",
        "text/css,text/html",
        "text/plain , text/html; charset=utf-8",
        "image/png, image/svg+xml",
        "image/svg+xml; charset=utf-8",
        "IMAGE/SVG+XML",
    ] {
        let sent = respond(&headers, Take::Nothing, &|response| {
            response.headers_mut().insert("content-type", content_type.parse().unwrap());
        });
        assert!(sent.contains_key("content-security-policy"), "{content_type}");
    }
}

/// To refuse to build it would do as well.
#[test]
fn to_remove_a_header_that_is_sent_means_the_same_with_a_nonce_as_without() {
    let headers =
        SecurityHeaders::strict().remove("Content-Security-Policy").assume_https().build();
    if let Ok(headers) = headers {
        let sent = [Take::Nothing, Take::Nonce].map(|take| {
            let sent = respond(&headers, take, &|response| {
                let theirs = "default-src theirs.example".parse().unwrap();
                response.headers_mut().insert("content-security-policy", theirs);
            });
            sent.get("content-security-policy")
                .is_some_and(|policy| policy.to_str().unwrap().contains("theirs.example"))
        });
        assert_eq!(sent[0], sent[1]);
    }
}

// ------------------------------------------------------------------------------------ what is tried

/// An addition that by the rules of CSP3 can only allow more: a mark would make browsers ignore an
/// `'unsafe-inline'` that is there, `'strict-dynamic'` the hosts.
fn any_addition() -> impl Strategy<Value = (Directive, Sources)> {
    any_directive().prop_flat_map(|directive| (Just(directive), any_sources(directive))).prop_map(
        |(directive, mut more)| {
            more.typed.retain(|source| {
                !matches!(source, Source::Nonce | Source::Hash(_) | Source::StrictDynamic)
            });
            (directive, more)
        },
    )
}

/// A host as a source, an address that it lets in and some that it does not.
fn any_host() -> impl Strategy<Value = (String, String, Vec<String>)> {
    let name = "[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3})?\\.example";
    let scheme = select(vec!["", "http://", "https://", "HTTPS://"]);
    let port = select(vec!["", ":443", ":8443", ":*"]);
    let path = select(vec!["", "/", "/a", "/a/", "/a;b", "/a,b", "/A%20b/c"]);
    (name, any::<bool>(), scheme, port, path)
        .prop_filter("a source has no `;` and no `,`", |(.., path)| !path.contains([';', ',']))
        .prop_map(|(name, wild, scheme, port, path)| {
            let wildcard = if wild { "*." } else { "" };
            let source = format!("{scheme}{wildcard}{name}{port}{path}");
            let host = if wild { format!("www.{name}") } else { name.clone() };
            let inside_port = if port == ":*" { ":1234" } else { port };
            let below = if path.ends_with('/') { "x" } else { "" };
            let mut outside = vec![
                format!("https://evil.example{inside_port}{path}{below}"),
                format!("https://{host}.evil.example{inside_port}{path}{below}"),
                format!("https://evil{name}{inside_port}{path}{below}"),
                format!("data:{host}"),
                format!("blob:https://{host}/x"),
            ];
            if wild {
                outside.push(format!("https://{name}{inside_port}{path}{below}"));
            } else {
                outside.push(format!("https://www.{name}{inside_port}{path}{below}"));
            }
            if port != ":*" {
                outside.push(format!("https://{host}:1234{path}{below}"));
            }
            if path.len() > 1 {
                outside.push(format!("https://{host}{inside_port}/other"));
                outside.push(format!("https://{host}{inside_port}{path}{below}/more/"));
            }
            if path.ends_with("/") {
                outside.retain(|url| !url.ends_with("/more/"));
            }
            if scheme != "http://" {
                outside.push(format!("http://{host}{inside_port}{path}{below}"));
            }
            (source, format!("https://{host}{inside_port}{path}{below}"), outside)
        })
}

/// A directive and what it decides about an address.
fn any_use() -> impl Strategy<Value = (Directive, fn(&str) -> Deed)> {
    macro_rules! load {
        ($directive:ident, $what:ident) => {
            (Directive::$directive, |url| Deed::Load(Load::of(Destination::$what, url)))
        };
    }
    let uses: Vec<(Directive, fn(&str) -> Deed)> = vec![
        load!(DefaultSrc, Script),
        load!(DefaultSrc, Image),
        load!(ScriptSrc, Script),
        load!(ScriptSrcElem, Script),
        load!(ScriptSrc, Worker),
        load!(StyleSrc, Style),
        load!(StyleSrcElem, Style),
        load!(ImgSrc, Image),
        load!(FontSrc, Font),
        load!(ConnectSrc, None),
        load!(MediaSrc, Video),
        load!(ManifestSrc, Manifest),
        load!(ObjectSrc, Object),
        load!(ChildSrc, IFrame),
        load!(ChildSrc, Worker),
        load!(FrameSrc, IFrame),
        load!(WorkerSrc, Worker),
        (Directive::FormAction, |url| Deed::Submit(url.to_owned())),
        (Directive::BaseUri, |url| Deed::SetBase(url.to_owned())),
    ];
    select(uses)
}

/// What somebody writes who wants to say more than he may.
fn any_nasty_text() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        ";",
        ",",
        " ",
        "\t",
        "\r\n",
        "\n",
        "\0",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{37e}",
        "\u{ff0c}",
        "e\u{301}",
        "'",
        "\"",
        "\\",
        "/",
        "?",
        "#",
        ":",
        "=",
        "%",
        "%0d%0a",
        "%3b",
        "*",
        "a.example",
        "https://",
        "data:",
        "script-src",
        "Script-Src",
        "img-src",
        "x",
        "'self'",
        "'none'",
        "'nonce'",
        "'nonce-",
        "'unsafe-inline'",
        "allow-scripts",
        "set-cookie: a=b",
        "x-injected",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 1..6).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

static DEEDS: LazyLock<Vec<Deed>> = LazyLock::new(|| deeds(NONCE, &SCRIPTS));

// ------------------------------------------------------------------------------------------ tools

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Take {
    Nonce,
    Nothing,
}

/// What is sent with the response of a handler that takes the nonce or does not, through the layer.
/// The nonce is always the same, so that two responses can be compared.
fn respond(headers: &SecurityHeaders, take: Take, edit: &dyn Fn(&mut Response<()>)) -> HeaderMap {
    let handler = service_fn(|request: Request<()>| async move {
        let (mut parts, ()) = request.into_parts();
        let mut response = Response::new(());
        if take == Take::Nonce
            && let Ok(nonce) = Nonce::from_request_parts(&mut parts, &()).await
        {
            response.extensions_mut().insert(nonce);
        }
        edit(&mut response);
        Ok::<_, Infallible>(response)
    });
    let response = headers.layer(handler).oneshot(Request::new(()));

    let mut response = assert_ready_ok!(task::spawn(response).poll());

    if let Some(nonce) = response.extensions().get::<Nonce>().copied() {
        for value in response.headers_mut().values_mut() {
            let fixed = value.to_str().unwrap().replace(nonce.as_str(), NONCE);
            *value = fixed.parse().unwrap();
        }
    }
    response.into_parts().0.headers
}

/// The policy as it is sent over https.
fn sent(policy: ContentSecurityPolicy, take: Take) -> String {
    let headers = SecurityHeaders::builder().with(policy).assume_https().build().unwrap();
    policy_in(&respond(&headers, take, &|_| {}))
}

fn policy_in(headers: &HeaderMap) -> String {
    let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
    assert_eq!(policies.len(), 1, "{headers:?}");
    policies[0].to_str().unwrap().to_owned()
}

/// That many, unless `PROPTEST_CASES` says how many.
fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    let max_global_rejects = cases.saturating_mul(20);
    ProptestConfig { cases, max_global_rejects, failure_persistence: None, ..default }
}

/// Stands for the nonce of every response.
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
