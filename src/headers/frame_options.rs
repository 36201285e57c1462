//! `X-Frame-Options`: who may show a page in a frame.
//!
//! **The attack.** Another site lays your page, invisible, over its own. The user clicks on a
//! button there and pays, deletes or consents on yours (clickjacking).
//!
//! **The rule.** [HTML](https://html.spec.whatwg.org/multipage/speculative-loading.html#the-x-frame-options-header)
//! still defines it beside `frame-ancestors` of the Content-Security-Policy, which wins where both
//! are sent. OWASP's Secure Headers Project recommends to send it.
//!
//! - [`SecurityHeaders`](super::SecurityHeaders) keeps the two consistent: it sends the value that
//!   says what `frame-ancestors` says, and none where there is no such value.
//! - `ALLOW-FROM` is not offered: browsers ignore it, and with it the whole header.
//!
//! ```
//! use donjon::headers::FrameOptions;
//!
//! assert_eq!(FrameOptions::Deny.to_string(), "DENY");
//! let error = "ALLOW-FROM https://example.com".parse::<FrameOptions>().unwrap_err();
//! assert!(error.to_string().contains("frame-ancestors"));
//! ```

use super::word::word_header;

word_header! {
    /// An `X-Frame-Options` header.
    ///
    /// See the [module docs](self).
    FrameOptions, "write DENY or SAMEORIGIN; to allow other sites name them in frame-ancestors of the Content-Security-Policy" {
        /// Nobody.
        Deny = "DENY",
        /// Pages of the same origin.
        SameOrigin = "SAMEORIGIN",
    }
    word, weakest first: "SAMEORIGIN" "DENY"
}

impl FrameOptions {
    /// The value that says what these sources of `frame-ancestors` say.
    pub(crate) fn of_ancestors<S: AsRef<str>>(ancestors: &[S]) -> Option<Self> {
        let [only] = ancestors else {
            return None;
        };
        match only.as_ref() {
            "'none'" => Some(Self::Deny),
            "'self'" => Some(Self::SameOrigin),
            _ => None,
        }
    }
}
