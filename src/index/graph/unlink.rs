//! Carrying a graph over into a night: nodes that are gone are unlinked, new ones are inserted.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::build::{Choose, Source, level};
use super::walk::{Walks, used};
use super::{GraphBuilder, GraphParameters, NONE};
use crate::index::codes::{Points, Quantizer};
use crate::index::kernels::dispatch;

/// A node that is gone is stood in for by those it linked to; this many are gathered for one lost link.
const STAND_INS: usize = 64;

impl GraphBuilder {
    /// The graph of `points` from an earlier one: its first nodes are those of `kept`, in that order, the others are
    /// new. `kept` ascends. The codes of what is kept stay as they are.
    pub fn carried(
        earlier: Walks<'_>,
        kept: &[u32],
        points: Points<'_>,
        quantizer: &Quantizer,
        parameters: &GraphParameters,
    ) -> GraphBuilder {
        let mut random = ChaCha8Rng::seed_from_u64(parameters.seed ^ earlier.nodes() as u64);
        let added = kept.len() as u32..points.len() as u32;
        let levels = kept.iter().map(|old| earlier.levels(*old));
        let levels: Vec<usize> = levels.chain(added.clone().map(|_| level(&mut random, parameters.m))).collect();
        let mut graph = GraphBuilder::unlinked(earlier.layout, levels.into_iter());
        let mut renamed = vec![NONE; earlier.nodes()];
        for (new, old) in kept.iter().enumerate() {
            renamed[*old as usize] = new as u32;
        }
        let source = Source { points, quantizer, parameters };
        for (new, &old) in kept.iter().enumerate() {
            graph.take_codes(new as u32, earlier, old);
        }
        graph.encode(source, kept.len());
        let rows: Vec<(u32, usize)> = (0..kept.len())
            .flat_map(|new| (0..=earlier.levels(kept[new])).map(move |level| (new as u32, level)))
            .collect();
        let most = [graph.most_links(0), graph.most_links(1)];
        let mended: Vec<Vec<u32>> = rows
            .par_iter()
            .map(|&(new, level)| {
                let (links, among) = mended(earlier, kept[new as usize], level, &renamed);
                let most = most[level.min(1)];
                if among.is_empty() {
                    links
                } else {
                    dispatch(Choose { fine: graph.fine(), node: new, links, among, most })
                }
            })
            .collect();
        for ((node, level), links) in rows.into_iter().zip(mended) {
            graph.link(node, level, &links);
        }
        // The earlier entry, or the first of the highest nodes where it is gone.
        let walks = graph.walks();
        let highest = (0..kept.len() as u32).rev().max_by_key(|node| walks.levels(*node));
        let earlier_entry = renamed.get(earlier.entry as usize).copied().filter(|entry| *entry != NONE);
        graph.entry = earlier_entry.or(highest).unwrap_or(0);
        let mut order: Vec<u32> = added.collect();
        order.shuffle(&mut random);
        graph.insert(source, &order, kept.len());
        graph
    }
}

/// A kept node's links under their new names, and the nodes that may stand in for those that are gone: the nearest kept
/// ones along the links of what is gone.
fn mended(earlier: Walks<'_>, old: u32, level: usize, renamed: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let renamed = |id: u32| renamed.get(id as usize).copied().filter(|new| *new != NONE);
    let links: Vec<u32> = used(earlier.links_at(old, level)).filter_map(renamed).collect();
    let mut gone: Vec<u32> = used(earlier.links_at(old, level)).filter(|id| renamed(*id).is_none()).collect();
    let most = gone.len() * STAND_INS;
    let mut among = Vec::new();
    let mut at = 0;
    while let Some(&id) = gone.get(at)
        && among.len() < most
        && at < STAND_INS
    {
        at += 1;
        for beyond in used(earlier.links_at(id, level)) {
            match renamed(beyond) {
                Some(new) if beyond != old && !links.contains(&new) => among.push(new),
                Some(_) => {}
                None if !gone.contains(&beyond) => gone.push(beyond),
                None => {}
            }
        }
    }
    among.sort_unstable();
    among.dedup();
    (links, among)
}
