//! Gathering the columns of a generation, and writing them.

use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::words::WordsBuilder;
use super::{Attribute, Columns, NO_OFFSET, NONE, PhraseColumn, Relation, flag};
use crate::index::Slot;
use crate::index::arrays::{ArrayWriter, ListsBuilder};
use crate::index::encode::{Encoded, Phrase, PlaceKeys};
use crate::member::fold::Key;
use crate::member::{Member, Role};

/// Attributes being gathered, slot after slot, in the order of ids.
#[derive(Default)]
pub(crate) struct ColumnsBuilder {
    ids: ListsBuilder<u8>,
    flags: Vec<u8>,
    capacity: Vec<u32>,
    profession: Vec<Key>,
    industry: Vec<Key>,
    offers: Vec<Key>,
    interests: ListsBuilder<Key>,
    overcame: ListsBuilder<Key>,
    employers: ListsBuilder<Key>,
    schools: ListsBuilder<Key>,
    fields: ListsBuilder<Key>,
    languages: ListsBuilder<Key>,
    groups: ListsBuilder<Key>,
    words: WordsBuilder,
    location: [Vec<Key>; 3],
    hometown: [Vec<Key>; 3],
    coordinates: Vec<f32>,
    years: Vec<f32>,
    utc_offset: Vec<i16>,
    friends: Vec<(u32, u32)>,
    colleagues: Vec<(u32, u32)>,
    blocks: Vec<(u32, u32)>,
}

impl ColumnsBuilder {
    /// Adds the next member. `adult` is what an absent `adult` means; `slot_of` finds the slot of another member.
    pub(crate) fn push(
        &mut self,
        member: &Member,
        encoded: &Encoded,
        adult: bool,
        slot_of: impl Fn(&str) -> Option<u32>,
    ) {
        let slot = self.flags.len() as u32;
        self.ids.push(member.id.as_str().bytes());
        let mut lists_absent = false;
        for (edges, ids, field) in [
            (&mut self.friends, &member.friends, "friends"),
            (&mut self.colleagues, &member.colleagues, "colleagues"),
            (&mut self.blocks, &member.blocks, ""),
        ] {
            for id in ids.iter().filter(|_| !member.keeps_private(field)) {
                match slot_of(id.as_str()) {
                    Some(other) => edges.push((slot, other)),
                    None => lists_absent = true,
                }
            }
        }
        let lists_absent = if lists_absent { flag::LISTS_ABSENT } else { 0 };
        self.flags.push(flags_of(member, encoded.covered, adult) | lists_absent);
        self.capacity.push(shown_capacity(member).unwrap_or(NONE));
        let key = |phrase: &Option<Phrase>| phrase.as_ref().map_or(Key::NONE, |phrase| phrase.key);
        self.profession.push(key(&encoded.profession));
        self.industry.push(key(&encoded.industry));
        self.offers.push(key(&encoded.offers));
        self.interests.push(encoded.interests.iter().map(|phrase| phrase.key));
        self.overcame.push(encoded.overcame.iter().map(|phrase| phrase.key));
        for (lists, keys) in [
            (&mut self.employers, &encoded.employers),
            (&mut self.schools, &encoded.schools),
            (&mut self.fields, &encoded.fields),
            (&mut self.languages, &encoded.languages),
            (&mut self.groups, &encoded.groups),
        ] {
            lists.push(keys.iter().copied());
        }
        self.words.push(&encoded.words);
        self.push_places(encoded.location, encoded.hometown);
        self.push_numbers(encoded.coordinates, encoded.years_experience, encoded.utc_offset);
    }

    /// Adds the next member as an earlier generation has them. `renamed` gives the slot that each of its members has now.
    pub(crate) fn carry(&mut self, earlier: &Columns, old: Slot, renamed: &[u32]) {
        let slot = self.flags.len() as u32;
        self.ids.push(earlier.id(old).bytes());
        let mut lists_absent = earlier.flags(old) & flag::LISTS_ABSENT != 0;
        for (edges, relation) in [
            (&mut self.friends, Relation::Friends),
            (&mut self.colleagues, Relation::Colleagues),
            (&mut self.blocks, Relation::Blocks),
        ] {
            for other in earlier.listed(relation, old) {
                match renamed.get(*other as usize).filter(|other| **other != NONE) {
                    Some(other) => edges.push((slot, *other)),
                    None => lists_absent = true,
                }
            }
        }
        self.flags.push(earlier.flags(old) | if lists_absent { flag::LISTS_ABSENT } else { 0 });
        self.capacity.push(earlier.capacity(old).unwrap_or(NONE));
        let key = |column: &PhraseColumn| column.get(old).map_or(Key::NONE, |(key, _)| key);
        self.profession.push(key(&earlier.profession));
        self.industry.push(key(&earlier.industry));
        self.offers.push(key(&earlier.offers));
        self.interests.push(earlier.interests.get(old).map(|(key, _)| key));
        self.overcame.push(earlier.overcame.get(old).map(|(key, _)| key));
        for (lists, attribute) in [
            (&mut self.employers, Attribute::Employer),
            (&mut self.schools, Attribute::School),
            (&mut self.fields, Attribute::FieldOfStudy),
            (&mut self.languages, Attribute::Language),
            (&mut self.groups, Attribute::Group),
        ] {
            lists.push(earlier.keys(attribute, old).iter().copied());
        }
        self.words.push(&earlier.words.of(old).collect::<Vec<_>>());
        self.push_places(earlier.location.get(old), earlier.hometown.get(old));
        self.push_numbers(earlier.coordinates(old), earlier.years_experience(old), earlier.utc_offset(old));
    }

    /// The bits of the member who was added last.
    pub(crate) fn last_flags(&self) -> u8 {
        self.flags.last().copied().unwrap_or(0)
    }

    fn push_places(&mut self, location: PlaceKeys, hometown: PlaceKeys) {
        for (columns, place) in [(&mut self.location, location), (&mut self.hometown, hometown)] {
            for (column, key) in columns.iter_mut().zip([place.city, place.region, place.country]) {
                column.push(key);
            }
        }
    }

    fn push_numbers(&mut self, coordinates: Option<(f32, f32)>, years: Option<f32>, utc_offset: Option<i16>) {
        let (lat, lon) = coordinates.unwrap_or((f32::NAN, f32::NAN));
        self.coordinates.extend([lat, lon]);
        self.years.push(years.unwrap_or(f32::NAN));
        self.utc_offset.push(utc_offset.unwrap_or(NO_OFFSET));
    }

    /// Writes the columns. `row_of` finds the vector of a member's phrase.
    pub(crate) fn write(self, path: &Path, row_of: impl Fn(usize, Key) -> Option<u32>) -> io::Result<()> {
        let members = self.flags.len();
        let row = |slot: usize, key: Key| row_of(slot, key).unwrap_or(NONE);
        let rows = |keys: &[Key]| keys.iter().enumerate().map(|(slot, key)| row(slot, *key)).collect::<Vec<_>>();
        let (posting_keys, postings) = self.postings();
        let mut out = ArrayWriter::create(path)?;
        out.lists("ids", &self.ids)?;
        out.array("flags", &self.flags)?;
        out.array("capacity", &self.capacity)?;
        out.array("profession", &self.profession)?;
        out.array("profession.rows", &rows(&self.profession))?;
        out.array("industry", &self.industry)?;
        out.array("industry.rows", &rows(&self.industry))?;
        out.array("offers", &self.offers)?;
        out.array("offers.rows", &rows(&self.offers))?;
        out.lists("interests", &self.interests)?;
        out.lists("interests.rows", &self.interests.map(row))?;
        out.lists("overcame", &self.overcame)?;
        out.lists("overcame.rows", &self.overcame.map(row))?;
        for (name, lists) in [
            ("employers", &self.employers),
            ("schools", &self.schools),
            ("fields", &self.fields),
            ("languages", &self.languages),
            ("groups", &self.groups),
        ] {
            out.lists(name, lists)?;
        }
        self.words.write(&mut out)?;
        for (name, columns) in [("location", &self.location), ("hometown", &self.hometown)] {
            for (part, column) in ["city", "region", "country"].iter().zip(columns) {
                out.array(&format!("{name}.{part}"), column)?;
            }
        }
        out.array("coordinates", &self.coordinates)?;
        out.array("years", &self.years)?;
        out.array("utc_offset", &self.utc_offset)?;
        for (name, edges) in [("friends", self.friends), ("colleagues", self.colleagues), ("blocks", self.blocks)] {
            out.lists(&format!("{name}.listed"), &lists_of(edges.clone(), members))?;
            out.lists(name, &both_ways(edges, members))?;
        }
        out.array("posting_keys", &posting_keys)?;
        out.lists("postings", &postings)?;
        out.finish()
    }

    fn postings(&self) -> (Vec<Key>, ListsBuilder<u32>) {
        let mut pairs: Vec<(Key, u32)> = Vec::new();
        for slot in 0..self.flags.len() {
            let mut add = |attribute: Attribute, keys: &[Key]| {
                let keys = keys.iter().filter(|key| **key != Key::NONE);
                pairs.extend(keys.map(|key| (attribute.posting(*key), slot as u32)));
            };
            add(Attribute::Profession, &self.profession[slot..=slot]);
            add(Attribute::Industry, &self.industry[slot..=slot]);
            add(Attribute::Employer, self.employers.get(slot));
            add(Attribute::School, self.schools.get(slot));
            add(Attribute::FieldOfStudy, self.fields.get(slot));
            add(Attribute::Language, self.languages.get(slot));
            add(Attribute::Group, self.groups.get(slot));
            add(Attribute::Interest, self.interests.get(slot));
            add(Attribute::City, &self.location[0][slot..=slot]);
            add(Attribute::Region, &self.location[1][slot..=slot]);
            add(Attribute::Country, &self.location[2][slot..=slot]);
            add(Attribute::HomeCity, &self.hometown[0][slot..=slot]);
        }
        pairs.par_sort_unstable();
        let (mut keys, mut lists) = (Vec::new(), ListsBuilder::default());
        for of_key in pairs.chunk_by(|left, right| left.0 == right.0) {
            keys.push(of_key[0].0);
            lists.push(of_key.iter().map(|(_, slot)| *slot));
        }
        (keys, lists)
    }
}

/// The bits of [`flag`] for a member; `adult` is what an absent `adult` means.
pub(crate) fn flags_of(member: &Member, covered: bool, adult: bool) -> u8 {
    let bits = [
        (flag::MENTOR, member.is(Role::Mentor)),
        (flag::MENTEE, member.is(Role::Mentee)),
        (flag::ADULT, member.adult.unwrap_or(adult)),
        (flag::PAUSED, member.paused),
        (flag::COVERED, covered),
    ];
    bits.into_iter().filter(|(_, set)| *set).fold(0, |flags, (bit, _)| flags | bit)
}

/// How many mentees a member takes, where that is stated and shown.
pub(crate) fn shown_capacity(member: &Member) -> Option<u32> {
    member.capacity.filter(|_| !member.keeps_private("capacity"))
}

/// A relation of members as sorted lists, each pair on both sides: a friendship that one of two lists is known to both,
/// and a block holds whoever set it.
fn both_ways(edges: Vec<(u32, u32)>, members: usize) -> ListsBuilder<u32> {
    lists_of(edges.iter().flat_map(|&(from, to)| [(from, to), (to, from)]).collect(), members)
}

/// Pairs as a sorted list for each member.
fn lists_of(mut pairs: Vec<(u32, u32)>, members: usize) -> ListsBuilder<u32> {
    pairs.sort_unstable();
    pairs.dedup();
    let mut lists = ListsBuilder::default();
    let mut rest = &pairs[..];
    for member in 0..members as u32 {
        let (own, others) = rest.split_at(rest.partition_point(|pair| pair.0 == member));
        lists.push(own.iter().map(|pair| pair.1));
        rest = others;
    }
    lists
}
