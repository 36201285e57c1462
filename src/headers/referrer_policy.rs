//! `Referrer-Policy`: how much of a page's address other sites learn.
//!
//! **The attack.** A browser that follows a link or loads an image tells the other site where the
//! user came from. Addresses hold reset tokens, order numbers and search words.
//!
//! **The rule.** [Referrer Policy, section 3](https://www.w3.org/TR/referrer-policy/#referrer-policies)
//! defines the values. OWASP's Secure Headers Project recommends `no-referrer`.
//!
//! - [`NoReferrer`](ReferrerPolicy::NoReferrer) in the strict preset.
//! - [`StrictOriginWhenCrossOrigin`](ReferrerPolicy::StrictOriginWhenCrossOrigin) in the web preset:
//!   with `no-referrer` a browser sends `Origin: null` with a form post, which some payment and
//!   sign-in services refuse.
//! - A list of values, for browsers that know only some of them, is not offered: every browser of
//!   today knows all of them.
//!
//! ```
//! use donjon::headers::{ConfigError, ReferrerPolicy};
//!
//! assert_eq!(ReferrerPolicy::SameOrigin.to_string(), "same-origin");
//! assert_eq!("no-referrer".parse(), Ok(ReferrerPolicy::NoReferrer));
//! assert!("never".parse::<ReferrerPolicy>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// A `Referrer-Policy` header.
    ///
    /// See the [module docs](self).
    ReferrerPolicy, "write no-referrer, same-origin, strict-origin or strict-origin-when-cross-origin" {
        /// Nothing at all.
        NoReferrer = "no-referrer",
        /// The full address to the same origin, nothing to others.
        SameOrigin = "same-origin",
        /// The origin, but nothing from https to http.
        StrictOrigin = "strict-origin",
        /// The full address to the same origin, the origin to others, nothing from https to http.
        StrictOriginWhenCrossOrigin = "strict-origin-when-cross-origin",
        /// The origin, also from https to http.
        Origin = "origin",
        /// The full address to the same origin, the origin to others, also from https to http.
        OriginWhenCrossOrigin = "origin-when-cross-origin",
        /// The full address, but nothing from https to http.
        NoReferrerWhenDowngrade = "no-referrer-when-downgrade",
        /// The full address to everybody.
        UnsafeUrl = "unsafe-url",
    }
    listed, weakest first: "unsafe-url" "no-referrer-when-downgrade" "origin-when-cross-origin" "origin"
        "strict-origin-when-cross-origin" "strict-origin" "same-origin" "no-referrer"
}

#[cfg(test)]
mod tests {
    use crate::headers::{HeaderKind, SecurityHeader};

    #[test]
    fn stricter_follows_what_others_learn() {
        let stricter = SecurityHeader::stricter(HeaderKind::ReferrerPolicy).unwrap();
        for (ours, theirs, expected) in [
            ("no-referrer", "same-origin", true),
            ("same-origin", "no-referrer", false),
            ("same-origin", "same-origin", false),
            ("same-origin", "SAME-ORIGIN", false),
            ("strict-origin", "unsafe-url", true),
            ("unsafe-url", "no such policy", true),
            // The last word that browsers know counts.
            ("same-origin", "unsafe-url, no-referrer", false),
            ("same-origin", "no-referrer, unsafe-url", true),
            ("same-origin", "no-referrer, of-the-future", false),
        ] {
            assert_eq!(
                stricter(ours.as_bytes(), theirs.as_bytes()),
                expected,
                "{ours} against {theirs}"
            );
        }
    }
}
