//! Small communities for unit tests, with vectors that need no model.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Searcher;
use crate::config::Config;
use crate::embed::{EmbedError, Embedder, Model, Pooling, Templates, UnitVector};
use crate::member::{Member, MemberId};
use crate::rebuild::rebuild;
use crate::store::Store;

/// Gives each text a direction of its own, drawn from its hash.
struct Drawn(Model);

impl Embedder for Drawn {
    fn model(&self) -> &Model {
        &self.0
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        let drawn = |text: &&str| {
            let mut bytes = vec![0; 32];
            blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut bytes);
            UnitVector::new(bytes.iter().map(|byte| f32::from(*byte) - 127.5).collect()).unwrap()
        };
        Ok(texts.iter().map(drawn).collect())
    }
}

pub(super) fn embedder() -> Arc<dyn Embedder> {
    let templates = Templates::default();
    let (name, content) = ("drawn".to_owned(), "drawn".to_owned());
    let model =
        Model { name, dimension: 32, max_tokens: 256, pooling: Pooling::Mean, languages: vec![], templates, content };
    Arc::new(Drawn(model))
}

/// A community in a folder of its own.
pub(super) struct Community {
    pub(super) runtime: Runtime,
    pub(super) config: Config,
    _folder: TempDir,
}

impl Community {
    pub(super) fn of(members: &[Member]) -> Community {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { index: folder.path().into(), ..Config::default() };
        let community = Community { runtime: Runtime::new().unwrap(), config, _folder: folder };
        community.change(members, &[]);
        community.rebuild();
        community
    }

    pub(super) fn change(&self, upserted: &[Member], removed: &[MemberId]) {
        self.runtime.block_on(async {
            let store = Store::create(&self.config.database()).await.unwrap();
            store.upsert(upserted).await.unwrap();
            store.remove(removed).await.unwrap();
        });
    }

    pub(super) fn rebuild(&self) {
        self.runtime.block_on(rebuild(&self.config, embedder(), false, |_| {})).unwrap();
    }

    /// The current generation and what changed since.
    pub(super) fn searcher(&self) -> Searcher {
        self.runtime.block_on(Searcher::open_with(&self.config, embedder())).unwrap()
    }
}
