//! Who is asking, and over what.
//!
//! So far only the scheme. Several headers and directives make sense over https alone, and nothing
//! a client writes into its request is evidence of https: not the request target, not `Host`, not
//! `X-Forwarded-Proto`. Evidence is
//!
//! - a TLS socket: actix-web tells us of those it bound itself; an app that accepts TLS connections
//!   for axum or hyper puts [`Scheme::Https`] into the extensions of the requests it reads from
//!   them;
//! - your word that nothing but a TLS terminator can reach the server:
//!   [`SecurityHeadersBuilder::assume_https`](crate::headers::SecurityHeadersBuilder::assume_https).
//!
//! ```
//! use donjon::client::Scheme;
//! use donjon::head::RequestHead;
//!
//! let mut request = http::Request::get("https://example.com/").body(()).unwrap();
//! assert_eq!(request.scheme(), None, "the client says so, which is no evidence");
//!
//! request.extensions_mut().insert(Scheme::Https);
//! assert_eq!(request.scheme(), Some(Scheme::Https));
//! ```

/// The scheme by which a request reached the server, put into the request's extensions by whoever
/// has evidence of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a connection is encrypted or it is not")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}
