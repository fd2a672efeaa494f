//! Ordering candidates by their score: the weighted sum of every feature, and what is taken off it. Computing only.

use super::answer::{Adjustment, Contribution};
use super::circle::Dial;
use super::explain::round;
use super::features::Comparison;
use super::steering::Epoch;
use super::view::View;
use super::weights::{Feature, Values, Weights, contribution, to_a_millionth};
use crate::index::Slot;

/// A candidate with its features and score.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub(super) slot: Slot,
    /// Match plus adjustments, to a millionth.
    pub(super) score: f64,
    pub(super) values: Values,
}

impl Ranked {
    /// Every contribution other than zero, strongest first; they sum to the match.
    pub(super) fn contributions(&self, weights: &Weights) -> Vec<Contribution> {
        let mut contributions: Vec<Contribution> = Feature::ALL
            .iter()
            .zip(self.values)
            .map(|(feature, value)| Contribution {
                feature: *feature,
                value: round(value, 6),
                weight: round(weights.of(*feature), 6),
                contribution: contribution(value, weights.of(*feature)),
            })
            .filter(|contribution| contribution.contribution > 0.0)
            .collect();
        contributions.sort_by(|left, right| right.contribution.total_cmp(&left.contribution));
        contributions
    }
}

/// The match that contributions sum to, to a millionth.
pub(super) fn sum(contributions: &[Contribution]) -> f64 {
    // From 0.0, since the sum of no numbers is -0.0.
    to_a_millionth(contributions.iter().fold(0.0, |sum, contribution| sum + contribution.contribution))
}

/// A match with its adjustments, to a millionth.
pub(super) fn score(match_: f64, adjustments: &[Adjustment]) -> f64 {
    to_a_millionth(adjustments.iter().fold(match_, |score, adjustment| score + adjustment.amount))
}

/// All candidates, best first.
pub(super) fn rank(
    comparison: &Comparison<'_>,
    weights: &Weights,
    dial: Dial,
    epoch: &Epoch,
    candidates: &[Slot],
    seed: u64,
) -> Vec<Ranked> {
    let ranked = candidates.iter().zip(comparison.values(candidates)).map(|(&slot, values)| {
        let score = epoch.adjust(dial.score(&values, weights), || comparison.view.id(slot));
        Ranked { slot, score, values }
    });
    let mut ranked: Vec<Ranked> = ranked.collect();
    order(&mut ranked, comparison.view, seed);
    ranked
}

/// Best first. Equal scores are ordered by a hash of query and member, so that nobody is always last.
pub(super) fn order(ranked: &mut Vec<Ranked>, view: &View, seed: u64) {
    let tie = |at: u32| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(view.id(ranked[at as usize].slot).as_bytes());
        *hasher.finalize().as_bytes()
    };
    // Candidates with all their values are large: each is moved once.
    let mut places: Vec<(f64, u32)> = ranked.iter().map(|ranked| ranked.score).zip(0..).collect();
    places.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then_with(|| tie(left.1).cmp(&tie(right.1))));
    *ranked = places.into_iter().map(|(_, at)| ranked[at as usize].clone()).collect();
}
