//! Where browsers send their reports of violations.
//!
//! **The attack.** An injected script that the policy stopped is an attack that found a hole in the
//! page: whoever runs the site wants to hear of it. But the endpoint is open to everybody, without
//! a session and without a token, so it is also a place to fill disks, forge log lines and burn
//! time.
//!
//! **The rule.** [CSP3, section 5](https://www.w3.org/TR/CSP3/#reporting) and the
//! [Reporting API](https://www.w3.org/TR/reporting-1/): `application/csp-report` holds one report,
//! `application/reports+json` a list.
//!
//! - [`ReportCollector`] is a tower service and, with the feature `actix`, an actix-web service.
//! - At most 64 KiB per request are read, 100 reports taken, and 10 requests a second answered with
//!   bursts of 100; all three can be [changed](ReportCollector::max_body). What is too large or too
//!   fast is refused before it is read, and reports beyond the hundredth are skipped; both are
//!   counted.
//! - What browser extensions cause is dropped: it is noise, and not your page's.
//! - A [`Report`] holds no query and no fragment of any address, no control characters and no text
//!   longer than 1024 bytes.
//! - With an [`EventLog`](crate::event::EventLog) around it each violation is an event too,
//!   `x_csp_violation`, whose reason is the directive.
//! - The answer is 204 and says nothing of what was done.
//!
//! What it does not do: nothing in a report can be believed. Anybody may send one, so count them
//! and look, but let nothing happen by itself.
//!
//! # Deployment caveats
//!
//! The rate is for the whole endpoint, not per address: one who floods it drowns the others'
//! reports. Leave it out of CSRF checks; browsers send no token with reports. It does not wait for
//! slow bodies any less than your server does: put a timeout around it.
//!
//! It is for reports of its own origin. To collect those of others it would have to answer their
//! browsers' preflight requests, and it does not.
//!
//! # Example
//!
//! ```
//! use donjon::headers::collector::{Report, ReportCollector};
//! use http::{Request, header::CONTENT_TYPE};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (seen, reports) = std::sync::mpsc::channel();
//! let collector = ReportCollector::new(move |report: Report| {
//!     let _ = seen.send(report);
//! });
//!
//! let request = Request::post("/csp-reports")
//!     .header(CONTENT_TYPE, "application/csp-report")
//!     .body(axum::body::Body::from(
//!         r#"{"csp-report": {
//!             "document-uri": "https://example.com/reset?token=secret",
//!             "effective-directive": "script-src-elem",
//!             "blocked-uri": "inline"
//!         }}"#,
//!     ))?;
//! let response = collector.oneshot(request).await?;
//!
//! assert_eq!(response.status(), 204);
//! let report = reports.recv()?;
//! let violation = report.violation.expect("a violation of the Content-Security-Policy");
//! assert_eq!(report.url, "https://example.com/reset");
//! assert_eq!(violation.directive, "script-src-elem");
//! assert_eq!(violation.blocked, "inline");
//! # Ok(())
//! # }
//! ```
//!
//! In axum: `.route_service("/csp-reports", collector)`. In actix-web:
//! `.service(collector.at("/csp-reports"))`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use self::rate::{Meter, Rate};
pub use self::report::{Report, Violation};
use crate::clock::{Clock, SystemClock};
use crate::event::Reporter;
use crate::head::{Name, Value};
use crate::refusal::Refusal;

mod rate;
mod report;
mod wire;

/// Takes reports from browsers and hands them on.
///
/// See the [module docs](self) for an example. A clone shares the rate and the count of what was
/// dropped, until it is given a rate or a clock of its own.
#[derive(Clone)]
pub struct ReportCollector {
    sink: Arc<dyn ReportSink>,
    clock: Arc<dyn Clock>,
    max_body: usize,
    max_reports: usize,
    rate: Rate,
    state: Arc<State>,
}

/// What a [`ReportCollector`] hands reports to. It runs while the browser waits for its answer, so
/// what takes long belongs in a queue.
pub trait ReportSink: Send + Sync + 'static {
    /// Takes a report.
    fn receive(&self, report: Report);
}

impl<F: Fn(Report) + Send + Sync + 'static> ReportSink for F {
    fn receive(&self, report: Report) {
        self(report);
    }
}

#[derive(Debug, Default)]
struct State {
    meter: Meter,
    dropped: AtomicU64,
}

impl ReportCollector {
    /// A collector that hands reports to the sink: anything that takes a [`Report`].
    pub fn new(sink: impl ReportSink) -> Self {
        Self {
            sink: Arc::new(sink),
            clock: Arc::new(SystemClock::default()),
            max_body: 64 * 1024,
            max_reports: 100,
            rate: Rate { interval: Duration::from_millis(100), burst: 100 },
            state: Arc::default(),
        }
    }

    /// The largest body that is read, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The most reports taken from one request.
    #[must_use]
    pub fn max_reports(mut self, reports: usize) -> Self {
        self.max_reports = reports;
        self
    }

    /// One request per interval, and as many at once as `burst` says; at least one. An interval of
    /// zero is no limit.
    #[must_use]
    pub fn rate(mut self, interval: Duration, burst: u32) -> Self {
        self.rate = Rate { interval, burst: burst.max(1) };
        self.state = Arc::default();
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self.state = Arc::default();
        self
    }

    /// How many requests and reports have been refused or dropped, extensions' noise included.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.state.dropped.load(Ordering::Relaxed)
    }

    /// Decides on the request's head, before anything of the body is read.
    pub(crate) fn admit(&self, head: &ReportHead<'_>) -> Result<Format, Refusal> {
        let refuse = |status, reason| Err(self.refuse(Refusal::new(status, reason)));
        if head.method != "POST" {
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "reports are posted");
            return Err(self.refuse(match Value::new("POST") {
                Some(post) => refusal.with_header(ALLOW, post),
                None => refusal,
            }));
        }
        let Some(format) = head.content_type.and_then(Format::of) else {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "no report");
        };
        if head.content_encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
        {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "browsers do not compress reports");
        }
        let declared = head
            .content_length
            .and_then(|length| std::str::from_utf8(length).ok()?.trim().parse::<usize>().ok());
        if declared.is_some_and(|length| length > self.max_body) {
            return Err(self.too_large());
        }
        self.take_turn()?;
        Ok(format)
    }

    /// Parses a body and hands its reports on.
    pub(crate) fn collect(
        &self,
        format: Format,
        user_agent: Option<&[u8]>,
        body: &[u8],
        reporter: Option<&Reporter>,
    ) -> Result<(), Refusal> {
        if body.len() > self.max_body {
            return Err(self.too_large());
        }
        let now = self.clock.now();
        let Some(parsed) = wire::parse(format, body, self.max_reports, user_agent, now) else {
            return Err(self.refuse(Refusal::new(StatusCode::BAD_REQUEST, "unreadable report")));
        };
        let (noise, reports): (Vec<_>, Vec<_>) =
            parsed.reports.into_iter().partition(Report::is_noise);
        let dropped = parsed.skipped.saturating_add(noise.len() as u64);
        self.state.dropped.fetch_add(dropped, Ordering::Relaxed);
        for report in reports {
            if let (Some(reporter), Some(violation)) = (reporter, &report.violation) {
                reporter.emit(violation.event());
            }
            self.sink.receive(report);
        }
        Ok(())
    }

    pub(crate) fn body_limit(&self) -> usize {
        self.max_body
    }

    pub(crate) fn too_large(&self) -> Refusal {
        self.refuse(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "report too large"))
    }

    pub(crate) fn broken_off(&self) -> Refusal {
        self.refuse(Refusal::new(StatusCode::BAD_REQUEST, "body broken off"))
    }

    fn take_turn(&self) -> Result<(), Refusal> {
        self.state.meter.take(self.rate, self.clock.elapsed()).map_err(|wait| {
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many reports");
            self.refuse(refusal.retry_after(wait))
        })
    }

    fn refuse(&self, refusal: Refusal) -> Refusal {
        self.state.dropped.fetch_add(1, Ordering::Relaxed);
        refusal
    }
}

impl fmt::Debug for ReportCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportCollector")
            .field("max_body", &self.max_body)
            .field("max_reports", &self.max_reports)
            .field("rate", &self.rate)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The parts of a request's head that matter.
#[derive(Debug)]
pub(crate) struct ReportHead<'a> {
    pub(crate) method: &'a str,
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) content_encoding: Option<&'a [u8]>,
    pub(crate) content_length: Option<&'a [u8]>,
}

/// The two forms a report comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// `application/csp-report`
    One,
    /// `application/reports+json`
    Many,
}

impl Format {
    fn of(content_type: &[u8]) -> Option<Self> {
        let essence = content_type.split(|byte| *byte == b';').next()?.trim_ascii();
        match () {
            () if essence.eq_ignore_ascii_case(b"application/csp-report") => Some(Self::One),
            () if essence.eq_ignore_ascii_case(b"application/reports+json") => Some(Self::Many),
            () => None,
        }
    }
}

const ALLOW: Name = Name::from_static("allow");
