//! HTTPS on every request, for known hosts alone.
//!
//! **The attack.** A request in the clear is read and changed on its way. A redirect, a link or a
//! cached page that takes its host from the request leads wherever the request says.
//!
//! **The rule.** OWASP ASVS 5.0, 12.2.1 and 4.1; RFC 9110, section 7.4.
//!
//! - [`RequireHttps`] redirects people, and refuses programs, that come by http.
//! - [`AllowedHosts`] refuses requests for hosts that are not yours, before anything else runs.
//!
//! What it does not do: it ends no TLS and holds no certificate. That the browser comes by https the
//! next time, without being redirected, is the work of
//! [`StrictTransportSecurity`](crate::headers::StrictTransportSecurity).
//!
//! # Deployment caveats
//!
//! Behind a proxy that ends TLS, every request reaches the server by http, and without
//! [`TrustedProxies`](crate::client::TrustedProxies) before it in the stack [`RequireHttps`] redirects
//! them all, for ever. [Behind a proxy](crate::client::behind_a_proxy) has the settings.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::client::{Scheme, TrustedProxies};
//! use donjon::https::{AllowedHosts, RequireHttps};
//! use donjon::middleware::Stack;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(Stack::new((
//!         TrustedProxies::none(),
//!         AllowedHosts::new(["club.example", "*.club.example"])?.exempt("/healthz")?,
//!         RequireHttps::redirect_to("club.example")?.reject_under("/api")?.exempt("/healthz")?,
//!     )))
//!     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("hello".into())));
//! let send = async |url: &str, host: &str, scheme: Scheme| {
//!     let request = Request::get(url).header("host", host).extension(scheme).body(()).unwrap();
//!     let response: Response<axum::body::Body> = service.clone().oneshot(request).await.unwrap();
//!     response
//! };
//!
//! let response = send("/courts?day=7", "www.club.example", Scheme::Http).await;
//! assert_eq!(response.status(), 308);
//! assert_eq!(response.headers()["location"], "https://club.example/courts?day=7");
//!
//! let response = send("/api/bookings", "club.example", Scheme::Http).await;
//! assert_eq!(response.status(), 403);
//!
//! let response = send("/courts", "evil.example", Scheme::Https).await;
//! assert_eq!(response.status(), 400);
//!
//! let response = send("/courts", "club.example", Scheme::Https).await;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

pub use self::credential::ExposedCredential;
pub use self::error::ConfigError;
pub use self::hosts::AllowedHosts;
#[doc(hidden)]
pub use self::require::Memo;
pub use self::require::RequireHttps;

mod credential;
mod dev;
mod error;
mod exempt;
mod hosts;
mod require;
