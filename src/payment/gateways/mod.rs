//! Gateways, one to a file.

#[cfg(feature = "paybox")]
pub(super) mod paybox;
