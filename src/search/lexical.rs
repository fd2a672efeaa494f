//! Words in common by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009):
//! what each sought word is worth, and whose profiles hold most of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use fixedbitset::FixedBitSet;

use super::retrieve::turn;
use super::spelling::corrected;
use crate::index::columns::WordColumns;
use crate::index::words::Word;
use crate::index::{Slot, Snapshot};
use crate::member::fold::Key;

/// k1: how much a second mention adds to the first.
const K1: f32 = 1.2;

/// b: how much the mentions in a long profile count less.
const B: f32 = 0.75;

/// Of a long text so many of the rarest words bring candidates; all of them count once somebody is one.
const MOST_WALKED: usize = 64;

/// A sought word that at least one member has.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) key: Key,
    /// As the seeker said it; nothing where that was corrected.
    pub(super) said: Option<String>,
    idf: f32,
}

impl Term {
    fn new(key: Key, said: Option<String>, words: &WordColumns) -> Option<Term> {
        let having = words.postings(key).0.len() as f32;
        (having > 0.0).then(|| Term { key, said, idf: idf(words, having) })
    }

    /// What the word adds to the BM25 of a profile in which it stands `count` times:
    /// idf · count / (count + k1 (1 − b + b · length / mean length)), without the constant factor k1 + 1.
    fn weight(&self, words: &WordColumns, slot: Slot, count: u8) -> f32 {
        let count = f32::from(count);
        let length = words.length(slot) as f32 / words.mean_length();
        self.idf * count / (count + K1 * (1.0 - B + B * length))
    }

    /// The word's weight in a member's profile; nothing where it does not stand there.
    pub(super) fn in_profile(&self, words: &WordColumns, slot: Slot) -> Option<f32> {
        let count = words.count(slot, self.key);
        (count > 0).then(|| self.weight(words, slot, count))
    }
}

/// The inverse document frequency of a word that df of the N profiles have, ln(1 + (N − df + ½) / (df + ½)): above zero.
fn idf(words: &WordColumns, having: f32) -> f32 {
    let others = (words.profiles() as f32 - having).max(0.0);
    (1.0 + (others + 0.5) / (having + 0.5)).ln()
}

/// The BM25 of a profile of mean length that has one sought word, once, and alone has it. Counted in it, a BM25 means the
/// same in a small community and in a large one.
pub(super) fn of_one_rare_word(words: &WordColumns) -> f32 {
    idf(words, 1.0) / (1.0 + K1)
}

/// The distinct words that are sought, as the snapshot has them: a word that no member has is corrected, or left out.
pub(super) fn terms(said: impl IntoIterator<Item = Word>, snapshot: &Snapshot) -> Vec<Term> {
    let words = &snapshot.columns.words;
    let mut seen = HashSet::new();
    let (mut terms, mut unknown) = (Vec::new(), Vec::new());
    for word in said {
        if seen.insert(word.key) {
            match Term::new(word.key, Some(word.said.clone()), words) {
                Some(term) => terms.push(term),
                None => unknown.push(word),
            }
        }
    }
    for key in corrected(&unknown, words) {
        if seen.insert(key) {
            terms.extend(Term::new(key, None, words));
        }
    }
    terms
}

/// The postings of a term that are not read yet.
struct Walk<'a> {
    term: &'a Term,
    slots: &'a [u32],
    counts: &'a [u8],
}

impl Walk<'_> {
    /// The term's weight in a profile, if it stands there, after going on to the member's place and past it.
    fn take(&mut self, words: &WordColumns, slot: u32) -> f32 {
        if self.slots.first().is_some_and(|first| *first < slot) {
            self.skip(self.slots.partition_point(|other| *other < slot));
        }
        let (Some(&next), Some(&count)) = (self.slots.first(), self.counts.first()) else { return 0.0 };
        if next != slot {
            return 0.0;
        }
        self.skip(1);
        self.term.weight(words, Slot(slot), count)
    }

    fn skip(&mut self, postings: usize) {
        self.slots = self.slots.get(postings..).unwrap_or(&[]);
        self.counts = self.counts.get(postings..).unwrap_or(&[]);
    }
}

/// The `most` members of those allowed whose profiles have the greatest BM25, in no order. Equal ones are cut in an order
/// that differs by query.
///
/// MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995): the terms' postings are read side
/// by side in the order of slots. Once enough are found, the most common terms, which even together would not lift a
/// profile among the best, are only looked up.
pub(super) fn best<'a>(
    terms: &'a [Term],
    words: &'a WordColumns,
    allowed: &FixedBitSet,
    most: usize,
    seed: u64,
) -> Vec<Slot> {
    let walk = |term: &'a Term| {
        let (slots, counts) = words.postings(term.key);
        // Of a damaged file one list may be shorter.
        let both = slots.len().min(counts.len());
        Walk { term, slots: &slots[..both], counts: &counts[..both] }
    };
    let mut walks: Vec<Walk<'_>> = terms.iter().map(walk).collect();
    walks.sort_by(|left, right| left.term.idf.total_cmp(&right.term.idf));
    walks.drain(..walks.len().saturating_sub(MOST_WALKED));
    // What a term and all more common ones bring at most.
    let reach: Vec<f32> = walks
        .iter()
        .scan(0.0, |sum, walk| {
            *sum += walk.term.idf;
            Some(*sum)
        })
        .collect();
    // The least comes first: bits of floats that are not negative are ordered as the floats are.
    let mut kept: BinaryHeap<Reverse<(u32, u64, u32)>> = BinaryHeap::new();
    let mut least = 0.0;
    let mut common = 0;
    while let Some(slot) = walks[common..].iter().filter_map(|walk| walk.slots.first()).min().copied() {
        let mut score: f32 = walks[common..].iter_mut().map(|walk| walk.take(words, slot)).sum();
        if !allowed.contains(slot as usize) {
            continue;
        }
        for at in (0..common).rev() {
            if score + reach[at] < least {
                break;
            }
            score += walks[at].take(words, slot);
        }
        kept.push(Reverse((score.to_bits(), turn(slot, seed), slot)));
        if kept.len() > most {
            kept.pop();
            least = kept.peek().map_or(0.0, |Reverse((score, ..))| f32::from_bits(*score));
            common = reach.partition_point(|reach| *reach < least);
        }
    }
    kept.into_iter().map(|Reverse((_, _, slot))| Slot(slot)).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::index::columns::{Columns, ColumnsBuilder};
    use crate::index::encode::Encoded;
    use crate::member::Member;

    /// Columns of profiles with these words and nothing else.
    fn columns(profiles: &[Vec<(Key, u8)>]) -> Columns {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("members.columns");
        let mut builder = ColumnsBuilder::default();
        for words in profiles {
            let encoded = Encoded { words: words.clone(), ..Encoded::default() };
            builder.push(&Member::default(), &encoded, true, |_| None);
        }
        builder.write(&path, |_, _| None).unwrap();
        Columns::open(&path, profiles.len()).unwrap().0
    }

    #[test]
    fn the_best_are_those_of_an_exhaustive_comparison() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for round in 0..60u64 {
            let mut profile = || {
                // Low words are common, high ones rare.
                let drawn = (0..random.random_range(0..12)).map(|_| 1 + (40.0 * random.random::<f64>().powi(3)) as u64);
                let mut words: Vec<(Key, u8)> = drawn.map(|word| (Key(word), 1)).collect();
                words.sort_unstable();
                words.dedup();
                words.iter_mut().for_each(|(_, count)| *count = random.random_range(1..4));
                words
            };
            let profiles: Vec<Vec<(Key, u8)>> = (0..500).map(|_| profile()).collect();
            let columns = columns(&profiles);
            let words = &columns.words;
            let sought = (0..1 + round % 9).map(|_| Key(random.random_range(1..44)));
            let terms: Vec<Term> =
                sought.collect::<HashSet<_>>().into_iter().filter_map(|key| Term::new(key, None, words)).collect();
            let mut allowed = FixedBitSet::with_capacity(500);
            (0..500).for_each(|slot| allowed.set(slot, random.random_range(0..10) < 1 + round % 10));
            let score = |slot: Slot| terms.iter().filter_map(|term| term.in_profile(words, slot)).sum::<f32>();
            let mut expected: Vec<f32> =
                allowed.ones().map(|slot| score(Slot(slot as u32))).filter(|score| *score > 0.0).collect();
            expected.sort_by(|left, right| right.total_cmp(left));
            for most in [1, 7, 64, 1_000] {
                let found = best(&terms, words, &allowed, most, round);
                assert!(found.iter().all(|slot| allowed.contains(slot.index())), "somebody who is not allowed");
                assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len(), "somebody twice");
                let mut scores: Vec<f32> = found.into_iter().map(score).collect();
                scores.sort_by(|left, right| right.total_cmp(left));
                assert_eq!(scores.len(), expected.len().min(most));
                assert!(scores.iter().zip(&expected).all(|(one, other)| (one - other).abs() < 1e-4), "round {round}");
            }
        }
    }

    #[test]
    fn a_common_word_is_worth_little_and_never_less_than_nothing() {
        let columns = columns(&[vec![(Key(1), 1)], vec![(Key(1), 1)], vec![(Key(1), 1), (Key(2), 1)], vec![]]);
        let words = &columns.words;
        let weight = |key| Term::new(Key(key), None, words).unwrap().in_profile(words, Slot(2)).unwrap();
        assert!(weight(1) > 0.0 && weight(2) > 3.0 * weight(1));
        assert_eq!((words.profiles(), words.mean_length()), (3, 4.0 / 3.0), "a profile without words is none");
        assert!(Term::new(Key(3), None, words).is_none(), "nobody has it");
    }
}
