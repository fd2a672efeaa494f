//! What one query sees: an open generation, and over it the members who changed since it was built.
//!
//! A member keeps its slot when it changes; whoever is new gets the next one. So relations, filters and bit sets mean the
//! same below and above, and every reader asks here, not the generation's files.

use std::borrow::Cow;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::overlay::{Changed, Layer, Overlay, Standing};
use crate::index::columns::{Attribute, Relation};
use crate::index::encode::PlaceKeys;
use crate::index::facet::{Facet, Probe};
use crate::index::kernels::prefetch;
use crate::index::vectors::dot;
use crate::index::{Slot, Snapshot};
use crate::member::fold::Key;

/// A generation with its overlay. Never changes; a change makes another one.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) overlay: Arc<Overlay>,
}

/// One of the two embedded views of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FacetName {
    Profile,
    Interests,
}

impl FacetName {
    /// Both.
    pub(crate) const ALL: [FacetName; 2] = [FacetName::Profile, FacetName::Interests];

    /// As it stands in the names of collections.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FacetName::Profile => "profile",
            FacetName::Interests => "interests",
        }
    }

    /// The facet of a generation.
    pub(crate) fn of(self, snapshot: &Snapshot) -> &Facet {
        match self {
            FacetName::Profile => &snapshot.profile,
            FacetName::Interests => &snapshot.interests,
        }
    }
}

impl View {
    /// A generation as it was built.
    pub(super) fn of(snapshot: Arc<Snapshot>) -> View {
        let overlay = Arc::new(Overlay::over(&snapshot));
        View { snapshot, overlay }
    }

    /// The last change that is seen.
    pub(super) fn sequence(&self) -> u64 {
        self.overlay.sequence
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.overlay.slots()
    }

    fn changed(&self, slot: Slot) -> Option<&Changed> {
        self.overlay.changed(slot)
    }

    /// Mentors who can be found: of age and not paused.
    pub(super) fn findable(&self) -> &FixedBitSet {
        &self.overlay.findable
    }

    /// Everyone who is of age and not paused.
    pub(super) fn available(&self) -> &FixedBitSet {
        &self.overlay.available
    }

    /// The change that made the member's record what it is, or a later one.
    pub(super) fn changed_at(&self, slot: Slot) -> u64 {
        self.changed(slot).map_or(self.snapshot.manifest.sequence, |changed| changed.change)
    }

    /// The member's id.
    pub(super) fn id(&self, slot: Slot) -> &str {
        self.changed(slot).map_or_else(|| self.snapshot.columns.id(slot), |changed| &changed.id)
    }

    /// The slot of a member, removed or not.
    pub(super) fn slot(&self, id: &str) -> Option<Slot> {
        self.overlay.newcomer(id).or_else(|| self.snapshot.columns.slot(id))
    }

    /// The bits of [`crate::index::columns::flag`].
    pub(super) fn flags(&self, slot: Slot) -> u8 {
        self.changed(slot).map_or_else(|| self.snapshot.columns.flags(slot), |changed| changed.flags)
    }

    /// How many mentees the member takes, where stated.
    pub(super) fn capacity(&self, slot: Slot) -> Option<u32> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.capacity(slot), |changed| changed.capacity)
    }

    /// Latitude and longitude in degrees, where known.
    pub(super) fn coordinates(&self, slot: Slot) -> Option<(f32, f32)> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.coordinates(slot), |changed| changed.coordinates)
    }

    /// Years of experience, where stated.
    pub(super) fn years_experience(&self, slot: Slot) -> Option<f32> {
        self.changed(slot)
            .map_or_else(|| self.snapshot.columns.years_experience(slot), |changed| changed.years_experience)
    }

    /// Minutes east of UTC, where the time zone is known.
    pub(super) fn utc_offset(&self, slot: Slot) -> Option<i16> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.utc_offset(slot), |changed| changed.utc_offset)
    }

    /// Where the member lives.
    pub(super) fn location(&self, slot: Slot) -> PlaceKeys {
        self.changed(slot).map_or_else(|| self.snapshot.columns.location.get(slot), |changed| changed.location)
    }

    /// Where the member comes from.
    pub(super) fn hometown(&self, slot: Slot) -> PlaceKeys {
        self.changed(slot).map_or_else(|| self.snapshot.columns.hometown.get(slot), |changed| changed.hometown)
    }

    /// The member's profession and its vector's row.
    pub(super) fn profession(&self, slot: Slot) -> Option<(Key, u32)> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.profession.get(slot), |changed| changed.profession)
    }

    /// The member's industry and its vector's row.
    pub(super) fn industry(&self, slot: Slot) -> Option<(Key, u32)> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.industry.get(slot), |changed| changed.industry)
    }

    /// What the member offers and its vector's row.
    pub(super) fn offers(&self, slot: Slot) -> Option<(Key, u32)> {
        self.changed(slot).map_or_else(|| self.snapshot.columns.offers.get(slot), |changed| changed.offers)
    }

    /// The member's interests, each with its vector's row.
    pub(super) fn interests(&self, slot: Slot) -> impl Iterator<Item = (Key, u32)> {
        let changed = self.changed(slot);
        let built = changed.is_none().then(|| self.snapshot.columns.interests.get(slot));
        changed.map_or(&[][..], |changed| &changed.interests).iter().copied().chain(built.into_iter().flatten())
    }

    /// What the member overcame, each with its vector's row.
    pub(super) fn overcame(&self, slot: Slot) -> impl Iterator<Item = (Key, u32)> {
        let changed = self.changed(slot);
        let built = changed.is_none().then(|| self.snapshot.columns.overcame.get(slot));
        changed.map_or(&[][..], |changed| &changed.overcame).iter().copied().chain(built.into_iter().flatten())
    }

    /// The member's keys of an attribute that has many values, sorted; empty for the others.
    pub(super) fn keys(&self, attribute: Attribute, slot: Slot) -> &[Key] {
        match self.changed(slot) {
            Some(changed) => changed.keys(attribute),
            None => self.snapshot.columns.keys(attribute, slot),
        }
    }

    /// The slots of all members with the value.
    pub(super) fn having(&self, attribute: Attribute, key: Key) -> impl Iterator<Item = u32> {
        let built = self.snapshot.columns.postings(attribute, key).iter().copied();
        built
            .filter(|slot| !self.overlay.is_changed(Slot(*slot)))
            .chain(self.overlay.having(attribute, key).iter().copied())
    }

    /// How many members have the value.
    pub(super) fn count_having(&self, attribute: Attribute, key: Key) -> usize {
        self.overlay.count_having(attribute, key, self.snapshot.columns.postings(attribute, key).len())
    }

    /// The slots of those in a relation with the member, listed by either side, in order.
    pub(super) fn related(&self, relation: Relation, slot: Slot) -> &[u32] {
        self.overlay.related(relation, slot).unwrap_or_else(|| self.snapshot.columns.related(relation, slot))
    }

    /// How often a word stands in the member's profile.
    pub(super) fn word_count(&self, slot: Slot, word: Key) -> u8 {
        match self.changed(slot) {
            Some(changed) => changed.word_count(word),
            None => self.snapshot.columns.words.count(slot, word),
        }
    }

    /// Asks for the words of the member's profile, which are counted soon.
    pub(super) fn prefetch_words(&self, slot: Slot) {
        self.snapshot.columns.words.prefetch(slot);
    }

    /// How many words the member's profile has, repeated ones included.
    pub(super) fn word_length(&self, slot: Slot) -> u32 {
        self.changed(slot).map_or_else(|| self.snapshot.columns.words.length(slot), Changed::word_length)
    }

    /// How many profiles have words.
    pub(super) fn profiles(&self) -> usize {
        self.snapshot.columns.words.profiles().saturating_add_signed(self.overlay.more_profiles)
    }

    /// The mean length of profiles that have words.
    pub(super) fn mean_length(&self) -> f32 {
        let words = &self.snapshot.columns.words;
        if self.overlay.is_empty() {
            return words.mean_length();
        }
        let total = f64::from(words.mean_length()) * words.profiles() as f64 + self.overlay.more_words as f64;
        (total / self.profiles().max(1) as f64).max(1.0) as f32
    }

    /// How many profiles have the word.
    pub(super) fn count_with_word(&self, word: Key) -> usize {
        self.overlay.count_with_word(word, self.snapshot.columns.words.postings(word).0.len())
    }

    /// The profiles of the generation with the word, changed ones among them, and how often each has it.
    pub(super) fn built_with_word(&self, word: Key) -> (&[u32], &[u8]) {
        self.snapshot.columns.words.postings(word)
    }

    /// The changed profiles with the word.
    pub(super) fn changed_with_word(&self, word: Key) -> &[Standing] {
        self.overlay.with_word(word)
    }

    /// Those of some members who are as the generation has them.
    pub(super) fn unchanged<'a>(&self, members: &'a FixedBitSet) -> Cow<'a, FixedBitSet> {
        self.overlay.without_changed(members)
    }

    /// The row of a text's vector.
    pub(super) fn find(&self, text: Key) -> Option<u32> {
        self.snapshot.vectors.find(text).or_else(|| self.overlay.find(text))
    }

    /// A vector.
    pub(super) fn vector(&self, row: u32) -> Option<&[f32]> {
        self.snapshot.vectors.row(row).or_else(|| self.overlay.vector(row))
    }

    /// Asks for a vector that is compared soon.
    pub(super) fn prefetch(&self, row: u32) {
        if let Some(vector) = self.vector(row) {
            prefetch(vector);
        }
    }

    fn facet(&self, name: FacetName) -> (&Facet, &Layer) {
        match name {
            FacetName::Profile => (name.of(&self.snapshot), &self.overlay.profile),
            FacetName::Interests => (name.of(&self.snapshot), &self.overlay.interests),
        }
    }

    /// The row of the member's vector in a facet, where it has one.
    pub(super) fn facet_row(&self, name: FacetName, slot: Slot) -> Option<u32> {
        match self.changed(slot) {
            Some(changed) => changed.facet_row(name),
            None => self.facet(name).0.row(slot),
        }
    }

    /// The `k` nearest of those allowed in a facet, best first: the generation's by its search, the changed ones exactly.
    pub(super) fn near(&self, name: FacetName, probe: Probe<'_>, ef: usize) -> Vec<Slot> {
        let (facet, layer) = self.facet(name);
        let vectors = &self.snapshot.vectors;
        if layer.is_empty() {
            return facet.search(vectors, probe, ef, probe.allowed.count_ones(..));
        }
        let allowed = layer.without_moved(probe.allowed);
        let matches = allowed.count_ones(..self.snapshot.columns.len());
        let built = facet.search(vectors, Probe { allowed: &allowed, ..probe }, ef, matches);
        self.with_changed(name, probe, built)
    }

    /// The nearest of the generation with those who changed, whose vectors are compared exactly: the `k` best.
    pub(super) fn with_changed(&self, name: FacetName, probe: Probe<'_>, built: Vec<Slot>) -> Vec<Slot> {
        let (facet, layer) = self.facet(name);
        let vectors = &self.snapshot.vectors;
        let row = |slot| facet.row(slot).and_then(|row| vectors.row(row));
        let mut near: Vec<(f32, Slot)> =
            built.into_iter().filter_map(|slot| Some((dot(probe.query, row(slot)?), slot))).collect();
        near.extend(layer.nearest(self, facet, probe));
        near.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        near.truncate(probe.k);
        near.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Those of some members who changed, but not in their vector of a facet.
    pub(super) fn changed_in_place(&self, name: FacetName, members: &FixedBitSet) -> Vec<Slot> {
        let (facet, layer) = self.facet(name);
        let mut changed = layer.without_moved(members).into_owned();
        changed.difference_with(&self.unchanged(members));
        changed.ones().map(|slot| Slot(slot as u32)).filter(|slot| facet.row(*slot).is_some()).collect()
    }

    /// How much of what an exact scan of the generation's facet finds its search finds too.
    pub(super) fn recall(&self, name: FacetName, probe: Probe<'_>, ef: usize) -> Option<f64> {
        let (facet, layer) = self.facet(name);
        let allowed = layer.without_moved(probe.allowed);
        let probe = Probe { allowed: &allowed, ..probe };
        let matches = allowed.count_ones(..self.snapshot.columns.len().min(allowed.len()));
        let found = facet.search(&self.snapshot.vectors, probe, ef, matches);
        facet.recall_of(&self.snapshot.vectors, probe, &found)
    }
}
