//! Growing a graph by batches.
//!
//! Each node of a batch searches the graph as it was before the batch, all of them in parallel, and looks at the rest of
//! the batch besides; then the batch is linked in, target by target. Nothing depends on which thread was first, so any
//! number of threads makes the same graph. Batches stay a small part of the graph, as in Manohar et al., "ParlayANN:
//! Scalable and Deterministic Parallel Graph-Based Approximate Nearest Neighbor Search Algorithms", 2024
//! (arXiv 2305.04359).

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::seed::{SEEDED, seed};
use super::walk::{Pooled, Scratch, descend, spread, used};
use super::{GraphBuilder, GraphParameters, Layout, MOST_LEVELS};
use crate::index::codes::{FineCodes, Points, Quantizer};
use crate::index::kernels::{Kernel, Task, dispatch};

/// A batch is at most this part of the graph that it searches, and at most so many nodes.
const PART: usize = 50;
const LARGEST: usize = 1024;

/// What links are chosen by.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) points: Points<'a>,
    pub(super) quantizer: &'a Quantizer,
    pub(super) parameters: &'a GraphParameters,
}

/// A node that may be linked to, and the dot product with the node that links.
pub(super) type Candidate = (i32, u32);

impl GraphBuilder {
    /// Builds the graph of all points; with an M of 0 their codes alone, to be scanned.
    pub fn build(points: Points<'_>, quantizer: &Quantizer, parameters: &GraphParameters) -> GraphBuilder {
        let layout = Layout::new(points.dimension, 2 * parameters.m);
        if points.is_empty() || parameters.m == 0 {
            let mut graph = GraphBuilder::unlinked(layout, std::iter::repeat_n(0, points.len()));
            graph.encode(Source { points, quantizer, parameters }, 0);
            return graph;
        }
        let mut random = ChaCha8Rng::seed_from_u64(parameters.seed);
        let mut order: Vec<u32> = (0..points.len() as u32).collect();
        order.shuffle(&mut random);
        let (first, later) = order.split_at(order.len().min(SEEDED));
        let (seeded, entry) = seed(points, quantizer, first, parameters);
        let mut levels: Vec<usize> = (0..order.len()).map(|_| level(&mut random, parameters.m)).collect();
        for node in &seeded {
            levels[node.node as usize] = node.links.len() - 1;
        }
        let mut graph = GraphBuilder::unlinked(layout, levels.into_iter());
        graph.entry = entry;
        let source = Source { points, quantizer, parameters };
        graph.encode(source, 0);
        for node in seeded {
            for (level, links) in node.links.iter().enumerate() {
                let most = graph.links_mut(node.node, level).len().min(links.len());
                graph.link(node.node, level, &links[..most]);
            }
        }
        graph.insert(source, later, first.len());
        graph
    }

    /// Writes the codes of all nodes from `first` on.
    pub(super) fn encode(&mut self, source: Source<'_>, first: usize) {
        let (block, fine, codes) = (self.layout.block(), self.layout.fine, self.layout.codes);
        let blocks = self.blocks[first * block..].par_chunks_mut(block);
        blocks.zip(self.fine[first * fine..].par_chunks_mut(fine)).enumerate().for_each(|(at, (block, fine))| {
            let vector = source.points.vector((first + at) as u32);
            source.quantizer.encode(vector, &mut block[..codes]);
            source.quantizer.encode_fine(vector, fine);
        });
    }

    /// Links nodes in that are not linked yet; `linked` are.
    pub(super) fn insert(&mut self, source: Source<'_>, order: &[u32], mut linked: usize) {
        let mut rest = order;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(rest.len().min((linked / PART).clamp(1, LARGEST)));
            self.insert_batch(source, batch);
            linked += batch.len();
            rest = later;
        }
    }

    fn insert_batch(&mut self, source: Source<'_>, batch: &[u32]) {
        let graph = &*self;
        let place = |scratch: &mut Scratch, &node| dispatch(Place { graph, source, batch, node, scratch });
        let placed: Vec<Vec<Vec<u32>>> = batch.par_iter().map_init(Scratch::default, place).collect();
        let mut backward: Vec<(usize, u32, u32)> = Vec::new();
        for (&node, levels) in batch.iter().zip(&placed) {
            for (level, links) in levels.iter().enumerate() {
                self.link(node, level, links);
                backward.extend(links.iter().map(|link| (level, *link, node)));
            }
        }
        backward.sort_unstable();
        let groups: Vec<&[(usize, u32, u32)]> =
            backward.chunk_by(|left, right| (left.0, left.1) == (right.0, right.1)).collect();
        let graph = &*self;
        let adopted: Vec<Vec<u32>> = groups
            .par_iter()
            .map(|group| {
                let (level, node, _) = group[0];
                let mut links: Vec<u32> = used(graph.walks().links_at(node, level)).collect();
                links.extend(group.iter().map(|(_, _, from)| *from));
                links.sort_unstable();
                links.dedup();
                let most = graph.most_links(level);
                if links.len() <= most {
                    return links;
                }
                dispatch(Choose { fine: graph.fine(), node, links: Vec::new(), among: links, most })
            })
            .collect();
        let heads: Vec<(usize, u32)> = groups.iter().map(|group| (group[0].0, group[0].1)).collect();
        for ((level, node), links) in heads.into_iter().zip(adopted) {
            self.link(node, level, &links);
        }
        for &node in batch {
            if self.walks().levels(node) > self.walks().levels(self.entry) {
                self.entry = node;
            }
        }
    }

    pub(super) fn most_links(&self, level: usize) -> usize {
        if level == 0 { self.layout.width } else { self.layout.upper_width() }
    }
}

/// A node's level: each level is M times as rare as the one below, which is the paper's floor(−ln(unif) · m_L) with
/// m_L = 1 / ln(M), drawn without logarithms.
pub(super) fn level(random: &mut ChaCha8Rng, m: usize) -> usize {
    let mut level = 0;
    while level < MOST_LEVELS && random.random_range(0..m) == 0 {
        level += 1;
    }
    level
}

/// Finds the links of a node of a batch, at each of its levels.
struct Place<'a> {
    graph: &'a GraphBuilder,
    source: Source<'a>,
    batch: &'a [u32],
    node: u32,
    scratch: &'a mut Scratch,
}

impl Task for Place<'_> {
    type Output = Vec<Vec<u32>>;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Vec<Vec<u32>> {
        let Place { graph, source, batch, node, scratch } = self;
        let walks = graph.walks();
        let (fine, ef) = (graph.fine(), source.parameters.ef_construction);
        let own = fine.of_node(node);
        let query = source.quantizer.query(source.points.vector(node));
        let (level, top) = (walks.levels(node), walks.levels(graph.entry));
        let mut links = vec![Vec::new(); level + 1];
        let mut starts = vec![descend(kernel, walks, &query, top, level.min(top))];
        for level in (0..=level.min(top)).rev() {
            scratch.begin(walks.nodes());
            for start in &starts {
                scratch.visit(start.node());
                scratch.offer::<false>(ef, *start);
            }
            spread::<false, _>(kernel, walks, |node| walks.links_at(node, level), &query, ef, scratch);
            starts = scratch.pool.iter().map(|pooled| Pooled::of(pooled.estimate, pooled.node())).collect();
            let candidate = |other: u32| (kernel.bytes(own, fine.of_node(other)), other);
            let mut candidates: Vec<Candidate> = starts.iter().map(|start| candidate(start.node())).collect();
            let least = candidates.iter().map(|(dot, _)| *dot).min().filter(|_| candidates.len() >= ef);
            let others = batch.iter().filter(|other| **other != node && walks.levels(**other) >= level);
            candidates.extend(
                others.map(|other| candidate(*other)).filter(|(dot, _)| least.is_none_or(|least| *dot > least)),
            );
            nearest_first(&mut candidates);
            links[level] = choose(kernel, fine, Vec::new(), &candidates, graph.most_links(level));
        }
        links
    }
}

/// Chooses further links of a node.
pub(super) struct Choose<'a> {
    pub(super) fine: FineCodes<'a>,
    pub(super) node: u32,
    /// Those that stay.
    pub(super) links: Vec<u32>,
    pub(super) among: Vec<u32>,
    pub(super) most: usize,
}

impl Task for Choose<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Vec<u32> {
        let fine = self.fine;
        let own = fine.of_node(self.node);
        let candidate = |other: u32| (kernel.bytes(own, fine.of_node(other)), other);
        let mut candidates: Vec<Candidate> = self.among.into_iter().map(candidate).collect();
        nearest_first(&mut candidates);
        choose(kernel, fine, self.links, &candidates, self.most)
    }
}

fn nearest_first(candidates: &mut [Candidate]) {
    candidates.sort_unstable_by_key(|(dot, node)| (std::cmp::Reverse(*dot), *node));
}

/// The paper's algorithm 4: a candidate is linked to if it is nearer to the node than to any that is linked to already.
#[inline(always)]
fn choose<K: Kernel>(
    kernel: K,
    fine: FineCodes<'_>,
    mut links: Vec<u32>,
    candidates: &[Candidate],
    most: usize,
) -> Vec<u32> {
    for &(dot, node) in candidates {
        if links.len() >= most {
            break;
        }
        let codes = fine.of_node(node);
        if links.iter().all(|other| kernel.bytes(fine.of_node(*other), codes) < dot) {
            links.push(node);
        }
    }
    links
}
