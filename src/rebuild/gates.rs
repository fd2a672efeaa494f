//! What must hold before a generation is shown to anyone.

use std::path::Path;

use super::{Night, Progress, RebuildError};
use crate::config::Config;
use crate::evaluate::{GateError, Worse, gate};
use crate::index::arrays::Damaged;
use crate::index::manifest::{Counts, Manifest};
use crate::index::{Snapshot, publish};
use crate::search::{SearchError, Searcher};

/// A gate that did not hold, and by how much.
#[derive(Debug, thiserror::Error)]
pub enum Gate {
    /// Too many are gone since the last generation.
    #[error(
        "only {left} {what} are left of the {before} in {generation}: that is {:.1} %, and rebuild.fewest_kept asks for \
         {:.1} %. If they are meant to be gone, run it with --accept-loss; if not, import them again",
        100.0 * *left as f64 / *before as f64, 100.0 * fewest_kept
    )]
    Loss {
        /// Members, or mentors who can be found.
        what: &'static str,
        /// How many there are now.
        left: u64,
        /// How many there were.
        before: u64,
        /// In which generation.
        generation: String,
        /// The least part of them that must be left.
        fewest_kept: f64,
    },
    /// Files do not read back as they were written.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// Members would not be found.
    #[error("{lost} of {nodes} vectors of the facet {facet} are not found by themselves")]
    Lost {
        /// The facet.
        facet: &'static str,
        /// Distinct vectors that a search for them does not find.
        lost: u64,
        /// All distinct vectors.
        nodes: u64,
    },
    /// Searches would find too little of what is there.
    #[error(
        "recall@10 of the facet {facet} is {recall:.3}; rebuild.lowest_recall asks for {lowest:.3}, {:.3} more",
        lowest - recall
    )]
    Recall {
        /// The facet.
        facet: &'static str,
        /// As audited.
        recall: f64,
        /// As configured.
        lowest: f64,
    },
    /// Matches may be worse than those of the live generation.
    #[error("matches on the judged queries of [rebuild.quality]: {0}")]
    Quality(#[from] Worse),
}

impl Night {
    /// A database that lost its members must not empty the search. Known as soon as they are counted: an hour of building
    /// would tell no more.
    pub(super) fn check_losses(&self, counts: &Counts) -> Result<(), RebuildError> {
        let Ok(live) = publish::open_current(&self.config.index) else { return Ok(()) };
        let (before, fewest_kept) = (&live.manifest.counts, self.config.rebuild.fewest_kept);
        for (what, left, before) in [
            ("members", counts.members, before.members),
            ("mentors who can be found", counts.findable, before.findable),
        ] {
            if (left as f64) < fewest_kept * before as f64 {
                let gate = Gate::Loss { what, left, before, generation: live.name(), fewest_kept };
                return Err(RebuildError::Gate { gate, staging: None });
            }
        }
        Ok(())
    }

    /// What was written reads back, everyone is found, and matches are no worse.
    pub(super) fn check_built(&self, manifest: &Manifest, staging: &Path) -> Result<(), RebuildError> {
        let failed = |gate: Gate| RebuildError::Gate { gate, staging: Some(staging.to_owned()) };
        let built = Snapshot::open(staging)?;
        built.verify().map_err(|damaged| failed(damaged.into()))?;
        let lowest = self.config.rebuild.lowest_recall;
        for (facet, report) in [("profile", &manifest.profile), ("interests", &manifest.interests)] {
            let (lost, nodes, recall) = (report.lost, report.nodes, report.recall_at_10);
            if lost > 0 {
                return Err(failed(Gate::Lost { facet, lost, nodes }));
            }
            if recall < lowest {
                return Err(failed(Gate::Recall { facet, recall, lowest }));
            }
        }
        match self.check_matches(built) {
            Err(GateError::Worse(worse)) => Err(failed(worse.into())),
            Err(GateError::Search(error)) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    /// Compares the matches with those of the live generation, where judgements are configured and there is one.
    fn check_matches(&self, built: Snapshot) -> Result<(), GateError> {
        let (Some(judgements), Some(quality)) = (&self.judgements, &self.config.rebuild.quality) else { return Ok(()) };
        let Ok(live) = publish::open_current(&self.config.index) else { return Ok(()) };
        (self.progress)(Progress::Comparing);
        let (live, built) = (self.searcher(live)?, self.searcher(built)?);
        let comparison = self.runtime.block_on(gate(&live, &built, judgements, quality.margin))?;
        tracing::info!(queries = comparison.queries, "matches are no worse");
        Ok(())
    }

    /// A searcher that shares the loaded model; of a generation of another model, one that loads that.
    fn searcher(&self, snapshot: Snapshot) -> Result<Searcher, SearchError> {
        let shares = snapshot.manifest.model.fingerprint == self.embedder.model().id();
        // Neither need be held by Milvus at this point.
        let config = Config { milvus: None, ..self.config.clone() };
        let searcher = Searcher::over(&config, self.store.clone(), snapshot);
        if shares { searcher.with_embedder(self.embedder.clone()) } else { Ok(searcher) }
    }
}
