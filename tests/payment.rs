//! Payments, by their public interface: the way out, the way back, and whose word counts.

#![cfg(all(feature = "actix", feature = "axum", feature = "headers", feature = "paybox"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use donjon::clock::{Clock as _, ManualClock};
use donjon::event::{Detail, EventLog, EventName, MemorySink};
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Applied, Begun, Change, Checkout, Currency, Gateway, GatewayUrl, Handoff, Ledger, LedgerError,
    MemoryLedger, Mode, Money, Notice, Order, OrderId, Origin, Payments, PaymentsBuilder, Posted,
    Start, StartError, State, Unbelieved, Visited, Witness, Word, Work,
};

mod both;

#[path = "payment/attacks.rs"]
mod attacks;
#[path = "payment/laws.rs"]
mod laws;
#[path = "payment/notices.rs"]
mod notices;
#[path = "payment/out_and_back.rs"]
mod out_and_back;
#[path = "payment/paybox.rs"]
mod paybox;
#[cfg(all(feature = "paypal", feature = "stripe"))]
#[path = "payment/routes.rs"]
mod routes;
#[path = "payment/vectors.rs"]
mod vectors;

/// A gateway from outside, written with nothing but what is public. Its notifications are signed by a word that
/// it shares with the shop: `event order state minor currency mode word`, a line for each.
#[derive(Debug)]
struct Club {
    mode: Mode,
    origins: [Origin; 1],
    /// What it says when it is asked.
    says: Option<(State, Money)>,
    asked: Arc<AtomicU32>,
}

impl Club {
    fn new() -> Self {
        let origins = ["https://pay.example".parse().unwrap()];
        Self { mode: Mode::Test, origins, says: None, asked: Arc::default() }
    }
}

impl Gateway for Club {
    fn id(&self) -> &'static str {
        "club"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn origins(&self) -> &[Origin] {
        &self.origins
    }

    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let url = match start.checkout().shown() {
                "elsewhere" => "https://evil.example/".to_owned(),
                _ => format!(
                    "https://pay.example/{}?back={}",
                    start.checkout().order(),
                    start.back()
                ),
            };
            let url = GatewayUrl::at(&self.origins, &url);
            let url = url.ok_or(StartError::Gateway("a URL that is not the gateway's"))?;
            Ok(Handoff::see_other(url).reference("c-17"))
        })
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            let text = std::str::from_utf8(notice.body());
            let text = text.map_err(|_| Unbelieved::Malformed("not text"))?;
            let mut words = Vec::new();
            for line in text.lines() {
                let parts: Vec<_> = line.split(' ').collect();
                match &parts[..] {
                    ["ask", order, "our-word"] => words.push(Word::Ask(order.parse().unwrap())),
                    [event, order, state, minor, currency, mode, "our-word"] => {
                        let money = || Money::new(minor.parse().ok()?, currency.parse().ok()?).ok();
                        let mode = if *mode == "live" { Mode::Production } else { Mode::Test };
                        let (order, state) = (order.parse().unwrap(), state.parse().unwrap());
                        let said = witness.verified(*event, order, state, money());
                        words.push(Word::Says(said.of_mode(mode)));
                    }
                    _ => return Err(Unbelieved::Signature),
                }
            }
            Ok(words)
        })
    }

    fn confirm<'a>(
        &'a self,
        order: &'a OrderId,
        _: &'a Order,
        reference: Option<&'a str>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Option<donjon::payment::Verified>, Unbelieved>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(reference, Some("c-17"));
            let said = self.says;
            Ok(said.map(|(state, money)| {
                witness.verified("confirmed", order.clone(), state, Some(money))
            }))
        })
    }
}

/// The ledger, kept by the test as well.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<MemoryLedger>, Arc<std::sync::atomic::AtomicBool>);

impl Shared {
    fn result<T>(&self, value: T) -> Result<T, LedgerError> {
        if self.1.load(Ordering::Relaxed) { Err(LedgerError::new()) } else { Ok(value) }
    }
}

impl Ledger for Shared {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move {
            self.result(())?;
            self.0.order(order).await
        })
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        self.0.begun(order, attempt)
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            self.result(())?;
            // As wide as the columns are.
            assert!(change.event.len() <= 255 && change.by.len() <= 300, "{change:?}");
            // So that others are in between.
            tokio::task::yield_now().await;
            self.0.apply(change).await
        })
    }

    fn spend(
        &self,
        once: [u8; 16],
        until: std::time::SystemTime,
    ) -> Work<'_, Result<bool, LedgerError>> {
        self.0.spend(once, until)
    }
}

struct Shop {
    payments: Payments,
    ledger: Shared,
    sink: MemorySink,
    clock: Arc<ManualClock>,
    key: Key,
    ring: KeyRing,
}

fn order() -> OrderId {
    "2026-17".parse().unwrap()
}

fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

impl Shop {
    fn new(build: impl FnOnce(PaymentsBuilder) -> PaymentsBuilder) -> Self {
        let key = Key::random();
        let ring = KeyRing::new(key.clone()).unwrap();
        let sink = MemorySink::default();
        let log = EventLog::builder().memory(&sink).collapse_within(Duration::ZERO);
        let log = log.build().unwrap();
        let clock = Arc::new(ManualClock::default());
        clock.advance(Duration::from_secs(1_800_000_000));
        let ledger = Shared::default();
        ledger.0.place(&order(), price());
        let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
        let builder = build(builder.log(&log).clock(clock.clone()));
        let payments = builder.build(ledger.clone()).unwrap();
        Self { payments, ledger, sink, clock, key, ring }
    }

    fn club() -> Self {
        Self::new(|builder| builder.gateway(Club::new()))
    }

    fn state(&self) -> State {
        self.ledger.0.state(&order()).unwrap()
    }

    /// By the routes for notifications and returns.
    async fn answers(&self, framework: &str, ask: &both::Ask) -> both::Seen {
        if framework == "axum" {
            return both::axum_app::send(self.payments.axum_routes(), ask).await;
        }
        let app = actix_web::App::new().configure(|config| self.payments.actix_routes(config));
        let app = actix_web::test::init_service(app).await;
        let request = both::actix_app::request(ask).to_request();
        both::actix_app::seen(actix_web::test::try_call_service(&app, request).await).await
    }

    /// Sends the payer away, and gives the answer's head.
    async fn redirect(&self, checkout: &Checkout) -> http::Response<Bytes> {
        let answer = self.payments.redirect(posted(), checkout, "club", Some(b"session")).await;
        answer.unwrap().into_response()
    }

    async fn begin(&self) {
        let _ = self.redirect(&Checkout::new(order(), price())).await;
    }

    /// Sends a notification, and gives the status.
    async fn hear(&self, body: &str) -> u16 {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let notice = Notice::new("POST", None, &[], &body);
        self.payments.notify("club", notice).await.status().as_u16()
    }

    fn told(&self) -> Vec<(EventName, &'static str)> {
        let events = self.sink.events();
        let told = events.iter().map(|event| match event.detail() {
            Detail::Payment(said) => (event.name(), said.what),
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

fn posted() -> Posted {
    Posted::of(&http::Request::post("/pay").body(()).unwrap()).unwrap()
}

fn visited() -> Visited {
    Visited::of(&http::Request::get("/pay/return/token").body(()).unwrap()).unwrap()
}

/// The last segment of a URL that stands in a text behind this.
fn token_of(text: &str) -> String {
    let (_, rest) = text.split_once("https://club.example/pay/return/").unwrap();
    rest.chars().take_while(|char| char.is_ascii_alphanumeric() || "-_".contains(*char)).collect()
}
