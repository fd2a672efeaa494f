//! What a mentee and a mentor decide about one another.

use super::super::deed::Deed;
use super::super::event::{Actor, EventKind, Happened};
use super::super::introduction::{Introduction, Reason, Report, Side, Status};
use super::super::path::Path;
use super::{Decision, Facts, Refusal, Request, Standing, check_shares, step, words};
use crate::member::{Invalid, Member, MemberId, Role};

impl Facts<'_> {
    pub(super) fn ask(&self, request: Request, by: Actor) -> Result<Decision, Refusal> {
        let Request { id, mentee, mentor, note, shares, path, match_, state, cause } = request;
        let (mentee, mentor) = (&mentee, &mentor);
        if mentee == mentor {
            return Err(Invalid::new("mentor", "is the mentee; nobody is their own mentor").into());
        }
        let asking = self.may_meet(mentee, mentor)?;
        check_shares(&shares, asking)?;
        let note = words("note", note)?;
        let path = path.unwrap_or_else(|| self.rules.path.clone());
        if !self.rules.templates.contains_key(&path) {
            let known: Vec<&str> = self.rules.templates.keys().map(String::as_str).collect();
            return Err(Invalid::new("path", format!("{path:?} is none of {}", known.join(", "))).into());
        }
        self.may_ask(mentee, mentor)?;
        let waiting =
            |introduction: &&Introduction| introduction.mentee == *mentee && introduction.status == Status::Requested;
        let open = self.theirs.iter().filter(waiting).count();
        if open >= self.rules.open_requests {
            return Err(Refusal::OpenRequests { open });
        }
        self.has_room(mentor)?;
        let introduction = Introduction {
            id,
            mentee: mentee.clone(),
            mentor: mentor.clone(),
            status: Status::Requested,
            requested: self.now,
            answered: None,
            since: self.now,
            expires: Some(self.now + self.rules.answer()),
            reminded: false,
            note,
            mentee_shares: shares,
            mentor_shares: Vec::new(),
            reason: None,
            words: None,
            reports: Vec::new(),
            match_,
            state,
            cause,
            path: Path::later(&path),
        };
        let happened = vec![step(EventKind::Requested, by, None, &introduction)];
        Ok(Decision { introductions: vec![introduction], participation: None, happened })
    }

    /// Refuses who is not available to the other, or does not have the role that it takes; else gives the mentee.
    pub(super) fn may_meet(&self, mentee: &MemberId, mentor: &MemberId) -> Result<&Member, Refusal> {
        let (asking, asked) = self.both(mentee, mentor)?;
        if asking.paused || asked.paused || self.has_left(mentee) || self.has_left(mentor) {
            return Err(Refusal::NotAvailable);
        }
        for (record, role) in [(asking, Role::Mentee), (asked, Role::Mentor)] {
            if !record.is(role) {
                return Err(Refusal::Role { member: record.id.clone(), role });
            }
        }
        Ok(asking)
    }

    /// Whether the one may ask the other, after what was between them.
    pub(super) fn may_ask(&self, mentee: &MemberId, mentor: &MemberId) -> Result<(), Refusal> {
        for introduction in &self.theirs {
            let between = [&introduction.mentee, &introduction.mentor];
            if !(between.contains(&mentee) && between.contains(&mentor)) {
                continue;
            }
            // Two people may well be each other's mentor.
            let same_way = introduction.mentee == *mentee;
            let lately = self.now < introduction.since + self.rules.again();
            let over = introduction.status != Status::Completed && lately;
            // Whoever was reported is told no more than whoever asked lately.
            let reported = !introduction.reports.is_empty();
            if reported || (same_way && (introduction.status.is_open() || over)) {
                return Err(Refusal::AskedBefore { status: introduction.status });
            }
        }
        Ok(())
    }

    pub(super) fn has_room(&self, mentor: &MemberId) -> Result<(), Refusal> {
        let Standing { taken, capacity, .. } = self.standing(mentor);
        if taken >= capacity as usize { Err(Refusal::Full { taken, capacity }) } else { Ok(()) }
    }

    /// What comes of a deed.
    pub(super) fn go_on(&self, introduction: &Introduction, deed: Deed, by: Actor) -> Result<Decision, Refusal> {
        let before = introduction.status;
        let overdue = introduction.expires.is_some_and(|expires| expires <= self.now);
        let status = if overdue { Status::Expired } else { before };
        let expected = match &deed {
            Deed::Accept { .. } | Deed::Decline { .. } | Deed::Withdraw => Status::Requested,
            Deed::CheckIn { .. } | Deed::Complete | Deed::End { .. } => Status::Accepted,
            Deed::Report { .. } => status,
        };
        let refused = Refusal::Status { status, deed: deed.name() };
        if status != expected {
            return Err(refused);
        }
        let mut after = introduction.clone();
        let mut decision = Decision::default();
        let mut become_ = |status: Status, reason: Option<Reason>, words: Option<String>| {
            (after.status, after.since, after.expires) = (status, self.now, None);
            (after.reason, after.words) = (reason, words);
        };
        let kind = match deed {
            Deed::Accept { accepts_guidelines, shares } => {
                let mentor = &introduction.mentor;
                let (_, record) = self.both(&introduction.mentee, mentor)?;
                if !record.is(Role::Mentor) {
                    return Err(Refusal::Role { member: mentor.clone(), role: Role::Mentor });
                }
                check_shares(&shares, record)?;
                let accepted = self.accept_guidelines(mentor, accepts_guidelines, &by)?;
                (decision.participation, decision.happened) = accepted;
                self.has_room(mentor)?;
                become_(Status::Accepted, None, None);
                after.answered = Some(self.now);
                after.mentor_shares = shares;
                // A programme that was taken away since it was asked for is followed no more.
                let templates = &self.rules.templates;
                let template = templates.get(&after.path.name).or_else(|| templates.get(&self.rules.path));
                if let Some(template) = template {
                    after.path.begin(template, self.now);
                }
                EventKind::Accepted
            }
            Deed::Decline { reason, words: said } => {
                become_(Status::Declined, Some(stated(reason)?), self.words_to(introduction, said)?);
                after.answered = Some(self.now);
                EventKind::Declined
            }
            Deed::Withdraw => {
                become_(Status::Withdrawn, None, None);
                EventKind::Withdrawn
            }
            Deed::Complete => {
                become_(Status::Completed, None, None);
                EventKind::Completed
            }
            Deed::End { reason, words: said } => {
                become_(Status::Ended, Some(stated(reason)?), self.words_to(introduction, said)?);
                EventKind::Ended
            }
            Deed::Report { by: side, words: said } => {
                let side = side.ok_or_else(|| Invalid::new("as", "is missing; expected mentee or mentor"))?;
                let told = words("words", Some(said))?;
                let told = told.ok_or_else(|| Invalid::new("words", "is empty; expected what happened"))?;
                if after.reports.iter().any(|report| report.by == side) {
                    return Err(refused);
                }
                match before {
                    Status::Requested if side == Side::Mentee => become_(Status::Withdrawn, None, None),
                    Status::Requested => become_(Status::Declined, Some(Reason::Other), None),
                    Status::Accepted => become_(Status::Ended, Some(Reason::Other), None),
                    _ => {}
                }
                after.reports.push(Report { by: side, words: told });
                self.end_others(introduction, &by, &mut decision);
                EventKind::Reported
            }
            Deed::CheckIn { step: at, words: said } => return self.check_in(introduction, at, said, by),
        };
        decision.happened.push(step(kind, by.clone(), Some(before), &after));
        if kind == EventKind::Completed {
            let mentors = self.record(&after.mentee).is_some_and(|record| record.is(Role::Mentor));
            if !mentors {
                let graduated = Happened { from: None, to: None, ..step(EventKind::Graduated, by, None, &after) };
                decision.happened.push(graduated);
            }
        }
        // What was asked for is told first.
        decision.introductions.insert(0, after);
        Ok(decision)
    }

    /// What somebody writes to the other; nothing reaches who is not available to them any more.
    fn words_to(&self, introduction: &Introduction, said: Option<String>) -> Result<Option<String>, Invalid> {
        let said = words("words", said)?;
        Ok(said.filter(|_| self.both(&introduction.mentee, &introduction.mentor).is_ok()))
    }

    /// Ends whatever else is open between the two of an introduction.
    fn end_others(&self, introduction: &Introduction, by: &Actor, decision: &mut Decision) {
        let both = [&introduction.mentee, &introduction.mentor];
        for other in &self.theirs {
            let between = both.contains(&&other.mentee) && both.contains(&&other.mentor);
            if other.id == introduction.id || !between || !other.status.is_open() {
                continue;
            }
            let (status, kind) = match other.status {
                Status::Accepted => (Status::Ended, EventKind::Ended),
                _ => (Status::Withdrawn, EventKind::Withdrawn),
            };
            let ended =
                Introduction { status, since: self.now, expires: None, reason: Some(Reason::Other), ..other.clone() };
            decision.happened.push(step(kind, by.clone(), Some(other.status), &ended));
            decision.introductions.push(ended);
        }
    }

    /// Has the mentor accept the guidelines in force, unless they have.
    #[allow(clippy::type_complexity, reason = "two parts of a decision")]
    fn accept_guidelines(
        &self,
        mentor: &MemberId,
        version: Option<String>,
        by: &Actor,
    ) -> Result<(Option<(MemberId, super::Participation)>, Vec<Happened>), Refusal> {
        let in_force = &self.rules.guidelines.mentor.version;
        let participation = self.people.get(mentor).map(|person| person.participation.clone()).unwrap_or_default();
        if let Some(version) = &version {
            self.rules.guidelines.check_version(version)?;
        }
        if participation.accepted_guidelines.contains_key(in_force) {
            return Ok((None, Vec::new()));
        }
        let Some(version) = version else { return Err(Refusal::Guidelines { version: in_force.clone() }) };
        let mut participation = participation;
        participation.accepted_guidelines.insert(version, self.now);
        let happened = Happened::of_member(EventKind::AcceptedGuidelines, by.clone(), mentor.clone());
        Ok((Some((mentor.clone(), participation)), vec![happened]))
    }

    fn check_in(
        &self,
        introduction: &Introduction,
        at: usize,
        said: Option<String>,
        by: Actor,
    ) -> Result<Decision, Refusal> {
        self.both(&introduction.mentee, &introduction.mentor)?;
        let mut after = introduction.clone();
        let steps = after.path.steps.len();
        let checked = at.checked_sub(1).and_then(|at| after.path.steps.get_mut(at));
        let checked = checked.ok_or_else(|| Invalid::new("step", format!("is {at}; expected 1 to {steps}")))?;
        if checked.done.is_some() {
            return Err(Invalid::new("step", format!("{at} was checked in on already")).into());
        }
        (checked.done, checked.words) = (Some(self.now), words("words", said)?);
        let happened =
            Happened { step: Some(at), ..step(EventKind::CheckedIn, by, Some(introduction.status), introduction) };
        Ok(Decision { introductions: vec![after], participation: None, happened: vec![happened] })
    }

    /// What the clock does: remind, expire, tell that a check-in is due.
    pub(super) fn wait(&self, introduction: &Introduction, by: Actor) -> Decision {
        let mut after = introduction.clone();
        let mut happened = Vec::new();
        let before = Some(introduction.status);
        let gone = [&introduction.mentee, &introduction.mentor].into_iter().any(|id| self.of_age(id).is_err());
        match (introduction.status, introduction.expires) {
            // Whoever is no longer there, or not of age after all, is waited for no more, and takes no place.
            (status, _) if gone && status.is_open() => {
                let (next, kind) = match status {
                    Status::Accepted => (Status::Ended, EventKind::Ended),
                    _ => (Status::Expired, EventKind::Expired),
                };
                (after.status, after.since, after.expires, after.reason) = (next, self.now, None, Some(Reason::Left));
                happened.push(step(kind, by, before, &after));
            }
            (Status::Requested, Some(expires)) if expires <= self.now => {
                (after.status, after.since, after.expires) = (Status::Expired, self.now, None);
                happened.push(step(EventKind::Expired, by, before, &after));
            }
            (Status::Requested, _) if !after.reminded && after.requested + self.rules.reminder() <= self.now => {
                after.reminded = true;
                happened.push(step(EventKind::Reminded, by, before, &after));
            }
            (Status::Accepted, _) => {
                for (at, due) in after.path.steps.iter_mut().enumerate() {
                    if due.done.is_none() && !due.told && due.due <= self.now {
                        due.told = true;
                        let told = step(EventKind::CheckInDue, by.clone(), before, introduction);
                        happened.push(Happened { step: Some(at + 1), ..told });
                    }
                }
            }
            _ => {}
        }
        // Written even where nothing happened: other rules may be in force than when it was last looked at.
        Decision { introductions: vec![after], participation: None, happened }
    }
}

/// A reason that somebody may give.
fn stated(reason: Reason) -> Result<Reason, Invalid> {
    match reason {
        Reason::Left => Err(Invalid::new("reason", "is for who leaves the programme; expected another one")),
        reason => Ok(reason),
    }
}
