//! Which nodes of a pool are the nearest: by eight-bit codes, and by the exact vectors where those leave doubt.

use std::cmp::Reverse;

use super::walk::Walks;
use crate::index::codes::Quantizer;
use crate::index::kernels::{Kernel, Task, dispatch, prefetch};

/// Two nodes whose eight-bit estimates are this many standard deviations apart are taken to be in the right order.
const DOUBTFUL: f32 = 3.0;

/// How many nodes' codes are asked for ahead of being compared.
const AHEAD: usize = 8;

impl Walks<'_> {
    /// These nodes, best first: the first of them hold the `k` nearest members, `held` saying how many each holds.
    ///
    /// The order is that of eight-bit codes; only of nodes that may or may not be among the first is it `exact`, which
    /// gives dot products by the exact vectors.
    pub(in crate::index) fn nearest(
        self,
        quantizer: &Quantizer,
        vector: &[f32],
        nodes: Vec<u32>,
        k: usize,
        held: impl Fn(u32) -> usize,
        exact: impl Fn(u32) -> f32,
    ) -> Vec<u32> {
        let (mut scored, noise) = dispatch(Score { graph: self, quantizer, vector, nodes: &nodes });
        scored.sort_unstable_by_key(|(estimate, node)| (Reverse(*estimate), *node));
        let mut so_far = 0;
        let last = scored.iter().position(|(_, node)| {
            so_far += held(*node);
            so_far >= k
        });
        let mut ordered: Vec<u32> = scored.iter().map(|(_, node)| *node).collect();
        if let Some(last) = last {
            let (estimate, doubt) = (scored[last].0, (DOUBTFUL * noise) as i32);
            let begin = scored.partition_point(|scored| scored.0 > estimate.saturating_add(doubt));
            let end = scored.partition_point(|scored| scored.0 >= estimate.saturating_sub(doubt));
            if end > last + 1 || so_far > k {
                let mut doubtful: Vec<(f32, u32)> =
                    ordered[begin..end].iter().map(|node| (exact(*node), *node)).collect();
                doubtful.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
                ordered.splice(begin..end, doubtful.into_iter().map(|(_, node)| node));
            }
        }
        ordered
    }
}

struct Score<'a> {
    graph: Walks<'a>,
    quantizer: &'a Quantizer,
    vector: &'a [f32],
    nodes: &'a [u32],
}

impl Task for Score<'_> {
    type Output = (Vec<(i32, u32)>, f32);

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Self::Output {
        let Score { graph, quantizer, vector, nodes } = self;
        for node in nodes.iter().take(AHEAD) {
            prefetch(graph.fine.of_node(*node));
        }
        let (codes, noise) = quantizer.fine_query(vector);
        let mut scored = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            if let Some(ahead) = nodes.get(at + AHEAD) {
                prefetch(graph.fine.of_node(*ahead));
            }
            scored.push((kernel.bytes(&codes, graph.fine.of_node(*node)), *node));
        }
        (scored, noise)
    }
}
