//! Match quality at a glance, beside a service that goes on answering: some of the judged queries, one after another, on one
//! thread that rests as long as it works.

use std::time::{Duration, Instant};

use super::calibration::{Calibration, calibrate_shown};
use super::judgements::{JudgedQuery, Judgements};
use super::metrics::Metric;
use super::run::Run;
use super::significance::{Estimate, bootstrap_mean};
use super::{DEPTH, SHOWN, measure, score};
use crate::search::{SearchError, Searcher};

/// The most queries that are asked.
pub const MOST_ASKED: usize = 200;

/// No further query is asked after this.
const LONGEST: Duration = Duration::from_secs(20);

/// How good the rankings of some judged queries are.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// Queries that have judgements.
    pub judged: usize,
    /// nDCG@10 of each query asked, in their order: all of the judged ones, or some at even distances.
    pub ndcg: Vec<f64>,
    /// Its mean.
    pub mean: Estimate,
    /// Judgements of the queries asked.
    pub judgements: usize,
    /// What a match is worth as a chance of a good one, of those shown.
    pub calibration: Calibration,
    /// Whether there was no time for more queries.
    pub cut_short: bool,
}

/// Asks judged queries and measures the rankings as [`super::evaluate`] does. It computes on the thread that polls it.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn glance(searcher: &Searcher, mut judgements: Judgements) -> Result<Glance, SearchError> {
    let qrels = &judgements.qrels;
    judgements.queries.retain(|query| qrels.of(&query.id).is_some());
    let judged = judgements.queries.len();
    let begun = Instant::now();
    let kept = measure::kept(searcher, DEPTH);
    let (mut run, mut asked, mut shown, mut cut_short) = (Run::default(), Vec::<JudgedQuery>::new(), Vec::new(), false);
    for query in measure::spread(&judgements.queries, MOST_ASKED) {
        cut_short = begun.elapsed() > LONGEST;
        if cut_short {
            break;
        }
        let began = Instant::now();
        match searcher.ranking(measure::asked(query, DEPTH)).await {
            Err(error) if !error.is_callers() => return Err(error),
            Err(_) => {}
            Ok(candidates) => {
                let (ranking, first) = kept(candidates);
                run.insert(&query.id, ranking);
                shown.push(first);
                asked.push(query.clone());
            }
        }
        tokio::time::sleep(began.elapsed()).await;
    }
    judgements.queries = asked;
    let ndcg = |result: &super::QueryResult| result.metrics.get(&Metric::Ndcg(SHOWN)).copied();
    let ndcg: Vec<f64> = score(&judgements, &run).iter().filter_map(ndcg).collect();
    let grades = judgements.queries.iter().filter_map(|query| judgements.qrels.of(&query.id));
    Ok(Glance {
        judged,
        mean: bootstrap_mean(&ndcg),
        ndcg,
        judgements: grades.map(|grades| grades.len()).sum(),
        calibration: calibrate_shown(&judgements, &shown),
        cut_short,
    })
}
