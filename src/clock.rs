//! Time as an object, so that whatever depends on it can be tested without waiting.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use donjon::clock::{Clock, ManualClock};
//!
//! let clock = Arc::new(ManualClock::default());
//! let (elapsed, now) = (clock.elapsed(), clock.now());
//!
//! clock.advance(Duration::from_secs(60));
//!
//! assert_eq!(clock.elapsed() - elapsed, Duration::from_secs(60));
//! assert_eq!(clock.now().duration_since(now).unwrap(), Duration::from_secs(60));
//! ```

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// The time since some fixed moment. It never goes backwards: for intervals and rates.
    fn elapsed(&self) -> Duration;

    /// The time of day, which may jump: for what people read.
    fn now(&self) -> SystemTime;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that moves only when told: for your tests, as for ours.
#[derive(Debug, Default)]
pub struct ManualClock {
    nanos: AtomicU64,
}

impl ManualClock {
    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let later = |nanos: u64| Some(nanos.saturating_add(by));
        // The closure never gives `None`, so this always succeeds.
        let _ = self.nanos.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
    }
}

impl Clock for ManualClock {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }
}
