//! What it costs to look outside the circle: at each setting of the dial, how many of those shown are outside it, and how
//! good the matches are.

use serde::Serialize;

use super::SHOWN;
use super::compare::{Compared, compare};
use super::judgements::{JudgedQuery, Judgements};
use super::measure::rank_all;
use super::metrics::Metric;
use super::run::{Run, Scored};
use super::significance::{Estimate, bootstrap_mean, holm};
use crate::search::weights::Feature;
use crate::search::{Candidate, SearchError, SearchRequest, Searcher};

/// The part of what the circle can add to a match up to which somebody is outside it: a distance leaves a trace of itself
/// for a thousand kilometres, and whoever lives a hundred and fifty away is of no circle.
const TRACE: f64 = 0.005;

/// Rankings with one setting of the dial (`outside_circle`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtDial {
    /// The setting.
    pub dial: f64,
    /// The share of the first ten who are outside the seeker's circle, over the queries: what they share of it adds no more
    /// to the match than 0.5 % of what it can add.
    pub outside: Estimate,
    /// The mean match of the first ten, what is of the circle included.
    #[serde(rename = "match")]
    pub match_: f64,
    /// nDCG@10 at dial 0 and at this setting, paired; the p of Holm is over all settings but 0.
    pub ndcg: Compared,
}

/// Asks every judged query at each setting, and at 0 in any case, which comes first.
///
/// # Errors
/// [`SearchError::Invalid`] where a setting is not from 0 to 1; the first error that is not a query's fault.
pub async fn outside_circle(
    searcher: &Searcher,
    judgements: &Judgements,
    dials: &[f64],
) -> Result<Vec<AtDial>, SearchError> {
    if let Some(dial) = dials.iter().find(|dial| !(0.0..=1.0).contains(*dial)) {
        return Err(SearchError::Invalid {
            field: "outside_circle".into(),
            problem: format!("is {dial}; expected 0 to 1"),
        });
    }
    let mut dials = [&[0.0], dials].concat();
    dials.sort_unstable_by(f64::total_cmp);
    dials.dedup_by(|right, left| right == left);
    let judged = |query: &&JudgedQuery| judgements.qrels.of(&query.id).is_some();
    let queries: Vec<JudgedQuery> = judgements.queries.iter().filter(judged).cloned().collect();
    let mut ranked = Vec::with_capacity(dials.len());
    for dial in &dials {
        ranked.push(at(searcher, &queries, *dial).await?);
    }
    let Some((before, ..)) = ranked.first() else { return Ok(Vec::new()) };
    let compared = dials.iter().zip(&ranked).filter_map(|(dial, (run, outside, matches))| {
        let ndcg = *compare(judgements, before, run).of(Metric::Ndcg(SHOWN))?;
        let match_ = matches.iter().sum::<f64>() / matches.len().max(1) as f64;
        Some(AtDial { dial: *dial, outside: bootstrap_mean(outside), match_, ndcg })
    });
    let mut compared: Vec<AtDial> = compared.collect();
    let corrected = holm(&compared.iter().skip(1).map(|at| at.ndcg.p).collect::<Vec<_>>());
    for (at, p_holm) in compared.iter_mut().skip(1).zip(corrected) {
        at.ndcg.p_holm = p_holm;
    }
    Ok(compared)
}

/// The rankings at one setting; of each query that finds somebody the share of those shown who are outside the circle, and
/// their mean match.
async fn at(searcher: &Searcher, queries: &[JudgedQuery], dial: f64) -> Result<(Run, Vec<f64>, Vec<f64>), SearchError> {
    let turned = |query: &JudgedQuery| JudgedQuery {
        request: SearchRequest { outside_circle: Some(dial), ..query.request.clone() },
        ..query.clone()
    };
    let queries: Vec<JudgedQuery> = queries.iter().map(turned).collect();
    let weights = searcher.weights().clone();
    let of_circle = Feature::ALL.iter().filter(|feature| feature.is_of_circle());
    let trace = TRACE * of_circle.map(|feature| f64::from(weights.of(*feature))).sum::<f64>();
    let keep = move |mut candidates: Vec<Candidate>| {
        candidates.truncate(SHOWN);
        let mean = |value: &dyn Fn(&Candidate) -> f64| {
            (!candidates.is_empty()).then(|| candidates.iter().map(value).sum::<f64>() / candidates.len() as f64)
        };
        let outside = mean(&|shown| f64::from(u8::from(weights.circle_of(&shown.values) <= trace)));
        let match_ = mean(&|shown| weights.match_of(&shown.values));
        let scored: Vec<Scored> =
            candidates.into_iter().map(|Candidate { id, score, .. }| Scored { member: id, score }).collect();
        (scored, outside, match_)
    };
    let (mut run, mut outside, mut matches) = (Run::default(), Vec::new(), Vec::new());
    let rankings = rank_all(searcher, &queries, SHOWN, keep).await?;
    for (query, ranking) in queries.iter().zip(rankings) {
        // One that cannot be asked is named by the evaluation that this is a part of.
        let Ok((ranking, of_outside, of_match)) = ranking else { continue };
        run.insert(&query.id, ranking);
        outside.extend(of_outside);
        matches.extend(of_match);
    }
    Ok((run, outside, matches))
}
