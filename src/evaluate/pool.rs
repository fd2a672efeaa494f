//! Every query's candidates with their values: what any weights would make of them, with no further search.

use rayon::prelude::*;

use super::judgements::{JudgedQuery, Judgements};
use super::learn::Lesson;
use super::measure::rank_all;
use super::run::{Run, Scored};
use crate::search::weights::Weights;
use crate::search::{Candidate, SearchError, Searcher};

/// The candidates of the judged queries that can be asked.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// Each query's id and candidates, in the order of their ids.
    queries: Vec<(String, Vec<Candidate>)>,
}

impl Pool {
    /// Asks every judged query for candidates as deep as `depth`. Weights have no part in who is a candidate.
    ///
    /// # Errors
    /// The first error that is not a query's fault.
    pub async fn of(searcher: &Searcher, judgements: &Judgements, depth: usize) -> Result<Pool, SearchError> {
        let judged = |query: &&JudgedQuery| judgements.qrels.of(&query.id).is_some();
        let queries: Vec<JudgedQuery> = judgements.queries.iter().filter(judged).cloned().collect();
        let by_id = |mut candidates: Vec<Candidate>| {
            candidates.sort_unstable_by(|left, right| left.id.cmp(&right.id));
            candidates
        };
        let candidates = rank_all(searcher, &queries, depth, by_id).await?;
        let queries = queries.into_iter().zip(candidates);
        Ok(Pool { queries: queries.filter_map(|(query, candidates)| Some((query.id, candidates.ok()?))).collect() })
    }

    /// The rankings that these weights make, `depth` deep.
    pub fn run(&self, weights: &Weights, depth: usize) -> Run {
        let ranked: Vec<Vec<Scored>> = self
            .queries
            .par_iter()
            .map(|(_, candidates)| {
                let scored = |candidate: &Candidate| Scored {
                    member: candidate.id.clone(),
                    score: weights.match_of(&candidate.values),
                };
                candidates.iter().map(scored).collect()
            })
            .collect();
        let mut run = Run::default();
        for ((query, _), ranking) in self.queries.iter().zip(ranked) {
            run.insert(query, ranking);
        }
        run.cut(depth);
        run
    }

    /// What each query teaches of the members that are `within`: its candidates among them, and how good a ranking of
    /// them could be. Nothing of a query that has nobody relevant there.
    pub fn lessons(&self, judgements: &Judgements, within: impl Fn(&str) -> bool + Sync) -> Vec<Option<Lesson>> {
        let lesson = |(query, candidates): &(String, Vec<Candidate>)| {
            let grades = judgements.qrels.of(query)?;
            let relevant = grades.iter().filter(|(member, grade)| **grade > 0 && within(member));
            let mut ideal: Vec<i32> = relevant.map(|(_, grade)| *grade).collect();
            ideal.sort_unstable_by(|left, right| right.cmp(left));
            let candidates = candidates.iter().filter(|candidate| within(&candidate.id));
            let grade = |id: &str| grades.get(id).map_or(0.0, |grade| (*grade).max(0) as f32);
            let (values, grades) = candidates.map(|candidate| (candidate.values, grade(&candidate.id))).unzip();
            Lesson::new(values, grades, &ideal)
        };
        self.queries.par_iter().map(lesson).collect()
    }
}
