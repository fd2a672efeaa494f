//! Members' records: those that were read lately are kept in memory, where somebody keeps the searcher up with the database.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::stated::Stated;
use super::view::View;
use super::{SearchError, Searcher};
use crate::index::Slot;
use crate::index::encode::{Encoded, Encoder};
use crate::member::Member;
use crate::member::fold::Key;
use crate::store::Stored;

/// A member's record, with what is worked out of it when it is first needed.
#[derive(Debug)]
pub(crate) struct Record {
    stored: Stored,
    stated: OnceLock<Stated>,
    keys: OnceLock<Box<[Key]>>,
}

impl Deref for Record {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.stored
    }
}

impl Record {
    pub(super) fn new(stored: Stored) -> Record {
        Record { stored, stated: OnceLock::new(), keys: OnceLock::new() }
    }

    /// What they state as one who seeks. A record is encoded by one generation's encoder only.
    pub(super) fn stated(&self, encoder: &Encoder) -> &Stated {
        self.stated.get_or_init(|| Stated::of(&self.member, encoder))
    }

    /// The phrases that others may see of what they are, offer, overcame and like, each with its key.
    pub(super) fn phrases<'a>(&'a self, public: &'a Member, encoder: &Encoder) -> impl Iterator<Item = (Key, &'a str)> {
        let single = [&public.profession, &public.industry, &public.offers].into_iter().flatten();
        let phrases = single.chain(&public.overcame).chain(&public.interests).map(String::as_str);
        let keys = self.keys.get_or_init(|| phrases.clone().map(|phrase| encoder.aliases().key(phrase)).collect());
        keys.iter().copied().zip(phrases)
    }

    /// About how many bytes it takes, with all of that.
    fn bytes(&self) -> u32 {
        let texts = serde_json::to_vec(&self.member).map_or(0, |json| json.len());
        // What is stated is a part of the texts, prepared.
        (size_of::<Record>() + size_of::<Encoded>() + 2 * texts) as u32
    }
}

/// Records by slot. A slot is one member's for as long as the generation is served, and the cache ends with it.
pub(super) struct Records(Cache<u32, Kept, Bytes>);

#[derive(Clone)]
struct Kept {
    record: Arc<Record>,
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
        const USUAL: u64 = 3_000;
        Records(Cache::with_weighter((bytes / USUAL) as usize, bytes, Bytes))
    }

    /// The record as the view has it, if it is kept.
    fn of(&self, view: &View, slot: Slot) -> Option<Arc<Record>> {
        let Kept { record, read_at, .. } = self.0.get(&slot.0)?;
        (view.changed_at(slot) <= read_at && record.change <= view.sequence()).then_some(record)
    }

    fn keep(&self, slot: Slot, record: &Arc<Record>, read_at: u64) {
        self.0.insert(slot.0, Kept { record: Arc::clone(record), read_at, bytes: record.bytes() });
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
    pub(super) async fn records(&self, ids: &[&str]) -> Result<(HashMap<String, Arc<Record>>, u64), SearchError> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut unread = Vec::new();
        for id in ids {
            let kept = self.records.as_ref().and_then(|records| records.of(&self.view, self.view.slot(id)?));
            match kept {
                Some(record) => {
                    found.insert((*id).to_owned(), record);
                }
                None => unread.push(*id),
            }
        }
        if unread.is_empty() {
            return Ok((found, self.view.sequence()));
        }
        let (read, last_change) = self.store.members(&unread).await?;
        for (id, stored) in read {
            let record = Arc::new(Record::new(stored));
            if let (Some(records), Some(slot)) = (&self.records, self.view.slot(&id)) {
                records.keep(slot, &record, last_change);
            }
            found.insert(id, record);
        }
        Ok((found, last_change))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Community;
    use super::super::{Known, SearchRequest};
    use super::*;
    use crate::member::{MemberId, Role};

    fn id(at: usize) -> MemberId {
        MemberId::new(format!("m-{at:02}")).unwrap()
    }

    fn text(kind: &str, number: usize) -> String {
        format!("{kind} {}", ["boats", "violins", "bridges", "bread", "clocks"][number % 5])
    }

    /// Member number `at` as they are at the given time.
    fn member(at: usize, time: usize) -> Member {
        Member {
            id: id(at),
            roles: vec![Role::Mentor, Role::Mentee],
            headline: Some(text("Builds", at)),
            profession: Some(text("Maker of", at + time)),
            aims_for: Some(text("Seller of", at * 7 + time)),
            seeks: Some(text("Somebody who knows", at * 3 + time)),
            interests: vec![text("Old", at + 2 * time), text("New", at + 3)],
            friends: vec![id((at + 1 + time) % 40), id((at + 5) % 40)],
            ..Member::default()
        }
    }

    fn asked(community: &Community, searcher: &Searcher, at: usize) -> String {
        let request = |known| SearchRequest { member: Some(id(at)), known, k: Some(7), ..SearchRequest::default() };
        let answer = |known| match community.runtime.block_on(searcher.search(request(known))) {
            Ok(answer) => serde_json::to_string(&answer).unwrap(),
            Err(error) => error.to_string(),
        };
        [Known::Exclude, Known::Include].map(answer).concat()
    }

    #[test]
    fn an_answer_of_what_is_kept_is_that_of_what_is_read() {
        let members: Vec<Member> = (0..40).map(|at| member(at, 0)).collect();
        let community = Community::of(&members);
        let open = || [1 << 20, 9_000].map(|bytes| community.searcher().keeping(bytes));
        let mut keeping = open();
        for time in 1..8 {
            let blocks = Member { blocks: vec![id(2), id(3)], ..member(1, time) };
            let hides = Member { private: vec!["friends".into(), "interests".into()], ..member(8, time) };
            match time {
                1 => community.change(&[member(2, time)], &[]),
                2 => community.change(&[blocks], &[]),
                3 => community.change(&[hides, Member { paused: true, ..member(9, time) }], &[]),
                4 => community.change(&[member(41, time)], &[id(4)]),
                5 => {
                    community.rebuild();
                    keeping = open();
                }
                _ => community.change(&[member(1, time), member(4, time), member(9, time)], &[id(41), id(2)]),
            }
            for keeping in &mut keeping {
                *keeping = community.runtime.block_on(keeping.caught_up()).unwrap();
                let reading = community.searcher();
                for at in (0..42).chain(0..12) {
                    let (kept, read) = (asked(&community, keeping, at), asked(&community, &reading, at));
                    assert_eq!(kept, read, "{at} at {time}");
                }
            }
        }
    }

    #[test]
    fn what_somebody_states_is_made_once_and_anew_when_they_change() {
        let community = Community::of(&[member(1, 0), member(2, 0)]);
        let searcher = community.searcher().keeping(1 << 20);
        let read = |searcher: &Searcher| community.runtime.block_on(searcher.stored(&id(1))).unwrap();
        let encoded = |searcher: &Searcher| Arc::clone(&read(searcher).stated(&searcher.encoder).encoded);
        let first = encoded(&searcher);
        assert!(Arc::ptr_eq(&first, &encoded(&searcher)));
        community.change(&[member(2, 1)], &[]);
        let other = community.runtime.block_on(searcher.caught_up()).unwrap();
        assert!(Arc::ptr_eq(&first, &encoded(&other)), "of somebody else's change nothing is to be seen");
        community.change(&[member(1, 1)], &[]);
        let changed = community.runtime.block_on(other.caught_up()).unwrap();
        assert_ne!(encoded(&changed), first);
        assert_eq!(encoded(&changed), encoded(&community.searcher()));
    }
}
