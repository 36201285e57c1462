//! The certificates by which PayPal signs: fetched, kept, and trusted for a reason.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::super::super::http::HttpSend;
use super::super::super::word::{Unbelieved, Witness};
use super::super::api;
use super::notice::Transmission;

/// One that signs, and those that vouch for it.
type Chain = Arc<[CertificateDer<'static>]>;

/// Whom to believe, and what was fetched.
pub(super) struct Certificates {
    trust: Trust,
    kept: Mutex<Kept>,
}

enum Trust {
    /// Whoever has a name of PayPal's, as these say.
    Named(&'static [TrustAnchor<'static>]),
    /// A simulator's, as it is: nobody vouches for it, and nobody asks until when.
    This(CertificateDer<'static>),
}

#[derive(Default)]
struct Kept {
    chains: VecDeque<(Box<str>, Chain)>,
    /// Since the epoch, and how many were fetched in it.
    minute: (u64, u32),
}

impl Certificates {
    /// Those for which Mozilla's authorities vouch.
    pub(super) fn paypal() -> Self {
        Self { trust: Trust::Named(webpki_roots::TLS_SERVER_ROOTS), kept: Mutex::default() }
    }

    /// This one alone; `None` if it is none.
    pub(super) fn only(pem: &str) -> Option<Self> {
        let [only] = <[_; 1]>::try_from(read(pem.as_bytes())?).ok()?;
        EndEntityCert::try_from(&only).ok()?;
        Some(Self { trust: Trust::This(only), kept: Mutex::default() })
    }

    /// Whether the one who is named has signed it, and is PayPal.
    pub(super) async fn verify(
        &self,
        sent: &Transmission<'_>,
        witness: &Witness<'_>,
    ) -> Result<(), Unbelieved> {
        let chain = match self.kept(sent.certificate) {
            Some(chain) => chain,
            None => self.fetch(sent.certificate, witness.http()?, witness.now).await?,
        };
        let (leaf, vouching) = chain.split_first().ok_or(Unbelieved::Signature)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|_| Unbelieved::Signature)?;
        self.trust.check(&leaf, vouching, witness.now)?;
        // What nobody vouches for is not kept: it would drive out what is.
        self.keep(sent.certificate, &chain);
        let message = sent.message.as_bytes();
        let verified = leaf.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, &sent.signature);
        verified.map_err(|_| Unbelieved::Signature)
    }

    /// Anybody may name a certificate, and so have this server fetch one: from PayPal alone, so many a minute.
    async fn fetch(
        &self,
        url: &str,
        http: &dyn HttpSend,
        now: SystemTime,
    ) -> Result<Chain, Unbelieved> {
        let minute = now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() / 60);
        let is_enough = self.books(|kept| {
            if kept.minute.0 != minute {
                kept.minute = (minute, 0);
            }
            kept.minute.1 += 1;
            kept.minute.1 > MOST_A_MINUTE
        });
        if is_enough {
            return Err(Unbelieved::Unavailable("too many certificates in a minute"));
        }
        let request = Request::get(url).body(Bytes::new());
        let request = request.map_err(|_| Unbelieved::Malformed("a certificate from elsewhere"))?;
        let answer = api::send(http, request).await?;
        let body = answer.body();
        let chain = Some(body).filter(|body| body.len() <= LONGEST).and_then(|body| read(body));
        Ok(chain.ok_or(Unbelieved::Malformed("no certificate"))?.into())
    }

    fn kept(&self, url: &str) -> Option<Chain> {
        self.books(|kept| {
            let found = kept.chains.iter().find(|(known, _)| **known == *url);
            found.map(|(_, chain)| Arc::clone(chain))
        })
    }

    fn keep(&self, url: &str, chain: &Chain) {
        self.books(|kept| {
            if kept.chains.iter().any(|(known, _)| **known == *url) {
                return;
            }
            if kept.chains.len() >= MOST_KEPT {
                kept.chains.pop_front();
            }
            kept.chains.push_back((url.into(), Arc::clone(chain)));
        });
    }

    fn books<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Trust {
    fn check(
        &self,
        leaf: &EndEntityCert<'_>,
        vouching: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Result<(), Unbelieved> {
        let is_trusted = match self {
            Self::This(only) => leaf.der() == *only,
            Self::Named(anchors) => {
                let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
                let (now, usage) = (UnixTime::since_unix_epoch(now), KeyUsage::server_auth());
                let path = leaf.verify_for_usage(
                    ALL_VERIFICATION_ALGS,
                    anchors,
                    vouching,
                    now,
                    usage,
                    None,
                    None,
                );
                path.is_ok() && leaf.valid_dns_names().any(is_paypals)
            }
        };
        if is_trusted { Ok(()) } else { Err(Unbelieved::Signature) }
    }
}

/// `messageverificationcerts.paypal.com`, the sandbox's, or `*.paypal.com`.
fn is_paypals(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".paypal.com")
}

/// All certificates in a PEM; `None` if there is none, or one that is none.
fn read(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    (1..=MOST_VOUCHING).contains(&chain.len()).then_some(chain)
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// A chain is about five thousand bytes.
const LONGEST: usize = 64 * 1024;
const MOST_VOUCHING: usize = 8;
const MOST_KEPT: usize = 8;
/// Enough for a burst of notifications that come before the first certificate does.
const MOST_A_MINUTE: u32 = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Made for this: an authority, one that it vouches for, and what that one vouches for.
    const ROOT: &str = include_str!("../../../../tests/data/payment/paypal_chain/root.pem");
    const MIDDLE: &str = include_str!("../../../../tests/data/payment/paypal_chain/middle.pem");
    const PAYPAL: &str = include_str!("../../../../tests/data/payment/paypal_chain/paypal.pem");
    const OTHER: &str = include_str!("../../../../tests/data/payment/paypal_chain/other.pem");

    fn check(root: &str, leaf: &str, vouching: &str, seconds: u64) -> bool {
        let root: &'static CertificateDer<'static> =
            Box::leak(Box::new(read(root.as_bytes()).unwrap().remove(0)));
        let anchors = vec![webpki::anchor_from_trusted_cert(root).unwrap()];
        let trust = Trust::Named(anchors.leak());
        let leaf = read(leaf.as_bytes()).unwrap();
        let vouching = read(vouching.as_bytes()).unwrap_or_default();
        let leaf = EndEntityCert::try_from(&leaf[0]).unwrap();
        trust.check(&leaf, &vouching, UNIX_EPOCH + Duration::from_secs(seconds)).is_ok()
    }

    #[test]
    fn somebody_vouches_for_a_name_of_paypals_and_today() {
        const TODAY: u64 = 1_800_000_000;
        assert!(check(ROOT, PAYPAL, MIDDLE, TODAY));
        assert!(!check(ROOT, PAYPAL, "", TODAY), "nobody between");
        assert!(!check(ROOT, OTHER, MIDDLE, TODAY), "another name");
        assert!(!check(MIDDLE, OTHER, "", TODAY), "another name, vouched for directly");
        assert!(!check(OTHER, PAYPAL, MIDDLE, TODAY), "vouched for by somebody else");
        assert!(!check(ROOT, PAYPAL, MIDDLE, 1_500_000_000), "not yet");
        assert!(!check(ROOT, PAYPAL, MIDDLE, 5_000_000_000), "not any more");
    }

    #[test]
    fn names_are_paypals_or_not() {
        for (name, is_one) in [
            ("messageverificationcerts.paypal.com", true),
            ("messageverificationcerts.sandbox.paypal.com", true),
            ("*.paypal.com", true),
            ("MessageVerificationCerts.PayPal.com", true),
            ("evilpaypal.com", false),
            ("paypal.com.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_paypals(name), is_one, "{name}");
        }
    }

    #[test]
    fn a_page_is_no_certificate() {
        for pem in ["", "<html>", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(read(pem.as_bytes()).is_none(), "{pem}");
            assert!(Certificates::only(pem).is_none(), "{pem}");
        }
        assert!(Certificates::only(&[PAYPAL, MIDDLE].concat()).is_none(), "which one?");
        assert!(read(PAYPAL.repeat(9).as_bytes()).is_none());
    }
}
