//! Outside my circle: one dial from people like the seeker to people the seeker should know.
//!
//! The match stays what it is; an adjustment takes back the part of it that rests on one circle
//! ([`Feature::is_of_circle`]), as far as the dial says. Whoever shares nothing of the circle keeps their score, so the
//! higher the dial, the more of them are among the first, and never fewer.

use super::answer::{Adjustment, Contribution};
use super::explain::count;
use super::features::Comparison;
use super::weights::{Feature, Values, Weights, to_a_millionth};
use crate::index::Slot;
use crate::index::columns::Attribute;

/// How much less the circle counts: from 0, as much as ever, to 1, nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Dial(f64);

impl Dial {
    /// A setting; nothing where it is not in [0, 1].
    pub(super) fn new(setting: f64) -> Option<Dial> {
        (0.0..=1.0).contains(&setting).then_some(Dial(setting))
    }

    /// The match of these values, less what the dial takes off it.
    #[inline]
    pub(super) fn score(self, values: &Values, weights: &Weights) -> f64 {
        let match_ = weights.match_of(values);
        // Most searches leave the dial alone, and rank hundreds.
        if self.0 == 0.0 { match_ } else { to_a_millionth(match_ + self.amount(weights.circle_of(values))) }
    }

    /// What is added to a match of which so much rests on the circle: never above zero.
    fn amount(self, circle: f64) -> f64 {
        to_a_millionth(-self.0 * circle)
    }

    /// What is taken off a match for these contributions, and why; nothing where there is nothing to take off.
    pub(super) fn adjustment(
        self,
        comparison: &Comparison<'_>,
        slot: Slot,
        contributions: &[Contribution],
    ) -> Option<Adjustment> {
        let of_circle = || contributions.iter().filter(|contribution| contribution.feature.is_of_circle());
        let amount = self.amount(to_a_millionth(of_circle().map(|contribution| contribution.contribution).sum()));
        let shared: Vec<String> = of_circle().filter_map(|part| shared(part.feature, comparison, slot)).collect();
        let counted = match self.0 {
            1.0 => "Not counted".to_owned(),
            part => format!("Counted {} % less", (part * 1e4).round() / 1e2),
        };
        let text = format!("{counted}, since people outside your circle are sought: {}", shared.join(", "));
        (amount < 0.0).then(|| Adjustment { reason: "outside_circle".into(), amount, text })
    }
}

/// What two people share of a feature of the circle, in a few words.
fn shared(feature: Feature, comparison: &Comparison<'_>, slot: Slot) -> Option<String> {
    let encoded = &comparison.seeker.encoded;
    let in_common = |number: usize, noun: &str| format!("{} in common", count(number, noun));
    let values = |attribute, own, noun| in_common(comparison.shared(attribute, own, slot).count(), noun);
    Some(match feature {
        Feature::FriendsInCommon => in_common(comparison.friends_in_common(slot).count(), "friend"),
        Feature::ColleaguesInCommon => in_common(comparison.colleagues_in_common(slot).count(), "colleague"),
        Feature::GroupsInCommon => values(Attribute::Group, &encoded.groups, "group"),
        Feature::Employer => values(Attribute::Employer, &encoded.employers, "employer"),
        Feature::School => values(Attribute::School, &encoded.schools, "school"),
        Feature::Distance => "how near you live".into(),
        Feature::Hometown => "the same home town".into(),
        Feature::AlreadyFriend => "that you are friends".into(),
        Feature::AlreadyColleague => "that you are colleagues".into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_number_from_0_to_1() {
        for setting in [0.0, 0.25, 1.0] {
            assert_eq!(Dial::new(setting), Some(Dial(setting)));
        }
        for setting in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Dial::new(setting), None, "{setting}");
        }
    }

    #[test]
    fn the_circle_goes_and_the_need_stays() {
        let weights = Weights::default();
        let mut values: Values = [0.5; Feature::ALL.len()];
        values[Feature::Hometown as usize] = 0.0;
        let (whole, circle) = (weights.match_of(&values), weights.circle_of(&values));
        let of_circle = Feature::ALL.iter().filter(|feature| feature.is_of_circle());
        let weigh: f64 = of_circle.map(|feature| f64::from(values[*feature as usize] * weights.of(*feature))).sum();
        assert!(circle > 0.1 && circle < whole && (circle - weigh).abs() < 1e-5, "{circle} of {whole}, {weigh}");
        assert_eq!(Dial::default().score(&values, &weights), whole);
        assert_eq!(Dial(1.0).score(&values, &weights), to_a_millionth(whole - circle));
        let settings = [0.0, 0.1, 0.5, 0.9, 1.0];
        assert!(
            settings.map(|setting| Dial(setting).score(&values, &weights)).is_sorted_by(|left, right| left > right)
        );
        // Nothing of the circle, nothing taken off.
        for feature in Feature::ALL.iter().filter(|feature| feature.is_of_circle()) {
            values[*feature as usize] = 0.0;
        }
        assert!(settings.iter().all(|setting| Dial(*setting).score(&values, &weights) == weights.match_of(&values)));
    }
}
