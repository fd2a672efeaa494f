//! The best of a ranking in the words of their records.

use super::answer::{Adjustment, Answer, Contribution, Hit, HitMember};
use super::exchange;
use super::explain::Explainer;
use super::query::Query;
use super::records::Record;
use super::rerank::{self, Ranked};
use super::seeker::Seeker;
use super::{SearchError, Searcher};
use crate::member::{Member, MemberId};

impl Searcher {
    /// The best `k` in the words of their records, and whether one of these, or as `overtaken` says one read before, is newer
    /// than the view. A member whose record changed since the generation was built and who may no longer be found is passed
    /// over for the next.
    pub(super) async fn respond(
        &self,
        query: &Query,
        seeker: &Seeker,
        ranked: Vec<Ranked>,
        mut overtaken: bool,
    ) -> Result<(Answer, bool), SearchError> {
        let comparison = self.comparison(query, seeker);
        let mut hits = Vec::with_capacity(query.k.get());
        let mut rest = ranked.into_iter().peekable();
        let last_change = loop {
            let next: Vec<Ranked> = rest.by_ref().take(query.k.get() - hits.len()).collect();
            let mut ids: Vec<&str> = next.iter().map(|ranked| self.view.id(ranked.slot)).collect();
            if query.explain {
                ids.extend(next.iter().flat_map(|ranked| comparison.named_in_reasons(ranked.slot)));
            }
            ids.extend(query.exchange.then_some(seeker.id.as_str()));
            ids.sort_unstable();
            ids.dedup();
            let (records, last_change) = self.records(&ids).await?;
            let is_known = |id: &&str| records.get(*id).is_some_and(|stored| stored.change <= self.view.sequence());
            overtaken |= !ids.iter().all(is_known);
            let explainer = Explainer { comparison: &comparison, encoder: &self.encoder, records: &records };
            for ranked in next {
                let stored = records.get(self.view.id(ranked.slot));
                let Some(stored) = stored.filter(|stored| self.may_be_found(&stored.member, seeker, query)) else {
                    continue;
                };
                hits.push(self.hit(query, &ranked, stored, &explainer));
            }
            if hits.len() == query.k.get() || rest.peek().is_none() {
                break last_change;
            }
        };
        hits.sort_by(|left, right| right.score.total_cmp(&left.score));
        for (at, hit) in hits.iter_mut().enumerate() {
            hit.rank = at + 1;
        }
        let state = self.state_at(if overtaken { last_change } else { self.view.sequence() });
        let no_good_mentor = self.no_good_mentor(query, seeker, &hits, rest)?;
        Ok((Answer { state, hits, no_good_mentor, degraded: Vec::new() }, overtaken))
    }

    /// A member of a ranking as a hit, with its reasons where the query asks for them.
    pub(super) fn hit(&self, query: &Query, ranked: &Ranked, stored: &Record, explainer: &Explainer<'_>) -> Hit {
        let contributions = self.contributions(ranked, stored);
        let match_ = rerank::sum(&contributions);
        let adjustment = query.outside_circle.adjustment(explainer.comparison, ranked.slot, &contributions);
        let of_epoch = self.epoch_of(query).of(self.view.id(ranked.slot)).iter().cloned();
        let mut adjustments: Vec<Adjustment> = adjustment.into_iter().chain(of_epoch).collect();
        let back = query.exchange.then(|| self.back(query, stored, explainer)).flatten();
        if let Some(back) = &back {
            adjustments.extend(exchange::adjustment(rerank::score(match_, &adjustments), back.score));
        }
        let member = stored.member.public();
        let points = query.explain.then(|| explainer.points(ranked.slot, stored, &contributions));
        Hit {
            rank: 0,
            score: rerank::score(match_, &adjustments),
            match_,
            points_in_common: points.unwrap_or_default(),
            contributions,
            adjustments,
            member: HitMember::of(&member),
            back,
        }
    }

    /// What a member's values contribute, but for what they made private since the view was made.
    pub(super) fn contributions(&self, ranked: &Ranked, stored: &Record) -> Vec<Contribution> {
        let mut contributions = ranked.contributions(&self.config.weights);
        if stored.change > self.view.sequence() {
            let hidden = |field: &&str| stored.member.keeps_private(field);
            contributions.retain(|contribution| !contribution.feature.fields().iter().any(hidden));
        }
        contributions
    }

    /// What an answer depends on, where the last change seen is the given one.
    pub(super) fn state_at(&self, last_change: u64) -> String {
        let changes = last_change.saturating_sub(self.view.snapshot.manifest.sequence);
        let mut options = vec![self.config.search.ef as u64, self.config.search.candidates as u64];
        options.push(u64::from(self.config.members.adult_when_absent));
        options.extend(self.milvus.iter().map(|_| u64::MAX));
        options.extend(self.off.iter().map(|source| *source as u64));
        for (at, (_, threshold)) in self.config.programme.good_match.all().into_iter().enumerate() {
            options.extend(threshold.into_iter().flat_map(|match_| [at as u64, match_.to_bits()]));
        }
        format!(
            "{}+{changes}.{}.{}",
            self.view.snapshot.name(),
            self.epoch.number(),
            self.config.weights.hash(&options)
        )
    }

    /// Whether the record, as it is now, is of somebody who may be found.
    pub(super) fn may_be_found(&self, record: &Member, seeker: &Seeker, query: &Query) -> bool {
        let blocks = |id: &MemberId| record.blocks.contains(id) || seeker.blocked.contains(&record.id);
        let has_role = query.role().is_none_or(|role| record.is(role));
        has_role && self.is_adult(record) && (query.filter.paused || !record.paused) && !blocks(&seeker.id)
    }
}
