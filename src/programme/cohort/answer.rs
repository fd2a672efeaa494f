//! What an assignment looks like: the same from the command line and over HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::intake::Objective;
use super::rules::Rule;
use crate::search::{Back, Contribution, HitMember, PointInCommon};

/// A cohort, assigned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cohort {
    /// What it depends on, beside places that introductions take and members' consents: the same state and request give the same
    /// answer.
    pub state: String,
    /// What was sought.
    pub objective: Objective,
    /// Whether pairs go by both ways: their matches in everything but themselves are then scores of both ways.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub exchange: bool,
    /// How it went.
    pub totals: Totals,
    /// Who has whom, in the order in which mentees were listed.
    pub pairs: Vec<CohortPair>,
    /// Who has nobody, and why.
    pub unmatched: Vec<Unmatched>,
    /// How full each mentor is, in the order in which mentors were listed.
    pub mentors: Vec<CohortMentor>,
    /// Mentors who may not be matched, and why.
    pub left_out: Vec<LeftOut>,
    /// What the best assignment would be without one of the rules.
    pub relaxed: Vec<Relaxed>,
    /// Who would both rather have one another.
    pub blocking: BlockingPairs,
}

/// An assignment in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Mentees who were listed.
    pub mentees: usize,
    /// Mentors who were listed.
    pub mentors: usize,
    /// Places of the mentors who may be matched.
    pub places: u64,
    /// Mentees who have a mentor.
    pub matched: usize,
    /// The sum of the matches, with what was confided.
    pub total: f64,
    /// The lowest of them; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worst: Option<f64>,
}

/// A mentee with their mentor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CohortPair {
    /// Who is to be mentored.
    pub mentee: HitMember,
    /// By whom.
    pub mentor: HitMember,
    /// The sum of the contributions, as a search gives it.
    #[serde(rename = "match")]
    pub match_: f64,
    /// What the pair goes by in an exchange: the harmonic mean of the match and of that of the way back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score: Option<f64>,
    /// What is added to the match, or to the score of an exchange, for choosing pairs, by what both let the organisers use of what
    /// they keep private: what the one faces and the other overcame. For the organisers alone; no reason tells of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confided: Option<f64>,
    /// Whether it was settled beforehand.
    pub locked: bool,
    /// The rules that it breaks; only locked pairs break any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub breaks: Vec<Rule>,
    /// Every contribution other than zero, strongest first.
    pub contributions: Vec<Contribution>,
    /// The contributions worth saying, in words to the mentee, strongest first.
    pub points_in_common: Vec<PointInCommon>,
    /// What the mentor would find in the mentee, in words to the mentor; only in an exchange.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub back: Option<Back>,
    /// The best other mentors.
    pub alternatives: Vec<CohortAlternative>,
}

/// A mentor whom a mentee does not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CohortAlternative {
    /// Whom.
    pub mentor: HitMember,
    /// Their match.
    #[serde(rename = "match")]
    pub match_: f64,
    /// What stands in the way: `minimum` or `capacity`; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<Because>,
}

/// A mentee without a mentor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Unmatched {
    /// Who.
    pub mentee: HitMember,
    /// Why; all of it.
    pub reasons: Vec<CohortReason>,
    /// How many mentors nothing but their match speaks against.
    pub allowed: usize,
    /// How many of them were compared: the best, as many as candidates were asked for.
    pub compared: usize,
    /// The best mentors nevertheless.
    pub alternatives: Vec<CohortAlternative>,
}

/// Why somebody has no mentor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CohortReason {
    /// Why.
    pub because: Because,
    /// In words.
    pub text: String,
    /// How many mentors it keeps from them; absent where it is about the mentee alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mentors: Option<usize>,
    /// The best match among those.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<f64>,
    /// The best few of those, where they would be theirs but for this.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub named: Vec<HitMember>,
}

/// What keeps people apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Nobody of the id is stored.
    Unknown,
    /// Not of age, or not saying so where it has to be said.
    Minor,
    /// Paused.
    Paused,
    /// Not of the role that the list is for.
    Role,
    /// The cohort has no mentor who may be matched.
    NoMentors,
    /// They know one another: friends and colleagues are not introduced.
    Known,
    /// One of the two blocks the other.
    Blocked,
    /// They have worked for the same employer.
    NotSameEmployer,
    /// They have no language in common.
    LanguageInCommon,
    /// Their clocks are too far apart.
    TimeZoneGap,
    /// The match is below the minimum.
    Minimum,
    /// The mentor has as many mentees as they take.
    Capacity,
}

impl Because {
    /// In a few words.
    pub fn said(self) -> &'static str {
        match self {
            Because::Unknown => "nobody of this id is stored",
            Because::Minor => "not of age, or not saying so",
            Because::Paused => "paused",
            Because::Role => "no mentor",
            Because::NoMentors => "no mentors",
            Because::Known => "known already",
            Because::Blocked => "blocked",
            Because::NotSameEmployer => "the same employer",
            Because::LanguageInCommon => "no language in common",
            Because::TimeZoneGap => "too far away by the clock",
            Because::Minimum => "below the minimum",
            Because::Capacity => "full",
        }
    }
}

/// How full a mentor is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CohortMentor {
    /// Who.
    pub mentor: HitMember,
    /// How many mentees they take.
    pub places: u32,
    /// How many they have.
    pub taken: u32,
}

/// Somebody who may not be matched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Who.
    pub mentor: HitMember,
    /// Why.
    pub because: Because,
}

/// The best assignment without a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Relaxed {
    /// Which; `capacity` stands for one place more with every mentor who takes anybody.
    pub rule: Rule,
    /// Mentees who would have a mentor.
    pub matched: usize,
    /// How many more that is.
    pub more: i64,
    /// The sum of the matches.
    pub total: f64,
    /// The lowest match; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worst: Option<f64>,
}

/// Pairs who would both rather have one another than what they have. A stable assignment has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockingPairs {
    /// How many there are.
    pub count: usize,
    /// Those with the best matches, a hundred at most.
    pub pairs: Vec<BlockingPair>,
}

/// A pair who would both rather have one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockingPair {
    /// The mentee's id.
    pub mentee: String,
    /// The mentor's id.
    pub mentor: String,
    /// Their match.
    #[serde(rename = "match")]
    pub match_: f64,
}
