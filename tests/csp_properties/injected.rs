//! No text becomes more than one value: not another directive, not a second policy, not a header.

use donjon::headers::csp::{
    ContentSecurityPolicy, ContentSecurityPolicyBuilder, CspPatch, Directive, Sandbox, Source,
};
use donjon::headers::{ConfigError, SecurityHeaders, SecurityHeadersBuilder};
use proptest::prelude::*;

use crate::judge::Judge;
use crate::{Take, cases, policy_in, respond};

#[test]
fn no_text_becomes_a_directive_a_policy_or_a_header() {
    for (directive, usual) in USUAL {
        assert!(offer(*directive, usual) > 0, "{usual} is nothing to be spoilt");
        #[cfg(feature = "serde")]
        assert!(offer_in_a_configuration(*directive, usual) > 0, "{usual}");
    }
    spoilt(|directive, text| {
        offer(directive, text);
        #[cfg(feature = "serde")]
        offer_in_a_configuration(directive, text);
    });
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nor_does_any_other_text(text: String) {
        for directive in Directive::ALL {
            offer(*directive, &text);
        }
        #[cfg(feature = "serde")]
        offer_in_a_configuration(Directive::ImgSrc, &text);
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_header_comes_once_in_a_configuration_however_it_is_spelt() {
    for config in [
        r#"{"preset": "none", "headers": {
            "x-frame-options": "DENY",
            "X-Frame-Options": "SAMEORIGIN"
        }}"#,
        r#"{"preset": "none", "headers": {
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

/// Through the builder, a patch, the way out for unknown directives, and the reporting. Gives how
/// many of them took it.
#[track_caller]
fn offer(directive: Directive, text: &str) -> usize {
    type Offered = Result<(SecurityHeadersBuilder, Option<CspPatch>), ConfigError>;
    let base = || {
        ContentSecurityPolicy::builder()
            .default_src([Source::None])
            .script_src([Source::SelfOrigin])
            .sandbox([Sandbox::AllowScripts])
    };
    let plain = || SecurityHeaders::builder().with(base().build().unwrap());
    let policy = |policy: ContentSecurityPolicyBuilder| -> Offered {
        Ok((SecurityHeaders::builder().with(policy.build()?), None))
    };
    let patch = |patch: Result<CspPatch, ConfigError>| -> Offered { Ok((plain(), Some(patch?))) };
    let offered = [
        policy(base().extend(directive, [text])),
        policy(base().replace(directive, [text])),
        policy(base().directive(text, [""; 0])),
        policy(base().directive(text, ["'none'"])),
        policy(base().dangerously_custom_directive(text, "x")),
        policy(base().dangerously_custom_directive("x", text)),
        patch(CspPatch::new().extend(directive, [text]).build()),
        patch(CspPatch::new().replace(directive, [text]).build()),
        Ok((plain().reporting_endpoint(text, "/reports"), None)),
        Ok((plain().reporting_endpoint("main", text), None)),
        Ok((plain().report_violations_to(text), None)),
        Ok((plain().remove(text), None)),
    ];

    let mut taken = 0;
    for (way, offered) in offered.into_iter().enumerate() {
        let Ok((builder, patch)) = offered else { continue };
        let Ok(headers) = builder.assume_https().build() else { continue };
        taken += 1;

        let sent = respond(&headers, Take::Nonce, &|response| {
            if let Some(patch) = &patch {
                patch.apply(response);
            }
        });

        let ours = ["content-security-policy", "reporting-endpoints", "cache-control"];
        for (name, value) in &sent {
            assert!(ours.contains(&name.as_str()), "{text:?}, {way}: {name}");
            assert!(value.to_str().is_ok(), "{text:?}, {way}: {value:?}");
        }
        let sent = policy_in(&sent);
        let judge = Judge::of(&sent);
        let mut directives = judge.directives();
        for (untouched, values) in [
            (Directive::DefaultSrc, vec!["'none'"]),
            (Directive::ScriptSrc, vec!["'self'"]),
            (Directive::Sandbox, vec!["allow-scripts"]),
        ] {
            let at = directives.iter().position(|(name, _)| *name == untouched.name());
            let (_, now) = directives.remove(at.expect("a directive has gone"));
            assert!(now == values || untouched == directive, "{text:?}, {way}: {sent}");
        }
        // What was asked for is one more; reporting is two.
        let is_reporting = directives.iter().all(|(name, _)| name.starts_with("report-"));
        assert!(directives.len() <= 1 || is_reporting, "{text:?}, {way}: {sent}");
    }
    taken
}

/// In a policy written as a table, a text is one value. Gives how many files were read.
#[cfg(feature = "serde")]
#[track_caller]
fn offer_in_a_configuration(directive: Directive, text: &str) -> usize {
    use serde_json::{Value, json};

    let table = |name: &str, values: Value| {
        let policy = json!({"script-src": "'self'", name: values});
        json!({"preset": "none", "headers": {"content-security-policy": policy}})
    };
    let with = |field: &str, value: Value| {
        let mut config = table("style-src", json!("'self'"));
        config[field] = value;
        config
    };
    let mut taken = 0;
    for config in [
        table(directive.name(), json!([text])),
        table(text, json!(["'none'"])),
        table(text, json!("")),
        with("extend-csp", json!({directive.name(): [text]})),
        with("extend-csp", json!({text: ["'self'"]})),
        with("reporting-endpoints", json!({"main": text})),
        with("reporting-endpoints", json!({text: "/reports"})),
        with("report-violations-to", json!(text)),
        with("remove", json!([text])),
    ] {
        let Ok(headers) = serde_json::from_value::<SecurityHeaders>(config.clone()) else {
            continue;
        };
        taken += 1;
        let sent = respond(&headers, Take::Nonce, &|_| {});
        let policy = policy_in(&sent);
        let judge = Judge::of(&policy);
        let mut others = judge.directives();
        let ours = |name: &str| name == "script-src" || name == "style-src";
        let is_asked_for = ours(directive.name()) || ours(&text.to_ascii_lowercase());
        if !is_asked_for {
            assert!(others.contains(&("script-src", vec!["'self'"])), "{config}: {policy}");
        }
        others.retain(|(name, _)| !ours(name) && !name.starts_with("report-"));
        assert!(others.len() <= 1, "{config}: {policy}");
        let added = sent.keys().filter(|name| *name != "cache-control").count();
        assert!(added <= 2, "{config}: {sent:?}");
    }
    taken
}

/// What somebody writes who wants to say more than he may: something that may stand there, with
/// something in it that may not.
fn spoilt(mut offer: impl FnMut(Directive, &str)) {
    for (directive, usual) in USUAL {
        let after_slash = usual.match_indices('/').map(|(at, _)| at + 1);
        let mut places: Vec<_> = [0, 1, usual.len()].into_iter().chain(after_slash).collect();
        places.sort_unstable();
        places.dedup();
        for at in places {
            let (before, after) = usual.split_at(at);
            for nasty in NASTY {
                for tail in TAILS {
                    offer(*directive, &format!("{before}{nasty}{tail}{after}"));
                }
            }
        }
    }
}

const USUAL: &[(Directive, &str)] = &[
    (Directive::ImgSrc, "https://*.a.example:8443/path/"),
    (Directive::ImgSrc, "data:"),
    (Directive::ImgSrc, "'self'"),
    (Directive::ScriptSrc, "'nonce'"),
    (Directive::StyleSrc, "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"),
    (Directive::Sandbox, "allow-scripts"),
    (Directive::TrustedTypes, "app"),
    (Directive::RequireTrustedTypesFor, "'script'"),
    (Directive::UpgradeInsecureRequests, "upgrade-insecure-requests"),
    (Directive::ReportUri, "https://a.example/reports?a=b"),
    (Directive::ReportTo, "main"),
];

const NASTY: &[&str] = &[
    ";", ",", " ", "\t", "\r\n", "\n", "\0", "\u{b}", "\u{c}", "\u{7f}", "\u{85}", "\u{a0}",
    "\u{37e}", "\u{2028}", "\u{ff0c}", "e\u{301}", "'", "\"", "\\", "/", "?", "#", ":", "=", "%",
    "%0d%0a", "%3b", "*",
];

const TAILS: &[&str] = &["", "script-src *", "x"];
