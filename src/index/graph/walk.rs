//! Walking a graph over int8 codes: greedily down the upper levels, then with a pool of candidates at level 0.
//!
//! The pool is one array in the order of dots instead of the paper's two heaps; with a few hundred places, inserting
//! into it costs less than keeping heaps in shape.

use super::{MOST_LEVELS, NONE};
use crate::index::mapped::prefetch;
use crate::index::vectors::dot_codes;

/// A graph's arrays, of a file or of a builder, as they are walked.
#[derive(Clone, Copy)]
pub(in crate::index) struct Walks<'a> {
    pub(super) entry: u32,
    pub(super) width: usize,
    pub(super) base: &'a [u32],
    pub(super) upper_starts: &'a [u32],
    pub(super) upper: &'a [u32],
}

impl Walks<'_> {
    /// The up to `ef` nodes nearest to the query's codes that a walk finds, best first, into `scratch.pool`.
    ///
    /// `codes` holds `dimension` codes a node. `ef` is the paper's: the size of the candidate pool at level 0.
    pub(in crate::index) fn walk(&self, codes: &[i8], query: &[i8], ef: usize, scratch: &mut Scratch) {
        let dimension = query.len();
        let nodes = codes.len() / dimension;
        scratch.begin(nodes, ef);
        if nodes == 0 {
            return;
        }
        let code = |node: u32| &codes[node as usize * dimension..][..dimension];
        let entry = self.descend(query, &code);
        scratch.visit(entry);
        scratch.offer(ef, dot_codes(query, code(entry)), entry);
        while let Some(node) = scratch.next() {
            let links = &self.base[node as usize * self.width..][..self.width];
            scratch.fresh.clear();
            for &id in links {
                if id == NONE {
                    break;
                }
                if (id as usize) < nodes && scratch.visit(id) {
                    prefetch(code(id));
                    scratch.fresh.push(id);
                }
            }
            for at in 0..scratch.fresh.len() {
                let id = scratch.fresh[at];
                scratch.offer(ef, dot_codes(query, code(id)), id);
            }
        }
    }

    /// Whether a walk for a node's own codes finds it. Where more than `ef` others are as near to it as it is itself, any
    /// of them will do: an exact search over the codes could not tell them apart either.
    pub(in crate::index) fn finds(
        &self,
        codes: &[i8],
        dimension: usize,
        node: u32,
        ef: usize,
        scratch: &mut Scratch,
    ) -> bool {
        let own = &codes[node as usize * dimension..][..dimension];
        self.walk(codes, own, ef, scratch);
        let crowded =
            scratch.pool.len() == ef && scratch.pool.last().is_some_and(|last| last.dot >= dot_codes(own, own));
        crowded || scratch.pool.iter().any(|pooled| pooled.node == node)
    }

    /// From the entry down to the best node of level 1, greedily on each level.
    fn descend<'a>(&self, query: &[i8], code: &impl Fn(u32) -> &'a [i8]) -> u32 {
        let row = self.width / 2;
        let levels = |node: u32| {
            let starts = self.upper_starts.get(node as usize..node as usize + 2);
            starts.map_or(0..0, |starts| starts[0] as usize..starts[1] as usize)
        };
        let mut best = self.entry;
        let mut best_dot = dot_codes(query, code(best));
        // No build makes more levels; a damaged file may claim them.
        for level in (0..levels(best).len().min(MOST_LEVELS)).rev() {
            loop {
                let from = best;
                let rows = levels(from);
                let links = (level < rows.len()).then(|| (rows.start + level) * row);
                let links = links.and_then(|start| self.upper.get(start..start + row)).unwrap_or(&[]);
                for &id in links.iter().take_while(|id| **id != NONE) {
                    if (id as usize) + 1 < self.upper_starts.len() {
                        let dot = dot_codes(query, code(id));
                        if dot > best_dot {
                            (best, best_dot) = (id, dot);
                        }
                    }
                }
                if best == from {
                    break;
                }
            }
        }
        best
    }
}

/// One node of the pool; `open` until its neighbours were looked at.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) struct Pooled {
    pub(in crate::index) dot: i32,
    pub(in crate::index) node: u32,
    open: bool,
}

/// What a walk needs besides the graph, kept between walks so that none allocates.
#[derive(Debug, Default)]
pub(in crate::index) struct Scratch {
    /// The best nodes so far, highest dot first; equal dots in the order of node ids.
    pub(in crate::index) pool: Vec<Pooled>,
    /// No open node stands before this place.
    cursor: usize,
    /// The walk in which a node was last seen.
    visited: Vec<u32>,
    epoch: u32,
    fresh: Vec<u32>,
}

impl Scratch {
    fn begin(&mut self, nodes: usize, ef: usize) {
        self.pool.clear();
        self.pool.reserve(ef + 1);
        self.cursor = 0;
        self.epoch = self.epoch.wrapping_add(1);
        if self.visited.len() < nodes || self.epoch == 0 {
            self.visited.clear();
            self.visited.resize(nodes, 0);
            self.epoch = 1;
        }
    }

    /// Marks a node; says whether it is new to this walk.
    #[inline]
    fn visit(&mut self, node: u32) -> bool {
        std::mem::replace(&mut self.visited[node as usize], self.epoch) != self.epoch
    }

    /// Keeps the node if it is among the best `ef`.
    #[inline]
    fn offer(&mut self, ef: usize, dot: i32, node: u32) {
        let before = |pooled: &Pooled| (pooled.dot, std::cmp::Reverse(pooled.node)) > (dot, std::cmp::Reverse(node));
        if self.pool.len() >= ef && self.pool.last().is_some_and(before) {
            return;
        }
        let place = self.pool.partition_point(before);
        if self.pool.len() >= ef {
            self.pool.pop();
        }
        self.pool.insert(place, Pooled { dot, node, open: true });
        self.cursor = self.cursor.min(place);
    }

    /// The best node not looked at yet.
    #[inline]
    fn next(&mut self) -> Option<u32> {
        let open = self.pool.iter_mut().skip(self.cursor).position(|pooled| pooled.open)?;
        self.cursor += open;
        let pooled = &mut self.pool[self.cursor];
        pooled.open = false;
        Some(pooled.node)
    }
}
