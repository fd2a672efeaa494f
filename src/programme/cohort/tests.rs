//! The best assignment, by brute force on small intakes and by its prices on large ones.

use std::cmp::Reverse;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::flow::most_gain;
use super::intake::{Assignment, Edge, Intake, Objective};

const OBJECTIVES: [Objective; 3] = [Objective::BestTotal, Objective::MostMatched, Objective::Fairest];

/// What an objective looks at, the greatest first.
fn worth(intake: &Intake, objective: Objective, assignment: &Assignment) -> (i64, i64, i64) {
    let (matched, total) = (assignment.matched() as i64, assignment.total());
    let free = assignment.of.iter().zip(&intake.locked).filter(|(_, locked)| locked.is_none());
    let worst = free.filter_map(|(edge, _)| edge.map(|edge| edge.match_)).min().unwrap_or(i64::MAX);
    match objective {
        Objective::BestTotal => (total, matched, 0),
        Objective::MostMatched => (matched, total, 0),
        Objective::Fairest => (matched, worst, total),
    }
}

/// Every assignment there is.
fn all(intake: &Intake) -> Vec<Assignment> {
    let mut all = vec![Assignment { of: Vec::new() }];
    for (list, locked) in intake.candidates.iter().zip(&intake.locked) {
        let mut options: Vec<Option<Edge>> = list.iter().copied().map(Some).chain([None]).collect();
        if locked.is_some() {
            options = vec![*locked];
        }
        let longer = |begun: &Assignment| {
            let with = |option: &Option<Edge>| Assignment { of: begun.of.iter().chain([option]).copied().collect() };
            options.iter().map(with).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.retain(|assignment| keeps_places(intake, assignment));
    all
}

fn keeps_places(intake: &Intake, assignment: &Assignment) -> bool {
    assignment.taken(intake.places.len()).iter().zip(&intake.places).all(|(taken, places)| taken <= places)
}

/// Small ones with many equal matches, mentors without places, and pairs that are locked.
fn intakes() -> impl Strategy<Value = Intake> {
    let places = prop::collection::vec(0u32..3, 1..4);
    let mentees = prop::collection::vec((prop::collection::vec(prop::option::of(0i64..6), 4), 0usize..12), 0..6);
    (places, mentees).prop_map(|(places, mentees)| {
        let mut left = places.clone();
        let (mut candidates, mut locked) = (Vec::new(), Vec::new());
        for (matches, lock) in mentees {
            let matches = matches.into_iter().take(places.len()).enumerate();
            let edge = |(mentor, match_): (usize, Option<i64>)| Some(Edge { mentor: mentor as u32, match_: match_? });
            let mut list: Vec<Edge> = matches.filter_map(edge).collect();
            list.sort_by_key(|edge| Reverse(edge.match_));
            // Some are locked, to one of their candidates or not.
            let lock = (lock < places.len() && left[lock] > 0).then(|| {
                left[lock] -= 1;
                Edge { mentor: lock as u32, match_: 2 }
            });
            candidates.push(list);
            locked.push(lock);
        }
        Intake { places, candidates, locked }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_assignment_is_better(intake in intakes()) {
        for objective in OBJECTIVES {
            let best = intake.assign(objective);
            prop_assert!(keeps_places(&intake, &best), "{best:?}");
            for ((edge, list), locked) in best.of.iter().zip(&intake.candidates).zip(&intake.locked) {
                match locked {
                    Some(locked) => prop_assert_eq!(*edge, Some(*locked)),
                    None => prop_assert!(edge.is_none_or(|edge| list.contains(&edge))),
                }
            }
            let most = all(&intake).iter().map(|other| worth(&intake, objective, other)).max();
            prop_assert_eq!(Some(worth(&intake, objective, &best)), most, "{:?}: {:?}", objective, best);
        }
    }

    #[test]
    fn blocking_pairs_are_those_of_the_definition(intake in intakes()) {
        let assignment = intake.assign(Objective::BestTotal);
        let mut expected = Vec::new();
        for (mentee, list) in intake.candidates.iter().enumerate() {
            for edge in list {
                let prefers = assignment.of[mentee].is_none_or(|has| has.match_ < edge.match_);
                let theirs = assignment.of.iter().enumerate().filter(|(_, has)| has.is_some_and(|has| has.mentor == edge.mentor));
                let theirs: Vec<(usize, i64)> = theirs.map(|(mentee, has)| (mentee, has.unwrap().match_)).collect();
                let has_place = theirs.len() < intake.places[edge.mentor as usize] as usize;
                let rather = |(other, match_): &(usize, i64)| intake.locked[*other].is_none() && *match_ < edge.match_;
                if intake.locked[mentee].is_none() && prefers && (has_place || theirs.iter().any(rather)) {
                    expected.push((mentee as u32, *edge));
                }
            }
        }
        let mut found = intake.blocking_pairs(&assignment);
        prop_assert!(found.is_sorted_by_key(|(_, edge)| Reverse(edge.match_)));
        found.sort_by_key(|(mentee, edge)| (*mentee, edge.mentor));
        expected.sort_by_key(|(mentee, edge)| (*mentee, edge.mentor));
        prop_assert_eq!(found, expected);
    }
}

/// Some hundred mentees who want the same few mentors.
fn crowded(mentees: usize, mentors: usize, candidates: usize, seed: u64) -> Intake {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let wanted: Vec<i64> = (0..mentors).map(|_| random.random_range(0..500_000)).collect();
    let list = |random: &mut ChaCha8Rng| {
        let mut of: Vec<Edge> = wanted
            .iter()
            .enumerate()
            .map(|(mentor, wanted)| Edge { mentor: mentor as u32, match_: wanted + random.random_range(0..300_000) })
            .collect();
        of.sort_by_key(|edge| Reverse(edge.match_));
        of.truncate(candidates);
        of
    };
    let lists = (0..mentees).map(|_| list(&mut random)).collect();
    let places = (0..mentors).map(|_| random.random_range(0..5)).collect();
    Intake { places, candidates: lists, locked: vec![None; mentees] }
}

#[test]
fn prices_prove_that_no_large_assignment_is_better() {
    for seed in 0..5 {
        let Intake { places, candidates, .. } = crowded(400, 90, 25, seed);
        let lists: Vec<&[Edge]> = candidates.iter().map(Vec::as_slice).collect();
        for gain in
            [|edge: &Edge| Some(edge.match_ + 1), |edge: &Edge| Some(edge.match_ + 1_000_000_000), |_: &Edge| Some(1)]
        {
            let flow = most_gain(&lists, &places, gain);
            let mut taken = vec![0; places.len()];
            let mut total = 0;
            for (mentee, of) in flow.of.iter().enumerate() {
                if let Some(edge) = of.map(|at| &lists[mentee][at]) {
                    taken[edge.mentor as usize] += 1;
                    total += gain(edge).unwrap();
                }
                // Nobody would gain more at these prices than they do, so the bound below holds for every assignment.
                assert!(flow.utilities[mentee] >= 0);
                for edge in lists[mentee].iter().filter(|edge| places[edge.mentor as usize] > 0) {
                    assert!(flow.utilities[mentee] + flow.prices[edge.mentor as usize] >= gain(edge).unwrap());
                }
            }
            assert!(taken.iter().zip(&places).all(|(taken, places)| taken <= places));
            assert!(flow.prices.iter().all(|price| *price >= 0));
            let bound = places.iter().zip(&flow.prices).map(|(places, price)| i64::from(*places) * price).sum::<i64>();
            assert_eq!(total, bound + flow.utilities.iter().sum::<i64>(), "seed {seed}");
        }
    }
}

#[test]
fn objectives_differ_where_they_should() {
    // One mentor is the only one for b, and a little better for a, who could have another.
    let edge = |mentor, match_| Edge { mentor, match_ };
    let intake = |places: &[u32], candidates: Vec<Vec<Edge>>| Intake {
        places: places.to_vec(),
        locked: vec![None; candidates.len()],
        candidates,
    };
    let greedy = intake(&[1, 1], vec![vec![edge(0, 900), edge(1, 100)], vec![edge(0, 300)]]);
    let (total, most) = (greedy.assign(Objective::BestTotal), greedy.assign(Objective::MostMatched));
    assert_eq!((total.matched(), total.total()), (1, 900));
    assert_eq!((most.matched(), most.total()), (2, 400));
    // The best sum leaves somebody with 100, the fairest nobody below 400.
    let uneven = intake(&[1, 1], vec![vec![edge(0, 900), edge(1, 500)], vec![edge(0, 400), edge(1, 100)]]);
    let (most, fairest) = (uneven.assign(Objective::MostMatched), uneven.assign(Objective::Fairest));
    assert_eq!((most.total(), most.worst()), (1_000, Some(100)));
    assert_eq!((fairest.total(), fairest.worst()), (900, Some(400)));
}
