//! The changed members of a facet: few enough to compare each with a query.

use std::borrow::Cow;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::without;
use crate::index::Slot;
use crate::index::codes::{Quantizer, Query};
use crate::index::facet::{DOUBTFUL, Facet, Probe};
use crate::index::kernels::{Kernel, Line, Task, dispatch};
use crate::index::vectors::dot;
use crate::search::view::View;

/// Members to a strip: the one that is added to is copied.
const STRIP: usize = 256;

/// Below so many nodes a facet's steps are measured on too little to judge newcomers by.
const MEASURED: usize = 1_000;

/// Vectors of one facet that the generation has not, or not behind these members.
#[derive(Debug, Clone, Default)]
pub(in crate::search) struct Layer {
    /// Members whose vector in the generation is no longer theirs.
    moved: Arc<FixedBitSet>,
    strips: Vec<Arc<Strip>>,
}

/// Members side by side with the codes of their vectors.
#[derive(Debug, Clone, Default)]
struct Strip {
    slots: Vec<u32>,
    rows: Vec<u32>,
    codes: Vec<Line>,
}

impl Layer {
    /// Whether the facet is as the generation has it.
    pub(in crate::search) fn is_empty(&self) -> bool {
        self.moved.is_clear() && self.strips.is_empty()
    }

    /// Some members but for those whose vector in the generation is no longer theirs.
    pub(in crate::search) fn without_moved<'a>(&self, members: &'a FixedBitSet) -> Cow<'a, FixedBitSet> {
        without(members, &self.moved)
    }

    /// Gives a member its vector, a row and its values, in place of the row that it had.
    pub(super) fn put(&mut self, facet: &Facet, slot: Slot, now: Option<(u32, &[f32])>, was: Option<u32>) {
        let built = facet.row(slot);
        let row = now.map(|(row, _)| row);
        if built.is_some() {
            let moved = Arc::make_mut(&mut self.moved);
            moved.grow(slot.index() + 1);
            moved.set(slot.index(), row != built);
        }
        if was.is_some() && was != built {
            self.take(slot, lines(facet));
        }
        if let Some((row, vector)) = now.filter(|(row, _)| Some(*row) != built) {
            if self.strips.last().is_none_or(|strip| strip.slots.len() >= STRIP) {
                self.strips.push(Arc::default());
            }
            if let Some(strip) = self.strips.last_mut() {
                let strip = Arc::make_mut(strip);
                let mut codes = vec![Line::ZERO; lines(facet)];
                facet.quantizer().encode(vector, &mut codes);
                strip.slots.push(slot.0);
                strip.rows.push(row);
                strip.codes.extend(codes);
            }
        }
    }

    fn place(&self, slot: Slot) -> Option<(usize, usize)> {
        let in_strip = |strip: &Arc<Strip>| strip.slots.iter().position(|other| *other == slot.0);
        self.strips.iter().enumerate().find_map(|(at, strip)| Some((at, in_strip(strip)?)))
    }

    fn take(&mut self, slot: Slot, lines: usize) {
        let Some((strip, at)) = self.place(slot) else { return };
        let strip = Arc::make_mut(&mut self.strips[strip]);
        let last = strip.slots.len() - 1;
        strip.slots.swap_remove(at);
        strip.rows.swap_remove(at);
        strip.codes.copy_within(last * lines.., at * lines);
        strip.codes.truncate(last * lines);
    }

    /// The `k` nearest of those allowed, by codes and where those leave doubt by the exact vectors, with their cosines.
    pub(in crate::search) fn nearest(&self, view: &View, facet: &Facet, probe: Probe<'_>) -> Vec<(f32, Slot)> {
        let query = facet.quantizer().query(probe.query);
        let mut estimated: Vec<(i32, u32, u32)> = Vec::new();
        if facet.nodes() >= MEASURED {
            let (strips, lines) = (&self.strips, lines(facet));
            dispatch(Estimate { query: &query, strips, lines, allowed: probe.allowed, found: &mut estimated });
        } else {
            let strips = self.strips.iter().flat_map(|strip| strip.slots.iter().zip(&strip.rows));
            let allowed = strips.filter(|(slot, _)| probe.allowed.contains(**slot as usize));
            estimated.extend(allowed.map(|(slot, row)| (0, *slot, *row)));
        }
        if probe.k > 0 && probe.k < estimated.len() {
            let (_, (least, ..), _) = estimated.select_nth_unstable_by(probe.k - 1, |left, right| right.0.cmp(&left.0));
            let least = *least as f32 - DOUBTFUL * query.noise();
            estimated.retain(|(estimate, ..)| *estimate as f32 >= least);
        }
        let exact = |(_, slot, row): (i32, u32, u32)| Some((dot(probe.query, view.vector(row)?), Slot(slot)));
        let mut near: Vec<(f32, Slot)> = estimated.into_iter().filter_map(exact).collect();
        near.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        near.truncate(probe.k);
        near
    }
}

struct Estimate<'a> {
    query: &'a Query,
    strips: &'a [Arc<Strip>],
    lines: usize,
    allowed: &'a FixedBitSet,
    found: &'a mut Vec<(i32, u32, u32)>,
}

impl Task for Estimate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        // Plain loops: adapters are not always compiled for the processor along with this.
        let (weights, lines) = (self.query.weights(), self.lines);
        for strip in self.strips {
            let Strip { slots, rows, codes } = strip.as_ref();
            let mut estimates = [0; STRIP];
            let mut at = 0;
            while at + 4 <= slots.len() {
                let code = |nth: usize| &codes[(at + nth) * lines..][..lines];
                let four = kernel.four(weights, [code(0), code(1), code(2), code(3)]);
                estimates[at..at + 4].copy_from_slice(&four);
                at += 4;
            }
            while at < slots.len() {
                estimates[at] = kernel.nibbles(weights, &codes[at * lines..][..lines]);
                at += 1;
            }
            for ((slot, row), estimate) in slots.iter().zip(rows).zip(estimates) {
                if self.allowed.contains(*slot as usize) {
                    self.found.push((estimate, *slot, *row));
                }
            }
        }
    }
}

/// Lines to the codes of a facet's vector.
fn lines(facet: &Facet) -> usize {
    Quantizer::lines(facet.quantizer().dimension())
}
