//! `Cross-Origin-Embedder-Policy`: a page takes only what agreed to be taken.
//!
//! **The attack.** A page that has shared memory and precise timers can read its process by
//! Spectre, and with it every image and script of other sites that it has pulled in.
//!
//! **The rule.** [HTML](https://html.spec.whatwg.org/multipage/browsers.html#coep)
//! defines the values. OWASP's Secure Headers Project recommends `require-corp`.
//!
//! - [`RequireCorp`](CrossOriginEmbedderPolicy::RequireCorp) in the strict preset and in no other:
//!   images, scripts and frames of sites that do not send `Cross-Origin-Resource-Policy` or CORS
//!   headers stop working.
//! - Together with `Cross-Origin-Opener-Policy: same-origin` it makes the page cross-origin
//!   isolated, which is what `SharedArrayBuffer` asks for.
//! - What Chrome says when it breaks something:
//!   `net::ERR_BLOCKED_BY_RESPONSE.NotSameOriginAfterDefaultedToSameOriginByCoep` for images and
//!   scripts, `net::ERR_BLOCKED_BY_RESPONSE.CoepFrameResourceNeedsCoepHeader` for frames. Firefox
//!   says `NS_ERROR_DOM_CORP_FAILED` and `NS_ERROR_DOM_COEP_FAILED`. Have the other site send
//!   `Cross-Origin-Resource-Policy: cross-origin`, load with CORS (`crossorigin`), or use
//!   [`Credentialless`](CrossOriginEmbedderPolicy::Credentialless).
//!
//! ```
//! use donjon::headers::CrossOriginEmbedderPolicy;
//!
//! assert_eq!(CrossOriginEmbedderPolicy::RequireCorp.to_string(), "require-corp");
//! assert!("same-origin".parse::<CrossOriginEmbedderPolicy>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// A `Cross-Origin-Embedder-Policy` header.
    ///
    /// See the [module docs](self).
    CrossOriginEmbedderPolicy, "write require-corp, credentialless or unsafe-none" {
        /// Only what allows it by `Cross-Origin-Resource-Policy` or CORS.
        RequireCorp = "require-corp",
        /// Everything, but what did not allow it is asked for without cookies. Safari does not know
        /// it.
        Credentialless = "credentialless",
        /// Everything: what browsers do without the header.
        UnsafeNone = "unsafe-none",
    }
    token, weakest first: "unsafe-none" "credentialless" "require-corp"
}
