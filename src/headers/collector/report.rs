//! A report, and what it must not hold.

use std::time::{Duration, SystemTime};

use crate::event::{Draft, EventName, SecurityEvent, Severity};
use crate::headers::csp::Directive;

use crate::text;

/// A report of a browser, or of somebody who pretends to be one.
///
/// Every text in it is at most 1024 bytes long and without control characters, and every address
/// without query, fragment, user name and password.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What kind of report it is, such as `csp-violation`, `coep`, `deprecation`.
    pub kind: String,
    /// The page it is about.
    pub url: String,
    /// How long before it was sent the browser noticed; a week at most.
    pub age: Duration,
    /// When it came in.
    pub received_at: SystemTime,
    /// The browser's name of itself.
    pub user_agent: String,
    /// What the Content-Security-Policy stopped, if that is what the report is about.
    pub violation: Option<Violation>,
}

/// What a Content-Security-Policy stopped, or would have stopped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// The directive that stopped it.
    pub directive: String,
    /// What was stopped: an address, or a word such as `inline` or `eval`.
    pub blocked: String,
    /// Whether the policy was enforced; otherwise it only reports.
    pub enforced: bool,
    /// The file in which it stood, if it is known.
    pub source_file: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
    /// The first 40 characters of what was stopped, if the policy says `'report-sample'`.
    pub sample: String,
}

impl Violation {
    /// The violation as an event, in which nothing is that the browser wrote.
    pub(super) fn event(&self) -> Draft<'static> {
        let event = SecurityEvent::draft(EventName::CspViolation);
        let event = if self.enforced { event } else { event.severity(Severity::Info) };
        match Directive::from_name(&self.directive) {
            Ok(directive) => event.reason(directive.name()),
            Err(_) => event.reason("a directive that is not known"),
        }
    }
}

impl Report {
    /// Whether a browser extension, or the browser itself, has caused it.
    pub(super) fn is_noise(&self) -> bool {
        self.violation.as_ref().is_some_and(|violation| {
            [&violation.blocked, &violation.source_file].iter().any(|address| {
                let scheme = address.split_once(':').map_or(&***address, |(scheme, _)| scheme);
                NOT_OF_THE_PAGE.iter().any(|noise| scheme.eq_ignore_ascii_case(noise))
            })
        })
    }
}

/// An address without what may be secret in it: its query and fragment, where tokens and search
/// words stand, and a user's name and password.
pub(super) fn clean_address(address: &str) -> String {
    if address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        // The rest is content, not an address.
        return "data:".to_owned();
    }
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let address = &address[..end];
    if let Some((scheme, rest)) = address.split_once("://") {
        let authority = rest.find('/').unwrap_or(rest.len());
        if let Some(user) = rest[..authority].rfind('@') {
            return clean_text(&format!("{scheme}://{}", &rest[user + 1..]));
        }
    }
    clean_text(address)
}

/// Bounded, and without what could forge a line in a log or confuse a terminal.
pub(super) fn clean_text(text: &str) -> String {
    text::clean(text, MAX_TEXT)
}

const MAX_TEXT: usize = 1024;

/// Schemes, and words that stand for one, of what is not the page's.
const NOT_OF_THE_PAGE: &[&str] = &[
    "about",
    "chrome",
    "chrome-extension",
    "chromeinvoke",
    "chromeinvokeimmediate",
    "chromenull",
    "edge-extension",
    "moz-extension",
    "ms-browser-extension",
    "mx",
    "mxaddon-pkg",
    "resource",
    "safari-extension",
    "safari-resource",
    "safari-web-extension",
    "symres",
    "webkit-masked-url",
    "webviewprogressproxy",
];
