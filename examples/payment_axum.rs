//! A shop that is paid through Paybox, PayPal and Stripe, against a simulator that it starts itself:
//! `cargo run --example payment_axum`
//!
//! No account is needed. Security events are printed as lines of JSON.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, io};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
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
    Payments, Posted, StripeCheckout,
};
use donjon::refusal::Refusal;
use minijinja::{Environment, context};
use tokio::net::TcpListener;

#[path = "payment/simulator/mod.rs"]
mod simulator;
use simulator::Simulator;

#[derive(Clone)]
struct Shop {
    payments: Payments,
    /// In earnest a database that stays.
    ledger: Arc<MemoryLedger>,
    orders: Arc<AtomicU32>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
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

    let shop = Shop { payments: payments.clone(), ledger, orders: Arc::default() };
    let app = Router::new()
        .route("/", get(new_order))
        .route("/orders/{order}", get(order))
        .route("/buy/{order}/{gateway}", post(pay))
        .route(
            "/style.css",
            get(([(CONTENT_TYPE, "text/css")], include_str!("quickstart/style.css"))),
        )
        .with_state(shop)
        .merge(payments.axum_routes())
        .layer(Stack::new((log.clone(), TrustedProxies::none(), headers, csrf)))
        .into_make_service_with_connect_info::<SocketAddr>();

    println!("listening on http://{address}\ntry: open http://{address} in a browser, and pay");
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;
    Ok(log.shutdown(Duration::from_secs(2))?)
}

async fn new_order(State(shop): State<Shop>) -> Result<Redirect, StatusCode> {
    let number = shop.orders.fetch_add(1, Ordering::Relaxed) + 1;
    let order: OrderId = format!("2026-{number}").parse().map_err(|_| FAILED)?;
    shop.ledger.place(&order, Money::new(4990, Currency::EUR).map_err(|_| FAILED)?);
    Ok(Redirect::to(&format!("/orders/{order}")))
}

/// Where payers come back to. It shows what the ledger says; in earnest, to whose order it is.
async fn order(
    State(shop): State<Shop>,
    Path(order): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    let order: OrderId = order.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let found = shop.ledger.order(&order).await.map_err(|_| FAILED)?;
    let found = found.ok_or(StatusCode::NOT_FOUND)?;
    let values = context! {
        order => order.as_str(),
        price => found.amount.to_string(),
        state => found.state.as_str(),
        payable => found.state.as_str() != "paid",
    };
    let page = Environment::new().render_str(include_str!("payment/shop.html"), values);
    page.map(Html).map_err(|_| FAILED)
}

/// The button. The price is the order's: no form says it.
async fn pay(
    posted: Posted,
    State(shop): State<Shop>,
    Path((order, gateway)): Path<(String, String)>,
) -> Result<Answer, Refusal> {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "an order that there is not");
    let order: OrderId = order.parse().map_err(|_| unknown())?;
    let found = shop.ledger.order(&order).await.ok().flatten().ok_or_else(unknown)?;
    let checkout = Checkout::new(order, found.amount)
        .email("ann@example.com")
        .description("A court for an hour");
    Ok(shop.payments.redirect(posted, &checkout, &gateway, None).await?)
}

const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
