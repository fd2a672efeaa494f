//! Answers that were given lately, as they are sent: the same request of the same state gets the same bytes, so nothing is
//! searched twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::searches::Shown;
use super::{Community, searches};
use crate::search::{Answer, SearchError, SearchRequest, Searched, Stages};

/// An answer as JSON.
#[derive(Debug, Clone)]
pub struct Written {
    /// What it depends on.
    pub state: String,
    /// The [`Answer`] as JSON.
    pub body: Vec<u8>,
    /// How long the search took.
    pub stages: Stages,
    /// Who is shown, best first, and a hash of the body: what is noted of it.
    pub(super) shown: Arc<[Shown]>,
    pub(super) digest: [u8; 32],
}

/// The answers, by a hash of state and request.
pub(super) struct Answers {
    cache: Cache<[u8; 32], Arc<Written>, Bytes>,
    /// How often the configuration changed: a part of every hash.
    configured: AtomicU64,
}

#[derive(Clone)]
struct Bytes;

/// Bytes of an id, mostly.
const USUAL_ID: usize = 16;

impl Weighter<[u8; 32], Arc<Written>> for Bytes {
    fn weight(&self, _: &[u8; 32], written: &Arc<Written>) -> u64 {
        let shown = written.shown.len() * (size_of::<Shown>() + USUAL_ID);
        (size_of::<Written>() + written.state.len() + written.body.len() + shown) as u64
    }
}

impl Answers {
    /// Keeps so many bytes of answers.
    pub(super) fn new(bytes: u64) -> Answers {
        const USUAL: u64 = 8_000;
        let cache = Cache::with_weighter((bytes / USUAL) as usize, bytes, Bytes);
        Answers { cache, configured: AtomicU64::new(0) }
    }

    pub(super) fn forget(&self) {
        self.cache.clear();
    }

    /// Of another configuration there is none yet.
    pub(super) fn begin_anew(&self) {
        self.configured.fetch_add(1, Ordering::SeqCst);
        self.forget();
    }
}

impl Community {
    /// As [`Community::search`], written; and whether it was written before.
    ///
    /// # Errors
    /// As [`Community::search`].
    pub async fn search_written(&self, request: SearchRequest) -> Result<(Arc<Written>, bool), SearchError> {
        let configured = self.answers.configured.load(Ordering::SeqCst);
        let searcher = self.searcher()?;
        searcher.check_whole()?;
        let state = searcher.state_seen();
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&configured.to_le_bytes())
            .update(state.as_bytes())
            .update(&serde_json::to_vec(&request).unwrap_or_default());
        let key = *hasher.finalize().as_bytes();
        // Others may have forgotten somebody without a server that is cut off from them.
        if let Some(written) = self.answers.cache.get(&key).filter(|_| !self.is_cut_off()) {
            return Ok((written, true));
        }
        let Searched { answer, overtaken, stages } = self.searched(request).await?;
        let body = serde_json::to_vec(&answer).unwrap_or_default();
        let digest = searches::digest(&body);
        let Answer { state: of, hits, degraded, .. } = answer;
        // One that a change overtook is of another state than the one asked for; one that lacks candidates is not for long.
        let keep = !overtaken && of == state && degraded.is_empty();
        let shown = hits.into_iter().filter_map(Shown::of).collect();
        let written = Arc::new(Written { state: of, body, stages, shown, digest });
        if keep {
            self.answers.cache.insert(key, Arc::clone(&written));
            // Somebody may have been forgotten meanwhile, whom it names.
            if self.searcher()?.state_seen() != state {
                self.answers.cache.remove(&key);
            }
        }
        Ok((written, false))
    }
}
