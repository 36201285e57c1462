//! What Paybox sends: bytes, and a signature over exactly those bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr, memrchr};
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

use super::super::super::currency::Currency;
use super::super::super::error::ConfigError;
use super::super::super::money::Money;
use super::super::super::order::OrderId;
use super::super::super::state::{Mode, State};
use super::super::super::word::{Notice, Unbelieved, Verified, Witness};
use super::{ID, errors};

/// Verifies signatures by one public key.
pub(super) struct Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier {
    /// Verifone's: the same for every account, and every brand.
    pub(super) fn paybox() -> Result<Self, ConfigError> {
        Self::of_pem(include_str!("public_key.pem"))
    }

    pub(super) fn of_pem(pem: &str) -> Result<Self, ConfigError> {
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = STANDARD.decode(text.trim()).ok();
        // A key of RSA with 1024 bits and its usual exponent: what is left is PKCS #1, as `ring` reads it.
        let key = key.filter(|key| key.len() == SPKI.len() + PKCS1_LEN && key.starts_with(SPKI));
        let mend = "it is a PEM of 1024 bits of RSA, which begins with BEGIN PUBLIC KEY";
        let key = key.ok_or(ConfigError::Account { gateway: ID, what: "the public key", mend })?;
        let key = key[SPKI.len()..].to_vec();
        Ok(Self(UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, key)))
    }

    /// Everything that is signed, once it is certain that it is.
    pub(super) fn read<'a>(&self, notice: Notice<'a>) -> Result<Said<'a>, Unbelieved> {
        let raw = match (notice.method, notice.query.unwrap_or_default()) {
            ("GET", query) if notice.body.is_empty() => query,
            ("POST", "") => std::str::from_utf8(notice.body).map_err(|_| NO_TEXT)?,
            _ => return Err(Unbelieved::Malformed("both a query and a body, or another method")),
        };
        Said::of(self.signed(raw, SIGN)?)
    }

    /// The bytes that are signed: all before the signature, which is the last.
    fn signed<'a>(&self, raw: &'a str, name: &str) -> Result<&'a str, Unbelieved> {
        if raw.len() > LONGEST {
            return Err(Unbelieved::Malformed("too long"));
        }
        let last = memrchr(b'&', raw.as_bytes()).ok_or(Unbelieved::Signature)?;
        let (signed, last) = (&raw[..last], &raw[last + 1..]);
        let signature = pair(last).filter(|(found, _)| *found == name);
        let (_, signature) = signature.ok_or(Unbelieved::Signature)?;
        let signature = signature_bytes(signature).ok_or(Unbelieved::Signature)?;
        let verified = self.0.verify(signed.as_bytes(), &signature);
        verified.map_err(|_| Unbelieved::Signature)?;
        Ok(signed)
    }
}

fn pair(text: &str) -> Option<(&str, &str)> {
    let end = memchr(b'=', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

/// `+` is itself. Where somebody on the way has escaped what was escaped, it is read twice, and no more.
fn signature_bytes(text: &str) -> Option<[u8; SIGNATURE_LEN]> {
    let once = decoded(text).ok()?;
    let plain = decoded(&once).ok()?;
    // Four characters are three bytes, the last of which may be padding.
    let mut bytes = [0; SIGNATURE_LEN.next_multiple_of(3)];
    let len = STANDARD.decode_slice(plain.as_bytes(), &mut bytes).ok()?;
    bytes[..len].try_into().ok()
}

/// The text with what `%xx` stand for. Most texts have none.
#[inline]
fn decoded(text: &str) -> Result<Cow<'_, str>, Unbelieved> {
    match memchr(b'%', text.as_bytes()) {
        Some(first) => unescaped(text.as_bytes(), first).map(Cow::Owned),
        None => Ok(Cow::Borrowed(text)),
    }
}

fn unescaped(mut rest: &[u8], first: usize) -> Result<String, Unbelieved> {
    const BROKEN: Unbelieved = Unbelieved::Malformed("a broken escape");
    let hex = |digit: u8| char::from(digit).to_digit(16).ok_or(BROKEN);
    let mut bytes = Vec::with_capacity(rest.len());
    let mut next = Some(first);
    while let Some(at) = next {
        let [high, low] = *rest[at + 1..].first_chunk().ok_or(BROKEN)?;
        bytes.extend_from_slice(&rest[..at]);
        bytes.push(u8::try_from(hex(high)? << 4 | hex(low)?).map_err(|_| BROKEN)?);
        rest = &rest[at + 3..];
        next = memchr(b'%', rest);
    }
    bytes.extend_from_slice(rest);
    String::from_utf8(bytes).map_err(|_| NO_TEXT)
}

/// What was signed, by the names that were [asked for](super::request::ASKED_BACK).
#[derive(Default)]
pub(super) struct Said<'a> {
    amount: Option<Cow<'a, str>>,
    order: Option<Cow<'a, str>>,
    authorisation: Option<Cow<'a, str>>,
    call: Option<Cow<'a, str>>,
    transaction: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    /// The names of what else there is, which decides nothing.
    others: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn of(signed: &'a str) -> Result<Self, Unbelieved> {
        const TWICE: Unbelieved = Unbelieved::Malformed("a name twice");
        let mut said = Self::default();
        let mut rest = Some(signed);
        while let Some(pairs) = rest {
            let end = memchr(b'&', pairs.as_bytes());
            rest = end.map(|end| &pairs[end + 1..]);
            let (name, value) = pair(&pairs[..end.unwrap_or(pairs.len())])
                .ok_or(Unbelieved::Malformed("no pairs"))?;
            let value = decoded(value);
            if value.as_ref().is_ok_and(|value| value.len() > LONGEST_VALUE) {
                return Err(Unbelieved::Malformed("a value too long"));
            }
            let place = match name {
                "amount" => &mut said.amount,
                "order" => &mut said.order,
                "auth" => &mut said.authorisation,
                "call" => &mut said.call,
                "trans" => &mut said.transaction,
                "date" => &mut said.date,
                "time" => &mut said.time,
                "error" => &mut said.error,
                SIGN => return Err(TWICE),
                other if said.others.contains(&other) => return Err(TWICE),
                other => {
                    // It may be in Latin-1: nobody reads it.
                    if let Err(error) = value
                        && error != NO_TEXT
                    {
                        return Err(error);
                    }
                    said.others.push(other);
                    continue;
                }
            };
            if place.replace(value?).is_some() {
                return Err(TWICE);
            }
        }
        Ok(said)
    }

    pub(super) fn verified(
        &self,
        witness: &Witness<'_>,
        currency: Currency,
    ) -> Result<Verified, Unbelieved> {
        const NO_ORDER: Unbelieved = Unbelieved::Malformed("no order");
        const NO_AMOUNT: Unbelieved = Unbelieved::Malformed("no amount");
        let order: OrderId =
            self.order.as_deref().ok_or(NO_ORDER)?.parse().map_err(|_| NO_ORDER)?;
        let code = self.error.as_deref().unwrap_or_default();
        let state = errors::state(code).ok_or(Unbelieved::Malformed("no error code"))?;
        let amount = self.amount.as_deref().map(|minor| {
            let is_number = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
            let minor = minor.parse().ok().filter(|_| is_number).ok_or(NO_AMOUNT)?;
            Money::new(minor, currency).map_err(|_| NO_AMOUNT)
        });
        let amount = amount.transpose()?;
        let authorisation = part(self.authorisation.as_ref());
        let (trans, call) = (part(self.transaction.as_ref()), part(self.call.as_ref()));
        if state == State::Paid {
            if authorisation.is_empty() || trans.is_empty() || call.is_empty() {
                return Err(Unbelieved::Malformed(
                    "paid without an authorisation or a transaction",
                ));
            }
            let is_test = authorisation.eq_ignore_ascii_case(TEST_AUTHORISATION);
            if is_test && witness.mode() == Mode::Production {
                return Err(Unbelieved::Mismatch("the mode"));
            }
        }
        // The transaction and the call are what Paybox has for a name of it; a payment that was given up has
        // neither, but a time.
        let event = match trans {
            "" => [part(self.date.as_ref()), "/", part(self.time.as_ref()), "/", code].concat(),
            trans => [trans, "/", call, "/", code].concat(),
        };
        Ok(witness.verified(event, order, state, amount))
    }
}

/// A value without what stands around it, or nothing.
fn part<'a>(value: Option<&'a Cow<'_, str>>) -> &'a str {
    value.map_or("", |value| value.trim())
}

const NO_TEXT: Unbelieved = Unbelieved::Malformed("not text");
const SIGN: &str = "sign";
/// The authorisation of the test platform.
const TEST_AUTHORISATION: &str = "XXXXXX";
const SIGNATURE_LEN: usize = 128;
const LONGEST: usize = 8192;
/// Longer than any that is asked for.
const LONGEST_VALUE: usize = 200;
/// `SubjectPublicKeyInfo` of RSA, up to the key of 1024 bits itself.
const SPKI: &[u8] = &[
    0x30, 0x81, 0x9f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00, 0x03, 0x81, 0x8d, 0x00,
];
const PKCS1_LEN: usize = 140;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::Value;

    use super::*;

    fn vectors(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// C: what the live platform has signed, and what others have made of it.
    #[test]
    fn what_paybox_has_signed_is_believed_and_nothing_else() {
        let all =
            vectors(include_str!("../../../../tests/data/payment/paybox_signature_real.json"));
        let verifier = Verifier::paybox().unwrap();
        assert_eq!(
            all["public_key_pem"].as_str().unwrap().split_whitespace().collect::<String>(),
            include_str!("public_key.pem").split_whitespace().collect::<String>(),
        );
        let all = all["vectors"].as_array().unwrap();
        assert!(all.len() > 20);
        for vector in all {
            let bytes = |name: &str| STANDARD.decode(vector[name].as_str().unwrap());
            let signed = bytes("signed_bytes_b64").unwrap();
            let valid = vector["valid"].as_bool().unwrap();
            let is_so = |signature: Vec<u8>| verifier.0.verify(&signed, &signature).is_ok();
            // One that is not even base64 is changed as well.
            assert_eq!(bytes("signature_b64").is_ok_and(is_so), valid, "{}", vector["name"]);
            // Paybox System signs what it sends, byte for byte; another product signs something else.
            let Some(raw) = vector["raw_query_or_body"].as_str() else { continue };
            let last = raw.rsplit('&').next().unwrap().split('=').next().unwrap();
            let is_system = !vector["name"].as_str().unwrap().starts_with("remotempi");
            if is_system {
                let text = std::str::from_utf8(&signed).unwrap();
                let expected = if valid { Ok(text) } else { Err(Unbelieved::Signature) };
                assert_eq!(verifier.signed(raw, last), expected, "{}", vector["name"]);
                let tail = format!("{raw}&error=00000");
                assert_eq!(verifier.signed(&tail, last), Err(Unbelieved::Signature), "with a tail");
            }
        }
    }

    /// C, by a key that was thrown away.
    #[test]
    fn each_way_of_changing_a_notification_is_found_out() {
        let all = vectors(include_str!("../../../../tests/data/payment/paybox_ipn_policy.json"));
        let verifier = Verifier::of_pem(all["public_key_pem"].as_str().unwrap()).unwrap();
        for vector in all["vectors"].as_array().unwrap() {
            let (raw, name) = (vector["raw"].as_str().unwrap(), vector["signature_param"].as_str());
            let read = verifier.signed(raw, name.unwrap()).and_then(Said::of).map(|_| ());
            // What is of the test platform is believed there: the mode is looked at later.
            let expected = vector["expect"].as_str().unwrap() != "reject";
            assert_eq!(read.is_ok(), expected, "{} {read:?}", vector["name"]);
        }
    }

    #[test]
    fn what_is_escaped_is_read_whole_or_not_at_all() {
        for (text, expected) in [
            ("", Some("")),
            ("a", Some("a")),
            ("%2Ba%2fb%3D", Some("+a/b=")),
            ("%252B", Some("%2B")),
            ("%", None),
            ("a%4", None),
            ("%4g", None),
            ("%+1", None),
            ("%\u{e9}", None),
            ("%C3%A9", Some("\u{e9}")),
            ("%E9", None),
        ] {
            assert_eq!(decoded(text).ok().as_deref(), expected, "{text}");
        }
        for len in [0, 1, 127, 128, 129, 130, 400] {
            let read = signature_bytes(&STANDARD.encode(vec![7; len]));
            assert_eq!(read.is_some(), len == SIGNATURE_LEN, "{len}");
        }
        let text = STANDARD.encode([0xfb; SIGNATURE_LEN]);
        for times in 0..4 {
            let plus = (1..times).fold("%2B".to_owned(), |plus, _| plus.replace('%', "%25"));
            let read = signature_bytes(&text.replace('+', if times == 0 { "+" } else { &plus }));
            assert_eq!(read.is_some(), times < 3, "escaped {times} times");
        }
    }

    #[test]
    fn a_notification_is_a_query_or_a_body() {
        let verifier = Verifier::paybox().unwrap();
        let (empty, body) = (Bytes::new(), Bytes::from_static(b"a=1&sign=x"));
        for (method, query, body) in [
            ("GET", Some("a=1&sign=x"), &body),
            ("POST", Some("a=1&sign=x"), &body),
            ("PUT", None, &body),
            ("HEAD", Some("a=1&sign=x"), &empty),
        ] {
            let read = verifier.read(Notice::new(method, query, &[], body)).err();
            assert!(matches!(read, Some(Unbelieved::Malformed(_))), "{method} {read:?}");
        }
        for raw in ["", "sign=", "a=1", "a=1&sign=", "a=1&sign", "&sign=x", "a=1&sign=x&b=2"] {
            let read = verifier.read(Notice::new("GET", Some(raw), &[], &empty)).err();
            assert_eq!(read, Some(Unbelieved::Signature), "{raw}");
        }
        let long = format!("a={}&sign=x", "1".repeat(9000));
        let read = verifier.read(Notice::new("GET", Some(&long), &[], &empty)).err();
        assert!(matches!(read, Some(Unbelieved::Malformed("too long"))));
    }

    #[test]
    fn a_public_key_is_one_of_1024_bits() {
        for pem in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "MIGf"] {
            assert!(Verifier::of_pem(pem).is_err(), "{pem}");
        }
    }

    /// A shop in production, whose key for notifications is one that this test has.
    struct Shop {
        payments: crate::payment::Payments,
        ledger: std::sync::Arc<crate::payment::MemoryLedger>,
        key: rsa::pkcs1v15::SigningKey<sha1::Sha1>,
    }

    impl Shop {
        async fn new(mode: Mode, begun: bool) -> Self {
            use crate::payment::{Checkout, MemoryLedger, Paybox, PayboxBrand, Payments, Posted};
            use rsa::pkcs8::EncodePublicKey as _;
            let key = rsa::PrivateKey::new(&mut rand::rngs::SysRng, 1024).unwrap();
            let pem = key.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap();
            let secret = "0F".repeat(64);
            let site = ("1234567", "01", "2");
            let mut paybox = Paybox::new(PayboxBrand::Verifone, mode, site, &secret).unwrap();
            paybox.verifier = Verifier::of_pem(&pem).unwrap();
            let ledger = std::sync::Arc::new(MemoryLedger::default());
            let order: OrderId = "2026-17".parse().unwrap();
            let price = Money::new(4990, Currency::EUR).unwrap();
            ledger.place(&order, price);
            let ring = crate::keys::KeyRing::new(crate::keys::Key::random()).unwrap();
            let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
            let payments = builder.gateway(paybox).build(ledger.clone()).unwrap();
            if begun {
                let posted = Posted::of(&http::Request::post("/").body(()).unwrap()).unwrap();
                let checkout = Checkout::new(order, price).email("ann@example.com");
                let _ = payments.redirect(posted, &checkout, "paybox", None).await.unwrap();
            }
            Self { payments, ledger, key: rsa::pkcs1v15::SigningKey::new(key) }
        }

        async fn hear(&self, signed: &str) -> (u16, State) {
            use rsa::signature::{SignatureEncoding as _, Signer as _};
            let signature = STANDARD.encode(self.key.sign(signed.as_bytes()).to_bytes());
            let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            let query = format!("{signed}&sign={signature}");
            let body = Bytes::new();
            let notice = Notice::new("GET", Some(&query), &[], &body);
            let status = self.payments.notify("paybox", notice).await.status().as_u16();
            (status, self.ledger.state(&"2026-17".parse().unwrap()).unwrap())
        }
    }

    /// The public authorisation of the test platform pays nothing.
    #[tokio::test]
    async fn what_the_test_platform_authorises_pays_nothing_in_production() {
        let said = "amount=4990&order=2026-17&auth=XXXXXX&call=292615&trans=218017974&error=00000";
        let shop = Shop::new(Mode::Production, true).await;
        assert_eq!(shop.hear(said).await, (400, State::Created));
        let shop = Shop::new(Mode::Test, true).await;
        assert_eq!(shop.hear(said).await, (200, State::Paid));
    }

    #[tokio::test]
    async fn two_things_that_happen_are_two_events() {
        let shop = Shop::new(Mode::Production, true).await;
        let cancelled =
            |time: &str| format!("amount=4990&order=2026-17&date=12052026&time={time}&error=00001");
        let pending =
            "amount=4990&order=2026-17&call=1&trans=2&date=12052026&time=10%3A30%3A00&error=99999";
        assert_eq!(shop.hear(&cancelled("10%3A00%3A00")).await, (200, State::Cancelled));
        assert_eq!(shop.hear(pending).await, (200, State::Pending));
        assert_eq!(
            shop.hear(&cancelled("11%3A00%3A00")).await,
            (200, State::Cancelled),
            "given up once more"
        );
    }

    /// What nobody has asked for decides nothing, in whatever letters it is written.
    #[tokio::test]
    async fn what_was_not_asked_for_keeps_nobody_from_having_paid() {
        for (more, expected) in [
            ("card=Cr%E9dit+Agricole", (200, State::Paid)),
            ("card=", (200, State::Paid)),
            ("a=%E9&b=%E9", (200, State::Paid)),
            ("card=%E9&card=1", (400, State::Created)),
            ("card=%4", (400, State::Created)),
        ] {
            let said =
                format!("amount=4990&order=2026-17&auth=1&call=1&trans=2&{more}&error=00000");
            let shop = Shop::new(Mode::Production, true).await;
            assert_eq!(shop.hear(&said).await, expected, "{more}");
        }
    }

    /// What is signed and is no payment of this order.
    #[tokio::test]
    async fn odd_texts_that_are_signed_pay_nothing() {
        for said in [
            "amount=4990&order=2026-17&auth=123456&call=&trans=&error=00000",
            "amount=4990&order=2026-17&auth=123456&error=00000",
            "amount=+4990&order=2026-17&auth=123456&call=1&trans=2&error=00000",
            "amount=%204990&order=2026-17&auth=123456&call=1&trans=2&error=00000",
            "amount=99999999999999999999999&order=2026-17&auth=1&call=1&trans=2&error=00000",
            "amount=0&order=2026-17&auth=1&call=1&trans=2&error=00000",
            "amount=&order=2026-17&auth=1&call=1&trans=2&error=00000",
            "order=2026-17&auth=1&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=%20XXXXXX&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=xxxxxx&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=%58XXXXX&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=%E0&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=1&call=%E0&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00000&order=2026-18",
            "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00001&err%6Fr=00000",
            "amount=4990&Order=2026-17&auth=1&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17%00&auth=1&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17+&auth=1&call=1&trans=2&error=00000",
            "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00000&",
            "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00000&sign=x",
            "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00000&x=1&x=1",
            "amount=4990&order=2026-17&auth=1&call=1&call=1&trans=2&error=00000",
            &format!(
                "amount=4990&order=2026-17&auth=1&call={}&trans=2&error=00000",
                "1".repeat(201)
            ),
        ] {
            let shop = Shop::new(Mode::Production, true).await;
            let heard = shop.hear(said).await;
            assert_ne!(heard.1, State::Paid, "{said}");
        }
        let shop = Shop::new(Mode::Production, false).await;
        let paid = "amount=4990&order=2026-17&auth=1&call=1&trans=2&error=00000";
        assert_eq!(shop.hear(paid).await, (400, State::Created), "nobody was sent there");
        let shop = Shop::new(Mode::Production, true).await;
        assert_eq!(shop.hear(paid).await, (200, State::Paid));
    }
}
