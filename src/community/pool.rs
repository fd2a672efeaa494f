//! The pool, as whoever runs the programme looks at it: how many there are, and which mentors need a look.

use std::collections::{HashMap, HashSet};

use super::{Community, CommunityError};
use crate::member::MemberId;
use crate::programme::Status;

/// The pool in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// Members who may be found as mentors, paused ones and minors among them.
    pub mentors: u64,
    /// Members who look for a mentor.
    pub mentees: u64,
    /// Mentors of age who are not paused.
    pub findable: u64,
    /// Introductions by how far they are, in the order of [`Status::ALL`].
    pub introductions: [u64; Status::ALL.len()],
    /// Mentors who are full, paused, never answered or have requests waiting: those with most requests waiting first.
    pub to_look_at: Vec<MentorLoad>,
}

/// How a mentor fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MentorLoad {
    /// Who.
    pub id: String,
    /// How many mentees they take.
    pub places: u64,
    /// How many they have.
    pub taken: u64,
    /// Requests that wait for their answer.
    pub waiting: u64,
    /// Requests that they let pass.
    pub expired: u64,
    /// Requests that they answered.
    pub answered: u64,
    /// Whether they take a break.
    pub paused: bool,
}

impl MentorLoad {
    /// Whether every place is taken.
    pub fn is_full(&self) -> bool {
        self.taken >= self.places
    }

    /// Whether they were asked, and never answered in time.
    pub fn is_silent(&self) -> bool {
        self.expired > 0 && self.answered == 0
    }

    fn count(&mut self, status: Status, introductions: u64) {
        match status {
            Status::Requested => self.waiting += introductions,
            Status::Accepted => {
                self.taken += introductions;
                self.answered += introductions;
            }
            Status::Declined | Status::Ended | Status::Completed => self.answered += introductions,
            Status::Expired => self.expired += introductions,
            Status::Withdrawn => {}
        }
    }
}

impl Pool {
    /// How many introductions have a status.
    pub fn of(&self, status: Status) -> u64 {
        Status::ALL.iter().zip(self.introductions).filter(|(of, _)| **of == status).map(|(_, count)| count).sum()
    }
}

impl Community {
    /// The pool at the moment.
    ///
    /// # Errors
    /// [`CommunityError::Search`] where no generation is served; [`CommunityError::Store`].
    pub async fn pool(&self) -> Result<Pool, CommunityError> {
        self.look_at_the_clock().await?;
        let searcher = self.searcher()?;
        let (mut pool, mut loads) = (Pool::default(), HashMap::<String, MentorLoad>::new());
        for (mentor, status, introductions) in self.store.introductions_by_mentor().await? {
            let Some(at) = Status::ALL.iter().position(|of| of.name() == status) else { continue };
            pool.introductions[at] += introductions;
            loads.entry(mentor).or_default().count(Status::ALL[at], introductions);
        }
        let usual = self.config().programme.capacity;
        for outline in searcher.outlines() {
            pool.mentees += u64::from(outline.mentee);
            if !outline.mentor {
                continue;
            }
            pool.mentors += 1;
            pool.findable += u64::from(outline.adult && !outline.paused);
            let load = MentorLoad {
                id: outline.id.to_owned(),
                places: outline.capacity.unwrap_or(usual).into(),
                paused: outline.paused,
                ..loads.remove(outline.id).unwrap_or_default()
            };
            if load.waiting > 0 || load.is_silent() || load.is_full() || load.paused {
                pool.to_look_at.push(load);
            }
        }
        let first = |load: &MentorLoad| (load.waiting, load.is_silent(), load.is_full());
        pool.to_look_at.sort_by(|left, right| first(right).cmp(&first(left)).then_with(|| left.id.cmp(&right.id)));
        Ok(pool)
    }

    /// The mentees who may be matched, and neither wait for an answer nor have a mentor, in the order of their ids.
    ///
    /// # Errors
    /// As [`Community::pool`].
    pub async fn unmatched_mentees(&self) -> Result<Vec<MemberId>, CommunityError> {
        self.look_at_the_clock().await?;
        let searcher = self.searcher()?;
        let have: HashSet<String> = self.store.mentees_with_somebody().await?.into_iter().collect();
        let free = searcher.outlines().filter(|of| of.mentee && of.adult && !of.paused && !have.contains(of.id));
        let mut free: Vec<MemberId> = free.filter_map(|of| MemberId::new(of.id).ok()).collect();
        free.sort_unstable();
        Ok(free)
    }
}
