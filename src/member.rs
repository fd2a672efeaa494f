//! A member: one person of the community, as the community describes them.
//!
//! [`Member`] is what one line of JSONL (or one row of CSV) says. Only `id` and `roles` are required. A member that
//! exists here has passed [`Member::validate`]: the rest of the library does not check again.

pub mod fold;
pub mod import;
pub mod language;
mod own_word;
mod validate;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use own_word::OwnWord;
pub(crate) use validate::MOST_PHRASES;

/// The community's own id of a member: a string, stable for ever. The default, an empty id, is nobody's: an unsaved
/// profile carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MemberId(String);

impl MemberId {
    /// The longest id accepted, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// An id from its text.
    ///
    /// # Errors
    /// Empty text, text longer than [`MemberId::MAX_BYTES`], and control characters are refused.
    pub fn new(id: impl Into<String>) -> Result<Self, Invalid> {
        let id = MemberId(id.into());
        id.check("id")?;
        Ok(id)
    }

    /// The id as the community wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(&self, field: &str) -> Result<(), Invalid> {
        if self.0.trim().is_empty() {
            return Err(Invalid::new(field, "is empty; expected the member's own id"));
        }
        if self.0.len() > Self::MAX_BYTES {
            return Err(Invalid::new(
                field,
                format!("has {} bytes; at most {} are allowed", self.0.len(), Self::MAX_BYTES),
            ));
        }
        if self.0.trim() != self.0 {
            return Err(Invalid::new(field, "begins or ends with white space"));
        }
        if self.0.chars().any(char::is_control) {
            return Err(Invalid::new(field, "holds a control character"));
        }
        Ok(())
    }
}

impl std::fmt::Display for MemberId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a member is in the programme; a member may be both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Offers to be found.
    Mentor,
    /// Looks for mentors.
    Mentee,
}

/// One school attended; every part may be absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Education {
    /// School, college or university.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// Degree, as the member writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degree: Option<String>,
    /// Field of study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Year of graduation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
}

/// A place; every part may be absent. Latitude and longitude are degrees and come together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Place {
    /// City or town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, province or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Latitude in degrees, north positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, east positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
}

impl Place {
    /// Latitude and longitude in degrees, where both are known.
    pub fn coordinates(&self) -> Option<(f64, f64)> {
        self.lat.zip(self.lon)
    }
}

/// One person, or with an empty id the unsaved profile of one. The fields are those of the member format in README.md, in its order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[allow(missing_docs, reason = "each field is described once, in README.md's table of the member format")]
pub struct Member {
    #[schema(value_type = String)]
    pub id: MemberId,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub roles: Vec<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profession: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub employers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub interests: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aims_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub facing: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub overcame: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub education: Vec<Education>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years_experience: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hometown: Option<Place>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub languages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    #[schema(value_type = Vec<String>)]
    pub friends: Vec<MemberId>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    #[schema(value_type = Vec<String>)]
    pub colleagues: Vec<MemberId>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    #[schema(value_type = Vec<String>)]
    pub blocks: Vec<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_active: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adult: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub private: Vec<String>,
}

/// A field that breaks the member format: which one, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field's path, such as `location.lat`.
    pub field: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Invalid { field: field.into(), problem: problem.into() }
    }
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Member {
    /// Every field of the member format, in its order.
    pub const FIELDS: [&'static str; 29] = [
        "id",
        "roles",
        "name",
        "headline",
        "about",
        "profession",
        "industry",
        "employers",
        "interests",
        "aims_for",
        "seeks",
        "offers",
        "facing",
        "overcame",
        "education",
        "years_experience",
        "location",
        "hometown",
        "languages",
        "time_zone",
        "friends",
        "colleagues",
        "groups",
        "blocks",
        "capacity",
        "paused",
        "last_active",
        "adult",
        "private",
    ];

    /// The longest text field, in characters.
    pub const MAX_TEXT: usize = 20_000;

    /// The longest list of ids, in entries.
    pub const MAX_LIST: usize = 20_000;

    /// Whether the member has the role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the field is kept from other members.
    pub fn keeps_private(&self, field: &str) -> bool {
        self.private.iter().any(|name| name == field)
    }

    /// The member as other members may know them: every field named in `private` is emptied. Only `blocks`, `paused`,
    /// `adult` and `capacity` stay whatever `private` says, because they decide who is found and are never shown.
    pub fn public(&self) -> Cow<'_, Member> {
        if self.private.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut public = self.clone();
        for field in &self.private {
            public.clear(field);
        }
        Cow::Owned(public)
    }

    /// Fields that others are not shown whatever `private` says, unless the member shares them.
    pub const NEVER_SHOWN: [&'static str; 2] = ["facing", "last_active"];

    /// Whether others see the field only where the member shares it with them, and it is theirs alone to share: whom they know is
    /// not.
    pub fn may_share(&self, field: &str) -> bool {
        let kept = self.keeps_private(field) || Member::NEVER_SHOWN.contains(&field);
        kept && !matches!(field, "friends" | "colleagues")
    }

    /// The member as a page of others may show them: [`Member::public`] without whom they know and block, what they face, what
    /// decides who is found, and where exactly they live.
    pub fn shown(&self) -> Member {
        self.shown_with(&[])
    }

    /// The same, for somebody with whom the member shares these fields.
    pub fn shown_with(&self, shares: &[String]) -> Member {
        let shared = |field: &str| shares.iter().any(|name| name == field);
        let mut shown = self.clone();
        for field in &self.private {
            if !shared(field) {
                shown.clear(field);
            }
        }
        // Whom they know is not theirs alone to share.
        for field in ["friends", "colleagues"] {
            shown.clear(field);
        }
        for field in Member::NEVER_SHOWN {
            if !shared(field) {
                shown.clear(field);
            }
        }
        shown.blocks.clear();
        shown.private.clear();
        (shown.paused, shown.adult) = (false, None);
        shown.capacity = shown.capacity.filter(|_| shared("capacity") || !self.keeps_private("capacity"));
        for place in [&mut shown.location, &mut shown.hometown].into_iter().flatten() {
            (place.lat, place.lon) = (None, None);
        }
        shown
    }

    fn clear(&mut self, field: &str) {
        match field {
            "name" => self.name = None,
            "headline" => self.headline = None,
            "about" => self.about = None,
            "profession" => self.profession = None,
            "industry" => self.industry = None,
            "employers" => self.employers.clear(),
            "interests" => self.interests.clear(),
            "aims_for" => self.aims_for = None,
            "seeks" => self.seeks = None,
            "offers" => self.offers = None,
            "facing" => self.facing.clear(),
            "overcame" => self.overcame.clear(),
            "education" => self.education.clear(),
            "years_experience" => self.years_experience = None,
            "location" => self.location = None,
            "hometown" => self.hometown = None,
            "languages" => self.languages.clear(),
            "time_zone" => self.time_zone = None,
            "friends" => self.friends.clear(),
            "colleagues" => self.colleagues.clear(),
            "groups" => self.groups.clear(),
            "last_active" => self.last_active = None,
            _ => {}
        }
    }
}
