//! Members' records: those that were read lately are kept in memory, where somebody keeps the searcher up with the database.

use std::collections::HashMap;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::view::View;
use super::{SearchError, Searcher};
use crate::index::Slot;
use crate::store::Stored;

/// Records by slot. A slot is one member's for as long as the generation is served, and the cache ends with it.
pub(super) struct Records(Cache<u32, Kept, Bytes>);

#[derive(Clone)]
struct Kept {
    stored: Arc<Stored>,
    /// The last change of the database when it was read: it is the member's record from its own change to this one.
    read_at: u64,
    bytes: u32,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<u32, Kept> for Bytes {
    fn weight(&self, _: &u32, kept: &Kept) -> u64 {
        u64::from(kept.bytes)
    }
}

impl Records {
    /// Keeps so many bytes of records.
    pub(super) fn new(bytes: u64) -> Records {
        // What a record takes beside its texts, and its texts, mostly.
        const USUAL: u64 = 2_000;
        Records(Cache::with_weighter((bytes / USUAL) as usize, bytes, Bytes))
    }

    /// The record as the view has it, if it is kept.
    fn of(&self, view: &View, slot: Slot) -> Option<Arc<Stored>> {
        let Kept { stored, read_at, .. } = self.0.get(&slot.0)?;
        (view.changed_at(slot) <= read_at && stored.change <= view.sequence()).then_some(stored)
    }

    fn keep(&self, slot: Slot, stored: &Arc<Stored>, read_at: u64) {
        let texts = serde_json::to_vec(&stored.member).map_or(0, |json| json.len());
        let bytes = (size_of::<Stored>() + texts) as u32;
        self.0.insert(slot.0, Kept { stored: Arc::clone(stored), read_at, bytes });
    }
}

impl Searcher {
    /// The same searcher, keeping so many bytes of records in memory. Only for whoever keeps it up: of a record that is kept,
    /// changes are seen with the view.
    pub(crate) fn keeping(self, bytes: u64) -> Searcher {
        Searcher { records: Some(Arc::new(Records::new(bytes))), ..self }
    }

    /// Those of the given members that are stored, and the last change that was seen. Read ones are as of that change; kept
    /// ones are as the view has them.
    pub(super) async fn records(&self, ids: &[&str]) -> Result<(HashMap<String, Arc<Stored>>, u64), SearchError> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut unread = Vec::new();
        for id in ids {
            let kept = self.records.as_ref().and_then(|records| records.of(&self.view, self.view.slot(id)?));
            match kept {
                Some(stored) => {
                    found.insert((*id).to_owned(), stored);
                }
                None => unread.push(*id),
            }
        }
        if unread.is_empty() {
            return Ok((found, self.view.sequence()));
        }
        let (read, last_change) = self.store.members(&unread).await?;
        for (id, stored) in read {
            let stored = Arc::new(stored);
            if let (Some(records), Some(slot)) = (&self.records, self.view.slot(&id)) {
                records.keep(slot, &stored, last_change);
            }
            found.insert(id, stored);
        }
        Ok((found, last_change))
    }
}
