//! Honest limits: from which match on a mentor is a good one, and what an answer says that has none.

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Hit;
use super::explain::count;
use super::filter::Filter;
use super::query::{Asked, Query};
use super::rerank::Ranked;
use super::seeker::{Need, Seeker};
use super::weights::{Feature, Weights};
use super::{SearchError, Searcher};
use crate::index::columns::Attribute;
use crate::member::fold::Key;
use crate::member::{Member, Role};

/// Interests named where nobody has them.
const NAMED: usize = 5;

/// `[programme.good_match]`: the match from which on a mentor is a good one, by who seeks, since a text has fewer things to have in
/// common than a member has. Where none is stated, no answer says that it has no good mentor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoodMatch {
    /// Where a stored member seeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<f64>,
    /// Where a text says what is sought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<f64>,
    /// Where an unsaved profile seeks, or one of interests or a profession alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<f64>,
}

impl GoodMatch {
    /// Each with its name.
    pub fn all(&self) -> [(&'static str, Option<f64>); 3] {
        [("member", self.member), ("text", self.text), ("profile", self.profile)]
    }
}

/// That there is no good mentor yet, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NoGoodMentor {
    /// In a sentence.
    pub text: String,
    /// The match from which on a mentor is a good one.
    pub threshold: f64,
    /// The best match of somebody who has a place; absent where there is nobody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best_match: Option<f64>,
    /// Fields of who seeks that weigh something and say nothing that others may see: what would count most first. None where a
    /// text says what is sought.
    pub missing_in_profile: Vec<String>,
    /// What those who may be found do not have.
    pub missing_in_pool: Vec<MissingInPool>,
}

/// Something that nobody has who may be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingInPool {
    /// What.
    pub because: Lack,
    /// The same in a sentence.
    pub text: String,
}

/// What a pool of mentors lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// There is no mentor who may be found.
    Mentors,
    /// None of those that there are matches the filter.
    Filter,
    /// Nobody has the profession that is aimed for.
    Profession,
    /// Nobody has any of the interests.
    Interests,
    /// Nobody states a language of theirs.
    Languages,
    /// Those who would do have no free place.
    Places,
}

/// The fields of who seeks, and the features that they can count by. Whom they know is asked of the community too.
type Field = (&'static str, fn(&Member) -> bool, &'static [Feature]);
const FIELDS: [Field; 15] = [
    (
        "aims_for",
        |member| member.aims_for.is_none(),
        &[Feature::Profession, Feature::ProfileSimilarity, Feature::WordsInCommon],
    ),
    ("friends", |member| member.friends.is_empty(), &[Feature::FriendsInCommon]),
    ("interests", |member| member.interests.is_empty(), &[Feature::SharedInterests, Feature::InterestSimilarity]),
    ("seeks", |member| member.seeks.is_none(), &[Feature::ProfileSimilarity, Feature::WordsInCommon]),
    ("facing", |member| member.facing.is_empty(), &[Feature::OvercameWhatIFace]),
    ("colleagues", |member| member.colleagues.is_empty(), &[Feature::ColleaguesInCommon]),
    ("education", |member| member.education.is_empty(), &[Feature::School, Feature::FieldOfStudy]),
    ("industry", |member| member.industry.is_none(), &[Feature::Industry]),
    ("employers", |member| member.employers.is_empty(), &[Feature::Employer]),
    ("groups", |member| member.groups.is_empty(), &[Feature::GroupsInCommon]),
    ("location", |member| member.location.is_none(), &[Feature::Distance]),
    ("years_experience", |member| member.years_experience.is_none(), &[Feature::ExperienceGap]),
    ("hometown", |member| member.hometown.is_none(), &[Feature::Hometown]),
    ("languages", |member| member.languages.is_empty(), &[Feature::Languages]),
    ("time_zone", |member| member.time_zone.is_none(), &[Feature::TimeZone]),
];

/// Places in [`FIELDS`] of those that say nothing in a record as others may see it.
pub(super) fn silent_fields(public: &Member) -> Vec<usize> {
    FIELDS.iter().enumerate().filter(|(_, (_, is_silent, _))| is_silent(public)).map(|(at, _)| at).collect()
}

impl Searcher {
    /// The match from which on a mentor is a good one for a query; nothing where it is not stated, or the query does not look
    /// for mentors by the weights that it was found for.
    fn good_match(&self, query: &Query) -> Option<f64> {
        let GoodMatch { member, text, profile } = self.config.programme.good_match;
        let usual = query.weights.is_empty() && !query.exchange && !query.filter.paused;
        let threshold = match &query.asked {
            Asked::Member(_) => member,
            Asked::Text(_) => text,
            Asked::Profile(_) => profile,
        };
        threshold.filter(|_| usual && query.role() == Some(Role::Mentor))
    }

    /// What an answer says that has no good mentor, by the match alone. `hits` were read; `others` were ranked after them. Whoever
    /// has no free place is a good mentor for nobody at the moment.
    pub(super) fn no_good_mentor(
        &self,
        query: &Query,
        seeker: &Seeker,
        hits: &[Hit],
        others: impl Iterator<Item = Ranked>,
    ) -> Result<Option<NoGoodMentor>, SearchError> {
        let Some(threshold) = self.good_match(query) else { return Ok(None) };
        let (mut best_match, mut full) = (None::<f64>, 0);
        let mut look = |match_: f64, id: &str| {
            let takes_nobody = self.view.slot(id).and_then(|slot| self.view.capacity(slot)) == Some(0);
            if takes_nobody || self.epoch.is_full(id) {
                full += usize::from(match_ >= threshold);
            } else {
                best_match = Some(best_match.map_or(match_, |best| best.max(match_)));
            }
        };
        hits.iter().for_each(|hit| look(hit.match_, &hit.member.id));
        others.for_each(|ranked| look(self.weights().match_of(&ranked.values), self.view.id(ranked.slot)));
        if best_match.is_some_and(|best| best >= threshold) {
            return Ok(None);
        }
        let text = match best_match {
            Some(best) => {
                // Never rounded up to what would be good.
                let best = (best * 1e3).floor() / 1e3;
                format!("No good mentor yet: the best match is {best:.3}, and one is good from {threshold} on")
            }
            None => {
                format!("No good mentor yet: nobody with a free place was found; a match is good from {threshold} on")
            }
        };
        Ok(Some(NoGoodMentor {
            text,
            threshold,
            best_match,
            missing_in_profile: missing_in_profile(seeker, self.weights()),
            missing_in_pool: self.missing_in_pool(query, seeker, full)?,
        }))
    }

    /// What the mentors who may be found do not have. Only they are looked at, by what they show: whoever is paused, blocked or
    /// not of age is not counted either way.
    fn missing_in_pool(&self, query: &Query, seeker: &Seeker, full: usize) -> Result<Vec<MissingInPool>, SearchError> {
        let allowed = self.allowed(query, seeker)?;
        let lack = |because, text: String| MissingInPool { because, text };
        if allowed.is_clear() {
            let anybody = Query { filter: Filter::default(), ..query.clone() };
            let mentors = self.allowed(&anybody, seeker)?.count_ones(..);
            return Ok(vec![match mentors {
                0 => lack(Lack::Mentors, "There is no mentor who may be found".into()),
                _ => lack(Lack::Filter, format!("None of {} matches the filter", count(mentors, "mentor"))),
            }]);
        }
        let nobody_has = |attribute, key: Key| !self.has(&allowed, attribute, key);
        let mut missing = Vec::new();
        // A clause of a text is no profession; one that is recognised is somebody's.
        let is_profession =
            |need: &&Need| !seeker.by_text || self.view.count_having(Attribute::Profession, need.key) > 0;
        let aims: Vec<&Need> = seeker.aims.iter().filter(is_profession).collect();
        if !aims.is_empty() && aims.iter().all(|need| nobody_has(Attribute::Profession, need.key)) {
            let said = said(&aims);
            missing.push(lack(Lack::Profession, format!("Nobody who may be found is of the profession {said}")));
        }
        let interests: Vec<&Need> = seeker.interests.iter().filter(|_| !seeker.by_text).collect();
        if !interests.is_empty() && interests.iter().all(|need| nobody_has(Attribute::Interest, need.key)) {
            missing
                .push(lack(Lack::Interests, format!("Nobody who may be found is interested in {}", said(&interests))));
        }
        let languages = &seeker.encoded.languages;
        if !languages.is_empty() && languages.iter().all(|key| nobody_has(Attribute::Language, *key)) {
            missing.push(lack(Lack::Languages, "Nobody who may be found states a language in common".into()));
        }
        if full > 0 {
            let would = count(full, "mentor");
            missing.push(lack(Lack::Places, format!("A good match, but without a free place at the moment: {would}")));
        }
        Ok(missing)
    }

    fn has(&self, allowed: &FixedBitSet, attribute: Attribute, key: Key) -> bool {
        self.view.having(attribute, key).any(|slot| allowed.contains(slot as usize))
    }
}

/// The fields that say nothing and weigh something, the heaviest first.
fn missing_in_profile(seeker: &Seeker, weights: &Weights) -> Vec<String> {
    let listed_by_others = |name: &str| match name {
        "friends" => !seeker.friends.is_empty(),
        "colleagues" => !seeker.colleagues.is_empty(),
        _ => false,
    };
    let silent = seeker.silent.iter().map(|at| &FIELDS[*at]).filter(|(name, ..)| !listed_by_others(name));
    let weigh = |features: &[Feature]| features.iter().map(|feature| weights.of(*feature)).sum::<f32>();
    let mut missing: Vec<(f32, &str)> = silent.map(|(name, _, features)| (weigh(features), *name)).collect();
    missing.retain(|(weight, _)| *weight > 0.0);
    missing.sort_by(|left, right| right.0.total_cmp(&left.0));
    missing.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// What is needed, in the words of who seeks.
fn said(needs: &[&Need]) -> String {
    let named: Vec<&str> = needs.iter().take(NAMED).map(|need| need.said.as_str()).collect();
    let more = needs.len() - named.len();
    if more > 0 { format!("{} or {more} more", named.join(", ")) } else { named.join(" or ") }
}
