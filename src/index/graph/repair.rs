//! No node may be lost: each one is found by a search for its own vector.

use std::collections::HashSet;

use rayon::prelude::*;

use super::walk::{Pooled, Scratch, used};
use super::{GraphBuilder, NONE};
use crate::index::codes::{Points, Quantizer};

/// Rounds until none is lost; each may lose others.
const ROUNDS: usize = 32;

/// What a repair did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    /// Nodes that were linked.
    pub linked: usize,
    /// Nodes that are not found after all.
    pub lost: usize,
}

impl GraphBuilder {
    /// Links every node that a walk with this `ef` does not find by its own vector.
    ///
    /// Such a node gets a link from the nearest node that its walk does find, so that the same walk finds it now. A full
    /// anchor gives up its last link to a node that others link to; that may lose another node, hence the rounds. A link
    /// made here is never given up, or two nodes could take one place from each other for ever.
    pub fn repair(&mut self, points: Points<'_>, quantizer: &Quantizer, ef: usize) -> Repaired {
        let mut linked = HashSet::new();
        let mut made: HashSet<(u32, u32)> = HashSet::new();
        let mut round = 0;
        loop {
            let walks = self.walks();
            let lost: Vec<(u32, Vec<u32>)> = (0..self.nodes() as u32)
                .into_par_iter()
                .map_init(Scratch::default, |scratch, node| {
                    let found = walks.finds(&quantizer.query(points.vector(node)), node, ef, scratch);
                    (!found).then(|| (node, scratch.pool.iter().map(|pooled: &Pooled| pooled.node()).collect()))
                })
                .flatten()
                .collect();
            if lost.is_empty() || round == ROUNDS {
                return Repaired { linked: linked.len(), lost: lost.len() };
            }
            round += 1;
            linked.extend(lost.iter().map(|(node, _)| *node));
            let mut ways_in = vec![0u32; self.nodes()];
            for node in 0..self.nodes() as u32 {
                used(walks.links(node)).for_each(|id| ways_in[id as usize] += 1);
            }
            for (node, near) in lost {
                for anchor in near {
                    let links = self.links_mut(anchor, 0);
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
    }
}
