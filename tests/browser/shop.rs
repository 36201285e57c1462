//! A payer in a browser, over https: from the button to the gateway and back, under the strict policy.

use std::sync::Arc;

use donjon::client::TrustedProxies;
use donjon::csrf::CsrfProtection;
use donjon::headers::SecurityHeaders;
use donjon::headers::csp::Directive;
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use donjon::payment::{
    Answer, Billing, Checkout, Currency, Gateway, GatewayUrl, Handoff, MemoryLedger, Mode, Money,
    Notice, OrderId, Origin, Paybox, Payments, Posted, Start, StartError, State, Unbelieved,
    Witness, Word, Work,
};
use donjon::refusal::Refusal;
use fantoccini::Locator;
use tokio::net::TcpListener;

use super::support::{PATIENCE, Scratch, Server, program, skip};
use super::{Browser, Duration};

#[allow(dead_code, reason = "the examples use the rest")]
#[path = "../../examples/payment/simulator/mod.rs"]
mod simulator;
use simulator::Simulator;

/// A gateway with a page of its own, to which payers go by 303: its notification is the order's name, and is
/// believed, as all of this is within the test.
struct Hosted([Origin; 1]);

impl Gateway for Hosted {
    fn id(&self) -> &'static str {
        "hosted"
    }

    fn mode(&self) -> Mode {
        Mode::Test
    }

    fn origins(&self) -> &[Origin] {
        &self.0
    }

    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let (order, back) = (start.checkout().order(), start.back());
            let url = format!("{}/hosted?order={order}&back={back}", self.0[0]);
            let url = GatewayUrl::at(&self.0, &url).ok_or(StartError::Gateway("its URL"))?;
            Ok(Handoff::see_other(url))
        })
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            let order: OrderId = std::str::from_utf8(notice.body()).unwrap().parse().unwrap();
            Ok(vec![Word::Says(witness.verified("1", order, State::Paid, Some(price())))])
        })
    }
}

fn price() -> Money {
    Money::new(4990, Currency::EUR).unwrap()
}

/// The page of the hosted gateway.
fn hosted_page() -> axum::Router {
    use axum::extract::RawQuery;
    use axum::response::Html;

    let page = async |RawQuery(query): RawQuery| {
        let query = query.unwrap();
        let (_, back) = query.split_once("&back=").unwrap();
        Html(format!(
            "<!doctype html><title>Hosted</title><a id=back href='{back}?status=COMPLETED'>Back</a>"
        ))
    };
    axum::Router::new().route("/hosted", axum::routing::get(page))
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
        let buttons = button("paybox") + &button("hosted");
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
    let gateway =
        Server::https_front(&node, &simulator.origin(), &folder.join("gateway.pem")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hosted_address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, hosted_page()).into_future());
    let hosted = Server::https_front(&node, &hosted_address, &folder.join("hosted.pem")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = format!("http://{}", listener.local_addr().unwrap());
    let site = Server::https_front(&node, &app, &folder.join("site.pem")).await;
    simulator.reach(&site.url, &app);

    let paybox = Paybox::test_account().unwrap();
    let paybox = paybox.simulator(&gateway.url, simulator.public_key()).unwrap();
    let ring = KeyRing::new(Key::random()).unwrap();
    let ledger = Arc::new(MemoryLedger::default());
    for order in ["pay", "refuse", "cancel", "hosted"] {
        ledger.place(&order.parse().unwrap(), price());
    }
    let payments = Payments::builder(&ring, "shop", &site.url)
        .unwrap()
        .gateway(paybox)
        .gateway(Hosted([hosted.url.parse().unwrap()]))
        .build(Arc::clone(&ledger))
        .unwrap();
    let headers = SecurityHeaders::strict()
        .csp(|csp| csp.extend(Directive::FormAction, payments.origins().map(Origin::as_str)));
    let mut csrf = CsrfProtection::new([&site.url]).unwrap();
    for (gateway, route) in payments.notify_routes() {
        csrf = csrf.exempt(route.as_str(), gateway).unwrap();
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

    // By 303. That the browser comes back and says COMPLETED changes nothing; the notification does.
    page.goto(&format!("{}/orders/hosted", site.url)).await.unwrap();
    click("#hosted").await;
    click("#back").await;
    let back = tokio::time::timeout(PATIENCE, back_at("hosted")).await.unwrap();
    assert_eq!(back, "created", "{framework}");
    let heard = super::ask(&app, "POST /pay/notify/hosted", "", "hosted").await;
    assert_eq!(heard.status, 200, "{framework}");
    page.refresh().await.unwrap();
    assert_eq!(browser.eval("document.querySelector('#state').textContent").await, "paid");

    // And the strict policy has stopped nothing of it.
    let complaints = browser.complaints().await;
    let is_known = |complaint: &String| complaint.contains("favicon.ico");
    assert!(complaints.iter().all(is_known), "{framework}: {complaints:?}");
}
