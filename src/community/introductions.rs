//! Introductions: asking for one, what both see of it, who comes next.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::programme::read;
use super::{Community, CommunityError};
use crate::member::{Member, MemberId, Role};
use crate::programme::{
    Action, Actor, Cause, Deed, Introduction, IntroductionId, Refusal, Request, Side, Status, Text, told_to_mentor,
};
use crate::search::weights::Feature;
use crate::search::{Hit, HitMember, Known, Obstacle, PointInCommon, SearchRequest, Why};
use crate::store::Concerned;

/// Generations of mentors that a lineage goes back.
const DEEPEST: usize = 5;

/// The most people in a lineage.
const MOST_KIN: usize = 500;

/// The next best is looked for among so many more than were asked already.
const MORE: usize = 10;

/// A mentee asks a mentor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// Who asks; a member who is signed in asks for themselves.
    #[schema(value_type = Option<String>)]
    pub mentee: Option<MemberId>,
    /// Who is asked.
    #[schema(value_type = String)]
    pub mentor: MemberId,
    /// To the mentor.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// Private fields of the mentee's that the mentor may see once they accept.
    pub shares: Vec<String>,
    /// The programme that is wanted; that of the configuration unless stated.
    pub path: Option<String>,
}

/// What one of the two shows the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// The record as the other may see it: private fields only where they are shared, and it was accepted.
    pub member: Member,
    /// What the two have in common, told to the one who reads this card.
    pub points_in_common: Vec<PointInCommon>,
}

/// An introduction, as one of the two or a manager sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntroductionView {
    /// How it stands.
    #[serde(flatten)]
    pub introduction: Introduction,
    /// The mentee, for the mentor. Absent where they are not available to one another any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentee_card: Option<Card>,
    /// The mentor, for the mentee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentor_card: Option<Card>,
    /// How to go about it, while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidelines: Option<Text>,
    /// For a mentee who was declined or not answered: whom to ask next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_best: Option<Hit>,
    /// Whether the mentee is invited to become a mentor, having completed it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub invited_to_mentor: bool,
}

/// Somebody in a lineage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Kin {
    /// Who; absent where they are not available to the reader.
    pub member: Option<HitMember>,
    /// When the mentorship was completed (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub completed: Timestamp,
    /// Their own mentors, or mentees.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(no_recursion)]
    pub kin: Vec<Kin>,
}

impl Community {
    /// Asks a mentor on behalf of a mentee.
    ///
    /// # Errors
    /// [`CommunityError::Refused`], [`CommunityError::Search`], [`CommunityError::Store`].
    pub async fn introduce(&self, mentee: &MemberId, ask: Ask, by: Actor) -> Result<Introduction, CommunityError> {
        self.look_at_the_clock().await?;
        self.ask(mentee, ask, None, by).await
    }

    /// The same for whatever cause.
    pub(super) async fn ask(
        &self,
        mentee: &MemberId,
        ask: Ask,
        cause: Option<Cause>,
        by: Actor,
    ) -> Result<Introduction, CommunityError> {
        let Why { obstacles, hit, state, .. } = self.why_of_pair(mentee, &ask.mentor, false).await?;
        if obstacles.iter().any(Obstacle::is_confidential) {
            return Err(Refusal::NotAvailable.into());
        }
        let id = IntroductionId::random();
        let id = id.map_err(|error| CommunityError::Key(format!("the system gives no randomness: {error}")))?;
        let Ask { mentor, note, shares, path, .. } = ask;
        let concerned = Concerned::Pair(mentee.clone(), mentor.clone());
        let (mentee, match_) = (mentee.clone(), hit.map_or(0.0, |hit| hit.match_));
        let request = Request { id, mentee, mentor, note, shares, path, match_, state, cause };
        self.done(&concerned, Action::Ask(request), by).await
    }

    /// Does something to an introduction.
    ///
    /// # Errors
    /// As [`Community::introduce`].
    pub async fn act(&self, id: &IntroductionId, deed: Deed, by: Actor) -> Result<Introduction, CommunityError> {
        self.look_at_the_clock().await?;
        self.done(&Concerned::Introduction(id.to_string()), Action::Do(deed), by).await
    }

    async fn done(&self, concerned: &Concerned, action: Action, by: Actor) -> Result<Introduction, CommunityError> {
        let decision = self.decide(concerned, action, by).await?;
        decision.introductions.into_iter().next().ok_or_else(|| Refusal::Unknown.into())
    }

    /// The introduction of a name.
    ///
    /// # Errors
    /// [`CommunityError::Refused`] where there is none.
    pub async fn introduction(&self, id: &IntroductionId) -> Result<Introduction, CommunityError> {
        self.look_at_the_clock().await?;
        let record = self.store().introduction(id.as_str()).await?;
        Ok(read("an introduction", &record.ok_or(Refusal::Unknown)?)?)
    }

    /// What one of the two sees of an introduction; what a manager does where it is neither.
    ///
    /// # Errors
    /// [`CommunityError::Search`], [`CommunityError::Store`].
    pub async fn view(
        &self,
        mut introduction: Introduction,
        side: Option<Side>,
    ) -> Result<IntroductionView, CommunityError> {
        let status = introduction.status;
        let (mentee_card, mentor_card) = self.cards(&introduction).await?;
        if let Some(side) = side {
            introduction = introduction.seen_by(side);
        }
        let guidelines = side.filter(|_| status.is_open()).map(|side| {
            let role = if side == Side::Mentor { Role::Mentor } else { Role::Mentee };
            self.config().programme.guidelines.of(role).clone()
        });
        let refused = matches!(status, Status::Declined | Status::Expired) && side != Some(Side::Mentor);
        let next_best = if refused { self.next_best(&introduction.mentee).await? } else { None };
        let invited_to_mentor = status == Status::Completed
            && self.record(&introduction.mentee).await?.is_some_and(|mentee| !mentee.is(Role::Mentor));
        Ok(IntroductionView {
            introduction,
            mentee_card: mentee_card.filter(|_| side != Some(Side::Mentee)),
            mentor_card: mentor_card.filter(|_| side != Some(Side::Mentor)),
            guidelines,
            next_best,
            invited_to_mentor,
        })
    }

    /// The mentee's card and the mentor's; none where one of the two is gone, not of age, or blocks the other.
    async fn cards(&self, introduction: &Introduction) -> Result<(Option<Card>, Option<Card>), CommunityError> {
        let Introduction { mentee, mentor, mentee_shares, .. } = introduction;
        let (mut found, _) = self.store().members(&[mentee.as_str(), mentor.as_str()]).await?;
        let mut record = |id: &MemberId| found.remove(id.as_str()).map(|stored| stored.member);
        let (Some(one), Some(other)) = (record(mentee), record(mentor)) else { return Ok((None, None)) };
        let Some((mentee_shown, mentor_shown)) = self.seen(introduction, &one, &other) else { return Ok((None, None)) };
        let shared = introduction.is_shared();
        let points = match self.why_of_pair(mentee, mentor, true).await {
            Ok(why) => why.hit.map(|hit| hit.points_in_common).unwrap_or_default(),
            // There is an introduction without an index too.
            Err(error) => {
                tracing::debug!(%error, "a card without points in common");
                Vec::new()
            }
        };
        // What somebody faces is seen by nobody with whom they do not share it, nor are words of it.
        let told_of_facing = one.facing.is_empty() || (shared && mentee_shares.iter().any(|field| field == "facing"));
        let of_facing =
            |point: &&PointInCommon| matches!(point.feature, Feature::OvercameWhatIFace | Feature::WordsInCommon);
        let for_mentor = points.iter().filter(|point| told_of_facing || !of_facing(point));
        let told = for_mentor.map(told_to_mentor).collect();
        Ok((
            Some(Card { member: mentee_shown, points_in_common: told }),
            Some(Card { member: mentor_shown, points_in_common: points }),
        ))
    }

    async fn why_of_pair(&self, mentee: &MemberId, mentor: &MemberId, explain: bool) -> Result<Why, CommunityError> {
        let request = SearchRequest {
            member: Some(mentee.clone()),
            known: Known::Include,
            explain: Some(explain),
            ..SearchRequest::default()
        };
        Ok(self.searcher()?.why(request, mentor).await?)
    }

    /// The best mentor for a mentee whom they may ask, and who has a place.
    async fn next_best(&self, mentee: &MemberId) -> Result<Option<Hit>, CommunityError> {
        let history = self.history(mentee).await?;
        let asked: HashSet<&MemberId> = history.iter().map(|introduction| &introduction.mentor).collect();
        let k = (asked.len() + MORE).min(crate::search::MOST_HITS);
        let request = SearchRequest { member: Some(mentee.clone()), k: Some(k), ..SearchRequest::default() };
        let hits = match self.search(request).await {
            Ok(answer) => answer.hits,
            Err(error) => {
                tracing::debug!(%error, "nobody is suggested");
                return Ok(None);
            }
        };
        let others = |hit: &Hit| MemberId::new(hit.member.id.clone()).is_ok_and(|id| !asked.contains(&id));
        Ok(self.with_places(hits.into_iter().filter(others).collect()).await?.into_iter().next())
    }

    /// Those of the hits who have a place left.
    pub(super) async fn with_places(&self, hits: Vec<Hit>) -> Result<Vec<Hit>, CommunityError> {
        let ids: Vec<&str> = hits.iter().map(|hit| hit.member.id.as_str()).collect();
        let (records, _) = self.store().members(&ids).await?;
        let (taken, usual) = (self.store().places_taken(Some(&ids)).await?, self.config().programme.capacity);
        let has_place = |hit: &Hit| {
            let stated = records.get(&hit.member.id).and_then(|stored| stored.member.capacity);
            taken.get(&hit.member.id).copied().unwrap_or(0) < stated.unwrap_or(usual)
        };
        Ok(hits.into_iter().filter(has_place).collect())
    }

    /// Who mentored a member, and who mentored those; or with [`Side::Mentee`] whom the member mentored, and whom those did.
    /// As `reader` may see them; a manager sees everybody.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn lineage(
        &self,
        of: &MemberId,
        side: Side,
        reader: Option<&MemberId>,
    ) -> Result<Vec<Kin>, CommunityError> {
        let mut seen = HashSet::from([of.clone()]);
        self.kin(of, side, reader, DEEPEST, &mut seen).await
    }

    async fn kin(
        &self,
        of: &MemberId,
        side: Side,
        reader: Option<&MemberId>,
        deep: usize,
        seen: &mut HashSet<MemberId>,
    ) -> Result<Vec<Kin>, CommunityError> {
        let mut kin = Vec::new();
        for introduction in self.completed(of).await? {
            let other = introduction.member(side);
            let between = introduction.member(side.other()) == of;
            // A circle of people who mentored one another is gone around once.
            if !between || seen.len() >= MOST_KIN || !seen.insert(other.clone()) {
                continue;
            }
            let shown = match reader {
                Some(_) => self.shown(other, reader).await?,
                None => self.record(other).await?.map(|record| record.shown()),
            };
            let member = shown.as_ref().map(HitMember::of);
            let theirs = match deep {
                0 | 1 => Vec::new(),
                _ => Box::pin(self.kin(other, side, reader, deep - 1, seen)).await?,
            };
            kin.push(Kin { member, completed: introduction.since, kin: theirs });
        }
        Ok(kin)
    }
}
