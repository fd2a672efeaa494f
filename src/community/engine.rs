//! Having the vector engine hold what is served.

use std::sync::Arc;
use std::time::Duration;

use super::{Aside, Community};
use crate::index::publish;
use crate::search::Searcher;
use crate::store::fleet::Matter;

/// Between two looks at whether the vector engine holds what is served.
const PAUSE: Duration = Duration::from_secs(5);

impl Community {
    /// Has the vector engine hold the generation that is about to be served, where there is one, as soon as it answers. After a
    /// rebuild it does already.
    pub(super) fn hold(&self, searcher: &Searcher) {
        let Some(milvus) = searcher.milvus().map(Arc::clone) else { return };
        let (served, config) = (Arc::downgrade(searcher.snapshot()), self.config());
        let (building, aside) = (Arc::clone(&self.building), Arc::clone(&self.aside));
        let fleet = self.server.as_ref().map(|server| server.fleet.clone());
        tokio::spawn(async move {
            let mut held = false;
            // Until another one is served.
            while served.strong_count() > 0 {
                // It may have lost what it held.
                if !held || milvus.is_left_alone() {
                    // Who builds will be at it for long, and would keep others from filling.
                    if building.try_lock().is_err() {
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    // One server at a time fills.
                    let _turn = match &fleet {
                        Some(fleet) => match fleet.turn(Matter::Engine, Duration::ZERO).await {
                            Ok(turn) => Some(turn),
                            Err(error) => {
                                tracing::debug!(%error, "whether the vector engine holds the generation is seen later");
                                tokio::time::sleep(PAUSE).await;
                                continue;
                            }
                        },
                        None => None,
                    };
                    // A rebuild fills collections too, and whoever is forgotten is in none that is filled after that.
                    let _aside = Aside::of(&building, &aside).await;
                    let Some(snapshot) = served.upgrade() else { return };
                    if publish::find(&config.index, &snapshot.name()).is_none() {
                        return;
                    }
                    let done = milvus.hold(&snapshot, &config).await;
                    if let Err(error) = &done {
                        tracing::warn!(%error, "the vector engine does not hold the generation yet");
                    }
                    held = done.is_ok();
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
