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

/// As [`measure`], for works that are to be compared: short samples, one of each after the other, so that most
/// are not interrupted, and a machine that slows down slows down all of them. With each work comes the median of
/// how it compares to the first in its turn.
pub(crate) fn compare<const N: usize>(
    turns: u32,
    mut works: [&mut dyn FnMut(); N],
) -> [(Alone, f64); N] {
    const ROUNDS: u32 = 10;
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..turns {
        for (work, samples) in works.iter_mut().zip(&mut samples) {
            let start = Instant::now();
            (0..ROUNDS).for_each(|_| work());
            samples.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
        }
    }
    std::array::from_fn(|at| {
        let ratios = samples[at].iter().zip(&samples[0]).map(|(its, first)| its / first);
        let ratio = median(ratios.collect());
        let ns = median(samples[at].clone());
        (Alone { ns, allocations: per_round(&mut *works[at]).calls }, ratio)
    })
}

const SAMPLES: usize = 31;
