//! Of every header: a text that is accepted is sent as a valid header value, and what is sent is
//! read as the same value again.

#![no_main]

use arbitrary::Arbitrary;
use donjon::headers::{HeaderKind, ReportOnly, SecurityHeader, SecurityHeaders};
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    header: u8,
    text: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let kind = HeaderKind::ALL[usize::from(input.header) % HeaderKind::ALL.len()];
    let Ok(header) = SecurityHeader::parse(kind, input.text) else {
        return;
    };

    assert_eq!(header.kind(), kind);
    // A policy's place for the nonce is only in its text.
    let written = match &header {
        SecurityHeader::ContentSecurityPolicy(policy)
        | SecurityHeader::ContentSecurityPolicyReportOnly(ReportOnly(policy)) => policy.to_string(),
        header => header.value().into_owned(),
    };
    assert_eq!(SecurityHeader::parse(kind, &written), Ok(header.clone()), "{written:?}");

    let sent = header.value();
    let value = HeaderValue::from_str(&sent).expect("a header value");
    assert!(value.to_str().is_ok(), "visible ASCII: {sent:?}");
    assert!(!sent.is_empty() && sent.trim() == sent, "{sent:?}");
    let read = SecurityHeader::parse(kind, &sent).expect("what is sent is accepted");
    assert_eq!(read.value(), sent);

    // Alone it builds, unless it names an endpoint or says what a report-only policy cannot.
    if let Ok(headers) = SecurityHeaders::builder().with(header).build() {
        assert!(headers.get(kind).is_some());
    }
});
