//! `Cross-Origin-Opener-Policy`: which pages share a window group with a page.
//!
//! **The attack.** A site opens yours with `window.open` and keeps a hand on the window: it counts
//! its frames, sends it elsewhere, or reads its memory through Spectre, because both share a
//! process.
//!
//! **The rule.** [HTML](https://html.spec.whatwg.org/multipage/browsers.html#the-coop-headers)
//! defines the values. OWASP's Secure Headers Project recommends `same-origin`.
//!
//! - [`SameOrigin`](CrossOriginOpenerPolicy::SameOrigin) in the strict preset,
//!   [`SameOriginAllowPopups`](CrossOriginOpenerPolicy::SameOriginAllowPopups) in the web preset,
//!   where payment and sign-in windows have to talk to the page that opened them.
//! - When it breaks something there is mostly no message: `window.opener` is `null` in the popup,
//!   and `closed` is true for the opener. Chrome says "Cross-Origin-Opener-Policy policy would
//!   block the window.closed call" when only reporting.
//! - "The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was
//!   untrustworthy" means that the page came over http.
//!
//! ```
//! use donjon::headers::CrossOriginOpenerPolicy;
//!
//! assert_eq!(CrossOriginOpenerPolicy::SameOrigin.to_string(), "same-origin");
//! assert!("same-site".parse::<CrossOriginOpenerPolicy>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// A `Cross-Origin-Opener-Policy` header.
    ///
    /// See the [module docs](self).
    CrossOriginOpenerPolicy, "write same-origin, same-origin-allow-popups, noopener-allow-popups or unsafe-none" {
        /// Only pages of the same origin with the same policy.
        SameOrigin = "same-origin",
        /// These, and windows which the page opens and which have no policy.
        SameOriginAllowPopups = "same-origin-allow-popups",
        /// Windows that the page opens, but nobody who opens the page, not even the same origin.
        NoopenerAllowPopups = "noopener-allow-popups",
        /// Everybody: what browsers do without the header.
        UnsafeNone = "unsafe-none",
    }
    token, weakest first: "unsafe-none" "same-origin-allow-popups" "noopener-allow-popups" "same-origin"
}

#[cfg(test)]
mod tests {
    use crate::headers::{HeaderKind, SecurityHeader};

    #[test]
    fn what_browsers_do_not_understand_is_weaker_than_anything() {
        let stricter = SecurityHeader::stricter(HeaderKind::CrossOriginOpenerPolicy).unwrap();
        for (theirs, expected) in [
            ("same-origin", false),
            ("same-origin; report-to=\"coop\"", false),
            ("same-origin-allow-popups", true),
            ("Same-Origin", true),
            ("same-origin, same-origin", true),
            ("\"same-origin\"", true),
            ("", true),
        ] {
            assert_eq!(stricter(b"same-origin", theirs.as_bytes()), expected, "{theirs}");
        }
    }
}
