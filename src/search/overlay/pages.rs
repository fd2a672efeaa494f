//! What is known of some slots. A copy shares all but what is put into it with the one that it was made of.

use std::array;
use std::sync::Arc;

/// Slots to a page: the one that is put into is copied.
const PAGE: usize = 64;

/// A value for some slots, found by two steps: it is asked for dozens of times for each candidate.
#[derive(Debug, Clone)]
pub(super) struct Pages<T> {
    pages: Vec<Option<Arc<[Option<T>; PAGE]>>>,
    filled: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Pages { pages: Vec::new(), filled: 0 }
    }
}

impl<T: Clone> Pages<T> {
    /// How many slots have a value.
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        let slot = slot as usize;
        self.pages.get(slot / PAGE)?.as_ref()?[slot % PAGE].as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let slot = slot as usize;
        Arc::make_mut(self.pages.get_mut(slot / PAGE)?.as_mut()?)[slot % PAGE].as_mut()
    }

    pub(super) fn insert(&mut self, slot: u32, value: T) {
        let slot = slot as usize;
        if slot / PAGE >= self.pages.len() {
            self.pages.resize(slot / PAGE + 1, None);
        }
        let page = self.pages[slot / PAGE].get_or_insert_with(|| Arc::new(array::from_fn(|_| None)));
        self.filled += usize::from(Arc::make_mut(page)[slot % PAGE].replace(value).is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_it_had() {
        let mut pages = Pages::default();
        for slot in [0, 63, 64, 1_000] {
            pages.insert(slot, slot);
        }
        let before = pages.clone();
        pages.insert(63, 7);
        pages.insert(65, 8);
        if let Some(value) = pages.get_mut(1_000) {
            *value = 9;
        }
        let all = |pages: &Pages<u32>| [0, 62, 63, 64, 65, 1_000, 9_999].map(|slot| pages.get(slot).copied());
        assert_eq!(all(&before), [Some(0), None, Some(63), Some(64), None, Some(1_000), None]);
        assert_eq!(all(&pages), [Some(0), None, Some(7), Some(64), Some(8), Some(9), None]);
        assert_eq!((before.len(), pages.len(), Pages::<u32>::default().is_empty()), (4, 5, true));
    }
}
