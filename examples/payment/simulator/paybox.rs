//! Paybox: a form that is signed, and a notification that is signed.

use std::fmt::Write as _;

use axum::Form;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha1::Sha1;
use sha2::Sha512;

use super::outbox::Notification;
use super::{Fields, Simulator, Trick, field};

/// The page on which a payer would give the number of his card.
pub(super) async fn page(
    State(simulator): State<Simulator>,
    Form(fields): Form<Fields>,
) -> Response {
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
pub(super) async fn decide(
    State(simulator): State<Simulator>,
    Form(form): Form<Fields>,
) -> Response {
    let fields = simulator.asked().get(field(&form, "order")).cloned();
    let Some(fields) = fields else { return StatusCode::NOT_FOUND.into_response() };
    let (error, back) = match field(&form, "how") {
        "pay" => ("00000", "PBX_EFFECTUE"),
        "refuse" => ("00105", "PBX_REFUSE"),
        _ => ("00001", "PBX_ANNULE"),
    };
    let amount = simulator.other_amount().map(|cents| cents.to_string());
    let amount = amount.as_deref().unwrap_or_else(|| field(&fields, "PBX_TOTAL"));
    let order = simulator.other_order().unwrap_or_else(|| field(&fields, "PBX_CMD"));
    let mut pairs = vec![("amount", amount), ("order", order)];
    if error == "00000" {
        // What has no value is left out.
        pairs.extend([("auth", "XXXXXX"), ("call", "292615"), ("trans", "218017974")]);
    }
    pairs.extend([("date", "12052026"), ("time", "10:30:00"), ("error", error)]);
    let said = simulator.notification(&pairs);
    let url = field(&fields, "PBX_REPONDRE_A").to_owned();
    let notification = if field(&fields, "PBX_RUF1") == "POST" {
        Notification { method: Method::POST, url, body: said.clone(), ..Notification::default() }
    } else {
        Notification { url: format!("{url}?{said}"), ..Notification::default() }
    };
    simulator.tell(notification).await;
    Redirect::to(&format!("{}?{said}", field(&fields, back))).into_response()
}

impl Simulator {
    /// What Paybox would send, signed.
    pub(crate) fn notification(&self, pairs: &[(&str, &str)]) -> String {
        let escaped =
            |value: &str| value.replace('%', "%25").replace(' ', "%20").replace(':', "%3A");
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let signed = pairs.collect::<Vec<_>>().join("&");
        let other = self.does(Trick::OtherKey).then(|| {
            let key = PrivateKey::new(&mut rand::rngs::SysRng, 1024).ok();
            key.map(SigningKey::<Sha1>::new)
        });
        let key = other.flatten();
        let key = key.as_ref().unwrap_or(&self.0.signing_key);
        let signature = STANDARD.encode(key.sign(signed.as_bytes()).to_bytes());
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("{signed}&sign={signature}")
    }
}
