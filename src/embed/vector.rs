//! Unit vectors: what a model makes of a text.

use std::ops::Deref;

/// How far a squared length may be from one and still count as one: a few roundings of f32.
const UNIT_TOLERANCE: f64 = 1e-6;

/// A mean shorter than this, for vectors of length one, is rounding noise: the vectors cancelled out.
const CANCELLED: f64 = 1e-6;

/// Lanes of a dot product that are summed apart, so that the compiler can use SIMD.
const LANES: usize = 8;

/// A vector of length one whose values are all finite. It cannot hold NaN, infinity or the zero vector, so a dot
/// product of two is their cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitVector(Box<[f32]>);

/// Why some numbers have no direction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAVector {
    /// There are no numbers.
    #[error("the vector has no values")]
    Empty,
    /// A value is NaN or infinite.
    #[error("value {at} of the vector is not a finite number")]
    NotFinite {
        /// The position of the first such value.
        at: usize,
    },
    /// Every value is zero.
    #[error("the vector is zero and points nowhere")]
    Zero,
}

impl UnitVector {
    /// Scales the values to length one. Values that have that length already are kept bit for bit, so that a vector
    /// read back from disk is the one that was written.
    ///
    /// # Errors
    /// [`NotAVector`] for no values, for NaN and infinity, and for the zero vector.
    pub fn new(mut values: Vec<f32>) -> Result<Self, NotAVector> {
        if values.is_empty() {
            return Err(NotAVector::Empty);
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(NotAVector::NotFinite { at });
        }
        // In f64, where the square of no f32 overflows or vanishes.
        let squared: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
        if squared == 0.0 {
            return Err(NotAVector::Zero);
        }
        if (squared - 1.0).abs() > UNIT_TOLERANCE {
            let length = squared.sqrt();
            for value in &mut values {
                *value = (f64::from(*value) / length) as f32;
            }
        }
        Ok(UnitVector(values.into_boxed_slice()))
    }

    /// The cosine of the angle between the two, in [-1, 1]. Vectors of different dimensions come from different models
    /// and have no angle: 0.
    pub fn dot(&self, other: &UnitVector) -> f32 {
        debug_assert_eq!(self.len(), other.len(), "vectors of two different models");
        if self.len() != other.len() {
            return 0.0;
        }
        let mut lanes = [0.0f32; LANES];
        let (left, right) = (self.chunks_exact(LANES), other.chunks_exact(LANES));
        let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
        for (a, b) in left.zip(right) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        (lanes.iter().sum::<f32>() + rest).clamp(-1.0, 1.0)
    }

    /// The direction of the mean of some vectors. None if there are none, or if they cancel out.
    pub fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Option<UnitVector> {
        Self::weighted_mean(vectors.map(|vector| (vector, 1.0)))
    }

    /// The direction of the mean of some vectors, each counted as often as its weight says. None as for
    /// [`UnitVector::mean`].
    pub fn weighted_mean<'a>(vectors: impl Iterator<Item = (&'a [f32], f32)>) -> Option<UnitVector> {
        let mut sum: Vec<f64> = Vec::new();
        let mut weights = 0.0;
        for (vector, weight) in vectors {
            let weight = f64::from(weight);
            sum.resize(sum.len().max(vector.len()), 0.0);
            for (sum, &value) in sum.iter_mut().zip(vector) {
                *sum += weight * f64::from(value);
            }
            weights += weight;
        }
        let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if !length.is_finite() || length <= CANCELLED * weights {
            return None;
        }
        UnitVector::new(sum.into_iter().map(|value| (value / length) as f32).collect()).ok()
    }
}

impl Deref for UnitVector {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl From<UnitVector> for Vec<f32> {
    fn from(vector: UnitVector) -> Self {
        vector.0.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_no_direction_is_refused() {
        for (values, why) in [
            (vec![], NotAVector::Empty),
            (vec![0.0, -0.0], NotAVector::Zero),
            (vec![1.0, f32::NAN], NotAVector::NotFinite { at: 1 }),
            (vec![f32::NEG_INFINITY], NotAVector::NotFinite { at: 0 }),
        ] {
            assert_eq!(UnitVector::new(values), Err(why));
        }
    }

    #[test]
    fn means_of_nothing_and_of_opposites_are_none() {
        let a = [0.6f32, 0.8];
        let b = [-0.6f32, -0.8];
        assert_eq!(UnitVector::mean([].into_iter()), None);
        assert_eq!(UnitVector::mean([&a[..], &b[..]].into_iter()), None);
        assert_eq!(&*UnitVector::mean([&a[..], &a[..]].into_iter()).expect("a mean"), &a);
    }

    proptest! {
        #[test]
        fn length_is_one_and_stays(values in prop::collection::vec(proptest::num::f32::ANY, 1..40)) {
            if let Ok(vector) = UnitVector::new(values) {
                let squared: f64 = vector.iter().map(|&value| f64::from(value).powi(2)).sum();
                prop_assert!((squared - 1.0).abs() < 1e-5);
                prop_assert!((vector.dot(&vector) - 1.0).abs() < 1e-5);
                prop_assert_eq!(UnitVector::new(vector.to_vec()), Ok(vector));
            }
        }
    }
}
