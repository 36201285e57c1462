//! What was meant is allowed, and what was not is not.

use content_security_policy::sandboxing_directive::SandboxingFlagSet;
use content_security_policy::{Destination, InlineCheckType};
use donjon::headers::csp::{ContentSecurityPolicy, Directive, Hash, Sandbox, Source};
use proptest::prelude::*;
use proptest::sample::select;

use crate::judge::{Deed, Judge, Load, URLS};
use crate::{NONCE, Take, cases, sent};

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
        let (directive, kind) = if style { (Directive::StyleSrc, InlineCheckType::Style) } else { (Directive::ScriptSrc, InlineCheckType::Script) };
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
            if path.ends_with('/') {
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
    type Use = fn(&str) -> Deed;
    let uses: Vec<(Directive, Use)> = vec![
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
