//! Who knows whom: a graph that is symmetric by construction and can be read at any member without the rest of it.
//!
//! Inside a block, an edge is decided by a hash of the unordered pair against a chance that grows with what the two
//! share. Across blocks, edges follow a few reflections `i -> (c - i) mod n`, each of which is its own inverse.

use super::block::{Block, Life, SIZE, sparse};
use super::random::{Purpose, hash};

/// Reflections of the whole community along which distant members may know one another.
const REFLECTIONS: u64 = 4;

/// Certainty, in the unit of the chances below.
const CERTAIN: u64 = 1 << 16;

/// What the graph is drawn over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circle {
    pub seed: u64,
    pub members: u32,
}

impl Circle {
    /// The friends of a member of the block, in ascending order.
    pub fn friends(self, block: &Block, index: u32) -> Vec<u32> {
        let own = block.life(index);
        if own.sparse {
            return Vec::new();
        }
        let mut friends: Vec<u32> = neighbours(block, index)
            .filter(|(other, life)| {
                let mut chance = closeness(own, life) * own.warmth * life.warmth / 100;
                // A short block has fewer people to know; those few know one another better.
                chance = chance * u64::from(SIZE) / (block.lives.len() as u64).max(u64::from(SIZE) / 5);
                self.edge(Purpose::Friends, index, *other) < chance.min(CERTAIN * 3 / 4)
            })
            .map(|(other, _)| other)
            .collect();
        let members = u64::from(self.members);
        for reflection in 0..REFLECTIONS {
            let centre = hash(self.seed, Purpose::Friends, u64::MAX, reflection) % members;
            let other = ((centre + members - u64::from(index)) % members) as u32;
            let distant = other / SIZE != block.number && !sparse(self.seed, other);
            if distant && self.edge(Purpose::Friends, index, other) < CERTAIN / 4 {
                friends.push(other);
            }
        }
        friends.sort_unstable();
        friends.dedup();
        friends
    }

    /// The colleagues of a member of the block, in ascending order: some of those with the same employer.
    pub fn colleagues(self, block: &Block, index: u32) -> Vec<u32> {
        let own = block.life(index);
        if own.employer.is_none() || own.sparse {
            return Vec::new();
        }
        neighbours(block, index)
            .filter(|(_, life)| life.employer == own.employer && life.career.industry == own.career.industry)
            .filter(|(other, _)| self.edge(Purpose::Colleagues, index, *other) < CERTAIN / 2)
            .map(|(other, _)| other)
            .collect()
    }

    /// A number below [`CERTAIN`] that belongs to the pair, whoever asks.
    fn edge(self, purpose: Purpose, a: u32, b: u32) -> u64 {
        hash(self.seed, purpose, u64::from(a.min(b)), u64::from(a.max(b))) % CERTAIN
    }
}

/// Everybody else of the block whose profile is not nearly empty.
fn neighbours(block: &Block, index: u32) -> impl Iterator<Item = (u32, &Life)> {
    (block.first..).zip(&block.lives).filter(move |(other, life)| *other != index && !life.sparse)
}

/// The chance that two average members of a full block are friends, out of [`CERTAIN`].
fn closeness(a: &Life, b: &Life) -> u64 {
    let same_school = a.school == b.school;
    let same_years = same_school && a.cohort.abs_diff(b.cohort) <= 1;
    let same_employer = a.employer.is_some() && a.employer == b.employer && a.career.industry == b.career.industry;
    let mut chance = 60;
    for (holds, gain) in [
        (a.circle == b.circle, 26_000),
        (same_years, 12_000),
        (same_school, 1_400),
        (same_employer, 4_500),
        (std::ptr::eq(a.city, b.city), 400),
        (a.career.trade == b.career.trade, 400),
    ] {
        if holds {
            chance += gain;
        }
    }
    chance
}
