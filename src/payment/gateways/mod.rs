//! Gateways, one to a folder.

#[cfg(feature = "stripe")]
mod api;
#[cfg(feature = "paybox")]
pub(super) mod paybox;
#[cfg(feature = "stripe")]
pub(super) mod stripe;
