//! The features of a match and what each weighs: one table an operator can read and change.

use serde::{Deserialize, Serialize};

/// The most that a feature can weigh.
pub(crate) const HEAVIEST: f32 = 1_000.0;

macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident $name:ident $default:literal,)*) => {
        /// One way in which a mentor suits a mentee. Its value is in [0, 1]; value times weight is its contribution.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
        }

        impl Feature {
            /// Every feature, in the order of the weights.
            pub const ALL: &'static [Feature] = &[$(Feature::$variant,)*];

            /// The name in answers and in the weights table.
            pub fn name(self) -> &'static str {
                match self {
                    $(Feature::$variant => stringify!($name),)*
                }
            }
        }

        /// What each feature weighs; none below zero.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Weights {
            $($(#[$doc])* pub $name: f32,)*
        }

        impl Default for Weights {
            fn default() -> Self {
                Weights { $($name: $default,)* }
            }
        }

        impl Weights {
            /// The weight of a feature.
            #[inline]
            pub fn of(&self, feature: Feature) -> f32 {
                match feature {
                    $(Feature::$variant => self.$name,)*
                }
            }

            /// The same weights but for one.
            pub fn with(mut self, feature: Feature, weight: f32) -> Weights {
                match feature {
                    $(Feature::$variant => self.$name = weight,)*
                }
                self
            }
        }
    };
}

features! {
    /// What the mentor is against what the mentee aims for.
    Profession profession 0.45,
    /// The mentor's profile as a whole against what the mentee looks for.
    ProfileSimilarity profile_similarity 0.14,
    /// The interests as a whole, one against the other.
    InterestSimilarity interest_similarity 0.10,
    /// Interests that are the same, or related by meaning.
    SharedInterests shared_interests 0.20,
    /// What the mentor overcame against what the mentee faces.
    OvercameWhatIFace overcame_what_i_face 0.08,
    /// The same industry, or a near one.
    Industry industry 0.04,
    /// A school in common; the rarer, the more.
    School school 0.02,
    /// A field of study in common; the rarer, the more.
    FieldOfStudy field_of_study 0.03,
    /// An employer in common; the rarer, the more.
    Employer employer 0.04,
    /// How near they live.
    Distance distance 0.02,
    /// The same home town.
    Hometown hometown 0.01,
    /// Languages in common; the rarer, the more.
    Languages languages 0.01,
    /// How few hours lie between their clocks.
    TimeZone time_zone 0.01,
    /// Friends in common (Adamic and Adar).
    FriendsInCommon friends_in_common 0.44,
    /// Colleagues in common (Adamic and Adar).
    ColleaguesInCommon colleagues_in_common 0.05,
    /// Groups in common; the rarer, the more.
    GroupsInCommon groups_in_common 0.04,
    /// Words in common (BM25).
    WordsInCommon words_in_common 0.10,
    /// How many years of experience the mentor is ahead.
    ExperienceGap experience_gap 0.02,
    /// They are friends already; counts only where known people are asked for.
    AlreadyFriend already_friend 0.10,
    /// They are colleagues already; counts only where known people are asked for.
    AlreadyColleague already_colleague 0.10,
}

impl Feature {
    /// The fields of a mentor's record that the feature looks at.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Feature::Profession => &["profession", "headline"],
            Feature::ProfileSimilarity => &["headline", "profession", "industry", "offers", "about"],
            Feature::InterestSimilarity | Feature::SharedInterests => &["interests"],
            Feature::OvercameWhatIFace => &["overcame"],
            Feature::Industry => &["industry"],
            Feature::School | Feature::FieldOfStudy => &["education"],
            Feature::Employer => &["employers"],
            Feature::Distance => &["location"],
            Feature::Hometown => &["hometown"],
            Feature::Languages => &["languages"],
            Feature::TimeZone => &["time_zone"],
            Feature::FriendsInCommon | Feature::AlreadyFriend => &["friends"],
            Feature::ColleaguesInCommon | Feature::AlreadyColleague => &["colleagues"],
            Feature::GroupsInCommon => &["groups"],
            Feature::WordsInCommon => {
                &["headline", "about", "profession", "industry", "offers", "interests", "employers", "education"]
            }
            Feature::ExperienceGap => &["years_experience"],
        }
    }

    /// Whether it says that two people move in one circle: that they know the same people, or that a house, a school or a
    /// place brought them together. That is what a search outside the circle discounts.
    ///
    /// Not of the circle is what somebody is looked for by: the profession, what is sought, faced and liked, in meaning and
    /// in words. Nor is what lets two strangers understand and meet one another: a field of study, an industry, languages,
    /// clocks.
    pub fn is_of_circle(self) -> bool {
        match self {
            Feature::FriendsInCommon
            | Feature::ColleaguesInCommon
            | Feature::GroupsInCommon
            | Feature::Employer
            | Feature::School
            | Feature::Distance
            | Feature::Hometown
            | Feature::AlreadyFriend
            | Feature::AlreadyColleague => true,
            Feature::Profession
            | Feature::ProfileSimilarity
            | Feature::InterestSimilarity
            | Feature::SharedInterests
            | Feature::OvercameWhatIFace
            | Feature::Industry
            | Feature::FieldOfStudy
            | Feature::Languages
            | Feature::TimeZone
            | Feature::WordsInCommon
            | Feature::ExperienceGap => false,
        }
    }
}

/// A value for each feature, in [0, 1] and in the order of [`Feature::ALL`].
pub type Values = [f32; Feature::ALL.len()];

impl Weights {
    /// The match of a candidate with these values: the sum of the contributions, each of which is rounded to a
    /// millionth.
    pub fn match_of(&self, values: &Values) -> f64 {
        self.sum_of(values, |_| true)
    }

    /// The part of a match that rests on one circle ([`Feature::is_of_circle`]).
    pub fn circle_of(&self, values: &Values) -> f64 {
        self.sum_of(values, |feature| feature.is_of_circle())
    }

    #[inline]
    fn sum_of(&self, values: &Values, counts: impl Fn(Feature) -> bool) -> f64 {
        // Of most features a candidate has nothing.
        let parts = Feature::ALL.iter().zip(values).filter(|(feature, value)| **value != 0.0 && counts(**feature));
        to_a_millionth(parts.fold(0.0, |sum, (feature, value)| sum + contribution(*value, self.of(*feature))))
    }

    /// Refuses what is no weight.
    ///
    /// # Errors
    /// The first weight that is negative or no number.
    pub fn check(&self) -> Result<(), String> {
        for feature in Feature::ALL {
            let weight = self.of(*feature);
            if !(0.0..=HEAVIEST).contains(&weight) {
                return Err(format!("weights.{} is {weight}; expected 0 to {HEAVIEST}", feature.name()));
            }
        }
        Ok(())
    }

    /// Eight hex digits that differ where weights or `options` differ: a part of an answer's state.
    pub fn hash(&self, options: &[u64]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(bytemuck::cast_slice(options));
        for feature in Feature::ALL {
            hasher.update(&self.of(*feature).to_le_bytes());
        }
        hasher.finalize().to_hex()[..8].to_owned()
    }
}

/// Value times weight, to a millionth, so that what is printed sums to what is printed.
pub(super) fn contribution(value: f32, weight: f32) -> f64 {
    to_a_millionth(f64::from(value) * f64::from(weight))
}

/// A score rounded to a millionth, halves away from zero.
#[inline]
pub(super) fn to_a_millionth(number: f64) -> f64 {
    // f64::round would be a function call, some thousand times a search. A score has far fewer than 2^53 millionths.
    let millionths = number * 1e6;
    let whole = millionths as i64 as f64;
    let away = if (millionths - whole).abs() >= 0.5 { 1f64.copysign(millionths) } else { 0.0 };
    (whole + away).copysign(millionths) / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_millionth_is_rounded_as_the_standard_library_rounds(score in -1e6f64..1e6, halves in -1_000_000i64..1_000_000) {
            for number in [score, halves as f64 / 2e6, 0.0, -0.0] {
                prop_assert_eq!(to_a_millionth(number).to_bits(), ((number * 1e6).round() / 1e6).to_bits());
            }
        }
    }

    #[test]
    fn profession_weighs_most_by_default() {
        let weights = Weights::default();
        for feature in Feature::ALL.iter().filter(|feature| **feature != Feature::Profession) {
            assert!(weights.of(*feature) < weights.profession, "{}", feature.name());
        }
    }
}
