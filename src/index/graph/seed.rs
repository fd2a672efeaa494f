//! The seed of a graph: its first nodes, inserted by hnsw_rs serially, so that the same vectors give the same graph.
//! Its dumps are never loaded: the neighbours are read out once.

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

use super::{GraphParameters, MOST_LEVELS};
use crate::index::codes::{FineCodes, Points, Quantizer};
use crate::index::kernels::{Kernel, Line, Task, dispatch};

/// How many nodes are seeded: enough that a batch that cannot see itself is a small part of what it sees.
pub(super) const SEEDED: usize = 1000;

/// A seeded node: its links at each level from 0 to its own.
pub(super) struct Seeded {
    pub(super) node: u32,
    pub(super) links: Vec<Vec<u32>>,
}

struct Dot<'a>(&'a [Line], &'a [Line]);

impl Task for Dot<'_> {
    type Output = i32;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> i32 {
        kernel.bytes(self.0, self.1)
    }
}

/// How much a dot product falls short of the largest that a node has with itself. Never negative, as hnsw_rs wants it.
#[derive(Clone, Copy)]
struct Shortfall {
    largest: i32,
}

impl Distance<Line> for Shortfall {
    fn eval(&self, left: &[Line], right: &[Line]) -> f32 {
        (self.largest - dispatch(Dot(left, right))).max(0) as f32
    }
}

/// The graph of these nodes in the order of their insertion, and where it is entered.
pub(super) fn seed(
    points: Points<'_>,
    quantizer: &Quantizer,
    order: &[u32],
    parameters: &GraphParameters,
) -> (Vec<Seeded>, u32) {
    let lines = Quantizer::fine_lines(points.dimension);
    let mut codes = vec![Line::ZERO; order.len() * lines];
    for (lines, node) in codes.chunks_exact_mut(lines).zip(order) {
        quantizer.encode_fine(points.vector(*node), lines);
    }
    let fine = FineCodes { lines, codes: &codes };
    let squares = (0..order.len() as u32).map(|place| dispatch(Dot(fine.of_node(place), fine.of_node(place))));
    let distance = Shortfall { largest: squares.max().unwrap_or(0) };
    let graph = Hnsw::new(parameters.m, order.len(), MOST_LEVELS + 1, parameters.ef_construction, distance);
    for (place, node) in order.iter().enumerate() {
        graph.insert((fine.of_node(place as u32), *node as usize));
    }
    let mut entry = (0, order.first().copied().unwrap_or(0));
    let mut seeded = Vec::with_capacity(order.len());
    for point in graph.get_point_indexation() {
        let (node, level) = (point.get_origin_id() as u32, usize::from(point.get_point_id().0));
        if level > entry.0 {
            entry = (level, node);
        }
        // Lists above a point's own level are not its links.
        let lists = point.get_neighborhood_id().into_iter().take(level + 1);
        let links = lists.map(|list| list.iter().map(|neighbour| neighbour.get_origin_id() as u32).collect()).collect();
        seeded.push(Seeded { node, links });
    }
    (seeded, entry.1)
}
