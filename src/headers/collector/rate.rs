//! So many requests in a time, and some more at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One request per interval, and as many at once as the burst says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) interval: Duration,
    /// At least one.
    pub(super) burst: u32,
}

/// The generic cell rate algorithm: one number, one compare-and-swap.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When the next request would be on time, if requests came evenly: nanoseconds of the clock.
    due: AtomicU64,
}

impl Meter {
    /// Takes a turn; the error is how long until there is one. Who is refused waits no longer for
    /// having asked.
    pub(super) fn take(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let now = nanos(now);
        let interval = nanos(rate.interval);
        let tolerance = interval.saturating_mul(u64::from(rate.burst.saturating_sub(1)));
        let next = |due: u64| {
            let early = due.saturating_sub(now);
            (early <= tolerance).then(|| due.max(now).saturating_add(interval))
        };
        match self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(due) => {
                Err(Duration::from_nanos(due.saturating_sub(now).saturating_sub(tolerance)))
            }
        }
    }
}
