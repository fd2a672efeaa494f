//! Who is in a cohort: their records at one moment, who of them may be matched, and what was settled beforehand.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{CohortRequest, MOST_MENTEES, MOST_MENTORS, invalid};
use crate::member::Role;
use crate::search::Record;
use crate::search::cohort::{Pool, RecordsById};
use crate::search::{Obstacle, SearchError, Searcher};

/// Somebody of a cohort who may be matched.
pub(super) struct Person {
    pub(super) record: Arc<Record>,
    /// Their place in the request.
    pub(super) at: usize,
}

impl Person {
    pub(super) fn id(&self) -> &str {
        self.record.member.id.as_str()
    }
}

/// Somebody who may not be matched.
pub(super) struct Absent {
    pub(super) id: String,
    pub(super) record: Option<Arc<Record>>,
    pub(super) obstacle: Obstacle,
    pub(super) at: usize,
}

/// A cohort. Those who may be matched are numbered by lot, since numbers decide between equals.
pub(super) struct People {
    pub(super) pool: Arc<Pool>,
    pub(super) state: String,
    pub(super) mentees: Vec<Person>,
    pub(super) mentors: Vec<Person>,
    pub(super) absent_mentees: Vec<Absent>,
    pub(super) absent_mentors: Vec<Absent>,
    /// How many mentees each mentor takes beside those they have.
    pub(super) places: Vec<u32>,
    /// For each mentee the mentor who is settled.
    pub(super) locked: Vec<Option<u32>>,
}

impl People {
    pub(super) async fn read(
        searcher: &Searcher,
        request: &CohortRequest,
        threads: NonZeroUsize,
    ) -> Result<People, SearchError> {
        let mentees = listed(searcher, request, Role::Mentee)?;
        let mentors = listed(searcher, request, Role::Mentor)?;
        let mut ids: Vec<&str> = mentees.iter().chain(&mentors).map(String::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        let (records, last_change) = searcher.read(&ids).await?;
        let seed = request.seed();
        let lot = |id: &str| *blake3::Hasher::new_keyed(seed.as_bytes()).update(id.as_bytes()).finalize().as_bytes();
        let part = |ids: Vec<String>, role: Role| {
            let (mut people, absent) = parted(searcher, &records, ids, role, request.exchange);
            people.sort_by_cached_key(|person| lot(person.id()));
            (people, absent)
        };
        let (mentees, absent_mentees) = part(mentees, Role::Mentee);
        let (mentors, absent_mentors) = part(mentors, Role::Mentor);
        let usual = request.capacity.unwrap_or(searcher.usual_capacity());
        let taken = searcher.places_taken().await?;
        let left = |mentor: &Person| {
            let takes = mentor.record.member.capacity.unwrap_or(usual);
            takes.saturating_sub(taken.get(mentor.id()).copied().unwrap_or(0))
        };
        let places = mentors.iter().map(left).collect();
        let of_mentors: Vec<&Arc<Record>> = mentors.iter().map(|mentor| &mentor.record).collect();
        let pool = Pool::of(searcher, &of_mentors, searcher.consenting().await?, threads).await?;
        let state = searcher.state_of(&records, last_change);
        let locked = vec![None; mentees.len()];
        let mut people = People { pool, state, mentees, mentors, absent_mentees, absent_mentors, places, locked };
        people.lock(request)?;
        Ok(people)
    }

    /// Takes in what is settled. It is not dropped in silence: what cannot be is an error.
    fn lock(&mut self, request: &CohortRequest) -> Result<(), SearchError> {
        let numbers = |people: &[Person]| -> HashMap<String, u32> {
            people.iter().enumerate().map(|(number, person)| (person.id().to_owned(), number as u32)).collect()
        };
        let (mentees, mentors) = (numbers(&self.mentees), numbers(&self.mentors));
        let mut taken = vec![0; self.mentors.len()];
        for (at, pair) in request.locked.iter().enumerate() {
            let number = |name: &str, id: &str, there: &HashMap<String, u32>, absent: &[Absent]| {
                let why = match absent.iter().find(|absent| absent.id == id) {
                    Some(Absent { obstacle, .. }) => format!("may not be matched: {}", super::tell::obstacle(obstacle)),
                    None => format!("is not one of the cohort's {name}s"),
                };
                let wrong = || invalid(format!("locked[{at}].{name}"), format!("{id:?} {why}"));
                there.get(id).copied().ok_or_else(wrong)
            };
            let mentee = number("mentee", pair.mentee.as_str(), &mentees, &self.absent_mentees)?;
            let mentor = number("mentor", pair.mentor.as_str(), &mentors, &self.absent_mentors)?;
            let (own, theirs) =
                (&self.mentees[mentee as usize].record.member, &self.mentors[mentor as usize].record.member);
            let wrong = |problem: String| Err(invalid(format!("locked[{at}]"), problem));
            if own.id == theirs.id {
                return wrong(format!("{:?} cannot be their own mentor", own.id.as_str()));
            }
            if own.blocks.contains(&theirs.id) || theirs.blocks.contains(&own.id) {
                let (own, theirs) = (own.id.as_str(), theirs.id.as_str());
                return wrong(format!("{own:?} and {theirs:?} may not be matched: one of them blocks the other"));
            }
            if self.locked[mentee as usize].replace(mentor).is_some() {
                return wrong(format!("{:?} is locked twice; a mentee has one mentor", own.id.as_str()));
            }
            taken[mentor as usize] += 1;
            let places = self.places[mentor as usize];
            if taken[mentor as usize] > places {
                return wrong(format!("{:?} takes {places}, but more are locked to them", theirs.id.as_str()));
            }
        }
        Ok(())
    }
}

/// The ids of those who are asked for in a role, each once.
fn listed(searcher: &Searcher, request: &CohortRequest, role: Role) -> Result<Vec<String>, SearchError> {
    let (field, stated, most) = match role {
        Role::Mentee => ("mentees", &request.mentees, MOST_MENTEES),
        Role::Mentor => ("mentors", &request.mentors, MOST_MENTORS),
    };
    let Some(stated) = stated else {
        let everyone = searcher.everyone(role);
        if everyone.len() > most {
            let count = everyone.len();
            return Err(invalid(field, format!("are {count} in the community; at most {most} are taken: list some")));
        }
        return Ok(everyone);
    };
    let mut seen = HashSet::with_capacity(stated.len());
    for (at, id) in stated.iter().enumerate() {
        if !seen.insert(id) {
            return Err(invalid(format!("{field}[{at}]"), format!("{:?} is listed twice", id.as_str())));
        }
    }
    Ok(stated.iter().map(ToString::to_string).collect())
}

/// Those who may be matched in a role, and those who may not.
fn parted(
    searcher: &Searcher,
    records: &RecordsById,
    ids: Vec<String>,
    role: Role,
    exchange: bool,
) -> (Vec<Person>, Vec<Absent>) {
    let (mut people, mut absent) = (Vec::new(), Vec::new());
    for (at, id) in ids.into_iter().enumerate() {
        let record = records.get(&id).cloned();
        match (searcher.obstacle(&id, record.as_deref(), role, exchange), record) {
            (None, Some(record)) => people.push(Person { record, at }),
            (obstacle, record) => {
                absent.push(Absent { id, record, obstacle: obstacle.unwrap_or(Obstacle::Unknown), at });
            }
        }
    }
    (people, absent)
}
