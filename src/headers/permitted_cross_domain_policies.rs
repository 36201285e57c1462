//! `X-Permitted-Cross-Domain-Policies`: whether Adobe's readers look for policy files.
//!
//! **The attack.** A PDF opened in Acrobat asks a site for `crossdomain.xml`. If somebody can
//! upload a file there, his policy lets the document read the site with the user's cookies.
//!
//! **The rule.** [Adobe's cross-domain policy file
//! specification](https://www.adobe.com/devnet-docs/acrobatetk/tools/AppSec/xdomain.html) defines
//! the values. OWASP's Secure Headers Project recommends `none`.
//!
//! - [`None`](PermittedCrossDomainPolicies::None) in the presets for pages.
//! - `by-ftp-filename` is not offered: it is about FTP.
//!
//! ```
//! use donjon::headers::PermittedCrossDomainPolicies;
//!
//! assert_eq!(PermittedCrossDomainPolicies::None.to_string(), "none");
//! assert!("by-ftp-filename".parse::<PermittedCrossDomainPolicies>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// An `X-Permitted-Cross-Domain-Policies` header.
    ///
    /// See the [module docs](self).
    PermittedCrossDomainPolicies, "write none, master-only, by-content-type or all" {
        /// No policy file counts.
        None = "none",
        /// Only `/crossdomain.xml`.
        MasterOnly = "master-only",
        /// Only files sent as `text/x-cross-domain-policy`.
        ByContentType = "by-content-type",
        /// Every policy file on the site.
        All = "all",
    }
    word, weakest first: "all" "by-content-type" "master-only" "none"
}
