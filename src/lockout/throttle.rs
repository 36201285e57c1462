//! So many requests in a time, for what is no login.

use std::fmt;
use std::hash::Hasher as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use http::StatusCode;
use siphasher::sip::SipHasher24;

use super::ConfigError;
use crate::adapters::adapt;
use crate::client::{AddrKey, Who};
use crate::clock::{Clock, SystemClock};
use crate::head::RequestHead;
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// Lets so many requests through in a time, for each address as a layer, and for each key by
/// [`check`](Self::check).
///
/// **The attack.** A form that sends an e-mail sends ten thousand to somebody who never asked. One that
/// registers fills the table of users, and one that asks for a new password tells, with enough
/// patience, who has an account.
///
/// - It counts **every** request, whatever comes of it. For logins take
///   [`LoginLockout`](super::LoginLockout): this one refills while somebody guesses, and knows no
///   failure.
/// - The first requests may come all at once; then one is let through each time its share of the period
///   is over ([GCRA], by the crate `governor`).
/// - What is over gets 429, with `Retry-After` in whole seconds, rounded up and at least one: whoever
///   waits so long is let through. `OPTIONS` is not counted.
/// - Memory is fixed: 131072 slots of 8 bytes, 1 MiB, unless told [otherwise](Self::slots). An address
///   or key belongs to a slot by a keyed hash. Two that share a slot share its rate, which grows likely
///   when as many are active as there are slots; nobody can choose with whom.
///
/// One for each address and one for each receiver, on a route that sends e-mails:
///
/// ```
/// use std::time::Duration;
///
/// use donjon::lockout::{Account, Throttle};
/// use donjon::refusal::Refusal;
///
/// let hour = Duration::from_secs(3600);
/// let by_address = Throttle::new(20, hour)?; // `.layer(by_address)` or `.wrap(by_address)`
/// let by_receiver = Throttle::new(3, hour)?;
///
/// let send = |receiver: &str| -> Result<(), Refusal> {
///     // However it is spelled.
///     by_receiver.check(Account::name(receiver)?.as_str().as_bytes())?;
///     Ok(()) // here it is sent
/// };
/// for _ in 0..3 {
///     assert!(send("ann@example.com").is_ok());
/// }
/// assert_eq!(send("ANN@example.com").unwrap_err().status(), 429);
/// assert!(send("bob@example.com").is_ok());
/// # Ok::<_, donjon::lockout::ConfigError>(())
/// ```
///
/// [GCRA]: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct Throttle(Arc<Inner>);

struct Inner {
    limiter: RateLimiter<u64, Slots, Elapsed, NoOpMiddleware<Duration>>,
    quota: Quota,
    secret: [u8; 16],
    slots: usize,
    clock: Arc<dyn Clock>,
}

/// A request too many.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many requests: try again in {retry_after:?}")]
#[non_exhaustive]
pub struct TooMany {
    /// When one is let through again.
    pub retry_after: Duration,
}

impl Throttle {
    /// So many requests in a period of a millisecond to 30 days.
    pub fn new(requests: u32, period: Duration) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Rate { requests, period };
        let burst = NonZeroU32::new(requests).ok_or_else(wrong)?;
        if !(MIN_PERIOD..=MAX_PERIOD).contains(&period) {
            return Err(wrong());
        }
        let each = Some(period / requests).filter(|each| !each.is_zero());
        let quota = each.and_then(Quota::with_period).ok_or_else(wrong)?.allow_burst(burst);
        Ok(Self::of(quota, DEFAULT_SLOTS, Arc::new(SystemClock::default())))
    }

    /// How many slots there are, at 8 bytes each, rounded up to a power of two: 1024 to 134217728. It
    /// begins anew.
    pub fn slots(self, slots: usize) -> Result<Self, ConfigError> {
        if !(MIN_SLOTS..=MAX_SLOTS).contains(&slots) {
            return Err(ConfigError::Capacity { slots });
        }
        Ok(Self::of(self.0.quota, slots.next_power_of_two(), Arc::clone(&self.0.clock)))
    }

    /// Takes the time from this clock. It begins anew.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self::of(self.0.quota, self.0.slots, clock)
    }

    /// Lets a request for this key through, or not: a receiver's address, a user's number.
    pub fn check(&self, key: &[u8]) -> Result<(), TooMany> {
        self.check_hashed(b'k', key)
    }

    fn check_hashed(&self, kind: u8, key: &[u8]) -> Result<(), TooMany> {
        let mut hasher = SipHasher24::new_with_key(&self.0.secret);
        hasher.write_u8(kind);
        hasher.write(key);
        self.0.limiter.check_key(&hasher.finish()).map_err(|not_until| TooMany {
            retry_after: not_until.wait_time_from(self.0.clock.elapsed()),
        })
    }

    fn of(quota: Quota, slots: usize, clock: Arc<dyn Clock>) -> Self {
        let cells = (0..slots).map(|_| InMemoryState::default()).collect();
        let limiter = RateLimiter::new(quota, Slots(cells), Elapsed(Arc::clone(&clock)));
        Self(Arc::new(Inner { limiter, quota, secret: rand::random(), slots, clock }))
    }
}

impl Middleware for Throttle {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        if request.method() == "OPTIONS" {
            return Ok(());
        }
        let (network, _) = AddrKey::from(Who::of(request).addr()?).parts();
        match network {
            std::net::IpAddr::V4(network) => self.check_hashed(b'4', &network.octets())?,
            std::net::IpAddr::V6(network) => self.check_hashed(b'6', &network.octets())?,
        }
        Ok(())
    }
}

adapt!(Throttle);

/// 429, with `Retry-After`.
impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests");
        refusal.retry_after(too_many.retry_after)
    }
}

/// A state for each slot, in place of a map that grows.
struct Slots(Box<[InMemoryState]>);

impl StateStore for Slots {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        #[expect(clippy::cast_possible_truncation, reason = "the lower bits are as good as any")]
        let slot = *key as usize & (self.0.len() - 1);
        self.0[slot].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

struct Elapsed(Arc<dyn Clock>);

impl GovernorClock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("quota", &self.0.quota).finish_non_exhaustive()
    }
}

const DEFAULT_SLOTS: usize = 1 << 17;
const MIN_SLOTS: usize = 1024;
const MAX_SLOTS: usize = 1 << 27;
const MIN_PERIOD: Duration = Duration::from_millis(1);
const MAX_PERIOD: Duration = Duration::from_secs(30 * 86_400);
