//! What mentors and mentees are told of how to go about it. A mentor accepts it before their first introduction.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::member::{Invalid, Role};

/// A text in Markdown, and its version: another text has another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Text {
    /// The first 12 hex digits of the text's BLAKE3.
    pub version: String,
    /// In Markdown.
    pub markdown: String,
}

impl Text {
    /// A text with its version.
    pub fn new(markdown: impl Into<String>) -> Text {
        let markdown = markdown.into();
        Text { version: version_of(&markdown), markdown }
    }
}

/// The version of a text: the first 12 hex digits of its BLAKE3.
pub(crate) fn version_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}

/// The texts for both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Guidelines {
    /// For mentors.
    pub mentor: Text,
    /// For mentees.
    pub mentee: Text,
}

impl Guidelines {
    /// The text for a role.
    pub fn of(&self, role: Role) -> &Text {
        match role {
            Role::Mentor => &self.mentor,
            Role::Mentee => &self.mentee,
        }
    }

    /// Refuses to have another version than the present one of the mentors' text accepted.
    ///
    /// # Errors
    /// Which version is the present one.
    pub fn check_version(&self, version: &str) -> Result<(), Invalid> {
        if version == self.mentor.version {
            return Ok(());
        }
        let expected = &self.mentor.version;
        Err(Invalid::new(
            "accepts_guidelines",
            format!("{version:?} is not the version in force; expected {expected:?}, once it was read"),
        ))
    }
}

impl Default for Guidelines {
    fn default() -> Self {
        Guidelines {
            mentor: Text::new(include_str!("guidelines/mentor.md")),
            mentee: Text::new(include_str!("guidelines/mentee.md")),
        }
    }
}
