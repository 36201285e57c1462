//! One cookie: what is wrong with it, and how it goes out instead.

use std::time::SystemTime;

use super::asked::Asked;
use super::attribute::{Kind, SameSite};
use super::policy::{CookieRule, MAX_LIFETIME};
use super::set_cookie::SetCookie;
use super::violation::{Violation, Violations};

/// What is to be changed in a cookie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fix {
    pub(super) violations: Violations,
    pub(super) deletes: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    path: Option<&'static str>,
    without_domain: bool,
    max_age: Option<i64>,
}

impl Fix {
    pub(super) fn of(
        cookie: &SetCookie<'_>,
        rule: &CookieRule,
        now: impl FnOnce() -> SystemTime,
    ) -> Self {
        use Violation as V;

        let asked = Asked::of(cookie.name(), rule);
        let host = asked.host;
        let lifetime = cookie.lifetime(now);
        let deletes = lifetime.is_some_and(|seconds| seconds <= 0);
        let same_site = required_same_site(cookie.same_site(), rule, asked.same_site, deletes);
        let path = asked.path.filter(|asked| cookie.path() != Some(asked.as_bytes()));
        let http_only = asked.http_only && !cookie.http_only();
        let without_domain = asked.host_only && cookie.has_domain_attribute();
        let max_age =
            lifetime.is_some_and(|seconds| seconds > asked.longest).then_some(asked.longest);

        let mut found = Violations::default();
        found.add_if(!cookie.secure(), V::MissingSecure);
        found.add_if(!cookie.secure() && cookie.partitioned(), V::PartitionedWithoutSecure);
        found.add_if(http_only, V::MissingHttpOnly);
        let says_nothing = cookie.same_site().is_none();
        found.add_if(same_site.is_some() && says_nothing, V::MissingSameSite);
        found.add_if(same_site.is_some() && !says_nothing, V::CrossSite);
        found.add_if(path.is_some(), if host { V::PrefixPath } else { V::Path });
        found.add_if(without_domain, if host { V::PrefixDomain } else { V::Domain });
        found.add_if(max_age.is_some(), V::Lifetime);
        found.add_if(cookie.has_repeated, V::RepeatedAttribute);
        found.add_if(cookie.has_ignored, V::IgnoredAttribute);
        found.add_if(cookie.has_too_long, V::AttributeTooLong);
        found.add_if(cookie.unknown > MAX_UNKNOWN, V::UnknownAttributes);
        found.add_if(cookie.name().len() + cookie.value().len() > MAX_PAIR, V::TooLarge);
        found.add_if(cookie.has_control, V::ControlCharacter);
        if cookie.name().is_empty() {
            found.add_if(cookie.value().is_empty(), V::Empty);
            found.add_if(cookie.imitates(), V::Imitation);
            found.add_if(!cookie.value().is_empty() && !cookie.imitates(), V::Nameless);
        }
        Self { violations: found, deletes, http_only, same_site, path, without_domain, max_age }
    }

    /// Whether nothing can be mended: browsers ignore it, or take it for another.
    pub(super) fn is_hopeless(&self) -> bool {
        use Violation as V;

        let hopeless = [V::TooLarge, V::ControlCharacter, V::Empty, V::Imitation];
        hopeless.into_iter().any(|violation| self.violations.has(violation))
    }

    /// Whether it goes out in other bytes than it came.
    pub(super) fn changes(&self) -> bool {
        self.violations.iter().any(|violation| violation != Violation::Nameless)
    }

    /// The cookie as it goes out: what may stay stays in its place, and each attribute is there once.
    pub(super) fn apply(&self, cookie: &SetCookie<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(cookie.pair().len() + ROOM);
        out.extend_from_slice(cookie.pair());
        let mut done = Vec::with_capacity(8);
        for attribute in cookie.attributes() {
            let Some(kind) = attribute.kind else {
                if !self.violations.has(Violation::UnknownAttributes) {
                    push(&mut out, attribute.whole());
                }
                continue;
            };
            if !done.contains(&kind) {
                done.push(kind);
                self.put(kind, cookie, &mut out);
            }
        }
        for kind in [Kind::Path, Kind::MaxAge, Kind::Secure, Kind::HttpOnly, Kind::SameSite] {
            if !done.contains(&kind) {
                self.put(kind, cookie, &mut out);
            }
        }
        out
    }

    /// The attribute of this kind, if there is to be one.
    fn put(&self, kind: Kind, cookie: &SetCookie<'_>, out: &mut Vec<u8>) {
        match (kind, self.path, self.same_site, self.max_age) {
            (Kind::Secure, ..) if !cookie.secure() => push(out, b"Secure"),
            (Kind::HttpOnly, ..) if self.http_only => push(out, b"HttpOnly"),
            (Kind::Path, Some(path), ..) => push(out, &[b"Path=", path.as_bytes()].concat()),
            (Kind::SameSite, _, Some(same_site), _) => {
                push(out, &[b"SameSite=", same_site.as_str().as_bytes()].concat());
            }
            (Kind::MaxAge, .., Some(seconds)) => {
                push(out, format!("Max-Age={}", seconds.min(MAX_LIFETIME)).as_bytes());
            }
            // `Max-Age` is put in its place.
            (Kind::Expires, .., Some(_)) => {}
            (Kind::Domain, ..) if self.without_domain => {}
            _ => push(out, cookie.whole(kind).unwrap_or_default()),
        }
    }
}

fn required_same_site(
    found: Option<SameSite>,
    rule: &CookieRule,
    least: SameSite,
    deletes: bool,
) -> Option<SameSite> {
    match found {
        // A deletion has to arrive wherever the cookie itself could.
        None if deletes && rule.is_cross_site() => Some(SameSite::None),
        Some(SameSite::None) if rule.is_cross_site() => None,
        Some(found) if found >= least => None,
        _ => Some(least),
    }
}

fn push(out: &mut Vec<u8>, attribute: &[u8]) {
    if !attribute.is_empty() {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(attribute);
    }
}

/// More than browsers keep of name and value together.
pub(super) const MAX_PAIR: usize = 4096;
/// There have been browsers that read 16 parts of a cookie and no more: these, its name, and one of
/// each attribute that is known.
const MAX_UNKNOWN: usize = 7;
/// For what is added, and what stays, of most cookies.
const ROOM: usize = 128;
