//! Reports as they are sent, by somebody who may be a browser.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Format;
use super::report::{Report, Violation, clean_address, clean_text};

/// What a body held.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) reports: Vec<Report>,
    /// How many entries were no reports, or more than were asked for.
    pub(super) skipped: u64,
}

/// Reads a body; `None` if it is not what it says. Only the texts that a report keeps are built, and
/// no more reports than `most`: a body costs no more memory than it is long.
pub(super) fn parse(
    format: Format,
    body: &[u8],
    most: usize,
    user_agent: Option<&[u8]>,
    received_at: SystemTime,
) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    let is_object = body.trim_ascii_start().starts_with(b"{");
    match format {
        Format::One => {
            // serde reads a list as an object whose fields come in order.
            if !is_object {
                return None;
            }
            let file: CspReportFile<'_> = serde_json::from_slice(body).ok()?;
            let user_agent = String::from_utf8_lossy(user_agent.unwrap_or_default());
            let report = file.report.into_report(&user_agent, received_at);
            parsed.add(report.filter(|_| most > 0));
        }
        Format::Many => {
            let mut add = |entry: &RawValue| {
                if parsed.reports.len() < most {
                    let entry: Option<Entry<'_>> = serde_json::from_str(entry.get()).ok();
                    parsed.add(entry.and_then(|entry| entry.into_report(received_at)));
                } else {
                    parsed.skipped += 1;
                }
            };
            if is_object {
                add(serde_json::from_slice(body).ok()?);
            } else {
                let mut list = serde_json::Deserializer::from_slice(body);
                list.deserialize_seq(Each(&mut add)).and_then(|()| list.end()).ok()?;
            }
        }
    }
    Some(parsed)
}

impl Parsed {
    fn add(&mut self, report: Option<Report>) {
        match report {
            Some(report) => self.reports.push(report),
            None => self.skipped += 1,
        }
    }
}

/// Hands the entries of a list to a function, one after the other.
struct Each<'f, F>(&'f mut F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Each<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of reports")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element()? {
            (self.0)(entry);
        }
        Ok(())
    }
}

type Text<'a> = Option<Cow<'a, str>>;

/// The form of `report-uri`.
#[derive(Deserialize)]
struct CspReportFile<'a> {
    #[serde(rename = "csp-report", borrow)]
    report: CspReport<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CspReport<'a> {
    #[serde(borrow)]
    document_uri: Text<'a>,
    effective_directive: Text<'a>,
    violated_directive: Text<'a>,
    blocked_uri: Text<'a>,
    disposition: Text<'a>,
    source_file: Text<'a>,
    line_number: Option<u64>,
    column_number: Option<u64>,
    script_sample: Text<'a>,
}

/// The form of the Reporting API.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    url: Text<'a>,
    user_agent: Text<'a>,
    age: Option<u64>,
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CspBody<'a> {
    #[serde(borrow)]
    effective_directive: Text<'a>,
    #[serde(rename = "blockedURL")]
    blocked_url: Text<'a>,
    disposition: Text<'a>,
    source_file: Text<'a>,
    line_number: Option<u64>,
    column_number: Option<u64>,
    sample: Text<'a>,
}

impl CspReport<'_> {
    fn into_report(self, user_agent: &str, received_at: SystemTime) -> Option<Report> {
        let directive = match clean(&self.effective_directive) {
            // Before CSP3 there was only this, with its sources behind it.
            old if old.is_empty() => {
                let violated = clean(&self.violated_directive);
                violated.split(' ').next().unwrap_or_default().to_owned()
            }
            directive => directive,
        };
        if directive.is_empty() {
            return None;
        }
        Some(Report {
            kind: "csp-violation".to_owned(),
            url: address(&self.document_uri),
            age: Duration::ZERO,
            received_at,
            user_agent: clean_text(user_agent),
            violation: Some(Violation {
                directive,
                blocked: address(&self.blocked_uri),
                enforced: self.disposition.as_deref() != Some("report"),
                source_file: address(&self.source_file),
                line: self.line_number,
                column: self.column_number,
                sample: clean(&self.script_sample),
            }),
        })
    }
}

impl Entry<'_> {
    fn into_report(self, received_at: SystemTime) -> Option<Report> {
        let kind = clean_text(&self.kind);
        if kind.is_empty() {
            return None;
        }
        let violation = match kind.as_str() {
            "csp-violation" => {
                let body: CspBody<'_> = serde_json::from_str(self.body?.get()).ok()?;
                Some(body.into_violation())
            }
            _ => None,
        };
        Some(Report {
            kind,
            url: address(&self.url),
            age: Duration::from_millis(self.age.unwrap_or(0)).min(OLDEST),
            received_at,
            user_agent: clean(&self.user_agent),
            violation,
        })
    }
}

impl CspBody<'_> {
    fn into_violation(self) -> Violation {
        Violation {
            directive: clean(&self.effective_directive),
            blocked: address(&self.blocked_url),
            enforced: self.disposition.as_deref() != Some("report"),
            source_file: address(&self.source_file),
            line: self.line_number,
            column: self.column_number,
            sample: clean(&self.sample),
        }
    }
}

fn clean(text: &Text<'_>) -> String {
    clean_text(text.as_deref().unwrap_or_default())
}

fn address(address: &Text<'_>) -> String {
    clean_address(address.as_deref().unwrap_or_default())
}

/// Browsers drop reports long before.
const OLDEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
