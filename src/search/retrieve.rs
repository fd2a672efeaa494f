//! Who is worth ranking: a few hundred members from every source, all of them allowed by the filter.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};

use super::features::adamic_adar;
use super::lexical;
use super::query::Known;
use super::seeker::{Seeker, Sought, rarity};
use super::view::{FacetName, View};
use crate::config::SearchConfig;
use crate::index::Slot;
use crate::index::columns::{Attribute, Relation};
use crate::index::facet::Probe;
use crate::member::fold::Key;

/// Up to this many matches, everyone who matches is ranked: it costs less than choosing.
const RANK_ALL: usize = 300;

/// What speaks for members, by slot. Slots need no hash that withstands an attack.
type Sums = HashMap<u32, f32, foldhash::fast::RandomState>;

/// Where candidates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The nearest profiles to what is wanted.
    Profile = 1,
    /// The nearest interests.
    Interests,
    /// The best profiles by the words that stand in them.
    Lexical,
    /// Friends of friends and colleagues of colleagues.
    Social,
    /// Members with rare values in common.
    Alike,
}

impl Source {
    /// Every source.
    pub const ALL: &'static [Source] =
        &[Source::Profile, Source::Interests, Source::Lexical, Source::Social, Source::Alike];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Source::Profile => "profile",
            Source::Interests => "interests",
            Source::Lexical => "lexical",
            Source::Social => "social",
            Source::Alike => "alike",
        }
    }
}

/// What bounds a retrieval.
pub(super) struct Bounds<'a> {
    pub(super) known: Known,
    /// Whether people outside the seeker's circle are sought.
    pub(super) outside_circle: bool,
    /// How many are asked for.
    pub(super) k: usize,
    pub(super) limits: &'a SearchConfig,
    /// Sources that bring nobody.
    pub(super) off: &'a [Source],
    /// The members of the generation nearest by profile and by interests, where they were looked for elsewhere.
    pub(super) near: Option<&'a [Vec<Slot>; 2]>,
    pub(super) seed: u64,
}

impl Bounds<'_> {
    /// The most members that a source may bring.
    pub(super) fn most(&self) -> usize {
        self.limits.candidates.max(2 * self.k)
    }
}

/// Whether not everyone who is allowed is ranked.
pub(super) fn chooses(allowed: &FixedBitSet, k: usize) -> bool {
    allowed.count_ones(..) > RANK_ALL.max(k)
}

/// The members to rank, in the order of their slots.
///
/// Sources: the vectors of both facets, the words of profiles, friends of friends and colleagues of colleagues, and
/// members with rare values in common. Each is capped at `limits.candidates` (at least twice `k`) before the union. Where
/// they bring fewer than `k`, the rest is filled from everyone allowed, so that fewer come back only when fewer exist. Where
/// people outside the circle are sought, those count whom meaning or words bring: of somebody of whom only the circle is
/// known, all others would be of it.
pub(super) fn candidates(view: &View, seeker: &Seeker, allowed: &FixedBitSet, bounds: &Bounds<'_>) -> Vec<Slot> {
    let Bounds { known, outside_circle, k, limits, seed, .. } = *bounds;
    if !chooses(allowed, k) {
        return allowed.ones().map(|slot| Slot(slot as u32)).collect();
    }
    let most = bounds.most();
    let near = |facet: FacetName, sought: &Option<Sought>| {
        let Some(sought) = sought else { return Vec::new() };
        let probe = Probe { query: &sought.vector, k: most, allowed, turn: seed };
        match bounds.near {
            Some(near) => view.with_changed(facet, probe, near[facet as usize].clone()),
            None => view.near(facet, probe, limits.ef),
        }
    };
    let mut found = FixedBitSet::with_capacity(allowed.len());
    let mut outside = 0;
    for source in Source::ALL.iter().filter(|source| !bounds.off.contains(source)) {
        let slots = match source {
            Source::Profile => near(FacetName::Profile, &seeker.wants),
            Source::Interests => near(FacetName::Interests, &seeker.interest),
            Source::Lexical => lexical::best(&seeker.words, view, allowed, most, seed),
            Source::Social => social(view, seeker, allowed, known, most, seed),
            Source::Alike => alike(view, seeker, allowed, most, seed),
        };
        found.extend(slots.into_iter().map(Slot::index));
        // The sources of the circle are the last.
        if !matches!(source, Source::Social | Source::Alike) {
            outside = found.count_ones(..);
        }
    }
    let mut slots: Vec<Slot> = found.ones().map(|slot| Slot(slot as u32)).collect();
    let found_for_it = if outside_circle { outside } else { slots.len() };
    if found_for_it < k {
        // From a place that differs by query, so that it is not always the same members.
        let start = (seed % allowed.len().max(1) as u64) as usize;
        let rest = allowed.ones().filter(|slot| *slot >= start).chain(allowed.ones().filter(|slot| *slot < start));
        slots.extend(rest.filter(|slot| !found.contains(*slot)).map(|slot| Slot(slot as u32)).take(k - found_for_it));
    }
    slots
}

/// How much of what an exact scan of each facet finds its search finds too: recall@`most`, in [0, 1]. Nothing where the
/// facet is not searched, because nothing is sought in it or because everyone who matches is ranked.
pub(super) fn recall(view: &View, seeker: &Seeker, allowed: &FixedBitSet, bounds: &Bounds<'_>) -> [Option<f64>; 2] {
    [(FacetName::Profile, &seeker.wants), (FacetName::Interests, &seeker.interest)].map(|(facet, sought)| {
        let sought = sought.as_ref().filter(|_| chooses(allowed, bounds.k))?;
        let probe = Probe { query: &sought.vector, k: bounds.most(), allowed, turn: bounds.seed };
        view.recall(facet, probe, bounds.limits.ef)
    })
}

/// Friends of friends and colleagues of colleagues, those with the strongest ties first; where known people may be
/// found, friends and colleagues themselves before all.
fn social(view: &View, seeker: &Seeker, allowed: &FixedBitSet, known: Known, most: usize, seed: u64) -> Vec<Slot> {
    let mut ties = Sums::default();
    for (own, relation) in [(&seeker.friends, Relation::Friends), (&seeker.colleagues, Relation::Colleagues)] {
        for &between in own.iter().filter(|between| view.available().contains(**between as usize)) {
            let tie = adamic_adar(std::iter::once(Slot(between)), |slot| view.related(relation, slot));
            for &other in
                view.related(relation, Slot(between)).iter().filter(|other| allowed.contains(**other as usize))
            {
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
/// professions and interests. A value that more than `most` of those allowed have tells too little to bring
/// anyone.
fn alike(view: &View, seeker: &Seeker, allowed: &FixedBitSet, most: usize, seed: u64) -> Vec<Slot> {
    let encoded = &seeker.encoded;
    let (home, city) = ([encoded.hometown.city], [encoded.location.city]);
    let aims: Vec<Key> = seeker.aims.iter().map(|need| need.key).collect();
    let interests: Vec<Key> = seeker.interests.iter().map(|need| need.key).collect();
    let mut shares = Sums::default();
    for (attribute, keys) in [
        (Attribute::School, &encoded.schools[..]),
        (Attribute::Employer, &encoded.employers),
        (Attribute::Group, &encoded.groups),
        (Attribute::Profession, &aims),
        (Attribute::HomeCity, &home),
        (Attribute::City, &city),
        (Attribute::Interest, &interests),
    ] {
        for key in keys {
            let having = view.having(attribute, *key);
            let found: Vec<u32> = having.filter(|slot| allowed.contains(*slot as usize)).take(most + 1).collect();
            if found.len() <= most {
                let rarity = rarity(view, attribute, *key);
                found.into_iter().for_each(|slot| *shares.entry(slot).or_default() += rarity);
            }
        }
    }
    strongest(shares, most, seed)
}

/// The `most` members with the greatest sums. Equal ones are cut in an order that differs by query, so that it is not
/// always the same members who are left out.
fn strongest(sums: Sums, most: usize, seed: u64) -> Vec<Slot> {
    let mut sums: Vec<(u32, f32)> = sums.into_iter().collect();
    let turns = |left: u32, right: u32| turn(left, seed).cmp(&turn(right, seed));
    sums.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then_with(|| turns(left.0, right.0)));
    sums.into_iter().take(most).map(|(slot, _)| Slot(slot)).collect()
}

/// Whose turn it is among equals: an order of the slots that differs by query.
pub(super) fn turn(slot: u32, seed: u64) -> u64 {
    (u64::from(slot) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
