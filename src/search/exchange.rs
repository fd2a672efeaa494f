//! Exchange: two people who each offer what the other seeks.
//!
//! The way there is the usual match. The way back is the same match with the roles turned: the candidate seeks, and the one
//! who asked is what is found. The score is the harmonic mean of both, as in reciprocal recommenders (Pizzato, Rej, Chung,
//! Koprinska and Kay, "RECON: a reciprocal recommender for online dating", RecSys 2010): it is never more than twice the
//! lesser of the two, so nothing that one gets makes up for the other's getting nothing.
//!
//! The way back is seen by the one who asks. So it rests on what both show to others, and not on what a candidate faces,
//! which is never shown to another member.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::answer::{Adjustment, Back};
use super::explain::Explainer;
use super::query::Query;
use super::records::Record;
use super::rerank::{self, Ranked};
use super::seeker::{Seeker, Unembedded};
use super::weights::{Feature, to_a_millionth};
use super::{SearchError, Searcher};
use crate::index::Slot;
use crate::member::Member;

/// So many are compared the other way at a time, the best one way first.
const AT_A_TIME: usize = 32;

/// What an exchange is worth: the harmonic mean of what each finds in the other.
pub(super) fn both_ways(there: f64, back: f64) -> f64 {
    if there > 0.0 && back > 0.0 { 2.0 * there * back / (there + back) } else { 0.0 }
}

/// What makes the score of an exchange of the score one way; nothing where both ways are worth the same.
pub(super) fn adjustment(there: f64, back: f64) -> Option<Adjustment> {
    let amount = to_a_millionth(both_ways(there, back) - there);
    let text = format!("You find {there:.3} in them and they {back:.3} in you; the score is the harmonic mean of both");
    (amount != 0.0).then(|| Adjustment { reason: "exchange".into(), amount, text })
}

/// Those whom a cohort's exchange is with, each as who seeks on the way back: made once for all who are compared with them.
pub(crate) struct Partners(Vec<Seeker>);

impl Partners {
    /// By number, in the order of their records.
    pub(super) fn of(searcher: &Searcher, records: &[Arc<Record>]) -> Partners {
        Partners(records.par_iter().map(|stored| searcher.turned(&stored.member)).collect())
    }

    /// The score of the way back from one of them to a stored member who asks.
    pub(super) fn back(&self, searcher: &Searcher, query: &Query, asker: &Record, slot: Slot, number: u32) -> f64 {
        searcher.way_back(query, asker, slot, &self.0[number as usize]).score
    }
}

impl Searcher {
    /// A ranking by both ways where the query asks for an exchange, and whether a record that was read for it is newer than the
    /// view. The first `k` are those of everyone ranked: the rest is left out once nobody in it can be among them, however much
    /// they find in the one who asks. With `also`, whether that member may be found or not, all are in it.
    pub(super) async fn both_ways(
        &self,
        query: &Query,
        seeker: &Seeker,
        ranked: Vec<Ranked>,
        also: Option<Slot>,
    ) -> Result<(Vec<Ranked>, bool), SearchError> {
        if !query.exchange {
            return Ok((ranked, false));
        }
        let slot = seeker.slot.ok_or_else(|| SearchError::Invalid {
            field: "exchange".into(),
            problem: format!(
                "member {:?} came after the index was opened; expected one who is in it",
                seeker.id.as_str()
            ),
        })?;
        // No value is above 1.
        let most: f64 = Feature::ALL.iter().map(|feature| f64::from(self.weights().of(*feature)) + 1e-6).sum();
        let mut rest = ranked.into_iter().peekable();
        let (mut turned, mut overtaken) = (Vec::new(), false);
        while let Some(best) = rest.peek().map(|ranked| both_ways(ranked.score, most) + 1e-6) {
            let last_shown = turned.get(query.k.get() - 1).map(|ranked: &Ranked| ranked.score);
            if also.is_none() && last_shown.is_some_and(|score| score > best) {
                break;
            }
            let next: Vec<Ranked> = rest.by_ref().take(AT_A_TIME).collect();
            let mut ids: Vec<&str> = next.iter().map(|ranked| self.view.id(ranked.slot)).collect();
            ids.push(seeker.id.as_str());
            let (records, _) = self.records(&ids).await?;
            let is_known = |id: &&str| records.get(*id).is_some_and(|stored| stored.change <= self.view.sequence());
            overtaken |= !ids.iter().all(is_known);
            let Some(asker) = records.get(seeker.id.as_str()) else {
                return Err(SearchError::NotAvailable(seeker.id.to_string()));
            };
            let turn = |ranked: Ranked| {
                let stored = records.get(self.view.id(ranked.slot))?;
                let wanted = Some(ranked.slot) == also || self.may_be_found(&stored.member, seeker, query);
                let back = wanted.then(|| self.way_back(query, asker, slot, &self.turned(&stored.member)))?;
                let score = to_a_millionth(both_ways(ranked.score, back.score));
                Some(Ranked { score, ..ranked })
            };
            turned.par_extend(next.into_par_iter().filter_map(turn));
            rerank::order(&mut turned, &self.view, query.seed());
        }
        Ok((turned, overtaken))
    }

    /// The way back of a hit, with its reasons where the query asks for them.
    pub(super) fn back(&self, query: &Query, stored: &Record, explainer: &Explainer<'_>) -> Option<Back> {
        let asked = explainer.comparison.seeker;
        let (slot, asker) = (asked.slot?, explainer.records.get(asked.id.as_str())?);
        let seeker = self.turned(&stored.member);
        let back = self.way_back(query, asker, slot, &seeker);
        if !query.explain {
            return Some(back);
        }
        let comparison = self.comparison(query, &seeker);
        let Explainer { encoder, records, .. } = *explainer;
        let explainer = Explainer { comparison: &comparison, encoder, records };
        let points_in_common = explainer.points(slot, asker, &back.contributions);
        Some(Back { points_in_common, ..back })
    }

    /// A candidate as the seeker of the way back: as others see them, without what they face.
    fn turned(&self, member: &Member) -> Seeker {
        let shown = Member { facing: Vec::new(), ..member.public().into_owned() };
        let unembedded = Unembedded::of_member(shown, &self.encoder, &self.view);
        // The stored vector of what somebody wants may hold what they face. Nobody's is used, or it would show whose does.
        let vectors: HashMap<_, _> = unembedded.wants_by_parts(&self.view).into_iter().collect();
        unembedded.embedded(&self.view, &vectors)
    }

    /// What the seeker of the way back finds in the one who asked, without reasons.
    fn way_back(&self, query: &Query, asker: &Record, slot: Slot, seeker: &Seeker) -> Back {
        let comparison = self.comparison(query, seeker);
        let values = comparison.values(&[slot])[0];
        let contributions = self.contributions(&Ranked { slot, score: 0.0, values }, asker);
        let match_ = rerank::sum(&contributions);
        let adjustment = query.outside_circle.adjustment(&comparison, slot, &contributions);
        let adjustments: Vec<Adjustment> = adjustment.into_iter().collect();
        let score = rerank::score(match_, &adjustments);
        Back { score, match_, contributions, adjustments, points_in_common: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_side_alone_is_no_exchange() {
        assert_eq!(both_ways(0.9, 0.0), 0.0);
        assert_eq!(both_ways(0.0, 0.0), 0.0);
        assert!((both_ways(0.6, 0.2) - 0.3).abs() < 1e-12);
        assert_eq!(adjustment(0.4, 0.4), None);
    }

    proptest! {
        #[test]
        fn an_exchange_is_worth_more_than_the_lesser_and_at_most_twice_as_much(there in 0.0f64..2.0, back in 0.0f64..2.0) {
            let worth = both_ways(there, back);
            let (lesser, greater) = (there.min(back), there.max(back));
            prop_assert!(worth >= lesser - 1e-12 && worth <= greater + 1e-12 && worth <= 2.0 * lesser);
            prop_assert_eq!(worth, both_ways(back, there));
        }
    }
}
