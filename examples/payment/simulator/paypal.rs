//! PayPal's Orders, version 2: a token, an order that the shop makes, a page for it, money that the shop takes once
//! the payer has said yes, and signed notifications.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Form;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::signer::Signer;
use super::{Fields, Simulator, Trick, field};

mod signer;

/// The shop's account.
pub(super) struct Account {
    signer: Signer,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    orders: HashMap<String, Value>,
    /// What was done and answered, by the path and the name of the request.
    done: HashMap<(String, String), Value>,
    tokens: u32,
    has_forgotten: bool,
    /// How often money was taken.
    captures: usize,
}

impl Account {
    pub(super) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self { signer: Signer::new()?, books: Mutex::default() })
    }

    pub(super) fn certificate(&self) -> &str {
        self.signer.certificate()
    }
}

/// What the shop is known by from then on.
pub(super) async fn token(State(simulator): State<Simulator>, headers: HeaderMap) -> Response {
    let [id, secret, _] = Simulator::PAYPAL;
    let expected = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    if headers.get(AUTHORIZATION).is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#).into_response();
    }
    let mut books = simulator.paypal();
    books.tokens += 1;
    let token = format!("A21.{}", books.tokens);
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": 32400 })
        .to_string()
        .into_response()
}

pub(super) async fn certificate(State(simulator): State<Simulator>) -> String {
    simulator.paypal_certificate().to_owned()
}

/// The shop wants to be paid.
pub(super) async fn create(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: String,
) -> Response {
    simulator.once("create", &headers, |books| {
        let mut order: Value = serde_json::from_str(&body)
            .map_err(|_| (StatusCode::BAD_REQUEST, issue("MALFORMED_REQUEST_JSON")))?;
        let id = format!("5O190127TN364{:04}", books.orders.len() + 1);
        let host = if simulator.does(Trick::Elsewhere) {
            "https://evil.example".to_owned()
        } else {
            simulator.origin()
        };
        order["id"] = json!(id);
        order["status"] = json!("PAYER_ACTION_REQUIRED");
        let page = format!("{host}/checkoutnow?token={id}");
        order["links"] = json!([{ "href": page, "rel": "payer-action", "method": "GET" }]);
        books.orders.insert(id, order.clone());
        Ok(order)
    })
}

pub(super) async fn look_up(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if !simulator.knows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match simulator.paypal().orders.get(&id) {
        Some(order) => simulator.said(order).to_string().into_response(),
        None => (StatusCode::NOT_FOUND, issue("INVALID_RESOURCE_ID").to_string()).into_response(),
    }
}

/// Takes the money.
pub(super) async fn capture(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    simulator.once(&id, &headers, |books| {
        let problem = |what| (StatusCode::UNPROCESSABLE_ENTITY, issue(what));
        let order = books.orders.get_mut(&id);
        let order = order.ok_or((StatusCode::NOT_FOUND, issue("INVALID_RESOURCE_ID")))?;
        match order["status"].as_str() {
            Some("APPROVED") => {}
            Some("COMPLETED") => return Err(problem("ORDER_ALREADY_CAPTURED")),
            _ => return Err(problem("ORDER_NOT_APPROVED")),
        }
        if simulator.does(Trick::Declines) {
            return Err(problem("INSTRUMENT_DECLINED"));
        }
        let (status, event) = if simulator.does(Trick::DeclinesWithin) {
            ("DECLINED", "PAYMENT.CAPTURE.DENIED")
        } else {
            ("COMPLETED", "PAYMENT.CAPTURE.COMPLETED")
        };
        let unit = &mut order["purchase_units"][0];
        let mut capture = json!({
            "id": format!("3C6{}", &id[3..]),
            "status": status,
            "amount": unit["amount"],
            "custom_id": unit["custom_id"],
            "final_capture": true,
            "supplementary_data": { "related_ids": { "order_id": id } },
        });
        if let Some(cents) = simulator
            .trick(|trick| if let Trick::Takes(cents) = trick { Some(cents) } else { None })
        {
            capture["amount"]["value"] = json!(decimal(cents));
        }
        unit["payments"] = json!({ "captures": [capture] });
        order["status"] = json!("COMPLETED");
        books.captures += usize::from(status == "COMPLETED");
        simulator.tell_later(simulator.event(event, "capture", &capture));
        Ok(simulator.said(order))
    })
}

/// Where a payer would log in.
pub(super) async fn page(
    State(simulator): State<Simulator>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, StatusCode> {
    let books = simulator.paypal();
    let order = books.orders.get(id(query.as_deref())).ok_or(StatusCode::NOT_FOUND)?;
    let amount = &order["purchase_units"][0]["amount"];
    let [value, code] = ["value", "currency_code"].map(|name| amount[name].as_str());
    let (value, code) = (value.unwrap_or_default(), code.unwrap_or_default());
    // The shop is on this machine, and an amount needs no escaping.
    Ok(Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Gateway</title>\
         <h1>The gateway</h1><p>{value} {code}. Here is where one would log in.</p>\
         <form method=post><p><button id=pay name=how value=pay>Pay</button> \
         <button id=cancel name=how value=cancel>Give up</button></p></form></html>"
    )))
}

/// The payer says yes, or goes back. It is the shop that takes the money then.
pub(super) async fn decide(
    State(simulator): State<Simulator>,
    RawQuery(query): RawQuery,
    Form(form): Form<Fields>,
) -> Response {
    let id = id(query.as_deref());
    let is_approved = field(&form, "how") == "pay";
    let order = {
        let mut books = simulator.paypal();
        let Some(order) = books.orders.get_mut(id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        if is_approved && order["status"] == "PAYER_ACTION_REQUIRED" {
            order["status"] = json!("APPROVED");
        }
        order.clone()
    };
    let context = &order["payment_source"]["paypal"]["experience_context"];
    let (back, payer) =
        if is_approved { ("return_url", "&PayerID=8QJ2XRTZNK5Y4") } else { ("cancel_url", "") };
    if is_approved {
        simulator.tell(simulator.event("CHECKOUT.ORDER.APPROVED", "checkout-order", &order)).await;
    }
    let back = context[back].as_str().unwrap_or_default();
    Redirect::to(&format!("{back}?token={id}{payer}")).into_response()
}

fn id(query: Option<&str>) -> &str {
    query.and_then(|query| query.strip_prefix("token=")).unwrap_or_default()
}

fn issue(issue: &str) -> Value {
    json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": issue }] })
}

impl Simulator {
    /// How often money was taken as PayPal.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) fn captures(&self) -> usize {
        self.paypal().captures
    }

    pub(super) fn forget_captures(&self) {
        let mut books = self.paypal();
        (books.captures, books.has_forgotten) = (0, false);
    }

    fn paypal(&self) -> MutexGuard<'_, Books> {
        self.0.paypal.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token is the last one that was given.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let mut books = self.paypal();
        if self.does(Trick::ForgetsTokens) && !std::mem::replace(&mut books.has_forgotten, true) {
            books.tokens += 1;
        }
        let expected = format!("Bearer A21.{}", books.tokens);
        headers.get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
    }

    /// Does it, unless that was done by a request of this name.
    fn once(
        &self,
        what: &str,
        headers: &HeaderMap,
        work: impl FnOnce(&mut Books) -> Result<Value, (StatusCode, Value)>,
    ) -> Response {
        if !self.knows(headers) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let name = headers.get("paypal-request-id").and_then(|name| name.to_str().ok());
        let name = name.filter(|_| !self.does(Trick::ForgetsNames));
        let name = name.map(|name| (what.to_owned(), name.to_owned()));
        let mut books = self.paypal();
        if let Some(done) = name.as_ref().and_then(|name| books.done.get(name)) {
            return done.to_string().into_response();
        }
        match work(&mut books) {
            Ok(answer) => {
                books.done.extend(name.map(|name| (name, answer.clone())));
                (StatusCode::CREATED, answer.to_string()).into_response()
            }
            Err((status, problem)) => (status, problem.to_string()).into_response(),
        }
    }

    /// What it says of an order.
    fn said(&self, order: &Value) -> Value {
        let mut said = order.clone();
        let unit = &mut said["purchase_units"][0];
        if let Some(cents) = self.other_amount() {
            unit["amount"]["value"] = json!(decimal(cents));
        }
        if let Some(code) = self.other_currency() {
            unit["amount"]["currency_code"] = json!(code);
        }
        if let Some(order) = self.other_order() {
            unit["custom_id"] = json!(order);
        }
        said
    }
}

fn decimal(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
