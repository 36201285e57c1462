//! Weak spots of a policy that is valid all the same.

use std::cmp::Reverse;
use std::fmt;

use super::csp::{ContentSecurityPolicy, Directive, Source};
use super::{
    CrossOriginOpenerPolicy, HeaderKind, ReferrerPolicy, ReportOnly, SecurityHeader,
    SecurityHeaders, SecurityHeadersBuilder,
};

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Severity {
    /// Worth a thought.
    Note,
    /// Weakens the policy, or may break something.
    Warning,
    /// Makes the header all but useless, or is dangerous.
    Serious,
}

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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.header)?;
        if let Some(directive) = self.directive {
            write!(f, "{directive}: ")?;
        }
        f.write_str(self.message)
    }
}

impl SecurityHeaders {
    /// Weak spots, the worst first: for the log at start-up, and for a test of your own.
    ///
    /// ```
    /// use donjon::headers::csp::{ContentSecurityPolicy, Directive, Source};
    /// use donjon::headers::{SecurityHeaders, Severity};
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

    fn policy(&mut self, policy: &ContentSecurityPolicy, frame_options: bool) {
        let header = HeaderKind::ContentSecurityPolicy;
        let has = |directive| policy.get(directive).is_some();
        let effective = |directive: Directive| policy.effective_sources(directive);
        let mut add = |severity, directive, message| {
            self.add(severity, header, Some(directive), message);
        };

        if effective(Directive::ScriptSrc).is_none() {
            add(
                Severity::Serious,
                Directive::ScriptSrc,
                "absent, and so is default-src: every script runs; name what may run",
            );
        }
        if effective(Directive::ObjectSrc).is_none() {
            add(
                Severity::Serious,
                Directive::ObjectSrc,
                "absent, and so is default-src: plug-ins may run scripts; set 'none'",
            );
        }
        if !has(Directive::BaseUri) {
            let marked = effective(Directive::ScriptSrc).is_some_and(|sources| {
                let is_mark = |source: &&Source| matches!(source, Source::Nonce | Source::Hash(_));
                sources.iter().any(is_mark)
            });
            add(
                if marked { Severity::Serious } else { Severity::Warning },
                Directive::BaseUri,
                "absent: an injected <base> sends relative script addresses elsewhere; set 'none' \
                 or 'self'",
            );
        }
        if !has(Directive::FormAction) {
            add(
                Severity::Warning,
                Directive::FormAction,
                "absent: an injected form may send what users type anywhere; set 'self'",
            );
        }
        if !has(Directive::FrameAncestors) && !frame_options {
            add(
                Severity::Warning,
                Directive::FrameAncestors,
                "absent: other sites may frame the page; set 'none' or 'self'",
            );
        }
        for directive in [
            Directive::ScriptSrc,
            Directive::ScriptSrcElem,
            Directive::ScriptSrcAttr,
            Directive::StyleSrc,
            Directive::ObjectSrc,
        ] {
            if let Some(sources) = effective(directive) {
                self.sources(header, directive, &sources);
            }
        }
        for (directive, source) in policy.sources() {
            if source.scheme() == Some("http") || source.scheme() == Some("ws") {
                self.add(
                    Severity::Warning,
                    header,
                    Some(directive),
                    "a source over http can be changed on its way; write https or wss",
                );
            }
        }
    }

    /// What is wrong with the sources of scripts, styles or plug-ins.
    fn sources(&mut self, header: HeaderKind, directive: Directive, sources: &[&Source]) {
        let has = |wanted: &Source| sources.contains(&wanted);
        let marked = sources.iter().any(|source| matches!(source, Source::Nonce | Source::Hash(_)));
        let is_style = directive == Directive::StyleSrc;
        let severity = if is_style { Severity::Note } else { Severity::Serious };
        let mut add = |severity, message| self.add(severity, header, Some(directive), message);

        if has(&Source::UnsafeInline) && !marked {
            let message = if is_style {
                "'unsafe-inline' lets injected styles change and read the page; use nonces"
            } else {
                "'unsafe-inline' runs injected scripts; use nonces or hashes"
            };
            add(severity, message);
        }
        if has(&Source::UnsafeEval) {
            add(
                Severity::Warning,
                "'unsafe-eval' makes code of strings; use 'wasm-unsafe-eval' or trusted types",
            );
        }
        if has(&Source::UnsafeHashes) {
            add(
                Severity::Note,
                "'unsafe-hashes' lets an injected attribute reuse an allowed script",
            );
        }
        // Browsers ignore hosts and schemes beside 'strict-dynamic'.
        if is_style || has(&Source::StrictDynamic) {
            return;
        }
        let is_wild = |source: &&Source| match source {
            Source::Scheme(_) => true,
            Source::Host(_) => source.host() == Some("*"),
            _ => false,
        };
        if sources.iter().any(is_wild) {
            add(severity, "a bare scheme or * lets anybody's server in; name hosts, or use nonces");
        } else if sources
            .iter()
            .any(|source| source.host().is_some_and(|host| host.starts_with("*.")))
        {
            add(
                Severity::Warning,
                "a wildcard lets in every host below it; name hosts, or use nonces",
            );
        }
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
