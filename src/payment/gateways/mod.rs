//! Gateways, one to a folder.

#[cfg(any(feature = "paypal", feature = "stripe"))]
mod api;
#[cfg(feature = "paybox")]
pub(super) mod paybox;
#[cfg(feature = "paypal")]
pub(super) mod paypal;
#[cfg(feature = "stripe")]
pub(super) mod stripe;
