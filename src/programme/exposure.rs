//! A budget of attention: nobody is shown and asked again and again while others with as many places are not.

use super::steering::adjustment;
use crate::search::Adjustment;

/// What a mentor got of the community's attention over some days, and the places they have left for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attention {
    /// How often they were among the first hits of an answer.
    pub shown: u64,
    /// How many asked them.
    pub requests: u64,
    /// Free places.
    pub places: u32,
}

/// What of each mentor's attention is over the budget, and costs them up to `most`; in the order of the mentors.
///
/// Attention is a mentor's part of all that was shown and their part of all requests, added up, by free places. The budget is the median of those who got any. Up to it
/// nothing is taken off; over it `most` times what is over it, as a part of what they got: half at twice the budget, and
/// never all.
pub fn over_budget(most: f64, mentors: &[Attention]) -> Vec<Option<Adjustment>> {
    let (shown, requests) =
        mentors.iter().fold((0, 0), |(shown, requests), mentor| (shown + mentor.shown, requests + mentor.requests));
    let part = |of: u64, all: u64| if all > 0 { of as f64 / all as f64 } else { 0.0 };
    let got = |mentor: &Attention| {
        (part(mentor.shown, shown) + part(mentor.requests, requests)) / f64::from(mentor.places.max(1))
    };
    let got: Vec<f64> = mentors.iter().map(got).collect();
    let mut sorted: Vec<f64> = got.iter().copied().filter(|got| *got > 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(budget) = sorted.get(sorted.len() / 2).copied() else { return vec![None; mentors.len()] };
    let over = |got: f64| {
        let text = "Is shown and asked more than most, for the places they have; others are found sooner";
        (got > budget).then(|| adjustment("exposure", -most * (1.0 - budget / got), text.into())).flatten()
    };
    got.into_iter().map(over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(mentors: &[Attention]) -> Vec<f64> {
        over_budget(0.1, mentors).into_iter().map(|over| over.map_or(0.0, |over| over.amount)).collect()
    }

    fn shown(shown: u64) -> Attention {
        Attention { shown, requests: 0, places: 1 }
    }

    #[test]
    fn what_is_over_the_median_costs_its_part_and_never_all_of_it() {
        assert_eq!(amounts(&[shown(10), shown(10), shown(10)]), [0.0; 3], "all alike");
        assert_eq!(amounts(&[shown(0), shown(5), shown(10), shown(20), shown(0)]), [0.0, 0.0, 0.0, -0.05, 0.0]);
        let amounts = amounts(&[shown(1), shown(1), shown(1_000_000)]);
        assert!(amounts[2] > -0.1 && amounts[2] < -0.0999, "{amounts:?}");
        assert_eq!(super::over_budget(0.1, &[]), []);
        assert_eq!(super::over_budget(0.1, &[shown(0)]), [None]);
    }

    #[test]
    fn places_share_the_attention_and_requests_are_attention_too() {
        let two = Attention { places: 2, ..shown(20) };
        assert_eq!(amounts(&[shown(10), shown(10), two]), [0.0; 3], "twice as often, for twice the places");
        let asked = Attention { requests: 4, ..shown(10) };
        let amounts = amounts(&[shown(10), shown(10), asked, shown(10)]);
        assert!(amounts[2] < -0.07 && amounts[0] == 0.0, "{amounts:?}");
    }
}
