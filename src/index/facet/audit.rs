//! What a built facet is worth: links, recall.

use fixedbitset::FixedBitSet;
use rayon::prelude::*;

use super::{Changes, Facet, Made, Probe};
use crate::embed::UnitVector;
use crate::index::Slot;
use crate::index::graph::used;
use crate::index::vectors::{Vectors, dot};

/// What the audit of a built facet found; written into the manifest.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FacetReport {
    /// Members with a vector in this facet.
    pub members: u64,
    /// Distinct vectors.
    pub nodes: u64,
    /// What was done to the graph of the generation before, or to none.
    pub changes: Changes,
    /// Nodes that a search for their own vector does not find.
    pub lost: u64,
    /// Nodes that no way along links of level 0 leads to from the entry. A search may still find them from upper levels.
    pub unreachable: u64,
    /// The mean number of links at level 0.
    pub mean_links: f64,
    /// The fewest links into a node at level 0.
    pub fewest_links_in: u64,
    /// Mean recall@10 of the walk, or without links of the scan of the codes, against the exact scan on held queries; 1 where
    /// there are none.
    pub recall_at_10: f64,
}

/// The held queries of an audit.
const HELD: usize = 200;

/// How many of the nearest they ask for.
const RECALLED: usize = 10;

/// Held queries that every vector is compared with while it is in the cache.
const TOGETHER: usize = 25;

impl Facet {
    /// Counts the links and measures the walk on held queries.
    pub fn audit(&self, vectors: &Vectors, ef: usize, made: Made, seed: u64) -> FacetReport {
        let walks = self.walks();
        let nodes = self.nodes() as u32;
        let mut links_in = vec![0u64; nodes as usize];
        for link in (0..nodes).flat_map(|node| used(walks.links(node))) {
            if let Some(count) = links_in.get_mut(link as usize) {
                *count += 1;
            }
        }
        FacetReport {
            members: self.members() as u64,
            nodes: u64::from(nodes),
            changes: made.changes,
            lost: made.lost,
            unreachable: if self.graph.is_linked() { walks.breadth_first().1 as u64 } else { 0 },
            mean_links: links_in.iter().sum::<u64>() as f64 / f64::from(nodes.max(1)),
            fewest_links_in: links_in.iter().copied().min().unwrap_or(0),
            recall_at_10: self.recall(vectors, ef, seed),
        }
    }

    /// Recall@10 on queries that are no node: the means of random pairs.
    fn recall(&self, vectors: &Vectors, ef: usize, seed: u64) -> f64 {
        let points = self.points(vectors);
        let mut everyone = FixedBitSet::with_capacity(self.node_of.len());
        everyone.insert_range(..);
        let mean = |(left, right): &(u32, u32)| {
            let pair = [points.vector(*left), points.vector(*right)];
            UnitVector::mean(pair.into_iter().filter(|vector| !vector.is_empty()))
        };
        let queries: Vec<UnitVector> = held_queries(self.nodes(), seed).iter().filter_map(mean).collect();
        let recalls: Vec<f64> = queries
            .par_chunks(TOGETHER)
            .flat_map_iter(|some| some.iter().zip(self.exact_cosines(vectors, some, RECALLED)))
            .filter_map(|(query, exact)| {
                let probe = Probe { query, k: RECALLED, allowed: &everyone, turn: 0 };
                let linked = self.graph.is_linked();
                let found = if linked { self.walk(vectors, probe, ef) } else { self.scan(vectors, probe) };
                self.share_of(vectors, probe, &exact, &found)
            })
            .collect();
        if recalls.is_empty() { 1.0 } else { recalls.iter().sum::<f64>() / recalls.len() as f64 }
    }

    /// The cosines of the exact `k` nearest members of each query, best first. Every vector comes from memory once for
    /// all of the queries: one query after the other, waiting for it was most of an audit.
    fn exact_cosines(&self, vectors: &Vectors, queries: &[UnitVector], k: usize) -> Vec<Vec<f32>> {
        let points = self.points(vectors);
        // The nearest nodes hold the nearest members: each has one at least.
        let mut nearest: Vec<Vec<(f32, u32)>> = vec![Vec::with_capacity(k + 1); queries.len()];
        for node in (0..self.nodes() as u32).filter(|node| !self.members.get(*node as usize).is_empty()) {
            let vector = points.vector(node);
            for (query, nearest) in queries.iter().zip(&mut nearest).filter(|_| !vector.is_empty()) {
                let cosine = dot(query, vector);
                if nearest.len() < k || nearest.last().is_some_and(|(last, _)| cosine > *last) {
                    nearest.insert(nearest.partition_point(|(other, _)| *other >= cosine), (cosine, node));
                    nearest.truncate(k);
                }
            }
        }
        let behind = |(cosine, node): (f32, u32)| self.members.get(node as usize).iter().map(move |_| cosine);
        nearest.into_iter().map(|nodes| nodes.into_iter().flat_map(behind).take(k).collect()).collect()
    }

    /// The share of the exact answer to a probe that was found, in [0, 1]; nothing where the exact answer is empty.
    /// By cosine, not by id: equally near members are equally right.
    pub fn recall_of(&self, vectors: &Vectors, probe: Probe<'_>, found: &[Slot]) -> Option<f64> {
        let exact: Vec<f32> = self.exact(vectors, probe).into_iter().map(|near| near.cosine).collect();
        self.share_of(vectors, probe, &exact, found)
    }

    fn share_of(&self, vectors: &Vectors, probe: Probe<'_>, exact: &[f32], found: &[Slot]) -> Option<f64> {
        let worst = *exact.last()?;
        let cosine = |slot: &Slot| Some(dot(probe.query, vectors.row(self.row(*slot)?)?));
        let hits = found.iter().filter_map(cosine).filter(|cosine| *cosine >= worst).count();
        Some(hits as f64 / exact.len() as f64)
    }
}

fn held_queries(nodes: usize, seed: u64) -> Vec<(u32, u32)> {
    use rand::{RngExt, SeedableRng};
    if nodes < 2 {
        return Vec::new();
    }
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let nodes = nodes as u32;
    (0..HELD).map(|_| (random.random_range(0..nodes), random.random_range(0..nodes))).filter(|(a, b)| a != b).collect()
}
