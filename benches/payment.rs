//! What a notification costs, beside its signature alone: `cargo bench --bench payment --all-features`
//!
//! `--quick` makes it short.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Begun, Currency, Ledger as _, MemoryLedger, Mode, Money, Notice, OrderId, Paybox, Payments,
};
use futures_util::FutureExt as _;
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use rsa::signature::{SignatureEncoding as _, Signer as _};

#[allow(dead_code, unused_imports, reason = "the other benchmarks measure requests")]
mod measure;

fn main() -> ExitCode {
    match report() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<(), Box<dyn std::error::Error>> {
    let key = rsa::PrivateKey::new(&mut rand::rngs::SysRng, 1024)?;
    let pem = key.to_public_key().to_public_key_pem(LineEnding::LF)?;
    let spki =
        STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())?;
    let bare = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &spki[22..]);
    let signed = "amount=4990&order=17&auth=XXXXXX&call=292615&trans=218017974&error=00000";
    let signature = SigningKey::<sha1::Sha1>::new(key).sign(signed.as_bytes()).to_bytes();
    let text = STANDARD.encode(&signature);
    let text = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let query = format!("{signed}&sign={text}");

    let ledger = Arc::new(MemoryLedger::default());
    let order: OrderId = "17".parse()?;
    ledger.place(&order, Money::new(4990, Currency::EUR)?);
    let begun = Begun { gateway: "paybox".into(), mode: Mode::Test, reference: None };
    ledger.begun(&order, &begun).now_or_never().ok_or("at once")??;
    let paybox = Paybox::test_account()?.simulator("http://localhost:3001", &pem)?;
    let ring = KeyRing::new(Key::random())?;
    let payments = Payments::builder(&ring, "bench", "https://club.example")?;
    let payments = payments.gateway(paybox).build(ledger)?;

    let rounds = if std::env::args().any(|argument| argument == "--quick") { 50 } else { 1000 };
    let alone = measure::alone::measure(rounds, || {
        assert!(bare.verify(black_box(signed.as_bytes()), &signature).is_ok());
    });
    let body = Bytes::new();
    let whole = measure::alone::measure(rounds, || {
        let notice = Notice::new("GET", Some(black_box(&query)), &[], &body);
        let answer = payments.notify("paybox", notice).now_or_never();
        assert!(answer.is_some_and(|answer| answer.status() == 200));
    });
    println!("| a notification of Paybox | ns | ratio (goal: 1.1) |\n|:--|--:|--:|");
    println!("| its signature alone: RSA-1024 with SHA-1, ring | {:.0} | 1 |", alone.ns);
    println!(
        "| verified, read, compared with the order, put into the ledger | {:.0} | {:.2} |",
        whole.ns,
        whole.ns / alone.ns
    );
    Ok(())
}
