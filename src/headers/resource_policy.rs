//! `Cross-Origin-Resource-Policy`: which sites may pull a response into their pages.
//!
//! **The attack.** Another site shows your user's private image with `<img>`, or loads your JSON
//! with `<script>`. The browser sends the user's cookies, and the bytes land in that site's
//! process, where Spectre reads them.
//!
//! **The rule.** [Fetch](https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header)
//! defines the values. OWASP's Secure Headers Project recommends `same-origin`.
//!
//! - [`SameOrigin`](CrossOriginResourcePolicy::SameOrigin) in the strict preset and the one for
//!   APIs, [`SameSite`](CrossOriginResourcePolicy::SameSite) in the web preset.
//! - It says nothing of `fetch` with CORS, of links, or of downloads.
//! - An image that other sites show, or a file of a CDN, needs
//!   [`CrossOrigin`](CrossOriginResourcePolicy::CrossOrigin). What Chrome says when it breaks
//!   something: `net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin` or `….NotSameSite`; Firefox says
//!   `NS_ERROR_DOM_CORP_FAILED`.
//!
//! ```
//! use donjon::headers::CrossOriginResourcePolicy;
//!
//! assert_eq!(CrossOriginResourcePolicy::SameSite.to_string(), "same-site");
//! assert!("none".parse::<CrossOriginResourcePolicy>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// A `Cross-Origin-Resource-Policy` header.
    ///
    /// See the [module docs](self).
    CrossOriginResourcePolicy, "write same-origin, same-site or cross-origin" {
        /// The same origin.
        SameOrigin = "same-origin",
        /// The same registrable domain, such as all of `example.com`.
        SameSite = "same-site",
        /// Every site.
        CrossOrigin = "cross-origin",
    }
    exact, weakest first: "cross-origin" "same-site" "same-origin"
}
