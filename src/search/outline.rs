//! Members as the index has them, without their records: enough to count them.

use super::Searcher;
use crate::index::Slot;
use crate::index::columns::flag;

/// A member in outline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outline<'a> {
    pub(crate) id: &'a str,
    pub(crate) mentor: bool,
    pub(crate) mentee: bool,
    /// May be matched.
    pub(crate) adult: bool,
    pub(crate) paused: bool,
    /// How many mentees they take, where stated.
    pub(crate) capacity: Option<u32>,
}

impl Searcher {
    /// Everyone who has a role.
    pub(crate) fn outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        let outline = |slot: Slot| {
            let has = |bit: u8| self.view.flags(slot) & bit != 0;
            Outline {
                id: self.view.id(slot),
                mentor: has(flag::MENTOR),
                mentee: has(flag::MENTEE),
                adult: has(flag::ADULT),
                paused: has(flag::PAUSED),
                capacity: self.view.capacity(slot),
            }
        };
        let everyone = (0..self.view.slots()).map(move |slot| outline(Slot(slot as u32)));
        everyone.filter(|outline| outline.mentor || outline.mentee)
    }
}
