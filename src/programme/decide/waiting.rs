//! Waiting for a good mentor: a mentee is told of the first one who comes, once.

use super::super::event::{Actor, EventKind, Happened};
use super::{Decision, Facts, Refusal};
use crate::member::{MemberId, Role};

impl Facts<'_> {
    pub(super) fn join_waitlist(&self, id: &MemberId, by: Actor) -> Result<Decision, Refusal> {
        if self.rules.good_match.member.is_none() {
            return Err(Refusal::NoThreshold);
        }
        let record = self.of_age(id)?;
        if record.paused || self.has_left(id) {
            return Err(Refusal::NotAvailable);
        }
        if !record.is(Role::Mentee) {
            return Err(Refusal::Role { member: id.clone(), role: Role::Mentee });
        }
        Ok(self.waits(id, true, Happened::of_member(EventKind::JoinedWaitlist, by, id.clone())))
    }

    pub(super) fn leave_waitlist(&self, id: &MemberId, by: Actor) -> Result<Decision, Refusal> {
        self.record(id).ok_or(Refusal::NotAvailable)?;
        Ok(self.waits(id, false, Happened::of_member(EventKind::LeftWaitlist, by, id.clone())))
    }

    /// Tells a mentee who waits of a mentor whom they may ask, and who has a place.
    pub(super) fn mentor_came(&self, mentee: &MemberId, mentor: &MemberId, by: Actor) -> Result<Decision, Refusal> {
        self.may_meet(mentee, mentor)?;
        self.may_ask(mentee, mentor)?;
        self.has_room(mentor)?;
        let named = Happened::of_member(EventKind::MentorFound, by, mentee.clone());
        let told = Happened { member: None, mentee: Some(mentee.clone()), mentor: Some(mentor.clone()), ..named };
        Ok(self.waits(mentee, false, told))
    }

    /// Has a member wait, or wait no more; nothing where they do already.
    fn waits(&self, id: &MemberId, waits: bool, told: Happened) -> Decision {
        let mut participation = self.people.get(id).map(|person| person.participation.clone()).unwrap_or_default();
        if participation.waits_since.is_some() == waits {
            return Decision::default();
        }
        participation.waits_since = waits.then_some(self.now);
        Decision { participation: Some((id.clone(), participation)), happened: vec![told], ..Decision::default() }
    }
}
