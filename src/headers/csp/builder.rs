//! The builder of a policy, which refuses to make one that is wrong.

use super::directive::Directive;
use super::patch::Change;
use super::policy::ContentSecurityPolicy;
use super::source::Source;
use super::value::CspValue;
use crate::headers::{ConfigError, HeaderKind};

/// Builds a [`ContentSecurityPolicy`]. The first mistake is kept and given back by
/// [`build`](Self::build).
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ContentSecurityPolicyBuilder {
    policy: ContentSecurityPolicy,
    error: Option<ConfigError>,
}

impl ContentSecurityPolicyBuilder {
    pub(super) const fn new(policy: ContentSecurityPolicy) -> Self {
        Self { policy, error: None }
    }

    /// Sets a directive that is not there yet.
    pub fn set<V: CspValue>(
        self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.change(Change::new(Change::Set, directive, values))
    }

    /// Sets a directive by its name, as a configuration file does.
    pub fn directive<V: CspValue>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        match Directive::from_name(name) {
            Ok(directive) => self.set(directive, values),
            Err(mend) => self.fail(ConfigError::UnknownDirective { name: name.to_owned(), mend }),
        }
    }

    /// Adds to a directive. If it is absent, it starts from what browsers fall back to, so that
    /// what was allowed stays allowed, as far as the directive heeds it; `'none'` gives way.
    ///
    /// A nonce or a hash that is added makes browsers ignore an `'unsafe-inline'` beside it, and
    /// `'strict-dynamic'` the hosts.
    pub fn extend<V: CspValue>(
        self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.change(Change::new(Change::Extend, directive, values))
    }

    /// Sets a directive, whether it is there or not.
    pub fn replace<V: CspValue>(
        self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.change(Change::new(Change::Replace, directive, values))
    }

    /// Removes a directive.
    pub fn remove(self, directive: Directive) -> Self {
        self.change(Ok(Change::Remove(directive)))
    }

    /// `upgrade-insecure-requests`. It is sent only when the request is known to be https.
    pub fn upgrade_insecure_requests(self) -> Self {
        self.set(Directive::UpgradeInsecureRequests, [""; 0])
    }

    /// `require-trusted-types-for 'script'`: text no longer becomes markup or code by accident.
    pub fn require_trusted_types(self) -> Self {
        self.set(Directive::RequireTrustedTypesFor, ["'script'"])
    }

    /// Beside `'strict-dynamic'`, adds the `https:` and `'unsafe-inline'` that browsers older than
    /// 2018 need, and that all others ignore there. Some graders complain of it.
    pub fn legacy_fallback(self) -> Self {
        // Not by `default-src`, where 'strict-dynamic' does not count for workers.
        let scripts = self.policy.get(Directive::ScriptSrc).unwrap_or_default();
        if !scripts.contains(&Source::StrictDynamic.to_string()) {
            return self.fail(ConfigError::StrictDynamicAbsent);
        }
        self.extend(Directive::ScriptSrc, ["https:", "'unsafe-inline'"])
    }

    /// Adds a directive that this crate does not know. Its meaning is not checked; that it stays
    /// one directive in one header is.
    pub fn dangerously_custom_directive(mut self, name: &str, value: &str) -> Self {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let is_value =
            value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';' && byte != b',');
        let known = Directive::from_name(name).is_ok()
            || self.policy.custom.iter().any(|(known, _)| known == name);
        if let Some(mend) = Directive::retired(name) {
            return self.fail(ConfigError::UnknownDirective { name: name.to_owned(), mend });
        }
        if !is_name || known {
            return self.fail(ConfigError::UnknownDirective {
                name: name.to_owned(),
                mend: "a custom directive has a name of its own, of small letters, digits and -",
            });
        }
        if !is_value {
            return self.fail(ConfigError::Value {
                header: HeaderKind::ContentSecurityPolicy,
                value: value.to_owned(),
                mend: "a custom directive's value is printable ASCII without `;` and `,`",
            });
        }
        self.policy.custom.push((name.to_owned(), value.trim().to_owned()));
        self
    }

    /// The policy, or the first mistake.
    pub fn build(self) -> Result<ContentSecurityPolicy, ConfigError> {
        match self.error {
            Some(error) => Err(error),
            None if self.policy.is_empty() => Err(ConfigError::EmptyPolicy),
            None => Ok(self.policy),
        }
    }

    pub(super) fn change(self, change: Result<Change, ConfigError>) -> Self {
        let mut builder = self;
        match change.and_then(|change| builder.policy.change(change)) {
            Ok(()) => builder,
            Err(error) => builder.fail(error),
        }
    }

    fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }
}

/// A method for each directive that takes a list.
macro_rules! named {
    ($($method:ident: $directive:ident,)+) => {
        /// By directive
        impl ContentSecurityPolicyBuilder {
            $(
                #[doc = concat!("Sets [`Directive::", stringify!($directive), "`], which is not there yet.")]
                pub fn $method<V: CspValue>(self, values: impl IntoIterator<Item = V>) -> Self {
                    self.set(Directive::$directive, values)
                }
            )+
        }
    };
}

named! {
    default_src: DefaultSrc,
    script_src: ScriptSrc,
    script_src_elem: ScriptSrcElem,
    script_src_attr: ScriptSrcAttr,
    style_src: StyleSrc,
    style_src_elem: StyleSrcElem,
    style_src_attr: StyleSrcAttr,
    img_src: ImgSrc,
    font_src: FontSrc,
    connect_src: ConnectSrc,
    media_src: MediaSrc,
    manifest_src: ManifestSrc,
    child_src: ChildSrc,
    frame_src: FrameSrc,
    fenced_frame_src: FencedFrameSrc,
    worker_src: WorkerSrc,
    object_src: ObjectSrc,
    base_uri: BaseUri,
    form_action: FormAction,
    frame_ancestors: FrameAncestors,
    sandbox: Sandbox,
    trusted_types: TrustedTypes,
    report_uri: ReportUri,
    report_to: ReportTo,
}
