//! Who waits for a good mentor, and is told when one comes.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Community, CommunityError, TakesPart};
use crate::member::MemberId;
use crate::programme::{Action, Actor};
use crate::search::{Epoch, Hit, SearchRequest, Searcher};
use crate::store::{Concerned, StoreError, Waiting};

/// Members who wait that are searched for in one look.
const AT_ONCE: u32 = 200;

/// Mentors that are looked at for one member: the best may have been asked before, or have no place.
const LOOKED_AT: usize = 200;

/// Who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waitlist {
    /// How many wait.
    pub waiting: u64,
    /// Those who wait longest, first.
    pub members: Vec<Waits>,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waits {
    /// Who.
    #[schema(value_type = String)]
    pub member: MemberId,
    /// Since when (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub since: Timestamp,
}

/// How far who waits was looked at. A round looks at everybody; the next one begins once there is another state to find mentors in,
/// and until then only those are looked at who came since.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// Of the searches of the round, when it began.
    state: String,
    /// The last who was looked at.
    after: Waiting,
    is_over: bool,
}

impl Community {
    /// Has a mentee wait for a good mentor.
    ///
    /// # Errors
    /// [`CommunityError::Refused`]; [`CommunityError::Store`].
    pub async fn join_waitlist(&self, id: &MemberId, by: Actor) -> Result<TakesPart, CommunityError> {
        self.decide(&Concerned::Member(id.clone()), Action::JoinWaitlist(id.clone()), by).await?;
        self.takes_part(id).await
    }

    /// Has a mentee wait no more.
    ///
    /// # Errors
    /// As [`Community::join_waitlist`].
    pub async fn leave_waitlist(&self, id: &MemberId, by: Actor) -> Result<TakesPart, CommunityError> {
        self.decide(&Concerned::Member(id.clone()), Action::LeaveWaitlist(id.clone()), by).await?;
        self.takes_part(id).await
    }

    /// Who waits, up to `limit` of them.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn waitlist(&self, limit: u32) -> Result<Waitlist, CommunityError> {
        let members = self.store.waiting(&Waiting::default(), limit).await?;
        let waits = |(since, id): Waiting| {
            let member = MemberId::new(id)
                .map_err(|invalid| StoreError::Programme { what: "who waits", problem: invalid.to_string() })?;
            Ok::<_, StoreError>(Waits { member, since: Timestamp::from_second(since).unwrap_or_default() })
        };
        let members = members.into_iter().map(waits).collect::<Result<_, _>>()?;
        Ok(Waitlist { waiting: self.store.count_waiting().await?, members })
    }

    /// Tells those who wait of a good mentor who has a place, some of them at a time. Gives how many were told.
    pub(super) async fn look_at_the_waitlist(&self) -> Result<usize, CommunityError> {
        let Some(threshold) = self.config().programme.good_match.member else { return Ok(0) };
        let Ok(searcher) = self.searcher() else { return Ok(0) };
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = searcher.state_seen();
        if round.is_over && round.state != state {
            round = Round::default();
        }
        if round.after == Waiting::default() {
            round.state = state;
        }
        // Places are counted as they are now, not as they were when the hour began.
        let searcher = searcher.in_epoch(std::sync::Arc::<Epoch>::default());
        let waiting = self.store.waiting(&round.after, AT_ONCE).await?;
        let mut told = 0;
        for (_, id) in &waiting {
            match self.tell_of_a_mentor(&searcher, id, threshold).await {
                Ok(was_told) => told += usize::from(was_told),
                // One that cannot be looked for keeps nobody else waiting.
                Err(error) => tracing::error!(id, %error, "a member on the waitlist is not looked for"),
            }
        }
        round.is_over = waiting.len() < AT_ONCE as usize;
        round.after = waiting.into_iter().next_back().unwrap_or(round.after);
        if round.is_over {
            // More may come within this second.
            round.after = round.after.min((self.time().as_second(), String::new()));
        }
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = round;
        Ok(told)
    }

    async fn tell_of_a_mentor(&self, searcher: &Searcher, id: &str, threshold: f64) -> Result<bool, CommunityError> {
        let Ok(mentee) = MemberId::new(id) else { return Ok(false) };
        let request = SearchRequest {
            member: Some(mentee.clone()),
            k: Some(LOOKED_AT),
            explain: Some(false),
            ..SearchRequest::default()
        };
        let hits = match searcher.search(request).await {
            Ok(answer) => answer.hits,
            // They are not stored any more, or not of age.
            Err(error) if error.is_callers() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let good: Vec<Hit> = hits.into_iter().take_while(|hit| hit.match_ >= threshold).collect();
        for hit in self.with_places(good).await? {
            let Ok(mentor) = MemberId::new(hit.member.id) else { continue };
            let concerned = Concerned::Pair(mentee.clone(), mentor.clone());
            let came = Action::MentorCame { mentee: mentee.clone(), mentor };
            match self.decide(&concerned, came, Actor::Clock).await {
                Ok(decision) => return Ok(!decision.happened.is_empty()),
                // Asked before, or full: the next one may do.
                Err(CommunityError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}
