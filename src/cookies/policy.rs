//! What is asked of which cookie.

use std::time::Duration;

use super::error::{ConfigError, check_name, check_path};
use super::prefix::Prefix;

/// What [`HardenCookies`](super::HardenCookies) asks of a cookie: without more, that scripts cannot
/// read it, that other sites cannot have it sent with their forms, and that it lives no longer than
/// 400 days.
///
/// **The rule.** OWASP ASVS 5.0, 3.3; draft-ietf-httpbis-layered-cookies as of 2026-07.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::cookies::{ConfigError, CookieRule, HardenCookies};
///
/// let cookies = HardenCookies::new()
///     .rule("csrftoken", CookieRule::new().readable_by_scripts())?
///     .rule("widget", CookieRule::new().cross_site("the booking widget on partners' pages"))?
///     .rule_for_prefix("exp_", CookieRule::new().max_lifetime(Duration::from_secs(86_400)))?;
///
/// let wrong = cookies.rule("__Http-token", CookieRule::new().readable_by_scripts());
/// assert_eq!(wrong.unwrap_err(), ConfigError::ReadableByScripts { name: "__Http-token" });
/// # Ok::<_, ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
#[must_use = "a rule does nothing until it is given to `HardenCookies`"]
pub struct CookieRule {
    pub(super) readable: bool,
    cross_site: Option<&'static str>,
    pub(super) strict: bool,
    pub(super) path: Option<&'static str>,
    pub(super) host_only: bool,
    keep_lifetime: bool,
    max_lifetime: Option<Duration>,
}

impl CookieRule {
    /// As for every cookie.
    pub const fn new() -> Self {
        Self {
            readable: false,
            cross_site: None,
            strict: false,
            path: None,
            host_only: false,
            keep_lifetime: false,
            max_lifetime: None,
        }
    }

    /// Does without `HttpOnly`: for a token that scripts send back in a header.
    pub const fn readable_by_scripts(mut self) -> Self {
        self.readable = true;
        self
    }

    /// Lets it be `SameSite=None`, for this reason, which is for people who read the code. A cookie
    /// that says nothing gets `Lax` all the same.
    pub const fn cross_site(mut self, reason: &'static str) -> Self {
        self.cross_site = Some(reason);
        self
    }

    /// Makes it `SameSite=Strict`.
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Gives it this path, whatever it says.
    pub const fn path(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    /// Removes `Domain`, so that no other host gets it.
    pub const fn host_only(mut self) -> Self {
        self.host_only = true;
        self
    }

    /// Leaves its lifetime alone. Browsers keep nothing for longer than 400 days.
    pub const fn keep_lifetime(mut self) -> Self {
        self.keep_lifetime = true;
        self
    }

    /// Keeps it for so long at most: up to 400 days.
    pub const fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    pub(super) const fn is_cross_site(&self) -> bool {
        self.cross_site.is_some()
    }

    /// For how many seconds it may be kept.
    pub(super) fn longest(&self) -> i64 {
        match self.max_lifetime {
            Some(lifetime) => i64::try_from(lifetime.as_secs()).unwrap_or(MAX_LIFETIME),
            None if self.keep_lifetime => i64::MAX,
            None => MAX_LIFETIME,
        }
    }

    /// Whether its parts go together, for cookies whose name is or begins so.
    fn check(&self, name: &'static str) -> Result<(), ConfigError> {
        let prefix = Prefix::of(name.as_bytes());
        if self.readable && prefix.is_some_and(|prefix| prefix.http_only) {
            return Err(ConfigError::ReadableByScripts { name });
        }
        if let Some(path) = self.path {
            check_path(path)?;
            if path != "/" && prefix.is_some_and(|prefix| prefix.host) {
                return Err(ConfigError::PrefixPath { name });
            }
        }
        if self.strict && self.is_cross_site() {
            return Err(ConfigError::CrossSiteAndStrict { name });
        }
        if self.cross_site.is_some_and(|reason| reason.trim().is_empty()) {
            return Err(ConfigError::NoReason { name });
        }
        if let Some(lifetime) = self.max_lifetime {
            let seconds = lifetime.as_secs();
            if self.keep_lifetime {
                return Err(ConfigError::LifetimeTwice { name });
            }
            if !(1..=MAX_LIFETIME.unsigned_abs()).contains(&seconds) {
                return Err(ConfigError::Lifetime { seconds });
            }
        }
        Ok(())
    }
}

/// The rules by name, and the one for all others.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    exact: Vec<(&'static str, CookieRule)>,
    /// The longest first.
    prefixes: Vec<(&'static str, CookieRule)>,
    others: CookieRule,
}

impl Rules {
    pub(super) fn add(&mut self, name: &'static str, rule: CookieRule) -> Result<(), ConfigError> {
        add(&mut self.exact, name, rule)
    }

    pub(super) fn add_prefix(
        &mut self,
        start: &'static str,
        rule: CookieRule,
    ) -> Result<(), ConfigError> {
        add(&mut self.prefixes, start, rule)?;
        self.prefixes.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        Ok(())
    }

    pub(super) fn set_others(&mut self, rule: CookieRule) -> Result<(), ConfigError> {
        rule.check("")?;
        self.others = rule;
        Ok(())
    }

    /// The names, and beginnings of names, of cookies that may be `SameSite=None`.
    pub(super) fn cross_site(&self) -> impl Iterator<Item = &'static str> {
        let named = self.exact.iter().chain(&self.prefixes);
        let others = ("any other cookie", self.others);
        named
            .copied()
            .chain([others])
            .filter(|(_, rule)| rule.is_cross_site())
            .map(|(name, _)| name)
    }

    /// The rule for a cookie, and what the rule is written for.
    pub(super) fn of(&self, name: &[u8]) -> (Option<&'static str>, &CookieRule) {
        let exact = self.exact.iter().find(|(known, _)| known.as_bytes() == name);
        let found = exact
            .or_else(|| self.prefixes.iter().find(|(start, _)| name.starts_with(start.as_bytes())));
        found.map_or((None, &self.others), |(name, rule)| (Some(*name), rule))
    }
}

fn add(
    rules: &mut Vec<(&'static str, CookieRule)>,
    name: &'static str,
    rule: CookieRule,
) -> Result<(), ConfigError> {
    check_name(name)?;
    rule.check(name)?;
    if rules.iter().any(|(known, _)| *known == name) {
        return Err(ConfigError::Twice { name });
    }
    rules.push((name, rule));
    Ok(())
}

/// 400 days: what browsers cut lifetimes to.
pub(super) const MAX_LIFETIME: i64 = 400 * 86_400;
