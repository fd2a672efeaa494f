//! Whom each mentee may have: the best mentors under all rules, and under all but one; and what the best assignments of
//! those are.

use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rayon::prelude::*;

use super::intake::{Assignment, Edge, Intake};
use super::people::{People, Person};
use super::rules::{Rule, Rules};
use super::{CohortRequest, Objective};
use crate::search::SearchError;
use crate::search::cohort::{Circumstances, Compared, Pool, Seeking};
use crate::search::exchange::Partners;

/// Mentees worked on together.
pub(super) const TOGETHER: usize = 512;

/// One mentee's mentors.
pub(super) struct Nominated {
    /// Those compared, the best first.
    pub(super) compared: Vec<Compared>,
    /// How many mentors nothing but their match speaks against.
    pub(super) allowed: usize,
    /// How many they know, and how many are blocked by either side.
    pub(super) known: usize,
    pub(super) blocked: usize,
    /// How many of the others break each rule of [`Rule::HARD`] that is in force.
    pub(super) broken: [usize; Rule::HARD.len()],
    /// Whether they do not state what the rule asks for.
    pub(super) silent: [bool; Rule::HARD.len()],
    /// The mentor who is settled, and the rules that the pair breaks.
    pub(super) locked: Option<(Edge, Vec<Rule>)>,
}

/// Everybody's mentors.
pub(super) struct Nominations {
    /// By the mentees' numbers.
    pub(super) of: Vec<Nominated>,
    /// The rules in force. The first choice keeps all of them, the next ones all but one.
    rules: Vec<Rule>,
}

/// The best assignment, and what it would be without one of the rules.
pub(super) struct Solved {
    pub(super) assignment: Assignment,
    pub(super) blocking: Vec<(u32, Edge)>,
    pub(super) relaxed: Vec<(Rule, Assignment)>,
}

/// The request's minimum in millionths: no match below it is taken.
pub(super) fn minimum(request: &CohortRequest) -> i64 {
    (request.minimum * 1e6 - 1e-3).ceil() as i64
}

impl Nominations {
    pub(super) async fn gather(people: &Arc<People>, request: &CohortRequest) -> Result<Nominations, SearchError> {
        let (pool, k) = (&people.pool, request.most_candidates());
        let rules = Arc::new(request.rules.clone());
        let mentors = {
            let people = Arc::clone(people);
            pool.compute(move |pool| circumstances(pool, &people.mentors)).await?
        };
        let mentors = Arc::new(mentors);
        let partners = if request.exchange {
            let records = people.mentors.iter().map(|mentor| Arc::clone(&mentor.record)).collect();
            Some(Arc::new(pool.partners(records).await?))
        } else {
            None
        };
        let mut of = Vec::with_capacity(people.mentees.len());
        for begin in (0..people.mentees.len()).step_by(TOGETHER) {
            let end = people.mentees.len().min(begin + TOGETHER);
            let records = people.mentees[begin..end].iter().map(|mentee| Arc::clone(&mentee.record)).collect();
            let seeking = pool.seeking(records, k, request.exchange).await?;
            let (people, rules, mentors) = (Arc::clone(people), Arc::clone(&rules), Arc::clone(&mentors));
            let partners = partners.clone();
            let nominate = move |pool: &Pool| {
                let one = |(seeking, mentee): (Seeking, usize)| {
                    nominate(pool, &people, &rules, &mentors, partners.as_deref(), &seeking, mentee)
                };
                seeking.into_par_iter().zip(begin..end).map(one).collect::<Vec<_>>()
            };
            of.extend(pool.compute(nominate).await?);
        }
        Ok(Nominations { of, rules: request.rules.in_force().collect() })
    }

    /// The best assignment, and what it would be if rules were relaxed one at a time.
    pub(super) fn solve(&self, people: &People, request: &CohortRequest) -> Solved {
        let (least, objective): (i64, Objective) = (minimum(request), request.objective);
        let intake = self.intake(people, 0, least, 0);
        let mut other: Vec<(Rule, Intake)> = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            other.push((*rule, self.intake(people, at + 1, least, 0)));
        }
        if least > 0 {
            other.push((Rule::Minimum, self.intake(people, 0, 0, 0)));
        }
        other.push((Rule::Capacity, self.intake(people, 0, least, 1)));
        let best = || {
            let assignment = intake.assign(objective);
            (intake.blocking_pairs(&assignment), assignment)
        };
        let without = || other.par_iter().map(|(rule, intake)| (*rule, intake.assign(objective))).collect();
        let ((blocking, assignment), relaxed) = rayon::join(best, without);
        Solved { assignment, blocking, relaxed }
    }

    /// The mentees' candidates of one choice, with more places for each mentor who takes any.
    fn intake(&self, people: &People, choice: usize, least: i64, more: u32) -> Intake {
        let edges = |nominated: &Nominated| {
            let chosen = nominated.compared.iter().filter(|compared| compared.chosen & 1 << choice != 0);
            let enough = chosen.filter(|compared| compared.match_ >= least);
            enough.map(|compared| Edge { mentor: compared.mentor, match_: compared.worth() }).collect()
        };
        let places = |places: &u32| if *places == 0 { 0 } else { places.saturating_add(more) };
        Intake {
            places: people.places.iter().map(places).collect(),
            candidates: self.of.iter().map(edges).collect(),
            locked: self.of.iter().map(|nominated| nominated.locked.as_ref().map(|(edge, _)| *edge)).collect(),
        }
    }
}

fn circumstances(pool: &Pool, people: &[Person]) -> Vec<Circumstances> {
    people.par_iter().map(|person| pool.circumstances(&person.record.member)).collect()
}

fn nominate(
    pool: &Pool,
    people: &People,
    rules: &Rules,
    mentors: &[Circumstances],
    partners: Option<&Partners>,
    seeking: &Seeking,
    mentee: usize,
) -> Nominated {
    let own = &pool.circumstances(&people.mentees[mentee].record.member);
    let in_force: Vec<Rule> = rules.in_force().collect();
    let mut broken = [0; Rule::HARD.len()];
    let mut choices = vec![FixedBitSet::with_capacity(mentors.len()); in_force.len() + 1];
    let breaks = |mentor: usize| in_force.iter().filter(move |rule| !rules.holds(**rule, own, &mentors[mentor]));
    let apart = pool.apart(seeking);
    let mut left_out = FixedBitSet::with_capacity(mentors.len());
    left_out.extend(apart.known.iter().chain(&apart.blocked).chain(&apart.own).map(|mentor| *mentor as usize));
    for mentor in left_out.zeroes() {
        let mut breaking = 0;
        breaks(mentor).for_each(|rule| {
            breaking |= 1 << *rule as u8;
            broken[*rule as usize] += 1;
        });
        let left_aside = std::iter::once(0).chain(in_force.iter().map(|rule| 1 << *rule as u8));
        for (choice, left_aside) in choices.iter_mut().zip(left_aside) {
            choice.set(mentor, breaking & !left_aside == 0u8);
        }
    }
    let settled = people.locked[mentee];
    let compared = pool.nearest(seeking, &choices, settled, partners);
    let locked = settled.map(|mentor| {
        let compared = compared.iter().find(|compared| compared.mentor == mentor);
        let edge = Edge { mentor, match_: compared.map_or(0, Compared::worth) };
        (edge, breaks(mentor as usize).copied().collect())
    });
    let silent = [false, !own.has_language(), !own.has_time_zone()];
    let (known, blocked, allowed) = (apart.known.len(), apart.blocked.len(), choices[0].count_ones(..));
    Nominated { compared, allowed, known, blocked, broken, silent, locked }
}
