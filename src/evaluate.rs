//! Whether matches are good, and whether they got better: rankings measured against judgements.
//!
//! [`Judgements`] are queries and who is relevant to each; [`evaluate`] asks a searcher all of them and measures the
//! answers as trec_eval would; [`compare`] tells whether one [`Run`] is better than another or chance, and [`gate`] is
//! what a rebuild can gate on.
//!
//! ```no_run
//! # async fn measure() -> Result<(), Box<dyn std::error::Error>> {
//! use rapport::config::Config;
//! use rapport::evaluate::{DEPTH, Judgements, evaluate};
//! use rapport::search::Searcher;
//!
//! let searcher = Searcher::open(&Config::default()).await?;
//! let judgements = Judgements::read("queries.jsonl".as_ref(), "qrels.txt".as_ref())?;
//! let (evaluation, _run) = evaluate(&searcher, &judgements, DEPTH).await?;
//! for measured in evaluation.metrics {
//!     println!("{} {:.4}", measured.metric, measured.estimate.mean);
//! }
//! # Ok(())
//! # }
//! ```

mod ablation;
mod budget;
mod calibration;
mod circle;
mod compare;
mod exposure;
mod gate;
mod glance;
pub mod judge;
mod judgements;
mod learn;
mod measure;
mod metrics;
pub mod outcomes;
mod pool;
mod problem;
pub mod report;
mod run;
mod significance;
mod tune;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

pub use ablation::{Ablated, ablate};
pub use budget::{AtBudget, budget};
pub use calibration::{Calibration, Shown, Step, calibrate, chance};
pub use circle::{AtDial, outside_circle};
pub use compare::{Compared, Comparison, Difference, Placed, compare};
pub use exposure::{Evenness, Exposure, GroupExposure, GroupField, evenness, exposure, exposure_of};
pub use gate::{GateError, Worse, check_not_worse, gate};
pub use glance::{Glance, MOST_ASKED, glance};
pub use judgements::{JudgedQuery, Judgements, Qrels, read_queries};
pub use learn::{Lesson, learn};
pub use measure::{Latency, Retrieval, latency, rank_all, rank_queries, retrieval};
pub use metrics::Metric;
pub use pool::Pool;
pub use problem::{JudgementError, Problem, ProblemKind};
pub use run::{Run, RunError, Scored};
pub use significance::{Estimate, bootstrap_mean, holm, randomisation_test};
pub use tune::{HeldOut, Tuning, tune};

use crate::search::{SearchError, Searcher};

/// How deep rankings are measured unless stated, as is the custom for such pools.
pub const DEPTH: usize = 100;

/// How many hits are taken to be shown to a person.
pub const SHOWN: usize = 10;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Queries, qrels or a run cannot be used.
    #[error(transparent)]
    Judgements(#[from] JudgementError),
    /// A search failed, and not by a query's fault.
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl EvaluateError {
    /// Whether what was asked for was at fault, not we.
    pub fn is_callers(&self) -> bool {
        match self {
            EvaluateError::Judgements(_) => true,
            EvaluateError::Search(error) => error.is_callers(),
        }
    }
}

/// How good the rankings of one searcher are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// What the rankings depend on, as an answer says it.
    pub state: String,
    /// How deep the rankings are.
    pub depth: usize,
    /// Queries measured.
    pub queries: usize,
    /// The mean of every metric over all queries measured.
    pub metrics: Vec<Measured>,
    /// The same by the queries' `group`; empty where no query has one.
    pub groups: Vec<Group>,
    /// How what is shown is shared out among those who can be found.
    pub exposure: Exposure,
    /// What a match is worth as a chance of a good one.
    pub calibration: Calibration,
    /// The same by who seeks: `member`, `text`, `profile`.
    pub calibration_by_seeker: BTreeMap<&'static str, Calibration>,
    /// How well the facets are searched, whatever the ranking makes of it.
    pub retrieval: Retrieval,
    /// How long searches take.
    pub latency: Latency,
    /// Places of the run whose score is that of another; trec_eval orders them by id.
    pub ties: usize,
    /// Every metric of every query measured, in the order of the queries.
    pub per_query: Vec<QueryResult>,
    /// What was wrong with the judgements, and what became of it.
    pub problems: Vec<Problem>,
}

/// A metric's mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Which metric.
    pub metric: Metric,
    /// Its mean over the queries, with a 95 % bootstrap interval.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// The queries of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The label that they share.
    pub group: String,
    /// How many were measured.
    pub queries: usize,
    /// The mean of every metric.
    pub metrics: Vec<Measured>,
}

/// One query's metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryResult {
    /// The query.
    pub id: String,
    /// Its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its value of every metric.
    pub metrics: BTreeMap<Metric, f64>,
}

/// Ranks every query `depth` deep and measures the rankings; also gives them as a run.
///
/// Means are over the queries that have judgements and can be asked; one that finds nobody counts as zero, as with
/// trec_eval's option -c. Exposure is without groups; [`exposure_of`] gives them.
///
/// # Errors
/// [`EvaluateError`]; that a query names somebody who is not available is a problem, not an error.
pub async fn evaluate(
    searcher: &Searcher,
    judgements: &Judgements,
    depth: usize,
) -> Result<(Evaluation, Run), EvaluateError> {
    let mut problems = judgements.problems.clone();
    problems.extend(judgements.unknown_members(|id| searcher.holds(id)));
    let ranked = measure::rank_with_matches(searcher, judgements, depth).await?;
    let run = ranked.run;
    problems.extend(ranked.problems);
    let per_query = score(judgements, &run);
    if per_query.is_empty() {
        let first = problems.first().map(Problem::to_string);
        return Err(
            JudgementError::NothingUsable { file: judgements.file.clone(), what: "query to measure", first }.into()
        );
    }
    let evaluation = Evaluation {
        state: searcher.state().await?,
        depth,
        queries: per_query.len(),
        metrics: means(&per_query.iter().collect::<Vec<_>>()),
        groups: groups(&per_query),
        exposure: exposure_of(searcher, &run, &[]).await?,
        calibration: calibration::calibrate_shown(judgements, &ranked.shown),
        calibration_by_seeker: calibration::calibrate_by_seeker(judgements, &ranked.shown),
        retrieval: retrieval(searcher, &judgements.queries, depth).await?,
        latency: latency(searcher, &judgements.queries).await?,
        ties: run.ties(),
        per_query,
        problems,
    };
    Ok((evaluation, run))
}

/// Every metric of every query that has judgements and stands in the run, in the order of the queries.
pub fn score(judgements: &Judgements, run: &Run) -> Vec<QueryResult> {
    let result = |query: &JudgedQuery| {
        let (ranking, grades) = (run.ranking(&query.id)?, judgements.qrels.of(&query.id)?);
        let metrics = Metric::REPORTED.iter().map(|metric| (*metric, metric.of(ranking, grades))).collect();
        Some(QueryResult { id: query.id.clone(), group: query.group.clone(), metrics })
    };
    judgements.queries.iter().filter_map(result).collect()
}

/// The mean of every metric over the queries.
pub fn means(results: &[&QueryResult]) -> Vec<Measured> {
    let measured = |metric: &Metric| {
        let values: Vec<f64> = results.iter().filter_map(|result| result.metrics.get(metric)).copied().collect();
        Measured { metric: *metric, estimate: bootstrap_mean(&values) }
    };
    Metric::REPORTED.par_iter().map(measured).collect()
}

fn groups(results: &[QueryResult]) -> Vec<Group> {
    let mut by_label: BTreeMap<&str, Vec<&QueryResult>> = BTreeMap::new();
    for result in results {
        if let Some(label) = &result.group {
            by_label.entry(label).or_default().push(result);
        }
    }
    let group = |(label, results): (&str, Vec<&QueryResult>)| Group {
        group: label.to_owned(),
        queries: results.len(),
        metrics: means(&results),
    };
    by_label.into_iter().map(group).collect()
}
