//! Writing a generation's files into a staging folder, and checking them before they are published.

use std::collections::HashMap;
use std::path::Path;

use super::arrays::ArrayWriter;
use super::columns::ColumnsBuilder;
use super::encode::Encoded;
use super::facet::{Changes, Facet, FacetReport, write_facet};
use super::graph::{DEFAULT_EF, GraphParameters};
use super::manifest::Counts;
use super::vectors::Vectors;
use super::{COLUMNS, INTERESTS, IndexError, PROFILE, Snapshot, VECTORS};
use crate::embed::UnitVector;
use crate::member::fold::Key;
use crate::member::{Member, Role};

/// No vector.
const NONE: u32 = u32::MAX;

/// What a generation will hold, gathered member after member in the order of ids.
#[derive(Default)]
pub(crate) struct Contents {
    columns: ColumnsBuilder,
    counts: Counts,
    /// The profile text of each slot.
    profiles: Vec<Key>,
    /// The distinct lists of interests that have vectors, and which one each slot has.
    lists: HashMap<Vec<Key>, u32>,
    list_of: Vec<u32>,
}

impl Contents {
    /// What was gathered so far; texts are counted when they are written.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn push(
        &mut self,
        member: &Member,
        encoded: &Encoded,
        adult: bool,
        slot_of: impl Fn(&str) -> Option<u32>,
    ) {
        self.counts.members += 1;
        self.counts.uncovered += u64::from(!encoded.covered);
        if member.is(Role::Mentor) {
            self.counts.mentors += 1;
            self.counts.findable += u64::from(member.adult.unwrap_or(adult) && !member.paused);
        }
        self.profiles.push(encoded.profile.as_ref().map_or(Key::NONE, |passage| passage.key));
        let list = interest_list(encoded);
        let next = self.lists.len() as u32;
        self.list_of.push(if list.is_empty() { NONE } else { *self.lists.entry(list).or_insert(next) });
        self.columns.push(member, encoded, adult, slot_of);
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
        let mut write = || -> std::io::Result<()> {
            let mut out = ArrayWriter::create(&path)?;
            out.array("keys", keys)?;
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
        let profiles: Vec<u32> = self.profiles.iter().map(|key| vectors.find(*key).unwrap_or(NONE)).collect();
        let interests: Vec<u32> =
            self.list_of.iter().map(|list| if *list == NONE { NONE } else { texts + list }).collect();
        let path = folder.join(COLUMNS);
        self.columns.write(&path, |key| vectors.find(key)).map_err(IndexError::io(&path))?;

        let earlier = earlier.filter(|earlier| earlier.manifest.graph == *parameters);
        let build = |name: &str, rows: &[u32], facet: fn(&Snapshot) -> &Facet| {
            let path = folder.join(name);
            let earlier = earlier.map(|earlier| (facet(earlier), &earlier.vectors));
            write_facet(&path, rows, &vectors, parameters, earlier).map_err(IndexError::io(&path))
        };
        let profile = build(PROFILE, &profiles, |earlier| &earlier.profile)?;
        let interests = build(INTERESTS, &interests, |earlier| &earlier.interests)?;
        Ok(Written { counts: self.counts, changes: (profile, interests) })
    }
}

/// The interests of a member that have vectors, sorted: members with the same list have the same vector.
pub(crate) fn interest_list(encoded: &Encoded) -> Vec<Key> {
    let embedded = encoded.interests.iter().filter(|phrase| phrase.embedded.is_some());
    let mut list: Vec<Key> = embedded.map(|phrase| phrase.key).collect();
    list.sort_unstable();
    list
}

fn mean(keys: &[Key], vectors: &HashMap<Key, Vec<f32>>, dimension: usize) -> Vec<f32> {
    let of_list = keys.iter().filter_map(|key| vectors.get(key)).filter(|vector| !vector.is_empty());
    // Interests that cancel out have no mean; the first stands for them.
    let mean = UnitVector::mean(of_list.clone().map(Vec::as_slice)).map(|mean| mean.to_vec());
    mean.or_else(|| of_list.clone().next().cloned()).unwrap_or_else(|| vec![0.0; dimension])
}

/// Files that are written but not yet audited.
pub(crate) struct Written {
    pub(crate) counts: Counts,
    /// What was done to make each graph.
    changes: (Changes, Changes),
}

impl Written {
    /// Opens what was written, finds every member by its own vector and measures recall.
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
        Ok((
            profile.audit(&vectors, DEFAULT_EF, self.changes.0, seed),
            interests.audit(&vectors, DEFAULT_EF, self.changes.1, seed),
        ))
    }
}
