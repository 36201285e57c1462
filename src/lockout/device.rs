//! Browsers that have logged in before.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::ConfigError;
use super::account::Account;
use crate::clock::Clock;
use crate::cookies::prefix::{NamePrefix, Unprefixed};
use crate::cookies::{CookieSpec, OutgoingCookie, Sealer};
use crate::event::{self, Detail, EventName, SecurityEvent};
use crate::head::RequestHead;
use crate::keys::KeyRing;
use crate::trace;

/// The cookie by which a browser is known that has logged in before.
///
/// **The attack.** Where an account is locked after ten failures, ten failures are all it takes to lock
/// its owner out: on the evening of an auction, or for good.
///
/// **The rule.** OWASP, *Slow Down Online Guessing Attacks with Device Cookies*: failures of strangers
/// and failures of known browsers are counted apart. A browser that has logged in has its own guesses,
/// whatever strangers do.
///
/// - The cookie is sealed, bound to one account and to a number that no other browser has, and renewed
///   with every login. One that is stolen has guesses of its own, and no more than the policy's.
/// - One that is forged, expired, of another account or there twice is none.
/// - It is `HttpOnly`, `Secure`, `SameSite=Lax`, and lives for 180 days.
#[derive(Clone, Debug)]
pub struct DeviceCookies {
    spec: CookieSpec<Vec<u8>, Unprefixed>,
}

/// A browser that has logged in to some account before.
#[derive(Clone, Eq, PartialEq)]
pub struct Device {
    account: [u8; 32],
    id: [u8; ID_LEN],
}

impl DeviceCookies {
    /// Cookies of this application, called `__Host-Http-device`.
    pub fn new(ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        let spec = CookieSpec::<Vec<u8>>::new("__Host-Http-device")?;
        Self::of(&spec, ring, app)
    }

    /// Cookies that are declared so; how they are sealed and how long they live is not asked of the
    /// declaration. It is for servers that are reached by http, in development, where browsers keep no
    /// cookie with that prefix.
    pub fn of<P: NamePrefix>(
        spec: &CookieSpec<Vec<u8>, P>,
        ring: &KeyRing,
        app: &str,
    ) -> Result<Self, ConfigError> {
        let sealer = Sealer::encrypted(ring, app, "device")?;
        let spec = spec.any_prefix().lifetime(LIFETIME)?.sealed(sealer, LIFETIME)?;
        Ok(Self { spec })
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { spec: self.spec.clock(clock) }
    }

    /// The name of the cookie: have it guarded and hardened.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.spec.name()
    }

    /// The browser that sends this request, if it has logged in before.
    pub fn read<R: RequestHead>(&self, request: &R) -> Option<Device> {
        match self.spec.read(request) {
            Ok(found) => Device::from_bytes(&found?.value),
            Err(error) => {
                let (name, reason) = (self.name(), error.as_str());
                let draft = SecurityEvent::draft(EventName::CookieRefused);
                event::report(request, draft.detail(Detail::Cookie { name, reason }));
                None
            }
        }
    }

    /// A cookie for a browser that has logged in to this account.
    pub(super) fn issue(&self, account: &Account) -> Option<OutgoingCookie> {
        let device = Device { account: digest(account), id: rand::random() };
        let cookie = self.spec.set(&[&device.account[..], &device.id].concat());
        if cookie.is_err() {
            trace::warn!("the cookie of a device cannot be made");
        }
        cookie.ok()
    }
}

impl Device {
    pub(super) fn is_of(&self, account: &Account) -> bool {
        self.account == digest(account)
    }

    pub(super) const fn id(&self) -> &[u8] {
        &self.id
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (account, id) = bytes.split_first_chunk::<32>()?;
        Some(Self { account: *account, id: id.try_into().ok()? })
    }
}

/// Its number is as good as a cookie's.
impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").finish_non_exhaustive()
    }
}

/// It is only ever read and written under a seal.
fn digest(account: &Account) -> [u8; 32] {
    let kind = [account.kind as u8];
    Sha256::new().chain_update(kind).chain_update(account.as_str()).finalize().into()
}

const ID_LEN: usize = 16;
const LIFETIME: Duration = Duration::from_secs(180 * 86_400);
