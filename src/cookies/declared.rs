//! What is declared of a cookie, whatever the type of its value.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::attribute::SameSite;
use super::error::{ConfigError, ReadError, SetError};
use super::fix::MAX_PAIR;
use super::outgoing::OutgoingCookie;
use super::policy::{CookieRule, MAX_LIFETIME};
use super::view::Found;
use super::{SealContext, Sealer};
use crate::clock::{Clock, SystemClock};

#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) domain: Option<&'static str>,
    pub(super) same_site: SameSite,
    /// Why it is sent with requests from other sites.
    pub(super) cross_site: Option<&'static str>,
    pub(super) readable: bool,
    pub(super) partitioned: bool,
    pub(super) lifetime: Option<Duration>,
    pub(super) max_size: usize,
    /// How, and for how long.
    pub(super) sealed: Option<(Sealer, Duration)>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Declared {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            path: "/",
            domain: None,
            same_site: SameSite::Lax,
            cross_site: None,
            readable: false,
            partitioned: false,
            lifetime: None,
            max_size: MAX_PAIR,
            sealed: None,
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// Sets it, to be good as long as is declared, or until then.
    pub(super) fn set(
        &self,
        payload: &[u8],
        until: Option<SystemTime>,
    ) -> Result<OutgoingCookie, SetError> {
        let now = self.clock.now();
        let value = match &self.sealed {
            Some((sealer, good_for)) => {
                let until = until.unwrap_or_else(|| later(now, *good_for));
                sealer.seal(&SealContext::new(self.name), payload, until, now)?.into()
            }
            None if payload.iter().copied().all(is_octet) => String::from_utf8_lossy(payload),
            None => return Err(SetError::Value { name: self.name.to_owned() }),
        };
        let len = self.name.len() + value.len();
        if len > self.max_size {
            return Err(SetError::TooLarge {
                name: self.name.to_owned(),
                len,
                limit: self.max_size,
            });
        }
        // What is sealed until then is not kept longer.
        let left = until.map(|until| until.duration_since(now).unwrap_or_default());
        let lifetime =
            self.lifetime.map(|lifetime| left.map_or(lifetime, |left| left.min(lifetime)));
        Ok(self.line(&value, lifetime, false))
    }

    /// What is in the cookie, until when it is good, and whether it is to be sealed anew.
    pub(super) fn open<'a>(&self, found: Found<'a>) -> Result<Option<Content<'a>>, ReadError> {
        let value = match found {
            Found::Absent => return Ok(None),
            Found::Ambiguous => return Err(ReadError::Ambiguous),
            Found::One(value) => value,
        };
        let Some((sealer, _)) = &self.sealed else {
            return Ok(Some(Content {
                bytes: Bytes::Plain(value),
                expires_at: None,
                needs_reseal: false,
            }));
        };
        let opened = sealer.open(&SealContext::new(self.name), value, self.clock.now())?;
        Ok(Some(Content {
            bytes: Bytes::Opened(opened.payload),
            expires_at: Some(opened.expires_at),
            needs_reseal: opened.needs_reseal,
        }))
    }

    pub(super) fn delete(&self) -> OutgoingCookie {
        self.line("", None, true)
    }

    pub(super) fn rule(&self) -> CookieRule {
        let mut rule = CookieRule::new();
        if self.readable {
            rule = rule.readable_by_scripts();
        }
        if self.domain.is_none() {
            rule = rule.host_only();
        }
        match (self.same_site, self.cross_site) {
            (SameSite::None, Some(reason)) => rule.cross_site(reason),
            (SameSite::Strict, _) => rule.strict(),
            _ => rule,
        }
    }

    fn line(&self, value: &str, lifetime: Option<Duration>, deletes: bool) -> OutgoingCookie {
        let mut line = String::with_capacity(self.name.len() + value.len() + ATTRIBUTES);
        line.extend([self.name, "=", value, "; Path=", self.path]);
        if let Some(domain) = self.domain {
            line.extend(["; Domain=", domain]);
        }
        if let Some(lifetime) = lifetime {
            // A string takes all that is written to it.
            let _ = write!(line, "; Max-Age={}", lifetime.as_secs());
        }
        if deletes {
            line.push_str("; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        }
        line.push_str("; Secure");
        if !self.readable {
            line.push_str("; HttpOnly");
        }
        line.extend(["; SameSite=", self.same_site.as_str()]);
        if self.partitioned {
            line.push_str("; Partitioned");
        }
        OutgoingCookie::new(line)
    }
}

/// What is in a cookie.
pub(super) struct Content<'a> {
    bytes: Bytes<'a>,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) needs_reseal: bool,
}

enum Bytes<'a> {
    Plain(&'a [u8]),
    Opened(Zeroizing<Vec<u8>>),
}

impl Content<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Plain(bytes) => bytes,
            Bytes::Opened(bytes) => bytes,
        }
    }
}

/// What may be in a value: RFC 6265, section 4.1.1.
const fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// So much later, or, at the end of time, not at all.
pub(super) fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}

pub(super) fn check_lifetime(lifetime: Duration) -> Result<(), ConfigError> {
    let longest = Duration::from_secs(MAX_LIFETIME.unsigned_abs());
    if (Duration::from_secs(1)..=longest).contains(&lifetime) {
        return Ok(());
    }
    Err(ConfigError::Lifetime { seconds: lifetime.as_secs() })
}

/// So many bytes have the attributes of most.
const ATTRIBUTES: usize = 128;
