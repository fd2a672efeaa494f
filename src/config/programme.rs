//! Options of the mentoring programme.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::member::Role;
use crate::programme::{Guidelines, PathTemplate, Steering, Text, Webhook, builtin_paths};
use crate::search::GoodMatch;

/// `[programme]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProgrammeConfig {
    /// Requests without an answer that one mentee may have at once.
    pub open_requests: usize,
    /// Days that a mentor has to answer.
    pub answer_days: u32,
    /// Days after which a mentor is reminded.
    pub reminder_days: u32,
    /// Days until a mentee may ask somebody again, after what was between them ended uncompleted.
    pub again_days: u32,
    /// Mentees at once of a mentor who states no capacity.
    pub capacity: u32,
    /// How answers and load steer who is found.
    pub steering: Steering,
    /// From which match on a mentor is a good one.
    pub good_match: GoodMatch,
    /// The programme that is followed where nobody chooses.
    pub path: String,
    /// A Markdown file for mentors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidelines_mentor: Option<PathBuf>,
    /// A Markdown file for mentees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidelines_mentee: Option<PathBuf>,
    /// Programmes of the operator's own, by name: TOML files.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, PathBuf>,
    /// Who is told of every event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookConfig>,
    /// The texts, read with the file.
    #[serde(skip)]
    pub guidelines: Guidelines,
    /// The programmes, read with the file.
    #[serde(skip)]
    pub templates: BTreeMap<String, PathTemplate>,
    /// The receiver of events, with its secret, read with the file.
    #[serde(skip)]
    pub receiver: Option<Webhook>,
}

/// `[programme.webhook]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where events are sent.
    pub url: String,
    /// A file with the secret that they are signed with.
    pub secret: PathBuf,
}

impl Default for ProgrammeConfig {
    fn default() -> Self {
        ProgrammeConfig {
            open_requests: 3,
            answer_days: 14,
            reminder_days: 7,
            again_days: 90,
            capacity: 3,
            steering: Steering::default(),
            good_match: GoodMatch::default(),
            path: "career".into(),
            guidelines_mentor: None,
            guidelines_mentee: None,
            paths: BTreeMap::new(),
            webhook: None,
            guidelines: Guidelines::default(),
            templates: builtin_paths(),
            receiver: None,
        }
    }
}

impl ProgrammeConfig {
    /// Reads the files that it names, and makes their paths absolute.
    pub(super) fn read(&mut self, beside: impl Fn(&Path) -> PathBuf) -> Result<(), ConfigError> {
        let invalid = |path: &Path, problem: String| ConfigError::Invalid { path: path.to_owned(), problem };
        let text = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
        };
        for (file, told) in [
            (&mut self.guidelines_mentor, &mut self.guidelines.mentor),
            (&mut self.guidelines_mentee, &mut self.guidelines.mentee),
        ] {
            let Some(file) = file else { continue };
            *file = beside(file);
            *told = Text::new(text(file)?);
            if told.markdown.trim().is_empty() {
                return Err(invalid(file, "is empty; expected guidelines in Markdown".into()));
            }
        }
        for (name, file) in &self.paths {
            let file = beside(file);
            let template = PathTemplate::read(&text(&file)?).map_err(|error| invalid(&file, error.to_string()))?;
            self.templates.insert(name.clone(), template);
        }
        if !self.templates.contains_key(&self.path) {
            let known: Vec<&str> = self.templates.keys().map(String::as_str).collect();
            let problem = format!("{:?} is none of {}", self.path, known.join(", "));
            return Err(ConfigError::Option { option: "programme.path".into(), problem });
        }
        if let Some(WebhookConfig { url, secret }) = &mut self.webhook {
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                let problem = format!("{url:?} is no http:// or https:// address");
                return Err(ConfigError::Option { option: "programme.webhook.url".into(), problem });
            }
            *secret = beside(secret);
            self.receiver =
                Some(Webhook::new(url, &text(secret)?).map_err(|error| invalid(secret, error.to_string()))?);
        }
        Ok(())
    }

    /// The file that the guidelines for a role come from, where one is named.
    pub fn guidelines_file(&self, role: Role) -> Option<&Path> {
        match role {
            Role::Mentor => self.guidelines_mentor.as_deref(),
            Role::Mentee => self.guidelines_mentee.as_deref(),
        }
    }

    /// How long a mentor has to answer.
    pub fn answer(&self) -> SignedDuration {
        days(self.answer_days)
    }

    /// After how long a mentor is reminded.
    pub fn reminder(&self) -> SignedDuration {
        days(self.reminder_days)
    }

    /// How long a mentee waits before they ask somebody again.
    pub fn again(&self) -> SignedDuration {
        days(self.again_days)
    }
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}
