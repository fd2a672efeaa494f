//! What a budget of attention gives and costs: how evenly mentors are shown with it, and how good matches stay.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::SHOWN;
use super::compare::Compared;
use super::exposure::exposure;
use super::judgements::{JudgedQuery, Judgements};
use super::measure::rank_all;
use super::metrics::Metric;
use super::run::Scored;
use super::significance::{bootstrap_mean, holm, randomisation_test};
use crate::index::Slot;
use crate::programme::{Attention, over_budget};
use crate::search::{Candidate, SearchError, Searcher};

/// Days that are played: on the first nothing is known yet, and it is not measured.
const DAYS: usize = 8;

/// Times a day at which it is worked out anew what is over the budget.
const HOURS: usize = 24;

/// How mentors are shown with one setting (`programme.steering.exposure`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtBudget {
    /// The setting.
    pub exposure: f64,
    /// The Gini coefficient of how the first ten are shared out over a week.
    pub gini: f64,
    /// The part of the mentors who are shown at least once.
    pub coverage: f64,
    /// The part of all that is shown that goes to the tenth of the mentors who are shown most.
    pub top_tenth: f64,
    /// nDCG@10 without and with it, the mean of the week for each query, paired; the p of Holm is over all settings but 0.
    pub ndcg: Compared,
}

/// A query's candidates, best first: each by its number among the mentors, with its score.
type Ranking = Vec<(usize, f64)>;

/// Plays a week in which every judged query is asked once a day, in their order, at each setting, and at 0 in any case, which
/// comes first: what is shown is counted, and each hour what is over the budget is taken off. Nobody asks anybody, and
/// `places` says how many each mentor has.
///
/// # Errors
/// [`SearchError::Invalid`] where a setting is not from 0 to 1; the first error that is not a query's fault.
pub async fn budget(
    searcher: &Searcher,
    judgements: &Judgements,
    settings: &[f64],
    places: impl Fn(Slot) -> u32,
) -> Result<Vec<AtBudget>, SearchError> {
    if let Some(wrong) = settings.iter().find(|setting| !(0.0..=1.0).contains(*setting)) {
        let problem = format!("is {wrong}; expected 0 to 1");
        return Err(SearchError::Invalid { field: "exposure".into(), problem });
    }
    let mut settings = [&[0.0], settings].concat();
    settings.sort_unstable_by(f64::total_cmp);
    settings.dedup_by(|right, left| right == left);
    let judged = |query: &&JudgedQuery| judgements.qrels.of(&query.id).is_some();
    let queries: Vec<JudgedQuery> = judgements.queries.iter().filter(judged).cloned().collect();
    let snapshot = searcher.snapshot();
    let mut mentors: Vec<String> = Vec::new();
    let mut number: HashMap<String, usize> = HashMap::new();
    let mut free: Vec<u32> = Vec::new();
    for slot in snapshot.findable.ones().map(|slot| Slot(slot as u32)) {
        number.insert(snapshot.columns.id(slot).to_owned(), mentors.len());
        mentors.push(snapshot.columns.id(slot).to_owned());
        free.push(places(slot));
    }
    let keep = |candidates: Vec<Candidate>| {
        candidates.into_iter().map(|Candidate { id, score, .. }| (id, score)).collect::<Vec<_>>()
    };
    let mut asked: Vec<(&JudgedQuery, Ranking)> = Vec::new();
    for (query, ranked) in queries.iter().zip(rank_all(searcher, &queries, SHOWN, keep).await?) {
        // One that cannot be asked is named by the evaluation that this is a part of.
        let Ok(ranked) = ranked else { continue };
        let known = ranked.into_iter().filter_map(|(id, score)| Some((number.get(&id).copied()?, score)));
        asked.push((query, known.collect()));
    }
    let findable: Vec<&str> = mentors.iter().map(String::as_str).collect();
    let grades: Vec<&BTreeMap<String, i32>> =
        asked.iter().filter_map(|(query, _)| judgements.qrels.of(&query.id)).collect();
    let rankings: Vec<&Ranking> = asked.iter().map(|(_, ranking)| ranking).collect();
    let mut before: Vec<f64> = Vec::new();
    let mut all = Vec::with_capacity(settings.len());
    for setting in settings {
        let week = play(&rankings, &free, setting);
        let named: Vec<Vec<String>> =
            week.iter().map(|(_, shown)| shown.iter().map(|mentor| mentors[*mentor].clone()).collect()).collect();
        let shared = exposure(named.iter().map(Vec::as_slice), SHOWN, &findable, &[], |_, _| Vec::new());
        let mut ndcg = vec![0.0; rankings.len()];
        for ((query, _), shown) in week.iter().zip(&named) {
            let ranking: Vec<Scored> = shown.iter().map(|id| Scored { member: id.clone(), score: 0.0 }).collect();
            ndcg[*query] += Metric::Ndcg(SHOWN).of(&ranking, grades[*query]) / (DAYS - 1) as f64;
        }
        if before.is_empty() {
            before.clone_from(&ndcg);
        }
        all.push(AtBudget {
            exposure: setting,
            gini: shared.gini,
            coverage: shared.coverage,
            top_tenth: shared.top_tenth,
            ndcg: compared(&before, &ndcg),
        });
    }
    let corrected = holm(&all.iter().skip(1).map(|at| at.ndcg.p).collect::<Vec<_>>());
    for (at, p_holm) in all.iter_mut().skip(1).zip(corrected) {
        at.ndcg.p_holm = p_holm;
    }
    Ok(all)
}

/// The week: which query was asked, and who was shown, in order.
fn play(rankings: &[&Ranking], free: &[u32], setting: f64) -> Vec<(usize, Vec<usize>)> {
    let mut attention: Vec<Attention> =
        free.iter().map(|places| Attention { places: *places, ..Attention::default() }).collect();
    let places = free.iter().map(|places| u64::from(*places)).sum();
    let mut taken_off = vec![0.0; free.len()];
    let mut week = Vec::with_capacity(rankings.len() * (DAYS - 1));
    let an_hour = rankings.len().div_ceil(HOURS).max(1);
    // What was shown a week ago does not count any more.
    let mut days: Vec<Vec<u64>> = Vec::new();
    for day in 0..DAYS {
        days.push(vec![0; free.len()]);
        if let Some(past) = day.checked_sub(DAYS - 1) {
            attention.iter_mut().zip(&days[past]).for_each(|(of, shown)| of.shown -= shown);
        }
        for (at, ranking) in rankings.iter().enumerate() {
            if at % an_hour == 0 && setting > 0.0 {
                let over = over_budget(setting, &attention, places);
                taken_off = over.into_iter().map(|over| over.map_or(0.0, |over| over.amount)).collect();
            }
            let mut steered: Vec<(usize, f64)> =
                ranking.iter().map(|(mentor, score)| (*mentor, score + taken_off[*mentor])).collect();
            steered.sort_by(|left, right| right.1.total_cmp(&left.1));
            let shown: Vec<usize> = steered.iter().take(SHOWN).map(|(mentor, _)| *mentor).collect();
            for mentor in &shown {
                attention[*mentor].shown += 1;
                days[day][*mentor] += 1;
            }
            if day > 0 {
                week.push((at, shown));
            }
        }
    }
    week
}

fn compared(before: &[f64], after: &[f64]) -> Compared {
    let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let p = randomisation_test(&differences);
    Compared {
        metric: Metric::Ndcg(SHOWN),
        before: mean(before),
        after: mean(after),
        difference: bootstrap_mean(&differences),
        p,
        p_holm: p,
        wins: differences.iter().filter(|difference| **difference > 0.0).count(),
        losses: differences.iter().filter(|difference| **difference < 0.0).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fifty who all find the same mentors best, by a little.
    fn alike(gap: f64) -> Ranking {
        (0..40).map(|mentor| (mentor, 1.0 - gap * mentor as f64)).collect()
    }

    fn shown_of(rankings: &[&Ranking], setting: f64) -> Vec<usize> {
        let mut shown = vec![0; 40];
        for (_, mentors) in play(rankings, &[1; 40], setting) {
            mentors.into_iter().for_each(|mentor| shown[mentor] += 1);
        }
        shown
    }

    #[test]
    fn attention_is_shared_among_equals_and_never_costs_more_than_the_most() {
        let ranking = alike(0.001);
        let rankings = vec![&ranking; 50];
        let before = shown_of(&rankings, 0.0);
        assert_eq!((before[0], before[9], before[10]), (350, 350, 0));
        let after = shown_of(&rankings, 0.1);
        assert_eq!(after.iter().sum::<usize>(), 3_500);
        assert!(after.iter().all(|shown| *shown < 140) && after[..30].iter().all(|shown| *shown > 80), "{after:?}");
        // Whoever is better by more than that is shown as before.
        let apart = alike(0.2);
        assert_eq!(shown_of(&vec![&apart; 50], 0.1), before);
    }
}
