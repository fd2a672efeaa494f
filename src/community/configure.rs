//! Going on with another configuration.

use std::sync::{Arc, PoisonError};

use super::{Community, CommunityError};
use crate::config::Config;

impl Community {
    /// The configuration, as it was last read.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes on with another configuration: weights and options of the search at once, those of rebuilds with the next one.
    ///
    /// # Errors
    /// [`CommunityError::Fixed`] names what cannot change.
    pub async fn reconfigure(&self, config: Config) -> Result<(), CommunityError> {
        self.check_fixed(&config)?;
        let _changing = self.changing.lock().await;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config.clone());
        if let Ok(searcher) = self.searcher() {
            self.serve(Some(searcher.with_config(config)));
        }
        // Not every option is a part of the state.
        self.answers.begin_anew();
        Ok(())
    }

    /// Refuses another configuration that differs in what cannot change.
    ///
    /// # Errors
    /// [`CommunityError::Fixed`].
    pub fn check_fixed(&self, config: &Config) -> Result<(), CommunityError> {
        let before = self.config();
        for (option, same) in [
            ("index", before.index == config.index),
            ("models", before.models == config.models),
            ("store", before.store == config.store),
            ("model", before.model == config.model),
            ("milvus", before.milvus == config.milvus),
        ] {
            if !same {
                return Err(CommunityError::Fixed(option));
            }
        }
        Ok(())
    }
}
