//! `Document-Isolation-Policy`: cross-origin isolation for one document.
//!
//! **The attack.** The one against which `Cross-Origin-Embedder-Policy` and
//! `Cross-Origin-Opener-Policy` stand: Spectre reads what shares a process with a page.
//!
//! **The rule.** [Document Isolation
//! Policy](https://wicg.github.io/document-isolation-policy/#dip-header), a draft.
//!
//! - In no preset: only Chrome knows it, from 137, and calls it experimental.
//! - Unlike the two older headers it asks nothing of the frames in the page, and windows keep
//!   talking to each other.
//! - What it blocks Chrome reports with
//!   `net::ERR_BLOCKED_BY_RESPONSE.NotSameOriginAfterDefaultedToSameOriginByDip`.
//!
//! ```
//! use donjon::headers::DocumentIsolationPolicy;
//!
//! let policy = DocumentIsolationPolicy::IsolateAndCredentialless;
//! assert_eq!(policy.to_string(), "isolate-and-credentialless");
//! assert!("isolate".parse::<DocumentIsolationPolicy>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// A `Document-Isolation-Policy` header.
    ///
    /// See the [module docs](self).
    DocumentIsolationPolicy, "write isolate-and-require-corp, isolate-and-credentialless or none" {
        /// Isolated; takes only what allows it by `Cross-Origin-Resource-Policy` or CORS.
        IsolateAndRequireCorp = "isolate-and-require-corp",
        /// Isolated; what did not allow it is asked for without cookies.
        IsolateAndCredentialless = "isolate-and-credentialless",
        /// Not isolated: what browsers do without the header.
        None = "none",
    }
    token, weakest first: "none" "isolate-and-credentialless" "isolate-and-require-corp"
}
