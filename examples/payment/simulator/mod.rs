//! A gateway on this machine that behaves as Paybox, PayPal and Stripe do: its keys are made when it starts, and
//! nothing that it signs is worth anything elsewhere.
//!
//! It knows nothing of the shop but what gateways are told: other programs take it in by `#[path]` as well.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::routing::{get, post};
use donjon::adapters::reqwest::Reqwest;
use donjon::payment::HttpSend;
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey as _;
use sha1::Sha1;
use tokio::net::TcpListener;

mod outbox;
mod paybox;
mod paypal;
mod stripe;
mod tricks;

#[allow(unused_imports, reason = "for tests")]
pub(crate) use tricks::Trick;

type Fields = Vec<(String, String)>;

/// The gateway, once it runs.
#[derive(Clone)]
pub(crate) struct Simulator(Arc<Inner>);

struct Inner {
    /// Where it is seen.
    origin: Mutex<String>,
    public_key: String,
    signing_key: SigningKey<Sha1>,
    /// What was asked for of Paybox and Stripe, by order or session.
    asked: Mutex<HashMap<String, Fields>>,
    paypal: paypal::Account,
    outbox: outbox::Outbox,
    tricks: Mutex<Vec<Trick>>,
}

impl Simulator {
    /// Starts on a free port of this machine, until the program ends.
    #[allow(dead_code, reason = "for those to whom it does not matter where it is")]
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        Self::serve(TcpListener::bind("127.0.0.1:0").await?, Reqwest::new()?)
    }

    /// Starts here, until the program ends, and tells the shop of payments in this way.
    pub(crate) fn serve(
        listener: TcpListener,
        to_shop: impl HttpSend,
    ) -> Result<Self, Box<dyn Error>> {
        let key = PrivateKey::new(&mut rand::rngs::SysRng, 1024)?;
        let simulator = Self(Arc::new(Inner {
            origin: Mutex::new(format!("http://{}", listener.local_addr()?)),
            public_key: key.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF)?,
            signing_key: SigningKey::new(key),
            asked: Mutex::default(),
            paypal: paypal::Account::new()?,
            outbox: outbox::Outbox::new(to_shop),
            tricks: Mutex::default(),
        }));
        // What the shop asks for, and what its payers see.
        let asked = Router::new()
            .route("/v1/checkout/sessions", post(stripe::create))
            .route("/v1/checkout/sessions/{id}", get(stripe::look_up))
            .route("/v1/oauth2/token", post(paypal::token))
            .route("/v1/notifications/certs/{id}", get(paypal::certificate))
            .route("/v2/checkout/orders", post(paypal::create))
            .route("/v2/checkout/orders/{id}", get(paypal::look_up))
            .route("/v2/checkout/orders/{id}/capture", post(paypal::capture))
            .route_layer(from_fn_with_state(simulator.clone(), tricks::answer));
        let app = Router::new()
            .route("/load.html", get(async || Html("<div id=\"server_status\">OK</div>")))
            .route("/cgi/MYchoix_pagepaiement.cgi", post(paybox::page))
            .route("/decide", post(paybox::decide))
            .route("/c/pay/{id}", get(stripe::page).post(stripe::decide))
            .route("/checkoutnow", get(paypal::page).post(paypal::decide))
            .merge(asked)
            .with_state(simulator.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(simulator)
    }

    /// Where it is.
    pub(crate) fn origin(&self) -> String {
        self.0.origin.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Speaks of itself as if it were there: where a proxy is, which people go through to it.
    #[allow(dead_code, reason = "for tests by https")]
    pub(crate) fn appear_at(&self, origin: &str) {
        origin.clone_into(&mut self.0.origin.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// By which its notifications as Stripe are verified.
    pub(crate) const STRIPE_SECRET: &str = "whsec_of_the_simulator";

    /// The client id and the secret of the account at PayPal, and the id of its webhook.
    pub(crate) const PAYPAL: [&str; 3] = ["client-of-the-simulator", "secret-of-nobody", "WH-1"];

    /// By which its notifications as Paybox are verified.
    pub(crate) fn public_key(&self) -> &str {
        &self.0.public_key
    }

    /// By which its notifications as PayPal are verified.
    pub(crate) fn paypal_certificate(&self) -> &str {
        self.0.paypal.certificate()
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Fields>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn field<'a>(fields: &'a Fields, wanted: &str) -> &'a str {
    let found = fields.iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str()).unwrap_or_default()
}
