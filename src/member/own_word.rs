//! What a member says of how they take part, which goes before what the community's feed says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Member, Role};

/// A member's own word; where they say nothing, the feed's holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct OwnWord {
    /// As what they take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// Whether they are not to be found for the time being.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Mentees at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
}

impl OwnWord {
    /// A record of the feed's with the member's own word over it.
    pub fn over(&self, mut record: Member) -> Member {
        if let Some(roles) = &self.roles {
            record.roles.clone_from(roles);
        }
        record.paused = self.paused.unwrap_or(record.paused);
        record.capacity = self.capacity.or(record.capacity);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_member_says_goes_before_the_feed_and_silence_does_not() {
        let feed = Member { roles: vec![Role::Mentor], capacity: Some(5), paused: true, ..Member::default() };
        for (own, expected) in [
            (OwnWord::default(), (vec![Role::Mentor], true, Some(5))),
            (OwnWord { capacity: Some(2), ..OwnWord::default() }, (vec![Role::Mentor], true, Some(2))),
            (OwnWord { paused: Some(false), ..OwnWord::default() }, (vec![Role::Mentor], false, Some(5))),
            (OwnWord { roles: Some(vec![Role::Mentee]), ..OwnWord::default() }, (vec![Role::Mentee], true, Some(5))),
        ] {
            let record = own.over(feed.clone());
            assert_eq!((record.roles, record.paused, record.capacity), expected, "{own:?}");
        }
    }
}
