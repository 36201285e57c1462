//! Work that is no request, such as a decision.

use std::time::Instant;

use super::allocations::per_round;
use super::time::median;

/// What one round takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    /// The median over samples.
    pub(crate) ns: f64,
    pub(crate) allocations: f64,
}

/// Each sample is of so many rounds, which are to be long beside reading the clock.
pub(crate) fn measure(rounds: u32, mut work: impl FnMut()) -> Alone {
    let mut sample = || {
        let start = Instant::now();
        (0..rounds).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
    };
    let ns = median((0..SAMPLES).map(|_| sample()).collect());
    Alone { ns, allocations: per_round(work).calls }
}

const SAMPLES: usize = 31;
