//! What a search gives: the same shape from the command line and from the library.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::honest::NoGoodMentor;
use super::retrieve::Source;
use super::weights::Feature;
use crate::member::Member;

/// Everything found, and the state it depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Generation, changes since it was built, programme epoch, and a hash of weights and search options, such as
    /// `gen-000042+17.3.9f2c01ab`: the same state and query give the same answer.
    pub state: String,
    /// Best first.
    pub hits: Vec<Hit>,
    /// That none of them is a good match, and what is missing; only where the community says from which match on one is
    /// (`[programme.good_match]`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_good_mentor: Option<NoGoodMentor>,
    /// Sources of candidates that could not be asked, because the vector engine does not answer: there may be better mentors
    /// than these.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(value_type = Vec<String>)]
    pub degraded: Vec<Source>,
}

/// How long the stages of a search took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    /// Reading who seeks, model run included.
    pub seek: Duration,
    /// Retrieving and reranking.
    pub rank: Duration,
    /// Reading the records of the hits, and putting reasons into words.
    pub respond: Duration,
}

/// An answer, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Searched {
    /// What is to be shown.
    pub answer: Answer,
    /// Whether a record that the answer needed changed while it was made: it is then in order, but of no one state.
    pub overtaken: bool,
    /// How long it took.
    pub stages: Stages,
}

/// A mentor found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// Counted from 1.
    pub rank: usize,
    /// Match plus adjustments: what the hits are ordered by.
    pub score: f64,
    /// The sum of the contributions.
    #[serde(rename = "match")]
    pub match_: f64,
    /// Who it is.
    pub member: HitMember,
    /// Every contribution other than zero, strongest first.
    pub contributions: Vec<Contribution>,
    /// What is added or taken away because of what the search is for.
    pub adjustments: Vec<Adjustment>,
    /// The contributions worth saying, in words, strongest first.
    pub points_in_common: Vec<PointInCommon>,
    /// What the member found would find in the one who asks; only in an exchange.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub back: Option<Back>,
}

/// The way back of an exchange: the same as a hit, with the roles turned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Back {
    /// Match plus adjustments.
    pub score: f64,
    /// The sum of the contributions.
    #[serde(rename = "match")]
    pub match_: f64,
    /// What the one who asks is to the member found: every contribution other than zero, strongest first.
    pub contributions: Vec<Contribution>,
    /// As of a hit.
    pub adjustments: Vec<Adjustment>,
    /// The contributions worth saying, each a sentence to the member found.
    pub points_in_common: Vec<PointInCommon>,
}

/// A member as a hit shows it; private fields are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HitMember {
    /// The community's own id.
    pub id: String,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The headline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<String>,
}

impl HitMember {
    /// A member as they are shown: the record is that which others may see.
    pub(crate) fn of(shown: &Member) -> HitMember {
        HitMember { id: shown.id.to_string(), name: shown.name.clone(), headline: shown.headline.clone() }
    }
}

/// One feature's part of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contribution {
    /// Which feature.
    pub feature: Feature,
    /// In [0, 1].
    pub value: f64,
    /// As configured.
    pub weight: f64,
    /// Value times weight.
    pub contribution: f64,
}

/// A signed correction that is not about the two people's fit, but about what the search is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Adjustment {
    /// Why, by name: `outside_circle`, `exchange`, `responsiveness`, `load`, `exposure`, `full`.
    pub reason: String,
    /// Added to the match.
    pub amount: f64,
    /// Why, in a sentence to the seeker.
    pub text: String,
}

/// A contribution in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointInCommon {
    /// Which feature.
    pub feature: Feature,
    /// A sentence to the seeker.
    pub text: String,
    /// What the sentence rests on.
    pub evidence: Evidence,
}

/// What a point in common rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Evidence {
    /// The closest phrases of both, for a similarity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closest: Vec<ClosestPhrases>,
    /// The friends or colleagues in common that may be named, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// All friends or colleagues in common, named or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The values that are the same: schools, employers, languages, words…
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub same: Vec<String>,
    /// Kilometres between the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kilometres: Option<f64>,
    /// Hours between the two clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<f64>,
    /// Years of experience that the mentor is ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<f64>,
}

/// A phrase of the seeker's and the mentor's nearest to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClosestPhrases {
    /// The seeker's.
    pub you: String,
    /// The mentor's.
    pub they: String,
    /// Cosine of their vectors; 1 for the same phrase.
    pub cosine: f64,
}
