//! Keeping up with the members' database: what changed since the generation was built, embedded and laid over it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::overlay::Arrival;
use super::{SearchError, SearchRequest, Searcher};
use crate::embed::{Embedder, UnitVector};
use crate::index::encode::Encoded;
use crate::member::fold::Key;
use crate::member::{Member, MemberId};
use crate::store::Changes;

/// Texts embedded at once: what was embedded is kept before the next ones are.
const WINDOW: usize = 1_024;

/// From so many changes on, searches get noticeably slower, and a rebuild is overdue.
const MANY: usize = 20_000;

impl Searcher {
    /// The same searcher with every change that the database has by now.
    ///
    /// # Errors
    /// [`SearchError::OlderDatabase`]; [`SearchError::Store`]; [`SearchError::Embed`] where a text is new and the model
    /// cannot be run.
    pub async fn caught_up(&self) -> Result<Searcher, SearchError> {
        let seen = self.view.sequence();
        let changes = self.store.changes_since(seen).await?;
        if changes.sequence < seen {
            return Err(SearchError::OlderDatabase { database: changes.sequence, index: seen });
        }
        let searcher = self.with_changes(&changes).await?;
        if self.changes() <= MANY && searcher.changes() > MANY {
            tracing::warn!(changes = searcher.changes(), "the index is far behind; run `rapport rebuild`");
        }
        Ok(searcher)
    }

    /// The same searcher with these changes over it.
    pub(super) async fn with_changes(&self, changes: &Changes) -> Result<Searcher, SearchError> {
        let members: Vec<&Member> = changes.upserted.iter().map(|stored| &stored.member).collect();
        let encoded = self.encoded(&members);
        let vectors = self.vectors(&encoded).await?;
        Ok(self.after(changes, &encoded, &vectors))
    }

    /// How many members are not as the generation has them.
    pub fn changes(&self) -> usize {
        self.view.overlay.len()
    }

    /// Whether the member is there to be found or to seek, as far as is seen here.
    pub fn holds(&self, id: &str) -> bool {
        self.view.slot(id).is_some_and(|slot| self.view.flags(slot) != 0)
    }

    /// The texts that have a vector here.
    pub(crate) fn texts(&self) -> HashSet<Key> {
        self.view.snapshot.vectors.keys().iter().copied().chain(self.view.overlay.texts()).collect()
    }

    /// The model, where it was needed already.
    pub(crate) fn loaded_model(&self) -> Option<Arc<dyn Embedder>> {
        self.embedder.get().cloned()
    }

    /// One search whose answer nobody sees: files are read into memory before they are waited for. A text that is stored is
    /// asked for, so that it needs no model; where there is none, there is nothing to warm.
    pub(crate) async fn warm(&self) {
        let seeker = self.view.findable().ones().next().map(|slot| self.view.id(crate::index::Slot(slot as u32)));
        if let Some(Ok(id)) = seeker.map(|id| MemberId::new(id.to_owned())) {
            let request = SearchRequest { member: Some(id), ..SearchRequest::default() };
            if let Err(error) = self.search(request).await {
                tracing::debug!(%error, "the first search of a generation");
            }
        }
    }

    /// Embeds what is new in some members and keeps the vectors in the database, so that nothing is left to do but to look
    /// them up once the members are stored.
    ///
    /// # Errors
    /// As [`Searcher::caught_up`].
    pub(crate) async fn embed_ahead(&self, members: &[Member]) -> Result<(), SearchError> {
        let encoded = self.encoded(&members.iter().collect::<Vec<_>>());
        self.vectors(&encoded).await.map(drop)
    }

    fn encoded(&self, members: &[&Member]) -> Vec<Encoded> {
        members.par_iter().map(|member| self.encoder.encode(member)).collect()
    }

    /// The vectors of those texts that are not seen yet: kept ones from the database, the others made now and kept.
    async fn vectors(&self, encoded: &[Encoded]) -> Result<HashMap<Key, Arc<[f32]>>, SearchError> {
        let mut seen = HashSet::new();
        let new = encoded.iter().flat_map(Encoded::texts);
        let new = new.filter(|(key, _)| self.view.find(*key).is_none() && seen.insert(*key));
        let new: Vec<(Key, String)> = new.map(|(key, text)| (key, text.to_owned())).collect();
        let model = &self.view.snapshot.manifest.model;
        let mut vectors: HashMap<Key, Arc<[f32]>> = HashMap::with_capacity(new.len());
        for window in new.chunks(WINDOW) {
            let keys: Vec<Key> = window.iter().map(|(key, _)| *key).collect();
            let kept = self.store.embeddings(&model.fingerprint, &keys).await?;
            let whole = kept.into_iter().filter(|(_, vector)| vector.len() == model.dimension);
            let whole = whole.filter_map(|(key, vector)| Some((key, UnitVector::new(vector).ok()?)));
            vectors.extend(whole.map(|(key, vector)| (key, Arc::from(&vector[..]))));
            let missing: Vec<(Key, String)> =
                window.iter().filter(|(key, _)| !vectors.contains_key(key)).cloned().collect();
            if missing.is_empty() {
                continue;
            }
            let made: Vec<(Key, UnitVector)> = self.embed(missing).await?.into_iter().collect();
            self.store.keep_embeddings(&model.fingerprint, &made).await?;
            vectors.extend(made.into_iter().map(|(key, vector)| (key, Arc::from(&vector[..]))));
        }
        Ok(vectors)
    }

    fn after(&self, changes: &Changes, encoded: &[Encoded], vectors: &HashMap<Key, Arc<[f32]>>) -> Searcher {
        let mut view = self.view.clone();
        view.admit(changes.upserted.iter().map(|stored| &stored.member));
        let vector = |key: Key| vectors.get(&key).cloned();
        for (stored, encoded) in changes.upserted.iter().zip(encoded) {
            let adult = self.is_adult(&stored.member);
            view.put(&stored.member, Arrival { encoded, adult, change: stored.change, vector: &vector });
        }
        for id in changes.removed.iter().filter_map(|id| MemberId::new(id.clone()).ok()) {
            view.remove(&id);
        }
        view.seen(changes.sequence);
        Searcher { view, ..self.clone() }
    }
}
