//! Policies as they are built: what is accepted, what is refused and how it says so, what is found
//! weak.

#![cfg(feature = "headers")]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::time::Duration;

use donjon::headers::csp::{ContentSecurityPolicy, Directive, Source};
use donjon::headers::{
    ConfigError, CrossOriginResourcePolicy, FrameOptions, HeaderKind, IntegrityPolicy, OnConflict,
    PermissionsPolicy, ReferrerPolicy, ReportOnly, ReportingEndpoints, SecurityHeader,
    SecurityHeaders, SecurityHeadersBuilder, StrictTransportSecurity,
};
use donjon::lint::Severity;

fn policy(text: &str) -> ContentSecurityPolicy {
    text.parse().unwrap()
}

type Preset = fn() -> SecurityHeadersBuilder;

const PRESETS: [(&str, Preset); 4] = [
    ("strict", SecurityHeaders::strict),
    ("web", SecurityHeaders::web),
    ("api", SecurityHeaders::api),
    ("helmet_compatible", SecurityHeaders::helmet_compatible),
];

#[test]
fn headers_that_contradict_one_another_cannot_be_built() {
    use ConfigError as E;
    type Kind = fn(&ConfigError) -> bool;
    let framed = || SecurityHeaders::builder().with(policy("frame-ancestors 'self'"));
    let watched = || SecurityHeaders::builder().with(ReportOnly(policy("sandbox")));
    let tests: Vec<(&str, SecurityHeadersBuilder, Kind)> = vec![
        ("frame options", framed().with(FrameOptions::Deny), |e| matches!(e, E::Framing { .. })),
        ("sandbox, watched", watched(), |e| matches!(e, E::MeansNothingWhenReporting { .. })),
        (
            "report-to nowhere",
            SecurityHeaders::builder().with(policy("default-src 'self'; report-to csp")),
            |e| matches!(e, E::UndeclaredEndpoint { endpoint, .. } if endpoint == "csp"),
        ),
        (
            "report-to elsewhere",
            SecurityHeaders::builder()
                .with(policy("default-src 'self'; report-to csp"))
                .reporting_endpoint("other", "/r"),
            |e| matches!(e, E::UndeclaredEndpoint { .. }),
        ),
        (
            "integrity endpoint",
            SecurityHeaders::builder().with(IntegrityPolicy::scripts().report_to("i").unwrap()),
            |e| matches!(e, E::UndeclaredEndpoint { header: HeaderKind::IntegrityPolicy, .. }),
        ),
        (
            "permissions endpoint",
            SecurityHeaders::builder()
                .with(PermissionsPolicy::deny_sensitive().report_to("p").unwrap()),
            |e| matches!(e, E::UndeclaredEndpoint { header: HeaderKind::PermissionsPolicy, .. }),
        ),
        ("nothing to report", SecurityHeaders::builder().report_violations_to("/r"), |e| {
            matches!(e, E::Absent { .. })
        }),
        (
            "reports to another site by mistake",
            SecurityHeaders::strict().report_violations_to("//evil.example/r"),
            |e| matches!(e, E::Value { header: HeaderKind::ReportingEndpoints, .. }),
        ),
        (
            "no policy to change",
            SecurityHeaders::builder().csp(|csp| csp.remove(Directive::ImgSrc)),
            |e| matches!(e, E::Absent { .. }),
        ),
        ("no policy to watch", SecurityHeaders::builder().report_only(|csp| csp), |e| {
            matches!(e, E::Absent { .. })
        }),
        (
            "a policy cannot be compared",
            SecurityHeaders::strict()
                .on_conflict(HeaderKind::ContentSecurityPolicy, OnConflict::OnlyIfStricter),
            |e| matches!(e, E::NotComparable { .. }),
        ),
        (
            "a conflict about nothing",
            SecurityHeaders::builder().on_conflict(HeaderKind::FrameOptions, OnConflict::Override),
            |e| matches!(e, E::Absent { .. }),
        ),
        ("a name that is none", SecurityHeaders::builder().remove("x y"), |e| {
            matches!(e, E::HeaderName { .. })
        }),
        ("the first mistake", SecurityHeaders::builder().csp(|csp| csp).remove("x y"), |e| {
            matches!(e, E::Absent { .. })
        }),
    ];
    for (name, builder, expected) in tests {
        match builder.build() {
            Ok(headers) => panic!("{name} was built: {headers}"),
            Err(error) => assert!(expected(&error), "{name}: {error:?}"),
        }
    }
}

#[test]
fn what_says_nothing_is_not_sent() {
    for header in [
        SecurityHeader::from(PermissionsPolicy::new()),
        ReportOnly(PermissionsPolicy::new()).into(),
        ReportingEndpoints::new().into(),
    ] {
        let built = SecurityHeaders::builder().with(header.clone()).build();
        assert!(matches!(built, Err(ConfigError::Value { .. })), "{header:?}");
    }
}

#[test]
fn where_reports_go_can_be_changed() {
    let headers = SecurityHeaders::strict().report_violations_to("/a").build().unwrap();
    let headers = headers.to_builder().report_violations_to("/b").build().unwrap();
    let policy = headers.get(HeaderKind::ContentSecurityPolicy).unwrap();
    assert!(policy.ends_with("; report-uri /b; report-to csp-reports"), "{policy}");
    assert_eq!(headers.get(HeaderKind::ReportingEndpoints).unwrap(), r#"csp-reports="/b""#);
}

#[test]
fn without_a_policy_a_preset_frames_as_its_policy_said() {
    for (preset, expected) in
        [(SecurityHeaders::strict(), "DENY"), (SecurityHeaders::web(), "SAMEORIGIN")]
    {
        let headers = preset.without(HeaderKind::ContentSecurityPolicy).build().unwrap();
        assert_eq!(headers.get(HeaderKind::FrameOptions).as_deref(), Some(expected));
    }
}

#[test]
fn frame_options_say_what_frame_ancestors_say() {
    for (ancestors, expected) in [
        ("'none'", Some("DENY")),
        ("'self'", Some("SAMEORIGIN")),
        ("'self' https://partner.example", None),
        ("https://partner.example", None),
    ] {
        let headers = SecurityHeaders::strict()
            .csp(|csp| csp.replace(Directive::FrameAncestors, ancestors.split(' ')))
            .build()
            .unwrap();
        assert_eq!(headers.get(HeaderKind::FrameOptions).as_deref(), expected, "{ancestors}");
    }
    let without = SecurityHeaders::strict().csp(|csp| csp.remove(Directive::FrameAncestors));
    let headers = without.build().unwrap();
    assert_eq!(headers.get(HeaderKind::FrameOptions).as_deref(), Some("DENY"));
}

#[test]
fn reporting_takes_one_call() {
    let headers = SecurityHeaders::web()
        .report_only(donjon::headers::csp::ContentSecurityPolicyBuilder::require_trusted_types)
        .report_violations_to("https://reports.example/csp")
        .build()
        .unwrap();
    let end = "; report-uri https://reports.example/csp; report-to csp-reports";
    let sent = |header| headers.get(header).unwrap();

    assert_eq!(
        sent(HeaderKind::ReportingEndpoints),
        r#"csp-reports="https://reports.example/csp""#
    );
    assert!(sent(HeaderKind::ContentSecurityPolicy).ends_with(end));
    let watched = sent(HeaderKind::ContentSecurityPolicyReportOnly);
    assert!(watched.ends_with(end));
    assert!(watched.contains("; require-trusted-types-for 'script'; "));
    assert!(!watched.contains("upgrade-insecure-requests"), "it means nothing there");

    let own = policy("default-src 'self'; report-uri /mine");
    let headers = SecurityHeaders::builder().with(own).report_violations_to("/r").build().unwrap();
    assert_eq!(
        headers.get(HeaderKind::ContentSecurityPolicy).unwrap(),
        "default-src 'self'; report-uri /mine; report-to csp-reports",
        "what is said already stays"
    );
}

#[test]
fn what_is_built_is_the_same_every_time() {
    for (name, preset) in PRESETS {
        let once = preset().build().unwrap().to_string();
        let again = preset().build().unwrap().to_builder().build().unwrap().to_string();
        assert_eq!(once, again, "{name}");
    }
    let [ab, ba] = [[0, 1], [1, 0]].map(|order| {
        let headers: [SecurityHeader; 2] =
            [ReferrerPolicy::NoReferrer.into(), CrossOriginResourcePolicy::SameOrigin.into()];
        order
            .into_iter()
            .fold(SecurityHeaders::builder(), |builder, i| builder.with(headers[i].clone()))
            .build()
            .unwrap()
            .to_string()
    });
    assert_eq!(ab, ba);
}

#[test]
fn every_value_of_a_preset_reads_back() {
    for (name, preset) in PRESETS {
        for line in preset().build().unwrap().to_string().lines() {
            let (header, value) = line.split_once(": ").unwrap();
            let header = HeaderKind::from_name(header).unwrap();
            let read = SecurityHeader::parse(header, &value.replace("'nonce-…'", "'nonce'"));
            let headers = SecurityHeaders::builder().with(read.unwrap()).build().unwrap();
            assert_eq!(headers.get(header).as_deref(), Some(value), "{name}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn the_lint_finds_the_usual_mistakes() {
    use HeaderKind as H;
    let strict = SecurityHeaders::strict;
    let with = |text: &str| strict().with(policy(text));
    let rest = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
    let hsts = StrictTransportSecurity::including_subdomains;
    let tests: Vec<(&str, SecurityHeadersBuilder, Severity, HeaderKind, &str)> = vec![
        (
            "no policy",
            strict().without(H::ContentSecurityPolicy),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "injected scripts run",
        ),
        (
            "scripts from anywhere",
            with("img-src 'self'"),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "every script runs",
        ),
        (
            "plug-ins",
            with("script-src 'self'"),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "plug-ins may run",
        ),
        (
            "a nonce without base-uri",
            with("default-src 'none'; script-src 'nonce'"),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "<base>",
        ),
        (
            "no base-uri",
            with("default-src 'none'"),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "<base>",
        ),
        (
            "no form-action",
            with("default-src 'none'; base-uri 'none'"),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "injected form",
        ),
        (
            "no frame-ancestors",
            with("default-src 'none'").without(H::FrameOptions),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "frame the page",
        ),
        (
            "unsafe-inline",
            with(&format!("script-src 'self' 'unsafe-inline'; {rest}")),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "'unsafe-inline' runs",
        ),
        (
            "unsafe-inline by default-src",
            with(&format!("default-src 'self' 'unsafe-inline'; {rest}")),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "'unsafe-inline' runs",
        ),
        (
            "unsafe-eval",
            with(&format!("script-src 'self' 'unsafe-eval'; {rest}")),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "'unsafe-eval'",
        ),
        (
            "any https host",
            with(&format!("script-src https:; {rest}")),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "anybody's server",
        ),
        (
            "any host at all",
            with(&format!("script-src *; {rest}")),
            Severity::Serious,
            H::ContentSecurityPolicy,
            "anybody's server",
        ),
        (
            "a wildcard",
            with(&format!("script-src *.cdn.example; {rest}")),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "every host below",
        ),
        (
            "http",
            with(&format!("script-src 'self'; img-src http://a.example; {rest}")),
            Severity::Warning,
            H::ContentSecurityPolicy,
            "changed on its way",
        ),
        (
            "no-referrer with posts elsewhere",
            strict().csp(|csp| csp.extend(Directive::FormAction, ["https://pay.example"])),
            Severity::Warning,
            H::ReferrerPolicy,
            "Origin: null",
        ),
        (
            "unsafe-url",
            strict().with(ReferrerPolicy::UnsafeUrl),
            Severity::Warning,
            H::ReferrerPolicy,
            "learn more",
        ),
        (
            "preload",
            strict().with(hsts(StrictTransportSecurity::ONE_YEAR).preload().unwrap()),
            Severity::Warning,
            H::StrictTransportSecurity,
            "preload",
        ),
        (
            "a short time",
            strict().with(hsts(Duration::from_secs(3600))),
            Severity::Warning,
            H::StrictTransportSecurity,
            "180 days",
        ),
        (
            "no hsts",
            strict().without(H::StrictTransportSecurity),
            Severity::Warning,
            H::StrictTransportSecurity,
            "absent",
        ),
        (
            "a watch that nobody keeps",
            strict().report_only(|csp| csp),
            Severity::Warning,
            H::ContentSecurityPolicyReportOnly,
            "nobody hears",
        ),
    ];
    for (name, builder, severity, header, words) in tests {
        let findings = builder.build().unwrap().lint();
        let found = findings.iter().any(|finding| {
            finding.severity == severity
                && finding.header == header
                && finding.to_string().contains(words)
        });
        assert!(found, "{name}: {findings:#?}");
        let sorted = findings.is_sorted_by(|a, b| a.severity >= b.severity);
        assert!(sorted, "{name}: the worst comes first");
    }
}

#[test]
fn the_lint_leaves_good_policies_alone() {
    for (name, preset, worst) in [
        ("strict", PRESETS[0].1, Some(Severity::Note)),
        ("web", PRESETS[1].1, None),
        ("api", PRESETS[2].1, Some(Severity::Note)),
    ] {
        let findings = preset().build().unwrap().lint();
        let found = findings.first().map(|finding| finding.severity);
        assert!(found <= worst, "{name}: {findings:#?}");
    }
    // Beside 'strict-dynamic' browsers ignore what would otherwise be serious.
    let fallback = SecurityHeaders::strict()
        .csp(donjon::headers::csp::ContentSecurityPolicyBuilder::legacy_fallback)
        .build()
        .unwrap();
    let serious = fallback.lint().into_iter().any(|finding| finding.severity == Severity::Serious);
    assert!(!serious);
    assert!(
        fallback
            .get(HeaderKind::ContentSecurityPolicy)
            .unwrap()
            .contains("script-src 'nonce-…' 'strict-dynamic' https: 'unsafe-inline'")
    );
}

#[test]
fn debug_and_display_tell_the_policy() {
    let headers = SecurityHeaders::builder().with(ReferrerPolicy::SameOrigin).build().unwrap();
    assert_eq!(headers.to_string(), "referrer-policy: same-origin\n");
    assert!(format!("{headers:?}").contains("SameOrigin"));
}

#[cfg(feature = "serde")]
mod from_files {
    use super::*;

    #[test]
    fn a_file_says_what_the_builder_says() {
        let file = r#"{
            "preset": "strict",
            "headers": {
                "Referrer-Policy": "same-origin",
                "x-dns-prefetch-control": false,
                "strict-transport-security": "max-age=31536000",
                "content-security-policy-report-only": {
                    "default-src": ["'self'"], "script-src": "'nonce' 'strict-dynamic'"
                }
            },
            "extend-csp": { "img-src": ["https://images.example"] },
            "on-conflict": { "referrer-policy": "only-if-stricter" },
            "reporting-endpoints": { "other": "https://reports.example/" },
            "report-violations-to": "/csp-reports",
            "remove": ["x-secret"],
            "remove-leaking": true,
            "only-documents": true,
            "assume-https": true
        }"#;
        let built = SecurityHeaders::strict()
            .with(ReferrerPolicy::SameOrigin)
            .without(HeaderKind::DnsPrefetchControl)
            .with(StrictTransportSecurity::excluding_subdomains(StrictTransportSecurity::ONE_YEAR))
            .with(ReportOnly(policy("default-src 'self'; script-src 'nonce' 'strict-dynamic'")))
            .csp(|csp| csp.extend(Directive::ImgSrc, ["https://images.example"]))
            .on_conflict(HeaderKind::ReferrerPolicy, OnConflict::OnlyIfStricter)
            .reporting_endpoint("other", "https://reports.example/")
            .report_violations_to("/csp-reports")
            .remove("x-secret")
            .only_documents()
            .assume_https()
            .build()
            .unwrap();

        let read: SecurityHeaders = serde_json::from_str(file).unwrap();

        assert_eq!(format!("{read:?}"), format!("{built:?}"));
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        for (file, named) in [
            (r#"{"presets": "strict"}"#, "presets"),
            (r#"{"preset": "paranoid"}"#, "paranoid"),
            (r#"{"preset": "none", "headers": {"x-frame-option": "DENY"}}"#, "x-frame-option"),
            (r#"{"preset": "none", "headers": {"x-frame-options": "ALLOW"}}"#, "ALLOW"),
            (r#"{"preset": "none", "headers": {"x-frame-options": true}}"#, "x-frame-options"),
            (
                r#"{"preset": "none", "headers": {"x-frame-options": {"a": "b"}}}"#,
                "x-frame-options",
            ),
            (r#"{"preset": "none", "headers": {"x-frame-options": 1}}"#, "value as text"),
            (r#"{"preset": "none", "extend-csp": {"img-src": 1}}"#, "a list of values"),
            (
                r#"{"preset": "none", "headers": {"content-security-policy": "default-src self"}}"#,
                "default-src self",
            ),
            (
                r#"{"preset": "none", "headers": {"content-security-policy": {"default-sources": "'self'"}}}"#,
                "default-sources",
            ),
            (
                r#"{"preset": "none", "headers": {"content-security-policy": {"img-src": "a.example;script-src *"}}}"#,
                "img-src",
            ),
            (
                r#"{"preset": "none", "headers": {"content-security-policy": {"img-src": "a", "IMG-SRC": "b"}}}"#,
                "\"IMG-SRC\" is there twice",
            ),
            (
                r#"{"preset": "none", "headers": {"expect-ct": false, "expect-ct": "max-age=0"}}"#,
                "expect-ct",
            ),
            (r#"{"preset": "web", "extend-csp": {"image-src": ["a"]}}"#, "image-src"),
            (r#"{"preset": "none", "extend-csp": {"img-src": ["a"]}}"#, "content-security-policy"),
            (r#"{"preset": "none", "on-conflict": {"x-frame-options": "replace"}}"#, "replace"),
            (
                r#"{"preset": "none", "on-conflict": {"x-frame-options": "keep"}}"#,
                "x-frame-options",
            ),
            (r#"{"preset": "none", "reporting-endpoints": {"CSP": "/r"}}"#, "CSP"),
            (
                r#"{"preset": "web", "report-violations-to": "http://a.example"}"#,
                "http://a.example",
            ),
            (r#"{"preset": "none", "remove": ["a b"]}"#, "a b"),
        ] {
            match serde_json::from_str::<SecurityHeaders>(file) {
                Ok(headers) => panic!("{file} was read: {headers}"),
                Err(error) => assert!(error.to_string().contains(named), "{file}: {error}"),
            }
        }
    }
}

#[test]
fn the_escape_hatch_of_a_source_is_text_that_is_checked() {
    let built = SecurityHeaders::strict()
        .csp(|csp| csp.extend(Directive::ConnectSrc, [Source::SelfOrigin]))
        .csp(|csp| csp.extend(Directive::ConnectSrc, ["wss://live.example; script-src *"]))
        .build();
    assert!(matches!(built, Err(ConfigError::DirectiveValue { .. })), "{built:?}");
}
