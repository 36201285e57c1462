//! The few requests for which a rule does not hold.

use crate::head::RequestHead;
use crate::path::ExactPaths;

/// Whether the request reads one of these paths.
pub(super) fn is_read_of<R: RequestHead>(paths: &ExactPaths, request: &R) -> bool {
    is_read(request) && paths.hold(request)
}

/// Whether the request asks for the answer to a challenge of an ACME server (RFC 8555, section
/// 8.3), which comes over plain http: a token of at least 128 bits in base64url, and no more.
pub(super) fn is_acme_challenge<R: RequestHead>(request: &R) -> bool {
    let token = request.path().strip_prefix("/.well-known/acme-challenge/");
    is_read(request)
        && token.is_some_and(|token| {
            (22..=128).contains(&token.len())
                && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

fn is_read<R: RequestHead>(request: &R) -> bool {
    matches!(request.method(), "GET" | "HEAD")
}
