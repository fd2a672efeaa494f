//! Whether one run is better than another or chance, and where: query by query, with words to read.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;

use super::judgements::{JudgedQuery, Judgements, summary};
use super::metrics::Metric;
use super::problem::{Problem, ProblemKind};
use super::run::{Run, Scored};
use super::significance::{Estimate, bootstrap_mean, holm, randomisation_test};
use super::{QueryResult, SHOWN, score};
use crate::search::{SearchError, Searcher};

/// The metric by which queries are said to be won or lost.
const BY: Metric = Metric::Ndcg(SHOWN);

/// How many wins and losses are kept with their words, and how many members of each ranking whatever their grade.
const TOLD: usize = 20;
const PLACES: usize = 3;

/// Two runs on the queries that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Judged queries that both runs have a ranking for.
    pub queries: usize,
    /// Every metric of quality.
    pub metrics: Vec<Compared>,
    /// The mean share of unjudged members among the first ten, before and after: where they differ much, the run that
    /// shows more of them is at a disadvantage that need not be its own.
    pub unjudged: [f64; 2],
    /// The queries that gained most by nDCG@10, most first; at most twenty.
    pub wins: Vec<Difference>,
    /// Those that lost most, most first.
    pub losses: Vec<Difference>,
    /// Queries that only one of the runs has.
    pub problems: Vec<Problem>,
}

/// One metric of two runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    /// Which metric.
    pub metric: Metric,
    /// The baseline's mean.
    pub before: f64,
    /// The run's mean.
    pub after: f64,
    /// After minus before, paired by query, with its 95 % bootstrap interval.
    pub difference: Estimate,
    /// Of the two-sided paired randomisation test.
    pub p: f64,
    /// The same, corrected by Holm over the metrics compared.
    pub p_holm: f64,
    /// Queries that gained.
    pub wins: usize,
    /// Queries that lost.
    pub losses: usize,
}

/// A query that gained or lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The query.
    pub query: String,
    /// What it asks, in words.
    pub said: String,
    /// The stored member who asks, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Its nDCG@10 in the baseline.
    pub before: f64,
    /// And in the run.
    pub after: f64,
    /// Of the baseline's first ten members, the first three and the relevant ones.
    pub top_before: Vec<Placed>,
    /// Of the run's.
    pub top_after: Vec<Placed>,
}

/// A member at the top of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// Counted from 1.
    pub rank: usize,
    /// The community's own id.
    pub member: String,
    /// The grade, where one was given.
    pub grade: Option<i32>,
    /// Who it is, in words; empty until [`Comparison::tell`] has read the records.
    pub said: String,
}

/// Compares a run with a baseline, paired by query.
pub fn compare(judgements: &Judgements, baseline: &Run, run: &Run) -> Comparison {
    let (before, after) = (score(judgements, baseline), score(judgements, run));
    let before: HashMap<&str, &QueryResult> = before.iter().map(|result| (result.id.as_str(), result)).collect();
    let pairs: Vec<(&QueryResult, &QueryResult)> =
        after.iter().filter_map(|result| Some((*before.get(result.id.as_str())?, result))).collect();
    let of = |metric: Metric| -> Vec<(f64, f64)> {
        let value = |result: &QueryResult| result.metrics.get(&metric).copied().unwrap_or(0.0);
        pairs.iter().map(|(before, after)| (value(before), value(after))).collect()
    };
    let quality: Vec<Metric> = Metric::REPORTED.iter().copied().filter(|metric| metric.is_quality()).collect();
    let mut metrics: Vec<Compared> = quality.into_par_iter().map(|metric| compared(metric, &of(metric))).collect();
    let corrected = holm(&metrics.iter().map(|compared| compared.p).collect::<Vec<_>>());
    for (compared, p_holm) in metrics.iter_mut().zip(corrected) {
        compared.p_holm = p_holm;
    }
    let unjudged = of(Metric::Unjudged(10));
    let unjudged = [mean(unjudged.iter().map(|pair| pair.0)), mean(unjudged.iter().map(|pair| pair.1))];
    let by_query: HashMap<&str, &JudgedQuery> =
        judgements.queries.iter().map(|query| (query.id.as_str(), query)).collect();
    let mut changed: Vec<(f64, &str)> = of(BY)
        .into_iter()
        .zip(&pairs)
        .map(|((before, after), (_, result))| (after - before, result.id.as_str()))
        .filter(|(difference, _)| *difference != 0.0)
        .collect();
    changed.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(right.1)));
    let told = |id: &str| Some(difference(judgements, by_query.get(id)?, baseline, run));
    let losses = changed.iter().take_while(|(difference, _)| *difference < 0.0).take(TOLD);
    let wins = changed.iter().rev().take_while(|(difference, _)| *difference > 0.0).take(TOLD);
    Comparison {
        queries: pairs.len(),
        metrics,
        unjudged,
        wins: wins.filter_map(|(_, id)| told(id)).collect(),
        losses: losses.filter_map(|(_, id)| told(id)).collect(),
        problems: not_in_both(judgements, baseline, run),
    }
}

impl Comparison {
    /// One metric's part.
    pub fn of(&self, metric: Metric) -> Option<&Compared> {
        self.metrics.iter().find(|compared| compared.metric == metric)
    }

    /// Puts the members in wins and losses, and the queries by a member, into words, from what others may see of them.
    ///
    /// # Errors
    /// Where the members' database cannot be read.
    pub async fn tell(&mut self, searcher: &Searcher) -> Result<(), SearchError> {
        let told = || self.wins.iter().chain(&self.losses);
        let placed = told().flat_map(|told| told.top_before.iter().chain(&told.top_after));
        let mut ids: HashSet<&str> = placed.map(|placed| placed.member.as_str()).collect();
        ids.extend(told().filter_map(|told| told.member.as_deref()));
        let ids: Vec<&str> = ids.into_iter().collect();
        let members = searcher.members(&ids).await?;
        let words: BTreeMap<&str, String> =
            members.iter().map(|member| (member.id.as_str(), summary(member))).collect();
        for told in self.wins.iter_mut().chain(&mut self.losses) {
            if let Some(words) = told.member.as_deref().and_then(|id| words.get(id)) {
                told.said = format!("{}: {words}", told.said);
            }
            for placed in told.top_before.iter_mut().chain(&mut told.top_after) {
                placed.said = words.get(placed.member.as_str()).cloned().unwrap_or_default();
            }
        }
        Ok(())
    }
}

fn compared(metric: Metric, pairs: &[(f64, f64)]) -> Compared {
    let differences: Vec<f64> = pairs.iter().map(|(before, after)| after - before).collect();
    Compared {
        metric,
        before: mean(pairs.iter().map(|pair| pair.0)),
        after: mean(pairs.iter().map(|pair| pair.1)),
        difference: bootstrap_mean(&differences),
        p: randomisation_test(&differences),
        p_holm: 1.0,
        wins: differences.iter().filter(|difference| **difference > 0.0).count(),
        losses: differences.iter().filter(|difference| **difference < 0.0).count(),
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn difference(judgements: &Judgements, query: &JudgedQuery, baseline: &Run, run: &Run) -> Difference {
    let grades = judgements.qrels.of(&query.id);
    let ranking = |run: &Run| run.ranking(&query.id).unwrap_or_default().to_vec();
    let value = |ranking: &[Scored]| grades.map_or(0.0, |grades| BY.of(ranking, grades));
    let top = |ranking: Vec<Scored>| {
        let placed = |(Scored { member, .. }, rank): (Scored, usize)| Placed {
            rank,
            grade: grades.and_then(|grades| grades.get(&member)).copied(),
            member,
            said: String::new(),
        };
        let first = ranking.into_iter().zip(1..).take(SHOWN).map(placed);
        first.filter(|placed| placed.rank <= PLACES || placed.grade > Some(0)).collect()
    };
    let (before, after) = (ranking(baseline), ranking(run));
    Difference {
        query: query.id.clone(),
        said: query.said(),
        member: query.request.member.as_ref().map(ToString::to_string),
        before: value(&before),
        after: value(&after),
        top_before: top(before),
        top_after: top(after),
    }
}

fn not_in_both(judgements: &Judgements, baseline: &Run, run: &Run) -> Vec<Problem> {
    let judged = judgements.queries.iter().filter(|query| judgements.qrels.of(&query.id).is_some());
    let missing = |query: &JudgedQuery| {
        let which = match (baseline.ranking(&query.id), run.ranking(&query.id)) {
            (Some(_), Some(_)) => return None,
            (None, Some(_)) => "the baseline has",
            (Some(_), None) => "the run has",
            (None, None) => "both have",
        };
        let problem = format!("{which} nothing for query {:?}; it is not compared", query.id);
        Some(Problem { kind: ProblemKind::NotInRun, file: judgements.file.clone(), line: Some(query.line), problem })
    };
    judged.filter_map(missing).collect()
}
