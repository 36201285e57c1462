//! `Clear-Site-Data`: the response to a logout empties the browser.
//!
//! **The attack.** A user signs out of a shared computer. The session has ended, and yet the next
//! user finds what the pages left: copies in the cache, tokens in the local storage.
//!
//! **The rule.** [Clear Site Data](https://w3c.github.io/webappsec-clear-site-data/#header).
//! OWASP's Secure Headers Project recommends `"cache","cookies","storage"` for logout.
//!
//! - A part of one response, not of a policy: sent with every response it would undo the site's
//!   caching and every session.
//! - Browsers honour it over https and on the developer's own machine only. So end the session on
//!   the server too, and remove its cookie.
//! - `"cache"` can make the browser take seconds over the response.
//!   [`only`](ClearSiteData::only) and [`and`](ClearSiteData::and) leave it out.
//! - `"cookies"` are those of the whole registrable domain, subdomains included.
//! - `"executionContexts"` is not offered: Firefox and Safari have dropped it, Chrome never had it.
//!   `*` is not offered, because it grows with the specification.
//!
//! ```
//! use donjon::headers::clear_site_data::{ClearSiteData, SiteData};
//!
//! let mut response = http::Response::new("You have signed out.");
//! ClearSiteData::logout().apply(&mut response);
//! assert_eq!(response.headers()["clear-site-data"], r#""cache","cookies","storage""#);
//!
//! let quick = ClearSiteData::only(SiteData::Storage).and(SiteData::Cookies);
//! assert_eq!(quick.to_string(), r#""cookies","storage""#);
//! ```

use std::fmt;

use bytes::Bytes;

use crate::head::{Name, ResponseHead};

/// A `Clear-Site-Data` header, for the response to a logout.
///
/// See the [module docs](self).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use = "it does nothing until it is applied to a response"]
pub struct ClearSiteData {
    /// One bit for each kind.
    kinds: u8,
}

impl ClearSiteData {
    /// The header's name.
    pub const NAME: &str = "clear-site-data";

    /// Cache, cookies and storage: what OWASP recommends for logout.
    pub const fn logout() -> Self {
        Self::only(SiteData::Cache).and(SiteData::Cookies).and(SiteData::Storage)
    }

    /// One kind of data.
    pub const fn only(data: SiteData) -> Self {
        Self { kinds: 1 << data as u8 }
    }

    /// One kind more. Their order does not matter.
    pub const fn and(self, data: SiteData) -> Self {
        Self { kinds: self.kinds | Self::only(data).kinds }
    }

    /// Sets the header on a response, in place of any that is there.
    pub fn apply<H: ResponseHead>(&self, response: &mut H) {
        // The words of `SiteData` are visible ASCII, so the value is never refused.
        response.insert_bytes(&NAME, Bytes::from(self.to_string()));
    }
}

impl fmt::Display for ClearSiteData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (data, word) in WORDS {
            if self.kinds & Self::only(*data).kinds != 0 {
                write!(f, "{separator}\"{word}\"")?;
                // OWASP's validator compares with a value that has no spaces.
                separator = ",";
            }
        }
        Ok(())
    }
}

/// What a browser can be told to remove.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SiteData {
    /// The HTTP cache, and with it pages kept for "back".
    Cache,
    /// Cookies and HTTP authentication, of the whole registrable domain.
    Cookies,
    /// Local and session storage, databases, service workers.
    Storage,
    /// The client hints that the site has asked for. Only Chrome knows it, from 117.
    ClientHints,
    /// Pages fetched ahead by speculation rules. Only Chrome knows it, from 138.
    PrefetchCache,
    /// Pages rendered ahead by speculation rules. Only Chrome knows it, from 138.
    PrerenderCache,
}

const WORDS: &[(SiteData, &str)] = &[
    (SiteData::Cache, "cache"),
    (SiteData::Cookies, "cookies"),
    (SiteData::Storage, "storage"),
    (SiteData::ClientHints, "clientHints"),
    (SiteData::PrefetchCache, "prefetchCache"),
    (SiteData::PrerenderCache, "prerenderCache"),
];

static NAME: Name = Name::from_static(ClearSiteData::NAME);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word() {
        let all = WORDS.iter().fold(ClearSiteData::logout(), |all, (data, _)| all.and(*data));
        assert_eq!(
            all.to_string(),
            r#""cache","cookies","storage","clientHints","prefetchCache","prerenderCache""#
        );
    }
}
