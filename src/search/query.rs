//! What is asked: [`SearchRequest`] as it comes in, [`Query`] once it is valid.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SearchError;
use super::circle::Dial;
use super::filter::Filter;
use super::weights::{Feature, HEAVIEST, Weights};
use crate::member::{Member, MemberId, Role};

/// The most hits one search gives.
pub const MOST_HITS: usize = 1_000;

/// The longest query text, in characters.
pub const LONGEST_TEXT: usize = 10_000;

/// Whether friends and colleagues may be among the hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// People the seeker does not know yet.
    #[default]
    Exclude,
    /// Known people too; being one is then a point in common.
    Include,
}

/// A search as a caller states it. Exactly one of `text`, `member`, `profile`, `interests` and `profession` says who
/// seeks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchRequest {
    /// What is sought, in the seeker's own words.
    #[schema(max_length = 10000)]
    pub text: Option<String>,
    /// A stored member seeks.
    #[schema(value_type = Option<String>)]
    pub member: Option<MemberId>,
    /// Somebody who is not stored seeks.
    pub profile: Option<Member>,
    /// Somebody with these interests seeks.
    pub interests: Vec<String>,
    /// Somebody who aims for this profession seeks.
    pub profession: Option<String>,
    /// Who may be found.
    pub filter: Filter,
    /// Whether known people may be found.
    pub known: Known,
    /// How many hits; 10 unless stated.
    #[schema(minimum = 1, maximum = 1000)]
    pub k: Option<usize>,
    /// Weights other than the configured ones, each from 0 to 1000.
    pub weights: BTreeMap<Feature, f32>,
    /// Whether hits come with their points in common; they do unless stated.
    pub explain: Option<bool>,
    /// The stored member who is to see the answer to a text, interests, a profession or a profile: they, whom they know, and
    /// whom they block or are blocked by are not in it.
    #[schema(value_type = Option<String>)]
    pub viewer: Option<MemberId>,
    /// From people like the seeker, 0, to people they should know, 1: so much less counts what two people share because they
    /// move in one circle (friends, colleagues, groups, employers, schools, places). What is looked for counts as ever. 0
    /// unless stated.
    #[schema(minimum = 0, maximum = 1)]
    pub outside_circle: Option<f64>,
    /// Whether those are sought who seek what the seeker offers and offer what the seeker seeks: each is compared both ways, and
    /// may have either role. Only for a stored member.
    pub exchange: bool,
}

/// Who seeks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// Somebody who said what they seek.
    Text(String),
    /// A stored member.
    Member(MemberId),
    /// Somebody with this profile.
    Profile(Box<Member>),
}

/// A valid search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    pub(super) asked: Asked,
    pub(super) filter: Filter,
    pub(super) known: Known,
    #[serde(skip)]
    pub(super) k: NonZeroUsize,
    #[serde(skip)]
    pub(super) weights: BTreeMap<Feature, f32>,
    #[serde(skip)]
    pub(super) explain: bool,
    #[serde(skip)]
    pub(super) viewer: Option<MemberId>,
    /// No part of the seed: whatever it says, equal scores are ordered alike.
    #[serde(skip)]
    pub(super) outside_circle: Dial,
    /// No part of it either.
    #[serde(skip)]
    pub(super) exchange: bool,
}

impl TryFrom<SearchRequest> for Query {
    type Error = SearchError;

    fn try_from(request: SearchRequest) -> Result<Query, SearchError> {
        let invalid = |field: &str, problem: String| SearchError::Invalid { field: field.to_owned(), problem };
        let mut asked = Vec::new();
        if let Some(text) = request.text {
            let (text, length) = (text.trim().to_owned(), text.chars().count());
            if !text.chars().any(char::is_alphanumeric) {
                return Err(invalid(
                    "text",
                    "has no words; expected what is sought, in a sentence or a few words".into(),
                ));
            }
            if length > LONGEST_TEXT {
                return Err(invalid("text", format!("has {length} characters; at most {LONGEST_TEXT} are allowed")));
            }
            asked.push(Asked::Text(text));
        }
        asked.extend(request.member.map(Asked::Member));
        let described = [
            request.profile,
            (!request.interests.is_empty()).then(|| Member { interests: request.interests, ..Member::default() }),
            request.profession.map(|profession| Member { aims_for: Some(profession), ..Member::default() }),
        ];
        for profile in described.into_iter().flatten() {
            let profile = profile.validate_profile().map_err(|error| invalid(&error.field, error.problem))?;
            // Nobody becomes a stored member by writing their id into a profile.
            asked.push(Asked::Profile(Box::new(Member { id: MemberId::default(), ..profile })));
        }
        let (Some(asked), true) = (asked.pop(), asked.is_empty()) else {
            return Err(invalid(
                "query",
                "expected exactly one of text, member, profile, interests and profession".into(),
            ));
        };
        request.filter.check().map_err(SearchError::Filter)?;
        let k = request.k.unwrap_or(10);
        let k = NonZeroUsize::new(k)
            .filter(|k| k.get() <= MOST_HITS)
            .ok_or_else(|| invalid("k", format!("is {k}; expected 1 to {MOST_HITS}")))?;
        for (feature, weight) in &request.weights {
            if !(0.0..=HEAVIEST).contains(weight) {
                return Err(invalid(
                    &format!("weights.{}", feature.name()),
                    format!("is {weight}; expected 0 to {HEAVIEST}"),
                ));
            }
        }
        let setting = request.outside_circle.unwrap_or_default();
        let outside_circle = Dial::new(setting).ok_or_else(|| {
            let expected = "expected 0 (the circle counts as ever) to 1 (it counts nothing)";
            invalid("outside_circle", format!("is {setting}; {expected}"))
        })?;
        if request.exchange && !matches!(asked, Asked::Member(_)) {
            let why = "both sides of an exchange are compared by what they offer and seek";
            return Err(invalid("exchange", format!("expected a stored member who seeks (member): {why}")));
        }
        Ok(Query {
            asked,
            filter: request.filter,
            known: request.known,
            k,
            weights: request.weights,
            explain: request.explain.unwrap_or(true),
            viewer: request.viewer,
            outside_circle,
            exchange: request.exchange,
        })
    }
}

impl Query {
    /// The weights it is answered with.
    pub(super) fn weights(&self, configured: &Weights) -> Weights {
        self.weights.iter().fold(configured.clone(), |weights, (feature, weight)| weights.with(*feature, *weight))
    }

    /// The role of those who may be found; any, where nothing is said: in an exchange everyone gives and takes.
    pub(super) fn role(&self) -> Option<Role> {
        self.filter.role.or((!self.exchange).then_some(Role::Mentor))
    }

    /// Orders equal scores: a hash of the query and a member, so that nobody is always last.
    pub(super) fn seed(&self) -> u64 {
        let json = serde_json::to_vec(self).unwrap_or_default();
        u64::from_le_bytes(blake3::hash(&json).as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_orders_equal_scores_is_the_question_alone() {
        let request = SearchRequest { text: Some("a nurse".into()), ..SearchRequest::default() };
        let query = Query::try_from(request.clone()).unwrap();
        // Another text here is another order of equal scores, in every answer there is.
        let filter = r#"{"role":null,"country":[],"region":[],"city":[],"within":null,"language":[],"time_zone_gap":null,"industry":[],"profession":[],"capacity":null,"paused":false}"#;
        let expected = format!(r#"{{"asked":{{"text":"a nurse"}},"filter":{filter},"known":"exclude"}}"#);
        assert_eq!(serde_json::to_string(&query).unwrap(), expected);
        let dialled = Query::try_from(SearchRequest { outside_circle: Some(0.5), ..request }).unwrap();
        assert_eq!(dialled.seed(), query.seed());
    }
}
