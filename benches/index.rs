//! What a night costs, and what an index of a given size costs.
//!
//! ```text
//! cargo bench --bench index -- VECTORS.npy [--nights 30] [--seed 42] [--grow COUNT]
//! ```
//!
//! Vectors are float32, a row each; the last 1,000 are queries. A night replaces 1 % of the vectors by others: how long
//! that takes beside a full build, and what recall@10 is after so many nights beside that of a graph built anew. `--grow`
//! makes COUNT vectors of those, each beyond the first ones a real one with noise, instead of nights: build, size,
//! opening, queries a second.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Failure, floats, grown};
use fixedbitset::FixedBitSet;
use rapport::index::Slot;
use rapport::index::codes::{Points, Quantizer};
use rapport::index::facet::{Facet, Probe, write_facet};
use rapport::index::graph::{GraphBuilder, GraphParameters};
use rapport::index::vectors::{Vectors, dot};

const QUERIES: usize = 1000;
const EFS: [usize; 4] = [20, 40, 60, 120];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| arguments.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].parse::<usize>());
    let path = arguments.iter().find(|argument| argument.ends_with(".npy")).ok_or("give a file: VECTORS.npy")?;
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global()?;
    let (dimension, values) = floats(Path::new(path))?;
    let count = (values.len() / dimension).checked_sub(QUERIES).ok_or("there are fewer than 1,000 vectors")?;
    let (base, queries) = values.split_at(count * dimension);
    match option("--grow").transpose()? {
        Some(size) => size_of(&grown(base, dimension, size), queries, dimension),
        None => {
            let mut parameters = GraphParameters::default();
            parameters.seed = option("--seed").transpose()?.map_or(parameters.seed, |seed| seed as u64);
            nights(base, queries, dimension, option("--nights").transpose()?.unwrap_or(30), &parameters)
        }
    }
}

/// Replaces 1 % a night, on the graph alone and on a facet's files.
fn nights(
    base: &[f32],
    queries: &[f32],
    dimension: usize,
    nights: usize,
    parameters: &GraphParameters,
) -> Result<(), Failure> {
    let count = base.len() / dimension * 100 / (100 + nights);
    let a_night = count / 100;
    let rows = |night: usize| -> Vec<u32> { ((night * a_night) as u32..(night * a_night + count) as u32).collect() };
    let of_night = |night: usize| &base[night * a_night * dimension..][..count * dimension];

    let (first, next) = (rows(0), rows(1));
    let points = |rows| Points { dimension, matrix: base, rows };
    let quantizer = Quantizer::fit(points(&first));
    let (full, graph) = timed(|| GraphBuilder::build(points(&first), &quantizer, parameters));
    let kept: Vec<u32> = (a_night as u32..count as u32).collect();
    let carried: Vec<Duration> = (0..5)
        .map(|_| timed(|| GraphBuilder::carried(graph.walks(), &kept, points(&next), &quantizer, parameters)).0)
        .collect();
    let carried = median(carried);
    println!(
        "graph of {count}: built in {:.2} s, {a_night} replaced in {:.3} s, {:.2} %",
        full.as_secs_f64(),
        carried.as_secs_f64(),
        100.0 * carried.as_secs_f64() / full.as_secs_f64()
    );

    let folder = tempfile::tempdir()?;
    let build = |name: &str, night: usize, earlier: Option<&Built>| -> Result<(Duration, Built), Failure> {
        let path = folder.path().join(format!("{name}.vectors"));
        Vectors::write_unnamed(&path, of_night(night))?;
        let (vectors, _) = Vectors::open(&path, dimension)?;
        let slots: Vec<u32> = (0..count as u32).collect();
        let path = folder.path().join(format!("{name}.facet"));
        let earlier = earlier.map(|built| (&built.facet, &built.vectors));
        let begun = Instant::now();
        write_facet(&path, &slots, &vectors, parameters, earlier)?;
        let took = begun.elapsed();
        let (facet, _) = Facet::open(&path, count, &vectors)?;
        Ok((took, Built { facet, vectors }))
    };
    let (full, mut built) = build("first", 0, None)?;
    let mut took = Vec::new();
    for night in 1..=nights {
        let (one, next) = build(&format!("night-{}", night % 2), night, Some(&built))?;
        took.push(one);
        built = next;
    }
    let (_, anew) = build("anew", nights, None)?;
    println!(
        "facet, with repair and files: built in {:.2} s, a night in {:.2} s",
        full.as_secs_f64(),
        median(took).as_secs_f64()
    );
    for ef in EFS {
        let (after, fresh) = (built.recall(queries, ef), anew.recall(queries, ef));
        println!("ef {ef:3}: recall@10 {after:.4} after {nights} nights, {fresh:.4} built anew, {:+.4}", after - fresh);
    }
    Ok(())
}

fn size_of(base: &[f32], queries: &[f32], dimension: usize) -> Result<(), Failure> {
    let count = base.len() / dimension;
    let folder = tempfile::tempdir()?;
    let (of_vectors, path) = (folder.path().join("a.vectors"), folder.path().join("a.facet"));
    Vectors::write_unnamed(&of_vectors, base)?;
    let slots: Vec<u32> = (0..count as u32).collect();
    let (vectors, _) = Vectors::open(&of_vectors, dimension)?;
    let (took, _) = timed(|| write_facet(&path, &slots, &vectors, &GraphParameters::default(), None));
    let everyone = everyone(count);
    let first = |query| -> Result<(Built, u64), Failure> {
        let (vectors, _) = Vectors::open(&of_vectors, dimension)?;
        let (facet, file) = Facet::open(&path, count, &vectors)?;
        let probe = Probe { query, k: 10, allowed: &everyone, turn: 0 };
        std::hint::black_box(facet.search(&vectors, probe, 64, count));
        Ok((Built { facet, vectors }, file.len_bytes()))
    };
    let (opened, built) = timed(|| first(&queries[..dimension]));
    let (built, bytes) = built?;
    println!(
        "{count} vectors, {} nodes: built in {:.1} s, {:.0} bytes a node, opened and searched in {:.1} ms",
        built.facet.nodes(),
        took.as_secs_f64(),
        bytes as f64 / built.facet.nodes() as f64,
        opened.as_secs_f64() * 1e3
    );
    for ef in EFS {
        let rounds: Vec<Duration> = (0..5).map(|_| timed(|| built.search(queries, ef)).0).collect();
        let rate = QUERIES as f64 / median(rounds).as_secs_f64();
        println!("ef {ef:3}: recall@10 {:.4}, {rate:.0} queries/s", built.recall(queries, ef));
    }
    Ok(())
}

struct Built {
    facet: Facet,
    vectors: Vectors,
}

impl Built {
    /// The ten best of each query.
    fn search(&self, queries: &[f32], ef: usize) -> Vec<Vec<Slot>> {
        let everyone = everyone(self.facet.members());
        let search = |query| {
            let probe = Probe { query, k: 10, allowed: &everyone, turn: 0 };
            self.facet.search(&self.vectors, probe, ef, everyone.len())
        };
        queries.chunks_exact(self.vectors.dimension()).map(search).collect()
    }

    fn recall(&self, queries: &[f32], ef: usize) -> f64 {
        use rayon::prelude::*;
        let everyone = everyone(self.facet.members());
        let found = self.search(queries, ef);
        let hits = queries.par_chunks_exact(self.vectors.dimension()).zip(found).map(|(query, found)| {
            let probe = Probe { query, k: 10, allowed: &everyone, turn: 0 };
            let worst = self.facet.exact(&self.vectors, probe).last().map_or(0.0, |near| near.cosine);
            let cosine = |slot: &Slot| self.vectors.row(slot.index() as u32).map_or(-1.0, |row| dot(query, row));
            found.iter().filter(|slot| cosine(slot) >= worst).count()
        });
        hits.sum::<usize>() as f64 / (10 * QUERIES) as f64
    }
}

fn everyone(count: usize) -> FixedBitSet {
    let mut everyone = FixedBitSet::with_capacity(count);
    everyone.insert_range(..);
    everyone
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let result = work();
    (begun.elapsed(), result)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
