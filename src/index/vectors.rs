//! The exact vectors of a generation, and their dot products. The kernels are simsimd's, chosen at run time for the
//! processor.

use std::path::Path;

use simsimd::SpatialSimilarity;

use super::arrays::{Array, ArrayFile, ArrayWriter, Damaged};
use crate::member::fold::Key;

/// Dot product of two f32 vectors of one length.
#[inline]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    <f32 as SpatialSimilarity>::dot(left, right).unwrap_or(f64::MIN) as f32
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
    /// Writes vectors that no text stands for.
    ///
    /// # Errors
    /// The system's.
    pub fn write_unnamed(path: &Path, matrix: &[f32]) -> std::io::Result<()> {
        let mut out = ArrayWriter::create(path)?;
        out.array::<Key>("keys", &[])?;
        out.array("matrix", matrix)?;
        out.finish()
    }

    /// Opens vectors of so many dimensions; also gives the file, to be verified.
    ///
    /// # Errors
    /// [`Damaged`] says what is wrong with the file.
    pub fn open(path: &Path, dimension: usize) -> Result<(Vectors, ArrayFile), Damaged> {
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

    /// The keys of all texts, in order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The text of a row; nothing where the row is a list of interests.
    pub fn key(&self, row: u32) -> Option<Key> {
        self.keys.get(row as usize).copied()
    }

    /// A row's values, unit length.
    #[inline]
    pub fn row(&self, row: u32) -> Option<&[f32]> {
        let start = (row as usize).checked_mul(self.dimension)?;
        self.matrix.get(start..start.checked_add(self.dimension)?)
    }

    /// All values, row after row.
    pub(super) fn matrix(&self) -> &[f32] {
        &self.matrix
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
        fn the_dot_product_is_the_plain_sum(pairs in prop::collection::vec((-1f32..1.0, -1f32..1.0), 1..500)) {
            let (left, right): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let plain: f64 = left.iter().zip(&right).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&left, &right)) - plain).abs() < 1e-3);
        }
    }
}
