//! A shop that is paid through Paybox, PayPal and Stripe, against a simulator that it starts itself:
//! `cargo run --example payment_actix`
//!
//! No account is needed. Security events are printed as lines of JSON.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, io};

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data, Html, Path, Redirect};
use actix_web::{App, HttpServer, Responder};
use donjon::adapters::reqwest::Reqwest;
use donjon::client::TrustedProxies;
use donjon::csrf::CsrfProtection;
use donjon::event::{EventLog, JsonLines};
use donjon::headers::SecurityHeaders;
use donjon::headers::csp::Directive;
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;
use donjon::payment::{
    Answer, Checkout, Currency, Ledger, MemoryLedger, Mode, Money, OrderId, Origin, PayPal, Paybox,
    Payments, Posted, State, StripeCheckout,
};
use donjon::refusal::Refusal;
use minijinja::{Environment, context};

#[path = "payment/simulator/mod.rs"]
mod simulator;
use simulator::Simulator;

struct Shop {
    payments: Payments,
    /// In earnest a database that stays.
    ledger: Arc<MemoryLedger>,
    orders: AtomicU32,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    // Behind a proxy people see another one.
    let site = env::var("SITE").unwrap_or_else(|_| format!("http://{address}"));

    let log = EventLog::builder().sink("stdout", JsonLines::to(io::stdout())).build()?;
    let simulator = Simulator::start().await?;
    let paybox = Paybox::test_account()?.simulator(&simulator.origin(), simulator.public_key())?;
    let [client, secret, webhook] = Simulator::PAYPAL;
    let paypal = PayPal::new(Mode::Test, client, secret, webhook)?
        .simulator(&simulator.origin(), simulator.paypal_certificate())?;
    let stripe = StripeCheckout::new(Mode::Test, "sk_test_of_nobody", [Simulator::STRIPE_SECRET])?
        .simulator(&simulator.origin())?;
    let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
    let ledger = Arc::new(MemoryLedger::default());
    let payments = Payments::builder(&ring, "shop", &site)?
        .gateway(paybox)
        .gateway(paypal)
        .gateway(stripe)
        .http(Reqwest::new()?)
        .log(&log)
        .build(Arc::clone(&ledger))?;

    // The page with the button leads to the gateway, and to nowhere else.
    let headers = SecurityHeaders::strict()
        .csp(|csp| csp.extend(Directive::FormAction, payments.origins().map(Origin::as_str)))
        .build()?;
    // Gateways are no browsers: what they say is believed by its signature.
    let mut csrf = CsrfProtection::new([&site])?;
    for (gateway, route) in payments.notify_routes() {
        csrf = csrf.exempt(route.as_str(), &format!("signed by {gateway}"))?;
        simulator.webhook(gateway, &format!("{site}{route}")); // in earnest, by hand, on the gateway's site
    }

    let stack = Stack::new((log.clone(), TrustedProxies::none(), headers, csrf));
    let shop = Data::new(Shop { payments: payments.clone(), ledger, orders: AtomicU32::new(0) });
    let server = HttpServer::new(move || {
        App::new()
            .wrap(stack.clone())
            .app_data(shop.clone())
            .route("/", web::get().to(new_order))
            .route("/orders/{order}", web::get().to(order))
            .route("/buy/{order}/{gateway}", web::post().to(pay))
            .route("/style.css", web::get().to(style))
            .configure(|config| payments.actix_routes(config))
    });
    let server = server.workers(2).listen(listener)?;
    println!("listening on http://{address}\ntry: open http://{address} in a browser, and pay");
    server.run().await?;
    Ok(log.shutdown(Duration::from_secs(2))?)
}

async fn new_order(shop: Data<Shop>) -> Result<Redirect, actix_web::Error> {
    let number = shop.orders.fetch_add(1, Ordering::Relaxed) + 1;
    let order: OrderId = format!("2026-{number}").parse().map_err(failed)?;
    shop.ledger.place(&order, Money::new(4990, Currency::EUR).map_err(failed)?);
    Ok(Redirect::to(format!("/orders/{order}")).see_other())
}

/// Where payers come back to. It shows what the ledger says; in earnest, to whose order it is.
async fn order(shop: Data<Shop>, order: Path<String>) -> Result<Html, actix_web::Error> {
    let order: OrderId = order.parse().map_err(|_| unknown())?;
    let found = shop.ledger.order(&order).await.map_err(failed)?.ok_or_else(unknown)?;
    let values = context! {
        order => order.as_str(),
        price => found.amount.to_string(),
        state => found.state.as_str(),
        payable => found.state != State::Paid,
    };
    let page = Environment::new().render_str(include_str!("payment/shop.html"), values);
    Ok(Html::new(page.map_err(failed)?))
}

async fn style() -> impl Responder {
    include_str!("quickstart/style.css").customize().insert_header((CONTENT_TYPE, "text/css"))
}

/// The button. The price is the order's: no form says it.
async fn pay(
    posted: Posted,
    shop: Data<Shop>,
    path: Path<(String, String)>,
) -> Result<Answer, actix_web::Error> {
    let (order, gateway) = path.into_inner();
    let order: OrderId = order.parse().map_err(|_| unknown())?;
    let found = shop.ledger.order(&order).await.map_err(failed)?.ok_or_else(unknown)?;
    let checkout = Checkout::new(order, found.amount)
        .email("ann@example.com")
        .description("A court for an hour");
    let answer = shop.payments.redirect(posted, &checkout, &gateway, None).await;
    Ok(answer.map_err(Refusal::from)?)
}

fn unknown() -> Refusal {
    Refusal::new(http::StatusCode::NOT_FOUND, "an order that there is not")
}

fn failed(error: impl Error + 'static) -> actix_web::Error {
    actix_web::error::InternalError::new(error.to_string(), StatusCode::INTERNAL_SERVER_ERROR)
        .into()
}
