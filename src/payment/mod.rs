//! Payments: a payer goes to the gateway and comes back, and no card number ever passes through here.
//!
//! **The attack.** Somebody edits the price in the form. Somebody calls the page "payment successful" without
//! paying, as he saw its address the last time. Somebody sends the shop a notification of his own making, or a
//! genuine one of another order, of one cent, of the test platform, or for the hundredth time. Somebody gets
//! hold of where payers are sent, and sends them to a page of his own that asks for the card.
//!
//! **The rule.** PCI DSS 4.0.1, 3.3 to 3.5 (card data that is not there cannot be stolen) and SAQ A (a full
//! redirect); OWASP ASVS 5.0, 2.3 (business logic in its order, once) and 3.7.2 (redirects to known
//! destinations); each gateway's own protocol.
//!
//! - [`Money`] is a whole number of cents of a [`Currency`], never zero, never a floating-point number, and equal
//!   only in the same currency.
//! - A payer is sent to a [`GatewayUrl`]: one of the gateway's own [origins](Gateway::origins), exactly. The same
//!   list is for the page's `form-action`.
//! - What makes an order paid is a [`Verified`], and nobody can make one but a [`Gateway`] that [`Payments`] has
//!   asked to read a notification.
//! - A notification is verified over its **raw bytes**; then mode, order, amount and currency are compared; then
//!   one step in the app's own [`Ledger`] changes the order, once, whatever comes twice, late or at the same time.
//! - A browser that comes back changes nothing. Its token is sealed, of one order at one price, good once and for a
//!   few hours, and ends in a redirect to a clean URL.
//! - Where a gateway takes a signed form, the page that posts it may do nothing else, by a policy of its own.
//! - A payment begins by `POST` alone ([`Posted`]), and for the price that the ledger has; what looks ahead of its user
//!   begins nothing, and uses no token up ([`Visited`]).
//! - [`Mode`] chooses ids, key and host together: nothing of the test platform pays in production.
//! - [`CardGuard`](card::CardGuard) refuses requests that hold card numbers or security codes, and
//!   [`scrub`](card::scrub) takes them out of logs.
//!
//! [*Taking payments*](taking_payments) leads from the button to the money, with tables for SQL.
//!
//! # What it does not do
//!
//! There are no fields for a card here, no frames and no scripts of gateways, no subscriptions, and no refunds. It
//! makes nobody compliant with PCI DSS: it helps to keep card data out.
//!
//! # Deployment caveats
//!
//! The routes of notifications have to be reached by the gateway from outside; behind a proxy that rewrites or decodes
//! queries the signatures of Paybox do not verify. A [`MemoryLedger`] forgets with the process.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "paybox")] {
//! use std::sync::Arc;
//!
//! use donjon::keys::{Key, KeyRing};
//! use donjon::payment::{Checkout, Currency, MemoryLedger, Money, OrderId, Paybox, Payments, Posted};
//! use http::{Request, Response};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::new(Key::random())?; // in earnest, from a secret that stays
//! let ledger = Arc::new(MemoryLedger::default()); // in earnest, the shop's database
//! let payments = Payments::builder(&ring, "club", "https://club.example")?
//!     .gateway(Paybox::test_account()?)
//!     .build(Arc::clone(&ledger))?;
//!
//! let order: OrderId = "2026-17".parse()?;
//! let price = Money::parse("49.90", Currency::EUR)?;
//! ledger.place(&order, price);
//!
//! // In the handler of the button.
//! let posted = Posted::of(&Request::post("/pay/2026-17").body(())?)?; // an extractor, in axum and actix-web
//! let checkout = Checkout::new(order, price).email("ann@example.com");
//! let answer = payments.redirect(posted, &checkout, "paybox", Some(b"the session's id")).await?;
//!
//! let response: Response<bytes::Bytes> = answer.into_response();
//! let page = std::str::from_utf8(response.body())?;
//! assert!(page.contains("action=\"https://preprod-tpeweb.paybox.com/cgi/MYchoix_pagepaiement.cgi\""));
//! assert!(page.contains("name=\"PBX_TOTAL\" value=\"4990\""));
//! # Ok(())
//! # }
//! # }
//! ```

pub use self::answer::Answer;
pub use self::builder::PaymentsBuilder;
pub use self::checkout::{Billing, Checkout};
pub use self::currency::Currency;
pub use self::error::{ConfigError, ReturnError, StartError};
pub use self::gateway::{Gateway, Work};
#[cfg(feature = "paybox")]
pub use self::gateways::paybox::{Paybox, PayboxBrand, PayboxHash};
#[cfg(feature = "paypal")]
pub use self::gateways::paypal::PayPal;
#[cfg(feature = "stripe")]
pub use self::gateways::stripe::StripeCheckout;
pub use self::http::{HttpError, HttpSend};
pub use self::ledger::{Applied, Begun, Change, Ledger, LedgerError, MemoryLedger, Order};
pub use self::money::{AmountError, Money};
pub use self::order::{LocalPath, OrderId};
pub use self::page::HandoffPage;
pub use self::payments::{Payments, ReconcileError};
pub use self::posted::Posted;
pub use self::start::{Handoff, Start};
pub use self::state::{Mode, State, UnknownState};
pub use self::token::Returned;
pub use self::url::{GatewayUrl, Origin};
pub use self::visited::Visited;
pub use self::word::{Notice, Unbelieved, Verified, Witness, Word};

mod answer;
mod asking;
mod builder;
pub mod card;
mod checkout;
mod currency;
mod error;
mod gateway;
mod gateways;
mod hearing;
mod http;
mod ledger;
mod money;
mod order;
mod page;
mod payments;
mod posted;
mod start;
mod state;
#[cfg(doc)]
#[doc = include_str!("taking_payments.md")]
#[doc = "\n```sql"]
#[doc = include_str!("ledger.sql")]
#[doc = "```\n"]
pub mod taking_payments {}
mod token;
mod turn;
mod url;
mod visited;
mod word;
