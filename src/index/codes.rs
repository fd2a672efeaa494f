//! Vectors as codes: four bits a value to walk and scan by, eight bits to choose links and the nearest of a pool by.

use super::arrays::{ArrayFile, ArrayWriter, Damaged};
use super::kernels::{Kernel, Line, Task, Weights, dispatch};

/// Values to a line of four-bit codes, and of eight-bit ones.
const PER_LINE: usize = 128;
const PER_FINE_LINE: usize = 64;

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

/// One in so many values may lie beyond what eight-bit codes reach: a few are far larger than the others (in 384
/// dimensions most are below .1, the largest above .3), and steps that reach them would be coarse for all.
const BEYOND: usize = 10_000;

/// How vectors become codes. Four bits: sixteen equal steps for each dimension, around its mean; the steps' sizes go into
/// the query's weights, so that one integer dot product compares a query with a code. Eight bits: one scale for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantizer {
    least: Vec<f32>,
    step: Vec<f32>,
    /// What a value is multiplied by to be an eight-bit code.
    scale: f32,
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
        // Sixteen sums side by side: floats are otherwise taken one after the other.
        let (mut largest, mut squares) = ([0f32; 16], [0f32; 16]);
        for (values, steps) in vector.chunks(16).zip(step.chunks(16)) {
            for (((largest, squares), value), step) in largest.iter_mut().zip(&mut squares).zip(values).zip(steps) {
                let product = value * step;
                *largest = if product.abs() > *largest { product.abs() } else { *largest };
                *squares += product * product;
            }
        }
        let largest = largest.into_iter().fold(0f32, f32::max);
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut weights = vec![[0; PER_LINE]; Quantizer::lines(step.len())];
        let products = vector.chunks(PER_LINE).zip(step.chunks(PER_LINE));
        for (weights, (values, steps)) in weights.iter_mut().zip(products) {
            for ((weight, value), step) in weights.iter_mut().zip(values).zip(steps) {
                *weight = rounded(value * step * scale) as i32 as i8;
            }
        }
        let noise = scale * (squares.into_iter().sum::<f32>() / 12.0).sqrt();
        Query { weights, noise }
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
        Quantizer { least, step, scale: scale(points) }
    }

    /// Values to a vector.
    pub fn dimension(&self) -> usize {
        self.step.len()
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

    /// Lines to a vector's eight-bit codes.
    pub fn fine_lines(dimension: usize) -> usize {
        dimension.div_ceil(PER_FINE_LINE)
    }

    /// Writes a vector's eight-bit codes.
    pub fn encode_fine(&self, vector: &[f32], lines: &mut [Line]) {
        scaled(vector, self.scale, lines);
    }

    /// The eight-bit codes of a query, which has a scale of its own: where it points further than any vector here, nothing
    /// of it is cut off. Also the standard deviation of their dot products with vectors' codes from what they would be with
    /// exact values: the values of both sides err by 1 / √12, and each side is as long as its scale.
    #[inline(always)]
    pub fn fine_query(&self, vector: &[f32]) -> (Vec<Line>, f32) {
        let largest =
            vector.iter().fold(0f32, |largest, value| if value.abs() > largest { value.abs() } else { largest });
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut lines = vec![Line::ZERO; Quantizer::fine_lines(vector.len())];
        scaled(vector, scale, &mut lines);
        (lines, ((self.scale * self.scale + scale * scale) / 12.0).sqrt())
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
        out.array("codes.step", &self.step)?;
        out.array("codes.scale", &[self.scale])
    }

    pub(super) fn open(file: &ArrayFile, dimension: usize) -> Result<Quantizer, Damaged> {
        Ok(Quantizer {
            least: file.array_of("codes.least", dimension)?.to_vec(),
            step: file.array_of("codes.step", dimension)?.to_vec(),
            scale: file.array_of("codes.scale", 1)?[0],
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

/// Values times a scale, as bytes.
#[inline(always)]
fn scaled(vector: &[f32], scale: f32, lines: &mut [Line]) {
    for (line, values) in lines.iter_mut().zip(vector.chunks(PER_FINE_LINE)) {
        for (byte, value) in line.0.iter_mut().zip(values) {
            *byte = (rounded(value * scale).clamp(-127.0, 127.0) as i32 as i8).cast_unsigned();
        }
    }
}

/// The scale of eight-bit codes for these points, from the sizes of their values.
fn scale(points: Points<'_>) -> f32 {
    const BINS: usize = 1 << 12;
    let mut sizes = vec![0usize; BINS + 1];
    for value in points.vectors().flatten() {
        sizes[((value.abs() * BINS as f32) as usize).min(BINS)] += 1;
    }
    let mut beyond = points.len() * points.dimension / BEYOND;
    let reach = sizes.iter().rposition(|count| {
        let reached = *count > beyond;
        beyond = beyond.saturating_sub(*count);
        reached
    });
    reach.map_or(1.0, |bin| 127.0 * BINS as f32 / (bin + 1) as f32)
}

/// Eight-bit codes of nodes, side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct FineCodes<'a> {
    /// Lines to a node.
    pub(super) lines: usize,
    pub(super) codes: &'a [Line],
}

impl<'a> FineCodes<'a> {
    /// A node's codes.
    #[inline(always)]
    pub(super) fn of_node(self, node: u32) -> &'a [Line] {
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
