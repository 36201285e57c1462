//! The builder: headers are added, changed and taken away; `build` checks them together.

use std::collections::{BTreeMap, BTreeSet};

use super::csp::{ContentSecurityPolicy, ContentSecurityPolicyBuilder, Directive};
use super::{
    ConfigError, FrameOptions, HeaderKind, ReportOnly, ReportingEndpoints, SecurityHeader,
    SecurityHeaders,
};

/// What happens to a header that the handler, or a layer nearer to it, has set already.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnConflict {
    /// The handler's stays.
    #[default]
    Keep,
    /// Ours replaces it.
    Override,
    /// Ours replaces it if it protects more, or if browsers would not understand the handler's.
    OnlyIfStricter,
}

/// Builds [`SecurityHeaders`]. The first mistake is kept and given back by
/// [`build`](Self::build).
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct SecurityHeadersBuilder {
    pub(super) headers: BTreeMap<HeaderKind, SecurityHeader>,
    /// Headers that were taken away: outer layers are not to add them either.
    pub(super) off: BTreeSet<HeaderKind>,
    pub(super) on_conflict: BTreeMap<HeaderKind, OnConflict>,
    pub(super) remove_leaking: bool,
    pub(super) removed: Vec<String>,
    pub(super) only_documents: bool,
    pub(super) assume_https: bool,
    /// `X-Frame-Options` was given, and is not to be derived from `frame-ancestors`.
    pub(super) own_frame_options: bool,
    pub(super) report_url: Option<String>,
    pub(super) error: Option<ConfigError>,
}

impl SecurityHeadersBuilder {
    /// What every preset has: a policy, the frame options that go with it, and no leaks.
    pub(super) fn preset(
        policy: Result<ContentSecurityPolicy, ConfigError>,
        frame_options: FrameOptions,
    ) -> Self {
        let builder = Self { remove_leaking: true, ..Self::default() };
        match policy {
            Ok(policy) => {
                Self { own_frame_options: false, ..builder.with(policy).with(frame_options) }
            }
            Err(error) => builder.fail(error),
        }
    }

    /// Adds a header, or replaces it. Its type says which it is.
    ///
    /// ```
    /// use donjon::headers::{CrossOriginResourcePolicy, ReferrerPolicy, SecurityHeaders};
    ///
    /// let headers = SecurityHeaders::web()
    ///     .with(ReferrerPolicy::SameOrigin)
    ///     .with(CrossOriginResourcePolicy::CrossOrigin)
    ///     .build()?;
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn with(mut self, header: impl Into<SecurityHeader>) -> Self {
        let header = header.into();
        self.own_frame_options |= header.kind() == HeaderKind::FrameOptions;
        self.off.remove(&header.kind());
        self.headers.insert(header.kind(), header);
        self
    }

    /// Takes a header away. A layer further out does not add it either, not even with
    /// [`OnConflict::Override`].
    pub fn without(mut self, header: HeaderKind) -> Self {
        self.headers.remove(&header);
        self.off.insert(header);
        self
    }

    /// Changes the Content-Security-Policy.
    ///
    /// ```
    /// use donjon::headers::SecurityHeaders;
    /// use donjon::headers::csp::Directive;
    ///
    /// let headers = SecurityHeaders::strict()
    ///     .csp(|csp| csp.extend(Directive::ImgSrc, ["https://images.example.com"]))
    ///     .build()?;
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn csp(
        self,
        change: impl FnOnce(ContentSecurityPolicyBuilder) -> ContentSecurityPolicyBuilder,
    ) -> Self {
        let Some(policy) = self.enforced() else {
            return self.fail(ConfigError::Absent { header: HeaderKind::ContentSecurityPolicy });
        };
        match change(policy.clone().into_builder()).build() {
            Ok(policy) => self.with(policy),
            Err(error) => self.fail(error),
        }
    }

    /// Adds a report-only policy that is the enforced one, as it is now, with changes: to try a
    /// stricter policy before it blocks anything.
    ///
    /// ```
    /// use donjon::headers::SecurityHeaders;
    ///
    /// let headers = SecurityHeaders::web()
    ///     .report_only(|csp| csp.require_trusted_types())
    ///     .report_violations_to("/csp-reports")
    ///     .build()?;
    /// # Ok::<_, donjon::headers::ConfigError>(())
    /// ```
    pub fn report_only(
        self,
        change: impl FnOnce(ContentSecurityPolicyBuilder) -> ContentSecurityPolicyBuilder,
    ) -> Self {
        let Some(policy) = self.enforced() else {
            return self.fail(ConfigError::Absent { header: HeaderKind::ContentSecurityPolicy });
        };
        let enforced = policy.clone().into_builder();
        let watched = Directive::ALL
            .iter()
            .filter(|directive| directive.means_nothing_when_reporting())
            .fold(enforced, |builder, directive| builder.remove(*directive));
        match change(watched).build() {
            Ok(policy) => self.with(ReportOnly(policy)),
            Err(error) => self.fail(error),
        }
    }

    /// Has browsers report violations of the Content-Security-Policy, and of the report-only one,
    /// to this address: an https address, or a path such as `/csp-reports`, where a
    /// `ReportCollector` (feature `reports`) may stand.
    ///
    /// It sends `Reporting-Endpoints`, `report-to` and, for browsers that do not know these,
    /// `report-uri`. Over http it sends `report-uri` alone, because browsers deliver to endpoints
    /// over https only.
    pub fn report_violations_to(mut self, url: &str) -> Self {
        self.report_url = Some(url.to_owned());
        self
    }

    /// Declares an endpoint that policies of your own send reports to by name.
    pub fn reporting_endpoint(self, name: &str, url: &str) -> Self {
        let endpoints = match self.headers.get(&HeaderKind::ReportingEndpoints) {
            Some(SecurityHeader::ReportingEndpoints(endpoints)) => endpoints.clone(),
            _ => ReportingEndpoints::new(),
        };
        match endpoints.endpoint(name, url) {
            Ok(endpoints) => self.with(endpoints),
            Err(error) => self.fail(error),
        }
    }

    /// What happens when the handler has set the header itself. The default is to keep it.
    pub fn on_conflict(mut self, header: HeaderKind, on_conflict: OnConflict) -> Self {
        self.on_conflict.insert(header, on_conflict);
        self
    }

    /// Removes headers that tell which software answered, after the handler. See
    /// [`leaking`](super::leaking) for the list, and for what comes later and stays.
    pub fn remove_leaking(mut self, remove: bool) -> Self {
        self.remove_leaking = remove;
        self
    }

    /// Removes a header of this name from every response.
    pub fn remove(mut self, name: &str) -> Self {
        self.removed.push(name.to_ascii_lowercase());
        self
    }

    /// Leaves headers that only matter to documents off responses whose `Content-Type` says they
    /// are none: images, fonts, style sheets, audio and video.
    ///
    /// It saves bytes, and has a price: such a response in a frame is a place without a policy, to
    /// which a script that already runs in a page of yours may move. Everything else gets
    /// everything, a missing or odd `Content-Type` included.
    pub fn only_documents(mut self) -> Self {
        self.only_documents = true;
        self
    }

    /// Takes every request for one that came by https: `Strict-Transport-Security` and
    /// `upgrade-insecure-requests` are always sent.
    ///
    /// Only for a server that nothing can reach but a TLS terminator in front of it. See
    /// [`client`](crate::client) for other evidence of https.
    pub fn assume_https(mut self) -> Self {
        self.assume_https = true;
        self
    }

    /// The finished headers, or the first mistake.
    pub fn build(self) -> Result<SecurityHeaders, ConfigError> {
        SecurityHeaders::compile(self)
    }

    pub(super) fn enforced(&self) -> Option<&ContentSecurityPolicy> {
        match self.headers.get(&HeaderKind::ContentSecurityPolicy)? {
            SecurityHeader::ContentSecurityPolicy(policy) => Some(policy),
            _ => None,
        }
    }

    pub(super) fn watched(&self) -> Option<&ContentSecurityPolicy> {
        match self.headers.get(&HeaderKind::ContentSecurityPolicyReportOnly)? {
            SecurityHeader::ContentSecurityPolicyReportOnly(ReportOnly(policy)) => Some(policy),
            _ => None,
        }
    }

    pub(super) fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }
}
