//! Gathering what a generation is written from: unchanged members as the earlier one has them, the others read, encoded,
//! and their new texts embedded.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Night, Progress, RebuildError};
use crate::config::Config;
use crate::index::columns::{NONE, flag};
use crate::index::encode::{Encoded, Encoder};
use crate::index::manifest::ModelUsed;
use crate::index::write::Contents;
use crate::index::{Slot, Snapshot};
use crate::member::Member;
use crate::member::fold::{Aliases, Key};
use crate::member::language::Coverage;
use crate::store::{Moment, StoreError};

/// Texts embedded at once, so that enough of one length stand together.
const WINDOW: usize = 2_048;

/// Members read at once.
const PAGE: usize = 2_000;

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

/// Everyone in the database, and how they stand to an earlier generation.
pub(super) struct Roll {
    /// Ids in order, which are slots, and what each record is told from another by.
    pub(super) records: Vec<(String, u64)>,
    /// The earlier slot of each of them.
    earlier: Vec<Option<Slot>>,
    /// Whether each of them can be taken as the earlier generation has them.
    carried: Vec<bool>,
}

impl Roll {
    /// A record is compared, not the number of its last change: a database that was put back from a backup may have given a
    /// number twice.
    pub(super) fn of(records: Vec<(String, u64)>, earlier: Option<&Snapshot>) -> Roll {
        let slot = |id: &str| earlier.and_then(|earlier| earlier.columns.slot(id));
        let slots: Vec<Option<Slot>> = records.par_iter().map(|(id, _)| slot(id)).collect();
        let somebody_new = slots.iter().any(Option::is_none);
        let carried = |(slot, (_, record)): (&Option<Slot>, &(String, u64))| {
            let (Some(earlier), Some(slot)) = (earlier, *slot) else { return false };
            // Whoever lists somebody who was no member may list somebody who is new.
            let lists_new = somebody_new && earlier.columns.flags(slot) & flag::LISTS_ABSENT != 0;
            earlier.record(slot) == *record && !lists_new
        };
        let carried = slots.iter().zip(&records).map(carried).collect();
        Roll { records, earlier: slots, carried }
    }

    /// How many members are new, and how many of the others changed.
    pub(super) fn changes(&self, earlier: Option<&Snapshot>) -> (u64, u64) {
        let added = self.earlier.iter().filter(|slot| slot.is_none()).count();
        let changed = self.earlier.iter().zip(&self.records).filter(|(slot, (_, record))| {
            slot.zip(earlier).is_some_and(|(slot, earlier)| earlier.record(slot) != *record)
        });
        (added as u64, changed.count() as u64)
    }

    /// Whether the earlier generation holds all of them, as they are, and nobody else.
    pub(super) fn is_all_of(&self, earlier: &Snapshot) -> bool {
        self.records.len() == earlier.columns.len() && self.carried.iter().all(|carried| *carried)
    }

    /// Nobody is taken as the earlier generation has them.
    pub(super) fn read_all(self) -> Roll {
        Roll { carried: vec![false; self.records.len()], ..self }
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        self.records.binary_search_by(|(known, _)| known.as_str().cmp(id)).ok().map(|slot| slot as u32)
    }

    /// The slot that each member of the earlier generation has now; [`NONE`] where they are gone.
    fn renamed(&self, earlier: &Snapshot) -> Vec<u32> {
        let mut renamed = vec![NONE; earlier.columns.len()];
        for (slot, old) in self.earlier.iter().enumerate().filter_map(|(slot, old)| Some((slot, (*old)?))) {
            renamed[old.index()] = slot as u32;
        }
        renamed
    }
}

/// Whether members are encoded now as they were in a generation.
pub(super) fn encodes_alike(earlier: &Snapshot, config: &Config, used: &ModelUsed) -> bool {
    let manifest = &earlier.manifest;
    manifest.model == *used
        && manifest.adult_when_absent == config.members.adult_when_absent
        && manifest.aliases == config.aliases
}

impl Night {
    /// Gathers all members and embeds the texts that have no vector yet, in the earlier generation or in the database.
    pub(super) fn gather(
        &self,
        moment: Arc<Moment>,
        model: &ModelUsed,
        earlier: Option<&Snapshot>,
        roll: &Roll,
    ) -> Result<Gathered, RebuildError> {
        let encoder = encoder(&self.config.aliases, model);
        let adult = self.config.members.adult_when_absent;
        let members = roll.records.len() as u64;
        let renamed = earlier.map(|earlier| roll.renamed(earlier)).unwrap_or_default();
        let is_known = |key: Key| earlier.is_some_and(|earlier| earlier.vectors.find(key).is_some());
        let mut contents = Contents::default();
        let mut seen: HashSet<Key> = HashSet::new();
        let mut window: Vec<(Key, String)> = Vec::new();
        let mut texts = 0;
        (self.progress)(Progress::Embedding { done: 0, members, texts });
        self.each_page(&moment, roll, &encoder, |slots, mut encoded| {
            for slot in slots.clone() {
                if let (Some(earlier), Some(old), true) = (earlier, roll.earlier[slot], roll.carried[slot]) {
                    seen.extend(earlier.texts_of(old).flatten());
                    contents.carry(earlier, old, &renamed);
                    continue;
                }
                let (id, record) = &roll.records[slot];
                let Some((member, encoded)) = encoded.next().filter(|(member, _)| member.id.as_str() == id) else {
                    let problem = "a record is missing, or is of another id: the database is damaged".to_owned();
                    return Err(StoreError::Record { id: id.clone(), problem }.into());
                };
                let new = encoded.texts().filter(|(key, _)| seen.insert(*key) && !is_known(*key));
                window.extend(new.map(|(key, text)| (key, text.to_owned())));
                contents.push(&member, *record, &encoded, adult, |id| roll.slot_of(id));
                if window.len() >= WINDOW {
                    texts += self.embed(model, std::mem::take(&mut window))?;
                    (self.progress)(Progress::Embedding { done: slot as u64 + 1, members, texts });
                }
            }
            Ok(())
        })?;
        texts += self.embed(model, window)?;
        (self.progress)(Progress::Embedding { done: members, members, texts });
        let mut keys: Vec<Key> = seen.into_iter().collect();
        keys.sort_unstable();
        Ok(Gathered { contents, keys, embedded: texts })
    }

    /// Gives the slots page by page with those of their members, encoded, who are not carried over. While one page is
    /// worked on, the records of the next are read.
    fn each_page(
        &self,
        moment: &Arc<Moment>,
        roll: &Roll,
        encoder: &Encoder,
        mut work: impl FnMut(Range<usize>, std::vec::IntoIter<(Member, Encoded)>) -> Result<(), RebuildError>,
    ) -> Result<(), RebuildError> {
        let pages = (0..roll.records.len()).step_by(PAGE).map(|from| from..(from + PAGE).min(roll.records.len()));
        let read = |slots: Range<usize>| {
            let ids: Vec<String> =
                slots.clone().filter(|slot| !roll.carried[*slot]).map(|slot| roll.records[slot].0.clone()).collect();
            let moment = Arc::clone(moment);
            (slots, self.runtime.spawn(async move { moment.members(&ids).await }))
        };
        let mut pages = pages.map(read);
        let mut next = pages.next();
        while let Some((slots, reading)) = next {
            let read = self.runtime.block_on(reading).map_err(|error| RebuildError::Stopped(error.to_string()))?;
            let mut read = read?;
            next = pages.next();
            read.par_sort_unstable_by(|left, right| left.id.cmp(&right.id));
            let encode = |member: Member| {
                let encoded = encoder.encode(&member);
                (member, encoded)
            };
            let encoded: Vec<(Member, Encoded)> = read.into_par_iter().map(encode).collect();
            work(slots, encoded.into_iter())?;
        }
        Ok(())
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
