//! Records, as the member themselves and as others may see them.

use std::collections::BTreeSet;

use super::{Community, CommunityError};
use crate::member::{Member, MemberId};
use crate::programme::Introduction;

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
        let (mut found, _) = self.store.members(&ids).await?;
        let Some(member) = found.remove(id.as_str()).map(|stored| stored.member) else { return Ok(None) };
        let adult = member.adult.unwrap_or(self.config().members.adult_when_absent);
        let blocked_by = to.is_some_and(|viewer| member.blocks.contains(viewer));
        let blocks =
            to.and_then(|viewer| found.get(viewer.as_str())).is_some_and(|viewer| viewer.member.blocks.contains(id));
        Ok((adult && !member.paused && !blocked_by && !blocks).then(|| member.shown()))
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
