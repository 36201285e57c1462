//! The HTTP client of the `reqwest` crate, as the way into the network by which gateways are asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};

use crate::payment::{ConfigError, HttpError, HttpSend, Work};

/// Asks gateways over the network, as carefully as money deserves. It needs a runtime of tokio, as axum and
/// actix-web have one.
///
/// **The attack.** An answer that leads elsewhere, and takes the key along (CWE-918, CWE-601). One that never ends
/// (CWE-400). A proxy in the environment (`HTTPS_PROXY`) that reads along; an authority that somebody has added to
/// the machine's own.
///
/// **The rule.** OWASP ASVS 5.0, 12.3 and 13.2.
///
/// - https alone, by TLS 1.2 or 1.3, with certificates for which one of Mozilla's authorities vouches, as they were
///   when this was built. Plain http goes to `127.0.0.1` and `localhost` alone: to a simulator.
/// - No redirect is followed, no cookie kept, no proxy used.
/// - Ten seconds for a request with its answer, and a mebibyte for the answer, of which no more than that is read.
///
/// It does not try again: gateways send again what was not heard, and
/// [`reconcile`](crate::payment::Payments::reconcile) asks.
///
/// ```
/// use donjon::adapters::reqwest::Reqwest;
/// use donjon::payment::HttpSend;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let http = Reqwest::new()?;
/// let plain = http::Request::get("http://gateway.example/").body(bytes::Bytes::new())?;
/// assert!(http.send(plain).await.is_err(), "nothing was sent");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Reqwest {
    client: Client,
    deadline: Duration,
}

impl Reqwest {
    /// As it is described above.
    pub fn new() -> Result<Self, ConfigError> {
        let anchors = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // Said here, since reqwest would take whatever the process has as its default, and panic without.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| ConfigError::Client("no version of TLS"))?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("donjon/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ConfigError::Client("reqwest refuses"))?;
        Ok(Self { client, deadline: Duration::from_secs(10) })
    }

    /// Gives a request with its answer this long: ten seconds unless told otherwise. At most a minute.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(Duration::from_secs(60)), ..self }
    }

    async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let mut request = reqwest::Request::try_from(request).ok()?;
        // Of the URL by which it is sent, so that there is no second way of reading it.
        if !is_safe(request.url()) {
            return None;
        }
        *request.timeout_mut() = Some(self.deadline);
        let mut answer = self.client.execute(request).await.ok()?;
        if answer.content_length().is_some_and(|length| length > LONGEST as u64) {
            return None;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            if body.len() + chunk.len() > LONGEST {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Some(response)
    }
}

/// Encrypted, or on this machine.
fn is_safe(url: &Url) -> bool {
    let has_user = !url.username().is_empty() || url.password().is_some();
    match (url.scheme(), url.host_str()) {
        _ if has_user => false,
        ("https", Some(_)) | ("http", Some("127.0.0.1" | "localhost")) => true,
        _ => false,
    }
}

impl HttpSend for Reqwest {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Work<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async move { self.answer(request).await.ok_or(HttpError::new()) })
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reqwest").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

const LONGEST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_the_open_but_to_this_machine() {
        for (url, expected) in [
            ("https://api.stripe.com/v1", true),
            ("https://localhost:3443/", true),
            ("http://127.0.0.1:3000/", true),
            ("http://localhost/", true),
            ("http://api.stripe.com/v1", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost.evil.example/", false),
            ("http://localhost@evil.example/", false),
            ("https://user@api.stripe.com/", false),
            ("https://:secret@api.stripe.com/", false),
            ("ftp://api.stripe.com/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("data:text/plain,x", false),
        ] {
            assert_eq!(is_safe(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
