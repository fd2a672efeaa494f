//! A model that is loaded when there is something to embed: loading takes longer than a night in which nothing changed.

use std::sync::{Arc, Mutex};

use super::{EmbedError, Embedder, Model, UnitVector};

/// Loads a model.
pub(super) type Load = Box<dyn Fn() -> Result<Arc<dyn Embedder>, EmbedError> + Send + Sync>;

/// An embedder that knows its model, and loads it with the first text.
pub(super) struct Deferred {
    model: Model,
    load: Load,
    loaded: Mutex<Option<Arc<dyn Embedder>>>,
}

impl Deferred {
    pub(super) fn new(model: Model, load: Load) -> Deferred {
        Deferred { model, load, loaded: Mutex::default() }
    }

    /// The loaded model. One that did not load is tried again with the next texts.
    fn loaded(&self) -> Result<Arc<dyn Embedder>, EmbedError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(embedder) = &*loaded {
            return Ok(Arc::clone(embedder));
        }
        Ok(Arc::clone(loaded.insert((self.load)()?)))
    }
}

impl Embedder for Deferred {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        if texts.is_empty() { Ok(Vec::new()) } else { self.loaded()?.embed(texts) }
    }
}
