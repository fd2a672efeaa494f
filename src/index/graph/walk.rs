//! Walking a graph by four-bit codes: greedily down the upper levels, then with a pool of candidates at level 0.
//!
//! The pool is one array in the order of estimates instead of the paper's two heaps; with a few hundred places, inserting
//! into it costs less than keeping heaps in shape. Memory is what a walk waits for, so much is asked for at once.

use super::{Layout, MOST_LEVELS, NONE};
use crate::index::codes::{FineCodes, Query};
use crate::index::kernels::{Kernel, Line, Task, dispatch, prefetch};

/// A graph's arrays, of a file or of a builder, as they are walked.
#[derive(Debug, Clone, Copy)]
pub struct Walks<'a> {
    pub(super) layout: Layout,
    pub(super) entry: u32,
    /// The nodes' blocks: codes, then links of level 0.
    pub(super) blocks: &'a [Line],
    pub(super) fine: FineCodes<'a>,
    pub(super) upper_starts: &'a [u32],
    pub(super) upper: &'a [u32],
}

impl<'a> Walks<'a> {
    pub(in crate::index) fn nodes(&self) -> usize {
        self.blocks.len() / self.layout.block()
    }

    /// A node's codes.
    #[inline(always)]
    pub(in crate::index) fn codes(&self, node: u32) -> &'a [Line] {
        &self.blocks[node as usize * self.layout.block()..][..self.layout.codes]
    }

    /// A node's links at level 0, all places of them: after the first [`NONE`] there are only others.
    #[inline(always)]
    pub(in crate::index) fn links(&self, node: u32) -> &'a [u32] {
        let block = &self.blocks[node as usize * self.layout.block()..][..self.layout.block()];
        &bytemuck::cast_slice(&block[self.layout.codes..])[..self.layout.width]
    }

    /// A node's links at any level.
    #[inline(always)]
    pub(super) fn links_at(&self, node: u32, level: usize) -> &'a [u32] {
        if level == 0 { self.links(node) } else { self.upper_links(node, level) }
    }

    /// How many levels above 0 a node is part of. No build makes more than [`MOST_LEVELS`]; a damaged file may claim it.
    pub(super) fn levels(&self, node: u32) -> usize {
        self.rows(node).len().min(MOST_LEVELS)
    }

    fn rows(&self, node: u32) -> std::ops::Range<usize> {
        let starts = self.upper_starts.get(node as usize..node as usize + 2);
        starts.map_or(0..0, |starts| starts[0] as usize..starts[1] as usize)
    }

    /// A node's links at a level from 1 up, all places of them.
    #[inline]
    pub(super) fn upper_links(&self, node: u32, level: usize) -> &'a [u32] {
        let (rows, width) = (self.rows(node), self.layout.upper_width());
        let start = (level <= rows.len()).then(|| (rows.start + level - 1).saturating_mul(width));
        start.and_then(|start| self.upper.get(start..start.checked_add(width)?)).unwrap_or_default()
    }

    /// The up to `ef` nodes nearest to the query that a walk finds, best first, into `scratch.pool`.
    ///
    /// `ef` is the paper's: the size of the candidate pool at level 0.
    pub(in crate::index) fn walk(self, query: &Query, ef: usize, scratch: &mut Scratch) {
        dispatch(Walk::<false> { graph: self, query, ef, scratch });
    }

    /// As [`Walks::walk`], and remembers what did not fit into the pool, for [`Walks::widen`].
    pub(in crate::index) fn walk_to_widen(self, query: &Query, ef: usize, scratch: &mut Scratch) {
        dispatch(Walk::<true> { graph: self, query, ef, scratch });
    }

    /// Goes on with a walk that was begun with [`Walks::walk_to_widen`], with a wider pool.
    pub(in crate::index) fn widen(self, query: &Query, ef: usize, scratch: &mut Scratch) {
        dispatch(Widen { graph: self, query, ef, scratch });
    }

    /// The `most` nodes among these that are nearest to the query by their codes, best first, into `scratch.pool`.
    pub(in crate::index) fn scan(
        self,
        query: &Query,
        nodes: impl Iterator<Item = u32>,
        most: usize,
        scratch: &mut Scratch,
    ) {
        dispatch(Scan { graph: self, query, nodes, most, scratch });
    }

    /// Whether a walk for a node's own vector finds it. Where `ef` others are as near to it as it is itself, any of them
    /// will do: a comparison of all codes could not tell them apart either.
    pub(in crate::index) fn finds(self, query: &Query, node: u32, ef: usize, scratch: &mut Scratch) -> bool {
        struct Estimate<'a>(&'a Query, &'a [Line]);
        impl Task for Estimate<'_> {
            type Output = i32;
            #[inline(always)]
            fn run<K: Kernel>(self, kernel: K) -> i32 {
                kernel.nibbles(self.0.weights(), self.1)
            }
        }
        // Mostly a narrow walk is enough. A wide one goes the same way and further.
        for ef in [ef.min(8), ef.min(32), ef] {
            self.walk(query, ef, scratch);
            if scratch.pool.iter().any(|pooled| pooled.node() == node) {
                return true;
            }
        }
        let own = dispatch(Estimate(query, self.codes(node)));
        scratch.pool.len() == ef && scratch.pool.last().is_some_and(|last| last.estimate >= own)
    }
}

/// The links of a row up to the first [`NONE`].
#[inline(always)]
pub(in crate::index) fn used(links: &[u32]) -> impl Iterator<Item = u32> + Clone {
    links.iter().copied().take_while(|id| *id != NONE)
}

struct Walk<'a, 'b, const REMEMBER: bool> {
    graph: Walks<'a>,
    query: &'b Query,
    ef: usize,
    scratch: &'b mut Scratch,
}

impl<const REMEMBER: bool> Task for Walk<'_, '_, REMEMBER> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let Walk { graph, query, ef, scratch } = self;
        scratch.begin(graph.nodes());
        if graph.nodes() > 0 {
            let entry = descend(kernel, graph, query, graph.levels(graph.entry), 0);
            scratch.visit(entry.node());
            scratch.offer::<false>(ef, entry);
            spread::<REMEMBER, _>(kernel, graph, |node| graph.links(node), query, ef, scratch);
        }
    }
}

struct Widen<'a, 'b> {
    graph: Walks<'a>,
    query: &'b Query,
    ef: usize,
    scratch: &'b mut Scratch,
}

impl Task for Widen<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let Widen { graph, query, ef, scratch } = self;
        scratch.readmit(ef);
        spread::<true, _>(kernel, graph, |node| graph.links(node), query, ef, scratch);
    }
}

struct Scan<'a, 'b, I> {
    graph: Walks<'a>,
    query: &'b Query,
    nodes: I,
    most: usize,
    scratch: &'b mut Scratch,
}

/// Codes that a scan asks for together.
const AT_ONCE: usize = 32;

impl<I: Iterator<Item = u32>> Task for Scan<'_, '_, I> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let Scan { graph, query, mut nodes, most, scratch } = self;
        scratch.begin(graph.nodes());
        // While one group is compared, the codes of the next come from memory.
        let (mut now, mut next) = (Vec::with_capacity(AT_ONCE), std::mem::take(&mut scratch.fresh));
        loop {
            next.clear();
            for node in nodes.by_ref() {
                if scratch.visit(node) {
                    prefetch(graph.codes(node));
                    next.push(node);
                    if next.len() == AT_ONCE {
                        break;
                    }
                }
            }
            for &node in &now {
                let estimate = kernel.nibbles(query.weights(), graph.codes(node));
                scratch.offer::<false>(most, Pooled { estimate, node });
            }
            std::mem::swap(&mut now, &mut next);
            if now.is_empty() {
                break;
            }
        }
        scratch.fresh = next;
    }
}

/// From the entry greedily down the levels above `to`: the best node found.
#[inline(always)]
pub(super) fn descend<K: Kernel>(kernel: K, graph: Walks<'_>, query: &Query, from: usize, to: usize) -> Pooled {
    let pooled = |node| Pooled { estimate: kernel.nibbles(query.weights(), graph.codes(node)), node };
    let nodes = graph.nodes();
    let mut best = pooled(graph.entry);
    for level in (to + 1..=from).rev() {
        loop {
            let start = best.node;
            let links = graph.upper_links(start, level);
            for &id in links {
                if (id as usize) < nodes {
                    prefetch(graph.codes(id));
                }
            }
            for &id in links {
                if (id as usize) < nodes {
                    let next = pooled(id);
                    if next.estimate > best.estimate {
                        best = next;
                    }
                }
            }
            if best.node == start {
                break;
            }
        }
    }
    best
}

/// How many of the best nodes are looked at together: their links come from memory at the same time, and so do the codes
/// that these lead to. With one at a time a walk waits half of its time for memory.
const TOGETHER: usize = 3;

/// A node among this many after the next to be looked at is soon looked at itself: its links are asked for.
const SOON: usize = 3;

/// Looks at the links of the best nodes of the pool until all in it were looked at.
#[inline(always)]
pub(super) fn spread<'a, const REMEMBER: bool, K: Kernel>(
    kernel: K,
    graph: Walks<'a>,
    links: impl Fn(u32) -> &'a [u32],
    query: &Query,
    ef: usize,
    scratch: &mut Scratch,
) {
    let nodes = graph.nodes();
    loop {
        scratch.fresh.clear();
        let mut looked_at = 0;
        while looked_at < TOGETHER
            && let Some(node) = scratch.next()
        {
            looked_at += 1;
            // Plain loops here: adapters of iterators were not inlined, and cost a fifth of the walk.
            for &id in links(node) {
                if id == NONE {
                    break;
                }
                if (id as usize) < nodes && scratch.visit(id) {
                    prefetch(graph.codes(id));
                    scratch.fresh.push(id);
                }
            }
        }
        if looked_at == 0 {
            return;
        }
        let mut at = 0;
        while at < scratch.fresh.len() {
            // The last group is filled up with its first node; what is said of the others is left out.
            let count = (scratch.fresh.len() - at).min(4);
            let mut group = [scratch.fresh[at]; 4];
            group[..count].copy_from_slice(&scratch.fresh[at..at + count]);
            at += count;
            let estimates = kernel.four(query.weights(), group.map(|node| graph.codes(node)));
            for (&node, &estimate) in group.iter().zip(&estimates).take(count) {
                if scratch
                    .offer::<REMEMBER>(ef, Pooled { estimate, node })
                    .is_some_and(|place| place <= scratch.cursor + SOON)
                {
                    prefetch(links(node));
                }
            }
        }
    }
}

/// A node of the pool and its estimate.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) struct Pooled {
    pub(in crate::index) estimate: i32,
    /// With the highest bit set once its links were looked at.
    node: u32,
}

/// Marks a node whose links were looked at. Ids stay below it: 2^31 nodes are more than a file can list.
const SEEN: u32 = 1 << 31;

impl Pooled {
    pub(super) fn of(estimate: i32, node: u32) -> Pooled {
        Pooled { estimate, node }
    }

    #[inline]
    pub(in crate::index) fn node(self) -> u32 {
        self.node & !SEEN
    }
}

/// What a walk needs besides the graph, kept between walks so that none allocates.
#[derive(Debug, Default)]
pub(in crate::index) struct Scratch {
    /// The best nodes so far, highest estimate first; of equal ones the first found first.
    pub(in crate::index) pool: Vec<Pooled>,
    /// No node before this place has links that were not looked at.
    cursor: usize,
    /// A bit for each node that was met.
    visited: Vec<u64>,
    fresh: Vec<u32>,
    /// What did not fit into the pool, where that is remembered; in no order.
    beyond: Vec<Pooled>,
}

impl Scratch {
    pub(super) fn begin(&mut self, nodes: usize) {
        self.pool.clear();
        self.beyond.clear();
        self.cursor = 0;
        self.visited.clear();
        self.visited.resize(nodes.div_ceil(64), 0);
    }

    /// Marks a node; says whether it is new to this walk.
    #[inline(always)]
    pub(super) fn visit(&mut self, node: u32) -> bool {
        let (word, bit) = (&mut self.visited[node as usize / 64], 1u64 << (node % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Keeps the node if it is among the best `ef`; says at which place.
    #[inline(always)]
    pub(super) fn offer<const REMEMBER: bool>(&mut self, ef: usize, offered: Pooled) -> Option<usize> {
        if self.pool.len() >= ef {
            if self.pool.last().is_none_or(|last| last.estimate >= offered.estimate) {
                if REMEMBER {
                    self.beyond.push(offered);
                }
                return None;
            }
            let last = self.pool.pop();
            if REMEMBER {
                self.beyond.extend(last);
            }
        }
        let place = self.pool.partition_point(|pooled| pooled.estimate >= offered.estimate);
        self.pool.insert(place, offered);
        self.cursor = self.cursor.min(place);
        Some(place)
    }

    /// Takes the best of what did not fit into a pool that now holds `ef`.
    fn readmit(&mut self, ef: usize) {
        let admitted = ef.saturating_sub(self.pool.len()).min(self.beyond.len());
        let best_first = |pooled: &Pooled| (std::cmp::Reverse(pooled.estimate), pooled.node);
        if admitted < self.beyond.len() {
            self.beyond.select_nth_unstable_by_key(admitted, best_first);
        }
        self.beyond[..admitted].sort_unstable_by_key(best_first);
        // All in the pool are better than any of these, and their links were looked at.
        self.cursor = self.pool.len();
        self.pool.extend(self.beyond.drain(..admitted));
    }

    /// The best node whose links were not looked at.
    #[inline(always)]
    fn next(&mut self) -> Option<u32> {
        let open = self.pool.iter().skip(self.cursor).position(|pooled| pooled.node & SEEN == 0)?;
        self.cursor += open;
        let node = self.pool[self.cursor].node;
        self.pool[self.cursor].node |= SEEN;
        Some(node)
    }
}
