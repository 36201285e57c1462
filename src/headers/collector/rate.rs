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
        if rate.interval.is_zero() {
            return Ok(());
        }
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let now = nanos(now);
        let others = u64::from(rate.burst.saturating_sub(1));
        // The numbers below end after 584 years. An interval so long that a burst of them would not
        // fit is cut, and the burst stays what it is.
        let interval = nanos(rate.interval).min(u64::MAX / 4 / (others + 1));
        let tolerance = interval * others;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_no_more_whatever_the_interval() {
        for (interval, burst) in [
            (Duration::from_nanos(1), 3),
            (Duration::from_secs(1), 1),
            (Duration::from_secs(365 * 24 * 3600), 1000),
            (Duration::MAX, 5),
            (Duration::MAX, 100_000),
        ] {
            let meter = Meter::default();
            let rate = Rate { interval, burst };
            let now = Duration::from_secs(1);
            let taken = (0..200_000).filter(|_| meter.take(rate, now).is_ok()).count();
            assert_eq!(taken, burst as usize, "{interval:?}");
        }
    }

    #[test]
    fn no_interval_is_no_limit() {
        let meter = Meter::default();
        let rate = Rate { interval: Duration::ZERO, burst: 1 };
        for now in [5, 0, 3] {
            assert_eq!(meter.take(rate, Duration::from_secs(now)), Ok(()));
        }
    }
}
