//! What a session is known by.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

/// The id of a session: 128 random bits, 22 characters as text. It is a secret: who has it is the user.
///
/// [`Sessions`](super::Sessions) makes and checks them by itself. Those who keep sessions in a store
/// of their own keep the [digest](Self::digest), so that what leaks of the store opens no session.
///
/// ```
/// use donjon::cookies::session::SessionId;
///
/// let id = SessionId::random();
/// let in_the_cookie = id.to_text();
/// let in_the_store = id.digest();
///
/// let shown = SessionId::parse(in_the_cookie.as_bytes()).unwrap();
/// assert_eq!(shown.digest(), in_the_store);
///
/// // What cannot be an id is not looked up.
/// assert!(SessionId::parse(b"' OR 1=1 --").is_none());
/// assert!(SessionId::parse(b"AAAAAAAAAAAAAAAAAAAAAB").is_none(), "there is one text for one id");
/// ```
#[derive(Clone)]
pub struct SessionId([u8; LEN]);

impl SessionId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let mut id = [0; LEN];
        rand::rng().fill_bytes(&mut id);
        Self(id)
    }

    /// Reads what [`to_text`](Self::to_text) has written; anything else is `None`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != TEXT_LEN {
            return None;
        }
        let mut id = Self([0; LEN]);
        // What decodes asks for more room than it needs.
        let mut buffer = [0; TEXT_LEN];
        let len = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).ok()?;
        id.0.copy_from_slice(buffer.get(..len)?.first_chunk::<LEN>()?);
        buffer.zeroize();
        (len == LEN).then_some(id)
    }

    /// As text: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What may be kept.
    #[must_use]
    pub fn digest(&self) -> SessionDigest {
        let digest = Sha256::new().chain_update(DOMAIN).chain_update(self.0).finalize();
        SessionDigest(digest.into())
    }

    pub(super) const fn from_bytes(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl Drop for SessionId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// It is not printed.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionId").finish_non_exhaustive()
    }
}

/// A digest (SHA-256) of a [`SessionId`]. It tells one session from another and is no secret.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionDigest([u8; 32]);

impl SessionDigest {
    /// The bytes, as a store keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SessionDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

pub(super) const LEN: usize = 16;
const TEXT_LEN: usize = 22;
const DOMAIN: &[u8] = b"donjon session id 1";
