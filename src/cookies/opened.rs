//! What a value is sealed for, and what is in it.

use std::fmt;
use std::time::SystemTime;

/// What a value is bound to beside the sealer's application and purpose. It costs nothing to make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SealContext<'a> {
    pub(super) name: &'a str,
    pub(super) audience: &'a [u8],
}

impl<'a> SealContext<'a> {
    /// For the cookie of this name.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name, audience: &[] }
    }

    /// For somebody alone: a tenant, a user, a session. It is not in the value, so who opens it has
    /// to know it.
    #[must_use]
    pub const fn audience(mut self, audience: &'a [u8]) -> Self {
        self.audience = audience;
        self
    }
}

/// What was in a value.
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct Opened<P> {
    /// The bytes that were sealed: wiped when dropped as [`Sealer::open`](super::Sealer::open) gives them, a part of the
    /// buffer as [`Sealer::open_into`](super::Sealer::open_into) does.
    pub payload: P,
    /// When it ceases to be good.
    pub expires_at: SystemTime,
    /// Whether an older key has sealed it, so that the client is to get a new one.
    pub needs_reseal: bool,
}

/// The payload is not printed: a signed session, too, is nothing for a log.
impl<P> fmt::Debug for Opened<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("expires_at", &self.expires_at)
            .field("needs_reseal", &self.needs_reseal)
            .finish_non_exhaustive()
    }
}
