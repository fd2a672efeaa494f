//! What a member decides for themselves: to join, to change how they take part, to leave.

use super::super::event::{Actor, EventKind, Happened};
use super::super::introduction::{Introduction, Reason, Status};
use super::super::participation::Stated;
use super::{Decision, Facts, Refusal, step};
use crate::member::MemberId;

impl Facts<'_> {
    pub(super) fn join(&self, id: &MemberId, stated: &Stated, by: Actor) -> Result<Decision, Refusal> {
        stated.check(&self.rules.guidelines)?;
        let person = self.people.get(id).ok_or(Refusal::NotAvailable)?;
        let record = person.record.as_ref().ok_or(Refusal::NotAvailable)?;
        if !record.adult.unwrap_or(self.adult_when_absent) {
            return Err(Refusal::Minor);
        }
        let before = &person.participation;
        let mut after = before.clone();
        after.state(stated, self.now);
        let mut happened = Vec::new();
        let mut note = |kind| happened.push(Happened::of_member(kind, by.clone(), id.clone()));
        let joined = before.joined.is_none() || before.left.is_some();
        if joined {
            note(EventKind::Joined);
        }
        if after.accepted_guidelines != before.accepted_guidelines {
            note(EventKind::AcceptedGuidelines);
        }
        match (before.private_in_cohorts, after.private_in_cohorts) {
            (None, Some(_)) => note(EventKind::Consented),
            (Some(_), None) => note(EventKind::WithdrewConsent),
            _ => {}
        }
        if !joined && before.stated != after.stated {
            note(EventKind::Changed);
        }
        Ok(Decision { participation: Some((id.clone(), after)), happened, ..Decision::default() })
    }

    /// What is open ends with it.
    pub(super) fn leave(&self, id: &MemberId, by: Actor) -> Result<Decision, Refusal> {
        let forgotten = by == Actor::Forgotten;
        if !forgotten && self.record(id).is_none() {
            return Err(Refusal::NotAvailable);
        }
        let mut decision = Decision::default();
        let own = |introduction: &&Introduction| introduction.status.is_open() && introduction.side_of(id).is_some();
        for introduction in self.theirs.iter().filter(own) {
            let (status, kind) = match introduction.status {
                Status::Accepted => (Status::Ended, EventKind::Ended),
                _ if introduction.mentee == *id => (Status::Withdrawn, EventKind::Withdrawn),
                _ => (Status::Declined, EventKind::Declined),
            };
            let ended = Introduction {
                status,
                since: self.now,
                expires: None,
                reason: Some(Reason::Left),
                ..introduction.clone()
            };
            decision.happened.push(step(kind, by.clone(), Some(introduction.status), &ended));
            decision.introductions.push(ended);
        }
        let mut participation = self.people.get(id).map(|person| person.participation.clone()).unwrap_or_default();
        if participation.left.is_none() {
            participation.left = Some(self.now);
            (participation.waits_since, participation.private_in_cohorts) = (None, None);
            decision.happened.push(Happened::of_member(EventKind::Left, by, id.clone()));
        }
        // Of who is forgotten nothing is written any more, or it would look like a record that came after the erasure.
        decision.participation = (!forgotten).then(|| (id.clone(), participation));
        Ok(decision)
    }
}
