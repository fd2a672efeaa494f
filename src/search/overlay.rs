//! What changed since a generation was built: members as they are now, over those it holds.
//!
//! Every collection is persistent: an overlay after a change shares all but that change with the one before, which
//! searches that have begun go on reading.

mod changed;
mod layer;
mod pages;
mod postings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::view::View;
use crate::index::columns::{Attribute, Columns, Relation};
use crate::index::{Slot, Snapshot};
use crate::member::fold::Key;
use crate::member::{Member, MemberId};
pub(super) use changed::Changed;
pub(super) use layer::Layer;
use pages::Pages;
use postings::Postings;

/// Keys are hashes and slots already: a fast hasher does.
type Map<K, V> = imbl::GenericHashMap<K, V, foldhash::fast::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// A word in a changed profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) slot: u32,
    /// How often it stands there.
    pub(super) count: u8,
    /// How many words the profile has.
    pub(super) length: u32,
}

/// Members over a generation.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    /// The last change that is in it.
    pub(super) sequence: u64,
    /// How many slots the generation has; the next ones are newcomers'.
    built: u32,
    is_changed: Arc<FixedBitSet>,
    members: Pages<Arc<Changed>>,
    newcomers: Map<Box<str>, u32>,
    /// Who lists somebody that is not there yet.
    awaited: Map<MemberId, Vec<u32>>,
    /// Relations that are not as the generation has them, by relation and slot.
    related: [Pages<Arc<[u32]>>; 3],
    values: Postings<u32>,
    words: Postings<Standing>,
    /// Profiles with words beyond the generation's, and words in profiles.
    pub(super) more_profiles: isize,
    pub(super) more_words: i64,
    /// Vectors that the generation has not; their rows come after its own.
    texts: Map<Key, u32>,
    vectors: Rows,
    first_row: u32,
    pub(super) profile: Layer,
    pub(super) interests: Layer,
    pub(super) findable: Arc<FixedBitSet>,
    pub(super) available: Arc<FixedBitSet>,
}

impl Overlay {
    /// Of a generation in which nobody changed.
    pub(super) fn over(snapshot: &Snapshot) -> Overlay {
        Overlay {
            sequence: snapshot.manifest.sequence,
            built: snapshot.columns.len() as u32,
            is_changed: Arc::default(),
            members: Pages::default(),
            newcomers: Map::default(),
            awaited: Map::default(),
            related: Default::default(),
            values: Postings::default(),
            words: Postings::default(),
            more_profiles: 0,
            more_words: 0,
            texts: Map::default(),
            vectors: Rows { dimension: snapshot.vectors.dimension(), chunks: Vec::new(), rows: 0 },
            first_row: snapshot.vectors.len() as u32,
            profile: Layer::default(),
            interests: Layer::default(),
            findable: Arc::new(snapshot.findable.clone()),
            available: Arc::new(snapshot.available.clone()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many members changed.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn slots(&self) -> usize {
        self.built as usize + self.newcomers.len()
    }

    #[inline]
    pub(super) fn is_changed(&self, slot: Slot) -> bool {
        self.is_changed.contains(slot.index())
    }

    #[inline]
    pub(super) fn changed(&self, slot: Slot) -> Option<&Changed> {
        if self.is_changed(slot) { self.members.get(slot.0).map(Arc::as_ref) } else { None }
    }

    pub(super) fn without_changed<'a>(&self, members: &'a FixedBitSet) -> Cow<'a, FixedBitSet> {
        without(members, &self.is_changed)
    }

    /// The slot of a member whom the generation does not hold.
    pub(super) fn newcomer(&self, id: &str) -> Option<Slot> {
        self.newcomers.get(id).map(|slot| Slot(*slot))
    }

    pub(super) fn having(&self, attribute: Attribute, key: Key) -> &[u32] {
        self.values.of(attribute.posting(key))
    }

    pub(super) fn count_having(&self, attribute: Attribute, key: Key, built: usize) -> usize {
        if self.is_empty() { built } else { self.values.count(attribute.posting(key), built) }
    }

    pub(super) fn with_word(&self, word: Key) -> &[Standing] {
        self.words.of(word)
    }

    pub(super) fn count_with_word(&self, word: Key, built: usize) -> usize {
        if self.is_empty() { built } else { self.words.count(word, built) }
    }

    pub(super) fn find(&self, text: Key) -> Option<u32> {
        self.texts.get(&text).copied()
    }

    /// The texts whose vectors the generation has not.
    pub(super) fn texts(&self) -> impl Iterator<Item = Key> {
        self.texts.keys().copied()
    }

    pub(super) fn vector(&self, row: u32) -> Option<&[f32]> {
        self.vectors.get(row.checked_sub(self.first_row)?)
    }

    pub(super) fn related(&self, relation: Relation, slot: Slot) -> Option<&[u32]> {
        let related = &self.related[relation as usize];
        if related.is_empty() { None } else { related.get(slot.0).map(|slots| &slots[..]) }
    }

    /// Gives whoever the generation does not hold the next slot.
    pub(super) fn admit(&mut self, columns: &Columns, id: &MemberId) -> Slot {
        if let Some(slot) = self.newcomer(id.as_str()).or_else(|| columns.slot(id.as_str())) {
            return slot;
        }
        let slot = self.slots() as u32;
        self.newcomers.insert(id.as_str().into(), slot);
        for set in [&mut self.findable, &mut self.available] {
            Arc::make_mut(set).grow(slot as usize + 1);
        }
        for waiting in self.awaited.remove(id).unwrap_or_default() {
            self.acquaint(columns, waiting, id, slot);
        }
        Slot(slot)
    }

    /// Lets a member who lists somebody know them, now that they are there.
    fn acquaint(&mut self, columns: &Columns, waiting: u32, id: &MemberId, slot: u32) {
        let Some(member) = self.members.get_mut(waiting) else { return };
        let member = Arc::make_mut(member);
        let mut listing = Vec::new();
        for relation in Relation::ALL {
            let awaited = &mut member.awaited[relation as usize];
            if let Some(at) = awaited.iter().position(|awaited| awaited == id) {
                awaited.swap_remove(at);
                insert(&mut member.listed[relation as usize], slot);
                listing.push(relation);
            }
        }
        for relation in listing {
            self.edit(columns, relation, waiting, |related| insert(related, slot));
            self.edit(columns, relation, slot, |related| insert(related, waiting));
        }
    }

    /// Puts a member, as it is now, in place of what it was.
    pub(super) fn put(&mut self, snapshot: &Snapshot, slot: Slot, member: Changed) {
        let columns = &snapshot.columns;
        let known = self.members.get(slot.0).cloned();
        let before = known.or_else(|| (slot.0 < self.built).then(|| Arc::new(Changed::of_built(snapshot, slot))));
        if let Some(before) = &before {
            let was_changed = self.is_changed(slot);
            before.values().for_each(|(attribute, key)| {
                self.values.leave(attribute.posting(key), |at| was_changed && *at == slot.0);
            });
            before.words.iter().for_each(|(word, _)| self.words.leave(*word, |at| was_changed && at.slot == slot.0));
            self.more_profiles -= isize::from(!before.words.is_empty());
            self.more_words -= i64::from(before.word_length());
        }
        member.values().for_each(|(attribute, key)| self.values.join(attribute.posting(key), slot.0));
        let length = member.word_length();
        for (word, count) in &member.words {
            self.words.join(*word, Standing { slot: slot.0, count: *count, length });
        }
        self.more_profiles += isize::from(!member.words.is_empty());
        self.more_words += i64::from(member.word_length());
        for relation in Relation::ALL {
            self.relate(columns, slot.0, relation, &member.listed[relation as usize]);
            for awaited in &member.awaited[relation as usize] {
                let waiting = self.awaited.entry(awaited.clone()).or_default();
                if !waiting.contains(&slot.0) {
                    waiting.push(slot.0);
                }
            }
        }
        let before = before.as_deref();
        for (layer, facet, now, was) in [
            (&mut self.profile, &snapshot.profile, member.profile, before.and_then(|before| before.profile)),
            (&mut self.interests, &snapshot.interests, member.of_interests, before.and_then(|was| was.of_interests)),
        ] {
            let vector = |row: u32| self.vectors.get(row.checked_sub(self.first_row)?);
            let vector = now.and_then(|row| snapshot.vectors.row(row).or_else(|| vector(row)));
            layer.put(facet, slot, now.zip(vector), was);
        }
        let (findable, available) = member.may_be_found();
        Arc::make_mut(&mut self.findable).set(slot.index(), findable);
        Arc::make_mut(&mut self.available).set(slot.index(), available);
        let is_changed = Arc::make_mut(&mut self.is_changed);
        is_changed.grow(slot.index() + 1);
        is_changed.insert(slot.index());
        self.members.insert(slot.0, Arc::new(member));
    }

    /// Keeps a vector that the generation has not, and gives its row.
    fn keep(&mut self, vector: &[f32]) -> u32 {
        self.first_row + self.vectors.push(vector)
    }

    /// Brings a relation up to date with whom a member lists now.
    fn relate(&mut self, columns: &Columns, slot: u32, relation: Relation, listed: &[u32]) {
        let now = self.related(relation, Slot(slot)).unwrap_or_else(|| columns.related(relation, Slot(slot))).to_vec();
        let lists = |other: &u32| {
            let changed = self.changed(Slot(*other)).map(|changed| &changed.listed[relation as usize][..]);
            changed.unwrap_or_else(|| columns.listed(relation, Slot(*other))).binary_search(&slot).is_ok()
        };
        let mut then: Vec<u32> = now.iter().copied().filter(lists).chain(listed.iter().copied()).collect();
        then.sort_unstable();
        then.dedup();
        for gone in now.iter().filter(|other| then.binary_search(other).is_err()) {
            self.edit(columns, relation, *gone, |related| related.retain(|other| *other != slot));
        }
        for come in then.iter().filter(|other| now.binary_search(other).is_err()) {
            self.edit(columns, relation, *come, |related| insert(related, slot));
        }
        if now != then {
            self.related[relation as usize].insert(slot, then.into());
        }
    }

    fn edit(&mut self, columns: &Columns, relation: Relation, slot: u32, change: impl FnOnce(&mut Vec<u32>)) {
        let known = self.related(relation, Slot(slot)).unwrap_or_else(|| columns.related(relation, Slot(slot)));
        let mut related = known.to_vec();
        change(&mut related);
        self.related[relation as usize].insert(slot, related.into());
    }
}

impl View {
    /// The view once a member is as given, encoded for this generation. `vector` gives the vectors of its texts; a text
    /// without one has none.
    pub(super) fn put(&mut self, member: &Member, arrival: Arrival<'_>) {
        let View { snapshot, overlay } = self;
        let overlay = Arc::make_mut(overlay);
        let slot = overlay.admit(&snapshot.columns, &member.id);
        for (key, _) in arrival.encoded.texts() {
            if snapshot.vectors.find(key).is_none()
                && overlay.find(key).is_none()
                && let Some(vector) = (arrival.vector)(key)
            {
                let row = overlay.keep(&vector);
                overlay.texts.insert(key, row);
            }
        }
        let changed = Changed::of(member, &arrival, snapshot, overlay, slot);
        overlay.put(snapshot, slot, changed);
    }

    /// The view once a member is gone: nobody finds them, and what they had counts nowhere. Their slot stays theirs.
    pub(super) fn remove(&mut self, id: &MemberId) {
        let View { snapshot, overlay } = self;
        let overlay = Arc::make_mut(overlay);
        let known = overlay.newcomer(id.as_str()).or_else(|| snapshot.columns.slot(id.as_str()));
        if let Some(slot) = known {
            overlay.put(snapshot, slot, Changed::gone(id));
        }
    }

    /// Gives newcomers their slots, so that members who come together know one another.
    pub(super) fn admit<'a>(&mut self, members: impl Iterator<Item = &'a Member>) {
        let View { snapshot, overlay } = self;
        let overlay = Arc::make_mut(overlay);
        for member in members {
            overlay.admit(&snapshot.columns, &member.id);
        }
    }

    /// Says up to which change the view goes.
    pub(super) fn seen(&mut self, sequence: u64) {
        Arc::make_mut(&mut self.overlay).sequence = sequence;
    }
}

/// A member who comes or changes, in a generation's terms.
pub(super) struct Arrival<'a> {
    pub(super) encoded: &'a crate::index::encode::Encoded,
    /// Of age, an absent `adult` read as the generation reads it.
    pub(super) adult: bool,
    /// The number of the change.
    pub(super) change: u64,
    pub(super) vector: &'a dyn Fn(Key) -> Option<Arc<[f32]>>,
}

/// Vectors side by side, so that one that is needed soon can be asked for; a few dozen of them are copied when one comes.
#[derive(Debug, Clone)]
struct Rows {
    dimension: usize,
    chunks: Vec<Arc<Vec<f32>>>,
    rows: u32,
}

impl Rows {
    /// Rows to a chunk.
    const TOGETHER: u32 = 64;

    fn get(&self, row: u32) -> Option<&[f32]> {
        let chunk = self.chunks.get((row / Self::TOGETHER) as usize)?;
        let start = (row % Self::TOGETHER) as usize * self.dimension;
        chunk.get(start..start + self.dimension)
    }

    /// Adds a vector of this dimension, and gives its row.
    fn push(&mut self, vector: &[f32]) -> u32 {
        debug_assert_eq!(vector.len(), self.dimension);
        if self.rows.is_multiple_of(Self::TOGETHER) {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            Arc::make_mut(chunk).extend(vector.iter().copied().chain(std::iter::repeat(0.0)).take(self.dimension));
        }
        self.rows += 1;
        self.rows - 1
    }
}

fn insert(slots: &mut Vec<u32>, slot: u32) {
    if let Err(at) = slots.binary_search(&slot) {
        slots.insert(at, slot);
    }
}

/// Some members but for those of a set, copied only where there are such.
fn without<'a>(members: &'a FixedBitSet, but: &FixedBitSet) -> Cow<'a, FixedBitSet> {
    if but.is_clear() {
        return Cow::Borrowed(members);
    }
    let mut rest = members.clone();
    rest.difference_with(but);
    Cow::Owned(rest)
}
