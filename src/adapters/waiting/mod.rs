//! The adapters of middleware that may have to wait: [`AsyncMiddleware`](crate::middleware::AsyncMiddleware).

#[cfg(feature = "actix")]
pub mod actix;
pub mod tower;
