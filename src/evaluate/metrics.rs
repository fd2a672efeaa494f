//! Metrics of one query's ranking, as trec_eval computes them.
//!
//! These are our own because the crate for it, elinor 0.4, is not trec_eval where it matters here: it orders equal scores by
//! id ascending, where trec_eval does so descending and compares scores as 32-bit numbers, and it gives a query without
//! relevant members an nDCG of 1, where trec_eval gives 0. What would be left of it are the few lines below, for some
//! twenty more crates. `tests/trec.rs` compares these lines with pytrec_eval.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::run::Scored;

/// How good a ranking is, in [0, 1]. Relevant is who has a grade of 1 or more; who has no grade is not relevant. Where
/// nobody is relevant, every metric is 0 and counts as such in means, as with trec_eval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// nDCG@k: Σ grade / log2(rank + 1) over the first k, by the same sum of the best possible ranking (trec_eval's
    /// `ndcg_cut`; Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, with the discount
    /// of Burges et al., 2005).
    Ndcg(usize),
    /// One by the rank of the first relevant member (`recip_rank`).
    ReciprocalRank,
    /// The mean, over all relevant members, of the precision at the rank of each; 0 for one not found (`map`).
    AveragePrecision,
    /// The share of the relevant members who are among the first k (`recall`).
    Recall(usize),
    /// The number of relevant members among the first k, by k (`P`).
    Precision(usize),
    /// The share of the first k shown about whom nobody judged. Not a quality: it says how far the others can be
    /// trusted, since the unjudged count as not relevant.
    Unjudged(usize),
}

impl Metric {
    /// What is measured.
    pub const REPORTED: &'static [Metric] = &[
        Metric::Ndcg(10),
        Metric::ReciprocalRank,
        Metric::AveragePrecision,
        Metric::Recall(10),
        Metric::Recall(100),
        Metric::Precision(10),
        Metric::Unjudged(10),
    ];

    /// Whether more is better; it is neither better nor worse to show the unjudged.
    pub fn is_quality(self) -> bool {
        !matches!(self, Metric::Unjudged(_))
    }

    /// The metric of a ranking, best first, against the grades of the query's judged members.
    pub fn of(self, ranking: &[Scored], grades: &BTreeMap<String, i32>) -> f64 {
        let grade = |scored: &Scored| grades.get(&scored.member).copied();
        let relevant = |scored: &&Scored| grade(scored).is_some_and(|grade| grade > 0);
        let all_relevant = grades.values().filter(|grade| **grade > 0).count();
        let found = |k: usize| ranking.iter().take(k).filter(relevant).count() as f64;
        match self {
            Metric::Unjudged(k) => {
                let shown = ranking.len().min(k);
                let unjudged = ranking.iter().take(k).filter(|scored| grade(scored).is_none()).count();
                if shown == 0 { 0.0 } else { unjudged as f64 / shown as f64 }
            }
            _ if all_relevant == 0 => 0.0,
            Metric::Ndcg(k) => {
                let mut ideal: Vec<i32> = grades.values().copied().collect();
                ideal.sort_unstable_by(|left, right| right.cmp(left));
                dcg(ranking.iter().map(|scored| grade(scored).unwrap_or(0)), k) / dcg(ideal.into_iter(), k)
            }
            Metric::ReciprocalRank => {
                ranking.iter().position(|scored| relevant(&scored)).map_or(0.0, |at| 1.0 / (at + 1) as f64)
            }
            Metric::AveragePrecision => {
                let places = ranking.iter().enumerate().filter(|(_, scored)| relevant(scored)).map(|(at, _)| at + 1);
                let precisions = places.zip(1u32..).map(|(rank, found)| f64::from(found) / rank as f64);
                total(precisions) / all_relevant as f64
            }
            Metric::Recall(k) => found(k) / all_relevant as f64,
            Metric::Precision(k) => found(k) / k as f64,
        }
    }
}

/// Grades of zero and less gain nothing.
fn dcg(grades: impl Iterator<Item = i32>, k: usize) -> f64 {
    let gains = grades.take(k).zip(2u32..).filter(|(grade, _)| *grade > 0);
    total(gains.map(|(grade, place)| f64::from(grade) / f64::from(place).log2()))
}

/// The sum; of nothing it is 0, where the standard library's is −0.
fn total(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Metric::Ndcg(k) => format!("nDCG@{k}"),
            Metric::ReciprocalRank => "RR".into(),
            Metric::AveragePrecision => "MAP".into(),
            Metric::Recall(k) => format!("R@{k}"),
            Metric::Precision(k) => format!("P@{k}"),
            Metric::Unjudged(k) => format!("unjudged@{k}"),
        };
        f.pad(&name)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
