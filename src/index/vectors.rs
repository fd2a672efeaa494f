//! Vector arithmetic: f32 for exact scores, int8 for walking the graph. The kernels are simsimd's, chosen at run time
//! for the processor.

use std::path::Path;

use simsimd::SpatialSimilarity;

use super::arrays::{Array, ArrayFile, Damaged};
use super::mapped::prefetch;
use crate::member::fold::Key;

/// Dot product of two f32 vectors of one length.
#[inline]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    <f32 as SpatialSimilarity>::dot(left, right).unwrap_or(f64::MIN) as f32
}

/// Dot product of two int8 vectors of one length; exact, the same on every processor.
#[inline]
pub fn dot_codes(left: &[i8], right: &[i8]) -> i32 {
    <i8 as SpatialSimilarity>::dot(left, right).unwrap_or(f64::MIN) as i32
}

/// Unit vectors as int8 codes: each value times one scale, taken from the data's own range so that no bits are wasted
/// (unit vectors of 384 dimensions rarely have a value above .2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantizer {
    scale: f32,
}

impl Quantizer {
    /// The scale that brings the largest of the values to 127.
    pub fn fit<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Quantizer {
        let largest = vectors.flatten().fold(0f32, |largest, value| largest.max(value.abs()));
        Quantizer { scale: if largest > 0.0 { 127.0 / largest } else { 127.0 } }
    }

    /// A quantizer of a known scale.
    pub fn of_scale(scale: f32) -> Quantizer {
        Quantizer { scale }
    }

    /// Codes per unit.
    pub fn scale(self) -> f32 {
        self.scale
    }

    /// The codes of one vector.
    pub fn codes(self, vector: &[f32]) -> impl Iterator<Item = i8> {
        vector.iter().map(move |value| (value * self.scale).round().clamp(-127.0, 127.0) as i8)
    }
}

/// The exact vectors of a generation: one row a distinct text, in the order of the texts' keys, then one row a distinct
/// list of interests (the normalised mean of its interests' vectors).
#[derive(Debug)]
pub struct Vectors {
    dimension: usize,
    keys: Array<Key>,
    matrix: Array<f32>,
}

impl Vectors {
    pub(super) fn open(path: &Path, dimension: usize) -> Result<(Vectors, ArrayFile), Damaged> {
        let file = ArrayFile::open(path)?;
        let (keys, matrix) = (file.array::<Key>("keys")?, file.array::<f32>("matrix")?);
        if dimension == 0 || matrix.len() % dimension != 0 || matrix.len() / dimension < keys.len() {
            let problem = format!("holds {} values for {} texts of {dimension} dimensions", matrix.len(), keys.len());
            return Err(file.damaged(problem));
        }
        Ok((Vectors { dimension, keys, matrix }, file))
    }

    /// Values to a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.matrix.len() / self.dimension
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.matrix.is_empty()
    }

    /// The row of a text, where it was embedded for this generation.
    pub fn find(&self, key: Key) -> Option<u32> {
        self.keys.binary_search(&key).ok().map(|row| row as u32)
    }

    /// A row's values, unit length.
    #[inline]
    pub fn row(&self, row: u32) -> Option<&[f32]> {
        let start = (row as usize).checked_mul(self.dimension)?;
        self.matrix.get(start..start + self.dimension)
    }

    /// Asks for a row that is compared soon: rows lie far apart, and waiting for memory costs more than the arithmetic.
    #[inline]
    pub fn prefetch(&self, row: u32) {
        if let Some(row) = self.row(row) {
            prefetch(row);
        }
    }

    /// How many rows are texts.
    pub fn texts(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kernels_agree_with_the_plain_sum(pairs in prop::collection::vec((-127i8..=127, -127i8..=127), 1..500)) {
            let (left, right): (Vec<i8>, Vec<i8>) = pairs.into_iter().unzip();
            let plain: i32 = left.iter().zip(&right).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            prop_assert_eq!(dot_codes(&left, &right), plain);
            let floats = |codes: &[i8]| codes.iter().map(|code| f32::from(*code) / 127.0).collect::<Vec<_>>();
            let exact = plain as f32 / (127.0 * 127.0);
            prop_assert!((dot(&floats(&left), &floats(&right)) - exact).abs() < 1e-3);
        }
    }
}
