//! What patches do, and what stands beside a policy.

use donjon::headers::csp::{CspPatch, Directive};
use donjon::headers::{CacheControl, SecurityHeaders};
use proptest::prelude::*;
use proptest::sample::select;

use crate::policies::{any_addition, any_directive, any_directives, build};
use crate::{Take, cases, policy_in, respond, sent};

#[test]
fn a_patch_that_makes_no_sense_does_not_take_another_with_it() {
    let headers = SecurityHeaders::web().assume_https().build().unwrap();
    // Nothing beside which it could stand alone.
    let senseless = CspPatch::new().extend(Directive::ImgSrc, ["'none'"]).build().unwrap();
    let uploads = CspPatch::new().replace(Directive::ScriptSrc, ["'none'"]).build().unwrap();

    for order in [[&senseless, &uploads], [&uploads, &senseless]] {
        let sent = respond(&headers, Take::Nothing, &|response| {
            for patch in order {
                patch.apply(response);
            }
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
        "image/png;, text/html",
        "image/png; a=b, text/html",
        "image/png; a=\"b\", text/html; charset=utf-8",
        "text/css;,text/html",
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
