//! What a rebuild can gate on: matches are not worse than they were, by more than a stated margin.

use super::compare::{Compared, Comparison, compare};
use super::judgements::Judgements;
use super::measure::rank_queries;
use super::metrics::Metric;
use super::{DEPTH, SHOWN};
use crate::search::{SearchError, Searcher};

/// Matches may be worse than before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Worse {
    /// The difference may be beyond the margin.
    #[error(
        "{metric} may have fallen by more than {margin}: {before:.4} before, {after:.4} after, on {queries} queries; the \
         95 % interval of the difference begins at {low:+.4}"
    )]
    Beyond {
        /// Which metric.
        metric: Metric,
        /// How much it may fall, in the metric's own unit.
        margin: f64,
        /// The baseline's mean.
        before: f64,
        /// The run's mean.
        after: f64,
        /// The lower end of the interval of the difference.
        low: f64,
        /// Queries compared.
        queries: usize,
    },
    /// There is nothing to tell by.
    #[error("no query is judged and ranked by both, so nothing says that matches are no worse")]
    NothingCompared,
}

/// Why a generation does not pass.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Its matches may be worse.
    #[error(transparent)]
    Worse(#[from] Worse),
    /// A search failed, and not by a query's fault.
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Asks two searchers the same queries, such as one over the live generation and one over that which is to replace it,
/// and checks that nDCG@10 did not fall by more than `margin`.
///
/// # Errors
/// [`GateError::Worse`] where it may have, or where no query could be compared.
pub async fn gate(
    live: &Searcher,
    built: &Searcher,
    judgements: &Judgements,
    margin: f64,
) -> Result<Comparison, GateError> {
    let (before, _) = rank_queries(live, judgements, DEPTH).await?;
    let (after, _) = rank_queries(built, judgements, DEPTH).await?;
    let comparison = compare(judgements, &before, &after);
    check_not_worse(&comparison, Metric::Ndcg(SHOWN), margin)?;
    Ok(comparison)
}

/// Checks that a metric of quality did not fall by more than `margin`: holds where the 95 % interval of the paired
/// difference begins no lower than that below zero, which is a one-sided test of non-inferiority at 2.5 %. Where it does
/// not hold, matches need not be worse: too few queries may be judged to exclude it, or the margin too narrow for them.
///
/// # Errors
/// [`Worse`] says by how much, or that no query could be compared.
pub fn check_not_worse(comparison: &Comparison, metric: Metric, margin: f64) -> Result<(), Worse> {
    let queries = comparison.queries;
    let compared = comparison.of(metric).filter(|_| queries > 0).ok_or(Worse::NothingCompared)?;
    let Compared { before, after, difference, .. } = *compared;
    if difference.low >= -margin {
        return Ok(());
    }
    Err(Worse::Beyond { metric, margin, before, after, low: difference.low, queries })
}
