//! The scanner against what must be found and what must pass.

use super::scanner::first_in;
use super::*;

/// What is found when the bytes are cut here.
fn found_in(chunks: &[&[u8]]) -> Vec<Finding> {
    let (mut scanner, mut found) = (Scanner::new(), Vec::new());
    for chunk in chunks {
        scanner.push(chunk, |finding| found.push(finding));
    }
    scanner.finish(|finding| found.push(finding));
    found
}

#[test]
fn every_vector_is_decided_as_it_has_to_be_however_it_is_cut() {
    let file = include_str!("../../../tests/data/pan_detection.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let mut run = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let (name, layer) = (&vector["name"], vector["layer"].as_str().unwrap());
        if layer == "http" {
            continue; // in tests/card_guard.rs
        }
        run += 1;
        let text = vector["text"].as_str().unwrap().as_bytes();
        let whole = found_in(&[text]);
        assert_eq!(!whole.is_empty(), vector["expect"] == "detect", "{name}");
        for at in 0..=text.len() {
            assert_eq!(found_in(&[&text[..at], &text[at..]]), whole, "{name} cut at {at}");
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(found_in(&bytes), whole, "{name} byte by byte");
    }
    assert_eq!(run, 38);
}

#[test]
fn numbers_are_found_in_every_form() {
    for text in [
        "4111-1111-1111-1111",
        "4111_1111_1111_1111",
        "4111+1111+1111+1111",
        "4111/1111/1111/1111",
        "4111 - 1111 - 1111 - 1111",
        "4111  1111  1111  1111",
        "4111-1111 1111.1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "3782-822463-10005",
        "3782 8224 6310 005",
        "3622 720627 1667",
        "4000 0000 0000 0000 006",
        "4222222222222",
        "378282246310005",
        "4111111111111111 12/26 123",
        "4111111111111111|12|26|123",
        "4111111111111111;1226;123",
        "4111 1111 1111 1111 12 26 123",
        "12/26 4111111111111111",
        "<4111111111111111>",
        "card=4111111111111111&x=1",
        "card:4111111111111111,",
        "(4111111111111111)",
        "4111111111111111.",
        "no.4111111111111111",
        "v1.4111111111111111",
        "4111111111111111.00",
        "4111111111111111.png",
        "-4111111111111111",
        "order-4111111111111111",
        "x_4111111111111111_y",
        "カード4111111111111111です",
        "é4111111111111111é",
        "%B4111111111111111^DOE/JOHN^2612101",
        ";4111111111111111=26121010000000000000?",
        "10.0.0.1/4111111111111111",
        "1234 4111 1111 1111 1111 5678",
        "41%311111111111111",
        "%34111111111111111",
        "q=%224111111111111111%22",
        "q=%0D%0A4111111111111111",
        "url=%252Fpay%253Fn%253D4111111111111111",
        "4111%201111%201111%201111",
        "4111%C2%A01111%C2%A01111%C2%A01111",
        "10%4111111111111111",
        r#"{"note":"card:\n4111111111111111"}"#,
        r#"{"note":"\u0034111111111111111"}"#,
        r#"{"note":"4111\u00a01111\u00a01111\u00a01111"}"#,
        r#"{"inner":"{\"a\":\"x\\n4111111111111111\"}"}"#,
        r#"{"n":4111111111111111}"#,
        r#"{"n":4111111111111111.0}"#,
        // JSON in a form, and HTML in JSON
        "text=%7B%22note%22%3A%22card%3A%5Cn4111111111111111%22%7D",
        "text=4111%5Cu00a01111%5Cu00a01111%5Cu00a01111",
        r#"{"html":"4111\u0026nbsp;1111\u0026nbsp;1111\u0026#160;1111"}"#,
        "%5C4111111111111111%5C&\\u00264111111111111111\\u0026",
        // HTML in a form
        "text=4111%26nbsp%3B1111%26nbsp%3B1111%26nbsp%3B1111",
        "text=%26%2352%3B111111111111111",
        "text=4111%26%23xA0%3B1111%26%23160%3B1111%26emsp%3b1111",
        "text=%26%23x34%3B%26%2349%3B11111111111111",
        "%26%234111111111111111",
        "%26%234111%201111%201111%201111",
        "%26%234111%2D1111-1111-1111",
        "%26%2352%264111111111111111",
        "%26%23%4111111111111111",
        "%26n4111111111111111%26%23%3B4111111111111111",
        "%26%4111111111111111",
        "%26%2%4111111111111111",
        "4111111111111111%26%2352%3",
        "4111&nbsp;1111&#160;1111&#xA0;1111",
        "&#4111111111111111;",
        "&n4111111111111111&4111111111111111",
        "4111\u{2009}1111\u{202f}1111\u{2011}1111",
        "4111\u{200b}1111\u{200b}1111\u{200b}1111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١١١١١١١١١١١١١",
        "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏",
        "41%EF%BC%911111111111111",
        "4\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}1\u{0}",
        "AB12 4111 1111 1111 1111",
        "DE89 4111 1111 1111 1111 00",
    ] {
        let found = found_in(&[text.as_bytes()]);
        assert_eq!(found.len().min(1), 1, "{text}");
        let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
        assert_eq!(found_in(&bytes), found, "{text} byte by byte");
    }
}

#[test]
fn what_is_escaped_twice_is_scrubbed_where_it_stands() {
    for (text, expected) in [
        ("text=4111%26nbsp%3B1111%26nbsp%3B1111%26nbsp%3B1111&x", "text=[visa ending 1111]&x"),
        ("text=%26%2352%3B111111111111111&x", "text=[visa ending 1111]&x"),
        ("text=%26%234111%201111%201111%201111&x", "text=%26%23[visa ending 1111]&x"),
        ("text=%26%234111%2D1111-1111-1111%26%23", "text=%26%23[visa ending 1111]%26%23"),
        ("text=%5Cn4111111111111111%5Cn", "text=%5Cn[visa ending 1111]%5Cn"),
        (r"4111\u0026nbsp;1111\u0026#160;1111-1111\u0026", r"[visa ending 1111]\u0026"),
    ] {
        assert_eq!(scrub(text), expected);
    }
}

#[test]
fn what_only_looks_like_a_number_passes() {
    for text in [
        "0.4111111111111111",
        "-0.4111111111111111",
        "[2.4111111111111111,48.4222222222222]",
        "ORD4111111111111111",
        "4111111111111111x",
        "a4111111111111111f",
        "41111111111111111111111111",
        "41111111111111111226123",
        "4111,1111,1111,1111",
        "4111:1111:1111:1111",
        "4111\t1111\t1111\t1111",
        "4111\n1111\n1111\n1111",
        "4111    1111    1111    1111",
        "4111 11** **** 1111",
        "4111-1111-1111-111a",
        "a411 1111 1111 1111",
        "4111-111111111111",
        "41111111-11111111",
        "411 111 111 111 111 1",
        // telephone numbers in pairs
        "06 41 11 11 11 06 11 11 11 11",
        "41 11 11 11 11 11 11 11 12 26",
        "0 1 0 0 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "+33 6 41 11 11 11",
        "1700000000000000",
        "1700000000000000000",
        "1700000000.123456789",
        "20261126143505123",
        "639028224000000000",
        "133768512000000000",
        // IMEI, IBAN, SIREN, ISBN, coordinates
        "352099001761481",
        "DE89 3704 0044 0532 0130 00",
        "DE75512108001245126199",
        "DE75 5121 0800 1245 1261 99",
        "AT61 1904 3002 3457 3201",
        "FR76 3000 6000 0112 3456 7890 189",
        "GB29 NWBK 6016 1331 9268 19",
        "NO93 8601 1117 947",
        "978-2-1234-5680-3",
        "48.856613,2.352222",
        "192.168.100.200:8080",
        "GA1.2.1234567890.1700000000",
        "fb.1.1558571054389.1098115397",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "%41%31",
        "%",
        "&#x",
        "\\u",
        "\u{ff}",
    ] {
        assert_eq!(found_in(&[text.as_bytes()]), [], "{text}");
    }
}

/// An account number in groups of four in which there is a card number.
#[test]
fn a_number_in_an_account_number_is_none() {
    let mut checked = 0;
    for tail in 0..100 {
        let text = format!("DE{tail:02} 4111 1111 1111 1111 00");
        checked += usize::from(first_in(text.as_bytes()).is_none());
    }
    assert_eq!(checked, 1, "one check number of 97 is right");
}

#[test]
fn several_are_found_with_their_places() {
    let text = "a 4111 1111 1111 1111, b 5555555555554444 378282246310005.";
    let found = found_in(&[text.as_bytes()]);
    let told: Vec<_> = found
        .iter()
        .map(|finding| {
            let place = finding.place();
            let place = usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap();
            (finding.network(), finding.last_four(), &text[place])
        })
        .collect();
    assert_eq!(
        told,
        [
            (Network::Visa, 1111, "4111 1111 1111 1111"),
            (Network::Mastercard, 4444, "5555555555554444"),
            (Network::AmericanExpress, 5, "378282246310005"),
        ]
    );
}
