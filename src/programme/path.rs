//! The way that two people go together: steps of a programme, each with a check-in that is due.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest programme, in weeks.
const MOST_WEEKS: u32 = 520;

/// A programme, as an operator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathTemplate {
    /// What it is called.
    pub title: String,
    /// How long it takes.
    pub weeks: u32,
    /// What is done when, in order.
    pub step: Vec<StepTemplate>,
}

/// One step of a programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTemplate {
    /// The week at whose end the check-in is due, counted from 1.
    pub week: u32,
    /// What it is about.
    pub title: String,
    /// What the two ask one another.
    pub ask: String,
}

/// A programme that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAPath(String);

impl PathTemplate {
    /// Reads a programme.
    ///
    /// # Errors
    /// Where it is no TOML of this form, or its steps are not in order.
    pub fn read(toml: &str) -> Result<PathTemplate, NotAPath> {
        let template: PathTemplate = toml::from_str(toml).map_err(|error| NotAPath(error.to_string()))?;
        let PathTemplate { title, weeks, step } = &template;
        if !(1..=MOST_WEEKS).contains(weeks) {
            return Err(NotAPath(format!("weeks is {weeks}; expected 1 to {MOST_WEEKS}")));
        }
        if title.trim().is_empty() || step.is_empty() {
            return Err(NotAPath("expected a title, and a [[step]] at least".into()));
        }
        let mut last = 0;
        for StepTemplate { week, title, .. } in step {
            if *week <= last || week > weeks || title.trim().is_empty() {
                return Err(NotAPath(format!(
                    "step {title:?} is in week {week}; expected a title, and a week from {} to {weeks}",
                    last + 1
                )));
            }
            last = *week;
        }
        Ok(template)
    }
}

/// The programmes that rapport comes with, by name.
pub fn builtin_paths() -> BTreeMap<String, PathTemplate> {
    [
        ("career", include_str!("paths/career.toml")),
        ("skills", include_str!("paths/skills.toml")),
        ("support", include_str!("paths/support.toml")),
    ]
    .into_iter()
    .filter_map(|(name, toml)| Some((name.to_owned(), PathTemplate::read(toml).ok()?)))
    .collect()
}

/// The way that two people go: a programme with its days, as it was when they began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Path {
    /// The programme's name in the configuration.
    pub name: String,
    /// Its steps; none before it begins.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub steps: Vec<Step>,
}

/// One step of a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// What it is about.
    pub title: String,
    /// What the two ask one another.
    pub ask: String,
    /// When the check-in is due (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub due: Timestamp,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub done: Option<Timestamp>,
    /// What was said at it; both read it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub words: Option<String>,
    /// Whether the two were told that it is due.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub told: bool,
}

impl Path {
    /// A programme that begins later.
    pub fn later(name: &str) -> Path {
        Path { name: name.to_owned(), steps: Vec::new() }
    }

    /// Begins.
    pub fn begin(&mut self, template: &PathTemplate, now: Timestamp) {
        let step = |StepTemplate { week, title, ask }: &StepTemplate| Step {
            title: title.clone(),
            ask: ask.clone(),
            due: now + SignedDuration::from_hours(i64::from(*week) * 7 * 24),
            done: None,
            words: None,
            told: false,
        };
        self.steps = template.step.iter().map(step).collect();
    }

    /// When a check-in is due of which nobody was told yet.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.steps.iter().filter(|step| step.done.is_none() && !step.told).map(|step| step.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_programme_that_comes_along_is_one() {
        assert_eq!(builtin_paths().keys().collect::<Vec<_>>(), ["career", "skills", "support"]);
        for (name, template) in builtin_paths() {
            assert_eq!(template.weeks, 24, "{name}");
            assert_eq!(template.step.last().map(|step| step.week), Some(24), "{name} ends with its last week");
        }
    }

    #[test]
    fn what_is_wrong_with_a_programme_is_told() {
        for (toml, told) in [
            ("", "missing field"),
            ("title = 'x'\nweeks = 0\nstep = []", "weeks is 0"),
            ("title = 'x'\nweeks = 3\nstep = []", "a [[step]] at least"),
            ("title = 'x'\nweeks = 3\n[[step]]\nweek = 4\ntitle = 'late'\nask = ''", "step \"late\" is in week 4"),
            ("title = 'x'\nweeks = 3\nmonths = 1\nstep = []", "unknown field `months`"),
        ] {
            let error = PathTemplate::read(toml).expect_err(toml).to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
