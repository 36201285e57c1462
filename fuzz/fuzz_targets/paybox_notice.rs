//! Whatever Paybox signs, an order is paid exactly if a plain reading of it says so; and what it has not signed
//! pays nothing.

#![no_main]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Begun, Currency, Ledger as _, MemoryLedger, Mode, Money, Notice, OrderId, Paybox, Payments,
    State,
};
use futures_util::FutureExt as _;
use libfuzzer_sys::fuzz_target;
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha1::Sha1;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Names by their place, more than are asked for, and values: those of a payment, or any.
    pairs: Vec<(u8, Option<&'a str>)>,
    by_post: bool,
    /// What comes instead of the signature, or behind it.
    spoil: Option<(bool, &'a str)>,
}

static KEY: LazyLock<(SigningKey<Sha1>, String)> = LazyLock::new(|| {
    let key = PrivateKey::new(&mut rand::rngs::SysRng, 1024).expect("a key");
    let pem = key.to_public_key().to_public_key_pem(LineEnding::LF).expect("PEM");
    (SigningKey::new(key), pem)
});

const PAID: [(&str, &str); 8] = [
    ("amount", "4990"),
    ("order", "17"),
    ("auth", "XXXXXX"),
    ("error", "00000"),
    ("call", "1"),
    ("trans", "2"),
    ("sign", "x"),
    ("other", ""),
];

fuzz_target!(|input: Input<'_>| {
    let (key, pem) = &*KEY;
    let ledger = Arc::new(MemoryLedger::default());
    let order: OrderId = "17".parse().expect("an order");
    ledger.place(&order, Money::new(4990, Currency::EUR).expect("money"));
    let begun = Begun { gateway: "paybox".into(), mode: Mode::Test, reference: None };
    ledger.begun(&order, &begun).now_or_never().expect("at once").expect("it is there");
    let paybox = Paybox::test_account().expect("the account");
    let paybox = paybox.simulator("http://localhost:3001", pem).expect("a simulator");
    let ring = KeyRing::new(Key::random()).expect("a ring");
    let payments = Payments::builder(&ring, "fuzz", "https://club.example").expect("a site");
    let payments = payments.gateway(paybox).build(Arc::clone(&ledger)).expect("payments");

    let pairs = input.pairs.iter().map(|(at, value)| {
        let (name, right) = PAID[usize::from(*at) % PAID.len()];
        format!("{name}={}", value.unwrap_or(right))
    });
    let pairs: Vec<_> = pairs.collect();
    let signed = pairs.join("&");
    let signature = STANDARD.encode(key.sign(signed.as_bytes()).to_bytes());
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let raw = match input.spoil {
        None => format!("{signed}&sign={signature}"),
        Some((false, instead)) => format!("{signed}&sign={instead}"),
        Some((true, behind)) => format!("{signed}&sign={signature}&{behind}"),
    };
    let (query, body) = (raw.clone(), Bytes::from(raw.into_bytes()));
    let empty = Bytes::new();
    let notice = if input.by_post {
        Notice::new("POST", None, &[], &body)
    } else {
        Notice::new("GET", Some(&query), &[], &empty)
    };
    let answer = payments.notify("paybox", notice).now_or_never().expect("at once");

    let is_paid = ledger.state(&order) == Some(State::Paid);
    if input.spoil.is_some_and(|(_, what)| !what.contains(&signature)) {
        assert!(!is_paid, "{query}");
    } else if input.spoil.is_none() && !signed.contains('%') && query.len() <= 8192 {
        assert_eq!(is_paid, says_paid(&signed), "{query}");
        assert!(!is_paid || answer.status() == 200, "{query}");
    }
});

/// A plain reading of what has no escapes.
fn says_paid(signed: &str) -> bool {
    let pairs: Option<Vec<_>> = signed.split('&').map(|pair| pair.split_once('=')).collect();
    let Some(pairs) = pairs else { return false };
    let names: BTreeSet<_> = pairs.iter().map(|(name, _)| name).collect();
    let value = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| *value).unwrap_or_default()
    };
    let amount = value("amount");
    let is_number = amount.bytes().all(|byte| byte.is_ascii_digit());
    let short = pairs.iter().all(|(_, value)| value.len() <= 200);
    let is_given = |name| !value(name).trim().is_empty();
    names.len() == pairs.len()
        && !names.contains(&"sign")
        && short
        && is_given("call")
        && is_given("trans")
        && value("order") == "17"
        && value("error") == "00000"
        && is_number
        && amount.parse::<u64>() == Ok(4990)
        && is_given("auth")
}
