//! How far a mean or a difference of means may be chance. Seeds are fixed: the same values give the same figures.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Resamplings of each figure.
const ROUNDS: usize = 10_000;

const SEED: u64 = 42;

/// A mean and its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Of the values that were there.
    pub mean: f64,
    /// The 2.5th percentile of the means of resamples.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The mean of the values, one for each query, with a 95 % percentile bootstrap interval: the queries are drawn anew,
/// with replacement, 10,000 times (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13).
/// Zeros where there are no values.
///
/// For the differences of two runs on the same queries this is the paired interval.
pub fn bootstrap_mean(values: &[f64]) -> Estimate {
    if values.is_empty() {
        return Estimate::default();
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let count = values.len();
    let resample = |_| (0..count).map(|_| values[below(&mut random, count)]).sum::<f64>() / count as f64;
    let mut means: Vec<f64> = (0..ROUNDS).map(resample).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((ROUNDS - 1) as f64 * share).round() as usize];
    Estimate { mean: mean(values), low: at(0.025), high: at(0.975) }
}

/// The chance of a mean difference at least as far from zero as this one, on either side, if it were chance which run
/// each value came from: the signs of the differences are drawn anew 10,000 times (the paired randomisation test;
/// Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
/// evaluation", 2007). The drawing that came true counts as one of them, so that p is never 0.
pub fn randomisation_test(differences: &[f64]) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    // Queries without a difference change no sum.
    let differences: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    // Sums of the same numbers in another order of signs may differ in the last bits.
    let observed = differences.iter().sum::<f64>().abs() - 1e-9;
    let extreme = |_: &usize| {
        let mut signs = 0;
        let drawn = differences.iter().enumerate().map(|(at, difference)| {
            if at % 64 == 0 {
                signs = random.next_u64();
            }
            let negative = signs >> (at % 64) & 1 == 1;
            if negative { -difference } else { *difference }
        });
        drawn.sum::<f64>().abs() >= observed
    };
    (1 + (0..ROUNDS).filter(extreme).count()) as f64 / (1 + ROUNDS) as f64
}

/// Holm's correction for many comparisons: each p, in the order given, such that all that stay below a level are below
/// it together (Holm, "A simple sequentially rejective multiple test procedure", 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|left, right| p[*left].total_cmp(&p[*right]));
    let mut corrected = vec![0.0; p.len()];
    let mut least: f64 = 0.0;
    for (at, place) in order.into_iter().enumerate() {
        least = least.max(p[place] * (p.len() - at) as f64).min(1.0);
        corrected[place] = least;
    }
    corrected
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A number below `bound`, by our own arithmetic: the distributions of the rand crate may change between versions. The
/// bias is below 2^-40 for any number of queries that anybody judges.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(random.next_u64()) * bound as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_about_twice_the_standard_error_to_either_side() {
        // 0 and 1 in turn: the standard error of the mean of 400 is 0.025.
        let values: Vec<f64> = (0..400).map(|at| f64::from(at % 2)).collect();
        let Estimate { mean, low, high } = bootstrap_mean(&values);
        assert_eq!(mean, 0.5);
        assert!((low - 0.451).abs() < 0.004 && (high - 0.549).abs() < 0.004, "{low} to {high}");
        assert_eq!(bootstrap_mean(&[]), Estimate::default());
        assert_eq!(bootstrap_mean(&[0.3]), Estimate { mean: 0.3, low: 0.3, high: 0.3 });
    }

    #[test]
    fn p_is_the_share_of_signs_that_give_as_much() {
        // Of the 16 ways to draw four signs two give the full sum to either side.
        let p = randomisation_test(&[1.0, 1.0, 0.0, 1.0, 1.0]);
        assert!((p - 0.125).abs() < 0.01, "{p}");
        assert_eq!(randomisation_test(&[0.0, 0.0]), 1.0);
        assert_eq!(randomisation_test(&[0.5, -0.5]), 1.0);
        assert!(randomisation_test(&[0.1; 40]) < 0.001);
    }

    #[test]
    fn holm_multiplies_by_the_number_left_and_never_falls() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{corrected:?}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
