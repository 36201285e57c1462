//! A password on its way through the server.

use std::fmt;

use zeroize::Zeroizing;

/// What somebody gave as a password: any bytes, NUL among them, exactly as they came.
///
/// It is wiped from memory when dropped, and never printed. Made of a `String` or a `Vec<u8>` it
/// takes over their memory; of what is borrowed, the original stays where it is.
///
/// ```
/// use donjon::password::Password;
///
/// let password = Password::from("correct horse battery staple");
/// assert!(!format!("{password:?}").contains("horse"));
/// ```
///
/// With the feature `serde` it can stand in the type of a form.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// The most bytes that a password can have. What is longer is wrong wherever it is verified, and
    /// refused wherever it is hashed; no part of it is hashed in its place.
    pub const MAX_LEN: usize = 4096;

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its characters, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there can be an account with it.
    pub(super) fn is_possible(&self) -> bool {
        (1..=Self::MAX_LEN).contains(&self.0.len())
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        password.into_bytes().into()
    }
}

impl From<Vec<u8>> for Password {
    fn from(password: Vec<u8>) -> Self {
        Self(Zeroizing::new(password))
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        password.as_bytes().into()
    }
}

impl From<&[u8]> for Password {
    fn from(password: &[u8]) -> Self {
        password.to_vec().into()
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}
