//! What is asked of PayPal.

use serde_json::json;

use super::super::super::error::StartError;
use super::super::super::start::Start;
use super::super::api;
use super::amount;

/// What an order begins with.
pub(super) fn order(start: &Start<'_>) -> Result<String, StartError> {
    let checkout = start.checkout;
    let order = checkout.order.as_str();
    let mut context = json!({
        "return_url": start.back,
        "cancel_url": start.back,
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    });
    if let Some(language) = checkout.language.as_deref().filter(|code| is_language(code)) {
        context["locale"] = language.into();
    }
    let order = json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "reference_id": order,
            "custom_id": order,
            "description": api::shown(checkout, 127)?,
            "amount": {
                "currency_code": checkout.amount.currency().code(),
                "value": amount::value(checkout.amount)?,
            },
        }],
        "payment_source": { "paypal": { "experience_context": context } },
    });
    Ok(order.to_string())
}

fn is_language(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase())
}
