//! Asking all queries: their rankings, how well the facets are searched, and how long a search takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;
use tokio::task::JoinSet;

use super::judgements::{JudgedQuery, Judgements};
use super::problem::{Problem, ProblemKind};
use super::run::{Run, Scored};
use crate::search::{Candidate, SearchError, SearchRequest, Searcher};

/// Queries that exact scans and times are measured on, spread over all of them: a hundred tell enough, and an exact scan
/// compares every vector.
const MEASURED: usize = 100;

/// How well the facets are searched: the mean recall@`k` of the search against the exact scan, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Retrieval {
    /// Queries measured.
    pub queries: usize,
    /// Of the facet `profile`; nothing where no query has it searched, as where everyone who matches is ranked.
    pub profile: Option<f64>,
    /// Of the facet `interests`.
    pub interests: Option<f64>,
}

/// How long a search takes, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// Queries measured.
    pub queries: usize,
    /// Half of them took no longer.
    pub median_ms: f64,
    /// 95 % of them took no longer.
    pub p95_ms: f64,
    /// Each of the times, ascending.
    pub times_ms: Vec<f64>,
}

/// Ranks every query `depth` deep, on all cores, and keeps of each ranking what `keep` makes of it: a result for each
/// query, in their order. A query that cannot be asked has its error in its place.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn rank_all<T: Send + 'static>(
    searcher: &Searcher,
    queries: &[JudgedQuery],
    depth: usize,
    keep: impl Fn(Vec<Candidate>) -> T + Clone + Send + 'static,
) -> Result<Vec<Result<T, SearchError>>, SearchError> {
    let requests: Arc<Vec<SearchRequest>> = Arc::new(queries.iter().map(|query| asked(query, depth)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let (searcher, requests, next, keep) =
            (searcher.clone(), Arc::clone(&requests), Arc::clone(&next), keep.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(at) else { return Ok(done) };
                match searcher.ranking(request.clone()).await {
                    Err(error) if !error.is_callers() => return Err(error),
                    ranked => done.push((at, ranked.map(&keep))),
                }
            }
        });
    }
    let mut all = Vec::with_capacity(queries.len());
    while let Some(worker) = workers.join_next().await {
        all.extend(worker.map_err(|error| SearchError::Stopped(error.to_string()))??);
    }
    all.sort_unstable_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

/// The rankings of all queries, those without judgements too, and the queries that cannot be asked.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn rank_queries(
    searcher: &Searcher,
    judgements: &Judgements,
    depth: usize,
) -> Result<(Run, Vec<Problem>), SearchError> {
    let Ranked { run, problems, .. } = rank_with_matches(searcher, judgements, depth).await?;
    Ok((run, problems))
}

/// What [`rank_queries`] gives, and the matches of those shown.
pub(super) struct Ranked {
    pub(super) run: Run,
    /// By query, in their order: who is among the first ten, and with what match. A query that cannot be asked has none.
    pub(super) shown: Vec<Vec<(String, f64)>>,
    pub(super) problems: Vec<Problem>,
}

/// As [`rank_queries`].
pub(super) async fn rank_with_matches(
    searcher: &Searcher,
    judgements: &Judgements,
    depth: usize,
) -> Result<Ranked, SearchError> {
    let rankings = rank_all(searcher, &judgements.queries, depth, kept(searcher, depth)).await?;
    let mut ranked = Ranked { run: Run::default(), shown: Vec::new(), problems: Vec::new() };
    for (query, ranking) in judgements.queries.iter().zip(rankings) {
        match ranking {
            Ok((ranking, shown)) => {
                ranked.run.insert(&query.id, ranking);
                ranked.shown.push(shown);
            }
            Err(error) => {
                ranked.shown.push(Vec::new());
                ranked.problems.push(Problem {
                    kind: ProblemKind::NotAvailable,
                    file: judgements.file.clone(),
                    line: Some(query.line),
                    problem: format!("query {:?} cannot be asked: {error}", query.id),
                });
            }
        }
    }
    Ok(ranked)
}

/// What is kept of a ranking: the run, and who is shown with what match.
pub(super) fn kept(
    searcher: &Searcher,
    depth: usize,
) -> impl Fn(Vec<Candidate>) -> (Vec<Scored>, Vec<(String, f64)>) + Clone + Send + 'static + use<> {
    let weights = searcher.weights().clone();
    move |candidates| {
        let shown = candidates.iter().take(super::SHOWN);
        let shown = shown.map(|shown| (shown.id.clone(), weights.match_of(&shown.values))).collect();
        let scored = candidates.into_iter().take(depth);
        (scored.map(|Candidate { id, score, .. }| Scored { member: id, score }).collect(), shown)
    }
}

/// Measures the search of both facets against exact scans, on a hundred of the queries.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn retrieval(searcher: &Searcher, queries: &[JudgedQuery], depth: usize) -> Result<Retrieval, SearchError> {
    let (mut profile, mut interests, mut asked_for) = (Vec::new(), Vec::new(), 0);
    for query in spread(queries, MEASURED) {
        match searcher.facet_recall(asked(query, depth)).await {
            Err(error) if !error.is_callers() => return Err(error),
            Err(_) => {}
            Ok(recall) => {
                asked_for += 1;
                profile.extend(recall.profile);
                interests.extend(recall.interests);
            }
        }
    }
    let mean = |recalls: Vec<f64>| (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64);
    Ok(Retrieval { queries: asked_for, profile: mean(profile), interests: mean(interests) })
}

/// Times a hundred of the queries as a person meets them: whole searches for ten hits, the model run, the records and the
/// reasons included, one after another with nothing beside them, the model loaded and the index in memory.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn latency(searcher: &Searcher, queries: &[JudgedQuery]) -> Result<Latency, SearchError> {
    let mut times = Vec::new();
    for query in spread(queries, MEASURED) {
        let request = asked(query, super::SHOWN);
        let begun = Instant::now();
        match searcher.search(request).await {
            Err(error) if !error.is_callers() => return Err(error),
            Err(_) => {}
            Ok(answer) => {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                drop(answer);
            }
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len().saturating_sub(1) as f64 * share).round() as usize).copied();
    let (median_ms, p95_ms) = (at(0.5).unwrap_or(0.0), at(0.95).unwrap_or(0.0));
    Ok(Latency { queries: times.len(), median_ms, p95_ms, times_ms: times })
}

pub(super) fn asked(query: &JudgedQuery, k: usize) -> SearchRequest {
    SearchRequest { k: Some(k), ..query.request.clone() }
}

/// At most so many of the queries, at even distances.
pub(super) fn spread(queries: &[JudgedQuery], most: usize) -> impl Iterator<Item = &JudgedQuery> {
    let count = queries.len().min(most);
    (0..count).map(move |at| &queries[at * queries.len() / count])
}
