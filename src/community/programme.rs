//! The programme in a community: who takes part, who is introduced to whom, what happened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Community, CommunityError};
use crate::config::{Config, ProgrammeConfig};
use crate::member::MemberId;
use crate::programme::{
    Action, Actor, Clock, Decision, Event, EventKind, Facts, Happened, Introduction, IntroductionId, Participation,
    Person, Refusal, Standing, Stated, Status,
};
use crate::store::{Concerned, EventRow, Found, IntroductionRow, ParticipationRow, Store, StoreError, ToWrite};

/// Introductions that the clock looks at in one go.
const AT_ONCE: u32 = 100;

/// A member's part in the programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakesPart {
    /// Their own word.
    #[serde(flatten)]
    pub participation: Participation,
    /// How full they are, as a mentor.
    pub standing: Standing,
    /// Whether they accepted the mentors' guidelines that are in force.
    pub guidelines_accepted: bool,
}

impl Community {
    /// The same community with another clock, for whoever wants to see what time brings.
    pub fn with_clock(self, clock: Clock) -> Community {
        Community { clock, ..self }
    }

    /// What time it is, to the second.
    pub(super) fn time(&self) -> Timestamp {
        let now = (self.clock)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Has the rules decide what comes of an action, and writes it. When this returns it is durable, and what changed of
    /// a member's record is seen by the next search.
    pub(super) async fn decide(
        &self,
        concerned: &Concerned,
        action: Action,
        by: Actor,
    ) -> Result<Decision, CommunityError> {
        let (config, now) = (self.config(), self.time());
        let _changing = self.changing.lock().await;
        let decided = self.store.decide(concerned, |found| {
            let decision = facts(found, &config, now)?.decide(action, by)?;
            Ok::<_, CommunityError>((to_write(&decision, &config.programme, now), decision))
        });
        let decision = decided.await??;
        if decision.participation.is_some() {
            self.catch_up().await?;
        }
        if !decision.happened.is_empty() {
            self.happened.notify_one();
        }
        Ok(decision)
    }

    /// Has a member join the programme, or change how they take part.
    ///
    /// # Errors
    /// [`CommunityError::Refused`]; [`CommunityError::Store`].
    pub async fn join(&self, id: &MemberId, stated: Stated, by: Actor) -> Result<TakesPart, CommunityError> {
        self.decide(&Concerned::Member(id.clone()), Action::Join(id.clone(), stated), by).await?;
        self.takes_part(id).await
    }

    /// Has a member leave the programme: what is open of theirs ends.
    ///
    /// # Errors
    /// As [`Community::join`].
    pub async fn leave(&self, id: &MemberId, by: Actor) -> Result<TakesPart, CommunityError> {
        self.decide(&Concerned::Member(id.clone()), Action::Leave(id.clone()), by).await?;
        self.takes_part(id).await
    }

    /// How a member takes part.
    ///
    /// # Errors
    /// [`CommunityError::Unknown`]; [`CommunityError::Store`].
    pub async fn takes_part(&self, id: &MemberId) -> Result<TakesPart, CommunityError> {
        let record = self.record(id).await?.ok_or_else(|| CommunityError::Unknown(id.clone()))?;
        let participation: Participation = match self.store.participation(id).await? {
            Some(record) => read("how a member takes part", &record)?,
            None => Participation::default(),
        };
        let config = self.config();
        let in_force = &config.programme.guidelines.mentor.version;
        let guidelines_accepted = participation.accepted_guidelines.contains_key(in_force);
        let person = Person { record: Some(record), participation: participation.clone() };
        let facts = Facts {
            now: self.time(),
            rules: &config.programme,
            adult_when_absent: config.members.adult_when_absent,
            introduction: None,
            people: BTreeMap::from([(id.clone(), person)]),
            theirs: self.all_introductions(Some(id), None).await?,
        };
        Ok(TakesPart { participation, standing: facts.standing(id), guidelines_accepted })
    }

    /// Has time do what it does by now: requests expire, mentors are reminded, check-ins fall due, and who waits is told of a
    /// good mentor. Gives the number of events.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn keep_time(&self) -> Result<usize, CommunityError> {
        let mut events = 0;
        loop {
            let (due, done) = self.look_at_the_clock().await?;
            events += done;
            if due < AT_ONCE as usize || done == 0 {
                return Ok(events + self.look_at_the_waitlist().await?);
            }
        }
    }

    /// The same for the first that are due, which is enough where somebody waits. Gives the number of introductions that were
    /// due, and of events.
    pub(super) async fn look_at_the_clock(&self) -> Result<(usize, usize), CommunityError> {
        let due = self.store.due(self.time().as_second(), AT_ONCE).await?;
        let mut events = 0;
        for id in &due {
            match self.decide(&Concerned::Introduction(id.clone()), Action::Wait, Actor::Clock).await {
                Ok(decision) => events += decision.happened.len(),
                // It went with somebody who was forgotten.
                Err(CommunityError::Refused(Refusal::Unknown)) => {}
                // One that does not read does not stop the others' time.
                Err(CommunityError::Store(StoreError::Programme { what, problem })) => {
                    tracing::error!(id, what, problem, "an introduction is left as it is");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((due.len(), events))
    }

    /// Introductions, of one member or of all, of one status or of any: up to `limit` after the given name, in the order of
    /// their names.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn introductions(
        &self,
        of: Option<&MemberId>,
        status: Option<Status>,
        after: Option<&IntroductionId>,
        limit: u32,
    ) -> Result<Vec<Introduction>, CommunityError> {
        self.look_at_the_clock().await?;
        let after = after.map_or("", IntroductionId::as_str);
        let rows = self.store.introductions(of, status.map(Status::name), after, limit).await?;
        Ok(rows.iter().map(|row| read("an introduction", row)).collect::<Result<_, _>>()?)
    }

    pub(super) async fn all_introductions(
        &self,
        of: Option<&MemberId>,
        status: Option<Status>,
    ) -> Result<Vec<Introduction>, CommunityError> {
        self.introductions(of, status, None, u32::MAX).await
    }

    /// What a member completed, oldest first.
    pub(super) async fn completed(&self, of: &MemberId) -> Result<Vec<Introduction>, CommunityError> {
        let mut completed = self.all_introductions(Some(of), Some(Status::Completed)).await?;
        completed.sort_by(|left, right| left.since.cmp(&right.since).then_with(|| left.id.cmp(&right.id)));
        Ok(completed)
    }

    /// Everything that a member was ever in, for their export and their lineage.
    pub(super) async fn history(&self, of: &MemberId) -> Result<Vec<Introduction>, CommunityError> {
        let mut history = self.all_introductions(Some(of), None).await?;
        history.sort_by(|left, right| left.requested.cmp(&right.requested).then_with(|| left.id.cmp(&right.id)));
        Ok(history)
    }

    /// Up to `limit` events after a number, in order.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn events(&self, after: u64, limit: u32) -> Result<Vec<Event>, CommunityError> {
        self.look_at_the_clock().await?;
        let events = self.store.events(after, limit).await?;
        Ok(events.iter().map(|(number, record)| Event::read(*number, record)).collect::<Result<_, _>>()?)
    }

    /// Takes a member out of the programme for good; gives the number of introductions that go.
    pub(super) async fn forget_participant(&self, id: &MemberId) -> Result<u64, CommunityError> {
        if self.store.is_participant(id).await? {
            // For the other one it ends as if they had left.
            self.decide(&Concerned::Member(id.clone()), Action::Leave(id.clone()), Actor::Forgotten).await?;
        }
        Ok(erase_participant(&self.store, id).await?)
    }
}

/// Deletes what the programme holds on a member.
pub(super) async fn erase_participant(store: &Store, id: &MemberId) -> Result<u64, StoreError> {
    let forget = |record: &str| match Event::read(0, record) {
        Ok(mut event) => {
            event.happened.forget(id);
            written(&event)
        }
        // What does not read is not kept for that: somebody who is forgotten left.
        Err(_) => {
            let (kind, by) = (EventKind::Left, Actor::Forgotten);
            let mut happened = Happened::of_member(kind, by, id.clone());
            happened.forget(id);
            written(&Event { number: 0, at: Timestamp::UNIX_EPOCH, happened })
        }
    };
    store.erase_participant(id, forget).await
}

/// Something of the programme, as the database has it.
pub(super) fn read<T: DeserializeOwned>(what: &'static str, record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|error| StoreError::Programme { what, problem: error.to_string() })
}

fn written<T: Serialize>(record: &T) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

fn facts(found: Found, config: &Config, now: Timestamp) -> Result<Facts<'_>, StoreError> {
    let introduction = |record: &String| read("an introduction", record);
    let mut people = BTreeMap::new();
    for person in found.people {
        let participation = person.participation.map(|record| read("how a member takes part", &record));
        let participation = participation.transpose()?.unwrap_or_default();
        people.insert(person.id, Person { record: person.member, participation });
    }
    Ok(Facts {
        now,
        rules: &config.programme,
        adult_when_absent: config.members.adult_when_absent,
        introduction: found.introduction.as_ref().map(introduction).transpose()?,
        people,
        theirs: found.theirs.iter().map(introduction).collect::<Result<_, _>>()?,
    })
}

fn to_write(decision: &Decision, rules: &ProgrammeConfig, now: Timestamp) -> ToWrite {
    let row = |introduction: &Introduction| IntroductionRow {
        id: introduction.id.to_string(),
        mentee: introduction.mentee.clone(),
        mentor: introduction.mentor.clone(),
        status: introduction.status.name(),
        due: introduction.next_due(rules.reminder()).map(Timestamp::as_second),
        record: written(introduction),
    };
    let takes_part = |(member, participation): &(MemberId, Participation)| ParticipationRow {
        member: member.clone(),
        own_word: participation.own_word(),
        waits_since: participation.waits_since.map(Timestamp::as_second),
        consented: participation.private_in_cohorts.map(Timestamp::as_second),
        record: written(participation),
    };
    let event = |happened: &Happened| EventRow {
        mentee: happened.mentee.clone(),
        mentor: happened.mentor.clone(),
        member: happened.member.clone(),
        actor: match &happened.by {
            Actor::Member(id) => Some(id.clone()),
            _ => None,
        },
        record: written(&Event { number: 0, at: now, happened: happened.clone() }),
    };
    ToWrite {
        introductions: decision.introductions.iter().map(row).collect(),
        participation: decision.participation.as_ref().map(takes_part),
        events: decision.happened.iter().map(event).collect(),
    }
}
