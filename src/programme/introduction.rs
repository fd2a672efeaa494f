//! An introduction: a mentee asks a mentor, and what becomes of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::Path;
use crate::member::{Invalid, MemberId};

/// The longest note or reason in words, in characters.
pub const LONGEST_WORDS: usize = 2_000;

/// The name of an introduction: `i-` and 16 hex digits, drawn at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
pub struct IntroductionId(String);

impl IntroductionId {
    /// One that nobody has.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn random() -> Result<IntroductionId, getrandom::Error> {
        Ok(IntroductionId(format!("i-{:016x}", getrandom::u64()?)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IntroductionId {
    type Error = Invalid;

    fn try_from(written: String) -> Result<Self, Invalid> {
        let digits = written.strip_prefix("i-").filter(|digits| digits.len() == 16);
        match digits.filter(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))) {
            Some(_) => Ok(IntroductionId(written)),
            None => Err(Invalid::new("id", format!("{written:?} is no introduction; expected i- and 16 hex digits"))),
        }
    }
}

impl fmt::Display for IntroductionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far an introduction is.
///
/// ```text
/// requested -> accepted -> completed
///     |            `-----> ended
///     `-> declined, expired, withdrawn
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The mentee asked; the mentor has not answered.
    Requested,
    /// The mentor said yes; it takes one of their places.
    Accepted,
    /// The mentor said no.
    Declined,
    /// The mentor did not answer in time.
    Expired,
    /// The mentee took the request back.
    Withdrawn,
    /// One of the two ended it before it was done.
    Ended,
    /// It was done as it was meant.
    Completed,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 7] = [
        Status::Requested,
        Status::Accepted,
        Status::Declined,
        Status::Expired,
        Status::Withdrawn,
        Status::Ended,
        Status::Completed,
    ];

    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Status::Requested => "requested",
            Status::Accepted => "accepted",
            Status::Declined => "declined",
            Status::Expired => "expired",
            Status::Withdrawn => "withdrawn",
            Status::Ended => "ended",
            Status::Completed => "completed",
        }
    }

    /// The status of a name.
    pub fn named(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether it goes on: it is to be answered, or the two are at work.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Requested | Status::Accepted)
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who asked.
    Mentee,
    /// Who was asked.
    Mentor,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Mentee => Side::Mentor,
            Side::Mentor => Side::Mentee,
        }
    }
}

/// Why a mentor declines, or why somebody ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no time for it.
    NoTime,
    /// It is not what they can help with, or not the help that was meant.
    NotAFit,
    /// They have as many mentees as they can take.
    Full,
    /// The other one does not answer.
    NoAnswer,
    /// One of the two left the programme.
    Left,
    /// Something else.
    Other,
}

/// An introduction, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Introduction {
    /// Its name.
    #[schema(value_type = String)]
    pub id: IntroductionId,
    /// Who asked.
    #[schema(value_type = String)]
    pub mentee: MemberId,
    /// Who was asked.
    #[schema(value_type = String)]
    pub mentor: MemberId,
    /// How far it is.
    pub status: Status,
    /// When it was asked for (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub requested: Timestamp,
    /// When the mentor said yes or no.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub answered: Option<Timestamp>,
    /// Since when it has its status.
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// Until when it is to be answered, while it is requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires: Option<Timestamp>,
    /// Whether the mentor was reminded of it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reminded: bool,
    /// What the mentee wrote to the mentor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Private fields of the mentee's that the mentor may see once it is accepted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentee_shares: Vec<String>,
    /// Private fields of the mentor's that the mentee may see, since it was accepted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentor_shares: Vec<String>,
    /// Why it was declined or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same in words, for the other one to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Who reported the other, and what for, one of each side at most: for managers, and each side's own.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reports: Vec<Report>,
    /// The match when it was asked for.
    #[serde(rename = "match")]
    pub match_: f64,
    /// The search's state by which it was computed.
    pub state: String,
    /// What made the mentee ask, unless they did by themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// The way that the two go since it was accepted.
    pub path: Path,
}

/// What makes a mentee ask a mentor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The organisers asked for them, by the pairs of a cohort.
    Cohort,
}

impl Cause {
    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Cohort => "cohort",
        }
    }
}

/// What one of the two has to tell a manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Who reports.
    pub by: Side,
    /// What happened.
    pub words: String,
}

impl Introduction {
    /// The member of a side.
    pub fn member(&self, side: Side) -> &MemberId {
        match side {
            Side::Mentee => &self.mentee,
            Side::Mentor => &self.mentor,
        }
    }

    /// The side of a member.
    pub fn side_of(&self, member: &MemberId) -> Option<Side> {
        [Side::Mentee, Side::Mentor].into_iter().find(|side| self.member(*side) == member)
    }

    /// Whether both have agreed to be seen by one another, and go on with it.
    pub fn is_shared(&self) -> bool {
        self.status == Status::Accepted
    }

    /// The same as one of the two may read it: without what the other told managers, and without which private fields the other
    /// would share.
    pub fn seen_by(mut self, side: Side) -> Introduction {
        self.reports.retain(|report| report.by == side);
        if !self.is_shared() {
            match side {
                Side::Mentee => self.mentor_shares.clear(),
                Side::Mentor => self.mentee_shares.clear(),
            }
        }
        self
    }

    /// When the clock next has something to do with it: a reminder, its end, a check-in that is due.
    pub fn next_due(&self, reminder: jiff::SignedDuration) -> Option<Timestamp> {
        match (self.status, self.expires) {
            (Status::Requested, Some(expires)) if self.reminded => Some(expires),
            (Status::Requested, Some(expires)) => Some(expires.min(self.requested + reminder)),
            (Status::Accepted, _) => self.path.next_due(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_by_its_name() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).ok(), Some(status.name().into()));
            assert_eq!(Status::named(status.name()), Some(status));
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = IntroductionId::random().expect("randomness");
        assert_eq!(IntroductionId::try_from(id.to_string()), Ok(id));
        for wrong in ["", "i-", "i-00", "x-0000000000000000", "i-00000000000000G0", "i-0000000000000000 "] {
            assert!(IntroductionId::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
        }
    }
}
