//! Records, as the member themselves and as others may see them.

use std::collections::BTreeSet;

use super::{Community, CommunityError};
use crate::member::{Member, MemberId};
use crate::programme::Introduction;
use crate::store::Stored;

impl Community {
    /// A member's whole record.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn record(&self, id: &MemberId) -> Result<Option<Member>, CommunityError> {
        Ok(self.store.members(&[id.as_str()]).await?.0.remove(id.as_str()).map(|stored| stored.member))
    }

    /// What a member shows to another, or to no one in particular: nothing where they are not of age, paused, or one of the two
    /// blocks the other.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn shown(&self, id: &MemberId, to: Option<&MemberId>) -> Result<Option<Member>, CommunityError> {
        let ids: Vec<&str> = to.into_iter().chain([id]).map(MemberId::as_str).collect();
        let (found, _) = self.store.members(&ids).await?;
        let viewer = to.and_then(|viewer| found.get(viewer.as_str())).map(|stored| &stored.member);
        let Some(Stored { member, .. }) = found.get(id.as_str()) else { return Ok(None) };
        let seen = is_seen(member, self.config().members.adult_when_absent, to, viewer);
        Ok(seen.then(|| member.shown()))
    }

    /// Up to `most` members whose name begins with a text, as they show themselves to another, or to no one in particular, by
    /// the same rule; to a `manager` those too who are paused, blocked or not of age. A private name is nobody's.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn named(
        &self,
        beginning: &str,
        to: Option<&MemberId>,
        manager: bool,
        most: usize,
    ) -> Result<Vec<Member>, CommunityError> {
        let viewer = match to {
            Some(viewer) => self.record(viewer).await?,
            None => None,
        };
        let absent = self.config().members.adult_when_absent;
        let seen = |member: &Member| manager || is_seen(member, absent, to, viewer.as_ref());
        let found = self.store.named(beginning, most, seen).await?;
        Ok(found.iter().map(Member::shown).collect())
    }

    /// The mentee and the mentor of each introduction, as they see one another; nothing where they are not available to one
    /// another.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn pairs(&self, introductions: &[Introduction]) -> Result<Vec<Option<(Member, Member)>>, CommunityError> {
        let both = |introduction: &'_ Introduction| [introduction.mentee.to_string(), introduction.mentor.to_string()];
        let ids: BTreeSet<String> = introductions.iter().flat_map(both).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (found, _) = self.store().members(&ids).await?;
        let record = |id: &MemberId| found.get(id.as_str()).map(|stored| &stored.member);
        let pair = |introduction: &Introduction| {
            self.seen(introduction, record(&introduction.mentee)?, record(&introduction.mentor)?)
        };
        Ok(introductions.iter().map(pair).collect())
    }

    /// The mentee and the mentor as they see one another; nothing where one is not of age, or blocks the other.
    pub(super) fn seen(
        &self,
        introduction: &Introduction,
        mentee: &Member,
        mentor: &Member,
    ) -> Option<(Member, Member)> {
        let absent = self.config().members.adult_when_absent;
        // Who is paused is shown to those only with whom it goes on.
        let hidden =
            |member: &Member| !member.adult.unwrap_or(absent) || (member.paused && !introduction.status.is_open());
        if hidden(mentee) || hidden(mentor) || mentee.blocks.contains(&mentor.id) || mentor.blocks.contains(&mentee.id)
        {
            return None;
        }
        // Both have agreed to be seen by one another as long as it goes on, and not before.
        let shown =
            |member: &Member, shares: &[String]| member.shown_with(if introduction.is_shared() { shares } else { &[] });
        Some((shown(mentee, &introduction.mentee_shares), shown(mentor, &introduction.mentor_shares)))
    }
}

/// Whether somebody, or no one in particular, may see a member at all: of age, not paused, and neither blocks the other.
fn is_seen(member: &Member, adult_when_absent: bool, to: Option<&MemberId>, viewer: Option<&Member>) -> bool {
    let blocked = to.is_some_and(|viewer| member.blocks.contains(viewer));
    let blocks = viewer.is_some_and(|viewer| viewer.blocks.contains(&member.id));
    member.adult.unwrap_or(adult_when_absent) && !member.paused && !blocked && !blocks
}
