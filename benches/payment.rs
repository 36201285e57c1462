//! What a notification costs, beside its signature alone: `cargo bench --bench payment --all-features`
//!
//! `--quick` makes it short. It fails if to verify a notification costs much more than its signature does.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Begun, Currency, Gateway, Handoff, Ledger as _, MemoryLedger, Mode, Money, Notice, OrderId,
    Origin, Paybox, Payments, Start, StartError, Unbelieved, Witness, Word, Work,
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
    let bare =
        UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, spki[22..].to_vec());
    let signed = "amount=4990&order=17&auth=XXXXXX&call=292615&trans=218017974&date=26112026&time=10%3A30%3A00&\
                  error=00000";
    let signature = SigningKey::<sha1::Sha1>::new(key).sign(signed.as_bytes()).to_bytes();
    let text = STANDARD.encode(&signature);
    let text = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let query = format!("{signed}&sign={text}");

    let ledger = Arc::new(MemoryLedger::default());
    let order: OrderId = "17".parse()?;
    ledger.place(&order, Money::new(4990, Currency::EUR)?);
    let begun = Begun { gateway: "paybox".into(), mode: Mode::Test, reference: None };
    ledger.begun(&order, &begun).now_or_never().ok_or("at once")??;
    let paybox = || Paybox::test_account()?.simulator("http://localhost:3001", &pem);
    let ring = KeyRing::new(Key::random())?;
    let builder = || Payments::builder(&ring, "bench", "https://club.example");
    let payments = builder()?.gateway(paybox()?).build(Arc::clone(&ledger))?;

    let turns = if std::env::args().any(|argument| argument == "--quick") { 300 } else { 3000 };
    let (send, measured) = mpsc::channel();
    let its_query = query.clone();
    let measure = move |verify: &mut dyn FnMut()| {
        let mut alone = || assert!(bare.verify(black_box(signed.as_bytes()), &signature).is_ok());
        let mut whole = || hear(&payments, &its_query);
        let _ = send.send(measure::alone::compare(turns, [&mut alone, verify, &mut whole]));
    };
    let measuring = Measuring { paybox: paybox()?, measure: Box::new(measure) };
    hear(&builder()?.gateway(measuring).build(ledger)?, &query);
    let [alone, verified, whole] = measured.try_recv()?;
    println!("| a notification of Paybox | ns | ratio | allocs |\n|:--|--:|--:|--:|");
    for (name, (its, ratio)) in [
        ("its signature alone: RSA-1024 with SHA-1, ring", alone),
        ("verified: raw bytes, escapes, signature, fields (goal: 1.1)", verified),
        ("the whole road: compared with the order, put into the ledger", whole),
    ] {
        println!("| {name} | {:.0} | {ratio:.2} | {} |", its.ns, its.allocations);
    }
    let (_, ratio) = verified;
    if ratio > MOST {
        return Err(format!("limit exceeded: {ratio:.2} times its signature, limit {MOST}").into());
    }
    Ok(())
}

/// All that becomes of a notification.
fn hear(payments: &Payments, query: &str) {
    let body = Bytes::new();
    let notice = Notice::new("GET", Some(black_box(query)), &[], &body);
    let answer = payments.notify("paybox", notice).now_or_never();
    assert!(answer.is_some_and(|answer| answer.status() == 200));
}

/// The goal, and what a machine that does something else as well adds.
const MOST: f64 = 1.15;

/// Has what it verifies measured, as nothing but a gateway that is asked can verify, and says nothing of it.
struct Measuring {
    paybox: Paybox,
    measure: Box<Measure>,
}

type Measure = dyn Fn(&mut dyn FnMut()) + Send + Sync;

impl Gateway for Measuring {
    fn id(&self) -> &'static str {
        self.paybox.id()
    }

    fn mode(&self) -> Mode {
        self.paybox.mode()
    }

    fn origins(&self) -> &[Origin] {
        self.paybox.origins()
    }

    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        self.paybox.start(start)
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            (self.measure)(&mut || {
                let words = self.paybox.verify(black_box(notice), witness).now_or_never();
                let words = words.and_then(Result::ok).unwrap_or_default();
                assert!(matches!(words[..], [Word::Says(_)]));
            });
            Ok(Vec::new())
        })
    }
}
