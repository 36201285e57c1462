//! What a policy must not become looser by, or tighter: an absent nonce, and additions.

use std::sync::LazyLock;

use content_security_policy::{Destination, InlineCheckType};
use donjon::headers::csp::{ContentSecurityPolicy, Directive, Source};
use proptest::prelude::*;
use proptest::sample::select;

use crate::judge::{Deed, Judge, Load, deeds};
use crate::policies::{Directives, SCRIPTS, Sources, any_addition, any_directives, build};
use crate::{NONCE, Take, cases, sent};

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
        let policy = build(&directives);
        let extended = more.extend(directive, policy.clone().into_builder()).build();
        // What cannot be said can only be refused.
        let Ok(extended) = extended else { return Ok(()) };
        prop_assert_eq!(extended.to_string().parse(), Ok(extended.clone()), "{}", extended);

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
        // What it says is that the hashes that are there count for attributes, too.
        more.typed.retain(|source| *source != Source::UnsafeHashes);
        prop_assume!(!(directive == Directive::ScriptSrc && is_dynamic_by_default(&directives)));
        let policy = build(&directives);
        let extended = more.extend(directive, policy.clone().into_builder()).build();
        // What cannot be said can only be refused.
        let Ok(extended) = extended else { return Ok(()) };
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

/// Whether `'strict-dynamic'` stands in `default-src` alone. There CSP3 asks for a worker's address,
/// in `script-src` for who starts it.
fn is_dynamic_by_default(directives: &Directives) -> bool {
    let is_dynamic = |sources: &Sources| sources.has(&Source::StrictDynamic);
    directives.get(&Directive::DefaultSrc).is_some_and(is_dynamic)
        && !directives.contains_key(&Directive::ScriptSrc)
}

/// Browsers ignore them, and the parser refuses them.
#[test]
fn an_addition_leaves_behind_what_means_nothing_there() {
    for before in [
        "default-src 'self' 'unsafe-inline'",
        "default-src 'self' 'nonce' 'strict-dynamic' 'unsafe-inline' 'unsafe-eval'",
        "default-src 'self' 'wasm-unsafe-eval' 'unsafe-hashes' 'report-sample'",
    ] {
        let policy: ContentSecurityPolicy = before.parse().unwrap();
        for directive in Directive::ALL {
            let extended = policy.clone().into_builder().extend(*directive, ["https://a.example"]);
            if let Ok(extended) = extended.build() {
                assert_eq!(extended.to_string().parse(), Ok(extended.clone()), "{extended}");
            }
        }
    }
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
        prop_assume!(!is_dynamic_by_default(&directives));
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

static DEEDS: LazyLock<Vec<Deed>> = LazyLock::new(|| deeds(NONCE, &SCRIPTS));
