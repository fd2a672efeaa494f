//! The ranking alone, for measuring and tuning: ids, scores and values, with no records fetched and no reasons given;
//! and searchers that differ from another in one thing only.

use std::sync::Arc;

use super::query::Query;
use super::retrieve::{self, Source};
use super::weights::{Feature, Values, Weights};
use super::{SearchError, SearchRequest, Searcher};
use crate::config::Config;
use crate::member::Member;

/// A member as a ranking sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The community's own id.
    pub id: String,
    /// What the ranking is ordered by.
    pub score: f64,
    /// Every feature's value.
    pub values: Values,
}

impl Candidate {
    /// The value of one feature, in [0, 1].
    pub fn value(&self, feature: Feature) -> f32 {
        self.values[feature as usize]
    }
}

/// How much of what an exact scan of a facet finds the search of it finds too: recall@k in [0, 1], where k is the
/// number of candidates that each source may bring. Nothing where the facet is not searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FacetRecall {
    /// Of the facet `profile`.
    pub profile: Option<f64>,
    /// Of the facet `interests`.
    pub interests: Option<f64>,
}

impl Searcher {
    /// Everyone who was compared with the seeker, best first: `k` at least, where so many match, and as a rule some
    /// times as many. In the order of [`Searcher::search`], but as members were when the generation was built.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub async fn ranking(&self, request: SearchRequest) -> Result<Vec<Candidate>, SearchError> {
        self.check_whole()?;
        let query = Query::try_from(request)?;
        let seeker = self.seeker(&query).await?;
        let candidate = |ranked: super::Ranked| {
            let super::Ranked { slot, score, values } = ranked;
            Candidate { id: self.view.id(slot).to_owned(), score, values }
        };
        let (ranked, remote) = self.rank(&query, &seeker).await?;
        remote.whole()?;
        let (ranked, _) = self.both_ways(&query, &seeker, ranked, None).await?;
        Ok(ranked.into_iter().map(candidate).collect())
    }

    /// How well the facets are searched for a request, whatever is then made of the candidates. Compares every vector.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub async fn facet_recall(&self, request: SearchRequest) -> Result<FacetRecall, SearchError> {
        self.check_whole()?;
        let query = Query::try_from(request)?;
        let seeker = self.seeker(&query).await?;
        let allowed = self.allowed(&query, &seeker)?;
        let [profile, interests] = retrieve::recall(&self.view, &seeker, &allowed, &self.bounds(&query));
        Ok(FacetRecall { profile, interests })
    }

    /// The same searcher with other weights.
    pub fn with_weights(&self, weights: Weights) -> Searcher {
        self.with_config(Config { weights, ..Config::clone(&self.config) })
    }

    /// The same searcher with another pool for the walks (ef).
    pub fn with_ef(&self, ef: usize) -> Searcher {
        let mut config = Config::clone(&self.config);
        config.search.ef = ef;
        self.with_config(config)
    }

    /// The same searcher with other weights and options; those of the generation stay.
    pub(crate) fn with_config(&self, config: Config) -> Searcher {
        Searcher { config: Arc::new(config), ..self.clone() }
    }

    /// The same searcher with a source of candidates off.
    pub fn without(&self, source: Source) -> Searcher {
        let mut off = self.off.clone();
        off.extend(Some(source).filter(|source| !self.off.contains(source)));
        off.sort_unstable_by_key(|source| *source as u64);
        Searcher { off, ..self.clone() }
    }

    /// The weights that are searched with.
    pub fn weights(&self) -> &Weights {
        &self.config.weights
    }

    /// What an answer given now depends on, as [`super::Answer::state`] says it.
    ///
    /// # Errors
    /// [`SearchError::Store`].
    pub async fn state(&self) -> Result<String, SearchError> {
        Ok(self.state_at(self.store.size().await?.1))
    }

    /// What an answer depends on where nobody changes members but who keeps this searcher up.
    pub fn state_seen(&self) -> String {
        self.state_at(self.view.sequence())
    }

    /// What others may see of these members, those of them that are stored, in the order of their ids.
    ///
    /// # Errors
    /// [`SearchError::Store`].
    pub async fn members(&self, ids: &[&str]) -> Result<Vec<Member>, SearchError> {
        let (found, _) = self.store.members(ids).await?;
        let mut members: Vec<Member> = found.into_values().map(|stored| stored.member.public().into_owned()).collect();
        members.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        Ok(members)
    }
}
