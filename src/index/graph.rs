//! The HNSW graph of a facet: flat arrays in which each node's codes and its links lie side by side.
//!
//! HNSW: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
//! Small World graphs", 2016 (arXiv 1603.09320); its symbols are named where they stand. hnsw_rs builds a seed; from
//! there a graph grows by batches ([`GraphBuilder::build`]), the same on any number of threads, and a night inserts and
//! unlinks only what changed ([`GraphBuilder::carried`]).

mod build;
mod refine;
mod repair;
mod seed;
mod unlink;
mod walk;

use std::collections::VecDeque;
use std::io;

use super::arrays::{Array, ArrayFile, ArrayWriter, Damaged};
use super::codes::{FineCodes, Quantizer};
use super::kernels::Line;
pub use walk::Walks;
pub(super) use walk::{Pooled, Scratch, used};

/// The most levels above level 0.
const MOST_LEVELS: usize = 15;

/// No neighbour.
const NONE: u32 = u32::MAX;

/// The walk's candidate pool unless configured, and the audit's.
pub const DEFAULT_EF: usize = 128;

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphParameters {
    /// M: neighbours a node links to on upper levels; level 0 holds twice as many. 0: there is no graph, only what is scanned.
    pub m: usize,
    /// efConstruction: the candidate pool while inserting.
    pub ef_construction: usize,
    /// Shuffles the insertion order and draws the levels.
    pub seed: u64,
}

impl Default for GraphParameters {
    fn default() -> Self {
        GraphParameters { m: 16, ef_construction: 400, seed: 42 }
    }
}

/// How a node's block of lines is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Lines of codes.
    codes: usize,
    /// Links at level 0; they follow the codes, and the block ends with the line that they end in.
    width: usize,
    /// Lines of eight-bit codes, which lie apart from the block.
    fine: usize,
}

impl Layout {
    fn new(dimension: usize, width: usize) -> Layout {
        Layout { codes: Quantizer::lines(dimension), width, fine: Quantizer::fine_lines(dimension) }
    }

    /// Lines to a node.
    #[inline(always)]
    fn block(self) -> usize {
        self.codes + self.width.div_ceil(size_of::<Line>() / size_of::<u32>())
    }

    /// Links at each upper level.
    #[inline(always)]
    fn upper_width(self) -> usize {
        self.width / 2
    }
}

/// A graph in memory, as it is built, repaired and written.
#[derive(Debug)]
pub struct GraphBuilder {
    layout: Layout,
    entry: u32,
    blocks: Vec<Line>,
    /// The nodes' eight-bit codes.
    fine: Vec<Line>,
    /// First row of each node in `upper`; the number of rows is the node's level.
    upper_starts: Vec<u32>,
    upper: Vec<u32>,
}

impl GraphBuilder {
    /// A graph of unlinked nodes of these levels.
    fn unlinked(layout: Layout, levels: impl Iterator<Item = usize>) -> GraphBuilder {
        let mut rows = 0;
        let starts = levels.map(|level| {
            rows += level as u32;
            rows
        });
        let upper_starts: Vec<u32> = std::iter::once(0).chain(starts).collect();
        let nodes = upper_starts.len() - 1;
        let mut graph = GraphBuilder {
            layout,
            entry: 0,
            blocks: vec![Line::ZERO; nodes * layout.block()],
            fine: vec![Line::ZERO; nodes * layout.fine],
            upper_starts,
            upper: vec![NONE; rows as usize * layout.upper_width()],
        };
        for block in graph.blocks.chunks_exact_mut(layout.block()) {
            bytemuck::cast_slice_mut(&mut block[layout.codes..]).fill(NONE);
        }
        graph
    }

    fn nodes(&self) -> usize {
        self.upper_starts.len() - 1
    }

    /// The graph's arrays, to be walked.
    pub fn walks(&self) -> Walks<'_> {
        Walks {
            layout: self.layout,
            entry: self.entry,
            blocks: &self.blocks,
            fine: self.fine(),
            upper_starts: &self.upper_starts,
            upper: &self.upper,
        }
    }

    fn fine(&self) -> FineCodes<'_> {
        FineCodes { lines: self.layout.fine, codes: &self.fine }
    }

    /// Takes a node's codes over from a node of another graph.
    fn take_codes(&mut self, node: u32, from: Walks<'_>, other: u32) {
        let (block, fine) = (node as usize * self.layout.block(), node as usize * self.layout.fine);
        self.blocks[block..][..self.layout.codes].copy_from_slice(from.codes(other));
        self.fine[fine..][..self.layout.fine].copy_from_slice(from.fine.of_node(other));
    }

    /// The places of a node's links at a level.
    fn links_mut(&mut self, node: u32, level: usize) -> &mut [u32] {
        if level == 0 {
            let block = node as usize * self.layout.block();
            let lines = &mut self.blocks[block + self.layout.codes..block + self.layout.block()];
            &mut bytemuck::cast_slice_mut(lines)[..self.layout.width]
        } else {
            let row = self.upper_starts[node as usize] as usize + level - 1;
            &mut self.upper[row * self.layout.upper_width()..][..self.layout.upper_width()]
        }
    }

    fn link(&mut self, node: u32, level: usize, to: &[u32]) {
        let places = self.links_mut(node, level);
        places.fill(NONE);
        places[..to.len()].copy_from_slice(to);
    }

    /// Nodes in breadth-first order from the entry: near nodes lie near in memory. Unreachable ones come last.
    pub fn breadth_first(&self) -> Vec<u32> {
        self.walks().breadth_first().0
    }

    /// The same graph with node `order[i]` called `i`.
    pub fn renumbered(&self, order: &[u32]) -> GraphBuilder {
        let mut renamed = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            renamed[*old as usize] = new as u32;
        }
        let walks = self.walks();
        let mut graph = GraphBuilder::unlinked(self.layout, order.iter().map(|old| walks.levels(*old)));
        graph.entry = renamed.get(self.entry as usize).copied().unwrap_or(0);
        for (new, &old) in order.iter().enumerate() {
            let new = new as u32;
            graph.take_codes(new, walks, old);
            for level in 0..=walks.levels(old) {
                let links = used(walks.links_at(old, level)).map(|id| renamed[id as usize]);
                for (place, link) in graph.links_mut(new, level).iter_mut().zip(links) {
                    *place = link;
                }
            }
        }
        graph
    }

    pub(super) fn write(&self, out: &mut ArrayWriter) -> io::Result<()> {
        out.array("graph.entry_width", &[self.entry, self.layout.width as u32])?;
        out.array("graph.blocks", bytemuck::cast_slice::<Line, u8>(&self.blocks))?;
        out.array("codes.fine", bytemuck::cast_slice::<Line, u8>(&self.fine))?;
        out.array("graph.upper.starts", &self.upper_starts)?;
        out.array("graph.upper", &self.upper)
    }
}

impl Walks<'_> {
    /// Nodes in breadth-first order from the entry along links of level 0, then the others; and how many those are.
    pub(super) fn breadth_first(&self) -> (Vec<u32>, usize) {
        let nodes = self.nodes();
        let mut order = Vec::with_capacity(nodes);
        let mut seen = vec![false; nodes];
        let mut waiting: VecDeque<u32> = (nodes > 0).then_some(self.entry).into_iter().collect();
        while let Some(node) = waiting.pop_front() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            order.push(node);
            waiting.extend(used(self.links(node)).filter(|id| (*id as usize) < nodes && !seen[*id as usize]));
        }
        let unreachable = nodes - order.len();
        order.extend((0..nodes as u32).filter(|node| !seen[*node as usize]));
        (order, unreachable)
    }
}

/// A published graph, read in place.
#[derive(Debug)]
pub(super) struct Graph {
    layout: Layout,
    entry: u32,
    blocks: Array<u8>,
    fine: Array<u8>,
    upper_starts: Array<u32>,
    upper: Array<u32>,
}

impl Graph {
    pub(super) fn open(file: &ArrayFile, nodes: usize, dimension: usize) -> Result<Graph, Damaged> {
        let [entry, width] = *file.array_of::<u32>("graph.entry_width", 2)? else {
            return Err(file.damaged("has no graph entry".into()));
        };
        let width = width as usize;
        if width == 1 || (nodes > 0 && entry as usize >= nodes) {
            return Err(file.damaged(format!("has a graph of width {width} entered at node {entry} of {nodes}")));
        }
        let layout = Layout::new(dimension, width);
        let bytes = |lines: usize| nodes.saturating_mul(lines * size_of::<Line>());
        Ok(Graph {
            layout,
            entry,
            blocks: file.array_of("graph.blocks", bytes(layout.block()))?,
            fine: file.array_of("codes.fine", bytes(layout.fine))?,
            upper_starts: file.array_of("graph.upper.starts", nodes + 1)?,
            upper: file.array("graph.upper")?,
        })
    }

    /// Whether there are links at all, or only codes.
    pub(super) fn is_linked(&self) -> bool {
        self.layout.width > 0
    }

    /// The graph's arrays, to be walked.
    #[inline]
    pub(super) fn walks(&self) -> Walks<'_> {
        Walks {
            layout: self.layout,
            entry: self.entry,
            // An array begins at a multiple of 64 in a mapped file, and so do its lines.
            blocks: bytemuck::cast_slice(&self.blocks),
            fine: FineCodes { lines: self.layout.fine, codes: bytemuck::cast_slice(&self.fine) },
            upper_starts: &self.upper_starts,
            upper: &self.upper,
        }
    }
}
