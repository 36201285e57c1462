//! Medians, and whether two lists are of one kind.

pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The two-sided p of the Mann-Whitney test: how likely two lists of one kind differ as much. Below 0.01
/// somebody with so many samples could tell them apart.
#[expect(clippy::cast_precision_loss, reason = "there are a few hundred samples")]
pub(crate) fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let less = |a: f64| other.iter().filter(|b| **b < a).count() as f64;
    let equal = |a: f64| other.iter().filter(|b| b.total_cmp(&a).is_eq()).count() as f64;
    let u: f64 = one.iter().map(|a| less(*a) + equal(*a) / 2.0).sum();
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    2.0 * upper_tail(z.abs())
}

/// Of the normal distribution: Abramowitz and Stegun, 26.2.17, good to seven digits.
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / 0.231_641_9f64.mul_add(z, 1.0);
    let terms = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum
}
