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
/// - The cookie is sealed. It knows up to four accounts, each with a number that no other browser has and
///   that is another one after every login. One that is stolen has guesses of its own, and no more than the
///   policy's; all cookies of an account together have no more than
///   [`devices`](super::LockoutPolicy::devices) says.
/// - One that is forged, expired, of another account or there twice is none.
/// - It is `HttpOnly`, `Secure`, `SameSite=Lax`, and lives for 180 days.
#[derive(Clone, Debug)]
pub struct DeviceCookies {
    spec: CookieSpec<Vec<u8>, Unprefixed>,
}

/// A browser that has logged in to some account before.
#[derive(Clone, Eq, PartialEq)]
pub struct Device {
    /// The one that has logged in last is the first.
    known: Vec<Known>,
}

/// An account that the browser has logged in to.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Known {
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

    /// A cookie for a browser that has logged in to this account, and to others before.
    pub(super) fn issue(
        &self,
        account: &Account,
        before: Option<&Device>,
    ) -> Option<OutgoingCookie> {
        let account = digest(account);
        let before = before.map_or(&[][..], |device| &device.known);
        let others = before.iter().filter(|known| known.account != account);
        let known = Known { account, id: rand::random() };
        let all = std::iter::once(&known).chain(others).take(MOST);
        let bytes: Vec<u8> =
            all.flat_map(|known| [&known.account[..], &known.id].concat()).collect();
        let cookie = self.spec.set(&bytes);
        if cookie.is_err() {
            trace::warn!("the cookie of a device cannot be made");
        }
        cookie.ok()
    }
}

impl Device {
    /// The number by which it is known there, if it has logged in to this account.
    pub(super) fn id_for(&self, account: &Account) -> Option<&[u8]> {
        let account = digest(account);
        let known = self.known.iter().find(|known| known.account == account)?;
        Some(&known.id)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (all, rest) = bytes.as_chunks::<{ 32 + ID_LEN }>();
        let known = all.iter().map(|bytes| {
            let (account, id) = bytes.split_first_chunk()?;
            Some(Known { account: *account, id: id.try_into().ok()? })
        });
        let known = known.collect::<Option<Vec<_>>>()?;
        (rest.is_empty() && (1..=MOST).contains(&known.len())).then_some(Self { known })
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
const MOST: usize = 4;
const LIFETIME: Duration = Duration::from_secs(180 * 86_400);
