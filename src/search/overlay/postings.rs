//! Who has a value, or a word, beyond or instead of those whom the generation knows to have it.

use std::sync::Arc;

use super::Map;
use crate::member::fold::Key;

/// Lists by key, of changed members only, with how many more have it in all.
#[derive(Debug, Clone)]
pub(super) struct Postings<T>(Map<Key, Having<T>>);

#[derive(Debug, Clone)]
struct Having<T> {
    changed: Arc<Vec<T>>,
    /// All who have it now, less those whom the generation knows to have it.
    more: i64,
}

impl<T> Default for Postings<T> {
    fn default() -> Self {
        Postings(Map::default())
    }
}

impl<T: Clone> Postings<T> {
    /// The changed members that have it.
    pub(super) fn of(&self, key: Key) -> &[T] {
        self.0.get(&key).map_or(&[], |having| &having.changed)
    }

    /// How many have it, if so many of the generation have.
    pub(super) fn count(&self, key: Key, built: usize) -> usize {
        let more = self.0.get(&key).map_or(0, |having| having.more);
        (built as i64 + more).max(0) as usize
    }

    /// A changed member has it.
    pub(super) fn join(&mut self, key: Key, member: T) {
        let having = self.0.entry(key).or_insert_with(|| Having { changed: Arc::default(), more: 0 });
        Arc::make_mut(&mut having.changed).push(member);
        having.more += 1;
    }

    /// A member no longer has it: one of the changed, or one whom the generation alone knew to have it.
    pub(super) fn leave(&mut self, key: Key, is: impl Fn(&T) -> bool) {
        let having = self.0.entry(key).or_insert_with(|| Having { changed: Arc::default(), more: 0 });
        having.more -= 1;
        if let Some(at) = having.changed.iter().position(is) {
            Arc::make_mut(&mut having.changed).swap_remove(at);
        }
    }
}
