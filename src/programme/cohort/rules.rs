//! What must hold for a pair, whatever its match.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invalid;
use crate::search::SearchError;
use crate::search::cohort::Circumstances;

/// What must hold for every pair. Rules look at all of both records, private fields included: they are the programme's,
/// and only the organisers learn that one stood in the way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// They have not worked for the same employer.
    pub not_same_employer: bool,
    /// They have a language in common, which both state.
    pub language_in_common: bool,
    /// At most so many hours lie between their clocks; both state a time zone.
    #[schema(minimum = 0, maximum = 12)]
    pub time_zone_gap: Option<f32>,
}

/// What an assignment keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// They have not worked for the same employer.
    NotSameEmployer,
    /// They have a language in common.
    LanguageInCommon,
    /// Their clocks are near.
    TimeZoneGap,
    /// Their match is not too low.
    Minimum,
    /// Nobody has more mentees than they take.
    Capacity,
}

impl Rule {
    /// Those that two people keep or break by who they are.
    pub(super) const HARD: [Rule; 3] = [Rule::NotSameEmployer, Rule::LanguageInCommon, Rule::TimeZoneGap];

    /// Its name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Rule::NotSameEmployer => "not_same_employer",
            Rule::LanguageInCommon => "language_in_common",
            Rule::TimeZoneGap => "time_zone_gap",
            Rule::Minimum => "minimum",
            Rule::Capacity => "capacity",
        }
    }
}

impl Rules {
    pub(super) fn check(&self) -> Result<(), SearchError> {
        match self.time_zone_gap {
            Some(gap) if !(0.0..=12.0).contains(&gap) => {
                Err(invalid("rules.time_zone_gap", format!("is {gap}; expected 0 to 12 hours")))
            }
            _ => Ok(()),
        }
    }

    /// Those of [`Rule::HARD`] that are in force.
    pub(super) fn in_force(&self) -> impl Iterator<Item = Rule> {
        let stated = [self.not_same_employer, self.language_in_common, self.time_zone_gap.is_some()];
        Rule::HARD.into_iter().zip(stated).filter_map(|(rule, stated)| stated.then_some(rule))
    }

    /// Whether two people keep one of the rules.
    pub(super) fn holds(&self, rule: Rule, mentee: &Circumstances, mentor: &Circumstances) -> bool {
        match rule {
            Rule::NotSameEmployer => !mentee.share_an_employer(mentor),
            Rule::LanguageInCommon => mentee.share_a_language(mentor),
            Rule::TimeZoneGap => {
                self.time_zone_gap.is_none_or(|gap| mentee.hours_to(mentor).is_some_and(|hours| hours <= gap))
            }
            Rule::Minimum | Rule::Capacity => true,
        }
    }
}
