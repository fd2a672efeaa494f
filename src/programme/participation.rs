//! A member's own word on how they take part, which goes before the feed's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guidelines::Guidelines;
use crate::member::{Invalid, OwnWord, Role};

/// The most mentees that anybody may take at once.
const MOST_MENTEES: u32 = 1_000;

/// How a member wants to take part; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stated {
    /// As what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// Not to be found for the time being.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Mentees at once, for a mentor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// The version of the mentors' guidelines that they accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts_guidelines: Option<String>,
    /// Whether the organisers may look at what they face and overcame when they assign a cohort, though it is private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_in_cohorts: Option<bool>,
}

impl Stated {
    /// Refuses what nobody can mean.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self, guidelines: &Guidelines) -> Result<(), Invalid> {
        if self.roles.as_ref().is_some_and(Vec::is_empty) {
            return Err(Invalid::new("roles", "is empty; expected \"mentor\", \"mentee\" or both"));
        }
        if let Some(capacity) = self.capacity.filter(|capacity| *capacity > MOST_MENTEES) {
            return Err(Invalid::new("capacity", format!("is {capacity}; expected 0 to {MOST_MENTEES}")));
        }
        match &self.accepts_guidelines {
            Some(version) => guidelines.check_version(version),
            None => Ok(()),
        }
    }
}

/// How a member takes part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Participation {
    /// When they joined, or joined again (RFC 3339, UTC); absent for whom the feed alone tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub joined: Option<Timestamp>,
    /// When they left, where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub left: Option<Timestamp>,
    /// What they said.
    #[serde(flatten)]
    pub stated: OwnWord,
    /// Since when they wait for a good mentor, where they do (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub waits_since: Option<Timestamp>,
    /// When they consented to the organisers' looking at what they face and overcame in a cohort, though it is private; absent
    /// where they did not, or withdrew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub private_in_cohorts: Option<Timestamp>,
    /// The versions of the mentors' guidelines that they accepted, and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub accepted_guidelines: BTreeMap<String, Timestamp>,
}

impl Participation {
    /// Takes in what the member says at a time.
    pub fn state(&mut self, stated: &Stated, now: Timestamp) {
        if self.left.is_some() {
            // Leaving paused them; who comes back is there, unless they say otherwise.
            self.stated.paused = Some(self.stated.paused.unwrap_or(false));
        }
        if self.joined.is_none() || self.left.is_some() {
            (self.joined, self.left) = (Some(now), None);
        }
        if let Some(told) = &stated.roles {
            let mut roles = Vec::new();
            told.iter().for_each(|role| {
                if !roles.contains(role) {
                    roles.push(*role)
                }
            });
            self.stated.roles = Some(roles);
        }
        self.stated.paused = stated.paused.or(self.stated.paused);
        self.stated.capacity = stated.capacity.or(self.stated.capacity);
        match stated.private_in_cohorts {
            Some(true) => self.private_in_cohorts = self.private_in_cohorts.or(Some(now)),
            Some(false) => self.private_in_cohorts = None,
            None => {}
        }
        if let Some(version) = &stated.accepts_guidelines {
            self.accepted_guidelines.entry(version.clone()).or_insert(now);
        }
    }

    /// What goes before the feed's word. Who left is as good as paused.
    pub fn own_word(&self) -> OwnWord {
        let paused = if self.left.is_some() { Some(true) } else { self.stated.paused };
        OwnWord { paused, ..self.stated.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_changes_nothing_and_who_left_is_paused_until_they_join_again() {
        let (first, later) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1));
        let mut participation = Participation::default();
        participation.state(&Stated { capacity: Some(2), paused: Some(false), ..Stated::default() }, first);
        participation.state(&Stated::default(), later);
        assert_eq!((participation.stated.capacity, participation.joined), (Some(2), Some(first)));
        participation.left = Some(later);
        assert_eq!(participation.own_word().paused, Some(true));
        participation.state(&Stated::default(), later);
        assert_eq!((participation.own_word().paused, participation.joined), (Some(false), Some(later)));
    }
}
