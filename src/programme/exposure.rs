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
/// Attention is a mentor's part of all that was shown and their part of all requests, added up, by free places. The budget is
/// what each would have if attention were shared out evenly among the `places` that everybody together has left. Up to it nothing is
/// taken off; over it `most` times what is over it, as a part of what they got: half at twice the budget, and never all. Who has no
/// place has no budget either.
pub fn over_budget(most: f64, mentors: &[Attention], places: u64) -> Vec<Option<Adjustment>> {
    let all = |of: fn(&Attention) -> u64| mentors.iter().filter(|mentor| mentor.places > 0).map(of).sum::<u64>();
    let (shown, requests) = (all(|mentor| mentor.shown), all(|mentor| mentor.requests));
    let part = |of: u64, all: u64| if all > 0 { of as f64 / all as f64 } else { 0.0 };
    let budget = (part(shown, shown) + part(requests, requests)) / places.max(1) as f64;
    let over = |mentor: &Attention| {
        let got = (part(mentor.shown, shown) + part(mentor.requests, requests)) / f64::from(mentor.places);
        let text = "Is shown and asked more than most, for the places they have; others are found sooner";
        let is_over = mentor.places > 0 && got > budget;
        is_over.then(|| adjustment("exposure", -most * (1.0 - budget / got), text.into())).flatten()
    };
    mentors.iter().map(over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(mentors: &[Attention], places: u64) -> Vec<f64> {
        over_budget(0.1, mentors, places).into_iter().map(|over| over.map_or(0.0, |over| over.amount)).collect()
    }

    fn shown(shown: u64) -> Attention {
        Attention { shown, requests: 0, places: 1 }
    }

    #[test]
    fn what_is_over_an_even_share_costs_its_part_and_never_all_of_it() {
        assert_eq!(amounts(&[shown(10); 3], 3), [0.0; 3], "all alike");
        assert_eq!(amounts(&[shown(10); 10], 40), [-0.075; 10], "always the same ten, and thirty who wait");
        assert_eq!(amounts(&[shown(0), shown(10), shown(20), shown(10)], 4), [0.0, 0.0, -0.05, 0.0]);
        let amounts = amounts(&[shown(1), shown(1), shown(998)], 1_000);
        assert!(amounts[2] > -0.1 && amounts[2] < -0.0998, "{amounts:?}");
        assert_eq!(over_budget(0.1, &[], 0), []);
        assert_eq!(over_budget(0.1, &[shown(0), Attention { places: 0, ..shown(9) }], 1), [None, None]);
    }

    #[test]
    fn places_share_the_attention_and_requests_are_attention_too() {
        let two = Attention { places: 2, ..shown(20) };
        assert_eq!(amounts(&[shown(10), shown(10), two], 4), [0.0; 3], "twice as often, for twice the places");
        let asked = Attention { requests: 4, ..shown(10) };
        assert_eq!(amounts(&[shown(10), shown(10), asked, shown(10)], 4), [0.0, 0.0, -0.06, 0.0]);
    }
}
