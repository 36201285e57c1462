//! A number used once, by which a page's own scripts are told from injected ones.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt as _;

use crate::context::Context;

/// The nonce of one response, to be written into the `nonce` attribute of its scripts and styles.
///
/// It is made of 16 random bytes when a handler first takes it, and is the same wherever it is
/// taken during one request. It is text that needs no escaping in HTML, so any template engine can
/// print it. Take it before the response is returned: a streaming body that asks for it later gets
/// none, because the header is on its way.
///
/// In axum it is an extractor (feature `axum`), in actix-web too (feature `actix`). Where no
/// [`SecurityHeaders`](crate::headers::SecurityHeaders) with a nonce is around the route, the
/// extractor answers 500 rather than let a page go out whose scripts would not run.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::response::Html;
/// use donjon::headers::Nonce;
///
/// async fn page(nonce: Nonce) -> Html<String> {
///     Html(format!("<script nonce='{nonce}'>alert('ours')</script>"))
/// }
/// # let _ = page;
/// # }
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Nonce([u8; LENGTH]);

impl Nonce {
    /// 16 random bytes in base64url without padding.
    pub(crate) fn random() -> Self {
        let bytes: [u8; 16] = rand::rng().random();
        let mut text = [b'A'; LENGTH];
        // 16 bytes are 22 digits, so this fits.
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(LENGTH));
        Self(text)
    }

    /// Takes the nonce of a request from its extensions, where there is no extractor: in a handler
    /// for hyper, say. `None` if no header would carry it.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use donjon::headers::{Nonce, SecurityHeaders};
    /// use http::{Request, Response};
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = ServiceBuilder::new()
    ///     .layer(SecurityHeaders::strict().build()?)
    ///     .service_fn(async |request: Request<()>| {
    ///         let nonce = Nonce::from_extensions(request.extensions());
    ///         Ok::<_, Infallible>(Response::new(nonce.map(|nonce| nonce.to_string())))
    ///     });
    ///
    /// let response = service.oneshot(Request::new(())).await?;
    ///
    /// let policy = response.headers()["content-security-policy"].to_str()?;
    /// assert!(policy.contains(response.body().as_deref().ok_or("no nonce")?));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_extensions(extensions: &http::Extensions) -> Option<Self> {
        extensions.get().and_then(Context::nonce)
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The nonce as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Base64 is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for Nonce {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Does not print the nonce: until the response is out, it is a secret.
impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce")
    }
}

/// 16 bytes in base64 without padding.
pub(super) const LENGTH: usize = 22;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_nonce_is_16_bytes_of_base64url_and_never_comes_twice() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let nonce = Nonce::random();
            assert_eq!(URL_SAFE_NO_PAD.decode(nonce.as_str()).unwrap().len(), 16);
            assert!(seen.insert(nonce.to_string()));
        }
    }

    #[test]
    fn debug_does_not_leak_the_nonce() {
        assert_eq!(format!("{:?}", Nonce::random()), "Nonce");
    }
}
