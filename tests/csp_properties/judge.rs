//! An independent parser and enforcer of policies, of the crate `content-security-policy`, and
//! what it is asked about: everything that a page may try.

use std::fmt;

use content_security_policy::sandboxing_directive::SandboxingFlagSet;
use content_security_policy::{
    CheckResult, CspList, Destination, Element, Initiator, InlineCheckType, NavigationCheckType,
    Origin, ParserMetadata, PolicyDisposition, PolicySource, Request, Response, Url,
};

/// The page that the policy is sent with.
pub(crate) const PAGE: &str = "https://site.example/page";

/// Decides as a browser that has got this one header would.
pub(crate) struct Judge(CspList);

impl Judge {
    pub(crate) fn of(header: &str) -> Self {
        Self(CspList::parse(header, PolicySource::Header, PolicyDisposition::Enforce))
    }

    /// The directives as the judge reads them. A header that holds anything but one policy, or
    /// that the grammar does not know, is a failed test.
    pub(crate) fn directives(&self) -> Vec<(&str, Vec<&str>)> {
        let [policy] = self.0.0.as_slice() else {
            panic!("not one policy: {}", self.0);
        };
        assert!(policy.is_valid(), "{policy}");
        let directives = policy.directive_set.iter();
        directives
            .map(|directive| {
                (&*directive.name, directive.value.iter().map(String::as_str).collect())
            })
            .collect()
    }

    pub(crate) fn allows(&self, deed: &Deed) -> bool {
        let page = Url::parse(PAGE).unwrap().origin();
        let (verdict, _) = match deed {
            Deed::Load(load) => self.0.should_request_be_blocked(&load.request()),
            Deed::Inline { kind, nonce, text } => {
                let element = Element { nonce: nonce.map(Into::into) };
                self.0.should_elements_inline_type_behavior_be_blocked(&element, *kind, text)
            }
            Deed::Eval => self.0.is_js_evaluation_allowed("1 + 1"),
            Deed::Wasm => self.0.is_wasm_evaluation_allowed(),
            Deed::Go(url) => self.navigation(url, NavigationCheckType::Other),
            Deed::Submit(url) => self.navigation(url, NavigationCheckType::FormSubmission),
            Deed::SetBase(url) => self.0.is_base_allowed_for_document(&parse(url), &page),
            Deed::BeFramedBy(url) => {
                self.0.should_navigation_response_to_navigation_request_be_blocked(
                    &Response { url: parse(PAGE), redirect_count: 0 },
                    &page,
                    &vec![parse(url)],
                )
            }
            Deed::MakeTrustedTypes(name) => {
                self.0.is_trusted_type_policy_creation_allowed(name, &[])
            }
            Deed::WriteMarkup => self.0.should_sink_type_mismatch_violation_be_blocked_by_csp(
                "Element innerHTML",
                "'script'",
                "<b>",
            ),
        };
        verdict == CheckResult::Allowed
    }

    pub(crate) fn sandbox(&self) -> Option<SandboxingFlagSet> {
        self.0.get_sandboxing_flag_set_for_document()
    }

    fn navigation(
        &self,
        url: &str,
        kind: NavigationCheckType,
    ) -> (CheckResult, Vec<content_security_policy::Violation>) {
        let mut request = Load::of(Destination::Document, url).request();
        self.0.should_navigation_request_be_blocked(&mut request, kind, |script| {
            Some(script.to_owned())
        })
    }
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that a page, or what was injected into it, tries.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Load(Load),
    Inline { kind: InlineCheckType, nonce: Option<&'static str>, text: String },
    Eval,
    Wasm,
    Go(&'static str),
    Submit(String),
    SetBase(String),
    BeFramedBy(String),
    MakeTrustedTypes(&'static str),
    WriteMarkup,
}

#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) what: Destination,
    pub(crate) url: String,
    /// Empty if there is none.
    pub(crate) nonce: &'static str,
    pub(crate) integrity: String,
    /// Whether it stands in the markup; otherwise a script that runs already asks for it.
    pub(crate) in_markup: bool,
}

impl Load {
    pub(crate) fn of(what: Destination, url: &str) -> Self {
        Self {
            what,
            url: url.to_owned(),
            nonce: "",
            integrity: String::new(),
            in_markup: !matches!(what, Destination::Worker | Destination::None),
        }
    }

    fn request(&self) -> Request {
        Request {
            url: parse(&self.url),
            current_url: parse(&self.url),
            origin: page_origin(),
            redirect_count: 0,
            destination: self.what,
            initiator: Initiator::None,
            nonce: self.nonce.to_owned(),
            integrity_metadata: self.integrity.clone(),
            parser_metadata: if self.in_markup {
                ParserMetadata::ParserInserted
            } else {
                ParserMetadata::NotParserInserted
            },
        }
    }
}

/// A little of everything, at addresses that the generated policies allow and at others.
pub(crate) fn deeds(nonce: &'static str, scripts: &[&str]) -> Vec<Deed> {
    let mut deeds = vec![
        Deed::Eval,
        Deed::Wasm,
        Deed::Go("javascript:go()"),
        Deed::MakeTrustedTypes("app"),
        Deed::MakeTrustedTypes("injected"),
        Deed::WriteMarkup,
    ];
    for url in URLS {
        deeds.extend(LOADED.iter().map(|what| Deed::Load(Load::of(*what, url))));
        deeds.push(Deed::Load(Load { in_markup: false, ..Load::of(Destination::Script, url) }));
        for what in [Destination::Script, Destination::Style] {
            for nonce in [nonce, "guessed"] {
                deeds.push(Deed::Load(Load { nonce, ..Load::of(what, url) }));
            }
        }
        deeds.push(Deed::Submit((*url).to_owned()));
        deeds.push(Deed::SetBase((*url).to_owned()));
        deeds.push(Deed::BeFramedBy((*url).to_owned()));
    }
    for text in scripts.iter().copied().chain(["injected()"]) {
        let integrity = donjon::headers::csp::Hash::sha256(text).to_string();
        let script = Load::of(Destination::Script, "https://evil.example/x.js");
        deeds.push(Deed::Load(Load { integrity, ..script }));
        for kind in INLINE {
            for nonce in [None, Some(nonce), Some("guessed")] {
                deeds.push(Deed::Inline { kind, nonce, text: text.to_owned() });
            }
        }
    }
    deeds
}

fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn page_origin() -> Origin {
    parse(PAGE).origin()
}

pub(crate) const URLS: &[&str] = &[
    "https://site.example/x",
    "https://a.example/x",
    "https://a.example/js/x",
    "https://a.example:8443/x",
    "http://a.example/x",
    "https://b.example/x",
    "https://www.c.example/x",
    "https://evil.example/x",
    "wss://a.example/x",
    "data:text/plain,x",
    "blob:https://site.example/x",
];

const LOADED: &[Destination] = &[
    Destination::None,
    Destination::Font,
    Destination::IFrame,
    Destination::Image,
    Destination::Manifest,
    Destination::Object,
    Destination::Script,
    Destination::Style,
    Destination::Video,
    Destination::Worker,
];

const INLINE: [InlineCheckType; 5] = [
    InlineCheckType::Script,
    InlineCheckType::ScriptAttribute,
    InlineCheckType::Style,
    InlineCheckType::StyleAttribute,
    InlineCheckType::Navigation,
];
