//! What stands beside the fit of two people: adjustments that the programme makes to mentors, the same for everybody who asks,
//! for as long as an epoch lasts.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::answer::Adjustment;
use super::query::Query;
use super::weights::to_a_millionth;
use super::{Searcher, rerank};
use crate::index::Slot;
use crate::member::MemberId;

/// The reason of who has no free place.
pub(crate) const FULL: &str = "full";

/// The adjustments of one epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Epoch {
    number: u32,
    /// Looked up for every candidate of every search.
    adjustments: HashMap<String, Vec<Adjustment>, foldhash::fast::RandomState>,
}

impl Epoch {
    /// An epoch of these adjustments. Its number, a part of an answer's state, is a hash of them; 0 where there are none.
    pub fn new(adjustments: BTreeMap<MemberId, Vec<Adjustment>>) -> Epoch {
        let hash = blake3::hash(&serde_json::to_vec(&adjustments).unwrap_or_default());
        let number = hash.as_bytes().first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes).max(1));
        let number = if adjustments.is_empty() { 0 } else { number };
        Epoch { number, adjustments: adjustments.into_iter().map(|(id, of)| (id.to_string(), of)).collect() }
    }

    /// The epoch of a number from its adjustments as JSON; nothing where they are another's.
    pub(crate) fn read(number: u32, record: &str) -> Option<Epoch> {
        let adjustments: BTreeMap<MemberId, Vec<Adjustment>> = serde_json::from_str(record).ok()?;
        Some(Epoch::new(adjustments)).filter(|epoch| epoch.number == number)
    }

    /// Its adjustments as JSON, in the order of the ids.
    pub(crate) fn record(&self) -> String {
        let adjustments: BTreeMap<&String, &Vec<Adjustment>> = self.adjustments.iter().collect();
        serde_json::to_string(&adjustments).unwrap_or_default()
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What is said of a mentor.
    pub(super) fn of(&self, id: &str) -> &[Adjustment] {
        self.adjustments.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether a mentor has no free place.
    pub(super) fn is_full(&self, id: &str) -> bool {
        self.of(id).iter().any(|adjustment| adjustment.reason == FULL)
    }

    /// A score with what is said of whoever `id` names.
    #[inline]
    pub(super) fn adjust<'a>(&self, score: f64, id: impl FnOnce() -> &'a str) -> f64 {
        if self.adjustments.is_empty() { score } else { to_a_millionth(rerank::score(score, self.of(id()))) }
    }
}

/// An epoch in which nothing is adjusted.
static UNSTEERED: LazyLock<Epoch> = LazyLock::new(Epoch::default);

impl Searcher {
    /// What steers a query. Two who exchange are peers: neither takes the other's place as a mentor.
    pub(super) fn epoch_of(&self, query: &Query) -> &Epoch {
        if query.exchange { &UNSTEERED } else { &self.epoch }
    }

    /// How many places all mentors who may be found have left together, where who does not say takes `usual` many.
    pub fn places_left(&self, usual: u32, taken: impl Fn(&str) -> u32) -> u64 {
        let left = |slot: Slot| {
            let capacity = self.view.capacity(slot).unwrap_or(usual);
            u64::from(capacity.saturating_sub(taken(self.view.id(slot))))
        };
        self.view.findable().ones().map(|slot| left(Slot(slot as u32))).sum()
    }

    /// The same searcher in an epoch of the programme.
    pub fn in_epoch(&self, epoch: std::sync::Arc<Epoch>) -> Searcher {
        Searcher { epoch, ..self.clone() }
    }

    /// The epoch that it searches in.
    pub fn epoch(&self) -> &std::sync::Arc<Epoch> {
        &self.epoch
    }
}
