//! A payer in a browser, over https: from the button to the gateway and back, under the strict policy.

use std::sync::Arc;

use bytes::Bytes;
use donjon::adapters::reqwest::Reqwest;
use donjon::client::TrustedProxies;
use donjon::csrf::CsrfProtection;
use donjon::headers::SecurityHeaders;
use donjon::headers::csp::Directive;
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use donjon::payment::{
    Answer, Billing, Checkout, Currency, HttpError, HttpSend, MemoryLedger, Mode, Money, OrderId,
    Origin, PayPal, Paybox, Payments, Posted, StripeCheckout, Work,
};
use donjon::refusal::Refusal;
use fantoccini::Locator;
use http::{Request, Response};
use tokio::net::TcpListener;

use super::support::{PATIENCE, Scratch, Server, program, skip};
use super::{Browser, Duration};

#[path = "../../examples/payment/simulator/mod.rs"]
mod simulator;
use simulator::Simulator;

/// The way to the gateway's API, which is behind a proxy whose certificate nobody vouches for: around that.
struct Around {
    proxy: String,
    gateway: String,
    http: Reqwest,
}

impl HttpSend for Around {
    fn send(&self, request: Request<Bytes>) -> Work<'_, Result<Response<Bytes>, HttpError>> {
        let (mut head, body) = request.into_parts();
        let url = head.uri.to_string().replacen(&self.proxy, &self.gateway, 1);
        head.uri = url.parse().unwrap();
        self.http.send(Request::from_parts(head, body))
    }
}

fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

#[derive(Clone)]
struct Shop {
    payments: Payments,
    ledger: Arc<MemoryLedger>,
}

impl Shop {
    fn page(&self, order: &str) -> String {
        let order: OrderId = order.parse().unwrap();
        let state = self.ledger.state(&order).unwrap();
        let button = |gateway: &str| {
            format!(
                "<form method=post action=/buy/{gateway}/{order}><button id={gateway}>Pay</button></form>"
            )
        };
        let buttons = ["paybox", "paypal", "stripe"].map(button).concat();
        format!("<!doctype html><title>{order}</title><p id=state>{state}</p>{buttons}")
    }

    async fn pay(&self, posted: Posted, gateway: &str, order: &str) -> Result<Answer, Refusal> {
        // What is signed arrives as it was, whatever it means in HTML, XML or a form.
        let billing = Billing {
            first_name: "Zo\u{eb} \"Z\"".into(),
            last_name: "O'Hara & <Sons>".into(),
            street: "1; rue du Stade = 100 %".into(),
            postal_code: "75001".into(),
            city: "Cr\u{e9}teil + Paris".into(),
            country: 250,
            ..Billing::default()
        };
        let checkout = Checkout::new(order.parse().unwrap(), price()).email("o'hara+1@example.com");
        let checkout = checkout.billing(billing);
        Ok(self.payments.redirect(posted, &checkout, gateway, None).await?)
    }
}

type House = Stack<(TrustedProxies, SecurityHeaders, CsrfProtection)>;

/// By axum or by actix-web.
fn serve(framework: &str, listener: TcpListener, stack: House, shop: Shop) {
    let payments = shop.payments.clone();
    if framework == "axum" {
        use axum::extract::Path;
        use axum::response::Html;
        use axum::routing::{get, post};

        let (pages, pays) = (shop.clone(), shop);
        let page = async move |Path(order): Path<String>| Html(pages.page(&order));
        let pay = async move |posted: Posted, Path((gateway, order)): Path<(String, String)>| {
            pays.pay(posted, &gateway, &order).await
        };
        let router = axum::Router::new()
            .route("/orders/{order}", get(page))
            .route("/buy/{gateway}/{order}", post(pay))
            .merge(payments.axum_routes())
            .layer(stack)
            .into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(axum::serve(listener, router).into_future());
    } else {
        use actix_web::web::{self, Data, Html, Path};
        use actix_web::{App, HttpServer};

        let shop = Data::new(shop);
        let server = HttpServer::new(move || {
            let page = async |shop: Data<Shop>, order: Path<String>| Html::new(shop.page(&order));
            let pay = async |posted: Posted, shop: Data<Shop>, path: Path<(String, String)>| {
                shop.pay(posted, &path.0, &path.1).await
            };
            App::new()
                .wrap(stack.clone())
                .app_data(shop.clone())
                .route("/orders/{order}", web::get().to(page))
                .route("/buy/{gateway}/{order}", web::post().to(pay))
                .configure(|config| payments.actix_routes(config))
        });
        let listener = listener.into_std().unwrap();
        let server = server.workers(1).disable_signals().listen(listener).unwrap();
        actix_web::rt::spawn(server.run());
    }
}

#[tokio::test]
async fn a_payer_goes_to_the_gateway_and_comes_back_on_axum() {
    a_payer_goes_to_the_gateway_and_comes_back("axum").await;
}

#[actix_web::test]
async fn a_payer_goes_to_the_gateway_and_comes_back_on_actix() {
    a_payer_goes_to_the_gateway_and_comes_back("actix-web").await;
}

async fn a_payer_goes_to_the_gateway_and_comes_back(framework: &'static str) {
    let title = format!("a payment in a browser, {framework}");
    let Some(node) = program(&["node", "nodejs"]) else {
        return skip(&title, "no node on the PATH (Debian: apt-get install nodejs)");
    };
    let folder = Scratch::new(&format!("payment-{framework}"));
    let simulator = Simulator::start().await.unwrap();
    let address = simulator.origin();
    let gateway = Server::https_front(&node, &address, &folder.join("gateway.pem")).await;
    simulator.appear_at(&gateway.url);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = format!("http://{}", listener.local_addr().unwrap());
    let site = Server::https_front(&node, &app, &folder.join("site.pem")).await;
    simulator.reach(&site.url, &app);

    let paybox = Paybox::test_account().unwrap();
    let paybox = paybox.simulator(&gateway.url, simulator.public_key()).unwrap();
    let [client, secret, webhook] = Simulator::PAYPAL;
    let paypal = PayPal::new(Mode::Test, client, secret, webhook).unwrap();
    let paypal = paypal.simulator(&gateway.url, simulator.paypal_certificate()).unwrap();
    let stripe = StripeCheckout::new(Mode::Test, "sk_test_1", [Simulator::STRIPE_SECRET]).unwrap();
    let stripe = stripe.simulator(&gateway.url).unwrap();
    let http = Reqwest::new().unwrap();
    let ring = KeyRing::new(Key::random()).unwrap();
    let ledger = Arc::new(MemoryLedger::default());
    for order in ["pay", "refuse", "cancel", "paypal", "paypal-cancel", "stripe", "held"] {
        ledger.place(&order.parse().unwrap(), price());
    }
    let payments = Payments::builder(&ring, "shop", &site.url)
        .unwrap()
        .gateway(paybox)
        .gateway(paypal)
        .gateway(stripe)
        .http(Around { proxy: gateway.url.clone(), gateway: address, http })
        .build(Arc::clone(&ledger))
        .unwrap();
    let headers = SecurityHeaders::strict()
        .csp(|csp| csp.extend(Directive::FormAction, payments.origins().map(Origin::as_str)));
    let mut csrf = CsrfProtection::new([&site.url]).unwrap();
    for (gateway, route) in payments.notify_routes() {
        csrf = csrf.exempt(route.as_str(), gateway).unwrap();
        simulator.webhook(gateway, &format!("{}{route}", site.url));
    }
    let proxies = TrustedProxies::in_networks(["127.0.0.1"]).unwrap();
    let stack = Stack::new((proxies, headers.build().unwrap(), csrf));
    let shop = Shop { payments, ledger };
    serve(framework, listener, stack, shop);

    let Some(browser) = Browser::start(&title, &["ignore-certificate-errors"]).await else {
        return;
    };
    let page = &browser.client;
    let click = async |what: &str| {
        let found = page.wait().at_most(PATIENCE).for_element(Locator::Css(what)).await.unwrap();
        found.click().await.unwrap();
    };
    let back_at = async |order: &str| {
        let clean = format!("{}/orders/{order}", site.url);
        while page.current_url().await.unwrap().as_str() != clean {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        browser.eval("document.querySelector('#state').textContent").await
    };

    // By a form that posts itself.
    for (how, state) in [("pay", "paid"), ("refuse", "refused"), ("cancel", "cancelled")] {
        page.goto(&format!("{}/orders/{how}", site.url)).await.unwrap();
        click("#paybox").await;
        click(&format!("#{how}")).await; // on the gateway's page
        let back = tokio::time::timeout(PATIENCE, back_at(how)).await.unwrap();
        assert_eq!(back, state, "{framework}");
    }

    // By 303.
    for (order, gateway, how, state) in [
        ("paypal", "paypal", "pay", "paid"),
        ("paypal-cancel", "paypal", "cancel", "created"),
        ("stripe", "stripe", "pay", "paid"),
    ] {
        page.goto(&format!("{}/orders/{order}", site.url)).await.unwrap();
        click(&format!("#{gateway}")).await;
        click(&format!("#{how}")).await;
        let back = tokio::time::timeout(PATIENCE, back_at(order)).await.unwrap();
        assert_eq!(back, state, "{framework} {gateway}");
    }

    // That a browser comes back, with the payer's name in its address, changes nothing: the notification does.
    simulator.misbehave(&[simulator::Trick::Holds]);
    page.goto(&format!("{}/orders/held", site.url)).await.unwrap();
    click("#paypal").await;
    click("#pay").await;
    let back = tokio::time::timeout(PATIENCE, back_at("held")).await.unwrap();
    assert_eq!(back, "created", "{framework}");
    simulator.misbehave(&[]);
    simulator.send_again(1).await;
    page.refresh().await.unwrap();
    assert_eq!(browser.eval("document.querySelector('#state').textContent").await, "paid");

    // And the strict policy has stopped nothing of it.
    let complaints = browser.complaints().await;
    let is_known = |complaint: &String| complaint.contains("favicon.ico");
    assert!(complaints.iter().all(is_known), "{framework}: {complaints:?}");
}
