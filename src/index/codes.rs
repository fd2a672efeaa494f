//! Vectors as codes: four bits a value to walk and scan by, eight bits to choose links by while a graph is built.

use super::arrays::{ArrayFile, ArrayWriter, Damaged};
use super::kernels::{Kernel, Line, Task, Weights, dispatch};

/// Values to a line of four-bit codes.
const PER_LINE: usize = 128;

/// How far from a dimension's mean its sixteen values reach, in standard deviations. For a normal distribution the
/// mean squared error of sixteen equal steps is least at about 2.7 (J. Max, "Quantizing for minimum distortion", 1960).
const REACH: f64 = 2.7;

/// Vectors of a matrix, by node.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    /// Values to a row.
    pub dimension: usize,
    /// Unit vectors, row after row.
    pub matrix: &'a [f32],
    /// The row of each node.
    pub rows: &'a [u32],
}

impl<'a> Points<'a> {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A node's vector; nothing where its row is none of the matrix.
    #[inline]
    pub fn vector(&self, node: u32) -> &'a [f32] {
        let row = self.rows.get(node as usize).map_or(usize::MAX, |row| *row as usize);
        let start = row.saturating_mul(self.dimension);
        self.matrix.get(start..start.saturating_add(self.dimension)).unwrap_or_default()
    }

    fn vectors(&self) -> impl Iterator<Item = &'a [f32]> {
        (0..self.len() as u32).map(|node| self.vector(node))
    }
}

/// Sixteen equal steps for each dimension, around its mean. The steps' sizes go into the query's weights, so that one
/// integer dot product compares a query with a code.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantizer {
    least: Vec<f32>,
    step: Vec<f32>,
}

/// A vector to compare codes with: its values times the dimensions' steps, as eight-bit integers of one scale. What a
/// dot product is beyond that is the same for every code, so the order of the integers is the order of the estimates.
#[derive(Debug, Clone)]
pub struct Query {
    weights: Vec<Weights>,
    noise: f32,
}

impl Query {
    #[inline(always)]
    fn weigh(vector: &[f32], step: &[f32]) -> Query {
        // The largest of sixteen at a time: a maximum of floats is otherwise taken one after the other.
        let mut largest = [0f32; 16];
        for (values, steps) in vector.chunks(16).zip(step.chunks(16)) {
            for ((largest, value), step) in largest.iter_mut().zip(values).zip(steps) {
                let size = (value * step).abs();
                *largest = if size > *largest { size } else { *largest };
            }
        }
        let largest = largest.into_iter().fold(0f32, f32::max);
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut weights = vec![[0; PER_LINE]; Quantizer::lines(step.len())];
        for ((weight, value), step) in weights.as_flattened_mut().iter_mut().zip(vector).zip(step) {
            *weight = rounded(value * step * scale) as i32 as i8;
        }
        let squares: i32 = weights.as_flattened().iter().map(|weight| i32::from(*weight).pow(2)).sum();
        Query { weights, noise: (squares as f32 / 12.0).sqrt() }
    }

    /// What the kernels take.
    #[inline]
    pub fn weights(&self) -> &[Weights] {
        &self.weights
    }

    /// The standard deviation of an estimate from what it would be with exact values, in units of the estimates: a value
    /// is anywhere in its step with equal chances, so it errs by step / √12.
    pub fn noise(&self) -> f32 {
        self.noise
    }
}

impl Quantizer {
    /// Steps from the means and deviations of the points.
    pub fn fit(points: Points<'_>) -> Quantizer {
        let mut sums = vec![(0f64, 0f64); points.dimension];
        for vector in points.vectors() {
            for ((sum, squares), value) in sums.iter_mut().zip(vector) {
                *sum += f64::from(*value);
                *squares += f64::from(*value).powi(2);
            }
        }
        let count = points.len().max(1) as f64;
        let moments = sums.into_iter().map(|(sum, squares)| {
            let mean = sum / count;
            (mean, (squares / count - mean * mean).max(0.0).sqrt())
        });
        let (least, step) = moments
            .map(|(mean, deviation)| ((mean - REACH * deviation) as f32, (2.0 * REACH * deviation / 15.0) as f32))
            .unzip();
        Quantizer { least, step }
    }

    /// Lines to a vector's codes.
    pub fn lines(dimension: usize) -> usize {
        dimension.div_ceil(PER_LINE)
    }

    /// Writes a vector's codes: in each line, the first 64 of 128 values are the low nibbles, the others the high ones.
    pub fn encode(&self, vector: &[f32], lines: &mut [Line]) {
        lines.fill(Line::ZERO);
        for (at, ((value, least), step)) in vector.iter().zip(&self.least).zip(&self.step).enumerate() {
            // A dimension that never varies has no step, and nothing to say.
            let code = if *step > 0.0 { rounded((value - least) / step).clamp(0.0, 15.0) as u8 } else { 0 };
            if let Some(line) = lines.get_mut(at / PER_LINE) {
                line.0[at % 64] |= if at % PER_LINE < 64 { code } else { code << 4 };
            }
        }
    }

    /// What a vector's codes are compared with.
    pub fn query(&self, vector: &[f32]) -> Query {
        struct Weigh<'a>(&'a [f32], &'a [f32]);
        impl Task for Weigh<'_> {
            type Output = Query;
            #[inline(always)]
            fn run<K: Kernel>(self, _: K) -> Query {
                Query::weigh(self.0, self.1)
            }
        }
        // Not for a kernel's sake, but to have it compiled for the processor.
        dispatch(Weigh(vector, &self.step))
    }

    pub(super) fn write(&self, out: &mut ArrayWriter) -> std::io::Result<()> {
        out.array("codes.least", &self.least)?;
        out.array("codes.step", &self.step)
    }

    pub(super) fn open(file: &ArrayFile, dimension: usize) -> Result<Quantizer, Damaged> {
        Ok(Quantizer {
            least: file.array_of("codes.least", dimension)?.to_vec(),
            step: file.array_of("codes.step", dimension)?.to_vec(),
        })
    }
}

/// To the nearest integer, for values far below 2^22: an addition that leaves no bits for fractions, since without SSE 4.1
/// rounding is a call of a function for each value.
#[inline(always)]
fn rounded(value: f32) -> f32 {
    const FRACTIONLESS: f32 = 1.5 * (1 << 23) as f32;
    (value + FRACTIONLESS) - FRACTIONLESS
}

/// Eight bits a value, one scale for all, taken from the data's own range so that no bits are wasted (unit vectors of
/// 384 dimensions rarely have a value above .2). Precise enough to choose links by; only a build holds them.
#[derive(Debug, Default)]
pub(super) struct FineCodes {
    lines: usize,
    codes: Vec<Line>,
}

impl FineCodes {
    /// The codes of all points.
    pub(super) fn of(points: Points<'_>) -> FineCodes {
        use rayon::prelude::*;
        let lines = points.dimension.div_ceil(64);
        let nodes = 0..points.len() as u32;
        let largest_of = |node| points.vector(node).iter().fold(0f32, |largest, value| largest.max(value.abs()));
        let largest = nodes.clone().into_par_iter().map(largest_of).reduce(|| 0.0, f32::max);
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut codes = vec![Line::ZERO; points.len() * lines];
        codes.par_chunks_mut(lines.max(1)).zip(nodes).for_each(|(lines, node)| {
            for (line, values) in lines.iter_mut().zip(points.vector(node).chunks(64)) {
                for (byte, value) in line.0.iter_mut().zip(values) {
                    *byte = (rounded(value * scale) as i32 as i8).cast_unsigned();
                }
            }
        });
        FineCodes { lines, codes }
    }

    /// A node's codes.
    #[inline]
    pub(super) fn of_node(&self, node: u32) -> &[Line] {
        &self.codes[node as usize * self.lines..][..self.lines]
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::{Kernel, Portable};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_keep_the_order_of_clearly_different_dots(
            values in prop::collection::vec(-1f32..1.0, 40 * 150),
        ) {
            let rows: Vec<u32> = (0..40).collect();
            let matrix: Vec<f32> = values
                .chunks_exact(150)
                .flat_map(|row| {
                    let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
                    row.iter().map(move |value| value / norm)
                })
                .collect();
            let points = Points { dimension: 150, matrix: &matrix, rows: &rows };
            let quantizer = Quantizer::fit(points);
            let query = quantizer.query(points.vector(0));
            let dots: Vec<(f32, i32)> = (0..40)
                .map(|node| {
                    let mut lines = [Line::ZERO; 2];
                    quantizer.encode(points.vector(node), &mut lines);
                    let exact = points.vector(0).iter().zip(points.vector(node)).map(|(a, b)| a * b).sum();
                    (exact, Portable.nibbles(query.weights(), &lines))
                })
                .collect();
            for left in &dots {
                for right in &dots {
                    prop_assert!(left.0 - right.0 < 0.1 || left.1 > right.1, "{left:?} {right:?}");
                }
            }
        }
    }
}
