//! Credentials that others may have read.

use std::fmt;

/// A credential that came in the clear: whoever was on the way has it too.
#[derive(Clone, Copy)]
pub struct ExposedCredential<'a> {
    pub(super) header: &'a str,
    pub(super) value: &'a [u8],
}

impl ExposedCredential<'_> {
    /// The header's name, in lower case.
    #[must_use]
    pub const fn header(&self) -> &str {
        self.header
    }

    /// The header's value, which is the secret. It is for finding and revoking the credential, and
    /// not for logs.
    #[must_use]
    pub const fn value(&self) -> &[u8] {
        self.value
    }
}

/// Does not print the secret.
impl fmt::Debug for ExposedCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposedCredential").field("header", &self.header).finish_non_exhaustive()
    }
}
