//! `Permissions-Policy`: what a page and its frames may ask the browser for.
//!
//! **The attack.** A script that has come in by any way asks for the microphone in your site's
//! name, and the user, who trusts the site, says yes. Or an advertisement in a frame does.
//!
//! **The rule.** [Permissions
//! Policy](https://w3c.github.io/webappsec-permissions-policy/#permissions-policy-http-header-field)
//! defines the header. OWASP's Secure Headers Project lists features to deny.
//!
//! - [`deny_sensitive`](PermissionsPolicy::deny_sensitive) in the presets for pages.
//! - Features are typed: a name that a browser does not know is a complaint on the console of every
//!   visitor. Others go by [`Feature::custom`], which refuses retired ones.
//! - Only Chrome and its kin have the header.
//!
//! ```
//! use donjon::headers::permissions_policy::{Allow, Feature, PermissionsPolicy};
//!
//! let policy = PermissionsPolicy::new()
//!     .deny(Feature::CAMERA)?
//!     .allow(Feature::FULLSCREEN, Allow::SelfOnly)?
//!     .allow(Feature::PAYMENT, Allow::list(["self", "https://pay.example"])?)?;
//!
//! assert_eq!(
//!     policy.to_string(),
//!     r#"camera=(), fullscreen=(self), payment=(self "https://pay.example")"#
//! );
//! assert!(policy.deny(Feature::CAMERA).is_err(), "it is there already");
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::grammar::{self, Item};
use super::kind::HeaderValue;
pub use super::permissions_allow::{Allow, AllowList};
pub use super::permissions_registry::Feature;
use super::permissions_registry::{REGISTRY, Status};
use super::reporting_endpoints::is_endpoint_name;
use super::{ConfigError, HeaderKind};

/// A `Permissions-Policy` header.
///
/// See the [module docs](self).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct PermissionsPolicy {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Rule {
    feature: Feature,
    allow: Allow,
    report_to: Option<String>,
}

impl PermissionsPolicy {
    /// A policy that says nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// Denies what reads the user's surroundings, devices and screen, and the payment dialog.
    ///
    /// What pages commonly use stays: full screen, video, writing the clipboard, passkeys.
    /// `bluetooth` stays too, because Chrome on Linux complains of the name; add it with
    /// [`deny`](Self::deny).
    #[must_use]
    pub fn deny_sensitive() -> Self {
        Self::denying(SENSITIVE)
    }

    /// Denies every feature that Chrome has without a flag. On Linux it complains of two on the
    /// console, `bluetooth` and `web-share`, which it has elsewhere.
    #[must_use]
    pub fn deny_all_known() -> Self {
        let live = REGISTRY.iter().filter(|(_, status)| *status == Status::Live);
        Self::denying(live.map(|(feature, _)| feature))
    }

    /// Denies a feature to the page and all its frames.
    pub fn deny(self, feature: Feature) -> Result<Self, ConfigError> {
        self.allow(feature, Allow::None)
    }

    /// Adds a feature that is not in the policy yet.
    pub fn allow(self, feature: Feature, allow: Allow) -> Result<Self, ConfigError> {
        if self.rules.iter().any(|rule| rule.feature == feature) {
            return Err(refusal(feature.name(), "the feature is there already; use `replace`"));
        }
        Ok(self.replace(feature, allow))
    }

    /// Sets who may use a feature, whether it is in the policy already or not.
    ///
    /// ```
    /// # use donjon::headers::permissions_policy::{Allow, Feature, PermissionsPolicy};
    /// let policy = PermissionsPolicy::deny_sensitive().replace(Feature::CAMERA, Allow::SelfOnly);
    /// assert!(policy.to_string().contains("camera=(self)"));
    /// ```
    #[must_use]
    pub fn replace(mut self, feature: Feature, allow: Allow) -> Self {
        match self.rules.iter_mut().find(|rule| rule.feature == feature) {
            Some(rule) => rule.allow = allow,
            None => self.rules.push(Rule { feature, allow, report_to: None }),
        }
        self
    }

    /// Has violations of every rule that is in the policy by now reported to an endpoint of
    /// [`ReportingEndpoints`](super::ReportingEndpoints).
    pub fn report_to(mut self, endpoint: &str) -> Result<Self, ConfigError> {
        if !is_endpoint_name(endpoint) {
            return Err(refusal(endpoint, "name a declared reporting endpoint"));
        }
        for rule in &mut self.rules {
            rule.report_to = Some(endpoint.to_owned());
        }
        Ok(self)
    }

    /// The endpoints that violations are reported to.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| rule.report_to.as_deref())
    }

    fn denying<'a>(features: impl IntoIterator<Item = &'a Feature>) -> Self {
        features
            .into_iter()
            .fold(Self::new(), |policy, feature| policy.replace(feature.clone(), Allow::None))
    }
}

impl fmt::Display for PermissionsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rule) in self.rules.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{}={}", rule.feature, rule.allow)?;
            if let Some(endpoint) = &rule.report_to {
                write!(f, ";report-to={endpoint}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for PermissionsPolicy {
    type Err = ConfigError;

    /// Takes the value as it is sent. Retired features are refused, and so is an empty policy.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let unreadable =
            || refusal(value, r#"write camera=(), payment=(self "https://pay.example")"#);
        let mut policy = Self::new();
        for member in grammar::dictionary(value).ok_or_else(unreadable)? {
            let allow = Allow::from_items(&member.items)?;
            policy = policy.allow(Feature::custom(member.key)?, allow)?;
            let report_to = match member.parameters.as_slice() {
                [] => continue,
                [("report-to", Item::Token(endpoint))] if is_endpoint_name(endpoint) => *endpoint,
                _ => return Err(unreadable()),
            };
            if let Some(rule) = policy.rules.last_mut() {
                rule.report_to = Some(report_to.to_owned());
            }
        }
        Ok(policy)
    }
}

impl HeaderValue for PermissionsPolicy {
    fn value(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

pub(super) fn refusal(value: &str, mend: &'static str) -> ConfigError {
    ConfigError::Value { header: HeaderKind::PermissionsPolicy, value: value.to_owned(), mend }
}

/// OWASP's list without what pages commonly use and without retired names, and with what is newer
/// than it. Chromium 156 knows every name on every platform.
const SENSITIVE: &[Feature] = &[
    Feature::ACCELEROMETER,
    Feature::CAMERA,
    Feature::CAPTURED_SURFACE_CONTROL,
    Feature::CLIPBOARD_READ,
    Feature::COMPUTE_PRESSURE,
    Feature::DISPLAY_CAPTURE,
    Feature::GAMEPAD,
    Feature::GEOLOCATION,
    Feature::GYROSCOPE,
    Feature::HID,
    Feature::IDLE_DETECTION,
    Feature::LOCAL_FONTS,
    Feature::LOCAL_NETWORK,
    Feature::LOCAL_NETWORK_ACCESS,
    Feature::LOOPBACK_NETWORK,
    Feature::MICROPHONE,
    Feature::MIDI,
    Feature::PAYMENT,
    Feature::SCREEN_WAKE_LOCK,
    Feature::SERIAL,
    Feature::USB,
    Feature::WINDOW_MANAGEMENT,
    Feature::XR_SPATIAL_TRACKING,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_features_are_live_and_named_once() {
        for feature in SENSITIVE {
            assert!(REGISTRY.contains(&(feature.clone(), Status::Live)), "{feature}");
        }
        assert_eq!(PermissionsPolicy::deny_sensitive().rules.len(), SENSITIVE.len());
    }

    #[test]
    fn what_is_written_reads_back() {
        let list = Allow::list(["self", "https://a.example", "https://*.b.example:8443"]).unwrap();
        let policy = PermissionsPolicy::deny_all_known()
            .replace(Feature::CAMERA, list)
            .report_to("main")
            .unwrap()
            .replace(Feature::custom("sync-xhr").unwrap(), Allow::Any);

        assert_eq!(policy.to_string().parse(), Ok(policy));
    }

    #[test]
    fn refuses_what_browsers_would_not_understand() {
        for value in [
            "",
            "camera",
            "camera 'none'",
            "camera=none",
            "camera=(none)",
            "camera=('self')",
            "camera=(\"self\")",
            "camera=(https://a.example)",
            "camera=(self *)",
            "camera=(src)",
            "camera=(), camera=(self)",
            "camera=();geolocation=()",
            "camera=();report-to=\"main\"",
            "interest-cohort=()",
        ] {
            assert!(value.parse::<PermissionsPolicy>().is_err(), "{value}");
        }
    }
}
