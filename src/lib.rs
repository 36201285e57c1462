//! Layered defences for web servers written with axum, tower or actix-web.
//!
//! Each layer is a few lines to add and right by default. A policy that makes no sense cannot be
//! built: constructors return an error that says how to mend it. Nothing panics on configuration or
//! on input, and there is no unsafe code.
//!
//! # In five minutes
//!
//! With axum (feature `axum`):
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, response::Html, routing::get};
//! use donjon::headers::{Nonce, SecurityHeaders};
//! use donjon::middleware::Stack;
//!
//! async fn page(nonce: Nonce) -> Html<String> {
//!     Html(format!("<script nonce='{nonce}'>console.log('ours')</script>"))
//! }
//!
//! let app: Router = Router::new()
//!     .route("/", get(page))
//!     .layer(Stack::new((SecurityHeaders::strict().build()?,)));
//! # }
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```
//!
//! With actix-web (feature `actix`):
//!
//! ```
//! # #[cfg(feature = "actix")] {
//! use actix_web::{App, Responder, web, web::Html};
//! use donjon::headers::{Nonce, SecurityHeaders};
//! use donjon::middleware::Stack;
//!
//! async fn page(nonce: Nonce) -> impl Responder {
//!     Html::new(format!("<script nonce='{nonce}'>console.log('ours')</script>"))
//! }
//!
//! let headers = SecurityHeaders::strict().build()?;
//! let app = App::new().wrap(Stack::new((headers,))).route("/", web::get().to(page));
//! # let _ = app;
//! # }
//! # Ok::<_, donjon::headers::ConfigError>(())
//! ```
//!
//! Further layers go into the same stack: [Getting started](guide::getting_started) adds them one by one, in
//! five steps.
//!
//! # Guide
//!
//! - [Getting started](guide::getting_started): from an empty program to every layer; keys, development by
//!   http and production, and what to test.
//! - [Upgrading](guide::upgrading): an app that has users already, layer by layer; what a new version of this
//!   crate may change.
//! - [Threat model](guide::threat_model): against whom, and against whom not; OWASP ASVS 5.0, line by line.
//!
//! [More pages](guide) are about proxies, sessions of other libraries, running a lockout, roles and payments.
//!
//! # Modules
//!
//! | module | what it is |
//! | --- | --- |
//! | [`headers`] | security headers, Content-Security-Policy, nonces, reports |
//! | [`cookies`] | cookies hardened on their way out, read exactly on their way in, and sealed values |
//! | [`csrf`] | requests that another site has made a browser send, refused |
//! | [`lockout`] | login attempts counted before they are looked at, and no more let in than may fail |
//! | [`login`] | a login in one call: lockout and passwords together |
//! | [`password`] | passwords hashed, verified at the same cost for everybody, and chosen well |
//! | [`payment`] | payers sent to a gateway and back, without ever touching a card; card numbers kept out of a server |
//! | [`roles`](mod@roles) | who may do what: roles and permissions, rules and guards |
//! | [`keys`] | the keys that values are sealed with, and their replacement |
//! | [`middleware`] | what a layer is, and several as one |
//! | [`lint`] | weak spots of a stack, found before an attacker finds them |
//! | [`refusal`] | the answer to a request that is not let through |
//! | [`client`] | who is asking: addresses, schemes and hosts behind proxies; allow-lists |
//! | [`https`] | HTTPS on every request, for known hosts alone |
//! | [`event`] | the log of security events |
//! | [`head`] | the heads of requests and responses, whatever the framework |
//! | [`clock`] | time, and a clock for tests |
//! | [`adapters`] | how a layer meets tower and actix-web |
//!
//! # Features
//!
//! Pillars are on by default and pull in no framework. `axum` and `actix` add what these frameworks
//! need, `serde` reads policies from files, `cookie` turns cookies into those of the `cookie` crate and back,
//! `reports` collects browsers' reports, `redis` counts login attempts for several servers, `paybox`, `paypal` and
//! `stripe` are gateways for payments, `reqwest` is the client by which they are asked, `json` writes security events
//! as lines of JSON, `tracing` logs them and what the middleware notice. `keys` comes along with the pillars that have
//! need of it. A feature adds items and never changes what others do.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adapters;
pub mod client;
pub mod clock;
mod context;
#[cfg(feature = "cookies")]
pub mod cookies;
#[cfg(feature = "csrf")]
pub mod csrf;
#[cfg(any(feature = "lockout", feature = "payment", feature = "roles"))]
mod deadline;
pub mod event;
#[cfg(doc)]
pub mod guide;
pub mod head;
#[cfg(feature = "headers")]
pub mod headers;
#[cfg(feature = "https")]
pub mod https;
#[cfg(feature = "keys")]
pub mod keys;
pub mod lint;
#[cfg(feature = "lockout")]
pub mod lockout;
#[cfg(all(feature = "lockout", feature = "password"))]
pub mod login;
pub mod middleware;
#[cfg(feature = "password")]
pub mod password;
#[cfg(any(feature = "csrf", feature = "https"))]
mod path;
#[cfg(feature = "payment")]
pub mod payment;
pub mod refusal;
#[cfg(feature = "roles")]
pub mod roles;
#[cfg(any(feature = "cookies", feature = "headers"))]
mod shared_caches;
mod text;
mod trace;

/// Compiles the code in `README.md` as doctests; never part of a build.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "headers",
    feature = "lockout",
    feature = "password",
    feature = "paybox",
    feature = "serde"
))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
