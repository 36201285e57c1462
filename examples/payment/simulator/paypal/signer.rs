//! PayPal's notifications, which are signed by a key for which a certificate vouches.

use std::error::Error;
use std::time::{Duration, SystemTime};

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::outbox::Notification;
use super::super::{Simulator, Trick};

/// A key, and a certificate that nobody vouches for.
pub(super) struct Signer {
    key: SigningKey<Sha256>,
    certificate: String,
}

impl Signer {
    pub(super) fn new() -> Result<Self, Box<dyn Error>> {
        let key = PrivateKey::new(&mut rand::rngs::SysRng, 2048)?;
        let der = key.to_pkcs8_der()?;
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der.as_bytes().into(), &PKCS_RSA_SHA256)?;
        let names = ["messageverificationcerts.paypal.example".to_owned()];
        let certificate = CertificateParams::new(names)?.self_signed(&pair)?.pem();
        Ok(Self { key: SigningKey::new(key), certificate })
    }

    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }
}

impl Simulator {
    /// A notification, and a signature over its checksum.
    pub(super) fn event(&self, name: &str, of: &str, resource: &Value) -> Notification {
        let mut resource = resource.clone();
        if let Some(order) = self.other_order() {
            resource["custom_id"] = json!(order);
        }
        let body = json!({
            "id": format!("WH-{name}"),
            "event_version": "1.0",
            "event_type": name,
            "resource_type": of,
            "resource": resource,
        });
        let body = body.to_string();
        let sent = SystemTime::now() - Duration::from_secs(self.lateness());
        let time = humantime::format_rfc3339_seconds(sent).to_string();
        let transmission = "69cd13f0-d67a-11e5-baa3-778b53f4ae55";
        let [.., webhook] = Self::PAYPAL;
        let message = format!("{transmission}|{time}|{webhook}|{}", crc32(body.as_bytes()));
        let other = self.does(Trick::OtherKey).then(|| Signer::new().ok()).flatten();
        let key = other.as_ref().map_or(&self.0.paypal.signer.key, |other| &other.key);
        let signature = STANDARD.encode(key.sign(message.as_bytes()).to_bytes());
        let certificate = format!("{}/v1/notifications/certs/CERT-1", self.origin());
        Notification {
            method: Method::POST,
            url: self.url_of_webhook("paypal"),
            headers: vec![
                ("content-type", "application/json".into()),
                ("paypal-auth-algo", "SHA256withRSA".into()),
                ("paypal-cert-url", certificate),
                ("paypal-transmission-id", transmission.into()),
                ("paypal-transmission-sig", signature),
                ("paypal-transmission-time", time),
            ],
            body,
        }
    }
}

/// The checksum of zip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
