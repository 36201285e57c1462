//! What can only be checked, or filled in, when all headers of a policy are there.

use super::builder::{OnConflict, SecurityHeadersBuilder};
use super::csp::{ContentSecurityPolicy, Directive};
use super::{ConfigError, FrameOptions, HeaderKind, ReportOnly, SecurityHeader};
use crate::head::{Name, Value};

impl SecurityHeadersBuilder {
    /// The headers as they belong together, or what does not.
    pub(super) fn settled(mut self) -> Result<Self, ConfigError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let says_nothing = |header: &&SecurityHeader| header.value().is_empty();
        if let Some(header) = self.headers.values().find(says_nothing) {
            return Err(ConfigError::Value {
                header: header.kind(),
                value: String::new(),
                mend: "it says nothing, and browsers ignore it; leave it out",
            });
        }
        let is_unfit = |header: &&SecurityHeader| Value::new(header.value()).is_none();
        if let Some(header) = self.headers.values().find(is_unfit) {
            return Err(ConfigError::Value {
                header: header.kind(),
                value: header.value().into_owned(),
                mend: "it is no header value: write printable ASCII",
            });
        }
        self.add_reporting()?;
        self.derive_frame_options()?;
        if let Some(policy) = self.watched() {
            let ignored = |directive: &Directive| directive.means_nothing_when_reporting();
            if let Some(directive) = policy.directives().find(ignored) {
                return Err(ConfigError::MeansNothingWhenReporting { directive });
            }
        }
        self.check_endpoints()?;
        for (header, on_conflict) in &self.on_conflict {
            if !self.headers.contains_key(header) {
                return Err(ConfigError::Absent { header: *header });
            }
            let comparable = SecurityHeader::stricter(*header).is_some();
            if *on_conflict == OnConflict::OnlyIfStricter && !comparable {
                return Err(ConfigError::NotComparable { header: *header });
            }
        }
        for name in &self.removed {
            if Name::new(name).is_none() {
                return Err(ConfigError::HeaderName { name: name.clone() });
            }
            // `Cache-Control` keeps pages with a nonce out of shared caches.
            let stays = |kind| kind == HeaderKind::CacheControl || self.headers.contains_key(&kind);
            if HeaderKind::from_name(name).is_some_and(stays) {
                return Err(ConfigError::RemovedButSent { name: name.clone() });
            }
        }
        Ok(self)
    }

    fn add_reporting(&mut self) -> Result<(), ConfigError> {
        let Some(url) = self.report_url.take() else {
            return Ok(());
        };
        let builder = std::mem::take(self).reporting_endpoint(ENDPOINT, &url);
        *self = builder;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let reporting = |policy: &ContentSecurityPolicy| {
            let mut builder = policy.clone().into_builder();
            if policy.get(Directive::ReportUri).is_none() {
                builder = builder.report_uri([url.as_str()]);
            }
            if policy.get(Directive::ReportTo).is_none() {
                builder = builder.report_to([ENDPOINT]);
            }
            builder.build()
        };
        let enforced = self.enforced().map(reporting).transpose()?;
        let watched = self.watched().map(reporting).transpose()?;
        if enforced.is_none() && watched.is_none() {
            return Err(ConfigError::Absent { header: HeaderKind::ContentSecurityPolicy });
        }
        for header in
            [enforced.map(SecurityHeader::from), watched.map(|policy| ReportOnly(policy).into())]
        {
            self.headers.extend(header.map(|header| (header.kind(), header)));
        }
        Ok(())
    }

    /// `X-Frame-Options` says what `frame-ancestors` says, or nothing.
    fn derive_frame_options(&mut self) -> Result<(), ConfigError> {
        let kind = HeaderKind::FrameOptions;
        let ancestors = self.enforced().and_then(|policy| policy.get(Directive::FrameAncestors));
        let (Some(given), Some(ancestors)) = (self.headers.get(&kind), ancestors) else {
            return Ok(());
        };
        let derived = FrameOptions::of_ancestors(&ancestors).map(SecurityHeader::from);
        if self.own_frame_options {
            if derived.as_ref() == Some(given) {
                return Ok(());
            }
            return Err(ConfigError::Framing {
                frame_options: given.value().into_owned(),
                frame_ancestors: ancestors.join(" "),
            });
        }
        if let Some(derived) = derived {
            self.headers.insert(kind, derived);
        } else {
            self.headers.remove(&kind);
            self.off.insert(kind);
        }
        Ok(())
    }

    fn check_endpoints(&self) -> Result<(), ConfigError> {
        let declared = match self.headers.get(&HeaderKind::ReportingEndpoints) {
            Some(SecurityHeader::ReportingEndpoints(endpoints)) => Some(endpoints),
            _ => None,
        };
        for (header, value) in &self.headers {
            for endpoint in value.endpoints() {
                if declared.is_none_or(|declared| declared.url_of(&endpoint).is_none()) {
                    return Err(ConfigError::UndeclaredEndpoint { header: *header, endpoint });
                }
            }
        }
        Ok(())
    }
}

impl SecurityHeader {
    /// The endpoints that the header sends reports to.
    fn endpoints(&self) -> Vec<String> {
        match self {
            Self::ContentSecurityPolicy(policy)
            | Self::ContentSecurityPolicyReportOnly(ReportOnly(policy)) => {
                policy.get(Directive::ReportTo).unwrap_or_default()
            }
            Self::IntegrityPolicy(policy) | Self::IntegrityPolicyReportOnly(ReportOnly(policy)) => {
                policy.endpoints().map(str::to_owned).collect()
            }
            Self::PermissionsPolicy(policy)
            | Self::PermissionsPolicyReportOnly(ReportOnly(policy)) => {
                policy.endpoints().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The endpoint of [`SecurityHeadersBuilder::report_violations_to`].
const ENDPOINT: &str = "csp-reports";
