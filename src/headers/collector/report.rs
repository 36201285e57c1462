//! A report, read out of what somebody who may be a browser has sent.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::Format;

/// A report of a browser, or of somebody who pretends to be one.
///
/// Every text in it is at most 1024 bytes long and without control characters, and every address
/// without query and fragment.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What kind of report it is, such as `csp-violation`, `coep`, `deprecation`.
    pub kind: String,
    /// The page it is about.
    pub url: String,
    /// How long before it was sent the browser noticed.
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

/// Reads a body; `None` if it is not what it says, and within it for what is no report.
pub(super) fn parse(
    format: Format,
    body: &[u8],
    user_agent: Option<&[u8]>,
    received_at: SystemTime,
) -> Option<impl Iterator<Item = Option<Report>>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let user_agent = String::from_utf8_lossy(user_agent.unwrap_or_default()).into_owned();
    let reports = match (format, body) {
        (Format::One, mut body) => vec![body.get_mut("csp-report")?.take()],
        (Format::Many, Value::Array(reports)) => reports,
        (Format::Many, report @ Value::Object(_)) => vec![report],
        (Format::Many, _) => return None,
    };
    let read = move |report: &Value| match format {
        Format::One => Report::of_csp_report(report, &user_agent, received_at),
        Format::Many => Report::of_reporting_api(report, received_at),
    };
    Some(reports.into_iter().map(move |report| read(&report)))
}

impl Report {
    /// The form of `report-uri`.
    fn of_csp_report(report: &Value, user_agent: &str, received_at: SystemTime) -> Option<Self> {
        let directive = match text(report, "effective-directive") {
            // Before CSP3 there was only this, with its sources behind it.
            old if old.is_empty() => {
                let violated = text(report, "violated-directive");
                violated.split(' ').next().unwrap_or_default().to_owned()
            }
            directive => directive,
        };
        if directive.is_empty() {
            return None;
        }
        Some(Self {
            kind: "csp-violation".to_owned(),
            url: address(report, "document-uri"),
            age: Duration::ZERO,
            received_at,
            user_agent: clean(user_agent),
            violation: Some(Violation {
                directive,
                blocked: address(report, "blocked-uri"),
                enforced: text(report, "disposition") != "report",
                source_file: address(report, "source-file"),
                line: report.get("line-number").and_then(Value::as_u64),
                column: report.get("column-number").and_then(Value::as_u64),
                sample: text(report, "script-sample"),
            }),
        })
    }

    /// The form of the Reporting API.
    fn of_reporting_api(report: &Value, received_at: SystemTime) -> Option<Self> {
        let kind = text(report, "type");
        if kind.is_empty() {
            return None;
        }
        let body = report.get("body").unwrap_or(&Value::Null);
        Some(Self {
            url: address(report, "url"),
            age: Duration::from_millis(report.get("age").and_then(Value::as_u64).unwrap_or(0)),
            received_at,
            user_agent: text(report, "user_agent"),
            violation: (kind == "csp-violation").then(|| Violation {
                directive: text(body, "effectiveDirective"),
                blocked: address(body, "blockedURL"),
                enforced: text(body, "disposition") != "report",
                source_file: address(body, "sourceFile"),
                line: body.get("lineNumber").and_then(Value::as_u64),
                column: body.get("columnNumber").and_then(Value::as_u64),
                sample: text(body, "sample"),
            }),
            kind,
        })
    }

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

fn text(object: &Value, field: &str) -> String {
    clean(object.get(field).and_then(Value::as_str).unwrap_or_default())
}

/// An address without its query and fragment, where tokens and search words stand.
fn address(object: &Value, field: &str) -> String {
    let address = text(object, field);
    match address.find(['?', '#']) {
        Some(end) => address[..end].to_owned(),
        // The rest of a `data:` address is content, not an address.
        None if address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) => {
            "data:".to_owned()
        }
        None => address,
    }
}

/// Bounded, and without what could forge a line in a log or confuse a terminal.
fn clean(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(|char| if is_harmless(char) { char } else { '\u{fffd}' }).collect()
}

fn is_harmless(char: char) -> bool {
    // Bidirectional controls and line separators reorder or break what people read.
    !char.is_control()
        && !matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
