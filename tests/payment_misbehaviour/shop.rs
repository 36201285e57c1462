//! A shop on a port of this machine, by axum or by actix-web.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use actix_web::dev::ServerHandle;
use donjon::adapters::reqwest::Reqwest;
use donjon::event::{Detail, EventLog, EventName, MemorySink, SecurityEvent};
use donjon::keys::{Key, KeyRing};
use donjon::payment::{
    Answer, Applied, Begun, Change, Checkout, Currency, Ledger, LedgerError, MemoryLedger, Mode,
    Money, Order, OrderId, PayPal, Paybox, Payments, Posted, State, StripeCheckout, Work,
};
use donjon::refusal::Refusal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::simulator::Simulator;

/// The ledger, which counts how often an order has become paid.
#[derive(Default)]
pub(crate) struct Counting {
    inner: MemoryLedger,
    paid: AtomicUsize,
}

impl Ledger for Counting {
    fn order<'a>(&'a self, order: &'a OrderId) -> Work<'a, Result<Option<Order>, LedgerError>> {
        Box::pin(async move {
            let found = self.inner.order(order).await;
            // So that others are in between.
            tokio::task::yield_now().await;
            found
        })
    }

    fn begun<'a>(
        &'a self,
        order: &'a OrderId,
        attempt: &'a Begun,
    ) -> Work<'a, Result<(), LedgerError>> {
        self.inner.begun(order, attempt)
    }

    fn apply<'a>(&'a self, change: &'a Change) -> Work<'a, Result<Applied, LedgerError>> {
        Box::pin(async move {
            let applied = self.inner.apply(change).await?;
            if applied == Applied::Done && change.to == State::Paid {
                self.paid.fetch_add(1, Ordering::SeqCst);
            }
            Ok(applied)
        })
    }

    fn spend(&self, once: [u8; 16], until: SystemTime) -> Work<'_, Result<bool, LedgerError>> {
        self.inner.spend(once, until)
    }
}

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) url: String,
    pub(crate) payments: Payments,
    ledger: Arc<Counting>,
    sink: MemorySink,
}

impl Shop {
    /// It waits so long for the gateway.
    pub(crate) async fn open(
        framework: &str,
        simulator: &Simulator,
        patience: Duration,
    ) -> (Self, Server) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = simulator.origin();
        let paybox = Paybox::test_account().unwrap();
        let paybox = paybox.simulator(&gateway, simulator.public_key()).unwrap();
        let [client, secret, webhook] = Simulator::PAYPAL;
        let paypal = PayPal::new(Mode::Test, client, secret, webhook).unwrap();
        let paypal = paypal.simulator(&gateway, simulator.paypal_certificate()).unwrap();
        let stripe = StripeCheckout::new(Mode::Test, "sk_test_1", [Simulator::STRIPE_SECRET]);
        let stripe = stripe.unwrap().simulator(&gateway).unwrap();
        let sink = MemorySink::default();
        let log =
            EventLog::builder().memory(&sink).collapse_within(Duration::ZERO).build().unwrap();
        let ledger = Arc::new(Counting::default());
        let payments = Payments::builder(&KeyRing::new(Key::random()).unwrap(), "shop", &url)
            .unwrap()
            .gateway(paybox)
            .gateway(paypal)
            .gateway(stripe)
            .http(Reqwest::new().unwrap().within(patience))
            .log(&log)
            .build(Arc::clone(&ledger))
            .unwrap();
        for (gateway, route) in payments.notify_routes() {
            simulator.webhook(gateway, &format!("{url}{route}"));
        }
        let shop = Self { url, payments, ledger, sink };
        let server = serve(framework, listener, shop.clone());
        (shop, server)
    }

    pub(crate) fn place(&self, order: &str) -> OrderId {
        let order = order.parse().unwrap();
        self.ledger.inner.place(&order, price());
        order
    }

    pub(crate) async fn order(&self, order: &OrderId) -> Order {
        self.ledger.order(order).await.unwrap().unwrap()
    }

    /// How often an order has become paid since this was last asked.
    pub(crate) fn paid(&self) -> usize {
        self.ledger.paid.swap(0, Ordering::SeqCst)
    }

    /// What was told of this order, or of one that there is not, in no order.
    pub(crate) fn events(&self, order: &OrderId) -> Vec<EventName> {
        let events = self.sink.events();
        let is_its = |detail: &Detail| match detail {
            Detail::Payment(said) => said.order.as_deref().is_none_or(|of| of == order.as_str()),
            _ => false,
        };
        events.iter().filter(|event| is_its(event.detail())).map(SecurityEvent::name).collect()
    }

    async fn pay(&self, posted: Posted, gateway: &str, order: &str) -> Result<Answer, Refusal> {
        let checkout = Checkout::new(order.parse().unwrap(), price()).email("ann@example.com");
        Ok(self.payments.redirect(posted, &checkout, gateway, None).await?)
    }
}

pub(crate) fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

/// What a shop runs in.
pub(crate) enum Server {
    Axum(JoinHandle<std::io::Result<()>>),
    Actix(ServerHandle),
}

impl Server {
    pub(crate) async fn stop(self) {
        match self {
            Self::Axum(server) => server.abort(),
            Self::Actix(server) => server.stop(false).await,
        }
    }
}

/// The routes of `Payments`, and the button's.
fn serve(framework: &str, listener: TcpListener, shop: Shop) -> Server {
    let payments = shop.payments.clone();
    if framework == "axum" {
        use axum::extract::Path;

        let pay = async move |posted: Posted, Path((gateway, order)): Path<(String, String)>| {
            shop.pay(posted, &gateway, &order).await
        };
        let router = axum::Router::new()
            .route("/buy/{gateway}/{order}", axum::routing::post(pay))
            .merge(payments.axum_routes());
        Server::Axum(tokio::spawn(axum::serve(listener, router).into_future()))
    } else {
        use actix_web::web::{self, Data, Path};

        let shop = Data::new(shop);
        let server = actix_web::HttpServer::new(move || {
            let pay = async |posted: Posted, shop: Data<Shop>, path: Path<(String, String)>| {
                shop.pay(posted, &path.0, &path.1).await
            };
            actix_web::App::new()
                .app_data(shop.clone())
                .route("/buy/{gateway}/{order}", web::post().to(pay))
                .configure(|config| payments.actix_routes(config))
        });
        let listener = listener.into_std().unwrap();
        let server = server.workers(2).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Server::Actix(handle)
    }
}
