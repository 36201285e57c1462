//! Stripe Checkout: a session that is made by the shop, a page for it, and a signed event.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::outbox::Notification;
use super::{Fields, Simulator, Trick, field};

/// What the shop asks for.
pub(super) async fn create(
    State(simulator): State<Simulator>,
    Form(fields): Form<Fields>,
) -> String {
    let id = format!("cs_test_{}", simulator.asked().len() + 1);
    let session = session(&simulator, &id, &fields, "unpaid");
    simulator.asked().insert(id, fields);
    session.to_string()
}

pub(super) async fn look_up(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
) -> Result<String, StatusCode> {
    let fields = simulator.asked().get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let paid = if field(&fields, "is_paid").is_empty() { "unpaid" } else { "paid" };
    Ok(session(&simulator, &id, &fields, paid).to_string())
}

/// Where a card would be asked for.
pub(super) async fn page(
    State(simulator): State<Simulator>,
    Path(id): Path<String>,
) -> Result<Html<String>, StatusCode> {
    let fields = simulator.asked().get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let amount = field(&fields, "line_items[0][price_data][unit_amount]");
    Ok(Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Gateway</title>\
         <h1>The gateway</h1><p>{amount} cents. Here is where a card would be asked for.</p>\
         <form method=post><p><button id=pay>Pay</button></p></form></html>"
    )))
}

/// Tells the shop, and sends the payer back.
pub(super) async fn decide(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    let fields = {
        let mut asked = simulator.asked();
        let Some(fields) = asked.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
        fields.push(("is_paid".into(), "yes".into()));
        fields.clone()
    };
    let event = json!({
        "id": format!("evt_{id}"),
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": false,
        "data": { "object": session(&simulator, &id, &fields, "paid") },
    });
    let body = event.to_string();
    let signature = signature(&simulator, &body);
    simulator
        .tell(Notification {
            method: Method::POST,
            url: simulator.url_of_webhook("stripe"),
            headers: vec![("stripe-signature", signature)],
            body,
        })
        .await;
    Redirect::to(field(&fields, "success_url")).into_response()
}

fn session(simulator: &Simulator, id: &str, fields: &Fields, paid: &str) -> Value {
    let amount: u64 =
        field(fields, "line_items[0][price_data][unit_amount]").parse().unwrap_or_default();
    let currency = simulator.other_currency().map(str::to_ascii_lowercase);
    let currency = currency.as_deref();
    let host = if simulator.does(Trick::Elsewhere) {
        "https://evil.example".to_owned()
    } else {
        simulator.origin()
    };
    let order = field(fields, "client_reference_id");
    json!({
        "id": id,
        "object": "checkout.session",
        "livemode": false,
        "url": format!("{host}/c/pay/{id}"),
        "client_reference_id": simulator.other_order().unwrap_or(order),
        "amount_total": simulator.other_amount().unwrap_or(amount),
        "currency": currency.unwrap_or_else(|| field(fields, "line_items[0][price_data][currency]")),
        "payment_status": paid,
        "status": if paid == "paid" { "complete" } else { "open" },
    })
}

fn signature(simulator: &Simulator, body: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let sent = now - simulator.lateness();
    let mut text = format!("t={sent},v1=");
    let secret = if simulator.does(Trick::OtherKey) {
        "whsec_of_somebody_else"
    } else {
        Simulator::STRIPE_SECRET
    };
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{sent}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}"); // a string takes all that is written to it
        }
    }
    text
}
