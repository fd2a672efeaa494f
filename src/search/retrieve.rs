//! Who is worth ranking: a few hundred members from every source, all of them allowed by the filter.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use super::features::adamic_adar;
use super::query::Known;
use super::seeker::Seeker;
use crate::config::SearchConfig;
use crate::index::columns::{Attribute, Columns};
use crate::index::facet::Probe;
use crate::index::{Slot, Snapshot};

/// Up to this many matches, everyone who matches is ranked: it costs less than choosing.
const RANK_ALL: usize = 300;

/// The members to rank, in the order of their slots.
///
/// Sources: the vectors of both facets, friends of friends and colleagues of colleagues, and members with a rare value
/// in common. Each is capped at `limits.candidates` (at least twice `k`) before the union. Where they bring fewer than `k`, the rest is
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
            let near = facet.search(&snapshot.vectors, probe, limits.ef, matches);
            add(&mut near.into_iter().map(|near| near.slot));
        }
    }
    add(&mut social(snapshot, seeker, allowed, known, most).into_iter());
    add(&mut alike(snapshot, seeker, allowed, most).into_iter());
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
fn social(snapshot: &Snapshot, seeker: &Seeker, allowed: &FixedBitSet, known: Known, most: usize) -> Vec<Slot> {
    let columns = &snapshot.columns;
    let mut ties: HashMap<u32, f32> = HashMap::new();
    type Neighbours = fn(&Columns, Slot) -> &[u32];
    let relations: [(&[u32], Neighbours); 2] = [
        (&seeker.friends, |columns, slot| columns.friends(slot)),
        (&seeker.colleagues, |columns, slot| columns.colleagues(slot)),
    ];
    for (own, neighbours) in relations {
        for &between in own {
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
    let mut ties: Vec<(u32, f32)> = ties.into_iter().collect();
    ties.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    ties.into_iter().take(most).map(|(slot, _)| Slot(slot)).collect()
}

/// Members with a school, employer, group, home town, city or profession in common, rarest values first. A value that
/// more than `most` members have tells too little to bring anyone.
fn alike(snapshot: &Snapshot, seeker: &Seeker, allowed: &FixedBitSet, most: usize) -> Vec<Slot> {
    let encoded = &seeker.encoded;
    let (home, city) = ([encoded.hometown.city], [encoded.location.city]);
    let aims: Vec<_> = seeker.aims.iter().map(|need| need.key).collect();
    let mut lists: Vec<&[u32]> = [
        (Attribute::School, &encoded.schools[..]),
        (Attribute::Employer, &encoded.employers),
        (Attribute::Group, &encoded.groups),
        (Attribute::Profession, &aims),
        (Attribute::HomeCity, &home),
        (Attribute::City, &city),
    ]
    .into_iter()
    .flat_map(|(attribute, keys)| keys.iter().map(move |key| snapshot.columns.postings(attribute, *key)))
    .collect();
    lists.retain(|list| list.len() <= most);
    lists.sort_unstable_by_key(|list| list.len());
    let shared = lists.into_iter().flatten().filter(|slot| allowed.contains(**slot as usize));
    shared.take(most).map(|slot| Slot(*slot)).collect()
}
