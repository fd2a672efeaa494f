//! Who is worth ranking: a few hundred members from every source, all of them allowed by the filter.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use super::features::adamic_adar;
use super::query::Known;
use super::seeker::{Seeker, rarity};
use crate::config::SearchConfig;
use crate::index::columns::{Attribute, Columns};
use crate::index::facet::Probe;
use crate::index::{Slot, Snapshot};
use crate::member::fold::Key;

/// Up to this many matches, everyone who matches is ranked: it costs less than choosing.
const RANK_ALL: usize = 300;

/// The members to rank, in the order of their slots.
///
/// Sources: the vectors of both facets, friends of friends and colleagues of colleagues, and members with rare
/// values in common. Each is capped at `limits.candidates` (at least twice `k`) before the union. Where they bring fewer than `k`, the rest is
/// filled from everyone allowed, so that fewer come back only when fewer exist.
pub(super) fn candidates(
    snapshot: &Snapshot,
    seeker: &Seeker,
    allowed: &FixedBitSet,
    known: Known,
    k: usize,
    limits: &SearchConfig,
    seed: u64,
) -> Vec<Slot> {
    let matches = allowed.count_ones(..);
    if matches <= RANK_ALL.max(k) {
        return allowed.ones().map(|slot| Slot(slot as u32)).collect();
    }
    let most = limits.candidates.max(2 * k);
    let mut found = FixedBitSet::with_capacity(allowed.len());
    let mut add = |slots: &mut dyn Iterator<Item = Slot>| found.extend(slots.map(Slot::index));
    for (facet, sought) in [(&snapshot.profile, &seeker.wants), (&snapshot.interests, &seeker.interest)] {
        if let Some(sought) = sought {
            let probe = Probe { query: &sought.vector, k: most, allowed, turn: seed };
            add(&mut facet.search(&snapshot.vectors, probe, limits.ef, matches).into_iter());
        }
    }
    add(&mut social(snapshot, seeker, allowed, known, most, seed).into_iter());
    add(&mut alike(snapshot, seeker, allowed, most, seed).into_iter());
    let mut slots: Vec<Slot> = found.ones().map(|slot| Slot(slot as u32)).collect();
    if slots.len() < k {
        // From a place that differs by query, so that it is not always the same members.
        let start = (seed % allowed.len().max(1) as u64) as usize;
        let rest = allowed.ones().filter(|slot| *slot >= start).chain(allowed.ones().filter(|slot| *slot < start));
        slots.extend(rest.filter(|slot| !found.contains(*slot)).map(|slot| Slot(slot as u32)).take(k - slots.len()));
    }
    slots
}

/// Friends of friends and colleagues of colleagues, those with the strongest ties first; where known people may be
/// found, friends and colleagues themselves before all.
fn social(
    snapshot: &Snapshot,
    seeker: &Seeker,
    allowed: &FixedBitSet,
    known: Known,
    most: usize,
    seed: u64,
) -> Vec<Slot> {
    let columns = &snapshot.columns;
    let mut ties: HashMap<u32, f32> = HashMap::new();
    type Neighbours = fn(&Columns, Slot) -> &[u32];
    let relations: [(&[u32], Neighbours); 2] = [
        (&seeker.friends, |columns, slot| columns.friends(slot)),
        (&seeker.colleagues, |columns, slot| columns.colleagues(slot)),
    ];
    for (own, neighbours) in relations {
        for &between in own.iter().filter(|between| snapshot.available.contains(**between as usize)) {
            let tie = adamic_adar(std::iter::once(Slot(between)), |slot| neighbours(columns, slot));
            for &other in neighbours(columns, Slot(between)).iter().filter(|other| allowed.contains(**other as usize)) {
                *ties.entry(other).or_default() += tie;
            }
        }
    }
    if known == Known::Include {
        for slot in seeker.friends.iter().chain(&seeker.colleagues).filter(|slot| allowed.contains(**slot as usize)) {
            ties.insert(*slot, f32::INFINITY);
        }
    }
    strongest(ties, most, seed)
}

/// Members who share rare values with the seeker, the rarest and most of them first: schools, employers, groups, places,
/// professions, interests and words. A value that more than `most` of those allowed have tells too little to bring
/// anyone.
fn alike(snapshot: &Snapshot, seeker: &Seeker, allowed: &FixedBitSet, most: usize, seed: u64) -> Vec<Slot> {
    let encoded = &seeker.encoded;
    let (home, city) = ([encoded.hometown.city], [encoded.location.city]);
    let aims: Vec<Key> = seeker.aims.iter().map(|need| need.key).collect();
    let interests: Vec<Key> = seeker.interests.iter().map(|need| need.key).collect();
    let words: Vec<Key> = seeker.words.iter().map(|(key, _, _)| *key).collect();
    let mut shares: HashMap<u32, f32> = HashMap::new();
    for (attribute, keys) in [
        (Attribute::School, &encoded.schools[..]),
        (Attribute::Employer, &encoded.employers),
        (Attribute::Group, &encoded.groups),
        (Attribute::Profession, &aims),
        (Attribute::HomeCity, &home),
        (Attribute::City, &city),
        (Attribute::Interest, &interests),
        (Attribute::Word, &words),
    ] {
        for key in keys {
            let having = snapshot.columns.postings(attribute, *key);
            let found: Vec<u32> =
                having.iter().copied().filter(|slot| allowed.contains(*slot as usize)).take(most + 1).collect();
            if found.len() <= most {
                let rarity = rarity(snapshot, attribute, *key);
                found.into_iter().for_each(|slot| *shares.entry(slot).or_default() += rarity);
            }
        }
    }
    strongest(shares, most, seed)
}

/// The `most` members with the greatest sums. Equal ones are cut in an order that differs by query, so that it is not
/// always the same members who are left out.
fn strongest(sums: HashMap<u32, f32>, most: usize, seed: u64) -> Vec<Slot> {
    let turn = |slot: u32| (u64::from(slot) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut sums: Vec<(u32, f32)> = sums.into_iter().collect();
    sums.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then_with(|| turn(left.0).cmp(&turn(right.0))));
    sums.into_iter().take(most).map(|(slot, _)| Slot(slot)).collect()
}
