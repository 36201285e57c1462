//! The directives of a policy, and what may stand in each.

use std::fmt;

use super::source::Source;

macro_rules! directives {
    ($($(#[$doc:meta])* $directive:ident = $name:literal: $class:ident,)+) => {
        /// A directive of a Content-Security-Policy, in the order in which a policy lists them.
        ///
        /// What is not here is no longer in any browser, or not yet in one: see
        /// [`ConfigError::UnknownDirective`](crate::headers::ConfigError::UnknownDirective).
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Directive {
            $($(#[$doc])* $directive,)+
        }

        impl Directive {
            /// Every directive, in order.
            pub const ALL: &[Self] = &[$(Self::$directive),+];

            /// The directive's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$directive => $name,)+
                }
            }

            pub(super) const fn class(self) -> Class {
                match self {
                    $(Self::$directive => Class::$class,)+
                }
            }
        }
    };
}

directives! {
    /// What the other fetch directives start from.
    DefaultSrc = "default-src": Sources,
    /// Scripts.
    ScriptSrc = "script-src": Sources,
    /// Script elements and script blocks.
    ScriptSrcElem = "script-src-elem": Sources,
    /// Event handlers in attributes.
    ScriptSrcAttr = "script-src-attr": Sources,
    /// Styles.
    StyleSrc = "style-src": Sources,
    /// Style sheets and style blocks.
    StyleSrcElem = "style-src-elem": Sources,
    /// Styles in attributes.
    StyleSrcAttr = "style-src-attr": Sources,
    /// Images and icons.
    ImgSrc = "img-src": Sources,
    /// Fonts.
    FontSrc = "font-src": Sources,
    /// Where scripts may connect to: fetch, web sockets, event streams, beacons.
    ConnectSrc = "connect-src": Sources,
    /// Audio, video and their subtitles.
    MediaSrc = "media-src": Sources,
    /// Web app manifests.
    ManifestSrc = "manifest-src": Sources,
    /// Frames and workers together; the two directives below are for each.
    ChildSrc = "child-src": Sources,
    /// What a page may put in frames.
    FrameSrc = "frame-src": Sources,
    /// What a page may put in fenced frames. Experimental: Chromium only.
    FencedFrameSrc = "fenced-frame-src": Sources,
    /// Workers, shared workers and service workers.
    WorkerSrc = "worker-src": Sources,
    /// Plug-ins.
    ObjectSrc = "object-src": Sources,
    /// What `<base>` may say.
    BaseUri = "base-uri": Sources,
    /// Where forms may be posted to.
    FormAction = "form-action": Sources,
    /// Who may put the page in a frame.
    FrameAncestors = "frame-ancestors": Sources,
    /// A sandbox, as of a frame.
    Sandbox = "sandbox": Sandbox,
    /// The names of the policies by which scripts may make trusted types.
    TrustedTypes = "trusted-types": TrustedTypes,
    /// Sinks that take trusted types only.
    RequireTrustedTypesFor = "require-trusted-types-for": RequireTrustedTypesFor,
    /// Addresses with http are loaded by https. Sent only when the request came by https.
    UpgradeInsecureRequests = "upgrade-insecure-requests": Flag,
    /// Where reports go, in the form every browser knows.
    ReportUri = "report-uri": ReportUri,
    /// Where reports go: the name of an endpoint.
    ReportTo = "report-to": ReportTo,
}

/// What kind of value a directive takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    Sources,
    Sandbox,
    TrustedTypes,
    RequireTrustedTypesFor,
    Flag,
    ReportUri,
    ReportTo,
}

impl Directive {
    /// The directive of a name in lower case, or what has become of it.
    pub(crate) fn from_name(name: &str) -> Result<Self, &'static str> {
        let known = Self::ALL.iter().find(|directive| directive.name() == name);
        known.copied().ok_or_else(|| match name {
            "webrtc" => "no browser knows it yet; `dangerously_custom_directive` sends it",
            _ => Self::retired(name).unwrap_or("see `Directive` for those there are"),
        })
    }

    /// What to use instead of a directive that has been retired.
    pub(super) fn retired(name: &str) -> Option<&'static str> {
        Some(match name {
            "block-all-mixed-content" => "browsers do so anyway; use upgrade-insecure-requests",
            "plugin-types" => "plug-ins are gone; use object-src 'none'",
            "navigate-to" => "it was never shipped; use form-action for forms",
            "prefetch-src" => "it was withdrawn; prefetches follow default-src",
            "require-sri-for" => "use the header Integrity-Policy",
            "referrer" => "use the header Referrer-Policy",
            "reflected-xss" => "it was withdrawn; a script-src with nonces does more",
            "disown-opener" => "use the header Cross-Origin-Opener-Policy",
            _ => return None,
        })
    }

    /// Where browsers look when the directive is absent: the directives whose sources an addition
    /// to it has to start from.
    pub(super) const fn falls_back_to(self) -> &'static [Self] {
        match self {
            Self::ScriptSrcElem | Self::ScriptSrcAttr => &[Self::ScriptSrc, Self::DefaultSrc],
            Self::StyleSrcElem | Self::StyleSrcAttr => &[Self::StyleSrc, Self::DefaultSrc],
            Self::WorkerSrc => &[Self::ChildSrc, Self::ScriptSrc, Self::DefaultSrc],
            Self::FrameSrc => &[Self::ChildSrc, Self::DefaultSrc],
            Self::FencedFrameSrc => &[Self::FrameSrc, Self::ChildSrc, Self::DefaultSrc],
            Self::ScriptSrc
            | Self::StyleSrc
            | Self::ImgSrc
            | Self::FontSrc
            | Self::ConnectSrc
            | Self::MediaSrc
            | Self::ManifestSrc
            | Self::ChildSrc
            | Self::ObjectSrc => &[Self::DefaultSrc],
            _ => &[],
        }
    }

    /// Whether the directive is about scripts that stand in the page or are loaded by it.
    const fn is_script(self) -> bool {
        matches!(self, Self::DefaultSrc | Self::ScriptSrc | Self::ScriptSrcElem)
    }

    const fn is_style(self) -> bool {
        matches!(self, Self::DefaultSrc | Self::StyleSrc | Self::StyleSrcElem)
    }

    /// Whether browsers heed the source in this directive; if not, where they do.
    pub(super) const fn heeds(self, source: &Source) -> Result<(), &'static str> {
        use Source as S;
        let is_attribute = matches!(self, Self::ScriptSrcAttr | Self::StyleSrcAttr);
        let (heeds, belongs) = match source {
            S::None | S::SelfOrigin | S::Scheme(_) | S::Host(_) => (true, ""),
            S::Nonce => (
                self.is_script() || self.is_style(),
                "default-src, script-src, script-src-elem, style-src and style-src-elem",
            ),
            S::Hash(_) => (
                self.is_script()
                    || self.is_style()
                    || is_attribute
                    || matches!(self, Self::ConnectSrc),
                "default-src, script-src and style-src",
            ),
            S::UnsafeInline | S::ReportSample => (
                self.is_script() || self.is_style() || is_attribute,
                "default-src, script-src and style-src",
            ),
            S::UnsafeEval | S::WasmUnsafeEval | S::TrustedTypesEval => {
                (matches!(self, Self::DefaultSrc | Self::ScriptSrc), "default-src and script-src")
            }
            S::StrictDynamic
            | S::InlineSpeculationRules
            | S::ReportSha256
            | S::ReportSha384
            | S::ReportSha512 => (self.is_script(), "default-src, script-src and script-src-elem"),
            S::UnsafeHashes => (
                self.is_script() || is_attribute || matches!(self, Self::StyleSrc),
                "default-src, script-src, script-src-elem, script-src-attr, style-src and style-src-attr",
            ),
            S::UnsafeWebtransportHashes => {
                (matches!(self, Self::DefaultSrc | Self::ConnectSrc), "default-src and connect-src")
            }
        };
        if heeds { Ok(()) } else { Err(belongs) }
    }

    /// Browsers ignore these when they only report.
    pub(crate) const fn means_nothing_when_reporting(self) -> bool {
        matches!(self, Self::Sandbox | Self::UpgradeInsecureRequests)
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
