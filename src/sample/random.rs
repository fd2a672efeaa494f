//! Chance that is the same on every platform: a ChaCha stream for every (seed, purpose, number), and a hash for edges.
//!
//! Only integers are drawn, and by our own arithmetic: the distributions of the rand crate may change between versions.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is for. Two purposes never share a stream, so that a new draw in one moves nothing in the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// What a block of members has in common.
    Home = 1,
    /// A member's life: career, places, schools.
    Life = 2,
    /// A member's words.
    Words = 3,
    /// Friendships, of near and of far.
    Friends = 4,
    /// Who works with whom.
    Colleagues = 5,
    /// Who left the profile nearly empty.
    Sparse = 6,
}

/// A stream of draws.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of a number, such as a member's index.
    pub fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(number);
        Draw(rng)
    }

    /// A number below `bound`; 0 for a bound of 0. The bias of the multiplication is below 2^-20 for our short lists.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u32) as usize]
    }

    /// Up to `count` different entries of a list.
    pub fn some<T: Copy + PartialEq>(&mut self, list: &[T], count: usize) -> Vec<T> {
        let mut chosen: Vec<T> = Vec::with_capacity(count);
        // A few tries are enough: a list that comes out one short is as believable.
        for _ in 0..count * 3 {
            if chosen.len() == count || list.is_empty() {
                break;
            }
            let entry = self.pick(list);
            if !chosen.contains(&entry) {
                chosen.push(entry);
            }
        }
        chosen
    }
}

/// A hash of two numbers, in this order; splitmix64's finaliser after every word.
pub(super) fn hash(seed: u64, purpose: Purpose, a: u64, b: u64) -> u64 {
    let step = |state: u64, word: u64| {
        let mut mixed = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    step(step(step(seed, purpose as u64), a), b)
}
