//! What is laid over a generation reads as a generation would that was built of the same members.

use std::collections::BTreeSet;

use fixedbitset::FixedBitSet;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::testing::{Community, embedder};
use super::super::view::{FacetName, View};
use super::*;
use crate::index::columns::flag;
use crate::index::facet::Probe;
use crate::member::{Place, Role};
use crate::sample;

fn id(at: usize) -> MemberId {
    MemberId::new(format!("s-{at:07}")).unwrap()
}

/// A member with some of another's attributes, and other people around.
fn mixed(random: &mut ChaCha8Rng, member: &Member, other: &Member, ids: &[MemberId]) -> Member {
    let mut mixed = member.clone();
    for change in 0..9 {
        if !random.random_bool(0.3) {
            continue;
        }
        match change {
            0 => mixed.profession.clone_from(&other.profession),
            1 => mixed.interests.clone_from(&other.interests),
            2 => mixed.about = Some(format!("Something else {}", random.random_range(0..5))),
            3 => mixed.paused = !mixed.paused,
            4 => mixed.friends = ids.sample(random, 6).filter(|id| **id != member.id).cloned().collect(),
            5 => mixed.blocks = ids.sample(random, 2).filter(|id| **id != member.id).cloned().collect(),
            6 => mixed.private = vec!["friends".into(), "interests".into()],
            7 => mixed.location = Some(Place { city: Some("Lowell".into()), ..Place::default() }),
            _ => mixed.roles = vec![Role::Mentor],
        }
    }
    mixed
}

/// Everything that a view says of a member, in terms that do not depend on slots or rows.
fn told(view: &View, slot: Slot) -> String {
    let vector = |row: Option<u32>| row.and_then(|row| view.vector(row)).map(<[f32]>::to_vec);
    let phrase = |phrase: Option<(Key, u32)>| phrase.map(|(key, row)| (key, vector(Some(row))));
    let phrases = |phrases: &mut dyn Iterator<Item = (Key, u32)>| -> Vec<_> {
        phrases.map(|(key, row)| (key, vector(Some(row)))).collect()
    };
    let present = |other: &&u32| view.flags(Slot(**other)) != 0;
    let related = Relation::ALL.map(|relation| {
        let related = view.related(relation, slot).iter().filter(present);
        related.map(|other| view.id(Slot(*other)).to_owned()).collect::<BTreeSet<_>>()
    });
    // Whether somebody lists who is no member is for nights to know.
    let own = (
        view.flags(slot) & !flag::LISTS_ABSENT,
        view.capacity(slot),
        view.coordinates(slot),
        view.years_experience(slot),
    );
    let places = (view.utc_offset(slot), view.location(slot), view.hometown(slot), view.word_length(slot));
    let single = [view.profession(slot), view.industry(slot), view.offers(slot)].map(phrase);
    let lists = (phrases(&mut view.interests(slot)), phrases(&mut view.overcame(slot)));
    let keys = Attribute::ALL.map(|attribute| view.keys(attribute, slot).to_vec());
    let facets = [FacetName::Profile, FacetName::Interests].map(|facet| vector(view.facet_row(facet, slot)));
    let found = (view.findable().contains(slot.index()), view.available().contains(slot.index()));
    format!("{own:?} {places:?} {single:?} {lists:?} {keys:?} {related:?} {facets:?} {found:?}")
}

/// Ids of everybody who is there.
fn everybody(view: &View) -> BTreeSet<String> {
    let slots = (0..view.slots()).map(|slot| Slot(slot as u32)).filter(|slot| view.flags(*slot) != 0);
    slots.map(|slot| view.id(slot).to_owned()).collect()
}

fn assert_same(live: &View, built: &View, round: u64) {
    assert_eq!(everybody(live), everybody(built), "round {round}");
    let ids_of = |view: &View, slots: Vec<u32>| -> BTreeSet<String> {
        slots.into_iter().map(|slot| view.id(Slot(slot)).to_owned()).collect()
    };
    for id in everybody(built) {
        let (own, others) = (live.slot(&id).unwrap(), built.slot(&id).unwrap());
        assert_eq!(told(live, own), told(built, others), "round {round}, {id}");
        for (word, count) in built.snapshot.columns.words.of(others) {
            assert_eq!(live.word_count(own, word), count);
            assert_eq!(live.count_with_word(word), built.count_with_word(word));
            let (slots, _) = live.built_with_word(word);
            let kept = slots.iter().copied().filter(|slot| !live.overlay.is_changed(Slot(*slot)));
            let all = kept.chain(live.changed_with_word(word).iter().map(|standing| standing.slot)).collect();
            assert_eq!(ids_of(live, all), ids_of(built, built.built_with_word(word).0.to_vec()));
        }
        let changed = Changed::of_built(&built.snapshot, others);
        for (attribute, key) in changed.values() {
            assert_eq!(live.count_having(attribute, key), built.count_having(attribute, key), "{attribute:?} of {id}");
            let having = |view: &View| ids_of(view, view.having(attribute, key).collect());
            assert_eq!(having(live), having(built), "{attribute:?} of {id}");
        }
    }
    assert_eq!(live.profiles(), built.profiles());
    assert!((live.mean_length() - built.mean_length()).abs() < 1e-3);
}

fn assert_same_neighbours(live: &View, built: &View, round: u64) {
    let queries = embedder().embed(&["nurse", "a carpenter", "chess and triage"]).unwrap();
    for (facet, query) in [FacetName::Profile, FacetName::Interests].into_iter().zip(&queries) {
        let near = |view: &View| {
            let mut allowed: FixedBitSet = view.findable().clone();
            allowed.grow(view.slots());
            let probe = Probe { query, k: 12, allowed: &allowed, turn: 0 };
            let near = view.near(facet, probe, 64);
            // Within the nearest the generation's order is that of its codes.
            near.into_iter()
                .map(|slot| {
                    let vector = view.facet_row(facet, slot).and_then(|row| view.vector(row)).unwrap();
                    (1e4 * crate::index::vectors::dot(query, vector)).round() as i32
                })
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(near(live), near(built), "round {round}, {facet:?}");
    }
}

#[test]
fn changes_over_a_generation_read_as_one_that_was_built_of_them() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut members: Vec<Member> = sample::Community::new(90, 3).iter().collect();
    let community = Community::of(&members);
    for round in 0..6 {
        // The same overlay grows round by round; nobody lists a newcomer before they come, but for other newcomers.
        let before = community.searcher();
        let ids: Vec<MemberId> = members.iter().map(|member| member.id.clone()).collect();
        let mut changed = Vec::new();
        let fresh: Vec<MemberId> = (0..4).map(|at| id(900 + 10 * round as usize + at)).collect();
        for new in &fresh {
            let model = members.choose(&mut random).unwrap().clone();
            let friends = fresh.iter().chain(&ids[..4]).filter(|other| *other != new).cloned().collect();
            changed.push(Member { id: new.clone(), friends, ..model });
        }
        for _ in 0..15 {
            let (member, other) = (members.choose(&mut random).unwrap(), members.choose(&mut random).unwrap());
            if changed.iter().all(|changed: &Member| changed.id != member.id) {
                changed.push(mixed(&mut random, member, other, &ids));
            }
        }
        let removed: Vec<MemberId> = ids.iter().rev().step_by(17).take(3).cloned().collect();
        changed.retain(|member| !removed.contains(&member.id));
        community.change(&changed, &removed);
        members.retain(|member| !removed.contains(&member.id) && changed.iter().all(|other| other.id != member.id));
        members.extend(changed);

        let stepwise = community.runtime.block_on(before.caught_up()).unwrap();
        let at_once = community.searcher();
        assert_eq!(stepwise.view.sequence(), at_once.view.sequence());
        let built = Community::of(&members);
        let built = built.searcher();
        for live in [&stepwise, &at_once] {
            assert_same(&live.view, &built.view, round);
            assert_same_neighbours(&live.view, &built.view, round);
        }
        if round == 3 {
            community.rebuild();
            assert_eq!(community.searcher().changes(), 0, "a rebuild folds all of it in");
        }
    }
}
