//! Records, as the member themselves and as others may see them.

use super::{Community, CommunityError};
use crate::member::{Member, MemberId};

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
}
