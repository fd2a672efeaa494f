//! What a match is worth as a chance: of mentors shown with such a match, how many were good ones.
//!
//! Isotonic regression by pool-adjacent-violators (Barlow et al., 1972; Zadrozny and Elkan, "Transforming classifier scores
//! into accurate multiclass probability estimates", 2002): the chance never falls as the match grows, and nothing else is
//! assumed. It is of the match alone: adjustments steer a programme and say nothing of two people's fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judgements::{JudgedQuery, Judgements};
use crate::search::SearchRequest;

/// A mentor that was shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The match.
    pub match_: f64,
    /// Whether judged good.
    pub good: bool,
}

/// A chance for each match: steps, the lowest match first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Ascending in match and in chance.
    pub steps: Vec<Step>,
    /// The mean squared error of the chances (Brier, 1950), of mentors that were held out.
    pub brier: f64,
    /// The same if everyone were given the mean chance.
    pub brier_of_mean: f64,
    /// The match from which on the chance is at least half of what it is on average: below it, it is more honest to say
    /// that there is no good mentor. None where even the least match reaches that.
    pub threshold: Option<f64>,
}

/// From this match on the chance is so much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The least match of the step.
    pub from: f64,
    /// The chance, in [0, 1].
    pub chance: f64,
    /// How many were shown in it.
    pub shown: usize,
}

/// Folds of the held-out error.
const FOLDS: usize = 5;

/// A step of fewer would say more than they know.
const FEWEST: usize = 20;

/// Learns the chances from who was shown for each query, in their order, and with what match. Good is who has a grade of
/// 1 or more; who has none counts as not good, as in the metrics, so that few judgements make for low chances. Queries
/// without judgements say nothing.
pub(super) fn calibrate_shown(judgements: &Judgements, shown: &[Vec<(String, f64)>]) -> Calibration {
    let judged = judged(judgements, shown).map(|(_, shown)| shown);
    calibrate(&judged.collect::<Vec<Vec<Shown>>>())
}

/// The same for each kind of seeker by itself, by the names of `[programme.good_match]`: a member has more to have in common with a
/// mentor than a text, so that their matches say different things.
pub(super) fn calibrate_by_seeker(
    judgements: &Judgements,
    shown: &[Vec<(String, f64)>],
) -> BTreeMap<&'static str, Calibration> {
    let mut by_seeker: BTreeMap<&'static str, Vec<Vec<Shown>>> = BTreeMap::new();
    for (query, shown) in judged(judgements, shown) {
        let SearchRequest { text, member, .. } = &query.request;
        let seeker = if member.is_some() {
            "member"
        } else if text.is_some() {
            "text"
        } else {
            "profile"
        };
        by_seeker.entry(seeker).or_default().push(shown);
    }
    by_seeker.into_iter().map(|(seeker, shown)| (seeker, calibrate(&shown))).collect()
}

/// Who was shown for each query that has judgements.
fn judged<'a>(
    judgements: &'a Judgements,
    shown: &'a [Vec<(String, f64)>],
) -> impl Iterator<Item = (&'a JudgedQuery, Vec<Shown>)> {
    judgements.queries.iter().zip(shown).filter_map(|(query, shown)| {
        let grades = judgements.qrels.of(&query.id)?;
        let good = |id: &str| grades.get(id).is_some_and(|grade| *grade > 0);
        Some((query, shown.iter().map(|(id, match_)| Shown { match_: *match_, good: good(id) }).collect()))
    })
}

impl Calibration {
    /// The match from which on a mentor shown is a good one with this chance at least, how many had such a match, and how many
    /// there were; nothing where no match is worth that much.
    pub fn good_from(&self, share: f64) -> Option<(f64, usize, usize)> {
        let at = self.steps.partition_point(|step| step.chance < share);
        let count = |steps: &[Step]| steps.iter().map(|step| step.shown).sum();
        self.steps.get(at).map(|step| (step.from, count(&self.steps[at..]), count(&self.steps)))
    }
}

/// Learns the chances from mentors that were shown, given by query: the queries are what is held out.
pub fn calibrate(queries: &[Vec<Shown>]) -> Calibration {
    let all: Vec<Shown> = queries.iter().flatten().copied().collect();
    let steps = isotonic(all.clone());
    let mean = |shown: &[Shown]| shown.iter().filter(|shown| shown.good).count() as f64 / shown.len().max(1) as f64;
    let (mut errors, mut errors_of_mean, mut count) = (0.0, 0.0, 0usize);
    for fold in 0..FOLDS {
        let part = |held: bool| {
            let queries = queries.iter().enumerate().filter(move |(at, _)| (at % FOLDS == fold) == held);
            queries.flat_map(|(_, shown)| shown).copied().collect::<Vec<Shown>>()
        };
        let (learned, base, held) = (isotonic(part(false)), mean(&part(false)), part(true));
        for shown in held {
            let good = f64::from(u8::from(shown.good));
            errors += (chance(&learned, shown.match_) - good).powi(2);
            errors_of_mean += (base - good).powi(2);
            count += 1;
        }
    }
    let half = mean(&all) / 2.0;
    let threshold = steps.iter().find(|step| step.chance >= half).map(|step| step.from);
    Calibration {
        threshold: threshold.filter(|from| steps.first().is_some_and(|first| first.from < *from)),
        steps,
        brier: errors / count.max(1) as f64,
        brier_of_mean: errors_of_mean / count.max(1) as f64,
    }
}

/// The chance at a match, by steps.
pub fn chance(steps: &[Step], match_: f64) -> f64 {
    let above = steps.partition_point(|step| step.from <= match_);
    steps.get(above.saturating_sub(1)).map_or(0.0, |step| step.chance)
}

fn isotonic(mut shown: Vec<Shown>) -> Vec<Step> {
    shown.sort_by(|left, right| left.match_.total_cmp(&right.match_));
    // Equal matches are one block; then small ones are joined to the next, and those that fall to the one before.
    let mut blocks: Vec<(f64, usize, usize)> = Vec::new();
    for Shown { match_, good } in shown {
        match blocks.last_mut() {
            Some((from, count, goods)) if *from == match_ || *count < FEWEST => {
                *count += 1;
                *goods += usize::from(good);
            }
            _ => blocks.push((match_, 1, usize::from(good))),
        }
    }
    let mut pooled: Vec<(f64, usize, usize)> = Vec::new();
    for block in blocks {
        pooled.push(block);
        while let [.., (_, before, goods_before), (_, after, goods_after)] = pooled[..]
            && goods_before * after >= goods_after * before
        {
            pooled.pop();
            if let Some(last) = pooled.last_mut() {
                last.1 += after;
                last.2 += goods_after;
            }
        }
    }
    pooled.into_iter().map(|(from, shown, goods)| Step { from, chance: goods as f64 / shown as f64, shown }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_chance_never_falls_and_keeps_the_mean(
            shown in prop::collection::vec((0f64..1.0, any::<bool>()), 1..300),
        ) {
            let shown: Vec<Shown> = shown.into_iter().map(|(match_, good)| Shown { match_, good }).collect();
            let steps = isotonic(shown.clone());
            prop_assert!(steps.is_sorted_by(|left, right| left.from < right.from && left.chance < right.chance));
            let expected: f64 = shown.iter().map(|shown| chance(&steps, shown.match_)).sum();
            let good = shown.iter().filter(|shown| shown.good).count() as f64;
            prop_assert!((expected - good).abs() < 1e-6, "{expected} of {good}");
        }
    }

    #[test]
    fn a_match_that_tells_is_better_than_the_mean_and_has_a_threshold() {
        let queries: Vec<Vec<Shown>> = (0..100)
            .map(|at| {
                (0..10)
                    .map(|rank| Shown { match_: f64::from(rank) / 10.0, good: rank >= 7 || (at + rank) % 29 == 0 })
                    .collect()
            })
            .collect();
        let calibration = calibrate(&queries);
        assert!(calibration.brier < calibration.brier_of_mean / 2.0, "{calibration:?}");
        assert_eq!(calibration.threshold, Some(0.7), "{calibration:?}");
        assert_eq!(calibration.good_from(0.5), Some((0.7, 300, 1_000)));
        assert_eq!(calibration.good_from(0.0), Some((0.0, 1_000, 1_000)));
    }

    #[test]
    fn none_shown_is_no_chance() {
        let none = calibrate(&[]);
        assert_eq!((none.steps.len(), none.threshold, chance(&none.steps, 0.5)), (0, None, 0.0));
        assert_eq!(none.good_from(0.0), None);
    }
}
