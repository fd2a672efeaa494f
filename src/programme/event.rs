//! What happened in the programme, in order: nothing of it changes without a line here. Events hold ids, and no words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::introduction::{Cause, IntroductionId, Reason, Status};
use crate::member::MemberId;
use crate::store::StoreError;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A member joined, or joined again.
    Joined,
    /// A member changed how they take part.
    Changed,
    /// A mentor accepted the guidelines.
    AcceptedGuidelines,
    /// A member left.
    Left,
    /// A member consented to the organisers' looking at what they keep private in a cohort.
    Consented,
    /// A member took that back.
    WithdrewConsent,
    /// A mentee waits for a good mentor.
    JoinedWaitlist,
    /// A mentee waits no more.
    LeftWaitlist,
    /// There is a good mentor for a mentee who waited, and now waits no more.
    MentorFound,
    /// A mentee asked a mentor.
    Requested,
    /// A request waits for its answer.
    Reminded,
    /// A mentor said yes.
    Accepted,
    /// A mentor said no.
    Declined,
    /// A request was not answered in time.
    Expired,
    /// A mentee took a request back.
    Withdrawn,
    /// A check-in is due.
    CheckInDue,
    /// The two checked in.
    CheckedIn,
    /// It was ended before it was done.
    Ended,
    /// It was done as it was meant.
    Completed,
    /// A mentee who completed is invited to become a mentor.
    Graduated,
    /// One of the two reported the other.
    Reported,
}

impl EventKind {
    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Joined => "joined",
            EventKind::Changed => "changed",
            EventKind::AcceptedGuidelines => "accepted_guidelines",
            EventKind::Left => "left",
            EventKind::Consented => "consented",
            EventKind::WithdrewConsent => "withdrew_consent",
            EventKind::JoinedWaitlist => "joined_waitlist",
            EventKind::LeftWaitlist => "left_waitlist",
            EventKind::MentorFound => "mentor_found",
            EventKind::Requested => "requested",
            EventKind::Reminded => "reminded",
            EventKind::Accepted => "accepted",
            EventKind::Declined => "declined",
            EventKind::Expired => "expired",
            EventKind::Withdrawn => "withdrawn",
            EventKind::CheckInDue => "check_in_due",
            EventKind::CheckedIn => "checked_in",
            EventKind::Ended => "ended",
            EventKind::Completed => "completed",
            EventKind::Graduated => "graduated",
            EventKind::Reported => "reported",
        }
    }
}

/// Who brought it about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A member, for themselves.
    Member(MemberId),
    /// A program of the community's, by its key's id.
    Key(String),
    /// Whoever works at the machine that rapport runs on.
    Operator,
    /// The time that passed.
    Clock,
    /// A member who was forgotten since.
    Forgotten,
}

/// What a decision says that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Happened {
    /// What.
    pub kind: EventKind,
    /// Who brought it about.
    pub by: Actor,
    /// Of which introduction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub introduction: Option<IntroductionId>,
    /// The mentee of it; absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub mentee: Option<MemberId>,
    /// The mentor of it; absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub mentor: Option<MemberId>,
    /// Who joined, changed, accepted or left; absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub member: Option<MemberId>,
    /// The status before, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Status>,
    /// The status after, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Status>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// Which step of the way, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<usize>,
    /// What made the mentee ask, unless they did by themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
}

impl Happened {
    /// Something of a member's own.
    pub fn of_member(kind: EventKind, by: Actor, member: MemberId) -> Happened {
        let (introduction, mentee, mentor, from, to) = (None, None, None, None, None);
        let (reason, step, cause) = (None, None, None);
        Happened { kind, by, introduction, mentee, mentor, member: Some(member), from, to, reason, step, cause }
    }

    /// The same without a member's id; says whether it was in it.
    pub fn forget(&mut self, id: &MemberId) -> bool {
        let mut found = false;
        for place in [&mut self.mentee, &mut self.mentor, &mut self.member] {
            found |= place.take_if(|member| member == id).is_some();
        }
        if self.by == Actor::Member(id.clone()) {
            (self.by, found) = (Actor::Forgotten, true);
        }
        found
    }
}

/// An event, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its place in the order, from 1; none is left out. The database gives it.
    #[serde(skip_serializing_if = "is_zero", default)]
    #[schema(required)]
    pub number: u64,
    /// When (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub happened: Happened,
}

impl Event {
    /// An event as the database has it.
    ///
    /// # Errors
    /// [`StoreError::Programme`].
    pub fn read(number: u64, record: &str) -> Result<Event, StoreError> {
        let unread = |error: serde_json::Error| StoreError::Programme { what: "an event", problem: error.to_string() };
        Ok(Event { number, ..serde_json::from_str(record).map_err(unread)? })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde passes it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Events as CSV (RFC 4180), with a head where it is asked for.
///
/// # Errors
/// Where it cannot be written.
pub fn to_csv(events: &[Event], head: bool, out: &mut dyn std::io::Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    if head {
        writer.write_record([
            "number",
            "at",
            "event",
            "by",
            "introduction",
            "mentee",
            "mentor",
            "member",
            "from",
            "to",
            "reason",
            "step",
            "cause",
        ])?;
    }
    for Event { number, at, happened } in events {
        let Happened { kind, by, introduction, mentee, mentor, member, from, to, reason, step, cause } = happened;
        let by = match by {
            Actor::Member(id) => format!("member:{id}"),
            Actor::Key(id) => format!("key:{id}"),
            Actor::Operator => "operator".into(),
            Actor::Clock => "clock".into(),
            Actor::Forgotten => "forgotten".into(),
        };
        let id = |id: &Option<MemberId>| id.as_ref().map_or(String::new(), |id| harmless(id.as_str()));
        let name = |status: &Option<Status>| status.map_or("", Status::name).to_owned();
        let reason = reason.and_then(|reason| serde_json::to_value(reason).ok());
        let cause = cause.map_or("", Cause::name);
        writer.write_record([
            number.to_string(),
            at.to_string(),
            kind.name().to_owned(),
            harmless(&by),
            introduction.as_ref().map_or(String::new(), ToString::to_string),
            id(mentee),
            id(mentor),
            id(member),
            name(from),
            name(to),
            reason.as_ref().and_then(|reason| reason.as_str()).unwrap_or_default().to_owned(),
            step.map_or(String::new(), |step| step.to_string()),
            cause.to_owned(),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

/// A value that a spreadsheet does not take for a formula.
pub(crate) fn harmless(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_by_its_name() {
        for kind in [
            EventKind::Joined,
            EventKind::WithdrewConsent,
            EventKind::LeftWaitlist,
            EventKind::MentorFound,
            EventKind::AcceptedGuidelines,
            EventKind::CheckInDue,
            EventKind::Graduated,
        ] {
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.name().into()));
        }
    }

    #[test]
    fn a_forgotten_member_is_named_nowhere_and_the_event_stays() {
        let ada = MemberId::new("ada").expect("an id");
        let mut happened = Happened {
            mentee: Some(ada.clone()),
            mentor: MemberId::new("grace").ok(),
            ..Happened::of_member(EventKind::Requested, Actor::Member(ada.clone()), ada.clone())
        };
        assert!(happened.forget(&ada));
        assert!(!serde_json::to_string(&happened).expect("JSON").contains("ada"));
        assert_eq!(happened.mentor.as_ref().map(MemberId::as_str), Some("grace"));
        assert!(!happened.forget(&ada), "it is there no more");
    }

    #[test]
    fn a_spreadsheet_runs_nothing_of_an_export() {
        let member = MemberId::new("=cmd|' /C calc'!A0").expect("an id");
        let happened = Happened::of_member(EventKind::Joined, Actor::Operator, member);
        let event = Event { number: 1, at: Timestamp::UNIX_EPOCH, happened };
        let mut out = Vec::new();
        to_csv(&[event], true, &mut out).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains(",'=cmd|"), "{text}");
    }
}
