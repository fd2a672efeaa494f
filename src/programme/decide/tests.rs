//! Whatever anybody does in whatever order, the rules hold.

use proptest::prelude::*;

use jiff::SignedDuration;

use super::*;
use crate::programme::{Reason, Side};

const PEOPLE: [&str; 4] = ["ada", "bea", "cid", "dan"];

/// Few of everything, so that limits are met.
fn rules() -> ProgrammeConfig {
    let good_match = crate::search::GoodMatch { member: Some(0.5), ..Default::default() };
    ProgrammeConfig { open_requests: 2, again_days: 30, capacity: 1, good_match, ..ProgrammeConfig::default() }
}

/// The nth to be asked for: what a run finds is found again.
fn request(nth: usize, mentee: &str, mentor: &str) -> Request {
    let (id, state) = (IntroductionId::try_from(format!("i-{nth:016x}")).unwrap(), String::new());
    let [mentee, mentor] = [mentee, mentor].map(|id| MemberId::new(id).unwrap());
    Request {
        id,
        mentee,
        mentor,
        note: Some("hello".into()),
        shares: Vec::new(),
        path: None,
        match_: 0.5,
        state,
        cause: None,
    }
}

/// Everything there is, as a database would have it.
struct World {
    now: Timestamp,
    rules: ProgrammeConfig,
    people: BTreeMap<MemberId, Person>,
    introductions: BTreeMap<IntroductionId, Introduction>,
    happened: Vec<Happened>,
}

impl World {
    fn new() -> World {
        let person = |id: &&str| {
            let id = MemberId::new(*id).unwrap();
            let roles = vec![Role::Mentor, Role::Mentee];
            (id.clone(), Person { record: Some(Member { id, roles, ..Member::default() }), ..Person::default() })
        };
        let people = PEOPLE.iter().map(person).collect();
        let (now, rules) = (Timestamp::UNIX_EPOCH, rules());
        World { now, rules, people, introductions: BTreeMap::new(), happened: Vec::new() }
    }

    fn act(&mut self, about: Option<&IntroductionId>, action: Action) -> Result<(), Refusal> {
        let facts = Facts {
            now: self.now,
            rules: &self.rules,
            adult_when_absent: true,
            introduction: about.and_then(|id| self.introductions.get(id)).cloned(),
            people: self.people.clone(),
            theirs: self.introductions.values().cloned().collect(),
        };
        let decision = facts.decide(action, Actor::Operator)?;
        for after in &decision.introductions {
            let before = self.introductions.insert(after.id.clone(), after.clone()).map(|before| before.status);
            let told = |happened: &&Happened| happened.introduction.as_ref() == Some(&after.id);
            let changes = decision.happened.iter().filter(told).filter(|happened| happened.to.is_some());
            let changes: Vec<_> = changes.map(|happened| (happened.from, happened.to)).collect();
            if before == Some(after.status) {
                assert_eq!(changes, [], "nothing changed");
            } else {
                assert_eq!(changes, [(before, Some(after.status))], "a change is told once");
            }
            assert!(is_allowed(before, after.status), "{before:?} to {:?}", after.status);
        }
        if let Some((id, participation)) = decision.participation {
            let person = self.people.get_mut(&id).unwrap();
            person.record = person.record.take().map(|record| participation.own_word().over(record));
            person.participation = participation;
        }
        self.happened.extend(decision.happened);
        Ok(())
    }

    fn check(&self) {
        for (id, person) in &self.people {
            let count = |status: Status, side: Side| {
                let of =
                    |introduction: &&Introduction| introduction.status == status && introduction.member(side) == id;
                self.introductions.values().filter(of).count()
            };
            assert!(count(Status::Accepted, Side::Mentor) <= 1, "{id} has more mentees than they take");
            assert!(count(Status::Requested, Side::Mentee) <= 2, "{id} asks more than they may");
            if count(Status::Accepted, Side::Mentor) > 0 {
                assert!(!person.participation.accepted_guidelines.is_empty(), "{id} never read the guidelines");
            }
            if person.participation.left.is_some() {
                let open = self.introductions.values().filter(|introduction| introduction.status.is_open());
                assert!(open.clone().all(|introduction| introduction.side_of(id).is_none()), "{id} left");
                assert!(person.participation.waits_since.is_none(), "{id} left, and waits");
            }
        }
        for id in self.people.keys() {
            let of = |happened: &&Happened| happened.member.as_ref().or(happened.mentee.as_ref()) == Some(id);
            let mut waits = false;
            for Happened { kind, .. } in self.happened.iter().filter(of) {
                match kind {
                    EventKind::JoinedWaitlist => assert!(!std::mem::replace(&mut waits, true), "{id} waits already"),
                    EventKind::LeftWaitlist | EventKind::MentorFound => {
                        assert!(std::mem::replace(&mut waits, false), "{id} is told once, and only who waits");
                    }
                    EventKind::Left => waits = false,
                    _ => {}
                }
            }
            assert_eq!(waits, self.people[id].participation.waits_since.is_some(), "{id}");
        }
        for introduction in self.introductions.values().filter(|introduction| !introduction.reports.is_empty()) {
            assert!(!introduction.status.is_open(), "who reported goes on with nobody");
        }
    }
}

fn is_allowed(before: Option<Status>, after: Status) -> bool {
    use Status::{Accepted, Completed, Declined, Ended, Expired, Requested, Withdrawn};
    match before {
        Some(before) if before == after => true,
        None => after == Requested,
        Some(Requested) => matches!(after, Accepted | Declined | Expired | Withdrawn),
        Some(Accepted) => matches!(after, Completed | Ended),
        Some(_) => false,
    }
}

proptest! {
    #[test]
    fn no_order_of_actions_breaks_a_rule(actions in prop::collection::vec((0u8..15, 0usize..4, 0usize..4), 1..120)) {
        let mut world = World::new();
        for (what, one, other) in actions {
            let member = |at: usize| MemberId::new(PEOPLE[at]).unwrap();
            // One of those that there are, if there is one.
            let some = world.introductions.keys().nth(4 * one + other).or(world.introductions.keys().nth(one)).cloned();
            let side = if other % 2 == 0 { Side::Mentee } else { Side::Mentor };
            let version = Some(world.rules.guidelines.mentor.version.clone());
            let (reason, words) = (Reason::NoTime, None);
            let action = match what {
                0..=2 => Action::Ask(request(world.introductions.len(), PEOPLE[one], PEOPLE[other])),
                3 => {
                    let accepts_guidelines = version.filter(|_| other > 1);
                    Action::Join(member(one), Stated { accepts_guidelines, ..Stated::default() })
                }
                4 if other == 0 => Action::Leave(member(one)),
                5 => {
                    world.now += SignedDuration::from_hours(24 * (1 + 5 * other as i64));
                    Action::Wait
                }
                6 => Action::Do(Deed::Decline { reason, words }),
                7 => Action::Do(Deed::Withdraw),
                8 => Action::Do(Deed::Complete),
                9 => Action::Do(Deed::End { reason, words }),
                10 if other == 3 => Action::Do(Deed::Report { by: Some(side), words: "rude".into() }),
                11 => Action::Do(Deed::CheckIn { step: 1 + other, words }),
                12 => Action::JoinWaitlist(member(one)),
                13 if other == 0 => Action::LeaveWaitlist(member(one)),
                13 | 14 => Action::MentorCame { mentee: member(one), mentor: member(other) },
                _ => Action::Do(Deed::Accept { accepts_guidelines: version.filter(|_| one > 0), shares: Vec::new() }),
            };
            let _ = world.act(some.as_ref(), action);
            world.check();
        }
    }
}

#[test]
fn a_report_after_it_was_completed_graduates_nobody_again() {
    let mut world = World::new();
    for person in world.people.values_mut() {
        person.record.as_mut().unwrap().roles = vec![Role::Mentee];
    }
    let bea = MemberId::new("bea").unwrap();
    world.people.get_mut(&bea).unwrap().record.as_mut().unwrap().roles = vec![Role::Mentor];
    let request = request(0, "ada", "bea");
    let id = request.id.clone();
    let version = Some(world.rules.guidelines.mentor.version.clone());
    for action in [
        Action::Ask(request),
        Action::Do(Deed::Accept { accepts_guidelines: version, shares: Vec::new() }),
        Action::Do(Deed::Complete),
        Action::Do(Deed::Report { by: Some(Side::Mentee), words: "and yet".into() }),
    ] {
        world.act(Some(&id), action).unwrap();
    }
    let kinds: Vec<EventKind> = world.happened.iter().map(|happened| happened.kind).collect();
    let expected = [
        EventKind::Requested,
        EventKind::AcceptedGuidelines,
        EventKind::Accepted,
        EventKind::Completed,
        EventKind::Graduated,
        EventKind::Reported,
    ];
    assert_eq!(kinds, expected);
}
