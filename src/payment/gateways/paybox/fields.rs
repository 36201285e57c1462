//! The fields of a form, which are what is signed.

use std::fmt::Write as _;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::super::super::error::StartError;
use super::request::PayboxHash;

/// Names and values, in the order in which they are signed and sent.
#[derive(Clone)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// A value that is plain text: nothing in it ends it, or looks like the beginning of another field, since
    /// values are signed as they are.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        value: impl Into<String>,
    ) -> Result<(), StartError> {
        let value = value.into();
        if value.contains('&') || value.chars().any(char::is_control) {
            return Err(StartError::Malformed(name));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// XML that was made here: an `&` begins an escape.
    pub(super) fn add_xml(&mut self, name: &'static str, value: String) -> Result<(), StartError> {
        let is_field = value.to_ascii_uppercase().contains("&PBX_");
        if is_field || value.chars().any(char::is_control) {
            return Err(StartError::Malformed(name));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// With the signature as the last one.
    pub(super) fn signed(self, hash: PayboxHash, key: &[u8]) -> Vec<(&'static str, String)> {
        let message = self.message();
        let tag = match hash {
            PayboxHash::Sha224 => tag::<Hmac<Sha224>>(key, &message),
            PayboxHash::Sha256 => tag::<Hmac<Sha256>>(key, &message),
            PayboxHash::Sha384 => tag::<Hmac<Sha384>>(key, &message),
            PayboxHash::Sha512 => tag::<Hmac<Sha512>>(key, &message),
        };
        let mut fields = self.0;
        fields.push(("PBX_HMAC", tag));
        fields
    }

    fn message(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

/// What nobody guesses who has not got the key.
pub(super) fn hidden(key: &[u8]) -> String {
    let mut segment = tag::<Hmac<Sha256>>(key, "donjon paybox notifications").to_ascii_lowercase();
    segment.truncate(32);
    segment
}

/// In capital hexadecimal.
fn tag<M: Mac + KeyInit>(key: &[u8], message: &str) -> String {
    // A key of any length is one for HMAC.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return String::new() };
    mac.update(message.as_bytes());
    let mut text = String::new();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02X}"); // a string takes all that is written to it
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::unhex;
    use super::*;

    /// A1: what other projects and other implementations have signed.
    #[test]
    fn it_is_signed_as_others_do() {
        let vectors = include_str!("../../../../tests/data/payment/paybox_request_hmac.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert!(vectors.len() > 10);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let hash = match text("hash").to_ascii_uppercase().as_str() {
                "SHA224" => PayboxHash::Sha224,
                "SHA256" => PayboxHash::Sha256,
                "SHA384" => PayboxHash::Sha384,
                "SHA512" => PayboxHash::Sha512,
                other => panic!("{other}"),
            };
            let fields = vector["fields"].as_array().unwrap().iter().map(|field| {
                let name: &'static str = field[0].as_str().unwrap().to_owned().leak();
                (name, field[1].as_str().unwrap().to_owned())
            });
            let fields = Fields(fields.filter(|(name, _)| *name != "PBX_HMAC").collect());
            assert_eq!(fields.message(), text("signed_message"), "{}", text("name"));
            let key = unhex(text("hmac_key_hex")).unwrap();
            let signed = fields.signed(hash, &key);
            let (name, tag) = signed.last().unwrap();
            assert_eq!((*name, tag.as_str()), ("PBX_HMAC", text("hmac")), "{}", text("name"));
        }
    }

    /// A4, and what is ambiguous once it is signed.
    #[test]
    fn no_value_is_a_field_more() {
        for value in ["a&PBX_TOTAL=1", "a&pbx_total=1", "a&b", "a\r\nb", "a\0b", "a\u{85}b", "a\tb"]
        {
            let added = Fields::new().add("PBX_CMD", value);
            assert!(matches!(added, Err(StartError::Malformed("PBX_CMD"))), "{value:?}");
        }
        assert!(Fields::new().add_xml("PBX_BILLING", "<A>x&PBX_TOTAL=1</A>".into()).is_err());
        assert!(Fields::new().add_xml("PBX_BILLING", "<A>x&amp;y</A>".into()).is_ok());
        assert!(Fields::new().add("PBX_PORTEUR", "\u{e9}l\u{e9}onore+1@example.com").is_ok());
    }
}
