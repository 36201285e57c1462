//! Stripe Checkout: a session that is made by the shop, a page for it, and a signed event.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Fields, Simulator, field, tell};

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
    let back = field(&fields, "success_url");
    // The shop's own place for notifications stands in its account at Stripe.
    let site = back.split("/pay/return/").next().unwrap_or_default();
    let url = simulator.url_of_shop(&format!("{site}/pay/notify/stripe"));
    let body = event.to_string();
    let request = http::Request::post(url).header("stripe-signature", signature(&body));
    let told = match request.body(body.into()) {
        Ok(request) => tell(request).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = told {
        // Stripe would try again.
        eprintln!("the shop was not told: {error}");
    }
    Redirect::to(back).into_response()
}

fn session(simulator: &Simulator, id: &str, fields: &Fields, paid: &str) -> Value {
    let amount: u64 =
        field(fields, "line_items[0][price_data][unit_amount]").parse().unwrap_or_default();
    json!({
        "id": id,
        "object": "checkout.session",
        "livemode": false,
        "url": format!("{}/c/pay/{id}", simulator.origin()),
        "client_reference_id": field(fields, "client_reference_id"),
        "amount_total": amount,
        "currency": field(fields, "line_items[0][price_data][currency]"),
        "payment_status": paid,
        "status": if paid == "paid" { "complete" } else { "open" },
    })
}

fn signature(body: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut text = format!("t={now},v1=");
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(Simulator::STRIPE_SECRET.as_bytes()) {
        mac.update(format!("{now}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}"); // a string takes all that is written to it
        }
    }
    text
}
