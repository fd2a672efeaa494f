//! Full feeds: whoever is no longer in them is removed.

use std::collections::HashSet;

use super::{Store, StoreError};
use crate::member::MemberId;
use crate::member::import::{BadLine, Line};

/// Who is in a feed that claims to hold everyone.
#[derive(Debug)]
pub struct Present {
    ids: HashSet<MemberId>,
    /// Bad lines that may be anybody's.
    nameless: u64,
    /// Members stored before the feed was read.
    before: u64,
    unread: bool,
}

/// Why nobody was removed.
#[derive(Debug, thiserror::Error)]
pub enum NotRemoved {
    /// A part of the feed was not read to its end.
    #[error("nobody was removed: not all of the feed could be read")]
    Unread,
    /// Lines were set aside of which nobody knows whose they are.
    #[error("nobody was removed: of {0} bad lines it is not known whose they are; mend them and import again")]
    Nameless(u64),
    /// Suspiciously many are missing.
    #[error(
        "nobody was removed: {absent} of {stored} members stored before are not in the feed, more than {limit} in a hundred; \
         say --yes if that is so"
    )]
    TooMany {
        /// Those who are not in the feed.
        absent: u64,
        /// Those who were stored.
        stored: u64,
        /// The most that may be missing, in a hundred.
        limit: u64,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Present {
    /// The most members that a feed may leave out unasked, in a hundred of those stored before it: half a feed, or
    /// one of other ids, must not empty the database.
    pub const LIMIT: u64 = 10;

    /// Nobody yet, of a feed that is about to be read into a store.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin(store: &Store) -> Result<Present, StoreError> {
        let (before, _) = store.size().await?;
        Ok(Present { ids: HashSet::new(), nameless: 0, before, unread: false })
    }

    /// Takes down that a part of the feed could not be read.
    pub fn unread(&mut self) {
        self.unread = true;
    }

    pub(super) fn note(&mut self, line: &Line) {
        match line {
            Line::Member { member, .. } => {
                self.ids.insert(member.id.clone());
            }
            // Somebody whose line is bad has not left.
            Line::Bad(BadLine { id: Some(id), .. }) => {
                self.ids.insert(id.clone());
            }
            Line::Bad(BadLine { id: None, .. }) => self.nameless += 1,
        }
    }
}

impl Store {
    /// Everyone who is stored and not in the feed, however many with `any_number`, else no more than [`Present::LIMIT`].
    ///
    /// # Errors
    /// [`NotRemoved`].
    pub async fn absent(&self, present: &Present, any_number: bool) -> Result<Vec<MemberId>, NotRemoved> {
        if present.unread {
            return Err(NotRemoved::Unread);
        }
        if present.nameless > 0 {
            return Err(NotRemoved::Nameless(present.nameless));
        }
        let mut absent = self.member_ids().await?;
        absent.retain(|id| !present.ids.contains(id));
        let missing = absent.len() as u64;
        if !any_number && 100 * missing > Present::LIMIT * present.before {
            return Err(NotRemoved::TooMany { absent: missing, stored: present.before, limit: Present::LIMIT });
        }
        Ok(absent)
    }
}
