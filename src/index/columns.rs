//! The members' attributes by slot, and for each value the members that have it (postings).
//!
//! A slot is a member's place in the order of ids. Texts are keys; nothing here can be read as a person's words.

mod build;
mod words;

use std::path::Path;

use super::Slot;
use super::arrays::{Array, ArrayFile, Damaged, Lists};
use super::encode::PlaceKeys;
use crate::member::fold::Key;
pub(crate) use build::{ColumnsBuilder, flags_of, shown_capacity};
pub use words::WordColumns;

/// No row, no capacity stated.
pub const NONE: u32 = u32::MAX;

/// No offset stated.
const NO_OFFSET: i16 = i16::MIN;

/// Bits of a member's flags.
pub mod flag {
    /// Offers to be found.
    pub const MENTOR: u8 = 1;
    /// Looks for mentors.
    pub const MENTEE: u8 = 2;
    /// May be matched: of age, or the setting for an absent `adult` says so.
    pub const ADULT: u8 = 4;
    /// Not to be found for now.
    pub const PAUSED: u8 = 8;
    /// The model covers the profile's language.
    pub const COVERED: u8 = 16;
    /// Lists somebody who is no member: who comes later may be the one.
    pub const LISTS_ABSENT: u8 = 32;

    /// The bit of a role.
    pub const fn of(role: crate::member::Role) -> u8 {
        match role {
            crate::member::Role::Mentor => MENTOR,
            crate::member::Role::Mentee => MENTEE,
        }
    }
}

/// An attribute whose values have postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the member's field of that name")]
pub enum Attribute {
    Profession = 1,
    Industry,
    Employer,
    School,
    FieldOfStudy,
    Language,
    Group,
    Interest,
    City,
    Region,
    Country,
    HomeCity,
}

impl Attribute {
    /// Every attribute.
    pub const ALL: [Attribute; 12] = [
        Attribute::Profession,
        Attribute::Industry,
        Attribute::Employer,
        Attribute::School,
        Attribute::FieldOfStudy,
        Attribute::Language,
        Attribute::Group,
        Attribute::Interest,
        Attribute::City,
        Attribute::Region,
        Attribute::Country,
        Attribute::HomeCity,
    ];

    /// The same key of two attributes has two postings: the attribute's number is mixed in (Fibonacci hashing).
    pub(crate) fn posting(self, key: Key) -> Key {
        Key(key.0 ^ (self as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// Phrases by slot: keys, and the rows of their vectors ([`NONE`] where the model does not cover them).
#[derive(Debug)]
pub struct PhraseColumn {
    keys: Array<Key>,
    rows: Array<u32>,
}

impl PhraseColumn {
    fn open(file: &ArrayFile, name: &str, members: usize) -> Result<Self, Damaged> {
        Ok(PhraseColumn { keys: file.array_of(name, members)?, rows: file.array_of(&format!("{name}.rows"), members)? })
    }

    /// The member's phrase and its vector's row; nothing where the member has none.
    pub fn get(&self, slot: Slot) -> Option<(Key, u32)> {
        let key = *self.keys.get(slot.index())?;
        (key != Key::NONE).then(|| (key, self.rows[slot.index()]))
    }
}

/// Lists of phrases by slot.
#[derive(Debug)]
pub struct PhraseLists {
    keys: Lists<Key>,
    rows: Lists<u32>,
}

impl PhraseLists {
    fn open(file: &ArrayFile, name: &str, members: usize) -> Result<Self, Damaged> {
        Ok(PhraseLists { keys: file.lists(name, members)?, rows: file.lists(&format!("{name}.rows"), members)? })
    }

    /// The member's phrases, each with its vector's row.
    pub fn get(&self, slot: Slot) -> impl Iterator<Item = (Key, u32)> {
        self.keys.get(slot.index()).iter().copied().zip(self.rows.get(slot.index()).iter().copied())
    }
}

/// Keys of places by slot.
#[derive(Debug)]
pub struct PlaceColumns([Array<Key>; 3]);

impl PlaceColumns {
    fn open(file: &ArrayFile, name: &str, members: usize) -> Result<Self, Damaged> {
        let part = |part| file.array_of(&format!("{name}.{part}"), members);
        Ok(PlaceColumns([part("city")?, part("region")?, part("country")?]))
    }

    /// The member's place.
    pub fn get(&self, slot: Slot) -> PlaceKeys {
        let [city, region, country] =
            self.0.each_ref().map(|column| column.get(slot.index()).copied().unwrap_or_default());
        PlaceKeys { city, region, country }
    }
}

/// What members list one another as; it holds for both, whoever lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are friends.
    Friends,
    /// They work together.
    Colleagues,
    /// Neither is to see the other.
    Blocks,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Relation; 3] = [Relation::Friends, Relation::Colleagues, Relation::Blocks];
}

#[derive(Debug)]
struct RelationColumn {
    both: Lists<u32>,
    listed: Lists<u32>,
}

impl RelationColumn {
    fn open(file: &ArrayFile, name: &str, members: usize) -> Result<Self, Damaged> {
        Ok(RelationColumn { both: file.lists(name, members)?, listed: file.lists(&format!("{name}.listed"), members)? })
    }
}

/// The columns of an open generation.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the member's attribute of that name")]
pub struct Columns {
    ids: Lists<u8>,
    flags: Array<u8>,
    capacity: Array<u32>,
    pub profession: PhraseColumn,
    pub industry: PhraseColumn,
    pub offers: PhraseColumn,
    pub interests: PhraseLists,
    pub overcame: PhraseLists,
    employers: Lists<Key>,
    schools: Lists<Key>,
    fields: Lists<Key>,
    languages: Lists<Key>,
    groups: Lists<Key>,
    pub words: WordColumns,
    pub location: PlaceColumns,
    pub hometown: PlaceColumns,
    coordinates: Array<f32>,
    years: Array<f32>,
    utc_offset: Array<i16>,
    friends: RelationColumn,
    colleagues: RelationColumn,
    blocks: RelationColumn,
    posting_keys: Array<Key>,
    postings: Lists<u32>,
}

impl Columns {
    pub(crate) fn open(path: &Path, members: usize) -> Result<(Columns, ArrayFile), Damaged> {
        let file = ArrayFile::open(path)?;
        let posting_keys = file.array::<Key>("posting_keys")?;
        let columns = Columns {
            ids: file.lists("ids", members)?,
            flags: file.array_of("flags", members)?,
            capacity: file.array_of("capacity", members)?,
            profession: PhraseColumn::open(&file, "profession", members)?,
            industry: PhraseColumn::open(&file, "industry", members)?,
            offers: PhraseColumn::open(&file, "offers", members)?,
            interests: PhraseLists::open(&file, "interests", members)?,
            overcame: PhraseLists::open(&file, "overcame", members)?,
            employers: file.lists("employers", members)?,
            schools: file.lists("schools", members)?,
            fields: file.lists("fields", members)?,
            languages: file.lists("languages", members)?,
            groups: file.lists("groups", members)?,
            words: WordColumns::open(&file, members)?,
            location: PlaceColumns::open(&file, "location", members)?,
            hometown: PlaceColumns::open(&file, "hometown", members)?,
            coordinates: file.array_of("coordinates", members.saturating_mul(2))?,
            years: file.array_of("years", members)?,
            utc_offset: file.array_of("utc_offset", members)?,
            friends: RelationColumn::open(&file, "friends", members)?,
            colleagues: RelationColumn::open(&file, "colleagues", members)?,
            blocks: RelationColumn::open(&file, "blocks", members)?,
            postings: file.lists("postings", posting_keys.len())?,
            posting_keys,
        };
        Ok((columns, file))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// The member's id.
    pub fn id(&self, slot: Slot) -> &str {
        std::str::from_utf8(self.ids.get(slot.index())).unwrap_or("")
    }

    /// The slot of a member; nothing where the generation does not hold it.
    pub fn slot(&self, id: &str) -> Option<Slot> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.ids.get(middle).cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(Slot(middle as u32)),
            }
        }
        None
    }

    /// The bits of [`flag`].
    pub fn flags(&self, slot: Slot) -> u8 {
        self.flags.get(slot.index()).copied().unwrap_or(0)
    }

    /// How many mentees the member takes, where stated.
    pub fn capacity(&self, slot: Slot) -> Option<u32> {
        self.capacity.get(slot.index()).copied().filter(|capacity| *capacity != NONE)
    }

    /// Latitude and longitude in degrees, where known.
    pub fn coordinates(&self, slot: Slot) -> Option<(f32, f32)> {
        let pair = self.coordinates.get(2 * slot.index()..2 * slot.index() + 2)?;
        (!pair[0].is_nan() && !pair[1].is_nan()).then(|| (pair[0], pair[1]))
    }

    /// Years of experience, where stated.
    pub fn years_experience(&self, slot: Slot) -> Option<f32> {
        self.years.get(slot.index()).copied().filter(|years| !years.is_nan())
    }

    /// Minutes east of UTC, where the time zone is known.
    pub fn utc_offset(&self, slot: Slot) -> Option<i16> {
        self.utc_offset.get(slot.index()).copied().filter(|offset| *offset != NO_OFFSET)
    }

    /// The member's keys of an attribute that has many values, sorted; empty for the others.
    pub fn keys(&self, attribute: Attribute, slot: Slot) -> &[Key] {
        let lists = match attribute {
            Attribute::Employer => &self.employers,
            Attribute::School => &self.schools,
            Attribute::FieldOfStudy => &self.fields,
            Attribute::Language => &self.languages,
            Attribute::Group => &self.groups,
            _ => return &[],
        };
        lists.get(slot.index())
    }

    /// The slots of all members with the value, in order.
    pub fn postings(&self, attribute: Attribute, key: Key) -> &[u32] {
        match self.posting_keys.binary_search(&attribute.posting(key)) {
            Ok(at) => self.postings.get(at),
            Err(_) => &[],
        }
    }

    /// The slots of those in a relation with the member, listed by either side, in order.
    pub fn related(&self, relation: Relation, slot: Slot) -> &[u32] {
        self.relation(relation).both.get(slot.index())
    }

    /// Those of them whom the member lists, in order.
    pub fn listed(&self, relation: Relation, slot: Slot) -> &[u32] {
        self.relation(relation).listed.get(slot.index())
    }

    fn relation(&self, relation: Relation) -> &RelationColumn {
        match relation {
            Relation::Friends => &self.friends,
            Relation::Colleagues => &self.colleagues,
            Relation::Blocks => &self.blocks,
        }
    }
}
