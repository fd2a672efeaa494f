//! A member over the generation: what its columns would hold.

use super::{Arrival, Overlay};
use crate::index::columns::{Attribute, NONE, Relation, flag, flags_of, shown_capacity};
use crate::index::encode::{Phrase, PlaceKeys};
use crate::index::write::mean_of_interests;
use crate::index::{Slot, Snapshot};
use crate::member::fold::Key;
use crate::member::{Member, MemberId};
use crate::search::view::FacetName;

/// A member as it is now. One without anything is gone.
#[derive(Debug, Clone, Default)]
pub(in crate::search) struct Changed {
    pub(in crate::search) id: Box<str>,
    /// The number of the change that made the record so.
    pub(in crate::search) change: u64,
    pub(in crate::search) flags: u8,
    pub(in crate::search) capacity: Option<u32>,
    pub(in crate::search) profession: Option<(Key, u32)>,
    pub(in crate::search) industry: Option<(Key, u32)>,
    pub(in crate::search) offers: Option<(Key, u32)>,
    pub(in crate::search) interests: Vec<(Key, u32)>,
    pub(in crate::search) overcame: Vec<(Key, u32)>,
    /// Of the attributes of [`LISTED`], each sorted.
    keys: [Vec<Key>; LISTED.len()],
    pub(in crate::search) location: PlaceKeys,
    pub(in crate::search) hometown: PlaceKeys,
    pub(in crate::search) coordinates: Option<(f32, f32)>,
    pub(in crate::search) years_experience: Option<f32>,
    pub(in crate::search) utc_offset: Option<i16>,
    /// In the order of their keys.
    pub(super) words: Vec<(Key, u8)>,
    pub(super) profile: Option<u32>,
    pub(super) of_interests: Option<u32>,
    /// Slots of those listed, by relation, each in order.
    pub(super) listed: [Vec<u32>; 3],
    /// Those listed who are not there.
    pub(super) awaited: [Vec<MemberId>; 3],
}

/// Attributes of which a member may have several.
const LISTED: [Attribute; 5] =
    [Attribute::Employer, Attribute::School, Attribute::FieldOfStudy, Attribute::Language, Attribute::Group];

impl Changed {
    /// A member encoded, its vectors in the generation or kept in the overlay.
    pub(super) fn of(
        member: &Member,
        arrival: &Arrival<'_>,
        snapshot: &Snapshot,
        overlay: &mut Overlay,
        slot: Slot,
    ) -> Changed {
        let encoded = arrival.encoded;
        let find = |overlay: &Overlay, key| snapshot.vectors.find(key).or_else(|| overlay.find(key));
        let row = |phrase: &Phrase| phrase.embedded.as_ref().and_then(|_| find(overlay, phrase.key));
        let phrase = |phrase: &Phrase| (phrase.key, row(phrase).unwrap_or(NONE));
        let (interests, overcame) =
            (encoded.interests.iter().map(phrase).collect(), encoded.overcame.iter().map(phrase).collect());
        let profile = encoded.profile.as_ref().and_then(|passage| find(overlay, passage.key));
        let mut listed: [Vec<u32>; 3] = Default::default();
        let mut awaited: [Vec<MemberId>; 3] = Default::default();
        for (relation, ids, field) in [
            (Relation::Friends, &member.friends, "friends"),
            (Relation::Colleagues, &member.colleagues, "colleagues"),
            (Relation::Blocks, &member.blocks, ""),
        ] {
            for id in ids.iter().filter(|_| !member.keeps_private(field)) {
                let known = overlay.newcomer(id.as_str()).or_else(|| snapshot.columns.slot(id.as_str()));
                match known {
                    Some(slot) => listed[relation as usize].push(slot.0),
                    None => awaited[relation as usize].push(id.clone()),
                }
            }
            listed[relation as usize].sort_unstable();
            listed[relation as usize].dedup();
        }
        let changed = Changed {
            id: member.id.as_str().into(),
            change: arrival.change,
            flags: flags_of(member, encoded.covered, arrival.adult),
            capacity: shown_capacity(member),
            profession: encoded.profession.as_ref().map(phrase),
            industry: encoded.industry.as_ref().map(phrase),
            offers: encoded.offers.as_ref().map(phrase),
            interests,
            overcame,
            keys: [&encoded.employers, &encoded.schools, &encoded.fields, &encoded.languages, &encoded.groups]
                .map(Clone::clone),
            location: encoded.location,
            hometown: encoded.hometown,
            coordinates: encoded.coordinates,
            years_experience: encoded.years_experience,
            utc_offset: encoded.utc_offset,
            words: encoded.words.clone(),
            profile,
            of_interests: None,
            listed,
            awaited,
        };
        let of_interests = changed.row_of_interests(arrival, snapshot, overlay, slot);
        Changed { of_interests, ..changed }
    }

    /// The row of the mean of the interests: the generation's, where it is the same.
    fn row_of_interests(
        &self,
        arrival: &Arrival<'_>,
        snapshot: &Snapshot,
        overlay: &mut Overlay,
        slot: Slot,
    ) -> Option<u32> {
        let embedded = arrival.encoded.interests.iter().filter(|phrase| phrase.embedded.is_some());
        let mut keys: Vec<Key> = embedded.map(|phrase| phrase.key).collect();
        keys.sort_unstable();
        let vector = |key: &Key| {
            let row = snapshot.vectors.find(*key).or_else(|| overlay.find(*key))?;
            snapshot.vectors.row(row).or_else(|| overlay.vector(row))
        };
        let vectors: Vec<&[f32]> = keys.iter().filter_map(vector).collect();
        let mean = mean_of_interests(&vectors)?;
        let built = snapshot.interests.row(slot);
        let same = |row: &u32| snapshot.vectors.row(*row).is_some_and(|vector| *vector == *mean);
        let known = built.filter(same).or_else(|| {
            let before = overlay.changed(slot)?.of_interests?;
            overlay.vector(before).filter(|vector| **vector == *mean).map(|_| before)
        });
        Some(known.unwrap_or_else(|| overlay.keep(&mean)))
    }

    /// A member who is gone: nothing but the id that the slot belongs to.
    pub(super) fn gone(id: &MemberId) -> Changed {
        // No record that was read before is theirs.
        Changed { id: id.as_str().into(), change: u64::MAX, ..Changed::default() }
    }

    /// A member as the generation has it.
    pub(super) fn of_built(snapshot: &Snapshot, slot: Slot) -> Changed {
        let columns = &snapshot.columns;
        Changed {
            id: columns.id(slot).into(),
            change: snapshot.manifest.sequence,
            flags: columns.flags(slot),
            capacity: columns.capacity(slot),
            profession: columns.profession.get(slot),
            industry: columns.industry.get(slot),
            offers: columns.offers.get(slot),
            interests: columns.interests.get(slot).collect(),
            overcame: columns.overcame.get(slot).collect(),
            keys: LISTED.map(|attribute| columns.keys(attribute, slot).to_vec()),
            location: columns.location.get(slot),
            hometown: columns.hometown.get(slot),
            coordinates: columns.coordinates(slot),
            years_experience: columns.years_experience(slot),
            utc_offset: columns.utc_offset(slot),
            words: columns.words.of(slot).collect(),
            profile: snapshot.profile.row(slot),
            of_interests: snapshot.interests.row(slot),
            listed: Relation::ALL.map(|relation| columns.listed(relation, slot).to_vec()),
            awaited: Default::default(),
        }
    }

    /// The keys of an attribute of [`LISTED`].
    pub(in crate::search) fn keys(&self, attribute: Attribute) -> &[Key] {
        LISTED.iter().position(|listed| *listed == attribute).map_or(&[], |at| &self.keys[at])
    }

    /// Every value that has postings.
    pub(super) fn values(&self) -> impl Iterator<Item = (Attribute, Key)> {
        let single = [
            (Attribute::Profession, self.profession.map_or(Key::NONE, |(key, _)| key)),
            (Attribute::Industry, self.industry.map_or(Key::NONE, |(key, _)| key)),
            (Attribute::City, self.location.city),
            (Attribute::Region, self.location.region),
            (Attribute::Country, self.location.country),
            (Attribute::HomeCity, self.hometown.city),
        ];
        let listed = LISTED.iter().zip(&self.keys);
        let listed = listed.flat_map(|(attribute, keys)| keys.iter().map(|key| (*attribute, *key)));
        let interests = self.interests.iter().map(|(key, _)| (Attribute::Interest, *key));
        single.into_iter().chain(listed).chain(interests).filter(|(_, key)| *key != Key::NONE)
    }

    pub(in crate::search) fn word_count(&self, word: Key) -> u8 {
        let at = self.words.binary_search_by_key(&word, |(key, _)| *key);
        at.map_or(0, |at| self.words[at].1)
    }

    pub(in crate::search) fn word_length(&self) -> u32 {
        self.words.iter().map(|(_, count)| u32::from(*count)).sum()
    }

    pub(in crate::search) fn facet_row(&self, name: FacetName) -> Option<u32> {
        match name {
            FacetName::Profile => self.profile,
            FacetName::Interests => self.of_interests,
        }
    }

    /// Whether mentees may find the member, and whether anybody may.
    pub(super) fn may_be_found(&self) -> (bool, bool) {
        let available = self.flags & (flag::ADULT | flag::PAUSED) == flag::ADULT;
        (available && self.flags & flag::MENTOR != 0, available)
    }
}
