//! What PayPal sends: bytes, and a signature over their checksum.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::super::order::OrderId;
use super::super::super::word::{Notice, Unbelieved};
use super::super::api;

/// What the headers say, once it is certain that it is worth looking at: nothing was fetched yet.
#[derive(Debug)]
pub(super) struct Transmission<'a> {
    /// Where the certificate is.
    pub(super) certificate: &'a str,
    /// What is signed.
    pub(super) message: String,
    pub(super) signature: Vec<u8>,
}

impl<'a> Transmission<'a> {
    pub(super) fn of(
        notice: Notice<'a>,
        webhook: &str,
        places: &[String],
        now: SystemTime,
    ) -> Result<Self, Unbelieved> {
        if notice.method != "POST" {
            return Err(Unbelieved::Malformed("another method than POST"));
        }
        let header = |name| notice.header(name).ok_or(Unbelieved::Signature);
        if header("paypal-auth-algo")? != "SHA256withRSA" {
            return Err(Unbelieved::Signature);
        }
        let id = header("paypal-transmission-id")?;
        // A `|` in it could be taken for the end of it.
        if !api::is_name(id) {
            return Err(Unbelieved::Malformed("no transmission"));
        }
        let certificate = header("paypal-cert-url")?;
        if !places.iter().any(|place| is_at(place, certificate)) {
            return Err(Unbelieved::Malformed("a certificate from elsewhere"));
        }
        let time = header("paypal-transmission-time")?;
        let sent = humantime::parse_rfc3339(time);
        let sent = sent.map_err(|_| Unbelieved::Malformed("no transmission time"))?;
        let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs());
        if seconds(now).abs_diff(seconds(sent)) > TOLERANCE {
            return Err(Unbelieved::Stale);
        }
        let signature = STANDARD.decode(header("paypal-transmission-sig")?).ok();
        // RSA of 2048 to 4096 bits.
        let signature = signature.filter(|bytes| (256..=512).contains(&bytes.len()));
        let signature = signature.ok_or(Unbelieved::Signature)?;
        let message = format!("{id}|{time}|{webhook}|{}", crc32(notice.body));
        Ok(Self { certificate, message, signature })
    }
}

/// Whether a certificate's address is at this place: exactly it, and a name that leads nowhere else.
fn is_at(place: &str, url: &str) -> bool {
    url.strip_prefix(place).is_some_and(|name| name.len() <= 128 && api::is_name(name))
}

/// The checksum of zip and Ethernet. It is no MAC: for any body there is another one that has the same, with some
/// spaces more.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// Which order is to be asked for. Nothing else in a body is looked at, since nothing in it is proved.
pub(super) fn order(body: &[u8]) -> Result<Option<OrderId>, Unbelieved> {
    let event: Event =
        api::read(body).map_err(|_| Unbelieved::Malformed("an event that cannot be read"))?;
    let unit = event.resource.purchase_units.unwrap_or_default().into_iter().next();
    let named = event.resource.custom_id.or_else(|| unit?.custom_id);
    // What is called otherwise than orders are is none of ours.
    Ok(named.and_then(|named| named.parse().ok()))
}

#[derive(Deserialize)]
struct Event {
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    custom_id: Option<String>,
    purchase_units: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Named {
    custom_id: Option<String>,
}

/// Five minutes.
const TOLERANCE: u64 = 300;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        assert_eq!((crc32(b""), crc32(b"123456789")), (0, 0xcbf4_3926));
        let all = include_str!("../../../../tests/data/payment/paypal_webhook.json");
        let all: Value = serde_json::from_str(all).unwrap();
        let body = all["vectors"][0]["body"].as_str().unwrap();
        assert_eq!(crc32(body.as_bytes()).to_string(), all["crc32_decimal"].as_str().unwrap());
    }

    #[test]
    fn a_certificate_is_at_its_place_and_nowhere_else() {
        let place = "https://api.paypal.com/v1/notifications/certs/";
        assert!(is_at(place, &format!("{place}CERT-360caa42-fca2a594-a5cafa77")));
        for url in [
            "",
            place,
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-x",
            "http://api.paypal.com/v1/notifications/certs/CERT-x",
            "HTTPS://api.paypal.com/v1/notifications/certs/CERT-x",
            "https://API.paypal.com/v1/notifications/certs/CERT-x",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-x",
            "https://api.paypal.com./v1/notifications/certs/CERT-x",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-x",
            "https://evil.example/https://api.paypal.com/v1/notifications/certs/CERT-x",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-x",
            "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-x",
            "https://api.p\u{430}ypal.com/v1/notifications/certs/CERT-x",
            "https://api.paypal.com/v1/notifications/certs/../../evil",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e/evil",
            "https://api.paypal.com/v1/notifications/certs/CERT-x/",
            "https://api.paypal.com/v1/notifications/certs/CERT-x?a",
            "https://api.paypal.com/v1/notifications/certs/CERT-x#a",
            "https://api.paypal.com/v1/notifications/certs/CERT-x\r\n",
            "https://api.paypal.com/v1/notifications/certs//CERT-x",
            " https://api.paypal.com/v1/notifications/certs/CERT-x",
        ] {
            assert!(!is_at(place, url), "{url}");
        }
        assert!(!is_at(place, &format!("{place}{}", "a".repeat(129))));
    }

    fn read(change: (&str, Option<&str>), now: u64) -> Result<String, Unbelieved> {
        let signature = STANDARD.encode([7; 256]);
        let headers = [
            ("paypal-auth-algo", "SHA256withRSA"),
            ("paypal-transmission-id", "dfb3be50-fd74-11e4-8bf3-77339302725b"),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-x"),
            ("paypal-transmission-time", "2015-05-18T15:45:13Z"),
            ("paypal-transmission-sig", &*signature),
        ];
        let changed = headers.into_iter().filter_map(|(name, value)| {
            let value = if name == change.0 { change.1? } else { value };
            Some((name.to_owned(), value.as_bytes().to_vec()))
        });
        let (headers, body) = (changed.collect::<Vec<_>>(), Bytes::from_static(b"123456789"));
        let places = ["https://api.paypal.com/v1/notifications/certs/".to_owned()];
        let now = UNIX_EPOCH + Duration::from_secs(now);
        let notice = Notice::new("POST", None, &headers, &body);
        Transmission::of(notice, "WEBHOOK", &places, now).map(|read| read.message)
    }

    #[test]
    fn each_header_is_there_once_and_as_it_should_be() {
        const NOW: u64 = 1_431_963_913;
        let message =
            "dfb3be50-fd74-11e4-8bf3-77339302725b|2015-05-18T15:45:13Z|WEBHOOK|3421780262";
        assert_eq!(read(("", None), NOW).as_deref(), Ok(message));
        for name in [
            "paypal-auth-algo",
            "paypal-transmission-id",
            "paypal-cert-url",
            "paypal-transmission-time",
            "paypal-transmission-sig",
        ] {
            assert_eq!(read((name, None), NOW), Err(Unbelieved::Signature), "{name}");
        }
        for (name, value) in [
            ("paypal-auth-algo", "SHA1withRSA"),
            ("paypal-auth-algo", "sha256withrsa"),
            ("paypal-auth-algo", "none"),
            ("paypal-transmission-id", "a|2015-05-18T15:45:13Z"),
            ("paypal-transmission-id", ""),
            ("paypal-transmission-time", "1431963913"),
            ("paypal-transmission-time", "2015-05-18T15:45:13Z|X"),
            ("paypal-transmission-sig", ""),
            ("paypal-transmission-sig", "AAAA"),
            ("paypal-transmission-sig", "not base64"),
        ] {
            assert!(read((name, Some(value)), NOW).is_err(), "{name} {value}");
        }
        for (now, expected) in [
            (NOW - 301, Err(Unbelieved::Stale)),
            (NOW - 300, Ok(())),
            (NOW + 300, Ok(())),
            (NOW + 301, Err(Unbelieved::Stale)),
        ] {
            assert_eq!(read(("", None), now).map(|_| ()), expected, "{now}");
        }
    }

    #[test]
    fn an_event_names_an_order_or_none() {
        let named = |body: &str| order(body.as_bytes()).map(|order| order.map(|it| it.to_string()));
        let ours = Ok(Some("ORD-1".to_owned()));
        assert_eq!(named(r#"{"resource":{"custom_id":"ORD-1"}}"#), ours);
        assert_eq!(named(r#"{"resource":{"purchase_units":[{"custom_id":"ORD-1"}]}}"#), ours);
        for body in [
            r#"{"resource":{}}"#,
            r#"{"resource":{"purchase_units":[]}}"#,
            r#"{"resource":{"custom_id":"no order of ours"}}"#,
            r#"{"resource":{"custom_id":null,"purchase_units":null}}"#,
        ] {
            assert_eq!(named(body), Ok(None), "{body}");
        }
        for body in ["", "[]", "{}", "null", r#"{"resource":1}"#, r#"{"resource":{"custom_id":1}}"#]
        {
            assert!(named(body).is_err(), "{body}");
        }
    }
}
