//! Paybox: a form that is signed, and a notification that is signed.

use std::fmt::Write as _;

use axum::Form;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

use super::{Fields, Simulator, field, tell};

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
    let mut pairs =
        vec![("amount", field(&fields, "PBX_TOTAL")), ("order", field(&fields, "PBX_CMD"))];
    if error == "00000" {
        // What has no value is left out.
        pairs.extend([("auth", "XXXXXX"), ("call", "292615"), ("trans", "218017974")]);
    }
    pairs.extend([("date", "12052026"), ("time", "10:30:00"), ("error", error)]);
    let said = simulator.notification(&pairs);
    let url = simulator.url_of_shop(field(&fields, "PBX_REPONDRE_A"));
    let told = if field(&fields, "PBX_RUF1") == "POST" {
        http::Request::post(url).body(said.clone().into())
    } else {
        http::Request::get(format!("{url}?{said}")).body(Body::empty())
    };
    let told = match told {
        Ok(request) => tell(request).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = told {
        // The merchant would get an e-mail.
        eprintln!("the shop was not told: {error}");
    }
    Redirect::to(&format!("{}?{said}", field(&fields, back))).into_response()
}
