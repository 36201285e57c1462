//! helmet 8 as a conformance suite: what it sends, and what it refuses when it is set up, asked of
//! the parsers that configuration files go through, which check what the builders check.
//!
//! Some of what helmet refuses nobody can write here, as there is no constructor for it:
//!
//! | helmet | here |
//! | --- | --- |
//! | a value that is `null`, `false`, `0` or an object | sources are text or `Source` |
//! | no directives at all, `useDefaults: false` alone | `EmptyPolicy`; there are no defaults to use |
//! | `dangerouslyDisableDefaultSrc` on another directive, or with nothing left | no such marker |
//! | a function per value that throws, or returns what is refused | no functions: a `CspPatch` is checked when it is built |
//! | HSTS as a number: `NaN`, infinity, negative, with a fraction | a `Duration`, whose fraction is dropped |
//! | misspelt options: `maxage`, `includeSubdomains` | constructors; as text they are refused below |
//! | the same header under two names | `SecurityHeadersBuilder::with` replaces; there are no aliases |

#![cfg(feature = "headers")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use donjon::headers::csp::{ContentSecurityPolicy, CspPatch, Directive, Source};
use donjon::headers::{
    ConfigError, HeaderKind, SecurityHeader, SecurityHeaders, StrictTransportSecurity,
};
use donjon::lint::Severity;
use http::{HeaderMap, Request, Response};
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, ServiceExt, service_fn};

// --------------------------------------------------------------------------------- what is sent

#[test]
fn the_preset_sends_what_helmet_sends() {
    let sent = respond(&SecurityHeaders::helmet_compatible().assume_https().build().unwrap());

    let mut theirs = BTreeMap::from(HEADERS);
    for (name, value) in &sent {
        let value = value.to_str().unwrap();
        if name == "content-security-policy" {
            assert_eq!(directives(value), directives(POLICY));
        } else {
            assert_eq!(theirs.remove(name.as_str()), Some(value), "{name}");
        }
    }
    assert!(theirs.is_empty(), "not sent: {theirs:?}");
}

/// The thirteenth: helmet switches off what Express adds.
#[test]
fn the_preset_removes_x_powered_by() {
    let headers = SecurityHeaders::helmet_compatible().assume_https().build().unwrap();
    assert!(!respond(&headers).contains_key("x-powered-by"));
}

/// Directives and sources without their order.
fn directives(policy: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let directives = policy.split(';').map(|directive| {
        let mut words = directive.split_ascii_whitespace();
        (words.next().unwrap(), words.collect())
    });
    directives.collect()
}

const POLICY: &str = "default-src 'self';base-uri 'self';font-src 'self' https: data:;\
                      form-action 'self';frame-ancestors 'self';img-src 'self' data:;\
                      object-src 'none';script-src 'self';script-src-attr 'none';\
                      style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests";

const HEADERS: [(&str, &str); 11] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
];

// ---------------------------------------------------------------------- Content-Security-Policy

#[test]
fn names_that_are_no_directives_are_refused() {
    for name in [
        "",
        ";",
        "á",
        "default src",
        " default-src",
        "default-src ",
        "default;src",
        "default,src",
        "default!src",
        "default_src",
        "-default-src",
        "default-src-",
        "_default_src",
        "__proto__",
        // Known to helmet, which takes camel case; here a name is as in the header.
        "defaultSrc",
        "DefaultSrc",
        // A directive that no browser knows: a gap of helmet's.
        "default-source",
        "block-all-mixed-content",
        "plugin-types",
    ] {
        let built = ContentSecurityPolicy::builder().directive(name, ["'self'"]).build();
        assert!(built.is_err(), "{name:?}: {}", built.unwrap());
    }
    for name in ["á", "default!src", "default_src", "__proto__", "default-source"] {
        let parsed = parse(HeaderKind::ContentSecurityPolicy, &format!("{name} 'self'"));
        assert!(parsed.is_err(), "{name:?}: {parsed:?}");
    }
}

#[test]
fn a_name_with_capitals_is_refused() {
    let built = ContentSecurityPolicy::builder().directive("Default-Src", ["'self'"]).build();
    assert!(built.is_err(), "{}", built.unwrap());
}

#[test]
fn a_directive_that_comes_twice_in_any_spelling_is_refused() {
    for policy in [
        "default-src 'self'; default-src 'self'",
        "default-src 'self'; Default-Src 'none'",
        "default-src 'self'; script-src 'self'; DEFAULT-SRC *",
        "upgrade-insecure-requests; upgrade-insecure-requests",
    ] {
        assert!(parse(HeaderKind::ContentSecurityPolicy, policy).is_err(), "{policy}");
    }
}

#[test]
fn a_value_that_would_end_a_directive_or_a_policy_is_refused() {
    for value in [
        ";",
        ",",
        "a.example;",
        "a.example,",
        ";a.example",
        "a;b",
        "a,b",
        "'self';",
        "https://a.example/a;b",
        // White space is a gap of helmet's.
        "a.example b.example",
        " 'self'",
        "'self' ",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "a\u{a0}b",
        "",
        " ",
    ] {
        for directive in Directive::ALL {
            let built = ContentSecurityPolicy::builder().set(*directive, [value]).build();
            assert!(built.is_err(), "{directive} {value:?}: {}", built.unwrap());
            let patch = CspPatch::new().replace(*directive, [value]).build();
            assert!(patch.is_err(), "{directive} {value:?}");
        }
        if value.contains([';', ',', '\r', '\n', '\u{a0}']) {
            let built =
                ContentSecurityPolicy::builder().dangerously_custom_directive("custom", value);
            assert!(built.build().is_err(), "{value:?}");
        }
    }
}

#[test]
fn what_should_be_quoted_is_refused_without_quotes() {
    let words = [
        "none",
        "self",
        "strict-dynamic",
        "report-sample",
        "inline-speculation-rules",
        "unsafe-inline",
        "unsafe-eval",
        "unsafe-hashes",
        "wasm-unsafe-eval",
        "nonce-abc",
        "sha256-abc",
        "sha384-abc",
        "sha512-abc",
        "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
        // Newer than helmet's list.
        "nonce",
        "NONE",
        "Self",
        "trusted-types-eval",
        "report-sha256",
        "report-sha384",
        "report-sha512",
        "unsafe-webtransport-hashes",
        "Sha256-abc",
    ];
    for word in words {
        for directive in Directive::ALL {
            // An endpoint or a policy for trusted types may be called so.
            if matches!(directive, Directive::ReportTo | Directive::TrustedTypes) {
                continue;
            }
            let built = ContentSecurityPolicy::builder().set(*directive, [word]).build();
            assert!(built.is_err(), "{directive} {word}: {}", built.unwrap());
        }
    }
}

#[test]
fn a_keyword_of_trusted_types_is_refused_without_quotes() {
    for word in ["none", "allow-duplicates"] {
        let built = ContentSecurityPolicy::builder().trusted_types([word]).build();
        assert!(built.is_err(), "{}", built.unwrap());
    }
}

#[test]
fn a_policy_that_says_nothing_is_refused() {
    for policy in ["", " ", ";", " ; ;"] {
        let parsed = parse(HeaderKind::ContentSecurityPolicy, policy);
        assert_eq!(parsed, Err(ConfigError::EmptyPolicy), "{policy:?}");
    }
    let built = ContentSecurityPolicy::builder()
        .default_src([Source::SelfOrigin])
        .remove(Directive::DefaultSrc)
        .build();
    assert_eq!(built, Err(ConfigError::EmptyPolicy));
}

/// helmet asks for `default-src`; here a policy may be about one thing, such as framing, and the lint
/// tells what it leaves open.
#[test]
fn a_policy_without_default_src_is_found_weak() {
    for policy in ["script-src 'self'", "frame-ancestors 'none'"] {
        let policy: ContentSecurityPolicy = policy.parse().unwrap();
        let headers = SecurityHeaders::builder().with(policy).build().unwrap();
        assert_eq!(headers.lint()[0].severity, Severity::Serious);
    }
}

#[test]
fn none_beside_other_sources_is_refused_where_helmet_takes_it() {
    for policy in ["default-src 'none' 'self'", "default-src * 'NONE'", "trusted-types 'none' app"]
    {
        let parsed = parse(HeaderKind::ContentSecurityPolicy, policy);
        assert!(matches!(parsed, Err(ConfigError::NoneBesideOthers { .. })), "{policy}");
    }
}

// ------------------------------------------------------------------------------------ the others

#[test]
fn values_that_the_other_headers_do_not_have_are_refused() {
    use HeaderKind as H;
    let tests: [(&[HeaderKind], &[&str]); 10] = [
        (
            &[
                H::CrossOriginEmbedderPolicy,
                H::CrossOriginOpenerPolicy,
                H::CrossOriginResourcePolicy,
                H::PermittedCrossDomainPolicies,
                H::OriginAgentCluster,
                H::ReferrerPolicy,
                H::ContentTypeOptions,
                H::DnsPrefetchControl,
                H::DownloadOptions,
                H::XssProtection,
                H::FrameOptions,
                H::StrictTransportSecurity,
            ],
            &[
                "",
                " ",
                "foo",
                "none;",
                "none,",
                "no-referrer\r\nset-cookie: a=b",
                "nosniff\0",
                "0 ",
                "é",
            ],
        ),
        (&[H::CrossOriginEmbedderPolicy], &["require-corp ", "same-origin", "require corp"]),
        (&[H::CrossOriginOpenerPolicy], &["same-site", "require-corp", "same-origin, unsafe-none"]),
        (&[H::CrossOriginResourcePolicy], &["same-origin-allow-popups", "same origin"]),
        (&[H::PermittedCrossDomainPolicies], &["by-ftp-filename", "none-this-response"]),
        (
            &[H::ReferrerPolicy],
            &[
                "never",
                "no_referrer",
                // Lists are not offered.
                "no-referrer,no-referrer",
                "no-referrer, strict-origin",
                ",",
                "no-referrer,",
            ],
        ),
        (
            &[H::StrictTransportSecurity],
            &[
                "max-age=-1",
                "max-age=-0.1",
                "max-age=0.1",
                "max-age=NaN",
                "max-age=Infinity",
                "max-age=-Infinity",
                "max-age=1e3",
                "max-age=year",
                "max-age=",
                "maxage=1",
                "includeSubDomains",
                "max-age=1; includeSubDomain",
                "max-age=1; include-sub-domains",
                "max-age=1, max-age=2",
                // Gaps of helmet's.
                "max-age=31536000; preload",
                "max-age=1; includeSubDomains; preload",
            ],
        ),
        (
            &[H::FrameOptions],
            &[" deny", "deny ", "ALLOW-FROM https://a.example", "ALLOWALL", "DENY, SAMEORIGIN"],
        ),
        (&[H::XssProtection], &["1", "1; mode=block"]),
        (&[H::OriginAgentCluster], &["?2", "1", "true", "?1;a"]),
    ];
    for (headers, values) in tests {
        for header in headers {
            for value in values {
                let parsed = parse(*header, value);
                assert!(parsed.is_err(), "{header}: {value:?}: {parsed:?}");
            }
        }
    }
}

/// helmet refuses them. Here what is read may have capitals, and what is sent has none.
#[test]
fn words_with_capitals_are_sent_in_small_letters() {
    use HeaderKind as H;
    for (header, value) in [
        (H::CrossOriginEmbedderPolicy, "REQUIRE-CORP"),
        (H::CrossOriginOpenerPolicy, "Same-Origin"),
        (H::CrossOriginResourcePolicy, "SAME-SITE"),
        (H::PermittedCrossDomainPolicies, "None"),
        (H::ReferrerPolicy, "No-Referrer"),
    ] {
        assert_eq!(parse(header, value).unwrap().value(), value.to_ascii_lowercase(), "{header}");
    }
}

#[test]
fn parts_of_a_second_are_dropped_and_nought_is_a_value() {
    for (age, sent) in [
        (Duration::from_millis(1900), "max-age=1"),
        (Duration::from_millis(100), "max-age=0"),
        (Duration::ZERO, "max-age=0"),
    ] {
        assert_eq!(StrictTransportSecurity::excluding_subdomains(age).to_string(), sent);
    }
}

#[test]
fn frame_options_are_sent_in_capitals() {
    for (written, sent) in [("deny", "DENY"), ("Deny", "DENY"), ("sameorigin", "SAMEORIGIN")] {
        assert_eq!(parse(HeaderKind::FrameOptions, written).unwrap().value(), sent);
    }
}

#[test]
fn preload_without_subdomains_or_for_less_than_a_year_is_refused() {
    let year = StrictTransportSecurity::ONE_YEAR;
    assert!(StrictTransportSecurity::excluding_subdomains(year).preload().is_err());
    let less = StrictTransportSecurity::including_subdomains(
        year.checked_sub(Duration::from_secs(1)).unwrap(),
    );
    assert!(less.preload().is_err());
}

// ----------------------------------------------------------------------------------------- tools

fn parse(header: HeaderKind, value: &str) -> Result<SecurityHeader, ConfigError> {
    SecurityHeader::parse(header, value)
}

/// The headers of a response whose handler boasts of its framework.
fn respond(headers: &SecurityHeaders) -> HeaderMap {
    let handler = service_fn(|_: Request<()>| async {
        let response = Response::builder().header("x-powered-by", "Express").body(());
        Ok::<_, Infallible>(response.unwrap())
    });
    let response = headers.layer(handler).oneshot(Request::new(()));
    assert_ready_ok!(task::spawn(response).poll()).into_parts().0.headers
}
