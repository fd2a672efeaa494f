//! Writing a generation's files into a staging folder, and checking them before they are published.

use std::collections::HashMap;
use std::path::Path;

use super::arrays::{ArrayWriter, ListsBuilder};
use super::columns::{ColumnsBuilder, flag};
use super::encode::Encoded;
use super::facet::{Facet, FacetReport, Made, write_facet};
use super::graph::{DEFAULT_EF, GraphParameters};
use super::manifest::Counts;
use super::vectors::Vectors;
use super::{COLUMNS, INTERESTS, IndexError, PROFILE, RECORDS, Slot, Snapshot, TEXTS_OF, VECTORS};
use crate::embed::UnitVector;
use crate::member::Member;
use crate::member::fold::Key;

/// No vector.
const NONE: u32 = u32::MAX;

/// What a generation will hold, gathered member after member in the order of ids.
#[derive(Default)]
pub(crate) struct Contents {
    columns: ColumnsBuilder,
    counts: Counts,
    /// The texts of each slot that have vectors: the profile's or none, then the others, sorted.
    texts: ListsBuilder<Key>,
    /// What the record of each slot is told from another by.
    records: Vec<u64>,
    /// The distinct lists of interests that have vectors, and which one each slot has.
    lists: HashMap<Vec<Key>, u32>,
    list_of: Vec<u32>,
}

impl Contents {
    /// What was gathered so far; texts are counted when they are written.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Adds the next member. `record` tells their record from another; `adult` is what an absent `adult` means; `slot_of`
    /// finds the slot of another member.
    pub(crate) fn push(
        &mut self,
        member: &Member,
        record: u64,
        encoded: &Encoded,
        adult: bool,
        slot_of: impl Fn(&str) -> Option<u32>,
    ) {
        self.columns.push(member, encoded, adult, slot_of);
        let profile = encoded.profile.as_ref().map_or(Key::NONE, |passage| passage.key);
        let mut texts: Vec<Key> = encoded.texts().map(|(key, _)| key).filter(|key| *key != profile).collect();
        texts.sort_unstable();
        texts.dedup();
        self.add(record, profile, &texts, interest_list(encoded));
    }

    /// Adds the next member as an earlier generation has them, which must have been built with the same model, templates,
    /// aliases and meaning of an absent `adult`. `renamed` gives the slot that each of its members has now.
    pub(crate) fn carry(&mut self, earlier: &Snapshot, old: Slot, renamed: &[u32]) {
        self.columns.carry(&earlier.columns, old, renamed);
        let mut keys = earlier.texts_of(old).map(|key| key.unwrap_or(Key::NONE));
        let profile = keys.next().unwrap_or(Key::NONE);
        let embedded = earlier.columns.interests.get(old).filter(|(_, row)| *row != NONE);
        let mut list: Vec<Key> = embedded.map(|(key, _)| key).collect();
        list.sort_unstable();
        self.add(earlier.record(old), profile, &keys.collect::<Vec<_>>(), list);
    }

    /// Adds what is not a column, and counts.
    fn add(&mut self, record: u64, profile: Key, texts: &[Key], list: Vec<Key>) {
        let flags = self.columns.last_flags();
        let is = |flag: u8| u64::from(flags & flag == flag);
        self.counts.members += 1;
        self.counts.uncovered += 1 - is(flag::COVERED);
        self.counts.mentors += is(flag::MENTOR);
        self.counts.findable += is(flag::MENTOR | flag::ADULT) * (1 - is(flag::PAUSED));
        self.records.push(record);
        self.texts.push(std::iter::once(profile).chain(texts.iter().copied()));
        let next = self.lists.len() as u32;
        self.list_of.push(if list.is_empty() { NONE } else { *self.lists.entry(list).or_insert(next) });
    }

    /// Writes every file but the manifest. `keys` are the texts in order, `vectors_of` gives the vectors of some.
    pub(crate) fn write(
        mut self,
        folder: &Path,
        dimension: usize,
        keys: &[Key],
        parameters: &GraphParameters,
        earlier: Option<&Snapshot>,
        mut vectors_of: impl FnMut(&[Key]) -> std::io::Result<Vec<f32>>,
    ) -> Result<Written, IndexError> {
        self.counts.texts = keys.len() as u64;
        let mut lists: Vec<(Vec<Key>, u32)> = self.lists.into_iter().collect();
        lists.sort_unstable_by_key(|(_, at)| *at);
        let mut of_interest: HashMap<Key, Vec<f32>> =
            lists.iter().flat_map(|(keys, _)| keys).map(|key| (*key, Vec::new())).collect();

        let path = folder.join(VECTORS);
        let row_of = |key: Key| keys.binary_search(&key).map_or(NONE, |row| row as u32);
        let rows = self.texts.map(|_, key| row_of(key));
        let mut write = || -> std::io::Result<()> {
            let mut out = ArrayWriter::create(&path)?;
            out.array("keys", keys)?;
            out.lists(TEXTS_OF, &rows)?;
            out.array(RECORDS, &self.records)?;
            // The means come after the texts in one array; by the time they are asked for, every interest was seen.
            let mut chunks = keys.chunks(4096);
            let mut means = lists.chunks(4096);
            out.chunks(
                "matrix",
                std::iter::from_fn(|| {
                    if let Some(chunk) = chunks.next() {
                        return Some(vectors_of(chunk).inspect(|vectors| {
                            for (key, vector) in chunk.iter().zip(vectors.chunks_exact(dimension)) {
                                if let Some(kept) = of_interest.get_mut(key) {
                                    *kept = vector.to_vec();
                                }
                            }
                        }));
                    }
                    let chunk = means.next()?;
                    Some(Ok(chunk.iter().flat_map(|(keys, _)| mean(keys, &of_interest, dimension)).collect()))
                }),
            )?;
            out.finish()
        };
        write().map_err(IndexError::io(&path))?;

        let (vectors, _) = Vectors::open(&path, dimension)?;
        let texts = keys.len() as u32;
        let profiles: Vec<u32> = (0..self.records.len()).map(|slot| rows.get(slot)[0]).collect();
        let interests: Vec<u32> =
            self.list_of.iter().map(|list| if *list == NONE { NONE } else { texts + list }).collect();
        // A phrase that the model does not cover has no vector, even where somebody else's same text has one.
        let texts_of = |slot| rows.get(slot).iter().zip(self.texts.get(slot));
        let row_of = |slot, key| texts_of(slot).find(|(_, own)| **own == key && key != Key::NONE).map(|(row, _)| *row);
        let columns = || {
            let path = folder.join(COLUMNS);
            self.columns.write(&path, row_of).map_err(IndexError::io(&path))
        };
        let earlier = earlier.filter(|earlier| earlier.manifest.graph == *parameters);
        let build = |name: &str, rows: &[u32], facet: fn(&Snapshot) -> &Facet| {
            let path = folder.join(name);
            let earlier = earlier.map(|earlier| (facet(earlier), &earlier.vectors));
            write_facet(&path, rows, &vectors, parameters, earlier).map_err(IndexError::io(&path))
        };
        // Side by side: each has stretches on one thread, and waits for the disk.
        let facets = || {
            rayon::join(
                || build(PROFILE, &profiles, |earlier| &earlier.profile),
                || build(INTERESTS, &interests, |earlier| &earlier.interests),
            )
        };
        let (columns, (profile, interests)) = rayon::join(columns, facets);
        columns?;
        let (profile, interests) = (profile?, interests?);
        Ok(Written { counts: self.counts, made: (profile, interests) })
    }
}

/// The interests of a member that have vectors, sorted: members with the same list have the same vector. An interest has
/// one if it is a text of this member, in the words of the columns: a night tells by them.
pub(crate) fn interest_list(encoded: &Encoded) -> Vec<Key> {
    let is_text = |key: Key| encoded.texts().any(|(text, _)| text == key);
    let mut list: Vec<Key> = encoded.interests.iter().map(|phrase| phrase.key).filter(|key| is_text(*key)).collect();
    list.sort_unstable();
    list
}

fn mean(keys: &[Key], vectors: &HashMap<Key, Vec<f32>>, dimension: usize) -> Vec<f32> {
    let of_list: Vec<&[f32]> = keys.iter().filter_map(|key| vectors.get(key)).map(Vec::as_slice).collect();
    mean_of_interests(&of_list).unwrap_or_else(|| vec![0.0; dimension])
}

/// What a member is interested in as one vector: the mean of the interests' vectors, in the order of their keys. Interests
/// that cancel out have no mean; the first stands for them. Nothing where there are none.
pub(crate) fn mean_of_interests(vectors: &[&[f32]]) -> Option<Vec<f32>> {
    let vectors = || vectors.iter().copied().filter(|vector| !vector.is_empty());
    let mean = UnitVector::mean(vectors()).map(|mean| mean.to_vec());
    mean.or_else(|| vectors().next().map(<[f32]>::to_vec))
}

/// Files that are written but not yet audited.
pub(crate) struct Written {
    pub(crate) counts: Counts,
    made: (Made, Made),
}

impl Written {
    /// Opens what was written and measures recall.
    pub(crate) fn audit(
        &self,
        folder: &Path,
        dimension: usize,
        seed: u64,
    ) -> Result<(FacetReport, FacetReport), IndexError> {
        let members = self.counts.members as usize;
        let (vectors, _) = Vectors::open(&folder.join(VECTORS), dimension)?;
        let (profile, _) = Facet::open(&folder.join(PROFILE), members, &vectors)?;
        let (interests, _) = Facet::open(&folder.join(INTERESTS), members, &vectors)?;
        Ok(rayon::join(
            || profile.audit(&vectors, DEFAULT_EF, self.made.0, seed),
            || interests.audit(&vectors, DEFAULT_EF, self.made.1, seed),
        ))
    }
}
