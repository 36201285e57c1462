//! Two gateways, two attempts, refunds, prices that change, hosts that hang: what goes wrong in between.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::SystemTime;

use donjon::payment::{HttpError, HttpSend, Paybox, PayboxBrand, Verified};

use super::*;

/// A gateway whose word is what is sent: `event state minor`, or `ask`.
struct Plain {
    id: &'static str,
    origins: Vec<Origin>,
    url: &'static str,
    /// One for each attempt, in turn.
    references: Mutex<Vec<&'static str>>,
    asked: Arc<AtomicU32>,
}

impl Plain {
    fn new(id: &'static str) -> Self {
        Self {
            id,
            origins: vec!["https://pay.example".parse().unwrap()],
            url: "https://pay.example/",
            references: Mutex::default(),
            asked: Arc::default(),
        }
    }
}

impl Gateway for Plain {
    fn id(&self) -> &'static str {
        self.id
    }
    fn mode(&self) -> Mode {
        Mode::Test
    }
    fn origins(&self) -> &[Origin] {
        &self.origins
    }
    fn start<'a>(&'a self, _: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            // As a gateway would that takes the origin from what the API has answered.
            let host = self.url.trim_end_matches('/').parse().unwrap();
            let url = GatewayUrl::at(&[host], self.url).unwrap();
            let reference = self.references.lock().unwrap().pop().unwrap_or("r");
            Ok(Handoff::see_other(url).reference(reference))
        })
    }
    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            let text = std::str::from_utf8(notice.body()).unwrap();
            if text == "ask" {
                return Ok(vec![Word::Ask(order())]);
            }
            let (event, state) = text.split_once(' ').unwrap();
            let state = state.parse().unwrap();
            Ok(vec![Word::Says(witness.verified(event, order(), state, Some(price())))])
        })
    }
    fn confirm<'a>(
        &'a self,
        order: &'a OrderId,
        _: &'a Order,
        reference: Option<&'a str>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Option<Verified>, Unbelieved>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match reference {
                Some("gone") => Err(Unbelieved::Malformed("404")),
                Some("paid") => {
                    let said = witness.verified("c", order.clone(), State::Paid, Some(price()));
                    Ok(Some(said))
                }
                _ => Ok(None),
            }
        })
    }
}

async fn hear(shop: &Shop, gateway: &str, body: &str) -> u16 {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let notice = Notice::new("POST", None, &[], &body);
    shop.payments.notify(gateway, notice).await.status().as_u16()
}

async fn begin(shop: &Shop, gateway: &str) -> Result<donjon::payment::Answer, StartError> {
    let checkout = Checkout::new(order(), price()).email("ann@example.com");
    shop.payments.redirect(posted(), &checkout, gateway, None).await
}

#[tokio::test]
async fn a_url_of_other_origins_than_the_gateways_leads_nowhere() {
    let plain = Plain { url: "https://evil.example/", ..Plain::new("a") };
    let shop = Shop::new(|builder| builder.gateway(plain));
    let answer = begin(&shop, "a").await;
    assert!(matches!(answer, Err(StartError::Gateway(_))), "{answer:?}");
}

#[tokio::test]
async fn the_refund_of_the_second_payment_leaves_the_first() {
    let shop = Shop::new(|builder| builder.gateway(Plain::new("a")).gateway(Plain::new("b")));
    let _ = begin(&shop, "a").await.unwrap();
    let _ = begin(&shop, "b").await.unwrap();
    assert_eq!(hear(&shop, "a", "1 paid").await, 200);
    assert_eq!(hear(&shop, "b", "2 paid").await, 200); // told: paid again, give it back
    assert_eq!(hear(&shop, "b", "3 refunded").await, 200); // it was given back
    assert_eq!(shop.state(), State::Paid);
}

#[tokio::test]
async fn what_one_gateway_has_promised_another_does_not_take_back() {
    for held in ["pending", "authorized"] {
        for end in ["expired", "cancelled", "refused"] {
            let shop =
                Shop::new(|builder| builder.gateway(Plain::new("a")).gateway(Plain::new("b")));
            let _ = begin(&shop, "a").await.unwrap();
            let _ = begin(&shop, "b").await.unwrap();
            hear(&shop, "b", &format!("1 {held}")).await;
            // The page that was left open at the first gateway runs out.
            hear(&shop, "a", &format!("2 {end}")).await;
            assert_eq!(shop.state().as_str(), held, "{end}");
        }
    }
}

/// Of two attempts at a gateway whose word does not say of which it speaks, the end of one is not the other's.
#[tokio::test]
async fn the_end_of_one_attempt_is_not_the_end_of_another() {
    for held in ["pending", "authorized"] {
        for end in ["expired", "cancelled", "refused"] {
            let shop = Shop::new(|builder| builder.gateway(Plain::new("a")));
            let _ = begin(&shop, "a").await.unwrap();
            assert_eq!(hear(&shop, "a", &format!("1 {held}")).await, 200);
            assert_eq!(hear(&shop, "a", &format!("2 {end}")).await, 200);
            assert_eq!(shop.state().as_str(), end, "of one attempt there is no doubt");

            let shop = Shop::new(|builder| builder.gateway(Plain::new("a")));
            let _ = begin(&shop, "a").await.unwrap();
            assert_eq!(hear(&shop, "a", &format!("1 {held}")).await, 200);
            let _ = begin(&shop, "a").await;
            let _ = begin(&shop, "a").await;
            if held == "pending" {
                assert_eq!(hear(&shop, "a", &format!("2 {end}")).await, 200);
                assert_eq!(shop.state().as_str(), held, "{end}");
            }
            assert_eq!(hear(&shop, "a", "3 paid").await, 200);
            assert_eq!(shop.state(), State::Paid);
        }
    }
}

#[tokio::test]
async fn an_attempt_that_cannot_be_asked_hides_no_later_one() {
    let plain = Plain { references: Mutex::new(vec!["paid", "gone"]), ..Plain::new("a") };
    let shop = Shop::new(|builder| builder.gateway(plain));
    let _ = begin(&shop, "a").await.unwrap();
    let _ = begin(&shop, "a").await.unwrap();
    let status = hear(&shop, "a", "ask").await;
    assert_eq!(shop.state(), State::Paid, "{status}");
}

#[tokio::test]
async fn one_notification_asks_a_few_times_at_most() {
    let plain = Plain::new("a");
    let asked = Arc::clone(&plain.asked);
    let shop = Shop::new(|builder| builder.gateway(plain));
    for _ in 0..1000 {
        let _ = begin(&shop, "a").await;
    }
    hear(&shop, "a", "ask").await;
    let times = asked.load(Ordering::Relaxed);
    assert!(times <= 100, "one request made {times}");
}

/// A gateway that takes its time to say anything of an attempt, and of the third one says nothing at all.
struct Slow {
    plain: Plain,
    clock: Arc<ManualClock>,
    takes: Duration,
    begun: AtomicU32,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Gateway for Slow {
    fn id(&self) -> &'static str {
        "slow"
    }
    fn mode(&self) -> Mode {
        Mode::Test
    }
    fn origins(&self) -> &[Origin] {
        self.plain.origins()
    }
    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let begun = self.begun.fetch_add(1, Ordering::Relaxed);
            Ok(self.plain.start(start).await?.reference(begun.to_string()))
        })
    }
    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        self.plain.verify(notice, witness)
    }
    fn confirm<'a>(
        &'a self,
        _: &'a OrderId,
        _: &'a Order,
        reference: Option<&'a str>,
        _: Witness<'a>,
    ) -> Work<'a, Result<Option<Verified>, Unbelieved>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(reference.unwrap().to_owned());
            self.clock.advance(self.takes);
            if self.asked.lock().unwrap().len().is_multiple_of(3) {
                std::future::pending::<()>().await;
            }
            Ok(None)
        })
    }
}

/// However often somebody has set out, a notification and a page are answered in time: the last attempt first, and what
/// is left is asked about another time.
#[tokio::test]
async fn nobody_waits_for_every_attempt_there_was() {
    let clock = Arc::new(ManualClock::default());
    let asked = Arc::default();
    let slow = Slow {
        plain: Plain::new("slow"),
        clock: Arc::clone(&clock),
        takes: Duration::from_millis(9950),
        begun: AtomicU32::new(0),
        asked: Arc::clone(&asked),
    };
    let shop = Shop::new(|builder| builder.gateway(slow).clock(clock));
    for _ in 0..64 {
        let _ = begin(&shop, "slow").await.unwrap();
    }
    let mut seen = std::collections::HashSet::new();
    for _ in 0..40 {
        let status = tokio::time::timeout(Duration::from_secs(5), hear(&shop, "slow", "ask"));
        assert_eq!(status.await, Ok(500), "the rest is still to be asked about");
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!((asked.len(), &*asked[0]), (3, "63"));
        seen.extend(asked);
    }
    assert!(seen.len() > 20, "the same ones each time: {seen:?}");
    let order = order();
    let state = shop.payments.reconcile(&order);
    let state = tokio::time::timeout(Duration::from_secs(5), state).await;
    assert!(matches!(state, Ok(Err(_))), "{state:?}");
    assert_eq!(asked.lock().unwrap().len(), 3);
}

/// What a database cuts off is not what tells two events apart.
#[tokio::test]
async fn names_of_events_fit_and_stay_different() {
    let shop = Shop::new(|builder| builder.gateway(Plain::new("a")));
    let _ = begin(&shop, "a").await.unwrap();
    let long = "\u{e9}".repeat(300);
    for end in ["1", "1", "2"] {
        assert_eq!(hear(&shop, "a", &format!("{long}{end} paid")).await, 200);
    }
    let told = [(EventName::PaymentChanged, "paid"), (EventName::PaymentMismatch, "paid again")];
    assert_eq!(shop.told(), told);

    let reference: &'static str = Box::leak("r".repeat(256).into());
    let plain = Plain { references: Mutex::new(vec![reference]), ..Plain::new("a") };
    let shop = Shop::new(|builder| builder.gateway(plain));
    let answer = begin(&shop, "a").await;
    assert!(matches!(answer, Err(StartError::Gateway(_))), "{answer:?}");
}

#[tokio::test]
async fn money_that_comes_after_a_refund_is_told_of() {
    let shop = Shop::new(|builder| builder.gateway(Plain::new("a")));
    let _ = begin(&shop, "a").await.unwrap();
    let _ = begin(&shop, "a").await.unwrap();
    hear(&shop, "a", "1 paid").await;
    hear(&shop, "a", "2 refunded").await;
    hear(&shop, "a", "3 paid").await;
    let told = shop.told();
    assert_eq!(told.len(), 3, "{told:?}");
}

#[tokio::test]
async fn a_refund_that_overtakes_the_payment_is_not_lost() {
    let shop = Shop::new(|builder| builder.gateway(Plain::new("a")));
    let _ = begin(&shop, "a").await.unwrap();
    hear(&shop, "a", "2 refunded").await;
    hear(&shop, "a", "1 paid").await;
    hear(&shop, "a", "2 refunded").await; // sent again: heard before
    assert_ne!(shop.state(), State::Paid);
}

/// The shop adds to the order between the look at the price and the step in the ledger.
struct Dearer(Arc<Mutex<Order>>);

impl Ledger for Dearer {
    fn order<'a>(&'a self, _: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move { Ok(Some(self.0.lock().unwrap().clone())) })
    }
    fn begun<'a>(&'a self, _: &'a OrderId, b: &'a Begun) -> Work<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            self.0.lock().unwrap().begun.push(b.clone());
            Ok(())
        })
    }
    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            let mut order = self.0.lock().unwrap();
            order.amount = Money::new(499_000, Currency::EUR).unwrap(); // another request, just now
            if order.amount != change.amount {
                return Ok(Applied::AnotherAmount);
            }
            if !change.from.contains(&order.state) {
                return Ok(Applied::NotFrom(order.state));
            }
            order.state = change.to;
            Ok(Applied::Done)
        })
    }
    fn spend(&self, _: [u8; 16], _: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        Box::pin(async { Ok(true) })
    }
}

#[tokio::test]
async fn a_price_that_changes_meanwhile_is_not_paid() {
    let books = Arc::new(Mutex::new(Order::new(price(), State::Created)));
    let ring = KeyRing::new(Key::random()).unwrap();
    let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
    let payments = builder.gateway(Plain::new("a")).build(Dearer(Arc::clone(&books))).unwrap();
    let checkout = Checkout::new(order(), price());
    let _ = payments.redirect(posted(), &checkout, "a", None).await.unwrap();
    let body = Bytes::from_static(b"1 paid");
    let _ = payments.notify("a", Notice::new("POST", None, &[], &body)).await;
    let order = books.lock().unwrap().clone();
    assert!(order.state != State::Paid, "{:?} is paid, and {:?} came", order.amount, price());
}

#[tokio::test]
async fn no_debug_shows_a_payer_or_what_is_signed() {
    let shop = Shop::new(|builder| builder.gateway(Paybox::test_account().unwrap()));
    let checkout = Checkout::new(order(), price()).email("ann@example.com").description("secret");
    let text = format!("{checkout:?}");
    let mut bad = Vec::new();
    if text.contains("ann@example.com") {
        bad.push(text);
    }
    let answer = begin(&shop, "paybox").await.unwrap();
    let text = format!("{answer:?}");
    if text.contains("PBX_HMAC") || text.contains("ann@") {
        bad.push(text.chars().take(300).collect());
    }
    let club = Shop::club();
    let answer = club.payments.redirect(posted(), &checkout, "club", None).await.unwrap();
    let text = format!("{answer:?}");
    if text.contains("pay/return/") {
        bad.push(text);
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test]
async fn what_is_answered_500_is_told_of() {
    let shop = Shop::club();
    shop.begin().await;
    shop.ledger.1.store(true, Ordering::Relaxed);
    assert_eq!(shop.hear("e1 2026-17 paid 4990 EUR test our-word").await, 500);
    assert!(!shop.sink.events().is_empty(), "a payment was heard of, and nobody is told");
}

#[actix_web::test]
async fn what_no_person_has_sent_does_not_use_the_token_up() {
    for framework in ["axum", "actix-web"] {
        let shop = Shop::club();
        let response = shop.redirect(&Checkout::new(order(), price())).await;
        let token = token_of(response.headers()["location"].to_str().unwrap());
        let target = format!("/pay/return/{token}");
        let send_with = async |method: &'static str, headers: &[(&'static str, &'static str)]| {
            let ask = both::Ask::get(&target).method(method);
            let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
            shop.answers(framework, &ask).await
        };
        let send = async |method: &'static str| send_with(method, &[]).await;
        assert!(matches!(send("HEAD").await.status, 404 | 405), "{framework}");
        for ahead in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("purpose", "prefetch"),
            ("purpose", "preview"),
            ("x-moz", "prefetch"),
            ("X-Purpose", "preview"),
        ] {
            let seen = send_with("GET", &[ahead]).await;
            assert_eq!(seen.status, 503, "{framework} {ahead:?}");
            assert_eq!(seen.header("cache-control"), Some("no-store"), "{framework}");
            assert_eq!(seen.header("referrer-policy"), Some("no-referrer"), "{framework}");
            assert_eq!(seen.header("location"), None, "{framework}");
        }
        assert_eq!(send("GET").await.status, 303, "{framework}");
        let used = send("GET").await;
        assert_eq!(used.status, 410, "{framework}");
        assert_eq!(used.header("cache-control"), Some("no-store"), "{framework}");
        assert_eq!(used.header("referrer-policy"), Some("no-referrer"), "{framework}");
    }
}

struct Hangs(AtomicU32);

impl HttpSend for Hangs {
    fn send(&self, _: http::Request<Bytes>) -> Work<'_, Result<http::Response<Bytes>, HttpError>> {
        let first = self.0.fetch_add(1, Ordering::Relaxed) == 0;
        Box::pin(async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok(http::Response::new(Bytes::from_static(b"<div id=\"server_status\">OK</div>")))
        })
    }
}

struct Down;

impl HttpSend for Down {
    fn send(&self, _: http::Request<Bytes>) -> Work<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async { Err(HttpError::new()) })
    }
}

fn production() -> Paybox {
    let key = "0F".repeat(64);
    Paybox::new(PayboxBrand::Verifone, Mode::Production, ("1234567", "01", "2"), &key).unwrap()
}

#[tokio::test]
async fn a_host_that_hangs_does_not_keep_the_payer() {
    let shop = Shop::new(|builder| builder.gateway(production()).http(Hangs(AtomicU32::default())));
    let answer = tokio::time::timeout(Duration::from_secs(8), begin(&shop, "paybox")).await;
    assert!(answer.is_ok(), "after 8 s the backup has not been asked");
}

#[tokio::test]
async fn where_no_host_says_that_it_is_up_the_payer_is_still_sent() {
    let shop = Shop::new(|builder| builder.gateway(production()).http(Down));
    let answer = begin(&shop, "paybox").await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn urls_fit_into_150_characters() {
    let shop = Shop::new(|builder| builder.gateway(production()));
    let response: http::Response<Bytes> = begin(&shop, "paybox").await.unwrap().into_response();
    let html = std::str::from_utf8(response.body()).unwrap();
    let url = html.lines().find(|line| line.contains("PBX_EFFECTUE")).unwrap();
    let url = url.split("value=\"").nth(1).unwrap().trim_end_matches("\">");
    assert!(url.len() <= 150, "{}: {url}", url.len());
}

#[tokio::test]
async fn an_address_that_is_signed_is_plain() {
    let shop = Shop::new(|builder| builder.gateway(production()));
    let begin = async |email: &str| {
        let checkout = Checkout::new(order(), price()).email(email);
        shop.payments.redirect(posted(), &checkout, "paybox", None).await.is_ok()
    };
    for email in
        ["ann@example.com", "ann.o'hara+club@example.com", "\u{e9}l\u{e9}onore@example.com"]
    {
        assert!(begin(email).await, "{email}");
    }
    for email in [
        "a\u{202e}nn@example.com",
        "a\u{200b}nn@example.com",
        "a\u{2028}nn@example.com",
        "a\u{feff}nn@example.com",
        "a\"nn@example.com",
        "Ann<a@b.example>",
        "a@b@c.example",
        "a@b.example,c@d.example",
        "a;b@c.example",
    ] {
        assert!(!begin(email).await, "{email:?}");
    }
}

#[test]
fn routes_that_a_router_reads_otherwise_are_not_built() {
    let ring = KeyRing::new(Key::random()).unwrap();
    for path in ["/pay/{x}", "/pay/{*rest}", "/pay/{", "/a/../b", "/pay//x", "/pay/*", "/:x"] {
        let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
        let built = builder
            .gateway(Club::new())
            .return_route(path)
            .notify_route(path)
            .build(MemoryLedger::default());
        assert!(built.is_err(), "{path}");
    }
}

/// Chunks without an end.
struct Endless(Arc<AtomicU32>);

impl futures_util::Stream for Endless {
    type Item = Result<Bytes, std::io::Error>;
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; 1024]))))
    }
}

#[tokio::test]
async fn no_more_than_64_kib_is_read_axum() {
    use tower::ServiceExt as _;
    let shop = Shop::club();
    let chunks = Arc::new(AtomicU32::default());
    let body = axum::body::Body::from_stream(Endless(Arc::clone(&chunks)));
    let request = http::Request::post("/pay/notify/club").body(body).unwrap();
    let seen = shop.payments.axum_routes::<()>().oneshot(request).await.unwrap();
    assert_eq!(seen.status(), 413);
    assert!(chunks.load(Ordering::Relaxed) <= 66, "{chunks:?}");
}

#[actix_web::test]
async fn no_more_than_64_kib_is_read_actix() {
    let shop = Shop::club();
    let chunks = Arc::new(AtomicU32::default());
    let app = actix_web::App::new().configure(|config| shop.payments.actix_routes(config));
    let app = actix_web::test::init_service(app).await;
    let counted = Arc::clone(&chunks);
    let stream = futures_util::stream::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, actix_web::error::PayloadError>(Bytes::from_static(&[b'x'; 1024]))
    });
    let payload = actix_web::dev::Payload::Stream {
        payload: Box::pin(stream)
            as Pin<
                Box<dyn futures_util::Stream<Item = Result<Bytes, actix_web::error::PayloadError>>>,
            >,
    };
    let request = actix_web::test::TestRequest::post().uri("/pay/notify/club").to_request();
    let (request, _) = request.replace_payload(payload);
    let seen = actix_web::test::call_service(&app, request).await;
    assert_eq!(seen.status().as_u16(), 413);
    assert!(chunks.load(Ordering::Relaxed) <= 66, "{chunks:?}");
}

#[derive(Debug)]
struct Before1970;
impl donjon::clock::Clock for Before1970 {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH - Duration::from_secs(1)
    }
}

#[tokio::test]
async fn a_wrong_clock_does_not_panic() {
    let ledger = MemoryLedger::default();
    ledger.place(&order(), price());
    let ring = KeyRing::new(Key::random()).unwrap();
    let builder = Payments::builder(&ring, "club", "https://club.example").unwrap();
    let payments = builder.gateway(production()).clock(Arc::new(Before1970)).build(ledger).unwrap();
    let checkout = Checkout::new(order(), price()).email("ann@example.com");
    let answer = payments.redirect(posted(), &checkout, "paybox", None).await;
    assert_eq!(answer.unwrap().status(), 200);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(method in "GET|POST|HEAD|X", query in ".{0,200}", body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), tail in "(&sign=[A-Za-z0-9%+/=]{0,40})?") {
        let shop = Shop::new(|builder| builder.gateway(Paybox::test_account().unwrap()));
        let query = format!("{query}{tail}");
        let body = Bytes::from(body);
        let notice = Notice::new(&method, Some(&query), &[], &body);
        let status = futures_util::FutureExt::now_or_never(shop.payments.notify("paybox", notice)).unwrap().status();
        assert_eq!(status, 400);
        let _ = futures_util::FutureExt::now_or_never(shop.payments.returned(visited(), &query, None));
    }
}

/// A gateway's author may give one name to two things: a session that is pending and then paid, say.
#[tokio::test]
async fn one_name_for_two_things_loses_no_payment() {
    let shop = Shop::club();
    let other: OrderId = "2026-18".parse().unwrap();
    shop.ledger.0.place(&other, price());
    shop.begin().await;
    let _ = shop.redirect(&Checkout::new(other.clone(), price())).await;
    shop.hear("e 2026-17 pending 4990 EUR test our-word").await;
    shop.hear("e 2026-17 paid 4990 EUR test our-word").await;
    shop.hear("e 2026-18 paid 4990 EUR test our-word").await;
    assert_eq!((shop.state(), shop.ledger.0.state(&other)), (State::Paid, Some(State::Paid)));
}
