//! `Origin-Agent-Cluster`: an origin keeps its memory to itself.
//!
//! **The attack.** Pages of `a.example.com` and `b.example.com` share a process, and by
//! `document.domain` even their scripts. A hole in one subdomain opens the others.
//!
//! **The rule.** [HTML](https://html.spec.whatwg.org/multipage/browsers.html#origin-agent-cluster)
//! defines the two values.
//!
//! - [`On`](OriginAgentCluster::On) in the presets for pages. Chrome does it without being asked,
//!   Firefox from 138 and Safari from 27.3 when asked.
//! - It is a hint, and the whole origin is to send the same: Chrome says "The page requested an
//!   origin-keyed agent cluster using the Origin-Agent-Cluster header, but could not be
//!   origin-keyed" where an earlier page sent another.
//! - `document.domain` can no longer be set. A site that needs it sends
//!   [`Off`](OriginAgentCluster::Off).
//!
//! ```
//! use donjon::headers::OriginAgentCluster;
//!
//! assert_eq!(OriginAgentCluster::On.to_string(), "?1");
//! assert!("true".parse::<OriginAgentCluster>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// An `Origin-Agent-Cluster` header.
    ///
    /// See the [module docs](self).
    OriginAgentCluster, "write ?1 for on or ?0 for off" {
        /// Apart from other origins of the site.
        On = "?1",
        /// Together with other origins of the site.
        Off = "?0",
    }
    token, weakest first: "?0" "?1"
}
