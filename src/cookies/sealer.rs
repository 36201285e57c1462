//! Bytes made into text that only this server can make.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::opened::{Opened, SealContext};
use super::subkeys::{self, HEADER_LEN, Kind, NONCE_LEN, Parts, Standing, Subkeys};
use super::{ConfigError, OpenError, OpenReason, SealError};
use crate::keys::{KeyId, KeyRing};

/// Seals values and opens them, for one application and one purpose.
///
/// A sealer is cheap to clone, and follows its [`KeyRing`]: keys of its own are derived from each key
/// for the kind, the application and the purpose, by HKDF-SHA-256 and once for each set of keys. So
/// what one sealer has made is nothing to another, nor is a signed value to one that encrypts.
///
/// # Format
///
/// A value is text in base64url (RFC 4648, section 5) without padding. There is one text for one
/// value: with a bit set that stands for nothing it is refused. The bytes, numbers big endian:
///
/// | bytes | signed | encrypted |
/// | --- | --- | --- |
/// | 1 | `0x11`: version 1, signed | `0x12`: version 1, encrypted |
/// | 4 | the key's id | the key's id |
/// | 8 | expiry, in seconds since 1970 | expiry, in seconds since 1970 |
/// | | | 12 bytes of nonce |
/// | any | the payload, in the clear | the payload, encrypted |
/// | | 32 bytes of tag: HMAC-SHA-256 | 16 bytes of tag: AES-256-GCM-SIV (RFC 8452) |
///
/// The tag is over `donjon seal 1`, then the application, the purpose, the cookie's name and the
/// audience, each after its length in 8 bytes, then the first 13 bytes, and the payload.
///
/// # Time
///
/// A value is good before its expiry, and no more from that second on. There is no leeway for clocks
/// that differ; what is to outlive such a difference has to expire later. An expiry between two
/// seconds is that of the earlier.
///
/// # What it costs an attacker to know
///
/// A payload's length can be told from the text in both kinds. Two equal payloads that are encrypted
/// look different, unless the source of nonces fails, in which case they look equal and nothing else
/// is given away. Two equal payloads that are signed, with one expiry, are the same text.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use donjon::cookies::{SealContext, Sealer};
/// use donjon::keys::{Key, KeyRing};
///
/// let ring = KeyRing::new(Key::from_base64("XmNyZFw7mPQAmFBJj3zGnEQDnyTzmxTQNTUoGiZVjOM=")?)?;
/// let sealer = Sealer::signed(&ring, "shop", "session")?;
/// let session = SealContext::new("__Host-session");
///
/// let now = SystemTime::now();
/// let in_an_hour = now + Duration::from_secs(3600);
/// let value = sealer.seal(&session, b"ann", in_an_hour, now)?;
///
/// let opened = sealer.open(&session, &value, now)?;
/// assert_eq!(*opened.payload, b"ann");
/// assert!(!opened.needs_reseal);
///
/// // In another cookie it is nothing, and an hour later neither.
/// assert!(sealer.open(&SealContext::new("role"), &value, now).is_err());
/// assert!(sealer.open(&session, &value, in_an_hour).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sealer {
    ring: KeyRing,
    kind: Kind,
    /// The application and the purpose, each with its length.
    bound: Arc<[u8]>,
    max_lifetime: Duration,
    subkeys: Arc<ArcSwap<Subkeys>>,
}

impl Sealer {
    /// For values that the client may read and nobody may change.
    pub fn signed(ring: &KeyRing, app: &str, purpose: &str) -> Result<Self, ConfigError> {
        Self::new(ring, Kind::Signed, app, purpose)
    }

    /// For values that nobody may read or change.
    pub fn encrypted(ring: &KeyRing, app: &str, purpose: &str) -> Result<Self, ConfigError> {
        Self::new(ring, Kind::Encrypted, app, purpose)
    }

    /// How long a value may live at most: 400 days, which is as long as browsers keep a cookie,
    /// unless you say otherwise.
    #[must_use]
    pub const fn max_lifetime(mut self, max: Duration) -> Self {
        self.max_lifetime = max;
        self
    }

    pub(super) const fn longest(&self) -> Duration {
        self.max_lifetime
    }

    /// Makes a value of these bytes, good before `expires_at`.
    pub fn seal(
        &self,
        context: &SealContext<'_>,
        payload: &[u8],
        expires_at: SystemTime,
        now: SystemTime,
    ) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        if self.kind == Kind::Encrypted {
            rand::rng().fill_bytes(&mut nonce);
        }
        self.seal_with(nonce, context, payload, expires_at, now)
    }

    /// Opens a value. For the one allocation that the payload needs, see
    /// [`open_into`](Self::open_into).
    pub fn open(
        &self,
        context: &SealContext<'_>,
        value: impl AsRef<[u8]>,
        now: SystemTime,
    ) -> Result<Opened<Zeroizing<Vec<u8>>>, OpenError> {
        let mut payload = Zeroizing::new(Vec::new());
        let found = self.find(context, value.as_ref(), now, &mut payload)?;
        let len = found.payload.len();
        payload.copy_within(found.payload, 0);
        payload[len..].zeroize();
        payload.truncate(len);
        Ok(Opened { payload, expires_at: found.expires_at, needs_reseal: found.needs_reseal })
    }

    /// Opens a value into this buffer, and allocates nothing if the buffer is as large as the value.
    /// Whatever was in the buffer is gone; after an error it is empty, and wiped.
    ///
    /// The payload of an encrypted value stays in the buffer: wipe it, or take a
    /// [`Zeroizing`] buffer.
    ///
    /// ```
    /// # use std::time::{Duration, SystemTime};
    /// # use donjon::cookies::{SealContext, Sealer};
    /// # use donjon::keys::{Key, KeyRing};
    /// # let (ring, now) = (KeyRing::new(Key::random())?, SystemTime::now());
    /// # let sealer = Sealer::signed(&ring, "shop", "session")?;
    /// # let context = SealContext::new("sid");
    /// # let value = sealer.seal(&context, b"ann", now + Duration::from_secs(60), now)?;
    /// let mut buffer = Vec::with_capacity(value.len());
    /// let opened = sealer.open_into(&context, &value, now, &mut buffer)?;
    /// assert_eq!(opened.payload, b"ann");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_into<'b>(
        &self,
        context: &SealContext<'_>,
        value: impl AsRef<[u8]>,
        now: SystemTime,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Opened<&'b [u8]>, OpenError> {
        let Found { payload, expires_at, needs_reseal } =
            self.find(context, value.as_ref(), now, buffer)?;
        Ok(Opened { payload: &buffer[payload], expires_at, needs_reseal })
    }

    /// Seals what is no cookie: of any length, and as bytes.
    #[cfg(feature = "lockout")]
    pub(crate) fn seal_bytes(
        &self,
        context: &SealContext<'_>,
        payload: &[u8],
        expires_at: SystemTime,
    ) -> Option<Vec<u8>> {
        let nonce = rand::random();
        let bytes = self.sealed(nonce, context, payload, seconds(expires_at))?;
        Some(bytes.to_vec())
    }

    /// Opens what [`seal_bytes`](Self::seal_bytes) has sealed.
    #[cfg(feature = "lockout")]
    pub(crate) fn open_bytes(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
        now: SystemTime,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let found = self.open_in(context, &mut buffer, now).map_err(OpenError::new)?;
        Ok(Zeroizing::new(buffer[found.payload].to_vec()))
    }

    fn new(ring: &KeyRing, kind: Kind, app: &str, purpose: &str) -> Result<Self, ConfigError> {
        for (name, what) in [(app, "application"), (purpose, "purpose")] {
            if name.is_empty() {
                return Err(ConfigError::NoName { what });
            }
        }
        let [app, purpose] = [app.as_bytes(), purpose.as_bytes()];
        let bound: Arc<[u8]> =
            [&subkeys::len(app), app, &subkeys::len(purpose), purpose].concat().into();
        let subkeys = Subkeys::derive(&ring.load(), kind, &bound);
        Ok(Self {
            ring: ring.clone(),
            kind,
            bound,
            max_lifetime: MAX_LIFETIME,
            subkeys: Arc::new(ArcSwap::from_pointee(subkeys)),
        })
    }

    /// The keys derived from what is in the ring now.
    fn subkeys(&self) -> Guard<Arc<Subkeys>> {
        let ring = self.ring.load();
        let subkeys = self.subkeys.load();
        if subkeys.generation == ring.generation() {
            return subkeys;
        }
        // Of several that come here at once each does the work. One that is late may store what is
        // no longer current, and the next to come does it again.
        let derived = Arc::new(Subkeys::derive(&ring, self.kind, &self.bound));
        self.subkeys.store(Arc::clone(&derived));
        Guard::from_inner(derived)
    }

    pub(super) fn seal_with(
        &self,
        nonce: [u8; NONCE_LEN],
        context: &SealContext<'_>,
        payload: &[u8],
        expires_at: SystemTime,
        now: SystemTime,
    ) -> Result<String, SealError> {
        let expiry = seconds(expires_at);
        if expiry <= seconds(now) {
            return Err(SealError::Past);
        }
        let lifetime = expires_at.duration_since(now).unwrap_or_default();
        if lifetime > self.max_lifetime {
            return Err(SealError::TooFar { lifetime, limit: self.max_lifetime });
        }

        let too_large =
            |len| SealError::TooLarge { name: context.name.to_owned(), len, limit: MAX_COOKIE };
        let size = payload.len().saturating_add(self.overhead());
        let len = size.saturating_mul(4).div_ceil(3).saturating_add(context.name.len());
        if len > MAX_COOKIE {
            return Err(too_large(len));
        }
        let bytes = self.sealed(nonce, context, payload, expiry).ok_or_else(|| too_large(len))?;
        Ok(URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// The bytes of a value; `None` if there are 64 GB of them.
    fn sealed(
        &self,
        nonce: [u8; NONCE_LEN],
        context: &SealContext<'_>,
        payload: &[u8],
        expiry: u64,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let subkeys = self.subkeys();
        let (id, cipher) = subkeys.active();
        let mut header = [self.kind.first_byte(); HEADER_LEN];
        header[1..5].copy_from_slice(&u32::from(id).to_be_bytes());
        header[5..].copy_from_slice(&expiry.to_be_bytes());

        let size = payload.len().saturating_add(self.overhead());
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&nonce[..self.kind.nonce_len()]);
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        let tag = cipher.seal(&self.parts(context, header), nonce, &mut bytes[start..])?;
        bytes.extend_from_slice(tag.as_ref());
        Some(bytes)
    }

    const fn overhead(&self) -> usize {
        HEADER_LEN + self.kind.nonce_len() + self.kind.tag_len()
    }

    /// Opens a value into the buffer, which is wiped if that fails.
    fn find(
        &self,
        context: &SealContext<'_>,
        value: &[u8],
        now: SystemTime,
        buffer: &mut Vec<u8>,
    ) -> Result<Found, OpenError> {
        self.try_find(context, value, now, buffer).map_err(|reason| {
            buffer.zeroize();
            OpenError::new(reason)
        })
    }

    fn try_find(
        &self,
        context: &SealContext<'_>,
        value: &[u8],
        now: SystemTime,
        buffer: &mut Vec<u8>,
    ) -> Result<Found, OpenReason> {
        if value.len().saturating_add(context.name.len()) > MAX_COOKIE {
            return Err(OpenReason::Malformed);
        }
        decode(value, buffer)?;
        self.open_in(context, buffer, now)
    }

    /// Opens the bytes of a value where they are.
    fn open_in(
        &self,
        context: &SealContext<'_>,
        buffer: &mut [u8],
        now: SystemTime,
    ) -> Result<Found, OpenReason> {
        let header = *buffer.first_chunk::<HEADER_LEN>().ok_or(OpenReason::Malformed)?;
        let [first, i, d, e, n, expiry @ ..] = header;
        let nonce_and_payload = buffer
            .len()
            .checked_sub(HEADER_LEN + self.kind.tag_len())
            .ok_or(OpenReason::Malformed)?;
        if first != self.kind.first_byte() || nonce_and_payload < self.kind.nonce_len() {
            return Err(OpenReason::Malformed);
        }
        let expiry = u64::from_be_bytes(expiry);
        let expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(expiry));
        let payload = HEADER_LEN + self.kind.nonce_len()..HEADER_LEN + nonce_and_payload;
        let (front, tag) = buffer.split_at_mut(payload.end);
        let (front, body) = front.split_at_mut(payload.start);

        let subkeys = self.subkeys();
        let id = KeyId::from(u32::from_be_bytes([i, d, e, n]));
        let (standing, cipher) = subkeys.find(id, now);
        let genuine = cipher.open(&self.parts(context, header), &front[HEADER_LEN..], body, tag);
        match (standing, genuine, expires_at) {
            (Standing::Unknown, ..) => Err(OpenReason::UnknownKey),
            (Standing::Retired, ..) => Err(OpenReason::RetiredKey),
            (_, false, _) | (_, _, None) => Err(OpenReason::Tampered),
            (_, true, Some(expires_at)) if now >= expires_at => Err(OpenReason::Expired),
            (_, true, Some(expires_at)) => {
                Ok(Found { payload, expires_at, needs_reseal: standing != Standing::Active })
            }
        }
    }

    fn parts<'a>(&'a self, context: &SealContext<'a>, header: [u8; HEADER_LEN]) -> Parts<'a> {
        let SealContext { name, audience } = *context;
        Parts { bound: &self.bound, name: name.as_bytes(), audience, header }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("kind", &self.kind)
            .field("max_lifetime", &self.max_lifetime)
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}

/// What was found, and where in the buffer.
struct Found {
    payload: Range<usize>,
    expires_at: SystemTime,
    needs_reseal: bool,
}

fn decode(value: &[u8], buffer: &mut Vec<u8>) -> Result<(), OpenReason> {
    let size = base64::decoded_len_estimate(value.len());
    if buffer.capacity() < size {
        // What grows leaves a copy behind.
        buffer.zeroize();
    }
    buffer.clear();
    buffer.resize(size, 0);
    let len = URL_SAFE_NO_PAD.decode_slice(value, buffer).map_err(|_| OpenReason::Malformed)?;
    buffer.truncate(len);
    Ok(())
}

/// Whole seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Of name and value together: draft-ietf-httpbis-layered-cookies.
const MAX_COOKIE: usize = 4096;
const MAX_LIFETIME: Duration = Duration::from_secs(400 * 86_400);
