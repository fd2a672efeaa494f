//! Reading the members, encoding them, and embedding the texts that have no vector yet.

use std::collections::HashSet;

use rayon::prelude::*;
use tokio::task::JoinHandle;

use super::{Night, Progress, RebuildError};
use crate::index::Snapshot;
use crate::index::encode::{Encoded, Encoder};
use crate::index::manifest::ModelUsed;
use crate::index::write::Contents;
use crate::member::fold::{Aliases, Key};
use crate::member::language::Coverage;
use crate::member::{Member, MemberId};
use crate::store::{Store, StoreError};

/// Texts embedded at once, so that enough of one length stand together.
const WINDOW: usize = 2_048;

/// Members read at once.
const PAGE: u32 = 2_000;

/// What a generation is written from.
pub(super) struct Gathered {
    pub(super) contents: Contents,
    /// The keys of all texts, sorted.
    pub(super) keys: Vec<Key>,
    /// How many of them were embedded.
    pub(super) embedded: u64,
}

/// How members become encoded ones.
pub(super) fn encoder(aliases: &Aliases, model: &ModelUsed) -> Encoder {
    let coverage = Coverage::new(&model.languages);
    Encoder::new(aliases.clone(), coverage, model.profile.clone(), model.wants.clone())
}

impl Night {
    /// Reads every member and embeds the texts that have no vector yet, in the earlier generation or in the database.
    pub(super) fn gather(&self, model: &ModelUsed, earlier: Option<&Snapshot>) -> Result<Gathered, RebuildError> {
        let encoder = encoder(&self.config.aliases, model);
        let adult = self.config.members.adult_when_absent;
        let ids = self.runtime.block_on(self.store.ids())?;
        let members = ids.len() as u64;
        let slot_of = |id: &str| ids.binary_search_by(|known| known.as_str().cmp(id)).ok().map(|slot| slot as u32);
        let is_known = |key: Key| earlier.is_some_and(|earlier| earlier.vectors.find(key).is_some());
        let mut contents = Contents::default();
        let mut seen: HashSet<Key> = HashSet::new();
        let mut window: Vec<(Key, String)> = Vec::new();
        let (mut done, mut texts) = (0, 0);
        (self.progress)(Progress::Embedding { done, members, texts });
        self.each_page(|page| {
            let encoded: Vec<Encoded> = page.par_iter().map(|member| encoder.encode(member)).collect();
            for (member, encoded) in page.iter().zip(&encoded) {
                let new = encoded.texts().filter(|(key, _)| seen.insert(*key) && !is_known(*key));
                window.extend(new.map(|(key, text)| (key, text.to_owned())));
                // A slot is a place in `ids`: a member that came or went since would shift all slots after it.
                if ids.get(done as usize).is_none_or(|id| id != member.id.as_str()) {
                    return Err(RebuildError::Stopped(
                        "members came or went while they were read; run it again".into(),
                    ));
                }
                contents.push(member, encoded, adult, slot_of);
                done += 1;
                if window.len() >= WINDOW {
                    texts += self.embed(model, std::mem::take(&mut window))?;
                    (self.progress)(Progress::Embedding { done, members, texts });
                }
            }
            Ok(())
        })?;
        texts += self.embed(model, window)?;
        (self.progress)(Progress::Embedding { done, members: done, texts });
        let mut keys: Vec<Key> = seen.into_iter().collect();
        keys.sort_unstable();
        Ok(Gathered { contents, keys, embedded: texts })
    }

    /// Gives the members page by page in the order of their ids; while one page is worked on, the next is read.
    fn each_page(&self, mut work: impl FnMut(&[Member]) -> Result<(), RebuildError>) -> Result<(), RebuildError> {
        let read = |after: Option<MemberId>| -> JoinHandle<Result<Vec<Member>, StoreError>> {
            let store: Store = self.store.clone();
            self.runtime.spawn(async move { store.page(after.as_ref(), PAGE).await })
        };
        let mut next = read(None);
        loop {
            let page = self.runtime.block_on(next).map_err(|error| RebuildError::Stopped(error.to_string()))??;
            let Some(last) = page.last() else { return Ok(()) };
            next = read(Some(last.id.clone()));
            work(&page)?;
        }
    }

    /// Embeds and keeps those texts of a window that have no vector yet; says how many.
    fn embed(&self, model: &ModelUsed, mut window: Vec<(Key, String)>) -> Result<u64, RebuildError> {
        let keys: Vec<Key> = window.iter().map(|(key, _)| *key).collect();
        let known = self.runtime.block_on(self.store.embedded(&model.fingerprint, model.dimension, &keys))?;
        window.retain(|(key, _)| !known.contains(key));
        let texts: Vec<&str> = window.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = self.embedder.embed(&texts)?;
        let kept: Vec<_> = window.iter().map(|(key, _)| *key).zip(vectors).collect();
        self.runtime.block_on(self.store.keep_embeddings(&model.fingerprint, &kept))?;
        Ok(kept.len() as u64)
    }

    /// The vectors of some texts, one after the other: those of the earlier generation, which was verified, and of others
    /// the database's.
    pub(super) fn vectors(
        &self,
        model: &ModelUsed,
        earlier: Option<&Snapshot>,
        keys: &[Key],
    ) -> Result<Vec<f32>, StoreError> {
        let carried = |key: Key| earlier.and_then(|earlier| earlier.vectors.row(earlier.vectors.find(key)?));
        let others: Vec<Key> = keys.iter().copied().filter(|key| carried(*key).is_none()).collect();
        let stored = self.runtime.block_on(self.store.embeddings(&model.fingerprint, &others))?;
        let mut vectors = Vec::with_capacity(keys.len() * model.dimension);
        for &key in keys {
            let stored = || stored.get(&key).map(Vec::as_slice).filter(|vector| vector.len() == model.dimension);
            match carried(key).or_else(|| stored().filter(|vector| is_unit(vector))) {
                Some(vector) => vectors.extend_from_slice(vector),
                None => {
                    let problem = "its vector is missing or is no unit vector: the database is damaged".to_owned();
                    return Err(StoreError::Record { id: format!("text {:016x}", key.0), problem });
                }
            }
        }
        Ok(vectors)
    }
}

fn is_unit(vector: &[f32]) -> bool {
    let length = vector.iter().map(|value| value * value).sum::<f32>();
    (length - 1.0).abs() < 1e-3
}
