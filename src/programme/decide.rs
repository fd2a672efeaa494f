//! The rules: who may do what and when, and what comes of it. Computing only, so that they can be tried in any order.

mod alone;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
mod together;
mod waiting;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::deed::Deed;
use super::event::{Actor, EventKind, Happened};
use super::introduction::{Cause, Introduction, IntroductionId, LONGEST_WORDS, Status};
use super::participation::{Participation, Stated};
use crate::config::ProgrammeConfig;
use crate::member::{Invalid, Member, MemberId, Role};

/// What somebody does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A mentee asks a mentor.
    Ask(Request),
    /// One of the two does something to the introduction that it is about.
    Do(Deed),
    /// A member joins, or changes how they take part.
    Join(MemberId, Stated),
    /// A member leaves.
    Leave(MemberId),
    /// A mentee waits for a good mentor from now on.
    JoinWaitlist(MemberId),
    /// A mentee waits no more.
    LeaveWaitlist(MemberId),
    /// For a mentee who waits there is a good mentor.
    MentorCame {
        /// Who waits.
        mentee: MemberId,
        /// Who is a good mentor for them.
        mentor: MemberId,
    },
    /// Time passed for the introduction that it is about.
    Wait,
}

/// A mentee asks a mentor.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What it is to be called.
    pub id: IntroductionId,
    /// Who asks.
    pub mentee: MemberId,
    /// Who is asked.
    pub mentor: MemberId,
    /// To the mentor.
    pub note: Option<String>,
    /// Private fields that the mentor may see once they accept.
    pub shares: Vec<String>,
    /// The programme that is wanted.
    pub path: Option<String>,
    /// The match of the two.
    pub match_: f64,
    /// The search's state by which it was computed.
    pub state: String,
    /// What made them ask, unless they did by themselves.
    pub cause: Option<Cause>,
}

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of the two is unknown, paused, not of age, or blocks the other: one answer.
    #[error("the member is not available")]
    NotAvailable,
    /// Who takes part is of age.
    #[error("who takes part in the programme is 18 or older")]
    Minor,
    /// There is no such introduction, or not for them.
    #[error("there is no such introduction")]
    Unknown,
    /// They do not have the role that it takes.
    #[error("{member} is no {role}", role = match role { Role::Mentor => "mentor", Role::Mentee => "mentee" })]
    Role {
        /// Who.
        member: MemberId,
        /// The role that it takes.
        role: Role,
    },
    /// It is not at a point where this can be done.
    #[error("cannot {deed} what is {status}", status = status.name())]
    Status {
        /// How far it is.
        status: Status,
        /// What was to be done.
        deed: &'static str,
    },
    /// The mentor has as many mentees as they take.
    #[error("the mentor takes no more mentees at the moment")]
    Full {
        /// Those they have.
        taken: usize,
        /// Those they take.
        capacity: u32,
    },
    /// The mentee waits for as many answers as they may.
    #[error("{open} requests wait for an answer, as many as may; withdraw one, or wait")]
    OpenRequests {
        /// Those that wait.
        open: usize,
    },
    /// The two were introduced, or one asked the other not long ago.
    #[error("this mentor was asked before: the introduction is {status}", status = status.name())]
    AskedBefore {
        /// How far that is.
        status: Status,
    },
    /// The mentor has not accepted the guidelines that are in force.
    #[error("the mentor accepts the guidelines first: read them, and send accepts_guidelines: {version:?}")]
    Guidelines {
        /// The version in force.
        version: String,
    },
    /// The community does not say which match is a good one, so nobody can be told of one.
    #[error("there is no waitlist: the community does not say from which match on a mentor is a good one (good_match)")]
    NoThreshold,
    /// A part of what was sent is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Somebody who is concerned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Person {
    /// Their record; nothing where they are not stored.
    pub record: Option<Member>,
    /// Their own word on how they take part.
    pub participation: Participation,
}

/// All that a decision rests on, of one moment.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// What the operator sets.
    pub rules: &'a ProgrammeConfig,
    /// Whether a member who does not state `adult` may take part.
    pub adult_when_absent: bool,
    /// The introduction that it is about, where there is one.
    pub introduction: Option<Introduction>,
    /// Those who are concerned.
    pub people: BTreeMap<MemberId, Person>,
    /// Their open introductions, and those of the two with one another.
    pub theirs: Vec<Introduction>,
}

/// What is to be written, all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Introductions as they are now.
    pub introductions: Vec<Introduction>,
    /// How a member takes part now.
    pub participation: Option<(MemberId, Participation)>,
    /// What happened.
    pub happened: Vec<Happened>,
}

/// How full a mentor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Standing {
    /// Mentees they have.
    pub taken: usize,
    /// Mentees they take.
    pub capacity: u32,
    /// Requests that wait for their answer.
    pub waiting: usize,
}

impl Facts<'_> {
    /// What comes of an action.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing does.
    pub fn decide(&self, action: Action, by: Actor) -> Result<Decision, Refusal> {
        let introduction = self.introduction.as_ref().ok_or(Refusal::Unknown);
        match action {
            Action::Ask(request) => self.ask(request, by),
            Action::Do(deed) => self.go_on(introduction?, deed, by),
            Action::Join(id, stated) => self.join(&id, &stated, by),
            Action::Leave(id) => self.leave(&id, by),
            Action::JoinWaitlist(id) => self.join_waitlist(&id, by),
            Action::LeaveWaitlist(id) => self.leave_waitlist(&id, by),
            Action::MentorCame { mentee, mentor } => self.mentor_came(&mentee, &mentor, by),
            Action::Wait => Ok(self.wait(introduction?, by)),
        }
    }

    /// How full a mentor is.
    pub fn standing(&self, mentor: &MemberId) -> Standing {
        let of = |status: Status| {
            self.theirs
                .iter()
                .filter(|introduction| introduction.mentor == *mentor && introduction.status == status)
                .count()
        };
        let stated = self.record(mentor).and_then(|record| record.capacity);
        let capacity = stated.unwrap_or(self.rules.capacity);
        Standing { taken: of(Status::Accepted), capacity, waiting: of(Status::Requested) }
    }

    fn record(&self, id: &MemberId) -> Option<&Member> {
        self.people.get(id)?.record.as_ref()
    }

    fn has_left(&self, id: &MemberId) -> bool {
        self.people.get(id).is_some_and(|person| person.participation.left.is_some())
    }

    /// A member who is stored and of age.
    fn of_age(&self, id: &MemberId) -> Result<&Member, Refusal> {
        let record = self.record(id).ok_or(Refusal::NotAvailable)?;
        if record.adult.unwrap_or(self.adult_when_absent) { Ok(record) } else { Err(Refusal::NotAvailable) }
    }

    /// Both, where neither blocks the other.
    fn both(&self, mentee: &MemberId, mentor: &MemberId) -> Result<(&Member, &Member), Refusal> {
        let (one, other) = (self.of_age(mentee)?, self.of_age(mentor)?);
        if one.blocks.contains(mentor) || other.blocks.contains(mentee) {
            return Err(Refusal::NotAvailable);
        }
        Ok((one, other))
    }
}

/// What somebody wrote, without white space around it.
fn words(field: &str, written: Option<String>) -> Result<Option<String>, Invalid> {
    let written = written.map(|written| written.trim().to_owned()).filter(|written| !written.is_empty());
    let length = written.as_ref().map_or(0, |written| written.chars().count());
    if length > LONGEST_WORDS {
        return Err(Invalid::new(field, format!("has {length} characters; at most {LONGEST_WORDS} are allowed")));
    }
    Ok(written)
}

/// Refuses to share what is none of the member's private fields.
fn check_shares(shares: &[String], record: &Member) -> Result<(), Invalid> {
    for (at, field) in shares.iter().enumerate() {
        if !record.may_share(field) || shares[..at].contains(field) {
            return Err(Invalid::new(
                "shares",
                format!("{field:?} cannot be shared; expected private fields of the member's own, each once"),
            ));
        }
    }
    Ok(())
}

/// An event of an introduction that changes from one status to another.
fn step(kind: EventKind, by: Actor, before: Option<Status>, introduction: &Introduction) -> Happened {
    Happened {
        kind,
        by,
        introduction: Some(introduction.id.clone()),
        mentee: Some(introduction.mentee.clone()),
        mentor: Some(introduction.mentor.clone()),
        member: None,
        from: before,
        to: Some(introduction.status).filter(|status| Some(*status) != before),
        reason: introduction.reason.filter(|_| Some(introduction.status) != before),
        step: None,
        cause: introduction.cause.filter(|_| before.is_none()),
    }
}
