//! The cosine above which two texts have something to do with one another.
//!
//! Cosines of sentence embeddings are not comparable as they stand: two job titles that share nothing are at .2 or at
//! .5, depending on how common their words are. So each vector is compared with the same random sample of the
//! generation, and only what lies above the sample's 95th percentile counts.

use std::sync::atomic::{AtomicU32, Ordering};

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::vectors::{Vectors, dot};

/// Rows in a sample: enough for a 95th percentile, few enough to be compared at every search.
const SAMPLED: usize = 160;

/// Below this many rows a sample says nothing, and a constant stands for it.
const TOO_FEW: usize = 40;

/// About the 95th percentile of random pairs of English phrases, for all-MiniLM-L6-v2.
const UNMEASURED: f32 = 0.3;

/// A sample of rows that vectors are compared with.
#[derive(Debug)]
pub struct Background {
    sampled: Vec<u32>,
    /// The bits of the floors of the generation's own rows, once they were measured; 0 before.
    measured: Box<[AtomicU32]>,
}

impl Background {
    /// A sample of so many of these vectors' rows, the same for the same seed; `row` gives the n-th.
    pub(super) fn of(vectors: &Vectors, rows: usize, row: impl Fn(usize) -> u32, seed: u64) -> Background {
        let measured = std::iter::repeat_with(AtomicU32::default).take(vectors.len()).collect();
        if rows < TOO_FEW {
            return Background { sampled: Vec::new(), measured };
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sampled: Vec<u32> = sample(&mut random, rows, SAMPLED.min(rows)).into_iter().map(row).collect();
        sampled.sort_unstable();
        Background { sampled, measured }
    }

    /// The floor of one of the generation's rows: measured once, since neither it nor the sample changes. Nothing where there
    /// is no such row.
    pub fn floor_of_row(&self, vectors: &Vectors, row: u32) -> Option<f32> {
        let measured = self.measured.get(row as usize)?;
        match measured.load(Ordering::Relaxed) {
            0 => {
                let floor = self.floor(vectors, vectors.row(row)?);
                measured.store(floor.to_bits(), Ordering::Relaxed);
                Some(floor)
            }
            bits => Some(f32::from_bits(bits)),
        }
    }

    /// The floor of a vector: the 95th percentile of its cosines with the sample.
    pub fn floor(&self, vectors: &Vectors, vector: &[f32]) -> f32 {
        let mut cosines: Vec<f32> =
            self.sampled.iter().filter_map(|row| vectors.row(*row)).map(|row| dot(vector, row)).collect();
        if cosines.is_empty() {
            return UNMEASURED;
        }
        let place = cosines.len() * 95 / 100;
        *cosines.select_nth_unstable_by(place, f32::total_cmp).1
    }
}

/// A cosine as a value in [0, 1]: zero up to the floor, one for equal texts.
pub fn above(cosine: f32, floor: f32) -> f32 {
    // Not a clamp: a damaged vector's NaN is above nothing.
    if cosine > floor { ((cosine - floor) / (1.0 - floor).max(f32::EPSILON)).min(1.0) } else { 0.0 }
}
