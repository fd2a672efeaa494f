//! Why a mentor is found for somebody, or why not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Hit;
use super::explain::Explainer;
use super::filter::Filter;
use super::query::{Known, Query, SearchRequest};
use super::seeker::Seeker;
use super::weights::Feature;
use super::{Bounds, SearchError, Searcher, retrieve};
use crate::index::Slot;
use crate::index::columns::flag;
use crate::member::MemberId;

/// One mentor, as a search sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// What the answer depends on.
    pub state: String,
    /// Whether the search shows them: nothing stands in the way, and their rank is within `k`.
    pub found: bool,
    /// Whether they were among those compared, rather than only now because they are asked about.
    pub compared: bool,
    /// How many were compared.
    pub candidates: usize,
    /// What stands in the way; all of it.
    pub obstacles: Vec<Obstacle>,
    /// Their match with its reasons, and the rank that they have, or would have if nothing stood in the way. Absent for
    /// somebody unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit: Option<Hit>,
    /// What weighs something and counted nothing: it is absent on either side, or they do not share it.
    pub nothing_in: Vec<Feature>,
}

/// Why somebody cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Obstacle {
    /// Nobody of the id is stored.
    Unknown,
    /// They are not of age, or do not say so where they have to.
    Minor,
    /// They are paused.
    Paused,
    /// One of the two blocks the other.
    Blocked,
    /// They are the one who seeks.
    Themselves,
    /// They do not have the role that is sought.
    Role,
    /// They are a friend or a colleague already, and those are left out.
    Known,
    /// They do not match a filter.
    Filter {
        /// Its field.
        field: String,
    },
}

impl Obstacle {
    /// In a few words.
    pub fn said(&self) -> String {
        let said = match self {
            Obstacle::Unknown => "nobody of this id is stored",
            Obstacle::Minor => "not of age, or not saying so",
            Obstacle::Paused => "paused",
            Obstacle::Blocked => "one of the two blocks the other",
            Obstacle::Themselves => "the one who seeks",
            Obstacle::Role => "without the role that is sought",
            Obstacle::Known => "known already",
            Obstacle::Filter { field } => return format!("left out by the filter {field}"),
        };
        said.to_owned()
    }

    /// Whether it is nobody's business: to other members these are one answer, that the member is not available.
    pub fn is_confidential(&self) -> bool {
        matches!(self, Obstacle::Unknown | Obstacle::Minor | Obstacle::Paused | Obstacle::Blocked)
    }
}

impl Searcher {
    /// Why a search finds a mentor, or why not. Names what only a manager may know: see [`Obstacle::is_confidential`].
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub async fn why(&self, request: SearchRequest, mentor: &MemberId) -> Result<Why, SearchError> {
        Ok(self.why_at_once(request, mentor).await?.0)
    }

    /// As [`Searcher::why`], and whether a record that it needed is newer than the view, or gone.
    pub(super) async fn why_at_once(
        &self,
        request: SearchRequest,
        mentor: &MemberId,
    ) -> Result<(Why, bool), SearchError> {
        self.check_whole()?;
        let query = Query::try_from(request)?;
        if query.weights.is_empty() {
            return self.why_of(&query, mentor).await;
        }
        self.with_weights(query.weights(self.weights())).why_of(&query, mentor).await
    }

    async fn why_of(&self, query: &Query, mentor: &MemberId) -> Result<(Why, bool), SearchError> {
        let seeker = self.seeker(query).await?;
        let allowed = self.allowed(query, &seeker)?;
        let remote = self.remote(query, &seeker, &allowed).await?.whole()?;
        let bounds = Bounds { near: remote.near.as_ref(), ..self.bounds(query) };
        let mut candidates = retrieve::candidates(&self.view, &seeker, &allowed, &bounds);
        let mut why = Why {
            state: self.state_at(self.view.sequence()),
            found: false,
            compared: false,
            candidates: candidates.len(),
            obstacles: vec![Obstacle::Unknown],
            hit: None,
            nothing_in: Vec::new(),
        };
        let Some(slot) = self.view.slot(mentor.as_str()).filter(|_| self.holds(mentor.as_str())) else {
            return Ok((why, false));
        };
        why.compared = candidates.contains(&slot);
        if !why.compared {
            candidates.push(slot);
        }
        let comparison = self.comparison(query, &seeker);
        let ranked = self.reranked(query, &seeker, &candidates, bounds.seed);
        let (ranked, mut overtaken) = self.both_ways(query, &seeker, ranked, Some(slot)).await?;
        let Some(at) = ranked.iter().position(|ranked| ranked.slot == slot) else { return Ok((why, overtaken)) };
        let mut ids: Vec<&str> = comparison.named_in_reasons(slot).chain([mentor.as_str()]).collect();
        ids.extend(query.exchange.then_some(seeker.id.as_str()));
        ids.sort_unstable();
        ids.dedup();
        let (records, _) = self.records(&ids).await?;
        let is_known = |id: &&str| records.get(*id).is_some_and(|stored| stored.change <= self.view.sequence());
        overtaken |= !ids.iter().all(is_known);
        let Some(stored) = records.get(mentor.as_str()) else { return Ok((why, overtaken)) };
        why.obstacles = self.obstacles(query, &seeker, slot, self.is_adult(&stored.member))?;
        let explainer = Explainer { comparison: &comparison, encoder: &self.encoder, records: &records };
        let hit = Hit { rank: at + 1, ..self.hit(query, &ranked[at], stored, &explainer) };
        let counted = |feature: &Feature| hit.contributions.iter().any(|contribution| contribution.feature == *feature);
        // That people know one another counts only where it may.
        let knowing = |feature: &Feature| matches!(feature, Feature::AlreadyFriend | Feature::AlreadyColleague);
        let asked = |feature: &&Feature| query.known == Known::Include || !knowing(feature);
        let weighs = Feature::ALL.iter().filter(asked).filter(|feature| self.weights().of(**feature) > 0.0);
        why.nothing_in = weighs.filter(|feature| !counted(feature)).copied().collect();
        why.found = why.obstacles.is_empty() && why.compared && hit.rank <= query.k.get();
        why.hit = Some(hit);
        Ok((why, overtaken))
    }

    fn obstacles(&self, query: &Query, seeker: &Seeker, slot: Slot, adult: bool) -> Result<Vec<Obstacle>, SearchError> {
        let flags = self.view.flags(slot);
        let themselves = seeker.slot == Some(slot);
        let known = query.known == Known::Exclude && seeker.known.contains(&slot.0);
        let mut obstacles: Vec<Obstacle> = [
            (flags & flag::ADULT == 0 || !adult, Obstacle::Minor),
            (flags & flag::PAUSED != 0 && !query.filter.paused, Obstacle::Paused),
            (seeker.blocks.contains(&slot.0), Obstacle::Blocked),
            (themselves, Obstacle::Themselves),
            (query.role().is_some_and(|role| flags & flag::of(role) == 0), Obstacle::Role),
            (known && !themselves, Obstacle::Known),
        ]
        .into_iter()
        .filter_map(|(stands, obstacle)| stands.then_some(obstacle))
        .collect();
        // Filters choose among those of age.
        if flags & flag::ADULT != 0 {
            for (field, condition) in query.filter.conditions() {
                let alone = Filter { paused: true, ..condition };
                if !self.matching(&alone, None, seeker)?.contains(slot.index()) {
                    obstacles.push(Obstacle::Filter { field: field.to_owned() });
                }
            }
        }
        Ok(obstacles)
    }
}
