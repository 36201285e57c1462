//! Weak spots of a policy that is valid all the same.

use std::cmp::Reverse;
use std::fmt;

use super::csp::{ContentSecurityPolicy, Directive};
use super::{
    CrossOriginOpenerPolicy, HeaderKind, ReferrerPolicy, ReportOnly, SecurityHeader,
    SecurityHeaders, SecurityHeadersBuilder,
};
use crate::lint::Severity;

mod csp;

/// A weak spot found by [`SecurityHeaders::lint`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The header it is about.
    pub header: HeaderKind,
    /// The directive it is about, in a Content-Security-Policy.
    pub directive: Option<Directive>,
    /// What is the matter, and what to do.
    pub message: &'static str,
}

impl Finding {
    /// The header, and the directive.
    pub(super) fn about(&self) -> String {
        match self.directive {
            Some(directive) => format!("{}: {directive}", self.header),
            None => self.header.to_string(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about(), self.message)
    }
}

impl SecurityHeaders {
    /// Weak spots, the worst first: for the log at start-up, and for a test of your own. Those of a whole
    /// stack are told by [`Stack::lint`](crate::middleware::Stack::lint).
    ///
    /// ```
    /// use donjon::headers::csp::{ContentSecurityPolicy, Directive, Source};
    /// use donjon::headers::SecurityHeaders;
    /// use donjon::lint::Severity;
    ///
    /// let careless = ContentSecurityPolicy::builder()
    ///     .default_src([Source::SelfOrigin])
    ///     .script_src(["'self'", "'unsafe-inline'"])
    ///     .build()?;
    /// let findings = SecurityHeaders::strict().with(careless).build()?.lint();
    ///
    /// assert_eq!(findings[0].severity, Severity::Serious);
    /// assert_eq!(findings[0].directive, Some(Directive::ScriptSrc));
    ///
    /// let worst = SecurityHeaders::strict().build()?.lint().first().map(|finding| finding.severity);
    /// assert!(worst < Some(Severity::Warning));
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let headers = &self.0.built_from;
        let mut findings = Findings::default();
        match headers.enforced() {
            Some(policy) => {
                findings.policy(policy, headers.headers.contains_key(&HeaderKind::FrameOptions));
            }
            None => findings.add(
                Severity::Serious,
                HeaderKind::ContentSecurityPolicy,
                None,
                "there is none: injected scripts run; start with a preset's",
            ),
        }
        for header in headers.headers.values() {
            findings.header(header, headers.enforced());
        }
        findings.absences(headers);
        findings.0.sort_by_key(|finding| Reverse(finding.severity));
        findings.0
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        header: HeaderKind,
        directive: Option<Directive>,
        message: &'static str,
    ) {
        self.0.push(Finding { severity, header, directive, message });
    }

    fn header(&mut self, header: &SecurityHeader, policy: Option<&ContentSecurityPolicy>) {
        let kind = header.kind();
        let mut add = |severity, message| self.add(severity, kind, None, message);
        match header {
            SecurityHeader::StrictTransportSecurity(hsts) => {
                if (1..SIX_MONTHS).contains(&hsts.max_age) {
                    add(
                        Severity::Warning,
                        "less than 180 days protects few visitors; a year is usual",
                    );
                }
                if hsts.preload {
                    add(
                        Severity::Warning,
                        "preload puts the domain, with every subdomain, into browsers for good; \
                         be sure all of them have https",
                    );
                }
            }
            SecurityHeader::ReferrerPolicy(ReferrerPolicy::NoReferrer) => {
                let posts = policy.and_then(|policy| policy.get(Directive::FormAction)).is_none_or(
                    |targets| targets.iter().any(|target| target != "'none'" && target != "'self'"),
                );
                if posts {
                    add(
                        Severity::Warning,
                        "browsers send `Origin: null` with form posts to other sites, which \
                         payment and sign-in services may refuse; consider \
                         strict-origin-when-cross-origin",
                    );
                } else {
                    add(
                        Severity::Note,
                        "browsers send `Origin: null` with this site's form posts: check requests \
                         by Sec-Fetch-Site or a token, or use same-origin",
                    );
                }
            }
            SecurityHeader::ReferrerPolicy(
                ReferrerPolicy::UnsafeUrl
                | ReferrerPolicy::NoReferrerWhenDowngrade
                | ReferrerPolicy::Origin
                | ReferrerPolicy::OriginWhenCrossOrigin,
            ) => add(Severity::Warning, "others learn more than browsers tell by default"),
            SecurityHeader::CrossOriginOpenerPolicy(CrossOriginOpenerPolicy::UnsafeNone) => {
                add(Severity::Note, "windows that opened the page can reach it; use same-origin");
            }
            SecurityHeader::ContentSecurityPolicyReportOnly(ReportOnly(watched)) => {
                let reports = watched.get(Directive::ReportTo).is_some()
                    || watched.get(Directive::ReportUri).is_some();
                if !reports {
                    add(
                        Severity::Warning,
                        "nobody hears of violations but the browser's console; use \
                         report_violations_to",
                    );
                }
            }
            _ => {}
        }
    }

    fn absences(&mut self, headers: &SecurityHeadersBuilder) {
        let absences: &[(HeaderKind, Severity, &str)] = &[
            (
                HeaderKind::StrictTransportSecurity,
                Severity::Warning,
                "absent: a visitor's first request goes over http, where anybody on the way may answer",
            ),
            (
                HeaderKind::ContentTypeOptions,
                Severity::Warning,
                "absent: browsers may guess that an upload is a script",
            ),
            (
                HeaderKind::ReferrerPolicy,
                Severity::Note,
                "absent: what other sites learn is left to the browser",
            ),
        ];
        for (header, severity, message) in absences {
            if !headers.headers.contains_key(header) {
                self.add(*severity, *header, None, message);
            }
        }
    }
}

/// In seconds.
const SIX_MONTHS: u64 = 180 * 24 * 60 * 60;
