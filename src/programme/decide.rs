//! The rules: who may do what and when, and what comes of it. Computing only, so that they can be tried in any order.

mod alone;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;
mod together;

use jiff::{SignedDuration, Timestamp};

use std::collections::BTreeMap;

use super::event::{Actor, EventKind, Happened};
use super::guidelines::Guidelines;
use super::introduction::{Introduction, IntroductionId, LONGEST_WORDS, Reason, Side, Status};
use super::participation::{Participation, Stated};
use super::path::PathTemplate;
use crate::member::{Invalid, Member, MemberId, Role};

/// What an operator sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Requests without an answer that one mentee may have at once.
    pub open_requests: usize,
    /// How long a mentor has to answer.
    pub answer: SignedDuration,
    /// After how long they are reminded.
    pub reminder: SignedDuration,
    /// How long a mentee waits before they ask somebody again who declined or did not answer.
    pub again: SignedDuration,
    /// Mentees at once of a mentor who states no capacity.
    pub capacity: u32,
    /// Whether a member who does not state `adult` may take part.
    pub adult_when_absent: bool,
    /// What both are told.
    pub guidelines: Guidelines,
    /// The programmes, by name.
    pub paths: BTreeMap<String, PathTemplate>,
    /// The one that is followed where nobody chooses.
    pub path: String,
}

/// Whom and what a decision is about: what has to be known for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// An introduction that there is not yet.
    Pair {
        /// Who asks.
        mentee: MemberId,
        /// Who is asked.
        mentor: MemberId,
    },
    /// One that there is.
    Introduction(IntroductionId),
    /// One member alone.
    Member(MemberId),
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A mentee asks a mentor.
    Request {
        /// What it is to be called.
        id: IntroductionId,
        /// To the mentor.
        note: Option<String>,
        /// Private fields that the mentor may see once they accept.
        shares: Vec<String>,
        /// The programme that is wanted.
        path: Option<String>,
        /// The match of the two.
        match_: f64,
        /// The search's state by which it was computed.
        state: String,
    },
    /// The mentor says yes.
    Accept {
        /// The version of the guidelines that they accept with it.
        accepts_guidelines: Option<String>,
        /// Private fields that the mentee may see from now on.
        shares: Vec<String>,
    },
    /// The mentor says no.
    Decline {
        /// Why.
        reason: Reason,
        /// The same in words, for the mentee.
        words: Option<String>,
    },
    /// The mentee takes the request back.
    Withdraw,
    /// The two checked in.
    CheckIn {
        /// At which step, counted from 1.
        step: usize,
        /// What was said.
        words: Option<String>,
    },
    /// It is done.
    Complete,
    /// It is ended before it is done.
    End {
        /// Why.
        reason: Reason,
        /// The same in words, for the other.
        words: Option<String>,
    },
    /// One of the two has something to tell a manager; it ends.
    Report {
        /// Who reports.
        by: Side,
        /// What happened.
        words: String,
    },
    /// A member joins, or changes how they take part.
    Join(Stated),
    /// A member leaves.
    Leave,
    /// Time passed.
    Wait,
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Action::Request { .. } => "request",
            Action::Accept { .. } => "accept",
            Action::Decline { .. } => "decline",
            Action::Withdraw => "withdraw",
            Action::CheckIn { .. } => "check in on",
            Action::Complete => "complete",
            Action::End { .. } => "end",
            Action::Report { .. } => "report",
            Action::Join(_) => "join",
            Action::Leave => "leave",
            Action::Wait => "wait for",
        }
    }
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
    #[error("cannot {action} what is {status}", status = status.name())]
    Status {
        /// How far it is.
        status: Status,
        /// What was to be done.
        action: &'static str,
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
    pub rules: &'a Rules,
    /// Whom and what it is about.
    pub about: About,
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
        match (&self.about, action) {
            (About::Member(id), Action::Join(stated)) => self.join(id, &stated, by),
            (About::Member(id), Action::Leave) => self.leave(id, by),
            (About::Pair { mentee, mentor }, action @ Action::Request { .. }) => {
                self.request(mentee, mentor, action, by)
            }
            (_, action) => match &self.introduction {
                Some(introduction) => self.go_on(introduction, action, by),
                None => Err(Refusal::Unknown),
            },
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

    /// A member who is stored and of age.
    fn of_age(&self, id: &MemberId) -> Result<&Member, Refusal> {
        let record = self.record(id).ok_or(Refusal::NotAvailable)?;
        if record.adult.unwrap_or(self.rules.adult_when_absent) { Ok(record) } else { Err(Refusal::NotAvailable) }
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
    // Whom they know is not theirs alone to share.
    let others = |field: &String| matches!(field.as_str(), "friends" | "colleagues");
    let kept = |field: &String| record.keeps_private(field) || Member::NEVER_SHOWN.contains(&field.as_str());
    for (at, field) in shares.iter().enumerate() {
        if !kept(field) || others(field) || shares[..at].contains(field) {
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
    }
}
