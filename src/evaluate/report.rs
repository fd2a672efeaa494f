//! An evaluation as one file to read, print and pass on: charts, tables and the queries that went worst.
//!
//! The file is HTML with its style and its charts (SVG) inside. It holds no script and asks for nothing from elsewhere, so
//! it reads the same in ten years. The same figures as JSON are the [`Report`] itself.

pub(crate) mod captions;
pub(crate) mod charts;
mod html;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::compare::Placed;
use super::judgements::{JudgedQuery, Judgements, summary};
use super::measure::{Retrieval, retrieval};
use super::metrics::Metric;
use super::run::Run;
use super::{Ablated, Comparison, Evaluation, QueryResult, SHOWN};
use crate::member::Member;
use crate::search::{SearchError, Searcher};

/// The pools of the walk (ef) at which retrieval is measured.
pub const EFS: [usize; 5] = [16, 32, 64, 128, 256];

/// By what queries are good or bad.
const BY: Metric = Metric::Ndcg(SHOWN);

/// Queries told as the worst, and members of each.
const WORST: usize = 10;
const PLACES: usize = 3;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A search failed, and not by a query's fault.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Ours: a chart could not be drawn.
    #[error("the chart of {chart} cannot be drawn: {problem}")]
    Chart {
        /// What the chart shows.
        chart: &'static str,
        /// The drawing library's reason.
        problem: String,
    },
}

/// All that is known of how good matches are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The figures.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Against the baseline, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Against>,
    /// What each part of a match is worth, where that was measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<Ablated>,
    /// How well the facets are searched with each pool, in searches for ten.
    pub retrieval_by_ef: Vec<RetrievalAt>,
    /// The queries with the lowest nDCG@10, the lowest first; of equal ones in the order of the queries.
    pub worst: Vec<Worst>,
}

/// A comparison, and with what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// The baseline's name as it was given.
    pub baseline: String,
    /// What came of it.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Retrieval with one size of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RetrievalAt {
    /// The size.
    pub ef: usize,
    /// How well the facets are searched with it.
    #[serde(flatten)]
    pub retrieval: Retrieval,
}

/// A query that went badly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worst {
    /// The query.
    pub query: String,
    /// What it asks, in words.
    pub said: String,
    /// Its nDCG@10.
    pub ndcg: f64,
    /// Members with a grade of 1 or more.
    pub relevant: usize,
    /// How many of them the ranking holds.
    pub found: usize,
    /// The first three of the ranking, as others may see them.
    pub top: Vec<Placed>,
}

impl Report {
    /// Measures what an evaluation does not hold yet, and reads the records of those who are named.
    ///
    /// # Errors
    /// Where a search fails, or the members' database cannot be read.
    pub async fn gather(
        searcher: &Searcher,
        judgements: &Judgements,
        run: &Run,
        evaluation: Evaluation,
        comparison: Option<Against>,
        ablation: Vec<Ablated>,
    ) -> Result<Report, SearchError> {
        let mut retrieval_by_ef = Vec::new();
        for ef in EFS {
            // As for a person: where more are asked for, the pool of the walk is never small.
            let retrieval = retrieval(&searcher.with_ef(ef), &judgements.queries, SHOWN).await?;
            retrieval_by_ef.push(RetrievalAt { ef, retrieval });
        }
        let worst = worst(searcher, judgements, run, &evaluation.per_query).await?;
        Ok(Report { evaluation, comparison, ablation, retrieval_by_ef, worst })
    }

    /// The report as one HTML file.
    ///
    /// # Errors
    /// [`ReportError::Chart`].
    pub fn html(&self) -> Result<String, ReportError> {
        html::page(self)
    }
}

async fn worst(
    searcher: &Searcher,
    judgements: &Judgements,
    run: &Run,
    results: &[QueryResult],
) -> Result<Vec<Worst>, SearchError> {
    let ndcg = |result: &QueryResult| result.metrics.get(&BY).copied().unwrap_or(0.0);
    // A query of which nobody is relevant could not go better.
    let could_be_better = |result: &&QueryResult| {
        judgements.qrels.of(&result.id).is_some_and(|grades| grades.values().any(|grade| *grade > 0))
    };
    let mut results: Vec<&QueryResult> = results.iter().filter(could_be_better).collect();
    results.sort_by(|left, right| ndcg(left).partial_cmp(&ndcg(right)).unwrap_or(Ordering::Equal));
    let by_id: HashMap<&str, &JudgedQuery> =
        judgements.queries.iter().map(|query| (query.id.as_str(), query)).collect();
    let mut told = Vec::new();
    for result in results.into_iter().take(WORST) {
        let (Some(query), Some(grades)) = (by_id.get(result.id.as_str()), judgements.qrels.of(&result.id)) else {
            continue;
        };
        let ranking = run.ranking(&result.id).unwrap_or_default();
        let is_relevant = |id: &str| grades.get(id).is_some_and(|grade| *grade > 0);
        let asker = query.request.member.as_ref().map(ToString::to_string);
        let mut ids: Vec<&str> = ranking.iter().take(PLACES).map(|scored| scored.member.as_str()).collect();
        ids.extend(asker.as_deref());
        let members = searcher.members(&ids).await?;
        let records: BTreeMap<&str, &Member> = members.iter().map(|member| (member.id.as_str(), member)).collect();
        let placed = ranking.iter().zip(1..).take(PLACES).map(|(scored, rank)| Placed {
            rank,
            member: scored.member.clone(),
            grade: grades.get(&scored.member).copied(),
            said: records.get(scored.member.as_str()).map(|member| called(member)).unwrap_or_default(),
        });
        let asker = asker.as_deref().and_then(|id| records.get(id)).map(|member| summary(member));
        told.push(Worst {
            query: query.id.clone(),
            said: asker.map_or_else(|| query.said(), |words| format!("{}: {words}", query.said())),
            ndcg: ndcg(result),
            relevant: grades.values().filter(|grade| **grade > 0).count(),
            found: ranking.iter().filter(|scored| is_relevant(&scored.member)).count(),
            top: placed.collect(),
        });
    }
    Ok(told)
}

/// What a member is called and is, in a few words.
fn called(member: &Member) -> String {
    let what = member.headline.as_ref().or(member.profession.as_ref());
    member.name.iter().chain(what).cloned().collect::<Vec<_>>().join(", ")
}
