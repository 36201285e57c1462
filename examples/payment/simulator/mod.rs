//! A gateway on this machine that behaves as Paybox and as Stripe do: its keys are made when it starts, and
//! nothing that it signs is worth anything elsewhere.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::response::Html;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha1::Sha1;
use tokio::net::TcpListener;

mod paybox;
mod stripe;

type Fields = Vec<(String, String)>;

/// The gateway, once it runs.
#[derive(Clone)]
pub(crate) struct Simulator(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    public_key: String,
    signing_key: SigningKey<Sha1>,
    /// What was asked for, by order or session.
    asked: Mutex<HashMap<String, Fields>>,
    /// Where the shop is reached, if that is not where people see it.
    shop: Mutex<Option<(String, String)>>,
}

impl Simulator {
    /// Starts on a free port of this machine, until the program ends.
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let key = PrivateKey::new(&mut rand::rngs::SysRng, 1024)?;
        let simulator = Self(Arc::new(Inner {
            address: listener.local_addr()?,
            public_key: key.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF)?,
            signing_key: SigningKey::new(key),
            asked: Mutex::default(),
            shop: Mutex::default(),
        }));
        let app = Router::new()
            .route("/load.html", get(async || Html("<div id=\"server_status\">OK</div>")))
            .route("/cgi/MYchoix_pagepaiement.cgi", post(paybox::page))
            .route("/decide", post(paybox::decide))
            .route("/v1/checkout/sessions", post(stripe::create))
            .route("/v1/checkout/sessions/{id}", get(stripe::look_up))
            .route("/c/pay/{id}", get(stripe::page).post(stripe::decide))
            .with_state(simulator.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(simulator)
    }

    /// Where it is.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// By which its notifications as Stripe are verified.
    pub(crate) const STRIPE_SECRET: &str = "whsec_of_the_simulator";

    /// By which its notifications as Paybox are verified.
    pub(crate) fn public_key(&self) -> &str {
        &self.0.public_key
    }

    /// Notifies a shop that people see at this origin at another one, which is behind its proxy.
    #[allow(dead_code, reason = "for tests by https")]
    pub(crate) fn reach(&self, site: &str, shop: &str) {
        let mut known = self.0.shop.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((site.to_owned(), shop.to_owned()));
    }

    fn url_of_shop(&self, url: &str) -> String {
        let known = self.0.shop.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map_or_else(|| url.to_owned(), |(site, shop)| url.replacen(site, shop, 1))
    }

    /// What Paybox would send, signed.
    pub(crate) fn notification(&self, pairs: &[(&str, &str)]) -> String {
        let escaped =
            |value: &str| value.replace('%', "%25").replace(' ', "%20").replace(':', "%3A");
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let signed = pairs.collect::<Vec<_>>().join("&");
        let signature = self.0.signing_key.sign(signed.as_bytes()).to_bytes();
        let signature = STANDARD.encode(signature);
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("{signed}&sign={signature}")
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Fields>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn field<'a>(fields: &'a Fields, wanted: &str) -> &'a str {
    let found = fields.iter().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// Tells the shop.
async fn tell(request: http::Request<Body>) -> Result<(), Box<dyn Error>> {
    let client = Client::builder(TokioExecutor::new()).build::<_, Body>(HttpConnector::new());
    let answer = client.request(request).await?;
    if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string().into()) }
}
