//! Learning the weights from judgements, and whether what was learned holds for queries and for members that it never saw.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::EvaluateError;
use super::judgements::Judgements;
use super::learn::{Lesson, learn};
use super::pool::Pool;
use super::problem::JudgementError;
use super::significance::{Estimate, bootstrap_mean, randomisation_test};
use crate::search::Searcher;
use crate::search::weights::Weights;

/// Parts that are held out in turn.
const FOLDS: usize = 5;

/// Fewer queries than this cannot be parted.
const FEWEST: usize = 2 * FOLDS;

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuning {
    /// Learned from all queries; of the same sum as those before, so that matches stay of one size.
    pub weights: Weights,
    /// Learned and measured by five folds of queries.
    pub by_queries: HeldOut,
    /// By five folds of members: learned from judgements of the others, and only those held out are ranked. What was
    /// learned of somebody in particular would show here as a loss.
    pub by_members: HeldOut,
    /// nDCG@10 of the learned weights on the queries that they were learned from: an upper bound, not an estimate.
    pub on_lessons: f64,
}

/// nDCG@10 on what was held out from learning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HeldOut {
    /// Queries measured.
    pub queries: usize,
    /// The mean of the weights before.
    pub before: Estimate,
    /// The mean of the learned ones.
    pub after: Estimate,
    /// After minus before, paired by query.
    pub difference: Estimate,
    /// Of the two-sided paired randomisation test.
    pub p: f64,
}

impl Tuning {
    /// Whether what was learned is no worse than before on what it never saw.
    pub fn holds(&self) -> bool {
        self.by_queries.difference.mean >= 0.0 && self.by_members.difference.mean >= 0.0
    }
}

/// Learns weights from judgements, starting from the searcher's. The same seed gives the same weights.
///
/// # Errors
/// Where fewer than ten queries can be learned from, or a search fails by our fault.
pub async fn tune(
    searcher: &Searcher,
    judgements: &Judgements,
    depth: usize,
    seed: u64,
) -> Result<Tuning, EvaluateError> {
    let pool = Pool::of(searcher, judgements, depth).await?;
    let start = searcher.weights();
    let all: Vec<Lesson> = pool.lessons(judgements, |_| true).into_iter().flatten().collect();
    if all.len() < FEWEST {
        let (file, first) = (judgements.file.clone(), Some(format!("{} queries have somebody relevant", all.len())));
        return Err(
            JudgementError::NothingUsable { file, what: "set of ten queries or more to learn from", first }.into()
        );
    }
    let everything: Vec<&Lesson> = all.iter().collect();
    let weights = learn(&everything, start, seed);
    Ok(Tuning {
        by_queries: by_queries(&everything, start, seed),
        by_members: by_members(&pool, judgements, start, seed),
        on_lessons: mean(everything.iter().map(|lesson| lesson.ndcg_by(&weights))),
        weights,
    })
}

fn by_queries(lessons: &[&Lesson], start: &Weights, seed: u64) -> HeldOut {
    let mut fold_of: Vec<usize> = (0..lessons.len()).map(|at| at % FOLDS).collect();
    fold_of.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let part = |fold: usize, held: bool| -> Vec<&Lesson> {
        lessons.iter().zip(&fold_of).filter(|(_, of)| (**of == fold) == held).map(|(lesson, _)| *lesson).collect()
    };
    let measured = (0..FOLDS).into_par_iter().flat_map_iter(|fold| {
        let learned = learn(&part(fold, false), start, seed);
        part(fold, true).into_iter().map(move |lesson| (lesson.ndcg_by(start), lesson.ndcg_by(&learned)))
    });
    held_out(measured.collect())
}

fn by_members(pool: &Pool, judgements: &Judgements, start: &Weights, seed: u64) -> HeldOut {
    // A member's fold is a hash of the id, so that it is the same for every query.
    let fold_of = |id: &str| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(id.as_bytes());
        usize::from(hasher.finalize().as_bytes()[0]) % FOLDS
    };
    let folds: Vec<Vec<Option<(f64, f64)>>> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let others: Vec<Lesson> =
                pool.lessons(judgements, |id| fold_of(id) != fold).into_iter().flatten().collect();
            let learned = learn(&others.iter().collect::<Vec<_>>(), start, seed);
            let held = pool.lessons(judgements, |id| fold_of(id) == fold);
            held.iter()
                .map(|lesson| lesson.as_ref().map(|lesson| (lesson.ndcg_by(start), lesson.ndcg_by(&learned))))
                .collect()
        })
        .collect();
    // A query counts once: the mean over the folds in which anybody is relevant to it.
    let queries = folds.first().map_or(0, Vec::len);
    let of_query = |at: usize| {
        let pairs: Vec<(f64, f64)> = folds.iter().filter_map(|fold| fold[at]).collect();
        (!pairs.is_empty()).then(|| (mean(pairs.iter().map(|pair| pair.0)), mean(pairs.iter().map(|pair| pair.1))))
    };
    held_out((0..queries).filter_map(of_query).collect())
}

fn held_out(pairs: Vec<(f64, f64)>) -> HeldOut {
    let (before, after): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let differences: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    HeldOut {
        queries: differences.len(),
        before: bootstrap_mean(&before),
        after: bootstrap_mean(&after),
        difference: bootstrap_mean(&differences),
        p: randomisation_test(&differences),
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
