//! Payments: a payer goes to the gateway and comes back, and no card number ever passes through here.

pub use self::answer::Answer;
pub use self::builder::PaymentsBuilder;
pub use self::currency::Currency;
pub use self::error::{ConfigError, ReturnError, StartError};
pub use self::gateway::{
    Billing, Checkout, Gateway, Handoff, HttpError, HttpSend, Mode, Notice, Start, State,
    Unbelieved, UnknownState, Verified, Witness, Word, Work,
};
#[cfg(feature = "paybox")]
pub use self::gateways::paybox::{Paybox, PayboxBrand, PayboxHash};
pub use self::ledger::{Applied, Begun, Change, Ledger, LedgerError, MemoryLedger, Order};
pub use self::money::{AmountError, Money};
pub use self::order::{LocalPath, OrderId};
pub use self::page::HandoffPage;
pub use self::payments::{Payments, ReconcileError};
pub use self::posted::Posted;
pub use self::token::Returned;
pub use self::url::{GatewayUrl, Origin};

mod answer;
mod builder;
mod currency;
mod error;
mod gateway;
mod gateways;
mod ledger;
mod money;
mod order;
mod page;
mod payments;
mod posted;
mod token;
mod url;
