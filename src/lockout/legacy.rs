//! The weaker way: what came of a login, by the status of its response.

/// How a login ended, by the status of its response, for handlers that cannot take a [`LoginAttempt`](super::LoginAttempt).
///
/// **It is the weaker way.** The account stands in the body, so nothing is counted for it: only the
/// address is. And a status may lie: many login pages answer 200 and 303 whatever came of it. `GET`, `HEAD`
/// and `OPTIONS` are not counted, so have the login take `POST` alone.
///
/// ```
/// use donjon::lockout::{LegacyStatus, Lockout, LockoutPolicy, LoginLockout};
///
/// let lockout = Lockout::builder(LockoutPolicy::default()).build()?;
/// let layer = LoginLockout::new(&lockout)
///     .by_legacy_status(LegacyStatus { success: vec![303], failure: vec![200, 401] });
/// # Ok::<_, donjon::lockout::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing else to say")]
pub struct LegacyStatus {
    /// Statuses of a login.
    pub success: Vec<u16>,
    /// Statuses of a failure. Of the others, 4xx is one and the rest is not counted.
    pub failure: Vec<u16>,
}
