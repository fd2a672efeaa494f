//! One embedded, indexed view of the members: a node per distinct vector, the members behind it, and the ways to search
//! them (the graph walk and the exact scan), with a planner that takes the cheaper one.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use fixedbitset::FixedBitSet;

use super::Slot;
use super::arrays::{Array, ArrayFile, ArrayWriter, Damaged, Lists, ListsBuilder};
use super::graph::{DEFAULT_EF, Graph, GraphBuilder, GraphParameters, Scratch};
use super::vectors::{Quantizer, Vectors, dot};

/// No node, or no row.
const NONE: u32 = u32::MAX;

/// What a walk costs for each place in its pool, and a scan for each match, in nanoseconds. Measured on 26,081
/// careervillage profiles, M = 16, 384 dimensions, one thread (ARCHITECTURE.md): a walk reads int8 codes that lie near
/// one another, a scan f32 rows.
const WALK_PER_EF: f32 = 850.0;
const SCAN_PER_MATCH: f32 = 165.0;

/// A member near a query, with the exact cosine of its facet's vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The member.
    pub slot: Slot,
    /// In [−1, 1].
    pub cosine: f32,
}

/// What is looked for in a facet.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// A unit vector.
    pub query: &'a [f32],
    /// How many members.
    pub k: usize,
    /// Those who may be found.
    pub allowed: &'a FixedBitSet,
    /// Turns the order of the members behind one vector, so that where not all of them fit it is not always the same
    /// ones that are left out.
    pub turn: u64,
}

/// How a query was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Every match compared.
    Scan,
    /// The graph walked with a pool of this many nodes.
    Walk(usize),
}

/// What the audit of a built facet found; written into the manifest.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FacetReport {
    /// Members with a vector in this facet.
    pub members: u64,
    /// Distinct vectors.
    pub nodes: u64,
    /// Nodes that a walk for their own vector did not find after building, linked by the repair.
    pub repaired: u64,
    /// Nodes that a search for their own vector does not find.
    pub lost: u64,
    /// Mean recall@10 of the walk against the exact scan on held queries; 1 where there are none.
    pub recall_at_10: f64,
}

/// A facet of an open generation.
#[derive(Debug)]
pub struct Facet {
    quantizer: Quantizer,
    codes: Array<i8>,
    /// The row of the vectors' matrix that is a node's vector.
    rows: Array<u32>,
    members: Lists<u32>,
    node_of: Array<u32>,
    graph: Graph,
    in_facet: usize,
    scratches: Mutex<Vec<Scratch>>,
}

impl Facet {
    pub(super) fn open(path: &Path, members: usize, vectors: &Vectors) -> Result<(Facet, ArrayFile), Damaged> {
        let file = ArrayFile::open(path)?;
        let rows = file.array::<u32>("rows")?;
        let nodes = rows.len();
        let codes = file.array_of("codes", nodes.saturating_mul(vectors.dimension()))?;
        let scale = file.array_of::<f32>("scale", 1)?[0];
        let in_facet = file.array_of::<u64>("in_facet", 1)?[0] as usize;
        let facet = Facet {
            quantizer: Quantizer::of_scale(scale),
            codes,
            rows,
            members: file.lists("members", nodes)?,
            node_of: file.array_of("node_of", members)?,
            graph: Graph::open(&file, nodes)?,
            in_facet,
            scratches: Mutex::default(),
        };
        Ok((facet, file))
    }

    /// How many distinct vectors there are.
    pub fn nodes(&self) -> usize {
        self.rows.len()
    }

    /// How many members have a vector here.
    pub fn members(&self) -> usize {
        self.in_facet
    }

    /// The row of the member's vector, where it has one in this facet.
    pub fn row(&self, slot: Slot) -> Option<u32> {
        let node = *self.node_of.get(slot.index())?;
        self.rows.get(node as usize).copied()
    }

    /// The rows of the nodes' vectors.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The allowed members nearest to the query, best first, by the cheaper of scan and walk.
    ///
    /// `matches` is the number of allowed members; `ef` the walk's pool for an unfiltered query, widened as the filter
    /// narrows so that as many matches are seen.
    pub fn search(&self, vectors: &Vectors, probe: Probe<'_>, ef: usize, matches: usize) -> Vec<Near> {
        match self.plan(ef.max(probe.k), matches) {
            Plan::Scan => self.scan(vectors, probe),
            Plan::Walk(ef) => self.walk(vectors, probe, ef),
        }
    }

    /// The cheaper way for a filter with this many matches: a walk needs a pool that is larger the fewer members match,
    /// a scan compares each match once.
    pub fn plan(&self, ef: usize, matches: usize) -> Plan {
        let selectivity = (matches as f32 / self.in_facet.max(1) as f32).clamp(f32::MIN_POSITIVE, 1.0);
        let widened = ef as f32 / selectivity;
        let scanned = matches.min(self.in_facet) as f32;
        if widened * WALK_PER_EF >= scanned * SCAN_PER_MATCH { Plan::Scan } else { Plan::Walk(widened.ceil() as usize) }
    }

    /// The exact `k` nearest among the allowed.
    pub fn scan(&self, vectors: &Vectors, probe: Probe<'_>) -> Vec<Near> {
        let mut seen = FixedBitSet::with_capacity(self.nodes());
        let mut nodes = Vec::new();
        for slot in probe.allowed.ones() {
            let node = self.node_of.get(slot).copied().unwrap_or(NONE) as usize;
            if node < self.nodes() && !seen.put(node) {
                nodes.push(node as u32);
            }
        }
        self.expand(vectors, probe, nodes.into_iter())
    }

    /// The walk's `k` nearest among the allowed, from a pool of `ef` nodes.
    pub fn walk(&self, vectors: &Vectors, probe: Probe<'_>, ef: usize) -> Vec<Near> {
        let Probe { query, k, allowed, .. } = probe;
        let codes: Vec<i8> = self.quantizer.codes(query).collect();
        let mut scratch = self.scratches.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
        self.graph.walks().walk(&self.codes, &codes, ef.max(1), &mut scratch);
        // The pool is in the order of int8 dots, which err by a few thousandths: past a margin nothing climbs into the
        // best k.
        let has_allowed =
            |node: &u32| self.members.get(*node as usize).iter().any(|slot| allowed.contains(*slot as usize));
        let nodes = scratch.pool.iter().map(|pooled| pooled.node).filter(has_allowed).take(k + k / 2 + 16);
        let near = self.expand(vectors, probe, nodes);
        if let Ok(mut kept) = self.scratches.lock() {
            kept.push(scratch);
        }
        near
    }

    /// Scores nodes exactly and gives the allowed members behind the best of them.
    fn expand(&self, vectors: &Vectors, probe: Probe<'_>, nodes: impl Iterator<Item = u32>) -> Vec<Near> {
        let Probe { query, k, allowed, turn } = probe;
        let mut scored: Vec<(f32, u32)> =
            nodes.filter_map(|node| Some((dot(query, vectors.row(*self.rows.get(node as usize)?)?), node))).collect();
        let order = |left: &(f32, u32), right: &(f32, u32)| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1));
        // Every node here has a member that is allowed, so the best k nodes hold the best k members.
        if k > 0 && k < scored.len() {
            scored.select_nth_unstable_by(k - 1, order);
            scored.truncate(k);
        }
        scored.sort_unstable_by(order);
        let mut near = Vec::with_capacity(k);
        for (cosine, node) in scored {
            let behind = self.members.get(node as usize);
            let start = if behind.is_empty() { 0 } else { (turn % behind.len() as u64) as usize };
            for &slot in behind[start..].iter().chain(&behind[..start]) {
                if allowed.contains(slot as usize) {
                    if near.len() == k {
                        return near;
                    }
                    near.push(Near { slot: Slot(slot), cosine });
                }
            }
        }
        near
    }

    /// Checks every node and measures the walk on held queries. See [`FacetReport`].
    pub(super) fn audit(&self, vectors: &Vectors, ef: usize, repaired: usize, seed: u64) -> FacetReport {
        use rayon::prelude::*;
        let everyone: FixedBitSet = {
            let mut bits = FixedBitSet::with_capacity(self.node_of.len());
            bits.insert_range(..);
            bits
        };
        let nodes = self.nodes() as u32;
        let found =
            |scratch: &mut Scratch, node| self.graph.walks().finds(&self.codes, vectors.dimension(), node, ef, scratch);
        let lost = (0..nodes).into_par_iter().map_init(Scratch::default, found).filter(|found| !found).count();
        let held = held_queries(self.nodes(), seed);
        let recalls: Vec<f64> = held
            .par_iter()
            .filter_map(|(left, right)| {
                let vector = |node: &u32| self.rows.get(*node as usize).and_then(|row| vectors.row(*row));
                let mixture = crate::embed::UnitVector::mean([vector(left)?, vector(right)?].into_iter())?;
                let probe = Probe { query: &mixture, k: 10, allowed: &everyone, turn: 0 };
                let exact = self.scan(vectors, probe);
                let walked = self.walk(vectors, probe, ef);
                // By cosine, not by id: equally near members are equally right.
                let worst = exact.last()?.cosine;
                Some(walked.iter().filter(|near| near.cosine >= worst).count() as f64 / exact.len() as f64)
            })
            .collect();
        let recall_at_10 = if recalls.is_empty() { 1.0 } else { recalls.iter().sum::<f64>() / recalls.len() as f64 };
        FacetReport {
            members: self.in_facet as u64,
            nodes: u64::from(nodes),
            repaired: repaired as u64,
            lost: lost as u64,
            recall_at_10,
        }
    }
}

/// Pairs of nodes whose mean is a query that is no node itself: the audit's held queries.
fn held_queries(nodes: usize, seed: u64) -> Vec<(u32, u32)> {
    use rand::{RngExt, SeedableRng};
    if nodes < 2 {
        return Vec::new();
    }
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let nodes = nodes as u32;
    (0..200).map(|_| (random.random_range(0..nodes), random.random_range(0..nodes))).filter(|(a, b)| a != b).collect()
}

/// Builds and writes a facet from the row of each member's vector; says how many orphans were repaired.
pub(super) fn write_facet(
    path: &Path,
    rows_of_members: &[u32],
    vectors: &Vectors,
    parameters: &GraphParameters,
) -> io::Result<usize> {
    // Identical vectors are one node, whatever texts they came from: many equal points inserted first would leave
    // others unreachable.
    let mut node_of_vector: HashMap<[u8; 32], u32> = HashMap::new();
    let mut node_of_row: HashMap<u32, u32> = HashMap::new();
    let mut rows: Vec<u32> = Vec::new();
    let mut node_of: Vec<u32> = Vec::with_capacity(rows_of_members.len());
    for &row in rows_of_members {
        let Some(vector) = vectors.row(row) else {
            node_of.push(NONE);
            continue;
        };
        node_of.push(*node_of_row.entry(row).or_insert_with(|| {
            let hash = *blake3::hash(bytemuck::cast_slice(vector)).as_bytes();
            *node_of_vector.entry(hash).or_insert_with(|| {
                rows.push(row);
                rows.len() as u32 - 1
            })
        }));
    }
    let dimension = vectors.dimension();
    let vector = |row: &u32| vectors.row(*row).unwrap_or_default();
    let quantizer = Quantizer::fit(rows.iter().map(vector));
    let codes_of = |rows: &[u32]| -> Vec<i8> { rows.iter().flat_map(|row| quantizer.codes(vector(row))).collect() };
    let graph = GraphBuilder::build(&codes_of(&rows), dimension, quantizer.scale(), parameters);
    let order = graph.breadth_first();
    let mut graph = graph.renumbered(&order);
    let mut renamed = vec![NONE; order.len()];
    for (new, old) in order.iter().enumerate() {
        renamed[*old as usize] = new as u32;
    }
    let rows: Vec<u32> = order.iter().map(|old| rows[*old as usize]).collect();
    let codes = codes_of(&rows);
    // After renumbering: a walk settles equal dots by number, so only the final numbers tell what it finds.
    let repaired = graph.repair(&codes, dimension, DEFAULT_EF);
    let mut behind: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    let mut in_facet = 0u64;
    for (slot, node) in node_of.iter_mut().enumerate() {
        if *node != NONE {
            *node = renamed[*node as usize];
            behind[*node as usize].push(slot as u32);
            in_facet += 1;
        }
    }
    let mut members = ListsBuilder::default();
    for slots in behind {
        members.push(slots);
    }
    let mut out = ArrayWriter::create(path)?;
    out.array("scale", &[quantizer.scale()])?;
    out.array("in_facet", &[in_facet])?;
    out.array("rows", &rows)?;
    out.array("node_of", &node_of)?;
    out.lists("members", &members)?;
    out.array("codes", &codes)?;
    graph.write(&mut out)?;
    out.finish()?;
    Ok(repaired)
}
