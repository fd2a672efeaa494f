//! The nearest members by Milvus, where the configuration names one.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::query::Query;
use super::retrieve::{self, Source};
use super::seeker::{Seeker, Sought};
use super::view::FacetName;
use super::{SearchError, Searcher};
use crate::index::Slot;
use crate::milvus::{Milvus, MilvusError, Wanted, expression};

/// Whom a query's expression names at most who may not be found; the others are left out afterwards.
const MOST_LEFT_OUT: usize = 1_000;

/// What was found by Milvus.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// The members of the generation that are nearest by profile and by interests; nothing where Milvus was not to be asked.
    pub(super) near: Option<[Vec<Slot>; 2]>,
    /// Why it could not be asked.
    pub(super) lacking: Option<MilvusError>,
}

impl Remote {
    /// Refuses what is found without all sources.
    pub(super) fn whole(self) -> Result<Remote, SearchError> {
        match self.lacking {
            Some(error) => Err(error.into()),
            None => Ok(self),
        }
    }

    /// The sources that could not be asked.
    pub(super) fn degraded(&self) -> Vec<Source> {
        self.lacking.iter().flat_map(|_| [Source::Profile, Source::Interests]).collect()
    }
}

impl Searcher {
    /// The same searcher with a Milvus that others ask too.
    pub(crate) fn asking(self, milvus: Arc<Milvus>) -> Searcher {
        Searcher { milvus: Some(milvus), ..self }
    }

    /// The Milvus that is asked, where one is.
    pub(crate) fn milvus(&self) -> Option<&Arc<Milvus>> {
        self.milvus.as_ref()
    }

    /// Asks Milvus, where there is one and somebody is chosen at all.
    pub(super) async fn remote(
        &self,
        query: &Query,
        seeker: &Seeker,
        allowed: &FixedBitSet,
    ) -> Result<Remote, SearchError> {
        let bounds = self.bounds(query);
        let Some(milvus) = self.milvus.as_ref().filter(|_| retrieve::chooses(allowed, bounds.k)) else {
            return Ok(Remote::default());
        };
        let mut left_out: Vec<u32> =
            seeker.blocks.iter().chain(seeker.slot.iter().map(|slot| &slot.0)).copied().collect();
        left_out.extend(seeker.known.iter().filter(|_| query.known == super::Known::Exclude));
        let built = self.view.snapshot.columns.len() as u32;
        left_out.retain(|slot| *slot < built);
        left_out.truncate(MOST_LEFT_OUT);
        let (aliases, unchanged) = (self.encoder.aliases(), self.view.unchanged(allowed));
        let expression = expression(&query.filter, aliases, query.role(), &seeker.encoded, &left_out);
        let near = |name: FacetName, sought: &'_ Option<Sought>| {
            let wanted = sought.as_ref().map(|sought| sought.vector.to_vec());
            let (expression, bounds, unchanged) = (&expression, &bounds, &unchanged);
            async move {
                let Some(vector) = wanted else { return Ok(Vec::new()) };
                let (most, ef) = (bounds.most(), bounds.limits.ef);
                let wanted = Wanted { vector: &vector, expression, most, ef };
                // Milvus filters by what was so when the generation was built: of those who changed since it says nothing.
                let admits = |slot: Slot| unchanged.contains(slot.index());
                let snapshot = &self.view.snapshot;
                let facet = name.of(snapshot);
                let there = || unchanged.ones().filter(|slot| facet.row(Slot(*slot as u32)).is_some()).count();
                let mut near = milvus.near(&snapshot.manifest, name, &wanted, admits, there).await?;
                near.extend(self.view.changed_in_place(name, allowed));
                Ok(near)
            }
        };
        let (profile, interests) =
            tokio::join!(near(FacetName::Profile, &seeker.wants), near(FacetName::Interests, &seeker.interest),);
        match (profile, interests) {
            (Ok(profile), Ok(interests)) => Ok(Remote { near: Some([profile, interests]), lacking: None }),
            (Err(error), _) | (_, Err(error)) if milvus.may_lack() => {
                tracing::warn!(%error, "a search goes on without vectors");
                metrics::counter!("rapport_degraded_total").increment(1);
                Ok(Remote { near: Some(Default::default()), lacking: Some(error) })
            }
            (Err(error), _) | (_, Err(error)) => Err(error.into()),
        }
    }
}
