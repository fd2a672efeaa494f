//! The HNSW graph of a facet: built by hnsw_rs, kept in flat arrays, walked over int8 codes.
//!
//! HNSW: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
//! Small World graphs", 2016 (arXiv 1603.09320); its symbols are named where they stand. hnsw_rs inserts serially, in
//! an order shuffled by a fixed seed, so the same vectors give the same graph on any number of threads. Its dumps are
//! never loaded: the neighbours are read out once and written as arrays.

mod walk;

use std::collections::{HashSet, VecDeque};
use std::io;

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::arrays::{Array, ArrayFile, ArrayWriter, Damaged};
use super::vectors::dot_codes;
pub(super) use walk::{Scratch, Walks};

/// The most levels of a graph.
const MOST_LEVELS: usize = 16;

/// No neighbour.
const NONE: u32 = u32::MAX;

/// The walk's candidate pool unless configured, and the audit's: recall@10 of about .98 on 26,081 real profiles.
pub const DEFAULT_EF: usize = 128;

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphParameters {
    /// M: neighbours a node links to on upper levels; level 0 holds twice as many.
    pub m: usize,
    /// efConstruction: the candidate pool while inserting.
    pub ef_construction: usize,
    /// Shuffles the insertion order.
    pub seed: u64,
}

impl Default for GraphParameters {
    fn default() -> Self {
        GraphParameters { m: 16, ef_construction: 200, seed: 42 }
    }
}

/// A graph in memory, as it is built, repaired and written. Node ids are rows of the codes.
pub(super) struct GraphBuilder {
    entry: u32,
    width: usize,
    /// Level 0, `width` ids a node, padded with [`NONE`].
    base: Vec<u32>,
    /// First row of each node in `upper`; the number of rows is the node's level.
    upper_starts: Vec<u32>,
    /// Levels from 1 up, `width / 2` ids a row.
    upper: Vec<u32>,
}

/// 1 − cosine over int8 codes. Clamped at zero: rounding may make a dot product larger than that of equal vectors.
#[derive(Clone, Copy)]
struct CodeDistance {
    per_unit: f32,
}

impl Distance<i8> for CodeDistance {
    fn eval(&self, left: &[i8], right: &[i8]) -> f32 {
        (1.0 - dot_codes(left, right) as f32 * self.per_unit).max(0.0)
    }
}

impl GraphBuilder {
    /// Builds the graph of `codes`, `dimension` to a row, made with `scale` codes per unit.
    pub(super) fn build(codes: &[i8], dimension: usize, scale: f32, parameters: &GraphParameters) -> GraphBuilder {
        let nodes = codes.len() / dimension;
        let width = 2 * parameters.m;
        let mut graph =
            GraphBuilder { entry: 0, width, base: vec![NONE; nodes * width], upper_starts: vec![0], upper: Vec::new() };
        if nodes == 0 {
            return graph;
        }
        let distance = CodeDistance { per_unit: 1.0 / (scale * scale) };
        let seeded = Hnsw::new(parameters.m, nodes, MOST_LEVELS, parameters.ef_construction, distance);
        let mut order: Vec<usize> = (0..nodes).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(parameters.seed));
        for node in order {
            seeded.insert((&codes[node * dimension..][..dimension], node));
        }
        let mut levels = vec![Vec::new(); nodes];
        let mut highest = 0;
        for point in seeded.get_point_indexation() {
            let node = point.get_origin_id();
            let level = usize::from(point.get_point_id().0);
            if level > highest || (level == highest && highest == 0) {
                (highest, graph.entry) = (level, node as u32);
            }
            for (at, neighbours) in point.get_neighborhood_id().iter().enumerate().take(level + 1) {
                let ids = neighbours.iter().map(|neighbour| neighbour.get_origin_id() as u32);
                if at == 0 {
                    for (slot, id) in graph.base[node * width..][..width].iter_mut().zip(ids) {
                        *slot = id;
                    }
                } else {
                    let mut row = vec![NONE; width / 2];
                    for (slot, id) in row.iter_mut().zip(ids) {
                        *slot = id;
                    }
                    levels[node].push(row);
                }
            }
        }
        for rows in levels {
            for row in rows {
                graph.upper.extend(row);
            }
            graph.upper_starts.push((graph.upper.len() / (width / 2)) as u32);
        }
        graph
    }

    fn nodes(&self) -> usize {
        self.base.len() / self.width
    }

    /// Nodes in breadth-first order from the entry: near nodes lie near in memory. Unreachable ones come last.
    pub(super) fn breadth_first(&self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.nodes());
        let mut seen = vec![false; self.nodes()];
        let mut waiting: VecDeque<u32> = (self.nodes() > 0).then_some(self.entry).into_iter().collect();
        while let Some(node) = waiting.pop_front() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            order.push(node);
            let base = &self.base[node as usize * self.width..][..self.width];
            waiting.extend(base.iter().filter(|id| **id != NONE && !seen[**id as usize]));
        }
        order.extend((0..self.nodes() as u32).filter(|node| !seen[*node as usize]));
        order
    }

    /// Links every node that a walk with this `ef` does not find by its own codes; says how many were.
    ///
    /// Such a node gets a link from the nearest node that its walk does find, so that the same walk finds it now. A full
    /// anchor gives up its last link to a node that others link to; that may lose another node, hence the rounds. A link
    /// made here is never given up, or two nodes could take one place from each other for ever.
    pub(super) fn repair(&mut self, codes: &[i8], dimension: usize, ef: usize) -> usize {
        const ROUNDS: usize = 32;
        let mut repaired = HashSet::new();
        let mut made: HashSet<(u32, u32)> = HashSet::new();
        for _ in 0..ROUNDS {
            let walks = self.walks();
            let lost: Vec<(u32, Vec<u32>)> = (0..self.nodes() as u32)
                .into_par_iter()
                .map_init(Scratch::default, |scratch, node| {
                    let found = walks.finds(codes, dimension, node, ef, scratch);
                    (!found).then(|| (node, scratch.pool.iter().map(|pooled| pooled.node).collect()))
                })
                .flatten()
                .collect();
            if lost.is_empty() {
                break;
            }
            repaired.extend(lost.iter().map(|(node, _)| *node));
            let mut ways_in = vec![0u32; self.nodes()];
            for id in self.base.iter().filter(|id| **id != NONE) {
                ways_in[*id as usize] += 1;
            }
            for (node, near) in lost {
                for anchor in near {
                    let links = &mut self.base[anchor as usize * self.width..][..self.width];
                    let free = links.iter().position(|id| *id == NONE);
                    let place = free.or_else(|| {
                        links.iter().rposition(|id| ways_in[*id as usize] > 1 && !made.contains(&(anchor, *id)))
                    });
                    if let Some(place) = place {
                        if links[place] != NONE {
                            ways_in[links[place] as usize] -= 1;
                        }
                        links[place] = node;
                        made.insert((anchor, node));
                        ways_in[node as usize] += 1;
                        break;
                    }
                }
            }
        }
        repaired.len()
    }

    fn walks(&self) -> Walks<'_> {
        Walks {
            entry: self.entry,
            width: self.width,
            base: &self.base,
            upper_starts: &self.upper_starts,
            upper: &self.upper,
        }
    }

    /// The same graph with node `order[i]` called `i`.
    pub(super) fn renumbered(&self, order: &[u32]) -> GraphBuilder {
        let mut renamed = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            renamed[*old as usize] = new as u32;
        }
        let rename = |id: &u32| if *id == NONE { NONE } else { renamed[*id as usize] };
        let mut graph = GraphBuilder {
            entry: renamed.get(self.entry as usize).copied().unwrap_or(0),
            width: self.width,
            base: Vec::with_capacity(self.base.len()),
            upper_starts: vec![0],
            upper: Vec::with_capacity(self.upper.len()),
        };
        let row = self.width / 2;
        for &old in order {
            let old = old as usize;
            graph.base.extend(self.base[old * self.width..][..self.width].iter().map(rename));
            let rows = self.upper_starts[old] as usize * row..self.upper_starts[old + 1] as usize * row;
            graph.upper.extend(self.upper[rows].iter().map(rename));
            graph.upper_starts.push((graph.upper.len() / row) as u32);
        }
        graph
    }

    pub(super) fn write(&self, out: &mut ArrayWriter) -> io::Result<()> {
        out.array("graph.entry_width", &[self.entry, self.width as u32])?;
        out.array("graph.base", &self.base)?;
        out.array("graph.upper.starts", &self.upper_starts)?;
        out.array("graph.upper", &self.upper)
    }
}

/// A published graph, read in place.
#[derive(Debug)]
pub(super) struct Graph {
    entry: u32,
    width: usize,
    base: Array<u32>,
    upper_starts: Array<u32>,
    upper: Array<u32>,
}

impl Graph {
    pub(super) fn open(file: &ArrayFile, nodes: usize) -> Result<Graph, Damaged> {
        let [entry, width] = *file.array_of::<u32>("graph.entry_width", 2)? else {
            return Err(file.damaged("has no graph entry".into()));
        };
        let width = width as usize;
        if width < 2 || (nodes > 0 && entry as usize >= nodes) {
            return Err(file.damaged(format!("has a graph of width {width} entered at node {entry} of {nodes}")));
        }
        Ok(Graph {
            entry,
            width,
            base: file.array_of("graph.base", nodes.saturating_mul(width))?,
            upper_starts: file.array_of("graph.upper.starts", nodes + 1)?,
            upper: file.array("graph.upper")?,
        })
    }

    /// The graph's arrays, to be walked.
    pub(super) fn walks(&self) -> Walks<'_> {
        Walks {
            entry: self.entry,
            width: self.width,
            base: &self.base,
            upper_starts: &self.upper_starts,
            upper: &self.upper,
        }
    }
}
