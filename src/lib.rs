#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adapters;
pub mod client;
pub mod clock;
#[cfg(feature = "headers")]
mod context;
pub mod head;
#[cfg(feature = "headers")]
pub mod headers;
pub mod middleware;
pub mod refusal;
mod trace;
