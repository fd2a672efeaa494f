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

mod common;

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use common::{Failure, floats, mask};
use fixedbitset::FixedBitSet;
use rapport::index::facet::{Facet, Probe, write_facet};
use rapport::index::graph::GraphParameters;
use rapport::index::vectors::Vectors;

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
    let (dimension, values) = floats(Path::new(&path))?;
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
        let ids: Vec<Vec<usize>> = answers.iter().map(|near| near.iter().map(|slot| slot.index()).collect()).collect();
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
