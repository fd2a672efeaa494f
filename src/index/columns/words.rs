//! The words of members' profiles, by slot and by word, with how often each stands where: what BM25 is computed from.

use std::io;

use rayon::prelude::*;

use crate::index::Slot;
use crate::index::arrays::{Array, ArrayFile, ArrayWriter, Damaged, Lists, ListsBuilder};
use crate::index::kernels::prefetch;
use crate::member::fold::Key;

/// The words of an open generation.
#[derive(Debug)]
pub struct WordColumns {
    words: Lists<Key>,
    counts: Lists<u8>,
    lengths: Array<u32>,
    keys: Array<Key>,
    postings: Lists<u32>,
    posting_counts: Lists<u8>,
    profiles: usize,
    mean_length: f32,
}

impl WordColumns {
    pub(super) fn open(file: &ArrayFile, members: usize) -> Result<WordColumns, Damaged> {
        let lengths = file.array_of::<u32>("words.lengths", members)?;
        let profiles = lengths.iter().filter(|length| **length > 0).count();
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let keys = file.array::<Key>("word_keys")?;
        Ok(WordColumns {
            words: file.lists("words", members)?,
            counts: file.lists("words.counts", members)?,
            postings: file.lists("word_postings", keys.len())?,
            posting_counts: file.lists("word_postings.counts", keys.len())?,
            profiles,
            mean_length: (total as f64 / profiles.max(1) as f64).max(1.0) as f32,
            lengths,
            keys,
        })
    }

    /// How often a word stands in the member's profile, at most 255.
    pub fn count(&self, slot: Slot, word: Key) -> u8 {
        let at = self.words.get(slot.index()).binary_search(&word).ok();
        at.and_then(|at| self.counts.get(slot.index()).get(at).copied()).unwrap_or(0)
    }

    /// Asks for the member's words, which are counted soon.
    pub(crate) fn prefetch(&self, slot: Slot) {
        prefetch(self.words.get(slot.index()));
    }

    /// The distinct words of the member's profile, in the order of their keys, and how often each stands there.
    pub fn of(&self, slot: Slot) -> impl Iterator<Item = (Key, u8)> {
        self.words.get(slot.index()).iter().copied().zip(self.counts.get(slot.index()).iter().copied())
    }

    /// How many words the member's profile has, repeated ones included.
    pub fn length(&self, slot: Slot) -> u32 {
        self.lengths.get(slot.index()).copied().unwrap_or(0)
    }

    /// The mean length of profiles that have words.
    pub fn mean_length(&self) -> f32 {
        self.mean_length
    }

    /// How many profiles have words.
    pub fn profiles(&self) -> usize {
        self.profiles
    }

    /// The slots of all members whose profiles have the word, in order, and how often each has it.
    pub fn postings(&self, word: Key) -> (&[u32], &[u8]) {
        match self.keys.binary_search(&word) {
            Ok(at) => (self.postings.get(at), self.posting_counts.get(at)),
            Err(_) => (&[], &[]),
        }
    }
}

/// Words being gathered, slot after slot.
#[derive(Default)]
pub(super) struct WordsBuilder {
    words: ListsBuilder<Key>,
    counts: ListsBuilder<u8>,
    lengths: Vec<u32>,
}

impl WordsBuilder {
    /// Adds the next member's distinct words, in the order of their keys.
    pub(super) fn push(&mut self, words: &[(Key, u8)]) {
        self.words.push(words.iter().map(|(key, _)| *key));
        self.counts.push(words.iter().map(|(_, count)| *count));
        self.lengths.push(words.iter().map(|(_, count)| u32::from(*count)).sum());
    }

    pub(super) fn write(&self, out: &mut ArrayWriter) -> io::Result<()> {
        out.lists("words", &self.words)?;
        out.lists("words.counts", &self.counts)?;
        out.array("words.lengths", &self.lengths)?;
        let mut places: Vec<(Key, u32, u8)> = Vec::new();
        for slot in 0..self.lengths.len() {
            let words = self.words.get(slot).iter().zip(self.counts.get(slot));
            places.extend(words.map(|(key, count)| (*key, slot as u32, *count)));
        }
        places.par_sort_unstable();
        let (mut keys, mut postings, mut counts) = (Vec::new(), ListsBuilder::default(), ListsBuilder::default());
        for of_word in places.chunk_by(|left, right| left.0 == right.0) {
            keys.push(of_word[0].0);
            postings.push(of_word.iter().map(|(_, slot, _)| *slot));
            counts.push(of_word.iter().map(|(_, _, count)| *count));
        }
        out.array("word_keys", &keys)?;
        out.lists("word_postings", &postings)?;
        out.lists("word_postings.counts", &counts)
    }
}
