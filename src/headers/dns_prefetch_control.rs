//! `X-DNS-Prefetch-Control`: whether a browser looks up the hosts of links before anybody clicks.
//!
//! **The attack.** Whoever watches the DNS learns which links a page holds: a link in a private
//! message leaves the page before the user has decided anything.
//!
//! **The rule.** No standard has it;
//! [MDN](https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-DNS-Prefetch-Control)
//! describes it. OWASP's Secure Headers Project lists `off`.
//!
//! - [`Off`](DnsPrefetchControl::Off) in the strict preset. It costs a little time when another
//!   site's link is followed.
//! - It says nothing of `<link rel="dns-prefetch">`, which a page writes on purpose.
//!
//! ```
//! use donjon::headers::DnsPrefetchControl;
//!
//! assert_eq!(DnsPrefetchControl::Off.to_string(), "off");
//! assert!("no".parse::<DnsPrefetchControl>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// An `X-DNS-Prefetch-Control` header.
    ///
    /// See the [module docs](self).
    DnsPrefetchControl, "write off or on" {
        /// No look-up before a click.
        Off = "off",
        /// Look-ups ahead.
        On = "on",
    }
    word, weakest first: "on" "off"
}
