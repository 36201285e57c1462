//! The report collector is open to everybody: whatever is sent to it, it answers what it says it
//! answers, and what it hands on is bounded and cannot forge a line in a log.

#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::Arbitrary;
use donjon::headers::collector::{Report, ReportCollector};
use donjon_fuzz::ready;
use http::{HeaderValue, Request};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tower_service::Service;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    post: bool,
    content_type: ContentType<'a>,
    encoding: Option<&'a [u8]>,
    length: Option<u32>,
    user_agent: Option<&'a [u8]>,
    body: Body<'a>,
    max_body: u16,
    max_reports: u8,
}

#[derive(Arbitrary, Debug)]
enum ContentType<'a> {
    One,
    Many,
    Any(&'a [u8]),
    Absent,
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    Any(&'a [u8]),
    One(Fields<'a>),
    Many(Vec<Fields<'a>>),
}

/// What a browser would write, with anything in it.
#[derive(Arbitrary, Debug)]
struct Fields<'a> {
    kind: Text<'a>,
    document: Text<'a>,
    directive: Text<'a>,
    blocked: Text<'a>,
    source_file: Text<'a>,
    sample: Text<'a>,
    line: u64,
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Any(&'a str),
    Often(&'a str, u16),
    Awkward(Vec<u8>),
    Csp,
    Data(&'a str),
    Absent,
}

fuzz_target!(|input: Input<'_>| {
    let received = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&received);
    let mut collector =
        ReportCollector::new(move |report: Report| sink.lock().unwrap().push(report))
            .max_body(usize::from(input.max_body))
            .max_reports(usize::from(input.max_reports))
            .rate(Duration::ZERO, 1);

    let body = input.body.bytes();
    let too_large = body.len() > usize::from(input.max_body);
    let response = match ready(collector.call(input.request(body.clone()))) {
        Ok(response) => response,
        Err(never) => match never {},
    };

    let status = response.status().as_u16();
    let reports = received.lock().unwrap();
    assert!(matches!(status, 204 | 400 | 405 | 413 | 415), "{status}");
    assert_eq!(status == 405, !input.post, "{status}");
    assert!(!too_large || status != 204, "{} bytes were read", body.len());
    assert!(status == 204 || reports.is_empty(), "{status}, and yet it was handed on");
    let handled = collector.dropped() + u64::try_from(reports.len()).unwrap();
    match input.body.reports() {
        _ if status != 204 => assert_eq!(handled, 1, "the refusal is counted"),
        Some(sent) => assert_eq!(handled, sent, "each is handed on or counted"),
        None => {}
    }
    assert!(reports.len() <= usize::from(input.max_reports));
    for report in &*reports {
        keeps_its_promises(report);
    }
    drop(reports);

    // Over the rate nothing is read: the next request comes at the same moment.
    let mut once = collector.rate(Duration::from_secs(3600), 1);
    let before = received.lock().unwrap().len();
    for expected in [204, 429] {
        let request = Request::post("/")
            .header("content-type", "application/reports+json")
            .body(Full::new(&b"[]"[..]))
            .unwrap();
        // The limits above may be too small for the two bytes.
        let status = ready(once.call(request)).unwrap().status().as_u16();
        assert!(status == expected || (input.max_body < 2 && status == 413), "{status}");
    }
    assert_eq!(received.lock().unwrap().len(), before);
});

fn keeps_its_promises(report: &Report) {
    let mut texts = vec![&report.kind, &report.url, &report.user_agent];
    let mut addresses = vec![&report.url];
    if let Some(violation) = &report.violation {
        texts.extend([
            &violation.directive,
            &violation.blocked,
            &violation.source_file,
            &violation.sample,
        ]);
        addresses.extend([&violation.blocked, &violation.source_file]);
    }
    assert!(report.age <= Duration::from_secs(7 * 24 * 60 * 60), "{:?}", report.age);
    for text in texts {
        assert!(text.len() <= 1024, "{} bytes: {text:?}", text.len());
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains(is_bidirectional_control), "{text:?}");
    }
    for address in addresses {
        assert!(!address.contains(['?', '#']), "{address:?}");
        let authority = address.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        assert!(!authority.is_some_and(|host| host.contains('@')), "{address:?}");
        let is_data = address.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case("data:"));
        assert!(!is_data || address.len() == 5, "content, not an address: {address:?}");
    }
}

/// Unicode's property `Bidi_Control`: what makes a line look like another.
fn is_bidirectional_control(char: char) -> bool {
    matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl Input<'_> {
    fn request(&self, body: Vec<u8>) -> Request<Full<std::io::Cursor<Vec<u8>>>> {
        let content_type = match self.content_type {
            ContentType::One => Some(&b"application/csp-report"[..]),
            ContentType::Many => Some(&b"application/reports+json"[..]),
            ContentType::Any(bytes) => Some(bytes),
            ContentType::Absent => None,
        };
        let length = self.length.map(|length| length.to_string());
        let mut request = Request::new(Full::new(std::io::Cursor::new(body)));
        *request.method_mut() = if self.post { http::Method::POST } else { http::Method::GET };
        for (name, value) in [
            ("content-type", content_type),
            ("content-encoding", self.encoding),
            ("content-length", length.as_deref().map(str::as_bytes)),
            ("user-agent", self.user_agent),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value).ok()) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

impl Body<'_> {
    /// How many reports it holds, if that is known.
    fn reports(&self) -> Option<u64> {
        match self {
            Self::Any(_) => None,
            Self::One(_) => Some(1),
            Self::Many(reports) => u64::try_from(reports.len()).ok(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let json = match self {
            Self::Any(bytes) => return bytes.to_vec(),
            Self::One(report) => json!({"csp-report": report.of_csp_report()}),
            Self::Many(reports) => reports.iter().map(Fields::of_reporting_api).collect(),
        };
        json.to_string().into_bytes()
    }
}

impl Fields<'_> {
    fn of_csp_report(&self) -> Value {
        json!({
            "document-uri": self.document.json(),
            "effective-directive": self.directive.json(),
            "violated-directive": self.kind.json(),
            "blocked-uri": self.blocked.json(),
            "source-file": self.source_file.json(),
            "script-sample": self.sample.json(),
            "line-number": self.line,
        })
    }

    fn of_reporting_api(&self) -> Value {
        json!({
            "type": self.kind.json(),
            "url": self.document.json(),
            "age": self.line,
            "user_agent": self.sample.json(),
            "body": {
                "effectiveDirective": self.directive.json(),
                "blockedURL": self.blocked.json(),
                "sourceFile": self.source_file.json(),
                "sample": self.sample.json(),
                "lineNumber": self.line,
            },
        })
    }
}

impl Text<'_> {
    fn json(&self) -> Value {
        match self {
            Self::Any(text) => (*text).into(),
            Self::Often(text, times) => text.repeat(usize::from(*times) % 2000).into(),
            Self::Awkward(chars) => {
                let nth = |n: &u8| AWKWARD[usize::from(*n) % AWKWARD.len()];
                chars.iter().map(nth).collect::<String>().into()
            }
            Self::Csp => "csp-violation".into(),
            Self::Data(text) => format!("data:{text}").into(),
            Self::Absent => Value::Null,
        }
    }
}

const AWKWARD: &[&str] = &[
    "\0",
    "\n",
    "\r",
    "\x1b",
    "\x7f",
    "\u{85}",
    "\u{61c}",
    "\u{200f}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "\u{e9}",
    "\u{1f600}",
    "?",
    "#",
    ":",
    "/",
    "@",
    "\\",
    "https://",
    "DATA:",
    "blob:",
    "a.example",
];
