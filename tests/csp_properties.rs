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

use std::convert::Infallible;
use std::env;

use axum::extract::FromRequestParts;
use donjon::headers::csp::ContentSecurityPolicy;
use donjon::headers::{Nonce, SecurityHeaders};
use http::{HeaderMap, Request, Response};
use proptest::prelude::*;
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, ServiceExt, service_fn};

use judge::Judge;
use policies::{any_directives, build};

#[path = "csp_properties/injected.rs"]
mod injected;
#[path = "csp_properties/judge.rs"]
mod judge;
#[path = "csp_properties/looser.rs"]
mod looser;
#[path = "csp_properties/meaning.rs"]
mod meaning;
#[path = "csp_properties/policies.rs"]
mod policies;
#[path = "csp_properties/responses.rs"]
mod responses;

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
    ProptestConfig {
        cases,
        max_global_rejects,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..default
    }
}

/// Stands for the nonce of every response.
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
