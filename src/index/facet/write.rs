//! Building a facet and writing it: from nothing, or from the generation before and what changed since.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::Path;

use super::{Facet, NONE};
use crate::index::arrays::{ArrayWriter, ListsBuilder};
use crate::index::codes::{Points, Quantizer};
use crate::index::graph::{DEFAULT_EF, GraphBuilder, GraphParameters};
use crate::index::vectors::Vectors;

/// A graph is built anew where more than this part of it would be inserted or unlinked: that costs about as much, and
/// the codes' steps are fitted to what is there now.
pub(crate) const MOST_CHANGED: f64 = 0.25;

/// What was done to make a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Changes {
    /// Nodes carried over from the generation before.
    pub kept: u64,
    /// Nodes inserted.
    pub inserted: u64,
    /// Nodes of the generation before that were unlinked; zero where the graph was built anew.
    pub unlinked: u64,
    /// Nodes that a walk for their own vector did not find after that, and that the repair linked.
    pub repaired: u64,
}

/// A facet's file as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// What was done to make the graph.
    pub changes: Changes,
    /// Nodes that a search for their own vector does not find. What is searched is what the file holds, to the byte, once
    /// it reads back as it was written.
    pub lost: u64,
}

/// The distinct vectors of the members.
struct Nodes {
    /// The matrix's row of each node.
    rows: Vec<u32>,
    /// The node of each member.
    of_member: Vec<u32>,
}

/// The node of each vector, by its bytes.
type ByVector<'a> = HashMap<&'a [u8], u32, BuildHasherDefault<FirstValues>>;

/// Tells vectors apart by their first four values; those that are not told apart are compared whole. Hashing all of them
/// took as long as inserting what a night brings.
#[derive(Default)]
struct FirstValues(u64);

impl Hasher for FirstValues {
    fn write(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8).take(2) {
            let mut value = [0; 8];
            value[..eight.len()].copy_from_slice(eight);
            // Fibonacci hashing; the rotation brings the well mixed high bits down.
            self.0 = (self.0 ^ u64::from_le_bytes(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(29);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Nodes {
    /// Identical vectors are one node, whatever texts they came from: many equal points inserted first would leave
    /// others unreachable.
    fn of<'a>(rows_of_members: &[u32], vectors: &'a Vectors) -> (Nodes, ByVector<'a>) {
        let mut by_vector = ByVector::default();
        let mut of_row: HashMap<u32, u32> = HashMap::new();
        let mut nodes = Nodes { rows: Vec::new(), of_member: Vec::with_capacity(rows_of_members.len()) };
        for &row in rows_of_members {
            let Some(vector) = vectors.row(row) else {
                nodes.of_member.push(NONE);
                continue;
            };
            nodes.of_member.push(*of_row.entry(row).or_insert_with(|| {
                *by_vector.entry(bytemuck::cast_slice(vector)).or_insert_with(|| {
                    nodes.rows.push(row);
                    nodes.rows.len() as u32 - 1
                })
            }));
        }
        (nodes, by_vector)
    }

    /// The same nodes with `order[i]` called `i`.
    fn renumbered(mut self, order: &[u32]) -> Nodes {
        let mut renamed = vec![NONE; order.len()];
        for (new, old) in order.iter().enumerate() {
            renamed[*old as usize] = new as u32;
        }
        self.rows = order.iter().map(|old| self.rows[*old as usize]).collect();
        for node in self.of_member.iter_mut().filter(|node| **node != NONE) {
            *node = renamed[*node as usize];
        }
        self
    }

    fn points<'a>(&'a self, vectors: &'a Vectors) -> Points<'a> {
        Points { dimension: vectors.dimension(), matrix: vectors.matrix(), rows: &self.rows }
    }
}

/// What an earlier facet's graph is carried over by.
struct Carried<'a> {
    earlier: &'a Facet,
    /// Its nodes that are kept, ascending.
    kept: Vec<u32>,
    /// The new nodes in the order that the carried graph numbers them: the kept ones, then the others.
    order: Vec<u32>,
}

impl<'a> Carried<'a> {
    /// Nothing where too much changed.
    fn of(earlier: &'a Facet, vectors: &Vectors, nodes: &Nodes, by_vector: &ByVector<'_>) -> Option<Carried<'a>> {
        let (mut kept, mut order) = (Vec::new(), Vec::with_capacity(nodes.rows.len()));
        let mut is_kept = vec![false; nodes.rows.len()];
        for (old, row) in earlier.rows.iter().enumerate() {
            let vector = vectors.row(*row).unwrap_or_default();
            if let Some(&new) = by_vector.get(bytemuck::cast_slice::<f32, u8>(vector)) {
                kept.push(old as u32);
                order.push(new);
                is_kept[new as usize] = true;
            }
        }
        let changed = nodes.rows.len() + earlier.nodes() - 2 * kept.len();
        if kept.is_empty() || changed as f64 > MOST_CHANGED * nodes.rows.len() as f64 {
            return None;
        }
        order.extend((0..nodes.rows.len() as u32).filter(|new| !is_kept[*new as usize]));
        Some(Carried { earlier, kept, order })
    }
}

/// Builds and writes a facet from the row of each member's vector. Where there is an earlier facet over vectors of the
/// same dimension, built with the same parameters, and not too much changed, its graph is carried over.
///
/// # Errors
/// The system's.
pub fn write_facet(
    path: &Path,
    rows_of_members: &[u32],
    vectors: &Vectors,
    parameters: &GraphParameters,
    earlier: Option<(&Facet, &Vectors)>,
) -> io::Result<Made> {
    let (nodes, by_vector) = Nodes::of(rows_of_members, vectors);
    let linked = parameters.m > 0;
    let carried = earlier.filter(|_| linked).and_then(|(facet, its)| Carried::of(facet, its, &nodes, &by_vector));
    let mut changes = Changes::default();
    let (graph, nodes, quantizer) = match carried {
        Some(Carried { earlier, kept, order }) => {
            changes.kept = kept.len() as u64;
            changes.unlinked = (earlier.nodes() - kept.len()) as u64;
            let (nodes, quantizer) = (nodes.renumbered(&order), earlier.quantizer.clone());
            let points = nodes.points(vectors);
            (GraphBuilder::carried(earlier.walks(), &kept, points, &quantizer, parameters), nodes, quantizer)
        }
        None => {
            let points = nodes.points(vectors);
            let quantizer = Quantizer::fit(points);
            (GraphBuilder::build(points, &quantizer, parameters), nodes, quantizer)
        }
    };
    changes.inserted = nodes.rows.len() as u64 - changes.kept;
    let order = graph.breadth_first();
    let (mut graph, nodes) = (graph.renumbered(&order), nodes.renumbered(&order));
    // After renumbering: a walk settles equal estimates by who comes first, so only the final numbers tell what it finds.
    let repaired = linked.then(|| graph.repair(nodes.points(vectors), &quantizer, DEFAULT_EF));
    changes.repaired = repaired.as_ref().map_or(0, |repaired| repaired.linked as u64);

    let mut behind: Vec<Vec<u32>> = vec![Vec::new(); nodes.rows.len()];
    for (slot, node) in nodes.of_member.iter().enumerate().filter(|(_, node)| **node != NONE) {
        behind[*node as usize].push(slot as u32);
    }
    let in_facet = behind.iter().map(Vec::len).sum::<usize>() as u64;
    let mut members = ListsBuilder::default();
    for slots in behind {
        members.push(slots);
    }
    let mut out = ArrayWriter::create(path)?;
    out.array("in_facet", &[in_facet])?;
    out.array("rows", &nodes.rows)?;
    out.array("node_of", &nodes.of_member)?;
    out.lists("members", &members)?;
    quantizer.write(&mut out)?;
    graph.write(&mut out)?;
    out.finish()?;
    Ok(Made { changes, lost: repaired.map_or(0, |repaired| repaired.lost as u64) })
}
