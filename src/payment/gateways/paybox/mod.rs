//! Paybox System: Verifone's, and Crédit Agricole's Up2pay e-Transactions.

use std::fmt;
use std::future::ready;
use std::time::SystemTime;

use zeroize::Zeroizing;

use self::fields::Fields;
pub use self::request::PayboxHash;
use super::super::currency::Currency;
use super::super::error::{ConfigError, StartError};
use super::super::gateway::{Gateway, Work};
use super::super::http::HttpSend;
use super::super::start::{Handoff, Start};
use super::super::state::Mode;
use super::super::url::{GatewayUrl, Origin};
use super::super::word::{Notice, Unbelieved, Witness, Word};
use crate::deadline::within;

mod errors;
mod fields;
mod notice;
mod request;

/// Whose platform it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PayboxBrand {
    /// `paybox.com`.
    Verifone,
    /// `e-transactions.fr`, of Crédit Agricole.
    Up2pay,
}

/// Paybox System by Verifone, and Up2pay: a form that is signed with HMAC, and notifications that are signed with
/// RSA.
///
/// - The page is at the first host of the brand, and at the backup where that says it is out of order
///   (`/load.html`), if [`Payments`](super::super::Payments) has a way into the network.
/// - What is signed is what is sent, in one order. A value that could be taken for a field more is refused.
/// - A notification is verified over its raw bytes, and everything that decides is read from those and from
///   nothing else: what stands behind the signature, or twice, is refused.
/// - Currency is not among what is signed: an account has [one](Self::currency), and orders in another do not begin.
/// - `XXXXXX`, the authorisation of the test platform, pays nothing in production. Since the platform's signature is
///   the same there, notifications of production go to an address that payers do not learn: put it, as
///   [`Payments::notify_routes`](super::super::Payments::notify_routes) says it, into the back office.
///
/// The key for notifications is Verifone's, of 1024 bits and with SHA-1, as theirs is: see
/// [*Taking payments*](super::super::taking_payments) for what that means. What a card was is never asked for.
///
/// ```
/// use donjon::payment::{Mode, Paybox, PayboxBrand};
///
/// // The public account of the test platform.
/// let paybox = Paybox::test_account()?;
///
/// let site = ("1999888", "32", "110647233");
/// let key = "0123456789ABCDEF".repeat(8);
/// let paybox = Paybox::new(PayboxBrand::Up2pay, Mode::Test, site, &key)?;
/// // A public key pays nothing in earnest.
/// assert!(Paybox::new(PayboxBrand::Up2pay, Mode::Production, site, &key).is_err());
/// # Ok::<_, donjon::payment::ConfigError>(())
/// ```
pub struct Paybox {
    mode: Mode,
    site: Box<str>,
    rank: Box<str>,
    identifier: Box<str>,
    key: Zeroizing<Vec<u8>>,
    hash: PayboxHash,
    currency: Currency,
    /// The first one, and its backup.
    origins: Vec<Origin>,
    notices_by_post: bool,
    is_hidden: bool,
    verifier: notice::Verifier,
}

impl Paybox {
    /// An account: its `PBX_SITE` (7 digits), `PBX_RANG` (2 or 3) and `PBX_IDENTIFIANT` (1 to 9), and its key in
    /// hexadecimal, as the back office shows it once. All of them are of one mode.
    pub fn new(
        brand: PayboxBrand,
        mode: Mode,
        (site, rank, identifier): (&str, &str, &str),
        key: &str,
    ) -> Result<Self, ConfigError> {
        let account = |what, mend| ConfigError::Account { gateway: ID, what, mend };
        let is_number = |text: &str, least, most| {
            (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(site, 7, 7) {
            return Err(account("PBX_SITE", "it has 7 digits"));
        }
        if !is_number(rank, 1, 3) {
            return Err(account("PBX_RANG", "it has up to 3 digits"));
        }
        if !is_number(identifier, 1, 9) {
            return Err(account("PBX_IDENTIFIANT", "it has 1 to 9 digits"));
        }
        let bytes = unhex(key).filter(|bytes| (16..=128).contains(&bytes.len()));
        let bytes =
            bytes.ok_or_else(|| account("the key", "it is 128 characters of hexadecimal"))?;
        if mode == Mode::Production {
            if site == TEST_SITE {
                return Err(ConfigError::Mode { gateway: ID, what: "PBX_SITE", mode });
            }
            if key.eq_ignore_ascii_case(&"0123456789ABCDEF".repeat(8)) {
                return Err(ConfigError::Mode { gateway: ID, what: "the key", mode });
            }
        }
        let hosts: &[&str] = match (brand, mode) {
            (PayboxBrand::Verifone, Mode::Production) => {
                &["tpeweb.paybox.com", "tpeweb1.paybox.com"]
            }
            (PayboxBrand::Verifone, Mode::Test) => &["preprod-tpeweb.paybox.com"],
            (PayboxBrand::Up2pay, Mode::Production) => {
                &["tpeweb.e-transactions.fr", "tpeweb1.e-transactions.fr"]
            }
            (PayboxBrand::Up2pay, Mode::Test) => {
                &["preprod-tpeweb.e-transactions.fr", "recette-tpeweb.e-transactions.fr"]
            }
        };
        let origins = hosts.iter().map(|host| format!("https://{host}").parse());
        Ok(Self {
            mode,
            site: site.into(),
            rank: rank.into(),
            identifier: identifier.into(),
            key: bytes,
            hash: PayboxHash::Sha512,
            currency: Currency::EUR,
            origins: origins.collect::<Result<_, _>>()?,
            notices_by_post: false,
            is_hidden: mode == Mode::Production,
            verifier: notice::Verifier::paybox()?,
        })
    }

    /// The account that everybody has on Verifone's test platform.
    pub fn test_account() -> Result<Self, ConfigError> {
        let key = "0123456789ABCDEF".repeat(8);
        Self::new(PayboxBrand::Verifone, Mode::Test, (TEST_SITE, "32", "110647233"), &key)
    }

    /// Signs with this hash: SHA-512 unless told otherwise.
    #[must_use]
    pub const fn hash(mut self, hash: PayboxHash) -> Self {
        self.hash = hash;
        self
    }

    /// The currency of the account: euros unless told otherwise.
    #[must_use]
    pub const fn currency(mut self, currency: Currency) -> Self {
        self.currency = currency;
        self
    }

    /// Has notifications sent by `POST` rather than by `GET`, so that they are in no server's log.
    #[must_use]
    pub const fn notify_by_post(mut self) -> Self {
        self.notices_by_post = true;
        self
    }

    /// Has notifications of the test platform come to an address that payers do not learn, as they do in production:
    /// the address that [`notify_routes`](super::super::Payments::notify_routes) says is put into Verifone's back
    /// office as the URL of the IPN, and is not sent along. It is made of the key.
    #[must_use]
    pub const fn hidden_notifications(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// Sends the address of notifications along in production too, where payers can read it.
    ///
    /// **The danger.** Verifone signs for every account and for the test platform with one key, and what it signs
    /// does not say for which. Whoever knows where your notifications go has an account of his own, or the public
    /// one, send you one of a payment that he has made to himself or to nobody. Only where you compare each payment
    /// with the bank's statement before you deliver, and the back office can take no URL, is this to be borne.
    #[must_use]
    pub const fn dangerously_show_notify_url(mut self) -> Self {
        self.is_hidden = false;
        self
    }

    /// At another host, whose notifications are signed by another key (PEM): a simulator. In production that is
    /// refused, and so is a host that is not this machine.
    pub fn simulator(mut self, origin: &str, public_key: &str) -> Result<Self, ConfigError> {
        let origin: Origin = origin.parse()?;
        if self.mode == Mode::Production {
            return Err(ConfigError::Mode { gateway: ID, what: "a simulator", mode: self.mode });
        }
        if !origin.is_this_machine() {
            let mend = "it is on this machine: https://localhost:3443";
            return Err(ConfigError::Account { gateway: ID, what: "the simulator", mend });
        }
        self.origins = vec![origin];
        self.verifier = notice::Verifier::of_pem(public_key)?;
        Ok(self)
    }

    /// The first host, or its backup where that is out of order.
    async fn host(&self, http: Option<&dyn HttpSend>) -> Option<&Origin> {
        let first = self.origins.first()?;
        let (Some(http), Some(backup)) = (http, self.origins.get(1)) else { return Some(first) };
        let request = http::Request::get(first.at("/load.html")).body(bytes::Bytes::new()).ok()?;
        let answer = within(PATIENCE, http.send(request)).await;
        let is_up = answer.is_some_and(|answer| {
            answer.is_ok_and(|answer| {
                answer.status() == http::StatusCode::OK
                    && answer.body().windows(b">OK<".len()).any(|window| window == b">OK<")
            })
        });
        // Where neither can be asked, the payer may still get there.
        Some(if is_up { first } else { backup })
    }

    fn fields(&self, start: &Start<'_>) -> Result<Fields, StartError> {
        request::fields(self, start)
    }
}

impl Gateway for Paybox {
    fn id(&self) -> &'static str {
        ID
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn origins(&self) -> &[Origin] {
        &self.origins
    }

    fn hidden_notify_segment(&self) -> Option<String> {
        self.is_hidden.then(|| fields::hidden(&self.key))
    }

    fn start<'a>(&'a self, start: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let fields = self.fields(&start)?;
            let host = self.host(start.http).await;
            let host = host.ok_or(StartError::Gateway("neither host is in order"))?;
            let action = GatewayUrl::at(&self.origins, &host.at(PAGE));
            let action = action.ok_or(StartError::Gateway("not one of its own hosts"))?;
            Ok(Handoff::post(action, fields.signed(self.hash, &self.key)))
        })
    }

    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        // There is nothing to wait for.
        let said = self.verifier.read(notice);
        let verified = said.and_then(|said| said.verified(&witness, self.currency));
        Box::pin(ready(verified.map(|verified| vec![Word::Says(verified)])))
    }
}

/// Keys are nothing for a log.
impl fmt::Debug for Paybox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paybox")
            .field("mode", &self.mode)
            .field("site", &self.site)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Option<Vec<u32>> = text.chars().map(|char| char.to_digit(16)).collect();
    let digits = Zeroizing::new(digits?);
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    });
    bytes.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

/// As `PBX_TIME` is written: `2026-05-12T10:30:00+00:00`.
fn iso_8601(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time.max(SystemTime::UNIX_EPOCH)).to_string();
    format!("{}+00:00", text.trim_end_matches('Z'))
}

/// As long as the official modules wait for the first host.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
const ID: &str = "paybox";
const TEST_SITE: &str = "1999888";
const PAGE: &str = "/cgi/MYchoix_pagepaiement.cgi";
