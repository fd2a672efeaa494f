//! Assigning a whole intake at once: who gets which mentor, who none and why, and what would change that.
//!
//! Every mentee is compared with the cohort's mentors as in a search of theirs; of all the ways to pair them, the
//! [`Objective`] says which is the best, and [`Intake::assign`] finds it.

mod answer;
mod flow;
mod intake;
mod nominate;
mod people;
mod rules;
mod tell;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use answer::{
    Because, BlockingPair, BlockingPairs, Cohort, CohortAlternative, CohortMentor, CohortPair, CohortReason, LeftOut,
    Relaxed, Totals, Unmatched,
};
pub use intake::{Assignment, Edge, Intake, Objective};
pub use rules::{Rule, Rules};

use crate::member::MemberId;
use crate::search::{SearchError, Searcher};
use nominate::Nominations;
use people::People;

/// The most mentees of a cohort.
pub const MOST_MENTEES: usize = 20_000;

/// The most mentors of a cohort.
pub const MOST_MENTORS: usize = 10_000;

/// The most candidates that a mentee is compared with.
pub const MOST_CANDIDATES: usize = 200;

/// The most pairs that are locked.
const MOST_LOCKED: usize = MOST_MENTEES;

/// The candidates that a mentee is compared with, unless stated.
const CANDIDATES: usize = 50;

/// The most mentees that a mentor who does not say can be given.
const MOST_CAPACITY: u32 = 10_000;

/// Whom to match, and what is to hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CohortRequest {
    /// The mentees' ids; every stored mentee unless stated. In an exchange those who ask, whatever their role.
    #[schema(value_type = Option<Vec<String>>, max_items = 20000)]
    pub mentees: Option<Vec<MemberId>>,
    /// The mentors' ids; every stored mentor unless stated. In an exchange those who are asked, whatever their role.
    #[schema(value_type = Option<Vec<String>>, max_items = 10000)]
    pub mentors: Option<Vec<MemberId>>,
    /// What the best assignment is.
    pub objective: Objective,
    /// Whether two are to offer what the other seeks: each pair goes by both ways, as in an exchange of a search, and no role is
    /// asked of anyone who is listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exchange: bool,
    /// No pair has a lower match than this; in an exchange no lower score.
    #[schema(minimum = 0)]
    pub minimum: f64,
    /// How many mentees a mentor takes whose record does not say; as the programme is configured unless stated.
    #[schema(minimum = 0, maximum = 10000)]
    pub capacity: Option<u32>,
    /// What must hold for every pair.
    pub rules: Rules,
    /// Pairs that are settled, whatever minimum and rules say.
    #[schema(max_items = 20000)]
    pub locked: Vec<LockedPair>,
    /// How many of the best mentors a mentee is compared with; 50 unless stated.
    #[schema(minimum = 1, maximum = 200)]
    pub candidates: Option<usize>,
}

/// A pair that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockedPair {
    /// One of the mentees.
    #[schema(value_type = String)]
    pub mentee: MemberId,
    /// One of the mentors.
    #[schema(value_type = String)]
    pub mentor: MemberId,
}

impl CohortRequest {
    /// How many candidates a mentee is compared with.
    fn most_candidates(&self) -> usize {
        self.candidates.unwrap_or(CANDIDATES)
    }

    fn check(&self) -> Result<(), SearchError> {
        let lists = [
            ("mentees", self.mentees.as_ref().map_or(0, Vec::len), MOST_MENTEES),
            ("mentors", self.mentors.as_ref().map_or(0, Vec::len), MOST_MENTORS),
            ("locked", self.locked.len(), MOST_LOCKED),
        ];
        for (field, count, most) in lists {
            if count > most {
                return Err(invalid(field, format!("has {count}; at most {most} are taken")));
            }
        }
        if !(self.minimum.is_finite() && self.minimum >= 0.0) {
            return Err(invalid("minimum", format!("is {}; expected a match, 0 or more", self.minimum)));
        }
        if let Some(capacity) = self.capacity.filter(|capacity| *capacity > MOST_CAPACITY) {
            return Err(invalid("capacity", format!("is {capacity}; expected 0 to {MOST_CAPACITY} mentees")));
        }
        if !(1..=MOST_CANDIDATES).contains(&self.most_candidates()) {
            let problem = format!("is {}; expected 1 to {MOST_CANDIDATES}", self.most_candidates());
            return Err(invalid("candidates", problem));
        }
        self.rules.check()
    }

    /// Orders equals: a hash of what is asked, in whatever order people are listed.
    fn seed(&self) -> blake3::Hash {
        let mut sorted = self.clone();
        [&mut sorted.mentees, &mut sorted.mentors].into_iter().flatten().for_each(|ids| ids.sort_unstable());
        sorted.locked.sort_unstable_by(|left, right| left.mentee.cmp(&right.mentee));
        blake3::hash(&serde_json::to_vec(&sorted).unwrap_or_default())
    }
}

fn invalid(field: impl Into<String>, problem: impl Into<String>) -> SearchError {
    SearchError::Invalid { field: field.into(), problem: problem.into() }
}

/// The best assignment of a cohort, with its reasons. Computes on so many threads, off the runtime's.
///
/// # Errors
/// [`SearchError::Invalid`] names what is wrong with the request; else as [`Searcher::search`].
pub async fn assign(searcher: &Searcher, request: CohortRequest, threads: NonZeroUsize) -> Result<Cohort, SearchError> {
    searcher.check_whole()?;
    request.check()?;
    let people = Arc::new(People::read(searcher, &request, threads).await?);
    let nominations = Arc::new(Nominations::gather(&people, &request).await?);
    let solved = {
        let (nominations, people, request) = (Arc::clone(&nominations), Arc::clone(&people), request.clone());
        people.pool.clone().compute(move |_| nominations.solve(&people, &request)).await?
    };
    tell::tell(&people, &nominations, &request, solved).await
}
