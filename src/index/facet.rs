//! One embedded, indexed view of the members: a node per distinct vector, the members behind it, and the ways to search
//! them (the graph walk, the scan of the codes and the exact scan), with a planner that takes the cheaper one.

mod audit;
mod write;

use std::path::Path;
use std::sync::Mutex;

use fixedbitset::FixedBitSet;

use super::Slot;
use super::arrays::{Array, ArrayFile, Damaged, Lists};
use super::codes::{Points, Quantizer, Query};
use super::graph::{Graph, Pooled, Scratch, Walks};
use super::vectors::{Vectors, dot};
pub use audit::FacetReport;
pub(crate) use write::MOST_CHANGED;
pub use write::{Changes, Made, write_facet};

/// No node, or no row.
const NONE: u32 = u32::MAX;

/// What a walk costs for each place in its pool, and a scan for each match, in nanoseconds. Measured on 60,179 profiles,
/// M = 16, 384 dimensions, one thread (ARCHITECTURE.md).
const WALK_PER_EF: f32 = 400.0;
const SCAN_PER_MATCH: f32 = 14.0;

/// Nodes are looked at closely down to this many standard deviations of an estimate below that of the k-th: four bits
/// order the nearest well, but not perfectly.
pub(crate) const DOUBTFUL: f32 = 3.0;

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
    /// The codes of every match compared.
    Scan,
    /// The graph walked with a pool of this many nodes.
    Walk(usize),
}

/// A facet of an open generation.
#[derive(Debug)]
pub struct Facet {
    quantizer: Quantizer,
    /// The row of the vectors' matrix that is a node's vector.
    rows: Array<u32>,
    members: Lists<u32>,
    node_of: Array<u32>,
    graph: Graph,
    in_facet: usize,
    scratches: Mutex<Vec<Scratch>>,
}

impl Facet {
    /// Opens a facet of so many members over these vectors; also gives the file, to be verified.
    ///
    /// # Errors
    /// [`Damaged`] says what is wrong with the file.
    pub fn open(path: &Path, members: usize, vectors: &Vectors) -> Result<(Facet, ArrayFile), Damaged> {
        let file = ArrayFile::open(path)?;
        let rows = file.array::<u32>("rows")?;
        let nodes = rows.len();
        let in_facet = file.array_of::<u64>("in_facet", 1)?[0] as usize;
        let facet = Facet {
            quantizer: Quantizer::open(&file, vectors.dimension())?,
            rows,
            members: file.lists("members", nodes)?,
            node_of: file.array_of("node_of", members)?,
            graph: Graph::open(&file, nodes, vectors.dimension())?,
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
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// How vectors become codes here.
    pub(crate) fn quantizer(&self) -> &Quantizer {
        &self.quantizer
    }

    fn walks(&self) -> Walks<'_> {
        self.graph.walks()
    }

    fn points<'a>(&'a self, vectors: &'a Vectors) -> Points<'a> {
        Points { dimension: vectors.dimension(), matrix: vectors.matrix(), rows: &self.rows }
    }

    /// The allowed members nearest to the query, best first, by the cheaper of scan and walk.
    ///
    /// `matches` is the number of allowed members; `ef` the walk's pool for an unfiltered query, widened as the filter
    /// narrows so that as many matches are seen.
    pub fn search(&self, vectors: &Vectors, probe: Probe<'_>, ef: usize, matches: usize) -> Vec<Slot> {
        let query = self.quantizer.query(probe.query);
        let wanted = probe.k.min(matches);
        self.with_scratch(|scratch| {
            let mut plan = self.plan(ef.max(probe.k), matches);
            // Where most match, hardly a walk has to go on, and none remembers what for.
            let mut remembers = 2 * matches < self.in_facet;
            match plan {
                Plan::Walk(wide) if remembers => self.walks().walk_to_widen(&query, wide, scratch),
                Plan::Walk(wide) => self.walks().walk(&query, wide, scratch),
                Plan::Scan => {}
            }
            while let Plan::Walk(wide) = plan {
                let nodes = self.matched(probe, &query, scratch);
                if nodes.len() >= wanted {
                    return self.resolve(vectors, probe, nodes);
                }
                // Those who match are rarer near the query than elsewhere.
                let wider = wide + wide / 4 + 1;
                plan = self.cheaper(wider, matches);
                match plan {
                    Plan::Walk(wider) if remembers => self.walks().widen(&query, wider, scratch),
                    Plan::Walk(wider) => self.walks().walk_to_widen(&query, wider, scratch),
                    Plan::Scan => {}
                }
                remembers = true;
            }
            let nodes = self.scanned(probe, &query, matches, scratch);
            self.resolve(vectors, probe, nodes)
        })
    }

    /// The cheaper way for a filter with this many matches: a walk needs a pool that is larger the fewer members match,
    /// a scan compares each match once. Without links there is only the scan.
    pub fn plan(&self, ef: usize, matches: usize) -> Plan {
        let selectivity = (matches as f32 / self.in_facet.max(1) as f32).clamp(f32::MIN_POSITIVE, 1.0);
        self.cheaper((ef as f32 / selectivity).ceil() as usize, matches)
    }

    fn cheaper(&self, ef: usize, matches: usize) -> Plan {
        let scan = matches.min(self.in_facet) as f32 * SCAN_PER_MATCH;
        if !self.graph.is_linked() || ef as f32 * WALK_PER_EF >= scan { Plan::Scan } else { Plan::Walk(ef) }
    }

    /// The exact `k` nearest among the allowed, best first, every vector compared.
    pub fn exact(&self, vectors: &Vectors, probe: Probe<'_>) -> Vec<Near> {
        let mut seen = FixedBitSet::with_capacity(self.nodes());
        let nodes = self.nodes_of(probe.allowed).filter(|node| !seen.put(*node as usize));
        let points = self.points(vectors);
        let score = |node| {
            Some(points.vector(node)).filter(|vector| !vector.is_empty()).map(|vector| (dot(probe.query, vector), node))
        };
        let mut scored: Vec<(f32, u32)> = nodes.filter_map(score).collect();
        let order = |left: &(f32, u32), right: &(f32, u32)| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1));
        if probe.k > 0 && probe.k < scored.len() {
            scored.select_nth_unstable_by(probe.k - 1, order);
            scored.truncate(probe.k);
        }
        scored.sort_unstable_by(order);
        let near = |(cosine, node)| self.behind(node, probe).map(move |slot| Near { slot, cosine });
        scored.into_iter().flat_map(near).take(probe.k).collect()
    }

    /// The `k` nearest among the allowed, by the codes of all of them.
    pub fn scan(&self, vectors: &Vectors, probe: Probe<'_>) -> Vec<Slot> {
        let (query, matches) = (self.quantizer.query(probe.query), probe.allowed.count_ones(..));
        let nodes = self.with_scratch(|scratch| self.scanned(probe, &query, matches, scratch));
        self.resolve(vectors, probe, nodes)
    }

    /// The walk's `k` nearest among the allowed, from a pool of `ef` nodes.
    pub fn walk(&self, vectors: &Vectors, probe: Probe<'_>, ef: usize) -> Vec<Slot> {
        let query = self.quantizer.query(probe.query);
        let nodes = self.with_scratch(|scratch| {
            self.walks().walk(&query, ef.max(1), scratch);
            self.matched(probe, &query, scratch)
        });
        self.resolve(vectors, probe, nodes)
    }

    fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.scratches.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
        let result = work(&mut scratch);
        if let Ok(mut kept) = self.scratches.lock() {
            kept.push(scratch);
        }
        result
    }

    /// Nodes of members, as often as members are behind them.
    fn nodes_of<'a>(&'a self, members: &'a FixedBitSet) -> impl Iterator<Item = u32> + 'a {
        let nodes = members.ones().filter_map(|slot| self.node_of.get(slot).copied());
        nodes.filter(|node| (*node as usize) < self.nodes())
    }

    /// The nodes of a walk's pool to look at closely, each with an allowed member behind it: at least `k` if
    /// there are so many.
    fn matched(&self, probe: Probe<'_>, query: &Query, scratch: &Scratch) -> Vec<u32> {
        let allowed = |pooled: &&Pooled| {
            let behind = self.members.get(pooled.node() as usize);
            behind.iter().any(|slot| probe.allowed.contains(*slot as usize))
        };
        doubtful(scratch.pool.iter().filter(allowed), probe.k, query)
    }

    /// The nodes to look at closely for a scan of the allowed.
    fn scanned(&self, probe: Probe<'_>, query: &Query, matches: usize, scratch: &mut Scratch) -> Vec<u32> {
        let nodes = self.nodes_of(probe.allowed);
        if matches <= 2 * probe.k {
            let mut nodes: Vec<u32> = nodes.collect();
            nodes.sort_unstable();
            nodes.dedup();
            return nodes;
        }
        self.walks().scan(query, nodes, 4 * probe.k + 32, scratch);
        doubtful(scratch.pool.iter(), probe.k, query)
    }

    /// The allowed members behind the nearest of these nodes, each of which has one.
    fn resolve(&self, vectors: &Vectors, probe: Probe<'_>, nodes: Vec<u32>) -> Vec<Slot> {
        let exact = |node: u32| {
            self.rows
                .get(node as usize)
                .and_then(|row| vectors.row(*row))
                .map_or(f32::MIN, |vector| dot(probe.query, vector))
        };
        let held = |node| self.behind(node, probe).take(probe.k).count();
        let nearest = self.walks().nearest(&self.quantizer, probe.query, nodes, probe.k, held, exact);
        let behind = nearest.into_iter().flat_map(|node| self.behind(node, probe));
        behind.take(probe.k).collect()
    }

    /// The allowed members behind a node.
    fn behind<'a>(&'a self, node: u32, probe: Probe<'a>) -> impl Iterator<Item = Slot> + 'a {
        let behind = self.members.get(node as usize);
        let start = if behind.is_empty() { 0 } else { (probe.turn % behind.len() as u64) as usize };
        let turned = behind[start..].iter().chain(&behind[..start]);
        turned.filter(move |slot| probe.allowed.contains(**slot as usize)).map(|slot| Slot(*slot))
    }
}

/// The best `k` of nodes that come in the order of their estimates, and those after them that may be among the best.
fn doubtful<'a>(nodes: impl Iterator<Item = &'a Pooled>, k: usize, query: &Query) -> Vec<u32> {
    let mut doubtful = Vec::with_capacity(2 * k);
    let mut least = f32::MIN;
    for pooled in nodes {
        if pooled.estimate as f32 + DOUBTFUL * query.noise() < least {
            break;
        }
        doubtful.push(pooled.node());
        if doubtful.len() == k {
            least = pooled.estimate as f32;
        }
    }
    doubtful
}
