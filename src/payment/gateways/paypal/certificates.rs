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
use super::super::api::{self, Failed};
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

/// **The attack.** Strangers name certificates, as many as they like, so that those are fetched and that PayPal's own
/// is not.
///
/// What has once signed for us is kept, and no stranger makes anything sign for us: he delays nothing of it. What he
/// names is fetched so many times a second, and what is one for a while not twice. A certificate that is new to us waits for as
/// long as the flood lasts, and what waits is a notification that only wakes us: [reconciling] does the same.
///
/// [reconciling]: super::super::super::Payments::reconcile
#[derive(Default)]
struct Kept {
    /// By these PayPal has signed for us.
    proved: VecDeque<(Box<str>, Chain)>,
    /// What was fetched lately, and in which second.
    fetched: VecDeque<(Box<str>, u64, Chain)>,
    /// How many may be fetched, and as of which second.
    left: (u64, u64),
}

impl Kept {
    fn find(&self, url: &str, second: u64) -> Option<Chain> {
        if let Some((_, chain)) = self.proved.iter().find(|(known, _)| **known == *url) {
            return Some(Arc::clone(chain));
        }
        let is_it = |(known, at, _): &&(Box<str>, u64, _)| {
            **known == *url && second.abs_diff(*at) < REMEMBERED
        };
        self.fetched.iter().find(is_it).map(|(.., chain)| Arc::clone(chain))
    }

    fn may_fetch(&mut self, second: u64) -> bool {
        let (left, as_of) = self.left;
        let left = left.saturating_add(second.saturating_sub(as_of)).min(MOST_AT_ONCE);
        self.left = (left.saturating_sub(1), second);
        left > 0
    }

    fn note(&mut self, url: &str, second: u64, chain: Chain) {
        push(&mut self.fetched, MOST_FETCHED, (url.into(), second, chain));
    }

    fn forget(&mut self, url: &str) {
        self.proved.retain(|(known, _)| **known != *url);
    }

    fn prove(&mut self, url: &str, chain: Chain) {
        if !self.proved.iter().any(|(known, _)| **known == *url) {
            push(&mut self.proved, MOST_PROVED, (url.into(), chain));
        }
    }
}

/// The oldest goes where there is no room.
fn push<T>(all: &mut VecDeque<T>, most: usize, one: T) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
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
        let url = sent.certificate;
        let second = witness.now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let chain = if let Some(known) = self.books(|kept| kept.find(url, second)) {
            known
        } else {
            let http = witness.http()?;
            if !self.books(|kept| kept.may_fetch(second)) {
                return Err(Unbelieved::Unavailable("too many certificates at once"));
            }
            let chain = fetch(url, http).await?;
            self.books(|kept| kept.note(url, second, Arc::clone(&chain)));
            chain
        };
        let (leaf, vouching) = chain.split_first().ok_or(NO_CERTIFICATE)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|_| Unbelieved::Signature)?;
        if let Err(error) = self.trust.check(&leaf, vouching, witness.now) {
            // Another one may be there by now: this one is over, or never was PayPal's.
            self.books(|kept| kept.forget(url));
            return Err(error);
        }
        let message = sent.message.as_bytes();
        let verified = leaf.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, &sent.signature);
        verified.map_err(|_| Unbelieved::Signature)?;
        self.books(|kept| kept.prove(url, Arc::clone(&chain)));
        Ok(())
    }

    fn books<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is there.
async fn fetch(url: &str, http: &dyn HttpSend) -> Result<Chain, Unbelieved> {
    let request = Request::get(url).body(Bytes::new());
    let request = request.map_err(|_| Unbelieved::Malformed("a certificate from elsewhere"))?;
    let body = match api::send(http, request).await {
        Ok(answer) => answer.into_body(),
        Err(Failed::Refused | Failed::Garbled) => return Err(NO_CERTIFICATE),
        Err(failed) => return Err(failed.into()),
    };
    let body = Some(body).filter(|body| body.len() <= LONGEST);
    Ok(body.and_then(|body| read(&body)).ok_or(NO_CERTIFICATE)?.into())
}

const NO_CERTIFICATE: Unbelieved = Unbelieved::Malformed("no certificate");

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
const MOST_PROVED: usize = 8;
const MOST_FETCHED: usize = 64;
/// Enough for a burst of notifications that come before the first certificate does; then one a second.
const MOST_AT_ONCE: u64 = 64;
/// In seconds.
const REMEMBERED: u64 = 60;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::super::state::Mode;
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

    /// At its place there may be the one that has come after it.
    #[test]
    fn one_that_is_over_is_asked_for_again() {
        let root: &'static CertificateDer<'static> =
            Box::leak(Box::new(read(ROOT.as_bytes()).unwrap().remove(0)));
        let anchors = vec![webpki::anchor_from_trusted_cert(root).unwrap()];
        let trust = Trust::Named(anchors.leak());
        let certificates = Certificates { trust, kept: Mutex::default() };
        let chain = read([PAYPAL, MIDDLE].concat().as_bytes()).unwrap();
        certificates.books(|kept| kept.prove("https://a/b", chain.into()));

        let network = api::tests::Canned::new([(200, [PAYPAL, MIDDLE].concat())]);
        let (signature, message) = (vec![0; 256], String::new());
        let sent = Transmission { certificate: "https://a/b", message, signature };
        let asked = |seconds| {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            let http: Option<&dyn HttpSend> = Some(&network);
            let witness = Witness { mode: Mode::Test, now, http, ledger: None, taking: None };
            let verified = tokio_test::block_on(certificates.verify(&sent, &witness));
            assert_eq!(verified, Err(Unbelieved::Signature));
            network.lines().len()
        };
        assert_eq!(asked(1_800_000_000), 0, "a wrong signature says nothing of it");
        assert_eq!(asked(5_000_000_000), 0, "it is over");
        assert_eq!(asked(5_000_000_000), 1, "is there another one?");
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
