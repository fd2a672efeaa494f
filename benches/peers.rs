//! rapport's worker of the comparison with other engines: `benches/peers/run` starts it beside theirs.
//!
//! ```text
//! cargo bench --bench peers -- VECTORS.npy
//! ```
//!
//! It reads float32 vectors, makes them unit vectors, keeps the last 1,000 as queries, builds a facet of the others on two
//! threads, writes it, maps it as a server does, and prints `{"ready": true, "engine": "rapport", "build_s": …,
//! "bytes": …}`. For each line `{"ef": 64}`, with `"allowed": "mask.npy"` (a bool a row) for a filtered search, it answers
//! all queries one after the other on one thread and prints `{"seconds": …, "ids": [[…]]}`.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use fixedbitset::FixedBitSet;
use rapport::index::facet::{Facet, Probe, write_facet};
use rapport::index::graph::GraphParameters;
use rapport::index::vectors::Vectors;

type Failure = Box<dyn std::error::Error>;

const QUERIES: usize = 1000;
const K: usize = 10;

#[derive(serde::Deserialize)]
struct Request {
    ef: usize,
    allowed: Option<String>,
}

fn main() -> Result<(), Failure> {
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        return Err("give a file: VECTORS.npy".into());
    };
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global()?;
    let (dimension, mut values) = floats(Path::new(&path))?;
    for row in values.chunks_exact_mut(dimension) {
        let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter_mut().for_each(|value| *value /= norm);
    }
    let count = (values.len() / dimension).checked_sub(QUERIES).ok_or("there are fewer than 1,000 vectors")?;
    let (base, queries) = values.split_at(count * dimension);

    let folder = tempfile::tempdir()?;
    let (vectors_path, facet_path) = (folder.path().join("texts.vectors"), folder.path().join("bench.facet"));
    Vectors::write_unnamed(&vectors_path, base)?;
    let (vectors, _) = Vectors::open(&vectors_path, dimension)?;
    let parameters = parameters();
    let rows: Vec<u32> = (0..count as u32).collect();
    let begun = Instant::now();
    write_facet(&facet_path, &rows, &vectors, &parameters, None)?;
    let build_s = begun.elapsed().as_secs_f64();
    let (facet, file) = Facet::open(&facet_path, count, &vectors)?;
    let bytes = file.len_bytes() + (count * dimension * size_of::<f32>()) as u64;
    say(&serde_json::json!({"ready": true, "engine": "rapport", "build_s": build_s, "bytes": bytes}))?;

    let mut everyone = FixedBitSet::with_capacity(count);
    everyone.insert_range(..);
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let allowed = request.allowed.map_or(Ok(everyone.clone()), |path| mask(Path::new(&path), count))?;
        let matches = allowed.count_ones(..);
        let begun = Instant::now();
        let answers: Vec<_> = queries
            .chunks_exact(dimension)
            .map(|query| {
                let probe = Probe { query, k: K, allowed: &allowed, turn: 0 };
                facet.search(&vectors, probe, request.ef, matches)
            })
            .collect();
        let seconds = begun.elapsed().as_secs_f64();
        let ids: Vec<Vec<usize>> =
            answers.iter().map(|near| near.iter().map(|near| near.slot.index()).collect()).collect();
        say(&serde_json::json!({"seconds": seconds, "ids": ids}))?;
    }
    Ok(())
}

/// The defaults, unless the environment names others.
fn parameters() -> GraphParameters {
    let number =
        |name: &str, default: usize| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default);
    let default = GraphParameters::default();
    GraphParameters {
        m: number("RAPPORT_M", default.m),
        ef_construction: number("RAPPORT_EF_CONSTRUCTION", default.ef_construction),
        ..default
    }
}

fn say(value: &serde_json::Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

/// The rows of a float32 array file: values to a row, and all values.
fn floats(path: &Path) -> Result<(usize, Vec<f32>), Failure> {
    let (header, data) = array_file(path, "<f4")?;
    let columns = header.1.ok_or("the array has one dimension; expected two")?;
    let values = data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap_or_default()));
    Ok((columns, values.collect()))
}

fn mask(path: &Path, expected: usize) -> Result<FixedBitSet, Failure> {
    let (header, data) = array_file(path, "|b1")?;
    if header.0 != expected {
        return Err(format!("{} has {} values; expected {expected}", path.display(), header.0).into());
    }
    Ok(data.iter().map(|byte| *byte != 0).enumerate().filter_map(|(at, is)| is.then_some(at)).collect())
}

/// Rows, columns if there are two dimensions, and the bytes of an array in numpy's format 1.0 and C order.
fn array_file(path: &Path, kind: &str) -> Result<((usize, Option<usize>), Vec<u8>), Failure> {
    let mut bytes = std::fs::read(path)?;
    let start = bytes.get(8..10).map_or(0, |length| 10 + usize::from(u16::from_le_bytes([length[0], length[1]])));
    let header = bytes.get(10..start).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    if !bytes.starts_with(b"\x93NUMPY\x01") || !header.contains(kind) || !header.contains("'fortran_order': False") {
        return Err(format!("{} is not an array of {kind} in C order", path.display()).into());
    }
    let shape = header.split_once('(').and_then(|(_, rest)| rest.split_once(')')).ok_or("the array has no shape")?.0;
    let mut sizes = shape.split(',').filter_map(|size| size.trim().parse().ok());
    let rows = sizes.next().ok_or("the array has no shape")?;
    Ok(((rows, sizes.next()), bytes.split_off(start)))
}
