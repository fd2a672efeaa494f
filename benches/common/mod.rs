//! Vectors in numpy's array files.

use std::path::Path;

use fixedbitset::FixedBitSet;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub type Failure = Box<dyn std::error::Error>;

/// The rows of a float32 array file as unit vectors: values to a row, and all values.
#[allow(dead_code, reason = "not all benches read")]
pub fn floats(path: &Path) -> Result<(usize, Vec<f32>), Failure> {
    let array = array_file(path, "<f4")?;
    let columns = array.columns.ok_or("the array has one dimension; expected two")?;
    let values = array.data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap_or_default()));
    let mut values: Vec<f32> = values.collect();
    for row in values.chunks_exact_mut(columns) {
        normalize(row);
    }
    Ok((columns, values))
}

/// Writes rows of one length as a float32 array.
#[allow(dead_code, reason = "not all benches write")]
pub fn write_floats(path: &Path, columns: usize, values: &[f32]) -> Result<(), Failure> {
    let shape =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {columns}), }}", values.len() / columns);
    // The format wants the values to begin at a multiple of 64, after a header that ends in a line break.
    let width = (shape.len() + 11).next_multiple_of(64) - 11;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((width as u16 + 1).to_le_bytes());
    bytes.extend(format!("{shape:width$}\n").bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    Ok(std::fs::write(path, bytes)?)
}

/// The rows that a bool array marks.
#[allow(dead_code, reason = "one bench uses it")]
pub fn mask(path: &Path, expected: usize) -> Result<FixedBitSet, Failure> {
    let array = array_file(path, "|b1")?;
    if array.rows != expected {
        return Err(format!("{} has {} values; expected {expected}", path.display(), array.rows).into());
    }
    Ok(array.data.iter().map(|byte| *byte != 0).enumerate().filter_map(|(at, is)| is.then_some(at)).collect())
}

/// An array in numpy's format 1.0 and C order; one of one dimension has no columns.
struct ArrayFile {
    rows: usize,
    columns: Option<usize>,
    data: Vec<u8>,
}

fn array_file(path: &Path, kind: &str) -> Result<ArrayFile, Failure> {
    let mut bytes = std::fs::read(path)?;
    let start = bytes.get(8..10).map_or(0, |length| 10 + usize::from(u16::from_le_bytes([length[0], length[1]])));
    let header = bytes.get(10..start).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    if !bytes.starts_with(b"\x93NUMPY\x01") || !header.contains(kind) || !header.contains("'fortran_order': False") {
        return Err(format!("{} is not an array of {kind} in C order", path.display()).into());
    }
    let shape = header.split_once('(').and_then(|(_, rest)| rest.split_once(')')).ok_or("the array has no shape")?.0;
    let mut sizes = shape.split(',').filter_map(|size| size.trim().parse().ok());
    let rows = sizes.next().ok_or("the array has no shape")?;
    Ok(ArrayFile { rows, columns: sizes.next(), data: bytes.split_off(start) })
}

/// The length of the noise that is added to a unit vector.
const NOISE: f32 = 0.4;

/// So many vectors: those of `base`, then the same again with noise.
#[allow(dead_code, reason = "not all benches grow")]
pub fn grown(base: &[f32], dimension: usize, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let rows = base.len() / dimension;
    let mut grown = Vec::with_capacity(count * dimension);
    for at in 0..count {
        let row = &base[at % rows * dimension..][..dimension];
        if at < rows {
            grown.extend_from_slice(row);
            continue;
        }
        let mut noise: Vec<f32> = row.iter().map(|_| random.random_range(-1.0f32..1.0)).collect();
        normalize(&mut noise);
        let mut noisy: Vec<f32> = row.iter().zip(noise).map(|(value, noise)| value + NOISE * noise).collect();
        normalize(&mut noisy);
        grown.extend(noisy);
    }
    grown
}

/// Scales a vector to unit length.
pub fn normalize(vector: &mut [f32]) {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= norm);
}
