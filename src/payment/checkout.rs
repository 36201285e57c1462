//! What is to be paid, and by whom.

use std::fmt;

use super::money::Money;
use super::order::OrderId;

/// What is to be paid, and what the gateway is told of the payer. No card is among it: the gateway asks for
/// that, on its own page.
#[derive(Clone)]
#[must_use = "nothing is paid until Payments has it"]
pub struct Checkout {
    pub(super) order: OrderId,
    pub(super) amount: Money,
    pub(super) email: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) quantity: u8,
    pub(super) billing: Option<Billing>,
}

/// Who pays is nothing for a log.
impl fmt::Debug for Checkout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout")
            .field("order", &self.order)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

impl Checkout {
    /// This much for this order.
    pub const fn new(order: OrderId, amount: Money) -> Self {
        Self {
            order,
            amount,
            email: None,
            description: None,
            language: None,
            quantity: 1,
            billing: None,
        }
    }

    /// The payer's address, which Paybox asks for.
    pub fn email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// What the payer reads on the gateway's page: `Court 3, 12 May`. `PayPal` and `Stripe` show it.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// In which language the gateway's page is to be: two letters of ISO 639-1, `fr`.
    pub fn language(self, language: impl Into<String>) -> Self {
        Self { language: Some(language.into()), ..self }
    }

    /// How many things are bought, 1 to 99: 3-D Secure asks.
    pub const fn quantity(mut self, quantity: u8) -> Self {
        self.quantity = quantity;
        self
    }

    /// Whose card it is to be: 3-D Secure asks, and asks the payer less where it knows.
    pub fn billing(self, billing: Billing) -> Self {
        Self { billing: Some(billing), ..self }
    }

    /// The order.
    #[must_use]
    pub const fn order(&self) -> &OrderId {
        &self.order
    }

    /// How much.
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// What is said of the payer's e-mail address.
    #[must_use]
    pub fn payer_email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// In which language the gateway's page is to be.
    #[must_use]
    pub fn page_language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// How many things are bought.
    #[must_use]
    pub const fn things(&self) -> u8 {
        self.quantity
    }

    /// Whose card it is to be.
    #[must_use]
    pub const fn card_holder(&self) -> Option<&Billing> {
        self.billing.as_ref()
    }

    /// What is to be read on the gateway's page, the order's name if nothing was said.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.description.as_deref().unwrap_or_else(|| self.order.as_str())
    }
}

/// A payer's name and address.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "it is written down as it is")]
pub struct Billing {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Street and number.
    pub street: String,
    /// What else there is to say: a floor, a court.
    pub more: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// The country's number in ISO 3166-1: 250 for France, 276 for Germany.
    pub country: u16,
}

/// Where somebody lives is nothing for a log.
impl fmt::Debug for Billing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Billing").field("country", &self.country).finish_non_exhaustive()
    }
}
