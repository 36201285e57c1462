//! Weak spots of layers that are valid each by itself, and of how they stand together.
//!
//! **The attack.** None by itself. A layer that only reports was left so after its first weeks. One that sets
//! cookies stands outside of the one that hardens them. Nothing fails, and so nobody notices, until somebody
//! makes use of it.
//!
//! - [`Stack::lint`](crate::middleware::Stack::lint) asks all layers of a stack, and gives each [`Finding`],
//!   the worst first: print them when the server starts, and have a test read them.
//! - A layer of your own tells of itself by [`Middleware::describe`](crate::middleware::Middleware::describe).
//!
//! What it does not do: what a type can make impossible, and what a constructor can refuse, is not here. This is
//! about choices that may be right, and seldom are. And it sees the layers of one stack, not what stands
//! around that.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "csrf")] {
//! use donjon::csrf::CsrfProtection;
//! use donjon::lint::Severity;
//! use donjon::middleware::Stack;
//!
//! let csrf = CsrfProtection::new(["https://club.example"])?.report_only(); // and forgotten
//! let findings = Stack::new((csrf,)).lint();
//! let grave = findings.iter().find(|finding| finding.severity >= Severity::Warning).unwrap();
//! assert_eq!(grave.about, "CsrfProtection");
//! # }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::cmp::Reverse;
use std::fmt;

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Severity {
    /// Worth a thought.
    Note,
    /// Weakens a defence, or may break something.
    Warning,
    /// Makes a defence all but useless, or is dangerous.
    Serious,
}

/// A weak spot found by [`Stack::lint`](crate::middleware::Stack::lint).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: a layer, a header, a cookie, an origin.
    pub about: String,
    /// What is the matter, and what to do.
    pub message: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.message)
    }
}

/// What the layers of a stack say of themselves, the outermost first: see
/// [`Middleware::describe`](crate::middleware::Middleware::describe).
#[derive(Debug, Default)]
pub struct Layers {
    seen: Vec<Layer>,
    findings: Vec<Finding>,
}

/// What matters of a layer to others.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of its own")]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) logs: bool,
    pub(crate) sends_headers: bool,
    pub(crate) no_referrer: bool,
    pub(crate) needs_https: bool,
    pub(crate) hardens_cookies: bool,
    pub(crate) sets_cookies: bool,
    /// The cookies that it lets other sites' requests have.
    pub(crate) cross_site_cookies: Vec<&'static str>,
    pub(crate) verifies_requests: bool,
    pub(crate) only_reports: bool,
    pub(crate) origins_over_http: Vec<String>,
}

impl Layers {
    /// Adds a finding of a layer of your own.
    pub fn add(&mut self, severity: Severity, about: impl Into<String>, message: &'static str) {
        self.findings.push(Finding { severity, about: about.into(), message });
    }

    pub(crate) fn see(&mut self, layer: Layer) {
        self.seen.push(layer);
    }

    /// All findings, the worst first.
    pub(crate) fn findings(mut self) -> Vec<Finding> {
        let seen = std::mem::take(&mut self.seen);
        self.log(&seen);
        self.cookies(&seen);
        self.requests(&seen);
        self.transport(&seen);
        self.findings.sort_by_key(|finding| Reverse(finding.severity));
        self.findings
    }

    fn log(&mut self, seen: &[Layer]) {
        match seen.iter().position(|layer| layer.logs) {
            Some(0) => {}
            Some(_) => self.add(
                Severity::Warning,
                "EventLog",
                "what the layers before it notice is not in the log; put it first",
            ),
            None => self.add(
                Severity::Note,
                "EventLog",
                "there is none: nobody hears of what is refused, unless one is further out",
            ),
        }
    }

    fn cookies(&mut self, seen: &[Layer]) {
        let hardens = seen.iter().position(|layer| layer.hardens_cookies);
        for (at, layer) in seen.iter().enumerate().filter(|(_, layer)| layer.sets_cookies) {
            match hardens {
                Some(hardens) if hardens < at => {}
                Some(_) => self.add(
                    Severity::Warning,
                    layer.name,
                    "its cookies do not pass HardenCookies; put that before it",
                ),
                None => self.add(
                    Severity::Note,
                    layer.name,
                    "there is no HardenCookies: what handlers and libraries set goes out as it is",
                ),
            }
        }
        if !seen.iter().any(|layer| layer.verifies_requests && !layer.only_reports) {
            for name in seen.iter().flat_map(|layer| &layer.cross_site_cookies) {
                self.add(
                    Severity::Serious,
                    *name,
                    "the cookie may be SameSite=None, and nothing refuses the forms that other sites \
                     send with it; add CsrfProtection, and let it enforce",
                );
            }
        }
    }

    fn requests(&mut self, seen: &[Layer]) {
        for layer in seen.iter().filter(|layer| layer.verifies_requests) {
            if layer.only_reports {
                self.add(
                    Severity::Warning,
                    layer.name,
                    "it only reports: requests that other sites make browsers send reach the handlers",
                );
            }
            for origin in &layer.origins_over_http {
                self.add(
                    Severity::Note,
                    origin,
                    "an origin without https is for development alone",
                );
            }
            if seen.iter().any(|layer| layer.no_referrer) {
                // What the headers say of it, who do not know of the protection, is the same and less.
                self.findings.retain(|finding| {
                    finding.about != "referrer-policy" || finding.severity > Severity::Note
                });
                self.add(
                    Severity::Note,
                    "referrer-policy",
                    "no-referrer makes browsers send `Origin: null` with this site's own forms, and \
                     CsrfProtection refuses them where there is no Sec-Fetch-Site, as in browsers \
                     from before 2023; use same-origin",
                );
            }
        }
    }

    /// Of a stack with `SecurityHeaders` these say it themselves.
    fn transport(&mut self, seen: &[Layer]) {
        let needs_https = seen.iter().any(|layer| layer.needs_https);
        if needs_https && !seen.iter().any(|layer| layer.sends_headers) {
            self.add(
                Severity::Warning,
                "strict-transport-security",
                "nobody sends it, unless further out: a visitor's first request goes over http, where \
                 anybody on the way may answer and set cookies; add SecurityHeaders",
            );
        }
    }
}
