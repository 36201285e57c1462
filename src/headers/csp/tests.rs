//! Tables of what cannot be built, of what is written, and of what is left without a nonce.

use super::*;
use crate::headers::ConfigError;
use crate::headers::csp::template::{Template, without_nonce};

fn policy(text: &str) -> ContentSecurityPolicy {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refused(text: &str) -> ConfigError {
    match text.parse::<ContentSecurityPolicy>() {
        Ok(policy) => panic!("{text} was built: {policy}"),
        Err(error) => error,
    }
}

#[test]
fn what_makes_no_sense_cannot_be_built() {
    use ConfigError as E;
    type Kind = fn(&ConfigError) -> bool;
    let tests: &[(&str, Kind)] = &[
        ("default-src self", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("default-src none", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("script-src UNSAFE-INLINE", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("script-src strict-dynamic", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("script-src nonce-abcdefgh", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("script-src sha256-abcdefgh", |e| matches!(e, E::UnquotedKeyword { .. })),
        ("default-src 'none' 'self'", |e| matches!(e, E::NoneBesideOthers { .. })),
        ("img-src https://a.example 'none'", |e| matches!(e, E::NoneBesideOthers { .. })),
        ("trusted-types 'none' app", |e| matches!(e, E::NoneBesideOthers { .. })),
        ("img-src 'unsafe-inline'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("img-src 'nonce'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("style-src 'strict-dynamic' 'nonce'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("style-src 'unsafe-eval'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("script-src-elem 'unsafe-eval'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("script-src-attr 'nonce'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("frame-ancestors 'unsafe-inline'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("connect-src 'report-sample'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("img-src 'unsafe-webtransport-hashes'", |e| matches!(e, E::KeywordWithoutMeaning { .. })),
        ("script-src 'strict-dynamic'", |e| matches!(e, E::StrictDynamicAlone { .. })),
        ("script-src 'strict-dynamic' https:", |e| matches!(e, E::StrictDynamicAlone { .. })),
        ("default-src 'self'; default-src 'self'", |e| matches!(e, E::DuplicateDirective { .. })),
        ("default-src 'self'; Default-Src 'none'", |e| matches!(e, E::DuplicateDirective { .. })),
        ("default-src", |e| matches!(e, E::Empty { .. })),
        ("report-to", |e| matches!(e, E::Empty { .. })),
        ("require-trusted-types-for", |e| matches!(e, E::Empty { .. })),
        ("", |e| matches!(e, E::EmptyPolicy)),
        (" ; ; ", |e| matches!(e, E::EmptyPolicy)),
        ("defaultsrc 'self'", |e| matches!(e, E::UnknownDirective { .. })),
        ("default_src 'self'", |e| matches!(e, E::UnknownDirective { .. })),
        ("plugin-types application/pdf", |e| matches!(e, E::UnknownDirective { .. })),
        ("block-all-mixed-content", |e| matches!(e, E::UnknownDirective { .. })),
        ("navigate-to 'self'", |e| matches!(e, E::UnknownDirective { .. })),
        ("prefetch-src 'self'", |e| matches!(e, E::UnknownDirective { .. })),
        ("require-sri-for script", |e| matches!(e, E::UnknownDirective { .. })),
        ("webrtc 'block'", |e| matches!(e, E::UnknownDirective { .. })),
        ("script-src 'nonce-abcdefgh'", |e| matches!(e, E::DirectiveValue { .. })),
        ("script-src 'sha256-short'", |e| matches!(e, E::DirectiveValue { .. })),
        ("script-src 'unsafe-everything'", |e| matches!(e, E::DirectiveValue { .. })),
        ("script-src ''", |e| matches!(e, E::DirectiveValue { .. })),
        ("script-src '", |e| matches!(e, E::DirectiveValue { .. })),
        ("sandbox allow-everything", |e| matches!(e, E::DirectiveValue { .. })),
        ("upgrade-insecure-requests 1", |e| matches!(e, E::DirectiveValue { .. })),
        ("require-trusted-types-for 'style'", |e| matches!(e, E::DirectiveValue { .. })),
        ("trusted-types a*b", |e| matches!(e, E::DirectiveValue { .. })),
        ("report-uri //evil.example", |e| matches!(e, E::DirectiveValue { .. })),
        ("report-uri http://a.example/r", |e| matches!(e, E::DirectiveValue { .. })),
        ("report-to Csp", |e| matches!(e, E::DirectiveValue { .. })),
        ("report-to a b", |e| matches!(e, E::DirectiveValue { .. })),
    ];
    for (text, expected) in tests {
        let error = refused(text);
        assert!(expected(&error), "{text}: {error:?}");
    }
}

#[test]
fn no_source_becomes_another_directive_policy_or_header() {
    for source in [
        "https://a.example; script-src *",
        "a.example;",
        "a.example,b.example",
        "https://a.example/a,b",
        "https://a.example/a;b",
        "a.example\r\nset-cookie: a=b",
        "a.example\n",
        "a.example b.example",
        "a.example\t",
        " a.example",
        "a.example\u{a0}b",
        "a.example\0",
        "b\u{fc}cher.example",
        "https://*",
        "",
    ] {
        let built = ContentSecurityPolicy::builder().img_src([source]).build();
        if source == "https://*" {
            assert_eq!(built.unwrap().to_string(), "img-src https://*");
        } else {
            assert!(built.is_err(), "{source:?}: {built:?}");
        }
    }
}

#[test]
fn hosts_are_those_of_the_grammar() {
    for (source, sent) in [
        ("example.com", Some("example.com")),
        ("Example.COM", Some("example.com")),
        ("localhost", Some("localhost")),
        ("localhost:3000", Some("localhost:3000")),
        ("*.example.com", Some("*.example.com")),
        ("*", Some("*")),
        ("*:443", Some("*:443")),
        ("https://example.com:*", Some("https://example.com:*")),
        ("HTTPS://Example.com/Path/", Some("https://example.com/Path/")),
        ("wss://example.com", Some("wss://example.com")),
        ("127.0.0.1", Some("127.0.0.1")),
        ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
        ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        ("https:", Some("https:")),
        ("data:", Some("data:")),
        ("192.168.0.1", None),
        ("[::1]", None),
        ("https://[::1]:80", None),
        ("*example.com", None),
        ("ex*ample.com", None),
        ("*.*.example.com", None),
        ("example..com", None),
        (".example.com", None),
        ("example.com.", None),
        ("exam_ple.com", None),
        ("example.com:0", None),
        ("example.com:65536", None),
        ("example.com:+80", None),
        ("example.com:", None),
        ("user@example.com", None),
        ("https://user:pass@example.com", None),
        ("https://", None),
        ("https:///path", None),
        ("://example.com", None),
        ("https://example.com/?query", None),
        ("https://example.com/#fragment", None),
        ("1https://example.com", None),
        ("'example.com'", None),
        ("\"example.com\"", None),
    ] {
        let built = ContentSecurityPolicy::builder().img_src([source]).build();
        let built = built.ok().map(|policy| policy.to_string());
        assert_eq!(built, sent.map(|sent| format!("img-src {sent}")), "{source}");
    }
}

#[test]
fn every_directive_and_keyword_is_written_as_it_is_read() {
    let hash = Source::hash_of("text");
    for text in [
        format!(
            "default-src 'none'; script-src 'self' 'nonce' {hash} 'strict-dynamic' \
             'unsafe-inline' 'unsafe-eval' 'unsafe-hashes' 'wasm-unsafe-eval' \
             'trusted-types-eval' 'report-sample' 'report-sha256' 'report-sha384' \
             'report-sha512' 'inline-speculation-rules'; script-src-elem 'nonce'; \
             script-src-attr 'none'; style-src 'self' 'nonce'; style-src-elem {hash}; \
             style-src-attr 'unsafe-hashes' {hash}; img-src https: data:; font-src 'self'; \
             connect-src 'self' wss://a.example 'unsafe-webtransport-hashes'; media-src blob:; \
             manifest-src 'self'; child-src 'self'; frame-src 'none'; fenced-frame-src 'self'; \
             worker-src 'self'; object-src 'none'; base-uri 'self'; \
             form-action 'self' https://pay.example; frame-ancestors https://*.example; \
             sandbox allow-forms allow-scripts; trusted-types app 'allow-duplicates'; \
             require-trusted-types-for 'script'; upgrade-insecure-requests; \
             report-uri /csp https://a.example/r; report-to csp"
        ),
        "sandbox".into(),
        "trusted-types".into(),
        "trusted-types 'none'".into(),
        "trusted-types *".into(),
    ] {
        assert_eq!(policy(&text).to_string(), text);
    }
}

#[test]
fn order_and_repetition_do_not_matter() {
    assert_eq!(
        policy("img-src a.example 'self' A.example;default-src 'none'").to_string(),
        "default-src 'none'; img-src a.example 'self'"
    );
}

#[test]
fn without_its_nonce_a_policy_allows_no_more() {
    let hash = Source::hash_of("text");
    for (with, without) in [
        ("script-src 'nonce' 'strict-dynamic'", "script-src 'none'"),
        ("script-src 'nonce'", "script-src 'none'"),
        ("script-src 'nonce' 'self'", "script-src 'self'"),
        // Beside a nonce browsers ignore 'unsafe-inline', beside 'strict-dynamic' hosts.
        ("script-src 'nonce' 'unsafe-inline'", "script-src 'none'"),
        ("script-src 'nonce' 'strict-dynamic' https: 'unsafe-inline'", "script-src 'none'"),
        ("style-src 'nonce' 'unsafe-inline' 'self'", "style-src 'self'"),
        (
            &format!("script-src 'nonce' 'strict-dynamic' {hash} 'unsafe-inline' 'self'"),
            &format!("script-src 'strict-dynamic' {hash} 'self'"),
        ),
        // Without a nonce in it, a list stays as it is.
        ("style-src 'unsafe-inline'", "style-src 'unsafe-inline'"),
        ("default-src 'nonce' 'self'; img-src *", "default-src 'self'; img-src *"),
    ] {
        assert_eq!(without_nonce(&policy(with)), without, "{with}");
    }
}

#[test]
fn the_nonce_goes_into_every_gap() {
    let policy = policy("script-src 'nonce' 'strict-dynamic'; style-src 'self' 'nonce'");
    let nonce = Nonce::random();

    let sent = Template::new(&policy).unwrap().with(&nonce);

    assert_eq!(
        std::str::from_utf8(&sent).unwrap(),
        format!("script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'")
    );
    let without: ContentSecurityPolicy = "script-src 'self'".parse().unwrap();
    assert!(Template::new(&without).is_none());
}

#[test]
fn an_addition_keeps_what_browsers_fell_back_to() {
    for (before, directive, source, after) in [
        ("img-src 'self'", Directive::ImgSrc, "a.example", "img-src 'self' a.example"),
        ("img-src 'none'", Directive::ImgSrc, "a.example", "img-src a.example"),
        (
            "default-src 'self'",
            Directive::ImgSrc,
            "a.example",
            "default-src 'self'; img-src 'self' a.example",
        ),
        (
            "default-src 'none'",
            Directive::ImgSrc,
            "a.example",
            "default-src 'none'; img-src a.example",
        ),
        (
            "default-src 'none'; script-src 'self' 'unsafe-eval'",
            Directive::ScriptSrcElem,
            "a.example",
            // 'unsafe-eval' means nothing in script-src-elem, and still counts in script-src.
            "default-src 'none'; script-src 'self' 'unsafe-eval'; \
             script-src-elem 'self' a.example",
        ),
        (
            "default-src 'self'; child-src b.example",
            Directive::FrameSrc,
            "a.example",
            "default-src 'self'; child-src b.example; frame-src b.example a.example",
        ),
    ] {
        let changed = policy(before).into_builder().extend(directive, [source]).build();
        assert_eq!(changed.unwrap().to_string(), after, "{before}, {directive} {source}");
    }
}

#[test]
fn an_addition_that_would_do_something_else_is_refused() {
    for (before, directive, value) in [
        // Absent means that everything is allowed.
        ("script-src 'self'", Directive::ImgSrc, "a.example"),
        ("default-src 'self'", Directive::FormAction, "a.example"),
        ("default-src 'self'", Directive::FrameAncestors, "a.example"),
        ("default-src 'self'", Directive::Sandbox, "allow-forms"),
        ("default-src 'self'", Directive::TrustedTypes, "app"),
        ("default-src 'self'", Directive::ChildSrc, "a.example"),
        ("script-src 'nonce' 'strict-dynamic'", Directive::WorkerSrc, "blob:"),
    ] {
        let built = policy(before).into_builder().extend(directive, [value]).build();
        let expected = ConfigError::NothingToExtend { directive };
        assert_eq!(built, Err(expected), "{before}, {directive} {value}");
    }
    let fallback = policy("script-src 'nonce'").into_builder().legacy_fallback().build();
    assert_eq!(fallback, Err(ConfigError::StrictDynamicAbsent));
}

#[test]
fn the_escape_hatch_lets_nothing_else_through() {
    let custom = |name: &str, value: &str| {
        ContentSecurityPolicy::builder()
            .default_src([Source::None])
            .dangerously_custom_directive(name, value)
            .build()
            .map(|policy| policy.to_string())
    };
    assert_eq!(custom("webrtc", "'block'").unwrap(), "default-src 'none'; webrtc 'block'");
    for (name, value) in [
        ("plugin-types", "application/pdf"),
        ("block-all-mixed-content", ""),
        ("webrtc", "'block'; script-src *"),
        ("webrtc", "'block', script-src *"),
        ("webrtc", "'block'\r\nset-cookie: a=b"),
        ("webrtc", "\u{201c}block\u{201d}"),
        ("webrtc\r\n", ""),
        ("webrtc ", ""),
        ("x;script-src", "*"),
        ("script-src", "*"),
        ("default-src", "*"),
        ("", "*"),
    ] {
        assert!(custom(name, value).is_err(), "{name:?} {value:?}");
    }
}

#[test]
fn the_first_mistake_is_the_one_reported() {
    let error = ContentSecurityPolicy::builder()
        .default_src(["self"])
        .img_src(["two words"])
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "content-security-policy: default-src self: a keyword is quoted: write 'self' with the \
         quotes"
    );
}

#[test]
fn an_inner_patch_has_the_last_word() {
    let response = &mut http::Response::new(());
    let replace = |source: &'static str| {
        CspPatch::new().replace(Directive::ImgSrc, [source]).build().unwrap()
    };
    replace("inner.example").apply(response);
    replace("outer.example").apply(response);

    let patch = response.extensions().get::<CspPatch>().unwrap();
    let patched = patch.changed(&policy("default-src 'none'")).unwrap();

    assert_eq!(patched.to_string(), "default-src 'none'; img-src inner.example");
}
