//! Bodies that never end, numbers written otherwise, telephone numbers, web sockets, logs that are cut.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use donjon::adapters::card::tower::Watched;
use donjon::payment::card::{Scanner, Scrubbing, scrub};
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::apps::{Ask, both};
use crate::{CARD, form, guard, logged, multipart};

fn is_found(text: impl AsRef<[u8]>) -> bool {
    let (mut scanner, mut found) = (Scanner::new(), false);
    scanner.push(text.as_ref(), |_| found = true);
    scanner.finish(|_| found = true);
    found
}

/// Many bytes are passed over at once, and digits that stand alone: none that matters is.
#[tokio::test]
async fn no_number_is_passed_over() {
    for filler in ["x", "é", "7", "12,", "1700000000000;", "\"a\":1,", "% ", "\\", "&#", "+\0"] {
        for count in 0..70 {
            let before = filler.repeat(count);
            for number in [CARD, "4111-1111 1111.1111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"] {
                for text in [format!("{before};{number}"), format!("{before};{number}:{before}")] {
                    assert!(is_found(&text), "{text:?}");
                }
            }
        }
    }
    for count in 0..20 {
        let ask = Ask::get("/echo").header("x-note", &format!("{};{CARD}", "x7".repeat(count)));
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 422, "{framework}: {ask:?}");
        }
    }
}

/// Nobody looks into it, whatever is exempt.
#[tokio::test]
async fn a_compressed_body_is_refused_where_its_header_is_exempt() {
    let exempt = guard().exempt_header("content-encoding").unwrap();
    for (coding, status) in [("gzip", 415), ("identity", 200)] {
        let ask = form("text/plain", "x").header("content-encoding", coding);
        for (framework, seen) in both!(exempt.clone(), logged().1, &ask) {
            assert_eq!(seen.status, status, "{framework}: {coding}");
        }
    }
}

/// A body of many chunks, which counts those that were taken.
struct Endless(Bytes, Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let taken = self.1.fetch_add(1, Ordering::Relaxed);
        Poll::Ready((taken < 1000).then(|| Ok(Frame::data(self.0.clone()))))
    }
}

#[tokio::test]
async fn no_body_is_collected() {
    for (first, chunk) in [
        ("", "\\".repeat(1024)),
        ("%", "25".repeat(512)),
        ("3.", "1".repeat(1024)),
        ("4", "\\".repeat(1024)),
        ("DE89 4111 1111 1111 1111 ", "1 ".repeat(512)),
        ("DE89 4111 1111 1111 1111 ", "1".repeat(1024)),
        ("", "4\0\0\0".repeat(256)),
        ("", "4 ".repeat(512)),
    ] {
        let mut scanner = Scanner::new();
        scanner.push(first.as_bytes(), |_| {});
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let service = service_fn(move |request: Request<Watched<Endless>>| {
            let taken = counter.clone();
            async move {
                let mut body = std::pin::pin!(request.into_body());
                let _ = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
                let all = taken.load(Ordering::Relaxed);
                Ok::<_, Infallible>(Response::new(Body::from(all.to_string())))
            }
        });
        let body = Endless([first.as_bytes(), chunk.as_bytes()].concat().into(), taken.clone());
        let _ = guard().layer(service).oneshot(Request::post("/").body(body).unwrap()).await;
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < 4, "{first:?} {:?}: {taken} chunks before one was handed on", &chunk[..8]);
    }
}

/// The same where only the first chunk has the beginning.
#[tokio::test]
async fn a_long_fraction_is_not_collected() {
    let mut chunks = vec!["3.".to_owned()];
    chunks.extend((0..100).map(|_| "1".repeat(1000)));
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    for (framework, seen) in both!(guard(), logged().1, &Ask::post("/echo").chunks(&chunks)) {
        assert_eq!((seen.status, seen.body.len()), (200, 100_002), "{framework}");
    }
}

#[test]
fn what_decoders_read_is_found() {
    for text in [
        // as PHP writes a slash
        r#"{"n":"4111\/1111\/1111\/1111"}"#,
        // as Rust prints a text, and bytes
        r"4111\u{a0}1111\u{a0}1111\u{a0}1111",
        r"4111\xc2\xa01111\xc2\xa01111\xc2\xa01111",
    ] {
        assert!(is_found(text), "{text}");
    }
    let debugged = format!("{:?}", "4111\u{200b}1111\u{200b}1111\u{200b}1111");
    assert_eq!(scrub(&debugged), "\"[visa ending 1111]\"");
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    for text in [
        "4111111111111111 12/26 123",
        "4111 - 1111 - 1111 - 1111",
        "3782 822463 10005",
        "a;4111111111111111;12;26",
    ] {
        assert!(is_found(utf16(text)), "{text}");
    }
}

#[actix_web::test]
async fn telephones_and_coordinates_pass() {
    let mut phones = 0;
    for number in (0..1_000_000_u64).step_by(997) {
        let number = format!("4915{:09}", number * 991);
        phones += usize::from(is_found(format!("{{\"tel\":\"+{number}\"}}")));
        phones += usize::from(is_found(format!("tel=%2B{number}&a=1")));
        phones += usize::from(is_found(number));
    }
    assert_eq!(phones, 0);
    assert!(!is_found("+4930123456786") && !is_found("+4367712345678"));
    for text in [
        "POINT(2.4111111111111111 48.4111111111111111)",
        "2.4222222222222 48.4222222222222 -1.4222222222222",
        "M 0.4111111111111111-12.4111111111111111",
        "[.4111111111111111,-.4111111111111111]",
        "a=.4111111111111111;",
    ] {
        assert!(!is_found(text), "{text}");
        assert!(!is_found(format!("{text} ")), "{text}");
    }
    for text in [
        "no.4111111111111111",
        "v1.4111111111111111",
        "1.2.4111111111111111",
        "10.0.0.1.4111111111111111",
        "card....4111111111111111",
        "1 12.50 4111111111111111",
        "+4111111111111111",
        "4111111111111111.4111111111111111",
        "4111 1111.1111 1111",
        "q=a+4222222222222",
        "4222222222222",
    ] {
        assert!(is_found(text), "{text}");
    }
    let trace = "105445aa7843bc8bf206b12000100000/4111111111111111";
    for trace in [trace.to_owned(), format!("{trace};o=1")] {
        let ask = Ask::get("/echo").header("x-cloud-trace-context", &trace);
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 200, "{framework}");
        }
    }
    for trace in [CARD.to_owned(), format!("{trace};o=1 {CARD}")] {
        let ask = Ask::get("/echo").header("x-cloud-trace-context", &trace);
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 422, "{framework}");
        }
    }
}

#[test]
fn a_log_has_no_number_at_a_cut_and_nothing_twice() {
    for before in 65_500..65_540 {
        let mut log = Vec::new();
        let mut scrubbing = Scrubbing::new(&mut log);
        scrubbing.write_all(&vec![b'x'; before]).unwrap();
        scrubbing.write_all(b" \xc3").unwrap();
        scrubbing.write_all(b"\xa9 411111").unwrap();
        scrubbing.write_all(b"1111111111 y\n").unwrap();
        drop(scrubbing);
        let log = String::from_utf8(log).unwrap();
        assert_eq!(&log[before..], " \u{e9} [visa ending 1111] y\n", "{before}");
    }
    let text = "DE89 4111 1111 1111 1111 4111 1111 1111 1111 5555 5555 5555 4444 x";
    let scrubbed = "DE89 [visa ending 1111] [visa ending 1111] [mastercard ending 4444] x";
    assert_eq!(scrub(text), scrubbed);
}

/// actix-web hands the bytes of a web socket on as those of a body.
#[actix_web::test]
async fn a_web_socket_waits_for_nothing() {
    use actix_web::body::MessageBody as _;
    use actix_web::dev::Payload;
    use actix_web::error::PayloadError;
    use actix_web::{App, HttpResponse, test, web};
    use futures_util::{Stream, StreamExt as _, stream};

    for guard in [guard(), guard().block_responses()] {
        let app =
            App::new().wrap(guard).default_service(web::to(|body: web::Payload| async move {
                HttpResponse::SwitchingProtocols().streaming(body)
            }));
        let app = test::init_service(app).await;
        // The last byte of a masked frame is any.
        let frame = Bytes::from_static(b"\x81\x83abcd123%");
        let frames = stream::iter([Ok::<_, PayloadError>(frame.clone())]).chain(stream::pending());
        let request = test::TestRequest::get()
            .insert_header(("connection", "upgrade"))
            .insert_header(("upgrade", "websocket"));
        let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(frames);
        let payload = Payload::Stream { payload };
        let request = request.to_request().replace_payload(payload).0;
        let response = test::call_service(&app, request).await;
        assert_eq!(response.status(), 101);
        let mut body = response.into_body();
        let first = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
        assert_eq!(first.unwrap().unwrap(), frame);
        let waits = futures_util::poll!(poll_fn(|cx| Pin::new(&mut body).poll_next(cx)));
        assert!(waits.is_pending());
    }
}

/// Whatever a client says of an upgrade, it is the handler that makes one.
#[actix_web::test]
async fn an_upgrade_that_is_only_asked_for_hides_nothing() {
    let ask =
        form("text/plain", CARD).header("upgrade", "websocket").header("connection", "upgrade");
    for (framework, seen) in both!(guard(), logged().1, &ask) {
        assert_eq!(seen.status, 422, "{framework}");
    }
}

#[actix_web::test]
async fn a_host_in_the_target_and_more_names_count() {
    for ask in [
        Ask::get(&format!("http://{CARD}.example/echo")),
        form("application/x-www-form-urlencoded", "ccv=123"),
        multipart(&[("name=\"cardCcv\"", "")]),
        multipart(&[("filename=\"my name=a\"; name=\"cvv\"", "")]),
        multipart(&[("name*=UTF-8''cvv", "")]),
        multipart(&[("name=\"a\"; name*=utf-8'en'%63v%76", "")]),
        form("application/x-www-form-urlencoded", "cvv[]=123"),
        form("application/x-www-form-urlencoded", "cvv[0]=123"),
        form("application/x-www-form-urlencoded", "card%5Bcvv%5D%5B0%5D=123"),
        form("application/json", r#"{"card.numbers":1,"card[number][12]":""}"#),
        form(
            "multipart/mixed; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"cvv\"\r\n\r\n1\r\n--x--\r\n",
        ),
    ] {
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 422, "{framework}: {ask:?}");
        }
    }
}

/// As frameworks name the fields of a form that has others inside.
const DEEP: &str =
    "registration[members_attributes][12][payment_attributes][0][credit_card_attributes]";

#[actix_web::test]
async fn a_name_counts_however_deep_it_is() {
    let urlencoded = "application/x-www-form-urlencoded";
    for ask in [
        form(urlencoded, "cvv.100=123"),
        form(urlencoded, "cvv:1234=123"),
        form(urlencoded, "cvv[0][0]=123"),
        form(urlencoded, "card[0][cvv][1][22]=123"),
        form("application/json", r#"{"card.cvv.0.100":""}"#),
        form(urlencoded, &format!("{DEEP}[security_code]=")),
        form(urlencoded, &format!("{DEEP}[number]=4&{DEEP}[card_number][0]=")),
        multipart(&[(&format!("name=\"{DEEP}[cvv]\""), "")]),
    ] {
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 422, "{framework}: {ask:?}");
        }
    }
    let clean = "cvv_required.100=1&seat[0][0]=1&a.100=1&[0][0]=1&100=1&1[0]=2";
    for clean in [clean, &format!("{DEEP}[number]=1&{DEEP}[holder]=a&{}=1", "pan".repeat(30))] {
        for (framework, seen) in both!(guard(), logged().1, &form(urlencoded, clean)) {
            assert_eq!(seen.status, 200, "{framework}: {clean}");
        }
    }
    let exempt = guard().exempt_field("siret").unwrap();
    let deep = form(urlencoded, &format!("{DEEP}[siret]=36227206271667"));
    for (framework, seen) in both!(exempt, logged().1, &deep) {
        assert_eq!(seen.status, 200, "{framework}");
    }
    assert!(guard().exempt_field(&"siret".repeat(13)).is_err());
}

/// axum takes for a form whatever has a type that begins as one.
#[actix_web::test]
async fn a_form_is_what_others_take_for_one() {
    for kind in ["-not", ", text/plain", " ; charset=utf-8", ""] {
        let ask = form(&format!("application/x-www-form-urlencoded{kind}"), "cvv=123");
        for (framework, seen) in both!(guard(), logged().1, &ask) {
            assert_eq!(seen.status, 422, "{framework}: {kind}");
        }
    }
}

/// What those who read forms take for the name of a part, by whatever rules.
#[actix_web::test]
async fn the_head_of_a_part_is_read_as_freely_as_others_read_it() {
    let long = "a".repeat(300);
    for head in [
        "name = \"cvv\"",
        "name\t=\tcvv",
        "NAME*=utf-8'en'%63vv",
        "name*=utf-8'en'%63vv; name=\"a\"",
        "name=\"a\"; name=\"cvv\"",
        "a=b\"; name=\"cvv\"",
        "name=\"cvv\\\"; filename=\"a\"",
        "name=\"a\\\" cvv\"; filename=\"a\"",
        "filename=\"a name=cvv; b\"",
        &format!("name=\"cvv\"; filename=\"{long}\""),
    ] {
        for (framework, seen) in both!(guard(), logged().1, &multipart(&[(head, "")])) {
            assert_eq!(seen.status, 422, "{framework}: {head}");
        }
    }
    for head in [
        "name=\"a\"; filename=\"my name is cvv\"",
        "name=\"a\"; filename=\"my_name=cvv=none\"",
        &format!("name=\"a\"; filename=\"{long}\""),
    ] {
        for (framework, seen) in both!(guard(), logged().1, &multipart(&[(head, "")])) {
            assert_eq!(seen.status, 200, "{framework}: {head}");
        }
    }
    let exempt = guard().exempt_field("siret").unwrap();
    for (head, status) in [
        ("name = \"siret\"", 200),
        ("filename=\"a name=siret\"; name=\"note\"", 422),
        ("filename=\"a\\\"; name=siret\"; name=\"note\"", 422),
        ("name=\"note\"; name=\"siret\"", 422),
        ("name=\"siret\"; name=\"note\"", 422),
        ("name=\"note\"; name*=utf-8''siret", 422),
    ] {
        let ask = multipart(&[(head, "36227206271667")]);
        for (framework, seen) in both!(exempt.clone(), logged().1, &ask) {
            assert_eq!(seen.status, status, "{framework}: {head}");
        }
    }
}
