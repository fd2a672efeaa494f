//! What each part of a match is worth: the rankings with one feature, one facet or one source of candidates off, against
//! those with all of them.

use serde::Serialize;

use super::compare::{Compared, compare};
use super::judgements::Judgements;
use super::measure::rank_queries;
use super::metrics::Metric;
use super::pool::Pool;
use super::run::Run;
use super::significance::holm;
use crate::search::weights::{Feature, Weights};
use crate::search::{SearchError, Searcher, Source};

/// What is left without one part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ablated {
    /// What is off: `feature profession`, `facet profile`, `source social`.
    pub off: String,
    /// nDCG@10 with everything and without it; the p of Holm is over all parts.
    pub ndcg: Compared,
    /// R@100 likewise. A feature has no part in who is a candidate.
    pub recall: Compared,
}

/// The facets: their source of candidates, and the feature that looks at their vectors.
const FACETS: [(&str, Source, Feature); 2] = [
    ("facet profile", Source::Profile, Feature::ProfileSimilarity),
    ("facet interests", Source::Interests, Feature::InterestSimilarity),
];

/// Turns off one part after the other. Features that weigh nothing, and those without which nothing changes, are left
/// out.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn ablate(searcher: &Searcher, judgements: &Judgements, depth: usize) -> Result<Vec<Ablated>, SearchError> {
    let pool = Pool::of(searcher, judgements, depth).await?;
    let weights = searcher.weights();
    let whole = pool.run(weights, depth);
    let mut without: Vec<(String, Run)> = Feature::ALL
        .iter()
        .filter(|feature| weights.of(**feature) > 0.0)
        .map(|feature| (format!("feature {}", feature.name()), pool.run(&off(weights, *feature), depth)))
        .collect();
    for (name, source, feature) in FACETS {
        let searcher = searcher.with_weights(off(weights, feature)).without(source);
        without.push((name.to_owned(), rank_queries(&searcher, judgements, depth).await?.0));
    }
    for source in Source::ALL {
        let (run, _) = rank_queries(&searcher.without(*source), judgements, depth).await?;
        without.push((format!("source {}", source.name()), run));
    }
    let ablated = without.into_iter().filter_map(|(off, run)| {
        let comparison = compare(judgements, &whole, &run);
        let (ndcg, recall) = (*comparison.of(Metric::Ndcg(10))?, *comparison.of(Metric::Recall(100))?);
        let changes = |compared: Compared| compared.wins + compared.losses > 0;
        (changes(ndcg) || changes(recall)).then_some(Ablated { off, ndcg, recall })
    });
    let mut ablated: Vec<Ablated> = ablated.collect();
    let by_ndcg = holm(&ablated.iter().map(|ablated| ablated.ndcg.p).collect::<Vec<_>>());
    let by_recall = holm(&ablated.iter().map(|ablated| ablated.recall.p).collect::<Vec<_>>());
    for ((ablated, by_ndcg), by_recall) in ablated.iter_mut().zip(by_ndcg).zip(by_recall) {
        (ablated.ndcg.p_holm, ablated.recall.p_holm) = (by_ndcg, by_recall);
    }
    Ok(ablated)
}

fn off(weights: &Weights, feature: Feature) -> Weights {
    weights.clone().with(feature, 0.0)
}
