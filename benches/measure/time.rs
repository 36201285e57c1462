//! Nanoseconds, which are noise unless taken side by side.

use std::time::Instant;

use super::group::{Case, Group};

/// What one request takes, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) whole: f64,
    pub(crate) over_bare: f64,
}

/// For each case of a group, in order.
pub(crate) fn measure(group: &mut Group, rounds: usize) -> Vec<Time> {
    let cases = group.entries.len();
    let mut samples = vec![Vec::with_capacity(rounds); cases];
    for round in 0..rounds {
        // Nobody is always first.
        for turn in 0..cases {
            let index = (round + turn) % cases;
            samples[index].push(batch(&mut *group.entries[index].case));
        }
    }
    let bare = &samples[0];
    samples.iter().map(|samples| summary(samples, bare)).collect()
}

fn batch(case: &mut dyn Case) -> f64 {
    case.warm_up(WARM);
    case.prepare(BATCH);
    let start = Instant::now();
    (0..BATCH).for_each(|_| case.serve());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH_U8)
}

fn summary(samples: &[f64], bare: &[f64]) -> Time {
    let preempted_above = |samples: &[f64]| PREEMPTED * median(samples.to_vec());
    let (above, bare_above) = (preempted_above(samples), preempted_above(bare));
    let kept = samples.iter().zip(bare);
    let kept = kept.filter(|(sample, bare)| **sample <= above && **bare <= bare_above);
    Time {
        whole: median(samples.to_vec()),
        over_bare: median(kept.map(|(sample, bare)| sample - bare).collect()),
    }
}

/// The upper one of two.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Requests that bring the case into the cache.
const WARM: usize = 2;
const BATCH_U8: u8 = 6;
const BATCH: usize = BATCH_U8 as usize;
/// A batch that took so many times the median was interrupted.
const PREEMPTED: f64 = 8.0;
