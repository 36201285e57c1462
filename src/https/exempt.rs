//! The few paths for which a rule does not hold.

use super::ConfigError;
use crate::head::RequestHead;

/// Paths, each exactly as a request has it: nothing is decoded, and nothing below it is meant.
#[derive(Clone, Debug, Default)]
pub(super) struct ExactPaths(Vec<String>);

impl ExactPaths {
    pub(super) fn add(&mut self, path: &str) -> Result<(), ConfigError> {
        Self::check(path)?;
        self.0.push(path.to_owned());
        Ok(())
    }

    /// Whether a request can have this path.
    pub(super) fn check(path: &str) -> Result<(), ConfigError> {
        let is_sent = |byte: u8| byte.is_ascii_graphic() && !b"?#*\"<>\\^`{|}".contains(&byte);
        // A router may take dots for steps, and then the path is another one.
        let plain = path.to_ascii_lowercase().replace("%2e", ".");
        let has_steps = plain.split('/').any(|segment| segment == "." || segment == "..");
        if !path.starts_with('/') || !path.bytes().all(is_sent) || has_steps {
            return Err(ConfigError::Path { value: path.to_owned() });
        }
        Ok(())
    }

    /// Whether the request reads one of them.
    pub(super) fn holds<R: RequestHead>(&self, request: &R) -> bool {
        !self.0.is_empty() && is_read(request) && self.0.iter().any(|path| path == request.path())
    }
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
