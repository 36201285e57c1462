//! Hashes of inline scripts and styles.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The hash of an inline script or style, by which a policy allows exactly that text.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Hash {
    algorithm: &'static str,
    digest: String,
}

impl Hash {
    /// The SHA-256 of a text: of what stands between `<script>` and `</script>`, to the byte.
    #[must_use]
    pub fn sha256(text: &str) -> Self {
        Self::new("sha256", &Sha256::digest(text))
    }

    /// The SHA-384 of a text.
    #[must_use]
    pub fn sha384(text: &str) -> Self {
        Self::new("sha384", &Sha384::digest(text))
    }

    /// The SHA-512 of a text.
    #[must_use]
    pub fn sha512(text: &str) -> Self {
        Self::new("sha512", &Sha512::digest(text))
    }

    fn new(algorithm: &'static str, digest: &[u8]) -> Self {
        Self { algorithm, digest: STANDARD.encode(digest) }
    }

    /// Reads `sha256-…`, in base64 or base64url, with or without padding; `None` for anything
    /// else, a digest of another length included.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (algorithm, digest) = text.split_once('-')?;
        let (algorithm, length) = match algorithm.to_ascii_lowercase().as_str() {
            "sha256" => ("sha256", 32),
            "sha384" => ("sha384", 48),
            "sha512" => ("sha512", 64),
            _ => return None,
        };
        let digest = [EITHER_PADDING, EITHER_PADDING_URL]
            .iter()
            .find_map(|base64| base64.decode(digest).ok())?;
        (digest.len() == length).then(|| Self::new(algorithm, &digest))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.algorithm, self.digest)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const EITHER_PADDING_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_specification() {
        // CSP3, section 8.3.
        assert_eq!(
            Hash::sha256("alert('Hello, world.');").to_string(),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
        // A script that hashes to something with both `+` and `/`, in either alphabet.
        let digest = "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng";
        let url = digest.replace('+', "-").replace('/', "_");
        for text in [format!("sha256-{digest}"), format!("SHA256-{url}=")] {
            assert_eq!(Hash::parse(&text), Some(Hash::sha256("alert('Hello, world.');")), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "sha256-",
            "sha256-AAAA",
            "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "sha256",
            "sha256-qznLcsROx4GACP2dm0UCKCzCG HiZ1guq6ZZDob/Tng=",
            "sha384-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=",
            "md5-AAAAAAAAAAAAAAAAAAAAAA==",
        ] {
            assert_eq!(Hash::parse(text), None, "{text}");
        }
    }
}
