//! A gateway on this machine that behaves as Paybox does, and as it should not, on demand: its keys are made
//! when it starts, and nothing that it signs is worth anything elsewhere.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha1::Sha1;
use sha2::Sha512;
use tokio::net::TcpListener;

type Fields = Vec<(String, String)>;

/// The gateway, once it runs.
#[derive(Clone)]
pub(crate) struct Simulator(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    public_key: String,
    signing_key: SigningKey<Sha1>,
    /// What was asked for, by order.
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
            .route("/cgi/MYchoix_pagepaiement.cgi", post(paybox))
            .route("/decide", post(decide))
            .with_state(simulator.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(simulator)
    }

    /// Where it is.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// By which its notifications are verified.
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

/// The page on which a payer would give the number of his card.
async fn paybox(State(simulator): State<Simulator>, Form(fields): Form<Fields>) -> Response {
    let signed = fields.iter().filter(|(name, _)| name != "PBX_HMAC");
    let signed: Vec<_> = signed.map(|(name, value)| format!("{name}={value}")).collect();
    // The key that everybody has on the test platform.
    let key: [u8; 64] = std::array::from_fn(|at| [1, 35, 69, 103, 137, 171, 205, 239][at % 8]);
    let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(&key) else { return denied() };
    mac.update(signed.join("&").as_bytes());
    let expected = mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}"); // a string takes all that is written to it
        text
    });
    if field(&fields, "PBX_HMAC") != expected {
        return denied();
    }
    let (order, total) = (field(&fields, "PBX_CMD").to_owned(), field(&fields, "PBX_TOTAL"));
    // An order is letters, digits, dots and dashes, so it needs no escaping.
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Gateway</title>\
         <h1>The gateway</h1><p>Order {order}: {total} cents. Here is where a card would be asked for.</p>\
         <form method=post action=/decide><input type=hidden name=order value={order}>\
         <p><button id=pay name=how value=pay>Pay</button> \
         <button id=refuse name=how value=refuse>Be refused</button> \
         <button id=cancel name=how value=cancel>Give up</button></p></form></html>"
    );
    simulator.asked().insert(order, fields);
    Html(page).into_response()
}

fn denied() -> Response {
    (StatusCode::FORBIDDEN, "Access denied: PBX_HMAC").into_response()
}

/// Tells the shop, and sends the payer back.
async fn decide(State(simulator): State<Simulator>, Form(form): Form<Fields>) -> Response {
    let fields = simulator.asked().get(field(&form, "order")).cloned();
    let Some(fields) = fields else { return StatusCode::NOT_FOUND.into_response() };
    let (error, back) = match field(&form, "how") {
        "pay" => ("00000", "PBX_EFFECTUE"),
        "refuse" => ("00105", "PBX_REFUSE"),
        _ => ("00001", "PBX_ANNULE"),
    };
    let mut pairs =
        vec![("amount", field(&fields, "PBX_TOTAL")), ("order", field(&fields, "PBX_CMD"))];
    if error == "00000" {
        // What has no value is left out.
        pairs.extend([("auth", "XXXXXX"), ("call", "292615"), ("trans", "218017974")]);
    }
    pairs.extend([("date", "12052026"), ("time", "10:30:00"), ("error", error)]);
    let said = simulator.notification(&pairs);
    let url = simulator.url_of_shop(field(&fields, "PBX_REPONDRE_A"));
    let told = tell(&url, &said, field(&fields, "PBX_RUF1")).await;
    if let Err(error) = told {
        // The merchant would get an e-mail.
        eprintln!("the shop was not told: {error}");
    }
    Redirect::to(&format!("{}?{said}", field(&fields, back))).into_response()
}

async fn tell(url: &str, said: &str, method: &str) -> Result<(), Box<dyn Error>> {
    let client =
        Client::builder(TokioExecutor::new()).build::<_, axum::body::Body>(HttpConnector::new());
    let request = if method == "POST" {
        http::Request::post(url).body(said.to_owned().into())?
    } else {
        http::Request::get(format!("{url}?{said}")).body(axum::body::Body::empty())?
    };
    let answer = client.request(request).await?;
    if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string().into()) }
}
