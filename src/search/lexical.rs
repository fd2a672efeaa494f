//! Words in common by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009):
//! what each sought word is worth, and whose profiles hold most of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use fixedbitset::FixedBitSet;

use super::overlay::Standing;
use super::retrieve::turn;
use super::spelling::corrected;
use super::view::View;
use crate::index::Slot;
use crate::index::words::Word;
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
    fn new(key: Key, said: Option<String>, view: &View) -> Option<Term> {
        let having = view.count_with_word(key) as f32;
        (having > 0.0).then(|| Term { key, said, idf: idf(view, having) })
    }

    /// What the word adds to the BM25 of a profile in which it stands `count` times:
    /// idf · count / (count + k1 (1 − b + b · length / mean length)), without the constant factor k1 + 1.
    fn weight(&self, count: u8, length: u32, mean_length: f32) -> f32 {
        let count = f32::from(count);
        let length = length as f32 / mean_length;
        self.idf * count / (count + K1 * (1.0 - B + B * length))
    }

    /// The word's weight in a member's profile; nothing where it does not stand there.
    pub(super) fn in_profile(&self, view: &View, slot: Slot) -> Option<f32> {
        let count = view.word_count(slot, self.key);
        (count > 0).then(|| self.weight(count, view.word_length(slot), view.mean_length()))
    }
}

/// The inverse document frequency of a word that df of the N profiles have, ln(1 + (N − df + ½) / (df + ½)): above zero.
fn idf(view: &View, having: f32) -> f32 {
    let others = (view.profiles() as f32 - having).max(0.0);
    (1.0 + (others + 0.5) / (having + 0.5)).ln()
}

/// The BM25 of a profile of mean length that has one sought word, once, and alone has it. Counted in it, a BM25 means the
/// same in a small community and in a large one.
pub(super) fn of_one_rare_word(view: &View) -> f32 {
    idf(view, 1.0) / (1.0 + K1)
}

/// The distinct words that are sought, as the snapshot has them: a word that no member has is corrected, or left out.
pub(super) fn terms(said: &[Word], view: &View) -> Vec<Term> {
    let mut seen = HashSet::new();
    let (mut terms, mut unknown) = (Vec::new(), Vec::new());
    for word in said {
        if seen.insert(word.key) {
            match Term::new(word.key, Some(word.said.clone()), view) {
                Some(term) => terms.push(term),
                None => unknown.push(word.clone()),
            }
        }
    }
    for key in corrected(&unknown, view) {
        if seen.insert(key) {
            terms.extend(Term::new(key, None, view));
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
    /// How often the term stands in a profile, after going on to the member's place and past it.
    fn take(&mut self, slot: u32) -> Option<u8> {
        if self.slots.first().is_some_and(|first| *first < slot) {
            self.skip(self.slots.partition_point(|other| *other < slot));
        }
        let (&next, &count) = (self.slots.first()?, self.counts.first()?);
        if next != slot {
            return None;
        }
        self.skip(1);
        Some(count)
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
pub(super) fn best<'a>(terms: &'a [Term], view: &'a View, allowed: &FixedBitSet, most: usize, seed: u64) -> Vec<Slot> {
    let walk = |term: &'a Term| {
        let (slots, counts) = view.built_with_word(term.key);
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
    let mean_length = view.mean_length();
    // Gives what one must have to be kept, once there are enough.
    let mut keep = |score: f32, slot: u32, least: f32| {
        if score < least {
            return None;
        }
        kept.push(Reverse((score.to_bits(), turn(slot, seed), slot)));
        if kept.len() <= most {
            return None;
        }
        kept.pop();
        kept.peek().map(|Reverse((score, ..))| f32::from_bits(*score))
    };
    // Those who changed are few: every word of theirs is looked at.
    let mut changed: HashMap<u32, f32, foldhash::fast::RandomState> = HashMap::default();
    for Walk { term, .. } in &walks {
        for Standing { slot, count, length } in view.changed_with_word(term.key) {
            *changed.entry(*slot).or_default() += term.weight(*count, *length, mean_length);
        }
    }
    for (slot, score) in changed.into_iter().filter(|(slot, _)| allowed.contains(*slot as usize)) {
        least = keep(score, slot, least).unwrap_or(least);
    }
    let allowed = view.unchanged(allowed);
    while let Some(slot) = walks[common..].iter().filter_map(|walk| walk.slots.first()).min().copied() {
        if !allowed.contains(slot as usize) {
            for walk in &mut walks[common..] {
                walk.take(slot);
            }
            continue;
        }
        let length = view.word_length(Slot(slot));
        let weigh =
            |walk: &mut Walk<'_>| walk.take(slot).map_or(0.0, |count| walk.term.weight(count, length, mean_length));
        let mut score: f32 = walks[common..].iter_mut().map(weigh).sum();
        for at in (0..common).rev() {
            if score + reach[at] < least {
                break;
            }
            score += weigh(&mut walks[at]);
        }
        if let Some(score) = keep(score, slot, least) {
            least = score;
            common = reach.partition_point(|reach| *reach < least);
        }
    }
    kept.into_iter().map(|Reverse((_, _, slot))| Slot(slot)).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::testing::Community;
    use super::*;
    use crate::index::words::key_of;
    use crate::member::{Member, MemberId, Role};

    /// A word of its own for each number.
    fn word(number: u64) -> String {
        format!("w{}q", "x".repeat(number as usize))
    }

    fn key(number: u64) -> Key {
        key_of(&word(number)).unwrap()
    }

    /// Mentors who say these words and nothing else.
    fn members(profiles: &[Vec<(u64, usize)>]) -> Vec<Member> {
        let said = |words: &Vec<(u64, usize)>| -> Vec<String> {
            words.iter().flat_map(|(number, count)| vec![word(*number); *count]).collect()
        };
        let member = |(at, words): (usize, &Vec<(u64, usize)>)| Member {
            id: MemberId::new(format!("m-{at:04}")).unwrap(),
            roles: vec![Role::Mentor],
            about: Some(said(words).join(" ")).filter(|about| !about.is_empty()),
            ..Member::default()
        };
        profiles.iter().enumerate().map(member).collect()
    }

    #[test]
    fn the_best_are_those_of_an_exhaustive_comparison() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let profile = |random: &mut ChaCha8Rng| {
            // Low words are common, high ones rare.
            let drawn = (0..random.random_range(0..12)).map(|_| 1 + (40.0 * random.random::<f64>().powi(3)) as u64);
            let mut words: Vec<(u64, usize)> = drawn.map(|word| (word, 1)).collect();
            words.sort_unstable();
            words.dedup();
            words.iter_mut().for_each(|(_, count)| *count = random.random_range(1..4));
            words
        };
        let profiles: Vec<_> = (0..500).map(|_| profile(&mut random)).collect();
        let community = Community::of(&members(&profiles));
        for round in 0..60u64 {
            if round == 30 {
                // From here on some of them are changed, and some are new.
                let others: Vec<_> = (0..540).map(|_| profile(&mut random)).collect();
                community.change(&members(&others)[440..], &[]);
            }
            let searcher = community.searcher();
            let view = &searcher.view;
            let sought = (0..1 + round % 9).map(|_| key(random.random_range(1..44)));
            let terms: Vec<Term> =
                sought.collect::<HashSet<_>>().into_iter().filter_map(|key| Term::new(key, None, view)).collect();
            let mut allowed = FixedBitSet::with_capacity(view.slots());
            (0..view.slots()).for_each(|slot| allowed.set(slot, random.random_range(0..10) < 1 + round % 10));
            let score = |slot: Slot| terms.iter().filter_map(|term| term.in_profile(view, slot)).sum::<f32>();
            let mut expected: Vec<f32> =
                allowed.ones().map(|slot| score(Slot(slot as u32))).filter(|score| *score > 0.0).collect();
            expected.sort_by(|left, right| right.total_cmp(left));
            for most in [1, 7, 64, 1_000] {
                let found = best(&terms, view, &allowed, most, round);
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
        let community = Community::of(&members(&[vec![(1, 1)], vec![(1, 1)], vec![(1, 1), (2, 1)], vec![]]));
        let searcher = community.searcher();
        let view = &searcher.view;
        let weight = |number| Term::new(key(number), None, view).unwrap().in_profile(view, Slot(2)).unwrap();
        assert!(weight(1) > 0.0 && weight(2) > 3.0 * weight(1));
        assert_eq!((view.profiles(), view.mean_length()), (3, 4.0 / 3.0), "a profile without words is none");
        assert!(Term::new(key(3), None, view).is_none(), "nobody has it");
    }
}
