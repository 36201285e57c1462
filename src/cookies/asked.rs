//! What is asked of one cookie.

use super::attribute::SameSite;
use super::policy::CookieRule;
use super::prefix::Prefix;

/// What is asked of a cookie by its rule and by the prefix of its name. `Secure` is asked of all.
pub(super) struct Asked {
    /// Whether the name begins with `__Host-`.
    pub(super) host: bool,
    pub(super) http_only: bool,
    /// The loosest that may be, unless the rule says that it is for other sites.
    pub(super) same_site: SameSite,
    pub(super) path: Option<&'static str>,
    pub(super) host_only: bool,
    /// For how many seconds it may be kept.
    pub(super) longest: i64,
}

impl Asked {
    #[inline]
    pub(super) fn of(name: &[u8], rule: &CookieRule) -> Self {
        let prefix = Prefix::of(name);
        let host = prefix.is_some_and(|prefix| prefix.host);
        Self {
            host,
            http_only: !rule.readable || prefix.is_some_and(|prefix| prefix.http_only),
            same_site: if rule.strict { SameSite::Strict } else { SameSite::Lax },
            path: if host { Some("/") } else { rule.path },
            host_only: host || rule.host_only,
            longest: rule.longest(),
        }
    }
}
